//! Orders: the server's pathkeys -> [`Order`], and the orders that are worth a path.

use pgrx::pg_sys;

use super::convert::builtin;
use super::convert::converter::Converter;
use super::cost;
use super::rel::{self, State};
use crate::pg::compat::{self, PathKind};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::{Expr, Order, Tables};

/// ORDER BY for these pathkeys; `None` where one of them does not ship.
///
/// # Safety
/// `pathkeys` are the planner's, `state` is that of `rel`.
pub(crate) unsafe fn orders(
    rel: *const pg_sys::RelOptInfo,
    state: &State,
    pathkeys: *mut pg_sys::List,
    cx: &mut Converter<'_>,
) -> Option<Vec<Order>> {
    // SAFETY: a list of pathkeys.
    unsafe { nodes::items::<pg_sys::PathKey>(pathkeys).map(|key| order(rel, state, &*key, cx)).collect() }
}

unsafe fn order(
    rel: *const pg_sys::RelOptInfo,
    state: &State,
    key: &pg_sys::PathKey,
    cx: &mut Converter<'_>,
) -> Option<Order> {
    // SAFETY: a pathkey has its class.
    let class = unsafe { &*key.pk_eclass };
    if class.ec_has_volatile {
        return None;
    }
    let collation = builtin::collation(class.ec_collation);
    let make = |expr: &Expr| Order {
        expr: expr.clone(),
        collation,
        descending: compat::descends(key),
        nulls_first: key.pk_nulls_first,
    };
    // SAFETY: a class has its members, which have their expressions.
    unsafe {
        for member in compat::class_members(key.pk_eclass, (*rel).relids) {
            let node: *mut pg_sys::Node = (*member).em_expr.cast();
            if !belongs(&*member, rel, state)
                || !builtin::is_default_family(key.pk_opfamily, pg_sys::exprType(node))
            {
                continue;
            }
            if let Some(expr) = cx.accepted(node, |expr, tables| shippable::order(&make(expr), tables)) {
                return Some(make(&expr));
            }
        }
        None
    }
}

/// find_em_for_rel, find_em_for_rel_target: the member can be computed from the relation's rows.
unsafe fn belongs(member: &pg_sys::EquivalenceMember, rel: *const pg_sys::RelOptInfo, state: &State) -> bool {
    // SAFETY: the member's sets and expressions are the planner's, the target list is ours.
    unsafe {
        match state.kind.tlist() {
            Some(tlist) => {
                let node = nodes::unlabeled(member.em_expr.cast());
                nodes::items::<pg_sys::TargetEntry>(tlist)
                    .any(|entry| nodes::equal(nodes::unlabeled((*entry).expr.cast()), node))
            }
            None => {
                !member.em_is_const
                    && !nodes::is_empty(member.em_relids)
                    && pg_sys::bms_is_subset(member.em_relids, (*rel).relids)
            }
        }
    }
}

/// The rows come in this order without sorting.
fn is_presorted(orders: &[Order], tables: &Tables) -> bool {
    let [Order { expr: Expr::Column(var), .. }, rest @ ..] = orders else { return orders.is_empty() };
    let column = tables.get(&var.relation).and_then(|table| table.column(var.attribute));
    // What follows a key does not matter.
    let plain = column.is_some_and(|c| c.strict && (rest.is_empty() || c.is_rowid));
    plain && tables.len() == 1 && shippable::is_indexable(*var, tables)
}

/// The costs of the relation's rows in that order.
///
/// # Safety
/// As `orders`.
pub(crate) unsafe fn estimate(
    rel: *const pg_sys::RelOptInfo,
    state: &State,
    pathkeys: *mut pg_sys::List,
) -> Option<cost::Estimate> {
    // SAFETY: the pathkeys are the planner's, and the state is the relation's, as the contract asks.
    let orders = unsafe { orders(rel, state, pathkeys, &mut state.converter()) }?;
    if orders.is_empty() {
        return Some(state.estimate);
    }
    Some(cost::sort(&state.estimate, state.kind.tlist().is_none() && is_presorted(&orders, &state.tables)))
}

/// Adds a path for each order that helps: the query's own, and for a merge join the order of an index.
///
/// # Safety
/// The arguments are the planner's, `state` is that of `rel`, a base or a join relation.
pub(crate) unsafe fn add_sorted_paths(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    state: &State,
    kind: PathKind,
) {
    // SAFETY: root, relation and state belong together, as the contract asks; pathkeys are root's own or made here.
    unsafe {
        let wanted = (*root).query_pathkeys;
        if let Some(estimate) = estimate(rel, state, wanted).filter(|_| !wanted.is_null()) {
            add_path(root, rel, state, kind, &estimate, wanted);
        }
        for pathkeys in merge_orders(root, rel, state) {
            if let Some(estimate) = estimate(rel, state, pathkeys).filter(|_| !nodes::equal(pathkeys, wanted))
            {
                add_path(root, rel, state, kind, &estimate, pathkeys);
            }
        }
    }
}

unsafe fn add_path(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    state: &State,
    kind: PathKind,
    estimate: &cost::Estimate,
    pathkeys: *mut pg_sys::List,
) {
    // SAFETY: `add_sorted_paths` passes its own arguments on, and pathkeys that `orders` has accepted.
    unsafe {
        let outer = (*rel).lateral_relids;
        let path = rel::scan_path((*rel).rows, estimate, &state.local_cost, pathkeys, outer);
        compat::add_foreign_path(root, rel, rel, kind, &path);
    }
}

/// get_useful_ecs_for_relation, as far as an index gives the order: a sort by the server is as good as one by
/// SQLite.
unsafe fn merge_orders(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    state: &State,
) -> Vec<*mut pg_sys::List> {
    let mut found = vec![];
    // SAFETY: the planner's structures; only the classes of a base relation are looked at.
    unsafe {
        if !nodes::is_simple(rel) || !(*rel).has_eclass_joins {
            return found;
        }
        for class in nodes::items::<pg_sys::EquivalenceClass>((*root).eq_classes) {
            let families = (*class).ec_opfamilies;
            let useful = pg_sys::eclass_useful_for_merging(root, class, rel) && !(*class).ec_has_volatile;
            if nodes::length(families) == 0 || !useful {
                continue;
            }
            let key = compat::ascending(root, class, (*(*families).elements).oid_value);
            let order = order(rel, state, &*key, &mut state.converter());
            if order.is_some_and(|order| is_presorted(&[order], &state.tables)) {
                let mut list = std::ptr::null_mut();
                nodes::append(&mut list, key);
                found.push(list);
            }
        }
    }
    found
}
