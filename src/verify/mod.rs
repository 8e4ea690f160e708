//! Questions to both sides after a run: the answers must agree.

pub mod counts;
pub mod values;
