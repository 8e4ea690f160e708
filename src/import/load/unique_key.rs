//! Unique keys of a table, and SQL that compares rows by them as their indexes do: by operators, collations, expressions
//! and conditions of their own.

use serde::Deserialize;

use crate::pg::spi::{self, Json, Row};

/// The valid unique indexes of `$1`: name, whether of the primary key, whether NULLs are alike, the condition, the
/// parts, and every column that it looks at. Strategy 3 is equality.
const KEYS: &str = "
    SELECT x.relname AS name, i.indisprimary AS primary,
           COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_alike,
           pg_get_expr(i.indpred, i.indrelid) AS condition, parts.list AS parts, looks.list AS columns
    FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object(
            'sql', pg_get_indexdef(i.indexrelid, part.place::integer, true),
            'cast', CASE WHEN t.typtype = 'p' THEN '' ELSE format('::%I.%I', tn.nspname, t.typname) END,
            'operator', format('OPERATOR(%I.%s)', n.nspname, o.oprname),
            'collate', COALESCE((SELECT format(' COLLATE %I.%I', ln.nspname, l.collname) FROM pg_collation l
                JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = part.collating), '')) ORDER BY part.place) AS list
        FROM ROWS FROM (unnest(i.indclass::oid[]), unnest(i.indcollation::oid[]))
             WITH ORDINALITY AS part (class, collating, place)
        JOIN pg_opclass c ON c.oid = part.class
        JOIN pg_type t ON t.oid = c.opcintype JOIN pg_namespace tn ON tn.oid = t.typnamespace
        JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype
             AND a.amoprighttype = c.opcintype AND a.amopstrategy = 3
        JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace) parts
    CROSS JOIN LATERAL (
        SELECT COALESCE(array_agg(b.attname), '{}') AS list FROM pg_attribute b
        WHERE b.attrelid = i.indrelid AND b.attnum > 0
          AND (b.attnum = ANY ((i.indkey::smallint[])[:i.indnkeyatts - 1]) OR b.attnum IN (
              SELECT d.refobjsubid FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid))) looks
    WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indislive AND NOT i.indisexclusion
    ORDER BY NOT i.indisprimary, x.relname";

/// Characters of a row that a message shows.
const SHOWN: usize = 200;

/// A part of a key, and how its index compares it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Part {
    /// The expression over a row, or the column.
    pub sql: String,
    pub cast: String,
    pub operator: String,
    pub collate: String,
}

/// A unique key of a table.
#[derive(Debug, Clone, Default)]
pub struct Key {
    pub name: String,
    pub primary: bool,
    pub nulls_alike: bool,
    pub condition: Option<String>,
    pub parts: Vec<Part>,
    pub columns: Vec<String>,
}

/// The keys of a table that SQL names so, the primary key first. Assumes a safe search path.
pub fn of(table: &str) -> Vec<Key> {
    spi::rows(KEYS, &[table.into()], key)
}

impl Key {
    /// Its parts of a row, as PARTITION BY or GROUP BY tells them apart.
    pub fn apart(&self, row: &str) -> String {
        let parts = self.parts.iter().map(|p| format!("({row}.{}){}{}", p.sql, p.cast, p.collate));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Rows that it compares, as a condition after another: those with a NULL have no equals, unless NULLs are alike.
    pub fn present(&self, row: &str) -> String {
        let parts = self.parts.iter().filter(|_| !self.nulls_alike);
        parts.map(|part| format!(" AND {row}.{} IS NOT NULL", part.sql)).collect()
    }
}

fn key(row: &Row<'_>) -> Key {
    let Json(parts) = row.get("parts");
    Key {
        name: row.get("name"),
        primary: row.get("primary"),
        nulls_alike: row.get("nulls_alike"),
        condition: row.get("condition"),
        parts,
        columns: row.get("columns"),
    }
}

/// The rows of two relations have one key, whose parts are columns.
pub fn equal(key: &Key, left: &str, right: &str) -> String {
    let parts = key.parts.iter().map(|Part { sql, cast, operator, collate }| {
        let (l, r) = (format!("{left}.{sql}"), format!("{right}.{sql}"));
        let equal = format!("({l}){cast}{collate} {operator} ({r}){cast}");
        if key.nulls_alike { alike(&equal, &l, &r) } else { equal }
    });
    parts.collect::<Vec<_>>().join(" AND ")
}

pub fn alike(equal: &str, left: &str, right: &str) -> String {
    format!("(({equal}) IS TRUE OR ({left} IS NULL AND {right} IS NULL))")
}

/// Values as a row, shortened.
pub fn shown(values: &[String]) -> String {
    format!("pg_catalog.\"left\"(ROW({})::pg_catalog.text, {SHOWN})", values.join(", "))
}
