//! The only place that knows SQLSTATE, DETAIL and HINT.
//!
//! Messages are in PostgreSQL's style: lower case and no full stop in the message, sentences in DETAIL and HINT.

mod blocked;
#[cfg(test)]
mod catalogue;
mod expression;
mod of_sqlite;
mod search;
mod statement;

pub use self::expression::expression_fix;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::ErrorReport;

use crate::pg::report::{Place, SqlState, report_at};
use crate::pg::xact::Caught;
use crate::sqlite;
use crate::sqlite::functions::{Fault, ValueFault};
use crate::sqlite::rows::{CellError, CellPlace};
use pg_sqlite_migrate_core::finding::{Finding, Fix, counted};
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::{PlanError, orphan_policies};
use pg_sqlite_migrate_core::search::query::Placed;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::translate::program::Refusal;

/// What a user can be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("permission denied to read SQLite files on the server")]
    NoFileAccess { role: String },
    #[error("path must not be NULL")]
    NullPath,
    #[error("sql must not be NULL")]
    NullStatement,
    /// A statement of SQLite that has no PostgreSQL form.
    #[error("the statement cannot be translated: {}", .0.reason)]
    Statement(Box<Refusal>),
    /// A MATCH text that SQLite would refuse, or that no tsquery says.
    #[error("the full-text query cannot be read: {}", .0.reason)]
    Query(Box<Placed>),
    /// How a MATCH text is to be read.
    #[error("{message}")]
    SearchArgument { message: String, hint: Option<String> },
    #[error("SQLite file \"{path}\" is outside the allowed directories")]
    OutsideAllowedDirectories { path: String },
    #[error("{0}")]
    Sqlite(#[from] sqlite::Error),
    #[error("{0}")]
    Plan(#[from] PlanError),
    /// A type in the plan that the server does not take.
    #[error("{path}: {message}")]
    Type { path: String, message: String, sqlstate: SqlState },
    #[error("permission denied to create tables in schema \"{schema}\"")]
    NoCreateTable { schema: String, privileges: String, role: String },
    #[error("permission denied to create schema \"{schema}\" in database \"{database}\"")]
    NoCreateSchema { schema: String, database: String, role: String },
    /// What stops an import before anything is written.
    #[error("{}", blocked::message(.0))]
    Blocked(Vec<Finding>),
    #[error("value does not fit column \"{}\" of table \"{table}\"", cell.column)]
    Cell { table: String, cell: Box<CellError>, hint: String },
    /// Memory for a value could not be had.
    #[error("out of memory")]
    Memory { table: String, place: CellPlace },
    /// The type's own input function refused the value.
    #[error("value does not fit column \"{}\" of table \"{table}\"", cell.column)]
    Input { table: String, cell: Box<CellError>, sqlstate: SqlState, hint: String },
    #[error("rows of table \"{}\" have no parent in \"{}\"", .0.table, .0.parent)]
    Orphans(Box<OrphanRows>),
    #[error("there is no recorded run")]
    NoRun { run: Option<i64> },
    #[error(
        "table \"{table}\": {} in SQLite, {rows_target} in PostgreSQL",
        counted(rows_source.unsigned_abs(), "row", "rows")
    )]
    Counts { table: String, rows_source: i64, rows_target: i64, rejected: i64 },
    /// A loaded table holds another value than the file, or other rows.
    #[error("table {table} differs from the file")]
    Values { table: String, difference: String },
    /// A loaded table does not hold what was loaded into it.
    #[error("rows of {table} were changed while it was imported")]
    Changed { table: String, expected: i64, found: i64, by: Changer },
    #[error("{table} was dropped while it was imported")]
    Dropped { table: String, by: Changer },
    /// What a foreign server, table, import or export asks for and cannot have.
    #[error("{message}")]
    Foreign { sqlstate: Code, message: String, detail: Option<String>, hint: Option<String> },
    /// Loaded rows break a key of an existing table, which was rebuilt over them.
    #[error("rows of table \"{source_table}\" break a key of {table}")]
    Conflict {
        source_table: String,
        table: String,
        caught: Box<Caught>,
        /// The first rows of the file that do, as a sentence.
        rows: Option<String>,
        /// What helps where two rows of the file are to update one row.
        hint: Option<String>,
    },
    /// Loaded rows break a key, an index or a check that is created over them.
    #[error("rows of table \"{}\" break {} of {}", .0.source, .0.what, .0.on)]
    Broken(Box<BrokenRows>),
    /// A loaded row is skipped because its key is there, but it is another row.
    #[error("rows of table \"{}\" have the same key as different rows {}", .0.source, .0.place)]
    OtherRows(Box<OtherRows>),
    /// Rows cannot be told to be, or not to be, rows of the table.
    #[error("rows of table \"{}\" cannot be matched with existing rows", .0.source)]
    Unmatched(Box<KeyFault>),
    /// References cannot follow the keys of the rows that they refer to.
    #[error("references of table \"{}\" cannot follow the rows that they refer to", .0.source)]
    References(Box<KeyFault>),
    /// Any other, while the steps of a run were done.
    #[error("{error}")]
    InRun { error: Box<Error>, summary: String },
    /// An ERROR of the server's that was caught.
    #[error("{}", .0.message)]
    Server(Box<Caught>),
}

/// Whose statements change a table that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changer {
    /// The plan's `after`.
    After,
    /// Triggers, rules and event triggers.
    Triggers,
}

/// Rows that a foreign key forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanRows {
    /// Source table, as the plan names it.
    pub source: String,
    /// Target relations, `schema.name`.
    pub table: String,
    pub parent: String,
    pub count: u64,
    pub examples: String,
    /// The constraint was there before, and stays as it is.
    pub existing: bool,
    /// Every column of the key takes NULL.
    pub nullable: bool,
}

/// Rows that break what is created over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRows {
    /// Source table.
    pub source: String,
    /// `constraint "t_pkey"`
    pub what: String,
    /// `"public"."t"`
    pub on: String,
    /// The first of them, as a sentence.
    pub rows: Option<String>,
    pub hint: Option<String>,
    pub caught: Caught,
}

/// Rows that have the key of another, by which they would be taken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherRows {
    /// Source table, as the plan names it.
    pub source: String,
    /// Where the other rows are: `in "public"."role"`.
    pub place: String,
    pub count: u64,
    /// The first pair, as a clause.
    pub example: String,
    pub hint: String,
}

/// What keeps keys from becoming those of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// Source table, as the plan names it.
    pub source: String,
    pub detail: String,
    pub hint: String,
    /// It is not in the rows: something cannot be read or used.
    pub refused: bool,
}

impl Error {
    /// A run that is asked about, and that was taken back.
    pub fn rolled_back(run: i64) -> Error {
        Error::Foreign {
            sqlstate: Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            message: format!("run {run} was rolled back"),
            detail: None,
            hint: Some("Name another run: see sqlite_migrate.run.".into()),
        }
    }

    /// An error in the server's name.
    #[track_caller]
    pub fn server(sqlstate: Code, message: String) -> Error {
        Error::from(Caught {
            sqlstate: sqlstate.into(),
            message,
            detail: None,
            hint: None,
            place: Box::new(Place::here()),
        })
    }

    pub fn sqlstate(&self) -> SqlState {
        SqlState::from(match self {
            Error::NoFileAccess { .. }
            | Error::OutsideAllowedDirectories { .. }
            | Error::NoCreateTable { .. }
            | Error::NoCreateSchema { .. } => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
            Error::NullPath | Error::NullStatement => Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Error::Statement(_) => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            Error::Query(fault) => search::code(fault),
            Error::SearchArgument { .. } => Code::ERRCODE_INVALID_PARAMETER_VALUE,
            Error::Sqlite(e) => of_sqlite::code(e),
            Error::Plan(PlanError::Invalid { .. }) => Code::ERRCODE_INVALID_PARAMETER_VALUE,
            Error::Plan(PlanError::Unsupported { .. }) => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            Error::Blocked(findings) => blocked::code(findings),
            Error::Memory { .. } => Code::ERRCODE_OUT_OF_MEMORY,
            Error::Cell { cell, .. } if cell.storage_class == "null" => Code::ERRCODE_NOT_NULL_VIOLATION,
            Error::Cell { .. } => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
            Error::Input { sqlstate, .. } | Error::Type { sqlstate, .. } => return *sqlstate,
            Error::Foreign { sqlstate, .. } => *sqlstate,
            Error::Server(caught) | Error::Conflict { caught, .. } => return caught.sqlstate,
            Error::InRun { error, .. } => return error.sqlstate(),
            Error::Broken(broken) => return broken.caught.sqlstate,
            Error::Orphans(_) => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
            Error::OtherRows(_) => Code::ERRCODE_UNIQUE_VIOLATION,
            Error::Unmatched(fault) | Error::References(fault) if fault.refused => {
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Error::Unmatched(_) => Code::ERRCODE_UNIQUE_VIOLATION,
            Error::References(_) => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
            Error::NoRun { .. } => Code::ERRCODE_UNDEFINED_OBJECT,
            Error::Counts { .. } | Error::Values { .. } => Code::ERRCODE_DATA_EXCEPTION,
            Error::Dropped { .. } => Code::ERRCODE_UNDEFINED_TABLE,
            Error::Changed { .. } => Code::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
        })
    }

    pub fn detail(&self) -> Option<String> {
        match self {
            Error::NoFileAccess { role } => {
                Some(format!("Role \"{role}\" is not a member of \"pg_read_server_files\"."))
            }
            Error::Blocked(findings) => (findings.len() > 1).then(|| blocked::list(findings)),
            Error::Cell { cell, .. } | Error::Input { cell, .. } => Some(cell_detail(cell)),
            Error::Memory { table, place } => Some(memory_detail(table, place)),
            Error::Sqlite(sqlite::Error::NoMemory { path, object }) => {
                let table = object.as_ref().map(|name| format!(" table \"{name}\" of")).unwrap_or_default();
                Some(format!("It was wanted for{table} SQLite file \"{}\".", path.display()))
            }
            Error::Orphans(rows) => {
                Some(format!("{}, the first of them: {}.", counted(rows.count, "row", "rows"), rows.examples))
            }
            Error::OtherRows(rows) => {
                Some(format!("{}, the first of them: {}.", counted(rows.count, "row", "rows"), rows.example))
            }
            Error::Unmatched(fault) | Error::References(fault) => Some(fault.detail.clone()),
            Error::Changed { expected, found, .. } => {
                let expected = counted(expected.unsigned_abs(), "row", "rows");
                Some(format!("It had {expected} after the load, and has {found} now."))
            }
            Error::Counts { rejected, .. } => {
                let rejected =
                    counted(rejected.unsigned_abs(), "row was rejected and is", "rows were rejected and are");
                Some(format!("{rejected} in the run log."))
            }
            Error::Values { difference, .. } => Some(difference.clone()),
            Error::Statement(refusal) => statement::detail(refusal),
            Error::Query(fault) => Some(search::detail(fault)),
            Error::Sqlite(sqlite::Error::Corrupt { object: Some(object), .. }) => {
                Some(format!("SQLite reported the damage while it read \"{object}\"."))
            }
            Error::Sqlite(sqlite::Error::CopyTooLarge { bytes, limit, .. }) => {
                Some(format!("The file and its -wal have {bytes} bytes, temp_file_limit allows {limit}."))
            }
            Error::Sqlite(sqlite::Error::WalAlone { .. }) => Some(
                "SQLite would create a -shm that belongs to the server's user, so that the file's \
                 application could not write to it."
                    .into(),
            ),
            Error::Sqlite(
                sqlite::Error::Constraint { message, .. } | sqlite::Error::Refused { message, .. },
            ) => Some(format!("SQLite: {message}.")),
            Error::Sqlite(sqlite::Error::Function { fault, .. }) => fault_detail(fault),
            Error::Sqlite(sqlite::Error::Expression { failing, .. }) => {
                failing.row.as_ref().map(|row| format!("It fails for the row with {}.", row.name))
            }
            Error::Foreign { detail, .. } => detail.clone(),
            Error::Conflict { caught, rows, .. } => Some(broken_detail(caught, rows.as_ref())),
            Error::Broken(broken) => Some(broken_detail(&broken.caught, broken.rows.as_ref())),
            Error::Server(caught) => caught.detail.clone(),
            Error::InRun { error, summary } => {
                let lines = [error.detail(), Some(summary.clone())];
                Some(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
            }
            _ => None,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Error::NoFileAccess { .. } => {
                Some("A superuser can run: GRANT pg_read_server_files TO the role.".into())
            }
            Error::OutsideAllowedDirectories { .. } => Some(
                "Move the file, or have a superuser extend pg_sqlite_migrate.allowed_directories.".into(),
            ),
            Error::Sqlite(e) => of_sqlite::hint(e),
            Error::Plan(PlanError::Invalid { hint, .. } | PlanError::Unsupported { hint, .. }) => {
                (!hint.is_empty()).then(|| hint.clone())
            }
            Error::Blocked(findings) => blocked::hint(findings),
            Error::Cell { hint, .. } | Error::Input { hint, .. } => Some(hint.clone()),
            Error::Memory { table, place } => place.column.as_ref().map(|column| {
                let fix = Fix::of_column(table, column, "skip", true);
                fix.hint(&format!(", or leave the row out by {}", path::of_table(table, "where")))
            }),
            Error::Orphans(rows) => {
                let (first, others) = orphan_policies(rows.existing, rows.nullable);
                Some(Fix::of_table(&rows.source, "orphans", first).or(others).hint(""))
            }
            Error::OtherRows(rows) => Some(rows.hint.clone()),
            Error::Unmatched(fault) | Error::References(fault) => Some(fault.hint.clone()),
            Error::NoRun { run: None } => Some("Run sqlite_import first.".into()),
            Error::NoRun { run: Some(_) } => Some("See sqlite_migrate.run.".into()),
            Error::Counts { .. } => Some("The import was rolled back; please report this as a bug.".into()),
            Error::Values { .. } => Some(
                "A trigger, rule or default may have changed it: import with \"verify\" set to \"counts\", and see \
                 verify_differences()."
                    .into(),
            ),
            Error::Changed { by, .. } | Error::Dropped { by, .. } => Some(match by {
                Changer::After => {
                    "A statement of \"after\" did this. Run the statement after the import instead, or set \"verify\" to \"none\"."
                        .into()
                }
                Changer::Triggers => {
                    "A trigger, rule or event trigger did this. Set \"fire_triggers\" to false, disable the \
                     trigger during the import, or set \"verify\" to \"none\"."
                        .into()
                }
            }),
            Error::Type { .. } => Some("Name a type of this database, with its schema where needed.".into()),
            Error::NoCreateTable { schema, privileges, role } => Some(format!(
                "Run GRANT {privileges} ON SCHEMA {} TO {}, or choose another schema in the plan.",
                ident(schema),
                ident(role)
            )),
            Error::NoCreateSchema { database, role, .. } => Some(format!(
                "Run GRANT CREATE ON DATABASE {} TO {}, or choose another schema in the plan.",
                ident(database),
                ident(role)
            )),
            Error::Foreign { hint, .. } => hint.clone(),
            Error::Conflict { hint: Some(hint), .. } => Some(hint.clone()),
            Error::Conflict { source_table, .. } => {
                let path = |key| path::of_table(source_table, key);
                Some(format!(
                    "Correct the rows, or set {} to the key and {} to \"skip\" or \"update\"; \"update\" needs \
                     loaded rows with different keys.",
                    path("conflict_target"),
                    path("on_conflict")
                ))
            }
            Error::Broken(broken) => broken.hint.clone().or_else(|| broken.caught.hint.clone()),
            Error::Server(caught) => caught.hint.clone(),
            Error::InRun { error, .. } => error.hint(),
            Error::Statement(refusal) => Some(statement::hint(refusal)),
            Error::Query(fault) => Some(search::hint(fault).to_owned()),
            Error::SearchArgument { hint, .. } => hint.clone(),
            Error::NullPath | Error::NullStatement => None,
        }
    }

    /// For the run log and the result of a run that went on.
    pub fn one_line(&self) -> String {
        match self.detail() {
            Some(detail) => format!("{self}: {}", detail.trim_end_matches('.')),
            None => self.to_string(),
        }
    }
}

impl From<Caught> for Error {
    fn from(caught: Caught) -> Error {
        Error::Server(Box::new(caught))
    }
}

impl From<Error> for ErrorReport {
    /// At the place that asks for it, or where the server has raised what was caught.
    #[track_caller]
    fn from(error: Error) -> ErrorReport {
        let (detail, hint) = (error.detail(), error.hint());
        let mut of = &error;
        while let Error::InRun { error, .. } = of {
            of = error;
        }
        let place = match of {
            Error::Server(caught) => (*caught.place).clone(),
            _ => Place::here(),
        };
        report_at(place, error.sqlstate(), &error.to_string(), detail.as_deref(), hint.as_deref())
    }
}

/// `MAKE_SQLSTATE`: six bits a character.
pub fn sqlstate(code: &str) -> Code {
    let bits = |byte: u8| i32::from(byte.wrapping_sub(b'0') & 0x3F);
    Code::from(code.bytes().take(5).zip(0..).map(|(byte, at)| bits(byte) << (6 * at)).sum::<i32>())
}

fn fault_detail(fault: &Fault) -> Option<String> {
    let Fault::Value(ValueFault { pg_type, storage_class, value, reason, .. }) = fault else { return None };
    Some(format!("The {storage_class} value {value} cannot become {pg_type}: {reason}."))
}

/// What can be done about a value that does not fit its column in a foreign table.
pub const FOREIGN_CELL_HINT: &str = "Set the column's option \"on_invalid\" to 'null', or ALTER FOREIGN TABLE … ALTER \
                                     COLUMN … TYPE to one that holds the value.";

/// What the server says, and the rows of the file.
fn broken_detail(caught: &Caught, rows: Option<&String>) -> String {
    let said = format!("{}.", caught.message);
    let parts = [Some(&said), caught.detail.as_ref(), rows];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn memory_detail(table: &str, place: &CellPlace) -> String {
    let column = place.column.as_ref().map(|name| format!("column \"{name}\" of ")).unwrap_or_default();
    let row = place.row.as_ref().map(|row| format!(", row with {row}")).unwrap_or_default();
    format!("The memory was requested for {column}table \"{table}\"{row}.")
}

fn cell_detail(cell: &CellError) -> String {
    format!(
        "Row with {}: the {} value {} cannot become {}: {}.",
        cell.row, cell.storage_class, cell.value, cell.pg_type, cell.reason
    )
}
