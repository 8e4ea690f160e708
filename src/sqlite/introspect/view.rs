//! Views as tables, for foreign tables that only read: their columns, and the types as far as SQLite knows them.

use super::query::{each, name, pragma, reason, text};
use crate::sqlite::{Error, Source};
use pg_sqlite_migrate_core::catalog::{Catalog, Column, Problem, Table};

/// Adds every view to the catalog's tables; one that SQLite cannot resolve is a problem.
pub fn views_as_tables(source: &Source, catalog: &mut Catalog) -> Result<(), Error> {
    let names: Vec<String> = catalog.views.iter().map(|v| v.name.clone()).collect();
    for view in names {
        match columns(source, &view) {
            Ok(columns) if columns.is_empty() => {
                let reason = "SQLite cannot list its columns".to_owned();
                catalog.problems.push(Problem { object: view, reason });
            }
            Ok(columns) => catalog.tables.push(Table { name: view, columns, ..Table::default() }),
            Err(e) if e.is_local() => catalog.problems.push(Problem { object: view, reason: reason(e) }),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A view's column that is a table's column has its declared type. SQLite reports BLOB for a computed column, as it
/// does for a column that was declared without a type; both are described as columns without a type, so that the values
/// decide.
fn columns(source: &Source, view: &str) -> Result<Vec<Column>, Error> {
    let mut columns = vec![];
    each(source, &pragma("table_xinfo", view), |row| {
        let declared = Some(text(row, 2)?).filter(|declared| declared != "BLOB").unwrap_or_default();
        columns.push(Column { name: name(row, 1)?, declared, ..Column::default() });
        Ok(())
    })?;
    Ok(columns)
}
