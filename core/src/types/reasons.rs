//! Why a type was chosen, or cannot hold every value, in a few words.

use super::decide::Decision;
use super::fit::{fit, number_texts};
use super::invalid::invalid_values;
use super::rules::{Declared, Family};
use super::textform::TextFormat;
use super::words::{grouped, stored, values, values_are};
use super::{ColumnProfile, Fit, Question};
use crate::value::PgType;

/// What the reason adds to the counts.
pub fn reason_note(q: &Question<'_>, declared: &Declared, p: &ColumnProfile, d: &Decision) -> String {
    if d.by_plan {
        return "the plan's types".to_owned();
    }
    let declared_as = q.column.declared.trim();
    match d.chosen.pg_type {
        PgType::Timestamp(_) if p.numbers() > 0 => "without offset, in the plan's timezone".to_owned(),
        PgType::Timestamp(_) => "without offset, kept as written".to_owned(),
        PgType::TimestampTz(_) if p.text.sum(&[TextFormat::Date, TextFormat::DateTime]) > 0 => {
            "texts without offset are read in the plan's timezone".to_owned()
        }
        PgType::Varchar(Some(_)) if declared.family == Family::Char => {
            format!("the longest has {}; SQLite does not pad {declared_as}", characters(p))
        }
        PgType::Varchar(Some(_)) => format!("the longest has {}", characters(p)),
        PgType::Text if declared.length().is_some() && p.texts > 0 => {
            format!("the longest has {}", characters(p))
        }
        PgType::Int8 if q.rowid_alias => "alias of the rowid".to_owned(),
        _ => String::new(),
    }
}

/// Why a type does not hold every value, in a few words; `becomes` is the type that is chosen instead.
pub fn obstacle(p: &ColumnProfile, wanted: &PgType, becomes: &PgType) -> String {
    let only_numbers = p.blobs == 0 && number_texts(p) == p.texts;
    match *wanted.base() {
        _ if p.text.invalid_utf8 > 0 => {
            format!("{} text that is not valid UTF-8", values_are(p.text.invalid_utf8))
        }
        _ if p.text.nul > 0 => format!("{} text with a NUL character", values_are(p.text.nul)),
        PgType::Bool if p.blobs == 0 => no_booleans(p),
        PgType::Varchar(_) | PgType::Bpchar(_) if p.blobs == 0 => {
            format!("the longest text has {}", characters(p))
        }
        PgType::Int2 | PgType::Int4 if p.integers == p.values() => {
            format!("the values go from {} to {}", p.integer.min, p.integer.max)
        }
        PgType::Numeric(Some(_)) if only_numbers => "some values need more digits".to_owned(),
        PgType::Float4 if only_numbers && p.real.not_single => "some values need more digits".to_owned(),
        PgType::Json | PgType::Jsonb if p.respelled.binary_json() > 0 => {
            format!("{} JSON in SQLite's binary form", values_are(p.respelled.binary_json()))
        }
        PgType::Jsonb if *becomes == PgType::Json => {
            let twice = p.text.json.duplicate_keys + p.blob.json.duplicate_keys;
            format!("{} with a key twice, of which jsonb keeps one", documents(twice))
        }
        PgType::Jsonb if fit(p, &PgType::Json, None) == Fit::Yes => {
            let unfit = p.text.json.unfit + p.blob.json.unfit;
            format!("{} with \\u0000 or something else that jsonb refuses", documents(unfit))
        }
        PgType::Time(_) | PgType::Timestamp(_) | PgType::TimestampTz(_) | PgType::Interval(_)
            if p.text.too_fine() > 0 =>
        {
            format!("{} more precise than microseconds", values_are(p.text.too_fine()))
        }
        PgType::Time(n) | PgType::Timestamp(n) | PgType::TimestampTz(n) if p.text.clock_digits > n => {
            format!("some times have {} digits after the second", p.text.clock_digits)
        }
        _ => stored(p, None, true),
    }
}

/// `1 value is a document`, `12 values are documents`.
fn documents(count: u64) -> String {
    format!("{} {}", values_are(count), if count == 1 { "a document" } else { "documents" })
}

/// `1 of 2 values is no boolean: 2`
fn no_booleans(p: &ColumnProfile) -> String {
    let (invalid, total) = (invalid_values(p, &PgType::Bool, None).unwrap_or_default(), p.values());
    let integer = [p.integer.max, p.integer.min].into_iter().find(|i| p.integers > 0 && !(0..=1).contains(i));
    let real = [p.real.max, p.real.min].into_iter().find(|r| p.reals > 0 && *r != 0.0 && *r != 1.0);
    let texts = || p.text.no_boolean.as_ref().map(|text| format!("\"{text}\""));
    let example = integer.map(|i| i.to_string()).or(real.map(|r| r.to_string())).or_else(texts);
    let example = example.map(|value| match invalid {
        1 => format!(": {value}"),
        _ => format!(", such as {value}"),
    });
    let verb = if invalid == 1 { "is no boolean" } else { "are no booleans" };
    format!("{} of {} {verb}{}", grouped(invalid), values(total), example.unwrap_or_default())
}

fn characters(p: &ColumnProfile) -> String {
    let (one, many) = if p.reading.of_bytes { ("byte", "bytes") } else { ("character", "characters") };
    match p.longest_text() {
        1 => format!("1 {one}"),
        n => format!("{} {many}", grouped(n)),
    }
}
