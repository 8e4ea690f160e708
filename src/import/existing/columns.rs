//! The columns of relations: types, defaults, identities, sequences.

use super::relations::Relations;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::Row;
use crate::pg::types;
use pg_sqlite_migrate_core::plan::{ExistingColumn, Identity};

/// A domain's default and its NOT NULL count as the column's, as they do for an INSERT. A column of a view that is
/// neither replaced by a trigger nor by a rule is written through to a table, where it can be.
const COLUMNS: &str = "
    SELECT c.oid AS relation, a.attname AS name, a.atttypid AS type, a.atttypmod AS modifier,
           (a.attnotnull OR t.typtype = 'd' AND (
               WITH RECURSIVE chain AS (
                   SELECT t.typnotnull, t.typbasetype
                   UNION ALL
                   SELECT b.typnotnull, b.typbasetype FROM chain JOIN pg_catalog.pg_type b ON b.oid = chain.typbasetype)
               SELECT pg_catalog.bool_or(chain.typnotnull) FROM chain)) AS not_null,
           a.attgenerated = '' AND (a.atthasdef OR t.typdefault IS NOT NULL) AS has_default,
           (SELECT pg_catalog.pg_get_expr(e.adbin, e.adrelid) FROM pg_catalog.pg_attrdef e
            WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum AND a.attgenerated = '') AS default,
           a.attidentity AS identity,
           a.attgenerated = 'v' AS unstored,
           CASE WHEN c.relkind <> 'v' THEN a.attgenerated <> ''
                WHEN c.relhastriggers AND EXISTS (
                    SELECT FROM pg_catalog.pg_trigger g
                    WHERE g.tgrelid = c.oid AND g.tgtype & 68 = 68) THEN false
                WHEN EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                             WHERE w.ev_class = c.oid AND w.ev_type = '3') THEN false
                ELSE NOT pg_catalog.pg_column_is_updatable(c.oid, a.attnum, false) END AS generated
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE c.oid = ANY ($1) AND c.relkind NOT IN ('i', 'I', 'S')
    ORDER BY a.attrelid, a.attnum";

/// An identity's sequence, else one that the default names, else one that is owned without being used.
const SEQUENCES: &str = "
    WITH used AS (
        SELECT d.refobjid AS relation, d.refobjsubid AS attnum, d.objid AS sequence,
               CASE d.deptype WHEN 'i' THEN 1 ELSE 3 END AS rank
        FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
          AND d.refobjid = ANY ($1) AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        UNION ALL
        SELECT e.adrelid, e.adnum, d.refobjid, 2
        FROM pg_catalog.pg_attrdef e
        JOIN pg_catalog.pg_depend d ON d.objid = e.oid AND d.classid = 'pg_catalog.pg_attrdef'::regclass
        WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'n' AND e.adrelid = ANY ($1))
    SELECT DISTINCT ON (u.relation, u.attnum)
           u.relation, a.attname AS column, pg_catalog.format('%I.%I', n.nspname, s.relname) AS sequence,
           NOT pg_catalog.pg_has_role(s.relowner, 'USAGE') AS others
    FROM used u
    JOIN pg_catalog.pg_class s ON s.oid = u.sequence AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.attnum
    ORDER BY u.relation, u.attnum, u.rank, s.oid";

pub fn read(found: &mut Relations) {
    {
        // The constants of defaults are printed so that they are read alike in every session.
        let _styles = LocalSettings::printing(Reads::Styles);
        found.each(COLUMNS, |table, row| table.columns.push(column(row)));
    }
    found.each(SEQUENCES, |table, row| {
        let name: String = row.get("column");
        if let Some(column) = table.columns.iter_mut().find(|c| c.name == name) {
            (column.sequence, column.others_sequence) = (row.get("sequence"), row.get("others"));
        }
    });
}

fn column(row: &Row<'_>) -> ExistingColumn {
    let (oid, modifier) = (row.get("type"), row.get("modifier"));
    ExistingColumn {
        name: row.get("name"),
        pg_type: types::of(oid, modifier),
        not_null: row.get("not_null"),
        has_default: row.get("has_default"),
        default: row.get("default"),
        identity: match row.get("identity") {
            'a' => Some(Identity::Always),
            'd' => Some(Identity::ByDefault),
            _ => None,
        },
        distributes: false,
        generated: row.get("generated"),
        unstored: row.get("unstored"),
        sequence: None,
        others_sequence: false,
    }
}
