//! What the target database already has: the facts that a plan is made against.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::pg::settings::LocalSettings;
use crate::pg::{rights, spi};
use crate::plan::{Action, ExistingTable, Planned, Target};
use crate::sqltext::{ident, qualified};

const RELATIONS: &str = "
    SELECT n.nspname::text, c.relname::text, c.relkind::text, a.attname::text,
           pg_catalog.format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = ANY ($1::text[])
    ORDER BY 1, 2, a.attnum";

const SCHEMAS: &str = "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[])";

/// Reads the relations of `schemas` and whether those that hold tables have rows.
pub fn read(schemas: &[String]) -> Target {
    let mut found: BTreeMap<(String, String), ExistingTable> = BTreeMap::new();
    for row in spi::rows(RELATIONS, &[Some(&array(schemas))]) {
        let mut fields = row.into_iter();
        let (Some(schema), Some(name)) = (fields.next().flatten(), fields.next().flatten()) else { continue };
        let relkind = fields.next().flatten().and_then(|k| k.chars().next()).unwrap_or('r');
        let table = found.entry((schema.clone(), name.clone())).or_insert_with(|| ExistingTable {
            schema,
            name,
            relkind,
            ..ExistingTable::default()
        });
        if let (Some(column), Some(pg_type)) = (fields.next().flatten(), fields.next().flatten()) {
            table.columns.push((column, pg_type));
        }
    }
    let schemas = spi::rows(SCHEMAS, &[Some(&array(schemas))]).into_iter().flatten().flatten().collect();
    Target { relations: found.into_values().collect(), icu: has_icu(), schemas }
}

/// Fills in which of the tables that the plan would load hold rows. A separate step, because only those are
/// to be read: the caller may have no right to the others.
pub fn read_rows(target: &mut Target, wanted: impl Fn(&str, &str) -> bool) {
    for table in &mut target.relations {
        if matches!(table.relkind, 'r' | 'p') && wanted(&table.schema, &table.name) {
            let name = qualified(&table.schema, &table.name);
            table.has_rows = spi::value(&format!("SELECT 'x' FROM {name} LIMIT 1"), &[]).is_some();
        }
    }
}

/// The caller may create tables where the plan makes some.
pub fn check_create(planned: &Planned) -> Result<(), Error> {
    let _path = LocalSettings::safe_search_path();
    let made = planned.steps.iter().filter_map(|s| match &s.action {
        Action::Load(spec) if !spec.staged => Some(spec.schema.as_str()),
        _ => None,
    });
    for schema in made.collect::<BTreeSet<_>>() {
        if let Some(place) = spi::value(CLOSED, &[Some(schema)]) {
            return Err(Error::NoCreate { place, role: ident(&rights::current_role()) });
        }
    }
    Ok(())
}

/// Keeps other writers out of an existing table until the transaction ends, so that its rows can be counted.
/// A caller who may only insert cannot lock, and has to see to that himself.
pub fn lock(schema: &str, table: &str) {
    let name = qualified(schema, table);
    let may = "SELECT 'x' WHERE has_table_privilege($1, 'UPDATE, DELETE, TRUNCATE')";
    if spi::value(may, &[Some(&name)]).is_some() {
        spi::execute(&format!("LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"));
    }
}

/// What the caller may not create tables in, as GRANT names it; no row where it may.
const CLOSED: &str = "
    SELECT CASE WHEN n.oid IS NULL THEN format('DATABASE %I', current_database())
                ELSE format('SCHEMA %I', n.nspname) END
    FROM (SELECT $1) AS wanted(name) LEFT JOIN pg_namespace n ON n.nspname = wanted.name
    WHERE NOT CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                   ELSE has_schema_privilege(n.oid, 'CREATE') END";

fn has_icu() -> bool {
    // ICU does not know every encoding of the server's.
    let sql = "SELECT 'x' FROM pg_catalog.pg_collation WHERE collprovider = 'i'
               AND pg_catalog.current_setting('server_encoding')
                   NOT IN ('SQL_ASCII', 'MULE_INTERNAL', 'EUC_JIS_2004', 'LATIN10') LIMIT 1";
    spi::value(sql, &[]).is_some()
}

/// A PostgreSQL array literal.
fn array(items: &[String]) -> String {
    let quoted: Vec<String> =
        items.iter().map(|i| format!("\"{}\"", i.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}
