//! INSERT without a plan of ours, for COPY and partition routing, and in batches.

use pgrx::{pg_guard, pg_sys};

use super::modify::{self, state};
use crate::fdw::planner::modify::{Target, do_nothing, readable, unsupported};
use crate::fdw::{OrRaise, relation, writable};
use crate::pg::{foreign, interrupts};
use pg_sqlite_migrate_core::remote::{Operation, RowModification};

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_insert(
    modify: *mut pg_sys::ModifyTableState,
    result: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: the executor hands us an open target; COPY has a ModifyTableState without a plan.
    let (plan, oid) = unsafe {
        let plan: *mut pg_sys::ModifyTable = (*modify).ps.plan.cast();
        refuse_updated(plan, result);
        (plan.as_ref(), (*(*result).ri_RelationDesc).rd_id)
    };
    let relation = foreign::table(oid);
    let table = relation::table(&relation).or_raise();
    writable::refuse_view(&table).or_raise();
    let target = Target::open(oid);
    let conflict = plan.map(|plan| do_nothing(plan.onConflictAction).or_raise());
    // SAFETY: the target and its node are those from above.
    unsafe {
        let returns = !(*result).ri_returningList.is_null()
            || !(*result).ri_WithCheckOptions.is_null()
            || target.has_after_trigger(Operation::Insert);
        let change = RowModification {
            operation: Operation::Insert,
            attributes: target.written(&relation, &table),
            key: vec![],
            returning: if returns { readable(&relation, &table) } else { vec![] },
            do_nothing: conflict.unwrap_or(false),
            proof: table.proof(),
        };
        modify::begin((*modify).ps.state, result, std::ptr::null_mut(), &change);
    }
}

/// A row routed into a foreign table that the same UPDATE still has to work through would be updated again.
///
/// # Safety
/// `plan` is null or the statement's; `result` is an open target.
unsafe fn refuse_updated(plan: *mut pg_sys::ModifyTable, result: *mut pg_sys::ResultRelInfo) {
    // SAFETY: both are null or live structures of the running statement, as the contract asks.
    unsafe {
        let is_update = plan.as_ref().is_some_and(|p| p.operation == pg_sys::CmdType::CMD_UPDATE);
        if is_update && ((*result).ri_usesFdwDirectModify || !(*result).ri_FdwState.is_null()) {
            let name = foreign::table((*(*result).ri_RelationDesc).rd_id).name;
            let message = format!("cannot route tuples into foreign table to be updated \"{name}\"");
            Err(unsupported(&message)).or_raise()
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_modify_batch_size(
    result: *mut pg_sys::ResultRelInfo,
) -> std::ffi::c_int {
    // SAFETY: the executor hands us an open target; EXPLAIN's has no state.
    unsafe {
        let row_triggers = (*result).ri_TrigDesc.as_ref();
        if !(*result).ri_projectReturning.is_null()
            || !(*result).ri_WithCheckOptions.is_null()
            || row_triggers.is_some_and(|t| t.trig_insert_before_row || t.trig_insert_after_row)
        {
            return 1;
        }
        let size = match state(result) {
            Some(state) => state.batch_size,
            None => writable::batch_size(&foreign::table((*(*result).ri_RelationDesc).rd_id)).or_raise(),
        };
        size.max(1)
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_batch_insert(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slots: *mut *mut pg_sys::TupleTableSlot,
    _plan_slots: *mut *mut pg_sys::TupleTableSlot,
    count: *mut std::ffi::c_int,
) -> *mut *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor hands us `count` filled slots of the target's; an INSERT looks at no subplan.
    unsafe {
        let Some(state) = state(result) else { return std::ptr::null_mut() };
        let mut inserted = 0;
        for slot in std::slice::from_raw_parts(slots, (*count).max(0) as usize) {
            interrupts::check();
            inserted += i32::from(state.run(*slot, std::ptr::null_mut()));
        }
        *count = inserted;
        if inserted > 0 { slots } else { std::ptr::null_mut() }
    }
}
