//! Rows that come without a plan of ours: COPY and partition routing; rows that come in numbers.

use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::{PgLogLevel, pg_guard, pg_sys};

use super::catalog;
use super::modification::{self, state};
use crate::fdw::planner::modify;
use crate::fdw::planner::modify::Target;
use crate::fdw::seam::{Change, Operation, Wrapper};
use crate::pg::interrupts;

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_insert<W: Wrapper>(
    modify: *mut pg_sys::ModifyTableState,
    result: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: the executor hands us an open target; COPY has a ModifyTableState without a plan.
    unsafe {
        let plan: *mut pg_sys::ModifyTable = (*modify).ps.plan.cast();
        let oid = (*(*result).ri_RelationDesc).rd_id;
        refuse_updated(plan, result);
        let relation = catalog::relation(oid);
        let table = W::table(&relation).unwrap_or_report();
        modify::refuse_view(&table);
        let target = Target::open(oid);
        let looks_back = !(*result).ri_returningList.is_null()
            || !(*result).ri_WithCheckOptions.is_null()
            || target.has_after_trigger(Operation::Insert);
        let conflict = plan.as_ref().map(|plan| modify::do_nothing(plan.onConflictAction).unwrap_or_report());
        let change = Change {
            operation: Operation::Insert,
            attributes: target.written(&relation, &table),
            key: vec![],
            returning: if looks_back { modify::readable(&relation, &table) } else { vec![] },
            do_nothing: conflict.unwrap_or(false),
            proof: table.proof(),
        };
        modification::begin::<W>((*modify).ps.state, result, std::ptr::null_mut(), &change);
    }
}

/// A row routed into a foreign table that the same UPDATE still has to work through would be updated again.
///
/// # Safety
/// `plan` is null or the statement's; `result` is an open target.
unsafe fn refuse_updated(plan: *mut pg_sys::ModifyTable, result: *mut pg_sys::ResultRelInfo) {
    // SAFETY: the caller vouches for both.
    unsafe {
        let is_update = plan.as_ref().is_some_and(|p| p.operation == pg_sys::CmdType::CMD_UPDATE);
        if is_update && ((*result).ri_usesFdwDirectModify || !(*result).ri_FdwState.is_null()) {
            let name = catalog::relation((*(*result).ri_RelationDesc).rd_id).name;
            let message = format!("cannot route tuples into foreign table to be updated \"{name}\"");
            modify::unsupported(&message).report(PgLogLevel::ERROR);
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end_foreign_insert<W: Wrapper>(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: the executor's own call.
    unsafe { modification::end::<W>(result) };
}

#[pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_modify_batch_size<W: Wrapper>(
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
        let size = match state::<W>(result) {
            Some(state) => state.batch_size,
            None => W::batch_size(&catalog::relation((*(*result).ri_RelationDesc).rd_id)).unwrap_or_report(),
        };
        size.max(1)
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_batch_insert<W: Wrapper>(
    _estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slots: *mut *mut pg_sys::TupleTableSlot,
    _plan_slots: *mut *mut pg_sys::TupleTableSlot,
    count: *mut std::ffi::c_int,
) -> *mut *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor hands us `count` filled slots of the target's.
    unsafe {
        let Some(state) = state::<W>(result) else { return std::ptr::null_mut() };
        let mut inserted = 0;
        for slot in std::slice::from_raw_parts(slots, (*count).max(0) as usize) {
            interrupts::check();
            inserted += i32::from(state.insert(*slot));
        }
        *count = inserted;
        if inserted > 0 { slots } else { std::ptr::null_mut() }
    }
}
