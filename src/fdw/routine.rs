//! The table of callbacks.

use pgrx::pg_sys;

use super::executor::{analyze, explain, import, insert, modification, scan, truncate};
use super::planner::{direct, join, modify, paths, plan, rel, upper};
use super::seam::Wrapper;

/// Sets every callback of the routine, those that are not served to null.
pub fn install<W: Wrapper>(routine: &mut pg_sys::FdwRoutine) {
    *routine = pg_sys::FdwRoutine { type_: routine.type_, ..Default::default() };
    install_plan::<W>(routine);
    install_scan::<W>(routine);
    install_modify::<W>(routine);
    routine.AnalyzeForeignTable = Some(analyze::analyze_foreign_table::<W>);
    routine.ImportForeignSchema = Some(import::import_foreign_schema::<W>);
    routine.ExecForeignTruncate = Some(truncate::exec_foreign_truncate::<W>);
}

fn install_plan<W: Wrapper>(routine: &mut pg_sys::FdwRoutine) {
    routine.GetForeignRelSize = Some(rel::get_foreign_rel_size::<W>);
    routine.GetForeignPaths = Some(paths::get_foreign_paths::<W>);
    routine.GetForeignPlan = Some(plan::get_foreign_plan::<W>);
    routine.GetForeignJoinPaths = Some(join::get_foreign_join_paths::<W>);
    routine.GetForeignUpperPaths = Some(upper::get_foreign_upper_paths::<W>);
}

fn install_scan<W: Wrapper>(routine: &mut pg_sys::FdwRoutine) {
    routine.BeginForeignScan = Some(scan::begin_foreign_scan::<W>);
    routine.IterateForeignScan = Some(scan::iterate_foreign_scan::<W>);
    routine.ReScanForeignScan = Some(scan::rescan_foreign_scan::<W>);
    routine.EndForeignScan = Some(scan::end_foreign_scan::<W>);
    routine.ExplainForeignScan = Some(explain::explain_foreign_scan);
}

fn install_modify<W: Wrapper>(routine: &mut pg_sys::FdwRoutine) {
    routine.IsForeignRelUpdatable = Some(modify::is_foreign_rel_updatable::<W>);
    routine.AddForeignUpdateTargets = Some(modify::add_foreign_update_targets::<W>);
    routine.PlanForeignModify = Some(modify::plan_foreign_modify::<W>);
    routine.BeginForeignModify = Some(modification::begin_foreign_modify::<W>);
    routine.ExecForeignInsert = Some(modification::exec_foreign_insert::<W>);
    routine.ExecForeignUpdate = Some(modification::exec_foreign_update::<W>);
    routine.ExecForeignDelete = Some(modification::exec_foreign_delete::<W>);
    routine.EndForeignModify = Some(modification::end_foreign_modify::<W>);
    routine.ExplainForeignModify = Some(explain::explain_foreign_modify::<W>);
    routine.PlanDirectModify = Some(direct::plan_direct_modify::<W>);
    routine.BeginDirectModify = Some(direct::begin_direct_modify::<W>);
    routine.IterateDirectModify = Some(direct::iterate_direct_modify::<W>);
    routine.EndDirectModify = Some(direct::end_direct_modify::<W>);
    routine.ExplainDirectModify = Some(explain::explain_direct_modify);
    routine.BeginForeignInsert = Some(insert::begin_foreign_insert::<W>);
    routine.EndForeignInsert = Some(insert::end_foreign_insert::<W>);
    routine.GetForeignModifyBatchSize = Some(insert::get_foreign_modify_batch_size::<W>);
    routine.ExecForeignBatchInsert = Some(insert::exec_foreign_batch_insert::<W>);
}
