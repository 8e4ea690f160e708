//! Stand-ins for application-defined collations.
//!
//! SQLite does not prepare a statement that might need a collation it does not know, not even the scan of a table
//! WITHOUT ROWID. So every name after COLLATE in the schema gets a comparison by bytes. That comparison records that it
//! was used, because the statement's result is then not the application's. [`asked`] must be checked before a result is
//! used; `Source::ask` and `Session` do so. A misspelt name in a query remains an error.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use rusqlite::Connection;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::Tokenizer;

use pg_sqlite_migrate_core::sqltext::sqlite_unquote;

thread_local! {
    /// The stand-in that was used first since `used` was called. SQLite compares on the thread that runs the statement.
    static USED: Cell<Option<String>> = const { Cell::new(None) };
}

/// The stand-ins of one connection.
#[derive(Default)]
pub(super) struct StandIns {
    /// The version of the schema whose names are registered.
    version: Cell<Option<i64>>,
    /// In lower case.
    names: RefCell<HashSet<String>>,
}

impl StandIns {
    /// Registers what the schema names and SQLite does not know. A schema that cannot be read has none.
    pub(super) fn register(&self, connection: &Connection) -> rusqlite::Result<()> {
        let version = connection.pragma_query_value(Some("main"), "schema_version", |row| row.get(0)).ok();
        if version.is_some() && self.version.replace(version) == version {
            return Ok(());
        }
        let Ok(texts) = texts(connection) else { return Ok(()) };
        for name in texts.iter().flat_map(|text| named(text)) {
            let is_new = !is_builtin(&name) && self.names.borrow_mut().insert(name.to_ascii_lowercase());
            if is_new && !name.contains('\0') {
                let used = name.clone();
                connection.create_collation(name.as_str(), move |a, b| {
                    let first = USED.take();
                    USED.set(Some(first.unwrap_or_else(|| used.clone())));
                    a.cmp(b)
                })?;
            }
        }
        Ok(())
    }
}

/// SQLite's own collations.
pub fn is_builtin(name: &str) -> bool {
    ["BINARY", "NOCASE", "RTRIM"].iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// A stand-in that was used on this thread since the last call.
#[inline]
pub(super) fn used() -> Option<String> {
    USED.take()
}

fn texts(connection: &Connection) -> rusqlite::Result<Vec<Vec<u8>>> {
    let sql = "SELECT sql FROM main.sqlite_schema WHERE sql LIKE '%collate%'";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut texts = vec![];
    while let Some(row) = rows.next()? {
        texts.extend(row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec));
    }
    Ok(texts)
}

/// The name after each COLLATE in an SQL text.
fn named(text: &[u8]) -> Vec<String> {
    let mut scanner = Scanner::new(Tokenizer::new());
    let (mut names, mut follows) = (vec![], false);
    while let Ok((_, Some((word, _)), _)) = scanner.scan(text) {
        if follows && let Ok(word) = std::str::from_utf8(word) {
            names.push(sqlite_unquote(word));
        }
        follows = word.eq_ignore_ascii_case(b"COLLATE");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::session::Purpose;
    use super::super::testing::*;
    use super::super::{Error, Session, catalog, count};
    use super::*;

    #[test]
    fn names_behind_collate_are_found() {
        let sql = b"CREATE TABLE t(a TEXT /* x */ collate unicase, b COLLATE \"de DE\" DEFAULT 'COLLATE x', \
                    PRIMARY KEY (a COLLATE [p]))";
        assert_eq!(named(sql), ["unicase", "de DE", "p"]);
    }

    /// `unicase` stands in the schema only: whoever made the file had it.
    fn application(dir: &TempDir, encoding: &str) {
        dir.database(
            "t.db",
            &format!(
                "PRAGMA encoding = '{encoding}';
                 CREATE TABLE w(k TEXT COLLATE NOCASE PRIMARY KEY, v INT) WITHOUT ROWID;
                 CREATE TABLE t(name TEXT COLLATE NOCASE UNIQUE);
                 INSERT INTO w VALUES ('a', 1), ('B', 2); INSERT INTO t VALUES ('x'), ('Y'), ('z');
                 CREATE VIEW v AS SELECT DISTINCT name FROM t;
                 PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'unicase')"
            ),
        );
    }

    #[test]
    fn every_row_can_be_read_and_no_comparison_is_believed() {
        for encoding in ["UTF-8", "UTF-16le"] {
            let dir = TempDir::new();
            application(&dir, encoding);
            let source = dir.open("t.db");
            assert_eq!(catalog(&source).unwrap().tables.len(), 2);
            assert_eq!(count(&source, "w", None), Ok(2));
            assert_eq!(count(&source, "w", Some("k COLLATE BINARY > 'Z' OR v IS NULL")), Ok(1));
            for filter in ["k = 'A'", "k IN ('a', 'b')", "k > 'A'"] {
                let refused = Error::Collation { path: dir.path("t.db"), name: "unicase".into() };
                assert_eq!(count(&source, "w", Some(filter)), Err(refused), "{filter}");
            }
            let misspelt = count(&source, "w", Some("k COLLATE unicode = 'a'"));
            assert!(matches!(misspelt, Err(Error::InvalidFilter { .. })), "{misspelt:?}");
        }
    }

    #[test]
    fn a_session_does_not_believe_them_either() {
        let dir = TempDir::new();
        application(&dir, "UTF-8");
        let session = Session::open(&options(&dir.path("t.db")), Purpose::Read).unwrap();
        let rows = |sql: &str| -> Result<usize, Error> {
            let id = session.prepare(sql)?;
            session.bind(id, &[])?;
            let mut rows = 0;
            while session.step(id, |_| ())?.is_some() {
                rows += 1;
            }
            Ok(rows)
        };
        assert_eq!(rows("SELECT k FROM w ORDER BY k COLLATE BINARY"), Ok(2));
        for sql in ["SELECT * FROM v", "SELECT name FROM t WHERE name = 'y'", "SELECT max(name), name FROM t"]
        {
            assert!(matches!(rows(sql), Err(Error::Collation { .. }) | Ok(1)), "{sql}");
        }
        assert!(matches!(rows("SELECT * FROM v"), Err(Error::Collation { .. })));
    }
}
