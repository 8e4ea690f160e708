//! The file's own words: which of them go back into the file of a run, and why others do not.

use std::collections::HashSet;

use super::catalog::{Column, Table, TableKind};
use super::columns::OutColumn;
use super::decide::Context;
use super::names::Names;
use super::original::{Original, Originals, State};
use super::plan::Run;
use super::planned::{OutTable, OutTrigger};
use super::views::{self, OutView};
use super::virtual_tables::Derived;
use crate::ddl::{self, statement::Object};
use crate::finding::{Finding, Fix, Kind};

/// A table in the file's own words.
pub struct OwnTable {
    pub sql: String,
    /// The names of the columns that SQLite computes.
    pub computed: Vec<String>,
}

/// The CREATE TABLE of the file, if the table that is exported is what it declares; the error is a reason for a person, if
/// there is one to tell. `kept` has the tables of the file that are exported under their names, in small letters.
pub fn table(
    ctx: &Context<'_>,
    table: &Table,
    source: &str,
    name: &str,
    columns: &[OutColumn<'_>],
    kept: &HashSet<String>,
) -> Result<OwnTable, Option<String>> {
    let why = |reason: &str| Some(reason.to_owned());
    let Some(run) = ctx.run.filter(|_| ctx.overrides.original() && source == name) else { return Err(None) };
    let Some(original) = run.originals.tables.get(source) else { return Err(None) };
    if ddl::virtual_table(&original.sql).is_some() {
        // What becomes of it is said where virtual tables are.
        return Err(None);
    }
    if !original.stands() {
        return Err(why("it was changed since the import"));
    }
    let strict = run.declaration(source).is_some_and(|declared| declared.strict);
    if ctx.overrides.strict().is_some_and(|wanted| wanted != strict) {
        return Err(None);
    }
    if let Some(reason) = ctx.catalog.refused.get(&original.sql) {
        return Err(why(reason));
    }
    let declared = ddl::table(&original.sql).map_err(Some)?;
    if !original.is(Object::Table) {
        return Err(why("its text in the run log makes something else"));
    }
    if !ctx.overrides.checks() && !declared.checks.is_empty() {
        return Err(None);
    }
    if !ctx.overrides.foreign_keys() && !declared.foreign_keys.is_empty() {
        return Err(None);
    }
    let missing = |parent: &&ddl::ForeignKeyDdl| {
        !kept.contains(&parent.parent.to_ascii_lowercase()) && run.has_table(&parent.parent)
    };
    if let Some(parent) = declared.foreign_keys.iter().find(missing) {
        return Err(Some(format!(
            "its foreign key refers to table {}, which is not exported",
            parent.parent
        )));
    }
    let mut computed = vec![];
    let is_there = |column: &str| {
        let of_file = |own: &Column| run.column(source, &own.name).is_some_and(|of| of.source == column);
        table.columns.iter().any(of_file)
    };
    for column in &declared.columns {
        let found = columns.iter().find(|c| c.name == column.name);
        let found = match (found, &column.generated) {
            (Some(found), _) => found,
            // A view beside the table computes it, or nothing does in PostgreSQL: SQLite does it again.
            (None, Some(_)) if !is_there(&column.name) => continue,
            (None, _) => return Err(Some(format!("its column {} is not exported", column.name))),
        };
        if !is_declared_so(run, source, found) {
            return Err(Some(format!("column {} is stored otherwise than in the file", column.name)));
        }
        if column.not_null && !found.source.not_null && !found.source.generated {
            return Err(Some(format!("column {} may be NULL in PostgreSQL", column.name)));
        }
        match (&column.generated, found.source.generated) {
            (Some(_), true) => computed.push(column.name.clone()),
            (Some(_), false) => {
                let reason = "is computed in the file, and holds values of its own in PostgreSQL";
                return Err(Some(format!("column {} {reason}", column.name)));
            }
            (None, _) => {}
        }
    }
    match columns.iter().find(|c| !declared.columns.iter().any(|column| column.name == c.name)) {
        Some(other) => Err(Some(format!("the file's has no column {}", other.name))),
        None => Ok(OwnTable { sql: original.sql.clone(), computed }),
    }
}

/// The column has the declared type that it has in the file, by which its values are written.
fn is_declared_so(run: &Run, source: &str, column: &OutColumn<'_>) -> bool {
    let of_run = run.column(source, &column.source.name);
    of_run.is_some_and(|of| of.source == column.name && of.declared.as_ref() == Some(&column.declared))
}

/// Indexes, views and triggers of the file of a run.
pub struct Restorer<'r, 'c> {
    ctx: &'r Context<'c>,
    names: &'r mut Names,
    findings: &'r mut Vec<Finding>,
    /// Objects of PostgreSQL's for which the file's are there: schema, relation, name.
    pub claimed: HashSet<[String; 3]>,
}

/// What becomes of an object of the file.
enum Fate {
    Stands,
    /// As PostgreSQL has it, if it can be translated.
    Translated,
    LeftOut,
}

impl<'r, 'c> Restorer<'r, 'c> {
    pub fn new(ctx: &'r Context<'c>, names: &'r mut Names, findings: &'r mut Vec<Finding>) -> Self {
        let mut restorer = Restorer { ctx, names, findings, claimed: HashSet::new() };
        restorer.claimed = restorer.originals().map(|o| o.beside.clone()).unwrap_or_default();
        restorer
    }

    fn originals(&self) -> Option<&'r Originals> {
        self.ctx.run.filter(|_| self.ctx.overrides.original()).map(|run| &run.originals)
    }

    fn fate(&mut self, original: &Original, object: Object, kind: Kind) -> Fate {
        let what = match object {
            Object::Table => "table",
            Object::Index => "index",
            Object::View => "view",
            Object::Trigger => "trigger",
        };
        let named = format!("{what} {}", original.name);
        let reason = match original.state {
            State::Gone => {
                let message = "it was dropped since the import, and is not made again";
                self.findings.push(kind.info(named, message));
                return Fate::LeftOut;
            }
            State::Changed => return Fate::Translated,
            _ if !original.is(object) => "its text in the run log makes something else",
            _ if object != Object::Trigger && !self.names.is_free(&original.name) => "its name is taken",
            _ => match self.ctx.catalog.refused.get(&original.sql) {
                Some(reason) => reason,
                None => return Fate::Stands,
            },
        };
        let finding = kind.warning(named, format!("it is not made as it was in the file: {reason}"));
        let key = match object {
            Object::Table => None,
            Object::Index => Some(("indexes", ", to leave all indexes out")),
            Object::View => Some(("views", ", to leave all views out")),
            Object::Trigger => Some(("triggers", ", to leave all triggers out")),
        };
        self.findings.push(match key {
            Some((key, rest)) => finding.fix(Fix::of_plan(key, false), rest),
            None => finding,
        });
        if original.state == State::Unmade { Fate::LeftOut } else { Fate::Translated }
    }

    fn claim(&mut self, original: &Original) {
        self.claimed.extend(original.made.iter().cloned());
    }

    pub fn indexes(&mut self, tables: &mut [OutTable<'_>]) {
        for original in self.originals().map(|o| o.indexes.as_slice()).unwrap_or_default() {
            let Some(table) = tables.iter_mut().find(|t| t.is_of_file(&original.table)) else { continue };
            if matches!(self.fate(original, Object::Index, Kind::LeftOut), Fate::Stands) {
                self.names.take(&original.name);
                table.indexes.push(original.sql.clone());
                self.claim(original);
            }
        }
    }

    /// Those that `wanted` names.
    pub fn views<'a>(
        &mut self,
        wanted: impl Fn(&Original) -> bool,
        tables: &[OutTable<'a>],
    ) -> Vec<OutView<'a>>
    where
        'c: 'a,
    {
        let mut out = vec![];
        for original in self.originals().map(|o| o.views.as_slice()).unwrap_or_default() {
            if !wanted(original) {
                continue;
            }
            match self.fate(original, Object::View, Kind::View) {
                Fate::Stands => {
                    self.names.take(&original.name);
                    let made = original.made.first();
                    let of =
                        |table: &&Table| made.is_some_and(|[s, n, _]| table.schema == *s && table.name == *n);
                    let source =
                        self.ctx.catalog.tables.iter().filter(|t| t.kind == TableKind::View).find(of);
                    let columns = source
                        .zip(self.ctx.run)
                        .map(|(source, run)| views::of_run(self.ctx, run, &original.name, source, tables));
                    let (name, create) = (original.name.clone(), original.sql.clone());
                    out.push(OutView { name, create, source, columns: columns.unwrap_or_default() });
                    self.claim(original);
                }
                // What comes of the one that PostgreSQL has is told where it is translated.
                Fate::Translated | Fate::LeftOut => {}
            }
        }
        out
    }

    /// Those of the file's tables and views that are there. What maintains a virtual table over another comes with that,
    /// also where else everything is as PostgreSQL has it.
    pub fn triggers(
        &mut self,
        tables: &[OutTable<'_>],
        views: &[OutView<'_>],
        virtual_tables: &[Derived],
    ) -> Vec<OutTrigger> {
        let mut out = vec![];
        let maintains = |original: &Original| {
            let words = ddl::words(&original.sql).unwrap_or_default();
            virtual_tables.iter().any(|of| words.iter().any(|word| word.eq_ignore_ascii_case(&of.name)))
        };
        let all = self.ctx.run.map(|run| run.originals.triggers.as_slice()).unwrap_or_default();
        let all_stand = self.ctx.overrides.original();
        for original in all.iter().filter(|original| all_stand || maintains(original)) {
            self.claim(original);
            let on_table = tables.iter().any(|t| t.is_of_file(&original.table));
            if !on_table && !views.iter().any(|v| v.name.eq_ignore_ascii_case(&original.table)) {
                continue;
            }
            match self.fate(original, Object::Trigger, Kind::Trigger) {
                Fate::Stands => {
                    let (name, table) = (original.name.clone(), original.table.clone());
                    out.push(OutTrigger { name, schema: String::new(), table, create: original.sql.clone() });
                }
                Fate::Translated if original.state == State::Changed => {
                    let message = "it was changed since the import, and PL/pgSQL is not translated";
                    let finding = Kind::Trigger.warning(format!("trigger {}", original.name), message);
                    let fix = Fix::of_plan("triggers", false);
                    self.findings.push(finding.fix(fix, ", to leave all triggers out"));
                }
                Fate::Translated | Fate::LeftOut => {}
            }
        }
        out
    }
}
