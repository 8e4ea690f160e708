//! IMPORT FOREIGN SCHEMA.

use pgrx::pg_sys::ImportForeignSchemaType::{FDW_IMPORT_SCHEMA_EXCEPT, FDW_IMPORT_SCHEMA_LIMIT_TO};
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::{PgSqlErrorCode, pg_guard, pg_sys};

use super::{Import, Listed, Wrapper, catalog, nodes};
use crate::pg::{encoding, report};

/// Gives back the commands to run. The server itself leaves out tables that the statement does not ask for.
#[pg_guard]
pub unsafe extern "C-unwind" fn import_foreign_schema<W: Wrapper>(
    statement: *mut pg_sys::ImportForeignSchemaStmt,
    server: pg_sys::Oid,
) -> *mut pg_sys::List {
    // SAFETY: the server's own statement.
    let request = unsafe { request(&*statement) };
    let commands = W::import(&catalog::server(server), &request).unwrap_or_report();
    let mut list = std::ptr::null_mut();
    for command in commands {
        let Ok(text) = encoding::to_server(&command) else {
            let message = "a command of IMPORT FOREIGN SCHEMA contains a NUL character";
            report::report(PgSqlErrorCode::ERRCODE_FDW_ERROR, message, None, None)
                .report(pgrx::PgLogLevel::ERROR);
            continue;
        };
        // SAFETY: pstrdup copies a NUL-terminated string; the list is ours.
        unsafe { nodes::append(&mut list, pg_sys::pstrdup(text.as_ptr())) };
    }
    list
}

/// # Safety
/// The statement's strings are NUL-terminated, its lists are of `RangeVar`s and `DefElem`s.
unsafe fn request(statement: &pg_sys::ImportForeignSchemaStmt) -> Import {
    // SAFETY: the caller vouches for strings and lists.
    unsafe {
        Import {
            remote_schema: catalog::text(statement.remote_schema),
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
