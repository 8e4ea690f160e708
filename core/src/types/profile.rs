//! What is stored in one column: counted in a single pass, a cell at a time. Pure.
//!
//! Hot: called for every value of a file. Counts that decide whether a type loses something are complete; what
//! only some declarations need (JSON, decimal digits) is measured for those.

use super::aside::Aside;
use super::conventions;
use super::few::Few;
use super::probe::Probe;
use super::respelled::Respelled;
use super::rules::{Declared, Family};
use super::spelling::Spelling;
use super::stats::{BlobStats, IntegerStats, NumberStats, RealStats, digits, shown};
use super::textform::{Reading, TextFormat, UUIDS, read};
use super::textstats::TextStats;
use super::times;
use crate::catalog::Column;
use crate::orm::signs::Recognised;
use crate::value::boolean::Words;
use crate::value::encoding::TextReading;
use crate::value::geometry::stats::Observed;
use crate::value::number::{exact_double, integral, is_integer, single};
use crate::value::{Cell, PgType, ValueList, interval, json, text};
use crate::vectors;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableProfile {
    pub rows: u64,
    /// Only a part of the rows was read.
    pub sampled: bool,
    /// One per catalog column, in order.
    pub columns: Vec<ColumnProfile>,
}

impl TableProfile {
    /// Takes in the profile of rows that come after these.
    pub fn add_later(&mut self, later: TableProfile) {
        self.rows += later.rows;
        self.sampled |= later.sampled;
        self.columns.iter_mut().zip(later.columns).for_each(|(column, later)| column.add_later(later));
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnProfile {
    pub nulls: u64,
    pub integers: u64,
    pub reals: u64,
    pub texts: u64,
    pub blobs: u64,
    pub integer: IntegerStats,
    pub real: RealStats,
    pub text: TextStats,
    pub blob: BlobStats,
    /// Integers, reals and texts that are numbers.
    pub number: NumberStats,
    /// Values that the plan lists, which are not counted elsewhere.
    pub aside: Aside,
    /// How its texts are read, and how many of them are not as they are stored.
    pub reading: TextReading,
    pub converted: u64,
    /// Texts that are not UTF-8 and are loaded as they are stored.
    pub kept: u64,
    /// Values in spellings that no type reads.
    pub respelled: Respelled,
    /// The different texts, where they may be an enum's.
    pub few: Few,
    /// The geometries of a column that the file says to hold them.
    pub geometries: Option<Observed>,
    checks: Checks,
    probe: Option<Probe>,
}

/// What is measured beyond the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Checks {
    json: bool,
    decimal: bool,
    times: bool,
    /// Lists with commas.
    lists: bool,
    /// The shortest text.
    width: bool,
    /// The values are an expression's.
    computed: bool,
    /// Blobs of floats.
    vectors: bool,
}

/// The number of texts after which a column without any known form is no longer classified.
const PATIENCE: u64 = 1000;
/// Texts of an ordinary text column whose brackets are checked to hold JSON.
const JSON_TRIALS: u64 = 100;

impl ColumnProfile {
    /// A profile that measures what this column's declaration and name ask for.
    pub fn for_column(column: &Column, json_checked: bool, orms: &[Recognised]) -> ColumnProfile {
        let family = Declared::parse(&column.declared).family;
        let checks = Checks {
            json: json_checked || family == Family::Json || conventions::reads_json(orms, column),
            width: matches!(family, Family::Char | Family::Text | Family::Varchar) && !orms.is_empty(),
            decimal: family == Family::Decimal,
            times: times::is_time(family) || times::name_says_time(&column.name),
            lists: orms.iter().any(|recognised| recognised.orm.conventions.comma_lists),
            computed: false,
            vectors: vectors::named_so(&column.name),
        };
        let probe = conventions::decoded_type(orms, column).map(Probe::new);
        let plain = matches!(family, Family::Text | Family::Varchar) && !orms.is_empty();
        let few = if plain { Few::counted() } else { Few::default() };
        let geometries = column.geometries.as_deref().map(Observed::new);
        ColumnProfile { checks, probe, few, geometries, ..ColumnProfile::default() }
    }

    /// The type whose decoder was asked, if it takes every value.
    pub fn decoded(&self) -> Option<&PgType> {
        self.probe.as_ref().and_then(Probe::held)
    }

    /// The same profile, which counts these values apart.
    pub fn apart(self, null_values: ValueList, words: &Words) -> ColumnProfile {
        ColumnProfile { aside: Aside::new(null_values, words), ..self }
    }

    /// The same profile, of an expression's values: no other expression is offered for them.
    pub fn of_expression(self) -> ColumnProfile {
        ColumnProfile { checks: Checks { computed: true, ..self.checks }, geometries: None, ..self }
    }

    #[cfg(test)]
    pub(super) fn with_times(self) -> ColumnProfile {
        ColumnProfile { checks: Checks { times: true, ..self.checks }, ..self }
    }

    /// The same profile, which reads texts as the plan says.
    pub fn reading(self, reading: TextReading) -> ColumnProfile {
        ColumnProfile { reading, ..self }
    }

    /// Takes in the profile, made with the same questions, of rows that come after these.
    pub fn add_later(&mut self, later: ColumnProfile) {
        self.blob.min_bytes = match (self.blobs, later.blobs) {
            (0, _) => later.blob.min_bytes,
            (_, 0) => self.blob.min_bytes,
            _ => self.blob.min_bytes.min(later.blob.min_bytes),
        };
        self.nulls += later.nulls;
        self.integers += later.integers;
        self.reals += later.reals;
        self.texts += later.texts;
        self.blobs += later.blobs;
        self.integer.add(&later.integer);
        self.real.add(&later.real);
        self.text.add_later(later.text);
        self.blob.add(&later.blob);
        self.number.add(&later.number);
        self.aside.add(&later.aside);
        self.converted += later.converted;
        self.kept += later.kept;
        self.respelled.add_all(&later.respelled);
        self.few.add_later(later.few);
        if let (Some(geometries), Some(later)) = (&mut self.geometries, &later.geometries) {
            geometries.stats.add_later(&later.stats);
        }
        if let (Some(probe), Some(later)) = (&mut self.probe, &later.probe) {
            probe.add(later);
        }
    }

    /// Counts one stored value.
    #[inline]
    pub fn observe(&mut self, cell: Cell<'_>) {
        match self.reading.read(cell) {
            None => {
                self.kept += u64::from(self.reading.keeps(cell));
                self.observe_read(cell);
            }
            Some(text) => {
                self.converted += 1;
                self.observe_read(Cell::Text(&text));
            }
        }
    }

    #[inline]
    fn observe_read(&mut self, cell: Cell<'_>) {
        if !self.aside.is_empty() && self.aside.observe(cell) {
            return;
        }
        if let Some(probe) = &mut self.probe {
            probe.observe(cell);
        }
        if let Some(geometries) = &mut self.geometries {
            geometries.observe(cell);
        }
        match cell {
            Cell::Null => self.nulls += 1,
            Cell::Integer(value) => self.observe_integer(value),
            Cell::Real(value) => self.observe_real(value),
            Cell::Text(bytes) => self.observe_text(bytes),
            Cell::Blob(bytes) => self.observe_blob(bytes),
        }
    }

    #[inline]
    fn observe_integer(&mut self, value: i64) {
        self.integers += 1;
        let stats = &mut self.integer;
        stats.min = stats.min.min(value);
        stats.max = stats.max.max(value);
        stats.zeros += u64::from(value == 0);
        stats.ones += u64::from(value == 1);
        if self.checks.times && !self.checks.computed {
            self.respelled.observe_number(value);
        }
        self.observe_integer_size(value);
        self.number.observe(value as f64);
    }

    #[inline]
    fn observe_integer_size(&mut self, value: i64) {
        if value.unsigned_abs() > 1 << 53 {
            self.integer.inexact += u64::from(exact_double(value).is_none());
            self.integer.sub_micro += u64::from(value % 1000 != 0);
        }
    }

    fn observe_real(&mut self, value: f64) {
        self.reals += 1;
        let stats = &mut self.real;
        stats.min = stats.min.min(value);
        stats.max = stats.max.max(value);
        stats.zeros += u64::from(value == 0.0);
        stats.ones += u64::from(value == 1.0);
        stats.integral += u64::from(integral(value).is_some());
        stats.infinite += u64::from(value.is_infinite());
        stats.nan += u64::from(value.is_nan());
        stats.not_single = stats.not_single || single(value).is_none();
        stats.sub_micro += u64::from(self.checks.times && (value * 1e6).round() / 1e6 != value);
        if self.checks.decimal {
            stats.decimal.observe_real(value);
        }
        self.number.observe(value);
    }

    fn observe_text(&mut self, bytes: &[u8]) {
        self.texts += 1;
        self.text.measure(bytes, self.reading);
        self.text.edges.observe(bytes);
        self.few.observe(bytes);
        if self.checks.width {
            let chars = text::characters(bytes) as u64;
            self.text.min_chars = Some(self.text.min_chars.map_or(chars, |min| min.min(chars)));
        }
        if self.checks.lists {
            self.text.observe_list(bytes);
        }
        if self.checks.json && !bytes.is_empty() {
            self.text.json.observe(bytes);
        }
        let unknown = self.text.count(TextFormat::Other) == self.texts - 1;
        if self.texts > PATIENCE && unknown && self.respelled.total() < self.texts - 1 {
            self.text.add(TextFormat::Other);
        } else {
            self.classify(bytes);
        }
    }

    #[inline]
    fn classify(&mut self, bytes: &[u8]) {
        let form = match read(bytes) {
            // The first few texts are parsed; later ones count as JSON if they have brackets.
            Reading::Plain(TextFormat::JsonLike)
                if self.texts <= JSON_TRIALS && json::inspect(bytes).is_none() =>
            {
                TextFormat::Other
            }
            Reading::Plain(form @ (TextFormat::Empty | TextFormat::ImpossibleDate)) => {
                self.text.observe_blank(bytes);
                form
            }
            Reading::Plain(TextFormat::Other) => {
                self.text.fine_intervals += u64::from(interval::is_too_fine(bytes));
                TextFormat::Other
            }
            Reading::Plain(form) => {
                if UUIDS.contains(&form) {
                    self.text.spell(Spelling::of_uuid(form, bytes));
                }
                form
            }
            Reading::Clock(clock) => {
                self.text.spell(Spelling::of_time(bytes));
                self.text.clock_digits = self.text.clock_digits.max(clock.digits);
                self.text.dayless += u64::from(clock.dayless);
                clock.form
            }
            Reading::Fine(clock) => {
                self.text.observe_fine(&clock);
                TextFormat::TooFine
            }
            Reading::Integer(value) => {
                self.text.zero_or_one += u64::from(value == 0 || value == 1);
                if !self.checks.computed {
                    self.respelled.observe_number(value);
                }
                self.observe_integer_size(value);
                self.number.observe(value as f64);
                self.text.decimal.observe(digits(value.unsigned_abs()), 0);
                TextFormat::Integer
            }
            Reading::Decimal(decimal, value) => {
                self.number.observe(value);
                self.text.decimal.observe(decimal.integer_digits, decimal.scale);
                TextFormat::Decimal
            }
        };
        if self.text.no_boolean.is_none() && form != TextFormat::BooleanWord && !matches!(bytes, b"0" | b"1")
        {
            self.text.no_boolean = Some(shown(bytes));
        }
        if form == TextFormat::Other && !self.checks.computed {
            self.respelled.observe(bytes);
        }
        self.text.add(form);
    }

    fn observe_blob(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u64;
        let stats = &mut self.blob;
        stats.min_bytes = if self.blobs == 0 { length } else { stats.min_bytes.min(length) };
        stats.max_bytes = stats.max_bytes.max(length);
        stats.total_bytes += length;
        stats.sixteen += u64::from(length == 16);
        stats.digits += u64::from(is_integer(bytes));
        stats.floats += u64::from(self.checks.vectors && vectors::are_floats(bytes));
        self.respelled.observe_blob(bytes);
        self.blobs += 1;
        let bracket = matches!(bytes, [b'{', .., b'}'] | [b'[', .., b']']);
        if self.checks.json || (bracket && stats.json.invalid == 0) {
            stats.json.observe(bytes);
        }
    }
}

impl ColumnProfile {
    /// Values that are not NULL.
    pub fn values(&self) -> u64 {
        self.integers + self.reals + self.texts + self.blobs
    }

    pub fn numbers(&self) -> u64 {
        self.integers + self.reals
    }

    /// Of all values, numbers at eight bytes.
    pub fn bytes(&self) -> u64 {
        8 * self.numbers() + self.text.total_bytes + self.blob.total_bytes
    }

    /// The bytes of the longest text or blob.
    pub fn longest_bytes(&self) -> u64 {
        self.text.max_bytes.max(self.blob.max_bytes)
    }

    /// The length of the longest text as the database counts it.
    pub fn longest_text(&self) -> u64 {
        if self.reading.of_bytes { self.text.max_bytes } else { self.text.max_chars }
    }

    /// Whether every text was parsed as JSON.
    pub fn json_measured(&self) -> bool {
        self.checks.json
    }

    /// The digits of reals were counted.
    pub fn decimals_measured(&self) -> bool {
        self.checks.decimal
    }

    /// Whether the units of numbers are shown.
    pub(super) fn times_measured(&self) -> bool {
        self.checks.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(declared: &str, cells: &[Cell<'_>]) -> ColumnProfile {
        let column = Column { declared: declared.to_owned(), ..Column::default() };
        let mut profile = ColumnProfile::for_column(&column, false, &[]);
        cells.iter().for_each(|cell| profile.observe(*cell));
        profile
    }

    #[test]
    fn a_mixed_column_is_shown_in_sqlites_order() {
        let p = profile(
            "DATETIME",
            &[
                Cell::Null,
                Cell::Integer(1_719_828_000_000),
                Cell::Real(0.5),
                Cell::Text(b"2024-07-01"),
                Cell::Text("größer".as_bytes()),
            ],
        );
        assert_eq!(p.storage_classes(), "integer 1, real 1, text 2");
        assert_eq!(p.min_text().as_deref(), Some("0.5"));
        assert_eq!(p.max_text().as_deref(), Some("größer"));
        assert_eq!((p.longest(), p.text.max_bytes, p.nulls), (Some(10), 10, 1));
        assert_eq!(p.format_found(), "date text 1");
        let blobs = profile("", &[Cell::Blob(b"abc"), Cell::Integer(1)]);
        assert_eq!(blobs.max_text().as_deref(), Some("blob of 3 bytes"));
        assert_eq!(profile("DATETIME", &[Cell::Integer(1_719_828_000)]).format_found(), "unixepoch 1");
        assert_eq!(profile("", &[]).min_text(), None);
    }

    #[test]
    fn counts_that_decide_stay_complete_after_classifying_stops() {
        let mut cells = vec![Cell::Text(b"prose"); 3000];
        cells.extend([
            Cell::Text(b"\xFF"),
            Cell::Text(b"a\0"),
            Cell::Text(b"2024-07-01"),
            Cell::Text("longest ü".as_bytes()),
        ]);
        let p = profile("TEXT", &cells);
        assert_eq!(p.text.count(TextFormat::Other), 3004);
        assert_eq!((p.text.invalid_utf8, p.text.nul, p.text.max_chars), (1, 1, 10));
        assert_eq!(p.min_text().as_deref(), Some("2024-07-01"));
    }

    #[test]
    fn digits_are_those_of_the_shortest_form() {
        for (real, integer_digits, scale) in
            [(12.5, 2, 1), (0.25, 0, 2), (1e20, 21, 0), (0.1 + 0.2, 0, 17), (123_456.789, 6, 3), (-7.0, 1, 0)]
        {
            let p = profile("DECIMAL(9,2)", &[Cell::Real(real)]);
            let digits = (p.real.decimal.integer_digits, p.real.decimal.scale);
            assert_eq!(digits, (integer_digits, scale), "{real}");
        }
    }

    #[test]
    fn edges_follow_byte_order_past_the_first_eight_bytes() {
        let texts = ["", "abcdefgh2", "abcdefgh1", "abcdefgh", "abcdefgh3"];
        let cells: Vec<Cell<'_>> = texts.iter().map(|t| Cell::Text(t.as_bytes())).collect();
        assert_eq!(profile("", &cells[1..3]).min_text().as_deref(), Some("abcdefgh1"));
        assert_eq!(profile("", &cells).min_text().as_deref(), Some(""));
        assert_eq!(profile("", &cells).max_text().as_deref(), Some("abcdefgh3"));
    }
}
