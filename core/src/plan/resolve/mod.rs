//! Which tables take part, what they are called, and what their counterparts in the target database are.

pub mod bookkeeping;
pub(crate) mod collections;
pub(crate) mod counterparts;
pub(crate) mod damage;
pub(crate) mod disposition;
pub(crate) mod exclusions;
pub(crate) mod matching;
pub(crate) mod names;
pub(crate) mod naming;
pub(crate) mod select;
pub(crate) mod skipped;
pub(crate) mod table;
pub(crate) mod virtual_tables;
