//! EXPLAIN: the text that goes to SQLite.

use pgrx::{pg_guard, pg_sys};

use super::scan::{self, Scan};
use crate::fdw::planner::direct::DirectPlan;
use crate::fdw::planner::private;
use crate::fdw::{OrRaise, relation};
use crate::pg::{encoding, foreign};
use pg_sqlite_migrate_core::remote::deparse::{KeyForm, row_modification};
use pg_sqlite_migrate_core::remote::{Remote, RowModification};

#[pg_guard]
pub unsafe extern "C-unwind" fn explain_foreign_scan(
    node: *mut pg_sys::ForeignScanState,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: the state, where the query runs, is a `Scan`; the plan's list is what GetForeignPlan has put there.
    unsafe {
        if let Some(scan) = scan::state::<Scan>(node) {
            return property("Remote SQL", scan.cursor.sql(), explain);
        }
        let remote: Remote = private::kept((*scan::plan(node)).fdw_private);
        property("Remote SQL", &remote.sql, explain);
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn explain_direct_modify(
    node: *mut pg_sys::ForeignScanState,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: the plan's list is what PlanDirectModify has put there.
    unsafe {
        let DirectPlan { direct, .. } = private::kept((*scan::plan(node)).fdw_private);
        property("Remote SQL", &direct.remote.sql, explain);
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn explain_foreign_modify(
    _state: *mut pg_sys::ModifyTableState,
    result: *mut pg_sys::ResultRelInfo,
    kept: *mut pg_sys::List,
    _subplan: std::ffi::c_int,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: the list is what PlanForeignModify has put there; the relation is open.
    unsafe {
        let change: RowModification = private::kept(kept);
        let table = relation::table(&foreign::table((*(*result).ri_RelationDesc).rd_id)).or_raise();
        property("Remote SQL", &row_modification(&table, &change, KeyForm::Stored), explain);
        if (*result).ri_BatchSize > 1 {
            let size = i64::from((*result).ri_BatchSize);
            pg_sys::ExplainPropertyInteger(c"Batch Size".as_ptr(), std::ptr::null(), size, explain);
        }
    }
}

/// # Safety
/// `explain` is EXPLAIN's state.
unsafe fn property(label: &str, text: &str, explain: *mut pg_sys::ExplainState) {
    let (Ok(label), Ok(text)) = (encoding::to_server(label), encoding::to_server(text)) else { return };
    // SAFETY: both are NUL-terminated and copied.
    unsafe { pg_sys::ExplainPropertyText(label.as_ptr(), text.as_ptr(), explain) };
}
