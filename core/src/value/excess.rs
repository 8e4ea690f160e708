//! What a column cannot hold of a value: a fraction of a second beyond microseconds or the type's precision, digits beyond
//! `numeric(p,s)`, characters beyond `varchar(n)`. It is rounded or cut off only where the plan says so, and counted; in
//! arrays, ranges and composites, of each value in them.

use super::{Cell, Decoded, Decoder, InvalidValue, Kind, interval, number, signed, text, timetz};

/// What happens to the excess (`excess` in the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Excess {
    /// The value does not fit.
    #[default]
    Error,
    /// Times and numbers are rounded, half away from zero as PostgreSQL does.
    Round,
    /// Digits are cut off, and the ends of texts.
    Truncate,
}

impl Excess {
    /// `value` as a multiple of `unit`, both positive or not: PostgreSQL's `AdjustTimestampForTypmod`.
    pub(super) fn multiple(self, value: i128, unit: i128) -> Option<i128> {
        match self {
            _ if value % unit == 0 => Some(value / unit),
            Excess::Error => None,
            Excess::Round => Some((value + value.signum() * (unit / 2 + unit % 2)) / unit),
            Excess::Truncate => Some(value / unit),
        }
    }
}

/// A text of which the digits beyond microseconds are removed, and whether the first of them rounds up. `None` if there
/// are none.
pub(super) fn without_fine_digits(text: &[u8]) -> Option<(Vec<u8>, bool)> {
    let point = text.iter().position(|b| *b == b'.')?;
    let (kept, rest) = text.split_at_checked(point + 7)?;
    let beyond = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (beyond, rest) = rest.split_at(beyond);
    let up = beyond.first().is_some_and(|digit| *digit >= b'5');
    (!beyond.is_empty()).then(|| ([kept, rest].concat(), up))
}

impl Decoder {
    /// The value without its excess, after [`Decoder::decode`] has refused it; `None` where something else is wrong.
    pub fn decode_without<'a>(&self, cell: Cell<'a>, excess: Excess) -> Option<Decoded<'a>> {
        if excess == Excess::Error {
            return None;
        }
        match &self.kind {
            Kind::Timestamp(rule) => rule.timestamp_without(cell, excess).map(signed),
            Kind::TimestampTz(rule) => rule.timestamptz_without(cell, excess).map(signed),
            Kind::Time(rule) => rule.time_without(cell, excess).map(signed),
            Kind::TimeTz(rule) => {
                timetz::decode_without(cell, rule, excess).map(|t| Decoded::Input(t.into()))
            }
            Kind::Interval(format, precision) => {
                interval::decode_without(cell, *format, *precision, excess).map(Decoded::Input)
            }
            Kind::Numeric(Some(typmod)) => {
                number::numeric_without(cell, *typmod, excess).map(|t| Decoded::Input(t.into()))
            }
            Kind::NumericText(Some(typmod)) => {
                number::numeric_without(cell.as_text(), *typmod, excess).map(|t| Decoded::Input(t.into()))
            }
            Kind::Text(rule) => rule.shortened(cell, excess).map(|t| Decoded::Varlena(t.into())),
            Kind::Bpchar(Some(limit)) => {
                text::shortened(cell, *limit, excess).map(|t| Decoded::Input(t.into()))
            }
            Kind::Array(rule) => rule.without(excess).decode(cell).map(Decoded::Input),
            Kind::Made(rule) => rule.without(excess).decode(cell).map(Decoded::Input),
            _ => Err(InvalidValue::Inexact),
        }
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, PgType, Timezone};
    use super::*;

    /// As the strict decoder of the unlimited type reads the expected text.
    #[track_caller]
    fn check(pg_type: &str, format: Option<Format>, cell: Cell<'_>, excess: Excess, expected: Option<&str>) {
        let decoder = Decoder::new(&PgType::parse(pg_type), format, &Timezone::UTC);
        let wide = PgType::parse(pg_type.split('(').next().unwrap_or_default());
        let wide = Decoder::new(&wide, None, &Timezone::UTC);
        let found = decoder.decode_without(cell, excess);
        let expected = expected.map(|text| wide.decode(Cell::Text(text.as_bytes())).unwrap());
        assert!(decoder.decode(cell).is_err(), "{pg_type} {cell:?} fits");
        assert_eq!(found, expected, "{pg_type} {cell:?} {excess:?}");
    }

    #[test]
    fn the_excess_is_rounded_or_cut_off() {
        for (pg_type, text, rounded, cut) in [
            (
                "timestamp",
                "2024-05-01 10:11:12.123456789",
                "2024-05-01 10:11:12.123457",
                "2024-05-01 10:11:12.123456",
            ),
            ("timestamp", "1969-12-31 23:59:59.9999999", "1970-01-01 00:00:00", "1969-12-31 23:59:59.999999"),
            ("timestamp", "2024-05-01 10:11:12.000000001", "2024-05-01 10:11:12", "2024-05-01 10:11:12"),
            ("timestamp(3)", "2024-05-01 10:11:12.0004", "2024-05-01 10:11:12", "2024-05-01 10:11:12"),
            ("timestamp(0)", "1999-12-31 23:59:59.6", "2000-01-01 00:00:00", "1999-12-31 23:59:59"),
            (
                "timestamptz",
                "2020-07-12 10:11:12.1234567Z",
                "2020-07-12 10:11:12.123457Z",
                "2020-07-12 10:11:12.123456Z",
            ),
            ("time", "10:00:00.1234567", "10:00:00.123457", "10:00:00.123456"),
            ("time with time zone", "10:00:00.1234567+02", "10:00:00.123457+02", "10:00:00.123456+02"),
            ("interval", "1.02:03:04.1234567", "1.02:03:04.123457", "1.02:03:04.123456"),
            ("interval", "-00:00:59.9999999", "-00:01:00", "-00:00:59.999999"),
            ("interval", "00:00:00.0000004", "00:00:00", "00:00:00"),
            ("interval", "-P1DT2.0000006S", "-P1DT2.000001S", "-P1DT2S"),
        ] {
            check(pg_type, None, Cell::Text(text.as_bytes()), Excess::Round, Some(rounded));
            check(pg_type, None, Cell::Text(text.as_bytes()), Excess::Truncate, Some(cut));
        }
    }

    #[test]
    fn digits_and_characters_beyond_the_type_are_cut_off() {
        let (round, cut) = (Excess::Round, Excess::Truncate);
        let numeric = |cell, excess| {
            let decoder = Decoder::new(&PgType::parse("numeric(4,2)"), None, &Timezone::UTC);
            decoder.decode_without(cell, excess)
        };
        for (text, rounded, shortened) in [
            ("1.255", Some("0.126e1"), Some("0.125e1")),
            ("-9.999", Some("-0.1e2"), Some("-0.999e1")),
            ("0.004", Some("0"), Some("0")),
            ("0.005", Some("0.1e-1"), Some("0")),
            ("99.999", None, Some("0.9999e2")),
            ("123.45", None, None),
            ("x", None, None),
        ] {
            let input = |text: &str| Decoded::Input(text.to_owned().into());
            let cell = Cell::Text(text.as_bytes());
            assert_eq!(
                (numeric(cell, round), numeric(cell, cut)),
                (rounded.map(input), shortened.map(input)),
                "{text}"
            );
        }
        assert_eq!(numeric(Cell::Real(0.125), round), Some(Decoded::Input("0.13e0".into())));
        check("varchar(2)", None, Cell::Text("äöü".as_bytes()), cut, Some("äö"));
        let char = Decoder::new(&PgType::parse("char(2)"), None, &Timezone::UTC);
        assert_eq!(char.decode_without(Cell::Text(b"abc"), cut), Some(Decoded::Input("ab".into())));
        check("varchar(2)", None, Cell::Text(b"abc"), round, None);
        check("varchar(2)", None, Cell::Integer(123), cut, None);
    }

    #[test]
    fn each_value_in_a_container_loses_its_excess() {
        let without = |pg_type: &str, text: &str, excess| {
            let decoder = Decoder::new(&PgType::parse(pg_type), None, &Timezone::UTC);
            assert!(decoder.decode(Cell::Text(text.as_bytes())).is_err(), "{pg_type} {text}");
            match decoder.decode_without(Cell::Text(text.as_bytes()), excess) {
                Some(Decoded::Input(text)) => Some(text.into_owned()),
                other => other.map(|other| format!("{other:?}")),
            }
        };
        let (round, cut) = (Excess::Round, Excess::Truncate);
        for (pg_type, text, excess, expected) in [
            ("numeric(4,1)[]", "[1.25, 2, null]", round, Some("{0.13e1,2,NULL}")),
            ("numeric(4,1)[]", "{1.25,2.1}", cut, Some("{0.12e1,2.1}")),
            ("numeric(4,1)[]", "[1.25, \"x\"]", round, None),
            ("numeric(4,1)[]", "[12345]", round, None),
            ("varchar(2)[]", "[\"abc\", \"d\"]", cut, Some("{ab,d}")),
            ("varchar(2)[]", "[\"abc\"]", round, None),
            ("timestamp(0)[]", "[[\"2024-01-02 03:04:05.5\"]]", round, Some("{{\"2024-01-02 03:04:06\"}}")),
            (
                "tsrange",
                "[2024-01-02 03:04:05.1234567,2024-01-02 03:04:06)",
                round,
                Some("[\"2024-01-02 03:04:05.123457\",\"2024-01-02 03:04:06\")"),
            ),
            ("tsrange", "[2024-01-02 03:04:05.1234567,)", cut, Some("[\"2024-01-02 03:04:05.123456\",)")),
            // It would be empty.
            ("tsrange", "[2024-01-02 03:04:05.1234567,2024-01-02 03:04:05.1234568)", round, None),
            (
                "tsrange",
                "[2024-01-02 03:04:05.1234567,2024-01-02 03:04:05.1234568]",
                cut,
                Some("[\"2024-01-02 03:04:05.123456\",\"2024-01-02 03:04:05.123456\"]"),
            ),
            (
                "tsmultirange",
                "{[2024-01-02 03:04:05.1234567,2024-01-02 03:04:06), (2024-01-03,)}",
                cut,
                Some("{[\"2024-01-02 03:04:05.123456\",\"2024-01-02 03:04:06\"),(\"2024-01-03 00:00:00\",)}"),
            ),
        ] {
            assert_eq!(without(pg_type, text, excess).as_deref(), expected, "{pg_type} {text} {excess:?}");
        }
    }

    #[test]
    fn numbers_are_rounded_in_their_unit() {
        let ns = Some(Format::UnixEpochNs);
        check(
            "timestamptz",
            ns,
            Cell::Integer(1_719_828_000_000_000_500),
            Excess::Round,
            Some("2024-07-01 10:00:00.000001Z"),
        );
        check(
            "timestamptz",
            ns,
            Cell::Integer(1_719_828_000_000_000_999),
            Excess::Truncate,
            Some("2024-07-01 10:00:00Z"),
        );
        let ms = Some(Format::UnixEpochMs);
        check(
            "timestamptz(0)",
            ms,
            Cell::Integer(1_719_828_000_500),
            Excess::Round,
            Some("2024-07-01 10:00:01Z"),
        );
    }

    #[test]
    fn a_time_of_day_before_all_times_is_out_of_range() {
        let decoder = Decoder::new(&PgType::TIME, Some(Format::Microseconds), &Timezone::UTC);
        for excess in [Excess::Round, Excess::Truncate] {
            assert_eq!(decoder.decode_without(Cell::Integer(i64::MIN), excess), None);
        }
        let step = Decoder::new(&PgType::Time(0), Some(Format::Microseconds), &Timezone::UTC);
        assert_eq!(step.decode_without(Cell::Integer(i64::MIN), Excess::Truncate), None);
    }

    #[test]
    fn what_is_wrong_otherwise_stays_wrong() {
        for (pg_type, cell) in [
            ("timestamp", Cell::Text(b"2024-02-30 10:00:00.1234567")),
            ("timestamp", Cell::Text(b"")),
            ("time", Cell::Text(b"2024-05-01 10:00:00.1234567")),
            ("interval", Cell::Text(b"1.5 days")),
            ("interval day", Cell::Text(b"10:00:00")),
            ("varchar(2)", Cell::Text(b"ab\0")),
            ("integer", Cell::Real(1.5)),
            // Bytes are the text of a number only by the format.
            ("numeric(6,2)", Cell::Blob(b"1.255")),
        ] {
            for excess in [Excess::Round, Excess::Truncate] {
                let decoder = Decoder::new(&PgType::parse(pg_type), None, &Timezone::UTC);
                assert_eq!(decoder.decode_without(cell, excess), None, "{pg_type} {cell:?}");
            }
        }
    }
}
