//! What the plan can say of texts that are not UTF-8 or have NUL characters.

use super::ColumnProfile;
use crate::finding::Fix;
use crate::value::encoding::{Nul, TextReading};

/// How such texts are really encoded only a person knows.
pub const UNREAD_REST: &str = " to load them as text, if that is how they are meant";

/// The same of a new column, which may be bytea as well.
pub fn unread_rest(p: &ColumnProfile) -> String {
    match p.text.nul {
        0 => UNREAD_REST.to_owned(),
        _ => format!("{UNREAD_REST}, or nul to \"bytea\" if they are bytes"),
    }
}

/// Texts that make a new column bytea because the plan says so.
pub fn kept_as_bytes(p: &ColumnProfile) -> bool {
    p.text.nul > 0 && p.reading.nul == Nul::Bytea
}

/// What the plan can say, so that texts are read that are not UTF-8 or have NUL characters.
pub fn unread_texts(p: &ColumnProfile, table: &str, column: &str) -> Option<Fix> {
    let encoding = p.text.invalid_utf8 > 0 && p.reading.encoding.is_none();
    fix(encoding, p.text.nul > 0 && p.reading.nul != Nul::Strip, table, column)
}

/// The same of one text, from how it is read and how it could be.
pub fn unread_text(now: TextReading, other: TextReading, table: &str, column: &str) -> Option<Fix> {
    fix(now.encoding != other.encoding, now.nul != other.nul, table, column)
}

fn fix(encoding: bool, nul: bool, table: &str, column: &str) -> Option<Fix> {
    let of = |key, value: &str| Fix::of_column(table, column, key, value);
    let encoding = encoding.then(|| of("text_encoding", "windows-1252").or(&["latin1"]));
    let nul = nul.then(|| of("nul", "strip"));
    match (encoding, nul) {
        (Some(encoding), Some(nul)) => Some(encoding.and(nul)),
        (encoding, nul) => encoding.or(nul),
    }
}
