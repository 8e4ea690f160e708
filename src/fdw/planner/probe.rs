//! Conditions that an index of the file answers, and how many rows they lead to.

use pgrx::pg_sys;

use super::convert::converter::depends_on_rows;
use super::rel;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::{Expr, Table, Tables, Var};

/// `column op value`, where the value is known when the scan begins.
struct Probe {
    attribute: i16,
    /// One value, not a range or a list.
    equal: bool,
}

fn probe(expr: &Expr, tables: &Tables) -> Option<Probe> {
    let (var, equal) = match expr {
        Expr::Operator { name, left, right, .. } => {
            let equal = name == "=";
            if !equal && !matches!(name.as_str(), "<" | "<=" | ">" | ">=") {
                return None;
            }
            match (&**left, &**right) {
                (Expr::Column(var), other) | (other, Expr::Column(var)) if !depends_on_rows(other) => {
                    (*var, equal)
                }
                _ => return None,
            }
        }
        Expr::ArrayTest { name, left, all: false, .. } if name == "=" => match &**left {
            Expr::Column(var) => (*var, false),
            _ => return None,
        },
        _ => return None,
    };
    shippable::is_indexable(var, tables).then_some(Probe { attribute: var.attribute, equal })
}

/// `column = column` of two relations, one of which an index finds.
pub(crate) fn joins_by_index(expr: &Expr, tables: &Tables) -> bool {
    let indexable = |e: &Expr| matches!(e, Expr::Column(var) if shippable::is_indexable(*var, tables));
    matches!(expr, Expr::Operator { name, left, right, .. } if name == "=" && (indexable(left) || indexable(right)))
}

/// `column = …` where the column is printed bare, so that SQLite can build an index over it.
pub(crate) fn joins_by_built_index(expr: &Expr, tables: &Tables) -> bool {
    let is_bare = |e: &Expr| match e {
        Expr::Column(var) => {
            tables.get(&var.relation).and_then(|t| t.column(var.attribute)).is_some_and(|c| c.strict)
        }
        _ => false,
    };
    matches!(expr, Expr::Operator { name, left, right, .. }
        if name == "=" && depends_on_rows(left) && depends_on_rows(right) && (is_bare(left) || is_bare(right)))
}

/// Rows that SQLite reads: all, where no shipped condition can use an index.
///
/// # Safety
/// The arguments are the planner's; the clauses are those of the conditions.
pub(crate) unsafe fn visited(
    root: *mut pg_sys::PlannerInfo,
    rel: *const pg_sys::RelOptInfo,
    tables: &Tables,
    shipped: &[(*mut pg_sys::RestrictInfo, Expr)],
) -> f64 {
    // SAFETY: the clauses are RestrictInfos of the relation, as the contract asks, and the list is made here.
    unsafe {
        let (mut clauses, mut equal) = (std::ptr::null_mut(), vec![]);
        for (clause, expr) in shipped {
            if let Some(probe) = probe(expr, tables) {
                nodes::append(&mut clauses, *clause);
                equal.extend(probe.equal.then_some(probe.attribute));
            }
        }
        let relid = (*rel).relid;
        let estimated = (*rel).tuples * rel::selectivity(root, clauses, relid);
        let by_key = tables.get(&relid).and_then(|table| rows_per_key(table, &equal));
        estimated.min(by_key.unwrap_or(f64::INFINITY)).max(1.0)
    }
}

/// Rows that share the values of these attributes, by the index that knows best.
fn rows_per_key(table: &Table, equal: &[i16]) -> Option<f64> {
    table
        .indexes
        .iter()
        .filter_map(|index| {
            let known = index.columns.iter().take_while(|column| equal.contains(column)).count();
            let whole =
                index.unique && known > 0 && known == index.rows_per_key.len().max(index.columns.len());
            match known.checked_sub(1) {
                Some(_) if whole => Some(1.0),
                Some(last) => index.rows_per_key.get(last).copied(),
                None => None,
            }
        })
        .reduce(f64::min)
}

/// Attributes of a base relation by which an index finds rows.
pub(crate) fn indexable(relid: u32, tables: &Tables) -> Vec<i16> {
    let Some(table) = tables.get(&relid) else { return vec![] };
    let numbers = (1..).zip(&table.columns).filter(|(_, column)| column.is_some()).map(|(number, _)| number);
    numbers
        .filter(|attribute| shippable::is_indexable(Var { relation: relid, attribute: *attribute }, tables))
        .collect()
}

/// One value of a column that an index finds.
pub(crate) fn is_probe(expr: &Expr, tables: &Tables) -> bool {
    probe(expr, tables).is_some_and(|probe| probe.equal)
}
