//! What a query does with foreign tables: the executor's callbacks.

pub(crate) mod analyze;
pub(crate) mod catalog;
pub(crate) mod datum;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod import;
mod input;
pub(crate) mod insert;
pub(crate) mod invalidation;
pub(crate) mod modification;
pub(crate) mod scan;
pub(crate) mod sink;
pub(crate) mod tid;
pub(crate) mod transaction;
pub(crate) mod truncate;
