//! Cancel, timeouts and termination.

use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::report;

/// A cancel or terminate request waits to be served. Safe to call from any thread.
pub fn pending() -> bool {
    // SAFETY: both are `volatile sig_atomic_t` that live as long as the process; a torn read is impossible.
    unsafe {
        (&raw const pg_sys::QueryCancelPending).read_volatile() != 0
            || (&raw const pg_sys::ProcDiePending).read_volatile() != 0
    }
}

/// `CHECK_FOR_INTERRUPTS()`: raises the server's own error when one is due. Backend thread only.
pub fn check() {
    pgrx::check_for_interrupts!();
}

/// Sends a message to the client, then serves interrupts.
///
/// The server serves them while it sends one, and jumps: over our frames, past their destructors, with the SQLite
/// file left open. So interrupts are held, and what else may fail is caught at the boundary.
pub fn tell(level: PgLogLevel, message: &str) {
    let code = match level {
        PgLogLevel::WARNING => PgSqlErrorCode::ERRCODE_WARNING,
        _ => PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
    };
    // SAFETY: the counter is the backend's own, and an ERROR resets it.
    unsafe { pg_sys::InterruptHoldoffCount += 1 };
    report::throw(level, code, [Some(message), None, None]);
    // SAFETY: as above.
    unsafe { pg_sys::InterruptHoldoffCount -= 1 };
    check();
}
