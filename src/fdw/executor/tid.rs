//! A rowid in a tuple's ctid: block number and offset are 48 bits together.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

/// Raises an error for a rowid that does not go in.
#[inline]
pub fn set(tid: &mut pg_sys::ItemPointerData, rowid: i64) {
    if !(0..1 << 48).contains(&rowid) {
        refuse(rowid);
    }
    tid.ip_blkid.bi_hi = (rowid >> 32) as u16;
    tid.ip_blkid.bi_lo = (rowid >> 16) as u16;
    tid.ip_posid = rowid as u16;
}

pub fn get(tid: &pg_sys::ItemPointerData) -> i64 {
    i64::from(tid.ip_blkid.bi_hi) << 32 | i64::from(tid.ip_blkid.bi_lo) << 16 | i64::from(tid.ip_posid)
}

#[cold]
fn refuse(rowid: i64) -> ! {
    let message = format!("rowid {rowid} does not fit a ctid");
    ErrorReport::new(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, message, "set")
        .set_detail("A ctid holds rowids from 0 to 281474976710655.")
        .set_hint("Add the table's INTEGER PRIMARY KEY to the foreign table, or a primary key to the table.")
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}
