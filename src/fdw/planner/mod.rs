//! May it be pushed down, and what does it cost: the planner's callbacks.
//!
//! What the planner passes to a callback (root, relations, paths, clauses, targets) is well formed, its lists hold nodes of
//! the types that PostgreSQL's headers name, and it lives until the planning ends. The functions here pass on what their
//! callback was given: that is what "a callback's" means in their SAFETY comments.

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
