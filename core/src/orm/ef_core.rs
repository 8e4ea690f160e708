//! Entity Framework Core: Guid, DateTime and TimeSpan are texts, booleans integers.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Meaning, Orm};

pub const ORM: Orm = Orm {
    name: "ef_core",
    title: "Entity Framework Core",
    signs: &[
        Sign::Tool("Entity Framework"),
        Sign::Spelling(
            |table| Some(has(table, &[" CONSTRAINT \"PK_"])),
            "primary keys named as EF Core does",
        ),
    ],
    conventions: Conventions {
        texts: &[Meaning::Uuid, Meaning::UuidUpper, Meaning::Timestamp],
        integers: Integers::Narrow,
        zero_or_one: true,
        decimals_in_text: true,
        ..Conventions::NONE
    },
};
