//! A SELECT whose values are read as SQLite has them: the loops over every cell of a file. rusqlite checks each cell, which
//! takes a quarter of such a loop's time, and asserts that there is memory for it.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr;

use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use rusqlite::{Connection, ffi};

/// A prepared SELECT.
pub(crate) struct Scan<'c> {
    statement: *mut ffi::sqlite3_stmt,
    columns: c_int,
    connection: &'c Connection,
}

impl<'c> Scan<'c> {
    pub fn prepare(connection: &'c Connection, sql: &str) -> rusqlite::Result<Scan<'c>> {
        let mut statement = ptr::null_mut();
        let length = c_int::try_from(sql.len()).map_err(|_| failure(connection, ffi::SQLITE_TOOBIG))?;
        // SAFETY: the connection is open; the text is as long as said, and one pointer is written.
        let prepared = unsafe {
            let sql = sql.as_ptr().cast();
            ffi::sqlite3_prepare_v2(connection.handle(), sql, length, &raw mut statement, ptr::null_mut())
        };
        if prepared != ffi::SQLITE_OK {
            return Err(failure(connection, prepared));
        }
        // SAFETY: a prepared statement, or null, which has no columns.
        let columns = unsafe { ffi::sqlite3_column_count(statement) };
        Ok(Scan { statement, columns, connection })
    }

    /// Gives the statement's parameters, which are numbered from 1, their values.
    pub fn bind(&mut self, values: &[i64]) -> rusqlite::Result<()> {
        for (number, value) in (1..).zip(values) {
            // SAFETY: a prepared statement; SQLite refuses a number that it does not have.
            let bound = unsafe { ffi::sqlite3_bind_int64(self.statement, number, *value) };
            if bound != ffi::SQLITE_OK {
                return Err(failure(self.connection, bound));
            }
        }
        Ok(())
    }

    /// The next row; `None` at the end.
    #[inline]
    pub fn next(&mut self) -> rusqlite::Result<Option<ScannedRow<'_>>> {
        // SAFETY: a prepared statement, which no row borrows any more.
        match unsafe { ffi::sqlite3_step(self.statement) } {
            ffi::SQLITE_ROW => {
                Ok(Some(ScannedRow { statement: self.statement, columns: self.columns, scan: PhantomData }))
            }
            ffi::SQLITE_DONE => Ok(None),
            code => Err(failure(self.connection, code)),
        }
    }
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        // SAFETY: this scan's own statement, or null, which is allowed.
        unsafe { ffi::sqlite3_finalize(self.statement) };
    }
}

/// The row that a scan is on.
pub(crate) struct ScannedRow<'s> {
    statement: *mut ffi::sqlite3_stmt,
    columns: c_int,
    scan: PhantomData<&'s mut ()>,
}

impl ScannedRow<'_> {
    /// A value; NULL beyond the last column.
    #[inline(always)]
    pub fn cell(&self, at: usize) -> Result<Cell<'_>, OutOfMemory> {
        let at = c_int::try_from(at).unwrap_or(c_int::MAX);
        if at >= self.columns {
            return Ok(Cell::Null);
        }
        // SAFETY: the statement is on a row, which has this column; no other thread uses the connection, so that a value may
        // be read without a mutex. Its bytes are valid until the statement moves, which needs the scan mutably. A text is
        // asked for before its length, which belongs to the form that it was last asked for in.
        unsafe {
            let value = ffi::sqlite3_column_value(self.statement, at);
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => Ok(Cell::Integer(ffi::sqlite3_value_int64(value))),
                ffi::SQLITE_FLOAT => Ok(Cell::Real(ffi::sqlite3_value_double(value))),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_value_text(value);
                    bytes(text, ffi::sqlite3_value_bytes(value), false).map(Cell::Text)
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_value_blob(value).cast();
                    bytes(blob, ffi::sqlite3_value_bytes(value), true).map(Cell::Blob)
                }
                _ => Ok(Cell::Null),
            }
        }
    }
}

/// # Safety
/// A pointer to as many bytes, which live as long as the result, or null.
unsafe fn bytes<'a>(start: *const u8, length: c_int, may_be_null: bool) -> Result<&'a [u8], OutOfMemory> {
    match usize::try_from(length) {
        // SQLite has no pointer for a blob of no bytes. Everything else without one is what it has no memory for.
        Ok(0) if may_be_null || !start.is_null() => Ok(&[]),
        // SAFETY: as many bytes, by this function's contract.
        Ok(length) if !start.is_null() => Ok(unsafe { std::slice::from_raw_parts(start, length) }),
        _ => Err(OutOfMemory),
    }
}

#[cold]
fn failure(connection: &Connection, code: c_int) -> rusqlite::Error {
    // SAFETY: the connection is open; the message is valid until its next call.
    let message = unsafe {
        let message = ffi::sqlite3_errmsg(connection.handle());
        (!message.is_null()).then(|| std::ffi::CStr::from_ptr(message).to_string_lossy().into_owned())
    };
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::rows;

    const VALUES: &str =
        "SELECT NULL, 7, -9223372036854775808, 1.5, -0.0, 9e999, '', 'é', 'a' || char(0) || 'b',
        CAST(x'ff41' AS TEXT), x'', x'00ff', zeroblob(3), zeroblob(0), 1 = 1, CAST(3.0 AS INTEGER), 'x' || 1";

    /// Both read every storage class alike, whatever the file's encoding.
    #[test]
    fn values_are_those_of_the_checked_way() {
        for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
            let connection = Connection::open_in_memory().unwrap();
            let insert = format!("PRAGMA encoding = '{encoding}'; CREATE TABLE t AS {VALUES}");
            connection.execute_batch(&insert).unwrap();
            for sql in [VALUES, "SELECT * FROM t"] {
                let mut statement = connection.prepare(sql).unwrap();
                let columns = statement.column_count();
                let mut checked = statement.query([]).unwrap();
                let checked = checked.next().unwrap().unwrap();
                let mut scan = Scan::prepare(&connection, sql).unwrap();
                let row = scan.next().unwrap().unwrap();
                for at in 0..columns {
                    let (one, other) = (row.cell(at).unwrap(), rows::cell(checked.get_ref(at).unwrap()));
                    assert_eq!(format!("{one:?}"), format!("{other:?}"), "{encoding} {sql} {at}");
                }
                assert!(matches!(row.cell(columns), Ok(Cell::Null)));
                assert!(scan.next().unwrap().is_none());
            }
        }
    }

    #[test]
    fn failures_are_those_of_the_checked_way() {
        let connection = Connection::open_in_memory().unwrap();
        let failed = Scan::prepare(&connection, "SELECT missing").err().unwrap();
        assert_eq!(failed.to_string(), "no such column: missing");
        let overflow = "SELECT abs(-9223372036854775808)";
        let mut scan = Scan::prepare(&connection, overflow).unwrap();
        let failed = scan.next().err().unwrap();
        assert_eq!(failed, connection.query_row(overflow, [], |_| Ok(())).unwrap_err());
        let mut bound = Scan::prepare(&connection, "SELECT ?1 + ?2").unwrap();
        bound.bind(&[3, 4]).unwrap();
        assert!(matches!(bound.next().unwrap().unwrap().cell(0), Ok(Cell::Integer(7))));
        assert!(bound.bind(&[1, 2, 3]).is_err());
    }
}
