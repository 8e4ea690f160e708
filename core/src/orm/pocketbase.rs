//! PocketBase: ids are texts, and a missing text is an empty one.

use super::signs::Sign;
use super::{Conventions, Orm};

pub const ORM: Orm = Orm {
    name: "pocketbase",
    title: "PocketBase",
    signs: &[Sign::Tables(&["_collections", "_externalAuths"]), Sign::Tables(&["_collections", "_params"])],
    conventions: Conventions::NONE,
};
