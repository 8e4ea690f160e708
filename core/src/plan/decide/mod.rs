//! Every decision about a table, its columns, keys, indexes and constraints.

pub(crate) mod checks;
pub mod collate;
pub(crate) mod columns;
pub(crate) mod conflicts;
pub(crate) mod draft;
pub(crate) mod existing;
pub(crate) mod existing_keys;
pub(crate) mod foreign_keys;
pub(crate) mod indexes;
pub(crate) mod links;
pub(crate) mod order;
pub mod remedy;
pub mod trial;
pub(crate) mod unique;
