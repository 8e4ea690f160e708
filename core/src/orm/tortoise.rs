//! Tortoise and Aerich: decimals are texts, booleans integers.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "tortoise",
    title: "Tortoise",
    signs: &[
        Sign::Tool("Aerich"),
        Sign::Spelling(
            |table| Some(has(table, &["(\n    \"", "\" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"])),
            "tables spelled as Tortoise does",
        ),
    ],
    conventions: Conventions {
        open: &[("JSON", "json, jsonb, or an array")],
        types: &[("TIMESTAMP", &["timestamp with time zone"]), ("SMALLINT", &["smallint"])],
        integers: Integers::Narrow,
        decimal_texts: Some("VARCHAR(40)"),
        zero_or_one: true,
        serial: true,
        ..Conventions::NONE
    },
};
