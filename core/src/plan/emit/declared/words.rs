//! What is declared, in SQLite's words.

use crate::catalog::{self, Action, Deferrable, Index, IndexColumn, IndexKey, Table};
use crate::sqltext::sqlite_ident;

pub fn listed(names: &[String]) -> String {
    names.iter().map(|n| sqlite_ident(n)).collect::<Vec<_>>().join(", ")
}

/// Columns of an index, each once.
pub fn distinct(index: &Index) -> Vec<String> {
    let mut names: Vec<String> = vec![];
    for key in &index.columns {
        if let IndexKey::Column(name) = &key.key
            && !names.iter().any(|n| n.eq_ignore_ascii_case(name))
        {
            names.push(name.clone());
        }
    }
    names
}

pub fn keys_text(index: &Index, table: &Table) -> String {
    let key = |key: &IndexColumn| {
        let (sql, own) = match &key.key {
            IndexKey::Column(name) => {
                (sqlite_ident(name), table.column(name).and_then(|c| c.collation.clone()))
            }
            IndexKey::Rowid => ("rowid".to_owned(), None),
            IndexKey::Expression(sql) => (sql.clone(), None),
        };
        let own = own.unwrap_or_else(|| "BINARY".into());
        let other = !key.collation.is_empty() && !key.collation.eq_ignore_ascii_case(&own);
        let collation = if other { format!(" COLLATE {}", key.collation) } else { String::new() };
        format!("{sql}{collation}{}", if key.descending { " DESC" } else { "" })
    };
    index.columns.iter().map(key).collect::<Vec<_>>().join(", ")
}

pub fn foreign_key_text(key: &catalog::ForeignKey) -> String {
    let mut text = format!("FOREIGN KEY ({}) REFERENCES {}", listed(&key.columns), sqlite_ident(&key.parent));
    if !key.parent_columns.is_empty() {
        text.push_str(&format!(" ({})", listed(&key.parent_columns)));
    }
    for (event, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
        if action != Action::NoAction {
            text.push_str(&format!(" ON {event} {}", action.as_sql()));
        }
    }
    text + match key.deferrable {
        Deferrable::No => "",
        Deferrable::InitiallyImmediate => " DEFERRABLE",
        Deferrable::InitiallyDeferred => " DEFERRABLE INITIALLY DEFERRED",
    }
}
