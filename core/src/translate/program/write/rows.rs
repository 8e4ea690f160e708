//! Rows of an INSERT: VALUES, or the rows of a SELECT, each value converted to its column's type.

use sqlite3_parser::ast::{Distinctness, Expr, Literal, OneSelect, ResultColumn, Select};

use super::super::Output;
use super::super::scope::of_query;
use super::super::writable::{Resolve, Unset};
use super::conflict::Given;
use super::target::{Field, Target};
use crate::translate::expr::Walk;
use crate::translate::node::{Node, Result, refuse};

/// The rows that are inserted, and into which columns.
pub(super) struct Rows {
    /// Places of the columns.
    pub places: Vec<usize>,
    /// `VALUES …` or `SELECT …`.
    pub sql: String,
}

/// What the results of a SELECT are written to.
#[derive(Clone)]
pub(in crate::translate::program) struct Awaited {
    fields: Vec<Field>,
    /// Every value has a type of its own.
    typed: bool,
}

impl<'s> Walk<'s> {
    pub(super) fn rows_of(
        &mut self,
        target: &Target<'s>,
        places: Vec<usize>,
        select: &'s Select<'s>,
        typed: bool,
    ) -> Result<Rows> {
        let plain = select.with.is_none() && select.order_by.is_none() && select.limit.is_none();
        match (&select.body.select, select.body.compounds.as_deref()) {
            (OneSelect::Values(rows), None | Some([])) if plain => {
                let rows: Vec<&'s [Expr<'s>]> = rows.iter().map(|row| row.as_slice()).collect();
                self.listed_rows(target, places, &rows, typed)
            }
            (OneSelect::Select { distinctness, .. }, None | Some([]))
                if *distinctness != Some(Distinctness::Distinct) =>
            {
                self.selected(target, places, select, typed)
            }
            _ => self.converted(target, places, select, typed),
        }
    }

    /// `VALUES (…), (…)`, with DEFAULT where the table numbers its rows.
    fn listed_rows(
        &mut self,
        target: &Target<'s>,
        places: Vec<usize>,
        rows: &[&'s [Expr<'s>]],
        typed: bool,
    ) -> Result<Rows> {
        let mut columns: Vec<Vec<Option<String>>> = vec![vec![]; places.len()];
        for row in rows {
            if row.len() != places.len() {
                return refuse(format!("{} values for {} columns", row.len(), places.len()));
            }
            for ((at, e), column) in places.iter().zip(*row).zip(&mut columns) {
                let field = &target.fields[*at];
                let node = self.expr(e)?;
                self.note_null(target, *at, &node);
                column.push(match left_out(field, &node) {
                    true => None,
                    false => {
                        let node = self.assign_expr(node, field, e)?;
                        Some(if typed { with_type(node, field).sql } else { node.sql })
                    }
                });
            }
        }
        // What is not carried over, and where the default is all that is known of the type.
        let missing = |at: usize| target.fields[at].missing;
        let absent = |(at, column): &(usize, Vec<Option<String>>)| {
            !(missing(*at) || typed && column.iter().all(Option::is_none))
        };
        let kept: Vec<(usize, Vec<Option<String>>)> =
            places.iter().copied().zip(columns).filter(absent).collect();
        if typed && kept.iter().any(|(_, column)| column.iter().any(Option::is_none)) {
            return refuse("rows with and without a number of their own, of which each can replace others");
        }
        if kept.is_empty() {
            return refuse("no column is written that is carried over");
        }
        let value = |column: &Vec<Option<String>>, row: usize| {
            column.get(row).cloned().flatten().unwrap_or_else(|| "DEFAULT".into())
        };
        let texts = (0..rows.len()).map(|row| {
            let values: Vec<String> = kept.iter().map(|(_, column)| value(column, row)).collect();
            format!("({})", values.join(", "))
        });
        let sql = format!("VALUES {}", texts.collect::<Vec<_>>().join(", "));
        self.note_missing(target, &places);
        Ok(Rows { places: kept.into_iter().map(|(at, _)| at).collect(), sql })
    }

    /// A plain SELECT, whose results are converted where they stand: what they are is known there.
    fn selected(
        &mut self,
        target: &Target<'s>,
        places: Vec<usize>,
        select: &'s Select<'s>,
        typed: bool,
    ) -> Result<Rows> {
        let with = self.leading(select.with.as_ref())?;
        let fields = places.iter().map(|at| target.fields[*at].clone()).collect();
        self.program()?.awaited = Some(Awaited { fields, typed });
        let query = self.one(&select.body.select, select.order_by.unwrap_or(&[]));
        self.program()?.awaited = None;
        let mut query = query?;
        if let Some(limit) = select.limit {
            query.sql += &self.limit(limit)?;
        }
        let mut kept = vec![];
        for (at, column) in places.iter().zip(&query.columns) {
            self.note_null(target, *at, &column.node);
            if !left_out(&target.fields[*at], &column.node) {
                kept.push(*at);
            }
        }
        if kept.is_empty() {
            return refuse("no column is written that is carried over");
        }
        self.note_missing(target, &places);
        Ok(Rows { places: kept, sql: with + &query.sql })
    }

    /// The results of a SELECT as what is written; `None` where they are not written. Called where a SELECT is put together.
    pub(in crate::translate::program) fn as_written(
        &mut self,
        outputs: &[Output],
        columns: &[ResultColumn<'_>],
    ) -> Result<Option<Vec<Output>>> {
        let Some(awaited) = self.level()?.awaited.take() else { return Ok(None) };
        if outputs.len() != awaited.fields.len() {
            return refuse(format!("{} values for {} columns", outputs.len(), awaited.fields.len()));
        }
        let mut written = vec![];
        for (at, (output, field)) in outputs.iter().zip(&awaited.fields).enumerate() {
            if left_out(field, &output.node) {
                continue;
            }
            let assigned = match columns.get(at) {
                Some(ResultColumn::Expr(e, _)) if columns.len() == outputs.len() => {
                    self.assign_expr(output.node.clone(), field, e)
                }
                _ => self.assign(output.node.clone(), field),
            };
            let mut node = assigned?;
            if awaited.typed {
                node = with_type(node, field);
            }
            written.push(Output { node, label: None, ..output.clone() });
        }
        Ok(Some(written))
    }

    /// A parameter that is written has the type of its column.
    pub(in crate::translate::program) fn for_column(&mut self, at: usize, node: Node) -> Result<Node> {
        let field = self.level()?.awaited.as_ref().and_then(|awaited| awaited.fields.get(at)).cloned();
        match field {
            Some(field) => self.parameter_of(node, &field),
            None => Ok(node),
        }
    }

    /// Any other SELECT: its columns are converted from outside.
    fn converted(
        &mut self,
        target: &Target<'s>,
        places: Vec<usize>,
        select: &'s Select<'s>,
        typed: bool,
    ) -> Result<Rows> {
        let query = self.query(select)?;
        if query.columns.len() != places.len() {
            return refuse(format!("{} values for {} columns", query.columns.len(), places.len()));
        }
        let query = query.labelled();
        let seen = of_query(&query.columns, "q", "q");
        let mut items = vec![];
        for (column, at) in seen.columns.iter().zip(&places) {
            let field = &target.fields[*at];
            if field.missing {
                continue;
            }
            let mut node = self.assign(column.node.clone(), field)?;
            if typed {
                node = with_type(node, field);
            }
            items.push(node.sql);
        }
        let sql = format!("SELECT {} FROM ({}) AS {}", items.join(", "), query.sql, query.called("q"));
        for at in &places {
            self.note_null(target, *at, &Node::atom("", target.fields[*at].class));
        }
        self.note_missing(target, &places);
        let kept = places.into_iter().filter(|at| !target.fields[*at].missing).collect();
        Ok(Rows { places: kept, sql })
    }

    fn note_missing(&mut self, target: &Target<'s>, places: &[usize]) {
        for at in places.iter().filter(|at| target.fields[**at].missing) {
            let name = &target.fields[*at].name;
            self.note(format!("column {name} is not carried over, and what it would be is left out"));
        }
    }

    /// Says what a NULL is where the table numbers its rows, and what becomes of numbers that are given.
    fn note_null(&mut self, target: &Target<'s>, at: usize, node: &Node) {
        let field = &target.fields[at];
        if target.visible.rowid != Some(at) || node.is_null() {
            return;
        }
        if field.unset == Unset::Number {
            self.note(format!(
                "a number that is given for {} does not move its sequence, where SQLite goes on after the greatest",
                field.name
            ));
        }
        if node.literal().is_none() {
            self.note(format!("{} is not NULL, which is an error: DEFAULT is the next number", field.name));
        }
    }
}

/// NULL is the next number, or the default where a conflict of NOT NULL is resolved so.
pub(super) fn becomes_default(field: &Field) -> bool {
    field.unset == Unset::Number || field.on_null == Resolve::Replace && field.unset == Unset::Default
}

fn left_out(field: &Field, node: &Node) -> bool {
    field.missing || node.is_null() && becomes_default(field)
}

/// A value whose type does not depend on where it stands.
fn with_type(node: Node, field: &Field) -> Node {
    let literal = node.literal().is_some();
    match () {
        () if node.is_null() => Node { sql: format!("NULL::{}", field.printed), ..node },
        () if literal && !field.cast => {
            node.cast(crate::translate::node::class_name(field.class), field.class)
        }
        () => node,
    }
}

/// What each column is given, as far as the statement's text tells it; by place of a column of the table.
pub(super) fn given(target: &Target<'_>, places: &[usize], select: Option<&Select<'_>>) -> Vec<Given> {
    let mut given = vec![Given::Not; target.fields.len()];
    for (column, at) in places.iter().enumerate() {
        let nulls = select.is_some_and(|select| all_null(select, column));
        given[*at] = if nulls { Given::Null } else { Given::Value };
    }
    given
}

fn all_null(select: &Select<'_>, column: usize) -> bool {
    if select.body.compounds.as_deref().is_some_and(|arms| !arms.is_empty()) {
        return false;
    }
    let null = |e: &Expr<'_>| matches!(e, Expr::Literal(Literal::Null));
    match &select.body.select {
        OneSelect::Values(rows) => rows.iter().all(|row| row.get(column).is_some_and(null)),
        OneSelect::Select { columns, .. } => {
            columns.iter().all(|c| matches!(c, ResultColumn::Expr(..)))
                && matches!(columns.get(column), Some(ResultColumn::Expr(e, _)) if null(e))
        }
    }
}

/// There may be more than one row.
pub(super) fn many(select: &Select<'_>) -> bool {
    let arms = select.body.compounds.as_deref().is_some_and(|arms| !arms.is_empty());
    arms || match &select.body.select {
        OneSelect::Values(rows) => rows.len() > 1,
        OneSelect::Select { from, .. } => from.is_some(),
    }
}
