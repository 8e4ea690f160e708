//! What fits on a page of this server's.

use pgrx::pg_sys;

const BLOCK: u64 = pg_sys::BLCKSZ as u64;

/// `MaxHeapTupleSize`: bytes of a row on a page of its own, after the page's header and one line pointer.
pub const MAX_ROW: u64 = BLOCK - 32;

/// `BTMaxItemSize`: bytes of an entry, of which a page of a btree must hold three, each with a tuple id of a heap.
pub const MAX_ENTRY: u64 = (BLOCK - 40 - 16) / 3 / 8 * 8 - 8;
