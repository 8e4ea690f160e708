//! Kysely: the application declares its own types. PostgreSQL's bigint reaches JavaScript as a text.

use super::signs::Sign;
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "kysely",
    title: "Kysely",
    signs: &[Sign::Tool("Kysely")],
    conventions: Conventions { integers: Integers::Narrow, zero_or_one: true, ..Conventions::NONE },
};
