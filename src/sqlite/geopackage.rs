//! Reads the blobs of a GeoPackage that is being written, and fills its R*Trees from them.

use rusqlite::types::ValueRef;

use super::Error;
use super::create::NewFile;
use pg_sqlite_migrate_core::sqltext::{sqlite_ident, sqlite_literal};
use pg_sqlite_migrate_core::value::geometry::bounds::Bounds;
use pg_sqlite_migrate_core::value::geometry::stats::Stats;
use pg_sqlite_migrate_core::value::geometry::{Becomes, Container, read};

/// What the geometries of a table are.
#[derive(Debug, Clone, Default)]
pub struct Scanned {
    pub srids: Vec<i32>,
    pub bounds: Option<Bounds>,
    pub stats: Stats,
}

impl NewFile {
    /// The column of a table that is its rowid.
    pub fn rowid_alias(&self, table: &str) -> Result<Option<String>, Error> {
        let sql = format!(
            "SELECT name FROM pragma_table_xinfo({}) WHERE pk > 0 AND upper(type) = 'INTEGER'
             AND (SELECT count(*) FROM pragma_table_xinfo({0}) WHERE pk > 0) = 1",
            sqlite_literal(table)
        );
        let found = self.connection.query_row(&sql, (), |row| row.get(0));
        match found {
            Ok(name) => Ok(Some(name)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(e) => Err(self.mapped(e)),
        }
    }

    /// Looks at every geometry of a table. With `tree`, the bounds of each go there under its rowid.
    pub fn scan_geometries(&self, table: &str, column: &str, tree: Option<&str>) -> Result<Scanned, Error> {
        let run = || -> rusqlite::Result<Scanned> {
            let mut scanned = Scanned::default();
            let (table, column) = (sqlite_ident(table), sqlite_ident(column));
            let id = if tree.is_some() { "rowid" } else { "0" };
            let sql = format!("SELECT {id}, {column} FROM {table} WHERE {column} NOT NULL");
            let mut statement = self.connection.prepare(&sql)?;
            let insert =
                tree.map(|tree| format!("INSERT INTO {} VALUES (?1, ?2, ?3, ?4, ?5)", sqlite_ident(tree)));
            let mut insert = insert.map(|sql| self.connection.prepare(&sql)).transpose()?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let ValueRef::Blob(blob) = row.get_ref(1)? else { continue };
                let Ok(geometry) = read(Container::GeoPackage, blob, |_| Ok(Becomes::Wkb)) else { continue };
                if !scanned.srids.contains(&geometry.srid) {
                    scanned.srids.push(geometry.srid);
                }
                scanned.stats.count(&geometry.seen);
                let Some(bounds) = Bounds::of(&geometry.bytes) else { continue };
                scanned.bounds = Some(scanned.bounds.map_or(bounds, |all| all.join(bounds)));
                if let Some(insert) = &mut insert {
                    let id: i64 = row.get(0)?;
                    insert.execute((id, bounds.x[0], bounds.x[1], bounds.y[0], bounds.y[1]))?;
                }
            }
            Ok(scanned)
        };
        self.as_module(|| run().map_err(|e| self.mapped(e)))
    }
}
