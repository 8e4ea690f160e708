//! What migration tools have recorded in the file.

use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::tools;

/// The levels of every selected table of a tool, by its name. Records that cannot be read say nothing.
pub fn read(
    source: &Source,
    catalog: &Catalog,
    selected: &[bool],
) -> Result<Vec<(String, Vec<String>)>, sqlite::Error> {
    let mut out = Vec::new();
    for (table, _) in catalog.tables.iter().zip(selected).filter(|(_, selected)| **selected) {
        let Some(tool) = tools::of_source(table) else { continue };
        // An index, or the column itself, may ask for a collation that only the application has.
        let from = format!("main.{} NOT INDEXED", sqlite_ident(&table.name));
        let column =
            |name: &str| table.column(name).map(|c| format!("{} COLLATE BINARY", sqlite_ident(&c.name)));
        let Some(sql) = tool.records(&from, column, |c| format!("CAST({c} AS TEXT)")) else { continue };
        match sqlite::texts(source, &table.name, &sql) {
            Ok(levels) => out.push((table.name.clone(), levels)),
            Err(e) if e.is_local() => {}
            Err(e) => return Err(e),
        }
    }
    Ok(out)
}
