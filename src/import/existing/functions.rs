//! The functions of the plan's schemas that take no argument: names that a trigger's function cannot have.

use std::sync::LazyLock;

use pgrx::pg_sys;

use crate::pg::{rights, spi};
use pg_sqlite_migrate_core::plan::ExistingFunction;

/// One whose owner is not trusted is not replaced: it would stay that role's, who could change it later.
static FUNCTIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
    SELECT n.nspname AS schema, p.proname AS name,
           p.prokind = 'f' AND p.prorettype = 'trigger'::regtype AND pg_has_role(p.proowner, 'USAGE')
               AND ({trusted}) AS replaceable,
           ARRAY(SELECT g.tgrelid FROM pg_trigger g WHERE g.tgfoid = p.oid) AS tables
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY ($1) AND p.pronargs = 0",
        trusted = rights::trusts("p.proowner"),
    )
});

/// Those of the schemas.
pub fn read(schemas: &[String]) -> Vec<ExistingFunction> {
    spi::rows(FUNCTIONS.as_str(), &[schemas.into()], |row| ExistingFunction {
        schema: row.get("schema"),
        name: row.get("name"),
        replaceable: row.get("replaceable"),
        tables: row.get::<Vec<pg_sys::Oid>>("tables").into_iter().map(pg_sys::Oid::to_u32).collect(),
    })
}
