//! One run: survey the file, plan, do, record.

pub mod import;
pub mod inspect;
pub mod load;
pub mod log;
pub mod orphans;
pub mod sequences;
pub mod survey;
pub mod target;
pub mod transfer;
pub mod triggers;
pub mod writer;
