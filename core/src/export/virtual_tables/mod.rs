//! What searches the tables of the file: full-text tables and R*Trees.
//!
//! Those of a recorded run come back as they were declared: the ones that keep their rows themselves in the place of the
//! tables that were made of them, the ones over other tables beside these; the triggers that maintain them are triggers of
//! the file like others. Without a run, a column of type `tsvector` that PostgreSQL generates becomes an FTS5 table over
//! the columns that it is made of, with triggers of its own.

mod generated;
mod logged;

use std::collections::HashSet;

use self::logged::{Kept, Module};
use super::catalog::{Column, Table};
use super::columns::OutColumn;
use super::decide::Context;
use super::names::Names;
use super::plan::{Run, RunVirtualTable};
use super::planned::{OutTable, OutTrigger};
use super::types::{Family, Form, Rounding};
use crate::finding::{Finding, Kind};
use crate::sqltext::{sqlite_ident, sqlite_literal};
use crate::value::affinity::Affinity;

/// A virtual table over another table, which is made when that is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The schema of the table that it is over.
    pub schema: String,
    /// Its name in the file.
    pub name: String,
    pub create: String,
    /// What fills it from the rows of that table.
    pub fill: String,
}

/// Virtual tables of a run's file over its tables.
pub struct OfRun {
    pub tables: Vec<Derived>,
    /// The ids of the tables that virtual tables search, or are.
    searched: HashSet<u32>,
}

/// The column of a search vector, where the plan of an import gives it no other name.
const SEARCH_VECTOR: &str = "search_vector";

/// Makes virtual tables again of the tables that were some, and gives those that are over others.
pub fn of_run(
    ctx: &Context<'_>,
    tables: &mut [OutTable<'_>],
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> OfRun {
    let mut out = OfRun { tables: vec![], searched: HashSet::new() };
    for of in &ctx.run.map(Run::virtual_tables).unwrap_or_default() {
        match one(ctx, of, tables, names, findings) {
            Some(Ok((over, made))) => {
                out.searched.insert(over);
                out.tables.extend(made);
            }
            Some(Err(why)) => {
                let message = format!("the virtual table does not come back: {why}");
                findings.push(Kind::VirtualTable.warning(&of.name, message));
            }
            None => {}
        }
    }
    out
}

/// Full-text tables for columns of search vectors, with the triggers that maintain them.
pub fn of_vectors(
    ctx: &Context<'_>,
    tables: &[OutTable<'_>],
    of_run: &OfRun,
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> (Vec<Derived>, Vec<OutTrigger>) {
    let (mut derived, mut triggers) = (vec![], vec![]);
    for table in tables {
        for column in vectors(ctx, table) {
            let is_of_run =
                of_run.searched.contains(&table.source.id) && is_search_vector(ctx, table.source, column);
            let made = match (is_of_run, ctx.run) {
                (true, _) => continue,
                (false, Some(_)) => Err("a virtual table of the run's file is not made of it".into()),
                (false, None) => generated::table(ctx, table, column, names),
            };
            let object = format!("{}.{}", ctx.key_of(table.source), column.name);
            match made {
                Ok(made) => {
                    findings.push(Kind::Search.info(object, made.told));
                    derived.push(made.table);
                    triggers.extend(made.triggers);
                }
                Err(why) => {
                    let message = format!("a column of type {} is not carried over: {why}", column.type_name);
                    findings.push(Kind::LeftOut.warning(object, message));
                }
            }
        }
    }
    (derived, triggers)
}

/// The columns for full text that are not in the file.
fn vectors<'a>(ctx: &Context<'_>, table: &OutTable<'a>) -> Vec<&'a Column> {
    let own = ctx.given(table.source);
    let is_skipped = |column: &Column| own.and_then(|own| own.column(&column.name)).is_some_and(|c| c.skip());
    let is_there = |column: &Column| table.columns.iter().any(|c| c.source.name == column.name);
    let of_search = |column: &&Column| ctx.rule(column).family == Family::TextSearch && !is_there(column);
    table.source.columns.iter().filter(of_search).filter(|column| !is_skipped(column)).collect()
}

/// The column is one that the import has made for a full-text table.
fn is_search_vector(ctx: &Context<'_>, table: &Table, column: &Column) -> bool {
    let plan = ctx.run.zip(ctx.run.and_then(|run| run.source_of(&table.schema, &table.name)));
    let wanted = plan.and_then(|(run, source)| run.plan["tables"][source]["fts"]["column"].as_str());
    let rest = column.name.strip_prefix(wanted.unwrap_or(SEARCH_VECTOR));
    let is_numbered = |rest: &str| {
        let digits = rest.strip_prefix('_').unwrap_or("x");
        rest.is_empty() || digits.bytes().all(|b| b.is_ascii_digit())
    };
    column.generated && rest.is_some_and(is_numbered)
}

type Made = Result<(u32, Option<Derived>), String>;

/// What becomes of a virtual table of the log: `None` where nothing is to be said. The table that it searches is given by
/// its id.
fn one(
    ctx: &Context<'_>,
    of: &RunVirtualTable,
    tables: &mut [OutTable<'_>],
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Option<Made> {
    let kept = match logged::parse(of) {
        Ok(kept) => kept,
        Err(why) => return Some(Err(why)),
    };
    let refused = || ctx.catalog.refused.get(&of.sql).cloned().map_or(Ok(()), Err);
    let at = |name: &str| tables.iter().position(|table| table.name.eq_ignore_ascii_case(name));
    let is_text = !matches!(kept.module, Module::Rtree | Module::RtreeI32 | Module::Geopoly);
    match &kept.over {
        // The table with its rows comes as any other.
        None => {
            let run = ctx.run?;
            if !run.tables.iter().any(|table| table.source == of.name) {
                return Some(Err("no table was made of it".into()));
            }
            let at = at(&of.name).filter(|at| {
                let source = tables.get(*at).map(|table| table.source);
                source.and_then(|t| run.source_of(&t.schema, &t.name)) == Some(of.name.as_str())
            })?;
            if is_text && !ctx.overrides.fts() {
                return None;
            }
            let is_parent = |table: &OutTable<'_>| {
                table.source.foreign_keys.iter().any(|key| key.parent == tables[at].source.id)
            };
            let is_referenced = tables.iter().any(is_parent);
            let table = tables.get_mut(at)?;
            let made = refused().and_then(|()| own(ctx, of, &kept, table, is_referenced, names, findings));
            Some(made)
        }
        Some(_) if !ctx.overrides.fts() || !ctx.takes(&of.name) => None,
        Some(over) => {
            let Some(at) = at(over) else {
                return Some(Err(format!("table \"{over}\", which has its texts, is not exported")));
            };
            let table = tables.get(at)?;
            let made = refused().and_then(|()| over_another(of, &kept, table, names));
            Some(made.map(|made| (table.source.id, Some(made))))
        }
    }
}

/// Makes the virtual table that it was of a table with its rows.
fn own(
    ctx: &Context<'_>,
    of: &RunVirtualTable,
    kept: &Kept,
    table: &mut OutTable<'_>,
    is_referenced: bool,
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Made {
    if is_referenced {
        return Err("a foreign key refers to its table, as to no virtual table".into());
    }
    let place = |name: &str| of.columns.iter().position(|column| column.eq_ignore_ascii_case(name));
    let mut columns = table.columns.iter().chain(&table.computed);
    if let Some(other) = columns.find(|column| place(&column.name).is_none()) {
        return Err(format!("it had no column \"{}\"", other.name));
    }
    // An import puts the rowid first, under a name that means it.
    let is_key = |column: &OutColumn<'_>| place(&column.name) == Some(0);
    let is_primary = |column: &OutColumn<'_>| {
        let whole = |columns: &[String]| columns.len() == 1 && columns.contains(&column.source.name);
        table.source.keys.iter().any(|key| key.primary && whole(&key.columns))
    };
    let numbers = [Family::SmallInt, Family::Integer, Family::BigInt];
    if !table.columns.iter().any(|c| is_key(c) && is_primary(c) && numbers.contains(&c.rule.family)) {
        return Err("its rowid is no primary key of type integer".into());
    }
    let forms: Vec<Form> = table
        .columns
        .iter()
        .map(|column| match place(&column.name) {
            Some(at) if kept.coordinates.contains(&at) => coordinate(kept.module, at, column),
            _ => Ok(column.form),
        })
        .collect::<Result<_, String>>()?;
    if !names.take_all(&kept.shadows(&of.name)) {
        return Err("the name of a table that its module would make is taken".into());
    }
    for (column, form) in table.columns.iter_mut().zip(forms) {
        // Its module is given values as they are.
        column.affinity = Affinity::Blob;
        column.declared = String::new();
        column.form = form;
    }
    let key_of = ctx.key_of(table.source);
    table.sequence = None;
    table.strict = false;
    table.is_virtual = true;
    table.create = of.sql.clone();
    let message =
        format!("the table is the virtual table of module \"{}\" again that it was", kept.module_name);
    findings.push(Kind::VirtualTable.info(&key_of, message));
    Ok((table.source.id, None))
}

/// An R*Tree keeps 32 bits of a coordinate.
fn coordinate(module: Module, at: usize, column: &OutColumn<'_>) -> Result<Form, String> {
    let rounding = if at % 2 == 1 { Rounding::Down } else { Rounding::Up };
    match (module, column.rule.family) {
        (Module::Rtree, Family::Float) => Ok(Form::Coordinate(rounding)),
        (Module::RtreeI32, Family::SmallInt | Family::Integer | Family::BigInt) => {
            Ok(Form::Coordinate(Rounding::None))
        }
        _ => Err(format!("column \"{}\" is of type {}", column.name, column.source.type_name)),
    }
}

/// A full-text table whose texts another table has.
fn over_another(
    of: &RunVirtualTable,
    kept: &Kept,
    table: &OutTable<'_>,
    names: &mut Names,
) -> Result<Derived, String> {
    let columns = table.columns.iter().chain(&table.computed);
    let has = |name: &str| columns.clone().any(|column| column.name.eq_ignore_ascii_case(name));
    let is_rowid = |name: &str| ["rowid", "_rowid_", "oid"].iter().any(|n| n.eq_ignore_ascii_case(name));
    let needed = kept.columns.iter().chain(kept.rowid.iter().filter(|name| !is_rowid(name)));
    if let Some(missing) = needed.into_iter().find(|name| !has(name)) {
        return Err(format!("table \"{}\" has no column \"{missing}\" in the file", table.name));
    }
    let own = [vec![of.name.clone()], kept.shadows(&of.name)].concat();
    if !names.take_all(&own) {
        return Err("its name, or that of a table that its module would make, is taken".into());
    }
    let name = sqlite_ident(&of.name);
    let rebuild = format!("INSERT INTO {name} ({name}) VALUES ({})", sqlite_literal("rebuild"));
    Ok(Derived {
        schema: table.source.schema.clone(),
        name: of.name.clone(),
        create: of.sql.clone(),
        fill: rebuild,
    })
}
