//! Catalogs of files made here, and of real ones.

use super::super::open::{OpenOptions, open};
use super::super::testing::*;
use super::super::{Error, catalog};
use pg_sqlite_migrate_core::catalog::*;

fn described(sql: &str) -> Catalog {
    let dir = TempDir::new();
    dir.database("t.db", sql);
    catalog(&dir.open("t.db")).unwrap()
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(" ")
}

fn key(column: &str) -> IndexColumn {
    IndexColumn { key: IndexKey::Column(column.into()), descending: false, collation: "BINARY".into() }
}

#[test]
fn a_table_with_everything() {
    let catalog = described(
        "PRAGMA foreign_keys = OFF; CREATE TABLE p(a INT, B INT, PRIMARY KEY (B, a)); CREATE TABLE q(x);
         CREATE TABLE \"T \"\"1\"\"\" (
           Id integer CONSTRAINT pk PRIMARY KEY AUTOINCREMENT,
           name varchar ( 20 ) NOT NULL DEFAULT unknown COLLATE nocase CONSTRAINT one_name UNIQUE,
           total AS (Id * 2) STORED, shown TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
           at DATETIME DEFAULT CURRENT_TIMESTAMP CHECK (at > ''), n DEFAULT (1 + 1), up INT REFERENCES \"t \"\"1\"\"\",
           pb, pa, gone REFERENCES nowhere(z) ON DELETE SET NULL, odd REFERENCES q,
           CONSTRAINT both FOREIGN KEY (pb, pa) REFERENCES P ON UPDATE CASCADE ON DELETE RESTRICT DEFERRABLE,
           FOREIGN KEY (pa, pb) REFERENCES p(A, b)
         );
         INSERT INTO \"T \"\"1\"\"\"(Id, at) VALUES (41, 'now')",
    );
    let [p, q, t] = catalog.tables.as_slice() else { panic!("{catalog:?}") };
    assert_eq!((p.primary_key.as_ref().unwrap().columns.join(" "), &q.primary_key), ("B a".into(), &None));
    assert!(!p.primary_key.as_ref().unwrap().rowid_alias);
    assert_eq!((t.name.as_str(), t.autoincrement, t.sequence), ("T \"1\"", true, Some(41)));
    let primary_key = PrimaryKey { name: Some("pk".into()), columns: vec!["Id".into()], rowid_alias: true };
    assert_eq!(t.primary_key, Some(primary_key));
    let column = |name: &str| t.column(name).unwrap().clone();
    assert_eq!(
        column("NAME"),
        Column {
            name: "name".into(),
            declared: "varchar ( 20 )".into(),
            not_null: true,
            default: Some("'unknown'".into()),
            collation: Some("nocase".into()),
            ..Column::default()
        }
    );
    assert_eq!(column("id").declared, "integer");
    assert_eq!(column("total").generated, Some(Generated { expression: "Id * 2".into(), stored: true }));
    assert_eq!(
        column("shown").generated,
        Some(Generated { expression: "upper(name)".into(), stored: false })
    );
    assert_eq!((column("shown").declared.as_str(), column("total").declared.as_str()), ("TEXT", ""));
    assert_eq!(column("at").default.as_deref(), Some("CURRENT_TIMESTAMP"));
    assert_eq!(column("n").default.as_deref(), Some("1 + 1"));
    assert_eq!(t.checks, [Check { name: None, expression: "at > ''".into() }]);
    let unique = Index {
        name: "sqlite_autoindex_T \"1\"_1".into(),
        origin: Origin::Unique,
        unique: true,
        columns: vec![IndexColumn { collation: "nocase".into(), ..key("name") }],
        constraint_name: Some("one_name".into()),
        ..Index::default()
    };
    assert_eq!(t.indexes, [unique]);
    let foreign_keys: Vec<_> = t
        .foreign_keys
        .iter()
        .map(|f| (f.name.as_deref(), f.columns.join(" "), f.parent.as_str(), f.parent_columns.join(" ")))
        .collect();
    assert_eq!(
        foreign_keys,
        [
            (None, "up".into(), "t \"1\"", "Id".into()),
            (None, "gone".into(), "nowhere", "z".into()),
            (None, "odd".into(), "q", "".into()),
            (Some("both"), "pb pa".into(), "P", "B a".into()),
            (None, "pa pb".into(), "p", "a B".into()),
        ]
    );
    let [_, gone, _, both, last] = t.foreign_keys.as_slice() else { panic!() };
    assert_eq!((gone.on_update, gone.on_delete), (Action::NoAction, Action::SetNull));
    assert_eq!((both.on_update, both.on_delete), (Action::Cascade, Action::Restrict));
    assert_eq!((both.deferrable, last.deferrable), (Deferrable::InitiallyImmediate, Deferrable::No));
    assert_eq!(catalog.problems, []);
}

#[test]
fn rowid_aliases_and_what_only_looks_like_one() {
    let catalog = described(
        "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INT PRIMARY KEY);
         CREATE TABLE c(id INTEGER PRIMARY KEY DESC); CREATE TABLE d(id INTEGER PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE e(id INTEGER, PRIMARY KEY (id)); CREATE TABLE f(id INTEGER PRIMARY KEY, x ANY) STRICT",
    );
    let facts: Vec<_> = catalog
        .tables
        .iter()
        .map(|t| (t.name.as_str(), t.primary_key.as_ref().unwrap().rowid_alias, t.without_rowid, t.strict))
        .collect();
    assert_eq!(
        facts,
        [
            ("a", true, false, false),
            ("b", false, false, false),
            ("c", false, false, false),
            ("d", false, true, false),
            ("e", true, false, false),
            ("f", true, false, true),
        ]
    );
}

#[test]
fn indexes_partial_and_over_expressions() {
    let one = "CREATE UNIQUE INDEX one ON t(b DESC, lower(a) COLLATE NOCASE DESC) WHERE a IS NOT NULL";
    let two = "CREATE INDEX two ON t(a COLLATE NOCASE)";
    let catalog = described(&format!("CREATE TABLE t(a, b COLLATE RTRIM); {one}; {two}"));
    let lower = IndexColumn {
        key: IndexKey::Expression("lower(a)".into()),
        descending: true,
        collation: "NOCASE".into(),
    };
    let expected = [
        Index {
            name: "one".into(),
            unique: true,
            columns: vec![IndexColumn { descending: true, collation: "RTRIM".into(), ..key("b") }, lower],
            predicate: Some("a IS NOT NULL".into()),
            sql: Some(one.into()),
            ..Index::default()
        },
        Index {
            name: "two".into(),
            columns: vec![IndexColumn { collation: "NOCASE".into(), ..key("a") }],
            sql: Some(two.into()),
            ..Index::default()
        },
    ];
    assert_eq!(catalog.tables[0].indexes, expected);
}

#[test]
fn views_triggers_header_and_utf16() {
    let catalog = described(
        "PRAGMA encoding = 'UTF-16le'; PRAGMA page_size = 1024; PRAGMA user_version = 7;
         PRAGMA application_id = -2; CREATE TABLE \"tä\"(\"ü\" DEFAULT 'é'); CREATE VIEW v AS SELECT * FROM missing;
         CREATE TRIGGER tr AFTER INSERT ON \"tä\" BEGIN SELECT 1; END",
    );
    assert_eq!(
        (catalog.encoding, catalog.user_version, catalog.application_id, catalog.page_size),
        (Encoding::Utf16Le, 7, -2, 1024)
    );
    assert_eq!(catalog.tables[0].columns[0].default.as_deref(), Some("'é'"));
    assert_eq!(names(catalog.views.iter().map(|v| v.sql.as_str())), "CREATE VIEW v AS SELECT * FROM missing");
    assert_eq!((catalog.triggers[0].name.as_str(), catalog.triggers[0].table.as_str()), ("tr", "tä"));
}

#[test]
fn virtual_tables_with_and_without_their_module() {
    let catalog = described(
        "CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE docs_notes(a); PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES
           ('table', 'emb', 'emb', 0, 'CREATE VIRTUAL TABLE emb USING vec0(v float[4])');
         CREATE TABLE emb_chunks(a); CREATE TABLE emb_vector_chunks00(a); CREATE TABLE emb_more(a)",
    );
    let kinds: Vec<_> = catalog.tables.iter().map(|t| (t.name.as_str(), t.kind.clone())).collect();
    let shadow = |of: &str| TableKind::Shadow { of: of.into() };
    let of_module = |module: &str, usable| TableKind::Virtual { module: module.into(), usable };
    assert_eq!(
        kinds,
        [
            ("docs", of_module("fts5", true)),
            ("docs_data", shadow("docs")),
            ("docs_idx", shadow("docs")),
            ("docs_content", shadow("docs")),
            ("docs_docsize", shadow("docs")),
            ("docs_config", shadow("docs")),
            ("docs_notes", TableKind::Ordinary),
            ("emb", of_module("vec0", false)),
            ("emb_chunks", shadow("emb")),
            ("emb_vector_chunks00", shadow("emb")),
            ("emb_more", TableKind::Ordinary),
        ]
    );
    let hidden: Vec<_> = catalog.tables[0].columns.iter().map(|c| (c.name.as_str(), c.hidden)).collect();
    assert_eq!(hidden, [("body", false), ("docs", true), ("rank", true)]);
    assert_eq!(catalog.problems, []);
}

#[test]
fn what_the_parser_cannot_read_is_a_problem_of_one_object() {
    let deep = format!("{}1{}", "(".repeat(201), ")".repeat(201));
    let catalog = described(&format!(
        "CREATE TABLE deep(a INT NOT NULL CHECK ({deep})); CREATE INDEX i ON deep({deep}, a); CREATE INDEX j ON deep(a)"
    ));
    let problems: Vec<_> = catalog.problems.iter().map(|p| (p.object.as_str(), p.reason.as_str())).collect();
    let unknown = "CHECK constraints and generated columns are not known";
    let nested = "parentheses are nested deeper than 200";
    assert_eq!(
        problems,
        [
            ("deep", format!("{unknown}: {nested}").as_str()),
            ("index i", format!("its definition could not be read: {nested}").as_str()),
        ]
    );
    let deep = &catalog.tables[0];
    assert_eq!((deep.columns[0].declared.as_str(), deep.columns[0].not_null), ("INT", true));
    assert_eq!(names(deep.indexes.iter().map(|i| i.name.as_str())), "j");
}

#[test]
fn names_that_are_no_names_elsewhere() {
    let catalog = described(
        "CREATE TABLE \"\"(\"\" INT, \"a\nb\", [select], `q\"q` PRIMARY KEY, '😀');
         CREATE INDEX \"i;--\" ON \"\"(\"\", \"a\nb\"); CREATE TABLE \"pragma_table_xinfo\"(x)",
    );
    assert_eq!(names(catalog.tables.iter().map(|t| t.name.as_str())), " pragma_table_xinfo");
    let columns: Vec<_> = catalog.tables[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(columns, ["", "a\nb", "select", "q\"q", "😀"]);
    assert_eq!(catalog.tables[0].indexes.last().unwrap().columns, [key(""), key("a\nb")]);
    assert_eq!(catalog.problems, []);
}

#[test]
fn a_name_that_is_not_utf8_is_a_problem_of_its_table() {
    let catalog = described(
        "CREATE TABLE t(ab); CREATE TABLE uv(a); CREATE TABLE ok(a); PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = CAST(x'435245415445205441424c452074282261ff2229' AS TEXT) WHERE name = 't';
         UPDATE sqlite_schema SET name = CAST(x'75ff' AS TEXT), tbl_name = CAST(x'75ff' AS TEXT),
           sql = CAST(x'435245415445205441424c45202275ff22286129' AS TEXT) WHERE name = 'uv'",
    );
    assert_eq!(names(catalog.tables.iter().map(|t| t.name.as_str())), "ok");
    let problems: Vec<_> = catalog.problems.iter().map(|p| (p.object.as_str(), p.reason.as_str())).collect();
    let not_utf8 = "a column's name is not valid UTF-8";
    assert_eq!(
        problems[problems.len() - 2..],
        [("t", not_utf8), ("u\u{fffd}", "SQLite cannot read its definition")]
    );
}

#[test]
fn views_that_multiply_are_listed_without_being_run() {
    let doubled = |i: usize| format!("CREATE VIEW v{i} AS SELECT 1 FROM v{0} a, v{0} b;", i - 1);
    let views: String = (1..40).map(doubled).collect();
    let catalog = described(&format!("CREATE TABLE v0(a); {views}"));
    assert_eq!((catalog.views.len(), catalog.problems), (39, vec![]));
}

/// Tables, views, triggers, indexes, foreign keys, checks.
type Counts = (usize, usize, usize, usize, usize, usize);

fn counts(catalog: &Catalog) -> Counts {
    let sum = |of: fn(&Table) -> usize| catalog.tables.iter().map(of).sum();
    (
        catalog.tables.len(),
        catalog.views.len(),
        catalog.triggers.len(),
        sum(|t| t.indexes.len()),
        sum(|t| t.foreign_keys.len()),
        sum(|t| t.checks.len()),
    )
}

#[test]
fn real_files_are_described_completely() {
    let expected: [(&str, Counts); 16] = [
        ("anki_anki12.db", (18, 7, 0, 25, 12, 7)),
        ("calibre_metadata.db", (54, 21, 74, 95, 1, 2)),
        ("calibre_web_metadata.db", (36, 11, 39, 55, 0, 1)),
        ("chinook.db", (11, 0, 0, 22, 11, 0)),
        ("django.db", (17, 0, 0, 38, 18, 7)),
        ("gpkg_example.db", (100, 4, 54, 44, 13, 2)),
        ("grafana_grafana.db", (20, 0, 0, 35, 0, 0)),
        ("llm_logs.db", (39, 1, 6, 35, 39, 0)),
        ("mbtiles_plain_1.db", (3, 1, 0, 3, 0, 0)),
        ("northwind.db", (13, 17, 0, 6, 13, 7)),
        ("pgloader_bad_utf8.db", (1, 0, 0, 0, 0, 0)),
        ("pgloader_collision.db", (1, 0, 0, 0, 0, 0)),
        ("pgloader_sqlite.db", (20, 0, 0, 1, 0, 0)),
        ("pgloader_storage.db", (9, 0, 0, 0, 6, 0)),
        ("pgloader_test_pk.db", (2, 0, 0, 0, 1, 0)),
        ("pgloader_type_mismatch.db", (1, 0, 0, 0, 0, 0)),
    ];
    for (name, counted) in expected {
        let Some(source) = real(name) else { return };
        let catalog = catalog(&source).unwrap();
        assert_eq!(catalog.problems, [], "{name}");
        assert_eq!(counts(&catalog), counted, "{name}");
    }
}

#[test]
fn a_django_table_in_full() {
    let Some(source) = real("django.db") else { return };
    let catalog = catalog(&source).unwrap();
    let product = catalog.table("shop_product").unwrap();
    assert_eq!(product.name, "shop_Product");
    let checks: Vec<_> = product.checks.iter().map(|c| (c.name.as_deref(), c.expression.as_str())).collect();
    assert_eq!(
        checks[2..],
        [
            (Some("price_not_negative"), "\"price\" >= '0'"),
            (Some("status_known"), "(\"status\" IN ('D', 'L', 'G') AND NOT (\"name\" = ''))"),
        ]
    );
    assert!(product.json_checked("attrs") && !product.json_checked("name"));
    let one_live = product.indexes.iter().find(|i| i.name == "one_live_name").unwrap();
    assert_eq!((one_live.unique, one_live.predicate.as_deref()), (true, Some("\"status\" = 'L'")));
    let generated = product.column("total").unwrap().generated.clone().unwrap();
    assert_eq!(generated.expression, "(CAST((\"price\" * \"stock\") AS NUMERIC))");
    assert!(product.foreign_keys.iter().all(|f| f.deferrable == Deferrable::InitiallyDeferred));
}

#[test]
fn virtual_tables_of_real_files_can_be_read() {
    for (file, name) in [("gpkg_example.db", "rtree_point1_geometry"), ("llm_logs.db", "turn_search_fts")] {
        let Some(source) = real(file) else { return };
        let catalog = catalog(&source).unwrap();
        let table = catalog.table(name).unwrap();
        assert!(matches!(table.kind, TableKind::Virtual { usable: true, .. }), "{table:?}");
        let nothing = |_: &str| Default::default();
        let profile = super::super::profile(
            &source,
            table,
            super::super::profile::Extent::All,
            &Default::default(),
            None,
            &[],
            &nothing,
        )
        .unwrap();
        assert!(profile.rows > 0, "{name}");
    }
}

#[test]
fn every_malformed_file_ends_in_a_catalog_or_an_error() {
    for path in real_files("malformed") {
        let options = OpenOptions { immutable: true, ..options(&path) };
        match open(&options).and_then(|source| catalog(&source)) {
            Ok(_) | Err(Error::Corrupt { .. } | Error::NotADatabase { .. }) => {}
            Err(other) => panic!("{}: {other}", path.display()),
        }
    }
}
