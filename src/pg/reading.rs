//! Reads users' tables for the import's own queries, which must not run other roles' code with the caller's rights.
//!
//! Such code is a policy, a view, the wrapper of a foreign table, and the expressions of indexes, statistics and
//! constraints that the planner evaluates. So `row_security` is off: if a policy would apply, the query fails. A table
//! of a trusted owner is read by a query; any other table is read from its heap.

use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use pgrx::pg_sys;

use super::settings::LocalSettings;
use super::{heapscan, relation, rights, spi, xact};
use pg_sqlite_migrate_core::sqltext::ident;

/// How a table may be read.
enum Way {
    /// By a query, with this FROM clause.
    Query(String),
    /// From the heaps of the table, or of its partitions.
    Heap(Vec<pg_sys::Oid>),
}

/// $1 is the relation, $2 the heap access method. Tables that inherit from it are separate tables, partitions are not.
/// If an extension has a trigger on it, the rows may be elsewhere. OFFSET keeps the planner from reading all of `pg_class`
/// and of `pg_trigger`, which it does for as many members as it expects.
static FACTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT CASE WHEN c.relkind NOT IN ('r', 'p') THEN 'it is not a table'
                WHEN pg_is_other_temp_schema(c.relnamespace) THEN 'it belongs to another session'
                WHEN NOT (has_schema_privilege(c.relnamespace, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'))
                    THEN 'permission denied'
                WHEN row_security_active(c.oid) THEN 'row-level security applies to the caller'
                WHEN tree.alien IS NOT NULL THEN 'partition ' || tree.alien || ' is a foreign table'
                WHEN NOT tree.trusted AND NOT tree.plain THEN 'an extension or another access method holds its rows'
           END AS refused,
           CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || format('%I.%I', n.nspname, c.relname) AS name,
           tree.trusted, tree.heaps
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT min(p.oid::regclass::text) FILTER (WHERE p.relkind = 'f') AS alien,
               bool_and({harmless}) AS trusted,
               array_agg(p.oid) FILTER (WHERE p.relkind = 'r') AS heaps,
               bool_and(p.relkind = 'p' OR p.relam = $2 AND NOT EXISTS (
                   SELECT FROM pg_trigger g JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = g.tgfoid
                   WHERE g.tgrelid = p.oid AND d.deptype = 'e' OFFSET 0)) AS plain
        FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)
              UNION SELECT relid FROM pg_partition_ancestors(c.oid) AS above (relid)) AS member
        CROSS JOIN LATERAL (SELECT * FROM pg_class WHERE oid = member.relid OFFSET 0) AS p) AS tree
    WHERE c.oid = $1",
        harmless = rights::harmless("p.relowner"),
    )
});

/// How the caller can read the relation, or why it cannot. The relation is locked, so that what is read is what was
/// checked.
fn way(table: pg_sys::Oid) -> Result<Way, String> {
    facts(table)?;
    relation::hold(table);
    facts(table)
}

fn facts(relation: pg_sys::Oid) -> Result<Way, String> {
    let parameters = [relation, pg_sys::HEAP_TABLE_AM_OID].map(Into::into);
    let found = spi::row(FACTS.as_str(), &parameters, |row| match row.get("refused") {
        Some(reason) => Err(reason),
        None if row.get("trusted") => Ok(Way::Query(row.get("name"))),
        None => Ok(Way::Heap(row.get::<Option<_>>("heaps").unwrap_or_default())),
    });
    found.unwrap_or_else(|| Err(GONE.into()))
}

/// Whether a query on the table runs no code of untrusted roles.
pub fn by_query(relation: pg_sys::Oid) -> bool {
    matches!(way(relation), Ok(Way::Query(_)))
}

/// What a query on the table names in FROM, or why the caller cannot have one.
pub fn from(relation: pg_sys::Oid) -> Result<String, String> {
    match way(relation)? {
        Way::Query(from) => Ok(from),
        Way::Heap(_) => Err("a query on it could run code of another role's".into()),
    }
}

/// As whom a query on the table, its partitions and what they are partitions of runs no code of untrusted roles with the
/// caller's rights: the one that all of them belong to, `None` for the caller. An error where they belong to several.
pub fn outsider(relation: pg_sys::Oid) -> Result<Option<pg_sys::Oid>, &'static str> {
    static OWNERS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT DISTINCT p.relowner, {harmless} AS trusted
             FROM (SELECT $1::oid AS relid UNION SELECT relid FROM pg_partition_tree($1)
                   UNION SELECT relid FROM pg_partition_ancestors($1) AS above (relid)) AS member
             JOIN pg_class p ON p.oid = member.relid",
            harmless = rights::harmless("p.relowner"),
        )
    });
    let owner = |row: &spi::Row<'_>| (row.get::<pg_sys::Oid>("relowner"), row.get::<bool>("trusted"));
    let owners = spi::rows(OWNERS.as_str(), &[relation.into()], owner);
    match owners.as_slice() {
        owners if owners.iter().all(|(_, trusted)| *trusted) => Ok(None),
        [(owner, _)] => Ok(Some(*owner)),
        _ => Err("its partitions belong to several roles, whose code would run with each other's rights"),
    }
}

/// The settings under which such a query is made.
pub fn guarded() -> LocalSettings {
    let settings = guarded_with_views();
    // Another relation may have the name since.
    settings.refuse_views();
    settings
}

/// The same of a query on a view.
pub fn guarded_with_views() -> LocalSettings {
    let settings = LocalSettings::safe_search_path();
    settings.set("row_security", "off");
    settings
}

/// What of a view the caller cannot read, $1. A view's functions run with the rights of who reads it, so its owner, theirs, and
/// those of the views that it reads, must be trusted; those of a materialized view have run already.
static FACTS_OF_VIEW: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH RECURSIVE read (relid) AS (
             SELECT $1::oid
             UNION SELECT d.refobjid FROM read JOIN pg_rewrite w ON w.ev_class = read.relid
             JOIN pg_class r ON r.oid = w.ev_class AND r.relkind = 'v'
             JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
             WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class)
         SELECT CASE WHEN c.relkind NOT IN ('v', 'm') THEN 'it is no view'
                     WHEN NOT (has_schema_privilege(c.relnamespace, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'))
                         THEN 'permission denied'
                     WHEN NOT tree.trusted OR EXISTS (
                         SELECT FROM read JOIN pg_class r ON r.oid = read.relid AND r.relkind = 'v'
                         JOIN pg_rewrite w ON w.ev_class = r.oid
                         JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                         JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
                         WHERE NOT {harmless_function})
                         THEN 'it, or what it reads, belongs to another role'
                     WHEN tree.guarded THEN 'row-level security applies to what it reads'
                     WHEN tree.alien IS NOT NULL THEN 'it reads foreign table ' || tree.alien
                END AS refused,
                format('%I.%I', n.nspname, c.relname) AS name
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL (
             SELECT min(p.oid::regclass::text) FILTER (WHERE p.relkind = 'f') AS alien,
                    bool_and({harmless}) AS trusted, bool_or(p.relrowsecurity) AS guarded
             FROM read JOIN pg_class p ON p.oid = read.relid) AS tree
         WHERE c.oid = $1",
        harmless = rights::harmless("p.relowner"),
        harmless_function = rights::harmless("f.proowner"),
    )
});

/// What a query on the view names in FROM, or why the caller cannot have one. The view is locked.
pub fn from_view(view: pg_sys::Oid) -> Result<String, String> {
    relation::hold(view);
    let found = spi::row(FACTS_OF_VIEW.as_str(), &[view.into()], |row| match row.get("refused") {
        Some(reason) => Err(reason),
        None => Ok(row.get("name")),
    });
    found.unwrap_or_else(|| Err(GONE.into()))
}

const GONE: &str = "it does not exist any more";

/// The number of rows that the caller sees, or why they cannot be counted.
pub fn count(relation: pg_sys::Oid) -> Result<i64, String> {
    match way(relation)? {
        Way::Query(from) => {
            let rows = attempt(|| spi::value(&format!("SELECT count(*) FROM {from}"), &[]))?;
            rows.ok_or_else(|| GONE.into())
        }
        Way::Heap(heaps) => attempt(|| heaps.into_iter().map(|heap| heapscan::count(heap) as i64).sum()),
    }
}

/// The largest (or smallest) integer next to a column's values within `range`, or why it cannot be determined. The
/// column's type is one of integers, numeric, or a domain over them.
pub fn furthest(
    relation: pg_sys::Oid,
    column: &str,
    up: bool,
    range: &RangeInclusive<i64>,
) -> Result<Option<i64>, String> {
    let (least, greatest) = (*range.start(), *range.end());
    match way(relation)? {
        Way::Query(from) => {
            let (whole, extreme) = if up { ("ceil", "max") } else { ("floor", "min") };
            let column = ident(column);
            let sql = format!(
                "SELECT {whole}({extreme}({column}::numeric)
                                FILTER (WHERE {column}::numeric BETWEEN {least} AND {greatest}))::bigint
                 FROM {from}"
            );
            attempt(|| spi::value::<Option<i64>>(&sql, &[]).flatten())
        }
        Way::Heap(heaps) => attempt(|| {
            let mut found = None;
            for heap in heaps {
                heapscan::each_number(heap, column, |floor, ceil| {
                    if floor >= least.into() && ceil <= greatest.into() {
                        let value = if up { ceil } else { floor };
                        let further = |so_far: i128| if up { value.max(so_far) } else { value.min(so_far) };
                        found = Some(found.map_or(value, further));
                    }
                });
            }
            found.and_then(|value| i64::try_from(value).ok())
        }),
    }
}

/// An error about one table does not end a call that reads several.
fn attempt<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    let read = || -> Result<T, Infallible> {
        let _settings = guarded();
        Ok(read())
    };
    match xact::attempt(read) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(never)) => match never {},
        Err(caught) => Err(caught.message),
    }
}
