//! Indexes: `PRAGMA index_list` and `index_xinfo`, with expressions and conditions from the text.

use rusqlite::Row;

use super::query::{each, pragma, reason, text};
use super::{Reader, SchemaRow, is_internal};
use crate::sqlite::error::Error;
use pg_sqlite_migrate_core::catalog::{Index, IndexColumn, IndexKey, Origin};
use pg_sqlite_migrate_core::ddl::{self, TableDdl};

/// A row of `PRAGMA index_list`.
struct Listed {
    name: String,
    unique: bool,
    origin: Origin,
    partial: bool,
}

impl Reader<'_> {
    pub(super) fn indexes(&mut self, table: &str, ddl: &TableDdl) -> Result<Vec<Index>, Error> {
        let mut listed = vec![];
        each(self.source, &pragma("index_list", table), |row| {
            listed.push(self::listed(row)?);
            Ok(())
        })?;
        let mut indexes = vec![];
        // SQLite lists the newest first.
        for listed in listed.into_iter().rev() {
            match self.index(&listed, ddl) {
                Ok(index) => indexes.push(index),
                Err(e) if e.is_local() => self.problem(format!("index {}", listed.name), reason(e)),
                Err(e) => return Err(e),
            }
        }
        Ok(indexes)
    }

    fn index(&self, listed: &Listed, ddl: &TableDdl) -> Result<Index, Error> {
        let mut columns = vec![];
        // seqno, cid, name, desc, coll, key
        each(self.source, &pragma("index_xinfo", &listed.name), |row| {
            if row.get(5)? {
                let key = match row.get::<_, i64>(1)? {
                    -1 => IndexKey::Rowid,
                    -2 => IndexKey::Expression(String::new()),
                    _ => IndexKey::Column(text(row, 2)?),
                };
                columns.push(IndexColumn { key, descending: row.get(3)?, collation: text(row, 4)? });
            }
            Ok(())
        })?;
        let mut index = Index {
            name: listed.name.clone(),
            origin: listed.origin,
            unique: listed.unique,
            columns,
            ..Index::default()
        };
        index.constraint_name = constraint_name(&index, ddl);
        index.sql = self.index_row(&index.name).and_then(|row| row.sql.clone());
        let has_expression = index.columns.iter().any(|c| matches!(c.key, IndexKey::Expression(_)));
        if listed.partial || has_expression {
            self.add_texts(&mut index, listed.partial)?;
        }
        Ok(index)
    }

    fn index_row(&self, index: &str) -> Option<&SchemaRow> {
        self.rows.iter().find(|row| row.kind == "index" && row.name.eq_ignore_ascii_case(index))
    }

    /// Without its condition an index would be a different one: it is left out, with a problem.
    fn add_texts(&self, index: &mut Index, partial: bool) -> Result<(), Error> {
        let broken = |why: String| self.broken(&format!("its definition could not be read: {why}"));
        let ddl = ddl::index(index.sql.as_deref().unwrap_or_default()).map_err(broken)?;
        for (column, text) in index.columns.iter_mut().zip(ddl.keys) {
            if let IndexKey::Expression(expression) = &mut column.key {
                *expression = text;
            }
        }
        index.predicate = ddl.predicate;
        if partial != index.predicate.is_some() {
            return Err(broken("its WHERE clause was not found".into()));
        }
        Ok(())
    }

    /// Indexes in `sqlite_schema` that no table listed.
    pub(super) fn note_unread_indexes(&mut self) {
        let mut unread = vec![];
        for row in self.rows.iter().filter(|r| r.kind == "index" && !is_internal(&r.name)) {
            let Some(table) = self.catalog.table(&row.table) else { continue };
            let object = format!("index {}", row.name);
            let is_known = table.indexes.iter().any(|i| i.name.eq_ignore_ascii_case(&row.name))
                || self.catalog.problems.iter().any(|p| p.object == object);
            if !is_known {
                unread.push((object, reason(self.unreadable(&row.name))));
            }
        }
        for (object, reason) in unread {
            self.problem(object, reason);
        }
    }
}

/// seq, name, unique, origin, partial
fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let origin = match text(row, 3)?.as_str() {
        "u" => Origin::Unique,
        "pk" => Origin::PrimaryKey,
        _ => Origin::Created,
    };
    Ok(Listed { name: text(row, 1)?, unique: row.get(2)?, origin, partial: row.get(4)? })
}

/// The constraint that an automatic index serves is the one over the same columns.
fn constraint_name(index: &Index, ddl: &TableDdl) -> Option<String> {
    let same_columns = |columns: &[String]| {
        columns.len() == index.columns.len()
            && columns.iter().zip(&index.columns).all(|(name, c)| match &c.key {
                IndexKey::Column(column) => column.eq_ignore_ascii_case(name),
                _ => false,
            })
    };
    match index.origin {
        Origin::Created => None,
        Origin::PrimaryKey => ddl.primary_key_name.clone(),
        Origin::Unique => {
            ddl.uniques.iter().filter(|u| same_columns(&u.columns)).find_map(|u| u.name.clone())
        }
    }
}
