//! Every value of a table against the file: both sides are read in the order of one key, and merged.
//!
//! Rows pair by the primary key of the file. Where there is none that can be used, rows are sorted by all their columns: two
//! that are equal pair, and what is left over on one side is shown. Where that cannot be either, rows are compared as a
//! multiset of digests. Neither side is ever in memory as a whole.

mod absent;
mod approximate;
mod found;
mod kept;
mod list;
mod merge;
mod multiset;
mod part;
mod repair;
pub mod report;
mod tally;

pub use absent::Absent;
pub use found::{Found, Sink};
pub use kept::Kept;
pub use list::List;
pub use repair::{Repair, Step, unrepaired};
pub use tally::{Believed, Extent, Tally};

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pgrx::pg_sys;

use self::merge::{Merge, Stop};
use self::part::Selected;
use crate::error::Error;
use crate::pg::encoding::server_is_utf8;
use crate::pg::relation::{self, Attribute};
use crate::pg::settings::LocalSettings;
use crate::pg::thread::{self, Outbox};
use crate::pg::{cursor, reading, types};
use crate::sqlite::Source;
use crate::sqlite::ordered::{self, Ordered, Rows};
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::ddl::reads_clock;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::verify::back::{Facts, Way};
use pg_sqlite_migrate_core::verify::sample::Key;

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
    /// Values that the run has made others.
    pub believed: Option<Believed>,
    /// Rows of the file, if that is known.
    pub expected: Option<u64>,
    /// Columns of numbers that each side computes by itself: their last digits may differ.
    pub approximate: Vec<usize>,
    /// The target is a view, or was made of one.
    pub is_view: bool,
    /// With more rows on a side it is not compared.
    pub most_rows: Option<u64>,
    /// Which rows are compared.
    pub rows: Wish,
    /// The comparison ends after so many rows that are not as they should be.
    pub stop_after: Option<u64>,
    /// Is told the number of rows of the file that were read so far.
    pub progress: &'a dyn Fn(u64),
}

/// The rows that are to be compared.
#[derive(Debug, Clone)]
pub enum Wish {
    All,
    /// About so many, drawn by chance.
    Sample(u64),
    /// Those with these keys.
    Again(Vec<Key>),
}

/// What was found of one table, or why it was not compared.
pub struct Verified<S> {
    pub schema: String,
    pub table: String,
    pub found: Result<Tally, String>,
    /// Who has got its rows; `None` where there were none to get.
    pub sink: Option<S>,
}

/// What was found, or why the table was not compared. `sink` gets every row that is not as it should be.
pub fn compare(
    source: &mut Source,
    question: Question<'_>,
    sink: &mut dyn Sink,
) -> Result<Result<Tally, String>, Error> {
    let pairing = match Pairing::new(&question) {
        Ok(pairing) => pairing,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut refused = None;
    for order in pairing.orders(question.table) {
        let selected = part::select(source, &pairing, &order, &question)?;
        match pairing.merge(source, &order, &selected, &question, sink)? {
            Ok(tally) => return Ok(Ok(tally)),
            Err(stop) => refused = Some(stop),
        }
    }
    if let Wish::Again(_) = question.rows {
        return Ok(Err(refused.unwrap_or(Stop::NoOrder).to_string()));
    }
    match multiset::compare(source, &pairing, &question, sink)? {
        Ok(tally) => Ok(Ok(tally)),
        Err(Stop::NoForm) => Ok(Err(refused.unwrap_or(Stop::NoOrder).to_string())),
        Err(stop) => Ok(Err(stop.to_string())),
    }
}

/// The same of a view, of which no key is known: its rows are compared as a multiset.
pub fn compare_view(
    source: &mut Source,
    question: Question<'_>,
    sink: &mut dyn Sink,
) -> Result<Result<Tally, String>, Error> {
    let pairing = match Pairing::new(&question) {
        Ok(pairing) => pairing,
        Err(reason) => return Ok(Err(reason)),
    };
    let found = multiset::compare(source, &pairing, &question, sink)?;
    Ok(found.map_err(|stop| stop.to_string()))
}

/// What both sides are read by.
struct Pairing<'a> {
    spec: &'a LoadSpec,
    /// A name of the rowid of the file's table, if it has one.
    rowid: Option<&'static str>,
    /// The relation, as SQL names it in FROM.
    from: String,
    attributes: Vec<Attribute>,
    ways: Vec<Way>,
    terms: Vec<String>,
    approximate: Vec<usize>,
    is_view: bool,
}

/// The columns that rows are sorted by.
pub struct Order {
    columns: Vec<usize>,
    /// No two rows of the file have the same.
    unique: bool,
    by_rowid: bool,
    /// It is the primary key.
    pub primary: bool,
}

impl<'a> Pairing<'a> {
    fn new(question: &Question<'a>) -> Result<Pairing<'a>, String> {
        let (spec, table) = (question.spec, question.table);
        if spec.reading.filter.as_deref().is_some_and(reads_clock) {
            return Err("its condition selects other rows at another moment".into());
        }
        let relation = relation::find(&spec.schema, &spec.target).ok_or("it does not exist any more")?;
        let is_view = question.is_view && relation::kind(relation) != Some('r');
        let from = if is_view { reading::from_view(relation)? } else { reading::from(relation)? };
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
        let (rowid, approximate) = (table.rowid_name(), question.approximate.clone());
        Ok(Pairing { spec, rowid, from, attributes, ways, terms, approximate, is_view })
    }

    /// The keys by which the rows may be paired, the best one first.
    fn orders(&self, table: &Table) -> Vec<Order> {
        let spec = self.spec;
        let place = |name: &String| spec.columns.iter().position(|c| c.source.eq_ignore_ascii_case(name));
        let primary: Option<Vec<usize>> = spec.source_key.iter().map(place).collect();
        let primary =
            primary.filter(|key| !key.is_empty() && key.iter().all(|column| self.has_order(*column)));
        let is_rowid = |key: &[usize]| {
            let alias = table.primary_key.as_ref().is_some_and(|key| key.rowid_alias);
            let stored = spec.source_key.iter().all(|name| spec.reading.using(name).is_none());
            alias && stored && key.iter().all(|column| self.ways.get(*column).is_some_and(Way::is_integer))
        };
        let primary = primary.map(|columns| Order {
            by_rowid: is_rowid(&columns),
            columns,
            unique: true,
            primary: true,
        });
        let all: Vec<usize> = (0..self.ways.len()).filter(|column| self.has_order(*column)).collect();
        // What rows are not sorted by is compared between rows that pair: only one pair may be possible.
        let unique = all.len() < self.ways.len();
        let all = Order { unique, columns: all, by_rowid: false, primary: false };
        primary.into_iter().chain((!all.columns.is_empty()).then_some(all)).collect()
    }

    /// In another encoding, PostgreSQL sorts texts by other bytes.
    fn has_order(&self, column: usize) -> bool {
        let way = self.ways.get(column);
        way.is_some_and(|way| way.has_order() && (server_is_utf8() || !way.is_text()))
    }

    /// The settings under which the table is read.
    fn settings(&self) -> LocalSettings {
        if self.is_view { reading::guarded_with_views() } else { reading::guarded() }
    }

    /// A column's name in the table, as SQL has it.
    fn name(&self, column: usize) -> Option<String> {
        self.attributes.get(column).map(|attribute| ident(&attribute.name))
    }

    fn type_of(&self, column: usize) -> pg_sys::Oid {
        self.attributes.get(column).map_or(pg_sys::InvalidOid, |attribute| attribute.type_oid)
    }

    /// The table's rows by the key.
    fn target(&self, order: &Order, selected: &Selected) -> String {
        let list: Vec<String> = (0..self.attributes.len()).filter_map(|column| self.name(column)).collect();
        let by = |column: &usize| {
            let is_text = self.ways.get(*column).is_some_and(Way::is_text);
            let by_bytes = if is_text { "::text COLLATE \"C\"" } else { "" };
            Some(format!("{}{by_bytes} NULLS FIRST", self.name(*column)?))
        };
        let by: Vec<String> = order.columns.iter().filter_map(by).collect();
        let condition = selected.condition(self, order).map(|c| format!(" WHERE {c}")).unwrap_or_default();
        format!("SELECT {} FROM {}{condition} ORDER BY {}", list.join(", "), self.from, by.join(", "))
    }

    fn merge(
        &self,
        source: &mut Source,
        order: &Order,
        selected: &Selected,
        question: &Question<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Result<Tally, Stop>, Error> {
        let by: Vec<(usize, Way)> =
            order.columns.iter().filter_map(|c| Some((*c, self.ways.get(*c)?.clone()))).collect();
        let ordered = Ordered {
            table: &self.spec.source,
            rowid: self.rowid,
            terms: &self.terms,
            filter: self.spec.reading.filter.as_deref(),
            key: &by,
            by_rowid: order.by_rowid,
            part: selected.part(),
        };
        let types: Vec<pg_sys::Oid> = self.attributes.iter().map(|attribute| attribute.type_oid).collect();
        // Rows that were found before are those beyond the ones that come from elsewhere.
        let again = matches!(
            (selected, &question.rows),
            (Selected::Ranges(_) | Selected::Wanted(..), Wish::Again(_))
        );
        let others = if again { 0 } else { question.others };
        let tally = Tally::new(
            &self.spec.columns,
            others,
            question.believed.clone(),
            selected.extent(&question.rows),
        );
        let mut absent = question.absent.clone();
        let _settings = reading::guarded();
        cursor::with(&self.target(order, selected), &types, |cursor| {
            let (wanted, stop_after) = (selected.wanted(), question.stop_after);
            let mut merge = Merge::new(cursor, self, order, wanted, stop_after, tally, &mut absent, sink);
            let mut done = 0;
            let read = read(source, &ordered, |rows| {
                done += rows.count() as u64;
                (question.progress)(done);
                merge.take(&rows)
            });
            // A merge that has ended has interrupted the reader.
            match merge.has_ended() {
                true => Ok(merge.finish()),
                false => read.map(|()| merge.finish()),
            }
        })
    }
}

/// Bytes that are read before the reader waits. A batch of one large value is as large as the value.
const IN_FLIGHT: usize = 4 << 20;

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
            while in_flight.load(Ordering::Acquire) > IN_FLIGHT {
                if thread::stopping() {
                    return false;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            in_flight.fetch_add(rows.size(), Ordering::AcqRel);
            out.send(rows)
        })
    };
    let outcome = thread::run_with(job, |rows| {
        let size = rows.size();
        if !take(rows) {
            thread::stop();
        }
        flight.fetch_sub(size, Ordering::AcqRel);
    });
    Ok(outcome?)
}
