//! What the target database already has: the facts that a plan is made against.
//!
//! A few queries for all relations of the plan's schemas, over the catalogs, which every role may read. Rows are
//! counted of those only that the plan would load. Assumes a safe search path, which also makes names read the same.

mod citus;
mod columns;
pub mod extensions;
pub mod foreign_keys;
mod functions;
mod indexes;
mod keys;
mod levels;
mod relations;
pub mod systems;
mod types;
mod views;

use std::collections::BTreeSet;

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::{compat, page, relation, rights, spi};
use crate::verify::counts;
use pg_sqlite_migrate_core::plan::{Action, Citext, Page, Planned, Target};
use pg_sqlite_migrate_core::sqltext::qualified;
use relations::Relations;

const SCHEMAS: &str = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1)";

const TEMPORARY: &str = "SELECT WHERE has_database_privilege(current_database(), 'TEMPORARY')";

// A server that is built without ICU has one such collation all the same since 16, whose version it cannot tell.
// ICU does not know every encoding of the server's.
const HAS_ICU: &str = "SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i'
                       AND pg_catalog.pg_collation_actual_version(oid) IS NOT NULL
                       AND pg_catalog.current_setting('server_encoding')
                           NOT IN ('SQL_ASCII', 'MULE_INTERNAL', 'EUC_JIS_2004', 'LATIN10') LIMIT 1";

/// The type citext of its extension. A type that another role has put in its place is not taken.
const CITEXT: &str = "
    SELECT format('%I.%I', n.nspname, t.typname)
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
                    AND d.classid = 'pg_type'::regclass
    JOIN pg_type t ON t.oid = d.objid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    JOIN pg_roles r ON r.oid = t.typowner AND r.rolsuper
    WHERE e.extname = 'citext' AND t.typname = 'citext' AND has_schema_privilege(n.oid, 'USAGE')";

/// The caller can create the extension. To list the versions of all extensions, the server reads the directory of all scripts
/// once for each extension: it is asked only where it matters whether citext is trusted.
const CITEXT_CREATABLE: &str = "
    SELECT WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citext')
      AND CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
               THEN EXISTS (SELECT FROM pg_available_extensions() AS e WHERE e.name = 'citext')
               ELSE has_database_privilege(current_database(), 'CREATE')
                    AND EXISTS (SELECT FROM pg_available_extension_versions() AS v WHERE v.name = 'citext' AND v.trusted) END";

const UTF8: &str = "SELECT WHERE getdatabaseencoding() = 'UTF8'";

const PUBLIC: &str =
    "SELECT nspname FROM pg_namespace WHERE nspname = 'public' AND has_schema_privilege(oid, 'USAGE')";

/// Asked of all that may be a capital letter beyond ASCII, where `chr()` knows a number for it; of A to Z elsewhere,
/// where the answer is no.
const LOWERS_ASCII_ONLY: &str = "
    WITH asked AS (
        SELECT CASE WHEN known THEN 161 ELSE 65 END AS first, CASE WHEN known THEN 255 ELSE 90 END AS last
        FROM (SELECT getdatabaseencoding() = 'UTF8' OR pg_encoding_max_length(encoding) = 1 AS known
              FROM pg_database WHERE datname = current_database()) of_database)
    SELECT FROM asked
    WHERE NOT EXISTS (SELECT FROM generate_series(first, last) code WHERE lower(chr(code)) <> chr(code))";

/// Reads the relations of `schemas` and the materialised views that depend on them.
pub fn read(schemas: &[String]) -> Target {
    let mut found = Relations::of(schemas);
    columns::read(&mut found);
    citus::read(&mut found);
    keys::read(&mut found);
    foreign_keys::read(&mut found);
    views::read_readers(&mut found);
    levels::read(&mut found);
    let schemas: Vec<String> = spi::values(SCHEMAS, &[schemas.into()]);
    let (views, types) = (views::read(&schemas), types::read(&schemas));
    let functions = functions::read(&schemas);
    Target {
        relations: found.into_tables(),
        icu: spi::any(HAS_ICU, &[]),
        no_temporary: !spi::any(TEMPORARY, &[]),
        page: Page::of(page::BLOCK),
        nondeterministic_like: compat::NONDETERMINISTIC_LIKE,
        virtual_columns: compat::VIRTUAL_COLUMNS,
        utf8: spi::any(UTF8, &[]),
        lowers_ascii_only: spi::any(LOWERS_ASCII_ONLY, &[]),
        schemas,
        views,
        types,
        functions,
        ..Target::default()
    }
}

/// Asked once a plan: the server may have to read a file of every extension that there is.
pub fn citext() -> Option<Citext> {
    if let Some(name) = spi::value(CITEXT, &[]) {
        return Some(Citext::Installed(name));
    }
    spi::any(CITEXT_CREATABLE, &[]).then(|| Citext::Creatable(spi::value(PUBLIC, &[])))
}

/// Relations of these, and their partitions, that the caller may do something with, which is what anybody may wait for.
const HOLDABLE: &str = "
    SELECT c.oid FROM pg_class c
    WHERE c.oid IN (SELECT unnest($1) UNION
                    SELECT p.relid FROM pg_class t CROSS JOIN LATERAL pg_partition_tree(t.oid) p
                    WHERE t.oid = ANY ($1) AND t.relkind = 'p') AND has_schema_privilege(c.relnamespace, 'USAGE')
      AND (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(c.oid, 'DELETE, TRUNCATE'))
    ORDER BY c.oid";

/// Sequences that columns of these own or take numbers from, and that the caller may do something with.
const HOLDABLE_SEQUENCES: &str = "
    WITH used AS (
        SELECT d.objid AS oid FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1)
          AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        UNION
        SELECT d.refobjid FROM pg_attrdef e JOIN pg_depend d ON d.objid = e.oid AND d.classid = 'pg_attrdef'::regclass
        WHERE e.adrelid = ANY ($1) AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n')
    SELECT s.oid FROM pg_class s JOIN used ON used.oid = s.oid
    WHERE s.relkind = 'S' AND has_schema_privilege(s.relnamespace, 'USAGE')
      AND CASE s.relkind WHEN 'S' THEN has_sequence_privilege(s.oid, 'USAGE, SELECT, UPDATE') END
    ORDER BY s.oid";

/// Keeps relations, their sequences and the names of both until the transaction ends. What was read before is out of
/// date.
pub fn hold(relations: &[u32]) {
    let relations: Vec<pg_sys::Oid> = relations.iter().copied().map(pg_sys::Oid::from).collect();
    // The sequences are looked up once no default can change.
    for holdable in [HOLDABLE, HOLDABLE_SEQUENCES] {
        let found: Vec<pg_sys::Oid> = spi::values(holdable, &[relations.as_slice().into()]);
        found.into_iter().for_each(relation::hold);
    }
}

/// Fills in the indexes, and how many rows the tables hold that the plan would load. A separate step, because only
/// those are to be read: the caller may have no right to the others, and they are not held.
pub fn read_held(target: &mut Target, wanted: &BTreeSet<u32>) {
    indexes::read(target, wanted);
    let tables = target.relations.iter_mut().filter(|t| matches!(t.relkind, 'r' | 'p'));
    for table in tables.filter(|t| wanted.contains(&t.oid)) {
        match counts::rows(&table.schema, &table.name) {
            Ok(rows) => {
                table.rows = u64::try_from(rows).ok();
                foreign_keys::read_existing_orphans(table);
            }
            Err(reason) => table.uncounted = Some(reason),
        }
    }
}

/// The caller may create tables where the plan makes some.
pub fn check_create(planned: &Planned) -> Result<(), Error> {
    let made = planned.steps.iter().filter_map(|s| match &s.action {
        Action::Load(spec) if spec.existing.is_none() => Some(spec.schema.as_str()),
        _ => None,
    });
    for schema in made.collect::<BTreeSet<_>>() {
        let lacks = |row: &spi::Row<'_>| (row.get::<Option<String>>("database"), row.get("privileges"));
        if let Some((database, privileges)) = spi::row(LACKS_CREATE, &[schema.into()], lacks) {
            let role = rights::current_role();
            let schema = schema.to_owned();
            return Err(match database {
                Some(database) => Error::NoCreateSchema { schema, database, role },
                None => Error::NoCreateTable { schema, privileges, role },
            });
        }
    }
    Ok(())
}

/// Keeps other writers out of an existing table until the transaction ends, so that its rows can be counted.
/// A caller who may only insert cannot lock, and has to see to that himself.
pub fn lock(schema: &str, table: &str) {
    let name = qualified(schema, table);
    let may = "SELECT FROM pg_class WHERE oid = $1::regclass AND relkind IN ('r', 'p')
               AND has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE')";
    if spi::any(may, &[(&name).into()]) {
        spi::execute(&format!("LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"));
    }
}

/// A row where the caller may not create tables in a schema, with the privileges that it lacks, as GRANT names them; and
/// with the database, where the schema is still to be created.
const LACKS_CREATE: &str = "
    SELECT CASE WHEN n.oid IS NULL THEN current_database()::text END AS database, lacking.privileges
    FROM (SELECT $1) AS wanted(name) LEFT JOIN pg_namespace n ON n.nspname = wanted.name
    CROSS JOIN LATERAL (
        SELECT CASE WHEN n.oid IS NOT NULL
                    THEN concat_ws(', ', CASE WHEN NOT has_schema_privilege(n.oid, 'CREATE') THEN 'CREATE' END,
                                         CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'USAGE' END)
                    WHEN has_database_privilege(current_database(), 'CREATE') THEN ''
                    ELSE 'CREATE' END AS privileges) AS lacking
    WHERE lacking.privileges <> ''";
