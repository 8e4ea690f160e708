//! Sequelize: times are texts with an offset.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "sequelize",
    title: "Sequelize",
    signs: &[
        Sign::Tool("Sequelize"),
        Sign::Spelling(
            |table| {
                let times = ["`createdAt` DATETIME NOT NULL", "`updatedAt` DATETIME NOT NULL"];
                let keys = [" REFERENCES `", "` (`id`) ON DELETE ", " ON UPDATE CASCADE"];
                let shows =
                    has(table, &["(`"]) && (has(table, &["` DATETIME"]) || has(table, &["REFERENCES"]));
                shows.then(|| has(table, &times) || has(table, &keys))
            },
            "tables spelled as Sequelize does",
        ),
    ],
    conventions: Conventions {
        open: &[("JSON", "json, jsonb, or an array")],
        types: &[
            ("DATETIME", &["timestamp with time zone"]),
            ("SMALLINT", &["smallint"]),
            ("CHAR", &["character(n)"]),
        ],
        integers: Integers::Narrow,
        serial: true,
        ..Conventions::NONE
    },
};
