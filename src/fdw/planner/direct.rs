//! Planning of an UPDATE or DELETE of one table that SQLite does whole.

use pgrx::pg_sys::CmdType::{CMD_DELETE, CMD_UPDATE};
use pgrx::{pg_guard, pg_sys};
use serde::{Deserialize, Serialize};

use super::rel::{BaseTable, Kind, State};
use super::{modify, private};
use crate::pg::{foreign, nodes};
use pg_sqlite_migrate_core::remote::deparse::{Modification, direct_modification};
use pg_sqlite_migrate_core::remote::{DirectModification, Expr, Operation};

/// What the plan keeps.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DirectPlan {
    pub direct: DirectModification,
    /// The statement's own rows, not those of a WITH query, are what its command tag counts.
    pub counts: bool,
}

#[pg_guard]
pub unsafe extern "C-unwind" fn plan_direct_modify(
    root: *mut pg_sys::PlannerInfo,
    plan: *mut pg_sys::ModifyTable,
    index: pg_sys::Index,
    subplan: std::ffi::c_int,
) -> bool {
    // SAFETY: the planner hands us its ModifyTable.
    let plan = unsafe { &*plan };
    let operation = match plan.operation {
        CMD_UPDATE => Operation::Update,
        CMD_DELETE => Operation::Delete,
        _ => return false,
    };
    // SAFETY: the planner hands us the target's index and the position in the plan's lists.
    unsafe {
        let Some(fscan) = subscan(plan.plan.lefttree, index, subplan) else { return false };
        let Some(state) = State::of(*(*root).simple_rel_array.add(index as usize)) else { return false };
        let Kind::Table(BaseTable { shipped, .. }) = &state.kind else { return false };
        // The scan is of the target alone, and leaves no condition to the server.
        let alone = fscan.scan.scanrelid == index && fscan.scan.plan.qual.is_null();
        let Some(conditions) = shipped.get().filter(|_| alone) else { return false };
        let (returning, counts) = (modify::nth(plan.returningLists, subplan), plan.canSetTag);
        let Some((direct, expressions)) = ship(root, state, conditions, operation, index, returning) else {
            return false;
        };
        if !returning.is_null() && operation == Operation::Update {
            let assigned = new_values(root, index);
            fscan.scan.plan.targetlist = without(&assigned, fscan.scan.plan.targetlist);
        }
        (fscan.operation, fscan.resultRelation) = (plan.operation, index);
        fscan.fdw_exprs = expressions;
        fscan.fdw_private = private::keep(&DirectPlan { direct, counts });
        true
    }
}

/// The statement, and its local expressions.
///
/// # Safety
/// As in `plan_direct_modify`; `conditions` are the clauses of the target's scan, `returning` is null or a list of target
/// entries.
unsafe fn ship(
    root: *mut pg_sys::PlannerInfo,
    state: &State,
    conditions: *mut pg_sys::List,
    operation: Operation,
    index: pg_sys::Index,
    returning: *mut pg_sys::List,
) -> Option<(DirectModification, *mut pg_sys::List)> {
    let mut cx = state.converter().with_outer();
    // SAFETY: the clauses and new values are the planner's expressions.
    let (conditions, set) = unsafe {
        let conditions: Option<Vec<Expr>> =
            nodes::items(conditions).map(|node| cx.condition(node, |_, _| true)).collect();
        let new_values = if operation == Operation::Update { new_values(root, index) } else { vec![] };
        let mut convert = |node: *mut pg_sys::Node| cx.accepted(node, |_, _| true);
        let set: Option<Vec<(i16, Expr)>> =
            new_values.into_iter().map(|(n, node)| Some((n, convert(node)?))).collect();
        (conditions?, set?)
    };
    // SAFETY: the target is in the range table; RETURNING is a list of target entries, as the contract asks.
    let returning = unsafe {
        let relation = foreign::table(modify::relation_of(root, index));
        match returning.is_null() {
            true => vec![],
            false => returned(returning, index, &modify::readable(&relation, state.tables.get(&index)?))?,
        }
    };
    let modification = Modification {
        relation: index,
        set: (operation == Operation::Update).then_some(&set),
        conditions: &conditions,
        returning: &returning,
    };
    Some((direct_modification(&modification, &state.tables)?, cx.into_params()))
}

/// The attributes that RETURNING needs; at least one, so that a row comes back for each that was changed. `None`
/// where it names a system column that only a row fetched before has.
///
/// # Safety
/// `returning` is a list of target entries.
unsafe fn returned(returning: *mut pg_sys::List, index: pg_sys::Index, all: &[i16]) -> Option<Vec<i16>> {
    let mut set = std::ptr::null_mut();
    // SAFETY: the set is made in the planner's memory.
    unsafe {
        nodes::pull_attributes(returning.cast(), index, &mut set);
        let used: Vec<i32> =
            nodes::members(set).map(|n| n + pg_sys::FirstLowInvalidHeapAttributeNumber).collect();
        if used.iter().any(|n| *n < 0 && *n != pg_sys::TableOidAttributeNumber) {
            return None;
        }
        let is_used = |n: &&i16| used.contains(&0) || used.contains(&i32::from(**n));
        let found: Vec<i16> = all.iter().filter(is_used).copied().collect();
        if found.is_empty() { all.first().map(|first| vec![*first]) } else { Some(found) }
    }
}

/// Attribute and new value of each assignment.
///
/// # Safety
/// `index` is a target of the UPDATE that is being planned.
unsafe fn new_values(root: *mut pg_sys::PlannerInfo, index: pg_sys::Index) -> Vec<(i16, *mut pg_sys::Node)> {
    let (mut targets, mut columns) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the first entries of the target list are the assignments, in the columns' order.
    unsafe {
        pg_sys::get_translated_update_targetlist(root, index, &mut targets, &mut columns);
        let assigned = nodes::items::<pg_sys::TargetEntry>(targets);
        nodes::integers(columns).zip(assigned).map(|(n, entry)| (n as i16, (*entry).expr.cast())).collect()
    }
}

/// find_modifytable_subplan: the scan whose rows the target's are.
///
/// # Safety
/// `node` is a ModifyTable's subplan.
unsafe fn subscan<'a>(
    mut node: *mut pg_sys::Plan,
    index: pg_sys::Index,
    subplan: i32,
) -> Option<&'a mut pg_sys::ForeignScan> {
    // SAFETY: the tag tells the node's type.
    unsafe {
        if nodes::is(node.cast(), pg_sys::NodeTag::T_Result)
            && nodes::is((*node).lefttree.cast(), pg_sys::NodeTag::T_Append)
        {
            node = (*node).lefttree;
        }
        if nodes::is(node.cast(), pg_sys::NodeTag::T_Append) {
            node = modify::nth((*node.cast::<pg_sys::Append>()).appendplans, subplan);
        }
        if !nodes::is(node.cast(), pg_sys::NodeTag::T_ForeignScan) {
            return None;
        }
        let fscan = &mut *node.cast::<pg_sys::ForeignScan>();
        pg_sys::bms_is_member(index as i32, fscan.fs_relids).then_some(fscan)
    }
}

/// The executor computes the scan's target list from what comes back. New values are not for it to compute again:
/// from the changed row, they would be others, or an error.
///
/// # Safety
/// `targets` is a target list; `assigned` are expressions.
unsafe fn without(assigned: &[(i16, *mut pg_sys::Node)], targets: *mut pg_sys::List) -> *mut pg_sys::List {
    // SAFETY: the copy is ours to change; an entry has an expression.
    unsafe {
        let targets: *mut pg_sys::List = pg_sys::copyObjectImpl(targets.cast()).cast();
        for entry in nodes::items::<pg_sys::TargetEntry>(targets) {
            let node: *mut pg_sys::Node = (*entry).expr.cast();
            let is_new = assigned.iter().any(|(_, value)| nodes::equal(node, *value));
            if is_new && !nodes::is(node, pg_sys::NodeTag::T_Var) {
                let (type_oid, typmod) = (pg_sys::exprType(node), pg_sys::exprTypmod(node));
                (*entry).expr = pg_sys::makeNullConst(type_oid, typmod, pg_sys::exprCollation(node)).cast();
            }
        }
        targets
    }
}
