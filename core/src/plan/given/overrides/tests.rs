//! Tests of [`super`]: `overrides.rs`.

use super::*;
use serde_json::json;

#[test]
fn a_mistake_is_named_by_its_path() {
    for (plan, message) in [
        (json!([]), "plan: expected an object, not a list"),
        (json!({"shema": "x"}), "plan.shema: unknown key, did you mean \"schema\"?"),
        (json!({"zzz": 1}), "plan.zzz: unknown key"),
        (json!({"schema": 3}), "plan.schema: expected a string, not a number"),
        (json!({"schema": ""}), "plan.schema: must not be empty"),
        (json!({"schema": "a\u{0}"}), "plan.schema: must not contain a NUL character"),
        (
            json!({"names": "snakecase"}),
            "plan.names: invalid value \"snakecase\", did you mean \"snake_case\"?",
        ),
        (
            json!({"names": null}),
            "plan.names: expected one of \"preserve\", \"lower\", \"snake_case\", not null",
        ),
        (json!({"include": "users"}), "plan.include: expected a list of strings, not a string"),
        (json!({"include": ["a", 1]}), "plan.include[1]: expected a string, not a number"),
        (
            json!({"types": {"DATE": "date; drop"}}),
            "plan.types.DATE: \"date; drop\" is not a type name: unexpected character ';'",
        ),
        (json!({"timezone": "Mars/Olympus"}), "plan.timezone: time zone \"Mars/Olympus\" not recognized"),
        (json!({"tables": {"users": 1}}), "plan.tables.users: expected an object, not a number"),
        (
            json!({"tables": {"users": {"columns": {"age": {"typ": "x"}}}}}),
            "plan.tables.users.columns.age.typ: unknown key, did you mean \"type\"?",
        ),
        (
            json!({"tables": {"a.b": {"skp": true}}}),
            "plan.tables.\"a.b\".skp: unknown key, did you mean \"skip\"?",
        ),
        (
            json!({"tables": {"t": {"columns": {"c": {"generated": 1}}}}}),
            "plan.tables.t.columns.c.generated: expected true, false, a word, an expression or an object, not a number",
        ),
        (
            json!({"tables": {"t": {"columns": {"c": {"format": "nonsense"}}}}}),
            "plan.tables.t.columns.c.format: invalid value \"nonsense\"",
        ),
        (json!({"analyze": "yes"}), "plan.analyze: expected true or false, not a string"),
    ] {
        assert_eq!(parse(&plan).unwrap_err().to_string(), message, "{plan}");
    }
}

#[test]
fn what_does_not_work_yet_is_refused_by_name() {
    for (plan, message) in [
        (json!({"tables": {"t": {"primary_key": ["a"]}}}), "plan.tables.t.primary_key: not supported yet"),
        (json!({"tables": {"t": {"partition_by": "x"}}}), "plan.tables.t.partition_by: not supported yet"),
    ] {
        assert_eq!(parse(&plan).unwrap_err().to_string(), message, "{plan}");
    }
    for plan in [
        json!(null),
        json!({"views": false, "on_conflict": "update", "create": "never", "loader": "rows", "verify": "none"}),
    ] {
        assert!(parse(&plan).is_ok(), "{plan}");
    }
}

#[test]
fn every_type_is_found_with_its_path() {
    let mut overrides = parse(&json!({
        "types": { "A/B": "int8" },
        "tables": { "t": { "types": { "X": "text" }, "columns": { "c": { "type": "uuid" }, "d": {} } } },
    }))
    .unwrap_or_default();
    let found: Vec<_> = overrides.types_mut().map(|(path, pg_type)| format!("{path} {pg_type}")).collect();
    let expected =
        ["plan.types.\"A/B\" bigint", "plan.tables.t.types.X text", "plan.tables.t.columns.c.type uuid"];
    assert_eq!(found, expected);
}

#[test]
fn skip_is_said_of_the_table_whatever_its_case() {
    let mut overrides = parse(&json!({"tables": {"Users": {"where": "1"}}})).unwrap_or_default();
    overrides.set_skip("users", true);
    overrides.set_skip("orders", false);
    let skips: Vec<_> = overrides.tables.iter().map(|(name, t)| (name.as_str(), t.skip)).collect();
    assert_eq!(skips, [("Users", Some(true)), ("orders", Some(false))]);
    assert_eq!(overrides.table("USERS").and_then(|t| t.filter.as_deref()), Some("1"));
}

#[test]
fn one_statement_is_a_list_of_one() {
    let given = parse(&json!({"before": "select 1", "after": ["a", "b"]})).unwrap_or_default();
    assert_eq!(given.before, Some(vec!["select 1".to_string()]));
    assert_eq!(given.after, Some(vec!["a".to_string(), "b".to_string()]));
}
