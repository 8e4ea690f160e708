//! Questions to both sides after a run: the answers must agree.

pub mod constraints;
pub mod counts;
pub mod values;
