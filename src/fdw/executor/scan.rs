//! Executing a `ForeignScan`: from Begin to End.
//!
//! The state lives in the query's memory context and is dropped with it, so that a scan which an ERROR ends
//! releases its statement too.

use std::rc::Rc;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgMemoryContexts, PgSqlErrorCode, pg_guard, pg_sys};

use super::parameters::{Binding, Parameters};
use super::row::Row;
use crate::error::Error;
use crate::fdw::OrRaise;
use crate::fdw::connection::{Connection, Cursor, Reads};
use crate::fdw::options::ServerOptions;
use crate::fdw::planner::{changes, private};
use crate::pg::foreign::{self, ForeignServer};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Parameter, Remote};
use pg_sqlite_migrate_core::value::{Cell, CellBuf};

/// A scan as the executor runs it.
pub struct Scan {
    pub cursor: Rc<Cursor>,
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

/// Opens a cursor for a query that changes nothing itself.
pub fn open(server: &ForeignServer, remote: &Remote, reads: Reads) -> Result<Rc<Cursor>, Error> {
    let connection = Connection::of(server)?;
    if reads != Reads::Only {
        connection.expect_change(server, &ServerOptions::of(server)?)?;
    }
    connection.scan(remote, reads)
}

impl Scan {
    /// # Safety
    /// `node` is being initialised, in its query's memory context; the state will live there.
    pub unsafe fn new(
        node: *mut pg_sys::ForeignScanState,
        cursor: Rc<Cursor>,
        remote: &Remote,
        bindings: Vec<(Parameter, Binding)>,
    ) -> Scan {
        // SAFETY: ExecInitForeignScan has made the scan slot and the expression context before it calls Begin; the plan
        // outlives the query.
        unsafe {
            let desc = (*(*node).ss.ss_ScanTupleSlot).tts_tupleDescriptor;
            let expressions = (*plan(node)).fdw_exprs;
            Scan {
                cursor,
                parameters: Parameters::new(expressions, &raw mut (*node).ss.ps, bindings),
                row: Row::new(desc, &remote.outputs),
                progress: Progress::Waiting,
            }
        }
    }

    pub fn is_waiting(&self) -> bool {
        self.progress == Progress::Waiting
    }

    /// Starts, with the parameters' values of now. The error of a value that its column cannot store is returned, for
    /// whoever comes to store it.
    pub fn start(&mut self) -> Result<Option<Error>, Error> {
        let values = self.parameters.evaluate();
        let refusal = self.parameters.refusal(&values);
        let bound = self.parameters.bind(&values)?;
        let cells: Vec<Cell<'_>> = bound.iter().map(CellBuf::as_cell).collect();
        self.cursor.start(&cells)?;
        self.cursor.watches().for_each(|(output, fit)| self.row.watch(output, fit));
        self.progress = Progress::Running;
        Ok(refusal)
    }

    /// Reads the next row; `false` at the end. The values of the row before are gone.
    fn advance(&mut self) -> Result<bool, Error> {
        match self.progress {
            Progress::Waiting => drop(self.start()?),
            Progress::Running => {}
            Progress::Finished => return Ok(false),
        }
        self.row.clear();
        let row = &mut self.row;
        let found = self.cursor.step(|view| row.read(view))?;
        if found.transpose()?.is_none() {
            self.progress = Progress::Finished;
            self.cursor.saw_all(|output| row.all_fit(output));
        }
        Ok(self.progress == Progress::Running)
    }

    /// Reads the next row into the slot, which stays empty at the end.
    ///
    /// # Safety
    /// `slot` is the scan's.
    pub unsafe fn fetch(&mut self, slot: *mut pg_sys::TupleTableSlot) -> bool {
        // SAFETY: the slot lets go of the row before the row is overwritten.
        unsafe { clear(slot) };
        let found = self.advance().or_raise();
        if found {
            // SAFETY: the slot was just cleared; `new` made the row for its descriptor.
            unsafe { self.row.store(slot) };
        }
        found
    }

    pub fn end(&mut self) {
        self.cursor.end();
        self.progress = Progress::Finished;
    }
}

/// However the query ended; that the transaction may be long over, the cursor knows.
impl Drop for Scan {
    fn drop(&mut self) {
        self.cursor.end();
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_scan(
    node: *mut pg_sys::ForeignScanState,
    eflags: std::ffi::c_int,
) {
    if eflags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as i32 != 0 {
        return;
    }
    // SAFETY: the executor hands us a node that it has just made from its plan, in the query's memory context.
    unsafe {
        let remote: Remote = private::kept((*plan(node)).fdw_private);
        let server = foreign::server((*plan(node)).fs_server);
        let estate = (*node).ss.ps.state;
        let reads = match changes::of_running(&server, estate) {
            false => Reads::Only,
            true if changes::may_read_again(estate, eflags) => Reads::AgainBesideChanges,
            true => Reads::BesideChanges,
        };
        let cursor = open(&server, &remote, reads).or_raise();
        let bindings = remote.parameters.iter().map(|p| (p.clone(), Binding::Query(p.clone()))).collect();
        keep(node, Scan::new(node, cursor, &remote, bindings));
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn iterate_foreign_scan(
    node: *mut pg_sys::ForeignScanState,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: `begin_foreign_scan` put the state there, a `Scan`; the slot is the node's.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        match state::<Scan>(node) {
            Some(scan) => scan.fetch(slot),
            None => not_running(),
        };
        slot
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn rescan_foreign_scan(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: the plan only reads, so that the state is a `Scan`; the set of changed parameters is null or the
    // executor's.
    unsafe {
        if (*plan(node)).operation != pg_sys::CmdType::CMD_SELECT {
            return;
        }
        if let Some(scan) = state::<Scan>(node) {
            // The next fetch shows the rows in memory again, where no parameter can have changed; else it starts anew,
            // with the parameters' values of then.
            let changed = !nodes::is_empty((*node).ss.ps.chgParam) && !scan.parameters.is_empty();
            let again = scan.progress != Progress::Waiting && !changed && scan.cursor.rewind();
            scan.progress = if again { Progress::Running } else { Progress::Waiting };
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end_foreign_scan(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: the state is a `Scan`; the slot is cleared, since it may point into the row, which is about to go.
    unsafe {
        if let Some(scan) = state::<Scan>(node) {
            clear((*node).ss.ss_ScanTupleSlot);
            scan.end();
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
    // SAFETY: a node of a running query has its executor state, whose memory outlives the node.
    unsafe {
        let memory = (*(*node).ss.ps.state).es_query_cxt;
        (*node).fdw_state = PgMemoryContexts::For(memory).leak_and_drop_on_delete(state).cast();
    }
}

/// # Safety
/// The node's state is null, or `keep` was called with a `T`.
pub(crate) unsafe fn state<'a, T>(node: *mut pg_sys::ForeignScanState) -> Option<&'a mut T> {
    // SAFETY: the state is a `T`, as the contract asks; each callback takes it once and keeps no reference.
    unsafe { (*node).fdw_state.cast::<T>().as_mut() }
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
        .report(PgLogLevel::ERROR);
    false
}
