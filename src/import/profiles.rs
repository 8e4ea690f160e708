//! Checks the file and profiles the tables that a plan selects, side by side.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::readers;
use crate::error::expression_fix;
use crate::sqlite::profile::{self, Extent};
use crate::sqlite::recovery::Recovery;
use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::catalog::{Catalog, Table};
use pg_sqlite_migrate_core::damage::Damage;
use pg_sqlite_migrate_core::finding::{Finding, Kind};
use pg_sqlite_migrate_core::orm::signs::Recognised;
use pg_sqlite_migrate_core::plan::{Integrity, Needs, Overrides, ProfileMode};
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::types::TableProfile;
use pg_sqlite_migrate_core::value::encoding::TextReading;

/// Rows that `profile: "sample"` reads of each table.
const SAMPLE_ROWS: u64 = 10_000;

/// What is being done: `at` is the place of the table that is profiled, counted from 1.
pub fn title(catalog: &Catalog, selected: &[bool], at: usize) -> String {
    let count = |selected: &[bool]| selected.iter().filter(|selected| **selected).count();
    let Some(table) = at.checked_sub(1).and_then(|at| catalog.tables.get(at)) else {
        return "check for damage".into();
    };
    let (number, tables) = (count(&selected[..selected.len().min(at)]), count(selected));
    format!("profile of {} (table {number} of {tables})", ident(&table.name))
}

pub type Profiles = (Vec<Option<TableProfile>>, Vec<Finding>);

/// Profiles the tables that a plan selects.
#[derive(Clone, Copy)]
pub struct Profiler<'a> {
    pub catalog: &'a Catalog,
    pub selected: &'a [bool],
    pub needs: &'a Needs,
    pub overrides: &'a Overrides,
    pub orms: &'a [Recognised],
    /// Follows the table's place in the catalog, counted from 1.
    pub at: &'a AtomicUsize,
}

/// The profiles of tables, or of parts of them, by the table's place in the catalog.
type Parts = Vec<(usize, Result<TableProfile, sqlite::Error>)>;

/// What the check for damage found, how long it took, and what was profiled beside it: nothing that is of use if there is
/// damage.
pub struct Checked {
    pub damage: Damage,
    pub took: Duration,
    profiled: Option<Parts>,
}

enum Task<'a> {
    Check,
    Profile(usize, &'a Table, Extent),
}

enum Outcome {
    Checked(Result<Damage, sqlite::Error>, Duration),
    Profiled(usize, Result<TableProfile, sqlite::Error>),
}

impl<'a> Profiler<'a> {
    /// Checks the file for damage, and profiles the tables beside it as if there were none.
    pub fn check(&self, source: &Source) -> Result<Checked, sqlite::Error> {
        let tasks = [Task::Check].into_iter().chain(self.tasks(source, &Damage::default())).collect();
        let mut outcomes = self.run(source, tasks, &Damage::default()).into_iter();
        let Some(Outcome::Checked(damage, took)) = outcomes.next() else {
            unreachable!("the first outcome is that of the first task")
        };
        let damage = damage?;
        let sound = damage == Damage::default();
        let parts = outcomes.filter_map(|outcome| match outcome {
            Outcome::Profiled(table, part) => Some((table, part)),
            Outcome::Checked(..) => None,
        });
        let profiled = sound.then(|| parts.collect());
        Ok(Checked { damage, took, profiled })
    }

    /// Gives the profile of every selected table. One that cannot be read is an error, or a finding when the plan goes on.
    pub fn profile(&self, source: &Source, checked: Checked) -> Result<(Damage, Profiles), sqlite::Error> {
        let Checked { mut damage, profiled, .. } = checked;
        let parts = profiled.unwrap_or_else(|| {
            self.at.store(0, Ordering::Relaxed);
            let outcomes = self.run(source, self.tasks(source, &damage).collect(), &damage);
            let part = |outcome| match outcome {
                Outcome::Profiled(table, part) => Some((table, part)),
                Outcome::Checked(..) => None,
            };
            outcomes.into_iter().filter_map(part).collect()
        });
        let mut parts = parts.into_iter().peekable();
        let (mut profiles, mut broken) = (vec![], vec![]);
        for (i, table) in self.catalog.tables.iter().enumerate() {
            let of_table = std::iter::from_fn(|| parts.next_if(|(of, _)| *of == i).map(|(_, part)| part));
            let Some(profile) = of_table.reduce(joined) else {
                profiles.push(None);
                continue;
            };
            let profile = match profile {
                // What is met without having been looked for is read around as well.
                Err(sqlite::Error::Corrupt { detail, .. })
                    if !self.needs.stop_on_error && damage.of(&table.name).is_none() =>
                {
                    let found = sqlite::damage::of_table(source, self.catalog, &table.name, detail)?;
                    damage.tables.push(found);
                    self.read(source, table, Extent::All, &damage)
                }
                profile => profile,
            };
            match profile {
                Ok(profile) => profiles.push(Some(profile)),
                Err(e) if !self.needs.stop_on_error && e.is_local() => {
                    broken.push(unread(&table.name, &e));
                    profiles.push(None);
                }
                Err(e) => return Err(e),
            }
        }
        Ok((damage, (profiles, broken)))
    }

    fn tasks(&self, source: &Source, damage: &Damage) -> impl Iterator<Item = Task<'a>> {
        let extents = |table: &Table| match (self.needs.profile, damage.of(&table.name)) {
            (ProfileMode::None, _) => vec![],
            (ProfileMode::Sample, _) => vec![Extent::Sample { rows: SAMPLE_ROWS }],
            (ProfileMode::Full, None) if self.needs.integrity != Integrity::None => {
                profile::parts(source, table)
            }
            // Where rowids may be out of order, ranges of them are not all rows.
            (ProfileMode::Full, _) => vec![Extent::All],
        };
        let tables = self.catalog.tables.iter().zip(self.selected).enumerate();
        let selected = tables.filter(|(_, (_, selected))| **selected);
        let tasks: Vec<Task<'a>> = selected
            .flat_map(|(i, (table, _))| extents(table).into_iter().map(move |e| Task::Profile(i, table, e)))
            .collect();
        tasks.into_iter()
    }

    fn run(&self, source: &Source, tasks: Vec<Task<'_>>, damage: &Damage) -> Vec<Outcome> {
        let Profiler { catalog, needs, at, .. } = *self;
        let bytes = catalog.page_count * u64::from(catalog.page_size);
        let work = |source: &Source, task: &Task<'_>| match *task {
            Task::Check => {
                let begun = Instant::now();
                let damage = sqlite::damage(source, catalog, needs.integrity);
                Outcome::Checked(damage, begun.elapsed())
            }
            Task::Profile(i, table, extent) => {
                at.fetch_max(i + 1, Ordering::Relaxed);
                Outcome::Profiled(i, self.read(source, table, extent, damage))
            }
        };
        let stops = |outcome: &Outcome| match outcome {
            Outcome::Checked(damage, _) => damage.as_ref().map_or(true, |found| *found != Damage::default()),
            Outcome::Profiled(_, part) => needs.stop_on_error && part.is_err(),
        };
        let readers = match catalog.tables.iter().any(|table| table.is_of_module(&["vss0"])) {
            // Each connection would read the whole index.
            true => 1,
            false => readers::of_profile(needs.readers, bytes),
        };
        readers::side_by_side(source, readers, &tasks, work, stops)
    }

    fn read(
        &self,
        source: &Source,
        table: &Table,
        extent: Extent,
        damage: &Damage,
    ) -> Result<TableProfile, sqlite::Error> {
        let Profiler { catalog, needs, overrides, orms, .. } = *self;
        let recovery = damage.of(&table.name).map(|d| Recovery::new(table, catalog.page_size, d));
        let reading = overrides.reading(&table.name);
        let listed = |column: &str| {
            let (nulls, words) = overrides.listed(&table.name, column);
            let texts = overrides.texts(&table.name, column);
            (nulls, words, TextReading { of_bytes: needs.texts_of_bytes, ..texts })
        };
        sqlite::profile(source, table, extent, &reading, recovery.as_ref(), orms, &listed)
    }
}

/// The profile of a table's rows up to the later ones of a part; the first error of both.
fn joined(
    before: Result<TableProfile, sqlite::Error>,
    part: Result<TableProfile, sqlite::Error>,
) -> Result<TableProfile, sqlite::Error> {
    let mut before = before?;
    before.add_later(part?);
    Ok(before)
}

/// A table that is left out, by the name of its object.
fn unread(table: &str, error: &sqlite::Error) -> Finding {
    let sqlite::Error::Expression { failing, .. } = error else {
        return Kind::Unreadable.warning(table, error.to_string());
    };
    let row = failing.row.as_ref().map(|row| format!(" (row with {})", row.name)).unwrap_or_default();
    let finding = Kind::FailedExpression.warning(table, format!("{error}{row}"));
    match expression_fix(failing) {
        Some((fix, rest)) => finding.fix(fix, rest),
        None => finding,
    }
}
