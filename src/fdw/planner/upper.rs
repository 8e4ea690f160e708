//! What follows the joins: groups, distinct rows, the final sort, LIMIT. Modelled on postgresGetForeignUpperPaths.
//!
//! A step is only built on a relation that ships whole: what the server would have to filter first keeps it here.

use std::ptr::null_mut;

use pgrx::pg_sys;

use super::cost::{self, Estimate};
use super::rel::{self, Kind, State};
use super::{group, plan, sort};
use crate::pg::compat::{self, PathKind, ScanPath};
use crate::pg::nodes;

#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_upper_paths(
    root: *mut pg_sys::PlannerInfo,
    stage: pg_sys::UpperRelationKind::Type,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    extra: *mut std::ffi::c_void,
) {
    use pg_sys::UpperRelationKind::*;
    // SAFETY: the planner calls with its own structures, `extra` as the stage wants it.
    unsafe {
        let Some(below) = State::shippable(input) else { return };
        let query = &*(*root).parse;
        // A function of the target list that returns sets makes more rows after this.
        if State::of(output).is_some() || query.hasTargetSRFs || !nodes::is_empty((*input).lateral_relids) {
            return;
        }
        match stage {
            UPPERREL_GROUP_AGG => {
                let having = (*extra.cast::<pg_sys::GroupPathExtraData>()).havingQual;
                add_groups(root, below, output, having.cast());
            }
            UPPERREL_DISTINCT => add_distinct(root, below, output),
            UPPERREL_ORDERED => add_ordered(root, below, input, output),
            UPPERREL_FINAL => add_limited(root, below, input, output, &*extra.cast()),
            _ => {}
        }
    }
}

unsafe fn add_groups(
    root: *mut pg_sys::PlannerInfo,
    below: &State,
    output: *mut pg_sys::RelOptInfo,
    having: *mut pg_sys::List,
) {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        let query = &*(*root).parse;
        let aggregates = query.hasAggs || !query.groupClause.is_null();
        let rows = matches!(below.kind, Kind::Table(_) | Kind::Join) && below.local.is_null();
        if !aggregates || !query.groupingSets.is_null() || !rows {
            return;
        }
        let Some((kind, local)) = group::groups(query, below, (*output).reltarget, having) else {
            return;
        };
        let by = kind.groups().map_or(&[][..], |groups| &groups.by);
        let (keys, columns) = (by.len() as f64, nodes::length(kind.tlist().unwrap_or(null_mut())) as f64);
        let rows = match by.is_empty() {
            true => 1.0,
            false => number_of_groups(root, by, below.estimate.rows),
        };
        let mut state = State { local, ..below.of_same_rows(kind) };
        state.estimate = cost::group(&below.estimate, rows, keys, (columns - keys).max(0.0), columns);
        add(root, output, state, (*output).reltarget);
    }
}

unsafe fn add_distinct(root: *mut pg_sys::PlannerInfo, below: &State, output: *mut pg_sys::RelOptInfo) {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        let query = &*(*root).parse;
        let twice = matches!(below.kind, Kind::Distinct { .. });
        if query.hasDistinctOn || twice || !below.local.is_null() {
            return;
        }
        let target = (*root).upper_targets[pg_sys::UpperRelationKind::UPPERREL_DISTINCT as usize];
        let Some(kind) = group::distinct(query, below, target) else { return };
        let tlist = kind.tlist().unwrap_or(null_mut());
        let columns = nodes::length(tlist) as f64;
        let exprs: Vec<_> =
            nodes::items::<pg_sys::TargetEntry>(tlist).map(|entry| (*entry).expr.cast()).collect();
        let rows = number_of_groups(root, &exprs, below.estimate.rows);
        let mut state = below.of_same_rows(kind);
        state.estimate = cost::group(&below.estimate, rows, columns, 0.0, columns);
        add(root, output, state, target);
    }
}

unsafe fn number_of_groups(root: *mut pg_sys::PlannerInfo, exprs: &[*mut pg_sys::Node], rows: f64) -> f64 {
    let mut list = null_mut();
    // SAFETY: the expressions are a callback's.
    unsafe {
        for expr in exprs {
            nodes::append(&mut list, *expr);
        }
        pg_sys::estimate_num_groups(root, list, rows.max(1.0), null_mut(), null_mut())
    }
}

/// Installs the state of a new upper relation and adds its path.
unsafe fn add(
    root: *mut pg_sys::PlannerInfo,
    output: *mut pg_sys::RelOptInfo,
    mut state: State,
    target: *mut pg_sys::PathTarget,
) {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        pg_sys::cost_qual_eval(&mut state.local_cost, state.local, root);
        let rows = pg_sys::clamp_row_est(state.estimate.rows * rel::selectivity(root, state.local, 0));
        let state = state.install(output);
        add_path(
            root,
            output,
            output,
            state,
            &state.estimate,
            Shape { target, rows, pathkeys: null_mut(), limit: false },
        );
    }
}

struct Shape {
    target: *mut pg_sys::PathTarget,
    rows: f64,
    pathkeys: *mut pg_sys::List,
    limit: bool,
}

unsafe fn add_path(
    root: *mut pg_sys::PlannerInfo,
    parent: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    state: &State,
    estimate: &Estimate,
    shape: Shape,
) {
    // SAFETY: the planner's structures; the list is of integers.
    unsafe {
        let target_cost = (*shape.target).cost;
        let private = if shape.limit { pg_sys::lappend_int(null_mut(), plan::LIMIT) } else { null_mut() };
        let path = ScanPath {
            target: shape.target,
            rows: shape.rows,
            startup: estimate.startup + state.local_cost.startup + target_cost.startup,
            total: estimate.total(&state.local_cost)
                + target_cost.startup
                + target_cost.per_tuple * shape.rows,
            pathkeys: shape.pathkeys,
            required_outer: null_mut(),
            private,
        };
        compat::add_foreign_path(root, parent, output, PathKind::Upper, &path);
    }
}

/// The final sort. Of base and join relations it is a path already, or does not ship; what is built on it needs to
/// know.
unsafe fn add_ordered(
    root: *mut pg_sys::PlannerInfo,
    below: &State,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        let pathkeys = (*root).sort_pathkeys;
        let computed = below.kind.tlist().is_some();
        if !computed && (*root).query_pathkeys != pathkeys {
            return;
        }
        let Some(estimate) = sort::estimate(input, below, pathkeys) else { return };
        State { local: below.local, ..below.of_same_rows(Kind::Ordered { input }) }.install(output);
        if computed {
            let target = (*root).upper_targets[pg_sys::UpperRelationKind::UPPERREL_ORDERED as usize];
            let rows = pg_sys::clamp_row_est(estimate.rows * rel::selectivity(root, below.local, 0));
            add_path(root, input, output, below, &estimate, Shape { target, rows, pathkeys, limit: false });
        }
    }
}

/// LIMIT and OFFSET on rows that come as they are, or sorted.
unsafe fn add_limited(
    root: *mut pg_sys::PlannerInfo,
    below: &State,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    extra: &pg_sys::FinalPathExtraData,
) {
    // SAFETY: root has the query that it plans.
    let query = unsafe { &*(*root).parse };
    let plain = query.commandType == pg_sys::CmdType::CMD_SELECT
        && query.rowMarks.is_null()
        && query.limitOption != pg_sys::LimitOption::LIMIT_OPTION_WITH_TIES;
    if !extra.limit_needed || !plain || !below.local.is_null() {
        return;
    }
    // SAFETY: root and relations are the callback's, and `Ordered` has kept a relation of the same planning.
    unsafe {
        // An ordered relation has the rows of the one below it.
        let (input, pathkeys) = match below.kind {
            Kind::Ordered { input } => (input, (*root).sort_pathkeys),
            _ => (input, null_mut()),
        };
        let Some(source) = State::shippable(input) else { return };
        let ships = plan::limits(query, &mut source.converter()).is_some();
        if !ships || !nodes::is_empty((*input).lateral_relids) {
            return;
        }
        let Some(sorted) = sort::estimate(input, source, pathkeys) else { return };
        let estimate = cost::limit(&sorted, extra.offset_est, extra.count_est);
        let target = (*root).upper_targets[pg_sys::UpperRelationKind::UPPERREL_FINAL as usize];
        let shape = Shape { target, rows: estimate.rows, pathkeys, limit: true };
        add_path(root, input, output, source, &estimate, shape);
    }
}
