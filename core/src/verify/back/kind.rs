//! The kinds of types that values are read back by.

use super::geometry::Ask;
use super::span::Kept;
use super::time::MICRO;
use crate::plan::LoadColumn;
use crate::value::PgType;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    Float4,
    Float8,
    Numeric(Option<(i32, i32)>),
    Money,
    Text(Option<u32>),
    Bpchar(Option<u32>),
    Bytea,
    Date,
    /// With the picoseconds that the last digit counts, as for the next ones.
    Time(i128),
    TimeTz(i128),
    Timestamp(i128),
    TimestampTz(i128),
    Interval(Kept),
    Uuid,
    Json,
    Jsonb,
    /// EWKB as its digits, or WKB.
    Geometry(Ask),
    /// As its output function prints it.
    Printed,
}

impl Kind {
    pub(super) fn of(pg_type: &PgType, column: &LoadColumn) -> Kind {
        let step = |digits: u32| MICRO * 10i128.pow(6u32.saturating_sub(digits));
        if let Some(ask) = column.format.and_then(|format| Ask::new(pg_type, format, column.srids)) {
            return Kind::Geometry(ask);
        }
        match pg_type.base() {
            PgType::Bool => Kind::Bool,
            PgType::Int2 => Kind::Integer { min: i16::MIN.into(), max: i16::MAX.into() },
            PgType::Int4 => Kind::Integer { min: i32::MIN.into(), max: i32::MAX.into() },
            PgType::Int8 => Kind::Integer { min: i64::MIN, max: i64::MAX },
            PgType::Float4 => Kind::Float4,
            PgType::Float8 => Kind::Float8,
            PgType::Numeric(limit) => Kind::Numeric(*limit),
            PgType::Money => Kind::Money,
            PgType::Text => Kind::Text(None),
            PgType::Varchar(limit) => Kind::Text(*limit),
            PgType::Bpchar(limit) => Kind::Bpchar(*limit),
            PgType::Bytea => Kind::Bytea,
            PgType::Date => Kind::Date,
            PgType::Time(digits) => Kind::Time(step(*digits)),
            PgType::TimeTz(digits) => Kind::TimeTz(step(*digits)),
            PgType::Timestamp(digits) => Kind::Timestamp(step(*digits)),
            PgType::TimestampTz(digits) => Kind::TimestampTz(step(*digits)),
            PgType::Interval(precision) => Kind::Interval(Kept::of(*precision)),
            PgType::Uuid => Kind::Uuid,
            PgType::Json => Kind::Json,
            PgType::Jsonb => Kind::Jsonb,
            base if base.is_citext() => Kind::Text(None),
            _ => Kind::Printed,
        }
    }
}
