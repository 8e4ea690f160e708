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
