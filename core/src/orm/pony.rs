//! Pony: durations are days with fractions.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};
use crate::value::Format;

pub const ORM: Orm = Orm {
    name: "pony",
    title: "Pony",
    signs: &[Sign::Spelling(
        |table| Some(has(table, &["(\n  \"", "\" INTEGER PRIMARY KEY AUTOINCREMENT"])),
        "tables spelled as Pony does",
    )],
    conventions: Conventions {
        integers: Integers::Narrow,
        durations: Some(Format::Days),
        serial: true,
        lower_names: true,
        ..Conventions::NONE
    },
};
