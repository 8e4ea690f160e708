//! How large a number can be, so that nothing is translated which PostgreSQL may refuse to compute. Pure.
//!
//! SQLite continues with a REAL where an integer overflows, with infinity or zero where a real does, and with the nearest
//! integer where a CAST does; PostgreSQL raises an error. What is stored bounds the columns (`ScopeColumn::size`);
//! without a complete profile nothing does.

use super::node::{Node, Result, refuse};
use crate::types::textform::TextFormat;
use crate::types::{ColumnProfile, TypeClass};

/// Bounds of the values that are not NULL, as doubles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    pub low: f64,
    pub high: f64,
    /// The smallest magnitude other than zero; zero if it is not known.
    pub tiny: f64,
}

/// Below the largest bigint, since doubles near it are more than one apart.
const BIGINT: f64 = 9.2e18;
/// Within the range of doubles.
const LARGEST: f64 = 1e308;
const SMALLEST: f64 = 1e-300;

impl Size {
    /// Of a program's values, about which nothing is known: the program is translated on the assumption that nothing it
    /// computes is out of range.
    pub(super) const ASSUMED: Size = Size { low: f64::NAN, high: f64::NAN, tiny: 1.0 };

    pub const UNKNOWN: Size = Size { low: f64::NEG_INFINITY, high: f64::INFINITY, tiny: 0.0 };

    /// Of a column of numbers with these stored values.
    pub fn of(profile: &ColumnProfile) -> Size {
        let texts = [TextFormat::Integer, TextFormat::Decimal].map(|form| profile.text.count(form));
        let others = profile.real.nan + profile.blobs + profile.texts - texts.iter().sum::<u64>();
        if others > 0 || !profile.aside.is_empty() {
            return Size::UNKNOWN;
        }
        let number = &profile.number;
        // Without a number, and for zeros, nothing is larger than zero.
        Size { low: number.low.min(0.0), high: number.high.max(0.0), tiny: number.tiny.min(1.0) }
    }

    pub(super) fn integers(low: f64, high: f64) -> Size {
        Size { low, high, tiny: 1.0 }
    }

    pub(super) fn constant(value: f64) -> Size {
        Size { low: value, high: value, tiny: if value == 0.0 { 1.0 } else { value.abs() } }
    }

    pub(super) fn is_assumed(self) -> bool {
        self.low.is_nan() || self.high.is_nan()
    }

    fn huge(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }

    pub(super) fn hull(self, other: Size) -> Size {
        if self.is_assumed() || other.is_assumed() {
            return Size::ASSUMED;
        }
        Size {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            tiny: self.tiny.min(other.tiny),
        }
    }

    pub(super) fn negated(self) -> Size {
        Size { low: -self.high, high: -self.low, tiny: self.tiny }
    }

    pub(super) fn magnitude(self) -> Size {
        Size { low: 0.0, high: self.huge(), tiny: self.tiny }
    }

    /// Whether all values are within a signed integer of so many bits.
    pub(super) fn fits(self, bits: u8) -> bool {
        if self.is_assumed() {
            return bits >= 64;
        }
        let limit = match bits {
            16 => f64::from(i16::MAX),
            32 => f64::from(i32::MAX),
            _ => BIGINT,
        };
        self.huge() <= limit
    }

    pub(super) fn within(self, low: f64, high: f64) -> bool {
        low <= self.low && self.high <= high
    }
}

/// The size of `l op r`, which is exact up to rounding; `op` is one of `+ - * /`.
fn combined(l: Size, op: &str, r: Size) -> Size {
    if l.is_assumed() || r.is_assumed() {
        return Size::ASSUMED;
    }
    let from = |values: [f64; 4], tiny: f64| {
        let known = values.iter().all(|v| v.is_finite());
        let low = values.into_iter().fold(f64::INFINITY, f64::min);
        let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max);
        if known { Size { low, high, tiny } } else { Size::UNKNOWN }
    };
    match op {
        // Doubles are multiples of the last digit of the smallest one, and so is their sum.
        "+" | "-" => {
            let r = if op == "-" { r.negated() } else { r };
            let (low, high) = (l.low + r.low, l.high + r.high);
            from([low, low, high, high], l.tiny.min(r.tiny) * 1e-16)
        }
        "*" => {
            let products = [l.low * r.low, l.low * r.high, l.high * r.low, l.high * r.high];
            from(products, l.tiny * r.tiny)
        }
        _ => {
            let high = l.huge() / r.tiny;
            from([-high, -high, high, high], l.tiny / r.huge().max(1.0))
        }
    }
}

/// The left operand and the size of `l op r` over integers. The operand is cast where PostgreSQL would compute with
/// fewer bits than the result needs; a result that may not be a bigint is refused.
pub(super) fn of_integers(l: &Node, op: &str, r: &Node) -> Result<(Node, Size)> {
    let size = Size { tiny: 1.0, ..combined(l.size, op, r.size) };
    let bits = l.bits.max(r.bits);
    if size.fits(bits) {
        return Ok((l.clone(), size));
    }
    if !size.fits(64) {
        return refuse(format!("the result of {op} can be out of range for bigint"));
    }
    Ok((l.cast("bigint", TypeClass::Integer), size))
}

/// The size of `l op r` over doubles. A result that may be infinite, or that may become zero, is refused.
pub(super) fn of_reals(l: &Node, op: &str, r: &Node) -> Result<Size> {
    let size = combined(l.size, op, r.size);
    // A product is not smaller than a factor if the other is at least one, and so with a quotient.
    let shrinks = match op {
        "*" => l.size.tiny < 1.0 && r.size.tiny < 1.0 && size.tiny < SMALLEST,
        "/" => r.size.huge() > 1.0 && size.tiny < SMALLEST,
        _ => false,
    };
    if size.huge() > LARGEST || shrinks {
        return refuse(format!("the result of {op} can be out of range for double precision"));
    }
    Ok(size)
}

/// `of_integers` of an operator with one operand.
pub(super) fn of_integer(x: &Node, op: &str, size: Size) -> Result<Node> {
    if size.fits(x.bits) {
        return Ok(x.clone());
    }
    if !size.fits(64) {
        return refuse(format!("the result of {op} can be out of range for bigint"));
    }
    Ok(x.cast("bigint", TypeClass::Integer))
}

#[cfg(test)]
mod tests {
    use super::Size;
    use crate::translate::{Scope, ScopeColumn, expression, generated};
    use crate::value::{PgType, Timezone};

    /// A column of these types with numbers between the bounds: what may be computed of it.
    #[test]
    fn what_postgresql_may_refuse_to_compute_is_not_translated() {
        const MAX: f64 = i64::MAX as f64;
        let column = |source: &str, pg_type: &str, size| ScopeColumn {
            source: source.into(),
            target: source.into(),
            pg_type: PgType::parse(pg_type),
            format: None,
            collation: crate::translate::Collation::Binary,
            read_as_text: false,
            size,
        };
        let number = |low, high, tiny| Size { low, high, tiny };
        let columns = vec![
            column("few", "bigint", number(0.0, 100.0, 1.0)),
            column("most", "bigint", number(0.0, MAX, 1.0)),
            column("least", "bigint", number(-MAX, 5.0, 1.0)),
            column("unknown", "bigint", Size::UNKNOWN),
            column("int2", "smallint", number(0.0, 300.0, 1.0)),
            column("int4", "integer", number(0.0, 2e9, 1.0)),
            column("real", "double precision", number(-1e10, 1e10, 1e-10)),
            column("huge", "double precision", number(0.0, 1e200, 1.0)),
            column("tiny", "double precision", number(0.0, 1.0, 1e-200)),
            column("t", "text", Size::UNKNOWN),
        ];
        let scope = Scope { columns, timezone: Timezone::UTC };
        let bigint = |op: &str| Err(format!("the result of {op} can be out of range for bigint"));
        let double = |op: &str| Err(format!("the result of {op} can be out of range for double precision"));
        let mut wrong = vec![];
        for (sql, expected) in [
            ("few + 1", Ok("few + 1")),
            ("most", Ok("most")),
            ("most + 1", bigint("+")),
            ("most - 1", bigint("-")),
            ("(most + 1) > 0", bigint("+")),
            ("most / 2", Ok("most / 2")),
            ("least / few", bigint("/")),
            ("- least", bigint("-")),
            ("abs(least)", bigint("abs()")),
            ("unknown * 2", bigint("*")),
            ("few * few * few", Ok("(few * few) * few")),
            ("most * few", bigint("*")),
            ("most % 7 + 1", bigint("+")),
            ("most & 255", Ok("most & 255")),
            ("coalesce(most, 0) + 1", bigint("+")),
            ("CASE WHEN few = 1 THEN most ELSE 0 END + 1", bigint("+")),
            ("min(few, 7) * 1000", Ok("(CASE WHEN few IS NOT NULL THEN least(few, 7) END) * 1000")),
            ("length(t) * 2", Ok("length(t) * 2")),
            ("length(t) * 1000", Ok("length(t)::bigint * 1000")),
            ("int2 + int2", Ok("int2 + int2")),
            ("int2 * int2", Ok("int2::bigint * int2")),
            ("int2 * 1000", Ok("int2 * 1000")),
            ("int4 + 1", Ok("int4 + 1")),
            ("int4 + int4", Ok("int4::bigint + int4")),
            ("- int4", Ok("- int4")),
            ("real * 2.5", Ok("real * 2.5::double precision")),
            ("huge * huge", double("*")),
            ("huge + huge", Ok("huge + huge")),
            ("tiny * tiny", double("*")),
            ("tiny * 0.5", Ok("tiny * 0.5::double precision")),
            ("tiny * huge", Ok("tiny * huge")),
            ("real / tiny", Ok("real / nullif(tiny, 0)")),
            ("huge / tiny", double("/")),
            ("unknown * 0.5", double("*")),
            ("CAST(real AS INTEGER)", Ok("trunc(real)::bigint")),
            ("CAST(huge AS INTEGER)", bigint("CAST")),
            (
                "datetime(few, 'unixepoch')",
                Ok("date_trunc('second', (to_timestamp(few::double precision) AT TIME ZONE 'UTC'))"),
            ),
            (
                "datetime(most, 'unixepoch')",
                Err("a date function over numbers that can be out of range for a time".into()),
            ),
            ("substr(t, most)", Err("substr() from a place that can be out of range".into())),
            ("substr(t, 1, least)", Err("substr() with a length that can be out of range".into())),
        ] {
            let got = expression(sql, &scope).map(|t| t.sql.replace('"', "")).map_err(|e| e.reason);
            wrong.extend((got != expected.map(str::to_string)).then(|| format!("{sql}: {got:?}")));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for (pg_type, sql, fits) in [
            ("smallint", "few * 300", true),
            ("smallint", "few * 400", false),
            ("integer", "few * 20000000", true),
            ("integer", "few * 30000000", false),
            ("real", "real * 1.0", true),
            ("real", "huge * 1.0", false),
            ("double precision", "huge * 1.0", true),
        ] {
            let got = generated(sql, &scope, &PgType::parse(pg_type), None);
            assert_eq!(got.is_ok(), fits, "{sql} as {pg_type}: {got:?}");
        }
    }
}
