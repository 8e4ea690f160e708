//! Command counter and subtransactions.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::{CaughtError, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgSqlErrorCode, PgTryBuilder, pg_sys};

use super::report::{self, Place, Said, SqlState};
use pg_sqlite_migrate_core::shorten;

/// Makes the rows that this command wrote visible to the next one.
pub fn command_counter_increment() {
    // SAFETY: called inside a transaction, outside of parallel mode: functions here are PARALLEL UNSAFE.
    unsafe { pg_sys::CommandCounterIncrement() };
}

/// Whether all queries of the transaction use one snapshot (REPEATABLE READ or SERIALIZABLE).
pub fn keeps_snapshot() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Whether the transaction is SERIALIZABLE.
pub fn is_serializable() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as i32 }
}

/// Whether `session_replication_role` is `replica`: ordinary triggers, including those of foreign keys, do not fire.
pub fn is_replica() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::SessionReplicationRole == pg_sys::SESSION_REPLICATION_ROLE_REPLICA as i32 }
}

/// Nothing can be written, not even a temporary table, and no transaction id given: the server is a standby.
pub fn in_recovery() -> bool {
    // SAFETY: reads shared memory, which every backend has.
    unsafe { pg_sys::RecoveryInProgress() }
}

/// Whether the transaction may only read, as on a standby.
pub fn is_read_only() -> bool {
    // SAFETY: reads a backend-local variable.
    in_recovery() || unsafe { pg_sys::XactReadOnly }
}

/// Refuses a function that writes, by its name, where the transaction may only read, as on a standby.
pub fn refuse_read_only(function: &CStr) {
    // SAFETY: the name is NUL-terminated; a refusal is the server's own ERROR.
    unsafe { pg_sys::PreventCommandIfReadOnly(function.as_ptr()) };
}

/// An ERROR that was caught; its effects are rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    pub sqlstate: SqlState,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Where it was raised.
    pub place: Box<Place>,
}

/// Runs `f` in a subtransaction: all or nothing. An `Err` of `f` rolls back as well.
///
/// Cancel and termination are not caught, nor are internal errors and a Rust panic.
pub fn attempt<T, E>(f: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, Caught> {
    subtransaction(f, uncatchable)
}

/// The same, but internal errors are caught, too: extensions raise them for ordinary failures.
pub(crate) fn attempt_all<T, E>(f: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, Caught> {
    subtransaction(f, |sqlstate| sqlstate != PgSqlErrorCode::ERRCODE_INTERNAL_ERROR && uncatchable(sqlstate))
}

fn subtransaction<T, E>(
    f: impl FnOnce() -> Result<T, E>,
    uncatchable: impl Fn(SqlState) -> bool,
) -> Result<Result<T, E>, Caught> {
    // SAFETY: the pattern of plpgsql's exec_stmt_block: memory context and resource owner are put back
    // after the subtransaction, however it ended.
    let (context, owner) = unsafe {
        let before = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(before.0);
        before
    };
    let outcome = catch(f);
    let keep = matches!(outcome, Ok(Ok(_)));
    // SAFETY: context and owner are those that were current before the subtransaction began; this subtransaction is the innermost
    // one, since every other guard has unwound.
    unsafe {
        if keep {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome.map_err(|failure| failure.settled(uncatchable))
}

/// Runs `f`, and returns its ERROR to a caller that adds to it. The transaction is aborted by it: an error must be
/// raised.
pub fn explaining<T>(f: impl FnOnce() -> T) -> Result<T, Caught> {
    catch(f).map_err(|failure| failure.settled(uncatchable))
}

fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Failure> {
    let f = AssertUnwindSafe(f);
    PgTryBuilder::new(AssertUnwindSafe(move || Ok({ f }.0())))
        .catch_others(|error| Err(Failure::of(error)))
        .catch_rust_panic(|error| Err(Failure::Panic(Box::new(error))))
        .execute()
}

/// Why a function did not end.
enum Failure {
    Error(Box<Caught>),
    Panic(Box<CaughtError>),
}

impl Failure {
    /// While the error is being handled.
    fn of(error: CaughtError) -> Failure {
        let is_servers = matches!(error, CaughtError::PostgresError(_));
        match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                Failure::Error(Box::new(Caught::of(&report, is_servers).within_limits()))
            }
            panic => Failure::Panic(Box::new(panic)),
        }
    }

    /// Called after the server has flushed its copy of the error; raises the error again if it must not be caught.
    fn settled(self, uncatchable: impl Fn(SqlState) -> bool) -> Caught {
        match self {
            Failure::Error(caught) if !uncatchable(caught.sqlstate) => *caught,
            Failure::Error(caught) => caught.raise(),
            Failure::Panic(panic) => panic.rethrow(),
        }
    }
}

impl Caught {
    /// While the error is being handled.
    pub(super) fn of(report: &ErrorReportWithLevel, is_servers: bool) -> Caught {
        let [message, detail, hint] = report::caught_texts(report, is_servers);
        Caught {
            sqlstate: report::caught_sqlstate(report, is_servers),
            // A message may repeat the whole value, so copies of it are shortened.
            message: shorten::text(&message.unwrap_or_default()).into_owned(),
            detail: detail.map(|detail| shorten::list(&detail).into_owned()),
            hint,
            place: Box::new(Place::of(report.file(), report.line_number(), report.function_name())),
        }
    }

    /// Whether the value is the cause, so that `on_invalid` applies, and not a limit of the system, an operator, or a
    /// bug.
    pub fn is_of_value(&self) -> bool {
        ![b"40", b"53", b"57", b"58", b"XX"].contains(&&self.sqlstate.class())
    }

    /// The server's error for an allocation of more than 1 GB is unspecific, so it is replaced.
    fn within_limits(self) -> Caught {
        if self.sqlstate == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR
            && self.message.starts_with("invalid memory alloc request size")
        {
            return Caught {
                sqlstate: PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED.into(),
                message: "value needs more than 1 GB of memory, the server's limit for one allocation".into(),
                ..self
            };
        }
        self
    }

    /// The same error again.
    pub(crate) fn raise(&self) -> ! {
        self.raise_in(None)
    }

    /// The same error again, with another CONTEXT.
    pub(crate) fn raise_in(&self, context: Option<&str>) -> ! {
        let (detail, hint) = (self.detail.as_deref(), self.hint.as_deref());
        let said = Said { message: &self.message, detail, hint, context };
        report::throw(PgLogLevel::ERROR, self.sqlstate, said, &self.place);
        unreachable!("an ERROR does not return")
    }
}

fn uncatchable(sqlstate: SqlState) -> bool {
    [
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN,
        PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
    ]
    .iter()
    .any(|code| sqlstate == *code)
}

/// The ids of the current (sub)transaction and of those within it that have ended well: its rows bear one of them as xmin.
pub fn own_ids() -> Vec<u32> {
    let mut committed: *mut pg_sys::TransactionId = std::ptr::null_mut();
    // SAFETY: inside a transaction, which gets an id if it has none. The array is the transaction's, of as many ids as the
    // function says, and is copied before anything else happens.
    unsafe {
        let own = pg_sys::GetCurrentTransactionId();
        let count = pg_sys::xactGetCommittedChildren(&mut committed);
        let committed = match usize::try_from(count) {
            Ok(count) if count > 0 && !committed.is_null() => std::slice::from_raw_parts(committed, count),
            _ => &[],
        };
        committed.iter().copied().chain([own]).map(pg_sys::TransactionId::into_inner).collect()
    }
}

/// The current (sub)transaction's id.
pub fn own_id() -> u32 {
    // SAFETY: inside a transaction, which gets an id if it has none.
    unsafe { pg_sys::GetCurrentTransactionId() }.into_inner()
}

/// Whether this transaction, or a subtransaction of it, has written a row with this xmin.
pub fn is_own(xmin: u32) -> bool {
    // SAFETY: compares with the backend's own state.
    unsafe { pg_sys::TransactionIdIsCurrentTransactionId(pg_sys::TransactionId::from(xmin)) }
}

/// The cluster and the database, in which oids and transaction ids mean what they mean. A dump that is restored is in
/// another place.
pub fn place() -> String {
    // SAFETY: read what the backend has known since its start.
    unsafe { format!("{}/{}", pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId.to_u32()) }
}
