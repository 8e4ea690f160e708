//! Is everything there that a file declares? Declared objects and found ones in, a state for each out.
//!
//! [`found`] is what the catalogs of PostgreSQL say, [`matching`] finds for each declared object the one that does its
//! work, [`judge`] gives it a state. Only the server can print an expression as its catalogs do, and only the tables know
//! which rows break a constraint: both are questions that the caller answers.

pub mod compared;
mod excuses;
pub mod found;
pub mod judge;
mod matching;
pub mod recorded;
pub mod state;
#[cfg(test)]
mod tests;
mod unclaimed;

pub use found::{Canonical, Expression, FoundTable, Server};
pub use judge::{Explanation, Judge, Judged, TableFacts};
pub use state::{Row, State, conclude};
pub use unclaimed::Unclaimed;
