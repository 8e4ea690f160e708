//! The views of the file: those of a run's file that stand as they were, then those that are translated.

use std::collections::HashSet;

use super::catalog::{Column, Table, TableKind};
use super::columns::{OutColumn, computed};
use super::convert::OnInvalid;
use super::decide::Context;
use super::names::Names;
use super::original::State;
use super::plan::Run;
use super::planned::OutTable;
use super::types::Family;
use super::view::{Readable, Translated, view};
use crate::finding::{Finding, Fix, Kind};

/// A view of the file.
#[derive(Debug, Clone)]
pub struct OutView<'a> {
    pub name: String,
    pub create: String,
    /// PostgreSQL's view that has the same rows, if there is one.
    pub source: Option<&'a Table>,
    /// In the order of its columns: how the values of each are written; `None` where they are not compared.
    pub columns: Vec<Option<OutColumn<'a>>>,
}

impl<'a> OutView<'a> {
    /// The view as a table with the columns that are compared, by their places.
    pub fn as_table(&self) -> Option<(OutTable<'a>, Vec<usize>)> {
        let source = self.source?;
        let compared = self.columns.iter().enumerate().filter_map(|(at, c)| Some((c.clone()?, at)));
        let (columns, places) = compared.unzip();
        Some((OutTable::plain(source, self.name.clone(), columns), places))
    }
}

/// How the columns of a view of a run's file are compared: those that are columns of tables, and whole numbers and truth
/// values that are computed.
pub fn of_run<'a>(
    ctx: &Context<'a>,
    run: &Run,
    name: &str,
    source: &'a Table,
    tables: &[OutTable<'a>],
) -> Vec<Option<OutColumn<'a>>> {
    let origins = run.source["made"]["views"][name]["columns"].as_array();
    let origin = |at: usize| {
        let origin = origins?.get(at)?.as_array()?;
        let (table, column) = (origin.first()?.as_str()?, origin.get(1)?.as_str()?);
        let table = tables.iter().find(|t| t.is_of_file(table))?;
        table.columns.iter().chain(&table.computed).find(|c| c.name.eq_ignore_ascii_case(column))
    };
    let of_column = |(at, column): (usize, &'a Column)| match origin(at) {
        Some(origin) if origin.source.type_name == column.type_name => Some(as_in(origin, column)),
        Some(_) => None,
        None => {
            let computed = computed(ctx, column);
            let whole = [Family::Boolean, Family::SmallInt, Family::Integer, Family::BigInt];
            whole.contains(&computed.rule.family).then_some(computed)
        }
    };
    source.columns.iter().enumerate().map(of_column).collect()
}

/// The column of a view that is a column of a table.
fn as_in<'a>(origin: &OutColumn<'a>, column: &'a Column) -> OutColumn<'a> {
    OutColumn { source: column, name: column.name.clone(), ..origin.clone() }
}

/// Translates the views of PostgreSQL's that `wanted` names, but for those that are `claimed`.
pub fn translated<'a>(
    ctx: &Context<'a>,
    tables: &[OutTable<'a>],
    wanted: impl Fn(&Table) -> bool,
    claimed: &HashSet<[String; 3]>,
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Vec<OutView<'a>> {
    let mut pending: Vec<(&'a Table, String)> = vec![];
    for table in ctx.catalog.tables.iter().filter(|t| t.kind == TableKind::View && wanted(t)) {
        let [schema, name] = [&table.schema, &table.name];
        if claimed.contains(&[schema.clone(), name.clone(), name.clone()]) {
            continue;
        }
        match (name_of(ctx, table), &table.extension, &table.refused) {
            (None, _, _) | (_, Some(_), _) => {}
            (_, _, Some(refusal)) => findings.push(left_out(ctx, table, refusal.reason())),
            (Some(name), None, None) => pending.push((table, name)),
        }
    }
    let mut made: Vec<OutView<'a>> = vec![];
    // A view may read those that come after it.
    loop {
        let before = pending.len();
        let mut reasons = vec![];
        pending.retain(|(table, name)| match translate(ctx, tables, &made, table, name, names) {
            Ok(view) => {
                names.take(&view.name);
                made.push(view);
                false
            }
            Err(reason) => {
                reasons.push(left_out(ctx, table, &reason));
                true
            }
        });
        if pending.len() == before {
            findings.extend(reasons);
            return made;
        }
    }
}

/// A table or view that a view may read, its name in the file, and its columns.
type Read<'r, 'a> = (&'r Table, &'r str, Vec<&'r OutColumn<'a>>);

/// The finding of a view that is not carried over.
pub fn left_out(ctx: &Context<'_>, table: &Table, reason: &str) -> Finding {
    let object = ctx.key_of(table);
    let finding = Kind::View.warning(&object, format!("the view is not carried over: {reason}"));
    finding.fix(Fix::of_table(&object, "skip", true), ", to leave it out")
}

/// What the view is called in the file; `None` of a run's view that is dealt with otherwise.
fn name_of(ctx: &Context<'_>, table: &Table) -> Option<String> {
    let Some(run) = ctx.run else { return Some(ctx.name_of(table)) };
    let is = |made: &[String; 3]| made[0] == table.schema && made[1] == table.name;
    let original = run.originals.views.iter().find(|view| view.made.iter().any(is))?;
    (original.state != State::Gone).then(|| original.name.clone())
}

fn translate<'a>(
    ctx: &Context<'a>,
    tables: &[OutTable<'a>],
    views: &[OutView<'a>],
    source: &'a Table,
    name: &str,
    names: &Names,
) -> Result<OutView<'a>, String> {
    if !names.is_free(name) || name.to_ascii_lowercase().starts_with("sqlite_") {
        return Err(format!("the name \"{name}\" is taken in the file"));
    }
    let query = source.query.as_deref().ok_or("it has no query")?;
    // What a module keeps may be another number, and compares by rules of its own.
    let readable = |of: &&OutTable<'_>| of.source.heirs.is_empty() && !of.is_virtual;
    let steady = |column: &&OutColumn<'_>| column.on_invalid == OnInvalid::Error;
    let of_tables = tables.iter().filter(readable).map(|table| {
        let columns = table.columns.iter().chain(&table.computed).filter(steady).collect();
        (table.source, table.name.as_str(), columns)
    });
    let of_views = views
        .iter()
        .filter_map(|view| Some((view.source?, view.name.as_str(), view.columns.iter().flatten().collect())));
    let read: Vec<Read<'_, 'a>> = of_tables.chain(of_views).collect();
    let of_read = |(source, target, columns): &Read<'_, 'a>| Readable {
        schema: source.schema.clone(),
        name: source.name.clone(),
        target: (*target).to_owned(),
        columns: columns.iter().map(|column| (*column).clone()).collect(),
    };
    let readable: Vec<Readable<'a>> = read.iter().map(of_read).collect();
    let columns: Vec<String> = source.columns.iter().map(|c| c.name.clone()).collect();
    let distinct: HashSet<String> = columns.iter().map(|c| c.to_ascii_lowercase()).collect();
    if distinct.len() < columns.len() {
        return Err("its columns differ by case only".into());
    }
    let Translated { create, origins } = view(name, query, &columns, &readable).map_err(|e| e.0)?;
    if let Some(reason) = ctx.catalog.refused.get(&create) {
        return Err(reason.clone());
    }
    let of_column = |(column, origin): (&'a Column, &Option<(usize, usize)>)| match origin {
        Some((relation, place)) => as_in(&readable[*relation].columns[*place], column),
        None => computed(ctx, column),
    };
    let columns = source.columns.iter().zip(&origins).map(of_column).map(Some).collect();
    Ok(OutView { name: name.to_owned(), create, source: Some(source), columns })
}
