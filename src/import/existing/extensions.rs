//! Extensions that a plan may make use of: where they are, or where the caller can create them.

use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::plan::Extension;

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
