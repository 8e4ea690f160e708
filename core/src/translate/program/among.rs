//! `x IN (SELECT …)` and `x IN table`: values that are looked for among those of a query.

use sqlite3_parser::ast::{Expr, QualifiedName, Select};

use super::expr::row;
use super::scope::of_query;
use super::{Query, dynamic};
use crate::translate::compare;
use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Node, Prec, Result, refuse};
use crate::types::TypeClass;

/// Values, and the query that they are looked for in.
pub(super) struct Among {
    pub left: String,
    pub sql: String,
    /// Rows are left out that have no value of the class that is looked for.
    pub filtered: bool,
}

impl<'s> Walk<'s> {
    pub(super) fn in_select(&mut self, lhs: &'s Expr<'s>, not: bool, select: &'s Select<'s>) -> Result<Node> {
        let values = match row(lhs) {
            Some(items) => self.list(items)?,
            None => vec![self.expr(lhs)?],
        };
        let query = self.query(select)?;
        if query.columns.len() != values.len() {
            return refuse("IN with a subquery of another number of columns");
        }
        let word = if not { "NOT IN" } else { "IN" };
        let single = values.len() == 1;
        let Among { left, sql, .. } = self.like_members(values, query)?;
        let left = if single { left } else { format!("({left})") };
        Ok(Node::boolean(format!("{left} {word} ({sql})")))
    }

    /// The values and the query, whose columns stay as they are unless their classes are unlike those of the values.
    pub(super) fn like_members(&mut self, values: Vec<Node>, query: Query) -> Result<Among> {
        if query.columns.len() != values.len() {
            return refuse("row values of different lengths");
        }
        if !values.iter().zip(&query.columns).any(|(v, c)| dynamic::is_sought(v, &c.node)) {
            let pairs = values.into_iter().zip(&query.columns);
            let values = pairs.map(|(v, c)| self.like_member(v, &c.node)).collect::<Result<Vec<Node>>>()?;
            let sides: Vec<String> = values.iter().map(|v| v.at(Prec::Operator)).collect();
            return Ok(Among { left: sides.join(", "), sql: query.sql, filtered: false });
        }
        let inner = query.labelled();
        let seen = of_query(&inner.columns, "q", "q");
        let (mut sides, mut columns, mut among) = (vec![], vec![], vec![]);
        for (value, column) in values.into_iter().zip(&seen.columns) {
            if dynamic::is_sought(&value, &column.node) {
                self.note_read(&value, &column.node);
                let found = dynamic::sought(&value, &column.node)?;
                sides.push(found.value.at(Prec::Operator));
                // The condition alone does not keep the server from converting the values that it leaves out.
                columns.push(match &found.among {
                    Some(condition) => format!("CASE WHEN {condition} THEN {} END", found.column),
                    None => found.column,
                });
                among.extend(found.among.map(|a| format!("({a})")));
            } else {
                sides.push(self.like_member(value, &column.node)?.at(Prec::Operator));
                columns.push(column.node.sql.clone());
            }
        }
        let filter = if among.is_empty() { String::new() } else { format!(" WHERE {}", among.join(" AND ")) };
        let sql =
            format!("SELECT {} FROM ({}) AS {}{filter}", columns.join(", "), inner.sql, inner.called("q"));
        Ok(Among { left: sides.join(", "), sql, filtered: !among.is_empty() })
    }

    /// A value to be looked for among values of a subquery, which stay as they are.
    fn like_member(&mut self, value: Node, member: &Node) -> Result<Node> {
        if value.is_null() || member.is_null() {
            return Ok(Node::atom("NULL", TypeClass::Text));
        }
        let member = Node { kind: plain_kind(member), ..member.clone() };
        let (value, same) = self.pair(value, member.clone(), false)?;
        if compare::collation(&[&value])? != compare::collation(&[&member])? {
            return refuse("IN with texts of different collations");
        }
        let (value, others) = compare::to_one_type(value, vec![same], false)?;
        match others.as_slice() {
            [same] if same.sql == member.sql && !value.is_collated() => Ok(value),
            _ => refuse("IN with a subquery of values of another type"),
        }
    }

    pub(super) fn in_table(
        &mut self,
        lhs: &'s Expr<'s>,
        not: bool,
        table: &'s QualifiedName<'s>,
    ) -> Result<Node> {
        let value = self.expr(lhs)?;
        let (text, visible) = self.table(table, None)?;
        let [column] = visible.columns.as_slice() else {
            return refuse("IN with a table of several columns");
        };
        let value = self.like_member(value, &column.node)?;
        let word = if not { "NOT IN" } else { "IN" };
        Ok(Node::boolean(format!(
            "{} {word} (SELECT {} FROM {text})",
            value.at(Prec::Operator),
            column.node.sql
        )))
    }
}

/// A member of a subquery is compared with its column's affinity.
fn plain_kind(member: &Node) -> Kind {
    match &member.kind {
        Kind::Column { .. } => member.kind.clone(),
        _ => Kind::Plain,
    }
}
