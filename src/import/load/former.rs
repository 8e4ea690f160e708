//! What rows of an existing table are before a load changes them, kept in the run log for `sqlite_rollback`.
//!
//! The table is locked against other writers, so that the rows which the load meets are the ones that it changes.

use pgrx::pg_sys;

use crate::import::log;
use crate::pg::cursor;
use crate::pg::memory;
use crate::pg::relation;
use crate::pg::settings::{LocalSettings, Reads};
use crate::verify::counts;
use pg_sqlite_migrate_core::plan::{IntoExisting, LoadSpec};
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
use pg_sqlite_migrate_core::value::native::Native;

/// Bytes of rows that one statement takes.
const AT_ONCE: usize = 8 << 20;

/// Keeps the rows of the table whose key a row of the staging table has. Where they cannot be kept, their number is not that
/// of the updated rows, and the rollback says so.
pub(super) fn keep(spec: &LoadSpec, into: &IntoExisting, stage: &str, table: pg_sys::Oid, run: i64) {
    let Some(conflict) = &into.conflict else { return };
    let Some(rows) = counts::own_rows(&spec.schema, &spec.target) else { return };
    let key = &conflict.arbiter.columns;
    let equal = key.iter().map(|name| format!("staged.{0} = e.{0}", ident(name)));
    let equal = equal.collect::<Vec<_>>().join(" AND ");
    // ROW(e.*): a column may be called `e`.
    let sql = format!(
        "SELECT pg_catalog.to_json(ROW(e.*)::pg_catalog.text)::pg_catalog.text FROM {rows} AS e
         WHERE EXISTS (SELECT FROM {stage} AS staged WHERE {equal})"
    );
    let columns = columns(table);
    // As the staging table is compared with the table: by the caller's operators, but printed in one way.
    let _plain = LocalSettings::printing(Reads::Styles);
    let target = (spec.schema.as_str(), spec.target.as_str());
    let full = |OutOfMemory| memory::exhausted("former rows");
    cursor::with(&sql, &[pg_sys::TEXTOID], |cursor| {
        let mut out = Buffer::new();
        while cursor.advance() {
            let Native::Text(row) = cursor.value(0) else { continue };
            out.extend(if out.is_empty() { b"[" } else { b"," }).unwrap_or_else(full);
            out.extend(row.as_bytes()).unwrap_or_else(full);
            if out.len() > AT_ONCE {
                flush(&mut out, |rows| log::former(run, target, &columns, key, rows));
            }
        }
        if !out.is_empty() {
            flush(&mut out, |rows| log::former(run, target, &columns, key, rows));
        }
    });
}

fn flush(out: &mut Buffer, write: impl FnOnce(&str)) {
    out.extend(b"]").unwrap_or_else(|OutOfMemory| memory::exhausted("former rows"));
    write(out.as_str());
    out.clear(AT_ONCE);
}

/// Names and types of a table's columns: a row that was printed can be read again while they are the same.
pub fn columns(table: pg_sys::Oid) -> String {
    let attributes = relation::attributes(table).into_iter();
    let names = attributes.map(|attribute| format!("{} {}", ident(&attribute.name), attribute.pg_type));
    names.collect::<Vec<_>>().join(", ")
}
