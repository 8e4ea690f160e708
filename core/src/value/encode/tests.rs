use super::*;

const AFFINITIES: [Affinity; 5] =
    [Affinity::Integer, Affinity::Real, Affinity::Numeric, Affinity::Text, Affinity::Blob];

fn encode(
    pg_type: &str,
    format: Option<Format>,
    affinity: Affinity,
    value: &Native<'_>,
) -> Result<CellBuf<'static>, Refusal> {
    Encoder::new(&PgType::parse(pg_type), format, affinity, &Timezone::UTC)
        .encode(value)
        .map(|cell| cell.try_into_owned().unwrap())
}

fn samples() -> Vec<(&'static str, Vec<Native<'static>>)> {
    let text = |t: &'static str| Native::Text(t.into());
    let printed = |t: &'static str| Native::Printed(t.into());
    let moments =
        [0, 1, -1, 946_684_800_000_000, 250_000, -63_082_281_600_000_000, i64::MAX, i64::MIN, 1 << 60];
    vec![
        ("boolean", vec![Native::Bool(true), Native::Bool(false)]),
        ("bigint", [0, -1, i64::MIN, i64::MAX, (1 << 53) + 1].map(Native::Integer).to_vec()),
        ("smallint", vec![Native::Integer(-32768)]),
        (
            "double precision",
            [0.0, -0.0, 0.1, 0.1 + 0.2, 1e300, -5e-324, f64::INFINITY, f64::NEG_INFINITY, 9.3e18, f64::NAN]
                .map(Native::Float)
                .to_vec(),
        ),
        ("real", vec![Native::Float(0.5), Native::Float(f64::from(0.1f32))]),
        (
            "text",
            [
                "",
                "a",
                "12",
                "-0",
                "007",
                "1.0",
                "1e5",
                " 12 ",
                "1e999",
                "0x10",
                "9223372036854775808",
                "nan",
                "2024-01-01",
                ".",
            ]
            .map(text)
            .to_vec(),
        ),
        ("character varying(20)", vec![text("12"), text("1.50")]),
        ("character(5)", vec![text("ab   "), text("12   "), text("     ")]),
        ("bytea", vec![Native::Bytes(vec![].into()), Native::Bytes(vec![0, 255, 16, 1].into())]),
        ("uuid", vec![Native::Uuid([0x11; 16]), Native::Uuid([0; 16])]),
        ("date", [0, -1, -730_119, 2_921_939, 2_921_940, i32::MAX, i32::MIN].map(Native::Date).to_vec()),
        ("time without time zone", [0, 1, DAY - 1, DAY, 3_600_000_000].map(Native::Time).to_vec()),
        ("timestamp without time zone", moments.map(Native::Timestamp).to_vec()),
        ("timestamp with time zone", moments.map(Native::TimestampTz).to_vec()),
        (
            "numeric",
            [
                "0",
                "12.00",
                "1.5",
                "0.1",
                "123456789012345678901234567890",
                "0.12345678901234567890",
                "NaN",
                "1e3",
            ]
            .map(printed)
            .to_vec(),
        ),
        ("jsonb", vec![printed("{\"a\": 1}"), printed("12"), printed("1.0")]),
        ("interval", vec![printed("1 day 02:00:00"), printed("-00:00:01")]),
        ("integer[]", vec![printed("{1,2}")]),
        ("inet", vec![printed("10.0.0.1")]),
    ]
}

/// What is not refused is read back as it was, whatever the type, affinity, format and zone.
#[test]
fn what_is_written_is_read_back() {
    let mut kept = 0;
    for zone in ["UTC", "Europe/Berlin", "-03:30"].map(|z| Timezone::parse(z).unwrap()) {
        for (pg_type, values) in samples() {
            for format in [None].into_iter().chain(Format::ALL.map(Some)) {
                for affinity in AFFINITIES {
                    let encoder = Encoder::new(&PgType::parse(pg_type), format, affinity, &zone);
                    let decoder = Decoder::new(&PgType::parse(pg_type), format, &zone);
                    for value in &values {
                        let Ok(cell) = encoder.encode(value) else { continue };
                        let stored = affinity.stored(cell.as_cell());
                        let stored = stored.unwrap_or_else(|| panic!("{pg_type} {value:?} {affinity:?}"));
                        let read = decoder.decode(stored.as_cell());
                        let read = read.unwrap_or_else(|e| panic!("{pg_type} {format:?} {value:?}: {e}"));
                        assert!(
                            encoder.same(value, &read),
                            "{pg_type} {format:?} {affinity:?} {value:?} {read:?}"
                        );
                        kept += 1;
                    }
                }
            }
        }
    }
    assert!(kept > 5000, "{kept}");
}

/// These are not read back each time they are written.
#[test]
fn iso_texts_are_read_back_by_every_decoder_of_their_type() {
    let clocks = [0, 1, 250_000, 3_599_999_999, DAY / 2 + SECOND, DAY - 1];
    let zones = [Timezone::UTC, Timezone::parse("Europe/Berlin").unwrap()];
    for zone in &zones {
        for format in [None, Some(Format::Iso8601)] {
            let of = |name: &str| Decoder::new(&PgType::parse(name), format, zone);
            let [date, wall, instant] = ["date", "timestamp", "timestamptz"].map(of);
            for day in (-730_119..=2_921_939).step_by(11).chain([-730_119, 2_921_939]) {
                let read = |decoder: &Decoder, text: &str| match decoder.decode(Cell::Text(text.as_bytes())) {
                    Ok(Decoded::Word(word)) => word as i64,
                    other => panic!("{text}: {other:?}"),
                };
                let text = iso_date(day).unwrap();
                assert_eq!(read(&date, &text) as i32, day, "{text}");
                let time = i64::from(day) * DAY + clocks[day.unsigned_abs() as usize % clocks.len()];
                let text = iso(time).unwrap();
                assert_eq!(read(&wall, &text), time, "{text}");
                assert_eq!(read(&instant, &format!("{text}+00:00")), time, "{text}");
                for affinity in AFFINITIES {
                    let kept = affinity.stored(Cell::Text(text.as_bytes()));
                    assert_eq!(kept, Some(CellBuf::text(text.as_str())));
                }
            }
        }
    }
}

#[test]
fn stored_forms_are_the_usual_ones() {
    use Affinity::{Blob, Integer, Numeric, Real, Text};
    let noon = Native::TimestampTz(43_200_000_000);
    for (pg_type, format, affinity, value, cell) in [
        ("boolean", None, Numeric, Native::Bool(true), CellBuf::Integer(1)),
        ("timestamptz", None, Text, noon.clone(), CellBuf::text("2000-01-01 12:00:00+00:00")),
        ("timestamp", None, Numeric, Native::Timestamp(1), CellBuf::text("2000-01-01 00:00:00.000001")),
        ("timestamptz", Some(Format::UnixEpoch), Integer, noon.clone(), CellBuf::Integer(946_728_000)),
        ("timestamptz", Some(Format::UnixEpochMs), Integer, noon.clone(), CellBuf::Integer(946_728_000_000)),
        ("timestamptz", Some(Format::JulianDay), Real, noon, CellBuf::Real(2_451_545.0)),
        ("date", None, Text, Native::Date(59), CellBuf::text("2000-02-29")),
        ("time", Some(Format::Seconds), Integer, Native::Time(60_000_000), CellBuf::Integer(60)),
        ("uuid", None, Text, Native::Uuid([0xAB; 16]), CellBuf::text("abababab-abab-abab-abab-abababababab")),
        ("bytea", None, Blob, Native::Bytes(vec![1].into()), CellBuf::Blob(vec![1].into())),
        ("bytea", Some(Format::Base64), Text, Native::Bytes(b"fo".to_vec().into()), CellBuf::text("Zm8=")),
        ("char(5)", None, Text, Native::Text("ab   ".into()), CellBuf::text("ab")),
        ("numeric", None, Numeric, Native::Printed("12.00".into()), CellBuf::Integer(12)),
        ("numeric", None, Numeric, Native::Printed("1.50".into()), CellBuf::Real(1.5)),
        ("numeric", None, Text, Native::Printed("1.50".into()), CellBuf::text("1.50")),
        ("text", None, Integer, Native::Text("12".into()), CellBuf::text("12")),
    ] {
        assert_eq!(encode(pg_type, format, affinity, &value), Ok(cell), "{pg_type} {value:?}");
    }
}

#[test]
fn what_would_change_is_refused() {
    use Affinity::{Integer, Numeric, Real, Text};
    for (pg_type, format, affinity, value, refusal) in [
        ("double precision", None, Real, Native::Float(f64::NAN), Refusal::NotANumber),
        ("text", None, Integer, Native::Text("007".into()), Refusal::Changed(Integer)),
        ("text", None, Numeric, Native::Text("1.0".into()), Refusal::Changed(Numeric)),
        ("bigint", None, Real, Native::Integer((1 << 53) + 1), Refusal::Changed(Real)),
        (
            "timestamptz",
            Some(Format::UnixEpoch),
            Integer,
            Native::TimestampTz(1),
            Refusal::Inexact(Format::UnixEpoch),
        ),
        ("date", None, Text, Native::Date(i32::MAX), Refusal::Year),
        (
            "numeric",
            None,
            Numeric,
            Native::Printed("0.12345678901234567890".into()),
            Refusal::Changed(Numeric),
        ),
    ] {
        assert_eq!(encode(pg_type, format, affinity, &value), Err(refusal), "{pg_type} {value:?}");
    }
    assert_eq!(
        Refusal::Changed(Numeric).to_string(),
        "SQLite would change the value to fit the column's NUMERIC affinity"
    );
}
