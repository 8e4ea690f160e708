//! Whether a relation is still what it was: a digest of what the catalogs say of it. Two definitions of one digest are the
//! same; the other way round another release of PostgreSQL may print the same definition otherwise.

use pgrx::pg_sys;

use super::settings::{LocalSettings, Reads};
use super::spi;
use pg_sqlite_migrate_core::export::original::digest;

/// The columns and constraints of a table: not what they are called, and not whether rows were proven to obey.
pub fn of_table(table: pg_sys::Oid) -> Option<String> {
    const TABLE: &str = "
        SELECT concat_ws(E'\\n', c.relkind,
            (SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                                         a.attcollation::regcollation, a.attnotnull, a.attidentity, a.attgenerated,
                                         pg_get_expr(d.adbin, d.adrelid),
                                         (SELECT string_agg(quote_literal(l.enumlabel), ',' ORDER BY l.enumsortorder)
                                          FROM pg_enum l WHERE l.enumtypid = a.atttypid)),
                               E'\\n' ORDER BY a.attnum)
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
            (SELECT string_agg(k.definition, E'\\n' ORDER BY k.definition COLLATE \"C\")
             FROM (SELECT regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', '') AS definition
                   FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('c', 'f', 'p', 'u', 'x')) AS k))
        FROM pg_class c WHERE c.oid = $1 AND c.relkind IN ('r', 'p')";
    printed(TABLE, table)
}

pub fn of_index(index: pg_sys::Oid) -> Option<String> {
    printed("SELECT pg_get_indexdef(oid) FROM pg_class WHERE oid = $1 AND relkind IN ('i', 'I')", index)
}

/// Of a view: of whatever else has its rows by now, that it is no view.
pub fn of_view(view: pg_sys::Oid) -> Option<String> {
    printed(
        "SELECT concat_ws(E'\\n', relkind, CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END)
         FROM pg_class WHERE oid = $1",
        view,
    )
}

/// A trigger of a table or view, and its function.
pub fn of_trigger(relation: pg_sys::Oid, name: &str) -> Option<String> {
    const TRIGGER: &str = "
        SELECT concat_ws(E'\\n', g.tgenabled, pg_get_triggerdef(g.oid), p.prosrc, l.lanname, p.proconfig::text)
        FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_language l ON l.oid = p.prolang
        WHERE g.tgrelid = $1 AND g.tgname = $2 AND NOT g.tgisinternal";
    let _plain = LocalSettings::printing(Reads::Styles);
    let text: String = spi::value::<Option<String>>(TRIGGER, &[relation.into(), name.into()])??;
    Some(digest(&text))
}

/// The names of the indexes and of the triggers of a table.
pub fn parts(table: pg_sys::Oid) -> (Vec<String>, Vec<String>) {
    const INDEXES: &str = "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = $1 ORDER BY c.relname";
    const TRIGGERS: &str =
        "SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY tgname";
    (spi::values(INDEXES, &[table.into()]), spi::values(TRIGGERS, &[table.into()]))
}

/// Constants in expressions are printed by their types' output functions.
fn printed(sql: &'static str, relation: pg_sys::Oid) -> Option<String> {
    let _plain = LocalSettings::printing(Reads::Styles);
    let text: String = spi::value::<Option<String>>(sql, &[relation.into()])??;
    Some(digest(&text))
}
