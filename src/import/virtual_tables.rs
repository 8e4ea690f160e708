//! What the run log keeps of a file's virtual tables, so that an export can make them again: how they are declared.

use serde_json::{Value, json};

use pg_sqlite_migrate_core::catalog::{Catalog, Table, TableKind};

/// A list with an object for each.
pub fn account(catalog: &Catalog) -> Value {
    // jsonb has no NUL.
    let is_one =
        |table: &&Table| matches!(table.kind, TableKind::Virtual { .. }) && !table.sql.contains('\0');
    let names = |table: &Table| -> Vec<String> {
        table.columns.iter().filter(|column| !column.hidden).map(|column| column.name.clone()).collect()
    };
    let of_table = |table: &Table| json!({ "name": table.name, "sql": table.sql, "columns": names(table) });
    catalog.tables.iter().filter(is_one).map(of_table).collect()
}
