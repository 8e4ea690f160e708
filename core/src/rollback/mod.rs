//! What taking a run back needs to know without a server: which transactions were its own, and how an object is dropped.

pub mod drop;
pub mod transactions;
