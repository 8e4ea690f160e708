//! The run log in schema `sqlite_migrate`.
//!
//! Its tables belong to the extension, and nobody else may write there. What is written here is written with their
//! owner's rights, by statements that only store what they are given; users read through views, with their own.

mod way_back;

use std::fmt::Write;

use pgrx::pg_sys;
use pgrx::prelude::TimestampWithTimeZone;
use serde_json::{Map, Value, json};

pub use self::way_back::{former, made, moved, roll_back};
use super::steps::{StepRecord, Steps};
use super::virtual_tables;
use crate::error::Error;
use crate::pg::encoding::{json_for_server, text_for_server};
use crate::pg::memory;
use crate::pg::rights::{self, Acting};
use crate::pg::settings::LocalSettings;
use crate::pg::spi::{self, Parameter, Row};
use crate::pg::xact;
use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::catalog::{Catalog, Column, Encoding, Table, TableId};
use pg_sqlite_migrate_core::export::spelling::Spelling;
use pg_sqlite_migrate_core::finding::Finding;
use pg_sqlite_migrate_core::plan::{LoadSpec, OrphanSpec, Phase};
use pg_sqlite_migrate_core::sqltext::qualified;
use pg_sqlite_migrate_core::types::{ColumnProfile, TableProfile};
use pg_sqlite_migrate_core::value::batch::RejectedRow;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};

/// Runs one statement with the rights of the log's owner; gives the number that it returns, if it does.
fn write(sql: &'static str, parameters: &[Parameter<'_>]) -> Option<i64> {
    write_and(sql, parameters, |row| row.only())
}

fn write_and<T>(
    sql: &'static str,
    parameters: &[Parameter<'_>],
    read: impl FnMut(&Row<'_>) -> T,
) -> Option<T> {
    let _path = LocalSettings::safe_search_path();
    let _owner = Acting::as_owner_of("sqlite_migrate", "log_run");
    spi::row(sql, parameters, read)
}

/// Opens a run of the current role's, which began with its first step; gives its number.
pub fn start(
    file: &Source,
    plan: &Value,
    (catalog, profiles): (&Catalog, &[Option<TableProfile>]),
    backup: Option<Value>,
    steps: &Steps<'_>,
) -> i64 {
    let path = file.path().display().to_string();
    let mut source = source(catalog, file);
    source["check"] =
        json!({ "integrity": plan["integrity"], "seconds": steps.of(Phase::Integrity).as_secs_f64() });
    source["declared"] = declared(catalog, profiles);
    source["virtual_tables"] = virtual_tables::account(catalog);
    let views = catalog.views.iter().map(|view| json!({ "name": view.name, "sql": words(&view.sql) }));
    source["views"] = views.collect();
    let triggers =
        (catalog.triggers.iter()).map(|t| json!({ "name": t.name, "table": t.table, "sql": words(&t.sql) }));
    source["triggers"] = triggers.collect();
    if let Some(backup) = backup {
        source["backup"] = backup;
    }
    let started = write(
        "INSERT INTO sqlite_migrate.log_run (role, role_oid, path, plan, source, extension_version, started_at)
         SELECT rolname, oid, $2, $3::jsonb, $4::jsonb, $5, clock_timestamp() - make_interval(secs => $6)
         FROM pg_roles WHERE oid = $1 RETURNING id",
        &[
            rights::current_role_oid().into(),
            (&*text_for_server(&path)).into(),
            (&*json_for_server(&plan.to_string())).into(),
            (&*json_for_server(&source.to_string())).into(),
            env!("CARGO_PKG_VERSION").into(),
            steps.elapsed().as_secs_f64().into(),
        ],
    );
    started.unwrap_or_else(|| pgrx::error!("the current role is gone"))
}

/// What a file says of itself, by which it is seen that it has changed.
pub fn source(catalog: &Catalog, source: &Source) -> Value {
    let stamp = sqlite::stamp(source);
    json!({
        "page_size": catalog.page_size,
        "page_count": catalog.page_count,
        "encoding": encoding(catalog.encoding),
        "user_version": catalog.user_version,
        "application_id": catalog.application_id,
        "change_counter": stamp.change_counter,
        "wal_bytes": stamp.wal_bytes,
    })
}

/// How the file declares its tables and columns, and spells their values, so that they can be made again.
fn declared(catalog: &Catalog, profiles: &[Option<TableProfile>]) -> Value {
    let of_table = |(at, table): (usize, &Table)| {
        let profile = profiles.get(at).and_then(Option::as_ref);
        let of_column = |(at, column): (usize, &Column)| {
            let profile = profile.and_then(|profile| profile.columns.get(at));
            let (stored, spelling) = profile.map(stored).unwrap_or_default();
            let keys = json!({ "type": column.declared, "stored": stored, "spelling": spelling });
            (column.name.clone(), keys)
        };
        let columns: Map<_, _> = table.columns.iter().enumerate().map(of_column).collect();
        let keys = json!({
            "columns": columns,
            "strict": table.strict,
            "without_rowid": table.without_rowid,
            "autoincrement": table.autoincrement,
            "sql": words(&table.sql),
            "indexes": indexes(table),
        });
        (table.name.clone(), keys)
    };
    Value::Object(catalog.tables.iter().enumerate().map(of_table).collect())
}

/// In the order of the file.
fn indexes(table: &Table) -> Value {
    let created = table.indexes.iter().filter_map(|index| Some((&index.name, index.sql.as_deref()?)));
    created.map(|(name, sql)| json!({ "name": name, "sql": words(sql) })).collect()
}

/// The statement of an object, which jsonb must be able to hold.
fn words(sql: &str) -> Option<&str> {
    (!sql.is_empty() && !sql.contains('\0')).then_some(sql)
}

/// The storage class of a column's values, where there is one, and the spelling of its texts.
fn stored(profile: &ColumnProfile) -> (Option<&'static str>, Option<String>) {
    let counts = [profile.integers, profile.reals, profile.texts, profile.blobs];
    match counts.map(|count| count > 0) {
        [true, false, false, false] => (Some("integer"), None),
        [false, true, false, false] => (Some("real"), None),
        [false, false, false, true] => (Some("blob"), None),
        [false, false, true, false] => {
            let edges = profile.min_text().zip(profile.max_text());
            let spelling = edges.and_then(|(least, greatest)| Spelling::of_edges(&least, &greatest));
            // Others are longer or shorter than these two: their fraction is left out.
            let optional = |example: String| match profile.text.spellings_differ {
                true => Spelling::with_optional_fraction(&example),
                false => example,
            };
            (Some("text"), spelling.map(optional))
        }
        _ => (None, None),
    }
}

/// Removes a finished run that the current role made, or any for a superuser, with all that hangs on it.
pub fn forget(run: i64) -> Result<(), Error> {
    xact::refuse_read_only(c"sqlite_forget()");
    let _path = LocalSettings::safe_search_path();
    if !removable("id = $1", &[run.into()]).contains(&run) {
        return Err(Error::NoRun { run: Some(run) });
    }
    write("DELETE FROM sqlite_migrate.log_run WHERE id = $1", &[run.into()]);
    Ok(())
}

/// What was removed from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    pub runs: i64,
    pub tables: i64,
    pub steps: i64,
    pub rejects: i64,
    pub findings: i64,
    pub verifications: i64,
}

/// Removes what `forget` could of the runs that had finished before, all at once.
pub fn purge(before: TimestampWithTimeZone) -> Option<Purged> {
    xact::refuse_read_only(c"sqlite_migrate.purge()");
    let _path = LocalSettings::safe_search_path();
    let runs = removable("finished_at < $1", &[before.into()]);
    // Everything that belongs to them is removed by name, to be counted.
    let purge = "WITH run AS (DELETE FROM sqlite_migrate.log_run WHERE id = ANY ($1) RETURNING 1),
                      tables AS (DELETE FROM sqlite_migrate.log_run_table WHERE run = ANY ($1) RETURNING 1),
                      steps AS (DELETE FROM sqlite_migrate.log_run_step WHERE run = ANY ($1) RETURNING 1),
                      rejects AS (DELETE FROM sqlite_migrate.log_reject WHERE run = ANY ($1) RETURNING 1),
                      findings AS (DELETE FROM sqlite_migrate.log_finding WHERE run = ANY ($1) RETURNING 1),
                      verifications AS (DELETE FROM sqlite_migrate.log_verification WHERE run = ANY ($1) RETURNING 1)
                 SELECT (SELECT count(*) FROM run) AS runs, (SELECT count(*) FROM tables) AS tables,
                        (SELECT count(*) FROM steps) AS steps, (SELECT count(*) FROM rejects) AS rejects,
                        (SELECT count(*) FROM findings) AS findings,
                        (SELECT count(*) FROM verifications) AS verifications";
    write_and(purge, &[runs.as_slice().into()], |row| Purged {
        runs: row.get("runs"),
        tables: row.get("tables"),
        steps: row.get("steps"),
        rejects: row.get("rejects"),
        findings: row.get("findings"),
        verifications: row.get("verifications"),
    })
}

/// The finished runs of a condition that the current role made; all of them for a superuser.
fn removable(condition: &str, parameters: &[Parameter<'_>]) -> Vec<i64> {
    let sql = format!(
        "SELECT id FROM sqlite_migrate.run WHERE {condition} AND status <> 'running'
             AND (own OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))"
    );
    spi::values(&sql, parameters)
}

/// What a verification asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    Counts,
    Values,
    Constraints,
    Sequences,
}

impl Verification {
    pub fn as_str(self) -> &'static str {
        match self {
            Verification::Counts => "counts",
            Verification::Values => "values",
            Verification::Constraints => "constraints",
            Verification::Sequences => "sequences",
        }
    }
}

/// What it found of one object.
#[derive(Debug, Clone)]
pub struct VerificationRecord<'a> {
    pub schema: &'a str,
    pub table: &'a str,
    /// Column, constraint or sequence; `None` for the table itself.
    pub object: Option<&'a str>,
    pub ok: bool,
    pub verdict: &'a str,
    pub detail: Option<&'a str>,
    /// An object of numbers, by the names of the function's columns.
    pub counts: Value,
}

/// Keeps what was found of a run's tables, instead of what was found of these before: for the role that made the run and
/// for superusers, where the transaction may write.
pub fn verification(run: i64, kind: Verification, found: &[VerificationRecord<'_>]) {
    const LOG: &str = "
        WITH found AS MATERIALIZED (
            SELECT * FROM jsonb_to_recordset($3::jsonb)
                AS f(\"schema\" text, \"table\" text, object text, ok boolean, verdict text, detail text, counts jsonb)
        ), older AS (
            DELETE FROM sqlite_migrate.log_verification
            WHERE run = $1 AND kind = $2 AND (target_schema, target_table) IN (SELECT \"schema\", \"table\" FROM found)
        )
        INSERT INTO sqlite_migrate.log_verification
            (run, kind, target_schema, target_table, object, ok, verdict, detail, counts)
        SELECT $1, $2, \"schema\", \"table\", object, ok, verdict, detail, counts FROM found";
    if !takes_verification(run) {
        return;
    }
    let rows: Vec<Value> = (found.iter())
        .map(|f| {
            json!({ "schema": clean(f.schema), "table": clean(f.table), "object": f.object.map(clean), "ok": f.ok,
                    "verdict": f.verdict, "detail": f.detail.map(clean), "counts": f.counts })
        })
        .collect();
    let rows = json_for_server(&Value::from(rows).to_string()).into_owned();
    write(LOG, &[run.into(), kind.as_str().into(), (&*rows).into()]);
}

/// The run is the current role's, or it is a superuser, and the transaction may write.
fn takes_verification(run: i64) -> bool {
    !xact::is_read_only()
        && spi::any(
            "SELECT FROM sqlite_migrate.run
             WHERE id = $1 AND (own OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))",
            &[run.into()],
        )
}

/// Keeps the keys of a table's rows that are not as they should be, instead of those before, and the number of others.
pub fn differences(run: i64, (schema, table): (&str, &str), keys: &[String], others: i64) {
    const LOG: &str = "
        WITH older AS (
            DELETE FROM sqlite_migrate.log_difference WHERE run = $1 AND target_schema = $2 AND target_table = $3
        )
        INSERT INTO sqlite_migrate.log_difference (run, target_schema, target_table, key, rows)
        SELECT $1, $2, $3, key, 1 FROM unnest($4) AS key UNION ALL SELECT $1, $2, $3, NULL, $5 WHERE $5 > 0";
    if takes_verification(run) {
        let (schema, table) = (text_for_server(schema), text_for_server(table));
        write(LOG, &[run.into(), (&*schema).into(), (&*table).into(), keys.into(), others.into()]);
    }
}

fn encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le => "UTF-16le",
        Encoding::Utf16Be => "UTF-16be",
    }
}

/// Closes a run. `made` is what PostgreSQL holds of it.
pub fn finish(run: i64, findings: &[Finding], made: &Value) {
    let rows: Vec<Value> = (findings.iter().enumerate())
        .map(|(i, f)| {
            json!({ "ordinal": i + 1, "severity": f.severity.as_str(), "object": clean(&f.object),
                    "message": clean(&f.message), "hint": clean(&f.hint), "fix": f.patch(), "kind": f.kind.as_str() })
        })
        .collect();
    write(
        "INSERT INTO sqlite_migrate.log_finding (run, ordinal, severity, object, message, hint, fix, kind)
         SELECT $1, f.ordinal, f.severity, f.object, f.message, f.hint, f.fix, f.kind
         FROM jsonb_to_recordset($2::jsonb)
              AS f(ordinal integer, severity text, object text, message text, hint text, fix jsonb, kind text)",
        &[run.into(), (&*json_for_server(&Value::from(rows).to_string())).into()],
    );
    write(
        "UPDATE sqlite_migrate.log_run SET status = 'done', finished_at = clock_timestamp(),
                source = source || jsonb_build_object('made', $2::jsonb) WHERE id = $1",
        &[run.into(), (&*json_for_server(&made.to_string())).into()],
    );
}

/// jsonb has no NUL.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// One table's line in the log.
#[derive(Debug, Clone)]
pub struct TableRecord<'a> {
    pub ordinal: i32,
    pub source: &'a str,
    pub schema: &'a str,
    pub target: &'a str,
    pub rows_before: i64,
    pub source_rows: Option<i64>,
    pub imported: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// A count of the target tells what was imported.
    pub countable: bool,
    pub seconds: f64,
    pub load_seconds: f64,
    pub status: &'a str,
    pub detail: Option<&'a str>,
    /// Values that became others than in the file.
    pub became: Value,
    /// The table that was there before.
    pub existing: Option<pg_sys::Oid>,
    /// Why the load cannot be taken back.
    pub irreversible: Option<&'a str>,
}

pub fn table(run: i64, record: &TableRecord<'_>) {
    write(
        "INSERT INTO sqlite_migrate.log_run_table
             (run, ordinal, source_table, target_schema, target_table, rows_before, source_rows, imported,
              updated, skipped, rejected, countable, seconds, load_seconds, status, detail, became, existing, irreversible)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::jsonb, $18::oid, $19)",
        &[
            run.into(),
            record.ordinal.into(),
            (&*text_for_server(record.source)).into(),
            (&*text_for_server(record.schema)).into(),
            (&*text_for_server(record.target)).into(),
            record.rows_before.into(),
            record.source_rows.into(),
            record.imported.into(),
            record.updated.into(),
            record.skipped.into(),
            record.rejected.into(),
            record.countable.into(),
            record.seconds.into(),
            record.load_seconds.into(),
            record.status.into(),
            record.detail.map(text_for_server).as_deref().into(),
            (&*json_for_server(&record.became.to_string())).into(),
            record.existing.map(|oid| i64::from(oid.to_u32())).into(),
            record.irreversible.into(),
        ],
    );
}

/// `source` names a table in the file.
pub fn steps<'s>(run: i64, steps: &[StepRecord<'_>], source: impl Fn(TableId) -> Option<&'s str>) {
    const LOG_STEPS: &str = "
        INSERT INTO sqlite_migrate.log_run_step
            (run, ordinal, phase, source_table, title, statement, started_at, seconds, rows, error)
        SELECT r.id, s.ordinal, s.phase, s.source_table, s.title, s.statement,
               r.started_at + make_interval(secs => s.started), s.seconds, s.rows, s.error
        FROM sqlite_migrate.log_run r,
             jsonb_to_recordset($2::jsonb)
                 AS s(ordinal integer, phase text, source_table text, title text, statement text,
                      started double precision, seconds double precision, rows bigint, error text)
        WHERE r.id = $1";
    let numbered: Vec<(usize, &StepRecord<'_>)> = (1..).zip(steps).collect();
    let append = |out: &mut Buffer, (ordinal, step): &(usize, &StepRecord<'_>)| {
        let names = json!({
            "ordinal": ordinal, "phase": step.phase.as_str(), "title": clean(&step.title),
            "source_table": step.table.and_then(&source).map(clean), "started": step.started.as_secs_f64(),
            "seconds": step.took.unwrap_or_default().as_secs_f64(), "rows": step.rows,
            "error": step.error.as_deref().map(clean),
        });
        member(out, &names, "statement", |out| {
            serde_json::to_writer(out, &step.statement).map_err(|_| OutOfMemory)
        })
    };
    in_arrays("the run log's account of steps", &numbered, append, |rows| {
        write(LOG_STEPS, &[run.into(), rows.into()]);
    });
}

/// Where a run's rejected rows go.
#[derive(Debug, Clone, Copy)]
pub struct Rejects {
    pub run: i64,
}

/// `$3` is an array of objects, one for each row.
const LOG_REJECTS: &str = "
    INSERT INTO sqlite_migrate.log_reject (run, source_table, rowid, row_key, source_column, \"values\", error)
    SELECT $1, $2, r.rowid, CASE WHEN r.rowid IS NULL THEN r.row_key END, r.source_column, r.\"values\", r.error
    FROM jsonb_to_recordset($3::jsonb)
        AS r(rowid bigint, row_key text, source_column text, \"values\" jsonb, error text)";

/// Bytes of rows that one statement takes: jsonb ends at 256 MB.
const LOGGED_AT_ONCE: usize = 32 << 20;

impl Rejects {
    /// Rows that could not be converted.
    pub fn write(&self, spec: &LoadSpec, rows: &[RejectedRow]) {
        self.put(&spec.source, rows, |out, row| {
            let names = json!({ "rowid": row.row.rowid(), "row_key": clean(&row.row.to_string()),
                                "source_column": clean(&row.column), "error": clean(&row.error) });
            let values = if row.values.is_empty() { "null" } else { row.values.as_str() };
            member(out, &names, "values", |out| out.extend(values.as_bytes()))
        });
    }

    /// Rows that were loaded and have no parent: each the JSON text of an object with its columns. It is not parsed
    /// here, where a number could lose digits.
    pub fn write_orphans(&self, spec: &OrphanSpec, rows: &[String]) {
        let error = clean(&format!("no parent in {}", qualified(&spec.parent_schema, &spec.parent)));
        let names = json!({ "source_column": clean(&spec.columns.join(", ")), "error": error });
        let values = |out: &mut Buffer, values: &String| {
            member(out, &names, "values", |out| out.extend(values.as_bytes()))
        };
        self.put(&spec.source, rows, values);
    }

    /// `append` writes a row as the JSON text of an object.
    fn put<R>(&self, source: &str, rows: &[R], append: impl Fn(&mut Buffer, &R) -> Result<(), OutOfMemory>) {
        let source = clean(source);
        in_arrays("the run log's account of rejected rows", rows, append, |rows| {
            write(LOG_REJECTS, &[self.run.into(), (&*text_for_server(&source)).into(), rows.into()]);
        });
    }
}

/// Hands rows over in arrays that one statement can take. `append` writes a row as the JSON text of an object.
fn in_arrays<R>(
    what: &str,
    rows: &[R],
    append: impl Fn(&mut Buffer, &R) -> Result<(), OutOfMemory>,
    write: impl Fn(&str),
) {
    let no_memory = |OutOfMemory| memory::exhausted(what);
    let mut out = Buffer::new();
    for (at, row) in rows.iter().enumerate() {
        out.extend(if out.is_empty() { b"[" } else { b"," }).unwrap_or_else(no_memory);
        append(&mut out, row).unwrap_or_else(no_memory);
        if out.len() > LOGGED_AT_ONCE || at + 1 == rows.len() {
            out.extend(b"]").unwrap_or_else(no_memory);
            write(&json_for_server(out.as_str()));
            out.clear(LOGGED_AT_ONCE);
        }
    }
}

/// An object of `names`, which are members of one already, and of one more, whose JSON text `value` writes.
fn member(
    out: &mut Buffer,
    names: &Value,
    name: &str,
    value: impl FnOnce(&mut Buffer) -> Result<(), OutOfMemory>,
) -> Result<(), OutOfMemory> {
    let names = names.to_string();
    write!(out, "{},\"{name}\":", names.strip_suffix('}').unwrap_or_default())?;
    value(out)?;
    out.extend(b"}")
}
