//! Foreign keys of relations, and the tables that have one to them.
//!
//! PostgreSQL repeats the constraint of a partitioned table for each partition, on the referencing and on the
//! referenced side. A row that goes straight into a partition obeys the repeated constraint of its table; those
//! that name a partition of the referenced table say nothing new.

use std::convert::Infallible;
use std::sync::LazyLock;

use pgrx::pg_sys;

use super::relations::Relations;
use crate::import::orphans::OrphanQuery;
use crate::pg::spi::{self, Json, Row};
use crate::pg::{compat, reading, relation, xact};
use pg_sqlite_migrate_core::plan::{ExistingForeignKey, ExistingOrphans, ExistingTable, OrphanSpec};

/// Constraints whose referenced table is the one that was declared. Servers before 15 have no trigger on a
/// partitioned table that checks its rows: a key is enforced unless one there is disabled. Bit 2 of `tgtype` is INSERT.
static FOREIGN_KEYS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH RECURSIVE declared AS (
        SELECT k.oid, k.confrelid FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
        UNION ALL
        SELECT k.oid, k.confrelid FROM declared d
        JOIN pg_catalog.pg_constraint k ON k.conparentid = d.oid AND k.confrelid = d.confrelid)
    SELECT k.conrelid AS relation, k.conname AS name, pairs.columns, n.nspname AS parent_schema, p.relname AS parent,
           pairs.parents AS parent_columns, pairs.operators, k.confmatchtype = 'f' AS match_full, {period} AS period,
           {enforced} AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_trigger t
               WHERE t.tgconstraint = k.oid AND t.tgrelid = k.conrelid AND t.tgisinternal AND t.tgtype & 4 <> 0
                 AND t.tgenabled NOT IN ('O', 'A')) AS enforced, k.convalidated AS validated
    FROM declared d
    JOIN pg_catalog.pg_constraint k ON k.oid = d.oid
    JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(a.attname ORDER BY key.place) AS columns,
               pg_catalog.array_agg(b.attname ORDER BY key.place) AS parents,
               pg_catalog.json_agg(pg_catalog.json_build_object(
                   'name', pg_catalog.quote_ident(s.nspname) || '.' || o.oprname,
                   'parent_type', pg_catalog.format('%I.%I', lt.nspname, l.typname),
                   'child_type', pg_catalog.format('%I.%I', rt.nspname, r.typname)) ORDER BY key.place) AS operators
        FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
             WITH ORDINALITY AS key (child, parent, operator, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.child
        JOIN pg_catalog.pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = key.parent
        JOIN pg_catalog.pg_operator o ON o.oid = key.operator
        JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace
        JOIN pg_catalog.pg_type l ON l.oid = o.oprleft JOIN pg_catalog.pg_namespace lt ON lt.oid = l.typnamespace
        JOIN pg_catalog.pg_type r ON r.oid = o.oprright JOIN pg_catalog.pg_namespace rt ON rt.oid = r.typnamespace) pairs
    WHERE k.conrelid = ANY ($1)
    ORDER BY k.conrelid, k.conname",
        enforced = compat::CONSTRAINT_ENFORCED,
        period = compat::CONSTRAINT_PERIOD,
    )
});

/// The referencing side as it was declared, whatever the referenced table is a partition of.
const REFERENCED_BY: &str = "
    WITH RECURSIVE declared AS (
        SELECT k.oid, k.conrelid, k.confrelid
        FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
        UNION ALL
        SELECT k.oid, k.conrelid, k.confrelid FROM declared d
        JOIN pg_catalog.pg_constraint k ON k.conparentid = d.oid AND k.conrelid = d.conrelid)
    SELECT DISTINCT d.confrelid AS relation, n.nspname AS schema, c.relname AS name
    FROM declared d
    JOIN pg_catalog.pg_class c ON c.oid = d.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE d.confrelid = ANY ($1) AND d.conrelid <> d.confrelid
    ORDER BY 1, 2, 3";

pub fn read(found: &mut Relations) {
    found.each(FOREIGN_KEYS.as_str(), |table, row| table.foreign_keys.push(foreign_key(row)));
    found.each(REFERENCED_BY, |table, row| table.referenced_by.push((row.get("schema"), row.get("name"))));
}

/// The foreign keys that one relation has now.
pub fn of(relation: pg_sys::Oid) -> Vec<ExistingForeignKey> {
    spi::rows(FOREIGN_KEYS.as_str(), &[[relation].as_slice().into()], foreign_key)
}

fn foreign_key(row: &Row<'_>) -> ExistingForeignKey {
    let Json(operators) = row.get("operators");
    ExistingForeignKey {
        name: row.get("name"),
        columns: row.get("columns"),
        parent_schema: row.get("parent_schema"),
        parent: row.get("parent"),
        parent_columns: row.get("parent_columns"),
        operators,
        full: row.get("match_full"),
        period: row.get("period"),
        enforced: row.get("enforced"),
        validated: row.get("validated"),
        existing_orphans: ExistingOrphans::default(),
    }
}

/// Tables with more rows than this are not looked through for rows that a valid constraint forbids.
const BELIEVED_ROWS: u64 = 1_000_000;

/// Looks for rows that are there without a parent: a constraint may be NOT VALID, or its triggers may have been
/// disabled for a while.
pub fn read_existing_orphans(table: &mut ExistingTable) {
    let Some(rows) = table.rows.filter(|rows| *rows > 0) else { return };
    let (schema, name) = (table.schema.clone(), table.name.clone());
    let asked = |key: &&mut ExistingForeignKey| {
        key.enforced && !key.period && (!key.validated || rows <= BELIEVED_ROWS)
    };
    for key in table.foreign_keys.iter_mut().filter(asked) {
        let parent = relation::find(&key.parent_schema, &key.parent);
        if !parent.is_some_and(reading::by_query) {
            key.existing_orphans =
                ExistingOrphans::Refused("the caller may not read the table that it references".into());
            continue;
        }
        let spec = OrphanSpec::of(&schema, &name, key);
        let counted = || -> Result<u64, Infallible> { Ok(OrphanQuery::of_table(&spec, None).count()) };
        key.existing_orphans = match xact::attempt(counted) {
            Ok(Ok(existing_orphans)) => ExistingOrphans::Counted(existing_orphans),
            Err(caught) => ExistingOrphans::Refused(caught.message),
        };
    }
}
