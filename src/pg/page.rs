//! The size of this server's pages.

use pgrx::pg_sys;

pub const BLOCK: u64 = pg_sys::BLCKSZ as u64;
