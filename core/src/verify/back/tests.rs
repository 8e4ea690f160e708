//! The loader converts, [`Way`] turns round: every cell that a type takes has to come back, and no other value may.

use xxhash_rust::xxh3::Xxh3;

use super::*;
use crate::value::encoding::{Nul, TextEncoding};
use crate::value::{Decoded, Decoder, Timezone};

fn column(pg_type: &str, format: Option<Format>) -> LoadColumn {
    LoadColumn {
        source: "c".into(),
        target: "c".into(),
        pg_type: PgType::parse(pg_type),
        format,
        not_null: false,
        on_invalid: OnInvalid::Error,
        null_values: ValueList::default(),
        words: Words::default(),
        texts: TextReading::default(),
        default: None,
        excess: Excess::Error,
        scale: None,
        srids: None,
    }
}

pub(crate) fn way_of(column: &LoadColumn, zone: &str) -> Way {
    Way::new(column, &column.pg_type, zone, Facts::default()).unwrap()
}

fn way(pg_type: &str) -> Way {
    way_of(&column(pg_type, None), "UTC")
}

/// What the server holds of a value that the loader has converted; `numeric`, `jsonb` and the like as they are printed.
pub(crate) fn native(pg_type: &PgType, decoded: Decoded<'_>) -> Native<'static> {
    let native = match (pg_type, decoded) {
        (_, Decoded::Null) => Native::Null,
        (PgType::Bool, Decoded::Word(word)) => Native::Bool(word != 0),
        (PgType::Int2 | PgType::Int4 | PgType::Int8, Decoded::Word(word)) => Native::Integer(word as i64),
        (PgType::Float4, Decoded::Word(word)) => Native::Float(f32::from_bits(word as u32).into()),
        (PgType::Float8, Decoded::Word(word)) => Native::Float(f64::from_bits(word)),
        (PgType::Date, Decoded::Word(word)) => Native::Date(word as i64 as i32),
        (PgType::Time(_), Decoded::Word(word)) => Native::Time(word as i64),
        (PgType::Timestamp(_), Decoded::Word(word)) => Native::Timestamp(word as i64),
        (PgType::TimestampTz(_), Decoded::Word(word)) => Native::TimestampTz(word as i64),
        (PgType::Bytea, Decoded::Varlena(bytes)) => Native::Bytes(bytes),
        (_, Decoded::Varlena(bytes)) => Native::Text(String::from_utf8(bytes.into_owned()).unwrap().into()),
        (PgType::Uuid | PgType::Text, Decoded::Uuid(bytes)) => Native::Uuid(bytes),
        (PgType::Bpchar(_), Decoded::Input(text)) => Native::Text(text),
        (_, Decoded::Input(text)) => Native::Printed(text),
        (pg_type, other) => panic!("{pg_type:?} {other:?}"),
    };
    native.into_owned()
}

const TYPES: [&str; 30] = [
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "numeric(6,2)",
    "money",
    "text",
    "varchar(5)",
    "char(5)",
    "bytea",
    "date",
    "time",
    "time(3)",
    "time with time zone",
    "timestamp",
    "timestamp(0)",
    "timestamp with time zone",
    "timestamp(3) with time zone",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "text[]",
    "inet",
    "int4range",
    "xml",
    "public.state",
];

/// Types that a format matters to.
const FORMATTED: [&str; 8] =
    ["bigint", "numeric(", "bytea", "date", "time", "timestamp", "interval", "text["];

pub(crate) fn cells() -> Vec<Cell<'static>> {
    let integers = [
        0,
        1,
        -1,
        2,
        255,
        32_767,
        32_768,
        86_399,
        -86_400,
        2_147_483_648,
        1_719_828_000,
        1_719_828_000_250,
        1 << 53,
        (1 << 53) + 1,
        1_719_828_000_250_000,
        1_719_828_000_250_000_000,
        13_364_301_600_250_000,
        741_520_800,
        2_460_493,
        i64::MAX,
        i64::MIN,
    ];
    let reals = [
        0.0,
        -0.0,
        1.0,
        0.5,
        0.1,
        -1.5,
        12.34,
        1e20,
        1e-7,
        1_719_828_000.25,
        1_719_828_000.123_456_7,
        2_460_492.916_669_56,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        5e-324,
        0.1 + 0.2,
    ];
    let texts = [
        "",
        " ",
        "0",
        "1",
        "-1",
        "1.0",
        "1.50",
        "+1",
        "01",
        "1e3",
        "0.1",
        "0.5",
        "12.345",
        "123456",
        "NaN",
        "inf",
        "-Infinity",
        "$1,234.50",
        "t",
        "TRUE",
        "off",
        "ye",
        "a",
        "abcde",
        "abcdef",
        "äöü",
        "a ",
        "abcd ",
        "e\u{301}",
        "é",
        "00ff",
        "YQ==",
        "hello world",
        "2024-07-01",
        "2024-07-01 10:00:00",
        "2024-07-01T10:00:00.25Z",
        "2024-07-01 12:00:00+02:00",
        "2024-07-01 10:00:00.1234567",
        "2024-03-31 02:30:00",
        "2024-10-27 02:30:00",
        "2024-07-01 00:00:00",
        "0001-01-01",
        "9999-12-31 23:59:59.999999",
        "2024-02-30",
        "24:00:00",
        "10:00",
        "10:00:00.5",
        "10:00+02",
        "2000-01-01 10:00:00",
        "1970-01-01T10:00:00Z",
        "23:59:59.9999",
        "1719828000",
        "1719828000.25",
        "1.02:03:04",
        "P1DT2H3M4.5S",
        "1 day, 2:03:04",
        "-1 days +02:03:04",
        "1 year 2 mons",
        "26:03:04",
        "-PT0.5S",
        "1 month",
        "3 hours",
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400E29B41D4A716446655440000",
        "{550e8400-e29b-41d4-a716-446655440000}",
        "{\"a\":1}",
        "{ \"b\" : 2, \"a\" : [1.0, null] }",
        "[\"x\",\"y\"]",
        "null",
        "\"\\u00e4\"",
        "{\"a\":1,\"a\":2}",
        "10.0.0.1",
        "[1,7)",
    ];
    let blobs: [&[u8]; 5] = [b"", b"1", b"\x00\xff", b"550e8400e29b41d4", b"{\"a\":1}"];
    std::iter::once(Cell::Null)
        .chain(integers.map(Cell::Integer))
        .chain(reals.map(Cell::Real))
        .chain(texts.map(|text| Cell::Text(text.as_bytes())))
        .chain([Cell::Text(b"a\0b"), Cell::Text(b"\xe4"), Cell::Text(b"\0")])
        .chain(blobs.map(Cell::Blob))
        .collect()
}

/// Every plan that a column may have here.
pub(crate) fn columns() -> Vec<LoadColumn> {
    let formats = std::iter::once(None).chain(Format::ALL.map(Some));
    let list = |texts: &[&str]| ValueList::new(texts.iter().map(|text| text.to_string()));
    formats
        .flat_map(|format| TYPES.map(|pg_type| column(pg_type, format)))
        .filter(|column| {
            column.format.is_none()
                || FORMATTED.iter().any(|name| column.pg_type.to_string().starts_with(name))
        })
        .flat_map(|plain| {
            let latin1 = TextEncoding::parse("latin1");
            let texts = TextReading { encoding: latin1, nul: Nul::Strip, of_bytes: false };
            let words = Words { truths: list(&["ye", "2"]), falsehoods: list(&["", "1"]) };
            [plain.clone(), LoadColumn { texts, words, ..plain }]
        })
        .collect()
}

#[test]
fn what_the_loader_takes_comes_back_and_what_it_refuses_has_no_meaning() {
    let mut wrong = vec![];
    let mut seen = 0;
    for column in columns() {
        for zone in ["UTC", "Europe/Zurich", "-05:30"] {
            let timezone = Timezone::parse(zone).unwrap();
            let decoder =
                Decoder::new(&column.pg_type, column.format, &timezone).with_words(column.words.clone());
            let way = way_of(&column, zone);
            for stored in cells() {
                let read = column.texts.read(stored);
                let cell = read.as_deref().map_or(stored, Cell::Text);
                let label = || format!("{} {:?} {zone} {stored:?}", column.pg_type, column.format);
                match decoder.decode(cell) {
                    Ok(decoded) => {
                        let value = native(&column.pg_type, decoded);
                        let verdict = way.compare(stored, &value);
                        let unknown = way.kind == Kind::Printed && verdict == Verdict::Unknown;
                        // jsonb is given here as it is loaded, and so is what the server itself spells anew.
                        if verdict == Verdict::Different || verdict == Verdict::Unknown && !unknown {
                            wrong.push(format!("{}: {value:?} is {verdict:?}", label()));
                        }
                        seen += 1;
                    }
                    Err(_) => {
                        if way.is_readable(stored) == Some(true) {
                            wrong.push(format!("{}: is readable", label()));
                        }
                    }
                }
            }
        }
    }
    assert!(seen > 10_000, "{seen}");
    assert!(
        wrong.is_empty(),
        "{} of {seen}:\n{}",
        wrong.len(),
        wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn a_database_without_an_encoding_holds_texts_that_are_not_read_here() {
    let texts = TextReading { of_bytes: true, ..TextReading::default() };
    let column = LoadColumn { texts, ..column("text", None) };
    check(&column, Cell::Text(b"\xe4"), Native::Text("\u{fffd}".into()), Verdict::Unknown);
    check(&column, Cell::Text(b"a"), Native::Text("a".into()), Verdict::Equal);
    check(&column, Cell::Text(b"a"), Native::Text("b".into()), Verdict::Different);
    let cut = LoadColumn { excess: Excess::Truncate, pg_type: PgType::Varchar(Some(3)), ..column };
    check(
        &cut,
        Cell::Text("äöü".as_bytes()),
        Native::Text("ä".into()),
        Verdict::Normalised(Normalisation::Shortened),
    );
}

/// Two cells are told apart wherever the loader makes different values of them.
#[test]
fn the_value_of_another_cell_is_different() {
    let mut wrong = vec![];
    for column in columns() {
        let decoder =
            Decoder::new(&column.pg_type, column.format, &Timezone::UTC).with_words(column.words.clone());
        let way = way_of(&column, "UTC");
        if way.kind == Kind::Printed {
            continue;
        }
        let loaded: Vec<(Cell<'static>, Native<'static>)> = (cells().into_iter())
            .filter_map(|stored| {
                let read = column.texts.read(stored);
                let decoded = decoder.decode(read.as_deref().map_or(stored, Cell::Text)).ok()?;
                Some((stored, native(&column.pg_type, decoded)))
            })
            .collect();
        for (cell, own) in &loaded {
            // NaN is not equal to itself.
            let others =
                loaded.iter().filter(|(_, value)| value != own && format!("{value:?}") != format!("{own:?}"));
            for (other, value) in others {
                let verdict = way.compare(*cell, value);
                // The text of one value may be spelled in two ways before the server prints it.
                let same = matches!((own, value), (Native::Printed(_), Native::Printed(_)))
                    && way.compare(*other, own) != Verdict::Different;
                if verdict != Verdict::Different && !same {
                    wrong.push(format!(
                        "{} {:?}: {cell:?} has become {value:?}: {verdict:?}",
                        column.pg_type, column.format
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}:\n{}",
        wrong.len(),
        wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
}

/// Rows that no key pairs are compared by the forms of their cells and values.
#[test]
fn forms_of_cells_and_of_their_values_are_the_same() {
    let digest = |write: &dyn Fn(&mut Xxh3)| {
        let mut out = Xxh3::new();
        write(&mut out);
        out.digest128()
    };
    for column in columns() {
        let decoder =
            Decoder::new(&column.pg_type, column.format, &Timezone::UTC).with_words(column.words.clone());
        let way = way_of(&column, "UTC");
        let mut forms: Vec<(u128, Native<'static>)> = vec![];
        for stored in cells().into_iter().filter(|_| way.has_form()) {
            let read = column.texts.read(stored);
            let Ok(decoded) = decoder.decode(read.as_deref().map_or(stored, Cell::Text)) else { continue };
            let value = native(&column.pg_type, decoded);
            let form = digest(&|out| way.write_value(&value, out));
            assert_eq!(digest(&|out| way.write_cell(stored, out)), form, "{} {stored:?}", column.pg_type);
            for (other, of) in &forms {
                let same = way.compare(stored, of) != Verdict::Different;
                assert!(same || *other != form, "{} {stored:?} {of:?}", column.pg_type);
            }
            forms.push((form, value));
        }
    }
}

/// The order of the keys is the order of the values.
#[test]
fn keys_of_cells_and_of_their_values_are_the_same() {
    for column in columns() {
        let decoder =
            Decoder::new(&column.pg_type, column.format, &Timezone::UTC).with_words(column.words.clone());
        let way = way_of(&column, "UTC");
        for stored in cells().into_iter().filter(|_| way.has_order()) {
            let read = column.texts.read(stored);
            let Ok(decoded) = decoder.decode(read.as_deref().map_or(stored, Cell::Text)) else { continue };
            let value = native(&column.pg_type, decoded);
            let key = way.key(stored);
            assert!(key.is_some(), "{} {stored:?}", column.pg_type);
            assert_eq!(key, way.key_of(&value), "{} {stored:?}", column.pg_type);
        }
    }
    let keys = |pg_type: &str, values: &[Native<'_>]| -> Vec<_> {
        values.iter().map(|value| way(pg_type).key_of(value).unwrap()).collect()
    };
    let ascending = |keys: Vec<Option<Vec<u8>>>| keys.is_sorted_by(|a, b| a < b);
    assert!(ascending(keys(
        "bigint",
        &[
            Native::Null,
            Native::Integer(i64::MIN),
            Native::Integer(-1),
            Native::Integer(0),
            Native::Integer(300)
        ]
    )));
    assert!(ascending(keys(
        "double precision",
        &[f64::NEG_INFINITY, -1.5, -0.5, 0.0, 5e-324, 1.0, f64::INFINITY, f64::NAN].map(Native::Float)
    )));
    assert!(ascending(keys(
        "timestamp",
        &[Native::Timestamp(-5), Native::Timestamp(0), Native::Timestamp(7)]
    )));
}

#[track_caller]
fn check(column: &LoadColumn, cell: Cell<'_>, value: Native<'_>, wanted: Verdict) {
    assert_eq!(way_of(column, "UTC").compare(cell, &value), wanted, "{cell:?} {value:?}");
}

fn printed(text: &str) -> Native<'_> {
    Native::Printed(text.into())
}

#[test]
fn every_other_form_has_its_kind() {
    use Normalisation::*;
    for (pg_type, cell, value, kind) in [
        ("bigint", Cell::Text(b"1"), Native::Integer(1), StorageClass),
        ("bigint", Cell::Real(1.0), Native::Integer(1), StorageClass),
        ("text", Cell::Integer(1), Native::Text("1".into()), StorageClass),
        ("text", Cell::Real(1.0), Native::Text("1.0".into()), StorageClass),
        ("bytea", Cell::Text(b"a"), Native::Bytes(b"a".as_slice().into()), StorageClass),
        ("boolean", Cell::Text(b"yes"), Native::Bool(true), BooleanSpelling),
        ("real", Cell::Real(0.1), Native::Float(0.1f32.into()), SingleDigits),
        ("numeric(6,2)", Cell::Real(1.5), printed("1.50"), NumberSpelling),
        ("jsonb", Cell::Text(b"{\"b\":1,\"a\":2}"), printed("{\"a\": 2, \"b\": 1}"), JsonSpelling),
        ("jsonb", Cell::Blob(b"1"), printed("1"), StorageClass),
        ("char(3)", Cell::Text(b"a"), Native::Text("a  ".into()), Blanks),
        ("interval", Cell::Text(b"1.02:03:04"), printed("1 day 02:03:04"), IntervalSpelling),
        ("timestamp", Cell::Text(b"2000-01-01T00:00:00"), Native::Timestamp(0), TimeSpelling),
        ("timestamptz", Cell::Text(b"2000-01-01 01:00:00+01"), Native::TimestampTz(0), TimeSpelling),
        ("uuid", Cell::Text(b"{00000000000000000000000000000000}"), Native::Uuid([0; 16]), UuidSpelling),
    ] {
        check(&column(pg_type, None), cell, value, Verdict::Normalised(kind));
    }
    for (pg_type, cell, value) in [
        ("timestamp", Cell::Text(b"2000-01-01 00:00:00"), Native::Timestamp(0)),
        ("date", Cell::Text(b"2000-01-02"), Native::Date(1)),
        ("numeric", Cell::Integer(5), printed("5")),
        ("public.state", Cell::Text(b"open"), printed("open")),
    ] {
        check(&column(pg_type, None), cell, value, Verdict::Equal);
    }
    check(
        &column("timestamptz", Some(Format::UnixEpoch)),
        Cell::Integer(946_684_800),
        Native::TimestampTz(0),
        Verdict::Equal,
    );
}

#[test]
fn what_was_lost_is_different() {
    for (pg_type, cell, value) in [
        ("text", Cell::Text(b"a"), Native::Text("A".into())),
        ("text", Cell::Text(b"a"), Native::Text("a ".into())),
        ("text", Cell::Text("é".as_bytes()), Native::Text("e\u{301}".into())),
        ("text", Cell::Text(b"a\0b"), Native::Text("ab".into())),
        ("text", Cell::Text(b"a"), Native::Null),
        ("text", Cell::Null, Native::Text("".into())),
        ("text", Cell::Real(1.0), Native::Text("1".into())),
        ("text", Cell::Blob(b"a"), Native::Text("a".into())),
        ("bytea", Cell::Blob(b"a"), Native::Bytes(b"b".as_slice().into())),
        ("double precision", Cell::Real(0.0), Native::Float(-0.0)),
        ("double precision", Cell::Real(0.1), Native::Float(f64::from_bits(0.1f64.to_bits() ^ 1))),
        ("numeric", Cell::Real(0.1), printed("0.1000000000000000055")),
        ("timestamp", Cell::Text(b"2000-01-01 00:00:00"), Native::Timestamp(1)),
        ("timestamptz", Cell::Text(b"2000-01-01 00:00:00Z"), Native::TimestampTz(3_600_000_000)),
        ("timestamp", Cell::Text(b"2000-01-01 00:00:00"), Native::Timestamp(i64::MAX)),
        ("json", Cell::Text(b"{\"a\":1}"), printed("{\"a\": 1}")),
        ("jsonb", Cell::Text(b"{\"a\":1,\"a\":2}"), printed("{\"a\": 2}")),
        ("jsonb", Cell::Text(b"\"1\""), printed("1")),
        ("jsonb", Cell::Text(b"[1]"), Native::Null),
        ("jsonb", Cell::Text(b"[1,2]"), printed("[2, 1]")),
        ("uuid", Cell::Blob(&[0; 16]), Native::Uuid([1; 16])),
        ("interval", Cell::Text(b"24:00:00"), printed("1 day")),
    ] {
        check(&column(pg_type, None), cell, value, Verdict::Different);
    }
    let enumeration = Facts { enumeration: true, ..Facts::default() };
    let column = column("public.state", None);
    let way = Way::new(&column, &column.pg_type, "UTC", enumeration).unwrap();
    assert_eq!(way.compare(Cell::Text(b"open"), &printed("closed")), Verdict::Different);
}

#[test]
fn a_null_has_its_reason_or_is_a_loss() {
    let plain = column("integer", None);
    let listed =
        LoadColumn { null_values: ValueList::new(["n/a".to_owned(), "0".to_owned()]), ..plain.clone() };
    let kind = Verdict::Normalised;
    check(&listed, Cell::Text(b"n/a"), Native::Null, kind(Normalisation::ListedNull));
    // It fits, and so it had to stay.
    check(&listed, Cell::Integer(0), Native::Null, Verdict::Different);
    let lenient = LoadColumn { on_invalid: OnInvalid::Null, ..plain.clone() };
    check(&lenient, Cell::Text(b"x"), Native::Null, kind(Normalisation::InvalidNull));
    check(&lenient, Cell::Integer(7), Native::Null, Verdict::Different);
    for (fields, fine, fits) in [
        ("year", "1 year 1 mon", "2 years"),
        ("month", "1 mon 1 day", "1 year 1 mon"),
        ("day", "1 day 00:00:01", "1 day"),
        ("day to hour", "1 day 01:01:00", "1 day 01:00:00"),
        ("hour to second(0)", "00:00:01.5", "00:00:01"),
    ] {
        let limited =
            LoadColumn { on_invalid: OnInvalid::Null, ..column(&format!("interval {fields}"), None) };
        check(&limited, Cell::Text(fine.as_bytes()), Native::Null, kind(Normalisation::InvalidNull));
        check(&limited, Cell::Text(fits.as_bytes()), Native::Null, Verdict::Different);
    }
    check(&plain, Cell::Text(b"x"), Native::Null, Verdict::Different);
    let jsonb = LoadColumn { on_invalid: OnInvalid::Null, ..column("jsonb", None) };
    check(&jsonb, Cell::Text(b"[\"\\u0000\"]"), Native::Null, kind(Normalisation::InvalidNull));
    check(&jsonb, Cell::Text(b"[\"\\u0001\"]"), Native::Null, Verdict::Different);
    let inet = LoadColumn { null_values: ValueList::new(["n/a".to_owned()]), ..column("inet", None) };
    check(&inet, Cell::Text(b"n/a"), Native::Null, kind(Normalisation::ListedNull));
    check(&inet, Cell::Text(b"x"), Native::Null, Verdict::Different);
    let default = LoadColumn { default: Some("7".into()), ..plain };
    check(&default, Cell::Null, Native::Integer(7), kind(Normalisation::Defaulted));
    check(&default, Cell::Text(b"x"), Native::Integer(7), Verdict::Different);
    let lenient = LoadColumn { on_invalid: OnInvalid::Null, ..default };
    check(&lenient, Cell::Text(b"x"), Native::Integer(7), kind(Normalisation::Defaulted));
    check(&lenient, Cell::Integer(8), Native::Integer(7), Verdict::Different);
}

#[test]
fn only_what_is_too_much_may_go() {
    let shortened = Verdict::Normalised(Normalisation::Shortened);
    let with = |pg_type, excess| LoadColumn { excess, ..column(pg_type, None) };
    let fine = Cell::Text(b"2000-01-01 00:00:00.0000016");
    check(&with("timestamp", Excess::Round), fine, Native::Timestamp(2), shortened);
    check(&with("timestamp", Excess::Truncate), fine, Native::Timestamp(1), shortened);
    check(&with("timestamp", Excess::Truncate), fine, Native::Timestamp(3), Verdict::Different);
    check(&with("timestamp", Excess::Round), fine, Native::Timestamp(1), Verdict::Different);
    check(&with("timestamp", Excess::Truncate), fine, Native::Timestamp(2), Verdict::Different);
    // What fits loses nothing.
    let whole = Cell::Text(b"2000-01-01 00:00:00.000001");
    check(&with("timestamp", Excess::Round), whole, Native::Timestamp(2), Verdict::Different);
    let milliseconds = Cell::Text(b"2000-01-01 00:00:00.0019");
    check(&with("timestamp(3)", Excess::Round), milliseconds, Native::Timestamp(2000), shortened);
    check(&with("timestamp(3)", Excess::Truncate), milliseconds, Native::Timestamp(1000), shortened);
    check(&with("timestamp(3)", Excess::Truncate), milliseconds, Native::Timestamp(2000), Verdict::Different);
    let span = Cell::Text(b"-00:00:01.0000016");
    check(&with("interval", Excess::Round), span, printed("-00:00:01.000002"), shortened);
    check(&with("interval", Excess::Truncate), span, printed("-00:00:01.000001"), shortened);
    check(&with("interval", Excess::Round), span, printed("-00:00:01.000001"), Verdict::Different);
    check(
        &with("interval", Excess::Round),
        Cell::Text(b"00:00:01.5"),
        printed("00:00:01.25"),
        Verdict::Different,
    );
    check(&with("interval(0)", Excess::Round), Cell::Text(b"00:00:01.5"), printed("00:00:02"), shortened);
    check(&with("timestamp", Excess::Error), fine, Native::Timestamp(2), Verdict::Different);
    check(&with("numeric(6,2)", Excess::Round), Cell::Text(b"1.255"), printed("1.26"), shortened);
    check(&with("numeric(6,2)", Excess::Round), Cell::Text(b"1.255"), printed("1.27"), Verdict::Different);
    check(
        &with("varchar(2)", Excess::Truncate),
        Cell::Text("äöü".as_bytes()),
        Native::Text("äö".into()),
        shortened,
    );
    check(
        &with("varchar(2)", Excess::Truncate),
        Cell::Text(b"abc"),
        Native::Text("a".into()),
        Verdict::Different,
    );
}

#[test]
fn a_time_that_no_text_says_is_no_empty_text() {
    for (pg_type, value) in
        [("date", Native::Date(4_000_000)), ("timestamp", Native::Timestamp(i64::MAX / 2))]
    {
        check(&column(pg_type, None), Cell::Text(b""), value, Verdict::Different);
    }
}

/// Rows of a table without a key pair by what their cells have become.
#[test]
fn a_cell_that_has_become_null_has_the_key_of_null() {
    let plain = column("date", None);
    let listed = LoadColumn { null_values: ValueList::new([String::new()]), ..plain.clone() };
    assert_eq!(way_of(&listed, "UTC").key(Cell::Text(b"")), Some(None));
    assert_eq!(way_of(&listed, "UTC").key(Cell::Text(b"x")), None);
    let lenient = LoadColumn { on_invalid: OnInvalid::Null, ..plain.clone() };
    assert_eq!(way_of(&lenient, "UTC").key(Cell::Text(b"x")), Some(None));
    let required = LoadColumn { not_null: true, ..lenient.clone() };
    assert_eq!(way_of(&required, "UTC").key(Cell::Text(b"x")), None);
    let has_order = |column: &LoadColumn, facts| {
        Way::new(column, &column.pg_type, "UTC", facts).is_some_and(|way| way.has_order())
    };
    assert!(has_order(&lenient, Facts::default()));
    assert!(!has_order(&lenient, Facts { domain: true, ..Facts::default() }));
    assert!(!has_order(&plain, Facts { orphans: true, ..Facts::default() }));
    for (pg_type, ordered) in [("integer", true), ("text", true), ("varchar(3)", false), ("timestamp", false)]
    {
        let cut = LoadColumn { excess: Excess::Truncate, ..column(pg_type, None) };
        assert_eq!(has_order(&cut, Facts::default()), ordered, "{pg_type}");
    }
}

#[test]
fn a_real_in_jsonb_is_no_integer() {
    let jsonb = column("jsonb", None);
    let spelled = Verdict::Normalised(Normalisation::JsonSpelling);
    check(&jsonb, Cell::Real(1e15), printed("1000000000000000.0"), spelled);
    check(&jsonb, Cell::Real(1e16), printed("10000000000000000"), spelled);
    check(&jsonb, Cell::Real(1.0), printed("1"), Verdict::Different);
    check(&jsonb, Cell::Text(b"[1]"), printed("[1.0]"), Verdict::Different);
}
