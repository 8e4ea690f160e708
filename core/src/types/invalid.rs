//! How many of the values that a profile has counted do not fit a type: what `on_invalid` would cost.
//!
//! `fit` decides whether all do. Here a number is given only where the counts say it exactly, or more.

use super::fit::{Fit, fit, number_texts};
use super::profile::ColumnProfile;
use super::textform::{TextFormat, UUIDS};
use super::times::MOMENTS;
use crate::value::{Format, PgType};

/// The number of values that do not fit; `None` where the profile does not say.
pub fn invalid_values(p: &ColumnProfile, pg_type: &PgType, format: Option<Format>) -> Option<u64> {
    if fit(p, pg_type, format) == Fit::Yes {
        return Some(0);
    }
    let other_texts = |fitting: u64| p.texts.saturating_sub(fitting);
    let all_numbers_fit = |as_numbers: &ColumnProfile| fit(as_numbers, pg_type, format) != Fit::No;
    match *pg_type.base() {
        PgType::Bytea | PgType::Other(_) | PgType::UserDefined(_)
            if format.is_some_and(Format::is_geometry) =>
        {
            p.geometries.as_ref().map(|observed| observed.stats.unfit_for(pg_type))
        }
        PgType::Bool => {
            let integers = p.integers - (p.integer.zeros + p.integer.ones);
            let reals = p.reals - (p.real.zeros + p.real.ones);
            let words = p.text.count(TextFormat::BooleanWord) + p.text.zero_or_one;
            Some(p.blobs + integers + reals + other_texts(words))
        }
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric(_)
            if format == Some(Format::Text) && p.blobs > 0 =>
        {
            None
        }
        PgType::Int2 | PgType::Int4 | PgType::Int8 => {
            // Texts of integers, and reals without a fraction, are in the same range as the rest.
            let whole = narrowed(p, p.real.integral, integer_texts(p));
            let invalid = p.blobs + (p.reals - p.real.integral) + other_texts(integer_texts(p));
            all_numbers_fit(&whole).then_some(invalid)
        }
        PgType::Float8 | PgType::Numeric(None) => {
            let texts = number_texts(p) + p.text.count(TextFormat::NumberWord);
            all_numbers_fit(&narrowed(p, p.reals, texts)).then_some(p.blobs + other_texts(texts))
        }
        PgType::Timestamp(digits) | PgType::TimestampTz(digits) if p.text.clock_digits <= digits => {
            let times = p.text.sum(&MOMENTS);
            let (numbers, texts) = match format {
                Some(_) => (0, times + number_texts(p)),
                None => (p.numbers(), times),
            };
            let sound = format.is_none() || all_numbers_fit(&narrowed(p, p.reals, texts));
            sound.then_some(p.blobs + numbers + other_texts(texts))
        }
        // A time of day may be midnight, which fits.
        PgType::Date if p.text.sum(&MOMENTS) == p.text.count(TextFormat::Date) && format.is_none() => {
            Some(p.blobs + p.numbers() + other_texts(p.text.count(TextFormat::Date)))
        }
        PgType::Time(digits)
            if p.text.clock_digits <= digits && p.text.sum(&MOMENTS) == 0 && format.is_none() =>
        {
            Some(p.blobs + p.numbers() + other_texts(p.text.count(TextFormat::Time)))
        }
        PgType::Uuid => Some(p.numbers() + other_texts(p.text.sum(&UUIDS)) + (p.blobs - p.blob.sixteen)),
        PgType::Json | PgType::Jsonb if p.json_measured() => {
            let valid = p.text.json.valid + p.blob.json.valid;
            let kept = match pg_type.base() {
                PgType::Json => valid,
                _ => valid - p.text.json.not_binary - p.blob.json.not_binary,
            };
            Some(p.real.infinite + p.real.nan + p.texts + p.blobs - kept)
        }
        PgType::Text if p.text.invalid_utf8 == 0 || p.text.nul == 0 => {
            Some(p.blobs + p.text.invalid_utf8 + p.text.nul)
        }
        _ => None,
    }
}

/// The same profile with fewer reals and texts, and without blobs.
fn narrowed(p: &ColumnProfile, reals: u64, texts: u64) -> ColumnProfile {
    let mut narrowed = p.clone();
    (narrowed.reals, narrowed.texts, narrowed.blobs) = (reals, texts, 0);
    narrowed
}

fn integer_texts(p: &ColumnProfile) -> u64 {
    p.text.count(TextFormat::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Cell;

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_else() {
        let (one, half, big) = (Cell::Integer(1), Cell::Real(0.5), Cell::Integer(70_000));
        let (text, number, empty) = (Cell::Text(b"x"), Cell::Text(b"12"), Cell::Text(b""));
        let (day, time) = (Cell::Text(b"2020-01-02"), Cell::Text(b"10:00:00"));
        let uuid = Cell::Text(b"3f2504e0-4f89-41d3-9a0c-0305e82c3301");
        for (pg_type, format, cells, expected) in [
            ("bigint", None, &[one, text, half, number][..], Some(2)),
            ("smallint", None, &[one, text], Some(1)),
            // How many are out of range is not counted.
            ("smallint", None, &[one, big], None),
            ("boolean", None, &[one, number, half, text, Cell::Text(b"t")], Some(3)),
            ("double precision", None, &[one, half, text, empty], Some(2)),
            ("numeric", None, &[number, Cell::Blob(b"x")], Some(1)),
            ("numeric(3,1)", None, &[Cell::Text(b"1234.5")], None),
            ("timestamp", None, &[day, text, empty, one], Some(3)),
            ("timestamptz", Some(Format::UnixEpoch), &[Cell::Integer(1_600_000_000), day, text], Some(1)),
            ("date", None, &[day, empty, one], Some(2)),
            ("date", None, &[Cell::Text(b"2020-01-02 00:00:00")], None),
            ("time", None, &[time, day], None),
            ("time", None, &[time, text], Some(1)),
            ("uuid", None, &[uuid, text, Cell::Blob(&[0; 16]), Cell::Blob(b"x")], Some(2)),
            ("text", None, &[text, one, Cell::Blob(b"x"), Cell::Text(b"\xff")], Some(2)),
            ("varchar(3)", None, &[Cell::Text(b"abcd")], None),
            ("bigint", None, &[one, Cell::Null], Some(0)),
        ] {
            let mut profile = ColumnProfile::default();
            cells.iter().for_each(|cell| profile.observe(*cell));
            assert_eq!(
                invalid_values(&profile, &PgType::parse(pg_type), format),
                expected,
                "{pg_type} {cells:?}"
            );
        }
    }
}
