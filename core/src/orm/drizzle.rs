//! Drizzle: SQLite's four classes are its only types; modes of a column (`timestamp_ms`, `boolean`, `json`, `bigint`) are
//! known to the program alone, so that the stored values must say them.

use super::names::Names;
use super::signs::{Sign, has};
use super::{Conventions, Integers, Meaning, Orm};

pub const ORM: Orm = Orm {
    name: "drizzle",
    title: "Drizzle",
    signs: &[
        Sign::Tool("Drizzle"),
        Sign::Spelling(|table| Some(has(table, &["` (\n\t`"])), "tables spelled as Drizzle does"),
    ],
    conventions: Conventions {
        open: &[("NUMERIC", "numeric with its digits")],
        types: &[("TEXT", &["character varying(n)"])],
        texts: &[Meaning::Uuid, Meaning::Date, Meaning::Time, Meaning::Timestamp, Meaning::Json],
        integers: Integers::Narrow,
        named_times: true,
        texts_in_blobs: true,
        zero_or_one: true,
        names: Names::Drizzle,
        ..Conventions::NONE
    },
};
