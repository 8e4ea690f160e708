//! The counters of a profile, grouped by storage class; each counts one value at a time.

use super::times;
use crate::value::number::Decimal;
use crate::value::{Format, json, text};

#[derive(Debug, Clone, PartialEq)]
pub struct IntegerStats {
    pub min: i64,
    pub max: i64,
    pub zeros: u64,
    pub ones: u64,
    /// Not exactly a double.
    pub inexact: u64,
    /// As nanoseconds, no whole microseconds; integer texts count too.
    pub sub_micro: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RealStats {
    pub min: f64,
    pub max: f64,
    pub zeros: u64,
    pub ones: u64,
    /// Exactly an `i64`.
    pub integral: u64,
    pub infinite: u64,
    pub nan: u64,
    /// Some value does not fit `real`; none is tested after the first.
    pub not_single: bool,
    /// As seconds, no whole microseconds; counted where the declaration or the name says time.
    pub sub_micro: u64,
    /// Counted for declared decimals.
    pub decimal: DecimalStats,
}

/// The most digits that are needed on either side of the point.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecimalStats {
    pub integer_digits: i32,
    pub scale: i32,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonStats {
    pub valid: u64,
    pub invalid: u64,
    pub duplicate_keys: u64,
    /// Valid JSON that `jsonb` refuses.
    pub unfit: u64,
    /// Valid JSON of one of these kinds.
    pub not_binary: u64,
    /// Valid JSON that is a list.
    pub lists: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlobStats {
    pub min_bytes: u64,
    pub max_bytes: u64,
    /// Of all BLOBs.
    pub total_bytes: u64,
    /// Of 16 bytes, as a UUID has.
    pub sixteen: u64,
    /// Texts of integers.
    pub digits: u64,
    /// Of 4-byte floats, in a column whose name says that it has vectors.
    pub floats: u64,
    /// Texts of JSON documents.
    pub json: JsonStats,
}

/// Of the numbers other than zero.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberStats {
    pub low: f64,
    pub high: f64,
    /// The smallest magnitude.
    pub tiny: f64,
    pub zeros: u64,
    others: u64,
    /// Times between 1980 and 2100, by unit.
    sane: [u64; times::COUNT],
}

/// The smallest and the largest text, as far as they are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edges {
    pub(super) min: Vec<u8>,
    pub(super) max: Vec<u8>,
    min_key: u64,
    max_key: u64,
    seen: bool,
}

/// Characters of a text that are shown.
const SHOWN: usize = 40;
const SHOWN_BYTES: usize = SHOWN * 4;

impl Default for IntegerStats {
    fn default() -> Self {
        IntegerStats { min: i64::MAX, max: i64::MIN, zeros: 0, ones: 0, inexact: 0, sub_micro: 0 }
    }
}

impl Default for RealStats {
    fn default() -> Self {
        RealStats {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            zeros: 0,
            ones: 0,
            integral: 0,
            infinite: 0,
            nan: 0,
            not_single: false,
            sub_micro: 0,
            decimal: DecimalStats::default(),
        }
    }
}

impl Default for NumberStats {
    fn default() -> Self {
        NumberStats {
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            tiny: f64::INFINITY,
            zeros: 0,
            others: 0,
            sane: [0; times::COUNT],
        }
    }
}

/// Decimal digits of a whole number; none for zero.
pub(super) fn digits(value: u64) -> i32 {
    value.checked_ilog10().map_or(0, |log| log as i32 + 1)
}

impl IntegerStats {
    /// Takes in what was counted of other values.
    pub(super) fn add(&mut self, other: &IntegerStats) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.zeros += other.zeros;
        self.ones += other.ones;
        self.inexact += other.inexact;
        self.sub_micro += other.sub_micro;
    }
}

impl RealStats {
    pub(super) fn add(&mut self, other: &RealStats) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.zeros += other.zeros;
        self.ones += other.ones;
        self.integral += other.integral;
        self.infinite += other.infinite;
        self.nan += other.nan;
        self.not_single |= other.not_single;
        self.sub_micro += other.sub_micro;
        self.decimal.add(&other.decimal);
    }
}

impl BlobStats {
    pub(super) fn add(&mut self, other: &BlobStats) {
        self.max_bytes = self.max_bytes.max(other.max_bytes);
        self.total_bytes += other.total_bytes;
        self.sixteen += other.sixteen;
        self.digits += other.digits;
        self.floats += other.floats;
        self.json.add(&other.json);
    }
}

impl NumberStats {
    pub(super) fn add(&mut self, other: &NumberStats) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.tiny = self.tiny.min(other.tiny);
        self.zeros += other.zeros;
        self.others += other.others;
        self.sane.iter_mut().zip(other.sane).for_each(|(count, more)| *count += more);
    }

    #[inline]
    pub(super) fn observe(&mut self, value: f64) {
        if value == 0.0 {
            self.zeros += 1;
        } else {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
            self.tiny = self.tiny.min(value.abs());
            self.others += 1;
            if let Some(count) = times::place(value).and_then(|place| self.sane.get_mut(place)) {
                *count += 1;
            }
            self.sane[times::APPLE] += u64::from(times::is_apple(value));
        }
    }

    /// Numbers other than zero.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Every number is at most so large, whatever its sign.
    pub fn within(&self, limit: f64) -> bool {
        self.others == 0 || (self.low >= -limit && self.high <= limit)
    }

    /// Times between 1980 and 2100 in a unit.
    pub fn in_unit(&self, format: Format) -> u64 {
        times::place_of(format).and_then(|place| self.sane.get(place)).copied().unwrap_or(0)
    }
}

impl DecimalStats {
    pub(super) fn add(&mut self, other: &DecimalStats) {
        self.observe(other.integer_digits, other.scale);
    }

    pub(super) fn observe(&mut self, integer_digits: i32, scale: i32) {
        self.integer_digits = self.integer_digits.max(integer_digits);
        self.scale = self.scale.max(scale);
    }

    pub(super) fn observe_real(&mut self, value: f64) {
        // A fast path for a few decimal digits, such as cents: the nearest decimal is then also the shortest.
        if value.abs() < 1e11 && (value * 100.0).round() / 100.0 == value {
            let scale = match value {
                _ if value.trunc() == value => 0,
                _ if (value * 10.0).round() / 10.0 == value => 1,
                _ => 2,
            };
            self.observe(digits(value.abs() as u64), scale);
        } else if let Some(decimal) = Decimal::of_real(value) {
            self.observe(decimal.integer_digits, decimal.scale);
        }
    }
}

impl JsonStats {
    pub(super) fn add(&mut self, other: &JsonStats) {
        self.valid += other.valid;
        self.invalid += other.invalid;
        self.duplicate_keys += other.duplicate_keys;
        self.unfit += other.unfit;
        self.not_binary += other.not_binary;
        self.lists += other.lists;
    }

    pub(super) fn observe(&mut self, bytes: &[u8]) {
        match text::check(bytes).ok().and_then(|text| json::inspect(text.as_bytes())) {
            None => self.invalid += 1,
            Some(facts) => {
                self.valid += 1;
                self.duplicate_keys += u64::from(facts.duplicate_keys);
                self.unfit += u64::from(facts.unfit);
                self.not_binary += u64::from(facts.duplicate_keys || facts.unfit);
                self.lists += u64::from(bytes.trim_ascii_start().first() == Some(&b'['));
            }
        }
    }
}

impl Edges {
    pub(super) fn add(&mut self, other: Edges) {
        if !other.seen {
            return;
        }
        if !self.seen || other.min < self.min {
            (self.min, self.min_key) = (other.min, other.min_key);
        }
        if !self.seen || other.max > self.max {
            (self.max, self.max_key) = (other.max, other.max_key);
        }
        self.seen = true;
    }

    #[inline]
    pub(super) fn observe(&mut self, bytes: &[u8]) {
        // The first eight bytes as a number that sorts as they do.
        let key = match bytes.first_chunk::<8>() {
            Some(head) => u64::from_be_bytes(*head),
            None => bytes.iter().enumerate().fold(0, |key, (at, b)| key | (u64::from(*b) << (56 - 8 * at))),
        };
        let first = !std::mem::replace(&mut self.seen, true);
        if !first && self.min_key < key && key < self.max_key {
            return;
        }
        let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
        if first || shown < self.min.as_slice() {
            (self.min, self.min_key) = (shown.to_vec(), key);
        }
        if first || shown > self.max.as_slice() {
            (self.max, self.max_key) = (shown.to_vec(), key);
        }
    }
}

/// The first characters of a text, made readable.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(SHOWN).collect()
}
