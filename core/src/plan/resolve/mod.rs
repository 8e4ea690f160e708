//! Who is who: which tables take part, what they are called, and what they meet in the target database.

pub mod bookkeeping;
pub(crate) mod counterparts;
pub(crate) mod damage;
pub(crate) mod disposition;
pub(crate) mod matching;
pub(crate) mod names;
pub(crate) mod naming;
pub(crate) mod select;
pub(crate) mod skipped;
pub(crate) mod table;
