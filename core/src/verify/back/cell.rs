//! What a cell means as a value of its column's type.

use std::borrow::Cow;

use super::number::Number;
use super::span::{self, Span};
use super::text;
use super::time::{self, Count, DAY, Zone};
use super::{Meaning, Normalisation, Value, Way};
use crate::value::{Cell, Format};

impl Way {
    pub(super) fn truth<'a>(&self, cell: Cell<'a>) -> Option<Meaning<'a>> {
        let listed = |truth| (Value::Bool(truth), Some(Normalisation::BooleanSpelling));
        match cell {
            cell if self.words.truths.holds(cell) => Some(listed(true)),
            cell if self.words.falsehoods.holds(cell) => Some(listed(false)),
            Cell::Integer(0 | 1) => Some((Value::Bool(cell == Cell::Integer(1)), None)),
            Cell::Real(real) if real == 0.0 || real == 1.0 => {
                Some((Value::Bool(real == 1.0), Some(Normalisation::StorageClass)))
            }
            Cell::Text(text) => text::truth(text).map(listed),
            _ => None,
        }
    }

    pub(super) fn integer<'a>(&self, cell: Cell<'a>) -> Option<Meaning<'a>> {
        let other = |integer| Some((Value::Integer(integer), Some(Normalisation::StorageClass)));
        match cell {
            Cell::Integer(integer) => Some((Value::Integer(integer), None)),
            Cell::Real(real) if real.trunc() == real && real.abs() <= 9_223_372_036_854_775_808.0 => {
                i64::try_from(real as i128).ok().and_then(other)
            }
            Cell::Blob(_) if self.format != Some(Format::Text) => None,
            Cell::Text(digits) | Cell::Blob(digits) => {
                let text = std::str::from_utf8(digits).ok()?;
                let integer: i64 = text.parse().ok()?;
                // Only as it is printed.
                (integer.to_string() == text).then(|| other(integer)).flatten()
            }
            _ => None,
        }
    }

    pub(super) fn number(&self, cell: Cell<'_>) -> Option<Number> {
        match cell {
            Cell::Integer(integer) => Number::parse(&integer.to_string()),
            Cell::Real(real) => Some(Number::of_real(real)),
            Cell::Text(digits) => Number::parse(std::str::from_utf8(digits).ok()?),
            Cell::Blob(digits) if self.format == Some(Format::Text) => {
                Number::parse(std::str::from_utf8(digits).ok()?)
            }
            _ => None,
        }
    }

    /// A text may have the signs of the locale C.
    pub(super) fn money(&self, cell: Cell<'_>) -> Option<Number> {
        match cell {
            Cell::Text(text) => {
                let text = std::str::from_utf8(text).ok()?;
                let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
                let plain = unsigned.strip_prefix('$').unwrap_or(unsigned).replace(',', "");
                Number::parse(&format!("{sign}{plain}"))
            }
            Cell::Blob(_) => None,
            cell => self.number(cell),
        }
    }

    /// A text in UTF-8 without NUL.
    pub(super) fn text<'a>(&self, cell: Cell<'a>) -> Option<(Cow<'a, str>, Option<Normalisation>)> {
        match cell {
            Cell::Text(bytes) => {
                let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
                Some((text.into(), None))
            }
            Cell::Integer(integer) => Some((integer.to_string().into(), Some(Normalisation::StorageClass))),
            Cell::Real(real) => Some((text::of_real(real).into(), Some(Normalisation::StorageClass))),
            Cell::Blob(_) | Cell::Null => None,
        }
    }

    pub(super) fn bytes<'a>(&self, cell: Cell<'a>) -> Option<Meaning<'a>> {
        let (bytes, form) = match (cell, self.format) {
            (Cell::Blob(bytes), _) => (Cow::Borrowed(bytes), None),
            (Cell::Text(digits), Some(Format::Hex)) => {
                (text::hex(digits)?.into(), Some(Normalisation::Encoded))
            }
            (Cell::Text(digits), Some(Format::Base64)) => {
                (text::base64(digits)?.into(), Some(Normalisation::Encoded))
            }
            (Cell::Text(bytes), _) => (Cow::Borrowed(bytes), Some(Normalisation::StorageClass)),
            (Cell::Integer(_) | Cell::Real(_), Some(Format::Text)) => {
                let (text, form) = self.text(cell)?;
                (text.into_owned().into_bytes().into(), form)
            }
            _ => return None,
        };
        Some((Value::Bytes(bytes), form))
    }

    /// What a time says: a text, or the count that a number is by the column's format.
    pub(super) fn time<'a>(&self, cell: Cell<'a>) -> Option<Told<'a>> {
        match cell {
            Cell::Integer(integer) => Some(Told::Count(Count::Integer(integer))),
            Cell::Real(real) => Some(Told::Count(Count::Real(real))),
            Cell::Text(bytes) => {
                let text = std::str::from_utf8(bytes).ok()?;
                let written = time::read(text).map(Told::Written);
                written.or_else(|| time::number_in(text).map(Told::Count))
            }
            Cell::Blob(_) | Cell::Null => None,
        }
    }

    pub(super) fn instant(&self, cell: Cell<'_>) -> Option<i128> {
        match self.time(cell)? {
            Told::Count(count) => time::counted(count, self.format?),
            Told::Written(written) => {
                let wall = written.wall()?;
                Some(written.offset.map_or_else(|| self.zone.instant(wall), |offset| wall - offset))
            }
        }
    }

    /// A text without an offset is a local time; everything else is an instant.
    pub(super) fn wall(&self, cell: Cell<'_>) -> Option<i128> {
        match self.time(cell)? {
            Told::Written(written) if written.offset.is_none() => written.wall(),
            _ => self.instant(cell).map(|instant| self.zone.wall(instant)),
        }
    }

    /// A date, or a local time at midnight.
    pub(super) fn day(&self, cell: Cell<'_>) -> Option<i128> {
        self.wall(cell).filter(|wall| wall.rem_euclid(DAY) == 0)
    }

    pub(super) fn clock(&self, cell: Cell<'_>) -> Option<i128> {
        match self.time(cell)? {
            Told::Count(count) => time::duration(count, self.format?),
            Told::Written(written) => written.clock.filter(|_| written.is_clock_alone()),
        }
    }

    pub(super) fn offset_clock(&self, cell: Cell<'_>) -> Option<(i128, i128)> {
        let Told::Written(written) = self.time(cell)? else { return None };
        let clock = written.clock.filter(|_| written.day.is_none())?;
        let fixed = match self.zone {
            Zone::Fixed(offset) => Some(offset),
            Zone::Named(_) => None,
        };
        Some((clock, written.offset.or(fixed)?))
    }

    pub(super) fn span(&self, cell: Cell<'_>) -> Option<Span> {
        let of_time = |time| Span { time, ..Span::default() };
        match cell {
            Cell::Text(bytes) => {
                let text = std::str::from_utf8(bytes).ok()?;
                if self.format == Some(Format::Since1970) {
                    return time::read(text)?.wall().map(of_time);
                }
                let counted = time::number_in(text).zip(self.format);
                counted
                    .and_then(|(count, format)| time::duration(count, format))
                    .map(of_time)
                    .or_else(|| span::read(text))
            }
            Cell::Integer(count) => time::duration(Count::Integer(count), self.format?).map(of_time),
            Cell::Real(count) => time::duration(Count::Real(count), self.format?).map(of_time),
            Cell::Blob(_) | Cell::Null => None,
        }
    }
}

/// What a cell says of a time.
pub(super) enum Told<'a> {
    Written(time::Written),
    Count(Count<'a>),
}
