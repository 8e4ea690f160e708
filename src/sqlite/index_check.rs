//! What SQLite's `integrity_check` finds, in less time: `quick_check` of the file, and each index compared with its table.
//!
//! `integrity_check` looks every row up in every index, in the table's order: at random. Here table and index are read once
//! each, in their own order, and sums over the rows' hashes are compared. Indexes over expressions, partial ones and
//! those of tables WITHOUT ROWID are left to `integrity_check`.

use rusqlite::Connection;

use super::sums::cell;
use pg_sqlite_migrate_core::export::sums::RowSum;
use pg_sqlite_migrate_core::sqltext::{sqlite_ident, sqlite_literal};

/// The lines of SQLite's check of pages and rows; none for a sound file.
pub(super) fn of_pages(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    checked(connection, "PRAGMA quick_check(10)")
}

/// What is wrong with the indexes of a file.
pub(super) fn of_indexes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY rowid";
    let mut found = vec![];
    for table in texts(connection, TABLES)? {
        found.extend(of_table(connection, &table)?);
    }
    Ok(found)
}

/// What is wrong with the indexes of a table.
fn of_table(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    match plain_indexes(connection, table)? {
        Some(indexes) => compared(connection, table, &indexes),
        None => checked(connection, &format!("PRAGMA integrity_check({})", sqlite_literal(table))),
    }
}

/// An index whose key is made of columns.
struct Index {
    name: String,
    columns: Vec<String>,
}

/// The indexes of a table; `None` where one of them cannot be compared.
fn plain_indexes(connection: &Connection, table: &str) -> rusqlite::Result<Option<Vec<Index>>> {
    let list = format!("PRAGMA index_list({})", sqlite_literal(table));
    let mut statement = connection.prepare(&list)?;
    let listed = statement.query_map((), |row| Ok((row.get::<_, String>(1)?, row.get::<_, bool>(4)?)))?;
    let mut indexes = vec![];
    for index in listed {
        let (name, partial) = index?;
        let keys = format!("PRAGMA index_xinfo({})", sqlite_literal(&name));
        let mut statement = connection.prepare(&keys)?;
        // The rowid, which is no part of the key, is the last; a table without one has its key there.
        let parts = statement.query_map((), |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, Option<String>>(2)?, row.get::<_, bool>(5)?))
        })?;
        let mut columns = vec![];
        let mut has_rowid = false;
        for part in parts {
            match part? {
                (_, Some(column), true) => columns.push(column),
                (-1, None, false) => has_rowid = true,
                _ => return Ok(None),
            }
        }
        if partial || !has_rowid {
            return Ok(None);
        }
        indexes.push(Index { name, columns });
    }
    Ok(Some(indexes))
}

/// The indexes that do not hold what the table does.
fn compared(connection: &Connection, table: &str, indexes: &[Index]) -> rusqlite::Result<Vec<String>> {
    let columns =
        texts(connection, &format!("SELECT name FROM pragma_table_xinfo({})", sqlite_literal(table)))?;
    let is_column = |name: &&&str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let Some(rowid) = ["rowid", "_rowid_", "oid"].iter().find(|name| !is_column(name)) else {
        return checked(connection, &format!("PRAGMA integrity_check({})", sqlite_literal(table)));
    };
    let select = |index: &Index, how: &str| {
        let list: Vec<String> =
            index.columns.iter().map(|name| format!("t.{}", sqlite_ident(name))).collect();
        format!("SELECT {}, t.{rowid} FROM {} AS t {how}", list.join(", "), sqlite_ident(table))
    };
    let mut found = vec![];
    for index in indexes {
        let of_table = whole(connection, &select(index, "NOT INDEXED"))?;
        let of_index =
            whole(connection, &select(index, &format!("INDEXED BY {}", sqlite_ident(&index.name))))?;
        if of_table != of_index {
            found.push(format!("index {} does not hold the rows of table {table}", index.name));
        }
    }
    Ok(found)
}

fn whole(connection: &Connection, sql: &str) -> rusqlite::Result<RowSum> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let (mut sum, mut rows) = (RowSum::default(), statement.query(())?);
    while let Some(row) = rows.next()? {
        for at in 0..columns {
            sum.add(cell(row.get_ref(at)?));
        }
        sum.end_row();
    }
    Ok(sum)
}

fn checked(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut lines = texts(connection, sql)?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}

fn texts(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let texts = statement.query_map((), |row| row.get(0))?;
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::TempDir;
    use super::*;

    const TABLES: &str = "
        CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE COLLATE NOCASE, r REAL, n NUMERIC, rowid TEXT);
        CREATE INDEX plain ON t (r DESC, b); CREATE INDEX other ON t (n, \"rowid\");
        WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 50)
        INSERT INTO t SELECT n, 'x' || n, n / 2.0, CASE n % 3 WHEN 0 THEN NULL ELSE n || '' END, n FROM i;
        CREATE TABLE w (a TEXT PRIMARY KEY, b TEXT UNIQUE) WITHOUT ROWID; INSERT INTO w VALUES ('a', 'b');
        CREATE TABLE e (a INTEGER, b TEXT); CREATE INDEX expression ON e (abs(a)); CREATE INDEX partial ON e (b) WHERE b > 'a';
        INSERT INTO e VALUES (-1, 'b'), (2, 'c');";

    #[test]
    fn sound_files_have_no_problems() {
        let dir = TempDir::new();
        let connection = Connection::open(dir.database("t.db", TABLES)).unwrap();
        let found = [of_pages(&connection).unwrap(), of_indexes(&connection).unwrap()];
        assert_eq!(found.concat(), Vec::<String>::new());
    }

    /// The index is made to be of another table, by its definition.
    #[test]
    fn indexes_that_hold_other_rows_are_found() {
        for (table, index) in [("t", "plain"), ("t", "other"), ("e", "expression"), ("e", "partial")] {
            let dir = TempDir::new();
            let path = dir.database("t.db", TABLES);
            let connection = Connection::open(&path).unwrap();
            let copy = format!("CREATE TABLE empty AS SELECT * FROM {table} LIMIT 1;");
            connection.execute_batch(&copy).unwrap();
            let definition: String = connection
                .query_row("SELECT sql FROM sqlite_schema WHERE name = ?", [index], |row| row.get(0))
                .unwrap();
            let on_copy = definition.replace(&format!("ON {table}"), "ON empty").replace(index, "made");
            connection.execute_batch(&on_copy).unwrap();
            connection
                .execute_batch(&format!(
                    "PRAGMA writable_schema = ON;
                     UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'made') WHERE name = '{index}';
                     DELETE FROM sqlite_schema WHERE name = 'made'; PRAGMA writable_schema = RESET;"
                ))
                .unwrap();
            drop(connection);
            let connection = Connection::open(&path).unwrap();
            let found = of_table(&connection, table).unwrap();
            assert!(found.iter().any(|line| line.contains(index)), "{index}: {found:?}");
        }
    }
}
