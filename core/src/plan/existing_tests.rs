//! Scenarios with tables that are there already, as an ORM leaves them.

use serde_json::{Value, json};

use super::tests::*;
use super::*;
use crate::catalog::{Catalog, Generated, Table};
use crate::types::{ColumnProfile, TableProfile};
use crate::value::PgType;

fn there(name: &str, columns: Vec<ExistingColumn>) -> ExistingTable {
    let (schema, name) = ("public".to_string(), name.to_string());
    ExistingTable {
        schema,
        name,
        relkind: 'r',
        columns,
        rows: Some(0),
        insertable: true,
        owned: true,
        ..Default::default()
    }
}

fn col(name: &str, pg_type: &str) -> ExistingColumn {
    ExistingColumn::new(name, PgType::parse(pg_type))
}

fn id() -> ExistingColumn {
    let sequence = Some("public.t_id_seq".to_string());
    ExistingColumn { not_null: true, has_default: true, sequence, ..col("id", "bigint") }
}

fn target(relations: Vec<ExistingTable>) -> Target {
    Target { relations, schemas: strings(&["public"]), ..Target::default() }
}

fn rows(count: u64, columns: Vec<ColumnProfile>) -> Option<TableProfile> {
    Some(TableProfile { rows: count, sampled: false, columns })
}

fn nulls(count: u64) -> ColumnProfile {
    let mut stored = ColumnProfile::default();
    stored.nulls = count;
    stored
}

/// `id` and `v`, both with values.
fn t() -> Catalog {
    catalog(vec![numbered("t", vec![column("v", "TEXT")])])
}

fn loads(planned: &Planned) -> Vec<&LoadSpec> {
    let steps = planned.steps.iter();
    steps
        .filter_map(|step| if let Action::Load(spec) = &step.action { Some(&**spec) } else { None })
        .collect()
}

fn go(catalog: &Catalog, target: &Target, plan: Value) -> Planned {
    let first = plan_with(catalog, &[], &[], target, plan.clone());
    let again = plan_with(catalog, &[], &[], target, plan);
    assert_eq!(first.findings, again.findings, "findings are deterministic");
    first
}

fn worst(planned: &Planned) -> Vec<String> {
    let blocking = planned.findings.iter().filter(|f| f.severity == crate::finding::Severity::Blocking);
    blocking.map(|f| format!("{}: {}", f.object, f.message)).collect()
}

#[test]
fn tables_and_columns_are_found_by_similar_names() {
    let catalog = catalog(vec![
        numbered(
            "UserProfile",
            vec![column("userName", "TEXT"), column("EMAIL", "TEXT"), column("user_id", "TEXT")],
        ),
        numbered("order", vec![]),
    ]);
    let columns = || vec![id(), col("user_name", "text"), col("email", "text"), col("userid", "text")];
    let target = target(vec![
        there("user_profile", columns()),
        there("order", vec![id()]),
        there("Order", vec![id()]),
    ]);
    let planned = go(&catalog, &target, json!({}));
    assert_eq!(worst(&planned), [""; 0]);
    assert_eq!(
        said(&planned, "UserProfile")[..2],
        [
            "info: goes into existing table \"user_profile\", found by a similar name",
            "info: columns are found by similar names: \"userName\" as \"user_name\", \"EMAIL\" as \"email\", \"user_id\" as \"userid\""
        ]
    );
    let load = loads(&planned)[0];
    let names: Vec<_> = load.columns.iter().map(|c| c.target.as_str()).collect();
    assert_eq!((load.target.as_str(), names), ("user_profile", vec!["id", "user_name", "email", "userid"]));
    assert_eq!(planned.plan["tables"]["UserProfile"]["target"], json!("user_profile"));
    assert_eq!(loads(&planned)[1].target, "order", "an exact name is no finding");
    let replaced = go(&catalog, &target, json!({"existing_rows": "replace", "include": ["UserProfile"]}));
    assert!(
        sql(&replaced).iter().any(|s| s.starts_with("CREATE TABLE \"public\".\"UserProfile\"")),
        "never by a guess"
    );
    assert!(!sql(&replaced).iter().any(|s| s.starts_with("DROP")));
}

#[test]
fn what_could_mean_two_things_stops() {
    let two = catalog(vec![numbered("userId", vec![]), numbered("User", vec![column("aB", "TEXT")])]);
    let target = target(vec![
        there("user_id", vec![id()]),
        there("USER_ID", vec![id()]),
        there("User", vec![id(), col("a_b", "text"), col("AB", "text"), col("ab", "text")]),
    ]);
    let planned = go(&two, &target, json!({}));
    assert_eq!(
        worst(&planned),
        [
            "userId: several existing tables could be meant: \"user_id\", \"USER_ID\"",
            "User.aB: several existing columns could be meant: \"AB\", \"ab\""
        ]
    );
    assert_eq!(planned.plan["tables"]["userId"]["target"], Value::Null, "not decided");
    assert_eq!(planned.plan["tables"]["User"]["columns"]["aB"]["name"], Value::Null);
    let given =
        json!({"tables": {"userId": {"target": "USER_ID"}, "User": {"columns": {"aB": {"name": "ab"}}}}});
    assert_eq!(worst(&go(&two, &target, given)), [""; 0]);
    let contested = catalog(vec![numbered("userId", vec![]), numbered("user id", vec![])]);
    let planned =
        go(&contested, &super::existing_tests::target(vec![there("user_id", vec![id()])]), json!({}));
    assert_eq!(
        worst(&planned),
        [
            "userId: existing table \"user_id\" could be meant for \"user id\" as well",
            "user id: existing table \"user_id\" could be meant for \"userId\" as well"
        ]
    );
    assert!(planned.steps.is_empty() && planned.tables.iter().all(|t| t.skipped));
}

#[test]
fn never_makes_nothing() {
    let catalog =
        catalog(vec![numbered("users", vec![]), numbered("gone", vec![]), numbered("nothing", vec![])]);
    let profiles = [rows(2, vec![counts(0, 2)]), rows(1, vec![counts(0, 1)]), rows(0, vec![counts(0, 0)])];
    let target = target(vec![there("users", vec![id()]), there("goner", vec![id()])]);
    let plan = json!({"create": "never"});
    let planned = plan_with(&catalog, &profiles, &[], &target, plan);
    assert_eq!(
        worst(&planned),
        [
            "gone: table \"public.gone\" does not exist, and the plan says create: \"never\", did you mean \"goner\"?"
        ]
    );
    let left_out = "is left out: it holds no row, and table \"public.nothing\" does not exist";
    assert_eq!(said(&planned, "nothing"), [format!("warning: {left_out}")]);
    assert_eq!(
        planned.tables.iter().map(|t| (t.source.as_str(), t.skipped)).collect::<Vec<_>>(),
        [("users", false), ("gone", true), ("nothing", true)]
    );
    assert!(sql(&planned).iter().all(|s| !s.starts_with("CREATE")), "{:?}", sql(&planned));
    assert_eq!(planned.plan["tables"]["nothing"]["skip"], json!(false), "another file may have rows");
    let elsewhere = plan_with(&catalog, &profiles, &[], &target, json!({"create": "never", "schema": "app"}));
    assert_eq!(
        worst(&elsewhere),
        ["schema app: schema \"app\" does not exist, and the plan says create: \"never\""]
    );
    assert!(elsewhere.steps.is_empty());
    let replace = json!({"create": "never", "existing_rows": "replace", "include": ["users"]});
    let replaced = plan_with(&catalog, &profiles, &[], &target, replace);
    assert_eq!(
        worst(&replaced),
        ["users: \"public.users\" would be dropped and created, but the plan says create: \"never\""]
    );
}

#[test]
fn a_column_without_a_counterpart_is_named() {
    let mut source =
        numbered("t", vec![column("full", "TEXT"), column("empty", "TEXT"), column("made", "TEXT")]);
    source.columns[3].generated = Some(Generated { expression: "full".into(), stored: true });
    source.columns.push(column("computed", "TEXT"));
    let source = catalog(vec![source]);
    let texts = || counts(2, 0);
    let profiles = [rows(2, vec![counts(0, 2), texts(), nulls(2), texts(), texts()])];
    let target = target(vec![there(
        "t",
        vec![
            id(),
            ExistingColumn { generated: true, not_null: true, ..col("computed", "text") },
            ExistingColumn { has_default: true, not_null: true, ..col("created", "text") },
            col("note", "text"),
            ExistingColumn { not_null: true, ..col("must", "text") },
        ],
    )]);
    let planned = plan_with(&source, &profiles, &[], &target, json!({}));
    for (object, message) in [
        ("t.full", "blocking: table \"public.t\" has no column \"full\""),
        ("t.empty", "warning: is left out: it holds no value, and table \"public.t\" has no such column"),
        ("t.made", "info: is not loaded: it is computed, and table \"public.t\" has no such column"),
        ("t.computed", "info: is not loaded: PostgreSQL computes column \"computed\""),
        ("t.created", "info: existing column gets no value from the source: it takes its default"),
        ("t.note", "info: existing column gets no value from the source: it stays NULL"),
        (
            "t.must",
            "blocking: existing column gets no value from the source: it is NOT NULL and has no default",
        ),
    ] {
        assert_eq!(said(&planned, object), [message], "{object}");
    }
    let empty = planned.plan["tables"]["t"]["columns"]["empty"].clone();
    assert_eq!((empty["name"].clone(), empty["skip"].clone()), (json!("empty"), json!(false)));
    let loaded: Vec<_> = loads(&planned)[0].columns.iter().map(|c| c.source.as_str()).collect();
    assert_eq!(loaded, ["id"]);
    let nothing = [rows(0, vec![])];
    let planned = plan_with(
        &source,
        &nothing,
        &[],
        &target,
        json!({"tables": {"t": {"columns": {"full": {"skip": true}}}}}),
    );
    assert!(said(&planned, "t.must")[0].starts_with("warning: "), "no row would miss it");
    let sampled = [Some(TableProfile { rows: 2, sampled: true, columns: vec![nulls(2); 5] })];
    let planned = plan_with(&source, &sampled, &[], &target, json!({}));
    assert!(said(&planned, "t.empty")[0].starts_with("blocking: "), "not every row was looked at");
}

#[test]
fn null_for_a_column_that_takes_none_goes_by_on_invalid() {
    let profiles = [rows(3, vec![counts(0, 3), nulls(2)])];
    let target = target(vec![there("t", vec![id(), ExistingColumn { not_null: true, ..col("v", "text") }])]);
    let message = "2 rows have NULL, and existing column \"v\" is NOT NULL";
    for (policy, expected) in [
        ("error", format!("blocking: {message}")),
        ("null", format!("blocking: {message}")),
        ("text", format!("blocking: {message}")),
        ("reject", format!("warning: {message}; such rows go to sqlite_migrate.reject")),
    ] {
        let planned = plan_with(&t(), &profiles, &[], &target, json!({"on_invalid": policy}));
        assert_eq!(said(&planned, "t.v"), [expected], "{policy}");
        assert!(loads(&planned)[0].columns[1].not_null);
    }
}

#[test]
fn values_are_measured_by_the_type_below_a_domain() {
    let domain = |base: Option<PgType>, not_null| ExistingColumn {
        pg_type: match base {
            Some(base) => PgType::Domain { name: "app.thing".into(), base: Box::new(base) },
            None => PgType::UserDefined("app.thing".into()),
        },
        not_null,
        ..col("v", "text")
    };
    let mut blob = counts(0, 0);
    blob.blobs = 1;
    let profiles = [rows(1, vec![counts(0, 1), blob])];
    let go = |column, plan: Value| {
        plan_with(&t(), &profiles, &[], &target(vec![there("t", vec![id(), column])]), plan)
    };
    let fits = go(domain(Some(PgType::Text), false), json!({}));
    assert_eq!(loads(&fits)[0].columns[1].pg_type.to_string(), "app.thing");
    assert_eq!(said(&fits, "t.v"), [""; 0]);
    let user = go(domain(None, false), json!({}));
    assert_eq!(said(&user, "t.v"), [""; 0], "only its input function knows");
    let message = "not every stored value fits app.thing: the only value is blob";
    for (not_null, policy, expected) in [
        (false, "error", format!("blocking: {message}")),
        (false, "null", format!("warning: {message}; 1 value becomes NULL")),
        (true, "null", format!("blocking: {message}")),
        (false, "reject", format!("warning: {message}; 1 row goes to sqlite_migrate.reject")),
    ] {
        assert_eq!(
            said(&go(domain(Some(PgType::Int4), not_null), json!({"on_invalid": policy})), "t.v"),
            [expected]
        );
    }
}

#[test]
fn a_table_that_others_point_to_is_truncated_with_them_or_not_at_all() {
    let catalog = catalog(vec![numbered("a", vec![]), numbered("b", vec![])]);
    let points = |from: &[&str]| from.iter().map(|n| ("public".to_string(), n.to_string())).collect();
    let target = target(vec![
        ExistingTable { referenced_by: points(&["a", "b", "c"]), relkind: 'p', ..there("a", vec![id()]) },
        there("b", vec![id()]),
    ]);
    let truncate = json!({"existing_rows": "truncate"});
    let planned = go(&catalog, &target, truncate.clone());
    assert_eq!(
        worst(&planned),
        ["a: \"public.a\" cannot be truncated: foreign keys point to it from \"public.c\""]
    );
    let mut target = target;
    target.relations[0].referenced_by.pop();
    let planned = go(&catalog, &target, truncate);
    assert_eq!(worst(&planned), [""; 0]);
    assert_eq!(sql(&planned)[0], "TRUNCATE TABLE \"public\".\"a\", ONLY \"public\".\"b\"");
    let alone = go(&catalog, &target, json!({"existing_rows": "truncate", "on_error": "continue"}));
    assert_eq!(
        worst(&alone),
        ["a: \"public.a\" cannot be truncated: foreign keys point to it from \"public.b\""]
    );
}

fn key(name: &str, columns: &[&str]) -> ExistingKey {
    ExistingKey { name: name.into(), columns: strings(columns), constraint: true, ..Default::default() }
}

#[test]
fn conflicts_go_by_a_key_that_is_there() {
    let primary = || ExistingKey { primary: true, ..key("t_pkey", &["id"]) };
    let deferrable = |key| ExistingKey { deferrable: true, ..key };
    let (v, w) = (|| key("t_v_key", &["v"]), || key("t_w_key", &["w"]));
    let go = |keys, rows, plan: Value| {
        let columns = vec![id(), col("v", "text"), col("w", "text")];
        let table = ExistingTable { keys, rows: Some(rows), ..there("t", columns) };
        go(&t(), &target(vec![table]), plan)
    };
    let by = |planned: &Planned| {
        let conflict = loads(planned)[0].existing.clone().and_then(|e| e.conflict);
        conflict.map(|c| (c.arbiter.name, c.update))
    };
    let table = |plan: Value| json!({"tables": {"t": plan}});
    let (skip, update) = (json!({"on_conflict": "skip"}), json!({"on_conflict": "update"}));
    for (keys, rows, plan, name, columns) in [
        (vec![primary(), v()], 3, skip.clone(), "t_pkey", &[][..]),
        (vec![primary(), v()], 3, update.clone(), "t_pkey", &["v"]),
        (vec![v()], 3, update.clone(), "t_v_key", &["id"]),
        (
            vec![primary(), v()],
            3,
            table(json!({"on_conflict": "update", "conflict_target": "t_v_key"})),
            "t_v_key",
            &["id"],
        ),
    ] {
        let planned = go(keys, rows, plan.clone());
        assert_eq!(worst(&planned), [""; 0]);
        assert_eq!(by(&planned), Some((name.to_string(), strings(columns))), "{plan}");
    }
    assert_eq!(by(&go(vec![], 0, update.clone())), None, "no key that a row could share");
    for (keys, plan, message) in [
        (vec![], skip.clone(), "table \"public.t\" has no unique key for on_conflict"),
        (
            vec![v(), w()],
            skip.clone(),
            "table \"public.t\" has several unique keys: \"t_v_key\" or \"t_w_key\"",
        ),
        (
            vec![w()],
            skip.clone(),
            "on_conflict \"skip\" cannot use \"t_w_key\": no value is loaded into its column \"w\"",
        ),
        (
            vec![deferrable(primary())],
            update.clone(),
            "on_conflict \"update\" cannot use \"t_pkey\": it is deferrable",
        ),
        (
            vec![
                ExistingKey { constraint: false, ..v() },
                deferrable(ExistingKey { name: "twin".into(), ..v() }),
            ],
            table(json!({"on_conflict": "skip", "conflict_target": "t_v_key"})),
            "on_conflict \"skip\" cannot use \"t_v_key\": \"twin\" has the same columns and is deferrable",
        ),
        (
            vec![v()],
            table(json!({"on_conflict": "skip", "conflict_target": "t_v_kye"})),
            "table \"public.t\" has no unique key \"t_v_kye\", did you mean \"t_v_key\"?",
        ),
    ] {
        let planned = go(keys, 3, plan);
        assert_eq!(worst(&planned), [format!("t: {message}")]);
    }
    let error = go(vec![primary()], 0, table(json!({"conflict_target": "t_pkey"})));
    assert!(
        said(&error, "t").contains(
            &"warning: plan.tables.t.conflict_target has no effect: on_conflict is \"error\"".into()
        )
    );
    assert_eq!(by(&error), None);
}

#[test]
fn an_update_leaves_keys_and_identities_alone() {
    let keys = || vec![key("t_v_key", &["v"])];
    let always = || ExistingColumn { identity: Some(Identity::Always), ..id() };
    let table = ExistingTable { keys: keys(), ..there("t", vec![always(), col("v", "text")]) };
    let planned = go(&t(), &target(vec![table]), json!({"on_conflict": "update"}));
    assert_eq!(
        said(&planned, "t.id"),
        ["info: is GENERATED ALWAYS AS IDENTITY: existing rows keep its value"]
    );
    let nothing = "info: has no column to update besides its key: existing rows stay as they are";
    assert!(said(&planned, "t").contains(&nothing.into()));
    for (relkind, insert_rules, why) in [('v', false, "a view"), ('r', true, "a table with rules for INSERT")]
    {
        let table =
            ExistingTable { keys: keys(), relkind, insert_rules, ..there("t", vec![id(), col("v", "text")]) };
        let planned = go(&t(), &target(vec![table]), json!({"on_conflict": "update"}));
        assert_eq!(worst(&planned), [format!("t: on_conflict \"update\" does not work for {why}")]);
    }
}

#[test]
fn a_table_of_somebody_else_is_loaded_where_the_plan_names_it() {
    let theirs = |relkind| ExistingTable {
        untrusted_owner: Some("eve".into()),
        relkind,
        triggers: strings(&["audit"]),
        owned: false,
        ..there("t", vec![id(), col("v", "text")])
    };
    for relkind in ['r', 'p', 'v'] {
        let target = target(vec![theirs(relkind)]);
        let asked = go(&t(), &target, json!({}));
        assert!(loads(&asked).is_empty());
        assert_eq!(asked.plan["tables"]["t"]["target"], Value::Null);
        assert!(
            said(&asked, "t")[0].starts_with("blocking: \"public.t\" exists and belongs to role \"eve\"")
        );
        for consent in [json!({"create": "never"}), json!({"tables": {"t": {"target": "t"}}})] {
            assert_eq!(loads(&go(&t(), &target, consent)).len(), 1, "{relkind}");
        }
    }
    let quoted = ExistingTable { name: "a\"b".into(), ..theirs('r') };
    let asked =
        go(&catalog(vec![numbered("a\"b", vec![column("v", "TEXT")])]), &target(vec![quoted]), json!({}));
    let hint = &asked.findings.iter().find(|finding| finding.object == "a\"b").unwrap().hint;
    assert!(hint.contains(r#"Set plan.tables."a\"b".target to "a\"b" if that is"#), "{hint}");
    let named = go(&t(), &target(vec![theirs('r')]), json!({"create": "never"}));
    let fire = "warning: triggers fire for loaded rows, because only the table's owner can disable them: \
                \"audit\"";
    assert!(said(&named, "t").contains(&fire.into()), "{:?}", said(&named, "t"));
    let anew = go(&t(), &target(vec![theirs('r')]), json!({"existing_rows": "replace"}));
    assert_eq!(loads(&anew).len(), 1);
}

#[test]
fn rows_that_cannot_be_counted_may_be_there() {
    let reason = Some("permission denied".to_string());
    let target = target(vec![ExistingTable {
        rows: None,
        uncounted: reason,
        ..there("t", vec![id(), col("v", "text")])
    }]);
    let uncertain = go(&t(), &target, json!({}));
    assert!(said(&uncertain, "t")[0].contains("its rows cannot be counted: permission denied"));
    assert!(
        said(&go(&t(), &target, json!({"existing_rows": "append"})), "t")
            .iter()
            .all(|s| !s.starts_with("blocking"))
    );
}

#[test]
fn a_load_is_told_of_triggers_and_constraints() {
    let triggers = strings(&["audit", "touch"]);
    let target = target(vec![ExistingTable { triggers, ..there("t", vec![id(), col("v", "text")]) }]);
    let into =
        |planned: &Planned| loads(planned)[0].existing.clone().map(|e| (e.fire_triggers, e.keep_constraints));
    let quiet = go(&t(), &target, json!({}));
    assert_eq!(said(&quiet, "t")[1], "info: triggers do not fire for loaded rows: \"audit\", \"touch\"");
    assert_eq!(into(&quiet), Some((false, false)));
    let loud = go(&t(), &target, json!({"tables": {"t": {"fire_triggers": true, "constraints": "keep"}}}));
    // That they fire, and that nobody can take back what they do.
    assert_eq!((said(&loud, "t").len(), into(&loud)), (2, Some((true, true))));
    let own =
        json!({"fire_triggers": true, "on_conflict": "skip", "conflict_target": "x", "constraints": "keep"});
    let made = go(&t(), &Target::default(), json!({"tables": {"t": own}}));
    let no_effect =
        |key: &str| format!("warning: plan.tables.t.{key} has no effect: the table is made by the import");
    assert_eq!(
        said(&made, "t"),
        ["on_conflict", "constraints", "fire_triggers", "conflict_target"].map(no_effect)
    );
}

fn equal() -> KeyOperator {
    let types = || "pg_catalog.int8".to_string();
    KeyOperator { name: "pg_catalog.=".into(), parent_type: types(), child_type: types() }
}

fn child_of(parent: &str) -> ExistingTable {
    let key = ExistingForeignKey {
        name: "child_up_fkey".into(),
        columns: strings(&["up"]),
        parent_schema: "public".into(),
        parent: parent.into(),
        parent_columns: strings(&["id"]),
        operators: vec![equal()],
        full: true,
        period: false,
        enforced: true,
        validated: true,
        existing_orphans: ExistingOrphans::Unasked,
    };
    let off = ExistingForeignKey { enforced: false, name: "off".into(), ..key.clone() };
    ExistingTable { foreign_keys: vec![key, off], ..there("child", vec![id(), col("up", "bigint")]) }
}

#[test]
fn rows_that_are_there_without_a_parent_are_told_of() {
    let known = catalog(vec![numbered("child", vec![column("up", "INTEGER")])]);
    let counted = |existing_orphans: ExistingOrphans, rows: u64, plan: Value| {
        let mut child = ExistingTable { rows: Some(rows), ..child_of("parent") };
        child.foreign_keys.iter_mut().for_each(|key| key.existing_orphans = existing_orphans.clone());
        said(&plan_with(&known, &[], &[], &target(vec![child]), plan), "foreign key child_up_fkey of child")
    };
    let append = json!({"existing_rows": "append"});
    let told =
        "info: 1 existing row points to no row of \"parent\"; the import does not change existing rows";
    assert_eq!(counted(ExistingOrphans::Counted(1), 5, append.clone()), [told]);
    let refused = "info: existing rows were not checked for parents: permission denied";
    assert_eq!(counted(ExistingOrphans::Refused("permission denied".into()), 5, append.clone()), [refused]);
    assert_eq!(counted(ExistingOrphans::Counted(0), 5, append.clone()), [""; 0]);
    assert_eq!(counted(ExistingOrphans::Counted(1), 5, json!({"existing_rows": "truncate"})), [""; 0]);
}

#[test]
fn keys_that_are_there_are_looked_after() {
    let mut child = numbered("child", vec![column("up", "INTEGER")]);
    child.foreign_keys.push(references(&["up"], "Parent", &["id"]));
    let known = catalog(vec![child, numbered("Parent", vec![])]);
    let facts = [KeyFact {
        table: "child".into(),
        kind: KeyFactKind::Orphan { foreign_key: 0 },
        count: 2,
        examples: vec![],
    }];
    let object = "foreign key child_up_fkey of child";
    let target = |rows| {
        target(vec![child_of("parent"), ExistingTable { rows: Some(rows), ..there("parent", vec![id()]) }])
    };
    let points = "2 rows point to no row of \"parent\"";
    for (policy, in_parent, message, step) in [
        ("error", 0, format!("blocking: {points}"), "Error"),
        ("error", 1, format!("warning: {points}, unless existing rows are their parents"), "Error"),
        ("keep", 0, format!("blocking: {points}"), "Error"),
        ("reject", 0, format!("warning: {points}; such rows go to sqlite_migrate.reject"), "Reject"),
        ("null", 1, format!("warning: {points}; their key becomes NULL"), "Null"),
    ] {
        let plan = json!({"orphans": policy, "existing_rows": "append"});
        let planned = plan_with(&known, &[], &facts, &target(in_parent), plan);
        assert_eq!(said(&planned, object), [message], "{policy}");
        let all = sql(&planned);
        let orphans: Vec<_> = all.iter().filter(|s| s.starts_with("orphans")).collect();
        assert_eq!(orphans, [&format!("orphans child {step}")]);
        assert_eq!(all[..2], ["load Parent into public.parent", "load child into public.child"]);
        let own = loads(&planned)[1].existing.clone().map_or(vec![], |e| e.orphans);
        assert_eq!((own.len(), own[0].full, &own[0].operators), (1, true, &vec![equal()]));
    }
    let unknown = catalog(vec![numbered("child", vec![column("up", "INTEGER")]), numbered("parent", vec![])]);
    let planned = go(&unknown, &target(0), json!({}));
    assert_eq!(loads(&planned)[0].target, "parent", "parents first, by the target's keys as well");
    let mut fixed = target(0);
    fixed.relations[0].columns[1].not_null = true;
    let planned = go(&unknown, &fixed, json!({"orphans": "null"}));
    assert_eq!(
        said(&planned, object),
        ["info: orphans cannot be set to NULL: a column of the key is NOT NULL"]
    );
    assert!(sql(&planned).contains(&"orphans child Error".to_string()), "a row that cannot is named");
    let mut temporal = target(0);
    temporal.relations[0].foreign_keys[0].period = true;
    let planned = go(&unknown, &temporal, json!({"orphans": "reject"}));
    assert_eq!(
        said(&planned, object),
        ["warning: orphans \"reject\" has no effect: a key WITH PERIOD is checked while rows are inserted"]
    );
    assert!(!sql(&planned).iter().any(|s| s.starts_with("orphans")));
}

#[test]
fn every_sequence_of_a_table_is_moved() {
    let mut source: Table = numbered("t", vec![column("n", "INTEGER")]);
    (source.autoincrement, source.sequence) = (true, Some(41));
    let source = catalog(vec![source]);
    let numbering = |name: &str, pg_type: &str| ExistingColumn {
        has_default: true,
        sequence: Some(format!("public.\"T_{name}\"")),
        ..col(name, pg_type)
    };
    let columns = || {
        vec![
            numbering("id", "bigint"),
            col("n", "bigint"),
            numbering("nr", "integer"),
            numbering("num", "numeric(9,2)"),
            numbering("code", "text"),
        ]
    };
    let moves = |rows, plan: Value| {
        let table = ExistingTable { rows, ..there("t", columns()) };
        let planned = go(&source, &target(vec![table]), plan);
        let steps = planned.steps.iter().filter(|s| s.phase == Phase::Sequences);
        steps.map(|s| (s.title.clone(), s.sql())).collect::<Vec<_>>()
    };
    let all = moves(Some(5), json!({"existing_rows": "append"}));
    let titles: Vec<_> = all.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["id", "nr", "num"].map(|c| format!("reset sequence of public.t.{c}")));
    assert!(
        all[0].1.contains("GREATEST(pg_catalog.max(\"id\"), 41) INTO used FROM \"public\".\"t\""),
        "{}",
        all[0].1
    );
    assert!(all[1].1.contains("SELECT pg_catalog.max(\"nr\") INTO used"), "sqlite_sequence is the rowid's");
    assert!(all[2].1.contains("pg_catalog.ceil(pg_catalog.max(\"num\")"));
    for (sql, name) in all.iter().map(|(_, sql)| sql).zip(["id", "nr", "num"]) {
        assert!(sql.contains("exact pg_catalog.bool := false;"), "forward only beside other rows");
        assert!(sql.contains(&format!("seq pg_catalog.text := ''public.\"T_{name}\"'';")), "{sql}");
        assert!(!sql.contains("setval"), "setval outlives a ROLLBACK");
    }
    for (rows, plan) in [(Some(0), json!({})), (Some(5), json!({"existing_rows": "truncate"}))] {
        let all = moves(rows, plan);
        assert!(all.iter().all(|(_, sql)| sql.contains("exact pg_catalog.bool := EXISTS (")));
    }
    assert!(moves(Some(0), json!({"reset_sequences": false})).is_empty());
    assert!(
        moves(None, json!({}))[0].1.contains("exact pg_catalog.bool := false;"),
        "not counted is not empty"
    );
}

#[test]
fn views_of_loaded_tables_are_refreshed_on_request() {
    let mut target = target(vec![there("t", vec![id(), col("v", "text")])]);
    let view = |name: &str, reads: &str| ExistingView {
        schema: "public".into(),
        name: name.into(),
        reads: vec![("public".into(), reads.into())],
    };
    target.views = vec![view("totals", "t"), view("other", "u"), view("Top", "totals")];
    let refreshes = |plan: Value| {
        let planned = go(&t(), &target, plan);
        planned.steps.iter().filter(|s| s.phase == Phase::Refresh).map(Step::sql).collect::<Vec<_>>()
    };
    assert!(refreshes(json!({})).is_empty());
    assert_eq!(
        refreshes(json!({"refresh": true})),
        ["REFRESH MATERIALIZED VIEW \"public\".\"totals\"", "REFRESH MATERIALIZED VIEW \"public\".\"Top\""]
    );
}

#[test]
fn a_view_takes_rows_where_an_insert_does() {
    let view = |insertable| ExistingTable {
        relkind: 'v',
        insertable,
        ..there("T", vec![id(), col("v", "text"), col("w", "text")])
    };
    let planned = go(&t(), &target(vec![view(true)]), json!({}));
    assert_eq!(loads(&planned)[0].target, "T");
    assert_eq!(sql(&planned), ["load t into public.T"], "neither sequences nor ANALYZE");
    assert_eq!(
        said(&planned, "t.w"),
        ["info: existing column gets no value from the source: the view decides what it gets"]
    );
    let made = go(&t(), &target(vec![view(false)]), json!({}));
    assert!(sql(&made).iter().any(|s| s.starts_with("CREATE TABLE \"public\".\"t\"")));
    let truncated = go(&t(), &target(vec![view(true)]), json!({"existing_rows": "truncate"}));
    assert_eq!(worst(&truncated), ["t: \"public.T\" is a view and cannot be truncated"]);
}
