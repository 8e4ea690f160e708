//! What searches the tables of the file: full-text tables and R*Trees.
//!
//! Those of a recorded run come back as they were declared: the ones that keep their rows themselves in the place of the
//! tables that were made of them, the ones over other tables with the triggers that maintain them. Without a run, a
//! column of type `tsvector` that PostgreSQL generates becomes an FTS5 table over the columns that it is made of.

mod generated;
mod logged;

use std::collections::HashSet;

use self::logged::{Kept, Module};
use super::catalog::{Column, Table};
use super::columns::OutColumn;
use super::decide::{Context, OutTable};
use super::names::Names;
use super::plan::{Run, RunVirtualTable};
use super::types::{Family, Form, Rounding};
use crate::ddl;
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
    /// What makes it, what fills it, and its triggers, in order.
    pub statements: Vec<String>,
}

/// The column of a search vector, where the plan of an import gives it no other name.
const SEARCH_VECTOR: &str = "search_vector";

/// Makes virtual tables again of the tables that were some, and gives those that are over others.
pub fn decide(
    ctx: &Context<'_>,
    tables: &mut [OutTable<'_>],
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Vec<Derived> {
    let mut derived = vec![];
    let mut searched: HashSet<u32> = HashSet::new();
    let logged = ctx.run.map(Run::virtual_tables).unwrap_or_default();
    let mut missing: Vec<&str> = vec![];
    for of in &logged {
        match one(ctx, of, tables, names, findings) {
            Some(Ok((over, made))) => {
                searched.insert(over);
                derived.extend(made);
            }
            Some(Err(why)) => {
                let message = format!("the virtual table does not come back: {why}");
                findings.push(Kind::VirtualTable.warning(&of.name, message));
                missing.push(&of.name);
            }
            None => missing.push(&of.name),
        }
    }
    triggers(&logged, &missing, tables, &mut derived, findings);
    for table in tables.iter() {
        for column in vectors(ctx, table) {
            let is_of_run =
                searched.contains(&table.source.id) && is_search_vector(ctx, table.source, column);
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
                }
                Err(why) => {
                    let message = format!("a column of type {} is not carried over: {why}", column.type_name);
                    findings.push(Kind::LeftOut.warning(object, message));
                }
            }
        }
    }
    derived
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
            Some(own(ctx, of, &kept, table, is_referenced, names, findings))
        }
        Some(_) if !ctx.overrides.fts() || !ctx.takes(&of.name) => None,
        Some(over) => {
            let Some(at) = at(over) else {
                return Some(Err(format!("table \"{over}\", which has its texts, is not exported")));
            };
            let table = tables.get(at)?;
            Some(over_another(of, &kept, table, names).map(|made| (table.source.id, Some(made))))
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
    if let Some(other) = table.columns.iter().find(|column| place(&column.name).is_none()) {
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
    // What it is searched by is the virtual table itself.
    let methods = |method: &str| matches!(method, "gin" | "gist");
    let served = table.source.indexes.iter().filter(|index| methods(&index.method));
    let served: HashSet<String> = served.map(|index| format!("index {} of {key_of}", index.name)).collect();
    findings.retain(|finding| finding.kind != Kind::LeftOut || !served.contains(&finding.object));
    if !table.indexes.is_empty() {
        let message = "its indexes are not carried over: virtual tables have none";
        findings.push(Kind::LeftOut.warning(&key_of, message));
    }
    table.indexes.clear();
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
    let has = |name: &str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
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
        statements: vec![of.sql.clone(), rebuild],
    })
}

/// Adds the triggers that maintain the tables, each once: one may write to several.
fn triggers(
    logged: &[RunVirtualTable],
    missing: &[&str],
    tables: &[OutTable<'_>],
    derived: &mut [Derived],
    findings: &mut Vec<Finding>,
) {
    let mut made: HashSet<&str> = HashSet::new();
    for of in logged {
        let Some(table) = derived.iter_mut().find(|table| table.name == of.name) else { continue };
        for sql in of.triggers.iter().filter(|sql| made.insert(sql.as_str())) {
            match trigger(of, sql, missing, tables) {
                Ok(()) => table.statements.push(sql.clone()),
                Err(why) => {
                    let message = format!("a trigger that maintains it does not come back: {why}");
                    findings.push(Kind::Trigger.warning(&of.name, message));
                }
            }
        }
    }
}

/// The trigger finds everything that it writes to or reads; the error is a reason for a person.
fn trigger(of: &RunVirtualTable, sql: &str, missing: &[&str], tables: &[OutTable<'_>]) -> Result<(), String> {
    let over = logged::trigger(sql)?;
    let table = tables.iter().find(|table| table.name.eq_ignore_ascii_case(&over));
    let table = table.ok_or_else(|| format!("table \"{over}\" is not exported"))?;
    let has = |name: &str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    if let Some(column) = of.content_columns.iter().find(|name| !has(name)) {
        return Err(format!("table \"{over}\" has no column \"{column}\" in the file"));
    }
    let words = ddl::words(sql).unwrap_or_default();
    let named = |name: &&&str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    match missing.iter().find(named) {
        Some(other) => Err(format!("it writes to \"{other}\", which does not come back")),
        None => Ok(()),
    }
}
