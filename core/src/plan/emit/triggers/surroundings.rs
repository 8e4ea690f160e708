//! What follows for a trigger from the triggers and keys around it.

use super::recursion::fires;
use super::touches::Touches;
use crate::catalog::Catalog;
use crate::translate::program::Relation;
use crate::translate::program::trigger::{Definition, Event, Time};

/// The triggers that are carried over, and the tables that they are on.
#[derive(Clone, Copy)]
pub struct Surroundings<'m> {
    pub catalog: &'m Catalog,
    /// By their places; none of one that cannot be read.
    pub definitions: &'m [Option<Definition>],
    pub touches: &'m Touches<'m>,
}

impl Surroundings<'_> {
    /// How many triggers fire at its time for its event, with it.
    pub fn beside(&self, definition: &Definition) -> usize {
        let same = |other: &&Definition| other.time == definition.time && fires(&definition.on, &other.on);
        self.definitions.iter().flatten().filter(same).count()
    }

    /// What is assumed of the trigger at this place.
    pub fn notes(&self, at: usize, definition: &Definition, on: &Relation) -> Vec<String> {
        let mut notes = vec![];
        if self.beside(definition) > 1 {
            notes.push(
                "triggers of one event fire in the order of their names, which SQLite does not promise"
                    .to_owned(),
            );
        }
        if definition.time == Time::After && definition.touches_its_table() {
            notes.push(
                "it fires after all rows of a statement have changed, where SQLite fires it after each row"
                    .into(),
            );
        }
        if let Some(met) = self.touches.meets_before(at) {
            let what = met.map_or("what they touch".to_owned(), |name| format!("\"{name}\""));
            notes.push(format!(
                "BEFORE triggers of the event run for all rows of a statement before it, where SQLite goes from row to \
                 row; they meet in {what}"
            ));
        }
        if definition.time == Time::Before
            && definition.on.event != Event::Insert
            && definition.writes.iter().any(|w| w.table.eq_ignore_ascii_case(&definition.on.table))
        {
            notes.push("a statement that changes the very row that is being changed is an error".into());
        }
        if definition.time == Time::After && self.is_checked_before(definition) {
            notes.push(
                "foreign keys that are not deferrable are checked before triggers whose names follow \"RI_\""
                    .into(),
            );
        }
        if definition.raises && definition.writes.is_empty() && !definition.reads.is_empty() {
            notes.push(
                "rows that it looks for may be written or deleted by another transaction at the same time; a foreign \
                 key would hold then as well"
                    .into(),
            );
        }
        if definition.time == Time::InsteadOf && on.view.is_some() && definition.on.event != Event::Delete {
            notes.push("values for the view have the types of its columns".into());
        }
        notes
    }

    /// A foreign key connects its table with one that it writes to.
    fn is_checked_before(&self, definition: &Definition) -> bool {
        let on = &definition.on.table;
        let connects = |a: &str, b: &str| {
            let table = self.catalog.table(a);
            table.is_some_and(|t| t.foreign_keys.iter().any(|key| key.parent.eq_ignore_ascii_case(b)))
        };
        definition.writes.iter().any(|w| connects(on, &w.table) || connects(&w.table, on))
    }
}
