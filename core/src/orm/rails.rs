//! Rails: keys have 64 bits in PostgreSQL, and so have the columns that refer to them.

use super::signs::{Sign, all_names};
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "rails",
    title: "Rails",
    signs: &[
        Sign::Tool("Rails"),
        Sign::Spelling(
            |table| {
                all_names(table, |name| {
                    name.starts_with("index_") && name.contains("_on_") || name.starts_with("fk_rails_")
                })
            },
            "indexes named as Rails does, such as \"index_users_on_email\"",
        ),
    ],
    conventions: Conventions {
        open: &[("JSON", "json, jsonb, or an array")],
        types: &[("VARCHAR", &["character varying(n)", "character varying"])],
        integers: Integers::WideKeys,
        serial: true,
        ..Conventions::NONE
    },
};
