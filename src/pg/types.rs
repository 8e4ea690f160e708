//! Type names as the server knows them.

use pgrx::pg_sys;

use super::encoding;
use super::settings::LocalSettings;

/// The type that a user names under the caller's search path, spelled so that it reads the same everywhere:
/// `citext` -> `public.citext`, `int8` -> `bigint`. Raises the server's own error for an unknown type.
pub fn canonical(name: &str) -> Option<String> {
    let name = encoding::to_server(name).ok()?;
    // SAFETY: a NUL-terminated string; errors are raised as usual.
    let (oid, typmod) = unsafe { super::compat::parse_type_string(name.as_ptr()) };
    let _path = LocalSettings::safe_search_path();
    Some(format_type(oid, typmod))
}

/// `format_type(oid, typmod)`.
pub fn format_type(oid: pg_sys::Oid, typmod: i32) -> String {
    // SAFETY: returns a palloc'd, NUL-terminated string for any input ("???" if the type is gone).
    unsafe { encoding::from_server(pg_sys::format_type_with_typemod(oid, typmod)) }
}

/// As [`format_type`] prints it under a safe search path: the server's own types bare, others with their schema.
/// Cheaper than setting one.
pub fn format_type_qualified(oid: pg_sys::Oid, typmod: i32) -> String {
    // SAFETY: reads a backend-local variable.
    if unsafe { pg_sys::quote_all_identifiers } {
        let _path = LocalSettings::safe_search_path();
        return format_type(oid, typmod);
    }
    let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_ALLOW_INVALID;
    let flags = (flags | pg_sys::FORMAT_TYPE_FORCE_QUALIFY) as pg_sys::bits16;
    // SAFETY: returns a palloc'd, NUL-terminated string for any input.
    let printed = unsafe { encoding::from_server(pg_sys::format_type_extended(oid, typmod, flags)) };
    printed.strip_prefix("pg_catalog.").map(str::to_string).unwrap_or(printed)
}
