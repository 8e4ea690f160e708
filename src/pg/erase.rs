//! Takes rows out of a table that this transaction has loaded, without firing anything.
//!
//! A foreign key of another table that points here must not act on the row that goes: whoever erases looks after
//! the rows that it leaves without a parent.

use pgrx::pg_sys;

use super::xact;

/// The address of a row: block and offset, as `ctid` prints them.
pub type Address = (u32, u16);

/// `(17,3)`.
pub fn parse(ctid: &str) -> Option<Address> {
    let (block, offset) = ctid.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some((block.parse().ok()?, offset.parse().ok()?))
}

/// Deletes rows of a heap relation that nobody else can have changed.
pub fn erase(relation: pg_sys::Oid, rows: &[Address]) {
    // SAFETY: the relation stays open until the last row is gone, or until the abort releases it; an address
    // comes from a query of this command, under a lock that keeps other writers out.
    unsafe {
        let relation = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as i32);
        for (block, offset) in rows {
            let mut tid = pg_sys::ItemPointerData {
                ip_blkid: pg_sys::BlockIdData { bi_hi: (block >> 16) as u16, bi_lo: *block as u16 },
                ip_posid: *offset,
            };
            pg_sys::simple_heap_delete(relation, &mut tid);
        }
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
    xact::command_counter_increment();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ctid_is_read() {
        assert_eq!(parse("(4294967294,65535)"), Some((4_294_967_294, 65_535)));
        assert_eq!(parse("(1)"), None);
    }
}
