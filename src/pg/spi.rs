//! SQL from inside: statements, their parameters, and rows that are read by name and type.
//!
//! Errors of the server are raised as they are. Text is converted between UTF-8 and the server's encoding.

mod parameter;
mod row;
mod statement;

use std::borrow::Cow;
use std::ffi::CString;

use pgrx::spi::{SpiError, SpiErrorCodes};
use pgrx::{PgLogLevel, PgSqlErrorCode, Spi, pg_sys};

pub use self::parameter::Parameter;
pub use self::row::{Column, Json, Row};
pub use self::statement::Statement;
pub(super) use self::statement::{Plan, result};

use super::report::report;
use super::settings::LocalSettings;
use super::{encoding, xact};
use pg_sqlite_migrate_core::shorten;

/// Runs one statement under the caller's search path, or whatever is set; gives the number of rows it processed.
pub fn execute(sql: &str) -> u64 {
    let statement = server_text(sql);
    briefly(sql, || {
        Spi::connect_mut(|client| match client.update(statement.as_c_str(), None, &[]) {
            Ok(table) => table.len() as u64,
            Err(e) => raise(&e, sql),
        })
    })
}

/// Reads every row of a question of ours. Whatever the caller has on the search path, names in it are the server's own.
pub fn rows<'s, T>(
    sql: impl Into<Statement<'s>>,
    parameters: &[Parameter<'_>],
    read: impl FnMut(&Row<'_>) -> T,
) -> Vec<T> {
    let (statement, mut read) = (sql.into(), read);
    let settings = LocalSettings::safe_search_path();
    if matches!(statement, Statement::Constant(_)) {
        // Where the planner expects many rows of a catalog, compiling the query takes longer than all of the import.
        settings.set("jit", "off");
    }
    briefly(statement.text(), || {
        // SAFETY: inside an SPI connection; the plan has its parameters' types, and the rows are read before it ends.
        Spi::connect(|_| unsafe {
            statement.plan(parameters).run(parameters);
            result(statement.text()).map(|row| read(&row)).collect()
        })
    })
}

/// The first row.
pub fn row<'s, T>(
    sql: impl Into<Statement<'s>>,
    parameters: &[Parameter<'_>],
    read: impl FnMut(&Row<'_>) -> T,
) -> Option<T> {
    rows(sql, parameters, read).into_iter().next()
}

/// The one column of every row.
pub fn values<'s, T: Column>(sql: impl Into<Statement<'s>>, parameters: &[Parameter<'_>]) -> Vec<T> {
    rows(sql, parameters, |row| row.only())
}

/// The one column of the first row; `None` where there is no row.
pub fn value<'s, T: Column>(sql: impl Into<Statement<'s>>, parameters: &[Parameter<'_>]) -> Option<T> {
    row(sql, parameters, |row| row.only())
}

/// There is a row.
pub fn any<'s>(sql: impl Into<Statement<'s>>, parameters: &[Parameter<'_>]) -> bool {
    row(sql, parameters, |_| ()).is_some()
}

/// Runs a statement; the server would repeat all of a long one in its CONTEXT.
fn briefly<T>(sql: &str, run: impl FnOnce() -> T) -> T {
    match shorten::text(sql) {
        Cow::Borrowed(_) => run(),
        Cow::Owned(short) => xact::explaining(run)
            .unwrap_or_else(|caught| caught.raise_in(Some(&format!("SQL statement \"{short}\"")))),
    }
}

/// A statement that a function may not run comes from the user's SQL (`before`, `after`); other failures are bugs.
fn raise(error: &SpiError, sql: &str) -> ! {
    let refused = match error {
        SpiError::SpiError(SpiErrorCodes::Transaction) => {
            "transaction control is not possible during an import"
        }
        SpiError::SpiError(SpiErrorCodes::Copy) => {
            "COPY to or from the client is not possible during an import"
        }
        other => pgrx::error!("internal query failed: {other}"),
    };
    let detail = format!("The statement is: {}", shorten::text(sql));
    let hint = "An import runs in its caller's transaction: run such a statement before or after it.";
    report(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, refused, Some(&detail), Some(hint))
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// SQL text holds no NUL: identifiers and literals that do are refused when the plan is made.
fn server_text(text: &str) -> CString {
    encoding::to_server(text).unwrap_or_else(|_| pgrx::error!("SQL text contains a NUL character"))
}

/// The oid of an existing relation, by its name as SQL writes it.
pub fn oid(relation: &str) -> pg_sys::Oid {
    value("SELECT $1::pg_catalog.regclass::pg_catalog.oid", &[relation.into()])
        .unwrap_or_else(|| unreachable!("a SELECT without FROM has a row"))
}
