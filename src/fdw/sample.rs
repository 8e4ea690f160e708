//! ANALYZE: a query for a sample of rows, spread over the whole table.

use std::rc::Rc;

use super::seam::Relation;
use super::{connection, relation};
use crate::error::Error;
use pg_sqlite_migrate_core::remote::deparse;
use pg_sqlite_migrate_core::remote::{From, Remote, Select, Table, Tables, Target, Var};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// A query for about `rows` rows with every attribute, and the number of its rows.
///
/// Rows are those next to random points among the rowids, each found through the b-tree; where there is no rowid
/// every row is read, and PostgreSQL chooses.
pub fn sample(relation: &Relation, rows: usize) -> Result<(Remote, f64), Error> {
    let table = relation::table(relation)?;
    let count = connection::count(&relation.server, &table.name)?;
    let mut remote = deparse::select(&whole(&table), &Tables::from([(1, Rc::new(table.clone()))]));
    for (output, attribute) in remote.outputs.iter_mut().zip(attributes(&table)) {
        output.attribute = attribute;
    }
    if let Some(rowid) = table.rowid.as_ref().filter(|_| count > 2.0 * rows as f64) {
        remote
            .sql
            .push_str(&format!(" WHERE r1.{rowid} IN ({})", spread(&sqlite_ident(&table.name), rowid, rows)));
    }
    Ok((remote, count))
}

/// Rowids next to random points (evenly spaced ones would fall in step with periodic data). The distance is computed in
/// reals: the ends may be further apart than an integer can say.
fn spread(table: &str, rowid: &str, rows: usize) -> String {
    format!(
        "WITH RECURSIVE ends(lo, hi) AS (SELECT (SELECT min({rowid}) FROM main.{table}), \
         (SELECT max({rowid}) FROM main.{table})), \
         n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         SELECT (SELECT s.{rowid} FROM main.{table} AS s \
         WHERE s.{rowid} >= CAST(lo + (1.0 * hi - lo) * (random() & 0x1fffffffffffff) / 9007199254740991.0 AS INTEGER) ORDER BY s.{rowid} LIMIT 1) FROM n, ends"
    )
}

fn attributes(table: &Table) -> impl Iterator<Item = i16> + '_ {
    table.columns.iter().zip(1i16..).filter(|(c, _)| c.is_some()).map(|(_, n)| n)
}

fn whole(table: &Table) -> Select {
    let cells = attributes(table).map(|attribute| Target::Cell(Var { relation: 1, attribute }));
    Select::of(From::Table { relation: 1 }, cells.collect())
}
