//! What UPDATE and DELETE have in common: WITH, the condition, and ORDER BY with LIMIT, which PostgreSQL has not: there the rows
//! are chosen by a key.

use sqlite3_parser::ast::{Expr, Limit, SortedColumn, With};

use super::super::scope::Visible;
use super::super::select::key_sql;
use super::super::writable::Arbiter;
use super::target::Target;
use crate::sqltext::ident;
use crate::translate::expr::Walk;
use crate::translate::node::{Result, refuse};

impl<'s> Walk<'s> {
    /// `WITH … `, before the statement.
    pub(super) fn leading(&mut self, with: Option<&'s With<'s>>) -> Result<String> {
        with.map_or(Ok(String::new()), |with| self.with_clause(with))
    }

    pub(super) fn note_indexed(&mut self, indexed: bool) {
        if indexed {
            self.note("INDEXED BY and NOT INDEXED are left out");
        }
    }

    /// ` WHERE …`
    pub(super) fn condition(&mut self, condition: Option<&'s Expr<'s>>) -> Result<String> {
        let Some(condition) = condition else { return Ok(String::new()) };
        Ok(format!(" WHERE {}", self.expr(condition)?.truth()?.sql))
    }

    /// The condition of the first rows only. Within the subquery the table has the same name, so that the condition means the
    /// same there.
    pub(super) fn limited(
        &mut self,
        target: &Target<'s>,
        condition: String,
        order: &'s [SortedColumn<'s>],
        limit: Option<&'s Limit<'s>>,
    ) -> Result<String> {
        let Some(limit) = limit else {
            return if order.is_empty() { Ok(condition) } else { refuse("ORDER BY without LIMIT") };
        };
        let Some(key) = row_key(target) else {
            return refuse("LIMIT of a statement that writes to a table without a key");
        };
        if order.is_empty() {
            self.note("which rows LIMIT takes without ORDER BY is certain in neither database");
        }
        let keys = self.order(order, &[])?;
        let keys = keys.iter().map(|key| key_sql(&key.node, key.sorted)).collect::<Result<Vec<String>>>()?;
        let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
        let limit = self.limit(limit)?;
        let alias = ident(&target.visible.alias);
        let names: Vec<String> =
            key.iter().map(|at| format!("{alias}.{}", ident(&target.fields[*at].target))).collect();
        let names = names.join(", ");
        Ok(format!(" WHERE ({names}) IN (SELECT {names} FROM {}{condition}{order}{limit})", target.sql))
    }
}

/// The columns of a key, by the alias of a row that has them.
pub(super) fn names(target: &Target<'_>, key: &[usize], visible: &Visible) -> String {
    let name = |at: &usize| format!("{}.{}", ident(&visible.alias), ident(&target.fields[*at].target));
    key.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The columns of a key that tells every row from every other: the rowid, or a unique key without NULLs.
pub(super) fn row_key(target: &Target<'_>) -> Option<Vec<usize>> {
    let whole = |columns: &&Vec<usize>| {
        columns.iter().all(|at| target.fields[*at].not_null && !target.fields[*at].missing)
    };
    let kept = |at: &usize| !target.fields[*at].missing;
    let unique = || {
        let keys = target.keys.iter().filter(|key| !key.partial && matches!(key.arbiter, Arbiter::Index(_)));
        keys.filter_map(|key| key.columns.as_ref()).find(whole).cloned()
    };
    target.visible.rowid.filter(kept).map(|at| vec![at]).or_else(unique)
}
