//! What planning keeps of a relation (`RelOptInfo.fdw_private`), and the size of a foreign table.
//!
//! Expressions stay the server's nodes until the plan is made, since a parameter's number belongs to one plan. The
//! state lives as long as the memory context in which its relation was made: under GEQO, one round.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use pgrx::{PgMemoryContexts, pg_sys};

use super::convert::converter::Converter;
use super::cost::{self, Estimate, Reading};
use super::{changes, probe, statistics};
use crate::fdw::{OrRaise, relation};
use crate::guc;
use crate::pg::foreign;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::{Expr, JoinKind, Tables};

/// Conditions of one query: SQLite parses them as one expression, which may not be too high (see `expr::HEIGHT`).
pub(crate) const CONDITIONS: usize = 200;

pub(crate) struct State {
    /// Joins, groups, sorts and limits may be built on it.
    pub pushdown: bool,
    /// The query changes tables of the server: see `changes.rs`.
    pub changing: bool,
    pub tables: Tables,
    /// Those whose columns can be named from outside; the others are inside semi joins.
    pub visible: BTreeSet<u32>,
    pub source: Source,
    /// Shipped conditions on `source`.
    pub conditions: Vec<Condition>,
    /// Conditions that the server computes on what comes back: bare clauses.
    pub local: *mut pg_sys::List,
    pub local_cost: pg_sys::QualCost,
    /// Attributes of a base relation that its target and its local conditions use.
    pub attributes: *mut pg_sys::Bitmapset,
    pub upper: Option<Upper>,
    pub estimate: Estimate,
    /// The order that the query wants is had from a path of this relation.
    pub sorted: Cell<bool>,
    /// For a sorted relation: the one that is sorted.
    pub input: *mut pg_sys::RelOptInfo,
    /// Clauses that the plan of this base relation ships, set when the plan is made: all of them, with no
    /// condition left to the server, are what a direct UPDATE or DELETE needs.
    pub shipped: Cell<*mut pg_sys::List>,
    pub all_shipped: Cell<bool>,
}

#[derive(Clone)]
pub(crate) enum Source {
    Table(u32),
    Join { kind: JoinKind, left: Box<Source>, right: Box<Source>, on: Vec<Condition> },
}

#[derive(Clone)]
pub(crate) enum Condition {
    Clause(*mut pg_sys::Node),
    Exists { negated: bool, source: Source, conditions: Vec<Condition> },
}

/// Groups, or distinct rows, or both.
#[derive(Clone)]
pub(crate) struct Upper {
    /// Target entries: the rows that come back.
    pub tlist: *mut pg_sys::List,
    pub grouped: bool,
    pub group_by: Vec<*mut pg_sys::Node>,
    pub having: Vec<*mut pg_sys::Node>,
    pub distinct: bool,
}

impl State {
    /// Of one table, nothing decided yet.
    pub fn new(tables: Tables, visible: BTreeSet<u32>, source: Source) -> State {
        State {
            pushdown: false,
            changing: false,
            tables,
            visible,
            source,
            conditions: vec![],
            local: std::ptr::null_mut(),
            local_cost: pg_sys::QualCost::default(),
            attributes: std::ptr::null_mut(),
            upper: None,
            estimate: Estimate::default(),
            sorted: Cell::new(false),
            input: std::ptr::null_mut(),
            shipped: Cell::new(std::ptr::null_mut()),
            all_shipped: Cell::new(false),
        }
    }

    /// The relation's state, if it has one.
    ///
    /// # Safety
    /// The relation is the planner's, and of a server of this wrapper: nobody else writes its `fdw_private`. The
    /// result is not used after the relation's memory context.
    pub unsafe fn of<'a>(rel: *const pg_sys::RelOptInfo) -> Option<&'a State> {
        // SAFETY: the caller vouches for the relation; see `install`.
        unsafe { if rel.is_null() { None } else { (*rel).fdw_private.cast::<State>().as_ref() } }
    }

    /// The same where something may be built on the relation.
    ///
    /// # Safety
    /// As `of`.
    pub unsafe fn shippable<'a>(rel: *const pg_sys::RelOptInfo) -> Option<&'a State> {
        // SAFETY: as `of`.
        unsafe { State::of(rel) }.filter(|state| state.pushdown)
    }

    /// Hangs the state on its relation, in the current memory context, which is the relation's.
    ///
    /// # Safety
    /// The relation is the planner's.
    pub unsafe fn install<'a>(self, rel: *mut pg_sys::RelOptInfo) -> &'a State {
        let state = PgMemoryContexts::CurrentMemoryContext.leak_and_drop_on_delete(self);
        // SAFETY: the caller vouches for the relation; the state lives as long as the context.
        unsafe {
            (*rel).fdw_private = state.cast();
            &*state
        }
    }

    /// Converts expressions that stand outside of any semi join.
    pub fn converter(&self) -> Converter<'_> {
        let aggregates = self.upper.as_ref().is_some_and(|upper| upper.grouped);
        Converter::new(&self.tables, self.visible.clone())
            .with_aggregates(aggregates)
            .with_plan_params(!self.changing)
    }

    /// Converts everything in the query, for which it has been decided that it can be.
    pub fn whole_converter(&self) -> Converter<'_> {
        let aggregates = self.upper.as_ref().is_some_and(|upper| upper.grouped);
        Converter::new(&self.tables, self.tables.keys().copied().collect())
            .with_aggregates(aggregates)
            .with_plan_params(!self.changing)
    }

    pub fn total(&self) -> f64 {
        self.estimate.total(&self.local_cost)
    }
}

/// `expr` is computed there as here, and the clause may be checked before others of its relation: what may leak a
/// value must not see a row that a condition of a stricter level hides.
///
/// # Safety
/// The clause is one of the planner's.
pub(crate) unsafe fn is_secure(clause: &pg_sys::RestrictInfo, level: pg_sys::Index) -> bool {
    clause.security_level <= level || clause.leakproof
}

/// The clause as a shipped condition of a base relation.
///
/// # Safety
/// `clause` and `rel` are the planner's.
pub(crate) unsafe fn ship(
    clause: *mut pg_sys::RestrictInfo,
    rel: *const pg_sys::RelOptInfo,
    cx: &mut Converter<'_>,
) -> Option<Expr> {
    // SAFETY: the caller vouches for both.
    unsafe {
        let info = &*clause;
        if !guc::pushdown() || info.pseudoconstant || !is_secure(info, (*rel).baserestrict_min_security) {
            return None;
        }
        cx.condition(info.clause.cast(), shippable::condition)
    }
}

#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_rel_size(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    oid: pg_sys::Oid,
) {
    let table = relation::table(&foreign::table(oid)).or_raise();
    statistics::remember(oid, &table);
    // SAFETY: the planner calls with its own structures, in the relation's memory context.
    unsafe {
        let relid = (*rel).relid;
        let tables = Tables::from([(relid, Rc::new(table))]);
        let mut state = State::new(tables, BTreeSet::from([relid]), Source::Table(relid));
        state.pushdown = guc::pushdown();
        // The target itself is read once.
        state.changing =
            (*(*root).parse).resultRelation != relid as i32 && changes::of_server(root, (*rel).serverid);
        set_size(rel, &state);
        classify(root, rel, &mut state);
        state.install(rel);
    }
}

/// ANALYZE's numbers, scaled to the file's present size, or the file's own where there are none.
unsafe fn set_size(rel: *mut pg_sys::RelOptInfo, state: &State) {
    // SAFETY: the caller vouches for the relation.
    let rel = unsafe { &mut *rel };
    let Some(table) = state.tables.get(&rel.relid) else { return };
    let pages = table.pages.max(1.0);
    rel.tuples = match (rel.tuples, f64::from(rel.pages)) {
        (tuples, _) if tuples <= 0.0 => table.rows.max(1.0),
        (tuples, known) if known > 0.0 => (tuples / known * pages).round(),
        (tuples, _) => tuples,
    };
    rel.pages = pages.min(f64::from(u32::MAX - 1)) as u32;
}

unsafe fn classify(root: *mut pg_sys::PlannerInfo, rel: *mut pg_sys::RelOptInfo, state: &mut State) {
    let tables = state.tables.clone();
    let mut cx =
        Converter::new(&tables, state.visible.clone()).with_outer().with_plan_params(!state.changing);
    let (mut remote, mut exprs) = (std::ptr::null_mut(), vec![]);
    // SAFETY: the planner's structures.
    unsafe {
        nodes::pull_attributes((*(*rel).reltarget).exprs.cast(), (*rel).relid, &mut state.attributes);
        for clause in nodes::items::<pg_sys::RestrictInfo>((*rel).baserestrictinfo) {
            match ship(clause, rel, &mut cx).filter(|_| exprs.len() < CONDITIONS) {
                Some(expr) => {
                    state.conditions.push(Condition::Clause((*clause).clause.cast()));
                    nodes::append(&mut remote, clause);
                    exprs.push((clause, expr));
                }
                None => {
                    nodes::append(&mut state.local, (*clause).clause);
                    nodes::pull_attributes((*clause).clause.cast(), (*rel).relid, &mut state.attributes);
                }
            }
        }
        pg_sys::cost_qual_eval(&mut state.local_cost, state.local, root);
        pg_sys::set_baserel_size_estimates(root, rel);
        let columns = nodes::members(state.attributes).count() as f64;
        let probed = probe::visited(root, rel, &tables, &exprs);
        let selectivity = selectivity(root, remote, (*rel).relid);
        let rows = pg_sys::clamp_row_est(((*rel).tuples * selectivity).min(probed));
        (*rel).rows = (*rel).rows.min(rows);
        state.estimate = cost::scan(&Reading {
            pages: f64::from((*rel).pages),
            visited: probed,
            rows,
            conditions: exprs.len() as f64,
            columns,
        });
    }
}

/// Of clauses on one base relation, or on a join where `relid` is 0.
///
/// # Safety
/// The arguments are the planner's.
pub(crate) unsafe fn selectivity(
    root: *mut pg_sys::PlannerInfo,
    clauses: *mut pg_sys::List,
    relid: u32,
) -> f64 {
    let inner = pg_sys::JoinType::JOIN_INNER;
    // SAFETY: the caller vouches for the arguments.
    unsafe { pg_sys::clauselist_selectivity(root, clauses, relid as i32, inner, std::ptr::null_mut()) }
}
