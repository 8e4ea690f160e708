//! Text between Rust, which is UTF-8, and a database that may not be.
//!
//! A character that the database's encoding does not have is an error in a value. Messages, results and the run log
//! must be shown in any case: there such a character becomes `\u{HEX}`, and in a jsonb argument such an escape becomes
//! the character. In SQL_ASCII no conversion is possible: text stays UTF-8, or whatever bytes it is.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use pgrx::pg_sys;

use super::memory;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

/// The database's encoding is UTF-8.
pub fn server_is_utf8() -> bool {
    static IS_UTF8: OnceLock<bool> = OnceLock::new();
    // SAFETY: reads a variable of the backend, which belongs to one database for its life.
    *IS_UTF8.get_or_init(|| unsafe { pg_sys::GetDatabaseEncoding() == UTF8 })
}

/// Whether UTF-8 text needs no conversion for the server: in UTF8 and in SQL_ASCII.
pub(crate) fn takes_utf8() -> bool {
    server_is_utf8() || server_is_sql_ascii()
}

/// The database has no encoding: its texts are bytes.
pub fn server_is_sql_ascii() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetDatabaseEncoding() == pg_sys::pg_enc::PG_SQL_ASCII as i32 }
}

/// Whether the encoding has multibyte characters. Texts that are equal in it may be different in UTF-8, and the other
/// way round.
pub(crate) fn keeps_equality() -> bool {
    // SAFETY: reads a variable of the backend.
    server_is_utf8() || unsafe { pg_sys::pg_database_encoding_max_length() } == 1
}

/// The name of the database's encoding.
pub fn server_encoding() -> String {
    // SAFETY: the name is a NUL-terminated constant of the server's.
    unsafe { from_server(pg_sys::GetDatabaseEncodingName().cast_mut()) }
}

/// The first characters of a text that the database's encoding lacks, spelt out; `None` where it has them all.
pub fn lacking(text: &str) -> Option<String> {
    const SHOWN: usize = 10;
    let conversion = if text.is_ascii() || takes_utf8() { None } else { message_conversion() }?;
    let characters: BTreeSet<char> = text.chars().filter(|c| lacks(conversion, *c)).collect();
    let mut shown: Vec<String> = characters.iter().take(SHOWN).map(|c| spelt(*c)).collect();
    if characters.len() > SHOWN {
        shown.push("…".into());
    }
    (!shown.is_empty()).then(|| shown.join(" "))
}

/// The text of a message or result in the server's encoding. A character that the encoding does not have is written as
/// an escape; if no conversion can be looked up, every non-ASCII character is.
pub(crate) fn shown_to_server(text: &str) -> CString {
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

/// A text that is stored to be shown, such as the run log's: characters that the server's encoding does not have become
/// escapes.
pub fn text_for_server(text: &str) -> Cow<'_, str> {
    spell(text, "")
}

/// The same for JSON, in whose strings a backslash must be doubled. What looks like a character that is spelt out has
/// its own backslash spelt out.
pub fn json_for_server(json: &str) -> Cow<'_, str> {
    if takes_utf8() || !json.contains(SPELT) {
        return spell(json, "\\");
    }
    let json = json.replace(SPELT, "\\\\u{5c}u{");
    Cow::Owned(spell(&json, "\\").into_owned())
}

fn spell<'a>(text: &'a str, before: &str) -> Cow<'a, str> {
    let conversion = if text.is_ascii() || takes_utf8() { None } else { message_conversion() };
    let Some(conversion) = conversion else { return Cow::Borrowed(text) };
    let spelt =
        |c: char| if lacks(conversion, c) { format!("{before}{}", c.escape_unicode()) } else { c.into() };
    Cow::Owned(text.chars().map(spelt).collect())
}

/// JSON as the server prints it, in UTF-8; escapes of [`json_for_server`] become characters again.
///
/// # Safety
/// As for [`from_server`].
pub(crate) unsafe fn json_from_server(json: *mut c_char) -> String {
    // SAFETY: a NUL-terminated string in the server's encoding, by this function's contract.
    let json = unsafe { from_server(json) };
    if takes_utf8() || !json.contains(SPELT) { json } else { unspelt(&json) }
}

/// The beginning of such an escape in a JSON string.
const SPELT: &str = "\\\\u{";

fn unspelt(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut parts = json.split(SPELT);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let spelt = part.split_once('}').and_then(|(hex, rest)| {
            let character = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
            (!character.is_ascii() || character == '\\').then_some((character, rest))
        });
        match spelt {
            Some((character, rest)) => {
                // Within a JSON string.
                if character == '\\' {
                    out.push('\\');
                }
                out.push(character);
                out.push_str(rest);
            }
            None => out.extend([SPELT, part]),
        }
    }
    out
}

fn spelt(character: char) -> String {
    match character {
        '…' => "...".into(),
        other => other.escape_unicode().to_string(),
    }
}

/// The conversion function and its target encoding, unless the catalog cannot be read now.
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

fn lacks(conversion: (pg_sys::Oid, i32), character: char) -> bool {
    !character.is_ascii() && convert(conversion, character.encode_utf8(&mut [0; 4]).as_bytes()).is_none()
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
/// `text` points to a NUL-terminated UTF-8 string, or in SQL_ASCII to any string.
pub(crate) unsafe fn utf8_to_server(text: *mut c_char) -> *mut c_char {
    if takes_utf8() {
        return text;
    }
    // SAFETY: a NUL-terminated UTF-8 string, by this function's contract.
    unsafe { pg_sys::pg_any_to_server(text, libc::strlen(text) as i32, UTF8) }
}

/// A C string in the server's encoding. The text must not contain a NUL.
pub fn to_server(text: &str) -> Result<CString, std::ffi::NulError> {
    if buffer::afford(text.len() + 1).is_err() {
        memory::exhausted("a text");
    }
    let text = CString::new(text)?;
    if server_is_utf8() {
        return Ok(text);
    }
    // SAFETY: the conversion reads its argument only and returns a NUL-terminated string.
    let converted = unsafe { CStr::from_ptr(utf8_to_server(text.as_ptr().cast_mut())) };
    Ok(converted.to_owned())
}

/// The bytes of a text that holds no NUL, in the server's encoding and in the current memory context, or as they were.
pub(crate) fn bytes_for_server(text: &str) -> &[u8] {
    if server_is_utf8() {
        return text.as_bytes();
    }
    // SAFETY: the length is the text's; a text that was converted ends with a NUL.
    unsafe {
        let from = text.as_ptr().cast_mut().cast::<c_char>();
        let converted = pg_sys::pg_any_to_server(from, text.len() as i32, UTF8);
        if converted == from { text.as_bytes() } else { CStr::from_ptr(converted).to_bytes() }
    }
}

/// A datum of type `text`.
pub(crate) fn text_datum(text: &str) -> pg_sys::Datum {
    let bytes = bytes_for_server(text);
    // SAFETY: the length is that of the bytes, which are copied; what is too long for a datum is the server's error.
    unsafe { pg_sys::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as i32) }.into()
}

/// A setting's value.
pub fn of_setting(value: &CStr) -> String {
    // SAFETY: a NUL-terminated string in the server's encoding, which is read only.
    unsafe { from_server(value.as_ptr().cast_mut()) }
}

/// Text of the server's as UTF-8.
///
/// # Safety
/// `text` points to a NUL-terminated string in the server's encoding.
pub(crate) unsafe fn from_server(text: *mut c_char) -> String {
    // SAFETY: a NUL-terminated string in the server's encoding, by this function's contract; the conversion returns one, too.
    let text = unsafe {
        let converted =
            if takes_utf8() { text } else { pg_sys::pg_server_to_any(text, libc::strlen(text) as i32, UTF8) };
        CStr::from_ptr(converted).to_bytes()
    };
    // A text may be as large as its value.
    let copy = match std::str::from_utf8(text) {
        Ok(text) => buffer::text(text),
        Err(_) => memory::hold(4 * text.len()).map(|_held| String::from_utf8_lossy(text).into_owned()),
    };
    copy.unwrap_or_else(|OutOfMemory| memory::exhausted("a text"))
}
