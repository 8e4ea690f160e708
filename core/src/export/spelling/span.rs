//! How intervals are spelled by the programs that write them into SQLite files, where not as PostgreSQL prints them.

use crate::export::forms::interval::iso8601;
use crate::value::Cell;
use crate::value::datetime::{DAY, SECOND};
use crate::value::interval::{Parts, Precision, decode, parts};

/// Who spells them so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// `P1DT2H`
    Iso8601,
    /// `P1DT02H00M00S`, without months.
    DjangoIso,
    /// `1.02:00:00`, or `1.02:00:00.5000000`; one sign for all.
    DotNet,
    /// `1 day, 2:00:00`: of a negative interval only the days are below zero.
    Python,
    /// `1 02:00:00`, with signs as Python's.
    Django,
}

/// The examples of zeros.
pub const EXAMPLES: [(&str, Span); 5] = [
    ("PT0S", Span::Iso8601),
    ("P0DT00H00M00S", Span::DjangoIso),
    ("0.00:00:00[.0000000]", Span::DotNet),
    ("0 days, 0:00:00[.000000]", Span::Python),
    ("0 00:00:00[.000000]", Span::Django),
];

impl Span {
    pub fn parse(example: &str) -> Option<Span> {
        EXAMPLES.iter().find(|(text, _)| *text == example).map(|(_, span)| *span)
    }

    /// The example by which both texts are spelled; `None` where PostgreSQL prints them so as well.
    pub fn of_edges(least: &str, greatest: &str) -> Option<&'static str> {
        let read = |text: &str| parts(&decode(Cell::Text(text.as_bytes()), None, Precision::FULL).ok()?);
        let edges = [(least, read(least)?), (greatest, read(greatest)?)];
        if edges.iter().all(|(text, of)| clock_of(of).as_deref() == Some(*text)) {
            return None;
        }
        let is_so = |span: &Span| edges.iter().all(|(text, of)| span.spell(of).as_deref() == Some(*text));
        EXAMPLES.iter().find(|(_, span)| is_so(span)).map(|(example, _)| *example)
    }

    /// An interval that is printed in the style `postgres`, in this spelling; `None` where that is another interval.
    pub fn respell(self, printed: &str) -> Option<String> {
        let of = parts(printed)?;
        let text = self.spell(&of)?;
        let read = decode(Cell::Text(text.as_bytes()), None, Precision::FULL).ok()?;
        (parts(&read) == Some(of)).then_some(text)
    }

    fn spell(self, of: &Parts) -> Option<String> {
        if self == Span::Iso8601 {
            return iso8601(&printed(of)).ok();
        }
        let Parts { months: 0, days, micros } = *of else { return None };
        let negative = days < 0 || micros < 0;
        let one_sign = days <= 0 && micros <= 0 || days >= 0 && micros >= 0;
        let (days, micros) = match self {
            Span::DotNet | Span::DjangoIso if !one_sign => return None,
            Span::DotNet | Span::DjangoIso => (i64::from(days).abs(), micros.checked_abs()?),
            _ => (i64::from(days), micros),
        };
        if !(0..DAY).contains(&micros) {
            return None;
        }
        let (seconds, fraction) = (micros / SECOND, micros % SECOND);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let fraction = match (fraction, self) {
            (0, _) => String::new(),
            (_, Span::DotNet) => format!(".{fraction:06}0"),
            _ => format!(".{fraction:06}"),
        };
        let sign = if negative { "-" } else { "" };
        let clock = format!("{minutes:02}:{seconds:02}{fraction}");
        Some(match self {
            Span::DjangoIso => format!("{sign}P{days}DT{hours:02}H{minutes:02}M{seconds:02}{fraction}S"),
            Span::DotNet if days == 0 => format!("{sign}{hours:02}:{clock}"),
            Span::DotNet => format!("{sign}{days}.{hours:02}:{clock}"),
            Span::Python if days == 0 => format!("{hours}:{clock}"),
            Span::Python => {
                let unit = if days.abs() == 1 { "day" } else { "days" };
                format!("{days} {unit}, {hours}:{clock}")
            }
            _ if days == 0 => format!("{hours:02}:{clock}"),
            _ => format!("{days} {hours:02}:{clock}"),
        })
    }
}

/// As words that [`parts`] reads.
fn printed(of: &Parts) -> String {
    let (sign, size) = (if of.micros < 0 { '-' } else { '+' }, of.micros.unsigned_abs());
    let (seconds, fraction) = (size / SECOND.unsigned_abs(), size % SECOND.unsigned_abs());
    let clock =
        format!("{sign}{}:{:02}:{:02}.{fraction:06}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} mons {} days {clock}", of.months, of.days)
}

/// As PostgreSQL prints an interval that has neither months nor days.
fn clock_of(of: &Parts) -> Option<String> {
    let Parts { months: 0, days: 0, micros } = *of else { return None };
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (seconds, fraction) = (size / SECOND.unsigned_abs(), size % SECOND.unsigned_abs());
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction.trim_end_matches('0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_spelled_as_their_program_does() {
        for (span, printed, text) in [
            (Span::Iso8601, "1 year 2 mons -3 days +04:05:06.5", Some("P1Y2M-3DT4H5M6.5S")),
            (Span::Iso8601, "infinity", None),
            (Span::DotNet, "1 day 02:03:04", Some("1.02:03:04")),
            (Span::DotNet, "-1 days -02:03:04.5", Some("-1.02:03:04.5000000")),
            (Span::DotNet, "00:00:01", Some("00:00:01")),
            (Span::DotNet, "26:00:00", None),
            (Span::DotNet, "-1 days +02:00:00", None),
            (Span::Python, "1 day 02:03:04", Some("1 day, 2:03:04")),
            (Span::Python, "-1 days +22:00:00.000001", Some("-1 day, 22:00:00.000001")),
            (Span::Python, "12 days", Some("12 days, 0:00:00")),
            (Span::Python, "-02:00:00", None),
            (Span::Python, "1 mon", None),
            (Span::Django, "3 days 04:05:06", Some("3 04:05:06")),
            (Span::Django, "04:05:06.25", Some("04:05:06.250000")),
            (Span::DjangoIso, "3 days 04:05:06", Some("P3DT04H05M06S")),
            (Span::DjangoIso, "-04:05:06.5", Some("-P0DT04H05M06.500000S")),
        ] {
            assert_eq!(span.respell(printed).as_deref(), text, "{span:?} {printed}");
        }
    }

    #[test]
    fn the_example_of_a_column_is_that_of_its_edges() {
        for (least, greatest, example) in [
            ("P1D", "PT2H", Some("PT0S")),
            ("P1DT02H00M00S", "P2DT00H00M00S", Some("P0DT00H00M00S")),
            ("1.02:00:00", "23:00:00.5000000", Some("0.00:00:00[.0000000]")),
            ("1 day, 2:00:00", "3:00:00", Some("0 days, 0:00:00[.000000]")),
            ("1 02:00:00", "23:00:00", Some("0 00:00:00[.000000]")),
            ("01:00:00.5", "26:00:00", None),
            ("1 day 02:00:00", "2 days", None),
            ("1 day 02:00:00", "P2D", None),
            ("a", "b", None),
        ] {
            assert_eq!(Span::of_edges(least, greatest), example, "{least} {greatest}");
        }
    }
}
