//! ANALYZE: a sample of the rows, and how many there are.

use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::{PgLogLevel, PgMemoryContexts, pg_guard, pg_sys};

use super::catalog;
use super::modification::new_memory;
use super::sink::Row;
use crate::fdw::seam::{Reads, Scan, Wrapper};
use crate::pg::{compat, interrupts};

#[pg_guard]
pub unsafe extern "C-unwind" fn analyze_foreign_table<W: Wrapper>(
    relation: pg_sys::Relation,
    sampler: *mut pg_sys::AcquireSampleRowsFunc,
    pages: *mut pg_sys::BlockNumber,
) -> bool {
    // SAFETY: ANALYZE hands us an open relation and places for the results.
    unsafe {
        let relation = catalog::relation((*relation).rd_id);
        *sampler = Some(acquire_sample_rows::<W>);
        *pages = W::table(&relation).unwrap_or_report().pages.max(1.0) as pg_sys::BlockNumber;
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn acquire_sample_rows<W: Wrapper>(
    relation: pg_sys::Relation,
    level: std::ffi::c_int,
    rows: *mut pg_sys::HeapTuple,
    wanted: std::ffi::c_int,
    total_rows: *mut f64,
    total_dead: *mut f64,
) -> std::ffi::c_int {
    // SAFETY: ANALYZE hands us an open relation and room for `wanted` tuples.
    unsafe {
        let desc = (*relation).rd_att;
        let relation = catalog::relation((*relation).rd_id);
        let wanted = wanted.max(0) as usize;
        let (remote, estimate) = W::sample(&relation, wanted).unwrap_or_report();
        let row = Row::new(desc, &remote.outputs);
        let mut sample = Sample { desc, row, rows, wanted, kept: 0, seen: 0, memory: new_memory() };
        let mut scan = W::begin_scan(&relation.server, &remote, Reads::Only).unwrap_or_report();
        scan.start(&[]).unwrap_or_report();
        while sample.take(&mut scan) {}
        scan.end();
        pg_sys::MemoryContextDelete(sample.memory);
        (*total_rows, *total_dead) = (estimate.max(sample.seen as f64), 0.0);
        tell(level, &relation.name, estimate, sample.kept);
        sample.kept as i32
    }
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
    unsafe fn take(&mut self, scan: &mut impl Scan) -> bool {
        // SAFETY: a tuple is a copy in the caller's memory; what was read for it is in ours.
        unsafe {
            compat::vacuum_delay_point();
            self.row.clear();
            let (row, mut memory) = (&mut self.row, PgMemoryContexts::For(self.memory));
            if !memory.switch_to(|_| scan.next(row)).unwrap_or_report() {
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

/// What ANALYZE VERBOSE says of a table.
fn tell(level: i32, name: &str, rows: f64, kept: usize) {
    if level == PgLogLevel::INFO as i32 {
        let message = format!("\"{name}\": table contains about {rows:.0} rows; {kept} rows in sample");
        interrupts::tell(PgLogLevel::INFO, &message);
    }
}
