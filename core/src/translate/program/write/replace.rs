//! UPDATE OR REPLACE: rows that have the new key of a row are deleted before it is changed.
//!
//! SQLite goes from row to row, so that what is deleted depends on which row is changed first. Only a statement that changes
//! one row at most means the same in PostgreSQL.

use sqlite3_parser::ast::{Expr, Operator};

use super::super::guard;
use super::super::writable::{Arbiter, UniqueKey};
use super::limit::{names, row_key};
use super::set::Sets;
use super::target::{Target, seen};
use crate::sqltext::{ident, sqlite_unquote};
use crate::translate::expr::Walk;
use crate::translate::node::{Result, refuse};

/// What goes before the UPDATE, and its condition.
pub(super) struct Replacing {
    /// A common table expression, without WITH.
    pub table: String,
    pub condition: String,
}

impl<'s> Walk<'s> {
    /// Deletes rows with one of these keys that are not the row itself.
    pub(super) fn replacing_rows(
        &mut self,
        target: &Target<'s>,
        keys: &[&'s UniqueKey],
        sets: &Sets,
        (e, condition): (Option<&'s Expr<'s>>, &str),
    ) -> Result<Replacing> {
        let Some(row) = row_key(target) else {
            return refuse("OR REPLACE of a table without a key that tells its rows apart");
        };
        if !e.is_some_and(|e| self.is_of_one_row(target, e)) {
            return refuse("UPDATE that deletes rows with the same key (OR REPLACE), of more rows than one");
        }
        self.note_replaced(target, false);
        let alias = self.program()?.alias("other");
        let gone = ident(&self.program()?.alias("replaced"));
        let other = seen(target.relation, "other", &alias, &self.program()?.schema.timezone);
        let table = target.relation.target.as_deref().unwrap_or_default();
        let same: Vec<String> =
            keys.iter().map(|key| self.same_key(target, key, sets, &other)).collect::<Result<_>>()?;
        let own = condition.strip_prefix(" WHERE ").unwrap_or("true");
        let deleted = format!(
            "DELETE FROM {table} AS {} USING {} WHERE ({own}) AND (({})) AND ({}) <> ({}) RETURNING 1",
            ident(&alias),
            target.sql,
            same.join(") OR ("),
            names(target, &row, &other),
            names(target, &row, &target.visible)
        );
        Ok(Replacing {
            table: format!("{gone} AS ({deleted})"),
            condition: format!(" WHERE ({own}) AND (SELECT count(*) FROM {gone}) >= 0"),
        })
    }

    /// The condition holds of one row at most: it says of every column of a key what it equals.
    fn is_of_one_row(&self, target: &Target<'s>, condition: &'s Expr<'s>) -> bool {
        let (mut open, mut fixed) = (vec![condition], vec![]);
        while let Some(e) = open.pop() {
            match e {
                Expr::Parenthesized(items) if items.len() == 1 => open.push(&items[0]),
                Expr::Binary(l, Operator::And, r) => open.extend([*l, *r]),
                Expr::Binary(l, Operator::Equals | Operator::Is, r) => {
                    let sides = [(*l, *r), (*r, *l)].into_iter().filter(|(_, value)| is_apart(target, value));
                    fixed.extend(sides.filter_map(|(column, _)| place(target, column)));
                }
                _ => {}
            }
        }
        let plain = |key: &&UniqueKey| key.plain && !key.partial && matches!(key.arbiter, Arbiter::Index(_));
        let keys = target.keys.iter().filter(plain).filter_map(|key| key.columns.as_ref());
        // NULLs of a key may be several, and a column that ignores case may equal more than its key tells apart.
        let single = |at: &usize| {
            fixed.contains(at)
                && target.fields[*at].not_null
                && !target.visible.columns[*at].node.is_collated()
        };
        let whole = |columns: &Vec<usize>| columns.iter().all(single);
        target.visible.rowid.is_some_and(|at| fixed.contains(&at)) || keys.into_iter().any(whole)
    }
}

/// A column of the table itself.
fn place(target: &Target<'_>, e: &Expr<'_>) -> Option<usize> {
    match e {
        Expr::Id(id) => target.place(id.0).ok(),
        Expr::Name(name) => target.place(name.0).ok(),
        Expr::Qualified(table, name) => {
            let own = sqlite_unquote(table.0).eq_ignore_ascii_case(&target.visible.name);
            target.place(name.0).ok().filter(|_| own)
        }
        _ => None,
    }
}

/// A value that no row of the table changes: of literals, parameters, and columns of NEW and OLD.
fn is_apart(target: &Target<'_>, e: &Expr<'_>) -> bool {
    let mut apart = true;
    guard::each(e, &mut |part| {
        apart &= match part {
            Expr::Qualified(table, _) => {
                let table = sqlite_unquote(table.0);
                !table.eq_ignore_ascii_case(&target.visible.name)
                    && ["new", "old"].iter().any(|row| table.eq_ignore_ascii_case(row))
            }
            Expr::Literal(_)
            | Expr::Variable(_)
            | Expr::Parenthesized(_)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Cast { .. } => true,
            _ => false,
        };
    });
    apart
}
