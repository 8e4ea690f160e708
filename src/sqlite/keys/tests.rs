use super::super::catalog;
use super::super::open::{OpenOptions, open};
use super::super::testing::*;
use super::*;

fn facts(source: &Source) -> Vec<(String, KeyFactKind, u64, Vec<String>)> {
    let catalog = catalog(source).unwrap();
    let selected = vec![true; catalog.tables.len()];
    let facts = key_facts(source, &catalog, &selected, &[], true).unwrap();
    facts.into_iter().map(|f| (f.table, f.kind, f.count, f.examples)).collect()
}

fn fact(
    table: &str,
    kind: KeyFactKind,
    count: u64,
    examples: &[&str],
) -> (String, KeyFactKind, u64, Vec<String>) {
    (table.into(), kind, count, examples.iter().map(|e| (*e).into()).collect())
}

#[test]
fn nulls_and_duplicates_of_declared_primary_keys() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "CREATE TABLE alias(id INTEGER PRIMARY KEY); INSERT INTO alias VALUES (NULL), (NULL);
         CREATE TABLE n(a TEXT, b INT, PRIMARY KEY (a, b)); INSERT INTO n VALUES (NULL, 1), ('x', NULL), ('x', 1);
         CREATE TABLE d(k PRIMARY KEY);
         INSERT INTO d VALUES (1), ('1'), (2.0), ('2'), (3), ('3x'), (x'31'), (NULL), (1.5), ('1.5');
         CREATE TABLE w(k, l, PRIMARY KEY (k, l)) WITHOUT ROWID; INSERT INTO w VALUES (1, 'a'), ('1', 'a'), ('1', 'b');
         CREATE TABLE typed(k TEXT PRIMARY KEY); INSERT INTO typed VALUES (1), ('1.0')",
    );
    assert_eq!(
        facts(&dir.open("t.db")),
        [
            fact("n", KeyFactKind::PrimaryKeyNull, 2, &["rowid 1", "rowid 2"]),
            fact("d", KeyFactKind::PrimaryKeyNull, 1, &["rowid 8"]),
            fact("d", KeyFactKind::PrimaryKeyDuplicate, 3, &["(1)", "(1.5)", "(2.0)"]),
            fact("w", KeyFactKind::PrimaryKeyDuplicate, 1, &["(1, 'a')"]),
        ]
    );
}

#[test]
fn orphans_are_what_sqlite_itself_would_refuse() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, a INT, b INT, UNIQUE (a, b));
         INSERT INTO p VALUES (1, 'Abc', 1, 2), (2, '007', 3, 4);
         CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p, code REFERENCES p(code), n REFERENCES nowhere(x),
                        a INT, b INT, FOREIGN KEY (b, a) REFERENCES p(b, a));
         INSERT INTO c(p) VALUES ('1'), (1.0), (NULL), (9), ('x');
         INSERT INTO c(code) VALUES ('ABC'), ('007'), (7), (x'414243');
         INSERT INTO c(a, b) VALUES (1, 2), (1, NULL), (NULL, 9), (1, 4);
         INSERT INTO c(n) VALUES (1);
         CREATE TABLE tree(id TEXT PRIMARY KEY, up REFERENCES tree) WITHOUT ROWID;
         INSERT INTO tree VALUES ('a', NULL), ('b', 'a'), ('c', 'it''s gone')",
    );
    let source = dir.open("t.db");
    let orphan = |foreign_key| KeyFactKind::Orphan { foreign_key };
    let expected = [
        fact("c", orphan(0), 2, &["rowid 4", "rowid 5"]),
        fact("c", orphan(1), 2, &["rowid 8", "rowid 9"]),
        fact("c", orphan(3), 1, &["rowid 13"]),
        fact("tree", orphan(0), 1, &["('c')"]),
    ];
    assert_eq!(facts(&source), expected);
    let count: i64 = {
        let mut statement = source.connection().prepare("PRAGMA foreign_key_check").unwrap();
        let parents = statement.query_map([], |r| r.get::<_, String>(2)).unwrap().flatten();
        parents.filter(|p| p != "nowhere").count().try_into().unwrap()
    };
    assert_eq!(count, 6);
}

#[test]
fn unselected_tables_are_not_asked_about() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY);
         CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES (1)",
    );
    let source = dir.open("t.db");
    let catalog = catalog(&source).unwrap();
    for selected in [&[false, true][..], &[true, false], &[true], &[]] {
        assert_eq!(key_facts(&source, &catalog, selected, &[], true), Ok(vec![]));
    }
    assert_eq!(key_facts(&source, &catalog, &[true, true], &[], true).map(|f| f.len()), Ok(1));
}

#[test]
fn only_rows_that_are_imported_count() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, old INT);
         INSERT INTO p VALUES (1, 'a', 0), (2, 'b', 1);
         CREATE TABLE c(k PRIMARY KEY, p REFERENCES p, code TEXT REFERENCES p(code), old INT);
         INSERT INTO c VALUES (1, '1', 'A', 0), ('1', 2, 'B', 1), (NULL, 9, 'x', 1), (3, 2, 'b', 0);
         CREATE TABLE w(k, p REFERENCES p, PRIMARY KEY (k)) WITHOUT ROWID;
         INSERT INTO w VALUES (1, 1), (2, 2)",
    );
    let source = dir.open("t.db");
    let catalog = catalog(&source).unwrap();
    let ask = |filters: &[Option<&str>]| {
        let readings: Vec<_> = filters.iter().map(|filter| Reading::filtered(*filter)).collect();
        let facts = key_facts(&source, &catalog, &[true, true, true], &readings, true).unwrap();
        facts.into_iter().map(|f| (f.table, f.kind, f.count, f.examples)).collect::<Vec<_>>()
    };
    let orphan = |foreign_key| KeyFactKind::Orphan { foreign_key };
    assert_eq!(
        ask(&[]),
        [
            fact("c", KeyFactKind::PrimaryKeyNull, 1, &["rowid 3"]),
            fact("c", KeyFactKind::PrimaryKeyDuplicate, 1, &["(1)"]),
            fact("c", orphan(0), 1, &["rowid 3"]),
            fact("c", orphan(1), 1, &["rowid 3"]),
        ]
    );
    assert_eq!(ask(&[None, Some("old = 0 -- of its own"), None]), []);
    assert_eq!(
        ask(&[Some("old = 0"), Some("old = 0 AND rowid > 0"), Some("k > 0")]),
        [
            fact("c", orphan(0), 1, &["rowid 4"]),
            fact("c", orphan(1), 1, &["rowid 4"]),
            fact("w", orphan(0), 1, &["(2)"]),
        ]
    );
    let wrong = key_facts(
        &source,
        &catalog,
        &[true; 3],
        &[Reading::default(), Reading::filtered(Some("1) OR (1"))],
        true,
    );
    assert!(matches!(wrong, Err(Error::InvalidFilter { .. })));
}

#[test]
fn checks_that_stored_rows_break_are_counted() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "PRAGMA ignore_check_constraints = ON;
         CREATE TABLE t(n INT CHECK (n > 0 -- positive
            ), s TEXT CHECK (length(s) < 3), u, CHECK (n < 9 OR s IS NULL));
         INSERT INTO t VALUES (1, 'a', 1), (0, 'abc', 1), (-1, NULL, 1), (NULL, 'abcd', 0);
         CREATE TABLE f(n INT CHECK (n > 0), CHECK (true));
         INSERT INTO f VALUES (0);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'true', 'own(n)') WHERE name = 'f'",
    );
    let source = dir.open("t.db");
    let broken = |check| KeyFactKind::CheckBroken { check };
    let expected = [fact("t", broken(0), 2, &[]), fact("t", broken(1), 2, &[]), fact("f", broken(0), 1, &[])];
    assert_eq!(facts(&source), expected);
    let catalog = catalog(&source).unwrap();
    let filtered =
        key_facts(&source, &catalog, &[true, false], &[Reading::filtered(Some("u = 0"))], true).unwrap();
    assert_eq!(filtered.iter().map(|f| (&f.kind, f.count)).collect::<Vec<_>>(), [(&broken(1), 1)]);
}

#[test]
fn what_grouping_needs_beyond_the_cache_goes_to_files() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "CREATE TABLE t(k PRIMARY KEY);
         INSERT INTO t SELECT randomblob(4000) FROM generate_series(1, 3000);
         INSERT INTO t VALUES (1), ('1')",
    );
    assert_eq!(facts(&dir.open("t.db")), [fact("t", KeyFactKind::PrimaryKeyDuplicate, 1, &["(1)"])]);
}

#[test]
fn a_collation_that_only_the_application_has_is_done_without() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE p(name TEXT COLLATE binary); CREATE TABLE c(name TEXT); PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE p(name TEXT COLLATE unicase)' WHERE name = 'p';
         UPDATE sqlite_schema SET sql = 'CREATE TABLE c(name TEXT REFERENCES p(name))' WHERE name = 'c';
         INSERT INTO p VALUES ('a'); INSERT INTO c VALUES ('a'), ('A')",
    );
    let source = dir.open("t.db");
    assert_eq!(
        catalog(&source).unwrap().table("p").unwrap().columns[0].collation.as_deref(),
        Some("unicase")
    );
    assert_eq!(facts(&source), [fact("c", KeyFactKind::Orphan { foreign_key: 0 }, 1, &["rowid 2"])]);
}

#[test]
fn every_malformed_file_ends_in_facts_or_an_error() {
    for path in real_files("malformed") {
        let options = OpenOptions { immutable: true, ..options(&path) };
        let Ok(source) = open(&options) else { continue };
        let Ok(catalog) = catalog(&source) else { continue };
        let facts = key_facts(&source, &catalog, &vec![true; catalog.tables.len()], &[], true);
        assert!(facts.is_ok(), "{}: {facts:?}", path.display());
    }
}
