//! Text between Rust, which is UTF-8, and a database that may not be.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use pgrx::pg_sys;

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

/// The database's encoding is UTF-8.
pub fn server_is_utf8() -> bool {
    static IS_UTF8: OnceLock<bool> = OnceLock::new();
    // SAFETY: reads a variable of the backend, which belongs to one database for its life.
    *IS_UTF8.get_or_init(|| unsafe { pg_sys::GetDatabaseEncoding() == UTF8 })
}

/// UTF-8 means the same to the server: in SQL_ASCII, bytes mean what the client says.
pub(super) fn takes_utf8() -> bool {
    // SAFETY: reads a variable of the backend.
    server_is_utf8() || unsafe { pg_sys::GetDatabaseEncoding() } == pg_sys::pg_enc::PG_SQL_ASCII as i32
}

/// Equal texts of the server's may come from unequal ones in UTF-8, and the other way round.
pub(super) fn keeps_equality() -> bool {
    // SAFETY: reads a variable of the backend.
    server_is_utf8() || unsafe { pg_sys::pg_database_encoding_max_length() } == 1
}

/// What a message says, in the server's encoding. A character that it lacks is written as an escape, and every one
/// where no conversion can be looked up: the message arrives in any case.
pub(super) fn message_to_server(text: &str) -> CString {
    let mut bytes = Vec::with_capacity(text.len());
    let conversion = if text.is_ascii() || takes_utf8() { None } else { message_conversion() };
    for character in text.chars().filter(|c| *c != '\0') {
        let start = bytes.len();
        bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
        if !character.is_ascii() && !takes_utf8() {
            let converted = conversion.and_then(|conversion| convert(conversion, bytes.get(start..)?));
            bytes.truncate(start);
            bytes.extend(converted.unwrap_or_else(|| spelt(character).into_bytes()));
        }
    }
    CString::new(bytes).unwrap_or_default()
}

/// JSON in which the characters that the server's encoding lacks are spelt out within their strings.
pub fn json_for_server(json: String) -> String {
    let conversion = if json.is_ascii() || takes_utf8() { None } else { message_conversion() };
    let Some(conversion) = conversion else { return json };
    let lacks =
        |c: char| !c.is_ascii() && convert(conversion, c.encode_utf8(&mut [0; 4]).as_bytes()).is_none();
    let spell = |c: char| if lacks(c) { format!("\\{}", c.escape_unicode()) } else { c.into() };
    json.chars().map(spell).collect()
}

fn spelt(character: char) -> String {
    match character {
        '…' => "...".into(),
        other => other.escape_unicode().to_string(),
    }
}

/// The conversion's function and the encoding it leads to, unless the catalog cannot be read now.
fn message_conversion() -> Option<(pg_sys::Oid, i32)> {
    // SAFETY: the catalog is read within a transaction that is not aborted.
    unsafe {
        if !pg_sys::IsTransactionState() {
            return None;
        }
        let encoding = pg_sys::GetDatabaseEncoding();
        let function = pg_sys::FindDefaultConversionProc(UTF8, encoding);
        (function != pg_sys::InvalidOid).then_some((function, encoding))
    }
}

/// One character.
fn convert((function, encoding): (pg_sys::Oid, i32), character: &[u8]) -> Option<Vec<u8>> {
    let (mut from, mut to) = ([0u8; 8], [0u8; 64]);
    from.get_mut(..character.len())?.copy_from_slice(character);
    let length = character.len() as i32;
    // SAFETY: both buffers end with a NUL and have room for any character; `true`: it raises no error.
    let done = unsafe {
        pg_sys::pg_do_encoding_conversion_buf(
            function,
            UTF8,
            encoding,
            from.as_mut_ptr(),
            length,
            to.as_mut_ptr(),
            to.len() as i32,
            true,
        )
    };
    let converted = CStr::from_bytes_until_nul(&to).ok()?.to_bytes();
    (done == length && !converted.is_empty()).then(|| converted.to_vec())
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
