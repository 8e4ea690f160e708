//! The rows of a query one after the other, at the reader's pace, whose values are read as they are wanted. Few rows are in
//! memory at a time, and a large value only while it is looked at.

use pgrx::{PgMemoryContexts, Spi, pg_sys};

use super::datum::Reader;
use super::interrupts;
use super::spi::Plan;
use pg_sqlite_migrate_core::value::native::Native;

/// Rows that are fetched at once; large values stay where they are stored.
const FETCHED: i64 = 200;

/// A query that is being read. What it has read of a row lives until the next one.
pub struct Cursor {
    portal: pg_sys::Portal,
    /// The rows that were fetched; null before the first.
    fetched: *mut pg_sys::SPITupleTable,
    count: usize,
    /// The current row among them.
    at: usize,
    readers: Vec<Reader>,
    /// The datums of the current row, and which of them are NULL.
    datums: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    values: PgMemoryContexts,
}

/// Opens a query that reads, whose columns are of these types, and hands it to `read`. It sees what this transaction has
/// written up to now.
pub fn with<T>(sql: &str, types: &[pg_sys::Oid], read: impl FnOnce(&mut Cursor) -> T) -> T {
    open(sql, types, false, read)
}

/// The same, with the snapshot of the statement that is running: what several such queries read is of one moment, under
/// READ COMMITTED as well.
pub fn with_statements_snapshot<T>(
    sql: &str,
    types: &[pg_sys::Oid],
    read: impl FnOnce(&mut Cursor) -> T,
) -> T {
    open(sql, types, true, read)
}

fn open<T>(sql: &str, types: &[pg_sys::Oid], active: bool, read: impl FnOnce(&mut Cursor) -> T) -> T {
    let readers: Vec<Reader> = types.iter().map(|type_oid| Reader::new(*type_oid)).collect();
    Spi::connect_mut(|_| {
        // SAFETY: inside an SPI connection, which frees plan, portal and rows when it ends. The plan has no parameters. A
        // "read only" one takes the active snapshot, which does not see the rows of the command that is running.
        let portal = unsafe {
            let plan = Plan::prepare(sql, &[], 0);
            pg_sys::SPI_cursor_open(std::ptr::null(), plan.0, std::ptr::null_mut(), std::ptr::null(), active)
        };
        let mut cursor = Cursor {
            portal,
            fetched: std::ptr::null_mut(),
            count: 0,
            at: 0,
            datums: vec![],
            nulls: vec![],
            readers,
            values: PgMemoryContexts::new("pg_sqlite_migrate values"),
        };
        let read = read(&mut cursor);
        // SAFETY: the portal was opened above; an error does not come here, and its abort drops the portal.
        unsafe { pg_sys::SPI_cursor_close(cursor.portal) };
        read
    })
}

impl Cursor {
    /// Goes on to the next row, if there is one.
    pub fn advance(&mut self) -> bool {
        // SAFETY: what was read of the last row borrowed this cursor, and is gone.
        unsafe { self.values.reset() };
        self.at += 1;
        if self.at < self.count {
            self.deform();
            return true;
        }
        interrupts::check();
        // SAFETY: the portal is open, and the rows are this cursor's own: nothing that was read of them is left. Others that
        // connect to SPI meanwhile leave this connection as it was.
        unsafe {
            if !self.fetched.is_null() {
                pg_sys::SPI_freetuptable(self.fetched);
            }
            pg_sys::SPI_cursor_fetch(self.portal, true, FETCHED);
            self.fetched = pg_sys::SPI_tuptable;
            self.count = pg_sys::SPI_processed as usize;
        }
        self.at = 0;
        if self.count > 0 {
            self.deform();
        }
        self.count > 0
    }

    /// Takes the current row apart.
    fn deform(&mut self) {
        // SAFETY: `fetched` has `count` rows, and `at` is one of them; the arrays have a place for each of its columns.
        unsafe {
            let table = &*self.fetched;
            let columns = usize::try_from((*table.tupdesc).natts).unwrap_or(0);
            self.datums.resize(columns, pg_sys::Datum::null());
            self.nulls.resize(columns, true);
            let (datums, nulls) = (self.datums.as_mut_ptr(), self.nulls.as_mut_ptr());
            pg_sys::heap_deform_tuple(*table.vals.add(self.at), table.tupdesc, datums, nulls);
        }
    }

    /// The value of a column of the current row, counted from 0; NULL where there is no row.
    pub fn value(&self, column: usize) -> Native<'_> {
        let current = (self.readers.get(column), self.datums.get(column), self.nulls.get(column));
        let (true, (Some(reader), Some(datum), Some(is_null))) = (self.at < self.count, current) else {
            return Native::Null;
        };
        // SAFETY: the datum is of the current row, whose columns have the readers' types. What is read of a row is kept in
        // `values`, which `advance` resets: it borrows this cursor, and so does the value.
        unsafe {
            let mut values = PgMemoryContexts::For(self.values.value());
            values.switch_to(|_| reader.read(*datum, *is_null))
        }
    }
}
