//! MikroORM: times are milliseconds.

use super::names::Names;
use super::signs::Sign;
use super::{Conventions, Integers, Orm};
use crate::value::Format;

pub const ORM: Orm = Orm {
    name: "mikro_orm",
    title: "MikroORM",
    signs: &[Sign::Tool("MikroORM")],
    conventions: Conventions {
        open: &[("DATETIME", "a timestamp with or without time zone"), ("JSON", "json, jsonb, or an array")],
        types: &[("DATETIME", &["timestamp with time zone"]), ("SMALLINT", &["smallint"])],
        integers: Integers::Narrow,
        epoch: Some(Format::UnixEpochMs),
        serial: true,
        names: Names::Knex,
        ..Conventions::NONE
    },
};
