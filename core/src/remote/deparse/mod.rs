//! A shippable query as text for SQLite. Pure: what may ship has been decided by [`super::shippable`].
//!
//! Tables are `main."t" AS r1` by their index in the range table, columns `r1."c"`, parameters `?1`, `?2`, … in the
//! order of [`Remote::parameters`].

mod conjunct;
mod direct_modification;
mod expr;
mod index_order;
mod literal;
mod row_modification;

pub use direct_modification::{Modification, direct_modification};
pub use row_modification::{KeyForm, row_keys, row_modification};

use std::rc::Rc;

use super::observation::{observations, tested};
use super::shippable::{numeric_aggregate, place, type_of};
use super::vocabulary;
use super::{
    ColumnId, Decode, Expr, From, JoinKind, Order, Output, Parameter, ParameterForm, Remote, Select, Table,
    Tables, Target, Type, Untested, Var,
};
use crate::sqltext::sqlite_ident;
use crate::value::native::Native;
use index_order::IndexOrder;

/// Text of a query whose parts are all shippable. Outputs are numbered from 1; a rowid is 0.
pub fn select(select: &Select, tables: &Tables) -> Remote {
    let mut printer = Printer::new(tables);
    let sql = printer.select(select);
    let outputs = select.targets.iter().zip(1..).map(|(target, attribute)| match target {
        Target::Rowid { .. } => Output { attribute: 0, decode: Decode::Rowid },
        Target::Cell(var) => Output { attribute, decode: cell(*var, tables) },
        Target::Value(expr) => {
            let decode = match numeric_aggregate(expr, tables) {
                Some(vocabulary::AggregateResult::Quotient) => Decode::Quotient,
                Some(_) => Decode::Decimal,
                None => Decode::Canonical(type_of(expr, tables).unwrap_or(Type::Other)),
            };
            Output { attribute, decode }
        }
    });
    let outputs = outputs.collect();
    let mut remote = printer.remote(sql, outputs);
    let proofs = tables.keys().copied().zip(remote.proofs.iter().copied()).collect();
    remote.observations = observations(select, tables, &proofs);
    remote.untested =
        tested(select, tables, &proofs).and_then(|tested| untested(select, tables, tested, &remote));
    remote
}

/// The query without tests; `None` where it has none. It has the same parameters: no test has one.
fn untested(select: &Select, tables: &Tables, columns: Vec<ColumnId>, remote: &Remote) -> Option<Untested> {
    if columns.is_empty() {
        return None;
    }
    let without = |table: &Rc<Table>| Rc::new(Table { untested: true, ..Table::clone(table) });
    let tables = tables.iter().map(|(relation, table)| (*relation, without(table))).collect();
    let mut printer = Printer::new(&tables);
    let sql = printer.select(select);
    (sql != remote.sql && printer.parameters == remote.parameters).then_some(Untested { sql, columns })
}

/// How the cells of a column are read; those of a column that is not there are not.
pub fn cell(var: Var, tables: &Tables) -> Decode {
    let Some(place) = place(var, tables) else { return Decode::Canonical(Type::Other) };
    let column = place.column;
    Decode::Cell {
        table: place.table.name.clone(),
        column: column.name.clone(),
        pg_type: column.pg_type.clone(),
        type_name: column.type_name.clone(),
        format: column.format,
        on_invalid: column.on_invalid,
        timezone: place.table.timezone.clone().unwrap_or_default(),
        not_null: column.not_null,
    }
}

pub(crate) struct Printer<'a> {
    pub tables: &'a Tables,
    pub parameters: Vec<Parameter>,
    /// Positions of parameters that are bound in an attribute's storage form: nothing else may use them.
    pub stored: Vec<(usize, i16)>,
    pub reads: Vec<String>,
    /// Columns of epochs hold no texts here.
    counted: bool,
}

impl<'a> Printer<'a> {
    pub fn new(tables: &'a Tables) -> Printer<'a> {
        Printer { tables, parameters: vec![], stored: vec![], reads: vec![], counted: false }
    }

    fn remote(self, sql: String, outputs: Vec<Output>) -> Remote {
        let proofs = self.tables.values().map(|table| table.proof()).collect();
        let (parameters, reads) = (self.parameters, self.reads);
        Remote { sql, outputs, parameters, reads, proofs, untested: None, observations: vec![] }
    }

    /// `?n`; the same value in the same form is bound once.
    pub fn parameter(&mut self, index: usize, type_: Type, form: ParameterForm) -> String {
        let wanted = Parameter { index, type_, form };
        let is_stored = |at: usize| self.stored.iter().any(|(stored, _)| *stored == at);
        let found = self.parameters.iter().enumerate().find(|(at, p)| **p == wanted && !is_stored(*at));
        match found {
            Some((at, _)) => format!("?{}", at + 1),
            None => {
                self.parameters.push(wanted);
                format!("?{}", self.parameters.len())
            }
        }
    }

    fn select(&mut self, select: &Select) -> String {
        match self.epochs(select) {
            Some(var) => self.either(select, var),
            None => self.whole(select),
        }
    }

    fn whole(&mut self, select: &Select) -> String {
        let order = IndexOrder::of(select, self.tables, self.counted);
        let distinct = if select.distinct && !order.distinct { "DISTINCT " } else { "" };
        let mut sql = format!("SELECT {distinct}{}", self.targets(select));
        sql += &format!(" FROM {}", self.from(&select.from));
        sql += &self.where_guarded(&select.conditions, order.guards(self.tables));
        let distinct: Vec<Expr> = match order.distinct {
            true => select.targets.iter().filter_map(|t| index_order::value(t).cloned()).collect(),
            false => vec![],
        };
        let (by, having) = select.groups.as_ref().map_or((&[][..], &[][..]), |g| (&g.by, &g.having));
        let group_by = if order.distinct { &distinct } else { by };
        if !group_by.is_empty() {
            sql += &format!(" GROUP BY {}", self.group_by(group_by, &order));
        }
        sql += &self.having(having);
        sql += &self.order_by(&select.order_by, &order);
        sql + &self.limit(select.limit.as_ref(), select.offset.as_ref())
    }

    fn targets(&mut self, select: &Select) -> String {
        let mut parts: Vec<String> = select.targets.iter().map(|target| self.target(target)).collect();
        let aggregate = |target: &Target| matches!(target, Target::Value(Expr::Aggregate { .. }));
        let one_row = select.groups.as_ref().is_some_and(|groups| groups.by.is_empty());
        if one_row && !select.targets.iter().any(aggregate) {
            // One row, whatever it shows: SQLite sees an aggregate query by its result columns alone.
            parts.push("count(*)".to_owned());
        } else if parts.is_empty() {
            parts.push("NULL".to_owned());
        }
        parts.join(", ")
    }

    fn target(&mut self, target: &Target) -> String {
        match target {
            Target::Cell(var) => place(*var, self.tables).map_or("NULL".to_owned(), |place| place.cell()),
            Target::Rowid { relation } => self.rowid(*relation),
            Target::Value(expr) => self.expr(expr),
        }
    }

    fn rowid(&self, relation: u32) -> String {
        let name = self.tables.get(&relation).and_then(|table| table.rowid.as_deref()).unwrap_or("rowid");
        format!("r{relation}.{}", sqlite_ident(name))
    }

    fn from(&mut self, from: &From) -> String {
        match from {
            From::Table { relation } => self.table(*relation),
            From::Join { kind, left, right, on } => {
                let word = match kind {
                    JoinKind::Inner => "INNER JOIN",
                    JoinKind::Left => "LEFT JOIN",
                    JoinKind::Right => "RIGHT JOIN",
                };
                let left = self.from(left);
                let right = match right.as_ref() {
                    From::Table { relation } => self.table(*relation),
                    join => format!("({})", self.from(join)),
                };
                let on = self.conjunction(on).unwrap_or_else(|| "1".to_owned());
                format!("{left} {word} {right} ON {on}")
            }
        }
    }

    pub fn table(&mut self, relation: u32) -> String {
        let name = self.tables.get(&relation).map_or("", |table| table.name.as_str());
        if !self.reads.iter().any(|read| read == name) {
            self.reads.push(name.to_owned());
        }
        format!("main.{} AS r{relation}", sqlite_ident(name))
    }

    /// A constant makes one group of all rows, but must not be read as a position.
    fn group_by(&mut self, keys: &[Expr], order: &IndexOrder) -> String {
        let keys = keys.iter().map(|key| self.key(key, order));
        keys.map(|key| if is_position(&key) { "NULL".to_owned() } else { key }).collect::<Vec<_>>().join(", ")
    }

    fn having(&mut self, conditions: &[Expr]) -> String {
        let parts = conditions.iter().map(|condition| self.expr(condition)).collect();
        expr::balanced(parts, "AND").map_or_else(String::new, |all| format!(" HAVING {all}"))
    }

    fn key(&mut self, expr: &Expr, order: &IndexOrder) -> String {
        order.covers(expr, self.tables).map_or_else(|| self.expr(expr), |place| place.bare())
    }

    /// Constants sort nothing, and must not be read as positions.
    fn order_by(&mut self, keys: &[Order], order: &IndexOrder) -> String {
        let mut parts = vec![];
        for key in keys {
            let sql = self.key(&key.expr, order);
            if is_position(&sql) {
                continue;
            }
            let direction = if key.descending { "DESC" } else { "ASC" };
            let nulls = match key.nulls_first {
                _ if self.is_never_null(key) => "",
                true => " NULLS FIRST",
                false => " NULLS LAST",
            };
            parts.push(format!("{sql} {direction}{nulls}"));
        }
        if parts.is_empty() { String::new() } else { format!(" ORDER BY {}", parts.join(", ")) }
    }

    /// A rowid in a query of its table alone.
    fn is_never_null(&self, key: &Order) -> bool {
        let Expr::Column(var) = key.expr else { return false };
        self.tables.len() == 1 && place(var, self.tables).is_some_and(|place| place.column.is_rowid)
    }

    fn limit(&mut self, limit: Option<&Expr>, offset: Option<&Expr>) -> String {
        let limit = limit.and_then(|limit| self.row_count(limit, ParameterForm::Limit, "pg_limit"));
        let offset = offset.and_then(|offset| self.row_count(offset, ParameterForm::Offset, "pg_offset"));
        match (limit, offset) {
            (None, None) => String::new(),
            (Some(limit), None) => format!(" LIMIT {limit}"),
            (limit, Some(offset)) => {
                format!(" LIMIT {} OFFSET {offset}", limit.unwrap_or_else(|| "-1".to_owned()))
            }
        }
    }

    /// `None` for NULL. A negative constant fails when the query runs, as in PostgreSQL.
    fn row_count(&mut self, count: &Expr, form: ParameterForm, checked: &str) -> Option<String> {
        match expr::row_count(count) {
            Some(Native::Null) => None,
            Some(Native::Integer(n)) if *n >= 0 => Some(n.to_string()),
            Some(value) => Some(format!("{checked}({})", literal::literal(value))),
            None => match count {
                Expr::Param { index, type_ } => Some(self.parameter(*index, *type_, form)),
                _ => None,
            },
        }
    }
}

/// ORDER BY and GROUP BY take an integer, in parentheses or with a sign too, for a position.
fn is_position(sql: &str) -> bool {
    sql.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'(' | b')' | b'-' | b' '))
}

#[cfg(test)]
mod tests;
