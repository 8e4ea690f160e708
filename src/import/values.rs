//! `verify_values`, and `"verify": "values"` of an import: which tables are compared with the file, and what accounts for the
//! rows that are not in them.

use serde_json::Value;

use super::result::{Status, TableResult};
use super::survey::{self, Survey};
use crate::error::Error;
use crate::pg::spi;
use crate::sqlite;
use crate::verify::values::{self, Absent, Question, Tally, Verified};
use pg_sqlite_migrate_core::finding::Severity;
use pg_sqlite_migrate_core::plan::{Action, LoadSpec, Orphans, PlanError, Planned};
use pg_sqlite_migrate_core::sqltext::qualified;

/// What is to be verified.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// A recorded run; the caller's last one where no path is given either.
    pub run: Option<i64>,
    pub path: Option<&'a str>,
    pub plan: Option<Value>,
    /// Names of tables, of the file or of the database; all where there are none.
    pub tables: Option<Vec<Option<String>>>,
    /// Differences that are listed of each table.
    pub limit: usize,
}

/// A run as the log has it.
struct Recorded {
    run: i64,
    /// Table and column of the file, for every column that the run has loaded.
    columns: Vec<(String, String)>,
    tables: Vec<Logged>,
}

/// What the run log says of a table.
struct Logged {
    source: String,
    schema: String,
    target: String,
    loaded: bool,
    rows_before: i64,
    updated: i64,
    skipped: i64,
}

impl Logged {
    /// Rows that were there before, and that the file has no part in.
    fn others(&self) -> i64 {
        self.rows_before - self.updated
    }
}

pub fn verify(asked: Asked<'_>) -> Result<Vec<Verified>, Error> {
    let tables: Option<Vec<String>> = asked.tables.unwrap_or_default().into_iter().collect();
    let tables = tables.ok_or_else(|| invalid("tables", "a name is NULL", NAMES))?;
    let (run, path, mut plan) = match (asked.path, asked.plan) {
        (Some(path), plan) => {
            if asked.run.is_some() {
                return Err(invalid("path", "a run has a path already", "Give a run, or a path and a plan."));
            }
            (None, path.to_owned(), plan)
        }
        (None, Some(_)) => {
            return Err(invalid("plan", "a plan needs a path", "Give a run, or a path and a plan."));
        }
        (None, None) => {
            let (run, path, plan) = recorded(asked.run)?;
            (Some(run), path, Some(plan))
        }
    };
    let run = run.map(|run| Recorded { run, columns: columns(plan.as_ref()), tables: logged(run) });
    let mut survey = survey::survey(Some(&path), plan.take())?;
    let verified = of_survey(&mut survey, run.as_ref(), &tables, asked.limit);
    // An error may come of a file that was changed while it was read: that is the error then.
    survey.source.prove()?;
    verified
}

/// What an import has loaded: the first difference is an error. Tables that cannot be compared say so in their detail.
pub fn prove(
    survey: &mut Survey,
    planned: &Planned,
    run: i64,
    results: &mut [TableResult],
) -> Result<(), Error> {
    for result in results.iter_mut().filter(|result| result.status == Status::Loaded) {
        let Some(spec) = loads(planned).find(|spec| Some(spec.id) == result.id) else { continue };
        let logged = Logged {
            source: result.source.clone(),
            schema: result.schema.clone(),
            target: result.table.clone(),
            loaded: true,
            rows_before: result.rows_before,
            updated: result.updated,
            skipped: result.skipped,
        };
        let found = match refused(survey, planned, spec, Some(&logged)) {
            Some(reason) => Err(reason),
            None => compare(survey, planned, spec, Some(run), logged.others(), 0)?,
        };
        match found {
            Err(reason) => result.detail.push(format!("values were not compared: {reason}")),
            Ok(tally) => {
                if let Some(first) = tally.first_difference() {
                    let (table, difference) = (qualified(&spec.schema, &spec.target), first.to_string());
                    return Err(Error::Values { table, difference });
                }
                let unknown = tally.columns.iter().filter(|column| column.unknown > 0);
                let names: Vec<&str> = unknown.map(|column| column.name.as_str()).collect();
                if !names.is_empty() {
                    result.detail.push(format!("values were not compared in full: {}", names.join(", ")));
                }
            }
        }
    }
    Ok(())
}

const NAMES: &str = "Name tables of the file or of the database.";

pub(super) fn invalid(path: &str, message: &str, hint: &str) -> Error {
    Error::Plan(PlanError::Invalid { path: path.into(), message: message.into(), hint: hint.into() })
}

/// The number, file and plan of a run. Its plan says everything, so that the file need not be profiled again.
pub(super) fn recorded(run: Option<i64>) -> Result<(i64, String, Value), Error> {
    let found = spi::row(
        "SELECT id, path, plan::text AS plan FROM sqlite_migrate.run
         WHERE CASE WHEN $1 IS NULL THEN own ELSE id = $1 END ORDER BY id DESC LIMIT 1",
        &[run.into()],
        |row| (row.get::<i64>("id"), row.get::<String>("path"), row.get::<String>("plan")),
    );
    let (id, path, plan) = found.ok_or(Error::NoRun { run })?;
    // The policy that looks at everything wants a profile.
    let widens = plan.contains("\"on_invalid\": \"text\"");
    let mut plan: Value = serde_json::from_str(&plan).unwrap_or_default();
    if let Some(keys) = plan.as_object_mut() {
        // What was done once is not done again.
        keys.retain(|key, _| !matches!(key.as_str(), "before" | "after"));
        keys.insert("integrity".into(), "none".into());
        if !widens {
            keys.insert("profile".into(), "none".into());
        }
    }
    Ok((id, path, plan))
}

/// What a complete plan loads. Generated columns are computed by the server.
fn columns(plan: Option<&Value>) -> Vec<(String, String)> {
    let mut out = vec![];
    let tables = plan.and_then(|plan| plan["tables"].as_object());
    for (table, of_table) in tables.into_iter().flatten() {
        for (column, keys) in of_table["columns"].as_object().into_iter().flatten() {
            if keys["skip"] != Value::Bool(true) && !keys["generated"].is_string() {
                out.push((table.clone(), column.clone()));
            }
        }
    }
    out
}

fn of_survey(
    survey: &mut Survey,
    run: Option<&Recorded>,
    asked: &[String],
    limit: usize,
) -> Result<Vec<Verified>, Error> {
    let (_, planned) = survey::unasked(survey)?;
    let mut specs: Vec<&LoadSpec> = loads(&planned).collect();
    let logged = || run.iter().flat_map(|run| &run.tables);
    if run.is_some() {
        specs.retain(|spec| logged().any(|table| table.source == spec.source));
    }
    if !asked.is_empty() {
        for name in asked {
            let planned = planned.tables.iter().any(|table| table.source.eq_ignore_ascii_case(name));
            if !planned && !specs.iter().any(|spec| is_named(spec, name)) {
                let message = format!("no table \"{name}\" was loaded");
                return Err(invalid("tables", &message, NAMES));
            }
        }
        specs.retain(|spec| asked.iter().any(|name| is_named(spec, name)));
    }
    let mut out = vec![];
    for spec in specs {
        let of_log = logged().find(|table| table.source == spec.source);
        let mut found = match refused(survey, &planned, spec, of_log) {
            Some(reason) => Err(reason),
            None => {
                let others = of_log.map_or(0, Logged::others);
                compare(survey, &planned, spec, run.map(|run| run.run), others, limit)?
            }
        };
        if let Ok(tally) = &mut found {
            let loads =
                |name: &str| spec.columns.iter().any(|column| column.source.eq_ignore_ascii_case(name));
            let columns = run.iter().flat_map(|run| &run.columns).filter(|(table, _)| *table == spec.source);
            let gone = columns.filter(|(_, column)| !loads(column));
            gone.for_each(|(_, column)| tally.refuse(column, "the table as it is now has no place for it"));
        }
        out.push(Verified { schema: spec.schema.clone(), table: spec.target.clone(), found });
    }
    // Tables that a plan of now does not load.
    let unloaded = |source: &str| loads(&planned).all(|spec| spec.source != source);
    let tables = planned.tables.iter().map(|table| (&table.source, &table.schema, &table.target));
    let tables: Vec<_> = match run {
        Some(_) => logged().map(|table| (&table.source, &table.schema, &table.target)).collect(),
        None => tables.collect(),
    };
    for (source, schema, table) in tables.into_iter().filter(|(source, ..)| unloaded(source)) {
        if asked.is_empty() || asked.iter().any(|name| source.eq_ignore_ascii_case(name) || table == name) {
            let found = Err(why_unloaded(&planned, source));
            out.push(Verified { schema: schema.clone(), table: table.clone(), found });
        }
    }
    Ok(out)
}

fn why_unloaded(planned: &Planned, source: &str) -> String {
    let table = planned.tables.iter().find(|table| table.source == source);
    let blocked = table.and_then(|table| {
        let mut findings = planned.findings.iter();
        findings.find(|finding| finding.table == Some(table.id) && finding.severity == Severity::Blocking)
    });
    let reason = blocked.map(|finding| finding.message.clone());
    let reason = reason.or_else(|| table.and_then(|table| table.detail.first().cloned()));
    reason.unwrap_or_else(|| "the plan does not load it".into())
}

fn is_named(spec: &LoadSpec, name: &str) -> bool {
    spec.source.eq_ignore_ascii_case(name)
        || spec.target == name
        || format!("{}.{}", spec.schema, spec.target) == name
        || qualified(&spec.schema, &spec.target) == name
}

fn loads(planned: &Planned) -> impl Iterator<Item = &LoadSpec> {
    planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) => Some(&**spec),
        _ => None,
    })
}

fn logged(run: i64) -> Vec<Logged> {
    spi::rows(
        "SELECT source_table, target_schema, target_table, status, rows_before, updated, skipped
         FROM sqlite_migrate.run_table WHERE run = $1 AND status <> 'skipped' ORDER BY ordinal",
        &[run.into()],
        |row| Logged {
            source: row.get("source_table"),
            schema: row.get("target_schema"),
            target: row.get("target_table"),
            loaded: row.get::<String>("status") == "loaded",
            rows_before: row.get("rows_before"),
            updated: row.get("updated"),
            skipped: row.get("skipped"),
        },
    )
}

/// Why a table cannot be compared, as far as plan and log tell.
fn refused(survey: &Survey, planned: &Planned, spec: &LoadSpec, logged: Option<&Logged>) -> Option<String> {
    let conflict = spec.existing.as_ref().and_then(|into| into.conflict.as_ref());
    let skips = match logged {
        Some(table) => table.skipped > 0,
        None => conflict.is_some_and(|conflict| conflict.update.is_empty()),
    };
    let by_primary = |conflict: &pg_sqlite_migrate_core::plan::Conflict| {
        let target = |name: &String| {
            let column = spec.columns.iter().find(|column| column.source.eq_ignore_ascii_case(name));
            column.map(|column| column.target.clone())
        };
        let primary: Option<Vec<String>> = spec.source_key.iter().map(target).collect();
        primary.is_some_and(|mut primary| {
            let mut arbiter = conflict.arbiter.columns.clone();
            primary.sort();
            arbiter.sort();
            primary == arbiter
        })
    };
    let updates = logged.is_none_or(|table| table.updated > 0) && conflict.is_some_and(|c| !by_primary(c));
    // An existing row keeps its own spelling of a key that ignores case.
    let folded = planned.table(spec.id).map_or(&[][..], |table| &table.folded);
    let folded = folded.iter().map(|column| &column.source);
    let citext = spec.columns.iter().filter(|column| column.pg_type.is_citext()).map(|column| &column.source);
    let respelled =
        folded.chain(citext).any(|column| spec.source_key.iter().any(|key| key.eq_ignore_ascii_case(column)));
    let respelled = respelled && logged.map_or(conflict.is_some(), |table| table.updated > 0);
    if logged.is_some_and(|table| !table.loaded) {
        Some("its load failed".into())
    } else if survey.damage.of(&spec.source).is_some() {
        Some("its pages in the file are damaged".into())
    } else if spec.renumbering.any() {
        Some("keys of rows were renumbered".into())
    } else if skips {
        Some("rows were skipped for existing ones, which may be others".into())
    } else if updates {
        Some("existing rows were updated by another key than the primary key of the file".into())
    } else if respelled {
        Some("existing rows were updated, whose keys may be spelled otherwise".into())
    } else {
        None
    }
}

fn compare(
    survey: &mut Survey,
    planned: &Planned,
    spec: &LoadSpec,
    run: Option<i64>,
    others: i64,
    limit: usize,
) -> Result<Result<Tally, String>, Error> {
    let Some(table) = survey.catalog.table(&spec.source).cloned() else {
        return Ok(Err("the file has no such table any more".into()));
    };
    let of_existing = spec.existing.iter().flat_map(|into| &into.orphans);
    let orphans = planned.orphans().chain(of_existing).filter(|orphans| {
        orphans.policy == Orphans::Null && (&orphans.schema, &orphans.table) == (&spec.schema, &spec.target)
    });
    let question = Question {
        spec,
        table: &table,
        orphans: orphans.flat_map(|orphans| orphans.columns.clone()).collect(),
        absent: run.map_or_else(Absent::default, |run| Absent::of(run, spec)),
        others: others.max(0) as u64,
        limit,
    };
    match values::compare(&mut survey.source, question) {
        // A file may have been damaged since, or no check have found it.
        Err(Error::Sqlite(error @ sqlite::Error::Corrupt { .. })) => Ok(Err(error.to_string())),
        compared => compared,
    }
}
