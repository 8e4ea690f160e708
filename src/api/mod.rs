//! The door: the only SQL functions, one file per group. Each checks its arguments, makes one call and hands
//! out rows.

// pgrx takes a result table's columns as one type, and raises an error as it stands only when it is an ErrorReport.
#![allow(clippy::type_complexity, clippy::result_large_err)]

mod advise;
mod assess;
mod backup;
mod check;
mod chroma;
mod compare;
mod constraints;
mod export;
mod foreign;
mod import;
mod log;
mod manifest;
mod plan;
mod report;
mod rollback;
mod search;
mod sequences;
mod translate;
mod verdict;
mod verify;
