//! Text between Rust, which is UTF-8, and a database that may not be.

use std::ffi::{CStr, CString, c_char};

use pgrx::pg_sys;

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

/// The database's encoding is UTF-8.
pub fn server_is_utf8() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::GetDatabaseEncoding() == UTF8 }
}

/// The same text in the server's encoding, in the current memory context or where it was. Raises an error for
/// a character that the encoding lacks.
///
/// # Safety
/// `text` points to a NUL-terminated UTF-8 string.
pub(super) unsafe fn utf8_to_server(text: *mut c_char) -> *mut c_char {
    if server_is_utf8() {
        return text;
    }
    // SAFETY: the caller vouches for the string.
    unsafe { pg_sys::pg_any_to_server(text, libc::strlen(text) as i32, UTF8) }
}

/// A C string in the server's encoding; what follows a NUL is an error of the caller's.
pub fn to_server(text: &str) -> Result<CString, std::ffi::NulError> {
    let text = CString::new(text)?;
    if server_is_utf8() {
        return Ok(text);
    }
    // SAFETY: the conversion reads its argument only and returns a NUL-terminated string.
    let converted = unsafe { CStr::from_ptr(utf8_to_server(text.as_ptr().cast_mut())) };
    Ok(converted.to_owned())
}

/// Text of the server's as UTF-8.
///
/// # Safety
/// `text` points to a NUL-terminated string in the server's encoding.
pub(super) unsafe fn from_server(text: *mut c_char) -> String {
    // SAFETY: the caller vouches for the string; the conversion returns a NUL-terminated one.
    unsafe {
        let converted = if server_is_utf8() {
            text
        } else {
            pg_sys::pg_server_to_any(text, libc::strlen(text) as i32, UTF8)
        };
        CStr::from_ptr(converted).to_string_lossy().into_owned()
    }
}
