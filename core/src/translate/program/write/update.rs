//! UPDATE, also with FROM.

use sqlite3_parser::ast::ResolveType;

use super::super::scope::Level;
use super::super::trigger::Event;
use super::super::writable::{Resolve, UniqueKey};
use super::Update;
use super::conflict::resolve_of;
use super::target::Target;
use crate::translate::expr::Walk;
use crate::translate::node::{Result, refuse};

/// Keys by which a row that is written may meet another one.
struct Found<'s> {
    /// It stays as it was.
    ignored: Vec<&'s UniqueKey>,
    /// The other one is deleted.
    replaced: Vec<&'s UniqueKey>,
}

impl<'s> Walk<'s> {
    pub(super) fn update(&mut self, update: &Update<'s>) -> Result<String> {
        let with = self.leading(update.with)?;
        self.program()?.levels.push(Level::default());
        let sql = self.updated(update, with);
        self.program()?.levels.pop();
        sql
    }

    fn updated(&mut self, update: &Update<'s>, mut with: String) -> Result<String> {
        // PostgreSQL's joins in FROM do not see the table itself.
        let from = match update.from {
            Some(from) => format!(" FROM {}", self.joined_tables(from)?),
            None => String::new(),
        };
        let target = self.target(update.table, Event::Update)?;
        if self.level()?.relations.iter().any(|r| r.name.eq_ignore_ascii_case(&target.visible.name)) {
            return refuse(format!("{} is updated and stands in FROM", target.visible.name));
        }
        self.note_indexed(update.indexed);
        self.level()?.relations.insert(0, target.visible.clone());
        if !from.is_empty() {
            self.note("of several rows of FROM that a row meets, any is taken, as in SQLite");
            if update.limit.is_some() {
                return refuse("UPDATE with FROM and LIMIT");
            }
        }
        let sets = self.sets(&target, update.sets)?;
        let Found { ignored, replaced } = self.check_update(&target, update.or, &sets.places())?;
        let condition = self.condition(update.condition)?;
        let condition = self.limited(&target, condition, update.order, update.limit)?;
        let mut condition = self.unless_there(&target, &ignored, &sets, condition)?;
        if !replaced.is_empty() {
            if !ignored.is_empty() || update.from.is_some() || update.limit.is_some() {
                return refuse(
                    "UPDATE that deletes rows with the same key (OR REPLACE), with FROM, LIMIT or another key that ignores",
                );
            }
            let replacing = self.replacing_rows(&target, &replaced, &sets, (update.condition, &condition))?;
            condition = replacing.condition;
            with = match with.trim_end() {
                "" => format!("WITH {} ", replacing.table),
                with => format!("{with}, {} ", replacing.table),
            };
        }
        let sets = sets.sql;
        self.level()?.relations.truncate(1);
        let returning = self.returning(update.returning)?;
        Ok(format!("{with}UPDATE {} SET {sets}{from}{condition}{returning}", target.sql))
    }

    /// What becomes of a row that breaks a constraint.
    fn check_update(
        &mut self,
        target: &Target<'s>,
        or: Option<ResolveType>,
        written: &[usize],
    ) -> Result<Found<'s>> {
        self.note_or(target, or);
        let mut found = Found { ignored: vec![], replaced: vec![] };
        let Some(facts) = target.facts else { return Ok(found) };
        let touched = |key: &&UniqueKey| key.reads.iter().any(|at| written.contains(at));
        let mut moves = false;
        for key in target.keys.iter().filter(touched) {
            match resolve_of(or, key.resolve) {
                Resolve::Error => moves = true,
                Resolve::Ignore => found.ignored.push(key),
                Resolve::Replace => found.replaced.push(key),
            }
        }
        if moves {
            self.note("keys are checked row by row, in an order that may be another than SQLite's");
        }
        if or == Some(ResolveType::Ignore) {
            let not_null = written.iter().any(|at| target.fields[*at].not_null);
            if not_null || facts.checked {
                self.note(
                    "a row that would break NOT NULL or a CHECK is an error, where OR IGNORE leaves it as it was",
                );
            }
        }
        if !found.ignored.is_empty() && facts.triggers {
            self.note("BEFORE UPDATE triggers do not fire for a row that keeps its values, where SQLite fires them first");
        }
        let replaced = |at: &usize| {
            target.fields[*at].not_null && resolve_of(or, target.fields[*at].on_null) != Resolve::Error
        };
        if written.iter().any(replaced) {
            self.note("NULL for a NOT NULL column is an error, where SQLite resolves the conflict");
        }
        if facts.refers {
            self.note("foreign keys are checked, as SQLite does with PRAGMA foreign_keys");
        }
        Ok(found)
    }

    /// What an error leaves behind, and what the clause says to triggers.
    pub(super) fn note_or(&mut self, target: &Target<'s>, or: Option<ResolveType>) {
        // A view has an INSTEAD OF trigger.
        if or.is_some() && target.facts.is_none_or(|facts| facts.triggers) {
            self.note(
                "statements of triggers resolve conflicts as they say themselves, where SQLite has them do as the OR of this statement, or as OR ABORT for DO UPDATE",
            );
        }
        match or {
            Some(ResolveType::Fail) => self.note(
                "an error takes back the whole statement, where OR FAIL keeps the rows that were written before",
            ),
            Some(ResolveType::Rollback) => self.note(
                "an error takes back the statement and ends the transaction's work, as OR ROLLBACK does",
            ),
            _ => {}
        }
    }
}
