//! Knex and Objection: a JavaScript Date is written as milliseconds, the database's own default as a text.

use super::names::Names;
use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};
use crate::value::Format;

pub const ORM: Orm = Orm {
    name: "knex",
    title: "Knex",
    signs: &[
        Sign::Tool("Knex"),
        Sign::Spelling(
            |table| {
                has(table, &["(`"]).then(|| has(table, &["` integer not null primary key autoincrement"]))
            },
            "tables spelled as Knex does",
        ),
    ],
    conventions: Conventions {
        open: &[
            ("DATETIME", "a timestamp with or without time zone"),
            ("FLOAT", "numeric with its digits, real, or double precision"),
            ("JSON", "json, jsonb, or an array"),
        ],
        types: &[
            ("DATETIME", &["timestamp with time zone"]),
            ("SMALLINT", &["smallint"]),
            ("CHAR", &["character(n)"]),
        ],
        integers: Integers::Narrow,
        epoch: Some(Format::UnixEpochMs),
        serial: true,
        names: Names::Knex,
        ..Conventions::NONE
    },
};
