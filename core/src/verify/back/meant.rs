//! What a load makes of a cell, by the plan alone: the value, NULL in its place, or why nobody here can tell.
//!
//! The answer is the value itself, where [`Way::compare`] only tells whether one that was found is right.

use std::borrow::Cow;

use super::cell::Told;
use super::geometry;
use super::json::{self, Document};
use super::number::Number;
use super::span::Span;
use super::time::{self, DAY, MICRO};
use super::{Kind, Value, Way, document, held};
use crate::value::{Cell, Excess, Format};

#[derive(Debug, PartialEq)]
pub enum Meant<'a> {
    Null,
    Value(Value<'a>),
    Json(Document),
    /// A text of which the type's own functions make the value.
    Printed(Cow<'a, str>),
    /// Only the server knows: the column's default, bytes of a database without an encoding, a blob of a type of its own.
    Unknown,
    /// The column cannot hold it, and the plan puts nothing in its place.
    Invalid,
}

impl Way {
    /// Hands over what a load makes of the cell.
    pub fn with_meant<T>(&self, cell: Cell<'_>, take: impl FnOnce(Meant<'_>) -> T) -> T {
        match self.recoded(cell) {
            Some((text, _)) => take(self.meant(Cell::Text(&text))),
            None => take(self.meant(cell)),
        }
    }

    fn meant<'a>(&self, cell: Cell<'a>) -> Meant<'a> {
        match cell {
            Cell::Null => self.absent(),
            Cell::Text(text) if self.texts.of_bytes && std::str::from_utf8(text).is_err() => Meant::Unknown,
            cell => self.fitting(cell).unwrap_or_else(|| self.instead(cell)),
        }
    }

    /// What is loaded instead of a cell that does not fit.
    pub fn instead(&self, cell: Cell<'_>) -> Meant<'static> {
        if self.null_values.holds(cell) || self.becomes_null && self.nullable {
            return self.absent();
        }
        Meant::Invalid
    }

    fn absent(&self) -> Meant<'static> {
        match (self.defaulted, self.nullable) {
            (true, _) => Meant::Unknown,
            (false, true) => Meant::Null,
            (false, false) => Meant::Invalid,
        }
    }

    fn fitting<'a>(&self, cell: Cell<'a>) -> Option<Meant<'a>> {
        match self.kind {
            Kind::Json => json::read_all(&document(cell)?).map(Meant::Json),
            Kind::Jsonb => {
                json::read(&document(cell)?).filter(|document| !document.has_nul()).map(Meant::Json)
            }
            Kind::Geometry(ask) if !ask.is_wkb() => {
                Some(Meant::Printed(geometry::digits(&ask.meant(cell)?).into()))
            }
            Kind::Printed => Some(match (cell, self.text(cell)) {
                (_, Some((text, _))) => Meant::Printed(text),
                (Cell::Blob(_), None) => Meant::Unknown,
                _ => return None,
            }),
            _ => {
                let value = self.meaning(cell).map(|(value, _)| value);
                value.or_else(|| self.shortened(cell)).map(Meant::Value)
            }
        }
    }

    /// The value without what is too much of it, if the plan lets that go.
    fn shortened<'a>(&self, cell: Cell<'a>) -> Option<Value<'a>> {
        let rounds = match self.excess {
            Excess::Error => return None,
            Excess::Round => true,
            Excess::Truncate => false,
        };
        match self.kind {
            Kind::Time(step) => {
                let time = self.whole(cell, self.clock(cell)?, rounds)?;
                Some(in_steps(time, step, rounds)).filter(|time| (0..=DAY).contains(time)).map(Value::Time)
            }
            Kind::TimeTz(step) => {
                let (time, east) = self.offset_clock(cell)?;
                Some(Value::TimeTz(in_steps(self.whole(cell, time, rounds)?, step, rounds), east))
            }
            // What is a moment of any zone's is shortened before it becomes a local time.
            Kind::Timestamp(step) => {
                let local = matches!(self.time(cell)?, Told::Written(written) if written.offset.is_none());
                let wall = match local {
                    true => self.whole(cell, self.wall(cell)?, rounds)?,
                    false => self.zone.wall(self.whole(cell, self.instant(cell)?, rounds)?),
                };
                moment(wall, step, rounds)
            }
            Kind::TimestampTz(step) => moment(self.whole(cell, self.instant(cell)?, rounds)?, step, rounds),
            Kind::Interval(kept) if self.format != Some(Format::Since1970) => {
                let span = self.span(cell)?;
                let step = kept.time.unwrap_or(MICRO);
                let time = away_from_zero(away_from_zero(span.time, MICRO, rounds), step, rounds);
                let span = Span { time, ..span };
                (span.is_held() && kept.holds(&span)).then_some(Value::Span(span))
            }
            Kind::Numeric(Some((precision, scale))) => match self.number(cell)? {
                Number::Finite(number) => {
                    let short = Number::Finite(number.shortened(scale, rounds));
                    short.fits(precision, scale).then_some(Value::Number(short))
                }
                _ => None,
            },
            Kind::Text(Some(limit)) | Kind::Bpchar(Some(limit)) if !rounds => self.cut(cell, limit),
            _ => None,
        }
    }

    /// Whole microseconds. A text's digits beyond them are rounded or cut as digits, towards the past; a number's as a
    /// number, towards the start of its format.
    fn whole(&self, cell: Cell<'_>, wanted: i128, rounds: bool) -> Option<i128> {
        let written = match cell {
            Cell::Text(text) => time::read(std::str::from_utf8(text).ok()?).is_some(),
            _ => false,
        };
        if written {
            let half = if rounds { MICRO / 2 } else { 0 };
            return Some((wanted + half).div_euclid(MICRO) * MICRO);
        }
        let start = self.format.and_then(|format| time::counted(time::Count::Integer(0), format));
        let start = start.unwrap_or(0);
        Some(start + away_from_zero(wanted - start, MICRO, rounds))
    }

    fn cut<'a>(&self, cell: Cell<'a>, limit: u32) -> Option<Value<'a>> {
        let Cell::Text(bytes) = cell else { return None };
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
        let end = match self.texts.of_bytes {
            true => text.floor_char_boundary(limit as usize),
            false => text.char_indices().nth(limit as usize).map_or(text.len(), |(at, _)| at),
        };
        let kept = text.get(..end).filter(|kept| kept.len() < text.len())?;
        let kept = if matches!(self.kind, Kind::Bpchar(_)) { kept.trim_end_matches(' ') } else { kept };
        Some(Value::Text(kept.into()))
    }
}

/// PostgreSQL counts from 2000, and rounds away from there.
fn moment(time: i128, step: i128, rounds: bool) -> Option<Value<'static>> {
    const START: i128 = 10_957 * DAY;
    let time = in_steps(time - START, step, rounds) + START;
    held(time).then_some(Value::Time(time))
}

/// A multiple of the step: rounded half away from zero, or the one before.
fn in_steps(time: i128, step: i128, rounds: bool) -> i128 {
    if rounds { away_from_zero(time, step, true) } else { time.div_euclid(step) * step }
}

/// A multiple of the step: rounded half away from zero, or the one towards zero.
fn away_from_zero(time: i128, step: i128, rounds: bool) -> i128 {
    let half = if rounds { time.signum() * (step / 2) } else { 0 };
    (time + half) / step * step
}
