//! Diesel: `Integer` has 32 bits, `BigInt` 64.

use super::signs::Sign;
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "diesel",
    title: "Diesel",
    signs: &[Sign::Tool("Diesel")],
    conventions: Conventions {
        types: &[("SMALLINT", &["smallint"])],
        integers: Integers::Narrow,
        serial: true,
        ..Conventions::NONE
    },
};
