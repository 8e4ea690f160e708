//! Which numbers are times, and which column names and declared types suggest times.
//!
//! An epoch is assumed only if the column is declared as a time, or its name suggests times and the plan says that this is
//! enough. By name, every number other than zero must lie between 1980 and 2100 in one unit; by declaration most of
//! them, because birthdays and 9999-12-31 do not.

use super::profile::ColumnProfile;
use super::rules::Family;
use super::textform::TextFormat;
use crate::catalog::Column;
use crate::value::{Format, datetime};

/// Which columns' numbers are read as times, where neither the plan nor an existing column says so (`epochs` in the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Epochs {
    /// Those of columns that are declared as times.
    #[default]
    Declared,
    /// Those of columns with a name that suggests times as well.
    Named,
    Never,
}

/// 1980-01-01 and 2100-01-01 in Unix seconds.
const SANE: (f64, f64) = (315_532_800.0, 4_102_444_800.0);

/// One way to count time.
pub struct Unit {
    pub format: Format,
    /// Unix seconds × factor + origin.
    factor: f64,
    origin: f64,
    /// Digits after the second that a whole number of these may need.
    pub digits: u32,
    /// Digits after the point that are still whole microseconds.
    pub decimals: i32,
}

const fn counted(format: Format, factor: f64, origin: f64, digits: u32, decimals: i32) -> Unit {
    Unit { format, factor, origin, digits, decimals }
}

/// Their ranges do not overlap, except for the last: Apple's seconds look like Unix seconds.
const UNITS: [Unit; 7] = [
    counted(Format::UnixEpoch, 1.0, 0.0, 0, 6),
    counted(Format::UnixEpochMs, 1e3, 0.0, 3, 3),
    counted(Format::UnixEpochUs, 1e6, 0.0, 6, 0),
    counted(Format::UnixEpochNs, 1e9, 0.0, 6, 0),
    counted(Format::Chrome, 1e6, 11_644_473_600e6, 6, 0),
    counted(Format::JulianDay, 1.0 / 86_400.0, 2_440_587.5, 3, 9),
    counted(Format::Apple, 1.0, -978_307_200.0, 0, 6),
];

impl Unit {
    pub const fn from_unix(&self, seconds: f64) -> f64 {
        seconds * self.factor + self.origin
    }
}

pub fn unit_of(format: Format) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.format == format)
}

pub(super) fn place_of(format: Format) -> Option<usize> {
    UNITS.iter().position(|unit| unit.format == format)
}

/// The only unit in which every number other than zero lies between 1980 and 2100. Only columns in the style of Core
/// Data are read as seconds since 2001.
pub fn unit(p: &ColumnProfile, core_data: bool) -> Option<Format> {
    let within =
        |unit: &&Unit| p.number.low >= unit.from_unix(SANE.0) && p.number.high < unit.from_unix(SANE.1);
    if p.number.low > p.number.high || p.real.nan > 0 {
        return None;
    }
    candidates(core_data).find(within).map(|unit| unit.format)
}

fn candidates(core_data: bool) -> impl Iterator<Item = &'static Unit> {
    UNITS.iter().filter(move |unit| (unit.format == Format::Apple) == core_data)
}

/// The unit of a column that holds times. Between 1980 and 2100, its numbers are times in no other unit; more than half of
/// them are in this one, or it is the column's own by `own`, or the only one of `others`, those of the file's other times,
/// that is possible. Every number is a time in the years 1 to 9999 by it.
pub fn unit_of_most(
    p: &ColumnProfile,
    core_data: bool,
    own: Option<Format>,
    others: &[Format],
) -> Option<Format> {
    if p.real.nan > 0 {
        return None;
    }
    // Nothing but zeros.
    if p.number.low > p.number.high {
        return own.filter(|_| p.number.zeros > 0);
    }
    let mut found = candidates(core_data).filter(|unit| p.number.in_unit(unit.format) > 0);
    let some = match (found.next(), found.next()) {
        (Some(unit), None) if p.number.in_unit(unit.format) > p.number.others() / 2 => {
            return held(p, unit).then_some(unit.format);
        }
        (some, None) => some,
        _ => return None,
    };
    let possible = |format: &Format| {
        let unit = unit_of(*format)?;
        (some.is_none_or(|some| some.format == unit.format) && held(p, unit)).then_some(unit.format)
    };
    if own.is_some() {
        return own.as_ref().and_then(possible);
    }
    let mut possible = others.iter().filter_map(possible);
    possible.next().filter(|_| possible.next().is_none())
}

/// Every number is a time in the years 1 to 9999.
pub fn held(p: &ColumnProfile, unit: &Unit) -> bool {
    const SECONDS: (f64, f64) = (-62_135_596_800.0, 253_402_300_800.0);
    p.number.low > p.number.high
        || (p.number.low >= unit.from_unix(SECONDS.0) && p.number.high < unit.from_unix(SECONDS.1))
}

/// Numbers other than zero that are before 1980 or from 2100 on.
pub fn unusual(p: &ColumnProfile, format: Format) -> u64 {
    p.number.others().saturating_sub(p.number.in_unit(format))
}

/// The place of the unit in which a number lies between 1980 and 2100, the last one aside.
#[inline]
pub(super) fn place(value: f64) -> Option<usize> {
    // Below the smallest number of these, which are most numbers.
    if value < RANGES[JULIAN].0 {
        return None;
    }
    RANGES[..APPLE].iter().position(|range| value >= range.0 && value < range.1)
}

#[inline]
pub(super) fn is_apple(value: f64) -> bool {
    value >= RANGES[APPLE].0 && value < RANGES[APPLE].1
}

pub(super) const COUNT: usize = UNITS.len();
const JULIAN: usize = 5;
pub(super) const APPLE: usize = 6;

/// 1980 and 2100 in each unit.
const RANGES: [(f64, f64); COUNT] = {
    let mut ranges = [(0.0, 0.0); COUNT];
    let mut i = 0;
    while i < COUNT {
        ranges[i] = (UNITS[i].from_unix(SANE.0), UNITS[i].from_unix(SANE.1));
        i += 1;
    }
    ranges
};

/// The unit in which a default counts the current time: `unixepoch() * 1000`, `strftime('%s', 'now')`.
pub fn unit_of_default(sql: &str) -> Option<Format> {
    let sql: String = sql.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let seconds = sql.contains("unixepoch(") || sql.contains("strftime('%s','now'");
    let times = |factor: &str| sql.contains(&format!("*{factor}")) || sql.contains(&format!("{factor}*"));
    if !seconds {
        let julian = sql.trim_matches(['(', ')']).starts_with("julianday('now'");
        return (julian && !sql.contains(['*', '-', '+'])).then_some(Format::JulianDay);
    }
    match () {
        _ if times("1000000") => Some(Format::UnixEpochUs),
        _ if times("1000") => Some(Format::UnixEpochMs),
        _ if sql.contains(['*', '/']) => None,
        _ => Some(Format::UnixEpoch),
    }
}

/// The units of a file's times, by table, column and profile of each.
pub fn units_of_file<'a>(
    times: impl Iterator<Item = (&'a str, &'a Column, &'a ColumnProfile)>,
) -> Vec<Format> {
    let mut units = Vec::new();
    for (table, column, profile) in times {
        let core_data = is_core_data(table, &column.name, &column.declared);
        let own = column.default.as_deref().and_then(unit_of_default);
        let unit = unit_of_most(profile, false, own, &[]).filter(|unit| !core_data && !units.contains(unit));
        units.extend(unit);
    }
    units
}

/// The column is one of Core Data's: `ZTABLE.ZCREATIONDATE TIMESTAMP`.
pub fn is_core_data(table: &str, column: &str, declared: &str) -> bool {
    let z = |name: &str| name.starts_with('Z') && !name.chars().any(|c| c.is_ascii_lowercase());
    z(table) && z(column) && declared.eq_ignore_ascii_case("TIMESTAMP")
}

/// The declared type is a time.
pub fn is_time(family: Family) -> bool {
    matches!(family, Family::DateTime | Family::DateTimeTz | Family::Date | Family::Time)
}

/// The texts that are a moment or a day.
pub const MOMENTS: [TextFormat; 4] =
    [TextFormat::Date, TextFormat::DateTime, TextFormat::DateTimeUtc, TextFormat::DateTimeOffset];

/// Words and endings of a name that suggest times.
const WORDS: &[&str] = &[
    "at",
    "date",
    "datetime",
    "time",
    "timestamp",
    "ts",
    "created",
    "modified",
    "updated",
    "deleted",
    "expires",
    "expiry",
    "expired",
    "mtime",
    "ctime",
    "atime",
    "birthtime",
    "utc",
    "visited",
    "epoch",
    "started",
    "finished",
    "when",
];
const ENDINGS: &[&str] = &["date", "timestamp", "time", "visit", "login", "seen"];

/// Words that suggest something else, whatever other words the name has.
const OTHERS: &[&str] = &[
    "duration",
    "uptime",
    "timeout",
    "spent",
    "lifetime",
    "interval",
    "elapsed",
    "runtime",
    "playtime",
    "downtime",
    "overtime",
    "timezone",
    "zone",
    "ttl",
    "offset",
    "count",
    "counter",
    "total",
    "number",
    "num",
    "size",
    "bytes",
    "length",
    "id",
    "by",
    "update",
    "candidate",
    "mandate",
    "validate",
    "latency",
    "delay",
    "period",
    "times",
    "version",
    "hash",
    "seconds",
    "minutes",
    "hours",
    "days",
    "ms",
    "limit",
    "rate",
    "price",
    "amount",
];

/// `created_at`, `createdAt`, `date_added`, `ZCREATIONDATE`, `last_visit_time`; not `duration` or `timeout`.
pub fn name_says_time(name: &str) -> bool {
    let words = words(name);
    let other = |word: &String| OTHERS.contains(&word.as_str());
    let ends = |word: &String| ENDINGS.iter().any(|end| word.ends_with(end));
    !words.iter().any(other) && words.iter().any(|word| WORDS.contains(&word.as_str()) || ends(word))
}

/// The words of a name in lower case: `lastVisit_time` is `last`, `visit`, `time`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = !c.is_alphanumeric() || (c.is_uppercase() && after_lower);
        if starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Every value is a date and time, which an interval can only be counted from 1970-01-01 on.
pub fn counted_since_1970(p: &ColumnProfile) -> bool {
    p.text.sum(&[TextFormat::Date, TextFormat::DateTime]) == p.values()
}

/// Every value is a date and time near 1970-01-01, as SQLAlchemy writes intervals.
pub fn near_1970(p: &ColumnProfile) -> bool {
    const YEAR: i64 = 366 * datetime::DAY;
    let near = |text: Option<String>| {
        let wall = text.and_then(|t| datetime::wall(t.as_bytes()).ok());
        wall.is_some_and(|wall| (wall - datetime::UNIX_TO_PG).abs() < YEAR)
    };
    counted_since_1970(p) && near(p.min_text()) && near(p.max_text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Cell;

    fn profile(cells: &[Cell<'_>]) -> ColumnProfile {
        let mut profile = ColumnProfile::default();
        cells.iter().for_each(|cell| profile.observe(*cell));
        profile
    }

    #[test]
    fn names_say_time_or_do_not() {
        for name in [
            "created_at",
            "createdAt",
            "date_added",
            "ZCREATIONDATE",
            "last_visit",
            "last_visit_time",
            "expires_utc",
            "expires",
            "timestamp",
            "startTime",
            "mtime",
            "dateline_date",
            "lastLogin",
        ] {
            assert!(name_says_time(name), "{name}");
        }
        for name in [
            "duration",
            "uptime",
            "timeout",
            "time_spent",
            "lifetime",
            "interval",
            "elapsed",
            "created_by",
            "update_count",
            "candidate",
            "status",
            "timezone",
            "sort_order",
            "time_zone",
            "format",
            "",
            "id",
        ] {
            assert!(!name_says_time(name), "{name}");
        }
    }

    #[test]
    fn one_unit_or_none() {
        let day = 1_719_828_000;
        for (cells, unit_found) in [
            (vec![Cell::Integer(day), Cell::Integer(0)], Some(Format::UnixEpoch)),
            (vec![Cell::Text(b"1719828000.5")], Some(Format::UnixEpoch)),
            (vec![Cell::Integer(day * 1000)], Some(Format::UnixEpochMs)),
            (vec![Cell::Integer(day * 1_000_000)], Some(Format::UnixEpochUs)),
            (vec![Cell::Integer(day * 1_000_000_000)], Some(Format::UnixEpochNs)),
            (vec![Cell::Integer(13_364_301_600_250_000)], Some(Format::Chrome)),
            (vec![Cell::Real(2_460_492.9)], Some(Format::JulianDay)),
            (vec![Cell::Integer(day), Cell::Integer(day * 1000)], None),
            (vec![Cell::Integer(0)], None),
            (vec![Cell::Integer(20_240_701)], None),
            (vec![Cell::Real(f64::INFINITY)], None),
            (vec![], None),
        ] {
            assert_eq!(unit(&profile(&cells), false), unit_found, "{cells:?}");
        }
        for (sql, unit) in [
            ("(unixepoch() * 1000)", Some(Format::UnixEpochMs)),
            ("unixepoch('subsec')*1000", Some(Format::UnixEpochMs)),
            ("(strftime('%s', 'now'))", Some(Format::UnixEpoch)),
            ("CAST(strftime('%s','now') AS INTEGER)", Some(Format::UnixEpoch)),
            ("1000000 * unixepoch()", Some(Format::UnixEpochUs)),
            ("(julianday('now'))", Some(Format::JulianDay)),
            ("((julianday('now') - 2440587.5) * 86400.0)", None),
            ("unixepoch() / 60", None),
            ("CURRENT_TIMESTAMP", None),
        ] {
            assert_eq!(unit_of_default(sql), unit, "{sql}");
        }
        let apple = profile(&[Cell::Real(741_520_800.25), Cell::Integer(741_520_800)]);
        assert_eq!(unit(&apple, true), Some(Format::Apple));
        assert!(is_core_data("ZNOTE", "ZCREATIONDATE", "TIMESTAMP"));
        assert!(!is_core_data("zoo", "ZOO", "TIMESTAMP"));
    }
}
