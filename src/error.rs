//! The only place that knows SQLSTATE, DETAIL and HINT.
//!
//! Messages are in PostgreSQL's style: lower case and no full stop in the message, sentences in DETAIL and HINT.

#[cfg(test)]
mod catalogue;
mod expression;

pub use self::expression::expression_fix;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::ErrorReport;

use crate::pg::report::{Place, SqlState, report_at};
use crate::pg::xact::Caught;
use crate::sqlite;
use crate::sqlite::functions::{Fault, ValueFault};
use crate::sqlite::rows::{CellError, CellPlace};
use pg_sqlite_migrate_core::finding::{Finding, Fix, Kind, counted};
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::{PlanError, orphan_policies};
use pg_sqlite_migrate_core::shorten;
use pg_sqlite_migrate_core::sqltext::ident;

/// What a user can be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("permission denied to read SQLite files on the server")]
    NoFileAccess { role: String },
    #[error("path must not be NULL")]
    NullPath,
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
    #[error("{}", blocking_message(.0))]
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
    /// A loaded table does not hold what was loaded into it.
    #[error("rows of {table} were changed while it was imported")]
    Changed { table: String, expected: i64, found: i64, by: Changer },
    #[error("{table} was dropped while it was imported")]
    Dropped { table: String, by: Changer },
    /// What a foreign server, table or import asks for and cannot have.
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
            Error::NullPath => Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Error::Sqlite(e) => sqlite_code(e),
            Error::Plan(PlanError::Invalid { .. }) => Code::ERRCODE_INVALID_PARAMETER_VALUE,
            Error::Plan(PlanError::Unsupported { .. }) => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            Error::Blocked(findings) => blocked_code(findings),
            Error::Memory { .. } => Code::ERRCODE_OUT_OF_MEMORY,
            Error::Cell { cell, .. } if cell.storage_class == "null" => Code::ERRCODE_NOT_NULL_VIOLATION,
            Error::Cell { .. } => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
            Error::Input { sqlstate, .. } | Error::Type { sqlstate, .. } => return *sqlstate,
            Error::Foreign { sqlstate, .. } => *sqlstate,
            Error::Server(caught) | Error::Conflict { caught, .. } => return caught.sqlstate,
            Error::Broken(broken) => return broken.caught.sqlstate,
            Error::Orphans(_) => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
            Error::OtherRows(_) => Code::ERRCODE_UNIQUE_VIOLATION,
            Error::Unmatched(fault) | Error::References(fault) if fault.refused => {
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Error::Unmatched(_) => Code::ERRCODE_UNIQUE_VIOLATION,
            Error::References(_) => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
            Error::NoRun { .. } => Code::ERRCODE_UNDEFINED_OBJECT,
            Error::Counts { .. } => Code::ERRCODE_DATA_EXCEPTION,
            Error::Dropped { .. } => Code::ERRCODE_UNDEFINED_TABLE,
            Error::Changed { .. } => Code::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
        })
    }

    pub fn detail(&self) -> Option<String> {
        match self {
            Error::NoFileAccess { role } => {
                Some(format!("Role \"{role}\" is not a member of \"pg_read_server_files\"."))
            }
            Error::Blocked(findings) => (findings.len() > 1).then(|| list(findings)),
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
            Error::Sqlite(e) => sqlite_hint(e),
            Error::Plan(PlanError::Invalid { hint, .. } | PlanError::Unsupported { hint, .. }) => {
                (!hint.is_empty()).then(|| hint.clone())
            }
            Error::Blocked(findings) => blocking_hint(findings),
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
            Error::NullPath => None,
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
        let place = match &error {
            Error::Server(caught) => (*caught.place).clone(),
            _ => Place::here(),
        };
        report_at(place, error.sqlstate(), &error.to_string(), detail.as_deref(), hint.as_deref())
    }
}

fn sqlite_code(error: &sqlite::Error) -> Code {
    use sqlite::Error as E;
    use sqlite::error::Constraint;
    match error {
        E::RelativePath { .. } | E::InvalidPath { .. } => Code::ERRCODE_INVALID_NAME,
        E::Missing { .. } => Code::ERRCODE_UNDEFINED_FILE,
        E::Directory { .. } | E::NotRegularFile { .. } => Code::ERRCODE_WRONG_OBJECT_TYPE,
        E::PermissionDenied { .. } | E::WalUnusable { .. } | E::DirectoryUnwritable { .. } => {
            Code::ERRCODE_INSUFFICIENT_PRIVILEGE
        }
        E::WalAlone { .. } | E::WalLeftOut { .. } => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        E::Changed { .. } => Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        E::Copy { full: true, .. } => Code::ERRCODE_DISK_FULL,
        E::Copy { full: false, .. } => Code::ERRCODE_IO_ERROR,
        E::CopyTooLarge { .. } => Code::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
        E::TooBig { .. } => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        E::NoMemory { .. } => Code::ERRCODE_OUT_OF_MEMORY,
        E::NotADatabase { .. } | E::EmptyFile { .. } => Code::ERRCODE_INVALID_BINARY_REPRESENTATION,
        E::Corrupt { .. } => Code::ERRCODE_DATA_CORRUPTED,
        E::Locked { .. } => Code::ERRCODE_LOCK_NOT_AVAILABLE,
        E::HotJournal { .. } => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        E::Interrupted { .. } => Code::ERRCODE_QUERY_CANCELED,
        E::InvalidFilter { .. } | E::InvalidUsing { .. } => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        E::Expression { .. } => Code::ERRCODE_DATA_EXCEPTION,
        E::Constraint { kind: Constraint::Unique, .. } => Code::ERRCODE_UNIQUE_VIOLATION,
        E::Constraint { kind: Constraint::NotNull, .. } => Code::ERRCODE_NOT_NULL_VIOLATION,
        E::Constraint { kind: Constraint::ForeignKey, .. } => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
        E::Constraint { kind: Constraint::Check, .. } => Code::ERRCODE_CHECK_VIOLATION,
        E::Constraint { kind: Constraint::Other, .. } | E::Refused { .. } => {
            Code::ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION
        }
        E::ReadOnly { .. } => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        E::Full { .. } => Code::ERRCODE_DISK_FULL,
        E::Collation { .. } => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        E::Snapshot { .. } => Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        E::Vanished { kind, .. } => match kind {
            sqlite::error::Kind::Column => Code::ERRCODE_FDW_COLUMN_NAME_NOT_FOUND,
            sqlite::error::Kind::Table => Code::ERRCODE_FDW_TABLE_NOT_FOUND,
            _ => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        },
        E::Schema { .. } => Code::ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION,
        E::Function { fault, .. } => match &**fault {
            Fault::Computed(fault) => sqlstate(fault.sqlstate),
            Fault::Value(_) => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        },
        E::Stale { .. } => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        E::Change { .. } | E::Sqlite { .. } => Code::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
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

fn sqlite_hint(error: &sqlite::Error) -> Option<String> {
    use sqlite::Error as E;
    use sqlite::error::Kind;
    let hint = match error {
        E::RelativePath { .. } => "Give the path from the root of the server's file system.",
        E::Missing { .. } => "The path is looked up on the server, not on the client.",
        E::Directory { .. } | E::NotRegularFile { .. } | E::InvalidPath { .. } => {
            "Give the path of the database file itself."
        }
        E::PermissionDenied { .. } => {
            "The server's operating system user must be able to read the file and enter its directories."
        }
        E::NotADatabase { .. } => {
            "An encrypted file has to be decrypted first, with the program that encrypted it."
        }
        E::EmptyFile { .. } => {
            "Check the path: SQLite creates an empty file when it opens one that is missing."
        }
        E::Corrupt { .. } => {
            "See sqlite_check(path); the sqlite3 shell's .recover command may save the rest. With on_error: \
             \"continue\" every row that can still be reached is imported."
        }
        E::Locked { .. } => "Wait for the writer to finish, or raise pg_sqlite_migrate.busy_timeout.",
        E::WalAlone { .. } => {
            "Set \"wal\" to \"copy\", in the plan or as an option of the foreign server, to read a private copy; or let the \
             file's application open and close the file once."
        }
        E::WalLeftOut { .. } => {
            "Set \"wal\" to \"copy\" instead, in the plan or as an option of the foreign server."
        }
        E::WalUnusable { .. } => {
            "Set \"wal\" to \"copy\", in the plan or as an option of the foreign server, to read a private copy. To change \
             the file, the server's operating system user must be able to write to it, to both files beside it, and to \
             its directory."
        }
        E::Changed { .. } => "Run the command again: it will see what was written.",
        E::Copy { full: true, .. } => {
            "Free space there, or set temp_tablespaces to a tablespace with free space."
        }
        E::CopyTooLarge { .. } => {
            "Raise temp_file_limit, or let the file's application open and close the file once, so that nothing has to be \
             copied."
        }
        E::HotJournal { .. } => {
            "Open the file once for writing, with its application or with the sqlite3 shell, so that SQLite \
             rolls the journal back."
        }
        E::InvalidFilter { .. } => "A table's \"where\" is a condition in SQLite's SQL.",
        E::InvalidUsing { .. } => {
            "A column's \"using\" is an expression in SQLite's SQL over the columns of one row."
        }
        E::Expression { failing, .. } => {
            return Some(match expression_fix(failing) {
                Some((fix, rest)) => fix.hint(rest),
                None => "Change the expression so that it gives NULL there, for instance with CASE.".into(),
            });
        }
        E::ReadOnly { .. } | E::DirectoryUnwritable { .. } => {
            "The server's operating system user must be able to write to the file and to its directory."
        }
        E::Collation { .. } => {
            "Add a COLLATE clause such as COLLATE BINARY to the condition. A view, trigger or generated \
             column of the file that uses this collation cannot be used."
        }
        E::Snapshot { .. } => "Run the transaction again.",
        E::Vanished { kind: Kind::Function | Kind::Module | Kind::Collation, .. } => {
            "A view, index, trigger or generated column of the file uses something that only its application \
             defines."
        }
        E::Vanished { .. } | E::Schema { .. } => {
            "The file's schema has changed: import the foreign table again."
        }
        E::Function { fault, .. } if matches!(**fault, Fault::Value(_)) => FOREIGN_CELL_HINT,
        E::Constraint { .. }
        | E::Refused { .. }
        | E::Full { .. }
        | E::Function { .. }
        | E::Stale { .. }
        | E::Copy { .. } => {
            return None;
        }
        E::TooBig { .. } => {
            "A text or blob has at most 1,000,000,000 bytes in SQLite, and so has a row with all its values."
        }
        E::Interrupted { .. } | E::NoMemory { .. } | E::Change { .. } | E::Sqlite { .. } => return None,
    };
    Some(hint.into())
}

/// A script can match the cause of the first blocking finding.
fn blocked_code(findings: &[Finding]) -> Code {
    match findings.first().map(|f| f.kind) {
        Some(Kind::TableExists) => Code::ERRCODE_DUPLICATE_TABLE,
        Some(Kind::Orphans) => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
        Some(Kind::NullKey) => Code::ERRCODE_NOT_NULL_VIOLATION,
        Some(Kind::DuplicateKey) => Code::ERRCODE_UNIQUE_VIOLATION,
        Some(Kind::BrokenCheck) => Code::ERRCODE_CHECK_VIOLATION,
        Some(Kind::InvalidValue) => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        Some(Kind::RowTooWide | Kind::KeyTooLong) => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        Some(Kind::Damaged | Kind::Unreadable) => Code::ERRCODE_DATA_CORRUPTED,
        Some(Kind::Untranslatable) => Code::ERRCODE_UNTRANSLATABLE_CHARACTER,
        Some(_) | None => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
    }
}

fn blocking_message(findings: &[Finding]) -> String {
    match findings {
        [one] => format!("{}: {}", one.object, one.message),
        many => format!("{} findings stop the import before anything is written", many.len()),
    }
}

/// Lines of a DETAIL: the tables of a whole application, but not of every application.
const LISTED: usize = 100;

/// The first findings, a line each.
fn list(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings.iter().take(LISTED).map(line).collect();
    if findings.len() > LISTED {
        lines.push(format!("And {} more: see sqlite_findings(path, plan).", findings.len() - LISTED));
    }
    lines.join("\n")
}

fn line(finding: &Finding) -> String {
    let end = if finding.message.ends_with('?') { "" } else { "." };
    format!("{}: {}{end}", finding.object, finding.message)
}

/// The first finding's, where those of the others are, and what resolves all of them.
fn blocking_hint(findings: &[Finding]) -> Option<String> {
    let mut hints = findings.iter().map(|f| &f.hint).filter(|hint| !hint.is_empty());
    let first = hints.next()?;
    let others = hints.any(|hint| hint != first);
    let all = if others { " For the others see sqlite_findings(path, plan)." } else { "" };
    let fixes = || findings.iter().filter_map(|f| f.fix.clone());
    // A long hint is shortened, and a part of a patch would be of no use.
    let whole =
        |fix: Fix| Some(format!("{first}{all} {}", fix.pasted())).filter(|hint| !shorten::is_long(hint));
    let pasted = fixes().reduce(Fix::and).and_then(whole).or_else(|| fixes().next().and_then(whole));
    Some(pasted.unwrap_or_else(|| format!("{first}{all}")))
}

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
