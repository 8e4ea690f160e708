//! A value as an SQL expression that is the same value whatever the settings of the session are that reads it.

use crate::sqltext::literal;
use crate::value::buffer::{self, OutOfMemory};
use crate::value::encode::{iso, iso_date, iso_time};
use crate::value::native::Native;
use crate::value::{Decoded, PgType};

/// What the server makes of a converted cell; `None` where a text has no encoding.
pub fn native<'a>(pg_type: &PgType, decoded: Decoded<'a>) -> Option<Native<'a>> {
    Some(match (pg_type, decoded) {
        (_, Decoded::Null) => Native::Null,
        (_, Decoded::Uuid(bytes)) => Native::Uuid(bytes),
        (_, Decoded::Input(text)) => Native::Printed(text),
        (PgType::Bytea, Decoded::Varlena(bytes)) => Native::Bytes(bytes),
        (_, Decoded::Varlena(bytes)) => Native::Text(String::from_utf8(bytes.into_owned()).ok()?.into()),
        (PgType::Bool, Decoded::Word(word)) => Native::Bool(word != 0),
        (PgType::Float4, Decoded::Word(word)) => Native::Float(f32::from_bits(word as u32).into()),
        (PgType::Float8, Decoded::Word(word)) => Native::Float(f64::from_bits(word)),
        (PgType::Date, Decoded::Word(word)) => Native::Date(word as i64 as i32),
        (PgType::Time(_), Decoded::Word(word)) => Native::Time(word as i64),
        (PgType::Timestamp(_), Decoded::Word(word)) => Native::Timestamp(word as i64),
        (PgType::TimestampTz(_), Decoded::Word(word)) => Native::TimestampTz(word as i64),
        (_, Decoded::Word(word)) => Native::Integer(word as i64),
    })
}

/// The expression. `name` is the type as SQL names it in every session.
pub fn sql(value: &Native<'_>, base: &PgType, name: &str) -> Result<String, OutOfMemory> {
    let cast = |text: &str| format!("{}::{name}", literal(text));
    Ok(match value {
        Native::Null => "NULL".into(),
        Native::Bool(truth) => if *truth { "TRUE" } else { "FALSE" }.into(),
        Native::Integer(integer) => cast(&integer.to_string()),
        Native::Float(real) => cast(&float(*real, base)),
        Native::Text(text) => {
            buffer::afford(2 * text.len())?;
            cast(text)
        }
        Native::Bytes(bytes) => {
            let mut digits = String::from("\\x");
            buffer::afford(4 * bytes.len())?;
            buffer::append_hex(&mut digits, bytes)?;
            cast(&digits)
        }
        Native::Uuid(bytes) => cast(&uuid::Uuid::from_bytes(*bytes).hyphenated().to_string()),
        Native::Date(i32::MAX) | Native::Timestamp(i64::MAX) | Native::TimestampTz(i64::MAX) => {
            cast("infinity")
        }
        Native::Date(i32::MIN) | Native::Timestamp(i64::MIN) | Native::TimestampTz(i64::MIN) => {
            cast("-infinity")
        }
        Native::Date(day) => match iso_date(*day) {
            Ok(text) => cast(&text),
            Err(_) => format!("('2000-01-01'::date + ({day}))"),
        },
        Native::Time(time) => cast(&iso_time(*time)),
        Native::Timestamp(wall) => {
            iso(*wall).map_or_else(|_| format!("({})", far(*wall)), |text| cast(&text))
        }
        Native::TimestampTz(instant) => iso(*instant).map_or_else(
            |_| format!("(({}) AT TIME ZONE 'UTC')", far(*instant)),
            |text| cast(&(text + "+00")),
        ),
        Native::Printed(text) => {
            buffer::afford(2 * text.len())?;
            match base {
                // Its own input function reads what the locale writes.
                PgType::Money => format!("{}::numeric::{name}", literal(text)),
                PgType::Other(other) if other == "xml" => format!("xmlparse(CONTENT {})", literal(text)),
                _ => cast(text),
            }
        }
    })
}

fn float(real: f64, base: &PgType) -> String {
    match base {
        _ if real.is_nan() => "NaN".into(),
        _ if real.is_infinite() => if real > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        PgType::Float4 => format!("{:?}", real as f32),
        _ => format!("{real:?}"),
    }
}

/// A time in a year that no text of four digits has.
fn far(wall: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (days, time) = (wall.div_euclid(DAY), iso_time(wall.rem_euclid(DAY)));
    format!("'2000-01-01 00:00:00'::timestamp + '{days:+} days +{time}'::interval")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Cell, Decoder, Timezone};

    #[track_caller]
    fn check(pg_type: &str, cell: Cell<'_>, expected: &str) {
        let of = PgType::parse(pg_type);
        let decoded = Decoder::new(&of, None, &Timezone::UTC).decode(cell).unwrap();
        let value = native(&of, decoded).unwrap();
        assert_eq!(sql(&value, &of, pg_type).as_deref(), Ok(expected), "{pg_type} {cell:?}");
    }

    #[test]
    fn every_setting_reads_the_same() {
        for (pg_type, cell, expected) in [
            ("boolean", Cell::Text(b"off"), "FALSE"),
            ("integer", Cell::Integer(-7), "'-7'::integer"),
            ("real", Cell::Real(0.1), "'0.1'::real"),
            ("double precision", Cell::Real(-0.0), "'-0.0'::double precision"),
            ("double precision", Cell::Text(b"inf"), "'Infinity'::double precision"),
            ("numeric(8,2)", Cell::Real(1.5), "'1.5'::numeric(8,2)"),
            ("money", Cell::Text(b"$1,234.50"), "'1234.50'::numeric::money"),
            ("text", Cell::Text(b"it's \\n"), "E'it''s \\\\n'::text"),
            ("bytea", Cell::Blob(b"\x00\xff"), "E'\\\\x00ff'::bytea"),
            ("date", Cell::Text(b"2024-07-01"), "'2024-07-01'::date"),
            ("time", Cell::Text(b"10:00:00.5"), "'10:00:00.500000'::time"),
            ("timestamp", Cell::Text(b"2024-07-01 10:00"), "'2024-07-01 10:00:00'::timestamp"),
            ("timestamptz", Cell::Text(b"2024-07-01 10:00+02"), "'2024-07-01 08:00:00+00'::timestamptz"),
            ("uuid", Cell::Blob(&[1; 16]), "'01010101-0101-0101-0101-010101010101'::uuid"),
            ("jsonb", Cell::Text(b"{\"a\": 1}"), "'{\"a\": 1}'::jsonb"),
            ("text", Cell::Null, "NULL"),
        ] {
            check(pg_type, cell, expected);
        }
    }

    #[test]
    fn times_beyond_four_digits_are_counted() {
        let of = |value: Native<'_>, name: &str| sql(&value, &PgType::parse(name), name).unwrap();
        assert_eq!(of(Native::Date(-1_000_000), "date"), "('2000-01-01'::date + (-1000000))");
        assert_eq!(of(Native::Date(i32::MAX), "date"), "'infinity'::date");
        assert_eq!(
            of(Native::Timestamp(-86_400_000_000_000_001), "timestamp"),
            "('2000-01-01 00:00:00'::timestamp + '-1000001 days +23:59:59.999999'::interval)"
        );
        assert_eq!(of(Native::TimestampTz(i64::MIN), "timestamptz"), "'-infinity'::timestamptz");
    }
}
