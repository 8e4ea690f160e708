//! sqlite-vec's tables (`CREATE VIRTUAL TABLE … USING vec0(…)`), and sqlite-vss's: what their arguments declare, and how
//! their shadow tables keep a value. Pure; `sqlite::relations` asks the file.
//!
//! <https://github.com/asg017/sqlite-vec>, `sqlite-vec.c`: `vec0_init`, `vec0_get_*`.

pub mod declared;
pub mod faiss;
pub mod slot;

pub use declared::{Column, Declared, Kind, Scalar, Storage};
