//! Findings about blobs, and about texts that are not loaded as SQLite calls them.

use super::Case;
use crate::finding::{Finding, Kind};
use crate::types::fit::clean;
use crate::types::rules::Family;
use crate::types::unread::{kept_as_bytes, unread_texts};
use crate::types::words::{stored, values_are};
use crate::value::{Format, PgType};
use crate::vectors::PGVECTOR;

impl Case<'_> {
    /// Blobs that may be UUIDs or JSON, and texts and numbers among blobs.
    pub(super) fn blobs(&self) -> Option<Finding> {
        let p = self.p;
        if self.d.chosen.format == Some(Format::Text) && p.blobs > 0 && !self.is(&PgType::Bytea) {
            let message = format!("{} stored as a blob the text of a number", values_are(p.blobs));
            let finding = Kind::BlobForm.info(self.object(), message);
            return Some(finding.fix(self.of_type(&PgType::Bytea), " to keep the blobs"));
        }
        if !self.is(&PgType::Bytea) {
            return None;
        }
        let binary16 = self.declared.modifiers.first() == Some(&16) && p.blob.sixteen == p.values();
        let (message, pg_type) = if p.blobs == p.values() && binary16 {
            ("every blob has 16 bytes, as a UUID has".to_owned(), PgType::Uuid)
        } else if p.blobs == p.values()
            && p.blob.floats == p.blobs
            && p.blob.min_bytes == p.blob.max_bytes
            && self.q.column.vectors.is_none()
        {
            let message =
                format!("every blob has {} floats of 4 bytes, as a vector has", p.blob.max_bytes / 4);
            (message, PgType::Vector(PGVECTOR.into()))
        } else if p.blob.json.valid > 0 && p.blob.json.valid == p.blobs && clean(p) && p.numbers() == 0 {
            (format!("{} stored as a blob JSON text", values_are(p.blobs)), PgType::Jsonb)
        } else if self.declared.family == Family::Blob && p.texts > 0 {
            (format!("{} text in a BLOB column, kept as its bytes", values_are(p.texts)), PgType::Text)
        } else if self.declared.family == Family::Unknown && p.blobs < p.values() {
            let message =
                format!("{}; numbers and texts are kept as the bytes of their text", stored(p, None, false));
            (message, PgType::Text)
        } else {
            return None;
        };
        let finding = Kind::BlobForm.info(self.object(), message);
        Some(match pg_type {
            // A blob is no text.
            PgType::Text if p.blobs > 0 => {
                self.at_a_cost(finding, &pg_type, None, "keep numbers and texts as text")
            }
            _ if kept_as_bytes(p) => finding,
            _ => {
                let of_type = self.of_type(&pg_type);
                let fix = match unread_texts(p, self.q.table, &self.q.column.name) {
                    Some(unread) => Some(of_type.and(unread)),
                    None => clean(p).then_some(of_type),
                };
                match fix {
                    Some(fix) => finding.fix(fix, " if that is what it is"),
                    None => finding,
                }
            }
        })
    }

    /// Texts that are not read as they are stored, by the plan's word.
    pub(super) fn converted(&self) -> Option<Finding> {
        let count = self.p.converted + self.p.kept;
        let message = self.p.reading.describe(count);
        // As bytea they are loaded as they are stored.
        let decoded = matches!(self.d.chosen.format, Some(Format::Hex | Format::Base64));
        let bytes = self.is(&PgType::Bytea) && !decoded;
        let read = count > 0 && !bytes;
        let finding = read.then(|| Kind::ConvertedTexts.info(self.object(), message))?;
        Some(match self.p.reading.as_stored() {
            true => {
                let fix = self.fix("text_encoding", "windows-1252").or(&["latin1"]);
                finding.fix(fix, " to convert them to UTF-8, if that is how they are meant")
            }
            false => finding,
        })
    }
}
