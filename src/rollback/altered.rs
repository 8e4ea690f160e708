//! Whether what a run made is still as the run made it: what others added to it, or replaced, would go with it unseen, because
//! PostgreSQL drops an index, a trigger or a column along with its table.
//!
//! The rows of PostgreSQL's catalogs tell it by their xmin, as those of tables do. Comments and rights are not looked at.

use pgrx::pg_sys;

use super::Run;
use crate::pg::spi;
use pg_sqlite_migrate_core::translate::helper::SCHEMA;

/// What was added to a relation or replaced in it since, a line for each. Of another database's log nothing is known.
pub(super) fn of_relation(run: &Run, relation: pg_sys::Oid, shown: &str) -> Vec<String> {
    if !run.here {
        return vec![];
    }
    // The table of long values is made anew with its table's storage.
    let sql = format!(
        "SELECT DISTINCT i.type || ' ' || i.identity
         FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.deptype IN ('a', 'i', 'P', 'S')
           AND NOT ({}) AND i.identity IS NOT NULL AND i.type <> 'toast table' ORDER BY 1",
        run.wrote("d")
    );
    let added: Vec<String> = spi::values(&sql, &[relation.into()]);
    let mut lines: Vec<String> =
        added.iter().map(|object| format!("{shown}: {object} was added or replaced since")).collect();
    let sql = format!(
        "SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE a.attrelid = $1 AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND NOT ({})",
        run.wrote("a")
    );
    if let Some(columns) = spi::value::<Option<String>>(&sql, &[relation.into()]).flatten() {
        lines.push(format!("{shown}: columns were added or altered since: {columns}"));
    }
    let sql = format!(
        "SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = $1 AND NOT ({}) ORDER BY 1",
        run.wrote("h")
    );
    let parents: Vec<String> = spi::values(&sql, &[relation.into()]);
    lines.extend(parents.iter().map(|parent| format!("{shown}: it became a part of {parent} since")));
    lines
}

/// The function is another than the run made, but under the same name. Helpers are every run's, which makes them anew.
pub(super) fn is_function(run: &Run, function: pg_sys::Oid) -> bool {
    let sql = format!(
        "SELECT FROM pg_proc p WHERE p.oid = $1 AND p.pronamespace::regnamespace::text <> '{SCHEMA}' AND NOT ({})",
        run.wrote("p")
    );
    run.here && spi::any(&sql, &[function.into()])
}
