//! Texts that PostgreSQL's input functions would read as something else than they say: one table of accepted and
//! refused texts, from which the documentation and the tests derive.
//!
//! A type with a converter defines there what it accepts; the table has examples. The other types use their input
//! function, after the check in this table.

use std::net::IpAddr;

use super::number;
use super::{Cell, pgtype};

/// Whether an input function reads a text as it is written.
pub type Check = fn(&str) -> bool;

pub struct Spelling {
    /// The types that the examples are for, as `format_type` prints them.
    pub types: &'static [&'static str],
    /// The accepted texts, in a few words.
    pub takes: &'static str,
    pub reads: &'static [&'static str],
    /// Texts that PostgreSQL 14 to 18, or one of them, reads without an error.
    pub refuses: &'static [&'static str],
    /// The check for a type without a converter; it ignores typmods.
    check: Option<Check>,
}

const fn own(
    types: &'static [&'static str],
    takes: &'static str,
    reads: &'static [&'static str],
    refuses: &'static [&'static str],
) -> Spelling {
    Spelling { types, takes, reads, refuses, check: None }
}

const fn checked(
    types: &'static [&'static str],
    takes: &'static str,
    reads: &'static [&'static str],
    refuses: &'static [&'static str],
    check: Check,
) -> Spelling {
    Spelling { types, takes, reads, refuses, check: Some(check) }
}

pub const SPELLINGS: &[Spelling] = &[
    own(
        &["smallint", "integer", "bigint"],
        "decimal digits as PostgreSQL prints them",
        &["7", "-12"],
        &["0x1F", "1_000", "010", "+7", " 7"],
    ),
    checked(
        &["oid", "xid", "xid8", "cid"],
        "decimal digits",
        &["7", "4294967295"],
        &["-1", "010", "0x1F", " 7"],
        is_unsigned,
    ),
    checked(&["oidvector"], "decimal digits", &["1 23"], &["-1 2", "1 0x2"], |text| {
        text.split(' ').all(is_unsigned)
    }),
    own(&["numeric"], "decimal numbers", &["1.50", "1e3"], &["0x1F", "1_000", " 1"]),
    own(&["numeric(4,1)"], "numbers that need no rounding", &["1.20"], &["1.25"]),
    own(
        &["double precision"],
        "numbers that a double represents exactly",
        &["0.1", "-Infinity"],
        &["0x1F", "0.1000000000000000000001", "1 "],
    ),
    own(
        &["real"],
        "numbers that a four-byte float represents exactly, or prints with the same digits",
        &["0.1", "0.15"],
        &["0.123456789", "16777217"],
    ),
    own(
        &["money"],
        "numbers with at most two digits after the point; dollar sign and commas as in the locale C",
        &["12.50", "-$1,234.5"],
        &["12.345", "12,5", "(5)", "1,2.50"],
    ),
    own(&["boolean"], "whole words, 0 and 1", &["yes", "OFF"], &["ye", "fal", " on"]),
    own(&["character varying(3)"], "at most 3 characters", &["abc"], &["abc  "]),
    own(&["character(3)"], "at most 3 characters, no trailing blanks", &["ab"], &["a ", "abc  "]),
    checked(&["\"char\""], "one ASCII character", &["a"], &["ab", "\\101", "é"], |text| {
        text.is_ascii() && text.len() < 2
    }),
    checked(
        &["name"],
        "at most 63 bytes",
        &["a name"],
        &["sixty-four bytes sixty-four bytes sixty-four bytes sixty-four by"],
        |text| text.len() < 64,
    ),
    own(
        &["date"],
        "ISO 8601",
        &["2024-01-31"],
        &["01/02/2024", "24-01-31", "20240131", "today", "epoch", "infinity", "2024-01-31 10:00"],
    ),
    own(
        &["time without time zone"],
        "ISO 8601 times of day",
        &["10:00:00.5"],
        &["2024-05-06 10:00", "10:00 PM", "040506", "now", "allballs", "10:00:00.0000004", "24:00:00"],
    ),
    own(
        &["time with time zone"],
        "the same with an offset",
        &["10:00+02"],
        &["10:00 CET", "2024-05-06 10:00+02", "now", "allballs"],
    ),
    own(
        &["timestamp without time zone", "timestamp with time zone"],
        "ISO 8601",
        &["2024-01-31 10:00:00.25"],
        &[
            "01/02/2024 10:00",
            "24-01-31 10:00",
            "now",
            "yesterday",
            "epoch",
            "infinity",
            "2024-01-31 10:00:00.0000004",
        ],
    ),
    own(
        &["timestamp(3) without time zone"],
        "no digit beyond",
        &["2024-01-31 10:00:00.250"],
        &["2024-01-31 10:00:00.2504"],
    ),
    own(
        &["interval"],
        "ISO 8601, clocks, `d.hh:mm:ss`, `D days HH:MM:SS`, as PostgreSQL prints them",
        &["P1DT2H", "1.02:03:04", "1 day, 2:03:04", "-1 days +02:03:04", "26:03:04"],
        &["00:00:00.0000004", "1.5 days", "1 day ago", "1-2", "@ 1 day", "90", "1:2:3"],
    ),
    own(&["interval(0)"], "no digit beyond", &["00:00:01"], &["00:00:01.6"]),
    own(&["interval day"], "no time of day", &["3 days"], &["3 days 04:00:00"]),
    checked(
        &["inet"],
        "complete addresses, without leading zeros",
        &["10.0.0.1", "10.0.0.1/8", "::1"],
        &["10.1/16", "010.0.0.1", " 10.0.0.1"],
        is_address,
    ),
    checked(
        &["cidr"],
        "complete addresses",
        &["10.0.0.0/8", "::/0"],
        &["10", "10.1", "192.168.1"],
        is_address,
    ),
    checked(
        &["macaddr"],
        "12 hexadecimal digits",
        &["08:00:2b:01:02:03", "0800.2b01.0203"],
        &["8:0:2b:1:2:3"],
        |text| has_hex_digits(text, 12),
    ),
    checked(
        &["macaddr8"],
        "16 hexadecimal digits",
        &["08:00:2b:01:02:03:04:05"],
        &["08:00:2b:01:02:03"],
        |text| has_hex_digits(text, 16),
    ),
    checked(&["bit(4)", "bit varying(4)"], "zeros and ones", &["0101"], &["x5", "b0101", "X5"], |text| {
        text.bytes().all(|b| matches!(b, b'0' | b'1'))
    }),
    checked(
        &["point"],
        "numbers that doubles represent exactly",
        &["(1,2.5)"],
        &["(0x10,1)", "(1,0.1000000000000000000001)"],
        has_doubles,
    ),
    checked(&["line"], "the same", &["{1,-1,0}"], &["{0x1,-1,0}"], has_doubles),
    checked(&["box", "lseg"], "the same", &["(2,2),(1,1)"], &["(0x2,2),(1,1)"], has_doubles),
    checked(&["path", "polygon"], "the same", &["((1,1),(2,2))"], &["((0x1,1),(2,2))"], has_doubles),
    checked(&["circle"], "the same", &["<(1,1),2>"], &["<(0x1,1),2>"], has_doubles),
    checked(&["box[]"], "the same", &["{(2,2),(1,1)}"], &["{(0x2,2),(1,1)}"], has_doubles),
    checked(&["tid"], "two plain numbers", &["(0,1)"], &["(-1,1)", "(0x1,1)"], |text| {
        let inside = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        inside
            .and_then(|t| t.split_once(','))
            .is_some_and(|(page, item)| is_unsigned(page) && is_unsigned(item))
    }),
    own(&["jsonb"], "documents that jsonb keeps completely", &["{\"a\": 1}"], &["{\"a\": 1, \"a\": 2}"]),
    own(
        &["daterange"],
        "values that their type accepts",
        &["[2024-01-01,2024-02-01)", "[2024-01-01,infinity)"],
        &["[01/02/2024,)", "[today,)"],
    ),
    own(&["tstzrange", "tsrange"], "the same", &["[2024-01-01 10:00,)"], &["[now,)", "[01/02/2024 10:00,)"]),
    own(&["int4range", "numrange"], "the same", &["[1,7)"], &["[0x1,0x7)", "[1_0,20)"]),
    own(&["datemultirange"], "the same", &["{[2024-01-01,2024-02-01)}"], &["{[epoch,today)}"]),
    own(
        &["date[]"],
        "the same",
        &["{2024-01-31,NULL}", "[\"2024-01-31\"]"],
        &["{01/02/2024}", "{tomorrow}", "[\"epoch\"]"],
    ),
    own(&["numeric(4,1)[]"], "the same", &["{1.2}"], &["{1.25}"]),
    own(&["time without time zone[]"], "the same", &["{10:00}"], &["{\"2024-05-06 10:00\"}", "{allballs}"]),
    own(&["interval[]"], "the same", &["{\"1 day 02:00:00\"}"], &["{\"1-2\"}"]),
    own(&["money[]"], "the same", &["{12.50}"], &["{12.345}"]),
];

/// The check of a type that has no converter of its own, by its name as `format_type` prints it.
pub fn check_of(pg_type: &str) -> Option<Check> {
    let name = |written: &str| pgtype::split(written).0;
    let (wanted, checks) = (name(pg_type), SPELLINGS.iter().filter(|s| s.check.is_some()));
    checks.filter(|s| s.types.iter().any(|t| name(t) == wanted)).find_map(|s| s.check)
}

/// The table as it stands in `docs/types.md`.
pub fn table() -> String {
    let code = |texts: &[&str]| texts.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(" ");
    let rows = SPELLINGS.iter().map(|s| {
        format!("| {} | {} | {} | {} |\n", s.types.join(", "), s.takes, code(s.reads), code(s.refuses))
    });
    let head = "| column | accepts | for example | does not accept, though PostgreSQL does \
                |\n|---|---|---|---|\n";
    std::iter::once(head.to_owned()).chain(rows).collect()
}

fn is_unsigned(text: &str) -> bool {
    number::canonical_integer(text.as_bytes()).is_some_and(|n| n >= 0)
}

fn is_address(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "0"));
    address.parse::<IpAddr>().is_ok() && is_unsigned(prefix)
}

fn has_hex_digits(text: &str, count: usize) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let others = text.bytes().filter(|b| !b.is_ascii_hexdigit()).all(|b| matches!(b, b':' | b'-' | b'.'));
    digits == count && others
}

/// Every number in a geometric value is the double that it is written as.
fn has_doubles(text: &str) -> bool {
    let is_mark = |c: char| "()<>[]{},; ".contains(c);
    let mut numbers = text.split(is_mark).filter(|word| !word.is_empty());
    numbers.all(|word| number::float8(Cell::Text(word.as_bytes())).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Decoder, PgType, Timezone};

    #[test]
    fn what_would_be_read_as_something_else_does_not_fit() {
        for spelling in SPELLINGS {
            for pg_type in spelling.types {
                let decoder = Decoder::new(&PgType::parse(pg_type), None, &Timezone::UTC);
                let fits = |text: &&&str| decoder.decode(Cell::Text(text.as_bytes())).is_ok();
                let refused: Vec<_> = spelling.reads.iter().filter(|t| !fits(t)).collect();
                let taken: Vec<_> = spelling.refuses.iter().filter(fits).collect();
                assert_eq!((refused, taken), (vec![], vec![]), "{pg_type}");
            }
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        let section = format!(
            "<!-- begin spellings: core/src/value/spelling.rs -->\n{}<!-- end spellings -->\n",
            table()
        );
        assert!(
            include_str!("../../../docs/types.md").contains(&section),
            "docs/types.md must have:\n{section}"
        );
    }
}
