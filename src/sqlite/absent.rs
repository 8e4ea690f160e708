//! Values that SQLite cannot show because it has no memory for them.
//!
//! SQLite converts a text of a UTF-16 file, and expands a zeroblob, when its value is requested. If it has no memory
//! for that, it returns a null pointer, and rusqlite panics, because it asserts that the pointer is not null.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use rusqlite::ffi;

/// Runs `look`, which reads values. If SQLite returned a null pointer for one, the result is the error that SQLite
/// itself would give.
#[inline]
pub(super) fn looking<T>(look: impl FnOnce() -> T) -> rusqlite::Result<T> {
    catch_unwind(AssertUnwindSafe(look)).map_err(|panic| {
        if !is_absence(&*panic) {
            resume_unwind(panic);
        }
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None)
    })
}

/// The panic of rusqlite's assertion is handled here, so the server's log does not get it.
pub(super) fn expect() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !is_absence(panic.payload()) {
                others(panic);
            }
        }));
    });
}

fn is_absence(panic: &(dyn Any + Send)) -> bool {
    panic.downcast_ref::<&str>().is_some_and(|message| message.ends_with("column type with NULL data"))
}
