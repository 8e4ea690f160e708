//! SQL from inside: statements and their rows, as text.
//!
//! Every internal question is asked and answered in text: the SQL casts, Rust parses. Errors of the server
//! are raised as they are. Text is converted between UTF-8 and the server's encoding.

use std::borrow::Cow;
use std::ffi::CString;

use pgrx::datum::DatumWithOid;
use pgrx::spi::{SpiError, SpiErrorCodes, SpiTupleTable};
use pgrx::{PgLogLevel, PgSqlErrorCode, Spi, pg_sys};

use super::report::report;
use super::settings::LocalSettings;
use super::{encoding, xact};
use pg_sqlite_migrate_core::brief;

/// One result row, a value per column.
pub type TextRow = Vec<Option<String>>;

/// Runs one statement; gives the number of rows it processed.
pub fn execute(sql: &str) -> u64 {
    execute_with(sql, &[])
}

/// Runs one statement with text parameters; gives the number of rows it processed.
pub fn execute_with(sql: &str, parameters: &[Option<&str>]) -> u64 {
    query(sql, parameters, |table| table.len() as u64)
}

/// Runs a question of ours, whose result columns are all of type `text`. Whatever the caller has on the search path,
/// names in it are the server's own.
pub fn rows(sql: &str, parameters: &[Option<&str>]) -> Vec<TextRow> {
    let _path = LocalSettings::safe_search_path();
    query(sql, parameters, |mut table| {
        let columns = table.columns().unwrap_or(0);
        let is_text = |i| matches!(table.column_type_oid(i), Ok(oid) if oid.value() == pg_sys::TEXTOID);
        if !(1..=columns).all(is_text) {
            pgrx::error!("internal query failed: a column of its result is not text");
        }
        let mut out = Vec::with_capacity(table.len());
        while table.next().is_some() {
            out.push((1..=columns).map(|i| text_result(&table, i)).collect());
        }
        out
    })
}

/// The first column of the first row.
pub fn value(sql: &str, parameters: &[Option<&str>]) -> Option<String> {
    rows(sql, parameters).into_iter().next()?.into_iter().next()?
}

/// The first column of the first row, as a number; 0 when there is none.
pub fn number(sql: &str, parameters: &[Option<&str>]) -> i64 {
    value(sql, parameters).and_then(|v| v.parse().ok()).unwrap_or(0)
}

fn query<T>(sql: &str, parameters: &[Option<&str>], f: impl FnOnce(SpiTupleTable<'_>) -> T) -> T {
    let statement = server_text(sql);
    let run = || {
        Spi::connect_mut(|client| {
            let arguments: Vec<DatumWithOid<'_>> = parameters.iter().map(|p| text_argument(*p)).collect();
            // `update` has a transaction id assigned, which a standby cannot do.
            let done = match xact::in_recovery() {
                true => client.select(statement.as_c_str(), None, &arguments),
                false => client.update(statement.as_c_str(), None, &arguments),
            };
            match done {
                Ok(table) => f(table),
                Err(e) => raise(&e, sql),
            }
        })
    };
    match brief::text(sql) {
        Cow::Borrowed(_) => run(),
        // The server would repeat the whole statement in its CONTEXT.
        Cow::Owned(short) => xact::explaining(run)
            .unwrap_or_else(|caught| caught.raise_in(Some(&format!("SQL statement \"{short}\"")))),
    }
}

/// What a function may not run is the user's own SQL (`before`, `after`); the rest cannot happen.
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
    let detail = format!("The statement is: {}", brief::text(sql));
    let hint = "The import runs in the transaction of its caller, who may run such a statement around it.";
    report(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, refused, Some(&detail), Some(hint))
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// SQL text holds no NUL: identifiers and literals that do are refused when the plan is made.
fn server_text(text: &str) -> CString {
    encoding::to_server(text).unwrap_or_else(|_| pgrx::error!("SQL text contains a NUL character"))
}

fn text_argument(value: Option<&str>) -> DatumWithOid<'static> {
    let Some(text) = value else { return DatumWithOid::null_oid(pg_sys::TEXTOID) };
    if text.contains('\0') {
        pgrx::error!("SQL text contains a NUL character");
    }
    // SAFETY: a text datum of the current memory context.
    unsafe { DatumWithOid::new(encoding::text_datum(text), pg_sys::TEXTOID) }
}

fn text_result(table: &SpiTupleTable<'_>, column: usize) -> Option<String> {
    match table.get_datum_by_ordinal(column) {
        // SAFETY: `rows` has seen that the column is of type text; text_to_cstring detoasts and copies.
        Ok(datum) => {
            datum.map(|d| unsafe { encoding::from_server(pg_sys::text_to_cstring(d.cast_mut_ptr())) })
        }
        Err(e) => pgrx::error!("internal query failed: {e}"),
    }
}

/// A PostgreSQL array literal.
pub fn array(items: &[String]) -> String {
    let quoted: Vec<String> =
        items.iter().map(|i| format!("\"{}\"", i.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

/// The oid of a relation that is there, by its name as SQL says it.
pub fn oid(relation: &str) -> pg_sys::Oid {
    let oid = number("SELECT $1::pg_catalog.regclass::pg_catalog.oid::pg_catalog.text", &[Some(relation)]);
    pg_sys::Oid::from(u32::try_from(oid).unwrap_or_default())
}

/// An oid as a query prints it.
pub fn oid_of(text: &str) -> pg_sys::Oid {
    pg_sys::Oid::from(text.parse::<u32>().unwrap_or_default())
}

/// The oid of a relation, if it exists.
pub fn relation(schema: &str, name: &str) -> Option<pg_sys::Oid> {
    let sql = "SELECT c.oid::bigint::text FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1 AND c.relname = $2";
    value(sql, &[Some(schema), Some(name)])?.parse::<u32>().ok().map(pg_sys::Oid::from)
}
