//! CREATE TRIGGER -> the function and the trigger of PostgreSQL that do the same.
//!
//! NEW and OLD are rows that are in sight of every statement, by these names only. SQLite compares their values as they are:
//! a value of NEW has the collation of its column, but not its affinity.

mod body;
mod commands;
mod definition;

use std::collections::BTreeSet;

use sqlite3_parser::Bump;
use sqlite3_parser::ast::fmt::ToTokens;
use sqlite3_parser::ast::{Expr, Stmt};

use self::body::{Command, Frame, Raise};
use super::{Program, Refusal, Relation, Schema, guard, refusal};
use crate::sqltext::ident;
use crate::translate::Scope;
use crate::translate::expr::Walk;
use crate::translate::node::{Prec, Result, refuse};
use crate::types::TypeClass;

pub use self::definition::{Change, Definition, Event, Time};

/// What of a trigger is decided where all of them are known.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The setting that is on while it runs, where it must not fire itself.
    pub running: Option<String>,
    /// No other trigger fires at its time for its event.
    pub alone: bool,
    /// The target's columns that PostgreSQL computes.
    pub computed: Vec<String>,
    /// Those among them that it computes when they are read.
    pub unstored: Vec<String>,
    /// What has no translation stands between « », for a person to finish it.
    pub unfinished: bool,
}

/// A translated trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The qualified table or view, quoted.
    pub table: String,
    /// The columns of UPDATE OF, in PostgreSQL.
    pub columns: Vec<String>,
    /// The condition of its WHEN.
    pub when: Option<String>,
    /// The text of the function; none where its statements do nothing.
    pub body: Option<String>,
    /// What of it the server can analyse by itself: its statements and its expressions, each as a statement.
    pub statements: Vec<String>,
    /// What is assumed.
    pub notes: Vec<String>,
}

/// Translates a definition.
pub fn trigger(
    sql: &str,
    definition: &Definition,
    schema: &Schema,
    asked: &Asked,
) -> std::result::Result<Trigger, Refusal> {
    translated(sql, definition, schema, asked).map_err(|refused| refusal(refused, sql, schema))
}

fn translated(sql: &str, definition: &Definition, schema: &Schema, asked: &Asked) -> Result<Trigger> {
    let bump = Bump::new();
    let scope = Scope { columns: vec![], timezone: schema.timezone.clone() };
    let Stmt::CreateTrigger { when_clause, commands, .. } = guard::parse_trigger(sql, &bump)? else {
        return refuse("it is no CREATE TRIGGER");
    };
    let named = |r: &&Relation| r.source.eq_ignore_ascii_case(&definition.on.table);
    let Some(relation) = schema.relations.iter().find(named) else {
        return refuse(format!("no table {}", definition.on.table));
    };
    let table = match &relation.target {
        Ok(table) => table.clone(),
        Err(reason) => return refuse(format!("table {} {reason}", relation.source)),
    };
    let mut walk = Walk::new(&scope);
    walk.program = Some(Box::new(Program::new(schema)));
    walk.see_rows(relation, definition.on.event)?;
    let listed = columns(relation, definition, schema)?;
    let mut condition = None;
    if let Some(e) = when_clause {
        let when = walk.expr(e).and_then(|node| Ok(node.truth()?.at(Prec::Not)));
        condition = Some(walk.or_marked(asked, when, || original(sql, e))?);
    }
    let mut statements = vec![];
    for command in *commands {
        let performed = walk.performs(command);
        let marked = || vec![Command::Sql(original(sql, command))];
        statements.extend(walk.or_marked(asked, performed, marked)?);
    }
    let instead = definition.time == Time::InsteadOf;
    if instead && !listed.is_empty() {
        walk.note(
            "it fires where a value of its columns changes, where SQLite fires it for columns that are set",
        );
        let changed = changed(relation, &listed);
        condition =
            Some(condition.map_or(changed.clone(), |condition| format!("({changed}) AND {condition}")));
    }
    // PostgreSQL takes no subquery in WHEN, and no WHEN before a view.
    let within = instead || when_clause.as_ref().is_some_and(|e| guard::any(e, has_rows));
    if let Some(condition) = condition.take_if(|_| within) {
        statements = vec![Command::If(vec![(condition, statements)], vec![])];
    }
    walk.note_ignored(&statements, definition, asked);
    let frame = Frame { returned: returned(definition), running: asked.running.as_deref() };
    let nothing = statements.iter().all(|command| {
        matches!(command, Command::If(branches, otherwise)
        if otherwise.is_empty() && branches.iter().all(|(_, commands)| commands.is_empty()))
    });
    let body = body::print(&statements, &frame);
    let Some(mut program) = walk.program.take() else { return refuse("the trigger is not known") };
    check_rows(
        &format!("{} {body}", condition.as_deref().unwrap_or("")),
        relation,
        definition,
        asked,
        &mut program,
    )?;
    let body = program.parameters.typed(&body)?;
    let analysed =
        body::analysed(&statements).iter().map(|sql| program.parameters.typed(sql)).collect::<Result<_>>()?;
    program.note_stale();
    let notes: BTreeSet<String> = program.notes_of(&body);
    Ok(Trigger {
        table,
        columns: if instead { vec![] } else { listed },
        when: condition,
        body: (!nothing).then_some(body),
        statements: analysed,
        notes: notes.into_iter().collect(),
    })
}

/// What the function returns: the row that goes on, which of an AFTER trigger nobody asks for.
fn returned(definition: &Definition) -> &'static str {
    match (definition.time, definition.on.event) {
        (Time::After, _) => "NULL",
        (_, Event::Delete) => "OLD",
        (_, Event::Insert | Event::Update) => "NEW",
    }
}

fn has_rows(e: &Expr<'_>) -> bool {
    matches!(e, Expr::Exists(_) | Expr::Subquery(_) | Expr::InSelect { .. } | Expr::InTable { .. })
}

/// PostgreSQL's names of the columns of UPDATE OF. One that is not carried over cannot be set; nor can one that is computed,
/// for which PostgreSQL would fire where one is set that it is computed from.
fn columns(relation: &Relation, definition: &Definition, schema: &Schema) -> Result<Vec<String>> {
    let facts = schema.writables.get(&relation.source.to_ascii_lowercase());
    let generated = |name: &str| {
        let mut all = relation.columns.iter().zip(facts.iter().flat_map(|facts| &facts.columns));
        all.any(|(column, facts)| facts.generated && column.column.source.eq_ignore_ascii_case(name))
    };
    let mut listed: Vec<String> = vec![];
    for name in definition.on.columns.iter().filter(|name| !generated(name)) {
        let label = label(relation, name).filter(|label| !listed.contains(label));
        listed.extend(label);
    }
    if listed.is_empty() && !definition.on.columns.is_empty() {
        return refuse("none of the columns that it fires for can be set in the target");
    }
    Ok(listed)
}

fn label(relation: &Relation, name: &str) -> Option<String> {
    let is = |source: &str| source.eq_ignore_ascii_case(name);
    match &relation.view {
        Some(view) => {
            view.columns.0.iter().find(|c| c.name.as_deref().is_some_and(is)).and_then(|c| c.label.clone())
        }
        None => {
            let found = relation.columns.iter().find(|c| is(&c.column.source));
            found.filter(|c| !c.missing).map(|c| c.column.target.clone())
        }
    }
}

/// A value of one of the columns is another one.
fn changed(relation: &Relation, listed: &[String]) -> String {
    let json = |label: &String| {
        let columns = relation.view.iter().flat_map(|view| &view.columns.0);
        let mut of_label = columns.filter(|c| c.label.as_ref() == Some(label));
        of_label.any(|c| matches!(c.node.class, TypeClass::Json | TypeClass::Other))
    };
    let differs = |label: &String| {
        let text = if json(label) { "::text" } else { "" };
        format!("\"new\".{0}{text} IS DISTINCT FROM \"old\".{0}{text}", ident(label))
    };
    listed.iter().map(differs).collect::<Vec<_>>().join(" OR ")
}

/// What NEW holds in PostgreSQL before the row is written.
fn check_rows(
    text: &str,
    relation: &Relation,
    definition: &Definition,
    asked: &Asked,
    program: &mut Program<'_>,
) -> Result<()> {
    let has = |row: &str, label: &str| text.contains(&format!("\"{row}\".{}", ident(label)));
    if let Some(column) = asked.unstored.iter().find(|column| has("new", column) || has("old", column)) {
        return refuse(format!(
            "column {column}, which PostgreSQL computes when it is read: NEW and OLD have no value of it"
        ));
    }
    if definition.time != Time::Before || definition.on.event == Event::Delete {
        return Ok(());
    }
    let reads = |label: &str| has("new", label);
    if let Some(column) = asked.computed.iter().find(|column| reads(column)) {
        return refuse(format!("column {column} of NEW, which PostgreSQL computes after BEFORE triggers"));
    }
    let key = relation.rowid.and_then(|at| relation.columns.get(at));
    if definition.on.event == Event::Insert && key.is_some_and(|key| reads(&key.column.target)) {
        program.note("NEW has the row's number, which SQLite does not know before an INSERT that gives none (it has -1)");
    }
    Ok(())
}

impl<'s> Walk<'s> {
    /// Lets the statements name NEW and OLD.
    fn see_rows(&mut self, relation: &'s Relation, event: Event) -> Result<()> {
        if event != Event::Delete {
            self.see_row(relation, "new")?;
        }
        if event != Event::Insert {
            self.see_row(relation, "old")?;
        }
        let rows = self.program()?.levels.first_mut().map_or(&mut [][..], |level| &mut level.relations);
        for row in rows {
            let rowid = row.rowid;
            let others = row.columns.iter_mut().enumerate().filter(|(at, _)| Some(*at) != rowid);
            others.for_each(|(_, column)| column.node.bare = true);
        }
        Ok(())
    }

    /// What stands in the place of what has no translation, where somebody is to finish it.
    fn or_marked<T>(&mut self, asked: &Asked, result: Result<T>, marked: impl FnOnce() -> T) -> Result<T> {
        if result.is_ok() || !asked.unfinished {
            return result;
        }
        self.depth = 0;
        let program = self.program()?;
        program.levels.truncate(1);
        program.ctes.clear();
        Ok(marked())
    }

    /// Says what RAISE(IGNORE) does not stop.
    fn note_ignored(&mut self, statements: &[Command], definition: &Definition, asked: &Asked) {
        if definition.time == Time::After && !asked.alone && statements.iter().any(ignores) {
            self.note("RAISE(IGNORE) ends this trigger only, where SQLite leaves out the row's other AFTER triggers");
        }
    }
}

/// A part of the definition, as it is spelled there.
fn original(sql: &str, part: &impl ToTokens) -> String {
    let shown = guard::shown(part);
    format!("«{}»", guard::original(sql, &shown).unwrap_or(&shown))
}

fn ignores(command: &Command) -> bool {
    match command {
        Command::Sql(_) | Command::Raise(Raise::Error(_)) => false,
        Command::Raise(Raise::Ignore) => true,
        Command::If(branches, otherwise) => {
            branches.iter().flat_map(|(_, commands)| commands).chain(otherwise).any(ignores)
        }
    }
}
