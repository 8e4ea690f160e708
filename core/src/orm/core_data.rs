//! Core Data: `ZTABLE.ZCREATIONDATE TIMESTAMP` counts seconds from 2001 (`types::times`).

use super::signs::Sign;
use super::{Conventions, Orm};

pub const ORM: Orm = Orm {
    name: "core_data",
    title: "Core Data",
    signs: &[Sign::Tables(&["Z_PRIMARYKEY", "Z_METADATA"])],
    conventions: Conventions {
        zero_or_one: true,
        own_columns: &["Z_PK", "Z_ENT", "Z_OPT"],
        ..Conventions::NONE
    },
};
