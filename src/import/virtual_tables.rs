//! What the run log keeps of a file's virtual tables, so that an export can make them again: how they are declared, and the
//! triggers that write to them.

use serde_json::{Value, json};

use pg_sqlite_migrate_core::catalog::{Catalog, Table, TableKind};
use pg_sqlite_migrate_core::ddl::words;
use pg_sqlite_migrate_core::search::declared::{Content, Declared};

/// A list with an object for each.
pub fn account(catalog: &Catalog) -> Value {
    // jsonb has no NUL.
    let holds = |sql: &str| !sql.contains('\0');
    let is_one = |table: &&Table| matches!(table.kind, TableKind::Virtual { .. }) && holds(&table.sql);
    let names = |table: &Table| -> Vec<String> {
        table.columns.iter().filter(|column| !column.hidden).map(|column| column.name.clone()).collect()
    };
    let of_table = |table: &Table| {
        let content = Declared::parse(&table.sql).ok().and_then(|declared| match declared.content {
            Content::External { table, .. } => catalog.table(&table),
            _ => None,
        });
        let writes = |sql: &str| {
            words(sql).is_some_and(|words| words.iter().any(|word| word.eq_ignore_ascii_case(&table.name)))
        };
        let of_content = catalog.triggers.iter().filter(|trigger| {
            content.is_some_and(|content| trigger.table.eq_ignore_ascii_case(&content.name))
        });
        let triggers = of_content.map(|trigger| trigger.sql.as_str());
        let triggers: Vec<&str> = triggers.filter(|sql| holds(sql) && writes(sql)).collect();
        json!({
            "name": table.name,
            "sql": table.sql,
            "columns": names(table),
            "content_columns": content.map(names),
            "triggers": triggers,
        })
    };
    catalog.tables.iter().filter(is_one).map(of_table).collect()
}
