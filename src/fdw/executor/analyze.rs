//! ANALYZE: a sample of the rows, spread over the whole table, and how many there are.

use std::rc::Rc;

use pgrx::{PgLogLevel, PgMemoryContexts, pg_guard, pg_sys};

use super::modify::new_memory;
use super::row::Row;
use super::scan;
use crate::error::Error;
use crate::fdw::connection::{self, Cursor, Reads};
use crate::fdw::{OrRaise, relation};
use crate::pg::foreign::{self, ForeignTable};
use crate::pg::{compat, interrupts};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::remote::deparse;
use pg_sqlite_migrate_core::remote::{From, Remote, Select, Table, Tables, Target, Var};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

#[pg_guard]
pub unsafe extern "C-unwind" fn analyze_foreign_table(
    relation: pg_sys::Relation,
    sampler: *mut pg_sys::AcquireSampleRowsFunc,
    pages: *mut pg_sys::BlockNumber,
) -> bool {
    // SAFETY: ANALYZE hands us an open relation and places for the results.
    unsafe {
        let relation = foreign::table((*relation).rd_id);
        *sampler = Some(acquire_sample_rows);
        *pages = relation::table(&relation).or_raise().pages.max(1.0) as pg_sys::BlockNumber;
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn acquire_sample_rows(
    relation: pg_sys::Relation,
    level: std::ffi::c_int,
    rows: *mut pg_sys::HeapTuple,
    wanted: std::ffi::c_int,
    total_rows: *mut f64,
    total_dead: *mut f64,
) -> std::ffi::c_int {
    // SAFETY: ANALYZE hands us an open relation and room for `wanted` tuples.
    let (name, estimate, kept) = unsafe {
        let desc = (*relation).rd_att;
        let relation = foreign::table((*relation).rd_id);
        let wanted = wanted.max(0) as usize;
        let (remote, estimate) = sample(&relation, wanted).or_raise();
        let row = Row::new(desc, &remote.outputs);
        let mut sample = Sample { desc, row, rows, wanted, kept: 0, seen: 0, memory: new_memory() };
        let cursor = EndOnDrop(scan::open(&relation.server, &remote, Reads::Only).or_raise());
        cursor.0.start(&[]).or_raise();
        while sample.take(&cursor.0) {}
        drop(cursor);
        pg_sys::MemoryContextDelete(sample.memory);
        (*total_rows, *total_dead) = (estimate.max(sample.seen as f64), 0.0);
        (relation.name, estimate.max(0.0).round() as u64, sample.kept)
    };
    if level == PgLogLevel::INFO as i32 {
        let (rows, sampled) = (counted(estimate, "row", "rows"), counted(kept as u64, "row", "rows"));
        let message = format!("\"{name}\": table contains about {rows}; {sampled} in sample");
        interrupts::tell(PgLogLevel::INFO, &message);
    }
    kept as i32
}

/// Whatever raises an error while the sample is read.
struct EndOnDrop(Rc<Cursor>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A query for about `rows` rows with every attribute, and the number of the table's rows.
///
/// Rows are those next to random points among the rowids, each found through the b-tree; where there is no rowid
/// every row is read, and PostgreSQL chooses.
fn sample(relation: &ForeignTable, rows: usize) -> Result<(Remote, f64), Error> {
    let table = relation::table(relation)?;
    let count = connection::count(&relation.server, &table)?;
    let mut remote = deparse::select(&whole(&table), &Tables::from([(1, Rc::new(table.clone()))]));
    for (output, attribute) in remote.outputs.iter_mut().zip(attributes(&table)) {
        output.attribute = attribute;
    }
    // The rows are a part of the table.
    (remote.untested, remote.observations) = (None, vec![]);
    if let Some(rowid) = table.rowid.as_ref().filter(|_| count > 2.0 * rows as f64) {
        remote
            .sql
            .push_str(&format!(" WHERE r1.{rowid} IN ({})", spread(&sqlite_ident(&table.name), rowid, rows)));
    }
    Ok((remote, count))
}

/// Rowids next to random points (evenly spaced ones would fall in step with periodic data). The distance is computed in
/// reals: the ends may be further apart than an integer can say.
fn spread(table: &str, rowid: &str, rows: usize) -> String {
    format!(
        "WITH RECURSIVE ends(lo, hi) AS (SELECT (SELECT min({rowid}) FROM main.{table}), \
         (SELECT max({rowid}) FROM main.{table})), \
         n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         SELECT (SELECT s.{rowid} FROM main.{table} AS s \
         WHERE s.{rowid} >= CAST(lo + (1.0 * hi - lo) * (random() & 0x1fffffffffffff) / 9007199254740991.0 AS INTEGER) ORDER BY s.{rowid} LIMIT 1) FROM n, ends"
    )
}

fn attributes(table: &Table) -> impl Iterator<Item = i16> + '_ {
    table.columns.iter().zip(1i16..).filter(|(c, _)| c.is_some()).map(|(_, n)| n)
}

fn whole(table: &Table) -> Select {
    let cells = attributes(table).map(|attribute| Target::Cell(Var { relation: 1, attribute }));
    Select::of(From::Table { relation: 1 }, cells.collect())
}

/// Rows kept out of those seen, each as likely as any other.
struct Sample {
    desc: pg_sys::TupleDesc,
    row: Row,
    rows: *mut pg_sys::HeapTuple,
    wanted: usize,
    kept: usize,
    seen: u64,
    memory: pg_sys::MemoryContext,
}

impl Sample {
    /// Reads one row; `false` at the end.
    ///
    /// # Safety
    /// `rows` has room for `wanted` tuples; the row was made for `desc`.
    unsafe fn take(&mut self, cursor: &Cursor) -> bool {
        // SAFETY: `form` copies the tuple into ANALYZE's memory; what was read for it is in `self.memory`.
        unsafe {
            compat::vacuum_delay_point();
            self.row.clear();
            let (row, mut memory) = (&mut self.row, PgMemoryContexts::For(self.memory));
            let found = memory.switch_to(|_| cursor.step(|view| row.read(view))).or_raise();
            if found.transpose().or_raise().is_none() {
                return false;
            }
            if let Some(place) = self.place() {
                *self.rows.add(place) = self.form();
            }
            pg_sys::MemoryContextReset(self.memory);
            true
        }
    }

    /// Algorithm R (Vitter 1985): the n-th row takes the place of another with a chance of wanted/n.
    unsafe fn place(&mut self) -> Option<usize> {
        self.seen += 1;
        if self.kept < self.wanted {
            self.kept += 1;
            return Some(self.kept - 1);
        }
        // SAFETY: ANALYZE's own generator; a replaced tuple is ours.
        unsafe {
            let place = (self.seen as f64 * pg_sys::anl_random_fract()) as usize;
            (place < self.kept).then(|| {
                pg_sys::heap_freetuple(*self.rows.add(place));
                place
            })
        }
    }

    unsafe fn form(&self) -> pg_sys::HeapTuple {
        // SAFETY: one value and one flag per attribute of the descriptor.
        unsafe {
            let count = (*self.desc).natts as usize;
            let (mut datums, mut nulls) = (vec![pg_sys::Datum::from(0usize); count], vec![true; count]);
            self.row.fill(&mut datums, &mut nulls);
            pg_sys::heap_form_tuple(self.desc, datums.as_mut_ptr(), nulls.as_mut_ptr())
        }
    }
}
