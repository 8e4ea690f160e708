//! The plan of a foreign scan: the query is put together, printed, and its results are given their places.
//!
//! `fdw_private` is one string, the query as JSON in ASCII; `fdw_exprs` are its parameters.

use std::ptr::null_mut;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::convert::converter::Converter;
use super::convert::params;
use super::rel::{self, BaseTable, Clauses, Condition, Kind, Source, State};
use super::{private, sort};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::deparse;
use pg_sqlite_migrate_core::remote::{Expr, From, Groups, Select, Table, Target, Type, Var};
use pg_sqlite_migrate_core::value::native::Native;

/// What an upper path adds, in `ForeignPath.fdw_private`: a list of one of these.
pub(crate) const LIMIT: i32 = 1;

#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C-unwind" fn get_foreign_plan(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _oid: pg_sys::Oid,
    path: *mut pg_sys::ForeignPath,
    tlist: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    outer_plan: *mut pg_sys::Plan,
) -> *mut pg_sys::ForeignScan {
    // SAFETY: the planner calls with its own structures, for a path of ours.
    unsafe {
        let Some(state) = State::of(rel) else { lost("relation") };
        let (parts, scanrelid) = match &state.kind {
            Kind::Table(table) => (base(rel, state, table, clauses), (*rel).relid),
            _ => (joined(path, rel, state), 0),
        };
        let Parts { mut cx, mut select, attributes, local, scan_tlist, recheck } = parts;
        let orders = sort::orders(rel, state, (*path).path.pathkeys, &mut cx);
        select.order_by = orders.unwrap_or_else(|| lost("order"));
        if nodes::length((*path).fdw_private) > 0 {
            (select.limit, select.offset) = limits((*root).parse, &mut cx).unwrap_or_else(|| lost("limit"));
        }
        let mut remote = deparse::select(&select, &state.tables);
        for (output, attribute) in remote.outputs.iter_mut().zip(attributes) {
            output.attribute = attribute;
        }
        let (params, private) = (cx.into_params(), private::keep(&remote));
        pg_sys::make_foreignscan(tlist, local, scanrelid, params, private, scan_tlist, recheck, outer_plan)
    }
}

struct Parts<'a> {
    cx: Converter<'a>,
    select: Select,
    /// The attribute of the scan's tuple that each target goes to.
    attributes: Vec<i16>,
    /// Conditions for the server.
    local: *mut pg_sys::List,
    scan_tlist: *mut pg_sys::List,
    recheck: *mut pg_sys::List,
}

/// One table. The clauses are the relation's, and for a look-up those of the join.
///
/// # Safety
/// The planner passes them to the callback for this relation.
unsafe fn base<'a>(
    rel: *mut pg_sys::RelOptInfo,
    state: &'a State,
    table: &BaseTable,
    clauses: *mut pg_sys::List,
) -> Parts<'a> {
    let mut cx = state.converter().with_outer();
    // SAFETY: a list of RestrictInfos, as the contract says; the set of attributes is copied before it grows.
    unsafe {
        let relid = (*rel).relid;
        // Pseudoconstant ones are the server's own business.
        let clauses = nodes::items::<pg_sys::RestrictInfo>(clauses).filter(|c| !(**c).pseudoconstant);
        let Clauses { shipped, local } = rel::classify(rel, clauses, &mut cx);
        let mut used = pg_sys::bms_copy(table.attributes);
        nodes::pull_attributes(local.cast(), relid, &mut used);
        let mut recheck = null_mut();
        shipped.iter().for_each(|(clause, _)| nodes::append(&mut recheck, (**clause).clause));
        table.shipped.set(local.is_null().then_some(recheck));
        let (targets, attributes) = cells(&state.tables[&relid], relid, used);
        let conditions = shipped.into_iter().map(|(_, expr)| expr).collect();
        let select = Select { conditions, ..Select::of(From::Table { relation: relid }, targets) };
        Parts { cx, select, attributes, local, scan_tlist: null_mut(), recheck }
    }
}

/// The cells of the used attributes; all of them for a whole row, and the rowid for `ctid`.
unsafe fn cells(table: &Table, relid: u32, used: *mut pg_sys::Bitmapset) -> (Vec<Target>, Vec<i16>) {
    // SAFETY: the set is ours.
    let numbers: Vec<i32> =
        unsafe { nodes::members(used) }.map(|n| n + pg_sys::FirstLowInvalidHeapAttributeNumber).collect();
    let whole = numbers.contains(&0);
    let columns = (1i16..)
        .zip(&table.columns)
        .filter(|(n, column)| column.is_some() && (whole || numbers.contains(&i32::from(*n))));
    let (mut targets, mut attributes): (Vec<_>, Vec<_>) =
        columns.map(|(n, _)| (Target::Cell(Var { relation: relid, attribute: n }), n)).unzip();
    if numbers.contains(&pg_sys::SelfItemPointerAttributeNumber) && table.rowid.is_some() {
        targets.push(Target::Rowid { relation: relid });
        attributes.push(0);
    }
    (targets, attributes)
}

/// A join, groups, or distinct rows: the scan's tuple is what the query gives.
unsafe fn joined<'a>(
    path: *mut pg_sys::ForeignPath,
    rel: *mut pg_sys::RelOptInfo,
    state: &'a State,
) -> Parts<'a> {
    let mut cx = state.whole_converter();
    let computed = state.kind.tlist();
    // SAFETY: path and relation are the callback's; a target list is of entries with expressions.
    let (tlist, targets) = unsafe {
        let tlist = match computed {
            Some(tlist) => tlist,
            None => columns((*path).path.pathtarget, (*rel).reltarget, state.local),
        };
        let targets: Option<Vec<Target>> = nodes::items::<pg_sys::TargetEntry>(tlist)
            .map(|entry| target(&*entry, computed.is_some(), &mut cx))
            .collect();
        (tlist, targets.unwrap_or_else(|| lost("target")))
    };
    let attributes = (1..).take(targets.len()).collect();
    // SAFETY: source and conditions are of the same planning as the relation, whose state has them.
    let mut select = unsafe {
        let from = from(&state.source, &mut cx).unwrap_or_else(|| lost("join"));
        let conditions = conditions(&state.conditions, &mut cx).unwrap_or_else(|| lost("condition"));
        Select { conditions, ..Select::of(from, targets) }
    };
    if let Some(groups) = state.kind.groups() {
        let mut all = |list: &[*mut pg_sys::Node]| -> Vec<Expr> {
            // SAFETY: `group` has put expressions of the planner's there.
            let exprs = list.iter().map(|node| unsafe { cx.accepted(*node, |_, _| true) });
            exprs.collect::<Option<_>>().unwrap_or_else(|| lost("group"))
        };
        select.groups = Some(Groups { by: all(&groups.by), having: all(&groups.having) });
    }
    select.distinct = matches!(state.kind, Kind::Distinct { .. });
    // The order is outside of any semi join.
    cx.show_only(state.visible.clone());
    Parts { cx, select, attributes, local: state.local, scan_tlist: tlist, recheck: null_mut() }
}

unsafe fn target(entry: &pg_sys::TargetEntry, computed: bool, cx: &mut Converter<'_>) -> Option<Target> {
    // SAFETY: an entry of a target list has an expression.
    match (unsafe { cx.accepted(entry.expr.cast(), |_, _| true) }?, computed) {
        (Expr::Column(var), false) => Some(Target::Cell(var)),
        (expr, _) => Some(Target::Value(expr)),
    }
}

/// build_tlist_to_deparse: the columns that the targets and the local conditions are computed from.
unsafe fn columns(
    wanted: *mut pg_sys::PathTarget,
    own: *mut pg_sys::PathTarget,
    local: *mut pg_sys::List,
) -> *mut pg_sys::List {
    let flags =
        pg_sys::PVC_RECURSE_PLACEHOLDERS | pg_sys::PVC_RECURSE_AGGREGATES | pg_sys::PVC_RECURSE_WINDOWFUNCS;
    let mut tlist = null_mut();
    // SAFETY: the planner's targets, and clauses.
    unsafe {
        for exprs in [(*own).exprs, (*wanted).exprs, local] {
            tlist = pg_sys::add_to_flat_tlist(tlist, pg_sys::pull_var_clause(exprs.cast(), flags as i32));
        }
    }
    tlist
}

/// # Safety
/// What the source names is the planner's.
unsafe fn from(source: &Source, cx: &mut Converter<'_>) -> Option<From> {
    Some(match source {
        Source::Table(relation) => From::Table { relation: *relation },
        Source::Join { kind, left, right, on } => {
            // SAFETY: the parts of a join are sources and clauses of the same planning.
            let (left, right, on) = unsafe { (from(left, cx)?, from(right, cx)?, conditions(on, cx)?) };
            From::Join { kind: *kind, left: Box::new(left), right: Box::new(right), on }
        }
    })
}

unsafe fn conditions(list: &[Condition], cx: &mut Converter<'_>) -> Option<Vec<Expr>> {
    // SAFETY: clauses are the planner's.
    list.iter().map(|condition| unsafe { self::condition(condition, cx) }).collect()
}

unsafe fn condition(condition: &Condition, cx: &mut Converter<'_>) -> Option<Expr> {
    match condition {
        // SAFETY: a clause of the planner's.
        Condition::Clause(node) => unsafe { cx.condition(*node, |_, _| true) },
        Condition::Exists { negated, source, conditions } => {
            // SAFETY: the parts of a semi join are a source and clauses of the same planning.
            let (from, conditions) = unsafe { (from(source, cx)?, self::conditions(conditions, cx)?) };
            Some(Expr::Exists { negated: *negated, from: Box::new(from), conditions })
        }
    }
}

/// LIMIT and OFFSET, if both ship.
///
/// # Safety
/// `query` is the planner's, preprocessed.
pub(crate) unsafe fn limits(
    query: *const pg_sys::Query,
    cx: &mut Converter<'_>,
) -> Option<(Option<Expr>, Option<Expr>)> {
    // SAFETY: the query is the planner's; its counts are expressions or null.
    unsafe { Some((limit((*query).limitCount, cx)?, limit((*query).limitOffset, cx)?)) }
}

/// A number of rows. A negative constant does not ship: the server has an error for it.
unsafe fn limit(node: *mut pg_sys::Node, cx: &mut Converter<'_>) -> Option<Option<Expr>> {
    if node.is_null() {
        return Some(None);
    }
    // SAFETY: the tag tells the node's type.
    unsafe {
        if pg_sys::exprType(node) != pg_sys::INT8OID || !params::is_constant_enough(node) {
            return None;
        }
        if !nodes::is(node, pg_sys::NodeTag::T_Const) {
            return Some(Some(cx.param(node)));
        }
        let value = &*node.cast::<pg_sys::Const>();
        match value.constvalue.value() as i64 {
            _ if value.constisnull => Some(None),
            rows if rows < 0 => None,
            rows => Some(Some(Expr::Const(Type::Int8, Native::Integer(rows)))),
        }
    }
}

/// What was found to ship while paths were made must ship when the plan is.
fn lost(what: &str) -> ! {
    pgrx::ereport!(
        ERROR,
        PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        format!("could not build the remote query: its {what} is lost")
    );
}
