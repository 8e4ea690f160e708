//! Of which columns a query that runs to its end looks at every cell, and which columns a query tests. Pure.
//!
//! A cell that is stored is the same as long as the file is. So what one query has seen of all cells of a column, the next
//! need not test. That is of no use for what is computed anew each time: views, virtual tables, generated columns.

use std::collections::BTreeMap;

use super::column::{Form, Place};
use super::fit::Fit;
use super::shippable::place;
use super::{ColumnId, Expr, From, Groups, Observation, Proof, Select, Table, Tables, Target, Var, Witness};
use crate::sqltext::sqlite_ident;

/// What each relation of a query is known by.
pub type Proofs = BTreeMap<u32, Proof>;

/// The test of a column's cells, where what it finds lasts as long as the file is not written to.
fn lasting(place: &Place<'_>, proofs: &Proofs) -> Option<(ColumnId, Fit)> {
    let Form::Tested { fit, .. } = place.form() else { return None };
    let column = ColumnId { table: *proofs.get(&place.relation)?, attribute: place.attribute };
    (place.table.stored && !place.column.generated).then_some((column, fit))
}

/// What a run of the query to its end shows: it reads one table whole, and each row of it.
pub fn observations(select: &Select, tables: &Tables, proofs: &Proofs) -> Vec<Observation> {
    let From::Table { .. } = select.from else { return vec![] };
    let Select { conditions, distinct, order_by, limit, offset, .. } = select;
    // SQLite may take conditions of HAVING for conditions on rows.
    let having = select.groups.as_ref().is_some_and(|groups| !groups.having.is_empty());
    let selects = !conditions.is_empty() || having || *distinct || limit.is_some() || offset.is_some();
    if selects || !order_by.is_empty() {
        return vec![];
    }
    let witness = |var: &Var, witness: Witness| {
        let (column, fit) = lasting(&place(*var, tables)?, proofs)?;
        Some(Observation { column, fit, witness })
    };
    let mut found = vec![];
    match &select.groups {
        None => {
            for (output, target) in select.targets.iter().enumerate() {
                if let Target::Cell(var) = target {
                    found.extend(witness(var, Witness::Output(output)));
                }
            }
        }
        Some(groups) => {
            let aggregates = select.targets.iter().filter_map(|target| match target {
                Target::Value(expr) => in_every_row(expr),
                Target::Cell(_) | Target::Rowid { .. } => None,
            });
            let keys = groups.by.iter().filter_map(column);
            found.extend(aggregates.chain(keys).filter_map(|var| witness(&var, Witness::Query)));
        }
    }
    found
}

/// The column that an aggregate computes in each row. An extreme may be found by an index, DISTINCT may skip rows, and a
/// filter keeps the argument from being computed.
fn in_every_row(expr: &Expr) -> Option<Var> {
    match expr {
        Expr::Aggregate { name, args, distinct: false, filter: None, .. }
            if !matches!(name.as_str(), "min" | "max") =>
        {
            column(args.first()?)
        }
        _ => None,
    }
}

/// A column, alone or in functions of one argument, which always compute it.
fn column(expr: &Expr) -> Option<Var> {
    match expr {
        Expr::Column(var) => Some(*var),
        Expr::Function { args, .. } => match args.as_slice() {
            [arg] => column(arg),
            _ => None,
        },
        _ => None,
    }
}

/// The columns that a query tests; `None` where what is seen of one of them does not last.
pub fn tested(select: &Select, tables: &Tables, proofs: &Proofs) -> Option<Vec<ColumnId>> {
    let mut vars = vec![];
    all_vars(select, &mut vars);
    vars.sort_unstable();
    vars.dedup();
    let places = vars.iter().filter_map(|var| place(*var, tables));
    let tested = places.filter(|place| matches!(place.form(), Form::Tested { .. }));
    tested.map(|place| Some(lasting(&place, proofs)?.0)).collect()
}

/// The columns that take part in anything; a cell that is only carried is not tested.
fn all_vars(select: &Select, vars: &mut Vec<Var>) {
    let values = select.targets.iter().filter_map(|target| match target {
        Target::Value(expr) => Some(expr),
        Target::Cell(_) | Target::Rowid { .. } => None,
    });
    let groups = select.groups.iter().flat_map(|Groups { by, having }| by.iter().chain(having));
    let orders = select.order_by.iter().map(|order| &order.expr);
    values.chain(&select.conditions).chain(groups).chain(orders).for_each(|expr| vars_of(expr, vars));
    vars_of_from(&select.from, vars);
}

fn vars_of(expr: &Expr, vars: &mut Vec<Var>) {
    if let Expr::Column(var) = expr {
        vars.push(*var);
    }
    if let Expr::Exists { from, .. } = expr {
        vars_of_from(from, vars);
    }
    expr.parts().into_iter().for_each(|part| vars_of(part, vars));
}

fn vars_of_from(from: &From, vars: &mut Vec<Var>) {
    if let From::Join { left, right, on, .. } = from {
        vars_of_from(left, vars);
        vars_of_from(right, vars);
        on.iter().for_each(|expr| vars_of(expr, vars));
    }
}

/// A query for the number of a table's rows, and of the cells that do not fit in each of these columns.
pub fn census(table: &Table) -> (String, Vec<ColumnId>) {
    let (mut sql, mut columns) = (String::from("SELECT count(*)"), vec![]);
    let proofs = Proofs::from([(1, table.proof())]);
    for (column, attribute) in table.columns.iter().zip(1i16..) {
        let place = column.as_ref().map(|column| Place { relation: 1, attribute, table, column });
        if let Some((place, (id, fit))) = place.and_then(|place| Some((place, lasting(&place, &proofs)?))) {
            sql += &format!(", count(*) FILTER (WHERE NOT ({}))", fit.sql(&place.cell()));
            columns.push(id);
        }
    }
    (sql + &format!(" FROM main.{} AS r1 NOT INDEXED", sqlite_ident(&table.name)), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::testing::*;
    use crate::remote::vocabulary::FUNCTIONS;
    use crate::remote::{Order, Type, deparse};
    use std::rc::Rc;

    fn seen(select: &Select) -> Vec<(i16, Witness)> {
        deparse::select(select, &tables())
            .observations
            .into_iter()
            .map(|o| (o.column.attribute, o.witness))
            .collect()
    }

    fn cells(attributes: &[i16]) -> Vec<Target> {
        attributes.iter().map(|attribute| Target::Cell(Var { relation: 1, attribute: *attribute })).collect()
    }

    fn grouped(targets: Vec<Expr>, by: Vec<Expr>) -> Select {
        let targets = targets.into_iter().map(Target::Value).collect();
        Select { groups: Some(Groups { by, having: vec![] }), ..select(targets, vec![]) }
    }

    fn distinct(expr: Expr) -> Expr {
        match expr {
            Expr::Aggregate { name, args, filter, collation, result, .. } => {
                Expr::Aggregate { name, args, distinct: true, filter, collation, result }
            }
            other => other,
        }
    }

    #[test]
    fn only_whole_tables_are_seen_whole() {
        use Witness::{Output, Query};
        let plain = || select(cells(&[ID, N, NAME, KEY]), vec![]);
        // The rowid's alias needs no test, a UUID is always decoded.
        assert_eq!(seen(&plain()), [(N, Output(1)), (NAME, Output(2))]);
        let limit = Some(int(5));
        let order = Order {
            expr: col(N),
            collation: super::super::Collation::None,
            descending: false,
            nulls_first: false,
        };
        for other in [
            Select { conditions: vec![op(">", col(N), int(0))], ..plain() },
            Select { limit: limit.clone(), ..plain() },
            Select { offset: limit, ..plain() },
            Select { distinct: true, ..plain() },
            Select { order_by: vec![order], ..plain() },
            select(vec![Target::Value(col(N))], vec![]),
        ] {
            assert_eq!(seen(&other), [], "{other:?}");
        }
        let length = || call("length", vec![col(NAME)], Type::Int4);
        let sum = aggregate("sum", vec![length()], Type::Int8);
        let count = aggregate("count", vec![col(N)], Type::Int8);
        assert_eq!(
            seen(&grouped(vec![sum, count.clone()], vec![col(OK)])),
            [(NAME, Query), (N, Query), (OK, Query)]
        );
        for unseen in [
            distinct(count),
            aggregate("min", vec![col(N)], Type::Int8),
            aggregate("count", vec![typed("+", col(N), col(SMALL), Type::Int8)], Type::Int8),
            aggregate("count", vec![], Type::Int8),
        ] {
            assert_eq!(seen(&grouped(vec![unseen], vec![])), []);
        }
    }

    /// A function that chose would not compute its argument in every row.
    #[test]
    fn functions_of_one_argument_compute_it() {
        for function in FUNCTIONS.iter().filter(|function| function.args.len() == 1) {
            let template = function.template.to_ascii_uppercase();
            let chooses = ["CASE", "COALESCE", "IIF", "NULLIF", " AND ", " OR "];
            assert!(!chooses.iter().any(|word| template.contains(word)), "{template}");
        }
    }

    #[test]
    fn what_is_computed_anew_is_never_known() {
        let of = |change: fn(&mut Table)| {
            let mut table = table();
            change(&mut table);
            Tables::from([(1, Rc::new(table))])
        };
        let query = grouped(vec![aggregate("sum", vec![col(N)], Type::Int8)], vec![]);
        let plain = select(cells(&[N]), vec![]);
        let untested = |tables: &Tables| deparse::select(&query, tables).untested.is_some();
        assert!(untested(&of(|_| ())));
        for tables in [
            of(|table| table.stored = false),
            of(|table| table.columns.iter_mut().flatten().for_each(|c| c.generated = true)),
        ] {
            assert!(!untested(&tables));
            assert_eq!(deparse::select(&plain, &tables).observations, []);
            assert_eq!(deparse::select(&query, &tables).observations, []);
            assert_eq!(census(&tables[&1]).1, []);
        }
    }

    #[test]
    fn a_census_counts_what_does_not_fit() {
        let mut table = table();
        table.columns.truncate(3);
        let (sql, columns) = census(&table);
        assert_eq!(
            sql,
            "SELECT count(*), count(*) FILTER (WHERE NOT (typeof(r1.\"n\") IN ('integer', 'null'))), \
             count(*) FILTER (WHERE NOT (r1.\"name\" IS NULL OR pg_is_text(r1.\"name\"))) \
             FROM main.\"t\" AS r1 NOT INDEXED"
        );
        assert_eq!(columns.iter().map(|c| c.attribute).collect::<Vec<_>>(), [N, NAME]);
    }
}
