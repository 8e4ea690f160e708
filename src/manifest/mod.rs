//! `sqlite_manifest` and `verify_manifest`: a file's manifest, and whether a database that has never seen the file holds what
//! it says. What is counted and how it is hashed is decided in `core::manifest`.

mod make;
mod verify;

pub use self::make::{make, of_plan};
pub use verify::verify;
