//! WITH: common table expressions, also those that read themselves.

use std::collections::HashMap;

use sqlite3_parser::ast::{CommonTableExpr, CompoundOperator, CompoundSelect, Materialized, OneSelect, With};

use super::compound::pinned;
use super::scope::{Visible, of_query};
use super::{Output, Query, guard};
use crate::sqltext::{ident, ident_list, sqlite_unquote};
use crate::translate::expr::Walk;
use crate::translate::node::{Result, class_name, refuse};

impl<'s> Walk<'s> {
    /// `WITH … `, whose tables are in sight from then on.
    pub(super) fn with_clause(&mut self, with: &'s With<'s>) -> Result<String> {
        let mut parts = vec![];
        let mut recursive = false;
        let names = with.ctes.iter().map(|cte| sqlite_unquote(cte.tbl_name.0).to_ascii_lowercase());
        let places: HashMap<String, usize> = names.enumerate().map(|(place, name)| (name, place)).collect();
        for (place, cte) in with.ctes.iter().enumerate() {
            // SQLite sees them all, also before a table of the file that has the name.
            let later = |name: &String| places.get(&name.to_ascii_lowercase()).is_some_and(|at| *at > place);
            if let Some(later) = guard::read_names(cte.select).into_iter().find(later) {
                return refuse(format!("a common table expression that reads {later} before it is defined"));
            }
            let name = sqlite_unquote(cte.tbl_name.0);
            // PostgreSQL's would be seen in places where SQLite sees the outer one.
            if self.program()?.ctes.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
                return refuse(format!("a second common table expression {name}"));
            }
            let arms = cte.select.body.compounds.as_deref().unwrap_or(&[]);
            let own = arms.iter().position(|arm| guard::reads(&arm.select, &name));
            let query = match own {
                None => {
                    let levels = std::mem::take(&mut self.program()?.levels);
                    let query = self.query(cte.select);
                    self.program()?.levels = levels;
                    query?
                }
                Some(at) => {
                    recursive = true;
                    self.recursive(cte, &name, arms, at)?
                }
            };
            let query = renamed(query, cte)?.labelled();
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

    /// The parts that do not read the table itself, and then the one that does.
    fn recursive(
        &mut self,
        cte: &'s CommonTableExpr<'s>,
        name: &str,
        arms: &'s [CompoundSelect<'s>],
        at: usize,
    ) -> Result<Query> {
        let select = cte.select;
        if select.order_by.is_some() || select.limit.is_some() || select.with.is_some() {
            return refuse("ORDER BY, LIMIT or WITH in a table that reads itself");
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
        let levels = std::mem::take(&mut self.program()?.levels);
        let query = self.recursive_parts(cte, name, (&select.body.select, &arms[..at]), &arm.select);
        self.program()?.levels = levels;
        let (first, next, columns) = query?;
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
            let visible: Visible = of_query(&columns, name, name);
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
    let node = node.mixed(number);
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
