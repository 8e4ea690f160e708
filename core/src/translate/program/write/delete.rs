//! DELETE.

use super::super::scope::Level;
use super::super::trigger::Event;
use super::Delete;
use crate::translate::expr::Walk;
use crate::translate::node::Result;

impl<'s> Walk<'s> {
    pub(super) fn delete(&mut self, delete: &Delete<'s>) -> Result<String> {
        let with = self.leading(delete.with)?;
        self.program()?.levels.push(Level::default());
        let sql = self.deleted(delete);
        self.program()?.levels.pop();
        Ok(with + &sql?)
    }

    fn deleted(&mut self, delete: &Delete<'s>) -> Result<String> {
        let target = self.target(delete.table, Event::Delete)?;
        self.note_indexed(delete.indexed);
        self.level()?.relations.push(target.visible.clone());
        if target.facts.is_some_and(|facts| facts.referred) {
            self.note("foreign keys that refer to a deleted row are checked and followed, as SQLite does with PRAGMA foreign_keys");
        }
        let condition = self.condition(delete.condition)?;
        let condition = self.limited(&target, condition, delete.order, delete.limit)?;
        let returning = self.returning(delete.returning)?;
        Ok(format!("DELETE FROM {}{condition}{returning}", target.sql))
    }
}
