//! Paths of a foreign table: the scan, the scan in an order, and look-ups by the columns of other relations.

use std::ffi::c_void;
use std::ptr::null_mut;

use pgrx::pg_sys;

use super::convert::converter::Converter;
use super::rel::{self, Clauses, State};
use super::{changes, probe, sort};
use crate::guc;
use crate::pg::compat::{self, PathKind};
use crate::pg::nodes;

#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_paths(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _oid: pg_sys::Oid,
) {
    // SAFETY: the planner calls with its own structures, after get_foreign_rel_size.
    unsafe {
        let Some(state) = State::of(rel) else { return };
        let plain = state.path((*rel).rows, (*rel).lateral_relids);
        compat::add_foreign_path(root, rel, rel, PathKind::Scan, &plain);
        if guc::pushdown() {
            sort::add_sorted_paths(root, rel, state, PathKind::Scan);
            // A look-up runs again for each row of another relation, and would read what the query has changed since.
            if !changes::of_server(root, (*rel).serverid) {
                for outer in outer_relations(root, rel, state) {
                    add_lookup(root, rel, state, outer);
                }
            }
        }
    }
}

/// Other relations whose columns an index of this one can be probed with.
unsafe fn outer_relations(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    state: &State,
) -> Vec<*mut pg_sys::ParamPathInfo> {
    let mut found = vec![];
    let mut cx = state.converter().with_outer();
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        for clause in nodes::items::<pg_sys::RestrictInfo>((*rel).joininfo) {
            consider(root, rel, clause, &mut cx, &mut found);
        }
        if (*rel).has_eclass_joins {
            for attribute in probe::indexable((*rel).relid, &state.tables) {
                for clause in nodes::items(implied_equalities(root, rel, attribute)) {
                    consider(root, rel, clause, &mut cx, &mut found);
                }
            }
        }
    }
    found
}

unsafe fn consider(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    clause: *mut pg_sys::RestrictInfo,
    cx: &mut Converter<'_>,
    found: &mut Vec<*mut pg_sys::ParamPathInfo>,
) {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        if !pg_sys::join_clause_is_movable_to(clause, rel) {
            return;
        }
        let Some(expr) = rel::ship(clause, rel, cx) else { return };
        if !probe::is_probe(&expr, cx.tables()) {
            return;
        }
        let outer = pg_sys::bms_union((*clause).clause_relids, (*rel).lateral_relids);
        let outer = pg_sys::bms_del_member(outer, (*rel).relid as i32);
        if nodes::is_empty(outer) {
            return;
        }
        // The planner has one of these for each set of relations.
        let info = pg_sys::get_baserel_parampathinfo(root, rel, outer);
        if !found.contains(&info) {
            found.push(info);
        }
    }
}

/// Clauses `attribute = column of another relation` of the equivalence classes.
unsafe fn implied_equalities(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    mut attribute: i16,
) -> *mut pg_sys::List {
    // SAFETY: the callback only reads the number while it is called.
    unsafe {
        pg_sys::generate_implied_equalities_for_column(
            root,
            rel,
            Some(is_attribute),
            (&raw mut attribute).cast(),
            (*rel).lateral_referencers,
        )
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn is_attribute(
    _root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _class: *mut pg_sys::EquivalenceClass,
    member: *mut pg_sys::EquivalenceMember,
    attribute: *mut c_void,
) -> bool {
    // SAFETY: called by `implied_equalities`, with the planner's structures.
    unsafe {
        let node = nodes::unlabeled((*member).em_expr.cast());
        if !nodes::is(node, pg_sys::NodeTag::T_Var) {
            return false;
        }
        let var = &*node.cast::<pg_sys::Var>();
        var.varno as u32 == (*rel).relid && var.varlevelsup == 0 && var.varattno == *attribute.cast::<i16>()
    }
}

/// A path for the inner side of a nested loop.
unsafe fn add_lookup(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    state: &State,
    info: *mut pg_sys::ParamPathInfo,
) {
    let mut cx = state.converter().with_outer();
    // SAFETY: root and relation are the callback's; the planner has made `info` for this relation.
    unsafe {
        let base = nodes::items::<pg_sys::RestrictInfo>((*rel).baserestrictinfo);
        let clauses = base.chain(nodes::items((*info).ppi_clauses));
        let Clauses { shipped, local } = rel::classify(rel, clauses, &mut cx);
        let mut local_cost = pg_sys::QualCost::default();
        pg_sys::cost_qual_eval(&mut local_cost, local, root);
        let estimate = rel::estimate(root, rel, &state.tables, &shipped, state.estimate.columns);
        (*info).ppi_rows = (*info).ppi_rows.min(estimate.rows);
        let outer = (*info).ppi_req_outer;
        let path = rel::scan_path((*info).ppi_rows, &estimate, &local_cost, null_mut(), outer);
        compat::add_foreign_path(root, rel, rel, PathKind::Scan, &path);
    }
}
