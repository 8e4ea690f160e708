//! Text columns that a run found to hold nothing but times, UUIDs or JSON, if they still do.

use std::collections::HashMap;
use std::convert::Infallible;

use super::catalog::Found;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{spi, xact};
use pg_sqlite_migrate_core::advise::facts::{Table, Text};
use pg_sqlite_migrate_core::sqltext::{ident, qualified};

/// What the run's findings offer: a type for a column of the file.
const OFFERED: &str = "
    SELECT t.source AS table, k.source AS column, k.fixed ->> 'type' AS type_name
    FROM sqlite_migrate.finding f
    CROSS JOIN LATERAL jsonb_each(f.fix -> 'tables') AS t (source, fixed)
    CROSS JOIN LATERAL jsonb_each(t.fixed -> 'columns') AS k (source, fixed)
    WHERE f.run = $1 AND f.kind = 'text_form'
      AND k.fixed ->> 'type' IN ('uuid', 'jsonb', 'date', 'time without time zone', 'timestamp without time zone',
                                 'timestamp with time zone')";

/// What the run's columns are called in the database.
const NAMED: &str = "
    SELECT t.source AS table, k.source AS column, k.planned ->> 'name' AS name
    FROM sqlite_migrate.run r
    CROSS JOIN LATERAL jsonb_each(r.plan -> 'tables') AS t (source, planned)
    CROSS JOIN LATERAL jsonb_each(t.planned -> 'columns') AS k (source, planned)
    WHERE r.id = $1 AND k.planned ->> 'name' IS NOT NULL";

const LOADED: &str = "SELECT source_table AS source, target_schema AS schema, target_table AS name
                      FROM sqlite_migrate.run_table WHERE run = $1 AND status = 'loaded'";

/// Columns of texts on which nothing but plain indexes depends (and, since version 18, NOT NULL): the others cannot change
/// their type by themselves, and two texts that a unique key tells apart may be one UUID.
const TEXTS: &str = "
    SELECT a.attrelid AS oid, a.attname AS name
    FROM pg_attribute a
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
      AND NOT EXISTS (SELECT FROM pg_depend d
                      LEFT JOIN pg_index i ON i.indexrelid = d.objid AND d.classid = 'pg_class'::regclass
                      LEFT JOIN pg_constraint k ON k.oid = d.objid AND d.classid = 'pg_constraint'::regclass
                      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
                        AND k.contype IS DISTINCT FROM 'n'
                        AND (i.indexrelid IS NULL OR i.indisunique OR i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
                             OR EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass) AND NOT o.opcdefault)))
    ORDER BY a.attrelid, a.attnum";

/// Tables whose texts are read again; of larger ones the run's word is taken.
const READ_AGAIN: u64 = 64 << 20;

/// Columns whose texts all had one form when the run read them, and have it still.
pub fn texts(run: i64, found: &Found) -> Vec<Text> {
    let offered = offered(run);
    let texts = spi::rows(TEXTS, &[found.oids.as_slice().into()], |row| {
        (found.place(row), row.get::<String>("name"))
    });
    let texts: Vec<Text> = (texts.into_iter())
        .filter_map(|(at, column)| {
            let table = found.tables.get(at)?;
            let type_name = offered.get(&(table.schema.clone(), table.name.clone(), column.clone()))?.clone();
            Some(Text { table: at, column, type_name, read_now: false })
        })
        .collect();
    texts.chunk_by(|a, b| a.table == b.table).flat_map(|texts| read_again(&found.tables, texts)).collect()
}

/// Types by schema, table and column of the database.
fn offered(run: i64) -> HashMap<(String, String, String), String> {
    let of_source = |row: &spi::Row<'_>| (row.get::<String>("table"), row.get::<String>("column"));
    let offered = spi::rows(OFFERED, &[run.into()], |row| (of_source(row), row.get::<String>("type_name")));
    let named = spi::rows(NAMED, &[run.into()], |row| (of_source(row), row.get::<String>("name")));
    let loaded = spi::rows(LOADED, &[run.into()], |row| {
        (row.get::<String>("source"), (row.get::<String>("schema"), row.get::<String>("name")))
    });
    let (named, loaded): (HashMap<_, _>, HashMap<_, _>) =
        (named.into_iter().collect(), loaded.into_iter().collect());
    let target = |(source, type_name): ((String, String), String)| {
        let (schema, table) = loaded.get(&source.0)?.clone();
        Some(((schema, table, named.get(&source)?.clone()), type_name))
    };
    offered.into_iter().filter_map(target).collect()
}

/// Those of a table's columns whose values are still all such: all at once, or one by one if some are not.
fn read_again(tables: &[Table], texts: &[Text]) -> Vec<Text> {
    let Some(table) = texts.first().and_then(|text| tables.get(text.table)) else { return vec![] };
    if table.bytes > READ_AGAIN {
        return texts.to_vec();
    }
    match texts {
        texts if reads(table, texts) => {
            texts.iter().map(|text| Text { read_now: true, ..text.clone() }).collect()
        }
        [_] => vec![],
        texts => texts.chunks(1).flat_map(|text| read_again(tables, text)).collect(),
    }
}

/// Whether every value of the columns can be read as the other type.
fn reads(table: &Table, texts: &[Text]) -> bool {
    let read = |text: &Text| format!("count({}::{})", ident(&text.column), text.type_name);
    let read: Vec<String> = texts.iter().map(read).collect();
    let sql = format!("SELECT {} FROM {}", read.join(", "), qualified(&table.schema, &table.name));
    let read = xact::attempt(|| -> Result<(), Infallible> {
        // A policy would hide rows, which the statement meets.
        let _all = LocalSettings::of("row_security", "off");
        let _styles = LocalSettings::printing(Reads::Styles);
        spi::rows(&sql, &[], |_| ());
        Ok(())
    });
    read.is_ok()
}
