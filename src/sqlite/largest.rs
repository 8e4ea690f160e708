//! The largest rows of a table, by an estimate of their size, and conditions that find each of them again.

use rusqlite::Row;

use super::error::Error;
use super::open::Source;
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// The most rows that are given.
pub const MOST: usize = 100_000;

/// A row, and how it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeRow {
    /// `rowid 7`, or its key.
    pub name: String,
    pub rowid: Option<i64>,
    /// True of this row only.
    condition: String,
}

/// The rows of which `size`, an expression, is more than `safe`, largest first; none of a table that cannot be read so.
pub fn largest(
    source: &Source,
    table: &Table,
    (size, safe): (&str, u64),
    filter: Option<&str>,
) -> Result<Vec<LargeRow>, Error> {
    let rowid = table.rowid_name();
    let key: Vec<&String> = match (&table.primary_key, rowid) {
        (_, Some(_)) => vec![],
        (Some(key), None) => key.columns.iter().collect(),
        (None, None) => table.columns.iter().filter(|c| !c.hidden).map(|c| &c.name).collect(),
    };
    let names = match rowid {
        Some(rowid) => rowid.to_owned(),
        None => {
            key.iter().map(|name| format!("quote({})", sqlite_ident(name))).collect::<Vec<_>>().join(", ")
        }
    };
    let filter = filter.map(|f| format!("({f}\n) AND ")).unwrap_or_default();
    let from = format!("main.{} NOT INDEXED", sqlite_ident(&table.name));
    let sql =
        format!("SELECT {names} FROM {from} WHERE {filter}{size} > {safe} ORDER BY {size} DESC LIMIT {MOST}");
    let read = |row: &Row<'_>| match rowid {
        Some(alias) => {
            let rowid: i64 = row.get(0)?;
            let (name, condition) = (format!("rowid {rowid}"), format!("{alias} = {rowid}"));
            Ok(LargeRow { name, rowid: Some(rowid), condition })
        }
        None => by_key(row, &key),
    };
    let rows = source.ask(|connection| {
        let mut statement = connection.prepare(&sql)?;
        statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
    });
    match rows {
        Err(e) if e.is_local() => Ok(vec![]),
        rows => rows,
    }
}

fn by_key(row: &Row<'_>, key: &[&String]) -> rusqlite::Result<LargeRow> {
    const SHOWN: usize = 40;
    let values = (0..key.len()).map(|i| row.get::<_, String>(i)).collect::<rusqlite::Result<Vec<_>>>()?;
    let short = |value: &String| {
        let short: String = value.chars().take(SHOWN).collect();
        if short.len() < value.len() { short + "…" } else { short }
    };
    let name = values.iter().map(short).collect::<Vec<_>>().join(", ");
    let is = |(name, value): (&&String, &String)| format!("{} IS {value}", sqlite_ident(name));
    let condition = key.iter().zip(&values).map(is).collect::<Vec<_>>().join(" AND ");
    Ok(LargeRow { name: format!("({name})"), rowid: None, condition })
}

/// A condition that is true of these rows; they must be fewer than SQLite's expressions may be deep.
pub fn any_of(rows: &[LargeRow]) -> String {
    let conditions: Vec<String> = rows.iter().map(|row| format!("({})", row.condition)).collect();
    conditions.join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn rows_are_found_again_by_their_conditions() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "CREATE TABLE t(a TEXT); INSERT INTO t VALUES ('x'), (hex(zeroblob(50))), (hex(zeroblob(90)));
             CREATE TABLE w(a TEXT, b BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;
             INSERT INTO w VALUES ('it''s', zeroblob(99)), ('it', x'00')",
        );
        let source = dir.open("t.db");
        let catalog = catalog(&source).unwrap();
        let largest = |name: &str, size: &str| {
            largest(&source, catalog.table(name).unwrap(), (size, 90), None).unwrap()
        };
        let count = |name: &str, rows: &[LargeRow]| -> i64 {
            let sql = format!("SELECT count(*) FROM {name} WHERE {}", any_of(rows));
            source.connection().query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let rows = largest("t", "octet_length(a)");
        assert_eq!(rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["rowid 3", "rowid 2"]);
        assert_eq!((count("t", &rows), count("t", &rows[..1])), (2, 1));
        let keyed = largest("w", "octet_length(b)");
        assert_eq!((keyed.len(), keyed[0].rowid, count("w", &keyed)), (1, None, 1));
        assert!(keyed[0].name.starts_with("('it''s', X'0000"), "{}", keyed[0].name);
    }
}
