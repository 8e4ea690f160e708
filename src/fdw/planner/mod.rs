//! May it be pushed down, and what does it cost: the planner's callbacks.

pub(crate) mod changes;
pub(crate) mod convert;
mod cost;
pub(crate) mod direct;
mod group;
pub(crate) mod join;
pub(crate) mod modify;
pub(crate) mod paths;
pub(crate) mod plan;
pub(crate) mod private;
mod probe;
pub(crate) mod rel;
pub(crate) mod row_key;
mod sort;
mod statistics;
pub(crate) mod upper;
