//! What differs between PostgreSQL versions.

use pgrx::pg_sys;

/// `pg_read_server_files`, of pg_authid.dat: the same in every supported version.
pub const ROLE_PG_READ_SERVER_FILES: u32 = 4569;

/// The relation has generated columns, of either kind: virtual ones came with PostgreSQL 18.
pub fn has_generated(constraints: &pg_sys::TupleConstr) -> bool {
    #[cfg(feature = "pg18")]
    let has_virtual = constraints.has_generated_virtual;
    #[cfg(not(feature = "pg18"))]
    let has_virtual = false;
    constraints.has_generated_stored || has_virtual
}

/// `parseTypeString`: type name and modifiers -> oid and typmod; raises an error for an unknown type.
///
/// # Safety
/// `name` is a NUL-terminated string in the server's encoding.
pub unsafe fn parse_type_string(name: *const std::ffi::c_char) -> (pg_sys::Oid, i32) {
    let (mut oid, mut typmod) = (pg_sys::InvalidOid, -1);
    // SAFETY: both results are local; the caller vouches for the name.
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    unsafe {
        pg_sys::parseTypeString(name, &mut oid, &mut typmod, false)
    };
    // SAFETY: as above; a null escontext means that errors are raised.
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    unsafe {
        pg_sys::parseTypeString(name, &mut oid, &mut typmod, std::ptr::null_mut())
    };
    (oid, typmod)
}
