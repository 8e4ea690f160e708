//! Where a full-text query cannot be read, and what to do about it.

use pgrx::PgSqlErrorCode as Code;

use pg_sqlite_migrate_core::search::query::{FaultKind, Placed};

pub(super) fn code(fault: &Placed) -> Code {
    match fault.kind {
        FaultKind::Syntax => Code::ERRCODE_SYNTAX_ERROR,
        FaultKind::NoColumn => Code::ERRCODE_UNDEFINED_COLUMN,
        FaultKind::Unsupported => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        FaultKind::TooLong => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
    }
}

pub(super) fn detail(fault: &Placed) -> String {
    format!("It is at line {}, column {} of the query.", fault.line, fault.column)
}

pub(super) fn hint(fault: &Placed) -> &'static str {
    match fault.kind {
        FaultKind::Syntax => {
            "Put double quotes around a text that is to be searched as it is; \"syntax\" says which of SQLite's query \
             languages the query is in."
        }
        FaultKind::NoColumn => {
            "The argument \"columns\" has the names of the searched columns, in their order."
        }
        FaultKind::Unsupported => "docs/search.md lists what of SQLite's query languages a tsquery can say.",
        FaultKind::TooLong => "Split the query.",
    }
}
