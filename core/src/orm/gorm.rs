//! GORM: Go's integers have 64 bits; booleans are `numeric`, and times are texts with an offset.

use super::signs::{Sign, has};
use super::{Conventions, Orm};

pub const ORM: Orm = Orm {
    name: "gorm",
    title: "GORM",
    signs: &[Sign::Spelling(
        |table| has(table, &["(`"]).then(|| has(table, &["` integer PRIMARY KEY AUTOINCREMENT,`"])),
        "tables spelled as GORM does",
    )],
    conventions: Conventions {
        types: &[("DATETIME", &["timestamp with time zone"]), ("NUMERIC", &["boolean"])],
        serial: true,
        ..Conventions::NONE
    },
};
