//! CREATE VIEW: a statement whose columns have names.

use std::collections::HashSet;

use sqlite3_parser::Bump;

use super::steady::Unsteady;
use super::trigger::Event;
use super::{Output, Program, Query, Refusal, Schema, guard, refusal, steady};
use crate::sqltext::{LONGEST_NAME, ident_list};
use crate::translate::Scope;
use crate::translate::expr::Walk;
use crate::translate::node::{Result, refuse};
use crate::value::Format;

/// The columns of a view, as other statements see them.
#[derive(Debug, Clone)]
pub struct ViewColumns(pub(super) Vec<Output>);

impl ViewColumns {
    /// Their names in PostgreSQL.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|output| output.label.as_deref().unwrap_or_default())
    }

    /// Of each: the table and column of the file whose values it has, unchanged; and how numbers were read that are times.
    pub fn origins(&self) -> impl Iterator<Item = (Option<(String, String)>, Option<Format>)> {
        self.0.iter().map(|output| {
            let origin = output.node.origin().map(|of| (of.table.clone(), of.column.clone()));
            (origin, output.node.format())
        })
    }
}

/// A view that statements name.
#[derive(Debug, Clone)]
pub struct KnownView {
    pub columns: ViewColumns,
    /// Its rows are those of the import: it became something else than a view, or it reads what did.
    pub stored: bool,
    /// For which events it has an INSTEAD OF trigger; not known of a view that was there before.
    pub instead: Option<Vec<Event>>,
}

/// A translated view.
#[derive(Debug, Clone)]
pub struct View {
    /// `("a", "b") AS SELECT …`
    pub sql: String,
    /// What is assumed.
    pub notes: Vec<String>,
    pub columns: ViewColumns,
}

/// Translates a view's definition. `label` makes PostgreSQL's name of a column that has none in a table.
pub fn view(
    definition: &str,
    schema: &Schema,
    label: impl Fn(&str) -> String,
) -> std::result::Result<View, Refusal> {
    translated(definition, schema, label).map_err(|refused| refusal(refused, definition, schema))
}

/// The names of the tables and views that a view's definition may read, without its own common table expressions; none of
/// one that cannot be read itself.
pub fn read_by(definition: &str) -> Vec<String> {
    let bump = Bump::new();
    guard::parse_view(definition, &bump).map_or(vec![], |(select, _)| guard::read_beside(select))
}

/// The names that CREATE VIEW gives the columns, if it does.
pub fn declared_names(definition: &str) -> Option<Vec<String>> {
    let bump = Bump::new();
    guard::parse_view(definition, &bump).ok().and_then(|(_, names)| names)
}

/// Why two readings of a view may have different rows, though it reads the same ones.
pub fn unsteady(definition: &str) -> Option<Unsteady> {
    let bump = Bump::new();
    guard::parse_view(definition, &bump).ok().and_then(|(select, _)| steady::unsteady(select))
}

fn translated(definition: &str, schema: &Schema, label: impl Fn(&str) -> String) -> Result<View> {
    let bump = Bump::new();
    let scope = Scope { columns: vec![], timezone: schema.timezone.clone() };
    let (select, names) = guard::parse_view(definition, &bump)?;
    let mut walk = Walk::new(&scope);
    walk.program = Some(Box::new(Program::new(schema)));
    let mut query = walk.query(select)?;
    name(&mut query, definition, names, label)?;
    let wanted: Vec<Option<String>> = query.columns.iter().map(|column| column.label.clone()).collect();
    let mut query = query.labelled();
    keep_long(&mut query, wanted);
    let Some(program) = walk.program.take() else { return refuse("the view is not known") };
    let labels = ident_list(query.columns.iter().map(|c| c.label.clone().unwrap_or_default()));
    let sql = format!("({labels}) AS {}", program.parameters.typed(&query.sql)?);
    let notes = program.notes_of(&sql).into_iter().collect();
    Ok(View { sql, notes, columns: ViewColumns(query.columns) })
}

/// A subquery's labels leave room for a number; a view's columns have names as long as PostgreSQL takes them.
fn keep_long(query: &mut Query, wanted: Vec<Option<String>>) {
    let mut taken: HashSet<String> = query.columns.iter().filter_map(|column| column.label.clone()).collect();
    for (column, wanted) in query.columns.iter_mut().zip(wanted) {
        let free = wanted.filter(|name| (LONGEST_NAME - 3..=LONGEST_NAME).contains(&name.len()));
        if let Some(name) = free.filter(|name| taken.insert(name.clone())) {
            column.label = Some(name);
        }
    }
}

/// Names as SQLite has them: those of CREATE VIEW, else aliases, columns, and expressions as they are spelled.
fn name(
    query: &mut Query,
    definition: &str,
    names: Option<Vec<String>>,
    label: impl Fn(&str) -> String,
) -> Result<()> {
    if names.as_ref().is_some_and(|names| names.len() != query.columns.len()) {
        return refuse("a view with another number of names than columns");
    }
    for (at, column) in query.columns.iter_mut().enumerate() {
        let given = names.as_ref().and_then(|names| names.get(at)).cloned();
        let own = given.is_some() || column.aliased || column.name.is_none();
        let spelled = |text: &String| guard::original(definition, text).unwrap_or(text).to_owned();
        let name = given.or_else(|| column.name.clone()).or_else(|| column.text.as_ref().map(spelled));
        if let (true, Some(name)) = (own, &name) {
            column.label = Some(label(name));
        }
        column.name = name;
    }
    Ok(())
}
