//! The types of the plan's schemas that are no tables: names that a new enum cannot have, or an enum that it is already.

use crate::pg::spi;
use pg_sqlite_migrate_core::plan::ExistingType;

/// Array types make way for a type of their name; a domain over an array does not.
const TYPES: &str = "
    SELECT n.nspname AS schema, t.typname AS name,
           t.typtype = 'e' AND has_type_privilege(t.oid, 'USAGE') AS usable,
           ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY ($1) AND t.typtype IN ('b', 'd', 'e', 'm', 'p', 'r')
      AND NOT EXISTS (SELECT FROM pg_type element WHERE element.oid = t.typelem AND element.typarray = t.oid)";

/// Those of the schemas.
pub fn read(schemas: &[String]) -> Vec<ExistingType> {
    spi::rows(TYPES, &[schemas.into()], |row| ExistingType {
        schema: row.get("schema"),
        name: row.get("name"),
        labels: row.get("labels"),
        usable: row.get("usable"),
    })
}
