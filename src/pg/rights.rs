//! May the caller do this?

use std::ffi::CStr;

use pgrx::pg_sys;

use super::settings::LocalSettings;
use super::spi;

/// The caller may read files on the server: a superuser or a member of `pg_read_server_files`.
pub fn may_read_server_files() -> bool {
    // SAFETY: reads the catalog through the syscache, inside a transaction.
    unsafe {
        pg_sys::has_privs_of_role(
            pg_sys::GetUserId(),
            pg_sys::Oid::from(super::compat::ROLE_PG_READ_SERVER_FILES),
        )
    }
}

/// This role may write files on the server: a superuser or a member of `pg_write_server_files`.
pub fn may_write_server_files(role: pg_sys::Oid) -> bool {
    // SAFETY: as above.
    unsafe { pg_sys::has_privs_of_role(role, pg_sys::Oid::from(super::compat::ROLE_PG_WRITE_SERVER_FILES)) }
}

/// The caller has the rights of a relation's owner.
pub fn owns(relation: pg_sys::Oid) -> bool {
    let _path = LocalSettings::safe_search_path();
    let sql = "SELECT 'x' FROM pg_class WHERE oid = $1::oid AND pg_has_role(relowner, 'USAGE')";
    spi::value(sql, &[Some(&relation.to_u32().to_string())]).is_some()
}

/// The current role's name.
pub fn current_role() -> String {
    // SAFETY: GetUserNameFromId returns a palloc'd, NUL-terminated name.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false);
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}
