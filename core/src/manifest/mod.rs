//! A manifest: what the values of a SQLite file become, as counts, extremes and checksums that either side can compute alone.
//!
//! [`form`] says in which bytes a value is hashed, [`canonical`] hashes one, [`sums`] adds up rows, [`document`] is the
//! manifest as jsonb, [`given`] reads one, [`check`] compares it with what a database holds. docs/manifest.md states all of it for who writes a
//! reader of their own; the file's cells are read by [`crate::verify::back`], apart from the loader.

pub mod array;
pub mod canonical;
pub mod check;
pub mod document;
pub mod form;
pub mod given;
pub mod source;
pub mod sums;

#[cfg(test)]
mod tests;
