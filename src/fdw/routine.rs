//! The HANDLER: the table of callbacks.

use std::collections::HashMap;

use pgrx::{AllocatedByRust, pg_sys};
use supabase_wrappers::FdwRoutine;
use supabase_wrappers::prelude::*;

use super::executor::{analyze, direct as run_direct, explain, insert, modify as run, scan, utility};
use super::planner::{direct, join, modify, paths, plan, rel, upper};
use crate::error::Error;

/// Reading and changing SQLite files as foreign tables.
pub struct PgSqliteFdw;

/// What supabase-wrappers asks for. Its scan path is never reached: `fdw_routine_hook` replaces it.
impl ForeignDataWrapper<Error> for PgSqliteFdw {
    fn new(_server: ForeignServer) -> Result<Self, Error> {
        Ok(PgSqliteFdw)
    }

    fn begin_scan(
        &mut self,
        _quals: &[Qual],
        _columns: &[Column],
        _sorts: &[Sort],
        _limit: &Option<Limit>,
        _options: &HashMap<String, String>,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn iter_scan(&mut self, _row: &mut Row) -> Result<Option<()>, Error> {
        Ok(None)
    }

    fn end_scan(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Sets every callback, those that are not served to null.
    fn fdw_routine_hook(routine: &mut FdwRoutine<AllocatedByRust>) {
        **routine = pg_sys::FdwRoutine { type_: routine.type_, ..Default::default() };
        routine.GetForeignRelSize = Some(rel::get_foreign_rel_size);
        routine.GetForeignPaths = Some(paths::get_foreign_paths);
        routine.GetForeignPlan = Some(plan::get_foreign_plan);
        routine.GetForeignJoinPaths = Some(join::get_foreign_join_paths);
        routine.GetForeignUpperPaths = Some(upper::get_foreign_upper_paths);
        routine.IsForeignRelUpdatable = Some(modify::is_foreign_rel_updatable);
        routine.AddForeignUpdateTargets = Some(modify::add_foreign_update_targets);
        routine.PlanForeignModify = Some(modify::plan_foreign_modify);
        routine.PlanDirectModify = Some(direct::plan_direct_modify);

        routine.BeginForeignScan = Some(scan::begin_foreign_scan);
        routine.IterateForeignScan = Some(scan::iterate_foreign_scan);
        routine.ReScanForeignScan = Some(scan::rescan_foreign_scan);
        routine.EndForeignScan = Some(scan::end_foreign_scan);
        routine.ExplainForeignScan = Some(explain::explain_foreign_scan);
        routine.BeginForeignModify = Some(run::begin_foreign_modify);
        routine.ExecForeignInsert = Some(run::exec_foreign_modify);
        routine.ExecForeignUpdate = Some(run::exec_foreign_modify);
        routine.ExecForeignDelete = Some(run::exec_foreign_modify);
        routine.EndForeignModify = Some(run::end_foreign_modify);
        routine.ExplainForeignModify = Some(explain::explain_foreign_modify);
        routine.BeginForeignInsert = Some(insert::begin_foreign_insert);
        routine.EndForeignInsert = Some(run::end_foreign_modify);
        routine.GetForeignModifyBatchSize = Some(insert::get_foreign_modify_batch_size);
        routine.ExecForeignBatchInsert = Some(insert::exec_foreign_batch_insert);
        routine.BeginDirectModify = Some(run_direct::begin_direct_modify);
        routine.IterateDirectModify = Some(run_direct::iterate_direct_modify);
        routine.EndDirectModify = Some(run_direct::end_direct_modify);
        routine.ExplainDirectModify = Some(explain::explain_direct_modify);

        routine.AnalyzeForeignTable = Some(analyze::analyze_foreign_table);
        routine.ImportForeignSchema = Some(utility::import_foreign_schema);
        routine.ExecForeignTruncate = Some(utility::exec_foreign_truncate);
    }
}
