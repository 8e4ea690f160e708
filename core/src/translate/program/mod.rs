//! SELECT statements of SQLite -> PostgreSQL's: what views and an application's queries are.
//!
//! The *program* context. A statement runs over rows that are not stored yet, so what is computed is not known to be within
//! the range of its type, and some rules of SQLite hold only on an assumption. Each assumption is a note of the statement;
//! where neither equality nor a stated assumption holds, the statement is refused with the place of what hinders. Assumes
//! that the columns of the schema hold what their types say, as a migration by the plan makes them.

mod aggregate;
mod among;
mod coerce;
mod compound;
mod dates;
mod declaration;
mod dynamic;
mod exact;
mod expr;
mod forms;
mod from;
mod guard;
mod json;
mod known;
mod matching;
mod math;
mod numbers;
mod other;
mod parameters;
mod patterns;
mod place;
mod printf;
mod query;
mod rows;
mod scope;
mod select;
mod session;
mod steady;
mod storage;
mod template;
mod texts;
mod times;
pub mod trigger;
mod view;
mod window;
mod with;
mod writable;
mod write;

use std::collections::BTreeSet;

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Cmd, Stmt};

pub use self::guard::Place;
use self::scope::{Level, Visible};
use super::expr::Walk;
use super::node::{Node, Result};
use super::{Scope, ScopeColumn, Untranslatable, helper};
use crate::catalog::{Affinity, Encoding};
use crate::value::Timezone;

pub use self::aggregate::AGGREGATES;
pub use self::declaration::{Declaration, Declares, declaration};
pub use self::forms::{FORMS, SQLITE_VERSION};
pub use self::json::JSON_FUNCTIONS;
pub use self::known::is_known;
pub use self::matching::Search;
pub use self::steady::Unsteady;
pub use self::template::{marked_line, template};
pub use self::view::{KnownView, View, ViewColumns, declared_names, read_by, unsteady, view};
pub use self::window::WINDOW_FUNCTIONS;
pub use self::writable::{Arbiter, Resolve, UniqueKey, Unset, Writable, WritableColumn, Writables};
pub(super) use self::write::Write;

/// Every table and view that a statement may name, with what became of it.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    pub relations: Vec<Relation>,
    /// How times without an offset are read.
    pub timezone: Timezone,
    /// The file's: SQLite orders texts by their bytes.
    pub encoding: Encoding,
    /// What writing to the tables has to know.
    pub writables: Writables,
    /// What needs a helper function is refused.
    pub no_helpers: bool,
    /// What is searched in place of full-text tables.
    pub searches: Vec<Search>,
}

/// A table of the file.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The name in SQLite; matched without regard to ASCII case.
    pub source: String,
    /// The qualified name in PostgreSQL, quoted; or why there is none.
    pub target: std::result::Result<String, String>,
    pub columns: Vec<Column>,
    /// The column that is the rowid.
    pub rowid: Option<usize>,
    /// Of a view that was translated before.
    pub view: Option<KnownView>,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    pub column: ScopeColumn,
    /// Of the declared type, by which SQLite compares.
    pub affinity: Affinity,
    /// The storage classes of its values, where all of them were looked at and there are any.
    pub stored: Option<Stored>,
    /// Not carried over.
    pub missing: bool,
}

/// Which storage classes a column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    pub integers: bool,
    pub reals: bool,
    pub texts: bool,
    pub blobs: bool,
}

/// A translated statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub sql: String,
    /// What is assumed, and what its reader should know.
    pub notes: Vec<String>,
}

impl Statement {
    /// The statements that create the helper functions that it calls, in order.
    pub fn helpers(&self) -> Vec<String> {
        helper::statements(&self.sql)
    }
}

/// Why a statement has no PostgreSQL form, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Lower case, no full stop.
    pub reason: String,
    pub place: Option<Place>,
    /// The expression that hinders, as SQL.
    pub near: Option<String>,
    /// Tables were known.
    pub with_schema: bool,
}

/// Translates one SELECT or VALUES statement, or one that writes.
pub fn statement(sql: &str, schema: &Schema) -> std::result::Result<Statement, Refusal> {
    let bump = Bump::new();
    let scope = Scope { columns: vec![], timezone: schema.timezone.clone() };
    let command = guard::command(sql, &bump);
    let translated = command.as_ref().map_err(Clone::clone).and_then(|command| {
        let mut walk = Walk::new(&scope);
        walk.program = Some(Box::new(Program::new(schema)));
        let sql = walk.command(command)?;
        let mut program = walk.program.take().map(|program| *program).unwrap_or_else(|| Program::new(schema));
        program.note_stale();
        let sql = program.parameters.typed(&sql)?;
        let parameters = program.parameters.notes();
        let notes = program.notes_of(&sql).into_iter().chain(parameters).collect();
        Ok(Statement { sql, notes })
    });
    translated.map_err(|refused| refusal(refused, sql, schema))
}

fn refusal(Untranslatable { reason, near }: Untranslatable, sql: &str, schema: &Schema) -> Refusal {
    let place = near.as_deref().and_then(|near| guard::place(sql, near));
    Refusal { reason, place, near, with_schema: !schema.relations.is_empty() }
}

/// Of texts that are ordered by their bytes.
const C_COLLATION: &str = "COLLATE \"C\"";

/// The most expressions that are translated for one statement, some of them more than once.
const MOST_STEPS: usize = 100_000;
/// The most bytes of an expression in PostgreSQL: some forms repeat their operands.
pub(super) const LONGEST: usize = 400_000;
/// The most bytes of all of them.
const MOST_BYTES: usize = 100_000_000;

/// What a statement's names mean, and what its translation assumes.
pub(super) struct Program<'s> {
    schema: &'s Schema,
    /// The SELECTs around an expression, the outermost first.
    levels: Vec<Level<'s>>,
    /// The common table expressions in sight, the nearest last.
    ctes: Vec<Visible>,
    notes: BTreeSet<String>,
    /// Views that it reads whose rows are those of the import.
    stale: BTreeSet<String>,
    parameters: parameters::Parameters,
    steps: usize,
    bytes: usize,
    /// The SELECTs around, whose results other SELECTs read.
    nested: usize,
    /// Of the SELECT that comes next, only whether it has rows.
    only_rows: bool,
    /// Values of several classes among the results of the next SELECT keep them, as values of JSON.
    classed: bool,
    /// What the next SELECT's results are written to.
    awaited: Option<write::Awaited>,
}

impl<'s> Program<'s> {
    pub(super) fn new(schema: &'s Schema) -> Program<'s> {
        Program {
            schema,
            levels: vec![],
            ctes: vec![],
            notes: BTreeSet::new(),
            stale: BTreeSet::new(),
            parameters: parameters::Parameters::default(),
            steps: 0,
            bytes: 0,
            nested: 0,
            only_rows: false,
            classed: false,
            awaited: None,
        }
    }

    /// What is assumed of the whole statement: every order of texts in it is written with its collation.
    pub(super) fn notes_of(mut self, sql: &str) -> BTreeSet<String> {
        if self.schema.encoding != Encoding::Utf8 && sql.contains(C_COLLATION) {
            self.note(
                "texts are ordered by code points, where SQLite orders by the bytes of the file's UTF-16",
            );
        }
        self.notes
    }

    /// Says which rows are not those of now. A view that reads them has been asked for.
    fn note_stale(&mut self) {
        for view in std::mem::take(&mut self.stale) {
            self.note(format!("{view} holds the rows of the import, where SQLite's view has those of now"));
        }
    }

    /// Says what is assumed.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.insert(note.into());
    }
}

/// A translated SELECT and what its columns are.
pub(super) struct Query {
    sql: String,
    columns: Vec<Output>,
    /// Never more than one row.
    one_row: bool,
    /// The columns' labels are not those that the SQL text gives.
    relabelled: bool,
}

/// A column of a result.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// By which SQLite's statements name it.
    name: Option<String>,
    /// In PostgreSQL.
    label: Option<String>,
    /// The name is an alias.
    aliased: bool,
    /// The expression as SQL, where there is no name: SQLite calls the column so.
    text: Option<String>,
    node: Node,
}

impl<'s> Walk<'s> {
    fn command(&mut self, command: &'s Cmd<'s>) -> Result<String> {
        let Cmd::Stmt(stmt) = command else {
            return super::node::refuse(
                "EXPLAIN is PostgreSQL's own: write it before the translated statement",
            );
        };
        match (stmt, Write::of_statement(stmt)) {
            (Stmt::Select(select), _) => {
                guard::check_depth(select)?;
                Ok(self.query(select)?.sql)
            }
            (_, Some(write)) => {
                guard::check_parts(write.parts())?;
                self.write(&write)
            }
            (stmt, None) => super::node::refuse(other::reason(stmt)),
        }
    }

    /// What is known of the statement. Only a statement's walk comes here.
    fn program(&mut self) -> Result<&mut Program<'s>> {
        match &mut self.program {
            Some(program) => Ok(program),
            None => super::node::refuse("subqueries have no equivalent here"),
        }
    }

    fn note(&mut self, note: impl Into<String>) {
        if let Some(program) = &mut self.program {
            program.note(note);
        }
    }
}
