//! Statements that see what is committed now, whatever snapshot the transaction has: `RI_Initial_Check` asks so when a
//! foreign key is made. With a lock on what is asked about, the answer holds until the transaction ends.

use std::ffi::{CStr, CString, c_int};

use pgrx::{PgMemoryContexts, Spi, pg_sys};

use super::encoding;
use super::spi::TextRow;

/// Runs a query that reads; every result column becomes text.
pub fn rows(sql: &str) -> Vec<TextRow> {
    query(sql, true)
}

/// Runs a query that writes; every result column becomes text.
pub fn written_rows(sql: &str) -> Vec<TextRow> {
    query(sql, false)
}

fn query(sql: &str, reads: bool) -> Vec<TextRow> {
    let statement = statement(sql);
    Spi::connect(|_| {
        // SAFETY: inside an SPI connection, which frees plan and result when it ends.
        unsafe {
            run(prepare(&statement), reads);
            (0..pg_sys::SPI_processed).map(|row| text_row(row as usize)).collect()
        }
    })
}

/// Runs one statement that writes; gives the number of rows it processed.
pub fn execute(sql: &str) -> u64 {
    let statement = statement(sql);
    // SAFETY: inside an SPI connection, which frees the plan when it ends.
    Spi::connect_mut(|_| unsafe { run(prepare(&statement), false) })
}

/// Runs one statement that writes, again and again, until it finds nothing to write.
pub fn execute_until_done(sql: &str) {
    let statement = statement(sql);
    // SAFETY: inside an SPI connection, which frees the plan when it ends.
    Spi::connect_mut(|_| unsafe {
        let plan = prepare(&statement);
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

/// How much of a value is taken over.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// A longer value is cut.
    pub bytes: usize,
    /// What is left of it.
    pub beginning: usize,
}

/// Runs a query that reads and hands over its rows one by one, none of which is kept. `take` may run statements.
pub fn each(sql: &str, limit: Limit, mut take: impl FnMut(Vec<Option<Printed>>)) {
    let statement = statement(sql);
    Spi::connect_mut(|_| {
        let mut row_context = PgMemoryContexts::new("pg_sqlite_migrate row");
        // SAFETY: inside an SPI connection; the portal has the latest snapshot for its own. Whoever `take` calls
        // connects to SPI anew and leaves this connection as it was. A failure raises the server's error, whose abort
        // drops the portal.
        unsafe {
            let plan = prepare(&statement);
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
            let (nothing, none) = (std::ptr::null_mut(), std::ptr::null());
            let portal = pg_sys::SPI_cursor_open(none, plan, nothing, none, true);
            pg_sys::PopActiveSnapshot();
            loop {
                pg_sys::SPI_cursor_fetch(portal, true, 1);
                if pg_sys::SPI_processed == 0 {
                    break;
                }
                row_context.switch_to(|_| {
                    let row = printed_row(limit);
                    pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
                    take(row);
                });
                row_context.reset();
            }
            pg_sys::SPI_cursor_close(portal);
        }
    });
}

fn statement(sql: &str) -> CString {
    encoding::to_server(sql).unwrap_or_else(|_| pgrx::error!("SQL text contains a NUL character"))
}

/// Makes a plan without parameters; one that cannot be made raises the server's error.
///
/// # Safety
/// Inside an SPI connection.
unsafe fn prepare(statement: &CStr) -> pg_sys::SPIPlanPtr {
    // SAFETY: a NUL-terminated string, which the plan copies.
    let plan = unsafe { pg_sys::SPI_prepare(statement.as_ptr(), 0, std::ptr::null_mut()) };
    if plan.is_null() {
        pgrx::error!("internal query failed: it cannot be prepared");
    }
    plan
}

/// Runs a plan to its end; gives the number of rows that it processed.
///
/// # Safety
/// Inside the SPI connection that has prepared the plan.
unsafe fn run(plan: pg_sys::SPIPlanPtr, reads: bool) -> u64 {
    let (nothing, none) = (std::ptr::null_mut(), std::ptr::null());
    // SAFETY: the plan has no parameters; a failure of the query raises the server's error.
    unsafe {
        let snapshot = pg_sys::GetLatestSnapshot();
        let code =
            pg_sys::SPI_execute_snapshot(plan, nothing, none, snapshot, nothing.cast(), reads, !reads, 0);
        if code < 0 {
            pgrx::error!("internal query failed: code {code}");
        }
        pg_sys::SPI_processed
    }
}

/// Row number `row` of the last result.
///
/// # Safety
/// There are that many rows in the table of the last result.
unsafe fn text_row(row: usize) -> TextRow {
    // SAFETY: as the caller says; each row has the descriptor's columns.
    unsafe {
        let table = &*pg_sys::SPI_tuptable;
        let tuple = *table.vals.add(row);
        let columns = 1..=(*table.tupdesc).natts;
        columns
            .map(|column| {
                let text = pg_sys::SPI_getvalue(tuple, table.tupdesc, column);
                (!text.is_null()).then(|| encoding::from_server(text))
            })
            .collect()
    }
}

/// The one row of the last result. What output functions allocate stays in the current memory context.
///
/// # Safety
/// There is a row in the table of the last result.
unsafe fn printed_row(limit: Limit) -> Vec<Option<Printed>> {
    // SAFETY: as the caller says; a printed value is NUL-terminated and in the server's encoding, and clipped between
    // two characters.
    unsafe {
        let table = &*pg_sys::SPI_tuptable;
        let tuple = *table.vals;
        let columns = 1..=(*table.tupdesc).natts;
        columns
            .map(|column| {
                let text = pg_sys::SPI_getvalue(tuple, table.tupdesc, column);
                if text.is_null() {
                    return None;
                }
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
            })
            .collect()
    }
}
