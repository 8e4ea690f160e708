//! Ecto: times, UUIDs and maps are texts, booleans integers.

use super::signs::Sign;
use super::{Conventions, Meaning, Orm};

pub const ORM: Orm = Orm {
    name: "ecto",
    title: "Ecto",
    signs: &[Sign::Spelling(
        |table| {
            let has = |name: &str| table.columns.iter().any(|column| column.name == name);
            (has("inserted_at") || has("updated_at")).then(|| has("inserted_at") && has("updated_at"))
        },
        "columns inserted_at and updated_at, as Ecto has them",
    )],
    conventions: Conventions {
        texts: &[Meaning::Uuid, Meaning::Date, Meaning::Time, Meaning::Timestamp],
        zero_or_one: true,
        serial: true,
        ..Conventions::NONE
    },
};
