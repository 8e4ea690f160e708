//! Intervals in the spellings that docs/types.md lists, as PostgreSQL keeps them: months, days and microseconds apart.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::value::interval::Precision;

/// The time is in picoseconds, so that digits beyond microseconds are seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub months: i64,
    pub days: i64,
    pub time: i128,
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|e| unreachable!("a constant: {e}"))
}

static CLOCK: LazyLock<Regex> = LazyLock::new(|| regex(r"^([+-]?)(\d+):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$"));
static DOTTED: LazyLock<Regex> = LazyLock::new(|| regex(r"^([+-]?)(\d+)\.(\d\d?:\d\d:\d\d(?:\.\d+)?)$"));
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^([+-]?)(\d+)(?:\.(\d+))? (years?|mon(?:th)?s?|weeks?|days?|hours?|min(?:ute)?s?|sec(?:ond)?s?)(?:,? |$)",
    )
});
static DAYS: LazyLock<Regex> = LazyLock::new(|| regex(r"^([+-]?\d+) ([+-]?\d+:\d\d.*)$"));
static PART: LazyLock<Regex> = LazyLock::new(|| regex(r"^([+-]?)(\d+)(?:\.(\d+))?([YMWDHS])"));

const SECOND: i128 = 1_000_000_000_000;
const MICRO: i128 = 1_000_000;

pub fn read(text: &str) -> Option<Span> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', b'P', ..] => (true, text.get(1..)?),
        [b'+', b'P', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if let Some(parts) = unsigned.strip_prefix('P') {
        let span = iso(parts)?;
        return Some(if negative { span.negated() } else { span });
    }
    if let Some(found) = DOTTED.captures(text) {
        let span = Span { months: 0, days: found[2].parse().ok()?, time: clock(&found[3])? };
        return Some(if &found[1] == "-" { span.negated() } else { span });
    }
    if let Some(found) = DAYS.captures(text) {
        return Some(Span { months: 0, days: found[1].parse().ok()?, time: clock(&found[2])? });
    }
    words(text)
}

/// What a column keeps of an interval: multiples of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    months: i64,
    days: bool,
    /// `None` where no time is kept.
    pub time: Option<i128>,
}

impl Kept {
    pub fn of(precision: Precision) -> Kept {
        let written = precision.to_string();
        let fields = written.split('(').next().unwrap_or_default();
        let fraction = Some(MICRO * 10i128.pow(6u32.saturating_sub(precision.digits())));
        let (months, days, time) = match fields.rsplit(' ').next().unwrap_or_default() {
            "year" => (12, false, None),
            "month" => (1, false, None),
            "day" => (1, true, None),
            "hour" => (1, true, Some(3600 * SECOND)),
            "minute" => (1, true, Some(60 * SECOND)),
            _ => (1, true, fraction),
        };
        Kept { months, days, time }
    }

    pub fn holds(&self, span: &Span) -> bool {
        let time = self.time.map_or(span.time == 0, |step| span.time % step == 0);
        time && span.months % self.months == 0 && (self.days || span.days == 0)
    }
}

impl Span {
    /// As fine as PostgreSQL's intervals, and no longer.
    pub fn is_held(&self) -> bool {
        let micros = i64::try_from(self.time / MICRO).is_ok() && self.time % MICRO == 0;
        micros && i32::try_from(self.months).is_ok() && i32::try_from(self.days).is_ok()
    }

    fn negated(self) -> Span {
        Span { months: -self.months, days: -self.days, time: -self.time }
    }

    fn add(&mut self, number: &Captures<'_>, unit: char) -> Option<()> {
        let sign = if &number[1] == "-" { -1 } else { 1 };
        let whole: i64 = number[2].parse().ok()?;
        let whole = sign * whole;
        let fraction = number.get(3).map_or("", |digits| digits.as_str());
        if unit != 's' && !fraction.trim_end_matches('0').is_empty() {
            return None;
        }
        match unit {
            'y' => self.months += whole.checked_mul(12)?,
            'o' => self.months += whole,
            'w' => self.days += whole.checked_mul(7)?,
            'd' => self.days += whole,
            'h' => self.time += i128::from(whole) * 3600 * SECOND,
            'm' => self.time += i128::from(whole) * 60 * SECOND,
            _ => self.time += i128::from(whole) * SECOND + i128::from(sign) * parts(fraction)?,
        }
        Some(())
    }
}

fn words(text: &str) -> Option<Span> {
    let (mut span, mut rest) = (Span::default(), text);
    while let Some(found) = WORD.captures(rest) {
        let name = found[4].to_ascii_lowercase();
        let unit = match name.as_str() {
            name if name.starts_with("mo") => 'o',
            name => name.chars().next()?,
        };
        span.add(&found, unit)?;
        rest = rest.get(found[0].len()..)?;
    }
    if !rest.is_empty() {
        span.time += clock(rest)?;
    }
    (!text.is_empty()).then_some(span)
}

/// What follows the `P`.
fn iso(text: &str) -> Option<Span> {
    let (mut span, mut rest, mut in_time) = (Span::default(), text, false);
    while !rest.is_empty() {
        if let (Some(after), false) = (rest.strip_prefix('T'), in_time) {
            (rest, in_time) = (after, true);
        }
        let found = PART.captures(rest)?;
        let unit = match (&found[4], in_time) {
            ("Y", false) => 'y',
            ("M", false) => 'o',
            ("W", false) => 'w',
            ("D", false) => 'd',
            ("H", true) => 'h',
            ("M", true) => 'm',
            ("S", true) => 's',
            _ => return None,
        };
        span.add(&found, unit)?;
        rest = rest.get(found[0].len()..)?;
    }
    (!text.is_empty()).then_some(span)
}

fn clock(text: &str) -> Option<i128> {
    let found = CLOCK.captures(text)?;
    let number = |at: usize| found.get(at).map_or(Some(0), |digits| digits.as_str().parse::<i128>().ok());
    let (minutes, seconds) = (number(3)?, number(4)?);
    let size = ((number(2)? * 60 + minutes) * 60 + seconds) * SECOND
        + parts(found.get(5).map_or("", |digits| digits.as_str()))?;
    (minutes < 60 && seconds < 60).then_some(if &found[1] == "-" { -size } else { size })
}

/// The digits after the point as picoseconds; what is finer is not read.
fn parts(digits: &str) -> Option<i128> {
    let digits = digits.trim_end_matches('0');
    if digits.len() > 12 {
        return None;
    }
    format!("{digits:0<12}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_interval() {
        let wanted = Span { months: 0, days: 1, time: 7384 * SECOND };
        for text in [
            "1 day 02:03:04",
            "1.02:03:04",
            "P1DT2H3M4S",
            "1 day, 2:03:04",
            "1 02:03:04",
            "1 days 2 hours 3 mins 4 secs",
        ] {
            assert_eq!(read(text), Some(wanted), "{text}");
        }
        assert_eq!(read("-1 days +02:03:04"), Some(Span { days: -1, ..wanted }));
        assert_eq!(read("-P1DT2H3M4S"), Some(wanted.negated()));
        assert_eq!(read("1 year 2 mons"), Some(Span { months: 14, ..Span::default() }));
        assert_eq!(read("26:03:04.5"), Some(Span { time: 93_784 * SECOND + SECOND / 2, ..Span::default() }));
    }

    #[test]
    fn others_are_none() {
        for text in ["", "1", "1.5 days", "1:2:3", "1 day ago", "P", "@ 1 day", "1-2", "day"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
