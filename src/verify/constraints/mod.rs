//! What the catalogs of PostgreSQL say of tables, and which rows break a constraint: both asked, neither believed of the
//! other.

mod catalogs;
pub mod helpers;
mod rows;

use std::collections::HashMap;

use pgrx::pg_sys;

use crate::pg::expression::{self, Purpose};
use pg_sqlite_migrate_core::verify::declared::{Canonical, Expression, FoundTable};

pub use catalogs::Catalogs;
pub use rows::{count, unindexed};

/// Answers how expressions would stand in the catalogs; each is asked once.
pub struct Canonicals<'c> {
    catalogs: &'c Catalogs,
    /// Who wrote the expressions, if not the caller.
    author: Option<pg_sys::Oid>,
    answered: HashMap<(u32, String, String), Result<Canonical, String>>,
}

impl Canonicals<'_> {
    pub fn new(catalogs: &Catalogs, author: Option<pg_sys::Oid>) -> Canonicals<'_> {
        Canonicals { catalogs, author, answered: HashMap::new() }
    }

    pub fn of(&mut self, table: &FoundTable, asked: Expression<'_>) -> Result<Canonical, String> {
        let (column, sql) = match asked {
            Expression::Check(sql) | Expression::Key(sql) | Expression::Predicate(sql) => ("", sql),
            Expression::Default { column, sql } | Expression::Generated { column, sql } => (column, sql),
        };
        let key = (table.oid, format!("{column}.{}", kind(asked)), sql.to_owned());
        if let Some(known) = self.answered.get(&key) {
            return known.clone();
        }
        let answer = self.ask(table, asked, column, sql);
        self.answered.insert(key, answer.clone());
        answer
    }

    fn ask(
        &self,
        table: &FoundTable,
        asked: Expression<'_>,
        column: &str,
        sql: &str,
    ) -> Result<Canonical, String> {
        if let Some(name) = self.catalogs.opaque(table.oid) {
            return Err(format!("not compared: the code of the owner of type {name} could run"));
        }
        let of_column = || self.catalogs.type_of(table.oid, column);
        let gone = || format!("column \"{column}\" does not exist");
        let purpose = match asked {
            Expression::Check(_) => Purpose::Check,
            Expression::Key(_) => Purpose::IndexKey,
            Expression::Predicate(_) => Purpose::IndexPredicate,
            Expression::Default { .. } => {
                let (type_oid, typmod) = of_column().ok_or_else(gone)?;
                Purpose::Default(type_oid, typmod)
            }
            Expression::Generated { .. } => {
                let (type_oid, typmod) = of_column().ok_or_else(gone)?;
                Purpose::Generated(type_oid, typmod)
            }
        };
        let analysed = expression::analyse(table.oid.into(), sql, purpose, self.author)?;
        Ok(Canonical {
            column: analysed.attnum.and_then(|attnum| self.catalogs.column(table.oid, attnum)),
            collation: self.catalogs.collation(analysed.collation),
            text: analysed.text,
        })
    }
}

fn kind(asked: Expression<'_>) -> &'static str {
    match asked {
        Expression::Check(_) => "check",
        Expression::Default { .. } => "default",
        Expression::Generated { .. } => "generated",
        Expression::Key(_) => "key",
        Expression::Predicate(_) => "predicate",
    }
}
