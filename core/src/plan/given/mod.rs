//! What the user said: the registry of keys, their words, JSON read into types, and every setting weighed.

pub mod keys;
pub(crate) mod overrides;
mod pgtype;
pub(crate) mod settings;
pub mod words;
