use super::*;

#[test]
fn each_is_one_statement_that_no_search_path_changes() {
    for helper in HELPERS {
        let (name, sql) = (helper.name, helper.sql);
        assert!(sql.starts_with(&format!("CREATE OR REPLACE FUNCTION {SCHEMA}.{name}(")), "{name}");
        assert!(sql.contains("SET search_path = pg_catalog, pg_temp"), "{name}");
        // Parallel workers have no subtransactions, which an exception block needs.
        let parallel = if sql.contains("EXCEPTION WHEN") { "PARALLEL UNSAFE" } else { "PARALLEL SAFE" };
        assert!(sql.contains(parallel), "{name}");
        assert!(["IMMUTABLE", "STABLE"].iter().any(|word| sql.contains(word)), "{name}");
        assert!(sql.is_ascii() && sql.trim_end().ends_with("$function$"), "{name}");
    }
}

#[test]
fn each_comes_after_those_that_it_calls_and_is_as_stable_as_they_are() {
    for (at, helper) in HELPERS.iter().enumerate() {
        for callee in named_in(helper.sql).into_iter().filter(|name| *name != helper.name) {
            let place = HELPERS.iter().position(|h| h.name == callee).unwrap();
            assert!(place < at, "{} calls {callee}", helper.name);
            let stable = |h: &Helper| h.sql.contains("STABLE");
            assert!(stable(helper) || !stable(&HELPERS[place]), "{} calls {callee}", helper.name);
        }
        // Every name after the schema's is a helper's.
        let calls = helper.sql.matches(CALL).count();
        assert_eq!(named_in(helper.sql).len(), calls, "{}", helper.name);
    }
}

#[test]
fn a_statement_needs_what_it_calls_and_what_that_calls() {
    let names = |sql: &str| called_by(sql).iter().map(|h| h.name).collect::<Vec<_>>();
    assert_eq!(names("SELECT sqlite_compat.number_text(x)"), ["real_text", "number_text"]);
    assert_eq!(names("SELECT \"sqlite_compat\".\"t\".a, sqlite_compat.nothing(1)"), [""; 0]);
    assert!(names("SELECT sqlite_compat.timediff(a, b)").contains(&"julian_day"));
    let made = statements("SELECT sqlite_compat.soundex('x')");
    assert_eq!(made.len(), SCHEMA_STEPS.len() + 1);
    assert!(statements("SELECT 1").is_empty());
    assert_eq!(call("real_text", &["x"]), "sqlite_compat.real_text(x)");
}

#[test]
fn the_documentation_lists_every_helper() {
    let doc = include_str!("../../../../docs/translate.md");
    let section = doc
        .split("### Helper functions")
        .nth(1)
        .unwrap_or_default()
        .split("\n## ")
        .next()
        .unwrap_or_default();
    let found: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let rows: Vec<String> = HELPERS.iter().map(|h| format!("| `{}` | {} |", h.name, h.note)).collect();
    assert_eq!(found, rows, "docs/translate.md:\n{}", rows.join("\n"));
}
