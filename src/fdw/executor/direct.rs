//! Executing an UPDATE or DELETE that SQLite runs whole: from Begin to End.

use std::rc::Rc;

use pgrx::{pg_guard, pg_sys};

use super::column_writer::ColumnWriter;
use super::parameters::Binding;
use super::scan::{self, Scan};
use crate::error::Error;
use crate::fdw::connection::Affected;
use crate::fdw::planner::direct::DirectPlan;
use crate::fdw::planner::private;
use crate::fdw::{OrRaise, writable};
use crate::pg::{foreign, xact_events};
use crate::sqlite;
use pg_sqlite_migrate_core::remote::compute::Fault;
use pg_sqlite_migrate_core::remote::{DirectModification, Parameter, ParameterForm, Proof, Table};

struct Direct {
    scan: Scan,
    /// What it may change, and the server's command that it is.
    affected: Rc<Affected>,
    command: u32,
    /// What the statement was proven from.
    proofs: Vec<Proof>,
    /// Its rows are what the command tag counts.
    counts: bool,
}

impl Direct {
    /// Makes all changes, and gives their number. RETURNING's rows can be fetched then.
    fn make_changes(&mut self) -> Result<u64, Error> {
        let refusal = self.scan.start()?;
        let cursor = &self.scan.cursor;
        let session = cursor.connection().change(&self.affected, Some(self.command))?;
        // The transaction that writes may have begun only now, in a newer state of the file.
        cursor.connection().prove(&session, &self.proofs)?;
        cursor.make_changes().map_err(|error| reason(error, refusal))
    }
}

/// The error of a statement; of one that says no more than that it refuses a value, the reason.
#[cold]
fn reason(error: Error, refusal: Option<Error>) -> Error {
    let is_refusal = matches!(&error, Error::Sqlite(sqlite::Error::Function { fault, .. })
        if **fault == sqlite::functions::Fault::Computed(Fault::refused()));
    refusal.filter(|_| is_refusal).unwrap_or(error)
}

/// How each `?` is bound: in the form of the column that stores it, or as the query wants it.
fn bindings(direct: &DirectModification, table: &Table) -> Vec<(Parameter, Binding)> {
    let binding = |(at, parameter): (usize, &Parameter)| {
        let stored = direct.stored.iter().find(|(position, _)| *position == at);
        let column = stored.and_then(|(_, attribute)| table.column(*attribute));
        let binding = match column.map(|column| Box::new(ColumnWriter::new(table, column))) {
            Some(writer) if parameter.form == ParameterForm::Refused => Binding::Refused(writer),
            Some(writer) => Binding::Stored(writer),
            None => Binding::Query(parameter.clone()),
        };
        (parameter.clone(), binding)
    };
    direct.remote.parameters.iter().enumerate().map(binding).collect()
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_direct_modify(
    node: *mut pg_sys::ForeignScanState,
    eflags: std::ffi::c_int,
) {
    if eflags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as i32 != 0 {
        return;
    }
    // SAFETY: the executor hands us a node that it has just made from its plan, with its target open.
    let (plan, relation): (DirectPlan, _) = unsafe {
        let relation = (*(*(*node).resultRelInfo).ri_RelationDesc).rd_id;
        (private::kept((*scan::plan(node)).fdw_private), foreign::table(relation))
    };
    let remote = &plan.direct.remote;
    let (connection, table) = writable::connect_planned(&relation, &remote.proofs).or_raise();
    let affected = connection.affected(&table.name).or_raise();
    let cursor = connection.direct(remote);
    // SAFETY: the node is the one above, in its query's memory context.
    unsafe {
        let scan = Scan::new(node, cursor, remote, bindings(&plan.direct, &table));
        let (command, proofs) = (xact_events::command_id(), remote.proofs.clone());
        scan::keep(node, Direct { scan, affected, command, proofs, counts: plan.counts });
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn iterate_direct_modify(
    node: *mut pg_sys::ForeignScanState,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: `begin_direct_modify` put the state there, a `Direct`; slot, target and instruments are the node's.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        let Some(direct) = scan::state::<Direct>(node) else {
            scan::not_running();
            return slot;
        };
        let changed = if direct.scan.is_waiting() { direct.make_changes().or_raise() } else { 0 };
        let projection = (*(*node).resultRelInfo).ri_projectReturning;
        if projection.is_null() {
            scan::clear(slot);
            count(node, direct, changed);
            if let Some(instrument) = (*node).ss.ps.instrument.as_mut() {
                instrument.tuplecount += changed as f64;
            }
        } else if direct.scan.fetch(slot) {
            count(node, direct, 1);
            (*(*projection).pi_exprContext).ecxt_scantuple = slot;
        }
        slot
    }
}

/// Rows of the command tag.
///
/// # Safety
/// `node` belongs to a running query.
unsafe fn count(node: *mut pg_sys::ForeignScanState, direct: &Direct, rows: u64) {
    if direct.counts {
        // SAFETY: a node of a running query has its executor state.
        unsafe { (*(*node).ss.ps.state).es_processed += rows };
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end_direct_modify(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: the state is a `Direct`; the slot is cleared, since it may point into the row, which is about to go.
    unsafe {
        if let Some(direct) = scan::state::<Direct>(node) {
            scan::clear((*node).ss.ss_ScanTupleSlot);
            direct.scan.end();
        }
    }
}
