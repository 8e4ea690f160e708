//! SeaORM: the declared types of sea-query say what a text is.

use super::signs::Sign;
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "sea_orm",
    title: "SeaORM",
    signs: &[Sign::Tool("SeaORM")],
    conventions: Conventions {
        types: &[
            ("SMALLINT", &["smallint"]),
            ("UUID_TEXT", &["uuid"]),
            ("DATE_TEXT", &["date"]),
            ("TIME_TEXT", &["time without time zone"]),
            ("DATETIME_TEXT", &["timestamp without time zone"]),
            ("TIMESTAMP_TEXT", &["timestamp without time zone"]),
            ("TIMESTAMP_WITH_TIMEZONE_TEXT", &["timestamp with time zone"]),
            ("JSON_TEXT", &["jsonb"]),
            ("JSONB_TEXT", &["jsonb"]),
            ("VARCHAR", &["character varying(n)", "character varying"]),
        ],
        integers: Integers::Narrow,
        serial: true,
        ..Conventions::NONE
    },
};
