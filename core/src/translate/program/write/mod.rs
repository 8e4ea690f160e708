//! Statements that write: INSERT, REPLACE, UPDATE, DELETE, alone or as a command of a trigger.
//!
//! What is written becomes what a load would make of the value that SQLite stores. Where SQLite resolves a conflict in a way
//! that PostgreSQL has not, the statement is refused, or a note says what differs.

mod assign;
mod conflict;
mod delete;
mod ignore;
mod insert;
mod limit;
mod replace;
mod returning;
mod rows;
mod set;
mod shape;
mod target;
#[cfg(test)]
mod tests;
mod update;

use super::Relation;
use crate::translate::expr::Walk;
use crate::translate::node::Result;

pub(super) use self::rows::Awaited;
pub(in crate::translate) use self::shape::{Delete, Insert, Source, Update, Write};

impl<'s> Walk<'s> {
    /// A statement that writes, within whatever the levels around it make visible.
    pub(in crate::translate) fn write(&mut self, write: &Write<'s>) -> Result<String> {
        let ctes = self.program()?.ctes.len();
        let sql = match write {
            Write::Insert(insert) => self.insert(insert),
            Write::Update(update) => self.update(update),
            Write::Delete(delete) => self.delete(delete),
        };
        self.program()?.ctes.truncate(ctes);
        sql
    }

    /// Makes a row of a table visible by this name only (`new.id`), as NEW and OLD are in a trigger; the row's name is the same
    /// in PostgreSQL.
    pub(in crate::translate) fn see_row(&mut self, relation: &'s Relation, name: &str) -> Result<()> {
        let program = self.program()?;
        let mut row = target::seen(relation, name, name, &program.schema.timezone);
        row.columns.iter_mut().for_each(|column| column.merged = true);
        match program.levels.first_mut() {
            Some(level) => level.relations.push(row),
            None => {
                let rows =
                    super::scope::Level { relations: vec![row], of_trigger: true, ..Default::default() };
                program.levels.push(rows);
            }
        }
        Ok(())
    }
}
