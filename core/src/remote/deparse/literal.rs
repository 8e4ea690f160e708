//! Constants in SQLite's words, to the last bit. Pure.

use crate::remote::canonical;
use crate::sqltext::sqlite_literal;
use crate::value::CellBuf;
use crate::value::native::Native;

/// The constant in canonical form.
pub fn literal(value: &Native<'_>) -> String {
    canonical::encode(value).map_or_else(|| "pg_unshippable()".to_owned(), |cell| cell_literal(&cell))
}

pub fn cell_literal(cell: &CellBuf<'_>) -> String {
    match cell {
        CellBuf::Null => "NULL".to_owned(),
        // Negative ones in parentheses: two minus signs begin a comment. The smallest bigint has no literal.
        CellBuf::Integer(i64::MIN) => format!("(-{} - 1)", i64::MAX),
        CellBuf::Integer(i @ 0..) => i.to_string(),
        CellBuf::Integer(i) => format!("({i})"),
        CellBuf::Real(r) => real(*r),
        CellBuf::Text(text) => sqlite_literal(text),
        CellBuf::Blob(bytes) => format!("x'{}'", canonical::hex(bytes)),
    }
}

/// SQLite reads up to 15 digits with a small exponent exactly; beyond that it may miss the last bit.
fn real(value: f64) -> String {
    let text = canonical::float_text(value);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if value == f64::INFINITY {
        "9e999".to_owned()
    } else if value == f64::NEG_INFINITY {
        "(-9e999)".to_owned()
    } else if text.contains(['e', 'E']) || digits > 15 || value == 0.0 && value.is_sign_negative() {
        format!("pg_float8({})", sqlite_literal(&text))
    } else if value < 0.0 {
        format!("({text})")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_exact() {
        for (value, sql) in [
            (Native::Null, "NULL"),
            (Native::Bool(true), "1"),
            (Native::Integer(-5), "(-5)"),
            (Native::Integer(i64::MIN), "(-9223372036854775807 - 1)"),
            (Native::Float(1.5), "1.5"),
            (Native::Float(-2.0), "(-2.0)"),
            (Native::Float(0.1 + 0.2), "pg_float8('0.30000000000000004')"),
            (Native::Float(1e300), "pg_float8('1e300')"),
            (Native::Float(f64::NAN), "'NaN'"),
            (Native::Float(f64::INFINITY), "9e999"),
            (Native::Float(-0.0), "pg_float8('-0.0')"),
            (Native::Text("it's \\".into()), "'it''s \\'"),
            (Native::Bytes(vec![0, 255].into()), "x'00ff'"),
            (Native::Uuid([0xAB; 16]), "'abababab-abab-abab-abab-abababababab'"),
            (Native::Date(-1), "(-1)"),
        ] {
            assert_eq!(literal(&value), sql);
        }
    }
}
