//! What the texts of a column are: counted a text at a time. Hot while profiling.

use super::blanks;
use super::spelling::Spelling;
use super::stats::{DecimalStats, Edges, JsonStats};
use super::textform::{Clock, TextFormat};
use crate::value::encoding::TextReading;
use crate::value::{InvalidValue, text};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextStats {
    pub max_chars: u64,
    /// Characters of the shortest text; counted for CHAR.
    pub min_chars: Option<u64>,
    pub max_bytes: u64,
    /// Of all texts.
    pub total_bytes: u64,
    pub invalid_utf8: u64,
    pub nul: u64,
    pub trailing_space: u64,
    /// Texts that begin as JSON's and PostgreSQL's lists and objects do.
    pub brackets: u64,
    /// Texts with commas and no white space, and texts with white space; counted for programs that write such lists.
    pub comma_lists: u64,
    pub spaced: u64,
    /// By `TextFormat`.
    forms: [u64; TextFormat::COUNT],
    /// `0` and `1` among the integer texts.
    pub zero_or_one: u64,
    /// Dates and times on one of the dates that stand before a time of day.
    pub dayless: u64,
    /// Texts more precise than microseconds, by what they are without the digits beyond, and those among them that would
    /// be dayless.
    fine: [u64; TextFormat::COUNT],
    fine_dayless: u64,
    /// Intervals more precise than microseconds, other than those that are also times of day.
    pub(super) fine_intervals: u64,
    /// The finest clock: 0, 3 or 6 digits after the second.
    pub clock_digits: u32,
    pub decimal: DecimalStats,
    pub json: JsonStats,
    /// One per blank text.
    pub blank: [u64; blanks::TEXTS.len()],
    /// How the first time or UUID is spelled, and whether another one is spelled otherwise.
    spelling: Option<Spelling>,
    pub spellings_differ: bool,
    /// The first text that is no boolean, as far as it is shown.
    pub no_boolean: Option<String>,
    pub(super) edges: Edges,
}

impl TextStats {
    /// Takes in what was counted of texts that come after these.
    pub(super) fn add_later(&mut self, later: TextStats) {
        self.max_chars = self.max_chars.max(later.max_chars);
        self.min_chars = self.min_chars.into_iter().chain(later.min_chars).min();
        self.max_bytes = self.max_bytes.max(later.max_bytes);
        self.total_bytes += later.total_bytes;
        self.invalid_utf8 += later.invalid_utf8;
        self.nul += later.nul;
        self.trailing_space += later.trailing_space;
        self.brackets += later.brackets;
        self.comma_lists += later.comma_lists;
        self.spaced += later.spaced;
        self.zero_or_one += later.zero_or_one;
        self.dayless += later.dayless;
        self.fine_dayless += later.fine_dayless;
        self.fine_intervals += later.fine_intervals;
        self.clock_digits = self.clock_digits.max(later.clock_digits);
        self.decimal.add(&later.decimal);
        self.json.add(&later.json);
        self.forms.iter_mut().zip(later.forms).for_each(|(count, more)| *count += more);
        self.fine.iter_mut().zip(later.fine).for_each(|(count, more)| *count += more);
        self.blank.iter_mut().zip(later.blank).for_each(|(count, more)| *count += more);
        self.spellings_differ |= later.spellings_differ;
        if let Some(spelling) = later.spelling {
            self.spell(spelling);
        }
        self.no_boolean = self.no_boolean.take().or(later.no_boolean);
        self.edges.add(later.edges);
    }

    /// Texts of one form.
    pub fn count(&self, form: TextFormat) -> u64 {
        self.forms.get(form as usize).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn spell(&mut self, spelling: Spelling) {
        let first = *self.spelling.get_or_insert(spelling);
        self.spellings_differ |= first != spelling || spelling.is_mixed();
    }

    #[inline]
    pub(super) fn add(&mut self, form: TextFormat) {
        if let Some(count) = self.forms.get_mut(form as usize) {
            *count += 1;
        }
    }

    pub(super) fn observe_blank(&mut self, bytes: &[u8]) {
        let at = blanks::TEXTS.iter().position(|(text, _)| text.as_bytes() == bytes);
        if let Some(count) = at.and_then(|at| self.blank.get_mut(at)) {
            *count += 1;
        }
    }

    /// As if the blank texts were not there.
    pub(super) fn forget_blanks(&mut self) {
        for ((_, form), count) in blanks::TEXTS.iter().zip(std::mem::take(&mut self.blank)) {
            if let Some(of_form) = self.forms.get_mut(*form as usize) {
                *of_form -= count;
            }
        }
    }

    pub(super) fn observe_list(&mut self, bytes: &[u8]) {
        let spaced = bytes.iter().any(u8::is_ascii_whitespace);
        self.spaced += u64::from(spaced);
        self.comma_lists += u64::from(!spaced && bytes.contains(&b','));
    }

    pub(super) fn observe_fine(&mut self, clock: &Clock) {
        if let Some(count) = self.fine.get_mut(clock.form as usize) {
            *count += 1;
        }
        self.fine_dayless += u64::from(clock.dayless);
    }

    /// Texts more precise than microseconds.
    pub fn too_fine(&self) -> u64 {
        self.count(TextFormat::TooFine) + self.fine_intervals
    }

    /// Counts texts as those of their form that are more precise than microseconds.
    pub fn make_coarse(&mut self) {
        self.forms.iter_mut().zip(self.fine).for_each(|(count, fine)| *count += fine);
        self.forms[TextFormat::TooFine as usize] = 0;
        self.dayless += std::mem::take(&mut self.fine_dayless);
        self.fine = [0; TextFormat::COUNT];
        self.fine_intervals = 0;
    }

    pub fn sum(&self, forms: &[TextFormat]) -> u64 {
        forms.iter().map(|form| self.count(*form)).sum()
    }

    #[inline]
    pub(super) fn measure(&mut self, bytes: &[u8], reading: TextReading) {
        let length = bytes.len() as u64;
        self.max_bytes = self.max_bytes.max(length);
        self.total_bytes += length;
        self.trailing_space += u64::from(bytes.last() == Some(&b' '));
        self.brackets += u64::from(matches!(bytes.trim_ascii_start(), [b'[' | b'{', ..]));
        let plain = text::is_plain_ascii(bytes);
        if !plain {
            match text::check(bytes) {
                Err(InvalidValue::NulInText) => {
                    self.nul += 1;
                    let invalid = !reading.as_stored() && std::str::from_utf8(bytes).is_err();
                    self.invalid_utf8 += u64::from(invalid);
                }
                Err(_) if reading.as_stored() => {}
                Err(_) => self.invalid_utf8 += 1,
                Ok(_) => {}
            }
        }
        if length > self.max_chars {
            let chars = if plain { length } else { text::characters(bytes) as u64 };
            self.max_chars = self.max_chars.max(chars);
        }
    }
}
