//! Plans as a user may write them, over a file and a database that have something of everything.

use std::rc::Rc;

use pg_sqlite_migrate_core::catalog::{
    Catalog, Check, Column, Deferrable, ForeignKey, Generated, Index, IndexColumn, IndexKey, KeyFact,
    KeyFactKind, Origin, PrimaryKey, Table, TableKind,
};
use pg_sqlite_migrate_core::damage::Damage;
use pg_sqlite_migrate_core::plan::given::keys::{KEYS, Kind, Level};
use pg_sqlite_migrate_core::plan::{
    self, ExistingColumn, ExistingKey, ExistingTable, PlanError, Planned, Source, Target,
};
use pg_sqlite_migrate_core::types::{ColumnProfile, TableProfile};
use pg_sqlite_migrate_core::value::{Cell, Format, PgType};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::text::near;
use crate::{bounded, cases, sql};

const NAMES: &[&str] = &[
    "users",
    "Orders",
    "order items",
    "log",
    "missing",
    "id",
    "name",
    "email",
    "user_id",
    "at",
    "total",
    "note",
    "",
    "a\"b",
    "é",
];

const TYPES: &[&str] = &[
    "text",
    "bigint",
    "smallint",
    "boolean",
    "timestamptz",
    "numeric(5,2)",
    "uuid",
    "jsonb",
    "text[]",
    "app.mood",
    "varchar(2)",
    "int4range",
];

const SQL: &[&str] =
    &["1", "now()", "'x'", "a > 1", "length(name) > 2", "SELECT 1", "DROP TABLE x", "lower(\"name\")"];

const WORDS: &[&str] = &[
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "'",
    "\"",
    ";",
    "--",
    "\\",
    " ",
    "a",
    "_",
    "\0",
    "\u{1F600}",
    "%",
];

/// What a key takes, and now and then something else.
fn value(kind: Kind) -> BoxedStrategy<Value> {
    let names = || prop_oneof![5 => select(NAMES).prop_map(str::to_owned), 1 => near(NAMES, WORDS)];
    let types = || prop_oneof![5 => select(TYPES).prop_map(str::to_owned), 1 => near(TYPES, WORDS)];
    let sql = || near(SQL, WORDS).prop_map(Value::from);
    let meant = match kind {
        Kind::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Text => names().prop_map(Value::from).boxed(),
        Kind::NameOrNull => prop::option::of(names()).prop_map(Value::from).boxed(),
        Kind::Match => near(&["key", "natural", "p_name_key"], WORDS).prop_map(Value::from).boxed(),
        Kind::Orms => {
            let name = || near(&["auto", "none", "prisma", "drizzle", "django"], WORDS).prop_map(Value::from);
            prop_oneof![name(), prop::collection::vec(name(), 0..3).prop_map(Value::from)].boxed()
        }
        Kind::Formats => {
            let format = near(&["unixepoch_ms", "days", "hex"], WORDS).prop_map(Value::from);
            (types(), format).prop_map(|entry| Value::Object([entry].into_iter().collect())).boxed()
        }
        Kind::TextOrNull => prop_oneof![Just(Value::Null), sql()].boxed(),
        Kind::Word(words) => select(words).prop_map(Value::from).boxed(),
        Kind::Globs => prop::collection::vec(near(&["*", "user*", "{a,b}", "[!x]?"], WORDS), 0..3)
            .prop_map(Value::from)
            .boxed(),
        Kind::Objects => {
            let glob = near(&["*", "idx_*", "[!x]?", "[a"], WORDS).prop_map(Value::from);
            let key = select(&["exclude", "include"][..]).prop_map(str::to_owned);
            let globs = prop::collection::vec(glob, 0..3).prop_map(Value::from);
            let object = (key, globs).prop_map(|entry| Value::Object([entry].into_iter().collect()));
            prop_oneof![any::<bool>().prop_map(Value::from), object].boxed()
        }
        Kind::Carried(forms) => {
            let words: Vec<&str> = forms.iter().copied().chain(["view"]).collect();
            let glob = near(&["*", "sales_*", "[!x]?", "[a"], WORDS).prop_map(Value::from);
            let list = prop::collection::vec(glob, 0..3).prop_map(Value::from);
            let entry = sql().prop_map(|sql| json!({ "sql": sql }));
            let key = select(&["exclude", "materialized", "table", "v"][..]).prop_map(str::to_owned);
            let member = (key, prop_oneof![list, entry]);
            let object = prop::collection::vec(member, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect()));
            prop_oneof![any::<bool>().prop_map(Value::from), select(words).prop_map(Value::from), object]
                .boxed()
        }
        Kind::Verify => {
            let share = prop_oneof![(0.0..1.5).prop_map(Value::from), Just(Value::Null)];
            let key = select(&["sample", "share"][..]).prop_map(str::to_owned);
            let object = (key, share).prop_map(|entry| Value::Object([entry].into_iter().collect()));
            let word = near(&["counts", "values", "sample", "none"], WORDS).prop_map(Value::from);
            prop_oneof![word, object].boxed()
        }
        Kind::Chroma => {
            let from = near(&["id", "document", "metadata.userId", "embedding"], WORDS).prop_map(Value::from);
            let layout = near(&["single", "tables"], WORDS).prop_map(Value::from);
            let object = (layout, names(), names(), from, any::<bool>());
            let object = object.prop_map(|(layout, name, column, from, both)| {
                let columns: Value = Value::Object([(column, from)].into_iter().collect());
                let collection = json!({ "target": name.clone(), "columns": columns });
                let collections: Value = Value::Object([(name, collection)].into_iter().collect());
                match both {
                    true => json!({ "layout": layout, "collections": collections }),
                    false => json!({ "collections": collections }),
                }
            });
            prop_oneof![any::<bool>().prop_map(Value::from), object].boxed()
        }
        Kind::Fts => {
            let text =
                || near(&["english", "simple", "public.own", "search_vector"], WORDS).prop_map(Value::from);
            let index = near(&["gin", "gist", "none"], WORDS).prop_map(Value::from);
            let weight = near(&["A", "B", "D"], WORDS).prop_map(Value::from);
            let object = (text(), text(), index, names(), weight, any::<bool>());
            let object = object.prop_map(|(config, column, index, name, weight, unaccent)| {
                let weights: Value = Value::Object([(name, weight)].into_iter().collect());
                json!({ "config": config, "column": column, "index": index, "unaccent": unaccent, "weights": weights })
            });
            prop_oneof![any::<bool>().prop_map(Value::from), object].boxed()
        }
        Kind::Geopackage => any::<[bool; 2]>()
            .prop_map(|[metadata, geometries]| json!({ "metadata": metadata, "geometries": geometries }))
            .boxed(),
        Kind::IndexBuild => {
            let memory = near(&["512MB", "1 GB", "64kB", "2TB"], WORDS).prop_map(Value::from);
            let workers = prop_oneof![(0..2000_u64).prop_map(Value::from), Just(Value::Null)];
            (memory, workers)
                .prop_map(|(memory, workers)| json!({ "memory": memory, "workers": workers }))
                .boxed()
        }
        Kind::Names => {
            let case = || select(&["preserve", "lower", "snake_case", "upper"][..]).prop_map(Value::from);
            let text = || {
                near(&["", "app_", "^tbl", "(a)", "(", "$1", "[", "\\w{9}{9}"], WORDS).prop_map(Value::from)
            };
            let replacement =
                (text(), text()).prop_map(|(pattern, with)| json!({ "pattern": pattern, "with": with }));
            let replace = prop::collection::vec(replacement, 0..3);
            let rules = (case(), text(), text(), replace).prop_map(|(case, prefix, suffix, replace)| {
                json!({ "case": case, "prefix": prefix, "suffix": suffix, "replace": replace })
            });
            prop_oneof![case(), rules].boxed()
        }
        Kind::Values => {
            let texts = near(&["", "n/a", "0000-00-00", "Y", "1"], WORDS).prop_map(Value::from);
            let value = prop_oneof![5 => texts, 1 => any::<i64>().prop_map(Value::from)];
            prop::collection::vec(value, 0..3).prop_map(Value::from).boxed()
        }
        Kind::Sql => prop_oneof![sql(), prop::collection::vec(sql(), 0..3).prop_map(Value::from)].boxed(),
        Kind::Types => {
            prop::collection::vec((select(&["TEXT", "INTEGER", "DATETIME", "VARCHAR"][..]), types()), 0..3)
                .prop_map(|types| {
                    types
                        .into_iter()
                        .map(|(from, to)| (from.to_owned(), Value::from(to)))
                        .collect::<Map<_, _>>()
                        .into()
                })
                .boxed()
        }
        Kind::Type => types().prop_map(Value::from).boxed(),
        Kind::Format => {
            prop::option::of(select(&Format::ALL[..]).prop_map(Format::as_str)).prop_map(Value::from).boxed()
        }
        Kind::Encoding => {
            let names = select(&["latin1", "windows-1252", "UTF-8", "nowhere"][..]);
            prop::option::of(names).prop_map(Value::from).boxed()
        }
        Kind::Scale => prop::option::of(0..1002u64).prop_map(Value::from).boxed(),
        Kind::Readers => prop::option::of(0..70u64).prop_map(Value::from).boxed(),
        Kind::Timezone => {
            select(&["UTC", "Europe/Berlin", "+05:30", "Nowhere"][..]).prop_map(Value::from).boxed()
        }
        Kind::Generated => {
            let word = || select(&["declared", "stored", "virtual", "view", "none"][..]);
            let object = (word(), sql()).prop_map(|(word, sql)| json!({ word: sql }));
            prop_oneof![any::<bool>().prop_map(Value::from), word().prop_map(Value::from), sql(), object]
                .boxed()
        }
        Kind::Tables => objects(Level::Table),
        Kind::Columns => objects(Level::Column),
        Kind::Any => anything().boxed(),
    };
    prop_oneof![30 => meant, 1 => anything()].boxed()
}

/// Source name -> object.
fn objects(level: Level) -> BoxedStrategy<Value> {
    prop::collection::vec((select(NAMES), object(level)), 0..4)
        .prop_map(|objects| {
            objects.into_iter().map(|(name, object)| (name.to_owned(), object)).collect::<Map<_, _>>().into()
        })
        .boxed()
}

fn object(level: Level) -> BoxedStrategy<Value> {
    let keys: Vec<_> =
        KEYS.iter().filter(|key| key.works_at(level).is_some()).map(|key| (key.name, key.kind)).collect();
    let key = select(keys).prop_flat_map(|(name, kind)| (Just(name.to_owned()), value(kind)));
    let strange = (near(NAMES, WORDS), anything());
    prop::collection::vec(prop_oneof![40 => key, 1 => strange], 0..6)
        .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into())
        .boxed()
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        near(NAMES, WORDS).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((near(NAMES, WORDS), inner), 0..4)
                .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn column(name: &str, declared: &str) -> Column {
    Column { name: name.into(), declared: declared.into(), ..Column::default() }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn index(name: &str, origin: Origin, keys: Vec<IndexKey>) -> Index {
    let columns = keys
        .into_iter()
        .map(|key| IndexColumn { key, descending: false, collation: "NOCASE".into() })
        .collect();
    Index { name: name.into(), origin, unique: origin != Origin::Created, columns, ..Index::default() }
}

fn catalog() -> Catalog {
    let key = |columns: &[&str], rowid_alias| {
        Some(PrimaryKey { name: None, columns: strings(columns), rowid_alias })
    };
    let users = Table {
        name: "users".into(),
        sql: "CREATE TABLE users (…)".into(),
        autoincrement: true,
        sequence: Some(i64::MAX),
        columns: vec![
            column("id", "INTEGER"),
            Column { collation: Some("NOCASE".into()), not_null: true, ..column("name", "VARCHAR(20)") },
            Column { default: Some("'x'".into()), ..column("email", "TEXT") },
            Column { default: Some("CURRENT_TIMESTAMP".into()), ..column("at", "DATETIME") },
        ],
        primary_key: key(&["id"], true),
        checks: vec![Check {
            name: Some("c".into()),
            expression: "length(name) < 20 AND soundex(email) <> ''".into(),
        }],
        indexes: vec![
            index("sqlite_autoindex_users_1", Origin::Unique, vec![IndexKey::Column("email".into())]),
            index(
                "by_name",
                Origin::Created,
                vec![IndexKey::Expression("lower(name)".into()), IndexKey::Rowid],
            ),
        ],
        ..Table::default()
    };
    let total = Generated { expression: "user_id * 2".into(), stored: true };
    let orders = Table {
        name: "Orders".into(),
        without_rowid: true,
        columns: vec![
            column("id", "INT"),
            column("user_id", "INTEGER"),
            Column { generated: Some(total), ..column("total", "DECIMAL(10,2)") },
            column("note", ""),
        ],
        primary_key: key(&["id", "user_id"], false),
        foreign_keys: vec![ForeignKey {
            columns: strings(&["user_id"]),
            parent: "users".into(),
            parent_columns: strings(&["id"]),
            deferrable: Deferrable::InitiallyDeferred,
            ..ForeignKey::default()
        }],
        ..Table::default()
    };
    let items = Table {
        name: "order items".into(),
        columns: vec![column("ID", "BLOB"), column("id ", "JSON")],
        ..Table::default()
    };
    let log = Table {
        name: "log".into(),
        kind: TableKind::Virtual { module: "fts5".into(), usable: true },
        columns: vec![column("note", "")],
        ..Table::default()
    };
    Catalog { tables: vec![users, orders, items, log], ..Catalog::default() }
}

fn profiles(catalog: &Catalog) -> Vec<Option<TableProfile>> {
    let stored = [
        Cell::Integer(7),
        Cell::Text(b"2020-01-01 00:00:00"),
        Cell::Null,
        Cell::Real(0.5),
        Cell::Text(b"x"),
        Cell::Blob(b"\xff"),
    ];
    let of_table = |(n, table): (usize, &Table)| {
        let of_column = |(i, column): (usize, &Column)| {
            let mut profile = ColumnProfile::for_column(column, false, &[]);
            stored.iter().cycle().skip(n + i).take(1 + (n + i) % 3).for_each(|cell| profile.observe(*cell));
            profile
        };
        let columns = table.columns.iter().enumerate().map(of_column).collect();
        (n != 3).then_some(TableProfile { rows: 3, columns, ..TableProfile::default() })
    };
    catalog.tables.iter().enumerate().map(of_table).collect()
}

fn existing(icu: bool) -> Target {
    let column = |name: &str, pg_type: &str| ExistingColumn::new(name, PgType::parse(pg_type));
    let users = ExistingTable {
        oid: 20_000,
        schema: "public".into(),
        name: "users".into(),
        relkind: 'r',
        columns: vec![
            column("id", "bigint"),
            column("name", "text"),
            column("e_mail", "text"),
            column("at", "date"),
        ],
        rows: Some(2),
        keys: vec![ExistingKey {
            name: "users_pkey".into(),
            columns: strings(&["id"]),
            primary: true,
            constraint: true,
            ..ExistingKey::default()
        }],
        triggers: strings(&["audit"]),
        insertable: true,
        owned: true,
        ..ExistingTable::default()
    };
    let view = ExistingTable {
        oid: 20_001,
        schema: "public".into(),
        name: "orders".into(),
        relkind: 'v',
        ..ExistingTable::default()
    };
    Target { relations: vec![users, view], icu, schemas: strings(&["public"]), ..Target::default() }
}

/// What a plan is made for.
struct World {
    catalog: Catalog,
    profiles: Vec<Option<TableProfile>>,
    facts: Vec<KeyFact>,
    damage: Damage,
}

thread_local! {
    static WORLD: Rc<World> = Rc::new({
        let catalog = catalog();
        let fact = |kind| KeyFact { table: "Orders".into(), kind, count: 2, examples: strings(&["rowid 7"]) };
        World {
            profiles: profiles(&catalog),
            facts: vec![fact(KeyFactKind::Orphan { foreign_key: 0 }), fact(KeyFactKind::PrimaryKeyNull)],
            damage: Damage::default(),
            catalog,
        }
    });
}

fn planned(target: &Target, overrides: &Value) -> Result<Planned, PlanError> {
    WORLD.with(|world| {
        bounded(|| {
            let overrides = plan::parse(overrides)?;
            let orms = plan::orms(&world.catalog, &overrides);
            let source = Source {
                catalog: &world.catalog,
                profiles: &world.profiles,
                key_facts: &world.facts,
                levels: &[],
                damage: &world.damage,
                orms: &orms,
            };
            plan::build(&source, target, &overrides)
        })
    })
}

proptest! {
    #![proptest_config(cases(1))]

    /// A plan that is made says everything: given again, it is made again.
    #[test]
    fn a_plan(overrides in object(Level::Plan), empty in any::<bool>(), icu in any::<bool>()) {
        let target = if empty { Target { icu, ..Target::default() } } else { existing(icu) };
        if let Ok(parsed) = plan::parse(&overrides) {
            _ = bounded(|| plan::needs(&parsed));
            _ = WORLD.with(|world| plan::select(&world.catalog, &parsed).map(|selection| selection.rejecting(&parsed)));
        }
        let Ok(first) = planned(&target, &overrides) else { return Ok(()) };
        let again = planned(&target, &first.plan).map_err(|error| TestCaseError::fail(format!("{error}: {:#}", first.plan)))?;
        prop_assert_eq!(again.plan, first.plan);
    }

    /// Of names alone no way leads out of their quotes.
    #[test]
    fn names(schema in near(NAMES, WORDS), table in near(NAMES, WORDS), name in near(NAMES, WORDS)) {
        let overrides = json!({"schema": schema, "tables": {"users": {"target": table, "columns": {"name": {"name": name}}}}});
        let Ok(planned) = planned(&Target::default(), &overrides) else { return Ok(()) };
        for step in planned.steps {
            let sql = step.sql();
            if !sql.starts_with("--") {
                prop_assert_eq!(sql::flaw(&sql), None, "{}", sql);
            }
        }
    }

    /// A plan that is no plan.
    #[test]
    fn anything_else(overrides in anything()) {
        _ = planned(&existing(true), &overrides);
    }
}
