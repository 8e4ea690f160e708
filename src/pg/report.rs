//! Messages in the server's encoding, shortened, and with the place that raised them.
//!
//! A Rust string is UTF-8, and pgrx passes its bytes to the server unchanged. If the database has another encoding, the
//! error is raised here at once, with converted texts. An error that the server raised before is raised here, too, so
//! that it keeps the server's place.

use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char};
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use pgrx::pg_sys::panic::{ErrorReport, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::encoding;
use pg_sqlite_migrate_core::shorten;

/// An SQLSTATE. Functions, triggers and domains raise errors with SQLSTATEs of their own, which pgrx takes for internal
/// errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlState(i32);

impl SqlState {
    /// Two characters.
    pub fn class(self) -> [u8; 2] {
        // Six bits a character; the first two are the class.
        [0, 6].map(|shift| ((self.0 >> shift) & 0x3F) as u8 + b'0')
    }

    fn known(self) -> Option<PgSqlErrorCode> {
        let code = PgSqlErrorCode::from(self.0);
        (code as i32 == self.0).then_some(code)
    }
}

impl From<PgSqlErrorCode> for SqlState {
    fn from(code: PgSqlErrorCode) -> SqlState {
        SqlState(code as i32)
    }
}

impl PartialEq<PgSqlErrorCode> for SqlState {
    fn eq(&self, code: &PgSqlErrorCode) -> bool {
        self.0 == *code as i32
    }
}

/// The place that raised an error, as LOCATION shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    file: String,
    line: u32,
    /// For this extension, the module: Rust does not know the caller's function at run time.
    function: Option<String>,
    ours: bool,
}

impl Place {
    #[track_caller]
    pub fn here() -> Place {
        let (file, line) = (Location::caller().file(), Location::caller().line());
        Place { file: file.into(), line, function: Some(module(file)), ours: true }
    }

    /// A place in the server or another library.
    pub fn of(file: &str, line: u32, function: Option<&str>) -> Place {
        Place { file: file.into(), line, function: function.map(str::to_owned), ours: false }
    }
}

/// `src/api/import.rs` is `pg_sqlite_migrate::api::import`.
fn module(file: &str) -> String {
    let path = file.rsplit_once("src/").map_or(file, |(_, path)| path).trim_end_matches(".rs");
    format!("{}::{}", env!("CARGO_PKG_NAME"), path.trim_end_matches("/mod").replace('/', "::"))
}

/// The server keeps pointers to the names of files and functions, so these are never freed. There are as many as places
/// in the code.
fn lasting(name: &str) -> *const c_char {
    static NAMES: Mutex<Option<HashSet<&'static CStr>>> = Mutex::new(None);
    let Ok(name) = CString::new(name) else { return std::ptr::null() };
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(known) = names.get(name.as_c_str()) {
        return known.as_ptr();
    }
    let name: &'static CStr = Box::leak(name.into_boxed_c_str());
    names.insert(name);
    name.as_ptr()
}

/// An error to return; raised here if the server needs converted texts.
#[track_caller]
pub fn report(
    code: impl Into<SqlState>,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) -> ErrorReport {
    report_at(Place::here(), code, message, detail, hint)
}

/// The same, for another place.
#[track_caller]
pub fn report_at(
    place: Place,
    code: impl Into<SqlState>,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) -> ErrorReport {
    let said = Said { message, detail, hint, context: None };
    let texts = [Some(message), detail, hint];
    let unlike = !encoding::takes_utf8() && texts.iter().flatten().any(|text| !text.is_ascii());
    let sqlstate = code.into();
    let code = sqlstate.known().filter(|_| place.ours && !unlike).unwrap_or_else(|| {
        throw(PgLogLevel::ERROR, sqlstate, said, &place);
        unreachable!("an ERROR does not return")
    });
    // SAFETY: a name that lasts, made of a Rust string.
    let module = unsafe { CStr::from_ptr(lasting(place.function.as_deref().unwrap_or_default())) };
    let mut report = ErrorReport::new(code, shorten::text(message), module.to_str().unwrap_or_default());
    if let Some(detail) = detail {
        report = report.set_detail(shorten::list(detail));
    }
    if let Some(hint) = hint {
        report = report.set_hint(shorten::text(hint));
    }
    report
}

/// The SQLSTATE of an error that someone has just caught.
pub(crate) fn caught_sqlstate(report: &ErrorReportWithLevel, is_servers: bool) -> SqlState {
    let sqlstate = SqlState::from(report.sql_error_code());
    if !is_servers || sqlstate != PgSqlErrorCode::ERRCODE_INTERNAL_ERROR {
        return sqlstate;
    }
    // SAFETY: an error of the server's is being handled, so that there is one to copy.
    unsafe {
        let error = pg_sys::CopyErrorData();
        let sqlstate = SqlState((*error).sqlerrcode);
        pg_sys::FreeErrorData(error);
        sqlstate
    }
}

/// Message, DETAIL and HINT of the server's error that was just caught. pgrx converts them correctly only in a UTF-8
/// database.
pub(crate) fn caught_texts(report: &ErrorReportWithLevel, is_servers: bool) -> [Option<String>; 3] {
    if !is_servers || encoding::takes_utf8() {
        return [Some(report.message()), report.detail(), report.hint()].map(|text| text.map(str::to_owned));
    }
    // SAFETY: an error is being handled, so that there is one to copy; its texts are NUL-terminated, or not there.
    unsafe {
        let error = pg_sys::CopyErrorData();
        let text = |text: *mut c_char| (!text.is_null()).then(|| encoding::from_server(text));
        let texts = [text((*error).message), text((*error).detail), text((*error).hint)];
        pg_sys::FreeErrorData(error);
        texts
    }
}

/// The texts of a message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said<'a> {
    pub message: &'a str,
    pub detail: Option<&'a str>,
    pub hint: Option<&'a str>,
    pub context: Option<&'a str>,
}

/// Raises the message through the server. Returns if the level is below ERROR.
pub(crate) fn throw(level: PgLogLevel, code: impl Into<SqlState>, said: Said<'_>, place: &Place) {
    let texts = [
        Some(shorten::text(said.message)),
        said.detail.map(shorten::list),
        said.hint.map(shorten::text),
        said.context.map(shorten::text),
    ]
    .map(|text| text.map(|text| encoding::shown_to_server(&text)));
    let [message, detail, hint, context] =
        texts.each_ref().map(|text| text.as_ref().map_or(std::ptr::null_mut(), |t| t.as_ptr().cast_mut()));
    let mut data = pg_sys::ErrorData {
        elevel: level as i32,
        sqlerrcode: code.into().0,
        message,
        detail,
        hint,
        context,
        filename: lasting(&place.file),
        lineno: place.line as i32,
        funcname: place.function.as_deref().map_or(std::ptr::null(), lasting),
        ..Default::default()
    };
    // SAFETY: the server copies the texts; an error comes back as a panic, which drops them.
    unsafe { pg_sys::ThrowErrorData(&mut data) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_callers() {
        let place = Place::here();
        assert_eq!((place.line, place.file.as_str()), (line!() - 1, file!()));
        assert_eq!(place.function.as_deref(), Some("pg_sqlite_migrate::pg::report"));
        assert_eq!(module("/x/src/import/mod.rs"), "pg_sqlite_migrate::import");
    }

    #[test]
    fn a_name_is_kept_once() {
        assert_eq!(lasting("a.rs"), lasting("a.rs"));
        assert_ne!(lasting("a.rs"), lasting("b.rs"));
    }
}
