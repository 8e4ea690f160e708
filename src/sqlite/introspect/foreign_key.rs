//! Foreign keys: `PRAGMA foreign_key_list`, with names and deferral from the text.

use super::Reader;
use super::query::{each, optional_text, pragma, text};
use crate::sqlite::error::Error;
use pg_sqlite_migrate_core::catalog::{Action, Catalog, ForeignKey};
use pg_sqlite_migrate_core::ddl::TableDdl;

impl Reader<'_> {
    /// In the order of their declaration; the parents' columns are as written until all tables are known.
    pub(super) fn foreign_keys(&mut self, table: &str, ddl: &TableDdl) -> Result<Vec<ForeignKey>, Error> {
        let mut keys: Vec<(i64, ForeignKey)> = vec![];
        // id, seq, table, from, to, on_update, on_delete, match
        each(self.source, &pragma("foreign_key_list", table), |row| {
            let id = row.get(0)?;
            if keys.last().is_none_or(|(last, _)| *last != id) {
                let (parent, on_update) = (text(row, 2)?, action(&text(row, 5)?));
                let on_delete = action(&text(row, 6)?);
                keys.push((id, ForeignKey { parent, on_update, on_delete, ..ForeignKey::default() }));
            }
            if let Some((_, key)) = keys.last_mut() {
                key.columns.push(text(row, 3)?);
                key.parent_columns.extend(optional_text(row, 4)?);
            }
            Ok(())
        })?;
        // SQLite numbers the newest 0.
        keys.sort_by_key(|(id, _)| -id);
        let mut keys: Vec<ForeignKey> = keys.into_iter().map(|(_, key)| key).collect();
        let in_step = keys.len() == ddl.foreign_keys.len()
            && keys.iter().zip(&ddl.foreign_keys).all(|(k, d)| k.parent.eq_ignore_ascii_case(&d.parent));
        if in_step {
            for (key, ddl) in keys.iter_mut().zip(&ddl.foreign_keys) {
                key.name.clone_from(&ddl.name);
                key.deferrable = ddl.deferrable;
            }
        } else if !ddl.columns.is_empty() {
            self.problem(table, "names and deferral of its foreign keys are not known");
        }
        Ok(keys)
    }

    /// Spells parents' columns as their table does and fills in the primary key where none is named.
    pub(super) fn resolve_foreign_keys(&mut self) {
        let catalog = &self.catalog;
        let resolved = |key: &ForeignKey| parent_columns(catalog, key);
        let all: Vec<Vec<Vec<String>>> =
            catalog.tables.iter().map(|t| t.foreign_keys.iter().map(resolved).collect()).collect();
        for (table, columns) in self.catalog.tables.iter_mut().zip(all) {
            for (key, columns) in table.foreign_keys.iter_mut().zip(columns) {
                key.parent_columns = columns;
            }
        }
    }
}

fn action(name: &str) -> Action {
    match name {
        "RESTRICT" => Action::Restrict,
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// Names that the constraint gives for a missing parent are kept as written.
fn parent_columns(catalog: &Catalog, key: &ForeignKey) -> Vec<String> {
    let Some(parent) = catalog.table(&key.parent) else { return key.parent_columns.clone() };
    let named = || {
        let spelled = |name: &String| parent.column(name).map(|c| c.name.clone());
        key.parent_columns.iter().map(spelled).collect::<Option<Vec<_>>>()
    };
    let columns = match &parent.primary_key {
        Some(primary) if key.parent_columns.is_empty() => Some(primary.columns.clone()),
        _ => named(),
    };
    columns.filter(|c| c.len() == key.columns.len()).unwrap_or_default()
}
