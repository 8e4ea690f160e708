//! Prisma: `migrate` leaves its table, `db push` only its names. Its engine writes times as milliseconds, its driver
//! adapters as ISO-8601 texts.

use super::signs::{Sign, all_names, has};
use super::{Conventions, Integers, Orm};
use crate::value::Format;

pub const ORM: Orm = Orm {
    name: "prisma",
    title: "Prisma",
    signs: &[
        Sign::Tool("Prisma"),
        Sign::Spelling(
            |table| {
                let endings = ["_fkey", "_key", "_idx", "_AB_unique", "_B_index"];
                let named = all_names(table, |name| endings.iter().any(|end| name.ends_with(end)))?;
                Some(named && has(table, &["(\n    \""]))
            },
            "keys and indexes named as Prisma does, such as \"Post_authorId_fkey\"",
        ),
    ],
    conventions: Conventions {
        open: &[
            ("DATETIME", "a timestamp, a date or a time of day"),
            ("DECIMAL", "numeric with its digits"),
            ("JSONB", "jsonb, or an array"),
        ],
        types: &[("DATETIME", &["timestamp(3) without time zone"])],
        integers: Integers::Narrow,
        epoch: Some(Format::UnixEpochMs),
        clock_in_milliseconds: true,
        serial: true,
        ..Conventions::NONE
    },
};
