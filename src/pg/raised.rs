//! An ERROR on its way up: it is held to add a sentence to its DETAIL, and goes on with all that the server knows of it.

use std::ffi::{CStr, c_char};
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgTryBuilder, pg_sys};

use super::encoding;
use super::xact::Caught;

/// An ERROR that has aborted the (sub)transaction; it must go on.
#[must_use]
pub struct Raised(Whose);

enum Whose {
    /// A copy of the server's own account, which has more than Rust's: CONTEXT, the names of constraint and table, …
    Server(*mut pg_sys::ErrorData),
    /// Raised by Rust: the server does not know it yet.
    Ours(Box<Caught>),
    Panic(Box<CaughtError>),
}

/// Runs `f`, and holds the ERROR that it raises. Nothing may be asked of the server until it goes on.
pub fn hold<T>(f: impl FnOnce() -> T) -> Result<T, Raised> {
    // SAFETY: reads a backend-local variable.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    hold_in(context, f)
}

/// The same in a subtransaction, which an ERROR or an `Err` rolls back; the ERROR must still go on.
pub fn hold_apart<T, E>(f: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, Raised> {
    // SAFETY: as in `xact`'s subtransactions, which follow plpgsql's exec_stmt_block.
    let (context, owner) = unsafe {
        let before = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(before.0);
        before
    };
    let outcome = hold_in(context, f);
    // SAFETY: the subtransaction is the innermost one, since every other guard has unwound; memory context and resource owner
    // are those that were current before it. What was copied of an error lies in that context.
    unsafe {
        match outcome {
            Ok(Ok(_)) => pg_sys::ReleaseCurrentSubTransaction(),
            _ => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome
}

/// The server's error is copied into a memory context that outlives what `f` has allocated.
fn hold_in<T>(context: pg_sys::MemoryContext, f: impl FnOnce() -> T) -> Result<T, Raised> {
    let f = AssertUnwindSafe(f);
    PgTryBuilder::new(AssertUnwindSafe(move || Ok({ f }.0())))
        .catch_others(|error| {
            Err(Raised(match error {
                // SAFETY: an error of the server's is being handled, so that there is one to copy; the context is the caller's.
                CaughtError::PostgresError(_) => Whose::Server(unsafe {
                    let current = pg_sys::MemoryContextSwitchTo(context);
                    let copy = pg_sys::CopyErrorData();
                    pg_sys::MemoryContextSwitchTo(current);
                    copy
                }),
                CaughtError::ErrorReport(report) => Whose::Ours(Box::new(Caught::of(&report, false))),
                panic => Whose::Panic(Box::new(panic)),
            }))
        })
        .execute()
}

impl Raised {
    /// Goes on, with one more line of DETAIL.
    #[allow(
        unreachable_code,
        reason = "the headers of some versions only say that ReThrowError() does not return"
    )]
    pub fn go_on(self, line: &str) -> ! {
        match self.0 {
            Whose::Server(error) => {
                // SAFETY: our own copy, whose detail is NUL-terminated or not there; the server copies it once more.
                unsafe {
                    (*error).detail = with_line((*error).detail, line);
                    pg_sys::ReThrowError(error);
                }
                unreachable!("ReThrowError() has returned")
            }
            Whose::Ours(caught) => {
                let detail = [caught.detail.as_deref(), Some(line)];
                let detail = detail.into_iter().flatten().collect::<Vec<_>>().join("\n");
                Caught { detail: Some(detail), ..*caught }.raise()
            }
            Whose::Panic(panic) => panic.rethrow(),
        }
    }
}

/// In the current memory context, in the server's encoding.
///
/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn with_line(text: *const c_char, line: &str) -> *mut c_char {
    let line = encoding::shown_to_server(line);
    // SAFETY: by this function's contract.
    let text = if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } };
    let text = text.to_bytes();
    let parts: [&[u8]; 3] = [text, if text.is_empty() { b"" } else { b"\n" }, line.to_bytes_with_nul()];
    // A value may have made the text large: where the server has no room for it, the server's own error follows.
    // SAFETY: the parts are copied one after the other into as many bytes as they have.
    unsafe {
        let whole = pg_sys::palloc(parts.iter().map(|part| part.len()).sum()).cast::<u8>();
        let mut at = whole;
        for part in parts {
            std::ptr::copy_nonoverlapping(part.as_ptr(), at, part.len());
            at = at.add(part.len());
        }
        whole.cast()
    }
}
