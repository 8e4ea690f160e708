//! The server's transactions and subtransactions, as events.
//!
//! What a handler does on an abort, or after a commit, cannot be undone by another abort: an ERROR there would bring
//! the server down. So a panic in one of those is swallowed.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pgrx::pg_sys::SubXactEvent::*;
use pgrx::pg_sys::XactEvent::*;
use pgrx::{pg_guard, pg_sys};

/// Before the end of the transaction, when it can still fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Commit,
    /// PREPARE TRANSACTION.
    Prepare,
}

/// The transaction is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Commit,
    Prepare,
    Abort,
}

/// The handlers of one module. `level` is the subtransaction's: 2 for a savepoint of the transaction itself.
pub trait TransactionCallbacks: Sync {
    /// An ERROR makes the transaction abort. Interrupts may be served here.
    fn before(&self, event: Before);
    /// Must neither raise the server's errors nor call what may.
    fn after(&self, event: After);
    /// An ERROR makes the subtransaction abort.
    fn before_sub_commit(&self, level: i32);
    /// Must neither raise the server's errors nor call what may.
    fn after_sub_abort(&self, level: i32);
}

/// Registers handlers for the rest of the backend's life. Call it once.
pub fn register(callbacks: &'static dyn TransactionCallbacks) {
    let argument: *mut c_void = Box::into_raw(Box::new(callbacks)).cast();
    // SAFETY: the argument is never freed; both functions know what it points to.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_event), argument);
        pg_sys::RegisterSubXactCallback(Some(subtransaction_event), argument);
    }
}

/// 1 in a transaction, 2 within a savepoint of it, …
pub fn nest_level() -> i32 {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::GetCurrentTransactionNestLevel() }
}

/// Every statement sees what others have committed before it; otherwise the transaction keeps its first snapshot.
pub fn is_read_committed() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Counts the commands of the transaction that have written.
pub fn command_id() -> u32 {
    // SAFETY: reads a backend-local variable; `false` does not mark it as used.
    unsafe { pg_sys::GetCurrentCommandId(false) }
}

/// # Safety
/// `argument` comes from `register`.
unsafe fn handlers(argument: *mut c_void) -> &'static dyn TransactionCallbacks {
    // SAFETY: `register` has leaked it.
    unsafe { *argument.cast::<&'static dyn TransactionCallbacks>() }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_event(event: pg_sys::XactEvent::Type, argument: *mut c_void) {
    // SAFETY: the server hands back what `register` gave it.
    let handlers = unsafe { handlers(argument) };
    match event {
        XACT_EVENT_PRE_COMMIT | XACT_EVENT_PARALLEL_PRE_COMMIT => handlers.before(Before::Commit),
        XACT_EVENT_PRE_PREPARE => handlers.before(Before::Prepare),
        XACT_EVENT_COMMIT | XACT_EVENT_PARALLEL_COMMIT => without_error(|| handlers.after(After::Commit)),
        XACT_EVENT_PREPARE => without_error(|| handlers.after(After::Prepare)),
        XACT_EVENT_ABORT | XACT_EVENT_PARALLEL_ABORT => without_error(|| handlers.after(After::Abort)),
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn subtransaction_event(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    argument: *mut c_void,
) {
    // SAFETY: the server hands back what `register` gave it.
    let handlers = unsafe { handlers(argument) };
    let level = nest_level();
    match event {
        SUBXACT_EVENT_PRE_COMMIT_SUB => handlers.before_sub_commit(level),
        SUBXACT_EVENT_ABORT_SUB => without_error(|| handlers.after_sub_abort(level)),
        _ => {}
    }
}

fn without_error(handler: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(handler));
}
