//! MikroORM: times are milliseconds, booleans INTEGER. Where its migrations have left no table, it differs from Knex, on
//! which it is built, in the names of its foreign keys.

use super::names::Names;
use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};
use crate::value::Format;

pub const ORM: Orm = Orm {
    name: "mikro_orm",
    title: "MikroORM",
    signs: &[
        Sign::Tool("MikroORM"),
        Sign::Spelling(
            |table| {
                let refers = has(table, &["(`", "` foreign key(`"]);
                refers.then(|| has(table, &[", constraint `", "_foreign` foreign key(`"]))
            },
            "foreign keys spelled as MikroORM does",
        ),
    ],
    conventions: Conventions {
        open: &[("DATETIME", "a timestamp with or without time zone"), ("JSON", "json, jsonb, or an array")],
        types: &[("DATETIME", &["timestamp with time zone"]), ("SMALLINT", &["smallint"])],
        integers: Integers::Narrow,
        epoch: Some(Format::UnixEpochMs),
        serial: true,
        zero_or_one: true,
        comma_lists: true,
        names: Names::Knex,
        ..Conventions::NONE
    },
};
