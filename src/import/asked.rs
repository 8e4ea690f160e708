//! Answers what a plan asks before it is sure: which rows the server does not take, and which keys conversion makes equal.
//!
//! Rows that may be too large are loaded into a table with the index in question, in a subtransaction that is
//! rolled back: only the server knows how far it compresses a value. Where that cannot be tried, the answer says why.

use std::convert::Infallible;

use pgrx::PgSqlErrorCode;

use super::load::apart;
use super::survey::{Survey, on_thread};
use crate::error::Error;
use crate::pg::xact::Caught;
use crate::pg::{spi, xact};
use crate::sqlite::largest::{self, LargeRow, any_of, largest};
use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::plan;
use pg_sqlite_migrate_core::plan::trial::{NAME, NAMED};
use pg_sqlite_migrate_core::plan::{
    Answer, BrokenCheck, EqualKeys, LoadSpec, Oversized, OversizedRow, Part, Planned, SizeTrial,
};
use pg_sqlite_migrate_core::sqltext::qualified;

/// Answers a plan's questions; `true` if the plan has to be made anew. Damaged tables give wrong answers, and none here.
pub fn answer(survey: &mut Survey, planned: &Planned, target: &mut plan::Target) -> Result<bool, Error> {
    know_rejecting(survey, planned)?;
    let Survey { source, catalog, damage, .. } = survey;
    let sound = |name: &str| catalog.table(name).filter(|_| damage.of(name).is_none());
    for question in &planned.keys {
        let Some(table) = sound(&question.source) else { continue };
        let found = on_thread(source, |source| sqlite::equal_keys(source, table, question))?;
        let answer = |found: EqualKeys| Answer { table: question.table, part: question.part, found };
        target.equal_keys.extend(found.map(answer));
    }
    for question in &planned.checks {
        let Some(table) = sound(&question.source) else { continue };
        let rows = on_thread(source, |source| sqlite::broken_check(source, table, question))?;
        let answer =
            |rows| Answer { table: question.table, part: question.part, found: BrokenCheck { rows } };
        target.broken_checks.extend(rows.filter(|rows| *rows > 0).map(answer));
    }
    for trial in planned.sizes.iter().filter(|_| !xact::in_recovery()) {
        let Some(table) = sound(&trial.load.source) else { continue };
        let found = Trying { source, table, trial, planned, page: target.page }.oversized()?;
        let answer = |found: Oversized| Answer { table: trial.table, part: trial.part, found };
        target.oversized.extend(found.map(answer));
    }
    let found = [target.equal_keys.len(), target.broken_checks.len(), target.oversized.len()];
    Ok(found.iter().any(|found| *found > 0))
}

/// Counts again what rows break, without the rows that are rejected; `true` if the plan has to be made anew.
pub fn recount(survey: &mut Survey, planned: &Planned) -> Result<bool, Error> {
    if planned.rejecting.is_empty() {
        return Ok(false);
    }
    // Without those rows, what is broken is less; but the parents of others may be among them.
    let gone = |parent: &str| {
        planned.rejecting.iter().any(|rejecting| survey.catalog.id(parent) == Some(rejecting.table))
    };
    let mut keys = survey.catalog.tables.iter().flat_map(|table| &table.foreign_keys);
    if survey.key_facts.is_empty() && !keys.any(|key| gone(&key.parent)) {
        return Ok(false);
    }
    know_rejecting(survey, planned)?;
    survey.count_again(&planned.rejecting)?;
    Ok(true)
}

/// Lets the file's queries leave out the rows that this plan rejects.
pub fn know_rejecting(survey: &mut Survey, planned: &Planned) -> Result<(), Error> {
    if planned.rejecting.is_empty() {
        return Ok(());
    }
    on_thread(&mut survey.source, |source| sqlite::register_rejecting(source, &planned.rejecting))
}

/// A table whose rows are tried.
struct Trying<'a> {
    source: &'a mut Source,
    table: &'a Table,
    trial: &'a SizeTrial,
    planned: &'a Planned,
    page: plan::Page,
}

/// What the server says of some rows.
enum Verdict {
    Accepted,
    /// The first that it looked at would take so many bytes.
    TooLarge(u64),
    Untried(String),
}

/// Rows that are loaded at once; a condition of more would be too deep for SQLite.
const AT_ONCE: usize = 500;

impl Trying<'_> {
    /// `None` if the server takes every row.
    fn oversized(mut self) -> Result<Option<Oversized>, Error> {
        let trial = self.trial;
        let (table, filter) = (self.table, trial.load.reading.filter.as_deref());
        let rows = on_thread(self.source, |source| {
            largest(source, table, (&trial.bound.size, trial.bound.safe), filter)
        })?;
        let limit = if trial.part == Part::Row { self.page.row } else { self.page.entry };
        let mut found = Oversized { limit, listed_all: rows.len() < largest::MOST, ..Oversized::default() };
        // The largest row first, by itself: it is the likeliest one.
        let (first, others) = rows.split_at(1.min(rows.len()));
        for rows in std::iter::once(first).chain(others.chunks(AT_ONCE)).filter(|rows| !rows.is_empty()) {
            if let Err(stopped) = self.find(rows, &mut found)? {
                found.untried = stopped;
                break;
            }
        }
        Ok((!found.rows.is_empty() || found.untried.is_some()).then_some(found))
    }

    /// Halves what is refused until it is one row. `Err` stops: enough rows are known, or nothing can be tried, and why.
    fn find(
        &mut self,
        rows: &[LargeRow],
        found: &mut Oversized,
    ) -> Result<Result<(), Option<String>>, Error> {
        let bytes = match self.verdict(rows)? {
            Verdict::Accepted => return Ok(Ok(())),
            Verdict::Untried(why) => return Ok(Err(Some(why).filter(|_| found.rows.is_empty()))),
            Verdict::TooLarge(bytes) => bytes,
        };
        if let [row] = rows {
            found.rows.push(OversizedRow { name: row.name.clone(), rowid: row.rowid, bytes });
            // What is made anew is refused because of one row; rows are left out only if all are known.
            let enough = match self.trial.part {
                Part::Row | Part::ExistingIndex(_) => NAMED + 1,
                _ => 1,
            };
            found.listed_all &= found.rows.len() < enough;
            return Ok(if found.rows.len() < enough { Ok(()) } else { Err(None) });
        }
        let (first, second) = rows.split_at(rows.len() / 2);
        match self.find(first, found)? {
            Ok(()) => self.find(second, found),
            stopped => Ok(stopped),
        }
    }

    fn verdict(&mut self, rows: &[LargeRow]) -> Result<Verdict, Error> {
        let filter = match &self.trial.load.reading.filter {
            Some(filter) => format!("({filter}\n) AND ({})", any_of(rows)),
            None => any_of(rows),
        };
        let mut spec = self.trial.load.clone();
        spec.reading.filter = Some(filter);
        let tried = xact::attempt(|| -> Result<Infallible, Option<Error>> {
            self.load(&spec).map_err(Some)?;
            if let Some(sql) = &self.trial.unskipped {
                // The rows of the table may be others', or their operator.
                _ = xact::attempt(|| -> Result<u64, Infallible> { Ok(spi::execute(sql)) });
            }
            self.trial.within.iter().for_each(|sql| _ = spi::execute(sql));
            self.trial.index.iter().for_each(|sql| _ = spi::execute(sql));
            // An error rolls the table back.
            Err(None)
        });
        match tried {
            Ok(Err(Some(error))) => Err(error),
            Ok(_) => Ok(Verdict::Accepted),
            Err(caught) => Ok(verdict(&caught)),
        }
    }

    fn load(&mut self, spec: &LoadSpec) -> Result<(), Error> {
        spi::execute(&self.trial.create);
        let relation = spi::oid(&qualified(&spec.schema, NAME));
        apart::load(self.source, spec, relation, (self.table, self.planned)).map(drop)
    }
}

fn verdict(caught: &Caught) -> Verdict {
    let too_large = caught.sqlstate == PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    match bytes(&caught.message).filter(|_| too_large) {
        Some(bytes) => Verdict::TooLarge(bytes),
        None => Verdict::Untried(caught.message.clone()),
    }
}

/// The first number of the server's message, which may be in any language: `row is too big: size 31536, maximum …`,
/// `index row size 8056 exceeds …`, `index row requires 8232 bytes, …`.
fn bytes(message: &str) -> Option<u64> {
    let digits = message.split(|c: char| !c.is_ascii_digit()).find(|word| !word.is_empty())?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_first_number_of_the_message() {
        for (message, size) in [
            ("row is too big: size 31536, maximum size 8160", Some(31536)),
            ("index row size 8056 exceeds btree version 4 maximum 2704 for index \"i2\"", Some(8056)),
            ("index row requires 8232 bytes, maximum size is 8191", Some(8232)),
            ("Zeile ist zu groß: Größe ist 31536, Maximalgröße ist 8160", Some(31536)),
            ("value too long", None),
        ] {
            assert_eq!(bytes(message), size, "{message}");
        }
    }
}
