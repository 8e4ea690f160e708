//! Doctrine: times have whole seconds.

use super::signs::{Sign, all_names, is_hashed};
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "doctrine",
    title: "Doctrine",
    signs: &[
        Sign::Tool("Doctrine"),
        Sign::Spelling(
            |table| {
                let all = all_names(table, |name| is_hashed(name, &["IDX_", "UNIQ_", "FK_"]))?;
                let upper =
                    !super::signs::names(table).any(|name| name.chars().any(|c| c.is_ascii_lowercase()));
                Some(all && upper)
            },
            "indexes named as Doctrine does, such as \"UNIQ_8D93D649E7927C74\"",
        ),
    ],
    conventions: Conventions {
        types: &[
            ("DATETIME", &["timestamp(0) without time zone"]),
            ("SMALLINT", &["smallint"]),
            ("VARCHAR", &["character varying(n)", "character varying"]),
        ],
        integers: Integers::Narrow,
        ..Conventions::NONE
    },
};
