//! Laravel and Eloquent: keys have 64 bits in PostgreSQL; times have whole seconds.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "laravel",
    title: "Laravel",
    signs: &[
        Sign::Tool("Laravel"),
        Sign::Spelling(
            |table| {
                has(table, &["(\""]).then(|| has(table, &["\" integer primary key autoincrement not null"]))
            },
            "tables spelled as Laravel does",
        ),
    ],
    conventions: Conventions {
        types: &[
            ("DATETIME", &["timestamp(0) without time zone"]),
            ("VARCHAR", &["character varying(n)", "character varying"]),
        ],
        integers: Integers::WideKeys,
        serial: true,
        ..Conventions::NONE
    },
};
