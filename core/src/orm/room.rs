//! Room: Kotlin's Long has 64 bits; what else a number means is known to the program alone.

use super::signs::Sign;
use super::{Conventions, Orm};

pub const ORM: Orm = Orm {
    name: "room",
    title: "Room",
    signs: &[Sign::Tool("Room")],
    conventions: Conventions { zero_or_one: true, ..Conventions::NONE },
};
