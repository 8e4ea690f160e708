//! Every value of a table against the file: both sides are read in the order of one key, and merged.
//!
//! Rows pair by the primary key of the file. Where there is none that can be used, rows are sorted by all their columns: two
//! that are equal pair, and what is left over on one side is shown. Neither side is ever in memory as a whole.

mod absent;
mod merge;
pub mod report;
mod tally;

pub use absent::Absent;
pub use tally::{ColumnTally, Difference, Missing, Tally};

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pgrx::pg_sys;

use self::merge::{Merge, Stop};
use crate::error::Error;
use crate::pg::encoding::server_is_utf8;
use crate::pg::relation::{self, Attribute};
use crate::pg::thread::{self, Outbox};
use crate::pg::{cursor, reading, types};
use crate::sqlite::Source;
use crate::sqlite::ordered::{self, Ordered, Rows};
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::ddl::reads_clock;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::verify::back::{Facts, Way};

/// A table and what a run did with it.
pub struct Question<'a> {
    pub spec: &'a LoadSpec,
    /// What the file declares.
    pub table: &'a Table,
    /// Target columns in which keys without a parent have become NULL.
    pub orphans: Vec<String>,
    /// Rows of the file that are accounted for elsewhere.
    pub absent: Absent,
    /// Rows of the table that come from elsewhere: those that were there before and were not updated.
    pub others: u64,
    /// Differences that are listed; all are counted.
    pub limit: usize,
}

/// What was found of one table, or why it was not compared.
pub struct Verified {
    pub schema: String,
    pub table: String,
    pub found: Result<Tally, String>,
}

/// What was found, or why the table was not compared.
pub fn compare(source: &mut Source, question: Question<'_>) -> Result<Result<Tally, String>, Error> {
    let pairing = match Pairing::new(&question) {
        Ok(pairing) => pairing,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut refused = None;
    for key in pairing.keys(question.spec, question.table) {
        let tally = Tally::new(&question.spec.columns, question.others, question.limit);
        match pairing.merge(source, &key, tally, &mut question.absent.clone())? {
            Ok(tally) => return Ok(Ok(tally)),
            Err(stop) => refused = Some(stop),
        }
    }
    Ok(Err(refused.unwrap_or(Stop::NoOrder).to_string()))
}

/// What both sides are read by.
struct Pairing<'a> {
    spec: &'a LoadSpec,
    table: &'a Table,
    /// The relation, as SQL names it in FROM.
    from: String,
    attributes: Vec<Attribute>,
    ways: Vec<Way>,
    terms: Vec<String>,
}

/// The columns that rows are sorted by.
struct Key {
    columns: Vec<usize>,
    /// No two rows of the file have the same.
    unique: bool,
    by_rowid: bool,
}

impl<'a> Pairing<'a> {
    fn new(question: &Question<'a>) -> Result<Pairing<'a>, String> {
        let (spec, table) = (question.spec, question.table);
        if spec.reading.filter.as_deref().is_some_and(reads_clock) {
            return Err("its condition selects other rows at another moment".into());
        }
        let relation = relation::find(&spec.schema, &spec.target).ok_or("it does not exist any more")?;
        let from = reading::from(relation)?;
        let found = relation::attributes(relation);
        let attribute = |name: &String| {
            let attribute = found.iter().find(|attribute| attribute.name == *name);
            attribute.cloned().ok_or_else(|| format!("column \"{name}\" does not exist any more"))
        };
        let attributes: Vec<Attribute> =
            spec.columns.iter().map(|column| attribute(&column.target)).collect::<Result<_, _>>()?;
        let way = |(column, attribute): (&_, &Attribute)| {
            let facts = Facts {
                enumeration: types::is_enum(attribute.type_oid),
                domain: attribute.domain,
                orphans: question.orphans.contains(&attribute.name),
            };
            Way::new(column, &attribute.pg_type, &spec.timezone, facts)
        };
        let ways: Option<Vec<Way>> = spec.columns.iter().zip(&attributes).map(way).collect();
        let ways = ways.ok_or_else(|| format!("there is no time zone \"{}\"", spec.timezone))?;
        let terms = spec.columns.iter().map(|column| spec.reading.term(&column.source)).collect();
        Ok(Pairing { spec, table, from, attributes, ways, terms })
    }

    /// The keys by which the rows may be paired, the best one first.
    fn keys(&self, spec: &LoadSpec, table: &Table) -> Vec<Key> {
        let place = |name: &String| spec.columns.iter().position(|c| c.source.eq_ignore_ascii_case(name));
        let primary: Option<Vec<usize>> = spec.source_key.iter().map(place).collect();
        let primary =
            primary.filter(|key| !key.is_empty() && key.iter().all(|column| self.has_order(*column)));
        let is_rowid = |key: &[usize]| {
            let alias = table.primary_key.as_ref().is_some_and(|key| key.rowid_alias);
            let stored = spec.source_key.iter().all(|name| spec.reading.using(name).is_none());
            alias && stored && key.iter().all(|column| self.ways.get(*column).is_some_and(Way::is_integer))
        };
        let primary = primary.map(|columns| Key { by_rowid: is_rowid(&columns), columns, unique: true });
        let all: Vec<usize> = (0..self.ways.len()).filter(|column| self.has_order(*column)).collect();
        // What rows are not sorted by is compared between rows that pair: only one pair may be possible.
        let all = Key { unique: all.len() < self.ways.len(), columns: all, by_rowid: false };
        primary.into_iter().chain((!all.columns.is_empty()).then_some(all)).collect()
    }

    /// In another encoding, PostgreSQL sorts texts by other bytes.
    fn has_order(&self, column: usize) -> bool {
        let way = self.ways.get(column);
        way.is_some_and(|way| way.has_order() && (server_is_utf8() || !way.is_text()))
    }

    /// The table's rows by the key.
    fn target(&self, key: &Key) -> String {
        let name = |column: usize| self.attributes.get(column).map(|attribute| ident(&attribute.name));
        let list: Vec<String> = (0..self.attributes.len()).filter_map(name).collect();
        let by = |column: &usize| {
            let is_text = self.ways.get(*column).is_some_and(Way::is_text);
            let by_bytes = if is_text { "::text COLLATE \"C\"" } else { "" };
            Some(format!("{}{by_bytes} NULLS FIRST", name(*column)?))
        };
        let order: Vec<String> = key.columns.iter().filter_map(by).collect();
        format!("SELECT {} FROM {} ORDER BY {}", list.join(", "), self.from, order.join(", "))
    }

    fn merge(
        &self,
        source: &mut Source,
        key: &Key,
        tally: Tally,
        absent: &mut Absent,
    ) -> Result<Result<Tally, Stop>, Error> {
        let by: Vec<(usize, Way)> =
            key.columns.iter().filter_map(|c| Some((*c, self.ways.get(*c)?.clone()))).collect();
        let rowid = self.table.rowid_name();
        let ordered = Ordered {
            table: &self.spec.source,
            rowid,
            terms: &self.terms,
            filter: self.spec.reading.filter.as_deref(),
            key: &by,
            by_rowid: key.by_rowid,
        };
        let types: Vec<pg_sys::Oid> = self.attributes.iter().map(|attribute| attribute.type_oid).collect();
        let _settings = reading::guarded();
        cursor::with(&self.target(key), &types, |cursor| {
            let mut merge =
                Merge::new(cursor, self.spec, &self.ways, &key.columns, key.unique, tally, absent);
            let read = read(source, &ordered, |rows| merge.take(&rows));
            // A merge that has stopped has interrupted the reader.
            match merge.stopped() {
                Some(stop) => Ok(Err(stop)),
                None => read.map(|()| merge.finish()),
            }
        })
    }
}

/// Batches that are read before the reader waits.
const IN_FLIGHT: usize = 4;

/// Reads on the helper thread; `take` gets the rows here, and gives `false` to stop.
pub fn read(
    source: &mut Source,
    ordered: &Ordered<'_>,
    mut take: impl FnMut(Rows) -> bool,
) -> Result<(), Error> {
    let flight = Arc::new(AtomicUsize::new(0));
    let in_flight = flight.clone();
    let job = move |mut out: Outbox<'_, Rows>| {
        ordered::read(source, ordered, &mut |rows| {
            while in_flight.load(Ordering::Acquire) >= IN_FLIGHT {
                if thread::stopping() {
                    return false;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            in_flight.fetch_add(1, Ordering::AcqRel);
            out.send(rows)
        })
    };
    let outcome = thread::run_with(job, |rows| {
        if !take(rows) {
            thread::stop();
        }
        flight.fetch_sub(1, Ordering::AcqRel);
    });
    Ok(outcome?)
}
