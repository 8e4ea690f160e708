//! What a user is told, in the server's encoding.
//!
//! A Rust string is UTF-8, and pgrx hands its bytes to the server as they are. Where they would be something else
//! there, the server gets its own copy and raises the error itself, at once.

use std::ffi::{CString, c_char};

use pgrx::pg_sys::panic::{ErrorReport, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::encoding;

/// An error to return, unless it has to be raised here.
#[track_caller]
pub fn report(code: PgSqlErrorCode, message: &str, detail: Option<&str>, hint: Option<&str>) -> ErrorReport {
    let texts = [Some(message), detail, hint];
    if !encoding::takes_utf8() && texts.iter().flatten().any(|text| !text.is_ascii()) {
        throw(PgLogLevel::ERROR, code, texts);
    }
    let mut report = ErrorReport::new(code, message, "pg_sqlite_migrate");
    if let Some(detail) = detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint {
        report = report.set_hint(hint);
    }
    report
}

/// Message, DETAIL and HINT of the error that the server has raised and someone has just caught. What pgrx makes of it
/// is right in UTF-8 only.
pub(super) fn caught_texts(report: &ErrorReportWithLevel, is_servers: bool) -> [Option<String>; 3] {
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

/// Message, DETAIL and HINT. Returns below ERROR.
pub(super) fn throw(level: PgLogLevel, code: PgSqlErrorCode, texts: [Option<&str>; 3]) {
    let texts: [Option<CString>; 3] = texts.map(|text| text.map(encoding::shown_to_server));
    let [message, detail, hint] =
        texts.each_ref().map(|text| text.as_ref().map_or(std::ptr::null_mut(), |t| t.as_ptr().cast_mut()));
    let mut data = pg_sys::ErrorData {
        elevel: level as i32,
        sqlerrcode: code as i32,
        message,
        detail,
        hint,
        ..Default::default()
    };
    // SAFETY: the server copies the texts; an error comes back as a panic, which drops them.
    unsafe { pg_sys::ThrowErrorData(&mut data) };
}
