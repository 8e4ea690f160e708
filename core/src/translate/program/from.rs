//! FROM: tables, subqueries and joins of every kind.
//!
//! Every join is written with its condition, because PostgreSQL binds a comma less tightly than JOIN, and merges the columns
//! of USING and NATURAL where SQLite keeps their places.

use sqlite3_parser::ast::{
    As, FromClause, JoinConstraint, JoinOperator, JoinType, JoinedSelectTable, Name, QualifiedName,
    SelectTable,
};

use super::guard;
use super::scope::{Visible, VisibleColumn, of_query, of_relation};
use crate::sqltext::{ident, sqlite_unquote};
use crate::translate::compare::Op;
use crate::translate::expr::Walk;
use crate::translate::function;
use crate::translate::node::{Prec, Result, refuse};

/// The most tables of a join in SQLite.
const MOST_TABLES: usize = 64;

impl<'s> Walk<'s> {
    /// The clause, whose relations the innermost SELECT sees from then on.
    pub(super) fn joined_tables(&mut self, from: &'s FromClause<'s>) -> Result<String> {
        let Some(first) = from.select else { return Ok(String::new()) };
        let mut sql = self.joined(first)?;
        for join in from.joins.iter().flatten() {
            sql = self.join(sql, join)?;
        }
        Ok(sql)
    }

    /// A table of the clause by itself, whose relations become visible.
    fn joined(&mut self, table: &'s SelectTable<'s>) -> Result<String> {
        match table {
            SelectTable::Table(name, alias, indexed) => {
                if indexed.is_some() {
                    self.note("INDEXED BY and NOT INDEXED are left out");
                }
                let alias = alias_of(alias.as_ref());
                let (sql, visible) = self.table(name, alias.as_deref()).map_err(|mut refusal| {
                    refusal.near.get_or_insert_with(|| name.name.0.to_owned());
                    refusal
                })?;
                self.see(visible)?;
                Ok(sql)
            }
            SelectTable::Select(select, alias) => {
                // A subquery does not see the tables beside it.
                let level = self.program()?.levels.pop();
                let query = self.query(select);
                self.program()?.levels.extend(level);
                let query = query?.labelled();
                let name = alias_of(alias.as_ref()).unwrap_or_default();
                let alias = self.program()?.alias(&name);
                self.see(of_query(&query.columns, &name, &alias))?;
                Ok(format!("({}) AS {}", query.sql, query.called(&alias)))
            }
            SelectTable::Sub(from, None) => Ok(format!("({})", self.joined_tables(from)?)),
            SelectTable::Sub(_, Some(_)) => refuse("an alias of a join in parentheses"),
            SelectTable::TableCall(name, args, alias) => {
                let called = sqlite_unquote(name.name.0);
                let alias = alias_of(alias.as_ref());
                let found = self.table_function(&called, args.unwrap_or(&[]), alias);
                let (sql, visible) = found.map_err(|mut refusal| {
                    refusal.near.get_or_insert_with(|| name.name.0.to_owned());
                    refusal
                })?;
                self.see(visible)?;
                Ok(sql)
            }
        }
    }

    fn see(&mut self, visible: Visible) -> Result<()> {
        let level = self.level()?;
        if level.relations.len() >= MOST_TABLES {
            return refuse(format!("more than {MOST_TABLES} tables in a join"));
        }
        level.relations.push(visible);
        Ok(())
    }

    /// A table, view or common table expression by name, and its columns.
    pub(super) fn table(
        &mut self,
        name: &QualifiedName<'s>,
        alias: Option<&str>,
    ) -> Result<(String, Visible)> {
        let table = sqlite_unquote(name.name.0);
        if let Some(database) = &name.db_name
            && !sqlite_unquote(database.0).eq_ignore_ascii_case("main")
        {
            return refuse(format!("no table {}.{table}", database.0));
        }
        let seen_as = alias.unwrap_or(&table).to_owned();
        let sql_alias = self.program()?.alias(&seen_as);
        let program = self.program()?;
        let cte = program.ctes.iter().rev().find(|c| c.name.eq_ignore_ascii_case(&table));
        if let (Some(cte), None) = (cte, &name.db_name) {
            let outputs: Vec<super::Output> = cte.columns.iter().map(output).collect();
            let sql = format!("{} AS {}", ident(&cte.alias), ident(&sql_alias));
            let sql = if cte.alias == sql_alias { ident(&cte.alias) } else { sql };
            return Ok((sql, of_query(&outputs, &seen_as, &sql_alias)));
        }
        let Some(relation) = program.relation(&table) else {
            return refuse(format!("no table {table}"));
        };
        match &relation.target {
            Ok(target) => {
                let sql = format!("{target} AS {}", ident(&sql_alias));
                let sql =
                    if target.ends_with(&format!(".{}", ident(&sql_alias))) { target.clone() } else { sql };
                let mut visible = match &relation.view {
                    Some(view) => of_query(&view.columns.0, &seen_as, &sql_alias),
                    None => of_relation(relation, &seen_as, &sql_alias, &program.schema.timezone),
                };
                // The rowid of a full-text table is none of its columns, though it may be one of the table that is read.
                let rowid =
                    program.search(&table).filter(|search| search.of != search.source).and(visible.rowid);
                if let Some(rowid) = rowid.and_then(|at| visible.columns.get_mut(at)) {
                    rowid.merged = true;
                }
                if relation.view.as_ref().is_some_and(|view| view.stored) {
                    program.stale.insert(table);
                }
                Ok((sql, visible))
            }
            Err(reason) => refuse(format!("table {table} {reason}")),
        }
    }

    fn join(&mut self, left: String, join: &'s JoinedSelectTable<'s>) -> Result<String> {
        let kind = match join.operator {
            JoinOperator::TypedJoin(Some(kind)) => kind,
            JoinOperator::Comma | JoinOperator::TypedJoin(None) => JoinType::INNER,
        };
        let before = self.program()?.levels.last().map_or(0, |l| l.relations.len());
        if kind.contains(JoinType::RIGHT) && matches!(join.table, SelectTable::TableCall(..)) {
            return refuse("a RIGHT or FULL JOIN of a table function");
        }
        let right = self.joined(&join.table)?;
        let names = self.merged_names(kind, join.constraint.as_ref(), before)?;
        let word = match (kind.contains(JoinType::LEFT), kind.contains(JoinType::RIGHT)) {
            (true, true) => "FULL JOIN",
            (true, false) => "LEFT JOIN",
            (false, true) => "RIGHT JOIN",
            (false, false) => "JOIN",
        };
        let condition = match &join.constraint {
            Some(JoinConstraint::On(e)) => {
                if word == "FULL JOIN" && guard::any(e, |e| !hashable(e)) {
                    return refuse("FULL JOIN with a condition that is not of equalities");
                }
                let condition = self.expr(e)?.truth()?.sql;
                if word == "FULL JOIN" && condition.contains("CASE ") {
                    return refuse("FULL JOIN with a condition that is not of equalities");
                }
                Some(condition)
            }
            _ if names.is_empty() => None,
            _ => Some(self.merge(&names, before, kind)?),
        };
        Ok(match (word, condition) {
            (_, Some(condition)) => format!("{left} {word} {right} ON {condition}"),
            ("JOIN", None) => format!("{left} CROSS JOIN {right}"),
            (_, None) => format!("{left} {word} {right} ON true"),
        })
    }

    /// The columns that NATURAL or USING compares.
    fn merged_names(
        &mut self,
        kind: JoinType,
        constraint: Option<&'s JoinConstraint<'s>>,
        before: usize,
    ) -> Result<Vec<String>> {
        if let Some(JoinConstraint::Using(names)) = constraint {
            return Ok(names.iter().map(|n: &Name<'_>| sqlite_unquote(n.0)).collect());
        }
        if !kind.contains(JoinType::NATURAL) {
            return Ok(vec![]);
        }
        let Some(level) = self.program()?.levels.last() else { return Ok(vec![]) };
        let (left, right) = level.relations.split_at(before);
        let names = |of: &[Visible]| -> Vec<String> {
            of.iter().flat_map(|r| &r.columns).filter_map(|c| c.name.clone()).collect()
        };
        let left = names(left);
        let shared = |name: &String| left.iter().any(|l| l.eq_ignore_ascii_case(name));
        Ok(names(right).into_iter().filter(shared).collect())
    }

    /// The condition of USING. The right column is the left one from then on; in a RIGHT or FULL JOIN both are one.
    fn merge(&mut self, names: &[String], before: usize, kind: JoinType) -> Result<String> {
        let mut conditions = vec![];
        for name in names {
            let level = self.level()?;
            let is = |c: &VisibleColumn| {
                c.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)) && !c.merged
            };
            let (lefts, rights) = level.relations.split_at_mut(before);
            let mut left = lefts.iter().flat_map(|r| &r.columns).filter(|c| is(c));
            let mut right = rights.iter_mut().flat_map(|r| &mut r.columns).filter(|c| is(c));
            let (Some(l), None, Some(r), None) = (left.next(), left.next(), right.next(), right.next())
            else {
                return refuse(format!("cannot join using column {name}"));
            };
            if l.missing || r.missing {
                return refuse(format!("column {name} is not carried over"));
            }
            r.merged = true;
            let earlier =
                level.merged.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, n)| n.clone());
            let (l, r) = (earlier.unwrap_or_else(|| l.node.clone()), r.node.clone());
            if kind.contains(JoinType::RIGHT) {
                let both = match function::call("coalesce", &[l.clone(), r.clone()]) {
                    Ok(both) => both,
                    Err(_) if kind.contains(JoinType::LEFT) => {
                        return refuse(format!(
                            "FULL JOIN by column {name}, whose values are of several classes"
                        ));
                    }
                    Err(_) => function::call("coalesce", &self.together(vec![l.clone(), r.clone()])?)?,
                };
                let level = self.level()?;
                level.merged.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                level.merged.push((name.clone(), both));
            }
            conditions.push(self.compare(l, Op::Eq, r)?.at(Prec::Compare));
        }
        Ok(conditions.join(" AND "))
    }
}

/// Conditions by which PostgreSQL can do a FULL JOIN.
fn hashable(e: &sqlite3_parser::ast::Expr<'_>) -> bool {
    use sqlite3_parser::ast::{Expr, Operator};
    match e {
        Expr::Binary(_, Operator::Equals | Operator::And, _) | Expr::Id(_) | Expr::Qualified(..) => true,
        Expr::Parenthesized(items) => items.len() == 1,
        _ => false,
    }
}

fn output(column: &VisibleColumn) -> super::Output {
    super::Output {
        name: column.name.clone(),
        label: Some(column.label.clone()),
        aliased: false,
        text: None,
        node: column.node.clone(),
    }
}

pub(super) fn alias_of(alias: Option<&As<'_>>) -> Option<String> {
    alias.map(|(As::As(name) | As::Elided(name))| sqlite_unquote(name.0))
}
