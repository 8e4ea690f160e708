//! Does a PostgreSQL database hold what an SQLite file holds? The part that needs neither.

pub mod back;
pub mod declared;
pub mod literal;
pub mod sample;
pub mod shown;
pub mod verdict;
