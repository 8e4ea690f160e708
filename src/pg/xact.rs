//! Command counter and subtransactions.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder, pg_sys};

/// Makes what this command wrote visible to the next one.
pub fn command_counter_increment() {
    // SAFETY: called inside a transaction, outside of parallel mode: functions here are PARALLEL UNSAFE.
    unsafe { pg_sys::CommandCounterIncrement() };
}

/// Every query of the transaction sees what was committed when the first began.
pub fn keeps_snapshot() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Triggers that fire for ordinary sessions, those of foreign keys among them, do not fire.
pub fn is_replica() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::SessionReplicationRole == pg_sys::SESSION_REPLICATION_ROLE_REPLICA as i32 }
}

/// An ERROR that was caught; its effects are rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    pub sqlstate: PgSqlErrorCode,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

/// Runs `f` in a subtransaction: all or nothing. An `Err` of `f` rolls back as well.
///
/// Cancel and termination are not caught, nor is a Rust panic.
pub fn attempt<T, E>(f: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, Caught> {
    // SAFETY: the pattern of plpgsql's exec_stmt_block: memory context and resource owner are put back
    // after the subtransaction, however it ended.
    let (context, owner) = unsafe {
        let before = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(before.0);
        before
    };
    let f = AssertUnwindSafe(f);
    let outcome = PgTryBuilder::new(AssertUnwindSafe(move || Ok({ f }.0())))
        .catch_others(|error| Err(Box::new(error)))
        .catch_rust_panic(|error| Err(Box::new(error)))
        .execute();
    let keep = matches!(outcome, Ok(Ok(_)));
    // SAFETY: as above; this subtransaction is the innermost one, since every other guard has unwound.
    unsafe {
        if keep {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome.map_err(|error| caught(*error))
}

fn caught(error: CaughtError) -> Caught {
    match error {
        CaughtError::PostgresError(ref report) | CaughtError::ErrorReport(ref report)
            if !uncatchable(report.sql_error_code()) =>
        {
            Caught {
                sqlstate: report.sql_error_code(),
                message: report.message().to_string(),
                detail: report.detail().map(str::to_string),
                hint: report.hint().map(str::to_string),
            }
        }
        // The server has flushed its own copy of the error, so it is raised anew.
        CaughtError::PostgresError(report) => CaughtError::ErrorReport(report).rethrow(),
        other => other.rethrow(),
    }
}

pub(super) fn uncatchable(sqlstate: PgSqlErrorCode) -> bool {
    matches!(
        sqlstate,
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED
            | PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY
            | PgSqlErrorCode::ERRCODE_INTERNAL_ERROR
    )
}
