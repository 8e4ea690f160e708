//! Checks the caller's rights; runs a few internal statements with the rights of another role.

use pgrx::pg_sys;

use super::{encoding, spi};

/// Whether the caller may read files on the server: a superuser or a member of `pg_read_server_files`.
pub fn may_read_server_files() -> bool {
    // SAFETY: reads the catalog through the syscache, inside a transaction.
    unsafe {
        pg_sys::has_privs_of_role(
            pg_sys::GetUserId(),
            pg_sys::Oid::from(super::compat::ROLE_PG_READ_SERVER_FILES),
        )
    }
}

/// Whether the role may write files on the server: a superuser or a member of `pg_write_server_files`.
pub fn may_write_server_files(role: pg_sys::Oid) -> bool {
    // SAFETY: reads the catalog through the syscache, inside a transaction.
    unsafe { pg_sys::has_privs_of_role(role, pg_sys::Oid::from(super::compat::ROLE_PG_WRITE_SERVER_FILES)) }
}

/// Whether the caller has the rights of the relation's owner.
pub fn owns(relation: pg_sys::Oid) -> bool {
    spi::any("SELECT FROM pg_class WHERE oid = $1 AND pg_has_role(relowner, 'USAGE')", &[relation.into()])
}

/// An SQL condition: the owner (`owner` is an expression of type oid) is trusted, so that its code may run with the
/// caller's rights. Trusted are roles that the caller is a member of; for a superuser, who is a member of all roles,
/// only superusers and the database's owner.
pub fn trusts(owner: &str) -> String {
    format!(
        "CASE WHEN (SELECT me.rolsuper FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER)
              THEN (SELECT o.rolsuper FROM pg_catalog.pg_roles o WHERE o.oid = {owner})
                   OR {owner} = (SELECT d.datdba FROM pg_catalog.pg_database d
                                 WHERE d.datname = pg_catalog.current_database())
              ELSE pg_catalog.pg_has_role({owner}, 'MEMBER') END"
    )
}

/// An SQL condition: the owner is trusted, or is a superuser, whose code could run with any rights anyway. For objects
/// that the plan does not choose by name: types of extensions, tables that foreign keys reference.
pub fn harmless(owner: &str) -> String {
    let trusts = trusts(owner);
    format!("((SELECT o.rolsuper FROM pg_catalog.pg_roles o WHERE o.oid = {owner}) OR {trusts})")
}

/// The current role's name.
pub fn current_role() -> String {
    // SAFETY: GetUserNameFromId returns a palloc'd, NUL-terminated name.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false);
        encoding::from_server(name)
    }
}

/// A guard: statements run with another role's rights until it is dropped or the (sub)transaction aborts.
///
/// With the owner's rights only statements that run no user's code, under a safe search path.
pub struct Acting {
    user: pg_sys::Oid,
    context: i32,
}

impl Acting {
    /// With the rights of the relation's owner; `None` if the relation does not exist.
    pub fn as_owner_of(schema: &str, relation: &str) -> Option<Acting> {
        const OWNER: &str = "SELECT c.relowner
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2";
        let owner = spi::value(OWNER, &[schema.into(), relation.into()])?;
        Some(Acting::with(owner, pg_sys::SECURITY_LOCAL_USERID_CHANGE))
    }

    /// As a role whose own code may run meanwhile: as where the server itself evaluates the functions of an index, nothing of
    /// it stays in the session. Settings are the caller's to set back.
    pub fn restricted_as(role: pg_sys::Oid) -> Acting {
        Acting::with(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION)
    }

    /// SECURITY_LOCAL_USERID_CHANGE keeps SET ROLE out meanwhile.
    fn with(role: pg_sys::Oid, flags: u32) -> Acting {
        let mut before = Acting { user: pg_sys::InvalidOid, context: 0 };
        // SAFETY: reads and sets two variables of the backend, which an abort sets back to what they were when the
        // (sub)transaction began.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut before.user, &mut before.context);
            pg_sys::SetUserIdAndSecContext(role, before.context | flags as i32);
        }
        before
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        // SAFETY: sets the two variables back to what `with` has read; right while a panic unwinds, too.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }
}

/// The current role's oid.
pub fn current_role_oid() -> pg_sys::Oid {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetUserId() }
}
