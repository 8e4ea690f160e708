//! Scenarios from real programs, and the guarantee: what was observed fits what was chosen.

use super::*;
use crate::finding::Severity;
use crate::value::{Cell, Decoded, Decoder, Timezone, ValueList};
use std::collections::HashMap;

fn column(name: &str, declared: &str) -> Column {
    Column { name: name.to_owned(), declared: declared.to_owned(), ..Column::default() }
}

fn profile(column: &Column, json_checked: bool, cells: &[Cell<'_>]) -> ColumnProfile {
    let mut profile = ColumnProfile::for_column(column, json_checked, &[]);
    cells.iter().for_each(|cell| profile.observe(*cell));
    profile
}

fn ask<'a>(column: &'a Column, profile: Option<&'a ColumnProfile>) -> Question<'a> {
    Question {
        table: "t",
        column,
        profile,
        rowid_alias: false,
        key: false,
        sequence: None,
        complete: true,
        json_checked: false,
        wanted: None,
        existing: false,
        nulls_invalid: false,
        typed: false,
        epochs: Epochs::Declared,
        excess: Excess::Error,
        file_epochs: &[],
        format: None,
        orms: &[],
    }
}

fn chosen(name: &str, declared: &str, cells: &[Cell<'_>]) -> Choice {
    let column = column(name, declared);
    let profile = profile(&column, false, cells);
    choose(&ask(&column, Some(&profile)))
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(text.as_bytes())
}

const MS: Cell<'_> = Cell::Integer(1_719_828_000_250);

#[track_caller]
fn assert_choice(
    name: &str,
    declared: &str,
    cells: &[Cell<'_>],
    pg_type: &str,
    format: Option<Format>,
    worst: Option<Severity>,
) {
    let choice = chosen(name, declared, cells);
    let found = choice.findings.iter().map(|f| f.severity).max();
    let expected = (PgType::parse(pg_type), format, worst);
    assert_eq!(
        (choice.pg_type, choice.format, found),
        expected,
        "{name} {declared} {cells:?} {:?}",
        choice.findings
    );
}

#[test]
fn numbers() {
    let none = None;
    let warn = Some(Severity::Warning);
    let one = Cell::Integer(1);
    for (declared, cells, pg_type, worst) in [
        ("INTEGER", vec![Cell::Integer(5_000_000_000)], "bigint", none),
        ("INTEGER", vec![one, text("n/a")], "text", warn),
        ("INTEGER", vec![one, Cell::Real(0.5)], "double precision", warn),
        ("INTEGER", vec![Cell::Integer(i64::MAX), Cell::Real(0.5)], "numeric", warn),
        ("INTERGER", vec![one], "bigint", none),
        ("REAL", vec![Cell::Real(0.1)], "double precision", none),
        ("DECIMAL(10,2)", vec![Cell::Real(12.5), Cell::Integer(7), text("1.50")], "numeric(10,2)", none),
        ("DECIMAL(10,2)", vec![Cell::Real(12.555)], "numeric", warn),
        ("DECIMAL(3,1)", vec![Cell::Integer(1000)], "numeric", warn),
        ("decimal", vec![Cell::Real(0.1)], "numeric", none),
        ("DECIMAL", vec![text("0012")], "text", warn),
        ("BOOLEAN", vec![Cell::Integer(0), one, text("true")], "boolean", none),
        ("BOOLEAN", vec![one, Cell::Integer(1000)], "bigint", warn),
        ("BOOLEAN", vec![text("maybe")], "text", warn),
        ("", vec![one], "bigint", none),
        ("", vec![one, Cell::Real(0.5)], "double precision", none),
        ("", vec![one, text("x")], "text", none),
        ("TINYINT(1)", vec![one], "boolean", None),
    ] {
        assert_choice("c", declared, &cells, pg_type, None, worst);
    }
}

#[test]
fn bytes_and_texts() {
    let (warn, info, none) = (Some(Severity::Warning), Some(Severity::Info), None);
    let blob = Cell::Blob(b"\xFF\0");
    for (declared, cells, pg_type, format, worst) in [
        ("TEXT", vec![text("x")], "text", None, none),
        ("TEXT", vec![text("x"), blob], "bytea", None, warn),
        ("TEXT", vec![Cell::Text(b"\xFF")], "bytea", None, warn),
        ("TEXT", vec![Cell::Text(b"a\0b")], "bytea", None, warn),
        ("TEXT", vec![Cell::Blob(b"{\"a\":1}")], "bytea", None, warn),
        ("BLOB", vec![blob], "bytea", None, none),
        ("BLOB", vec![blob, text("x")], "bytea", None, info),
        ("BLOB", vec![blob, Cell::Integer(1)], "bytea", Some(Format::Text), warn),
        ("", vec![blob, Cell::Integer(1), text("x")], "bytea", Some(Format::Text), info),
        ("BINARY(16)", vec![Cell::Blob(&[7; 16])], "bytea", None, info),
        ("STRING", vec![Cell::Integer(7), text("x")], "text", None, none),
        ("VARCHAR(3)", vec![text("äöü")], "character varying(3)", None, none),
        ("VARCHAR(2)", vec![text("äöü")], "text", None, warn),
        ("CHAR(0)", vec![text("abc")], "text", None, none),
        ("CHAR(3)", vec![text("a")], "character varying(3)", None, none),
    ] {
        assert_choice("c", declared, &cells, pg_type, format, worst);
    }
}

#[test]
fn uuids() {
    let (dashed, hex) = ("550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000");
    let none = None;
    for (declared, cell, pg_type, worst) in [
        ("GUID", text(dashed), "uuid", none),
        ("UUID", text(hex), "uuid", none),
        ("UUID", Cell::Blob(&[7; 16]), "uuid", none),
        ("UUID", text("n/a"), "text", Some(Severity::Warning)),
        ("CHAR(36)", text(dashed), "uuid", none),
        ("char(32)", text(hex), "uuid", none),
        ("char(32)", text("d41d8cd98f00b204e9800998ecf8427e"), "character varying(32)", none),
        ("TEXT", text(dashed), "text", Some(Severity::Info)),
    ] {
        assert_choice("c", declared, &[cell], pg_type, None, worst);
    }
}

#[test]
fn times() {
    let (warn, info, none) = (Some(Severity::Warning), Some(Severity::Info), None);
    let (tz, ts) = ("timestamp with time zone", "timestamp without time zone");
    let ms = Some(Format::UnixEpochMs);
    let iso = text("2024-07-01 10:00:00");
    for (name, declared, cells, pg_type, format, worst) in [
        ("c", "DATETIME", vec![MS, iso], tz, ms, info),
        ("c", "DATETIME", vec![MS, Cell::Integer(0)], tz, ms, warn),
        ("c", "DATETIME", vec![Cell::Integer(0)], "bigint", None, warn),
        ("c", "DATETIME", vec![Cell::Integer(5), iso], "text", None, warn),
        ("c", "DATETIME", vec![iso], ts, None, none),
        ("c", "DATETIME", vec![text("2024-07-01T10:00:00Z")], tz, None, none),
        ("c", "DATETIME", vec![text("2024-07-01T10:00:00+02:00")], tz, None, info),
        ("c", "DATETIME", vec![text("2024-07-01")], ts, None, none),
        ("c", "DATETIME", vec![iso, text("")], "text", None, warn),
        ("c", "DATETIME", vec![text("0000-00-00 00:00:00")], "text", None, warn),
        ("c", "DATETIME", vec![text("2024-07-01 10:00:00.123456789+00:00")], "text", None, warn),
        ("c", "DATETIME", vec![text("9999-12-31 23:59:59.999999")], ts, None, none),
        ("c", "DATETIME", vec![text("1970-01-02 00:00:00.000000")], ts, None, info),
        ("c", "TIMESTAMP", vec![Cell::Real(2_460_492.9)], tz, Some(Format::JulianDay), none),
        ("c", "DATE", vec![text("2024-07-01")], "date", None, none),
        ("c", "DATE", vec![text("2024-07-01"), iso], ts, None, warn),
        ("c", "TIME", vec![text("10:00:00")], "time without time zone", None, none),
        ("c", "TIME", vec![text("24:00:00")], "text", None, warn),
        ("created_at", "INTEGER", vec![MS], "bigint", None, info),
        ("createdAt", "", vec![MS], "bigint", None, info),
        ("time_fired_ts", "FLOAT", vec![Cell::Real(1_682_719_437.25)], "double precision", None, info),
        ("added", "DECIMAL(10,0)", vec![Cell::Integer(1_719_828_000)], "numeric(10,0)", None, info),
        ("sort", "INTEGER", vec![MS], "bigint", None, info),
        ("duration", "bigint", vec![Cell::Integer(86_400_000_000)], "bigint", None, none),
        ("created_at", "INTEGER", vec![Cell::Integer(20_240_701)], "bigint", None, info),
        ("created_at", "TEXT", vec![iso], "text", None, info),
        ("last_visit_time", "INTEGER", vec![Cell::Integer(13_364_301_600_250_000)], "bigint", None, info),
    ] {
        assert_choice(name, declared, &cells, pg_type, format, worst);
    }
}

#[test]
fn numbers_are_times_by_name_only_where_the_plan_says_so() {
    let tz = "timestamp with time zone";
    for (name, declared, cells, epochs, pg_type, fix) in [
        ("created_at", "BIGINT", vec![MS], Epochs::Declared, "bigint", "named"),
        ("created_at", "BIGINT", vec![MS], Epochs::Named, tz, ""),
        ("created_at", "BIGINT", vec![MS], Epochs::Never, "bigint", ""),
        ("made", "DATETIME", vec![MS], Epochs::Declared, tz, ""),
        ("made", "DATETIME", vec![MS], Epochs::Never, "bigint", "declared"),
        ("made", "DATETIME", vec![MS, text("2024-07-01 10:00:00")], Epochs::Never, "text", "declared"),
        ("created_at", "BIGINT", vec![MS, text("x")], Epochs::Declared, "text", ""),
        ("sort", "BIGINT", vec![MS], Epochs::Named, "bigint", ""),
    ] {
        let column = column(name, declared);
        let profile = profile(&column, false, &cells);
        let choice = choose(&Question { epochs, ..ask(&column, Some(&profile)) });
        let fixes = choice.findings.iter().filter_map(|f| f.fix.as_ref()).map(|fix| fix.patch());
        let set = fixes.filter_map(|patch| {
            let key = &patch["tables"]["t"]["columns"][name]["epochs"];
            key.as_str().map(str::to_owned)
        });
        let case = format!("{name} {declared} {cells:?} {epochs:?}");
        assert_eq!(
            (choice.pg_type.to_string().as_str(), set.collect::<String>().as_str()),
            (pg_type, fix),
            "{case}"
        );
    }
}

#[test]
fn a_declared_time_has_the_unit_of_most_of_its_numbers() {
    let (day, ms) = (Cell::Integer(-86_400_000), Some(Format::UnixEpochMs));
    let end = Cell::Integer(253_402_300_799_000);
    for (default, file_epochs, cells, format) in [
        ("", &[][..], vec![MS, MS, day], ms),
        ("", &[], vec![MS, MS, end], ms),
        ("", &[], vec![MS, MS, end, text("2024-07-01"), Cell::Integer(0)], ms),
        ("", &[], vec![MS, day], None),
        ("", &[Format::UnixEpochMs], vec![MS, day], ms),
        ("", &[Format::UnixEpochMs], vec![day], ms),
        ("", &[Format::UnixEpochMs], vec![Cell::Integer(0)], None),
        ("(unixepoch() * 1000)", &[], vec![day], ms),
        ("strftime('%s','now')", &[], vec![day], Some(Format::UnixEpoch)),
        ("", &[], vec![MS, MS, Cell::Integer(1_719_828_000)], None),
        ("", &[Format::UnixEpoch], vec![MS, day], None),
        ("", &[Format::UnixEpoch, Format::UnixEpochMs], vec![MS, day], ms),
        ("", &[Format::UnixEpoch, Format::UnixEpochMs], vec![end], ms),
        ("", &[Format::UnixEpoch, Format::UnixEpochMs], vec![day], None),
        ("unixepoch()", &[Format::UnixEpochMs], vec![end], None),
        ("", &[], vec![MS, MS, Cell::Integer(i64::MAX / 2)], None),
        ("", &[Format::UnixEpoch], vec![end], None),
        ("", &[], vec![Cell::Integer(-1_000_000_000), Cell::Integer(1_719_828_000), Cell::Integer(1)], None),
    ] {
        let column =
            Column { default: (!default.is_empty()).then(|| default.to_owned()), ..column("c", "DATETIME") };
        let profile = profile(&column, false, &cells);
        let choice = choose(&Question { file_epochs, ..ask(&column, Some(&profile)) });
        assert_eq!(choice.format, format, "{default} {file_epochs:?} {cells:?}");
    }
}

#[test]
fn the_excess_keeps_the_declared_type_only_where_the_plan_says_so() {
    let (time, tz) = ("timestamp without time zone", "timestamp with time zone");
    let fine = [text("2024-05-01 10:11:12.123456789"), text("2024-05-01 10:11:12.5")];
    let utc = [text("2020-07-12 10:11:12.1234567Z"), text("2020-07-12 10:11:12Z")];
    let (long, price) = ([text("abc")], [Cell::Real(12.555)]);
    for (declared, cells, by_default, rounded, shortened, fix) in [
        ("DATETIME", &fine[..], "text", time, time, "round"),
        ("DATETIME", &utc[..], "text", tz, tz, "round"),
        (
            "TIME",
            &[text("10:00:00.1234567")],
            "text",
            "time without time zone",
            "time without time zone",
            "round",
        ),
        ("VARCHAR(2)", &long[..], "text", "text", "character varying(2)", "truncate"),
        ("DECIMAL(10,2)", &price[..], "numeric", "numeric(10,2)", "numeric(10,2)", "round"),
        ("DECIMAL(3,2)", &[Cell::Real(9.999)], "numeric", "numeric", "numeric(3,2)", "truncate"),
        ("DATETIME", &[fine[0], text("x")], "text", "text", "text", ""),
    ] {
        let column = column("c", declared);
        let profile = profile(&column, false, cells);
        let by = |excess| choose(&Question { excess, ..ask(&column, Some(&profile)) });
        let found = [Excess::Error, Excess::Round, Excess::Truncate].map(|e| by(e).pg_type.to_string());
        assert_eq!(found, [by_default, rounded, shortened], "{declared} {cells:?}");
        let fixes = by(Excess::Error).findings.into_iter().filter_map(|f| f.fix);
        let set = fixes.map(|fix| fix.patch()["tables"]["t"]["columns"]["c"]["excess"].clone());
        let set: Vec<_> = set.filter_map(|word| word.as_str().map(str::to_owned)).collect();
        assert_eq!(set.concat(), fix, "{declared} {cells:?}");
    }
}

#[test]
fn a_time_of_day_after_a_date_that_says_nothing_is_one() {
    let (time, ts) = ("time without time zone", "timestamp without time zone");
    for (cells, pg_type) in [
        (vec!["2000-01-01 09:30:00", "2000-01-01 17:00:00.000000"], time),
        (vec!["1970-01-01T09:30:01Z", "10:00:00"], time),
        (vec!["2000-01-01 09:30:00", "2000-01-02 09:30:00"], ts),
        (vec!["2000-01-01"], ts),
    ] {
        let cells: Vec<Cell<'_>> = cells.iter().map(|cell| text(cell)).collect();
        assert_eq!(chosen("c", "time", &cells).pg_type.to_string(), pg_type, "{cells:?}");
    }
}

#[test]
fn core_data_counts_from_2001() {
    let column = column("ZCREATIONDATE", "TIMESTAMP");
    let profile = profile(&column, false, &[Cell::Real(741_520_800.25), Cell::Integer(741_520_800)]);
    let choice = choose(&Question { table: "ZNOTE", ..ask(&column, Some(&profile)) });
    assert_eq!((choice.pg_type, choice.format), (PgType::TIMESTAMPTZ, Some(Format::Apple)));
}

#[test]
fn json() {
    for (declared, checked, cell, pg_type) in [
        ("JSON", false, text("{\"a\":1}"), "jsonb"),
        ("JSON", false, Cell::Integer(1), "jsonb"),
        ("TEXT", true, text("{\"a\":1}"), "jsonb"),
        ("TEXT", true, text("{\"a\":1,\"a\":2}"), "json"),
        ("JSON", false, text("\"\\u0000\""), "text"),
        ("JSON", false, text("{"), "text"),
        ("TEXT", false, text("{\"a\":1}"), "text"),
        ("JSON", false, Cell::Blob(b"[1]"), "jsonb"),
        ("JSON", false, Cell::Blob(b"\x0C"), "bytea"),
    ] {
        let column = column("c", declared);
        let profile = profile(&column, checked, &[cell]);
        let choice = choose(&Question { json_checked: checked, ..ask(&column, Some(&profile)) });
        assert_eq!(choice.pg_type.to_string(), pg_type, "{declared} {cell:?}");
    }
}

#[test]
fn reasons_have_counts() {
    let mut cells = vec![text("2024-07-01 10:00:00"); 2011];
    cells.extend([MS; 2]);
    assert_eq!(
        chosen("c", "DATETIME", &cells).reason,
        "2,011 of 2,013 values are ISO-8601 text, 2 are integer milliseconds; texts without offset are read in \
         the plan's timezone"
    );
    assert_eq!(chosen("c", "INTEGER", &[Cell::Integer(1); 3]).reason, "all 3 values are integer");
    assert_eq!(chosen("c", "DATETIME", &[]).reason, "no value is stored; declared DATETIME");
}

#[test]
fn findings_name_column_counts_and_plan_key() {
    let choice = chosen("made", "DATETIME", &[text("2024-07-01 10:00:00"), text("")]);
    let finding = &choice.findings[0];
    assert_eq!(finding.object, "t.made");
    assert_eq!(
        finding.message,
        "declared DATETIME, but 1 of 2 values are ISO-8601 text, 1 is empty text: becomes text"
    );
    assert_eq!(
        finding.hint,
        "Set plan.tables.t.columns.made.null_values to [\"\"] to convert the rest: 1 value becomes NULL."
    );
    let choice = chosen("made", "DATETIME", &[text("2024-07-01 10:00:00"), text("n/a")]);
    assert_eq!(
        choice.findings[0].hint,
        "Set plan.tables.t.columns.made.type to \"timestamp without time zone\" and \
         plan.tables.t.columns.made.on_invalid to \"null\" or \"reject\" to convert the rest, which costs 1 value."
    );
}

/// The blanks of a column, and what they are turned into: the fix, and the type that it gives.
#[test]
fn blanks_are_named_exactly_and_their_fix_gives_the_declared_type() {
    let day = text("2024-07-01 10:00:00");
    let (empty, zero_day, zero_time) = (text(""), text("0000-00-00"), text("0000-00-00 00:00:00"));
    let (zero, one) = (Cell::Integer(0), Cell::Integer(1));
    for (declared, cells, values, pg_type) in [
        ("DATETIME", &[day, empty, empty, zero_time][..], &["", "0000-00-00 00:00:00"][..], "timestamp"),
        ("DATETIME", &[day, zero, zero_time], &["0000-00-00 00:00:00", "0"], "timestamp"),
        ("DATE", &[text("2024-07-01"), zero_day], &["0000-00-00"], "date"),
        ("INTEGER", &[one, zero, empty], &[""], "bigint"),
        ("BOOLEAN", &[one, zero, empty], &[""], "boolean"),
        ("JSON", &[text("{\"a\": 1}"), empty], &[""], "jsonb"),
        ("UUID", &[text("3f2504e0-4f89-41d3-9a0c-0305e82c3301"), empty], &[""], "uuid"),
    ] {
        let column = column("c", declared);
        let stored = profile(&column, false, cells);
        let found = choose(&ask(&column, Some(&stored)));
        let fix = found.findings.iter().find_map(|f| f.patch()).unwrap_or_default();
        let listed = &fix["tables"]["t"]["columns"]["c"]["null_values"];
        assert_eq!(*listed, serde_json::json!(values), "{declared}: {:?}", found.findings);
        let list = ValueList::new(values.iter().map(|text| text.to_string()));
        let mut apart = ColumnProfile::for_column(&column, false, &[]).apart(list, &Default::default());
        cells.iter().for_each(|cell| apart.observe(*cell));
        let then = choose(&ask(&column, Some(&apart)));
        assert_eq!((then.pg_type, then.findings), (PgType::parse(pg_type), vec![]), "{declared}");
    }
    // Some other value does not fit, or nothing else is stored, or a text column keeps them.
    for (declared, cells) in [
        ("DATETIME", &[day, empty, text("n/a")][..]),
        ("DATETIME", &[empty, zero_time]),
        ("TEXT", &[day, empty]),
        ("VARCHAR(20)", &[day, empty, zero]),
    ] {
        let findings = chosen("c", declared, cells).findings;
        assert!(!findings.iter().any(|f| f.hint.contains("null_values")), "{declared} {findings:?}");
    }
}

#[test]
fn what_becomes_null_does_not_widen_a_column() {
    let day = text("2024-07-01 10:00:00");
    for (declared, cells, pg_type, findings) in [
        ("DATETIME", &[day, text("n/a"), text("")][..], "timestamp", 1),
        ("DATE", &[text("2024-07-01"), text("n/a")], "date", 1),
        ("DATE", &[text("2024-07-01"), day, text("n/a")], "timestamp", 1),
        ("INTEGER", &[Cell::Integer(1), text("x")], "bigint", 1),
        ("JSON", &[text("{}"), text("{oops")], "jsonb", 1),
        // Numbers keep a type of numbers, and texts one of texts.
        ("INTEGER", &[Cell::Integer(1), Cell::Real(0.5)], "double precision", 1),
        ("VARCHAR(2)", &[text("abc")], "text", 1),
        // Nothing would be left.
        ("DATETIME", &[text("n/a")], "text", 1),
        ("MOOD", &[text("n/a"), Cell::Integer(1)], "text", 0),
    ] {
        let column = column("c", declared);
        let stored = profile(&column, false, cells);
        let choice = choose(&Question { nulls_invalid: true, ..ask(&column, Some(&stored)) });
        assert_eq!(choice.pg_type, PgType::parse(pg_type), "{declared} {cells:?}");
        assert_eq!(choice.findings.len(), findings, "{declared} {:?}", choice.findings);
    }
    let column = column("c", "DATETIME");
    let stored = profile(&column, false, &[day, text("n/a"), text("")]);
    let choice = choose(&Question { nulls_invalid: true, ..ask(&column, Some(&stored)) });
    assert_eq!(
        choice.findings[0].message,
        "not every stored value fits timestamp without time zone: 1 of 3 values are ISO-8601 text, 1 is empty \
         text, 1 is other text; 2 values that do not fit become NULL"
    );
}

#[test]
fn without_a_profile_the_declaration_decides() {
    for (declared, pg_type) in [
        ("DATETIME", "timestamp without time zone"),
        ("BOOLEAN", "boolean"),
        ("INTEGER NON NULL", "bigint"),
        ("VARCHAR2(20)", "character varying(20)"),
        ("float[128]", "double precision"),
        ("BLOB SUB_TYPE TEXT", "text"),
        ("MOOD", "text"),
        ("", "text"),
        ("DECIMAL(10,2)", "numeric(10,2)"),
        ("GEOMETRY", "bytea"),
    ] {
        assert_eq!(choose(&ask(&column("c", declared), None)).pg_type, PgType::parse(pg_type), "{declared}");
    }
}

#[test]
fn the_plans_type_wins_where_the_data_fits_it() {
    let column = column("c", "DATETIME");
    for (wanted, cell, pg_type, format, findings) in [
        ("timestamptz", text("2024-07-01 10:00:00"), "timestamp with time zone", None, 0),
        ("timestamptz", MS, "timestamp with time zone", Some(Format::UnixEpochMs), 0),
        ("timestamp(0)", MS, "timestamp with time zone", Some(Format::UnixEpochMs), 1),
        ("text", MS, "text", None, 0),
        ("uuid", text("2024-07-01"), "timestamp without time zone", None, 1),
        ("app.moment", text("x"), "app.moment", None, 0),
    ] {
        let profile = profile(&column, false, &[cell]);
        let choice =
            choose(&Question { wanted: Some(&PgType::parse(wanted)), ..ask(&column, Some(&profile)) });
        let found = (choice.pg_type.to_string(), choice.format, choice.findings.len());
        assert_eq!(found, (pg_type.to_owned(), format, findings), "{wanted} {cell:?}");
    }
}

#[test]
fn durations_are_microseconds_where_django_declares_them() {
    let hour = [Cell::Integer(3_600_000_000)];
    for (declared, cells, pg_type, format) in [
        ("bigint", &hour[..], "interval", Some(Format::Microseconds)),
        ("BIGINT", &hour[..], "interval day to second", Some(Format::Microseconds)),
        ("INTEGER", &hour[..], "interval", None),
        ("bigint", &[text("PT1H")], "interval", None),
        ("bigint", &hour[..], "bigint", None),
    ] {
        let column = column("c", declared);
        let profile = profile(&column, false, cells);
        assert_eq!(
            format_for(&ask(&column, Some(&profile)), &PgType::parse(pg_type)),
            format,
            "{declared} {pg_type}"
        );
    }
}

#[test]
fn what_only_the_load_can_tell_is_unknown() {
    let (long, blob) = ("x".repeat(30), Cell::Blob(b"\0\0\x80?"));
    let comma = Some(Format::Comma);
    for (pg_type, format, cell, answer) in [
        ("text[]", None, text("[\"a\"]"), Fit::Unknown),
        ("text[]", None, text("{a,b}"), Fit::Unknown),
        ("text[]", None, text("a,b"), Fit::Unknown),
        ("text[]", None, text(""), Fit::No),
        ("text[]", None, text("7"), Fit::No),
        ("text[]", None, Cell::Integer(7), Fit::No),
        ("text[]", comma, text(""), Fit::Unknown),
        ("text[]", comma, Cell::Integer(7), Fit::Unknown),
        ("text[]", comma, blob, Fit::No),
        ("vector", None, blob, Fit::Unknown),
        ("vector", None, text("[1,2]"), Fit::Unknown),
        ("vector", None, text("2024-07-01"), Fit::No),
        ("", None, text("happy"), Fit::Unknown),
        ("", None, Cell::Integer(1), Fit::Unknown),
        ("", None, blob, Fit::No),
        ("", None, Cell::Text(b"\xFF"), Fit::No),
        ("", None, Cell::Text(b"a\0"), Fit::No),
        ("timetz", None, text("10:00:00+02"), Fit::Unknown),
        ("timetz", None, Cell::Integer(1), Fit::No),
        ("varchar(3)", None, Cell::Integer(-12), Fit::Yes),
        ("varchar(3)", None, Cell::Integer(-123), Fit::No),
        ("varchar(20)", None, Cell::Real(0.5), Fit::Unknown),
        ("varchar(20)", None, text(&long), Fit::No),
        ("char(3)", None, text("ab "), Fit::Unknown),
        ("float8", None, text("0.1"), Fit::Unknown),
        ("timestamp(3)", Some(Format::UnixEpoch), Cell::Real(1_719_828_000.25), Fit::Unknown),
        ("timestamp(0)", Some(Format::UnixEpochMs), MS, Fit::No),
        ("timestamp(0)", Some(Format::UnixEpochMs), Cell::Integer(1_719_828_000_000), Fit::Unknown),
    ] {
        let profile = profile(&column("c", "TEXT"), false, &[cell]);
        assert_eq!(fit(&profile, &PgType::parse(pg_type), format), answer, "{cell:?} in \"{pg_type}\"");
    }
}

/// A small generator of pseudo-random numbers (Knuth's MMIX constants), so that failures repeat.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next(from.len())]
    }
}

const INTEGERS: &[i64] = &[
    0,
    1,
    2,
    -1,
    1000,
    40_000,
    5_000_000_000,
    1_719_828_000,
    1_719_828_000_250,
    1_719_828_000_250_001,
    1_719_828_000_250_000_000,
    1_719_828_000_250_000_001,
    13_364_301_600_250_000,
    2_460_493,
    i64::MAX,
    i64::MIN,
    (1 << 53) + 1,
];
const REALS: &[f64] = &[
    0.0,
    1.0,
    0.5,
    0.1,
    12.25,
    12.345,
    1e300,
    -1e-300,
    1_719_828_000.25,
    2_460_492.9,
    741_520_800.123_456_7,
    f64::INFINITY,
    f64::NEG_INFINITY,
    9.3e18,
];
const TEXTS: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"t",
    b"FALSE",
    b"yes",
    b"007",
    b"12.50",
    b"-0",
    b"-0.0",
    b"1e5",
    b"99999999999999999999",
    b"1719828000",
    b"1719828000.1234567",
    b"2024-07-01",
    b"2024-07-01 10:00:00",
    b"2024-07-01T10:00:00.123Z",
    b"2024-07-01 10:00:00+02:00",
    b"2024-07-01 10:00:00.123456789",
    b"0000-00-00",
    b"10:00:00",
    b"24:00:00",
    b"550e8400-e29b-41d4-a716-446655440000",
    b"550E8400-E29B-41D4-A716-446655440000",
    b"550e8400e29b41d4a716446655440000",
    b"d41d8cd98f00b204e9800998ecf8427e",
    b"{\"a\":1}",
    b"{\"a\":1,\"a\":2}",
    b"[\"\\u0000\"]",
    b"{",
    b"abc",
    b"a\0b",
    b"\xFF\xFE",
    b"trailing ",
    "grüße".as_bytes(),
    b"0x10",
    b" 1",
    b"11111111111111111111111111111111",
];
const BLOBS: &[&[u8]] = &[b"", b"\0\xFF", b"0123456789abcdef", b"{\"a\":1}", b"[1"];
const DECLARED: &[&str] = &[
    "INTEGER",
    "REAL",
    "DECIMAL(10,2)",
    "NUMERIC",
    "DECIMAL(3,3)",
    "BOOLEAN",
    "DATETIME",
    "TIMESTAMPTZ",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "VARCHAR(5)",
    "VARCHAR(30)",
    "CHAR(32)",
    "CHAR(36)",
    "CHAR(0)",
    "TEXT",
    "JSON",
    "UUID",
    "BLOB",
    "BINARY(16)",
    "",
    "MOOD",
    "STRING",
    "TINYINT(1)",
];
const NAMES: &[&str] = &["c", "created_at", "ZCREATIONDATE", "duration", "last_visit"];

/// A column of one to six cells that mostly share a class and often a value.
fn cells(lcg: &mut Lcg) -> Vec<Cell<'static>> {
    let classes: &[u8] =
        lcg.pick(&[&b"i"[..], b"r", b"t", b"t", b"t", b"b", b"it", b"ir", b"irt", b"irtbn", b"tb"]);
    let narrow = lcg.next(2) == 0;
    let start = lcg.next(64);
    (0..=lcg.next(6))
        .map(|_| {
            let class = lcg.pick(classes);
            let at = if narrow { start + lcg.next(3) } else { lcg.next(64) };
            match class {
                b'i' => Cell::Integer(INTEGERS[at % INTEGERS.len()]),
                b'r' => Cell::Real(REALS[at % REALS.len()]),
                b't' => Cell::Text(TEXTS[at % TEXTS.len()]),
                b'b' => Cell::Blob(BLOBS[at % BLOBS.len()]),
                _ => Cell::Null,
            }
        })
        .collect()
}

/// Spellings that are documented to be one value: times, UUIDs, booleans, and reals read as times.
fn may_collapse(pg_type: &PgType) -> bool {
    use TypeClass::*;
    matches!(TypeClass::of(pg_type), Bool | Date | Time | Timestamp | TimestampTz | Uuid)
}

fn class(cell: Cell<'_>) -> u8 {
    match cell {
        Cell::Null => 0,
        Cell::Integer(_) => 1,
        Cell::Real(_) => 2,
        Cell::Text(_) => 3,
        Cell::Blob(_) => 4,
    }
}

#[test]
fn whatever_is_stored_fits_what_is_chosen_and_stays_distinct() {
    let mut lcg = Lcg(20_240_701);
    let mut seen: HashMap<String, u32> = HashMap::new();
    for round in 0..6_000 {
        let column = column(lcg.pick(NAMES), lcg.pick(DECLARED));
        let json_checked = lcg.next(8) == 0;
        let cells = cells(&mut lcg);
        let profile = profile(&column, json_checked, &cells);
        let table = if lcg.next(2) == 0 { "ZNOTE" } else { "notes" };
        let choice = choose(&Question { table, json_checked, ..ask(&column, Some(&profile)) });
        let decoder = Decoder::new(&choice.pg_type, choice.format, &Timezone::UTC);
        let case = || format!("round {round}: {} {} {cells:?} -> {choice:?}", column.name, column.declared);
        let mut decoded: Vec<(Cell<'_>, Decoded<'_>)> = vec![];
        for cell in &cells {
            let value =
                decoder.decode(*cell).unwrap_or_else(|invalid| panic!("{cell:?} {invalid}, {}", case()));
            decoded.push((*cell, value));
        }
        for (at, (cell, value)) in decoded.iter().enumerate() {
            for (other, same) in decoded.iter().take(at) {
                let collapsed = value == same && cell != other && class(*cell) == class(*other);
                assert!(!collapsed || may_collapse(&choice.pg_type), "{cell:?} is {other:?}, {}", case());
            }
        }
        *seen.entry(choice.pg_type.to_string()).or_default() += 1;
    }
    for pg_type in ["bigint", "boolean", "bytea", "date", "jsonb", "json", "numeric", "uuid", "text"] {
        assert!(seen.contains_key(pg_type), "{pg_type} was never chosen");
    }
}

#[test]
fn what_the_counts_call_a_fit_the_decoder_takes() {
    let types = "bool int2 int4 int8 real float8 numeric numeric(6,2) text varchar(5) char(5) bytea date time \
                 time(0) timestamp timestamp(3) timestamptz(0) timestamptz uuid json jsonb";
    let types: Vec<PgType> = types.split_whitespace().map(PgType::parse).collect();
    let types: Vec<&PgType> = types.iter().collect();
    let mut lcg = Lcg(7);
    for _ in 0..6_000 {
        let column = column("c", lcg.pick(&["DECIMAL", "JSON", "TEXT"]));
        let cells = cells(&mut lcg);
        let profile = profile(&column, false, &cells);
        let pg_type = lcg.pick(&types);
        let format = format_for(&ask(&column, Some(&profile)), pg_type);
        let excess = lcg.pick(&[Excess::Error, Excess::Round, Excess::Truncate]);
        if fit_without(&profile, pg_type, format, excess) != Fit::Yes {
            continue;
        }
        let decoder = Decoder::new(pg_type, format, &Timezone::UTC);
        for cell in &cells {
            let held = decoder.decode(*cell).is_ok() || decoder.decode_without(*cell, excess).is_some();
            assert!(held, "{cell:?} in {pg_type} {format:?} of {cells:?}, {excess:?}");
        }
    }
}

/// A column that the plan would refuse is refused for a reason.
#[test]
fn what_the_counts_call_no_fit_the_decoder_refuses() {
    let types = "bool int2 int4 int8 real float8 numeric numeric(6,2) text varchar(5) varchar(20) char(5) bytea date \
                 time time(0) timetz timestamp timestamp(3) timestamptz(0) timestamptz uuid json jsonb interval \
                 text[] int[] vector citext";
    let types: Vec<PgType> = types.split_whitespace().map(PgType::parse).collect();
    let types: Vec<&PgType> = types.iter().collect();
    let mut lcg = Lcg(8);
    for _ in 0..10_000 {
        let column = column("c", lcg.pick(&["DECIMAL", "JSON", "TEXT", "BIGINT"]));
        let cells = cells(&mut lcg);
        let profile = profile(&column, false, &cells);
        let pg_type = lcg.pick(&types);
        let format = format_for(&ask(&column, Some(&profile)), pg_type);
        // Spellings of numbers that no program writes are taken for other text.
        let number =
            matches!(TypeClass::of(pg_type), TypeClass::Float | TypeClass::Numeric) || format.is_some();
        let odd = number && profile.text.sum(&[textform::TextFormat::Other, textform::TextFormat::Hex32]) > 0;
        let excess = lcg.pick(&[Excess::Error, Excess::Round, Excess::Truncate]);
        if !odd && fit_without(&profile, pg_type, format, excess) == Fit::No {
            let decoder = Decoder::new(pg_type, format, &Timezone::UTC);
            let refuses = |cell: &&Cell<'_>| {
                decoder.decode(**cell).is_err() && decoder.decode_without(**cell, excess).is_none()
            };
            assert!(
                cells.iter().any(|cell| refuses(&cell)),
                "{pg_type} {format:?} {excess:?} holds {cells:?}"
            );
        }
    }
}

/// Hostile input: bytes near the shape of what is read, in every type and format.
#[test]
fn nothing_that_a_file_may_hold_makes_the_decoder_panic() {
    let types = "bool int2 int8 real float8 numeric numeric(1000,-1000) text varchar(0) char(5) bytea date time(0) \
                 timestamp timestamptz(3) uuid json jsonb interval inet timetz text[] jsonb[] timestamp[] vector";
    let types: Vec<PgType> = types.split_whitespace().map(PgType::parse).collect();
    let types: Vec<&PgType> = types.iter().collect();
    let zones = ["UTC", "+15:59", "Europe/Berlin"].map(|zone| Timezone::parse(zone).unwrap());
    let mut lcg = Lcg(99);
    for _ in 0..6_000 {
        let format = match lcg.next(Format::ALL.len() + 1) {
            0 => None,
            n => Some(Format::ALL[n - 1]),
        };
        let decoder = Decoder::new(lcg.pick(&types), format, &zones[lcg.next(zones.len())]);
        let mut bytes = lcg.pick(TEXTS).to_vec();
        for _ in 0..lcg.next(3) {
            let at = lcg.next(bytes.len() + 1);
            bytes.insert(at, lcg.pick(b"0919.-+:TZ {[\"\\\0\xFF\xC3e="));
        }
        bytes.truncate(lcg.next(40) + 1);
        let integer = lcg.pick(INTEGERS).wrapping_mul(1 << lcg.next(40));
        let real = lcg.pick(REALS) * 10f64.powi(lcg.next(400) as i32 - 200);
        let mut profile = ColumnProfile::for_column(&column("created_at", lcg.pick(DECLARED)), true, &[]);
        for cell in [
            Cell::Text(&bytes),
            Cell::Blob(&bytes),
            Cell::Integer(integer),
            Cell::Real(real),
            Cell::Real(f64::NAN),
        ] {
            let _ = decoder.decode(cell);
            let _ = [Excess::Round, Excess::Truncate].map(|excess| decoder.decode_without(cell, excess));
            profile.observe(cell);
        }
        let _ = (profile.min_text(), profile.max_text(), profile.format_found());
    }
}

#[test]
fn texts_with_nul_are_bytes_where_the_plan_says_so() {
    use crate::value::encoding::{Nul, TextReading};
    let (warning, info) = (Some(Severity::Warning), Some(Severity::Info));
    for (nul, declared, nulls_invalid, cells, pg_type, worst) in [
        (Nul::Error, "TEXT", false, &[text("a\0b"), text("c")][..], "bytea", warning),
        (Nul::Bytea, "TEXT", false, &[text("a\0b"), text("c")], "bytea", info),
        (Nul::Bytea, "TEXT", true, &[text("a\0b"), text("c")], "bytea", info),
        (Nul::Bytea, "TEXT", false, &[text("c")], "text", None),
        (Nul::Strip, "TEXT", false, &[text("a\0b"), text("c")], "text", info),
        (Nul::Error, "INTEGER", true, &[text("a\0b"), Cell::Integer(1)], "bigint", warning),
        (Nul::Bytea, "INTEGER", true, &[text("a\0b"), Cell::Integer(1)], "bytea", info),
        (Nul::Bytea, "", true, &[text("a\0b"), Cell::Integer(1)], "bytea", info),
    ] {
        let column = column("c", declared);
        let mut profile = ColumnProfile::for_column(&column, false, &[])
            .reading(TextReading { nul, ..TextReading::default() });
        cells.iter().for_each(|cell| profile.observe(*cell));
        let choice = choose(&Question { nulls_invalid, ..ask(&column, Some(&profile)) });
        let found = choice.findings.iter().map(|f| f.severity).max();
        let case = format!("{nul:?} {declared} {cells:?} {:?}", choice.findings);
        assert_eq!((choice.pg_type, found), (PgType::parse(pg_type), worst), "{case}");
        let offered = choice.findings.iter().any(|f| f.fix.is_some());
        assert!(!offered || nul == Nul::Error, "{case}");
    }
}
