//! Date and time functions of the current time and of time columns.
//!
//! The current time is that of the transaction (`now()`), where SQLite uses that of the statement; it is never
//! immutable. Over a `date`, `timestamp` or `timestamptz` column, and over an integer column with 'unixepoch', the
//! forms are immutable and in UTC, as which SQLite reads texts without an offset: `date()` gives a date, `datetime()` a
//! timestamp.

use super::Size;
use super::node::{Epoch, Kind, Moment, Node, Part, Prec, Result, refuse};
use crate::sqltext;
use crate::types::TypeClass;

const NOW: &str = "now() AT TIME ZONE 'UTC'";
const SECONDS: &str = "floor(extract(epoch FROM now()))::bigint";
const JULIAN_1970: f64 = 2_440_587.5;
/// Of the seconds of any timestamp.
const SECONDS_SIZE: Size = Size { low: -1e13, high: 1e13, tiny: 1e-6 };

pub(super) fn call(name: &str, args: &[Node]) -> Result<Node> {
    match (name, args) {
        ("strftime", [format, rest @ ..]) => match format.text_literal() {
            Some(f) => formatted(f, rest),
            None => refuse("strftime() with a computed format"),
        },
        ("strftime", []) => refuse("strftime() without a format"),
        ("date", rest) => of(rest, Part::Date),
        ("time", rest) => of(rest, Part::Time),
        ("datetime", rest) => of(rest, Part::DateTime),
        ("unixepoch", rest) => unixepoch(rest),
        ("julianday", rest) => julianday(rest),
        _ => refuse(format!("function \"{name}\" has no equivalent")),
    }
}

/// The time that the arguments of a call specify.
enum Source {
    Now {
        moment: Moment,
        subsec: bool,
    },
    /// A `timestamp without time zone` in UTC over columns; and whether it is always a whole day.
    Column {
        civil: Node,
        day: bool,
    },
}

fn source(args: &[Node]) -> Result<Source> {
    let (first, modifiers) = match args {
        [] => return now(&[]),
        [first, modifiers @ ..] => (first, modifiers),
    };
    if let Some(word) = first.text_literal() {
        return match word.to_ascii_lowercase().as_str() {
            "now" => now(modifiers),
            "subsec" | "subsecond" if modifiers.is_empty() => now(args),
            _ => refuse("a date function of a constant"),
        };
    }
    match &first.kind {
        Kind::Moment(moment) => again(first, moment, modifiers),
        _ => column(first, modifiers),
    }
}

/// A function of the current time's text, such as CURRENT_TIMESTAMP: a date, or date and time to the second.
fn again(text: &Node, moment: &Moment, modifiers: &[Node]) -> Result<Source> {
    let complete = match moment.part {
        Part::DateTime => text.sql.ends_with("'YYYY-MM-DD HH24:MI:SS')"),
        Part::Date => text.sql.ends_with("'YYYY-MM-DD')"),
        Part::Time => false,
    };
    let fine = |m: &Node| m.text_literal().is_some_and(|word| word.to_ascii_lowercase().contains("subsec"));
    if !complete || moment.civil != NOW || modifiers.iter().any(fine) {
        return refuse("a date function of a part of the current time");
    }
    match moment.part {
        Part::Date => {
            let day = super::node::text("start of day");
            now(&[&[day], modifiers].concat())
        }
        _ => now(modifiers),
    }
}

fn now(modifiers: &[Node]) -> Result<Source> {
    let mut moment = Moment { part: Part::DateTime, civil: NOW.into(), instant: Some("now()".into()) };
    let mut subsec = false;
    for m in modifiers {
        let Some(word) = m.text_literal().map(str::to_ascii_lowercase) else {
            return refuse("a computed date modifier");
        };
        match word.trim() {
            "subsec" | "subsecond" => subsec = true,
            "localtime" if modifiers.len() == 1 => moment.civil = "localtimestamp".into(),
            other => modify(&mut moment, other)?,
        }
    }
    Ok(Source::Now { moment, subsec })
}

/// The current time by one modifier.
fn modify(moment: &mut Moment, modifier: &str) -> Result<()> {
    moment.civil = modified(&moment.civil, modifier)?;
    moment.instant = Some(format!("(({}) AT TIME ZONE 'UTC')", moment.civil));
    Ok(())
}

/// `+7 days`, `start of month`: only modifiers with the same result in PostgreSQL.
fn modified(civil: &str, modifier: &str) -> Result<String> {
    if let Some(unit @ ("day" | "month" | "year")) = modifier.strip_prefix("start of ") {
        return Ok(format!("date_trunc('{unit}', {civil})"));
    }
    if let Some(day) = modifier.strip_prefix("weekday ") {
        // The same day, or the next one that is this day of the week; Sunday is 0.
        return match day.parse::<u8>() {
            Ok(day @ 0..=6) => Ok(format!(
                "({civil}) + (({day} - extract(dow FROM {civil})::integer + 7) % 7) * interval '1 day'"
            )),
            _ => refuse(format!("date modifier '{modifier}' has no equivalent")),
        };
    }
    let Some((count, unit)) = modifier.split_once(' ') else {
        return refuse(format!("date modifier '{modifier}' has no equivalent"));
    };
    let unit = unit.trim().trim_end_matches('s');
    Ok(match (count.parse::<i32>(), unit) {
        (Ok(count @ -100_000..=100_000), "day" | "hour" | "minute" | "second") => {
            format!("({civil}) + interval '{count} {unit}s'")
        }
        // January 31 and a month is February 31, which is in March. PostgreSQL would keep to February.
        (Ok(count @ -12_000..=12_000), "month") | (Ok(count @ -1_000..=1_000), "year") => {
            let month = format!("date_trunc('month', {civil})");
            format!("({month} + interval '{count} {unit}s') + (({civil}) - {month})")
        }
        _ => return refuse(format!("date modifier '{modifier}' has no equivalent")),
    })
}

fn column(value: &Node, modifiers: &[Node]) -> Result<Source> {
    let words = modifiers.iter().map(|m| m.text_literal().map(|word| word.trim().to_ascii_lowercase()));
    let Some(words) = words.collect::<Option<Vec<String>>>() else {
        return refuse("a computed date modifier");
    };
    let (from_epoch, shifts) = match words.as_slice() {
        [first, shifts @ ..] if first == "unixepoch" => (true, shifts),
        shifts => (false, shifts),
    };
    let civil = match value.class {
        TypeClass::Date if !from_epoch => value.cast("timestamp", TypeClass::Timestamp),
        TypeClass::Timestamp if !from_epoch => value.clone(),
        TypeClass::TimestampTz if !from_epoch => {
            Node::atom(format!("({} AT TIME ZONE 'UTC')", value.operand()), TypeClass::Timestamp)
        }
        // SQLite's days begin in the year -4713 and end with 9999; beyond them the result is NULL.
        TypeClass::Integer if from_epoch && value.size.is_assumed() => {
            let number = value.at(Prec::Operator);
            let seconds = value.cast("double precision", TypeClass::Float).sql;
            let sql = format!(
                "(CASE WHEN {number} BETWEEN -62135596800 AND 253402300799 THEN to_timestamp({seconds}) \
                 AT TIME ZONE 'UTC' END)"
            );
            Node::atom(sql, TypeClass::Timestamp)
        }
        TypeClass::Integer if from_epoch && !value.size.within(-210_866_760_000.0, 253_402_300_799.0) => {
            return refuse("a date function over numbers that can be out of range for a time");
        }
        TypeClass::Integer if from_epoch => {
            let seconds = value.cast("double precision", TypeClass::Float).sql;
            Node::atom(format!("(to_timestamp({seconds}) AT TIME ZONE 'UTC')"), TypeClass::Timestamp)
        }
        _ => return refuse("a date function over a value that is not a time"),
    };
    if value.class == TypeClass::TimestampTz && !value.timezone().is_utc() {
        return refuse("a date function over times that are read in another time zone than UTC");
    }
    // Without a modifier these functions do not read a number of an epoch column as a time.
    if !from_epoch && !matches!(value.format(), None | Some(crate::value::Format::Iso8601)) {
        return refuse("a date function over epoch numbers");
    }
    let day = value.class == TypeClass::Date && shifts.is_empty();
    Ok(Source::Column { civil: shift(civil, shifts)?.after(&[value]), day })
}

/// Most modifiers of a column: each repeats what is before it, and all together stay in PostgreSQL's years.
const MOST_SHIFTS: usize = 3;

/// A column's time by modifiers. After the year 9999 SQLite has no time, and NULL whatever follows.
fn shift(civil: Node, modifiers: &[String]) -> Result<Node> {
    if modifiers.is_empty() {
        return Ok(civil);
    }
    if modifiers.len() > MOST_SHIFTS {
        return refuse(format!("more than {MOST_SHIFTS} date modifiers over a column"));
    }
    let mut sql = civil.sql.clone();
    let mut ahead = false;
    for modifier in modifiers {
        let back = modifier.starts_with('-');
        if back && ahead {
            sql = within_9999(&sql);
        }
        sql = modified(&sql, modifier)?;
        ahead = !back && (ahead || !modifier.starts_with("start of"));
    }
    let sql = if ahead { within_9999(&sql) } else { format!("({sql})") };
    Ok(Node::atom(sql, TypeClass::Timestamp).after(&[&civil]))
}

fn within_9999(sql: &str) -> String {
    format!("(CASE WHEN {sql} < timestamp '10000-01-01' THEN {sql} END)")
}

fn of(args: &[Node], part: Part) -> Result<Node> {
    let (mut moment, subsec) = match source(args)? {
        Source::Now { moment, subsec } => (moment, subsec),
        Source::Column { civil, day } => return part_of_column(&civil, day, part),
    };
    moment.part = part;
    let format = match (part, subsec) {
        (Part::Date, _) => "YYYY-MM-DD",
        (Part::Time, false) => "HH24:MI:SS",
        (Part::Time, true) => "HH24:MI:SS.MS",
        (Part::DateTime, false) => "YYYY-MM-DD HH24:MI:SS",
        (Part::DateTime, true) => "YYYY-MM-DD HH24:MI:SS.MS",
    };
    Ok(now_text(moment, format))
}

fn now_text(moment: Moment, format: &str) -> Node {
    let sql = format!("to_char({}, {})", moment.civil, sqltext::literal(format));
    Node::atom(sql, TypeClass::Text).volatile().kind(Kind::Moment(moment))
}

fn part_of_column(civil: &Node, day: bool, part: Part) -> Result<Node> {
    let inner = || civil.sql.strip_suffix("::timestamp").filter(|_| day);
    Ok(match part {
        Part::Date => match inner() {
            Some(date) => Node::atom(date, TypeClass::Date).after(&[civil]),
            None => civil.cast("date", TypeClass::Date),
        },
        Part::Time => {
            Node::atom(format!("date_trunc('second', {})::time", civil.sql), TypeClass::Time).after(&[civil])
        }
        Part::DateTime => {
            Node::atom(format!("date_trunc('second', {})", civil.sql), TypeClass::Timestamp).after(&[civil])
        }
    })
}

fn unixepoch(args: &[Node]) -> Result<Node> {
    match source(args)? {
        Source::Column { civil, .. } => Ok(Node::atom(seconds_of(&civil.sql), TypeClass::Integer)
            .after(&[&civil])
            .sized(SECONDS_SIZE, 64)),
        Source::Now { moment, subsec } if moment.civil == NOW => {
            let kind = Kind::Epoch(Epoch { mul: 1.0, add: 0.0, digits: None });
            let millis = "(floor(extract(epoch FROM now()) * 1000) / 1000)::double precision";
            Ok(match subsec {
                true => Node::atom(millis, TypeClass::Float),
                false => Node::atom(SECONDS, TypeClass::Integer),
            }
            .volatile()
            .kind(kind)
            .sized(SECONDS_SIZE, 64))
        }
        Source::Now { .. } => refuse("unixepoch() with date modifiers"),
    }
}

fn julianday(args: &[Node]) -> Result<Node> {
    let (epoch, part) = match source(args)? {
        Source::Now { moment, .. } if moment.civil == NOW => ("now()".to_string(), None),
        Source::Now { .. } => return refuse("julianday() with date modifiers"),
        Source::Column { civil, .. } => (civil.sql.clone(), Some(civil)),
    };
    let sql = format!("(extract(epoch FROM {epoch}) / 86400.0 + {JULIAN_1970})::double precision");
    // Doubles near the days of our time are some ten microseconds apart.
    let node = Node::atom(sql, TypeClass::Float).sized(Size { low: -1e9, high: 1e9, tiny: 1e-12 }, 64);
    Ok(match part {
        Some(civil) => node.after(&[&civil]),
        None => {
            node.volatile().kind(Kind::Epoch(Epoch { mul: 1.0 / 86400.0, add: JULIAN_1970, digits: None }))
        }
    })
}

fn seconds_of(civil: &str) -> String {
    format!("floor(extract(epoch FROM {civil}))::bigint")
}

/// One conversion of strftime: its letter, `to_char`'s spelling, and an immutable form over a timestamp.
struct Code {
    letter: char,
    to_char: &'static str,
    /// `$` is the timestamp; digits of a number, padded to the width.
    number: &'static str,
    width: usize,
}

const CODES: [Code; 9] = [
    Code { letter: 'Y', to_char: "YYYY", number: "extract(year FROM $)", width: 4 },
    Code { letter: 'm', to_char: "MM", number: "extract(month FROM $)", width: 2 },
    Code { letter: 'd', to_char: "DD", number: "extract(day FROM $)", width: 2 },
    Code { letter: 'H', to_char: "HH24", number: "extract(hour FROM $)", width: 2 },
    Code { letter: 'M', to_char: "MI", number: "extract(minute FROM $)", width: 2 },
    Code { letter: 'S', to_char: "SS", number: "floor(extract(second FROM $))", width: 2 },
    Code { letter: 'j', to_char: "DDD", number: "extract(doy FROM $)", width: 3 },
    Code { letter: 'w', to_char: "", number: "extract(dow FROM $)", width: 1 },
    Code {
        letter: 'W',
        to_char: "",
        number: "floor((extract(doy FROM $) + 7 - extract(isodow FROM $)) / 7)",
        width: 2,
    },
];

enum Piece {
    Code(&'static Code),
    Millis,
    Epoch,
    Text(String),
}

fn pieces(format: &str) -> Result<Vec<Piece>> {
    let expanded = format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M");
    let mut chars = expanded.chars();
    let mut out: Vec<Piece> = Vec::new();
    while let Some(c) = chars.next() {
        let letter = if c == '%' { chars.next() } else { None };
        let piece = match (c, letter) {
            ('%', Some('%')) => Piece::Text("%".into()),
            ('%', Some('f')) => Piece::Millis,
            ('%', Some('s')) => Piece::Epoch,
            ('%', letter) => match CODES.iter().find(|k| Some(k.letter) == letter) {
                Some(code) => Piece::Code(code),
                None => return refuse(format!("strftime format '{format}' has no equivalent")),
            },
            (c, _) => Piece::Text(c.to_string()),
        };
        match (out.last_mut(), piece) {
            (Some(Piece::Text(t)), Piece::Text(more)) => t.push_str(&more),
            (_, piece) => out.push(piece),
        }
    }
    Ok(out)
}

fn formatted(format: &str, args: &[Node]) -> Result<Node> {
    let pieces = pieces(format)?;
    match source(args)? {
        Source::Column { civil, .. } => of_column(&pieces, &civil),
        Source::Now { moment, .. } => match pieces.as_slice() {
            [Piece::Epoch] if moment.civil == NOW => {
                let kind = Kind::Epoch(Epoch { mul: 1.0, add: 0.0, digits: Some(SECONDS.into()) });
                let text = Node::atom(format!("{SECONDS}::text"), TypeClass::Text);
                Ok(text.volatile().kind(kind).sized(SECONDS_SIZE, 64))
            }
            _ => of_now(format, &pieces, moment),
        },
    }
}

fn of_now(format: &str, pieces: &[Piece], mut moment: Moment) -> Result<Node> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Code(code) if !code.to_char.is_empty() => out.push_str(code.to_char),
            Piece::Millis => out.push_str("SS.MS"),
            Piece::Text(t) => push_quoted(&mut out, t),
            _ => return refuse(format!("strftime format '{format}' has no equivalent")),
        }
    }
    let part = shape(format);
    moment.part = part.unwrap_or(Part::DateTime);
    let mut node = now_text(moment, &out);
    if part.is_none() {
        node.kind = match pieces {
            [Piece::Code(_)] => Kind::Digits(format!("{}::bigint", node.sql)),
            _ => Kind::Plain,
        };
    }
    Ok(node)
}

/// `to_char` prints separators as they are; letters must be quoted.
fn push_quoted(out: &mut String, plain: &str) {
    if plain.bytes().all(|b| matches!(b, b' ' | b'-' | b':' | b'.' | b'/')) {
        out.push_str(plain);
        return;
    }
    out.push('"');
    for c in plain.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// The formats that make a complete date, time, or both.
fn shape(format: &str) -> Option<Part> {
    let plain = format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M");
    let clock = |t: &str| ["%H:%M", "%H:%M:%S", "%H:%M:%f"].contains(&t);
    match plain.strip_prefix("%Y-%m-%d") {
        Some("") => Some(Part::Date),
        Some(rest) => {
            let rest = rest.strip_prefix([' ', 'T'])?;
            let rest = ["Z", "+00:00", " +00:00"].iter().find_map(|z| rest.strip_suffix(z)).unwrap_or(rest);
            clock(rest).then_some(Part::DateTime)
        }
        None => clock(&plain).then_some(Part::Time),
    }
}

/// `to_char` is not immutable, so texts over columns are composed of numbers.
fn of_column(pieces: &[Piece], civil: &Node) -> Result<Node> {
    let mut parts = Vec::new();
    for piece in pieces {
        parts.push(match piece {
            Piece::Code(code) => {
                let n = code.number.replace('$', &civil.sql);
                format!("lpad(({n})::integer::text, {}, '0')", code.width)
            }
            Piece::Epoch => format!("{}::text", seconds_of(&civil.sql)),
            Piece::Text(t) => sqltext::literal(t),
            Piece::Millis => return refuse("strftime() with %f over a column"),
        });
    }
    let prec = if parts.len() == 1 { Prec::Atom } else { Prec::Operator };
    let digits = match pieces {
        [Piece::Code(code)] => Kind::Digits(format!("({})::integer", code.number.replace('$', &civil.sql))),
        [Piece::Epoch] => Kind::Digits(seconds_of(&civil.sql)),
        // The result is NULL for NULL, whatever the format.
        [Piece::Text(_)] | [] => {
            let plain = parts.pop().unwrap_or_else(|| sqltext::literal(""));
            let sql = format!("CASE WHEN {} IS NOT NULL THEN {plain} END", civil.at(Prec::Operator));
            return Ok(Node::new(sql, TypeClass::Text, Prec::Unary).after(&[civil]));
        }
        _ => Kind::Plain,
    };
    Ok(Node::new(parts.join(" || "), TypeClass::Text, prec).after(&[civil]).kind(digits))
}
