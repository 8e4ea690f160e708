//! SQLAlchemy, SQLModel and Alembic.

use super::signs::{Sign, has};
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "sqlalchemy",
    title: "SQLAlchemy",
    signs: &[
        Sign::Tool("Alembic"),
        Sign::Spelling(
            |table| (table.columns.len() > 1).then(|| has(table, &["(\n\t", ", \n\t"])),
            "tables spelled as SQLAlchemy does",
        ),
    ],
    conventions: Conventions {
        open: &[
            ("DATETIME", "a timestamp with or without time zone, or an interval"),
            ("JSON", "json, jsonb, or an array"),
        ],
        types: &[
            ("SMALLINT", &["smallint"]),
            ("CHAR", &["character(n)"]),
            ("VARCHAR", &["character varying(n)", "character varying"]),
        ],
        integers: Integers::Narrow,
        serial: true,
        ..Conventions::NONE
    },
};
