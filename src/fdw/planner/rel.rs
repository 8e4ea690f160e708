//! What planning keeps of a relation (`RelOptInfo.fdw_private`), and the size of a foreign table.
//!
//! Expressions stay the server's nodes until the plan is made, since a parameter's number belongs to one plan. The
//! state lives as long as the memory context in which its relation was made: under GEQO, one round.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ptr::null_mut;
use std::rc::Rc;

use pgrx::{PgMemoryContexts, pg_sys};

use super::convert::converter::Converter;
use super::cost::{self, Estimate, Reading};
use super::{changes, probe, statistics};
use crate::fdw::{OrRaise, relation};
use crate::guc;
use crate::pg::compat::ScanPath;
use crate::pg::{foreign, nodes};
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::{Expr, Groups, JoinKind, Table, Tables};

/// Conditions of one query: SQLite parses them as one expression, which may not be too high (see `expr::HEIGHT`).
pub(crate) const CONDITIONS: usize = 200;

pub(crate) struct State {
    pub kind: Kind,
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
    pub estimate: Estimate,
}

/// What the relation is, which decides what may be built on it: joins on tables and joins, groups on those, distinct
/// rows on anything but themselves, an order on all, a limit on what is ordered too.
pub(crate) enum Kind {
    Table(BaseTable),
    Join,
    /// GROUP BY or aggregates. The rows that come back are those of a target list.
    Grouped {
        tlist: *mut pg_sys::List,
        groups: Groups<*mut pg_sys::Node>,
    },
    /// DISTINCT, of rows or of groups.
    Distinct {
        tlist: *mut pg_sys::List,
        groups: Option<Groups<*mut pg_sys::Node>>,
    },
    /// The rows of another relation, in the query's order.
    Ordered {
        input: *mut pg_sys::RelOptInfo,
    },
}

/// A foreign table.
pub(crate) struct BaseTable {
    /// Attributes that its target and its local conditions use.
    pub attributes: *mut pg_sys::Bitmapset,
    /// Set when its plan is made: the clauses that it ships, if these are all. A direct UPDATE or DELETE needs them.
    pub shipped: Cell<Option<*mut pg_sys::List>>,
}

impl Kind {
    /// The target list of rows that are computed; others are put together from columns.
    pub fn tlist(&self) -> Option<*mut pg_sys::List> {
        match self {
            Kind::Grouped { tlist, .. } | Kind::Distinct { tlist, .. } => Some(*tlist),
            Kind::Table(_) | Kind::Join | Kind::Ordered { .. } => None,
        }
    }

    pub fn groups(&self) -> Option<&Groups<*mut pg_sys::Node>> {
        match self {
            Kind::Grouped { groups, .. } => Some(groups),
            Kind::Distinct { groups, .. } => groups.as_ref(),
            Kind::Table(_) | Kind::Join | Kind::Ordered { .. } => None,
        }
    }
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

impl State {
    /// All rows of the source.
    pub fn new(kind: Kind, tables: Tables, visible: BTreeSet<u32>, source: Source) -> State {
        State {
            kind,
            changing: false,
            tables,
            visible,
            source,
            conditions: vec![],
            local: null_mut(),
            local_cost: pg_sys::QualCost::default(),
            estimate: Estimate::default(),
        }
    }

    /// The same rows in another relation.
    pub fn of_same_rows(&self, kind: Kind) -> State {
        State {
            changing: self.changing,
            conditions: self.conditions.clone(),
            ..State::new(kind, self.tables.clone(), self.visible.clone(), self.source.clone())
        }
    }

    /// The relation's state, if it has one.
    ///
    /// # Safety
    /// The relation is the planner's, and of a server of this wrapper: nobody else writes its `fdw_private`. The
    /// result is not used after the relation's memory context.
    pub unsafe fn of<'a>(rel: *const pg_sys::RelOptInfo) -> Option<&'a State> {
        // SAFETY: only `install` writes the `fdw_private` of our relations, and its state lives as long as the relation.
        unsafe { if rel.is_null() { None } else { (*rel).fdw_private.cast::<State>().as_ref() } }
    }

    /// The same where something may be built on the relation.
    ///
    /// # Safety
    /// As `of`.
    pub unsafe fn shippable<'a>(rel: *const pg_sys::RelOptInfo) -> Option<&'a State> {
        // SAFETY: `of` asks no more of the relation than this does.
        unsafe { State::of(rel) }.filter(|_| guc::pushdown())
    }

    /// Hangs the state on its relation, in the current memory context, which is the relation's.
    ///
    /// # Safety
    /// The relation is the planner's.
    pub unsafe fn install<'a>(self, rel: *mut pg_sys::RelOptInfo) -> &'a State {
        let state = PgMemoryContexts::CurrentMemoryContext.leak_and_drop_on_delete(self);
        // SAFETY: the relation is alive, as the contract asks; the state was just allocated, and goes with the context.
        unsafe {
            (*rel).fdw_private = state.cast();
            &*state
        }
    }

    /// Converts expressions that stand outside of any semi join.
    pub fn converter(&self) -> Converter<'_> {
        self.converter_of(self.visible.clone())
    }

    /// Converts everything in the query, for which it has been decided that it can be.
    pub fn whole_converter(&self) -> Converter<'_> {
        self.converter_of(self.tables.keys().copied().collect())
    }

    fn converter_of(&self, visible: BTreeSet<u32>) -> Converter<'_> {
        Converter::new(&self.tables, visible)
            .with_aggregates(self.kind.groups().is_some())
            .with_plan_params(!self.changing)
    }

    /// A path of all its rows, at its estimate.
    pub fn path(&self, rows: f64, required_outer: pg_sys::Relids) -> ScanPath {
        scan_path(rows, &self.estimate, &self.local_cost, null_mut(), required_outer)
    }
}

/// A path whose target is the relation's own.
pub(crate) fn scan_path(
    rows: f64,
    estimate: &Estimate,
    local: &pg_sys::QualCost,
    pathkeys: *mut pg_sys::List,
    required_outer: pg_sys::Relids,
) -> ScanPath {
    ScanPath {
        target: null_mut(),
        rows,
        startup: estimate.startup + local.startup,
        total: estimate.total(local),
        pathkeys,
        required_outer,
        private: null_mut(),
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
    // SAFETY: the clause is of this relation's planning, so that both are alive and the clause has its expression.
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
        set_size(&mut *rel, &table);
        let tables = Tables::from([(relid, Rc::new(table))]);
        // The target itself is read once.
        let is_target = (*(*root).parse).resultRelation == relid as i32;
        let changing = !is_target && changes::of_server(root, (*rel).serverid);
        let mut attributes = null_mut();
        nodes::pull_attributes((*(*rel).reltarget).exprs.cast(), relid, &mut attributes);
        let mut state = State::new(
            Kind::Table(BaseTable { attributes, shipped: Cell::new(None) }),
            tables,
            BTreeSet::from([relid]),
            Source::Table(relid),
        );
        state.changing = changing;
        add_clauses(root, rel, &mut state);
        state.install(rel);
    }
}

/// ANALYZE's numbers, scaled to the file's present size, or the file's own where there are none.
fn set_size(rel: &mut pg_sys::RelOptInfo, table: &Table) {
    let pages = table.pages.max(1.0);
    rel.tuples = match (rel.tuples, f64::from(rel.pages)) {
        (tuples, _) if tuples <= 0.0 => table.rows.max(1.0),
        (tuples, known) if known > 0.0 => (tuples / known * pages).round(),
        (tuples, _) => tuples,
    };
    rel.pages = pages.min(f64::from(u32::MAX - 1)) as u32;
}

/// Decides which clauses of the relation ship, and estimates its scan.
///
/// # Safety
/// `rel` is a base relation of `root`, in whose memory context this is called.
unsafe fn add_clauses(root: *mut pg_sys::PlannerInfo, rel: *mut pg_sys::RelOptInfo, state: &mut State) {
    let tables = state.tables.clone();
    // SAFETY: a base relation has a list of RestrictInfos; the planner lets the callback set its rows.
    unsafe {
        let clauses = nodes::items::<pg_sys::RestrictInfo>((*rel).baserestrictinfo);
        let Clauses { shipped, local } = classify(rel, clauses, &mut state.converter().with_outer());
        state.conditions =
            shipped.iter().map(|(info, _)| Condition::Clause((**info).clause.cast())).collect();
        state.local = local;
        pg_sys::cost_qual_eval(&mut state.local_cost, local, root);
        pg_sys::set_baserel_size_estimates(root, rel);
        let mut columns = 0.0;
        if let Kind::Table(table) = &mut state.kind {
            nodes::pull_attributes(local.cast(), (*rel).relid, &mut table.attributes);
            columns = nodes::members(table.attributes).count() as f64;
        }
        state.estimate = estimate(root, rel, &tables, &shipped, columns);
        (*rel).rows = (*rel).rows.min(state.estimate.rows);
    }
}

/// The clauses of a scan.
pub(crate) struct Clauses {
    pub shipped: Vec<(*mut pg_sys::RestrictInfo, Expr)>,
    /// What the server computes: bare clauses.
    pub local: *mut pg_sys::List,
}

/// Which of the clauses the scan of a base relation ships.
///
/// # Safety
/// The clauses are of the relation, which is the planner's.
pub(crate) unsafe fn classify(
    rel: *const pg_sys::RelOptInfo,
    clauses: impl Iterator<Item = *mut pg_sys::RestrictInfo>,
    cx: &mut Converter<'_>,
) -> Clauses {
    let mut found = Clauses { shipped: vec![], local: null_mut() };
    for clause in clauses {
        // SAFETY: a clause of the relation is a RestrictInfo, and has its expression.
        unsafe {
            match ship(clause, rel, cx).filter(|_| found.shipped.len() < CONDITIONS) {
                Some(expr) => found.shipped.push((clause, expr)),
                None => nodes::append(&mut found.local, (*clause).clause),
            }
        }
    }
    found
}

/// A scan with these conditions, of whose rows an index may know that they are few.
///
/// # Safety
/// The clauses are of the relation, which is a base relation of `root`.
pub(crate) unsafe fn estimate(
    root: *mut pg_sys::PlannerInfo,
    rel: *const pg_sys::RelOptInfo,
    tables: &Tables,
    shipped: &[(*mut pg_sys::RestrictInfo, Expr)],
    columns: f64,
) -> Estimate {
    let mut remote = null_mut();
    // SAFETY: the relation and its clauses belong to `root`, as the contract asks.
    unsafe {
        shipped.iter().for_each(|(clause, _)| nodes::append(&mut remote, *clause));
        let visited = probe::visited(root, rel, tables, shipped);
        let selected = (*rel).tuples * selectivity(root, remote, (*rel).relid);
        cost::scan(&Reading {
            pages: f64::from((*rel).pages),
            visited,
            rows: pg_sys::clamp_row_est(selected.min(visited)),
            conditions: shipped.len() as f64,
            columns,
        })
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
    // SAFETY: all three belong to the same planning, as the contract asks; no join is special here.
    unsafe { pg_sys::clauselist_selectivity(root, clauses, relid as i32, inner, null_mut()) }
}
