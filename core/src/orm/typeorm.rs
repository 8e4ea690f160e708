//! TypeORM: names are hashes; the types uuid, enum, simple-json and simple-array are texts.

use super::names::Names;
use super::signs::{Sign, all_names, is_hashed};
use super::{Conventions, Integers, Meaning, Orm};

pub const ORM: Orm = Orm {
    name: "typeorm",
    title: "TypeORM",
    signs: &[
        Sign::Tool("TypeORM"),
        Sign::Spelling(
            |table| all_names(table, |name| is_hashed(name, &["UQ_", "FK_", "IDX_", "REL_"])),
            "keys and indexes named as TypeORM does, such as \"UQ_648e3f54…\"",
        ),
    ],
    conventions: Conventions {
        open: &[("DATETIME", "a timestamp with or without time zone")],
        types: &[
            ("SMALLINT", &["smallint"]),
            ("TINYINT", &["smallint"]),
            ("JSON", &["json"]),
            ("CHARACTER", &["character(n)"]),
            ("VARCHAR", &["character varying(n)", "character varying"]),
        ],
        texts: &[Meaning::UuidKey],
        integers: Integers::Narrow,
        generates_uuids: true,
        serial: true,
        names: Names::TypeOrm,
        ..Conventions::NONE
    },
};
