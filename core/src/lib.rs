//! What is decided without a database: everything that needs neither a PostgreSQL server nor an SQLite file.
//!
//! [`catalog`] says what a file declares, [`ddl`] what only the texts of its definitions hold, [`contents`] which virtual
//! tables are data, [`spatial`] what a file says of its geometries, [`types`] and [`value`] what becomes of a column and of a value, [`translate`] what becomes of SQLite's expressions; [`plan`] makes the plan of
//! a migration from that, [`progress`] words what a run reports of itself, [`reading`] says how the rows are read,
//! [`assess`] says beforehand what a migration costs and [`advise`] what to do after it, [`remote`] decides what of a
//! PostgreSQL query SQLite may compute, [`verify`] tells whether a value has survived, [`manifest`] adds up what the values
//! of a file become, [`heap`] makes PostgreSQL's pages of rows, [`export`] makes a file of PostgreSQL's tables again, and [`report`] writes down what a run has done, or would do. The crate depends on neither pgrx nor
//! rusqlite.
#![forbid(unsafe_code)]

pub mod advise;
pub mod assess;
pub mod catalog;
pub mod chroma;
pub mod contents;
pub mod damage;
pub mod ddl;
pub mod digest;
pub mod export;
pub mod finding;
pub mod heap;
pub mod manifest;
pub mod orm;
pub mod path;
pub mod plan;
pub mod progress;
pub mod reading;
pub mod remote;
pub mod report;
pub mod rollback;
pub mod search;
pub mod shorten;
pub mod spatial;
pub mod sqltext;
pub mod tools;
pub mod translate;
pub mod types;
pub mod value;
pub mod vec0;
pub mod vectors;
pub mod verify;
