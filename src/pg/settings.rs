//! Settings that hold for one block: the safe `search_path` of internal queries.

use std::ffi::CString;

use pgrx::pg_sys;

use super::spi;

/// What internal queries see: nothing that a user could have put in the way.
pub const SAFE_SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// A GUC nest level; what was set in it is undone when it is dropped, or by the (sub)transaction's abort.
pub struct LocalSettings {
    level: i32,
}

impl LocalSettings {
    /// A block in which only `pg_catalog` is on the search path, and names of types are as they are known here.
    pub fn safe_search_path() -> LocalSettings {
        // SAFETY: no arguments; the level is closed in drop or by the abort.
        let settings = LocalSettings { level: unsafe { pg_sys::NewGUCNestLevel() } };
        settings.set("search_path", SAFE_SEARCH_PATH);
        settings.set("quote_all_identifiers", "off");
        settings
    }

    /// A block in which values that are read as text mean the same as in any other session.
    pub fn plain_input() -> LocalSettings {
        // SAFETY: as above.
        let settings = LocalSettings { level: unsafe { pg_sys::NewGUCNestLevel() } };
        settings.set("array_nulls", "on");
        settings.set("IntervalStyle", "postgres");
        settings
    }

    /// A block in which one setting has this value.
    pub fn of(name: &str, value: &str) -> LocalSettings {
        // SAFETY: as above.
        let settings = LocalSettings { level: unsafe { pg_sys::NewGUCNestLevel() } };
        settings.set(name, value);
        settings
    }

    /// From here on, a view that has taken a table's place since it was looked up is an error. Servers older than
    /// August 2024 do not know the setting.
    pub fn refuse_views(&self) {
        const SETTING: &str = "restrict_nonsystem_relation_kind";
        if spi::value("SELECT current_setting($1, true)", &[Some(SETTING)]).is_some() {
            self.set(SETTING, "view, foreign-table");
        }
    }

    /// Sets one setting until the block ends.
    pub fn set(&self, name: &str, value: &str) {
        let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) else { return };
        // SAFETY: both strings outlive the call; set_config_option copies them.
        unsafe {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
    }
}

impl Drop for LocalSettings {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the level was opened by a constructor in this (sub)transaction.
            unsafe { pg_sys::AtEOXact_GUC(true, self.level) };
        }
    }
}
