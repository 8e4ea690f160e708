//! Tests of [`super`]: `pgtype.rs`.

use super::*;

#[test]
fn names_are_printed_as_format_type_does() {
    for (written, printed) in [
        ("timestamptz", "timestamp with time zone"),
        ("timestamp(3)", "timestamp(3) without time zone"),
        ("VARCHAR(20)", "character varying(20)"),
        ("int", "integer"),
        ("numeric(9)", "numeric(9,0)"),
        ("numeric(5,-2)", "numeric(5,-2)"),
        ("JSONB", "jsonb"),
        ("timetz(3)", "time(3) with time zone"),
        ("Int []", "integer[]"),
        ("app.Mood[]", "app.Mood[]"),
        (" app.Mood ", "app.Mood"),
        ("DateRange", "daterange"),
        ("char", "character(1)"),
        ("bpchar", "bpchar"),
        ("INTERVAL", "interval"),
        ("interval(3)", "interval(3)"),
        ("interval  day to second(3)", "interval day to second(3)"),
        ("interval year", "interval year"),
        ("Vector(3)", "vector(3)"),
        ("box[]", "box[]"),
        ("pg_catalog.int4", "integer"),
    ] {
        assert_eq!(PgType::parse(written).to_string(), printed);
        assert_eq!(PgType::parse(printed), PgType::parse(written), "{printed}");
    }
}

#[test]
fn reads_what_people_and_format_type_write() {
    let array = |of| PgType::Array(Box::new(of));
    let other = |name: &str| PgType::Other(name.into());
    let range = |name: &str, of| PgType::Range { name: name.into(), of: Box::new(of) };
    let precision = |fields, digits| Precision::parse(fields, digits).unwrap();
    for (written, meant) in [
        ("int8", PgType::Int8),
        ("BIGINT", PgType::Int8),
        ("double  precision", PgType::Float8),
        ("float(24)", PgType::Float4),
        ("character varying(20)", PgType::Varchar(Some(20))),
        ("varchar", PgType::Varchar(None)),
        ("char", PgType::Bpchar(Some(1))),
        ("\"char\"", other("\"char\"")),
        ("numeric(10, 2)", PgType::Numeric(Some((10, 2)))),
        ("numeric(10)", PgType::Numeric(Some((10, 0)))),
        ("numeric", PgType::Numeric(None)),
        ("timestamp(3) with time zone", PgType::TimestampTz(3)),
        ("timestamptz", PgType::TimestampTz(6)),
        ("time(0)", PgType::Time(0)),
        ("time with time zone", PgType::TimeTz(6)),
        ("interval day to second(3)", PgType::Interval(precision(" day to second", 3))),
        ("interval(0)", PgType::Interval(precision("", 0))),
        ("intervals", other("intervals")),
        ("daterange", range("daterange", PgType::Date)),
        ("range(numeric(4,2))", range("range(numeric(4,2))", PgType::Numeric(Some((4, 2))))),
        ("Int4Multirange", PgType::Multirange { name: "int4multirange".into(), of: Box::new(PgType::Int4) }),
        (
            "row(,numeric(5,2),row(a,b)[])",
            PgType::Row {
                name: "row(,numeric(5,2),row(a,b)[])".into(),
                fields: vec![
                    other(""),
                    PgType::Numeric(Some((5, 2))),
                    array(PgType::Row { name: "row(a,b)".into(), fields: vec![other("a"), other("b")] }),
                ],
            },
        ),
        ("domain(date)", PgType::Domain { name: "domain(date)".into(), base: Box::new(PgType::Date) }),
        ("daterange[]", array(range("daterange", PgType::Date))),
        ("integer[]", array(PgType::Int4)),
        ("character varying(5)[]", array(PgType::Varchar(Some(5)))),
        ("any[]", array(other("any"))),
        ("box[]", other("box[]")),
        ("vector(3)", PgType::Vector("vector(3)".into())),
        ("public.vector", PgType::UserDefined("public.vector".into())),
        ("pg_catalog.int4", PgType::Int4),
        ("app.mood", PgType::UserDefined("app.mood".into())),
        ("", other("")),
        ("numeric(", other("numeric(")),
        ("numeric(1,2,3)", other("numeric(1,2,3)")),
        ("varchar(x)", other("varchar(x)")),
        ("text(5)", other("text(5)")),
        ("timestamp(9)", other("timestamp(9)")),
        ("bigserial", other("bigserial")),
    ] {
        assert_eq!(PgType::parse(written), meant, "{written}");
    }
}

#[test]
fn what_a_type_is_made_of_counts() {
    assert_eq!(*PgType::parse("domain(domain(date))").base(), PgType::Date);
    let rare = |written| PgType::parse(written).reads_rare_settings();
    assert!(rare("row(text,regclass[])") && rare("money") && !rare("regular"));
    let temporal = |written| PgType::parse(written).is_temporal();
    assert!(temporal("timestamptz(3)") && temporal("date[]") && !temporal("text"));
    let unordered = |written| PgType::parse(written).is_unordered();
    assert!(unordered("json[]") && unordered("box[]") && unordered("xml") && !unordered("jsonb"));
}

#[test]
fn keys_compare_integers_and_texts_of_any_size() {
    let compare = |a, b| PgType::parse(a).compares_with(&PgType::parse(b));
    assert!(compare("integer", "int8") && compare("varchar(3)", "text") && compare("app.mood", "app.mood"));
    assert!(!compare("text", "uuid") && !compare("numeric(10,2)", "numeric"));
}
