//! GROUP BY, aggregates, HAVING and DISTINCT: which rows the remote query gives, as a target list. Modelled on
//! foreign_grouping_ok.
//!
//! An entry must depend on the rows. A bare parameter in the target list would be taken for the scan's own
//! expression that computes it.

use std::ptr::null_mut;

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::convert::builtin;
use super::convert::converter::{Converter, depends_on_rows};
use super::rel::{Kind, State};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::{Collation, Groups};

/// Groups of the rows below, and the conditions on them that are left to the server.
///
/// # Safety
/// `query` and `target` are the planner's, `having` a list of conditions.
pub(crate) unsafe fn groups(
    query: &pg_sys::Query,
    below: &State,
    target: *mut pg_sys::PathTarget,
    having: *mut pg_sys::List,
) -> Option<(Kind, *mut pg_sys::List)> {
    let mut cx = below.converter().with_aggregates(true);
    let (mut tlist, mut groups) = (null_mut(), Groups { by: vec![], having: vec![] });
    // SAFETY: a target has expressions, and `clause` finds those of GROUP BY by their references.
    unsafe {
        for (at, node) in nodes::items::<pg_sys::Node>((*target).exprs).enumerate() {
            match clause(target, at, query.groupClause) {
                Some((clause, reference)) => {
                    key(node, clause, &mut cx)?;
                    let number = nodes::length(tlist) as i16 + 1;
                    let entry = pg_sys::makeTargetEntry(node.cast(), number, null_mut(), false);
                    (*entry).ressortgroupref = reference;
                    nodes::append(&mut tlist, entry);
                    groups.by.push(node);
                }
                None => computed(node, &mut tlist, &mut cx)?,
            }
        }
    }
    let mut local = null_mut();
    // SAFETY: HAVING is a list of conditions, or null.
    unsafe {
        for node in nodes::items::<pg_sys::Node>(having) {
            // Without GROUP BY there is one row to check, not worth SQLite's rules for HAVING there.
            let ships = !groups.by.is_empty() && cx.accepted(node, shippable::condition).is_some();
            match ships {
                true => groups.having.push(node),
                false => {
                    aggregates(node, &mut tlist, &mut cx)?;
                    nodes::append(&mut local, node);
                }
            }
        }
    }
    (!tlist.is_null()).then_some((Kind::Grouped { tlist, groups }, local))
}

/// Distinct rows of those below.
///
/// # Safety
/// `query` and `target` are the planner's.
pub(crate) unsafe fn distinct(
    query: &pg_sys::Query,
    below: &State,
    target: *mut pg_sys::PathTarget,
) -> Option<Kind> {
    let mut cx = below.converter();
    let mut tlist = null_mut();
    // SAFETY: the expressions are a callback's.
    unsafe {
        for (at, node) in nodes::items::<pg_sys::Node>((*target).exprs).enumerate() {
            if is_same_in_all_rows(node) {
                continue;
            }
            match clause(target, at, query.distinctClause) {
                Some((clause, _)) => key(node, clause, &mut cx)?,
                // The same column a second time.
                None if !pg_sys::tlist_member(node.cast(), tlist).is_null() => {}
                None => return None,
            }
            tlist = pg_sys::add_to_flat_tlist(tlist, one(node));
        }
        if tlist.is_null() {
            return None;
        }
    }
    Some(Kind::Distinct { tlist, groups: below.kind.groups().cloned() })
}

/// Computed by the server from constants and parameters.
unsafe fn is_same_in_all_rows(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the expression is a callback's.
    unsafe {
        !pg_sys::contain_var_clause(node)
            && !pg_sys::contain_agg_clause(node)
            && !pg_sys::contain_volatile_functions(node)
            && !pg_sys::contain_subplans(node)
    }
}

/// The clause of GROUP BY or DISTINCT that refers to a target.
unsafe fn clause(
    target: *mut pg_sys::PathTarget,
    at: usize,
    clauses: *mut pg_sys::List,
) -> Option<(*mut pg_sys::SortGroupClause, u32)> {
    // SAFETY: where there are references, there is one for each expression.
    unsafe {
        let references = (*target).sortgrouprefs;
        let reference = if references.is_null() { 0 } else { *references.add(at) };
        if reference == 0 {
            return None;
        }
        let clause = pg_sys::get_sortgroupref_clause_noerr(reference, clauses);
        (!clause.is_null()).then_some((clause, reference))
    }
}

/// The expression ships, and is the same there when it is the same here.
unsafe fn key(
    node: *mut pg_sys::Node,
    clause: *mut pg_sys::SortGroupClause,
    cx: &mut Converter<'_>,
) -> Option<()> {
    // SAFETY: an expression of the planner's and its clause.
    unsafe {
        let compared_as_usual = builtin::is_default_equality((*clause).eqop, pg_sys::exprType(node))
            && builtin::collation(pg_sys::exprCollation(node)) != Collation::Nondeterministic;
        (compared_as_usual && ships(node, cx)).then_some(())
    }
}

unsafe fn ships(node: *mut pg_sys::Node, cx: &mut Converter<'_>) -> bool {
    // SAFETY: the expression is a callback's.
    let expr = unsafe { cx.accepted(node, |e, tables| depends_on_rows(e) && shippable::value(e, tables)) };
    expr.is_some()
}

/// An expression of the target list: computed there, or here from aggregates and groups.
unsafe fn computed(
    node: *mut pg_sys::Node,
    tlist: &mut *mut pg_sys::List,
    cx: &mut Converter<'_>,
) -> Option<()> {
    // SAFETY: the expression is a callback's.
    unsafe {
        if ships(node, cx) {
            *tlist = pg_sys::add_to_flat_tlist(*tlist, one(node));
            return Some(());
        }
        aggregates(node, tlist, cx)
    }
}

/// Adds the aggregates that an expression is computed from. Its Vars are groups, or parts of a group's expression.
unsafe fn aggregates(
    node: *mut pg_sys::Node,
    tlist: &mut *mut pg_sys::List,
    cx: &mut Converter<'_>,
) -> Option<()> {
    let flags =
        pg_sys::PVC_INCLUDE_AGGREGATES | pg_sys::PVC_INCLUDE_PLACEHOLDERS | pg_sys::PVC_INCLUDE_WINDOWFUNCS;
    // SAFETY: the expression is a callback's.
    unsafe {
        for part in nodes::items::<pg_sys::Node>(pg_sys::pull_var_clause(node, flags as i32)) {
            match nodes::tag(part) {
                NodeTag::T_Var => {}
                NodeTag::T_Aggref if ships(part, cx) => {
                    *tlist = pg_sys::add_to_flat_tlist(*tlist, one(part));
                }
                _ => return None,
            }
        }
        Some(())
    }
}

unsafe fn one(node: *mut pg_sys::Node) -> *mut pg_sys::List {
    let mut list = null_mut();
    // SAFETY: the expression is a callback's.
    unsafe { nodes::append(&mut list, node) };
    list
}
