//! Questions about what is committed now, whatever snapshot the transaction has: `RI_Initial_Check` asks so when a
//! foreign key is made. With a lock on what is asked about, the answer holds until the transaction ends.

use std::ffi::CString;

use pgrx::{Spi, pg_sys};

use super::encoding;
use super::spi::TextRow;

/// Runs a query that reads; every result column becomes text.
pub fn rows(sql: &str) -> Vec<TextRow> {
    let statement: CString = match encoding::to_server(sql) {
        Ok(statement) => statement,
        Err(_) => pgrx::error!("SQL text contains a NUL character"),
    };
    Spi::connect(|_| {
        // SAFETY: inside an SPI connection, which frees plan and result when it ends; the plan has no parameters.
        // A plan that cannot be made, and a failure of the query, raise the server's error.
        unsafe {
            let plan = pg_sys::SPI_prepare(statement.as_ptr(), 0, std::ptr::null_mut());
            let snapshot = pg_sys::GetLatestSnapshot();
            let (nothing, none) = (std::ptr::null_mut(), std::ptr::null());
            let code =
                pg_sys::SPI_execute_snapshot(plan, nothing, none, snapshot, nothing.cast(), true, false, 0);
            if plan.is_null() || code != pg_sys::SPI_OK_SELECT as i32 {
                pgrx::error!("internal query failed: code {code}");
            }
            (0..pg_sys::SPI_processed).map(|row| text_row(row as usize)).collect()
        }
    })
}

/// Row number `row` of the last result.
unsafe fn text_row(row: usize) -> TextRow {
    // SAFETY: there are `SPI_processed` rows in the table of the last result, each with the descriptor's columns.
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
