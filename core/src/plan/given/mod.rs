//! The overrides: the registry of keys, their words, JSON read into types, and every setting decided.

pub mod keys;
pub(crate) mod overrides;
mod pgtype;
pub(crate) mod settings;
pub mod words;
