//! The way back: PostgreSQL's schema -> a SQLite file. Pure.
//!
//! [`catalog`] says what there is, [`plan`] what the user wants of it, [`types`] what becomes of a type, [`expression`] of
//! an expression; [`decide`] makes of these the tables of the file, which [`ddl`] prints, and [`convert`] makes of a value
//! its cell. Values are exact or refused: what has no exact form in its column is an error, unless the plan says otherwise.

pub mod catalog;
pub mod columns;
pub mod convert;
pub mod ddl;
pub mod decide;
mod declared;
pub mod expression;
pub mod json;
pub mod keys;
pub mod plan;
pub mod spelling;
pub mod sums;
pub mod types;

mod names;
#[cfg(test)]
mod tests;
