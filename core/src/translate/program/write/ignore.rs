//! UPDATE OR IGNORE: a row keeps its values where another row has its new key.

use super::super::scope::Visible;
use super::super::writable::{Arbiter, UniqueKey};
use super::limit::{names, row_key};
use super::set::Sets;
use super::target::{Target, seen};
use crate::sqltext::ident;
use crate::translate::compare::{self, Op};
use crate::translate::expr::Walk;
use crate::translate::node::{Prec, Result, refuse};

impl<'s> Walk<'s> {
    /// The condition, without the rows that would get a key which another row has.
    pub(super) fn unless_there(
        &mut self,
        target: &Target<'s>,
        keys: &[&'s UniqueKey],
        sets: &Sets,
        condition: String,
    ) -> Result<String> {
        if keys.is_empty() {
            return Ok(condition);
        }
        let Some(row) = row_key(target) else {
            return refuse("OR IGNORE of a table without a key that tells its rows apart");
        };
        self.note("a row keeps its values where another has its new key before the statement; of two rows with one new key the second is an error, where OR IGNORE leaves it");
        let alias = self.program()?.alias("other");
        let other = seen(target.relation, "other", &alias, &self.program()?.schema.timezone);
        let table = target.relation.target.as_deref().unwrap_or_default();
        let own = condition.strip_prefix(" WHERE ").map(|own| format!("({own})"));
        let mut all: Vec<String> = own.into_iter().collect();
        for key in keys {
            all.push(format!(
                "NOT EXISTS (SELECT 1 FROM {table} AS {} WHERE {} AND ({}) <> ({}))",
                ident(&alias),
                self.same_key(target, key, sets, &other)?,
                names(target, &row, &other),
                names(target, &row, &target.visible)
            ));
        }
        Ok(format!(" WHERE {}", all.join(" AND ")))
    }

    /// That another row has the key which a row would get.
    pub(super) fn same_key(
        &mut self,
        target: &Target<'s>,
        key: &UniqueKey,
        sets: &Sets,
        other: &Visible,
    ) -> Result<String> {
        let columns = key.columns.as_ref().filter(|_| !key.partial && key.arbiter != Arbiter::Missing);
        let Some(columns) = columns else {
            return refuse("UPDATE OR IGNORE or OR REPLACE by a key with a condition, or over expressions");
        };
        let mut parts = vec![];
        for at in columns {
            if target.fields[*at].generated {
                return refuse("UPDATE OR IGNORE or OR REPLACE by a key with a column that is computed");
            }
            let value = match sets.values.iter().find(|(place, _)| place == at) {
                Some((_, Some(value))) => value.clone(),
                Some((_, None)) => {
                    return refuse("UPDATE OR IGNORE or OR REPLACE of a key by a row of a subquery");
                }
                None => target.visible.columns[*at].node.clone(),
            };
            let (l, r) = self.pair(other.columns[*at].node.clone(), value, false)?;
            parts.push(compare::compare(l, Op::Eq, r)?.at(Prec::Compare));
        }
        Ok(parts.join(" AND "))
    }
}
