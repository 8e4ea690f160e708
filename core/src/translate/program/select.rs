//! One SELECT: results, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT.
//!
//! What stands in ORDER BY and GROUP BY is written as the expression that it means: PostgreSQL reads a number there as a
//! place, and knows aliases by other rules.

use sqlite3_parser::ast::{
    Distinctness, Expr, Limit, NullsOrder, OneSelect, ResultColumn, Select, SortOrder, SortedColumn,
};

use super::aggregate::{extreme, is_aggregate};
use super::from::alias_of;
use super::place::Sought;
use super::query::{Key, item, label_of};
use super::scope::{Level, groupable, ordered};
use super::{Output, Query, guard, storage};
use crate::sqltext::sqlite_unquote;
use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Lit, Node, Result, refuse};
use crate::types::TypeClass;

impl<'s> Walk<'s> {
    /// A SELECT with everything that belongs to it.
    pub(super) fn query(&mut self, select: &'s Select<'s>) -> Result<Query> {
        if self.depth + guard::SELECT_DEPTH >= crate::translate::parse::MAX_DEPTH {
            return refuse("it is nested too deeply");
        }
        self.depth += guard::SELECT_DEPTH;
        let ctes = self.program()?.ctes.len();
        self.program()?.nested += 1;
        let only_rows = std::mem::take(&mut self.program()?.only_rows);
        let query = self.with(select, only_rows);
        self.program()?.nested -= 1;
        self.program()?.ctes.truncate(ctes);
        self.depth -= guard::SELECT_DEPTH;
        query
    }

    fn with(&mut self, select: &'s Select<'s>, only_rows: bool) -> Result<Query> {
        let with = match &select.with {
            Some(with) => self.with_clause(with)?,
            None => String::new(),
        };
        let order = select.order_by.unwrap_or(&[]);
        let mut query = match select.body.compounds.as_deref() {
            None | Some([]) => {
                self.program()?.only_rows =
                    only_rows && matches!(select.body.select, OneSelect::Select { .. });
                self.one(&select.body.select, order)?
            }
            Some(arms) => self.compound(&select.body.select, arms, order)?,
        };
        if let Some(limit) = select.limit {
            query.sql += &self.limit(limit)?;
        }
        query.sql = with + &query.sql;
        Ok(query)
    }

    pub(super) fn one(&mut self, one: &'s OneSelect<'s>, order: &'s [SortedColumn<'s>]) -> Result<Query> {
        match one {
            OneSelect::Select { .. } => {
                self.program()?.levels.push(Level::default());
                let query = self.core(one, order);
                self.program()?.levels.pop();
                query
            }
            OneSelect::Values(rows) => {
                let rows: Vec<&'s [Expr<'s>]> = rows.iter().map(|row| row.as_slice()).collect();
                let query = self.values(&rows)?;
                let keys = self.keys_of_results(order, &query.columns)?;
                query.sorted(&keys, true, false)
            }
        }
    }

    fn core(&mut self, one: &'s OneSelect<'s>, order: &'s [SortedColumn<'s>]) -> Result<Query> {
        let OneSelect::Select { distinctness, columns, from, where_clause, group_by, having, window_clause } =
            one
        else {
            return refuse("a SELECT was expected");
        };
        let only_rows = std::mem::take(&mut self.program()?.only_rows);
        let classed = std::mem::take(&mut self.program()?.classed);
        let awaited = self.program()?.awaited.take();
        self.level()?.awaited = awaited;
        let from = match from {
            Some(from) => self.joined_tables(from)?,
            None => String::new(),
        };
        self.begin(columns, window_clause.unwrap_or(&[]))?;
        let mut tail = String::new();
        if let Some(condition) = where_clause {
            tail += &format!(" WHERE {}", self.expr(condition)?.truth()?.sql);
        }
        let groups = self.group(group_by.unwrap_or(&[]), columns, *having, order)?;
        let outputs = match only_rows
            && matches!(columns, [ResultColumn::Star])
            && distinctness.is_none()
            && order.is_empty()
        {
            true => vec![],
            false => self.results(columns)?,
        };
        if let Some(keys) = groups {
            tail += &keys;
        }
        self.level()?.aliases_seen = true;
        if let Some(condition) = having {
            tail += &format!(" HAVING {}", self.expr(condition)?.truth()?.sql);
        }
        let from = if from.is_empty() { from } else { format!(" FROM {from}") };
        let distinct = *distinctness == Some(Distinctness::Distinct);
        let head = if distinct { self.distinct(&outputs)? } else { "SELECT ".to_owned() };
        let order = self.order(order, &outputs)?;
        let one_row = self.level()?.grouped && group_by.is_none() || from.is_empty();
        let written = self.as_written(&outputs, columns)?;
        let outputs = if written.is_none() { self.shown(outputs, classed)? } else { outputs };
        let items: Vec<String> = written.as_ref().unwrap_or(&outputs).iter().map(item).collect();
        let items = if items.is_empty() { "1".to_owned() } else { items.join(", ") };
        let sql = format!("{head}{items}{from}{tail}");
        Query { sql, columns: outputs, one_row, relabelled: false }.sorted(&order, distinct, false)
    }

    pub(super) fn level(&mut self) -> Result<&mut Level<'s>> {
        match self.program()?.levels.last_mut() {
            Some(level) => Ok(level),
            None => refuse("an expression outside of a SELECT"),
        }
    }

    pub(super) fn begin(
        &mut self,
        columns: &'s [ResultColumn<'s>],
        windows: &'s [sqlite3_parser::ast::WindowDef<'s>],
    ) -> Result<()> {
        let aliases = columns.iter().filter_map(|c| match c {
            ResultColumn::Expr(e, alias) => Some((alias_of(alias.as_ref())?, e)),
            _ => None,
        });
        let level = self.level()?;
        level.aliases = aliases.collect();
        level.aliases_seen = true;
        level.windows = windows.iter().map(|w| (sqlite_unquote(w.name.0), &w.window)).collect();
        Ok(())
    }

    /// Begins the results of groups; ` GROUP BY …` where there are keys.
    pub(super) fn group(
        &mut self,
        keys: &'s [Expr<'s>],
        columns: &'s [ResultColumn<'s>],
        having: Option<&'s Expr<'s>>,
        order: &'s [SortedColumn<'s>],
    ) -> Result<Option<String>> {
        let results = columns.iter().filter_map(|c| match c {
            ResultColumn::Expr(e, _) => Some(e),
            _ => None,
        });
        let all: Vec<&'s Expr<'s>> = results.chain(having).chain(order.iter().map(|o| &o.expr)).collect();
        let aggregate = all.iter().any(|e| guard::any(e, aggregates));
        if keys.is_empty() && !aggregate {
            self.level()?.aliases_seen = false;
            return if having.is_some() {
                refuse("HAVING without GROUP BY or an aggregate")
            } else {
                Ok(None)
            };
        }
        let mut written: Vec<String> = vec![];
        let mut sources = vec![];
        for key in keys {
            let sought = Sought::of(key);
            let found = match sought.at_place(columns)? {
                None => self.alias_behind(sought.e)?,
                found => found,
            };
            let key = found.unwrap_or(key);
            let node = self.expr(key)?;
            let node = if found.is_some() { sought.result(node)? } else { node };
            let node = node.with_class();
            self.note_equal(&node);
            let sql = match &node.kind {
                // A constant would be a place or an error.
                _ if is_constant(&node) => "(1 = 1)".to_owned(),
                // The texts of a group differ, and any one of them is shown.
                _ if storage::is_folded(&node) => storage::group_key(&node)?,
                Kind::Member(_) => format!("({})", storage::group_key(&node)?),
                _ => node.operand(),
            };
            if !storage::is_folded(&node) {
                if !matches!(node.kind, Kind::Member(_)) {
                    groupable(&node)?;
                }
                sources.push((key, node.sql.clone()));
            }
            if !written.contains(&sql) {
                written.push(sql);
            }
        }
        let only = extreme(&all);
        let level = self.level()?;
        level.keys = sources.iter().map(|(key, _)| unwrapped(key)).collect();
        level.key_sql = sources.into_iter().map(|(_, sql)| sql).collect();
        level.extreme = only;
        level.grouped = true;
        level.aliases_seen = false;
        Ok((!written.is_empty()).then(|| format!(" GROUP BY {}", written.join(", "))))
    }

    /// The expression of an alias that is no column's name.
    fn alias_behind(&mut self, key: &'s Expr<'s>) -> Result<Option<&'s Expr<'s>>> {
        let Expr::Id(id) = key else { return Ok(None) };
        let name = sqlite_unquote(id.0);
        let level = self.level()?;
        let is = |n: &str| n.eq_ignore_ascii_case(&name);
        if level.relations.iter().flat_map(|r| &r.columns).any(|c| c.name.as_deref().is_some_and(is)) {
            return Ok(None);
        }
        Ok(level.aliases.iter().find(|(alias, _)| is(alias)).map(|(_, e)| *e))
    }

    pub(super) fn results(&mut self, columns: &'s [ResultColumn<'s>]) -> Result<Vec<Output>> {
        let mut outputs = vec![];
        for column in columns {
            match column {
                ResultColumn::Expr(e, alias) => {
                    let node = self.expr(e)?;
                    let node = self.for_column(outputs.len(), node)?;
                    let alias = alias_of(alias.as_ref());
                    let aliased = alias.is_some();
                    let name = alias.clone().or_else(|| name_of(e));
                    let text = name.is_none().then(|| guard::shown(e));
                    let label = alias.or_else(|| label_of(&node)).or_else(|| name.clone());
                    // PostgreSQL has no empty names.
                    let label = label.filter(|label| !label.is_empty());
                    outputs.push(Output {
                        name,
                        label,
                        node: result(node).map_err(|r| guard::near(r, e))?,
                        aliased,
                        text,
                    });
                }
                ResultColumn::Star => outputs.extend(self.star(None)?),
                ResultColumn::TableStar(table) => outputs.extend(self.star(Some(&sqlite_unquote(table.0)))?),
            }
        }
        Ok(outputs)
    }

    /// `*` in SQLite's order: what a join merges, at the place of the left column.
    fn star(&mut self, table: Option<&str>) -> Result<Vec<Output>> {
        let at = self.program()?.levels.len() - 1;
        let level = &self.program()?.levels[at];
        let relations =
            level.relations.iter().filter(|r| table.is_none_or(|t| r.name.eq_ignore_ascii_case(t)));
        let columns: Vec<_> = relations.flat_map(|r| r.columns.clone()).collect();
        if columns.is_empty() {
            return refuse(table.map_or("* without a table".to_owned(), |t| format!("no table {t}")));
        }
        let merged = level.merged.clone();
        let (grouped, keys) = (level.grouped, level.key_sql.clone());
        let mut outputs = vec![];
        for column in columns.into_iter().filter(|c| table.is_some() || !c.merged) {
            if column.missing {
                return refuse(format!(
                    "* with column {}, which is not carried over",
                    column.name.unwrap_or_default()
                ));
            }
            let is = |n: &String| column.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(n));
            let both = merged.iter().find(|(n, _)| table.is_none() && is(n)).map(|(_, n)| n.clone());
            let node = both.unwrap_or(column.node);
            let node = if grouped && !keys.contains(&node.sql) { self.at_level(at, node)? } else { node };
            outputs.push(Output {
                name: column.name,
                label: Some(column.label),
                node: result(node)?,
                aliased: false,
                text: None,
            });
        }
        Ok(outputs)
    }

    /// The keys of ORDER BY.
    pub(super) fn order(&mut self, order: &'s [SortedColumn<'s>], outputs: &[Output]) -> Result<Vec<Key>> {
        let mut keys = vec![];
        for sorted in order {
            let sought = Sought::of(&sorted.expr);
            let place = sought.place_of(outputs)?;
            let node = match place {
                Some(at) => sought.result(outputs[at].node.clone())?,
                None => self.expr(&sorted.expr)?,
            };
            let at = place.or_else(|| outputs.iter().position(|o| o.node.sql == node.sql));
            if !is_constant(&node) {
                self.note_equal(&node);
                keys.push(Key { at, node, sorted: direction(sorted) });
            }
        }
        Ok(keys)
    }

    pub(super) fn limit(&mut self, limit: &'s Limit<'s>) -> Result<String> {
        let mut sql = String::new();
        let mut bound = |walk: &mut Self, word: &str, e: &'s Expr<'s>| -> Result<()> {
            let node = walk.expr(e)?;
            let node = walk.typed(node, TypeClass::Integer)?;
            match (node.literal(), storage::whole(&node)) {
                // Below zero, there is no limit and no offset.
                (_, Some(n)) if n < 0 => {}
                (_, Some(n)) => sql += &format!(" {word} {n}"),
                (None, _) if node.class == TypeClass::Integer => {
                    walk.note(format!("{word} below zero is an error, where SQLite has none"));
                    sql += &format!(" {word} {}", node.operand());
                }
                _ => return refuse(format!("{word} that is no integer")),
            }
            Ok(())
        };
        bound(self, "LIMIT", &limit.expr)?;
        if let Some(offset) = &limit.offset {
            bound(self, "OFFSET", offset)?;
        }
        Ok(sql)
    }
}

/// Written as a constant, which PostgreSQL does not take as a key.
pub(super) fn is_constant(node: &Node) -> bool {
    node.literal().is_some() || matches!(node.sql.as_str(), "true" | "false")
}

/// SQLite's NULLs come first, and last where the order descends.
pub(super) fn direction(sorted: &SortedColumn<'_>) -> &'static str {
    let descends = sorted.order == Some(SortOrder::Desc);
    match (descends, sorted.nulls.unwrap_or(if descends { NullsOrder::Last } else { NullsOrder::First })) {
        (false, NullsOrder::First) => "NULLS FIRST",
        (false, NullsOrder::Last) => "NULLS LAST",
        (true, NullsOrder::First) => "DESC NULLS FIRST",
        (true, NullsOrder::Last) => "DESC NULLS LAST",
    }
}

pub(super) fn key_sql(node: &Node, sorted: &str) -> Result<String> {
    let node = &node.with_class();
    storage::check_uncollated(node)?;
    if let Kind::Member(member) = &node.kind {
        return Ok(member.keys().map(|key| format!("{key} {sorted}")).join(", "));
    }
    if storage::is_spelled(node) {
        return Ok(storage::spelled_keys(node).map(|key| format!("{key} {sorted}")).join(", "));
    }
    Ok(format!("{} {sorted}", ordered(node)?))
}

/// A result as SQLite's value.
pub(super) fn result(node: Node) -> Result<Node> {
    match (&node.kind, node.class) {
        (Kind::Literal(Lit::Real(..)), _) => Ok(node.cast("double precision", TypeClass::Float)),
        // SQLite has 0 and 1.
        (kind, TypeClass::Bool) if !matches!(kind, Kind::Column { .. }) => node.number(),
        (Kind::JsonMember, _) => refuse("a member of a JSON document as a result, whose type is not known"),
        (Kind::TypeOf(_), TypeClass::Other) => refuse("typeof() of a value whose storage class is not known"),
        (Kind::Parameter(_), _) => refuse("a parameter as a result, whose type nothing tells"),
        _ => Ok(node),
    }
}

pub(super) fn unwrapped<'a, 's>(mut e: &'a Expr<'s>) -> &'a Expr<'s> {
    while let Expr::Parenthesized(items) = e
        && let [one] = items.as_slice()
    {
        e = one;
    }
    e
}

pub(super) fn aggregates(e: &Expr<'_>) -> bool {
    match e {
        Expr::FunctionCall { name, args, filter_over, .. } => {
            filter_over.as_ref().is_none_or(|tail| tail.over_clause.is_none())
                && is_aggregate(&sqlite_unquote(name.0).to_ascii_lowercase(), args.map_or(0, <[_]>::len))
        }
        Expr::FunctionCallStar { filter_over, .. } => {
            filter_over.as_ref().is_none_or(|tail| tail.over_clause.is_none())
        }
        _ => false,
    }
}

/// SQLite's name of a column without an alias.
fn name_of(e: &Expr<'_>) -> Option<String> {
    match e {
        Expr::Id(id) => Some(sqlite_unquote(id.0)),
        Expr::Qualified(_, name) | Expr::DoublyQualified(_, _, name) => Some(sqlite_unquote(name.0)),
        Expr::Parenthesized(items) => match items.as_slice() {
            [one] => name_of(one),
            _ => None,
        },
        _ => None,
    }
}
