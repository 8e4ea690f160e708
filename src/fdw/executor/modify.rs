//! INSERT, UPDATE and DELETE row by row: from Begin to End.

use pgrx::pg_sys::NodeTag;
use pgrx::{PgMemoryContexts, pg_guard, pg_sys};

use super::row::Row;
use super::row_statement::RowStatement;
use crate::error::Error;
use crate::fdw::planner::private;
use crate::fdw::planner::row_key::{self, JunkColumns, RowKey};
use crate::fdw::{OrRaise, writable};
use crate::pg::datum::Reader;
use crate::pg::{foreign, memory, nodes};
use pg_sqlite_migrate_core::remote::changed_keys::ChangedKeys;
use pg_sqlite_migrate_core::remote::{Operation, RowModification};
use pg_sqlite_migrate_core::value::native::Native;

/// A target as the executor changes it. Lives in the query's memory context.
pub struct Modification {
    operation: Operation,
    statement: RowStatement,
    junk: JunkColumns,
    /// What is written, by attribute number.
    written: Vec<(i16, Reader)>,
    /// What comes back.
    row: Row,
    /// Rows that an UPDATE has changed, where its plan may come to one again; a table of the server's own knows by
    /// its tuples' headers.
    updated: Option<ChangedKeys>,
    /// For one row's values; a child of the query's memory.
    memory: pg_sys::MemoryContext,
    pub batch_size: i32,
}

impl Modification {
    /// # Safety
    /// `result` is an open target of a running query, in whose memory context this is called; `targets` is the
    /// subplan's target list, or null.
    unsafe fn new(
        result: *mut pg_sys::ResultRelInfo,
        targets: *mut pg_sys::List,
        change: &RowModification,
    ) -> Modification {
        // SAFETY: the target's relation is open, and its descriptor valid, as long as the query runs.
        unsafe {
            let relation = foreign::table((*(*result).ri_RelationDesc).rd_id);
            let desc = (*(*result).ri_RelationDesc).rd_att;
            let statement = RowStatement::new(&relation, change, desc).or_raise();
            Modification {
                operation: change.operation,
                junk: match change.operation {
                    Operation::Insert => JunkColumns::None,
                    _ => JunkColumns::find(targets, &relation, &change.key),
                },
                written: row_key::named(&relation, &change.attributes)
                    .map(|attribute| (attribute.number, Reader::new(attribute.type_oid)))
                    .collect(),
                row: Row::new(desc, statement.outputs()),
                updated: None,
                memory: new_memory(),
                batch_size: writable::batch_size(&relation).or_raise(),
                statement,
            }
        }
    }

    /// Changes one row; the slot has its new values and those that came back. `false` where there was nothing to
    /// change.
    ///
    /// # Safety
    /// `slot` is the target's; `plan_slot` holds the subplan's row, or is null for an INSERT.
    pub unsafe fn run(
        &mut self,
        slot: *mut pg_sys::TupleTableSlot,
        plan_slot: *mut pg_sys::TupleTableSlot,
    ) -> bool {
        // SAFETY: the slots are the caller's; what is allocated for the row's values is not used after the reset, and
        // `store` forms its tuple outside of that memory.
        unsafe {
            self.row.clear();
            let mut memory = PgMemoryContexts::For(self.memory);
            let found = memory.switch_to(|_| self.change(slot, plan_slot)).or_raise();
            if found && !self.statement.outputs().is_empty() {
                self.store(slot);
            }
            // Most rows allocate nothing, and a call of the server for each would be felt.
            if !(*self.memory).isReset {
                pg_sys::MemoryContextReset(self.memory);
            }
            found
        }
    }

    /// # Safety
    /// As for `run`.
    unsafe fn change(
        &mut self,
        slot: *mut pg_sys::TupleTableSlot,
        plan_slot: *mut pg_sys::TupleTableSlot,
    ) -> Result<bool, Error> {
        // SAFETY: `slot` holds a row of the target's, `plan_slot` one of the subplan that `junk` was found for.
        unsafe {
            match self.operation {
                Operation::Insert => self.statement.insert(&values(slot, &self.written), &mut self.row),
                Operation::Update => {
                    let key = self.junk.read(plan_slot)?;
                    if let Some(updated) = &mut self.updated {
                        let inserted = match &key {
                            RowKey::Rowid(rowid) => updated.insert_rowid(*rowid),
                            RowKey::Values(values) => updated.insert_values(values),
                        };
                        if !inserted.unwrap_or_else(|_| memory::exhausted("keys of rows")) {
                            return Ok(false);
                        }
                    }
                    self.statement.change(&key, &values(slot, &self.written), &mut self.row)
                }
                Operation::Delete => self.statement.change(&self.junk.read(plan_slot)?, &[], &mut self.row),
            }
        }
    }

    /// What came back takes the place of the slot's values.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn store(&self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: both vectors have one entry per attribute of the slot's descriptor; heap_form_tuple copies all that
        // they point to.
        unsafe {
            let desc = (*slot).tts_tupleDescriptor;
            let count = (*desc).natts as usize;
            let mut datums = vec![pg_sys::Datum::from(0usize); count];
            let mut nulls = vec![true; count];
            if self.operation != Operation::Delete && row_key::attribute(slot, count as i16).is_some() {
                datums.copy_from_slice(std::slice::from_raw_parts((*slot).tts_values, count));
                nulls.copy_from_slice(std::slice::from_raw_parts((*slot).tts_isnull, count));
            }
            self.row.fill(&mut datums, &mut nulls);
            let tuple = pg_sys::heap_form_tuple(desc, datums.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::ExecForceStoreHeapTuple(tuple, slot, true);
        }
    }
}

/// # Safety
/// `slot` holds a row of the target's, and it and the current memory context outlive `'a`.
unsafe fn values<'a>(slot: *mut pg_sys::TupleTableSlot, written: &[(i16, Reader)]) -> Vec<Native<'a>> {
    (written.iter())
        // SAFETY: the slot holds a row; `new` made each reader for the type of its attribute.
        .map(|(number, reader)| match unsafe { row_key::attribute(slot, *number) } {
            Some((datum, is_null)) => unsafe { reader.read(datum, is_null) },
            None => Native::Null,
        })
        .collect()
}

/// A child of the current memory context, which goes with it.
pub(crate) fn new_memory() -> pg_sys::MemoryContext {
    // SAFETY: the name is a constant, as it has to be.
    unsafe {
        pg_sys::AllocSetContextCreateInternal(
            pg_sys::CurrentMemoryContext,
            c"pg_sqlite_migrate row".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        )
    }
}

/// Hangs a new state into the target, in the query's memory.
///
/// # Safety
/// As for `Modification::new`; `estate` is the query's.
pub(crate) unsafe fn begin<'a>(
    estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    targets: *mut pg_sys::List,
    change: &RowModification,
) -> &'a mut Modification {
    // SAFETY: the target is the running query's, as the contract asks. Nobody else has a pointer to the new state, which
    // lives until the query's memory goes.
    unsafe {
        let mut memory = PgMemoryContexts::For((*estate).es_query_cxt);
        let state = memory
            .switch_to(|memory| memory.leak_and_drop_on_delete(Modification::new(result, targets, change)));
        (*result).ri_FdwState = state.cast();
        &mut *state
    }
}

/// # Safety
/// `result` is a target of ours: its state is null or was made by `begin`.
pub(crate) unsafe fn state<'a>(result: *mut pg_sys::ResultRelInfo) -> Option<&'a mut Modification> {
    // SAFETY: only `begin` sets the state of our targets; each callback takes it once and keeps no reference.
    unsafe { (*result).ri_FdwState.cast::<Modification>().as_mut() }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_modify(
    modify: *mut pg_sys::ModifyTableState,
    result: *mut pg_sys::ResultRelInfo,
    kept: *mut pg_sys::List,
    _subplan: std::ffi::c_int,
    eflags: std::ffi::c_int,
) {
    if eflags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as i32 != 0 {
        return;
    }
    // SAFETY: the executor hands us an initialised ModifyTable, whose subplan is its outer plan, and the list that
    // `plan_foreign_modify` has made.
    unsafe {
        let change: RowModification = private::kept(kept);
        let subplan = (*modify).ps.lefttree;
        let targets = if subplan.is_null() { std::ptr::null_mut() } else { (*(*subplan).plan).targetlist };
        let state = begin((*modify).ps.state, result, targets, &change);
        // A scan gives each row once; a join may give it with several others.
        if change.operation == Operation::Update && !nodes::is(subplan.cast(), NodeTag::T_ForeignScanState) {
            state.updated = Some(ChangedKeys::default());
        }
    }
}

/// ExecForeignInsert, ExecForeignUpdate and ExecForeignDelete: the state knows its operation.
#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_modify(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    plan_slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor calls with the target that Begin was called with, its slot, and its subplan's.
    let changed = unsafe { state(result).is_some_and(|state| state.run(slot, plan_slot)) };
    if changed { slot } else { std::ptr::null_mut() }
}

/// EndForeignModify, and EndForeignInsert.
#[pg_guard]
pub unsafe extern "C-unwind" fn end_foreign_modify(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: the executor calls with the target that Begin was called with.
    if let Some(state) = unsafe { state(result) } {
        state.statement.end();
    }
}
