//! Reads what the log says of a run, and what has become of its tables since.

use std::collections::HashMap;

use pgrx::pg_sys;
use serde_json::Value;

use crate::error::Error;
use crate::pg::spi::{self, Row};
use crate::pg::{definition, relation, xact};
use pg_sqlite_migrate_core::export::original::{Held, Originals};
use pg_sqlite_migrate_core::export::plan::{Run, RunTable, Since};

/// A recorded run of the caller's, or any for whoever may read all.
pub fn run(run: Option<i64>) -> Result<Option<Run>, Error> {
    const RUN: &str =
        "SELECT plan::text AS plan, source::text AS source, status FROM sqlite_migrate.run WHERE id = $1";
    const TABLES: &str = "
        SELECT source_table, target_schema, target_table FROM sqlite_migrate.run_table
        WHERE run = $1 AND status = 'loaded' ORDER BY ordinal";
    let Some(id) = run else { return Ok(None) };
    let json = |row: &Row<'_>, column: &str| {
        serde_json::from_str::<Value>(&row.get::<String>(column)).unwrap_or_default()
    };
    let found = spi::row(RUN, &[id.into()], |row| {
        (json(row, "plan"), json(row, "source"), row.get::<String>("status"))
    });
    let (plan, source, status) = found.ok_or(Error::NoRun { run })?;
    if status == "rolled back" {
        return Err(Error::rolled_back(id));
    }
    let logged = Logged::of(id);
    let tables = spi::rows(TABLES, &[id.into()], |row| {
        let (schema, table): (String, String) = (row.get("target_schema"), row.get("target_table"));
        logged.table(row.get("source_table"), schema, table)
    });
    let originals = Originals::of(&source, |of| held(&logged, of));
    Ok(Some(Run { tables, plan, source, originals }))
}

/// The relations of a run by the oids that its log has, so that one which was renamed is found, and another that took its name
/// is told from it. None of a log from another database, where oids mean something else, or of an older version.
struct Logged(HashMap<(String, String), Option<Relation>>);

/// What a relation is now.
#[derive(Clone)]
struct Relation {
    oid: pg_sys::Oid,
    schema: String,
    name: String,
}

impl Logged {
    fn of(run: i64) -> Logged {
        // What the run made, and what was there before.
        const RELATIONS: &str = "
            WITH here (run) AS (SELECT id FROM sqlite_migrate.run WHERE id = $1 AND place = $2),
            logged (schema, name, oid, kind) AS (
                SELECT (parse_ident(o.identity))[1], (parse_ident(o.identity))[2], o.object, o.kind
                FROM sqlite_migrate.object o JOIN here USING (run)
                WHERE o.catalog = 'pg_class' AND o.kind IN ('table', 'foreign table', 'view', 'materialized view', 'index')
                UNION ALL
                SELECT t.target_schema, t.target_table, t.existing, NULL
                FROM sqlite_migrate.run_table t JOIN here USING (run) WHERE t.existing IS NOT NULL
            )
            SELECT l.schema, l.name, l.oid, n.nspname::text AS schema_now, c.relname::text AS name_now
            FROM logged l LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
                ON c.oid = l.oid AND (l.kind IS NULL OR l.kind = (pg_identify_object('pg_class'::regclass, c.oid, 0)).type)";
        let place = xact::place();
        let found = spi::rows(RELATIONS, &[run.into(), place.as_str().into()], |row| {
            let now: Option<(String, String)> =
                row.get::<Option<String>>("schema_now").zip(row.get::<Option<String>>("name_now"));
            let oid = row.get("oid");
            let relation = now.map(|(schema, name)| Relation { oid, schema, name });
            ((row.get("schema"), row.get("name")), relation)
        });
        Logged(found.into_iter().collect())
    }

    /// The table that was loaded, as it is called now.
    fn table(&self, source: String, schema: String, table: String) -> RunTable {
        let at = (schema, table);
        let (now, since) = match self.0.get(&at) {
            Some(Some(now)) if (&now.schema, &now.name) != (&at.0, &at.1) => {
                let former = format!("{}.{}", at.0, at.1);
                ((now.schema.clone(), now.name.clone()), Since::Renamed(former))
            }
            Some(None) if self.0.values().flatten().any(|now| (&now.schema, &now.name) == (&at.0, &at.1)) => {
                (at, Since::Replaced)
            }
            Some(None) => (at, Since::Another),
            Some(Some(_)) | None => (at, Since::Same),
        };
        RunTable { source, schema: now.0, table: now.1, since }
    }

    fn find(&self, schema: &str, name: &str) -> Option<pg_sys::Oid> {
        let logged = self.0.get(&(schema.to_owned(), name.to_owned())).cloned().flatten();
        logged.map(|relation| relation.oid).or_else(|| relation::find(schema, name))
    }
}

/// What PostgreSQL has of an object that the run has made.
fn held(logged: &Logged, held: Held<'_>) -> Option<String> {
    match held {
        Held::Table { schema, name } => definition::of_table(logged.find(schema, name)?),
        Held::Index { schema, name } => definition::of_index(logged.find(schema, name)?),
        Held::View { schema, name } => definition::of_view(logged.find(schema, name)?),
        Held::Trigger { schema, table, name } => definition::of_trigger(logged.find(schema, table)?, name),
    }
}
