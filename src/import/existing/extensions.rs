//! Extensions that a plan may make use of: where they are, or where the caller can create them.

use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::plan::{Extension, Helpers};
use pg_sqlite_migrate_core::search::helper::SCHEMA;

/// Those that are there; a trusted one is owned by who created it, and what is in it by the bootstrap superuser.
const INSTALLED: &str = "
    SELECT e.extname AS name, n.nspname AS schema
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = ANY ($1) AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')";

/// Those that the caller can create, with a schema that everybody has in the search path.
const CREATABLE: &str = "
    SELECT DISTINCT v.name, (SELECT nspname FROM pg_catalog.pg_namespace
                             WHERE nspname = 'public' AND pg_catalog.has_schema_privilege(oid, 'USAGE')) AS schema
    FROM pg_catalog.pg_available_extension_versions v
    WHERE v.name = ANY ($1) AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = v.name)
      AND ((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
           OR v.trusted AND pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'))";

/// The schema of helper functions, if it exists; the caller can create functions there, and nobody whom the caller does
/// not trust could have put others in their place. Without it, whether the caller can create it.
const HELPERS: &str = "
    SELECT schema_exists FROM (
        SELECT n.oid IS NOT NULL AS schema_exists,
               CASE WHEN n.oid IS NULL
                    THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
                    ELSE pg_catalog.has_schema_privilege(n.oid, 'CREATE')
                         AND NOT EXISTS (
                             SELECT FROM (SELECT n.nspowner AS role
                                          UNION SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
                                          UNION SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a
                                                WHERE a.privilege_type = 'CREATE') AS others
                             WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = others.role
                                               AND (r.rolsuper OR CASE WHEN (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
                                                    THEN r.oid = (SELECT datdba FROM pg_catalog.pg_database
                                                                  WHERE datname = pg_catalog.current_database())
                                                    ELSE pg_catalog.pg_has_role(r.oid, 'MEMBER') END)))
                         AND NOT EXISTS (
                             SELECT FROM pg_catalog.pg_proc p
                             WHERE p.pronamespace = n.oid AND NOT pg_catalog.pg_has_role(p.proowner, 'USAGE'))
               END AS possible
        FROM (SELECT $1) AS wanted(name) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.name) AS asked
    WHERE possible";

pub fn helpers() -> Option<Helpers> {
    let schema_exists: bool = spi::value(HELPERS, &[SCHEMA.into()])?;
    Some(Helpers { schema_exists })
}

/// Of these names. The server reads a file for every extension that there is, so nothing is asked for none.
pub fn read(names: &[&str]) -> Vec<Extension> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    if names.is_empty() {
        return vec![];
    }
    let of = |installed: bool| {
        move |row: &Row<'_>| Extension { name: row.get("name"), schema: row.get("schema"), installed }
    };
    let mut found = spi::rows(INSTALLED, &[names.as_slice().into()], of(true));
    if found.len() < names.len() {
        found.extend(spi::rows(CREATABLE, &[names.as_slice().into()], of(false)));
    }
    found
}
