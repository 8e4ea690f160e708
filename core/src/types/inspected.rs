//! What `sqlite_inspect` shows of a column's profile.

use super::ColumnProfile;
use super::stats::shown;
use super::textform::TextFormat;
use super::times;
use super::words::grouped;
use crate::value::text;

impl ColumnProfile {
    /// `integer 12, text 3`: what is stored besides NULLs.
    pub fn storage_classes(&self) -> String {
        let classes =
            [("integer", self.integers), ("real", self.reals), ("text", self.texts), ("blob", self.blobs)];
        let counted = classes.iter().filter(|c| c.1 > 0);
        counted.map(|(class, count)| format!("{class} {}", grouped(*count))).collect::<Vec<_>>().join(", ")
    }

    /// The least value in SQLite's order: numbers, texts, blobs (of which only the length is shown).
    pub fn min_text(&self) -> Option<String> {
        let number = (self.real.min < self.integer.min as f64 && self.reals > 0) || self.integers == 0;
        match self.numbers() {
            0 if self.texts > 0 => Some(shown(&self.text.edges.min)),
            0 if self.blobs > 0 => Some(blob_shown(self.blob.min_bytes)),
            0 => None,
            _ if number => Some(text::real_text(self.real.min)),
            _ => Some(self.integer.min.to_string()),
        }
    }

    /// The greatest value in SQLite's order.
    pub fn max_text(&self) -> Option<String> {
        let number = (self.real.max > self.integer.max as f64 && self.reals > 0) || self.integers == 0;
        if self.blobs > 0 {
            Some(blob_shown(self.blob.max_bytes))
        } else if self.texts > 0 {
            Some(shown(&self.text.edges.max))
        } else if self.numbers() == 0 {
            None
        } else if number {
            Some(text::real_text(self.real.max))
        } else {
            Some(self.integer.max.to_string())
        }
    }

    /// Characters of the longest text, or bytes of the longest blob where that is more.
    pub fn longest(&self) -> Option<u64> {
        (self.texts + self.blobs > 0).then(|| self.text.max_chars.max(self.blob.max_bytes))
    }

    /// The forms found in texts with their counts, and the epoch where the numbers of a time column have one.
    pub fn format_found(&self) -> String {
        let forms = TextFormat::all().filter(|form| *form != TextFormat::Other);
        let mut found: Vec<String> = forms
            .map(|form| (self.text.count(form), form.label()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, label)| format!("{label} {}", grouped(count)))
            .collect();
        if let Some(unit) = times::unit(self, false).filter(|_| self.times_measured()) {
            found.push(format!("{} {}", unit.as_str(), grouped(self.numbers())));
        }
        found.join(", ")
    }
}

fn blob_shown(bytes: u64) -> String {
    format!("blob of {} bytes", grouped(bytes))
}
