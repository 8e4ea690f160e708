//! IMPORT FOREIGN SCHEMA.

use std::ffi::CString;

use pgrx::pg_sys::ImportForeignSchemaType::{FDW_IMPORT_SCHEMA_EXCEPT, FDW_IMPORT_SCHEMA_LIMIT_TO};
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::{PgLogLevel, pg_guard, pg_sys};

use super::catalog;
use crate::fdw::seam::{Import, Listed, Wrapper};
use crate::pg::nodes;
use crate::pg::{encoding, interrupts, spi, xact};

/// Gives back the commands to run. The server itself leaves out tables that the statement does not ask for.
#[pg_guard]
pub unsafe extern "C-unwind" fn import_foreign_schema<W: Wrapper>(
    statement: *mut pg_sys::ImportForeignSchemaStmt,
    server: pg_sys::Oid,
) -> *mut pg_sys::List {
    // SAFETY: the server's own statement.
    let request = unsafe { request(&*statement) };
    let commands = W::import(&catalog::server(server), &request).unwrap_or_report();
    commands.left_out.iter().for_each(|(name, reason)| leave_out(name, reason));
    commands.first.iter().for_each(|sql| {
        spi::execute(sql);
    });
    let mut list = std::ptr::null_mut();
    for (name, command) in &commands.tables {
        match command_text(command) {
            // SAFETY: pstrdup copies a NUL-terminated string; the list is ours.
            Ok(text) => unsafe { nodes::append(&mut list, pg_sys::pstrdup(text.as_ptr())) },
            Err(reason) => leave_out(name, &reason),
        }
    }
    list
}

fn leave_out(name: &str, reason: &str) {
    interrupts::tell(
        PgLogLevel::WARNING,
        &format!("table \"{name}\" of the SQLite file is left out: {reason}"),
    );
}

/// The command in the server's encoding, which may lack one of its characters.
fn command_text(command: &str) -> Result<CString, String> {
    let converted = if command.is_ascii() || encoding::server_is_utf8() {
        Ok(encoding::to_server(command))
    } else {
        xact::attempt(|| encoding::to_server(command))
    };
    match converted {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => Err("its definition contains a NUL character".into()),
        Err(caught) => Err(caught.message),
    }
}

/// # Safety
/// The statement's strings are NUL-terminated, its lists are of `RangeVar`s and `DefElem`s.
unsafe fn request(statement: &pg_sys::ImportForeignSchemaStmt) -> Import {
    // SAFETY: the caller vouches for strings and lists.
    unsafe {
        Import {
            remote_schema: catalog::text(statement.remote_schema),
            local_schema: catalog::text(statement.local_schema),
            listed: match statement.list_type {
                FDW_IMPORT_SCHEMA_LIMIT_TO => Listed::LimitTo,
                FDW_IMPORT_SCHEMA_EXCEPT => Listed::Except,
                _ => Listed::All,
            },
            names: nodes::items::<pg_sys::RangeVar>(statement.table_list)
                .map(|table| catalog::text((*table).relname))
                .collect(),
            options: catalog::options(statement.options),
        }
    }
}
