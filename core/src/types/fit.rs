//! Whether a type holds every value that a profile counted, and which type always does.
//!
//! The rules are those of `value`, applied to counts instead of cells; a property test compares the two.

use super::profile::ColumnProfile;
use super::textform::{TextFormat, UUIDS};
use super::times::{self, MOMENTS, Unit};
use crate::value::{Format, PgType};

/// Whether a type holds what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Yes,
    No,
    /// The profile did not measure what is needed to decide.
    Unknown,
}

impl From<bool> for Fit {
    fn from(fits: bool) -> Fit {
        if fits { Fit::Yes } else { Fit::No }
    }
}

/// Whether every counted value fits `pg_type`, read by `format`, without loss.
pub fn fit(p: &ColumnProfile, pg_type: &PgType, format: Option<Format>) -> Fit {
    match *pg_type.base() {
        PgType::Bytea | PgType::Other(_) | PgType::UserDefined(_)
            if format.is_some_and(Format::is_geometry) =>
        {
            geometries(p, pg_type, format)
        }
        PgType::Bool => boolean(p).into(),
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric(_)
            if format == Some(Format::Text) && p.blobs > 0 =>
        {
            digits_in_blobs(p)
        }
        PgType::Int2 => integer(p, i16::MIN.into(), i16::MAX.into()).into(),
        PgType::Int4 => integer(p, i32::MIN.into(), i32::MAX.into()).into(),
        PgType::Int8 => integer(p, f64::NEG_INFINITY, f64::INFINITY).into(),
        PgType::Float4 => single(p),
        PgType::Float8 => double(p),
        PgType::Numeric(typmod) => numeric(p, typmod),
        PgType::Text => text(p, None),
        PgType::Varchar(limit) => text(p, limit),
        PgType::Bpchar(limit) => bpchar(p, limit),
        PgType::Bytea => bytea(p, format),
        PgType::Date => date(p, format),
        PgType::Time(digits) => time(p, digits, format),
        PgType::TimeTz(_) => timetz(p),
        PgType::Timestamp(digits) | PgType::TimestampTz(digits) => moment(p, digits, format),
        PgType::Uuid => uuid(p).into(),
        PgType::Json => json(p, false),
        PgType::Jsonb => json(p, true),
        PgType::Interval(_) => interval(p, format),
        PgType::Array(_) => list(p, format),
        PgType::Vector(_) => list(p, None),
        PgType::Money
        | PgType::Range { .. }
        | PgType::Multirange { .. }
        | PgType::Row { .. }
        | PgType::Domain { .. }
        | PgType::Other(_)
        | PgType::UserDefined(_) => {
            if p.blobs == 0 && clean(p) {
                Fit::Unknown
            } else {
                Fit::No
            }
        }
    }
}

/// Texts that are valid UTF-8 without NUL.
pub fn clean(p: &ColumnProfile) -> bool {
    p.text.invalid_utf8 + p.text.nul == 0
}

/// Texts that are numbers.
pub fn number_texts(p: &ColumnProfile) -> u64 {
    p.text.sum(&[TextFormat::Integer, TextFormat::Decimal])
}

/// Whether PostGIS takes a kind or a dimension that its modifiers do not name is not known here.
fn geometries(p: &ColumnProfile, pg_type: &PgType, format: Option<Format>) -> Fit {
    match &p.geometries {
        Some(observed) => (observed.stats.unfit_for(pg_type) == 0).into(),
        None if p.blobs == p.values() || format == Some(Format::Wkt) && p.texts == p.values() => Fit::Unknown,
        None => Fit::No,
    }
}

fn boolean(p: &ColumnProfile) -> bool {
    p.blobs == 0
        && p.integer.zeros + p.integer.ones == p.integers
        && p.real.zeros + p.real.ones == p.reals
        && p.text.count(TextFormat::BooleanWord) + p.text.zero_or_one == p.texts
}

fn integer(p: &ColumnProfile, min: f64, max: f64) -> bool {
    let in_range = p.number.low > p.number.high || (p.number.low >= min && p.number.high <= max);
    p.blobs == 0 && p.real.integral == p.reals && p.text.count(TextFormat::Integer) == p.texts && in_range
}

/// How many digits they have is not counted.
fn digits_in_blobs(p: &ColumnProfile) -> Fit {
    if p.blob.digits == p.values() { Fit::Unknown } else { Fit::No }
}

/// Which texts a double holds depends on their digits, which are not counted.
fn double(p: &ColumnProfile) -> Fit {
    let words = p.text.count(TextFormat::NumberWord);
    match number_texts(p) {
        digits if p.integer.inexact > 0 || p.blobs > 0 || digits + words != p.texts => Fit::No,
        0 => Fit::Yes,
        _ => Fit::Unknown,
    }
}

fn single(p: &ColumnProfile) -> Fit {
    const EXACT: i64 = 1 << 24;
    let edges = if p.integers > 0 { [p.integer.min, p.integer.max] } else { [0, 0] };
    if p.real.not_single || edges.iter().any(|edge| *edge as f32 as i128 != i128::from(*edge)) {
        Fit::No
    } else if edges.iter().all(|edge| (-EXACT..=EXACT).contains(edge)) {
        double(p)
    } else {
        match double(p) {
            Fit::Yes => Fit::Unknown,
            other => other,
        }
    }
}

fn numeric(p: &ColumnProfile, typmod: Option<(i32, i32)>) -> Fit {
    let words = p.text.count(TextFormat::NumberWord);
    if p.blobs > 0 || number_texts(p) + words != p.texts {
        return Fit::No;
    }
    let Some((precision, scale)) = typmod else { return Fit::Yes };
    // NaN fits, the infinities do not; which of them the words are is not counted.
    if words > 0 {
        return Fit::Unknown;
    }
    let integer_digits = i64::from(precision) - i64::from(scale);
    let whole = if p.integers > 0 { digits(p.integer.min).max(digits(p.integer.max)) } else { 0 };
    let needed = p.real.decimal.integer_digits.max(p.text.decimal.integer_digits).max(whole);
    let fits = i64::from(needed) <= integer_digits
        && p.real.decimal.scale.max(p.text.decimal.scale) <= scale
        && p.real.infinite + p.real.nan == 0
        && scale >= 0;
    if fits && p.reals > 0 && !p.decimals_measured() { Fit::Unknown } else { fits.into() }
}

fn digits(value: i64) -> i32 {
    value.unsigned_abs().checked_ilog10().map_or(0, |log| log as i32 + 1)
}

fn text(p: &ColumnProfile, limit: Option<u32>) -> Fit {
    // No real's text is longer than -1.7976931348623157e+308.
    const LONGEST_REAL: u64 = 24;
    let integer = |value: i64| if p.integers > 0 { value.to_string().len() as u64 } else { 0 };
    let known = p.longest_text().max(integer(p.integer.min)).max(integer(p.integer.max));
    let limit = limit.map_or(u64::MAX, u64::from);
    if p.blobs > 0 || !clean(p) || known > limit {
        Fit::No
    } else if p.reals > 0 && LONGEST_REAL > limit {
        Fit::Unknown
    } else {
        Fit::Yes
    }
}

/// Trailing spaces are kept only if the text fills the width.
fn bpchar(p: &ColumnProfile, limit: Option<u32>) -> Fit {
    match text(p, limit) {
        Fit::Yes if p.text.trailing_space > 0 => Fit::Unknown,
        fit => fit,
    }
}

/// Arrays and vectors: counts texts that do not look like a list. Only the load reads the elements.
fn list(p: &ColumnProfile, format: Option<Format>) -> Fit {
    let brackets = p.text.sum(&[TextFormat::JsonLike, TextFormat::Other]);
    let possible = match format {
        Some(Format::Comma) => p.blobs == 0,
        _ => p.numbers() == 0 && brackets == p.texts,
    };
    if possible && clean(p) { Fit::Unknown } else { Fit::No }
}

fn bytea(p: &ColumnProfile, format: Option<Format>) -> Fit {
    match format {
        _ if p.numbers() > 0 && format != Some(Format::Text) => Fit::No,
        Some(Format::Hex | Format::Base64) if p.texts > 0 => Fit::Unknown,
        _ => Fit::Yes,
    }
}

fn date(p: &ColumnProfile, format: Option<Format>) -> Fit {
    let days = p.text.count(TextFormat::Date);
    if days == p.values() {
        Fit::Yes
    } else if moment(p, 6, format) != Fit::No {
        // A time at midnight fits; midnights are not counted.
        Fit::Unknown
    } else {
        Fit::No
    }
}

fn time(p: &ColumnProfile, digits: u32, format: Option<Format>) -> Fit {
    let counted = format.is_some_and(Format::is_duration);
    let times = p.text.count(TextFormat::Time) + p.text.dayless;
    if times == p.values() {
        (p.text.clock_digits <= digits).into()
    } else if counted && p.blobs == 0 && times + number_texts(p) == p.texts {
        Fit::Unknown
    } else {
        Fit::No
    }
}

fn timetz(p: &ColumnProfile) -> Fit {
    // The profile has no separate form for a time with an offset.
    let times = p.text.sum(&[TextFormat::Time, TextFormat::Other]);
    if p.blobs + p.numbers() == 0 && times == p.texts { Fit::Unknown } else { Fit::No }
}

fn moment(p: &ColumnProfile, digits: u32, format: Option<Format>) -> Fit {
    let texts = p.text.sum(&MOMENTS) + number_texts(p) == p.texts;
    if p.blobs > 0 || !texts || p.text.clock_digits > digits {
        Fit::No
    } else if p.numbers() + number_texts(p) == 0 {
        Fit::Yes
    } else {
        format.and_then(times::unit_of).map_or(Fit::No, |unit| epoch(p, digits, unit))
    }
}

/// Whether every number is an instant that PostgreSQL can hold, and a multiple of a microsecond or of the type's
/// precision.
fn epoch(p: &ColumnProfile, digits: u32, unit: &Unit) -> Fit {
    // Far inside of what a timestamp holds.
    let within = times::held(p, unit);
    let decimals = p.text.count(TextFormat::Decimal) == 0 || p.text.decimal.scale <= unit.decimals;
    let micros = unit.format != Format::UnixEpochNs || p.integer.sub_micro == 0;
    if !within || !decimals || !micros || p.real.nan > 0 {
        return Fit::No;
    }
    let step = 10i64.pow(unit.digits.saturating_sub(digits));
    match digits {
        6 => Fit::Yes,
        // Reals may need any digit.
        _ if p.reals + number_texts(p) > 0 => Fit::Unknown,
        _ if step == 1 => Fit::Yes,
        _ if unit.format == Format::JulianDay => Fit::Unknown,
        _ if p.integer.min % step == 0 && p.integer.max % step == 0 => Fit::Unknown,
        _ => Fit::No,
    }
}

fn uuid(p: &ColumnProfile) -> bool {
    p.numbers() == 0 && p.text.sum(&UUIDS) == p.texts && p.blob.sixteen == p.blobs
}

fn json(p: &ColumnProfile, binary: bool) -> Fit {
    // No text of a document is a blob of that form.
    if p.real.infinite + p.real.nan > 0 || p.respelled.binary_json() > 0 {
        return Fit::No;
    }
    if p.texts + p.blobs > 0 && !p.json_measured() {
        let possible = p.text.count(TextFormat::Empty) == 0 && clean(p) && p.blob.json.invalid == 0;
        return if possible { Fit::Unknown } else { Fit::No };
    }
    let (text, blob) = (&p.text.json, &p.blob.json);
    let valid = text.valid == p.texts && blob.valid == p.blobs;
    let kept = text.duplicate_keys + text.unfit + blob.duplicate_keys + blob.unfit == 0;
    (valid && (kept || !binary)).into()
}

fn interval(p: &ColumnProfile, format: Option<Format>) -> Fit {
    let counted = format.is_some_and(Format::is_duration);
    let unlike = p.blobs > 0 || !clean(p) || p.text.count(TextFormat::Empty) + p.text.too_fine() > 0;
    if unlike || (p.numbers() > 0 && !counted) { Fit::No } else { Fit::Unknown }
}

/// The narrowest type that holds everything counted, and the format that it needs; `None` when nothing is stored.
pub fn lossless(p: &ColumnProfile) -> Option<(PgType, Option<Format>)> {
    let pg_type = if p.values() == 0 {
        return None;
    } else if p.blobs > 0 || !clean(p) {
        // bytea holds everything, numbers as the bytes of their text.
        return Some((PgType::Bytea, (p.numbers() > 0).then_some(Format::Text)));
    } else if p.texts > 0 {
        PgType::Text
    } else if p.reals == 0 {
        PgType::Int8
    } else if p.integer.inexact == 0 {
        PgType::Float8
    } else {
        PgType::Numeric(None)
    };
    Some((pg_type, None))
}
