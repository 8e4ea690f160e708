//! Settings that hold for one block: the safe `search_path` of internal queries, and the guards under which a type's
//! own functions read and print values, so that no setting of the session reaches what is stored.
//!
//! The guards are short: a user's code (triggers, defaults, checks) sees the session as it is. What was set is undone
//! when the guard is dropped, or by the (sub)transaction's abort.

use std::borrow::Cow;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use super::{encoding, spi};
use pg_sqlite_migrate_core::value::Timezone;

/// The search path of internal queries: no user can create objects in it.
pub const SAFE_SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// The settings that input and output functions depend on: those of postgres_fdw's `set_transmission_modes` and more,
/// for both directions; most values are the server's defaults. The time zone is set separately. Other settings
/// (`lc_time`, `default_text_search_config`, `standard_conforming_strings`, `backslash_quote`) affect only other
/// functions and the SQL parser: generated SQL has no literal that depends on them.
const PLAIN: [(&CStr, &CStr); 7] = [
    (c"DateStyle", c"ISO, MDY"),
    (c"IntervalStyle", c"postgres"),
    (c"array_nulls", c"on"),
    (c"bytea_output", c"hex"),
    (c"extra_float_digits", c"1"),
    (c"quote_all_identifiers", c"off"),
    (c"xmloption", c"content"),
];

/// Which of the session's settings a type's input and output functions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Nothing,
    /// Those that affect how values are written.
    Styles,
    /// Also the search path (`regclass`) and the locale (`money`), which take longer to set.
    Everything,
}

/// Under this path, names of user objects are printed, and must be written, with their schema.
const RARE: [(&CStr, &CStr); 2] = [(c"lc_monetary", c"C"), (c"search_path", c"pg_catalog")];

/// The search path as the session has it.
pub fn search_path() -> String {
    // SAFETY: the setting exists; its value is NUL-terminated, and copied before anything can change it.
    unsafe {
        let path = pg_sys::GetConfigOption(c"search_path".as_ptr(), true, false);
        if path.is_null() { String::new() } else { encoding::from_server(path.cast_mut()) }
    }
}

/// A GUC nesting level. Its settings are undone when it is dropped or the (sub)transaction aborts.
pub struct LocalSettings {
    level: i32,
    /// What code that runs meanwhile sets for the session stays set.
    keeps: bool,
}

impl LocalSettings {
    fn new() -> LocalSettings {
        // SAFETY: no arguments; the level is closed in drop or by the abort.
        LocalSettings { level: unsafe { pg_sys::NewGUCNestLevel() }, keeps: true }
    }

    /// A block in which code of another role may run: nothing that it sets stays set.
    pub fn undoing() -> LocalSettings {
        let mut settings = LocalSettings::new();
        settings.keeps = false;
        settings
    }

    /// A block in which only `pg_catalog` is on the search path, so that type names print as this code knows them.
    pub fn safe_search_path() -> LocalSettings {
        let settings = LocalSettings::new();
        settings.set("search_path", SAFE_SEARCH_PATH);
        settings.set("quote_all_identifiers", "off");
        settings
    }

    /// A block in which input functions read a text in the same way in every session. A time without an offset is in
    /// the plan's time zone. The search path changes only for types that read names, because a composite or range may
    /// contain domains, whose checks call users' functions.
    pub fn reading(reads: Reads, timezone: &Timezone) -> Option<LocalSettings> {
        LocalSettings::plain(reads, &server_name(timezone))
    }

    /// A block in which output functions print a value in the same way in every session, so that the text reads back as
    /// the same value.
    pub fn printing(reads: Reads) -> Option<LocalSettings> {
        LocalSettings::plain(reads, c"UTC")
    }

    fn plain(reads: Reads, timezone: &CStr) -> Option<LocalSettings> {
        if reads == Reads::Nothing {
            return None;
        }
        let settings = LocalSettings::new();
        let rare: &[_] = if reads == Reads::Everything { &RARE } else { &[] };
        for (name, value) in PLAIN.iter().chain(rare) {
            settings.put(name, value);
        }
        settings.put(c"TimeZone", timezone);
        Some(settings)
    }

    /// A block in which one setting has this value.
    pub fn of(name: &str, value: &str) -> LocalSettings {
        let settings = LocalSettings::new();
        settings.set(name, value);
        settings
    }

    /// A block in which these settings have these values.
    pub fn all<'s>(values: impl Iterator<Item = (&'s str, String)>) -> LocalSettings {
        let settings = LocalSettings::new();
        values.for_each(|(name, value)| settings.set(name, &value));
        settings
    }

    /// From here on, access to a view is an error: one may have replaced a table since the table was looked up. Servers
    /// older than August 2024 do not have the setting.
    pub fn refuse_views(&self) {
        const SETTING: &str = "restrict_nonsystem_relation_kind";
        if spi::value::<Option<String>>("SELECT current_setting($1, true)", &[SETTING.into()])
            .flatten()
            .is_some()
        {
            self.set(SETTING, "view, foreign-table");
        }
    }

    /// Sets one setting until the block ends.
    pub fn set(&self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) {
            self.put(&name, &value);
        }
    }

    /// Sets only the settings that differ: in most sessions, few do.
    fn put(&self, name: &CStr, value: &CStr) {
        // SAFETY: the strings outlive the call; set_config_option copies them. A setting's value is null or
        // NUL-terminated, and looked at before the next call. A time zone that the server does not know is ignored,
        // since every time has its offset already.
        unsafe {
            let current = pg_sys::GetConfigOption(name.as_ptr(), true, false);
            if !current.is_null() && CStr::from_ptr(current) == value {
                return;
            }
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                pg_sys::DEBUG1 as i32,
                false,
            );
        }
    }
}

/// A zone as `SET TimeZone` takes it: POSIX counts offsets westwards.
fn server_name(timezone: &Timezone) -> Cow<'static, CStr> {
    const MINUTE: i64 = 60_000_000;
    let name = match timezone.fixed() {
        Some(0) => return Cow::Borrowed(c"UTC"),
        Some(offset) => {
            let (east, west) = if offset < 0 { ('-', '+') } else { ('+', '-') };
            let (hour, minute) = (offset.abs() / MINUTE / 60, offset.abs() / MINUTE % 60);
            format!("<{east}{hour:02}{minute:02}>{west}{hour:02}:{minute:02}")
        }
        None => timezone.to_string(),
    };
    CString::new(name).map_or(Cow::Borrowed(c"UTC"), Cow::Owned)
}

impl Drop for LocalSettings {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the level was opened by `new` in this (sub)transaction.
            unsafe { pg_sys::AtEOXact_GUC(self.keeps, self.level) };
        }
    }
}
