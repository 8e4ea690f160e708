//! What the plan can say of texts that are not UTF-8 or have NUL characters.

use super::ColumnProfile;
use crate::finding::Fix;
use crate::value::encoding::Nul;

/// How such texts are really encoded only a person knows.
pub const UNREAD_REST: &str = " to load them as text, if that is how they are meant";

/// What the plan can say, so that texts are read that are not UTF-8 or have NUL characters.
pub fn unread_texts(p: &ColumnProfile, table: &str, column: &str) -> Option<Fix> {
    let of = |key, value: &str| Fix::of_column(table, column, key, value);
    let encoding = (p.text.invalid_utf8 > 0 && p.reading.encoding.is_none())
        .then(|| of("text_encoding", "windows-1252").or(&["latin1"]));
    let nul = (p.text.nul > 0 && p.reading.nul == Nul::Error).then(|| of("nul", "strip"));
    match (encoding, nul) {
        (Some(encoding), Some(nul)) => Some(encoding.and(nul)),
        (encoding, nul) => encoding.or(nul),
    }
}
