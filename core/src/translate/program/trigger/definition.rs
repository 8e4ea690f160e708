//! CREATE TRIGGER as SQLite reads it: when it fires, and what its statements touch. Nothing is translated here.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Expr, ResolveType, Set, Stmt, TriggerCmd, TriggerEvent, TriggerTime};

use super::super::guard::{self, Part};
use super::super::write::Write;
use super::super::{Refusal, Schema, refusal};
use crate::sqltext::sqlite_unquote;
use crate::translate::node::{Result, refuse};

/// The most statements of a trigger.
const MOST_COMMANDS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    Before,
    After,
    InsteadOf,
}

impl Time {
    /// As both dialects write it.
    pub fn as_sql(self) -> &'static str {
        match self {
            Time::Before => "BEFORE",
            Time::After => "AFTER",
            Time::InsteadOf => "INSTEAD OF",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    Insert,
    Update,
    Delete,
}

impl Event {
    /// As both dialects write it.
    pub fn as_sql(self) -> &'static str {
        match self {
            Event::Insert => "INSERT",
            Event::Update => "UPDATE",
            Event::Delete => "DELETE",
        }
    }
}

/// Rows of a table that are written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    pub table: String,
    pub event: Event,
    /// Of an UPDATE: those that it sets, or that it has to set for a trigger to fire; any where there are none.
    pub columns: Vec<String>,
}

/// What a trigger does, as far as its text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub time: Time,
    /// What fires it.
    pub on: Change,
    /// What its statements write.
    pub writes: Vec<Change>,
    /// Tables that it reads.
    pub reads: Vec<String>,
    /// Functions that it calls, in lower case.
    pub functions: Vec<String>,
    /// It calls RAISE.
    pub raises: bool,
}

impl Definition {
    /// Reads a definition.
    pub fn read(sql: &str) -> std::result::Result<Definition, Refusal> {
        let bump = Bump::new();
        let read = guard::parse_trigger(sql, &bump).and_then(of_statement);
        read.map_err(|refused| refusal(refused, sql, &Schema::default()))
    }

    /// Its statements read or write the table that it is on.
    pub fn touches_its_table(&self) -> bool {
        let is = |name: &String| name.eq_ignore_ascii_case(&self.on.table);
        self.reads.iter().any(is) || self.writes.iter().any(|change| is(&change.table))
    }
}

fn of_statement(stmt: &Stmt<'_>) -> Result<Definition> {
    let Stmt::CreateTrigger { time, event, tbl_name, when_clause, commands, .. } = stmt else {
        return refuse("it is no CREATE TRIGGER");
    };
    if commands.len() > MOST_COMMANDS {
        return refuse("it has too many statements");
    }
    let mut roots: Vec<Part<'_>> = when_clause.iter().map(Part::Expr).collect();
    roots.extend(commands.iter().flat_map(parts));
    guard::check_parts(roots.clone())?;
    let (event, columns) = match event {
        TriggerEvent::Insert => (Event::Insert, vec![]),
        TriggerEvent::Delete => (Event::Delete, vec![]),
        TriggerEvent::Update => (Event::Update, vec![]),
        TriggerEvent::UpdateOf(names) => {
            (Event::Update, names.iter().map(|name| sqlite_unquote(name.0)).collect())
        }
    };
    let (functions, raises) = called(roots.clone());
    Ok(Definition {
        time: match time {
            None | Some(TriggerTime::Before) => Time::Before,
            Some(TriggerTime::After) => Time::After,
            Some(TriggerTime::InsteadOf) => Time::InsteadOf,
        },
        on: Change { table: sqlite_unquote(tbl_name.name.0), event, columns },
        writes: commands.iter().flat_map(changes).collect(),
        reads: guard::names_in(roots),
        functions,
        raises,
    })
}

/// The expressions and SELECTs of a statement.
fn parts<'a>(command: &'a TriggerCmd<'a>) -> Vec<Part<'a>> {
    match command {
        TriggerCmd::Select(select) => vec![Part::Select(select)],
        _ => Write::of_trigger(command).map_or(vec![], |write| write.parts()),
    }
}

/// What a statement writes. Where a row may take the place of another one, that one may be changed or deleted.
fn changes(command: &TriggerCmd<'_>) -> Vec<Change> {
    let change = |table: &str, event, columns| Change { table: sqlite_unquote(table), event, columns };
    match command {
        TriggerCmd::Insert { or_conflict, tbl_name, upsert, .. } => {
            let table = tbl_name.name.0;
            let replaces = *or_conflict == Some(ResolveType::Replace);
            let mut events = vec![Event::Insert];
            if replaces || upsert.is_some() {
                events.push(Event::Update);
            }
            if replaces {
                events.push(Event::Delete);
            }
            events.into_iter().map(|event| change(table, event, vec![])).collect()
        }
        TriggerCmd::Update { tbl_name, sets, .. } => {
            let named =
                |set: &Set<'_>| set.col_names.iter().map(|name| sqlite_unquote(name.0)).collect::<Vec<_>>();
            vec![change(tbl_name.name.0, Event::Update, sets.iter().flat_map(named).collect())]
        }
        TriggerCmd::Delete { tbl_name, .. } => vec![change(tbl_name.name.0, Event::Delete, vec![])],
        TriggerCmd::Select(_) => vec![],
    }
}

/// The functions that are called, and whether RAISE is.
fn called(mut open: Vec<Part<'_>>) -> (Vec<String>, bool) {
    let (mut functions, mut raises) = (vec![], false);
    while let Some(part) = open.pop() {
        match part {
            Part::Expr(Expr::FunctionCall { name, .. } | Expr::FunctionCallStar { name, .. }) => {
                functions.push(sqlite_unquote(name.0).to_ascii_lowercase());
            }
            Part::Expr(Expr::Raise(..)) => raises = true,
            _ => {}
        }
        guard::parts(part, &mut |part| open.push(part));
    }
    (functions, raises)
}
