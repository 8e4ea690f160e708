//! The overrides: the registry of keys, their words, JSON read into types, every setting decided; plans merged, and the
//! JSON Schema of a plan.

pub mod backup;
pub(crate) mod carried;
pub(crate) mod chroma;
pub(crate) mod fts;
pub mod generated;
pub(crate) mod geopackage;
pub mod index_build;
#[cfg(test)]
mod key_page;
pub mod keys;
pub(crate) mod match_by;
pub mod merge;
pub(crate) mod naming;
pub(crate) mod objects;
pub(crate) mod orms;
pub(crate) mod overrides;
mod pgtype;
pub mod schema;
pub(crate) mod settings;
mod shapes;
pub(crate) mod verify;
pub mod words;
