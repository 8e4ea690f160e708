//! Executing INSERT, UPDATE and DELETE row by row.

use std::collections::HashSet;
use std::fmt::Write;

use pgrx::pg_sys::NodeTag;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::{PgMemoryContexts, pg_guard, pg_sys};

use super::catalog;
use super::datum::Reader;
use super::sink::Row;
use crate::fdw::planner::key;
use crate::fdw::planner::key::Junk;
use crate::fdw::planner::private;
use crate::fdw::seam::{Change, Modify, Operation, Relation, RowKey, Wrapper};
use crate::pg::memory;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Decode, Output};
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
use pg_sqlite_migrate_core::value::native::Native;

/// A target as the executor changes it. Lives in the query's memory context.
pub struct Modification<M> {
    /// `None` after the end.
    modify: Option<M>,
    junk: Junk,
    /// What is written, by attribute number.
    written: Vec<(i16, Reader)>,
    /// What comes back.
    row: Row,
    returns: bool,
    /// Rows that an UPDATE has changed, where its plan may come to one again; a table of the server's own knows by
    /// its tuples' headers.
    updated: Option<HashSet<Updated>>,
    /// For one row's values; a child of the query's memory.
    memory: pg_sys::MemoryContext,
    pub batch_size: i32,
}

/// The key of a row that has been changed.
#[derive(PartialEq, Eq, Hash)]
enum Updated {
    Rowid(i64),
    /// Its values, printed.
    Values(Vec<u8>),
}

impl<M: Modify> Modification<M> {
    /// # Safety
    /// `result` is an open target of a running query, in whose memory context this is called; `targets` is the
    /// subplan's target list, or null.
    pub unsafe fn new<W: Wrapper<Modify = M>>(
        result: *mut pg_sys::ResultRelInfo,
        targets: *mut pg_sys::List,
        change: &Change,
    ) -> Modification<M> {
        // SAFETY: the caller vouches for the target.
        unsafe {
            let relation = catalog::relation((*(*result).ri_RelationDesc).rd_id);
            let outputs = outputs::<W>(&relation, &change.returning).unwrap_or_report();
            Modification {
                junk: match change.operation {
                    Operation::Insert => Junk::None,
                    _ => Junk::find(targets, &relation, &change.key),
                },
                written: key::named(&relation, &change.attributes)
                    .map(|attribute| (attribute.number, Reader::new(attribute.type_oid)))
                    .collect(),
                row: Row::new((*(*result).ri_RelationDesc).rd_att, &outputs),
                returns: !outputs.is_empty(),
                updated: None,
                memory: new_memory(),
                batch_size: W::batch_size(&relation).unwrap_or_report(),
                modify: Some(W::begin_modify(&relation, change).unwrap_or_report()),
            }
        }
    }

    /// Changes one row; the slot has its new values and those that came back. `false` where there was nothing to
    /// change.
    ///
    /// # Safety
    /// `slot` is the target's; `plan_slot` holds the subplan's row, or is null for an INSERT.
    unsafe fn run(
        &mut self,
        operation: Operation,
        slot: *mut pg_sys::TupleTableSlot,
        plan_slot: *mut pg_sys::TupleTableSlot,
    ) -> bool {
        // SAFETY: what is allocated for the row's values is not used after the reset; the tuple that is stored
        // is formed in the caller's memory.
        unsafe {
            self.row.clear();
            let mut memory = PgMemoryContexts::For(self.memory);
            let found = memory.switch_to(|_| self.change(operation, slot, plan_slot)).unwrap_or_report();
            if found && self.returns {
                self.store(slot, operation);
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
        operation: Operation,
        slot: *mut pg_sys::TupleTableSlot,
        plan_slot: *mut pg_sys::TupleTableSlot,
    ) -> Result<bool, ErrorReport> {
        let Some(modify) = self.modify.as_mut() else { return Ok(false) };
        // SAFETY: the caller vouches for the slots.
        unsafe {
            match operation {
                Operation::Insert => modify.insert(&values(slot, &self.written), &mut self.row),
                Operation::Update => {
                    let key = self.junk.read(plan_slot)?;
                    if let Some(updated) = &mut self.updated
                        && !Updated::note(&key, updated).unwrap_or_else(|_| memory::exhausted("keys of rows"))
                    {
                        return Ok(false);
                    }
                    modify.update(&key, &values(slot, &self.written), &mut self.row)
                }
                Operation::Delete => modify.delete(&self.junk.read(plan_slot)?, &mut self.row),
            }
        }
    }

    /// What came back takes the place of the slot's values.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn store(&self, slot: *mut pg_sys::TupleTableSlot, operation: Operation) {
        // SAFETY: both vectors have one entry per attribute; the tuple is a copy of all they point to.
        unsafe {
            let desc = (*slot).tts_tupleDescriptor;
            let count = (*desc).natts as usize;
            let mut datums = vec![pg_sys::Datum::from(0usize); count];
            let mut nulls = vec![true; count];
            if operation != Operation::Delete && key::attribute(slot, count as i16).is_some() {
                datums.copy_from_slice(std::slice::from_raw_parts((*slot).tts_values, count));
                nulls.copy_from_slice(std::slice::from_raw_parts((*slot).tts_isnull, count));
            }
            self.row.fill(&mut datums, &mut nulls);
            let tuple = pg_sys::heap_form_tuple(desc, datums.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::ExecForceStoreHeapTuple(tuple, slot, true);
        }
    }

    /// Inserts one row; `false` where a conflict has left it out.
    ///
    /// # Safety
    /// `slot` holds a row of the target's.
    pub unsafe fn insert(&mut self, slot: *mut pg_sys::TupleTableSlot) -> bool {
        // SAFETY: an INSERT looks at no subplan.
        unsafe { self.run(Operation::Insert, slot, std::ptr::null_mut()) }
    }

    fn end(&mut self) {
        if let Some(mut modify) = self.modify.take() {
            modify.end();
        }
    }
}

/// # Safety
/// `slot` holds a row of the target's.
unsafe fn values<'a>(slot: *mut pg_sys::TupleTableSlot, written: &[(i16, Reader)]) -> Vec<Native<'a>> {
    (written.iter())
        // SAFETY: the reader is the attribute's; the slot's values and the current memory outlive the change.
        .map(|(number, reader)| match unsafe { key::attribute(slot, *number) } {
            Some((datum, is_null)) => unsafe { reader.read(datum, is_null) },
            None => Native::Null,
        })
        .collect()
}

impl Updated {
    /// `false` for a key that was there.
    fn note(key: &RowKey<'_>, noted: &mut HashSet<Updated>) -> Result<bool, OutOfMemory> {
        let key = match key {
            RowKey::Rowid(rowid) => Updated::Rowid(*rowid),
            RowKey::Values(values) => {
                let mut printed = Buffer::new();
                write!(printed, "{values:?}")?;
                Updated::Values(buffer::bytes(printed.bytes())?)
            }
        };
        noted.try_reserve(1)?;
        Ok(noted.insert(key))
    }
}

/// How the attributes of RETURNING are read.
fn outputs<W: Wrapper>(relation: &Relation, returning: &[i16]) -> Result<Vec<Output>, ErrorReport> {
    if returning.is_empty() {
        return Ok(vec![]);
    }
    let table = W::table(relation)?;
    let decode = |number: i16| match table.column(number) {
        Some(column) => Decode::Cell {
            table: table.name.clone(),
            column: column.name.clone(),
            pg_type: column.pg_type.clone(),
            type_name: column.type_name.clone(),
            format: String::new(),
            on_invalid: if column.on_invalid == OnInvalid::Null { "null".into() } else { "error".into() },
            timezone: table.timezone.as_ref().map(ToString::to_string).unwrap_or_default(),
            not_null: column.not_null,
        },
        None => Decode::Rowid,
    };
    Ok(returning.iter().map(|number| Output { attribute: *number, decode: decode(*number) }).collect())
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
pub(crate) unsafe fn begin<W: Wrapper>(
    estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    targets: *mut pg_sys::List,
    change: &Change,
) {
    // SAFETY: the caller vouches for the target; the state lives as long as the query's memory.
    unsafe {
        let mut memory = PgMemoryContexts::For((*estate).es_query_cxt);
        let state = memory.switch_to(|memory| {
            memory.leak_and_drop_on_delete(Modification::new::<W>(result, targets, change))
        });
        (*result).ri_FdwState = state.cast();
    }
}

/// # Safety
/// The target's state is null or was made by `begin::<W>`.
pub(crate) unsafe fn state<'a, W: Wrapper>(
    result: *mut pg_sys::ResultRelInfo,
) -> Option<&'a mut Modification<W::Modify>> {
    // SAFETY: the caller vouches for the type; nothing else refers to the state.
    unsafe { (*result).ri_FdwState.cast::<Modification<W::Modify>>().as_mut() }
}

/// # Safety
/// As for `state`.
pub(crate) unsafe fn end<W: Wrapper>(result: *mut pg_sys::ResultRelInfo) {
    // SAFETY: the caller vouches for the state.
    if let Some(state) = unsafe { state::<W>(result) } {
        state.end();
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_modify<W: Wrapper>(
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
        let change: Change = private::kept(kept);
        let subplan = (*modify).ps.lefttree;
        let targets = if subplan.is_null() { std::ptr::null_mut() } else { (*(*subplan).plan).targetlist };
        begin::<W>((*modify).ps.state, result, targets, &change);
        // A scan gives each row once; a join may give it with several others.
        if change.operation == Operation::Update && !nodes::is(subplan.cast(), NodeTag::T_ForeignScanState) {
            state::<W>(result).into_iter().for_each(|state| state.updated = Some(HashSet::new()));
        }
    }
}

/// # Safety
/// As the executor calls it.
unsafe fn change<W: Wrapper>(
    operation: Operation,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    plan_slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the state was made by `begin::<W>`; the executor's slots fit it.
    let changed = unsafe { state::<W>(result).is_some_and(|state| state.run(operation, slot, plan_slot)) };
    if changed { slot } else { std::ptr::null_mut() }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_insert<W: Wrapper>(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    plan_slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own call.
    unsafe { change::<W>(Operation::Insert, result, slot, plan_slot) }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_update<W: Wrapper>(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    plan_slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own call.
    unsafe { change::<W>(Operation::Update, result, slot, plan_slot) }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_delete<W: Wrapper>(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    plan_slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own call.
    unsafe { change::<W>(Operation::Delete, result, slot, plan_slot) }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end_foreign_modify<W: Wrapper>(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: the executor's own call.
    unsafe { end::<W>(result) };
}
