//! Deletes rows from a table that this transaction has loaded, without firing triggers.
//!
//! So foreign keys of other tables do not act on the deleted row: the caller must deal with the rows that lose their
//! parent.

use pgrx::pg_sys;

use super::spi::Column;
use super::xact;

/// The address of a row: block and offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    block: u32,
    offset: u16,
}

/// `tid`, as `ctid`.
impl Column for Address {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        type_oid == pg_sys::TIDOID
    }

    unsafe fn read(datum: pg_sys::Datum, _: pg_sys::Oid) -> Option<Address> {
        // SAFETY: a datum of type tid, by the trait's contract, is the address of one; it is copied.
        let tid = unsafe { datum.cast_mut_ptr::<pg_sys::ItemPointerData>().read_unaligned() };
        let block = u32::from(tid.ip_blkid.bi_hi) << 16 | u32::from(tid.ip_blkid.bi_lo);
        Some(Address { block, offset: tid.ip_posid })
    }
}

/// Deletes rows of a heap relation that no other transaction can have changed.
pub fn erase(relation: pg_sys::Oid, rows: &[Address]) {
    // SAFETY: the relation stays open until the last row is gone, or until the abort releases it; an address
    // comes from a query of this command, under a lock that keeps other writers out.
    unsafe {
        let relation = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as i32);
        for Address { block, offset } in rows {
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
