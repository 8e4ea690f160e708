//! Joins of tables of one server: inner, left, right, semi and anti. Modelled on foreign_join_ok.
//!
//! The server sees to it that both sides belong to one server and are read with the same user's rights. Only plain
//! SELECTs: nothing here can look again at the rows of one side, as a locking or changing query may have to.

use std::collections::BTreeSet;
use std::ptr::null_mut;

use pgrx::pg_sys;

use super::convert::converter::Converter;
use super::cost::{self, Lookup};
use super::rel::{self, Condition, Kind, Source, State};
use super::{probe, sort};
use crate::pg::compat::{self, PathKind};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::{Expr, JoinKind, Tables};

/// Tables of one query. SQLite joins 64.
const TABLES: usize = 48;

#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_join_paths(
    root: *mut pg_sys::PlannerInfo,
    joinrel: *mut pg_sys::RelOptInfo,
    outer: *mut pg_sys::RelOptInfo,
    inner: *mut pg_sys::RelOptInfo,
    jointype: pg_sys::JoinType::Type,
    extra: *mut pg_sys::JoinPathExtraData,
) {
    // SAFETY: the planner calls with its own structures, in the memory context of the join relation. Every pair of
    // relations that makes this join comes here, until one ships.
    unsafe {
        if State::of(joinrel).is_some() || !is_plain(root, joinrel) {
            return;
        }
        let (Some(left), Some(right)) = (State::shippable(outer), State::shippable(inner)) else { return };
        let restrictions = (*extra).restrictlist;
        let Some(mut state) = join(joinrel, left, right, jointype, restrictions) else { return };
        if !rows_suffice(joinrel, &state) {
            return;
        }
        pg_sys::cost_qual_eval(&mut state.local_cost, state.local, root);
        estimate(root, joinrel, left, right, restrictions, &mut state);
        let state = state.install(joinrel);
        let path = state.path((*joinrel).rows, null_mut());
        compat::add_foreign_path(root, joinrel, joinrel, PathKind::Join, &path);
        sort::add_sorted_paths(root, joinrel, state, PathKind::Join);
    }
}

/// No locks, no lateral references, and nothing that is computed below the top of the join.
unsafe fn is_plain(root: *mut pg_sys::PlannerInfo, joinrel: *mut pg_sys::RelOptInfo) -> bool {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        let rel = &*joinrel;
        let relids = if rel.top_parent_relids.is_null() { rel.relids } else { rel.top_parent_relids };
        let select = (*(*root).parse).commandType == pg_sys::CmdType::CMD_SELECT;
        let placeholders = || {
            nodes::items::<pg_sys::PlaceHolderInfo>((*root).placeholder_list).any(|info| {
                pg_sys::bms_is_subset((*info).ph_eval_at, relids)
                    && pg_sys::bms_nonempty_difference(relids, (*info).ph_eval_at)
            })
        };
        select && (*root).rowMarks.is_null() && nodes::is_empty(rel.lateral_relids) && !placeholders()
    }
}

/// The join as one query, or `None` where it does not ship.
unsafe fn join(
    joinrel: *const pg_sys::RelOptInfo,
    outer: &State,
    inner: &State,
    jointype: pg_sys::JoinType::Type,
    restrictions: *mut pg_sys::List,
) -> Option<State> {
    use pg_sys::JoinType::*;
    if !outer.local.is_null() || !inner.local.is_null() {
        return None; // to be computed before the join
    }
    let tables: Tables = outer.tables.iter().chain(&inner.tables).map(|(k, v)| (*k, v.clone())).collect();
    // A right join is a left join seen from the other side.
    let (kept, added) = if jointype == JOIN_RIGHT { (inner, outer) } else { (outer, inner) };
    let both: BTreeSet<u32> = kept.visible.union(&added.visible).copied().collect();
    let hides = matches!(jointype, JOIN_SEMI | JOIN_ANTI);
    let visible = if hides { kept.visible.clone() } else { both.clone() };
    let changing = outer.changing || inner.changing;
    // SAFETY: the clauses are a callback's.
    let clauses = unsafe { sort_out(joinrel, jointype, restrictions, &tables, &both, &visible, !changing) }?;
    let Clauses { mut on, filter, local } = clauses;

    let mut conditions = kept.conditions.clone();
    let source = match jointype {
        JOIN_INNER => {
            conditions.extend(added.conditions.iter().cloned());
            joined(JoinKind::Inner, kept, added, on)
        }
        JOIN_LEFT | JOIN_RIGHT => {
            on.extend(added.conditions.iter().cloned());
            joined(JoinKind::Left, kept, added, on)
        }
        _ => {
            on.extend(added.conditions.iter().cloned());
            let negated = jointype == JOIN_ANTI;
            conditions.push(Condition::Exists { negated, source: added.source.clone(), conditions: on });
            kept.source.clone()
        }
    };
    conditions.extend(filter);
    let fits = count(&source, &conditions) <= rel::CONDITIONS && tables.len() <= TABLES;
    fits.then(|| State { changing, conditions, local, ..State::new(Kind::Join, tables, visible, source) })
}

fn joined(kind: JoinKind, left: &State, right: &State, on: Vec<Condition>) -> Source {
    Source::Join { kind, left: Box::new(left.source.clone()), right: Box::new(right.source.clone()), on }
}

/// All conditions, those of joins and semi joins too: to SQLite each is a level of an expression somewhere.
fn count(source: &Source, conditions: &[Condition]) -> usize {
    let within: usize = match source {
        Source::Table(_) => 0,
        Source::Join { left, right, on, .. } => count(left, on) + count(right, &[]),
    };
    let counted = conditions.iter().map(|condition| match condition {
        Condition::Clause(_) => 1,
        Condition::Exists { source, conditions, .. } => 1 + count(source, conditions),
    });
    within + counted.sum::<usize>()
}

struct Clauses {
    /// What makes a pair.
    on: Vec<Condition>,
    /// What is left of the pairs.
    filter: Vec<Condition>,
    /// The same, for the server.
    local: *mut pg_sys::List,
}

unsafe fn sort_out(
    joinrel: *const pg_sys::RelOptInfo,
    jointype: pg_sys::JoinType::Type,
    restrictions: *mut pg_sys::List,
    tables: &Tables,
    both: &BTreeSet<u32>,
    visible: &BTreeSet<u32>,
    plan_params: bool,
) -> Option<Clauses> {
    use pg_sys::JoinType::*;
    if !matches!(jointype, JOIN_INNER | JOIN_LEFT | JOIN_RIGHT | JOIN_SEMI | JOIN_ANTI) {
        return None;
    }
    let mut clauses = Clauses { on: vec![], filter: vec![], local: null_mut() };
    let mut cx = Converter::new(tables, both.clone()).with_plan_params(plan_params);
    let may_filter = matches!(jointype, JOIN_LEFT | JOIN_RIGHT | JOIN_ANTI);
    // SAFETY: the clauses are a callback's.
    unsafe {
        for info in nodes::items::<pg_sys::RestrictInfo>(restrictions) {
            let info = &*info;
            if info.pseudoconstant {
                return None; // the server could not check it
            }
            let filters = may_filter && is_pushed_down(info, joinrel);
            cx.show_only(if filters { visible.clone() } else { both.clone() });
            let ships =
                rel::is_secure(info, 0) && cx.condition(info.clause.cast(), shippable::condition).is_some();
            let clause = Condition::Clause(info.clause.cast());
            match (ships, filters) {
                (true, true) => clauses.filter.push(clause),
                (true, false) => clauses.on.push(clause),
                (false, true) if jointype != JOIN_ANTI => nodes::append(&mut clauses.local, info.clause),
                (false, false) if jointype == JOIN_INNER => nodes::append(&mut clauses.local, info.clause),
                (false, _) => return None,
            }
        }
    }
    Some(clauses)
}

/// RINFO_IS_PUSHED_DOWN: the clause filters what the outer join gives.
unsafe fn is_pushed_down(info: &pg_sys::RestrictInfo, joinrel: *const pg_sys::RelOptInfo) -> bool {
    // SAFETY: the planner's sets.
    info.is_pushed_down || unsafe { !pg_sys::bms_is_subset(info.required_relids, (*joinrel).relids) }
}

/// Everything that is wanted of the join is a column that it has: no system column, no whole row, and nothing of a
/// relation inside a semi join.
unsafe fn rows_suffice(joinrel: *const pg_sys::RelOptInfo, state: &State) -> bool {
    let flags = pg_sys::PVC_RECURSE_PLACEHOLDERS as i32;
    let mut cx = state.converter();
    // SAFETY: the expressions are a callback's.
    unsafe {
        [(*(*joinrel).reltarget).exprs, state.local].into_iter().all(|exprs| {
            nodes::items::<pg_sys::Node>(pg_sys::pull_var_clause(exprs.cast(), flags))
                .all(|var| matches!(cx.accepted(var, |_, _| true), Some(Expr::Column(_))))
        })
    }
}

unsafe fn estimate(
    root: *mut pg_sys::PlannerInfo,
    joinrel: *const pg_sys::RelOptInfo,
    outer: &State,
    inner: &State,
    restrictions: *mut pg_sys::List,
    state: &mut State,
) {
    // SAFETY: the arguments are a callback's, or made from them.
    unsafe {
        let selectivity = rel::selectivity(root, state.local, 0);
        let rows = pg_sys::clamp_row_est((*joinrel).rows / selectivity.max(1e-9));
        let columns = nodes::length((*(*joinrel).reltarget).exprs) as f64;
        let both = outer.visible.union(&inner.visible).copied().collect();
        // SQLite would build an index anew for each row that a semi join checks.
        let inside = state.visible.len() < state.tables.len();
        let lookup = lookup(restrictions, inside, &mut Converter::new(&state.tables, both));
        state.estimate = cost::join(&outer.estimate, &inner.estimate, lookup, rows, columns);
    }
}

/// The best of what the join's clauses allow.
unsafe fn lookup(restrictions: *mut pg_sys::List, inside: bool, cx: &mut Converter<'_>) -> Lookup {
    let mut lookup = Lookup::None;
    // SAFETY: the clauses are a callback's.
    unsafe {
        for info in nodes::items::<pg_sys::RestrictInfo>(restrictions) {
            let Some(expr) = cx.condition((*info).clause.cast(), |_, _| true) else { continue };
            if probe::joins_by_index(&expr, cx.tables()) {
                return Lookup::Indexed;
            }
            if probe::joins_by_built_index(&expr, cx.tables()) && !inside {
                lookup = Lookup::Built;
            }
        }
    }
    lookup
}
