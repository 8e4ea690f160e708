//! Scenarios over hand-built catalogs. The answers of type choice and translation are fixed here,
//! so that each expectation is exact and of the plan's own making.

use serde_json::{Value, json};

use super::given::keys;
use super::rules::Rules;
use super::*;
use crate::catalog::{
    Catalog, Check, Column, Deferrable, ForeignKey, Generated, Index, IndexColumn, IndexKey, Origin,
    PrimaryKey, Problem, Table, TableKind, Trigger, View,
};
use crate::damage::Damage;
use crate::finding::Severity;
use crate::translate::{Scope, Translated, Untranslatable};
use crate::types::{Choice, ColumnProfile, Fit, Question, TableProfile, TypeClass};
use crate::value::{Excess, Format, PgType, Timezone};

pub(crate) const FAKE: Rules =
    Rules { choose, widest, format_for, fit, expression, condition, generated, default };

fn natural(q: &Question<'_>) -> (PgType, Option<Format>) {
    let declared = q.column.declared.to_ascii_uppercase();
    let stored = q.profile.cloned().unwrap_or_default();
    match declared.as_str() {
        _ if q.rowid_alias => (PgType::Int8, None),
        "INTEGER" if stored.texts > 0 => (PgType::Text, None),
        "INTEGER" => (PgType::Int8, None),
        "INT" => (PgType::Int4, None),
        "BOOLEAN" => (PgType::Bool, None),
        "DATETIME" if stored.integers > 0 => (PgType::TIMESTAMPTZ, Some(Format::UnixEpoch)),
        "DATETIME" => (PgType::TIMESTAMPTZ, Some(Format::Iso8601)),
        "BLOB" => (PgType::Bytea, None),
        "JSON" => (PgType::Json, None),
        "UUID" => (PgType::Uuid, None),
        _ => (PgType::Text, None),
    }
}

fn choose(q: &Question<'_>) -> Choice {
    let stored = q.profile.cloned().unwrap_or_default();
    let fits = |wanted: &PgType| match wanted {
        PgType::Text => stored.blobs == 0,
        integer if integer.is_integer() => stored.texts + stored.blobs + stored.reals == 0,
        PgType::Uuid => stored.integers + stored.blobs == 0,
        _ => true,
    };
    let (own, own_format) = natural(q);
    let (pg_type, format) = match q.wanted.filter(|w| fits(w)) {
        Some(wanted) if *wanted != own => (wanted.clone(), None),
        _ => (own, own_format),
    };
    let reason = format!("declared {}", q.column.declared);
    Choice { pg_type, format, reason, findings: vec![] }
}

fn odd(sql: &str) -> Result<(), Untranslatable> {
    let reason = "function \"soundex\" has no equivalent".to_string();
    if sql.contains("soundex") { Err(Untranslatable { reason, near: None }) } else { Ok(()) }
}

fn expression(sql: &str, _: &Scope) -> Result<Translated, Untranslatable> {
    odd(sql).map(|_| Translated { sql: sql.into(), class: TypeClass::Text, immutable: true })
}

fn condition(sql: &str, _: &Scope) -> Result<String, Untranslatable> {
    odd(sql).map(|_| sql.into())
}

fn generated(sql: &str, _: &Scope, _: &PgType, _: Option<Format>) -> Result<String, Untranslatable> {
    odd(sql).map(|_| sql.into())
}

fn widest(q: &Question<'_>) -> Choice {
    let blobs = q.profile.is_some_and(|p| p.blobs > 0);
    let pg_type = if blobs { PgType::Bytea } else { PgType::Text };
    Choice { pg_type, format: None, reason: "widest".into(), findings: vec![] }
}

fn format_for(q: &Question<'_>, pg_type: &PgType) -> Option<Format> {
    let numbers = q.profile.is_some_and(|p| p.integers > 0);
    (numbers && pg_type.is_temporal()).then_some(Format::UnixEpoch)
}

fn fit(stored: &ColumnProfile, pg_type: &PgType, _: Option<Format>, _: Excess) -> Fit {
    match TypeClass::of(pg_type) {
        TypeClass::Integer => (stored.texts == 0).into(),
        TypeClass::Other | TypeClass::Interval => Fit::Unknown,
        _ => Fit::Yes,
    }
}

fn default(sql: &str, _: &PgType, _: Option<Format>, _: &Timezone) -> Result<Option<String>, Untranslatable> {
    odd(sql).map(|_| (sql != "NULL").then(|| sql.into()))
}

// Builders.

pub(crate) fn column(name: &str, declared: &str) -> Column {
    Column { name: name.into(), declared: declared.into(), ..Column::default() }
}

pub(crate) fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| n.to_string()).collect()
}

pub(crate) fn table(name: &str, columns: Vec<Column>) -> Table {
    Table { name: name.into(), columns, ..Table::default() }
}

/// A table whose `id INTEGER PRIMARY KEY` comes first.
pub(crate) fn numbered(name: &str, mut columns: Vec<Column>) -> Table {
    columns.insert(0, column("id", "INTEGER"));
    let primary_key = Some(PrimaryKey { name: None, columns: strings(&["id"]), rowid_alias: true });
    Table { primary_key, ..table(name, columns) }
}

pub(crate) fn references(child: &[&str], parent: &str, columns: &[&str]) -> ForeignKey {
    ForeignKey {
        columns: strings(child),
        parent: parent.into(),
        parent_columns: strings(columns),
        ..ForeignKey::default()
    }
}

pub(crate) fn counts(texts: u64, integers: u64) -> ColumnProfile {
    let mut stored = ColumnProfile::default();
    (stored.texts, stored.integers) = (texts, integers);
    stored
}

pub(crate) fn index(name: &str, unique: bool, columns: &[&str]) -> Index {
    let key = |c: &&str| IndexColumn {
        key: IndexKey::Column(c.to_string()),
        descending: false,
        collation: "BINARY".into(),
    };
    Index { name: name.into(), unique, columns: columns.iter().map(key).collect(), ..Index::default() }
}

pub(crate) fn catalog(tables: Vec<Table>) -> Catalog {
    Catalog { tables, ..Catalog::default() }
}

pub(crate) fn plan_with(
    catalog: &Catalog,
    profiles: &[Option<TableProfile>],
    facts: &[KeyFact],
    target: &Target,
    plan: Value,
) -> Planned {
    let source =
        Source { catalog, profiles, key_facts: facts, levels: &[], damage: &Damage::default(), orms: &[] };
    let first = build_by(&FAKE, &source, target, &parse(&plan).unwrap()).expect("a plan");
    let again = build_by(&FAKE, &source, target, &parse(&first.plan).unwrap()).expect("its own fixed point");
    assert_eq!(again.plan, first.plan, "a plan is its own fixed point");
    assert_eq!(sql(&again), sql(&first), "and does the same");
    let blocking = |p: &Planned| p.findings.iter().filter(|f| f.severity == Severity::Blocking).count();
    assert_eq!(blocking(&again), blocking(&first), "{:?}\n{:?}", again.findings, first.findings);
    first
}

pub(crate) fn plan(catalog: &Catalog, overrides: Value) -> Planned {
    plan_with(catalog, &[], &[], &Target::default(), overrides)
}

pub(crate) fn sql(planned: &Planned) -> Vec<String> {
    let text = |step: &Step| match &step.action {
        Action::Sql(sql) => sql.clone(),
        Action::Load(spec) => format!("load {} into {}.{}", spec.source, spec.schema, spec.target),
        Action::Orphans(spec) => format!("orphans {} {:?}", spec.table, spec.policy),
    };
    planned.steps.iter().map(text).collect()
}

pub(crate) fn said(planned: &Planned, object: &str) -> Vec<String> {
    let of = planned.findings.iter().filter(|f| f.object == object);
    of.map(|f| format!("{}: {}", f.severity.as_str(), f.message)).collect()
}

pub(crate) fn nocase(mut index: Index) -> Index {
    index.columns.iter_mut().for_each(|c| c.collation = "NOCASE".into());
    index
}

fn blog() -> Catalog {
    let mut users =
        numbered("users", vec![column("email", "TEXT"), column("isAdmin", "BOOLEAN"), column("bio", "TEXT")]);
    (users.autoincrement, users.sequence) = (true, Some(41));
    users.columns[1].not_null = true;
    users.columns[1].collation = Some("NOCASE".into());
    users.columns[2].default = Some("false".into());
    users.checks.push(Check { name: None, expression: "length(\"email\") > 3".into() });
    users.checks.push(Check { name: Some("odd".into()), expression: "soundex(bio)".into() });
    let unique = nocase(index("sqlite_autoindex_users_1", true, &["email"]));
    users.indexes.push(Index { origin: Origin::Unique, ..unique });
    let mut posts = numbered("posts", vec![column("userId", "INT"), column("created", "DATETIME")]);
    let by_user = ForeignKey {
        on_delete: crate::catalog::Action::Cascade,
        deferrable: Deferrable::InitiallyDeferred,
        ..references(&["userId"], "users", &["id"])
    };
    posts.foreign_keys.push(by_user);
    let mut recent = index("postsRecent", false, &["userId", "created"]);
    recent.columns[1].descending = true;
    recent.predicate = Some("created > 0".into());
    posts.indexes.push(recent);
    catalog(vec![posts, users])
}

#[test]
fn a_typical_schema_is_exactly_this() {
    let target = Target { icu: true, nondeterministic_like: true, ..Target::default() };
    let planned = plan_with(
        &blog(),
        &[],
        &[],
        &target,
        json!({"schema": "app", "names": "snake_case", "after": "SELECT 1"}),
    );
    let expected = [
        "CREATE SCHEMA IF NOT EXISTS \"app\"",
        "CREATE COLLATION IF NOT EXISTS \"app\".\"sqlite_nocase\" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "CREATE TABLE \"app\".\"users\" (\n    \"id\" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,\n    \"email\" text COLLATE \"app\".\"sqlite_nocase\" NOT NULL,\n    \"is_admin\" boolean DEFAULT false,\n    \"bio\" text\n)",
        "CREATE TABLE \"app\".\"posts\" (\n    \"id\" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,\n    \"user_id\" bigint,\n    \"created\" timestamp with time zone\n)",
        "load users into app.users",
        "load posts into app.posts",
        "ALTER TABLE \"app\".\"users\" ADD CONSTRAINT \"users_pkey\" PRIMARY KEY (\"id\")",
        "ALTER TABLE \"app\".\"users\" ADD CONSTRAINT \"users_email_key\" UNIQUE (\"email\")",
        "ALTER TABLE \"app\".\"posts\" ADD CONSTRAINT \"posts_pkey\" PRIMARY KEY (\"id\")",
        "CREATE INDEX \"posts_recent\" ON \"app\".\"posts\" (\"user_id\", \"created\" DESC) WHERE created > 0",
        "ALTER TABLE \"app\".\"posts\" ADD CONSTRAINT \"posts_user_id_fkey\" FOREIGN KEY (\"user_id\") REFERENCES \"app\".\"users\" (\"id\") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        "ALTER TABLE \"app\".\"users\" ADD CONSTRAINT \"users_email_check\" CHECK (length(\"email\") > 3)",
        "SELECT pg_catalog.setval(s.name, GREATEST((SELECT pg_catalog.max(\"id\") FROM \"app\".\"users\"), 41), true) FROM (SELECT pg_catalog.pg_get_serial_sequence('\"app\".\"users\"', 'id')::pg_catalog.regclass AS name) AS s WHERE s.name IS NOT NULL AND GREATEST((SELECT pg_catalog.max(\"id\") FROM \"app\".\"users\"), 41) >= 1",
        "SELECT pg_catalog.setval(s.name, GREATEST((SELECT pg_catalog.max(\"id\") FROM \"app\".\"posts\")), true) FROM (SELECT pg_catalog.pg_get_serial_sequence('\"app\".\"posts\"', 'id')::pg_catalog.regclass AS name) AS s WHERE s.name IS NOT NULL AND GREATEST((SELECT pg_catalog.max(\"id\") FROM \"app\".\"posts\")) >= 1",
        "ANALYZE \"app\".\"users\"",
        "ANALYZE \"app\".\"posts\"",
        "SELECT 1",
    ];
    assert_eq!(sql(&planned), expected);
    assert!(planned.steps.is_sorted_by_key(|s| s.phase), "phases are in order");
    let users = &planned.tables[0];
    assert_eq!(
        users.detail,
        ["check odd of users: is left out: function \"soundex\" has no equivalent: soundex(bio)"]
    );
}

#[test]
fn the_printed_plan_holds_every_decision() {
    let planned = plan(&blog(), json!({"tables": {"posts": {"columns": {"created": {"skip": true}}}}}));
    let posts = &planned.plan["tables"]["posts"];
    assert_eq!(posts["columns"]["created"], json!({"skip": true}));
    assert_eq!(
        posts["columns"]["userId"],
        json!({"on_invalid": "error", "null_values": [], "epochs": "declared", "excess": "error", "skip": false, "name": "userId", "type": "bigint", "format": null,
            "nullable": true, "default": null, "generated": false,
            "reason": "the type of users.id, to which it points; its own values would be integer"})
    );
    assert_eq!(planned.plan["nocase"], json!("lower"), "no ICU");
    for key in keys::KEYS {
        let printed = planned.plan.get(key.name).is_some();
        let works = matches!(key.plan, Some(w) if !matches!(w, keys::Works::Only(v) if v.len() < 2));
        assert_eq!(printed, works, "{}", key.name);
    }
    let messages = said(&planned, "index postsRecent");
    assert_eq!(messages, ["warning: is left out: column \"created\" is not carried over"]);
}

#[test]
fn without_icu_uniqueness_is_kept_by_lower() {
    let planned = plan(&blog(), json!({}));
    let all = sql(&planned);
    assert!(all.contains(&"CREATE UNIQUE INDEX \"users_email_lower_key\" ON \"public\".\"users\" (lower(\"email\" COLLATE \"pg_catalog\".\"C\"))".to_string()), "{all:#?}");
    assert!(!all.iter().any(|s| s.contains("sqlite_nocase")));
    let planned = plan(&blog(), json!({"nocase": "collation"}));
    assert!(said(&planned, "users.email")[0].starts_with("blocking: COLLATE NOCASE needs an ICU collation"));
}

#[test]
fn nocase_becomes_citext_where_it_can_be_had() {
    let go = |citext: Citext, plan: Value| {
        let icu = Target { icu: true, nondeterministic_like: true, ..Target::default() };
        let planned = plan_with(&blog(), &[], &[], &Target { citext: Some(citext), ..icu }, plan);
        let made = sql(&planned).into_iter().filter(|s| s.contains("EXTENSION") || s.contains("users_email"));
        let table = sql(&planned).into_iter().find(|s| s.starts_with("CREATE TABLE \"public\".\"users\""));
        let column = table.and_then(|t| t.lines().find(|l| l.contains("email")).map(str::to_owned));
        (made.collect::<Vec<_>>(), column.unwrap_or_default(), planned.plan["nocase"].clone())
    };
    let unique =
        "ALTER TABLE \"public\".\"users\" ADD CONSTRAINT \"users_email_key\" UNIQUE (\"email\")".to_string();
    let installed = go(Citext::Installed("ext.citext".into()), json!({}));
    assert_eq!(installed.1, "    \"email\" ext.citext NOT NULL,");
    assert_eq!((&installed.0[0], &installed.2), (&unique, &json!("citext")));
    let (made, column, _) = go(Citext::Creatable(Some("public".into())), json!({}));
    assert_eq!(made[0], "CREATE EXTENSION IF NOT EXISTS citext SCHEMA \"public\"");
    assert_eq!(column, "    \"email\" \"public\".\"citext\" NOT NULL,");
    // An explicit length is kept, and the key folds by itself.
    let explicit = json!({"tables": {"users": {"columns": {"email": {"type": "varchar(90)"}}}}});
    let (made, column, _) = go(Citext::Creatable(None), explicit);
    assert_eq!(column, "    \"email\" character varying(90) NOT NULL,");
    assert!(made[0] == unique && made[1].contains("(lower(\"email\" COLLATE"), "{made:?}");
    let planned = plan(&blog(), json!({"nocase": "citext"}));
    assert!(
        said(&planned, "users.email")[0].starts_with("blocking: COLLATE NOCASE needs the extension citext")
    );
}

#[test]
fn foreign_keys_agree_on_one_type_or_are_left_out() {
    let mut a = numbered("a", vec![]);
    a.foreign_keys.push(references(&["id"], "b", &["id"]));
    let mut b = table("b", vec![column("id", "INTEGER"), column("up", "INT")]);
    b.primary_key = Some(PrimaryKey { name: None, columns: strings(&["id"]), rowid_alias: false });
    b.foreign_keys.push(references(&["up"], "b", &["id"]));
    let mut c = table("c", vec![column("a_id", "INTEGER")]);
    c.foreign_keys.push(references(&["a_id"], "a", &["id"]));
    let profile = |columns| Some(TableProfile { rows: 3, sampled: false, columns });
    let profiles =
        [profile(vec![counts(0, 3)]), profile(vec![counts(0, 3), counts(0, 2)]), profile(vec![counts(1, 2)])];
    let catalog = catalog(vec![a, b, c]);
    let planned = plan_with(&catalog, &profiles, &[], &Target::default(), json!({}));
    let type_of = |t: &str, c: &str| planned.plan["tables"][t]["columns"][c]["type"].clone();
    assert_eq!([type_of("a", "id"), type_of("b", "up"), type_of("c", "a_id")], ["bigint", "bigint", "text"]);
    assert_eq!(
        said(&planned, "foreign key c(a_id)"),
        [
            "warning: is left out: \"a_id\" is text, \"id\" is bigint, and no common type holds the values of both"
        ]
    );
    let order: Vec<_> = planned.tables.iter().map(|t| t.source.as_str()).collect();
    assert_eq!(order, ["b", "a", "c"]);
}

#[test]
fn a_cycle_of_tables_loads_and_gets_its_keys() {
    let mut a = numbered("a", vec![column("b_id", "INTEGER")]);
    a.foreign_keys.push(references(&["b_id"], "B", &["ID"]));
    let mut b = numbered("b", vec![column("a_id", "INTEGER")]);
    b.foreign_keys.push(references(&["a_id"], "a", &["id"]));
    let planned = plan(&catalog(vec![a, b]), json!({"orphans": "reject"}));
    let keys: Vec<_> =
        planned.steps.iter().filter(|s| s.phase == Phase::ForeignKeys).map(|s| s.title.as_str()).collect();
    assert_eq!(
        keys,
        [
            "look for orphans in public.a(b_id)",
            "look for orphans in public.b(a_id)",
            "add constraint a_b_id_fkey to public.a",
            "add constraint b_a_id_fkey to public.b"
        ]
    );
}

#[test]
fn a_foreign_key_to_what_is_not_there_is_left_out() {
    let mut t = numbered("t", vec![column("x", "INTEGER"), column("y", "TEXT")]);
    t.foreign_keys = vec![
        references(&["x"], "gone", &[]),
        references(&["x"], "skipped", &["id"]),
        references(&["y"], "plain", &["name"]),
        references(&["x"], "plain", &[]),
    ];
    let plain = numbered("plain", vec![column("name", "TEXT")]);
    let catalog = catalog(vec![t, plain, numbered("skipped", vec![])]);
    let planned = plan(&catalog, json!({"exclude": ["skipped"]}));
    assert_eq!(
        said(&planned, "foreign key t(x)"),
        [
            "warning: is left out: table \"gone\" does not exist",
            "warning: is left out: table \"skipped\" is not carried over",
            "warning: is left out: the columns it points to in \"plain\" are not known"
        ]
    );
    assert_eq!(
        said(&planned, "foreign key t(y)"),
        ["warning: is left out: \"plain\" has no unique key over (name)"]
    );
    assert_eq!(planned.plan["tables"]["skipped"], json!({"skip": true}));
}

#[test]
fn orphans_go_by_the_policy() {
    let facts = [KeyFact {
        table: "posts".into(),
        kind: KeyFactKind::Orphan { foreign_key: 0 },
        count: 2,
        examples: strings(&["rowid 7"]),
    }];
    for (policy, message, step, valid) in [
        ("error", "blocking: 2 rows point to no row of \"users\" (rowid 7)", None, true),
        (
            "reject",
            "warning: 2 rows point to no row of \"users\" (rowid 7); they go to sqlite_migrate.reject",
            Some("orphans posts Reject"),
            true,
        ),
        (
            "null",
            "warning: 2 rows point to no row of \"users\" (rowid 7); their key becomes NULL",
            Some("orphans posts Null"),
            true,
        ),
        (
            "keep",
            "warning: 2 rows point to no row of \"users\" (rowid 7); they stay, and the constraint stays NOT VALID",
            Some("orphans posts Keep"),
            false,
        ),
    ] {
        let planned = plan_with(&blog(), &[], &facts, &Target::default(), json!({"orphans": policy}));
        assert_eq!(said(&planned, "foreign key posts(userId)"), [message]);
        let all = sql(&planned);
        assert_eq!(all.iter().find(|s| s.starts_with("orphans")).map(String::as_str), step);
        assert_eq!(all.iter().any(|s| s.ends_with(" NOT VALID")), !valid);
    }
    let not_null =
        json!({"orphans": "null", "tables": {"posts": {"columns": {"userId": {"nullable": false}}}}});
    let planned = plan_with(&blog(), &[], &facts, &Target::default(), not_null);
    assert!(
        said(&planned, "foreign key posts(userId)")
            .iter()
            .any(|s| s.starts_with("blocking: orphans cannot be set to NULL"))
    );
    let filtered = plan(&blog(), json!({"tables": {"users": {"where": "id > 3"}}}));
    assert!(sql(&filtered).contains(&"orphans posts Error".to_string()));
}

#[test]
fn cascaded_orphans_are_counted_with_the_others() {
    let fact = |kind, count, examples: &[&str]| KeyFact {
        table: "posts".into(),
        kind,
        count,
        examples: strings(examples),
    };
    let now = fact(KeyFactKind::Orphan { foreign_key: 0 }, 1, &["rowid 7"]);
    let cascaded = fact(KeyFactKind::CascadedOrphan { foreign_key: 0 }, 2, &[]);
    let go = |facts: &[KeyFact], policy: &str| {
        plan_with(&blog(), &[], facts, &Target::default(), json!({"orphans": policy}))
    };
    let about = "foreign key posts(userId)";
    assert_eq!(
        said(&go(&[now, cascaded.clone()], "reject"), about),
        [
            "warning: 3 rows point to no row of \"users\": 1 now (rowid 7), 2 once their parents are rejected; they go to sqlite_migrate.reject"
        ]
    );
    let alone = [cascaded];
    let message = "blocking: 2 rows point to no row of \"users\" once their parents are rejected";
    assert_eq!(said(&go(&alone, "error"), about), [message]);
    assert!(sql(&go(&alone, "keep")).iter().any(|s| s.ends_with(" NOT VALID")));
}

#[test]
fn a_primary_key_that_rows_break_stops_or_is_weakened() {
    let mut t = table("t", vec![column("a", "INT"), column("b", "TEXT")]);
    t.primary_key = Some(PrimaryKey { name: None, columns: strings(&["a", "b"]), rowid_alias: false });
    let catalog = catalog(vec![t]);
    let fact = |kind| KeyFact { table: "t".into(), kind, count: 1, examples: strings(&["rowid 2"]) };
    let nulls = [fact(KeyFactKind::PrimaryKeyNull)];
    let strict = plan_with(&catalog, &[], &nulls, &Target::default(), json!({}));
    assert_eq!(said(&strict, "primary key of t"), ["blocking: 1 row has a NULL in it (rowid 2)"]);
    let lax = plan_with(&catalog, &[], &nulls, &Target::default(), json!({"keys": "as_data_allows"}));
    assert!(
        sql(&lax)
            .contains(&"CREATE UNIQUE INDEX \"t_a_b_key\" ON \"public\".\"t\" (\"a\", \"b\")".to_string())
    );
    let twice = [fact(KeyFactKind::PrimaryKeyNull), fact(KeyFactKind::PrimaryKeyDuplicate)];
    let lax = plan_with(&catalog, &[], &twice, &Target::default(), json!({"keys": "as_data_allows"}));
    assert!(sql(&lax).contains(&"CREATE INDEX \"t_a_b_idx\" ON \"public\".\"t\" (\"a\", \"b\")".to_string()));
    assert_eq!(
        said(&lax, "primary key of t"),
        [
            "warning: becomes an index: 1 row has a NULL in it (rowid 2); 1 group of rows shares a value (rowid 2)"
        ]
    );
    let sound = plan(&catalog, json!({}));
    assert!(sql(&sound)[1].contains("\"a\" integer NOT NULL"), "{:?}", sql(&sound));
}

#[test]
fn a_check_that_rows_break_stops_or_is_not_validated() {
    let facts = [KeyFact {
        table: "users".into(),
        kind: KeyFactKind::CheckBroken { check: 0 },
        count: 2,
        examples: vec![],
    }];
    let mut email = ColumnProfile::default();
    email.observe(crate::value::Cell::Text(b"a@b"));
    let profile = |table: &Table| TableProfile {
        rows: 1,
        sampled: false,
        columns: (table.columns.iter())
            .map(|c| if c.name == "email" { email.clone() } else { ColumnProfile::default() })
            .collect(),
    };
    let profiles: Vec<_> = blog().tables.iter().map(|table| Some(profile(table))).collect();
    let go = |plan: Value| plan_with(&blog(), &profiles, &facts, &Target::default(), plan);
    let about = "check of users";
    assert_eq!(said(&go(json!({})), about), ["blocking: 2 rows break it: length(\"email\") > 3"]);
    let converted = go(json!({"tables": {"users": {"columns": {"email": {"using": "trim(email)"}}}}}));
    assert_eq!(said(&converted, about), [""; 0], "only what is stored was counted");
    assert_eq!(converted.checks.len(), 1);
    let lax = go(json!({"keys": "as_data_allows"}));
    assert_eq!(said(&lax, about), ["warning: stays NOT VALID: 2 rows break it: length(\"email\") > 3"]);
    assert!(sql(&lax).iter().any(|s| s.ends_with("CHECK (length(\"email\") > 3) NOT VALID")));
    assert_eq!(said(&go(json!({"checks": false})), about), [""; 0]);
}

fn existing(name: &str, relkind: char, has_rows: bool, columns: &[(&str, &str)]) -> Target {
    let column = |(name, pg_type): &(&str, &str)| ExistingColumn::new(*name, PgType::parse(pg_type));
    let there = ExistingTable {
        schema: "public".into(),
        name: name.into(),
        relkind,
        columns: columns.iter().map(column).collect(),
        rows: Some(has_rows.into()),
        insertable: matches!(relkind, 'r' | 'p'),
        ..ExistingTable::default()
    };
    Target { relations: vec![there], schemas: vec!["public".into()], ..Target::default() }
}

#[test]
fn existing_tables_are_loaded_cleared_replaced_or_refused() {
    let catalog = catalog(vec![numbered("t", vec![column("n", "INTEGER")])]);
    let there = |rows| {
        let mut target = existing("t", 'r', rows, &[("id", "integer"), ("n", "bigint")]);
        target.relations[0].columns[0].sequence = Some("public.t_id_seq".into());
        target
    };
    let go = |target: &Target, plan: Value| plan_with(&catalog, &[], &[], target, plan);
    let empty = go(&there(false), json!({}));
    let Some(Action::Load(load)) = empty.steps.first().map(|s| &s.action) else {
        panic!("a load comes first")
    };
    assert!(load.existing.is_some());
    assert_eq!(load.columns[0].pg_type, PgType::Int4);
    let advance = &sql(&empty)[1];
    assert!(advance.starts_with("DO '") && advance.contains("ALTER SEQUENCE %s RESTART"), "{advance}");
    assert!(!advance.contains("setval"), "setval outlives a ROLLBACK: {advance}");
    assert!(
        said(&go(&there(true), json!({})), "t")[0]
            .starts_with("blocking: \"public.t\" exists and holds 1 row")
    );
    let appended = go(&there(true), json!({"existing_rows": "append"}));
    let keeps = "info: table exists and keeps its own keys, indexes, checks and defaults";
    assert_eq!((said(&appended, "t"), appended.findings.len()), (vec![keeps.to_string()], 1));
    let cleared = go(&there(true), json!({"existing_rows": "truncate"}));
    assert_eq!(sql(&cleared)[0], "TRUNCATE TABLE ONLY \"public\".\"t\"");
    let anew = go(&there(true), json!({"create": "always", "existing_rows": "replace"}));
    assert_eq!(sql(&anew)[0], "DROP TABLE \"public\".\"t\"");
    assert!(sql(&anew)[1].starts_with("CREATE TABLE \"public\".\"t\""));
    let always = go(&there(false), json!({"create": "always"}));
    assert!(said(&always, "t")[0].starts_with("blocking: \"public.t\" exists, and the plan says create"));
    assert!(
        said(&go(&existing("t", 'v', false, &[]), json!({})), "t")[0]
            .starts_with("blocking: \"public.t\" exists and is not a table")
    );
    let other =
        go(&existing("t", 'r', false, &[("id", "bigint"), ("num", "bigint"), ("ns", "bigint")]), json!({}));
    assert_eq!(
        said(&other, "t.n"),
        ["blocking: table \"public.t\" has no column \"n\", did you mean \"ns\"?"]
    );
}

#[test]
fn what_the_plan_says_of_an_existing_table_in_vain_is_named() {
    let catalog = catalog(vec![numbered("t", vec![column("a b", "TEXT")])]);
    let target = existing("t", 'r', false, &[("id", "bigint"), ("a b", "text")]);
    let column = json!({"default": "'x'", "generated": "upper(id::text)", "nullable": false});
    let plan = json!({"indexes": false, "tables": {"t": {"keys": "as_data_allows", "indexes": false, "checks": false, "columns": {"a b": column}}}});
    let planned = plan_with(&catalog, &[], &[], &target, plan);
    let no_effect = |path: &str| format!("warning: {path} has no effect: the table exists");
    assert_eq!(
        said(&planned, "t")[..2],
        [no_effect("plan.tables.t.keys"), no_effect("plan.tables.t.checks")],
        "indexes: false is what the whole plan says"
    );
    assert_eq!(
        said(&planned, "t.a b"),
        [
            no_effect("plan.tables.t.columns.\"a b\".nullable"),
            no_effect("plan.tables.t.columns.\"a b\".default"),
            no_effect("plan.tables.t.columns.\"a b\".generated")
        ]
    );
    assert_eq!(said(&plan_with(&catalog, &[], &[], &target, planned.plan.clone()), "t.a b"), [""; 0]);
}

#[test]
fn what_may_fail_alone_is_cleared_alone() {
    let mut child = numbered("child", vec![column("up", "INTEGER")]);
    child.foreign_keys.push(references(&["up"], "parent", &["id"]));
    let catalog = catalog(vec![child, numbered("parent", vec![])]);
    let columns = [("id", "bigint"), ("up", "bigint")];
    let mut target = existing("parent", 'r', true, &columns);
    target.relations.extend(existing("child", 'r', true, &columns).relations);
    let tables = |plan: Value| {
        let planned = plan_with(&catalog, &[], &[], &target, plan);
        let steps = planned.steps.into_iter().filter(|s| s.phase == Phase::Tables);
        steps.map(|s| (s.title, s.table)).collect::<Vec<_>>()
    };
    let step =
        |title: &str, table: Option<&str>| (title.to_string(), table.and_then(|name| catalog.id(name)));
    assert_eq!(
        tables(json!({"existing_rows": "replace"})),
        [
            step("drop tables to replace", None),
            step("create table public.parent", Some("parent")),
            step("create table public.child", Some("child"))
        ]
    );
    assert_eq!(
        tables(json!({"existing_rows": "replace", "on_error": "continue"})),
        [
            step("drop foreign keys of tables to replace to public.parent", Some("parent")),
            step("drop table public.parent", Some("parent")),
            step("create table public.parent", Some("parent")),
            step("drop table public.child", Some("child")),
            step("create table public.child", Some("child"))
        ]
    );
    assert_eq!(tables(json!({"existing_rows": "truncate"})), [step("truncate tables", None)]);
    assert_eq!(
        tables(json!({"existing_rows": "truncate", "on_error": "continue"})),
        [
            step("truncate table public.parent", Some("parent")),
            step("truncate table public.child", Some("child"))
        ]
    );
}

#[test]
fn a_type_that_values_do_not_fit_goes_by_on_invalid() {
    let catalog = catalog(vec![table("t", vec![column("n", "INTEGER")])]);
    let stored = counts(1, 2);
    let profiles = [Some(TableProfile { rows: 3, sampled: false, columns: vec![stored] })];
    for (policy, pg_type, severity) in [
        ("error", "integer", "blocking"),
        ("null", "integer", "warning"),
        ("reject", "integer", "warning"),
        ("text", "text", "warning"),
    ] {
        let overrides = json!({"tables": {"t": {"columns": {"n": {"type": "int4", "on_invalid": policy}}}}});
        let planned = plan_with(&catalog, &profiles, &[], &Target::default(), overrides);
        assert_eq!(planned.plan["tables"]["t"]["columns"]["n"]["type"], json!(pg_type), "{policy}");
        assert!(said(&planned, "t.n")[0].starts_with(severity), "{policy}");
    }
}

#[test]
fn text_is_chosen_at_once_where_only_the_load_could_tell() {
    let catalog = catalog(vec![table("t", vec![column("a", "IP"), column("n", "SPAN"), column("e", "IP")])]);
    let stored = vec![counts(2, 0), counts(1, 1), counts(0, 0)];
    let profiles = [Some(TableProfile { rows: 2, sampled: false, columns: stored })];
    let plan = json!({"on_invalid": "text", "types": {"IP": "inet"},
        "tables": {"t": {"columns": {"n": {"format": "seconds"}}}}});
    let planned = plan_with(&catalog, &profiles, &[], &Target::default(), plan.clone());
    assert!(
        sql(&planned)[1].contains("\"a\" text,\n    \"n\" text,\n    \"e\" inet"),
        "nothing is stored in e: {:?}",
        sql(&planned)
    );
    let message = "warning: only the load could check whether every stored value fits";
    assert_eq!(said(&planned, "t.a"), [format!("{message} inet; the column becomes text")]);
    assert_eq!(said(&planned, "t.n"), [format!("{message} interval; the column becomes text")]);
    let mut target = existing("t", 'r', false, &[("a", "inet"), ("n", "interval"), ("e", "inet")]);
    target.schemas.clear();
    let kept = plan_with(&catalog, &profiles, &[], &target, plan);
    assert_eq!(kept.plan["tables"]["t"]["columns"]["a"]["type"], json!("inet"));
}

#[test]
fn generated_columns_are_translated_or_loaded() {
    let mut t =
        table("t", vec![column("a", "TEXT"), column("b", "TEXT"), column("c", "TEXT"), column("d", "TEXT")]);
    let as_sql = |sql: &str| Some(Generated { expression: sql.into(), stored: false });
    t.columns[1].generated = as_sql("a || 'x'");
    t.columns[2].generated = as_sql("soundex(a)");
    t.columns[3].generated = as_sql("a || 'y'");
    let planned = plan(&catalog(vec![t]), json!({"tables": {"t": {"columns": {"d": {"generated": false}}}}}));
    assert!(
        sql(&planned)[1]
            .contains("\"b\" text GENERATED ALWAYS AS (a || 'x') STORED,\n    \"c\" text,\n    \"d\" text")
    );
    let load =
        planned.steps.iter().find_map(|s| if let Action::Load(l) = &s.action { Some(l) } else { None });
    let loaded: Vec<_> = load.into_iter().flat_map(|l| &l.columns).map(|c| c.target.as_str()).collect();
    assert_eq!(loaded, ["a", "c", "d"]);
    assert_eq!(said(&planned, "t.c").len(), 1);
}

#[test]
fn computed_columns_are_where_the_plan_says() {
    let mut t = table("t", ["a", "v", "s", "i"].map(|name| column(name, "TEXT")).into());
    let as_sql = |stored| Some(Generated { expression: "a || 'x'".into(), stored });
    (t.columns[1].generated, t.columns[2].generated) = (as_sql(false), as_sql(true));
    t.columns[3].generated = as_sql(false);
    t.indexes = vec![index("over_i", false, &["i"])];
    let catalog = catalog(vec![t]);
    let on = |virtual_columns, overrides| {
        plan_with(&catalog, &[], &[], &Target { virtual_columns, ..Target::default() }, overrides)
    };
    let words = |planned: &Planned| {
        let create = sql(planned).into_iter().find(|sql| sql.starts_with("CREATE TABLE")).unwrap_or_default();
        let word = |line: &str| line.trim_end_matches(',').rsplit(' ').next().unwrap_or_default().to_owned();
        let columns = create.lines().filter(|line| line.contains("GENERATED"));
        columns.map(word).collect::<Vec<_>>().join(" ")
    };
    for (server, overrides, expected) in [
        (false, json!({}), "STORED STORED STORED"),
        // An index is over the last one.
        (true, json!({}), "VIRTUAL STORED STORED"),
        (true, json!({"generated": "stored"}), "STORED STORED STORED"),
        (true, json!({"tables": {"t": {"generated": "virtual"}}}), "VIRTUAL VIRTUAL STORED"),
        (true, json!({"generated": "none"}), ""),
        (
            true,
            json!({"generated": "none", "tables": {"t": {"columns": {"v": {"generated": true}}}}}),
            "VIRTUAL",
        ),
        (
            true,
            json!({"tables": {"t": {"columns": {"v": {"generated": {"stored": "a"}}}}}}),
            "STORED STORED STORED",
        ),
        (false, json!({"generated": "view"}), "STORED"),
    ] {
        assert_eq!(words(&on(server, overrides.clone())), expected, "{overrides}");
    }
    let said_of = |planned: &Planned| said(planned, "t.i");
    let stored = "info: the column is stored, not virtual: index \"over_i\" reads it";
    assert_eq!(said_of(&on(true, json!({}))), [stored]);
    assert_eq!(said_of(&on(true, json!({"generated": "stored"}))), Vec::<String>::new());
    let older = on(false, json!({"tables": {"t": {"columns": {"v": {"generated": "virtual"}}}}}));
    let needs = "blocking: PostgreSQL has virtual columns since version 18, and this server is older";
    assert_eq!(said(&older, "t.v"), [needs]);
    let viewed = sql(&on(false, json!({"generated": "view"})));
    let view = viewed.iter().find(|sql| sql.starts_with("CREATE VIEW")).map(String::as_str);
    let expected = "CREATE VIEW \"public\".\"t_with_generated\" AS SELECT \"a\", (a || 'x')::text AS \"v\", \
                    (a || 'x')::text AS \"s\", \"i\" FROM \"public\".\"t\"";
    assert_eq!(view, Some(expected));
}

#[test]
fn what_the_server_does_not_compute_at_reading_is_stored() {
    let mut t = table("t", vec![column("a", "TEXT"), column("v", "TEXT")]);
    t.columns[1].generated = Some(Generated { expression: "a || 'x'".into(), stored: false });
    let catalog = catalog(vec![t]);
    let mut target = Target { virtual_columns: true, ..Target::default() };
    let planned = plan_with(&catalog, &[], &[], &target, json!({}));
    let [trial] = planned.trials.as_slice() else { panic!("one table is tried") };
    let sql = trial::at_once(&trial.pieces).join("");
    assert!(sql.contains("ADD COLUMN \"v\" text GENERATED ALWAYS AS (a || 'x') STORED"), "{sql}");
    let beside = "ADD COLUMN \"pg_sqlite_migrate_trial_1\" text GENERATED ALWAYS AS (a || 'x') VIRTUAL";
    assert!(sql.contains(beside), "{sql}");
    let reason = "it uses a user-defined function".into();
    target.refused = vec![trial::Refusal { table: trial.table, part: Part::Unstored(1), reason }];
    let stored = plan_with(&catalog, &[], &[], &target, json!({}));
    assert!(super::tests::sql(&stored).iter().any(|sql| sql.contains("(a || 'x') STORED")));
    let message =
        "info: the column is stored, not virtual: PostgreSQL refuses it: it uses a user-defined function";
    assert_eq!(said(&stored, "t.v"), [message]);
}

#[test]
fn what_takes_no_part_is_said() {
    let rtree = |usable| TableKind::Virtual { module: "rtree".into(), usable };
    let mut all = catalog(vec![
        Table { kind: rtree(true), ..table("boxes", vec![column("id", ""), column("x", "REAL")]) },
        Table { kind: rtree(false), ..table("vec", vec![]) },
        Table {
            kind: TableKind::Shadow { of: "boxes".into() },
            ..table("boxes_node", vec![column("n", "")])
        },
        table("sqlite_stat1", vec![column("tbl", "")]),
    ]);
    all.views.push(View { name: "v".into(), sql: "CREATE VIEW v AS SELECT x FROM boxes".into() });
    all.triggers.push(Trigger { name: "tr".into(), table: "boxes".into(), sql: String::new() });
    all.problems.push(Problem { object: "bad".into(), reason: "malformed definition".into() });
    let planned = plan(&all, json!({}));
    assert_eq!(
        said(&planned, "view v"),
        ["warning: view \"v\" is not carried over: its schema does not exist"]
    );
    assert_eq!(said(&planned, "trigger tr").len(), 1);
    assert_eq!(said(&planned, "bad"), ["blocking: malformed definition"]);
    assert_eq!(
        said(&planned, "boxes").last().map(String::as_str),
        Some("info: table \"boxes_node\" holds its data and is not loaded")
    );
    assert_eq!(
        planned.tables.iter().map(|t| (t.source.as_str(), t.skipped)).collect::<Vec<_>>(),
        [("boxes", true), ("vec", true)]
    );
    let planned = plan(&all, json!({"on_error": "continue", "tables": {"boxes": {"skip": false}}}));
    assert_eq!(said(&planned, "bad"), ["warning: malformed definition"]);
    assert!(sql(&planned).contains(&"load boxes into public.boxes".to_string()));
}

#[test]
fn odd_names_survive_or_are_reported() {
    let long = "x".repeat(70);
    let mut t = table(
        "ta\"ble\n",
        vec![column("", "TEXT"), column("ctid", "TEXT"), column(&long, "TEXT"), column("select", "TEXT")],
    );
    t.indexes.push(index("ta\"ble\n", false, &["select"]));
    let planned = plan(&catalog(vec![t]), json!({}));
    let expected = format!(
        "CREATE TABLE \"public\".\"ta\"\"ble\n\" (\n    \"unnamed\" text,\n    \"ctid_2\" text,\n    \"{}\" text,\n    \"select\" text\n)",
        "x".repeat(63)
    );
    let all = sql(&planned);
    assert_eq!(all[1], expected);
    assert!(
        all.contains(
            &"CREATE INDEX \"ta\"\"ble\n_2\" ON \"public\".\"ta\"\"ble\n\" (\"select\")".to_string()
        ),
        "{all:#?}"
    );
    assert_eq!(
        said(&planned, "ta\"ble\n.ctid"),
        ["warning: column has a name that is taken, it becomes \"ctid_2\""]
    );
}

#[test]
fn two_tables_may_not_be_given_one_name() {
    let catalog = catalog(vec![numbered("a", vec![]), numbered("b", vec![])]);
    let source = Source {
        catalog: &catalog,
        profiles: &[],
        key_facts: &[],
        levels: &[],
        damage: &Damage::default(),
        orms: &[],
    };
    let overrides = json!({"tables": {"a": {"target": "x"}, "b": {"target": "x"}}});
    let error =
        build_by(&FAKE, &source, &Target::default(), &parse(&overrides).unwrap()).expect_err("one name");
    assert_eq!(error.to_string(), "plan.tables.b.target: another table has this name");
    let planned = plan(&catalog, json!({"tables": {"a": {"target": "b"}}}));
    assert_eq!(planned.plan["tables"]["b"]["target"], json!("b_2"));
}

#[test]
fn a_sequence_leaves_its_name_to_a_table() {
    let catalog = catalog(vec![numbered("t", vec![]), table("t_id_seq", vec![column("a", "TEXT")])]);
    let all = sql(&plan(&catalog, json!({})));
    assert!(
        all[1].contains("GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME \"public\".\"t_id_seq1\")"),
        "{all:?}"
    );
}

#[test]
fn indexes_on_what_postgresql_cannot_order_are_left_out() {
    let mut t = numbered("t", vec![column("j", "JSON"), column("s", "TEXT")]);
    t.indexes.push(index("by_json", false, &["j"]));
    t.indexes.push(nocase(index("by_s", true, &["s"])));
    let expression = IndexColumn {
        key: IndexKey::Expression("soundex(s)".into()),
        descending: false,
        collation: "BINARY".into(),
    };
    t.indexes.push(Index { columns: vec![expression], ..index("by_sound", false, &[]) });
    let icu = Target { icu: true, nondeterministic_like: true, ..Target::default() };
    let planned = plan_with(&catalog(vec![t]), &[], &[], &icu, json!({}));
    assert_eq!(
        said(&planned, "index by_json"),
        ["warning: is left out: type json of column \"j\" has no order"]
    );
    assert_eq!(
        said(&planned, "index by_sound"),
        ["warning: is left out: function \"soundex\" has no equivalent: soundex(s)"]
    );
    let all = sql(&planned);
    assert!(all[1].starts_with("CREATE COLLATION"), "an index alone asks for it: {all:?}");
    assert!(all.iter().any(|s| s.ends_with("(\"s\" COLLATE \"public\".\"sqlite_nocase\")")));
}

#[test]
fn types_that_match_no_column_are_reported() {
    let planned = plan(&blog(), json!({"types": {"DATETIEM": "text", "datetime": "text"}}));
    assert_eq!(said(&planned, "types.DATETIEM"), ["warning: no column is declared \"DATETIEM\""]);
    assert_eq!(planned.plan["tables"]["posts"]["columns"]["created"]["type"], json!("text"));
}

#[test]
fn a_hostile_catalog_is_only_large() {
    let long = "n".repeat(80);
    let many = |i: usize| {
        let mut t = numbered(&format!("{long}{i}"), vec![column("up", "INTEGER"), column("up2", "TEXT")]);
        let parent = |n: usize| format!("{long}{}", n % 600);
        t.foreign_keys =
            vec![references(&["up"], &parent(i + 1), &["id"]), references(&["up2"], &parent(i + 7), &["id"])];
        t.indexes.push(index(&format!("{long}{i}x"), true, &["up"]));
        t
    };
    let wide = (0..1700).map(|i| column(&format!("c{i}"), "TEXT")).collect();
    let mut tables: Vec<Table> = (0..600).map(many).collect();
    tables.push(table("wide", wide));
    let mut odd = table("odd", vec![]);
    odd.primary_key =
        Some(PrimaryKey { name: Some(String::new()), columns: strings(&["gone"]), rowid_alias: true });
    odd.foreign_keys.push(references(&[], "odd", &["gone"]));
    odd.indexes.push(Index::default());
    tables.push(odd);
    let planned = plan(&catalog(tables), json!({}));
    assert_eq!(said(&planned, "wide")[0], "blocking: PostgreSQL allows at most 1600 columns");
    assert_eq!(said(&planned, "odd"), ["blocking: no column is left"]);
    let names: std::collections::HashSet<_> = planned.tables.iter().map(|t| t.target.clone()).collect();
    assert_eq!(names.len(), planned.tables.len());
}

#[test]
fn both_sides_of_a_foreign_key_share_the_collation() {
    let folded = |name: &str| Column { collation: Some("NOCASE".into()), ..column(name, "TEXT") };
    let keyed = |name: &str, key: Column| Table {
        primary_key: Some(PrimaryKey { name: None, columns: vec![key.name.clone()], rowid_alias: false }),
        ..table(name, vec![key])
    };
    let mut child = table("child", vec![column("tag", "TEXT"), folded("code")]);
    child.foreign_keys =
        vec![references(&["tag"], "tags", &["tag"]), references(&["code"], "codes", &["code"])];
    let all = catalog(vec![child, keyed("tags", folded("tag")), keyed("codes", column("code", "TEXT"))]);
    let planned = plan_with(
        &all,
        &[],
        &[],
        &Target { icu: true, nondeterministic_like: true, ..Target::default() },
        json!({}),
    );
    let made = sql(&planned).into_iter().find(|s| s.starts_with("CREATE TABLE \"public\".\"child\""));
    let expected = "CREATE TABLE \"public\".\"child\" (\n    \"tag\" text COLLATE \"public\".\"sqlite_nocase\",\n    \"code\" text\n)";
    assert_eq!(made.as_deref(), Some(expected));
    assert_eq!(said(&planned, "child.tag"), ["info: ignores case as the NOCASE column that it points to"]);
    assert_eq!(
        said(&planned, "child.code")[0],
        "warning: loses COLLATE NOCASE: the column that it points to is case-sensitive"
    );
}

/// By the real rules: what the load is told, and that it then stores NULL.
#[test]
fn an_empty_text_for_no_date_becomes_null_on_request() {
    use crate::value::{Cell, Decoder};
    let made = column("made", "DATETIME");
    let empty = Cell::Text(b"");
    for (others, pg_type, format) in [
        (Cell::Text(b"2024-07-01 10:00:00"), "timestamp without time zone", None),
        (Cell::Integer(1_719_828_000), "timestamp with time zone", Some(Format::UnixEpoch)),
    ] {
        let mut stored = ColumnProfile::for_column(&made, false, &[]);
        [others, empty].into_iter().for_each(|cell| stored.observe(cell));
        let profiles = [Some(TableProfile { rows: 2, sampled: false, columns: vec![stored] })];
        let catalog = catalog(vec![table("t", vec![made.clone()])]);
        let source = Source {
            catalog: &catalog,
            profiles: &profiles,
            key_facts: &[],
            levels: &[],
            damage: &Damage::default(),
            orms: &[],
        };
        let build = |plan: Value| build(&source, &Target::default(), &parse(&plan).unwrap()).expect("a plan");
        let unasked = build(json!({}));
        assert_eq!(unasked.plan["tables"]["t"]["columns"]["made"]["type"], json!("text"));
        assert!(unasked.findings.iter().any(|f| f.object == "t.made" && f.hint.contains("null_values")));
        let column = json!({"type": pg_type, "on_invalid": "null"});
        let planned = build(json!({"tables": {"t": {"columns": {"made": column}}}}));
        assert!(
            said(&planned, "t.made")[0].ends_with("; 1 value that does not fit becomes NULL"),
            "{:?}",
            planned.findings
        );
        let load =
            planned.steps.iter().find_map(|s| if let Action::Load(l) = &s.action { Some(l) } else { None });
        let told = &load.expect("a load").columns[0];
        assert_eq!(
            (told.pg_type.to_string(), told.format, told.on_invalid, told.not_null),
            (pg_type.to_string(), format, OnInvalid::Null, false)
        );
        let decoder = Decoder::new(&told.pg_type, told.format, &Timezone::UTC);
        assert!(decoder.decode(others).is_ok());
        assert!(decoder.decode(empty).is_err(), "a invalid, which on_invalid makes NULL");
    }
}

#[test]
fn an_explicit_type_that_costs_values_is_reported_whatever_was_declared() {
    use crate::value::Cell;
    let made = column("c", "INTEGER");
    let mut stored = ColumnProfile::for_column(&made, false, &[]);
    [Cell::Integer(1), Cell::Integer(5), Cell::Text(b"x")].into_iter().for_each(|cell| stored.observe(cell));
    let profiles = [Some(TableProfile { rows: 3, sampled: false, columns: vec![stored] })];
    let catalog = catalog(vec![table("t", vec![made])]);
    for (column, message) in [
        (json!({"type": "boolean"}), "2 values become NULL"),
        (json!({}), "1 value that does not fit becomes NULL"),
    ] {
        let mut column = column;
        column["on_invalid"] = json!("null");
        let source = Source {
            catalog: &catalog,
            profiles: &profiles,
            key_facts: &[],
            levels: &[],
            damage: &Damage::default(),
            orms: &[],
        };
        let given = parse(&json!({"tables": {"t": {"columns": {"c": column}}}})).unwrap();
        let planned = build(&source, &Target::default(), &given).expect("a plan");
        let messages = said(&planned, "t.c");
        assert!(messages.len() == 1 && messages[0].contains(message), "{messages:?}");
    }
}

#[test]
fn what_the_server_refuses_has_no_step_and_a_finding() {
    let taken = plan(&blog(), json!({}));
    let parts = |planned: &Planned| -> Vec<_> {
        planned.trials.iter().flat_map(|t| t.pieces.iter().map(|p| (t.table, p.part))).collect()
    };
    let tried = parts(&taken);
    assert!(tried.iter().any(|(_, part)| matches!(part, trial::Part::Check(_))), "{tried:?}");
    assert!(tried.iter().any(|(_, part)| matches!(part, trial::Part::Index(_))), "{tried:?}");
    let refused =
        tried.iter().map(|(table, part)| trial::Refusal { table: *table, part: *part, reason: "no".into() });
    let target = Target { refused: refused.collect(), ..Target::default() };
    let left = plan_with(&blog(), &[], &[], &target, json!({}));
    assert_eq!(left.steps.len(), taken.steps.len() - tried.len());
    let said = left.findings.iter().filter(|f| f.message.contains("PostgreSQL refuses it: no: "));
    assert_eq!(said.count(), tried.len());
    assert_eq!(parts(&left), tried);
}
