//! Statements that see what is committed now, even under REPEATABLE READ, as `RI_Initial_Check` does when a foreign key
//! is added. If the caller holds locks on the tables, the result stays valid until the transaction ends.

use std::ffi::c_int;

use pgrx::{PgMemoryContexts, Spi, pg_sys};

use super::encoding;
use super::erase::Address;
use super::spi::{self, Column, Plan, Row};

/// Runs a query that reads.
pub fn rows<T>(sql: &str, read: impl FnMut(&Row<'_>) -> T) -> Vec<T> {
    query(sql, true, read)
}

/// The one column of every row of a query that reads.
pub fn values<T: Column>(sql: &str) -> Vec<T> {
    query(sql, true, |row| row.only())
}

/// The one column of the first row of a query that writes.
pub fn written<T: Column>(sql: &str) -> Option<T> {
    query(sql, false, |row| row.only()).into_iter().next()
}

fn query<T>(sql: &str, reads: bool, mut read: impl FnMut(&Row<'_>) -> T) -> Vec<T> {
    // SAFETY: inside an SPI connection, which frees plan and result when it ends; the rows are read before.
    Spi::connect(|_| unsafe {
        run(Plan::prepare(sql, &[], NO_OPTIONS), reads);
        spi::result(sql).map(|row| read(&row)).collect()
    })
}

/// A plan without helpers: it is run with a snapshot of its own.
const NO_OPTIONS: u32 = 0;

/// Runs one statement that writes; gives the number of rows it processed.
pub fn execute(sql: &str) -> u64 {
    // SAFETY: inside an SPI connection, which frees the plan when it ends.
    Spi::connect_mut(|_| unsafe { run(Plan::prepare(sql, &[], NO_OPTIONS), false) })
}

/// Repeats one statement that writes, until it processes no row.
pub fn execute_until_done(sql: &str) {
    // SAFETY: inside an SPI connection, which frees the plan when it ends.
    Spi::connect_mut(|_| unsafe {
        let plan = Plan::prepare(sql, &[], NO_OPTIONS);
        while run(plan, false) > 0 {}
    });
}

/// A value as its type's output function prints it, or the beginning of one that is longer than it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    pub text: String,
    /// Of the whole value, in the server's encoding.
    pub bytes: usize,
    pub cut: bool,
}

/// Limits for a value that is copied.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// A value that is longer than this is cut.
    pub bytes: usize,
    /// The length that a longer value is cut to.
    pub beginning: usize,
}

/// Runs a query that reads, whose first column is the address of a row, and hands over its rows one by one: the address,
/// and the other columns as text. None is kept. `take` may run statements.
pub fn each(sql: &str, limit: Limit, mut take: impl FnMut(Address, Vec<Option<Printed>>)) {
    Spi::connect_mut(|_| {
        let mut row_context = PgMemoryContexts::new("pg_sqlite_migrate row");
        // SAFETY: inside an SPI connection, which frees the plan when it ends. The plan has no parameters; the portal
        // copies the snapshot that is active while it is opened, and keeps it.
        let portal = unsafe {
            let plan = Plan::prepare(sql, &[], NO_OPTIONS);
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
            let (nothing, none) = (std::ptr::null_mut(), std::ptr::null());
            let portal = pg_sys::SPI_cursor_open(none, plan.0, nothing, none, true);
            pg_sys::PopActiveSnapshot();
            portal
        };
        // SAFETY: the portal was just opened; a failure raises the server's error, whose abort drops it. Whoever `take`
        // calls connects to SPI anew and leaves this connection as it was.
        unsafe {
            loop {
                pg_sys::SPI_cursor_fetch(portal, true, 1);
                if pg_sys::SPI_processed == 0 {
                    break;
                }
                row_context.switch_to(|_| {
                    let (address, values) = printed_row(sql, limit);
                    pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
                    take(address, values);
                });
                row_context.reset();
            }
            pg_sys::SPI_cursor_close(portal);
        }
    });
}

/// Runs a plan to its end; gives the number of rows that it processed.
///
/// # Safety
/// Inside the SPI connection that has prepared the plan.
unsafe fn run(plan: Plan, reads: bool) -> u64 {
    let (nothing, none) = (std::ptr::null_mut(), std::ptr::null());
    // SAFETY: the plan has no parameters; a failure of the query raises the server's error.
    unsafe {
        let snapshot = pg_sys::GetLatestSnapshot();
        let code =
            pg_sys::SPI_execute_snapshot(plan.0, nothing, none, snapshot, nothing.cast(), reads, !reads, 0);
        if code < 0 {
            pgrx::error!("internal query failed: code {code}");
        }
        pg_sys::SPI_processed
    }
}

/// The one row of the last result: its address and its other columns. What output functions allocate stays in the current
/// memory context.
///
/// # Safety
/// Inside the SPI connection whose last result has a row.
unsafe fn printed_row(sql: &str, limit: Limit) -> (Address, Vec<Option<Printed>>) {
    // SAFETY: there is a row, by this function's contract, with the description's columns.
    unsafe {
        let table = &*pg_sys::SPI_tuptable;
        let tuple = *table.vals;
        let address = Row::of(tuple, table.tupdesc, sql).get("ctid");
        let columns = 2..=(*table.tupdesc).natts;
        let values = columns.map(|n| printed(pg_sys::SPI_getvalue(tuple, table.tupdesc, n), limit)).collect();
        (address, values)
    }
}

/// # Safety
/// `text` is null or NUL-terminated and in the server's encoding.
unsafe fn printed(text: *mut std::ffi::c_char, limit: Limit) -> Option<Printed> {
    if text.is_null() {
        return None;
    }
    // SAFETY: a NUL-terminated text, by this function's contract; it is clipped between two characters.
    unsafe {
        let bytes = libc::strlen(text);
        let cut = bytes > limit.bytes;
        let kept = match cut {
            false => text,
            true => {
                let clipped = pg_sys::pg_mbcliplen(text, bytes as c_int, limit.beginning as c_int);
                pg_sys::pnstrdup(text, clipped as pg_sys::Size)
            }
        };
        Some(Printed { text: encoding::from_server(kept), bytes, cut })
    }
}
