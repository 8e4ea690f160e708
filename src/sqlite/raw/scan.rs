//! A statement whose values are read as SQLite has them: the loops over every cell of a file, and foreign tables. rusqlite
//! checks each cell, which takes a quarter of such a loop's time, and asserts that there is memory for it.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr;

use super::Code;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use rusqlite::{Connection, ffi};

/// A prepared statement.
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

    /// Gives a parameter its value; the first one has number 1. The statement must not be on a row.
    pub fn bind(&mut self, number: usize, value: Cell<'_>) -> rusqlite::Result<()> {
        let number = c_int::try_from(number).unwrap_or(c_int::MAX);
        // SAFETY: a prepared statement.
        match unsafe { bind(self.statement, number, value) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(failure(self.connection, code)),
        }
    }

    /// Back to before the first row; locks that the statement has are released. Its failure is that of the last step.
    pub fn reset(&mut self) {
        // SAFETY: a prepared statement, which no row borrows any more.
        unsafe { ffi::sqlite3_reset(self.statement) };
    }

    pub fn clear_bindings(&mut self) {
        // SAFETY: a prepared statement.
        unsafe { ffi::sqlite3_clear_bindings(self.statement) };
    }

    /// It changes nothing.
    pub fn is_readonly(&self) -> bool {
        // SAFETY: a prepared statement.
        unsafe { ffi::sqlite3_stmt_readonly(self.statement) != 0 }
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
#[derive(Clone, Copy)]
pub(crate) struct ScannedRow<'s> {
    statement: *mut ffi::sqlite3_stmt,
    columns: c_int,
    scan: PhantomData<&'s ()>,
}

impl<'s> ScannedRow<'s> {
    /// The number of its values.
    pub fn width(&self) -> usize {
        usize::try_from(self.columns).unwrap_or_default()
    }

    /// A value; NULL beyond the last column.
    #[inline(always)]
    pub fn cell(&self, at: usize) -> Result<Cell<'s>, OutOfMemory> {
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

/// Binds a value, of which SQLite keeps a copy.
///
/// # Safety
/// The statement is prepared, and not on a row.
pub(super) unsafe fn bind(statement: *mut ffi::sqlite3_stmt, number: c_int, value: Cell<'_>) -> Code {
    // SAFETY: a prepared statement; SQLite refuses a number that it does not have, and copies as many bytes as said.
    unsafe {
        match value {
            Cell::Null => ffi::sqlite3_bind_null(statement, number),
            Cell::Integer(i) => ffi::sqlite3_bind_int64(statement, number, i),
            Cell::Real(r) => ffi::sqlite3_bind_double(statement, number, r),
            Cell::Text(text) => {
                let (at, length) = (text.as_ptr().cast(), text.len() as u64);
                let (copy, utf8) = (ffi::SQLITE_TRANSIENT(), ffi::SQLITE_UTF8 as u8);
                ffi::sqlite3_bind_text64(statement, number, at, length, copy, utf8)
            }
            Cell::Blob(bytes) => {
                let (at, length) = (bytes.as_ptr().cast(), bytes.len() as u64);
                ffi::sqlite3_bind_blob64(statement, number, at, length, ffi::SQLITE_TRANSIENT())
            }
        }
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
    fn what_is_bound_comes_back() {
        let connection = Connection::open_in_memory().unwrap();
        let mut scan = Scan::prepare(&connection, "SELECT ?1, typeof(?1)").unwrap();
        for (value, class) in [
            (Cell::Null, "null"),
            (Cell::Integer(-5), "integer"),
            (Cell::Real(0.5), "real"),
            (Cell::Text(b""), "text"),
            (Cell::Text("é\0x".as_bytes()), "text"),
            (Cell::Blob(b""), "blob"),
            (Cell::Blob(&[0, 255]), "blob"),
        ] {
            scan.bind(1, value).unwrap();
            let row = scan.next().unwrap().unwrap();
            assert_eq!(row.width(), 2);
            assert_eq!((row.cell(0), row.cell(1)), (Ok(value), Ok(Cell::Text(class.as_bytes()))));
            scan.reset();
        }
        scan.clear_bindings();
        assert_eq!(scan.next().unwrap().unwrap().cell(0), Ok(Cell::Null));
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
        (1..).zip([3, 4]).for_each(|(number, value)| bound.bind(number, Cell::Integer(value)).unwrap());
        assert!(matches!(bound.next().unwrap().unwrap().cell(0), Ok(Cell::Integer(7))));
        bound.reset();
        assert!(bound.bind(3, Cell::Null).is_err());
    }
}
