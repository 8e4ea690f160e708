//! Executing a `ForeignScan`: from Begin to End.
//!
//! The state lives in the query's memory context and is dropped with it, so that a scan which an ERROR ends
//! releases its statement too.

use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::{PgMemoryContexts, PgSqlErrorCode, pg_guard, pg_sys};

use super::catalog;
use super::evaluate::Parameters;
use super::sink::Row;
use crate::fdw::planner::{changes, private};
use crate::fdw::seam::{Reads, Scan, Wrapper};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::Remote;

/// A scan as the executor runs it.
pub struct Execution<S> {
    /// `None` after the end.
    scan: Option<S>,
    parameters: Parameters,
    row: Row,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Starts with the next row that is asked for.
    Waiting,
    Running,
    /// The server may ask again after the last row, a statement must not begin anew by that.
    Finished,
}

impl<S: Scan> Execution<S> {
    /// # Safety
    /// `node` is being initialised, in its query's memory context; the state will live there.
    pub unsafe fn new(node: *mut pg_sys::ForeignScanState, scan: S, remote: &Remote) -> Execution<S> {
        // SAFETY: the scan slot and the expression context are there before Begin is called.
        unsafe {
            let desc = (*(*node).ss.ss_ScanTupleSlot).tts_tupleDescriptor;
            let expressions = (*plan(node)).fdw_exprs;
            Execution {
                scan: Some(scan),
                parameters: Parameters::new(expressions, &raw mut (*node).ss.ps, &remote.parameters),
                row: Row::new(desc, &remote.outputs),
                progress: Progress::Waiting,
            }
        }
    }

    /// Reads the next row; `false` at the end. The values of the row before are gone.
    pub fn advance(&mut self) -> Result<bool, ErrorReport> {
        let Some(scan) = self.scan.as_mut() else { return Ok(false) };
        match self.progress {
            Progress::Waiting => scan.start(&self.parameters.evaluate())?,
            Progress::Running => {}
            Progress::Finished => return Ok(false),
        }
        self.row.clear();
        let found = scan.next(&mut self.row)?;
        self.progress = if found { Progress::Running } else { Progress::Finished };
        Ok(found)
    }

    /// Reads the next row into the slot, which stays empty at the end.
    ///
    /// # Safety
    /// `slot` is the scan's.
    pub unsafe fn fetch(&mut self, slot: *mut pg_sys::TupleTableSlot) -> bool {
        // SAFETY: the slot lets go of the row before the row is overwritten.
        unsafe { clear(slot) };
        let found = self.advance().unwrap_or_report();
        if found {
            // SAFETY: the slot was just cleared; the row was made for its descriptor.
            unsafe { self.row.store(slot) };
        }
        found
    }

    /// The next fetch starts anew, with the parameters' values of then, or with the rows that were kept where no
    /// parameter can have `changed`.
    pub fn restart(&mut self, changed: bool) {
        let same = self.progress != Progress::Waiting && (!changed || self.parameters.is_empty());
        let rewound = same && self.scan.as_mut().is_some_and(Scan::rewind);
        self.progress = if rewound { Progress::Running } else { Progress::Waiting };
    }

    pub fn changed(&self) -> u64 {
        self.scan.as_ref().map_or(0, Scan::changed)
    }

    pub fn end(&mut self) {
        if let Some(mut scan) = self.scan.take() {
            scan.end();
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_scan<W: Wrapper>(
    node: *mut pg_sys::ForeignScanState,
    eflags: std::ffi::c_int,
) {
    if eflags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as i32 != 0 {
        return;
    }
    // SAFETY: the executor hands us a node that it has just made from its plan, in the query's memory context.
    unsafe {
        let remote: Remote = private::kept((*plan(node)).fdw_private);
        let server = catalog::server((*plan(node)).fs_server);
        let estate = (*node).ss.ps.state;
        let reads = match changes::of_running(&server, estate) {
            false => Reads::Only,
            true if changes::may_read_again(estate, eflags) => Reads::AgainBesideChanges,
            true => Reads::BesideChanges,
        };
        let scan = W::begin_scan(&server, &remote, reads).unwrap_or_report();
        keep(node, Execution::new(node, scan, &remote));
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn iterate_foreign_scan<W: Wrapper>(
    node: *mut pg_sys::ForeignScanState,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the state was put there by `begin_foreign_scan::<W>`; the slot is the node's.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        match execution::<W>(node) {
            Some(execution) => execution.fetch(slot),
            None => not_running(),
        };
        slot
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn rescan_foreign_scan<W: Wrapper>(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: as in `iterate_foreign_scan`; the set is null or the executor's.
    unsafe {
        if let Some(execution) = execution::<W>(node) {
            execution.restart(!nodes::is_empty((*node).ss.ps.chgParam));
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end_foreign_scan<W: Wrapper>(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: as in `iterate_foreign_scan`; the slot may point into the row, which is about to go.
    unsafe {
        if let Some(execution) = execution::<W>(node) {
            clear((*node).ss.ss_ScanTupleSlot);
            execution.end();
        }
    }
}

/// # Safety
/// `node` is a node of the executor's.
pub(crate) unsafe fn plan(node: *mut pg_sys::ForeignScanState) -> *mut pg_sys::ForeignScan {
    // SAFETY: a ForeignScanState's plan is a ForeignScan.
    unsafe { (*node).ss.ps.plan.cast() }
}

/// Hangs the state into the node and its query's memory.
///
/// # Safety
/// `node` belongs to a running query.
pub(crate) unsafe fn keep<T>(node: *mut pg_sys::ForeignScanState, state: T) {
    // SAFETY: the caller vouches for the node.
    unsafe {
        let memory = (*(*node).ss.ps.state).es_query_cxt;
        (*node).fdw_state = PgMemoryContexts::For(memory).leak_and_drop_on_delete(state).cast();
    }
}

/// # Safety
/// The node's state is null or was made by `keep` for this wrapper.
pub(crate) unsafe fn execution<'a, W: Wrapper>(
    node: *mut pg_sys::ForeignScanState,
) -> Option<&'a mut Execution<W::Scan>> {
    // SAFETY: the caller vouches for the type; nothing else refers to the state.
    unsafe { (*node).fdw_state.cast::<Execution<W::Scan>>().as_mut() }
}

/// `ExecClearTuple`, which is inline in C.
///
/// # Safety
/// `slot` is a valid slot.
#[inline]
pub(crate) unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: every kind of slot has the function; it only frees and so raises no error.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            clear(slot);
        }
    }
}

pub(crate) fn not_running() -> bool {
    let message = "the foreign scan has not been started";
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message, "not_running")
        .report(pgrx::PgLogLevel::ERROR);
    false
}
