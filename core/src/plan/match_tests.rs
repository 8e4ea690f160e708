//! Scenarios with rows that are matched by another key than the one that other rows refer to them by.

use serde_json::{Value, json};

use super::tests::*;
use super::*;
use crate::catalog::{Catalog, ForeignKey, Table};
use crate::finding::Severity;
use crate::value::PgType;

fn key(name: &str, columns: &[&str]) -> ExistingKey {
    let primary = name.ends_with("pkey");
    ExistingKey {
        name: name.into(),
        columns: strings(columns),
        primary,
        constraint: true,
        ..ExistingKey::default()
    }
}

fn there(name: &str, rows: u64, columns: &[&str], keys: Vec<ExistingKey>) -> ExistingTable {
    let column = |name: &&str| {
        let pg_type = PgType::parse(if *name == "name" { "text" } else { "bigint" });
        let sequence = (*name == "id").then(|| "public.s".to_string());
        ExistingColumn { sequence, ..ExistingColumn::new(*name, pg_type) }
    };
    ExistingTable {
        schema: "public".into(),
        name: name.into(),
        relkind: 'r',
        columns: columns.iter().map(column).collect(),
        rows: Some(rows),
        keys,
        insertable: true,
        owned: true,
        ..ExistingTable::default()
    }
}

fn reference(column: &str, parent: &str, of_parent: &str) -> ExistingForeignKey {
    ExistingForeignKey {
        name: format!("{column}_fkey"),
        columns: strings(&[column]),
        parent_schema: "public".into(),
        parent: parent.into(),
        parent_columns: strings(&[of_parent]),
        operators: vec![KeyOperator::default()],
        enforced: true,
        ..ExistingForeignKey::default()
    }
}

/// Roles with names, and accounts that have one.
fn roles() -> (Catalog, Target) {
    let file = catalog(vec![
        numbered("account", vec![column("role", "INTEGER")]),
        numbered("role", vec![column("name", "TEXT")]),
    ]);
    let role =
        there("role", 2, &["id", "name"], vec![key("role_pkey", &["id"]), key("role_name_key", &["name"])]);
    let mut account = there("account", 0, &["id", "role"], vec![key("account_pkey", &["id"])]);
    account.foreign_keys.push(reference("role", "role", "id"));
    let role = ExistingTable { referenced_by: vec![("public".into(), "account".into())], ..role };
    (file, Target { relations: vec![role, account], schemas: strings(&["public"]), ..Target::default() })
}

fn go(file: &Catalog, target: &Target, plan: Value) -> Planned {
    plan_with(file, &[], &[], target, plan)
}

fn load<'p>(planned: &'p Planned, table: &str) -> &'p LoadSpec {
    let loads = planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) => Some(&**spec),
        _ => None,
    });
    loads.into_iter().find(|spec| spec.target == table).expect(table)
}

fn conflict<'p>(planned: &'p Planned, table: &str) -> &'p Conflict {
    load(planned, table).existing.as_ref().and_then(|into| into.conflict.as_ref()).expect(table)
}

fn worst(planned: &Planned) -> Vec<&str> {
    let blocking = planned.findings.iter().filter(|f| f.severity == Severity::Blocking);
    blocking.map(|f| f.message.as_str()).collect()
}

const NATURAL: &str = r#"{"create": "never", "on_conflict": "skip", "match": "natural"}"#;

fn natural() -> Value {
    serde_json::from_str(NATURAL).unwrap_or_default()
}

#[test]
fn references_follow_rows_that_are_matched() {
    let (file, target) = roles();
    let planned = go(&file, &target, natural());
    let role = load(&planned, "role");
    let others = role.renumbering.matched.as_deref().unwrap_or_default();
    assert_eq!(conflict(&planned, "role").arbiter.name, "role_name_key");
    assert_eq!(others.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["role_pkey"]);
    assert_eq!(others.iter().map(|key| key.sequence.as_deref()).collect::<Vec<_>>(), [Some("public.s")]);
    assert_eq!(
        (role.renumbering.referenced.clone(), role.renumbering.columns.clone()),
        (vec![strings(&["id"])], strings(&["id"]))
    );
    let account = load(&planned, "account");
    let followed: Vec<_> =
        account.renumbering.references.iter().map(|r| (r.parent, &r.spec.columns)).collect();
    assert_eq!(followed, [(role.id, &strings(&["role"]))]);
    assert!(account.renumbering.matched.is_none());
    assert_eq!(planned.plan["tables"]["role"]["conflict_target"], json!("role_name_key"));
    // Neither without rows, nor without the key of the plan.
    for (rows, plan) in [(0, natural()), (2, json!({"create": "never", "on_conflict": "skip"}))] {
        let mut target = target.clone();
        target.relations[0].rows = Some(rows);
        let planned = go(&file, &target, plan);
        assert_eq!(conflict(&planned, "role").arbiter.name, "role_pkey", "{rows}");
        assert!(
            ["role", "account"]
                .iter()
                .all(|name| *load(&planned, name).renumbering == Renumbering::default())
        );
    }
}

#[test]
fn a_plan_for_an_empty_table_is_none_for_rows() {
    let (file, mut target) = roles();
    let empty = |target: &Target, plan| {
        load(&go(&file, target, plan), "role").existing.as_ref().is_some_and(|into| into.empty)
    };
    assert!(!empty(&target, natural()));
    target.relations[0].rows = Some(0);
    assert!(empty(&target, natural()) && !empty(&target, json!({"create": "never", "on_conflict": "skip"})));
}

#[test]
fn an_update_leaves_the_keys() {
    let (file, target) = roles();
    let mut plan = natural();
    plan["on_conflict"] = json!("update");
    let planned = go(&file, &target, plan);
    assert_eq!(conflict(&planned, "role").update, [""; 0], "there is nothing but the two keys");
}

#[test]
fn keys_made_of_references_follow_too() {
    let (mut file, mut target) = roles();
    file.tables.push(numbered("deep", vec![column("of", "INTEGER")]));
    // The account's key is its role, and another table refers to that.
    target.relations[1].keys = vec![key("account_pkey", &["role"])];
    let mut deep = there("deep", 0, &["id", "of"], vec![key("deep_pkey", &["id"])]);
    deep.foreign_keys.push(reference("of", "account", "role"));
    target.relations.push(deep);
    let planned = go(&file, &target, natural());
    let account = &load(&planned, "account").renumbering;
    assert_eq!((account.matched.is_none(), &account.columns), (true, &strings(&["role"])));
    assert_eq!(load(&planned, "deep").renumbering.references.len(), 1);
    assert_eq!(worst(&planned), [""; 0]);
}

#[test]
fn a_reference_that_only_the_file_declares_follows() {
    let (mut file, mut target) = roles();
    target.relations[1].foreign_keys.clear();
    let of = |planned: &Planned| load(planned, "account").renumbering.references.len();
    assert_eq!(of(&go(&file, &target, natural())), 0);
    let declared = ForeignKey {
        columns: strings(&["role"]),
        parent: "ROLE".into(),
        parent_columns: strings(&["id"]),
        ..ForeignKey::default()
    };
    file.tables[0] = Table { foreign_keys: vec![declared], ..file.tables[0].clone() };
    assert_eq!(of(&go(&file, &target, natural())), 1);
    target.relations[1].foreign_keys.push(reference("role", "role", "id"));
    assert_eq!(of(&go(&file, &target, natural())), 1, "declared by both");
}

#[test]
fn several_keys_are_chosen_from_only_where_the_table_asks() {
    let (file, mut target) = roles();
    target.relations[0].keys.push(key("role_both_key", &["name", "id"]));
    assert_eq!(worst(&go(&file, &target, natural())), [""; 0], "it contains the primary key");
    target.relations[0].keys.push(key("role_more_key", &["name"]));
    let planned = go(&file, &target, natural());
    assert_eq!((worst(&planned).len(), conflict(&planned, "role").arbiter.name.as_str()), (0, "role_pkey"));
    let table = |of_table: Value| {
        let plan = json!({"create": "never", "on_conflict": "skip", "tables": {"role": of_table}});
        go(&file, &target, plan)
    };
    let refused = table(json!({"match": "natural"}));
    assert_eq!(
        worst(&refused),
        ["table \"public.role\" has several unique keys to match by: \"role_name_key\" or \"role_more_key\""]
    );
    for of_table in
        [json!({"match": "role_more_key"}), json!({"match": "natural", "conflict_target": "role_more_key"})]
    {
        let planned = table(of_table);
        assert_eq!(
            (worst(&planned).len(), conflict(&planned, "role").arbiter.name.as_str()),
            (0, "role_more_key")
        );
    }
}

#[test]
fn what_would_help_depends_on_all_tables() {
    let (file, mut target) = roles();
    let skip =
        |target: &Target, plan| conflict(&go(&file, target, plan), "role").skip.clone().unwrap_or_default();
    let plan = || json!({"create": "never", "on_conflict": "skip"});
    let found = skip(&target, plan());
    let by_other = found.by_other.clone().map(|by| (by.fix.patch(), by.numbered, by.plain));
    assert_eq!(by_other, Some((json!({"match": "natural"}), true, true)));
    let truncate = |skip: Skip| skip.truncate.map(|fix| fix.patch());
    let role = json!({"existing_rows": "truncate"});
    assert_eq!(truncate(found.clone()), Some(json!({"tables": {"role": role}})), "accounts hold nothing");
    target.relations[1].rows = Some(1);
    let both = json!({"tables": {"role": role, "account": role}});
    assert_eq!(truncate(skip(&target, plan())), Some(both));
    target.relations[0].referenced_by.push(("public".into(), "elsewhere".into()));
    assert_eq!(truncate(skip(&target, plan())), None);
    // A table that has its own word takes no other.
    let own = json!({"create": "never", "on_conflict": "skip", "tables": {"role": {"match": "key"}}});
    let patch = skip(&target, own).by_other.map(|by| by.fix.patch());
    assert_eq!(patch, Some(json!({"tables": {"role": {"match": "natural"}}})));
}

#[test]
fn empty_tables_are_truncated_with_those_that_they_refer_to() {
    let (file, mut target) = roles();
    let plan = || json!({"create": "never", "on_conflict": "skip", "tables": {"role": {"existing_rows": "truncate"}}});
    let planned = go(&file, &target, plan());
    let phase = |phase: Phase| planned.steps.iter().filter(move |step| step.phase == phase).map(Step::sql);
    let statements: Vec<String> = phase(Phase::Tables).collect();
    let [check, truncate] = statements.as_slice() else { panic!("{statements:?}") };
    assert!(
        check.contains("LOCK TABLE ONLY \"public\".\"account\"") && !check.contains("\"public\".\"role\""),
        "{check}"
    );
    assert_eq!(truncate, "TRUNCATE TABLE ONLY \"public\".\"role\", ONLY \"public\".\"account\"");
    let refused = ["\"public.role\" cannot be truncated: foreign keys point to it from \"public.account\""];
    let mut one_by_one = plan();
    one_by_one["on_error"] = json!("continue");
    assert_eq!(worst(&go(&file, &target, one_by_one)), refused);
    for change in [
        |account: &mut ExistingTable| account.rows = Some(1),
        |account: &mut ExistingTable| account.owned = false,
        |account: &mut ExistingTable| account.referenced_by.push(("public".into(), "elsewhere".into())),
    ] {
        let mut target = target.clone();
        change(&mut target.relations[1]);
        assert_eq!(worst(&go(&file, &target, plan())), refused);
    }
    target.relations[1].name = "elsewhere".into();
    target.relations[0].referenced_by[0].1 = "elsewhere".into();
    let mut alone = plan();
    alone["include"] = json!(["role"]);
    assert!(worst(&go(&file, &target, alone))[0].contains("public.elsewhere"), "it is not in the plan");
}
