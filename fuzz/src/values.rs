//! Stored values, for every type and however they are stored.

use pg_sqlite_migrate_core::remote::compute::{self, Total};
use pg_sqlite_migrate_core::value::affinity::Affinity;
use pg_sqlite_migrate_core::value::encode::Encoder;
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{
    Cell, CellBuf, Decoded, Decoder, Format, PgType, Timezone, Wire, vector,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::text::near;
use crate::{bounded, cases};

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    ":",
    ";",
    "\"",
    "'",
    "\\",
    "\\\"",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "null",
    "NULL",
    "true",
    "false",
    "nan",
    "infinity",
    "-infinity",
    "-",
    "+",
    ".",
    "e",
    "E",
    "0",
    "1",
    "9",
    "00",
    "2020",
    "-01",
    "T",
    "Z",
    "+05:30",
    " ",
    "BC",
    "P",
    "PT",
    "Y",
    "M",
    "D",
    "H",
    "S",
    "W",
    "day",
    "days",
    "mon",
    "ago",
    "00:00",
    "$",
    "%",
    "=",
    "/",
    "[1:2]=",
    "empty",
    "é",
    "\u{1F600}",
    "\u{0}",
    "\n",
    "0x",
    "a",
];

const TEXTS: &[&str] = &[
    "",
    "t",
    "0",
    "-9223372036854775808",
    "170141183460469231731687303715884105728",
    "1.50",
    "-1e-400",
    "1e308",
    "12345.678901234567890123456789",
    "2020-02-29",
    "2020-02-29 23:59:60.999999",
    "2020-02-29T12:00:00.5+14:00",
    "-4713-01-01",
    "294276-12-31 23:59:59.999999Z",
    "24:00:00",
    "12:34:56.789+02",
    "1 year 2 mons 3 days 04:05:06.789",
    "P1Y2M3DT4H5M6.5S",
    "-1 days +00:00:01",
    "@ 1 day ago",
    "1970-01-02 03:04:05",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
    "{\"a\":[1,2.5e3,null,{\"b\":\"\\u00e9\\\"\"}]}",
    "[[1,2],[3,null]]",
    "{{1,2},{3,NULL}}",
    "{\"a b\",\"c\\\"d\",}",
    "[1:2][0:1]={{1,2},{3,4}}",
    "[1,10)",
    "(,)",
    "empty",
    "{[1,2),[5,6]}",
    "(1,\"a,b\",)",
    "$1,234.50",
    "(1.5)",
    "[0.1, 2, -3e2]",
    "a,b,c",
    "deadbeef",
    "\\xDEADBEEF",
    "3q2+7w==",
    "192.168.0.0/16",
    "08:00:2b:01:02:03",
    "(1,2)",
    "((0,0),(1,1))",
    "101",
    "a:1 b:2",
];

const TYPES: &[&str] = &[
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "numeric(5,2)",
    "numeric(3,-2)",
    "numeric(1000,1000)",
    "money",
    "text",
    "varchar",
    "varchar(3)",
    "char(3)",
    "bpchar",
    "bytea",
    "date",
    "time",
    "time(0)",
    "timetz",
    "timestamp",
    "timestamp(3)",
    "timestamptz",
    "interval",
    "interval year to month",
    "interval second(2)",
    "uuid",
    "json",
    "jsonb",
    "boolean[]",
    "bigint[]",
    "numeric(5,2)[]",
    "text[]",
    "text[][]",
    "timestamptz[]",
    "json[]",
    "jsonb[]",
    "interval[]",
    "bytea[]",
    "vector",
    "vector(3)",
    "halfvec(2)",
    "int4range",
    "tstzrange",
    "nummultirange",
    "range(text)",
    "multirange(date)",
    "row(integer,text,row(date,boolean))",
    "row()",
    "domain(varchar(2))",
    "domain(int4range[])",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "box",
    "polygon",
    "bit(3)",
    "varbit",
    "xml",
    "tsvector",
    "tsquery",
    "jsonpath",
    "oid",
    "xid8",
    "pg_lsn",
    "regclass",
    "name",
    "\"char\"",
    "app.mood",
    "int4range[]",
    "domain(text)[]",
];

const ZONES: &[&str] = &["UTC", "Europe/Berlin", "+05:30", "-15:59", "America/St_Johns", "Pacific/Apia"];

const AFFINITIES: &[Affinity] =
    &[Affinity::Integer, Affinity::Text, Affinity::Blob, Affinity::Real, Affinity::Numeric];

fn integer() -> impl Strategy<Value = i64> {
    let edges =
        [0, 1, -1, i64::MAX, i64::MIN, 253_402_300_800, -62_135_596_800, 1 << 53, i64::from(i32::MAX) + 1];
    prop_oneof![
        any::<i64>(),
        any::<i32>().prop_map(i64::from),
        select(edges.to_vec()),
        (0..63u32, -2..3i64).prop_map(|(bits, d)| (1i64 << bits) + d)
    ]
}

fn real() -> impl Strategy<Value = f64> {
    let edges = [
        0.0,
        -0.0,
        0.1,
        1e15,
        1e16,
        9_223_372_036_854_775_808.0,
        -1e300,
        5e-324,
        2_440_587.5,
        5_373_484.499_999_99,
    ];
    prop_oneof![any::<f64>(), select(edges.to_vec()), integer().prop_map(|i| i as f64), -1e10..1e10f64]
}

/// A cell that owns its bytes; text may be anything, for a file may hold anything.
fn stored() -> impl Strategy<Value = Stored> {
    prop_oneof![
        1 => Just(Stored::Null),
        3 => integer().prop_map(Stored::Integer),
        3 => real().prop_map(Stored::Real),
        8 => near(TEXTS, WORDS).prop_map(|text| Stored::Text(text.into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Stored::Text),
        2 => near(TEXTS, WORDS).prop_map(|text| Stored::Blob(text.into_bytes())),
        2 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Stored::Blob),
    ]
}

#[derive(Debug, Clone)]
enum Stored {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Stored {
    fn cell(&self) -> Cell<'_> {
        match self {
            Stored::Null => Cell::Null,
            Stored::Integer(i) => Cell::Integer(*i),
            Stored::Real(r) => Cell::Real(*r),
            Stored::Text(text) => Cell::Text(text),
            Stored::Blob(bytes) => Cell::Blob(bytes),
        }
    }
}

/// A value of the server's.
fn native() -> impl Strategy<Value = Native<'static>> {
    prop_oneof![
        Just(Native::Null),
        any::<bool>().prop_map(Native::Bool),
        integer().prop_map(Native::Integer),
        real().prop_map(Native::Float),
        near(TEXTS, WORDS).prop_map(|text| Native::Text(text.into())),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Native::Bytes(bytes.into())),
        any::<[u8; 16]>().prop_map(Native::Uuid),
        any::<i32>().prop_map(Native::Date),
        integer().prop_map(Native::Time),
        integer().prop_map(Native::Timestamp),
        integer().prop_map(Native::TimestampTz),
        near(TEXTS, WORDS).prop_map(|text| Native::Printed(text.into())),
    ]
}

fn format() -> impl Strategy<Value = Option<Format>> {
    prop::option::of(select(&Format::ALL[..]))
}

proptest! {
    #![proptest_config(cases(4))]

    /// A decoder's values are passed in one way, and its texts can be a server's.
    #[test]
    fn a_cell(
        stored in stored(),
        pg_type in select(TYPES),
        format in format(),
        zone in select(ZONES),
        vectors in prop::option::of(prop::option::of(0..5usize)),
    ) {
        let zone = Timezone::parse(zone).map_err(TestCaseError::fail)?;
        let vectors = vectors.map(|dimension| vector::Stored { dimension });
        let decoder = Decoder::new(&PgType::parse(pg_type), format, &zone).with_vectors(vectors);
        let decoded = bounded(|| decoder.decode(stored.cell()));
        let wire = match decoded {
            Ok(Decoded::Varlena(_)) if decoder.wire() == Wire::Vector => Wire::Vector,
            Ok(Decoded::Input(text)) if decoder.wire() == Wire::Vector => {
                prop_assert!(text.bytes().next().is_some_and(vector::is_text) && !text.contains('\0'));
                Wire::Vector
            }
            Ok(Decoded::Word(_)) => Wire::Word,
            Ok(Decoded::Varlena(_)) => Wire::Varlena,
            Ok(Decoded::Uuid(_)) => Wire::Uuid,
            Ok(Decoded::Input(text)) => {
                prop_assert!(!text.contains('\0'));
                Wire::Input
            }
            Ok(Decoded::Null) | Err(_) => return Ok(()),
        };
        prop_assert_eq!(wire, decoder.wire());
    }

    #[test]
    fn a_value_to_be_stored(
        value in native(),
        pg_type in select(TYPES),
        format in format(),
        affinity in select(AFFINITIES),
        zone in select(ZONES),
    ) {
        let zone = Timezone::parse(zone).map_err(TestCaseError::fail)?;
        let encoder = Encoder::new(&PgType::parse(pg_type), format, affinity, &zone);
        bounded(|| _ = encoder.encode(&value));
    }

    /// What a remote query computes. Functions get arguments of any kind here, as they never do.
    #[test]
    fn a_computed_value(args in prop::collection::vec(stored(), 0..4)) {
        let cells: Vec<Cell<'_>> = args.iter().map(Stored::cell).collect();
        for function in compute::FUNCTIONS {
            let arity = usize::try_from(function.arity).unwrap_or(0);
            if let Some(args) = cells.get(..arity) {
                bounded(|| _ = function.call(args));
            }
        }
        let mut total = Total::default();
        for cell in cells {
            _ = total.add(cell);
        }
        for aggregate in compute::AGGREGATES {
            let finished = aggregate.finish(&total);
            prop_assert!(matches!(finished, CellBuf::Null | CellBuf::Text(_)));
        }
    }

    #[test]
    fn a_zone(name in near(ZONES, WORDS)) {
        if let Ok(zone) = bounded(|| Timezone::parse(&name)) {
            for instant in [0, i64::MIN, i64::MAX, 1 << 55, -(1 << 55)] {
                _ = (zone.instant(instant), zone.wall(instant));
            }
        }
    }
}

const TYPE_WORDS: &[&str] = &[
    "[]",
    "(",
    ")",
    ",",
    "row(",
    "range(",
    "domain(",
    "multirange(",
    "int",
    "text",
    "timestamp",
    "(3)",
    "with time zone",
    "numeric",
    "-1",
    "99999999999",
    "interval",
    "day to second",
    "pg_catalog.",
    "\"",
    ".",
    " ",
    "char",
    "box",
    "vector",
    "é",
    "year",
];

proptest! {
    #![proptest_config(cases(2))]

    /// A type is printed so that it is read as the same type.
    #[test]
    fn a_type(written in near(TYPES, TYPE_WORDS)) {
        let read = bounded(|| PgType::parse(&written));
        let printed = bounded(|| read.to_string());
        prop_assert_eq!(PgType::parse(&printed), read);
    }

    /// The rule of `pg_value`, which stands in a query as text.
    #[test]
    fn a_rule(pg_type in near(TYPES, TYPE_WORDS), more in ".{0,20}", stored in stored()) {
        for text in [pg_type.clone(), format!("{pg_type};format=unixepoch;timezone=Europe/Berlin"), format!("{pg_type};{more}")] {
            if let Some(rule) = bounded(|| compute::Rule::parse(&text)) {
                bounded(|| _ = rule.canonical(stored.cell()));
            }
        }
    }
}
