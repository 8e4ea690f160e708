//! SQLSTATE and HINT of what SQLite reports.

use pgrx::PgSqlErrorCode as Code;

use super::{FOREIGN_CELL_HINT, expression_fix, sqlstate};
use crate::sqlite;
use crate::sqlite::functions::Fault;

pub(super) fn code(error: &sqlite::Error) -> Code {
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

pub(super) fn hint(error: &sqlite::Error) -> Option<String> {
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
