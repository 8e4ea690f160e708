//! What a backend is doing, as `pg_stat_activity.query` shows it to its own role and to members of `pg_read_all_stats`: a
//! comment before the statement that runs. Others see it at once, before anything is committed, and nothing need be preloaded.
//!
//! The server's own workers report their work in the same place (`autovacuum: VACUUM …`). At the end the statement is shown as
//! it was. Where `track_activities` is off, nothing is shown.

use std::cell::Cell;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use super::encoding;

/// Bytes of the statement that are shown behind the comment; the server keeps 1,024 in all unless it is told otherwise.
const SHOWN: usize = 8 << 10;

thread_local! {
    /// Guards that live, on the backend's thread.
    static LIVING: Cell<u32> = const { Cell::new(0) };
}

/// As long as one lives, [`show`] shows something.
pub struct Activity(());

impl Activity {
    pub fn begin() -> Activity {
        LIVING.set(LIVING.get() + 1);
        Activity(())
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        LIVING.set(LIVING.get().saturating_sub(1));
        if LIVING.get() == 0 {
            report(statement());
        }
    }
}

/// Shows a note in a comment before the statement.
pub fn show(note: impl FnOnce() -> String) {
    // SAFETY: reads a setting of the backend's; on another thread no guard lives.
    if LIVING.get() == 0 || !unsafe { pg_sys::pgstat_track_activities } {
        return;
    }
    let note = encoding::shown_to_server(&format!("/* {} */ ", note().replace("*/", "* /")));
    let statement = statement().to_bytes();
    let shown = [note.to_bytes(), statement.get(..SHOWN).unwrap_or(statement)].concat();
    report(&CString::new(shown).unwrap_or_default());
}

/// The client's statement.
fn statement<'a>() -> &'a CStr {
    // SAFETY: NULL, or the text of the statement under way, which is NUL-terminated and outlives what it calls.
    unsafe {
        let text = pg_sys::debug_query_string;
        if text.is_null() { c"" } else { CStr::from_ptr(text) }
    }
}

/// The server forgets the statement's query id with its text: it is given back.
fn report(text: &CStr) {
    // SAFETY: writes this backend's own status entry, into which the text is copied.
    unsafe {
        if pg_sys::pgstat_track_activities {
            let id = pg_sys::pgstat_get_my_query_id();
            pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, text.as_ptr());
            pg_sys::pgstat_report_query_id(id, true);
        }
    }
}
