//! Peewee: UUIDs are texts, booleans integers, and floats of single precision.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Meaning, Orm};

pub const ORM: Orm = Orm {
    name: "peewee",
    title: "Peewee",
    signs: &[
        Sign::Tool("Peewee"),
        Sign::Spelling(
            |table| has(table, &["(\""]).then(|| has(table, &["\" INTEGER NOT NULL PRIMARY KEY, \""])),
            "tables spelled as Peewee does",
        ),
    ],
    conventions: Conventions {
        open: &[("CHAR", "character(n), which PostgreSQL pads with blanks")],
        types: &[("REAL", &["real"]), ("SMALLINT", &["smallint"]), ("CHAR", &["character(n)"])],
        texts: &[Meaning::Uuid, Meaning::UuidHex],
        integers: Integers::Narrow,
        zero_or_one: true,
        serial: true,
        ..Conventions::NONE
    },
};
