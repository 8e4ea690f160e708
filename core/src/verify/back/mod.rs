//! Turns PostgreSQL's values round: is this value what that cell of SQLite's has to become?
//!
//! Written apart from the loader's conversions (`value`), and without a call of theirs, from what docs/types.md says:
//! one error cannot be made on both sides. What both share is data: the plan's words, formats and lists.
//!
//! A cell that has another form in PostgreSQL, as the plan states, is [`Verdict::Normalised`]; one that lost something is
//! [`Verdict::Different`]. What a type's own functions alone can tell ([`Verdict::Unknown`]) is never called equal.

mod cell;
mod form;
mod geometry;
mod json;
mod key;
mod kind;
mod meant;
mod number;
mod real;
mod span;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod time;
mod vector;
mod verdict;
mod wkt;

use std::borrow::Cow;

pub use self::json::Document;
pub use self::json::{read as read_json, read_all as read_json_all};
use self::kind::Kind;
pub use self::meant::Meant;
pub use self::number::{Decimal, Number};
use self::real::{bits, double, single};
pub use self::span::{Span, read as read_interval};
use self::time::{DAY, MICRO, Zone};
pub use self::time::{clock as print_clock, date as print_day, printed as print_moment, read as read_time};
use self::vector::Vector;
pub use self::verdict::{Normalisation, Verdict};
use crate::plan::LoadColumn;
use crate::value::batch::OnInvalid;
use crate::value::boolean::Words;
use crate::value::encoding::TextReading;
use crate::value::native::Native;
use crate::value::{Cell, Excess, Format, PgType, ValueList};

/// What the database knows of a column beyond its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// An enum: a value is printed as it was read.
    pub enumeration: bool,
    /// A domain's checks may have refused a value.
    pub domain: bool,
    /// Keys without a parent became NULL.
    pub orphans: bool,
}

/// The way from the values of one column back to the file's cells.
#[derive(Debug, Clone)]
pub struct Way {
    kind: Kind,
    vector: Option<Vector>,
    format: Option<Format>,
    zone: Zone,
    words: Words,
    texts: TextReading,
    excess: Excess,
    null_values: ValueList,
    becomes_null: bool,
    nullable: bool,
    defaulted: bool,
    facts: Facts,
}

/// What a cell means, or a value says: equal if they are the same.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    Bool(bool),
    Integer(i64),
    Number(Number),
    /// The bits: -0.0 is not 0.0.
    Double(u64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// Picoseconds, of a moment or a day since 1970-01-01.
    Time(i128),
    /// And those east of Greenwich.
    TimeTz(i128, i128),
    Span(Span),
    Uuid([u8; 16]),
}

/// With what is different about its form.
type Meaning<'a> = (Value<'a>, Option<Normalisation>);

impl Way {
    /// `pg_type` is what the database's column has now. `None` for a time zone that there is not.
    pub fn new(column: &LoadColumn, pg_type: &PgType, timezone: &str, facts: Facts) -> Option<Way> {
        Some(Way {
            kind: Kind::of(pg_type, column),
            vector: Vector::of(pg_type),
            format: column.format,
            zone: Zone::parse(timezone)?,
            words: column.words.clone(),
            texts: column.texts,
            excess: column.excess,
            null_values: column.null_values.clone(),
            becomes_null: column.on_invalid == OnInvalid::Null,
            nullable: !column.not_null,
            defaulted: column.default.is_some(),
            facts,
        })
    }

    /// Whether `value` is what `cell` has to become.
    pub fn compare(&self, cell: Cell<'_>, value: &Native<'_>) -> Verdict {
        match self.recoded(cell) {
            Some((text, form)) => match self.compare_read(Cell::Text(&text), value) {
                Verdict::Equal => Verdict::Normalised(form),
                verdict => verdict,
            },
            None => self.compare_read(cell, value),
        }
    }

    /// The text that the plan reads instead of the stored one, if it is another.
    fn recoded(&self, cell: Cell<'_>) -> Option<(Vec<u8>, Normalisation)> {
        match cell {
            Cell::Text(bytes) if self.texts != TextReading::default() => text::recoded(bytes, self.texts),
            _ => None,
        }
    }

    /// The same of a cell whose text is as the plan reads it.
    fn compare_read(&self, cell: Cell<'_>, value: &Native<'_>) -> Verdict {
        match (cell, value) {
            // Nearly all cells there are.
            (Cell::Integer(cell), Native::Integer(value)) if self.format.is_none() => equal(cell == *value),
            (Cell::Text(cell), Native::Text(value)) if cell == value.as_bytes() => Verdict::Equal,
            // Of a database without an encoding, only texts that are UTF-8 can be read here.
            (Cell::Text(cell), _) if self.texts.of_bytes && std::str::from_utf8(cell).is_err() => {
                Verdict::Unknown
            }
            (Cell::Null, Native::Null) => Verdict::Equal,
            (Cell::Null, _) if self.defaulted => Verdict::Normalised(Normalisation::Defaulted),
            (Cell::Null, _) => Verdict::Different,
            (cell, Native::Null) => self.missing(cell),
            (cell, value) => match self.compare_values(cell, value) {
                // What became NULL became the default.
                Verdict::Different if self.defaulted && self.missing(cell) != Verdict::Different => {
                    Verdict::Normalised(Normalisation::Defaulted)
                }
                verdict => verdict,
            },
        }
    }

    /// A cell in place of which there is NULL.
    fn missing(&self, cell: Cell<'_>) -> Verdict {
        let fits = self.has_to_fit(cell);
        if !fits && self.null_values.holds(cell) {
            return Verdict::Normalised(Normalisation::ListedNull);
        }
        if !fits && self.becomes_null {
            return Verdict::Normalised(Normalisation::InvalidNull);
        }
        if self.facts.orphans {
            return Verdict::Normalised(Normalisation::Orphan);
        }
        Verdict::Different
    }

    /// The column takes the cell. What only the type or a domain's check can tell, the plan's word is taken for.
    fn has_to_fit(&self, cell: Cell<'_>) -> bool {
        self.is_readable(cell) == Some(true) && !self.facts.domain
    }

    /// The column can hold the cell; `None` where only its type can tell.
    fn is_readable(&self, cell: Cell<'_>) -> Option<bool> {
        match self.kind {
            Kind::Printed => None,
            Kind::Json | Kind::Jsonb => {
                let read = document(cell).and_then(|text| json::read(&text));
                Some(read.is_some_and(|document| self.kind == Kind::Json || !document.has_nul()))
            }
            _ => Some(self.meaning(cell).is_some()),
        }
    }

    fn compare_values(&self, cell: Cell<'_>, value: &Native<'_>) -> Verdict {
        match (self.kind, value) {
            (Kind::Json | Kind::Jsonb, Native::Printed(printed)) => return self.compare_json(cell, printed),
            (Kind::Printed, Native::Printed(printed)) => return self.compare_printed(cell, printed),
            _ => {}
        }
        if let Cell::Text(text) = cell
            && printed(value).is_some_and(|printed| printed.as_bytes() == text)
        {
            return Verdict::Equal;
        }
        let Some(found) = self.found(value) else { return Verdict::Different };
        match self.meaning(cell) {
            Some((meaning, form)) if meaning == found => match form.or_else(|| self.respelled(cell, value)) {
                Some(form) => Verdict::Normalised(form),
                None => Verdict::Equal,
            },
            // A cell that fits loses nothing.
            None if self.is_shortened(cell, &found) => Verdict::Normalised(Normalisation::Shortened),
            _ => Verdict::Different,
        }
    }

    fn compare_json(&self, cell: Cell<'_>, printed: &str) -> Verdict {
        let Some(text) = document(cell) else { return Verdict::Different };
        match text == printed {
            true if matches!(cell, Cell::Text(_)) => Verdict::Equal,
            true => Verdict::Normalised(Normalisation::StorageClass),
            // `json` keeps every character; a real is not an integer there.
            false
                if self.kind == Kind::Json
                    && !(matches!(cell, Cell::Real(_)) && printed.contains(['.', 'e'])) =>
            {
                Verdict::Different
            }
            false => match json::read(&text).zip(json::read(printed)) {
                // A real has no digits of its own after those that it needs; one without an exponent has a point.
                Some((Document::Number(stored, _), Document::Number(found, scale)))
                    if let Cell::Real(real) = cell
                        && stored == found
                        && (scale > 0 || real.abs() >= 1e15) =>
                {
                    Verdict::Normalised(Normalisation::JsonSpelling)
                }
                Some((stored, found)) if stored == found => Verdict::Normalised(Normalisation::JsonSpelling),
                _ => Verdict::Different,
            },
        }
    }

    fn compare_printed(&self, cell: Cell<'_>, printed: &str) -> Verdict {
        match self.text(cell) {
            Some((text, None)) if text == printed => Verdict::Equal,
            Some((text, Some(form))) if text == printed => Verdict::Normalised(form),
            _ if self.facts.enumeration => Verdict::Different,
            _ => self.vector.map_or(Verdict::Unknown, |vector| vector.compare(cell, printed)),
        }
    }

    /// What a value of the column's type says; `None` for one that no cell can become.
    fn found<'a>(&self, value: &'a Native<'_>) -> Option<Value<'a>> {
        Some(match (self.kind, value) {
            (_, Native::Bool(truth)) => Value::Bool(*truth),
            (_, Native::Integer(integer)) => Value::Integer(*integer),
            (_, Native::Float(real)) => Value::Double(bits(*real)),
            (Kind::Geometry(_), Native::Printed(digits)) => Value::Bytes(geometry::printed(digits)?.into()),
            (Kind::Bpchar(_), Native::Text(text)) => Value::Text(text.trim_end_matches(' ').into()),
            (_, Native::Text(text)) => Value::Text(text.as_ref().into()),
            (_, Native::Bytes(bytes)) => Value::Bytes(bytes.as_ref().into()),
            (_, Native::Uuid(bytes)) => Value::Uuid(*bytes),
            (_, Native::Date(day)) => Value::Time(time::day(*day)?),
            (_, Native::Time(micros)) => Value::Time(i128::from(*micros) * MICRO),
            (_, Native::Timestamp(micros) | Native::TimestampTz(micros)) => {
                Value::Time(time::moment(*micros)?)
            }
            (Kind::Numeric(_) | Kind::Money, Native::Printed(text)) => Value::Number(Number::parse(text)?),
            (Kind::Interval(_), Native::Printed(text)) => Value::Span(span::read(text)?),
            (Kind::TimeTz(_), Native::Printed(text)) => {
                let written = time::read(text)?;
                Value::TimeTz(written.clock?, written.offset?)
            }
            (_, Native::Printed(text)) => Value::Text(text.as_ref().into()),
            (_, Native::Null) => return None,
        })
    }

    /// What the cell has to become; `None` if the column cannot hold it as it is.
    fn meaning<'a>(&self, cell: Cell<'a>) -> Option<Meaning<'a>> {
        match self.kind {
            Kind::Bool => self.truth(cell),
            Kind::Integer { min, max } => self
                .integer(cell)
                .filter(|(value, _)| matches!(value, Value::Integer(i) if (min..=max).contains(i))),
            Kind::Float4 => single(cell),
            Kind::Float8 => double(cell),
            Kind::Numeric(limit) => {
                let fits =
                    |number: &Number| limit.is_none_or(|(precision, scale)| number.fits(precision, scale));
                self.number(cell).filter(fits).map(|number| (Value::Number(number), None))
            }
            Kind::Money => {
                self.money(cell).filter(|number| number.fits(19, 2)).map(|n| (Value::Number(n), None))
            }
            Kind::Text(limit) => {
                let (text, form) = self.text(cell).filter(|(text, _)| self.is_within(text, limit))?;
                Some((Value::Text(text), form))
            }
            Kind::Bpchar(limit) => {
                let (text, form) = self.text(cell).filter(|(text, _)| self.is_within(text, limit))?;
                let full = limit.is_some_and(|limit| text.chars().count() == limit as usize);
                if text.ends_with(' ') && !full {
                    return None;
                }
                Some((Value::Text(text.trim_end_matches(' ').to_owned().into()), form))
            }
            Kind::Bytea => self.bytes(cell),
            Kind::Geometry(ask) => {
                Some((Value::Bytes(ask.meant(cell)?.into()), Some(Normalisation::Container)))
            }
            Kind::Date => self.day(cell).map(|day| (Value::Time(day), None)),
            Kind::Time(step) => {
                self.clock(cell).filter(|t| (0..DAY).contains(t) && t % step == 0).map(as_time)
            }
            Kind::TimeTz(step) => self
                .offset_clock(cell)
                .filter(|(t, _)| t % step == 0)
                .map(|(t, offset)| (Value::TimeTz(t, offset), None)),
            Kind::Timestamp(step) => self.wall(cell).filter(|t| t % step == 0 && held(*t)).map(as_time),
            Kind::TimestampTz(step) => self.instant(cell).filter(|t| t % step == 0 && held(*t)).map(as_time),
            Kind::Interval(kept) => self
                .span(cell)
                .filter(|span| span.is_held() && kept.holds(span))
                .map(|span| (Value::Span(span), None)),
            Kind::Uuid => text::uuid(cell).map(|bytes| (Value::Uuid(bytes), None)),
            Kind::Json | Kind::Jsonb | Kind::Printed => None,
        }
    }

    /// Whether the cell is spelled otherwise than PostgreSQL prints the value that it means.
    fn respelled(&self, cell: Cell<'_>, value: &Native<'_>) -> Option<Normalisation> {
        let (spelled, other) = match (self.kind, value) {
            (Kind::Numeric(_) | Kind::Money, Native::Printed(text)) => {
                let same = match cell {
                    Cell::Integer(number) => number.to_string() == *text,
                    Cell::Real(real) => format!("{real}") == *text || format!("{real:?}") == *text,
                    Cell::Text(bytes) => bytes == text.as_bytes(),
                    _ => return Some(Normalisation::StorageClass),
                };
                (same, Normalisation::NumberSpelling)
            }
            (_, Native::Uuid(_)) if !matches!(cell, Cell::Text(_)) => {
                return Some(Normalisation::StorageClass);
            }
            (_, Native::Uuid(_)) => (false, Normalisation::UuidSpelling),
            (Kind::Bpchar(_), Native::Text(text)) => (!text.ends_with(' '), Normalisation::Blanks),
            (Kind::Interval(_) | Kind::TimeTz(_), Native::Printed(printed)) => match cell {
                Cell::Text(text) if matches!(self.kind, Kind::Interval(_)) => {
                    (text == printed.as_bytes(), Normalisation::IntervalSpelling)
                }
                Cell::Text(text) => (text == printed.as_bytes(), Normalisation::TimeSpelling),
                _ => (true, Normalisation::IntervalSpelling),
            },
            // A text that is spelled as it is printed does not come here; numbers are not spelled.
            (_, Native::Date(_) | Native::Time(_) | Native::Timestamp(_) | Native::TimestampTz(_)) => {
                (!matches!(cell, Cell::Text(_)), Normalisation::TimeSpelling)
            }
            _ => return None,
        };
        (!spelled).then_some(other)
    }

    /// The value is the cell without what is too much of it, which the plan lets go.
    fn is_shortened(&self, cell: Cell<'_>, found: &Value<'_>) -> bool {
        let rounds = match self.excess {
            Excess::Error => return false,
            Excess::Round => true,
            Excess::Truncate => false,
        };
        // Digits beyond microseconds go first, then those beyond the column's. Of a half, and of a count before its epoch,
        // both neighbours may be right.
        let near = |wanted: Option<i128>, found: i128, step: i128| {
            let Some(wanted) = wanted else { return false };
            let before = wanted.div_euclid(MICRO) * MICRO;
            [before, before + MICRO].into_iter().any(|micros| match rounds {
                true => 2 * (micros - wanted).abs() <= MICRO && 2 * (micros - found).abs() <= step,
                false => (micros <= wanted || wanted < 0) && (0..step).contains(&(micros - found)),
            })
        };
        match (self.kind, found) {
            (Kind::Time(step), Value::Time(found)) => near(self.clock(cell), *found, step),
            (Kind::Timestamp(step), Value::Time(found)) => near(self.wall(cell), *found, step),
            (Kind::TimestampTz(step), Value::Time(found)) => near(self.instant(cell), *found, step),
            (Kind::TimeTz(step), Value::TimeTz(found, east)) => {
                let wanted = self.offset_clock(cell).filter(|(_, offset)| offset == east);
                near(wanted.map(|(time, _)| time), *found, step)
            }
            (Kind::Interval(kept), Value::Span(found)) => self.span(cell).is_some_and(|wanted| {
                let apart = (wanted.months, wanted.days) == (found.months, found.days);
                // Towards zero or away from it, on either side.
                let sign = wanted.time.signum();
                apart && near(Some(sign * wanted.time), sign * found.time, kept.time.unwrap_or(MICRO))
            }),
            (Kind::Numeric(Some((_, scale))), Value::Number(Number::Finite(found))) => {
                match self.number(cell) {
                    Some(Number::Finite(wanted)) => wanted.is_shortened(found, scale, rounds),
                    _ => false,
                }
            }
            (Kind::Text(Some(limit)) | Kind::Bpchar(Some(limit)), Value::Text(found)) => {
                let Some((text, _)) = self.text(cell).filter(|_| !rounds) else { return false };
                let kept = match self.texts.of_bytes {
                    true => text.floor_char_boundary(limit as usize),
                    false => text.char_indices().nth(limit as usize).map_or(text.len(), |(at, _)| at),
                };
                let kept = text.get(..kept).unwrap_or(&text);
                match self.kind {
                    Kind::Bpchar(_) => kept.trim_end_matches(' ') == found,
                    _ => kept == found,
                }
            }
            _ => false,
        }
    }

    /// A database without an encoding counts bytes.
    fn is_within(&self, text: &str, limit: Option<u32>) -> bool {
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        text.len() <= limit || !self.texts.of_bytes && text.chars().count() <= limit
    }
}

fn equal(is: bool) -> Verdict {
    if is { Verdict::Equal } else { Verdict::Different }
}

fn as_time<'a>(time: i128) -> Meaning<'a> {
    (Value::Time(time), None)
}

/// The range of PostgreSQL's timestamps: 4713 BC to 294276 AD.
fn held(time: i128) -> bool {
    let second = 1_000_000 * MICRO;
    (-210_866_803_200 * second..9_224_318_016_000 * second).contains(&time)
}

/// The JSON text that a cell holds.
fn document(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Text(bytes) | Cell::Blob(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cell::Integer(number) => Some(number.to_string().into()),
        Cell::Real(real) if real.is_finite() => Some(text::of_real(real).into()),
        Cell::Real(_) | Cell::Null => None,
    }
}

/// A time or UUID as PostgreSQL prints it in ISO style, in UTC.
fn printed(value: &Native<'_>) -> Option<String> {
    match value {
        Native::Uuid(bytes) => Some(::uuid::Uuid::from_bytes(*bytes).hyphenated().to_string()),
        Native::Date(day) => time::day(*day).and_then(time::date),
        Native::Time(micros) => Some(time::clock(i128::from(*micros) * MICRO)),
        Native::Timestamp(micros) => time::moment(*micros).and_then(time::printed),
        Native::TimestampTz(micros) => Some(time::moment(*micros).and_then(time::printed)? + "+00"),
        _ => None,
    }
}
