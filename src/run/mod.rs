//! One run: survey the file, plan, do, record.

pub mod compare;
mod direct;
mod fetched;
pub mod import;
pub mod inspect;
pub mod levels;
pub mod load;
pub mod log;
pub mod orphans;
pub mod result;
pub mod sequences;
mod skipped;
pub mod source;
mod staged;
pub mod survey;
pub mod target;
pub mod transfer;
mod trial;
pub mod triggers;
mod way;
pub mod writer;
