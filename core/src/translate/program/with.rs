//! WITH: common table expressions, also those that read themselves.

use sqlite3_parser::ast::{
    CommonTableExpr, CompoundOperator, CompoundSelect, Limit, Materialized, OneSelect, Select, SelectTable,
    With,
};

use super::compound::pinned;
use super::scope::{Visible, of_query};
use super::{Output, Query, guard};
use crate::sqltext::{LONGEST_NAME, ident, ident_list, sqlite_unquote};
use crate::translate::expr::Walk;
use crate::translate::node::{Result, class_name, refuse};

impl<'s> Walk<'s> {
    /// `WITH … `, whose tables are in sight from then on.
    pub(super) fn with_clause(&mut self, with: &'s With<'s>) -> Result<String> {
        let mut parts = vec![];
        let mut recursive = false;
        for cte in by_what_they_read(with.ctes)? {
            let name = sqlite_unquote(cte.tbl_name.0);
            // PostgreSQL's would be seen in places where SQLite sees the outer one.
            if self.program()?.ctes.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
                return refuse(format!("a second common table expression {name}"));
            }
            let arms = cte.select.body.compounds.as_deref().unwrap_or(&[]);
            let own = arms.iter().position(|arm| guard::reads(&arm.select, &name));
            let query = match own {
                None => {
                    let around = self.program()?.leave_selects();
                    let query = self.query(cte.select);
                    self.program()?.levels.extend(around);
                    query?
                }
                Some(at) => {
                    recursive = true;
                    self.recursive(cte, &name, arms, at)?
                }
            };
            let query = renamed(query, cte)?.labelled();
            let query = match (own, cte.select.limit) {
                (Some(_), Some(limit)) => {
                    if !is_chain(cte.select, arms) {
                        self.note("LIMIT of a table that reads itself takes its rows in the order in which they are found");
                    }
                    self.first_rows(&name, query, limit, &mut parts)?
                }
                _ => query,
            };
            let materialized = match cte.materialized {
                Materialized::Any => "",
                Materialized::Yes => "MATERIALIZED ",
                Materialized::No => "NOT MATERIALIZED ",
            };
            let labels = ident_list(query.columns.iter().map(|c| c.label.clone().unwrap_or_default()));
            let visible = of_query(&query.columns, &name, &name);
            parts.push(format!("{}({labels}) AS {materialized}({})", ident(&visible.alias), query.sql));
            self.program()?.ctes.push(visible);
        }
        let word = if recursive { "WITH RECURSIVE" } else { "WITH" };
        Ok(format!("{word} {} ", parts.join(", ")))
    }

    /// LIMIT of a table that reads itself ends it: PostgreSQL computes no more of its rows than are read.
    fn first_rows(
        &mut self,
        name: &str,
        query: Query,
        limit: &'s Limit<'s>,
        parts: &mut Vec<String>,
    ) -> Result<Query> {
        let all = all_rows(name);
        let labels = ident_list(query.columns.iter().map(|c| c.label.clone().unwrap_or_default()));
        parts.push(format!("{}({labels}) AS ({})", ident(&all), query.sql));
        let limit = self.limit(limit)?;
        let sql = format!("SELECT {labels} FROM {}{limit}", ident(&all));
        Ok(Query { sql, ..query })
    }

    /// The parts that do not read the table itself, and then the one that does.
    fn recursive(
        &mut self,
        cte: &'s CommonTableExpr<'s>,
        name: &str,
        arms: &'s [CompoundSelect<'s>],
        at: usize,
    ) -> Result<Query> {
        let select = cte.select;
        if select.with.is_some() {
            return refuse("WITH in a table that reads itself");
        }
        let chain = is_chain(select, arms);
        if select.order_by.is_some() && select.limit.is_some() && !chain {
            return refuse(
                "LIMIT with ORDER BY in a table that reads itself: SQLite takes its rows from a queue in this order, PostgreSQL all that come from a row before those that come from them",
            );
        }
        if select.order_by.is_some() && !chain {
            self.note("rows of a table that reads itself have no order of their own: that of its ORDER BY is not kept");
        }
        let [arm] = &arms[at..] else { return refuse("a table that reads itself in several SELECTs") };
        let word = match arm.operator {
            CompoundOperator::Union => "UNION",
            CompoundOperator::UnionAll => "UNION ALL",
            _ => return refuse("a table that reads itself by EXCEPT or INTERSECT"),
        };
        if guard::reads(&select.body.select, name) {
            return refuse("a table that reads itself in its first SELECT");
        }
        let around = self.program()?.leave_selects();
        let query = self.recursive_parts(cte, name, (&select.body.select, &arms[..at]), &arm.select);
        self.program()?.levels.extend(around);
        let (first, next, columns) = query?;
        if arm.operator == CompoundOperator::Union {
            self.told_apart(&first.columns, &next.columns)?;
        }
        let sql = format!("{} {word} {}", pinned(first, &columns), pinned(next, &columns));
        Ok(Query { sql, columns, one_row: false, relabelled: false })
    }

    fn recursive_parts(
        &mut self,
        cte: &'s CommonTableExpr<'s>,
        name: &str,
        (first, others): (&'s OneSelect<'s>, &'s [CompoundSelect<'s>]),
        arm: &'s OneSelect<'s>,
    ) -> Result<(Query, Query, Vec<Output>)> {
        let first = renamed(self.compound(first, others, &[])?, cte)?.labelled();
        let mut columns: Vec<Output> = first.columns.iter().map(plain).collect();
        // The type of a NULL is that of what comes after it.
        for _ in 0..2 {
            let mut visible: Visible = of_query(&columns, name, name);
            if cte.select.limit.is_some() {
                visible.alias = all_rows(name);
            }
            self.program()?.ctes.push(visible);
            let next = self.one(arm, &[]);
            self.program()?.ctes.pop();
            let next = next?;
            if next.columns.len() != columns.len() {
                return refuse("SELECTs of a compound with different numbers of columns");
            }
            let mut same = true;
            for (column, other) in columns.iter_mut().zip(&next.columns) {
                let (of, other) = (&column.node, plain(other).node);
                match of.class == other.class || other.is_null() {
                    true => {}
                    false if of.is_null() => {
                        column.node = other;
                        same = false;
                    }
                    false => {
                        let (a, b) = (class_name(of.class), class_name(other.class));
                        return refuse(format!("a table that reads itself with {a} and then {b} values"));
                    }
                }
            }
            if same {
                return Ok((first, next, columns));
            }
        }
        refuse("a table that reads itself with columns of unknown types")
    }
}

/// Each row of a table that reads itself gives at most one: there is never a choice which comes next.
fn is_chain(select: &Select<'_>, arms: &[CompoundSelect<'_>]) -> bool {
    let tables = |one: &OneSelect<'_>| match one {
        OneSelect::Select { from: None, .. } => 0,
        OneSelect::Select { from: Some(from), .. } => {
            let named = matches!(from.select, Some(SelectTable::Table(..)));
            if named { 1 + from.joins.as_ref().map_or(0, |joins| joins.len()) } else { usize::MAX }
        }
        OneSelect::Values(rows) if rows.len() == 1 => 0,
        OneSelect::Values(_) => usize::MAX,
    };
    matches!(arms, [arm] if tables(&arm.select) == 1) && tables(&select.body.select) == 0
}

/// The name of all rows of a table that reads itself, of which LIMIT takes the first.
fn all_rows(name: &str) -> String {
    let short = if name.len() > LONGEST_NAME - 12 { "it" } else { name };
    format!("all rows of {short}")
}

/// Every table after those that it reads: SQLite sees them all, also before a table of the file that has the name.
fn by_what_they_read<'s>(ctes: &'s [CommonTableExpr<'s>]) -> Result<Vec<&'s CommonTableExpr<'s>>> {
    let names: Vec<String> =
        ctes.iter().map(|cte| sqlite_unquote(cte.tbl_name.0).to_ascii_lowercase()).collect();
    let reads: Vec<Vec<String>> = ctes
        .iter()
        .map(|cte| guard::read_names(cte.select).into_iter().map(|n| n.to_ascii_lowercase()).collect())
        .collect();
    let mut open: Vec<usize> = (0..ctes.len()).collect();
    let mut sorted = vec![];
    while !open.is_empty() {
        let ready = |at: &usize| {
            let waits = |other: &usize| other != at && reads[*at].contains(&names[*other]);
            !open.iter().any(waits)
        };
        let Some(place) = open.iter().position(ready) else {
            return refuse("common table expressions that read each other");
        };
        sorted.push(&ctes[open.remove(place)]);
    }
    Ok(sorted)
}

/// A column of a table that reads itself: of its values nothing but the type is known.
fn plain(output: &Output) -> Output {
    let mut node = super::scope::derived(&output.node, output.node.sql.clone());
    node.bits = 64;
    let number = matches!(node.class, crate::types::TypeClass::Float | crate::types::TypeClass::Numeric);
    if node.class == crate::types::TypeClass::Text || node.is_number() {
        node.kind = match output.node.is_null() {
            true => output.node.kind.clone(),
            false => crate::translate::node::Kind::Plain,
        };
    }
    let mut node = node.mixed(number);
    node.unsure |= node.kind != output.node.kind;
    Output { node, ..output.clone() }
}

/// With the names that the table gives its columns.
fn renamed(mut query: Query, cte: &CommonTableExpr<'_>) -> Result<Query> {
    let Some(names) = cte.columns else { return Ok(query) };
    if names.len() != query.columns.len() {
        return refuse("a common table expression with another number of names than columns");
    }
    for (column, name) in query.columns.iter_mut().zip(names) {
        let name = sqlite_unquote(name.col_name.0);
        query.relabelled |= column.label.as_ref() != Some(&name);
        column.label = Some(name.clone());
        column.name = Some(name);
    }
    Ok(query)
}
