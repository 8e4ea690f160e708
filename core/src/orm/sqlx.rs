//! SQLx: the application declares its own types.

use super::signs::Sign;
use super::{Conventions, Orm};

pub const ORM: Orm =
    Orm { name: "sqlx", title: "SQLx", signs: &[Sign::Tool("SQLx")], conventions: Conventions::NONE };
