//! Cancel, timeouts and termination.

use std::sync::atomic::{AtomicI32, Ordering};

use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::memory;
use super::report::{self, Place, Said};

/// Whether a cancel or terminate request is pending, or memory has run out. Safe to call from any thread.
pub fn pending() -> bool {
    // SAFETY: both are `sig_atomic_t`, an aligned int, and live as long as the process. The server writes them in its
    // signal handlers and on its own thread, each time with one store of a whole int, which is what an atomic is here.
    let [cancel, die] = unsafe {
        [
            AtomicI32::from_ptr((&raw mut pg_sys::QueryCancelPending).cast()),
            AtomicI32::from_ptr((&raw mut pg_sys::ProcDiePending).cast()),
        ]
    };
    cancel.load(Ordering::Relaxed) != 0 || die.load(Ordering::Relaxed) != 0 || memory::is_spent()
}

/// `CHECK_FOR_INTERRUPTS()`: raises the server's own error when one is due. Backend thread only.
pub fn check() {
    pgrx::check_for_interrupts!();
    memory::check();
}

/// Sends a message to the client, then serves interrupts.
///
/// The server serves interrupts while it sends a message, and then jumps over this module's frames without running
/// their destructors, which would leave the SQLite file open. So interrupts are held meanwhile, and any other error is
/// caught at the boundary.
#[track_caller]
pub fn tell(level: PgLogLevel, message: &str) {
    let code = match level {
        PgLogLevel::WARNING => PgSqlErrorCode::ERRCODE_WARNING,
        _ => PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
    };
    // SAFETY: the counter is the backend's own, and an ERROR resets it.
    unsafe { pg_sys::InterruptHoldoffCount += 1 };
    report::throw(level, code, Said { message, ..Said::default() }, &Place::here());
    // SAFETY: the counter is the backend's own; it was raised above, and an ERROR does not come here.
    unsafe { pg_sys::InterruptHoldoffCount -= 1 };
    check();
}

/// A NOTICE.
#[track_caller]
pub fn notice(message: &str) {
    tell(PgLogLevel::NOTICE, message);
}
