//! SET: assignments of UPDATE and of DO UPDATE.

use sqlite3_parser::ast::{Expr, Select, Set};

use super::super::guard;
use super::super::scope::of_query;
use super::target::Target;
use crate::sqltext::{ident, ident_list};
use crate::translate::expr::Walk;
use crate::translate::node::{Node, Result, refuse};

/// One assignment, or one row of them.
enum Assignment<'s> {
    One(usize, &'s Expr<'s>),
    Row(Vec<usize>, &'s Select<'s>),
}

/// What SET writes.
pub(super) struct Sets {
    /// By place of the column: the value, where it is one expression.
    pub values: Vec<(usize, Option<Node>)>,
    pub sql: String,
}

impl Sets {
    pub fn places(&self) -> Vec<usize> {
        self.values.iter().map(|(at, _)| *at).collect()
    }
}

impl Assignment<'_> {
    fn writes(&self, place: usize) -> bool {
        match self {
            Assignment::One(at, _) => *at == place,
            Assignment::Row(all, _) => all.contains(&place),
        }
    }
}

impl<'s> Walk<'s> {
    /// The assignments as SQL, and what they write.
    pub(super) fn sets(&mut self, target: &Target<'s>, sets: &'s [Set<'s>]) -> Result<Sets> {
        let mut all: Vec<Assignment<'s>> = vec![];
        for set in sets {
            all.extend(assignments(target, set)?);
        }
        // Of several assignments of a column the last one counts.
        let mut last: Vec<Assignment<'s>> = vec![];
        for (place, one) in all.iter().enumerate() {
            let later = |at: usize| all.iter().skip(place + 1).any(|other| other.writes(at));
            match one {
                Assignment::One(at, _) if later(*at) => {}
                Assignment::One(at, e) => last.push(Assignment::One(*at, e)),
                Assignment::Row(row, _) if row.iter().any(|at| later(*at)) => {
                    return refuse("a column that is set twice, once of a row");
                }
                Assignment::Row(row, select) => last.push(Assignment::Row(row.clone(), select)),
            }
        }
        let (mut values, mut texts) = (vec![], vec![]);
        for one in last {
            match one {
                Assignment::One(at, e) => {
                    let set = self.set_one(target, at, e)?;
                    let (value, text) = set.map_or((None, None), |(value, text)| (Some(value), Some(text)));
                    values.push((at, value));
                    texts.extend(text);
                }
                Assignment::Row(row, select) => {
                    texts.push(self.set_row(target, &row, select)?);
                    values.extend(row.into_iter().map(|at| (at, None)));
                }
            }
        }
        if texts.is_empty() {
            return refuse("only columns that are not carried over are set");
        }
        Ok(Sets { values, sql: texts.join(", ") })
    }

    /// The value, and the assignment; none of a column that is not carried over.
    fn set_one(&mut self, target: &Target<'s>, at: usize, e: &'s Expr<'s>) -> Result<Option<(Node, String)>> {
        let field = &target.fields[at];
        if field.missing {
            self.note(format!("column {} is not carried over, and what it would be is left out", field.name));
            return Ok(None);
        }
        let mut subqueries = vec![];
        guard::each(e, &mut |part| match part {
            Expr::Subquery(select) | Expr::Exists(select) | Expr::InSelect { rhs: select, .. } => {
                subqueries.push(*select);
            }
            _ => {}
        });
        for select in subqueries {
            self.note_changed(target, select)?;
        }
        let node = self.expr(e)?;
        let value = self.parameter_of(node, field)?;
        let node = self.assign_expr(value.clone(), field, e)?;
        Ok(Some((value, format!("{} = {}", ident(&field.target), node.sql))))
    }

    /// `(a, b) = (SELECT …)`: its first row, or NULLs.
    fn set_row(&mut self, target: &Target<'s>, row: &[usize], select: &'s Select<'s>) -> Result<String> {
        self.note_changed(target, select)?;
        let query = self.query(select)?;
        if query.columns.len() != row.len() {
            return refuse(format!("{} columns of a subquery for {}", query.columns.len(), row.len()));
        }
        let query = query.labelled();
        let alias = self.program()?.alias("q");
        let seen = of_query(&query.columns, &alias, &alias);
        let (mut names, mut values) = (vec![], vec![]);
        for (column, at) in seen.columns.into_iter().zip(row) {
            let field = &target.fields[*at];
            if field.missing {
                return refuse(format!("column {} is not carried over", field.name));
            }
            names.push(&field.target);
            values.push(self.assign(column.node, field)?.sql);
        }
        Ok(format!(
            "({}) = (SELECT {} FROM ({}) AS {} LIMIT 1)",
            ident_list(names),
            values.join(", "),
            query.sql,
            query.called(&alias)
        ))
    }

    /// Says where a subquery reads the table for each row that is written: SQLite has written the rows before by then.
    fn note_changed(&mut self, target: &Target<'s>, select: &'s Select<'s>) -> Result<()> {
        let reads = guard::read_names(select).iter().any(|name| name.eq_ignore_ascii_case(&target.name));
        if !reads {
            return Ok(());
        }
        let level = self.program()?.levels.pop();
        let alone = self.query(select);
        self.program()?.levels.extend(level);
        if alone.is_err() {
            self.note(format!(
                "a subquery of SET sees {} as it was before the statement, where SQLite sees rows that it has changed already",
                target.name
            ));
        }
        Ok(())
    }
}

fn assignments<'s>(target: &Target<'s>, set: &'s Set<'s>) -> Result<Vec<Assignment<'s>>> {
    let places = set.col_names.iter().map(|name| target.writable(name.0)).collect::<Result<Vec<usize>>>()?;
    match (places.as_slice(), &set.expr) {
        (_, Expr::Parenthesized(items)) if items.len() == places.len() => {
            Ok(places.into_iter().zip(items.iter()).map(|(at, e)| Assignment::One(at, e)).collect())
        }
        ([at], e) => Ok(vec![Assignment::One(*at, e)]),
        (_, Expr::Subquery(select)) => Ok(vec![Assignment::Row(places, select)]),
        _ => refuse(format!("{} columns are set to another number of values", places.len())),
    }
}
