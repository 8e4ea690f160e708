//! The size of a table and the selectivity of its indexes, without reading the table: from `sqlite_stat1` if ANALYZE
//! was run, else from the first and last rowid and the number of pages of the file.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// Rows, and what `sqlite_stat1` says of the indexes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimate {
    pub rows: f64,
    /// Pages of the file that the table is likely to take.
    pub pages: f64,
    /// By lower-case index name: rows that share the first key column, the first two, ….
    pub rows_per_key: HashMap<String, Vec<f64>>,
}

/// The assumed rows of a view, or of a table without rowid and statistics: counting them would be expensive.
const UNKNOWN_ROWS: f64 = 1000.0;
/// The smallest size of a row in bytes. It limits an estimate by rowids to the rows that the file can hold, since
/// rowids may have gaps.
const LEAST_ROW_BYTES: f64 = 8.0;
const BYTES_PER_COLUMN: f64 = 16.0;

/// `page_size` and `page_count` are the file's.
pub fn estimate(
    connection: &Connection,
    table: &Table,
    page_size: f64,
    page_count: f64,
) -> rusqlite::Result<Estimate> {
    let stat1 = stat1(connection, &table.name)?;
    let counted = stat1.iter().map(|(_, numbers)| numbers[0]).reduce(f64::max);
    let rows = match counted {
        Some(rows) => rows,
        None => by_rowid(connection, table, page_size * page_count)?.unwrap_or(UNKNOWN_ROWS),
    };
    let bytes = rows * (LEAST_ROW_BYTES + BYTES_PER_COLUMN * table.columns.len() as f64);
    let rows_per_key = stat1
        .into_iter()
        .filter_map(|(index, n)| Some((index?.to_ascii_lowercase(), n[1..].to_vec())))
        .collect();
    Ok(Estimate {
        rows,
        pages: (bytes / page_size.max(512.0)).ceil().clamp(1.0, page_count.max(1.0)),
        rows_per_key,
    })
}

type Stat1 = Vec<(Option<String>, Vec<f64>)>;

/// Rows of `sqlite_stat1`: index (`None` for the table itself), number of rows, then rows per key.
fn stat1(connection: &Connection, table: &str) -> rusqlite::Result<Stat1> {
    let exists = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'sqlite_stat1'";
    if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
        return Ok(vec![]);
    }
    let mut statement = connection.prepare_cached(
        "SELECT idx, CAST(stat AS TEXT) FROM main.sqlite_stat1 WHERE tbl = ?1 COLLATE NOCASE",
    )?;
    let rows = statement.query_map([table], |row| {
        let numbers: Vec<f64> = row
            .get::<_, Option<String>>(1)?
            .unwrap_or_default()
            .split(' ')
            .map_while(|word| word.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0))
            .collect();
        Ok((row.get(0)?, numbers))
    })?;
    Ok(rows.collect::<rusqlite::Result<Stat1>>()?.into_iter().filter(|(_, n)| !n.is_empty()).collect())
}

/// The span of the rowids, which is the number of rows where none was deleted.
fn by_rowid(connection: &Connection, table: &Table, file_bytes: f64) -> rusqlite::Result<Option<f64>> {
    let Some(rowid) = table.rowid_name() else { return Ok(None) };
    let name = sqlite_ident(&table.name);
    let sql =
        format!("SELECT (SELECT min({rowid}) FROM main.{name}), (SELECT max({rowid}) FROM main.{name})");
    let ends: (Option<i64>, Option<i64>) =
        connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = ends else { return Ok(Some(0.0)) };
    Ok(Some((last as f64 - first as f64 + 1.0).min(file_bytes / LEAST_ROW_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimated(sql: &str) -> Estimate {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        let table = Table { name: "t".into(), ..Table::default() };
        estimate(&connection, &table, 4096.0, 100.0).unwrap()
    }

    #[test]
    fn statistics_win_over_the_rowids() {
        let fill = "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b);
            WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 100)
            INSERT INTO t SELECT x % 10, x FROM n;";
        assert_eq!(estimated(fill).rows, 100.0);
        let analyzed = estimated(&format!("{fill} ANALYZE; DELETE FROM t WHERE a > 5"));
        assert_eq!(analyzed.rows, 100.0);
        assert_eq!(analyzed.rows_per_key["i"], [10.0, 1.0]);
    }

    #[test]
    fn rowids_that_jump_are_bounded_by_the_file() {
        let sparse = estimated("CREATE TABLE t(a); INSERT INTO t(rowid) VALUES (1), (9000000000000)");
        assert_eq!(sparse.rows, 51200.0);
        assert_eq!(estimated("CREATE TABLE t(a)").rows, 0.0);
    }
}
