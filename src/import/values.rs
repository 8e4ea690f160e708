//! `verify_values`, and `"verify": "values"` of an import: which tables are compared with the file, and what accounts for the
//! rows that are not in them.

use std::time::Instant;

use serde_json::Value;

use super::log::{self, Verification, VerificationRecord};
use super::notices::{Comparing, Notices};
use super::result::{Status, TableResult};
use super::survey::{self, Survey};
use crate::error::Error;
use crate::pg::{interrupts, spi};
use crate::sqlite;
use crate::verify::values::{
    self, Absent, Believed, Kept, List, Question, Repair, Sink, Step, Tally, Verified, Wish, report,
};
use pg_sqlite_migrate_core::finding::{Severity, counted};
use pg_sqlite_migrate_core::plan::{Action, LoadSpec, OrphanSpec, Orphans, PlanError, Planned};
use pg_sqlite_migrate_core::sqltext::qualified;
use pg_sqlite_migrate_core::verify::sample;

/// What is to be verified.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// A recorded run; the caller's last one where no path is given either.
    pub run: Option<i64>,
    pub path: Option<&'a str>,
    pub plan: Option<Value>,
    /// Names of tables, of the file or of the database; all where there are none.
    pub tables: Option<Vec<Option<String>>>,
}

/// How much of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure {
    /// About so many rows of each table.
    pub sample: Option<i64>,
    /// Each table until so many rows are not as they should be.
    pub stop_after: Option<i64>,
}

/// A run as the log has it.
struct Recorded {
    run: i64,
    /// Table and column of the file, for every column that the run has loaded.
    columns: Vec<(String, String)>,
    tables: Vec<Logged>,
    /// What the file said of itself.
    source: Value,
}

/// What the run log says of a table.
struct Logged {
    source: String,
    schema: String,
    target: String,
    loaded: bool,
    rows_before: i64,
    source_rows: Option<i64>,
    updated: i64,
    skipped: i64,
    became: Believed,
}

impl Logged {
    /// Rows that were there before, and that the file has no part in.
    fn others(&self) -> i64 {
        self.rows_before - self.updated
    }
}

/// The result of `verify_values`.
pub fn verify(asked: Asked<'_>, measure: Measure) -> Result<Vec<report::Row>, Error> {
    let positive = |name: &str, count: Option<i64>| match count {
        Some(count) if count < 1 => {
            Err(invalid(name, "must be at least 1", "Leave it out, or give a number of rows."))
        }
        count => Ok(count.map(i64::unsigned_abs)),
    };
    let sample = positive("sample", measure.sample)?;
    let stop_after = positive("limit", measure.stop_after)?;
    let mut open = Opened::new(asked)?;
    let wish = |_: &LoadSpec| Some(sample.map_or(Wish::All, Wish::Sample));
    let found = open.compare(wish, stop_after, |_, _| Kept::default())?;
    let rows = report::rows(&found);
    open.keep(&rows, found.iter().filter_map(|table| Some((table, table.sink.as_ref()?))));
    Ok(rows)
}

/// The differences of each table, which has some.
pub fn differences(asked: Asked<'_>, limit: Option<u64>, recheck: bool) -> Result<Vec<Of<List>>, Error> {
    let mut open = Opened::new(asked)?;
    let earlier = if recheck { Some(open.earlier()?) } else { None };
    let wish = |spec: &LoadSpec| match &earlier {
        None => Some(Wish::All),
        Some(earlier) => {
            earlier.iter().find(|table| table.is_of(spec)).map(|table| Wish::Again(table.keys.clone()))
        }
    };
    let found = open.compare(wish, None, |_, _| (Kept::default(), List::new(limit)))?;
    let compared = || found.iter().filter_map(|table| Some((table, &table.sink.as_ref()?.0)));
    match &earlier {
        None => open.keep(&report::rows(&found), compared()),
        Some(earlier) => open.keep_again(earlier, compared()),
    }
    let listed = found.into_iter().filter_map(|table| {
        let (_, rows) = table.sink?;
        Some(Of { schema: table.schema, table: table.table, rows })
    });
    Ok(listed.filter(|of| !of.rows.is_empty()).collect())
}

/// Something of one table.
pub struct Of<R> {
    pub schema: String,
    pub table: String,
    pub rows: R,
}

/// The statements that make a run's tables equal to the file, in the order in which they are to run, and what has none.
pub fn repair(run: Option<i64>, tables: Option<Vec<Option<String>>>) -> Result<Vec<Of<Steps>>, Error> {
    let mut open = Opened::new(Asked { run, tables, ..Asked::default() })?;
    let sink = |planned: &Planned, spec: &LoadSpec| Repair::new(nulled_keys(planned, spec));
    let found = open.compare(|_| Some(Wish::All), None, sink)?;
    let (mut deletes, mut changes): (Vec<Of<Steps>>, Vec<Of<Steps>>) = (vec![], vec![]);
    for table in found {
        let rest = values::unrepaired(&table.found);
        let of = |rows| Of { schema: table.schema.clone(), table: table.table.clone(), rows };
        if let Some([first, then]) = table.sink.map(Repair::parts) {
            deletes.push(of(first));
            changes.push(of(then));
        }
        let rest: Vec<Step> = rest.into_iter().map(|reason| [None, None, None, Some(reason)]).collect();
        changes.push(of(Box::new(rest.into_iter())));
    }
    // Rows that refer to others go before these, and come after them.
    Ok(deletes.into_iter().rev().chain(changes).collect())
}

/// Key, action, statement and why there is none.
pub type Steps = Box<dyn Iterator<Item = Step>>;

/// What an import has loaded: the first difference is an error. Tables that cannot be compared say so in their detail.
pub fn prove(
    survey: &mut Survey,
    planned: &Planned,
    run: i64,
    notices: &Notices,
    results: &mut [TableResult],
) -> Result<(), Error> {
    let mut verified = vec![];
    for result in results.iter_mut().filter(|result| result.status == Status::Loaded) {
        let Some(spec) = loads(planned).find(|spec| Some(spec.id) == result.id) else { continue };
        let rows = (result.imported + result.updated).unsigned_abs();
        let verify = planned.table(spec.id).map(|table| table.verify).unwrap_or_default();
        let Some(wanted) = verify.compares(rows) else { continue };
        let wish = if wanted < rows { Wish::Sample(wanted) } else { Wish::All };
        let logged = Logged {
            source: result.source.clone(),
            schema: result.schema.clone(),
            target: result.table.clone(),
            loaded: true,
            rows_before: result.rows_before,
            source_rows: result.source_rows,
            updated: result.updated,
            skipped: result.skipped,
            became: believed(&result.became_json()),
        };
        let mut sink = Kept::default();
        let found = match refused(survey, planned, spec, Some(&logged)) {
            Some(reason) => Err(reason),
            None => {
                let of = OfTable { run: Some(run), logged: Some(&logged), wish, stop_after: None };
                compare(survey, planned, spec, of, notices, &mut sink)?
            }
        };
        match &found {
            Err(reason) => result.detail.push(format!("values were not compared: {reason}")),
            Ok(tally) => {
                if let Some(difference) = tally.problem() {
                    return Err(Error::Values { table: qualified(&spec.schema, &spec.target), difference });
                }
                let unknown = tally.columns.iter().filter(|column| column.unknown > 0);
                let names: Vec<&str> = unknown.map(|column| column.name.as_str()).collect();
                result.detail.extend(report::extent(tally).map(|extent| format!("values: {extent}")));
                if !names.is_empty() {
                    result.detail.push(format!("values were not compared in full: {}", names.join(", ")));
                }
            }
        }
        let (schema, table) = (spec.schema.clone(), spec.target.clone());
        verified.push(Verified { schema, table, found, sink: Some(sink) });
    }
    record(run, &report::rows(&verified));
    Ok(())
}

/// A file and what is to be verified of it.
struct Opened {
    survey: Survey,
    run: Option<Recorded>,
    tables: Vec<String>,
}

/// What an earlier verification has found of a table.
struct Earlier {
    schema: String,
    table: String,
    keys: Vec<sample::Key>,
    /// Rows whose keys were not kept.
    others: i64,
}

impl Earlier {
    fn is_of(&self, spec: &LoadSpec) -> bool {
        (&self.schema, &self.table) == (&spec.schema, &spec.target)
    }
}

impl Opened {
    fn new(asked: Asked<'_>) -> Result<Opened, Error> {
        let tables: Option<Vec<String>> = asked.tables.unwrap_or_default().into_iter().collect();
        let tables = tables.ok_or_else(|| invalid("tables", "a name is NULL", NAMES))?;
        let (run, path, mut plan) = match (asked.path, asked.plan) {
            (Some(path), plan) => {
                if asked.run.is_some() {
                    let hint = "Give a run, or a path and a plan.";
                    return Err(invalid("path", "a run has a path already", hint));
                }
                (None, path.to_owned(), plan)
            }
            (None, Some(_)) => {
                return Err(invalid("plan", "a plan needs a path", "Give a run, or a path and a plan."));
            }
            (None, None) => {
                let (run, path, plan, source) = recorded(asked.run)?;
                (Some((run, source)), path, Some(plan))
            }
        };
        let run = run.map(|(run, source)| Recorded {
            run,
            columns: columns(plan.as_ref()),
            tables: logged(run),
            source,
        });
        let survey = survey::survey(Some(&path), plan.take())?;
        if let Some(run) = &run {
            tell_if_changed(&survey, run);
        }
        Ok(Opened { survey, run, tables })
    }

    fn compare<S: Sink>(
        &mut self,
        wish: impl Fn(&LoadSpec) -> Option<Wish>,
        stop_after: Option<u64>,
        sink: impl Fn(&Planned, &LoadSpec) -> S,
    ) -> Result<Vec<Verified<S>>, Error> {
        let verified = of_survey(&mut self.survey, self.run.as_ref(), &self.tables, wish, stop_after, sink);
        // An error may come of a file that was changed while it was read: that is the error then.
        self.survey.source.prove()?;
        verified
    }

    /// Keeps in the run log what was found.
    fn keep<'v, S: 'v>(
        &self,
        rows: &[report::Row],
        compared: impl Iterator<Item = (&'v Verified<S>, &'v Kept)>,
    ) {
        let Some(run) = self.run.as_ref().map(|run| run.run) else { return };
        record(run, rows);
        for (table, kept) in compared {
            log::differences(run, (&table.schema, &table.table), &kept.keys, kept.others as i64);
        }
    }

    /// The same of rows that were looked at again: of the others nothing is new.
    fn keep_again<'v, S: 'v>(
        &self,
        earlier: &[Earlier],
        compared: impl Iterator<Item = (&'v Verified<S>, &'v Kept)>,
    ) {
        let Some(run) = self.run.as_ref().map(|run| run.run) else { return };
        for (table, kept) in compared {
            let before = earlier.iter().find(|e| (&e.schema, &e.table) == (&table.schema, &table.table));
            let others = before.map_or(0, |before| before.others);
            log::differences(run, (&table.schema, &table.table), &kept.keys, others + kept.others as i64);
        }
    }

    /// What the last verification of the run has found.
    fn earlier(&self) -> Result<Vec<Earlier>, Error> {
        let Some(run) = self.run.as_ref().map(|run| run.run) else {
            let hint = "Leave path and plan out, and give a run.";
            return Err(invalid("recheck", "only rows of a recorded run are kept", hint));
        };
        const VERIFIED: &str = "SELECT FROM sqlite_migrate.verification WHERE run = $1 AND kind = 'values'";
        if !spi::any(VERIFIED, &[run.into()]) {
            let hint = "Call verify_values() or verify_differences() as the role that made the run first.";
            return Err(invalid("recheck", "the run log has no verification of the run's values", hint));
        }
        let mut tables: Vec<Earlier> = vec![];
        let rows = spi::rows(
            "SELECT target_schema, target_table, key, rows FROM sqlite_migrate.difference WHERE run = $1
             ORDER BY target_schema, target_table",
            &[run.into()],
            |row| {
                let (schema, table): (String, String) = (row.get("target_schema"), row.get("target_table"));
                (schema, table, row.get::<Option<String>>("key"), row.get::<i64>("rows"))
            },
        );
        for (schema, table, key, rows) in rows {
            if tables.last().is_none_or(|last| (&last.schema, &last.table) != (&schema, &table)) {
                tables.push(Earlier { schema, table, keys: vec![], others: 0 });
            }
            let Some(last) = tables.last_mut() else { continue };
            match key.as_deref().and_then(sample::of_text) {
                Some(key) => last.keys.push(key),
                None => last.others += rows,
            }
        }
        for table in tables.iter().filter(|table| table.others > 0) {
            let (one, many) = (
                "row that was different is not looked at again",
                "rows that were different are not looked at again",
            );
            let others = counted(table.others.unsigned_abs(), one, many);
            let name = qualified(&table.schema, &table.table);
            interrupts::notice(&format!("{name}: {others}, because the run log does not have their keys"));
        }
        Ok(tables)
    }
}

/// Says that the file is no longer what the run has read, as far as its header tells.
fn tell_if_changed(survey: &Survey, run: &Recorded) {
    let now = log::source(&survey.catalog, &survey.source);
    let changed = now.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let then =
            run.source.get(name).filter(|then| !then.is_null() && !value.is_null() && *then != value)?;
        // A checkpoint makes a -wal smaller, and the file no other.
        let shrunk = name == "wal_bytes" && value.as_u64() < then.as_u64();
        (!shrunk).then(|| format!("{} is {value} and was {then}", name.replace('_', " ")))
    });
    let changed: Vec<String> = changed.collect();
    if !changed.is_empty() {
        interrupts::notice(&format!("the file has changed since run {}: {}", run.run, changed.join(", ")));
    }
}

/// Keeps in the run log what was found of each column.
fn record(run: i64, rows: &[report::Row]) {
    let records: Vec<VerificationRecord<'_>> = (rows.iter())
        .map(|row| VerificationRecord {
            schema: &row.schema,
            table: &row.table,
            object: row.column.as_deref(),
            ok: row.verdict.is_good(),
            verdict: row.verdict.as_str(),
            detail: row.detail.as_deref(),
            counts: row.counts(),
        })
        .collect();
    log::verification(run, Verification::Values, &records);
}

const NAMES: &str = "Name tables of the file or of the database.";

pub(super) fn invalid(path: &str, message: &str, hint: &str) -> Error {
    Error::Plan(PlanError::Invalid { path: path.into(), message: message.into(), hint: hint.into() })
}

/// The number, file and plan of a run, and what the file said of itself. Its plan says everything, so that the file need not
/// be profiled again.
pub(super) fn recorded(run: Option<i64>) -> Result<(i64, String, Value, Value), Error> {
    let found = spi::row(
        "SELECT id, path, plan::text AS plan, source::text AS source FROM sqlite_migrate.run
         WHERE CASE WHEN $1 IS NULL THEN own ELSE id = $1 END ORDER BY id DESC LIMIT 1",
        &[run.into()],
        |row| {
            let (path, plan) = (row.get::<String>("path"), row.get::<String>("plan"));
            (row.get::<i64>("id"), path, plan, row.get::<String>("source"))
        },
    );
    let (id, path, plan, source) = found.ok_or(Error::NoRun { run })?;
    let source = serde_json::from_str(&source).unwrap_or_default();
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
    Ok((id, path, plan, source))
}

/// What a complete plan loads. Generated columns are computed by the server; one without a type has no place in the table.
fn columns(plan: Option<&Value>) -> Vec<(String, String)> {
    let mut out = vec![];
    let tables = plan.and_then(|plan| plan["tables"].as_object());
    for (table, of_table) in tables.into_iter().flatten() {
        for (column, keys) in of_table["columns"].as_object().into_iter().flatten() {
            let loads = keys["skip"] != Value::Bool(true) && keys["type"].is_string();
            if loads && !keys["generated"].is_string() {
                out.push((table.clone(), column.clone()));
            }
        }
    }
    out
}

fn of_survey<S: Sink>(
    survey: &mut Survey,
    run: Option<&Recorded>,
    asked: &[String],
    wish: impl Fn(&LoadSpec) -> Option<Wish>,
    stop_after: Option<u64>,
    sink: impl Fn(&Planned, &LoadSpec) -> S,
) -> Result<Vec<Verified<S>>, Error> {
    let (_, planned) = survey::unasked(survey)?;
    let notices = Notices::new(survey.needs.notices, Instant::now());
    let mut out = vec![];
    for spec in specs(&planned, run, asked)? {
        let Some(wish) = wish(spec) else { continue };
        let logged = run.and_then(|run| run.tables.iter().find(|table| table.source == spec.source));
        let mut sink = sink(&planned, spec);
        let mut found = match refused(survey, &planned, spec, logged) {
            Some(reason) => Err(reason),
            None => {
                let of = OfTable { run: run.map(|run| run.run), logged, wish, stop_after };
                compare(survey, &planned, spec, of, &notices, &mut sink)?
            }
        };
        if let Ok(tally) = &mut found {
            let loads =
                |name: &str| spec.columns.iter().any(|column| column.source.eq_ignore_ascii_case(name));
            let columns = run.iter().flat_map(|run| &run.columns).filter(|(table, _)| *table == spec.source);
            let gone = columns.filter(|(_, column)| !loads(column));
            gone.for_each(|(_, column)| tally.refuse(column, "the table as it is now has no place for it"));
        }
        let sink = found.is_ok().then_some(sink);
        out.push(Verified { schema: spec.schema.clone(), table: spec.target.clone(), found, sink });
    }
    let unloaded = unloaded(&planned, run, asked).into_iter();
    out.extend(unloaded.map(|(schema, table, reason)| Verified {
        schema,
        table,
        found: Err(reason),
        sink: None,
    }));
    Ok(out)
}

/// The loads that are asked about.
fn specs<'p>(
    planned: &'p Planned,
    run: Option<&Recorded>,
    asked: &[String],
) -> Result<Vec<&'p LoadSpec>, Error> {
    let mut specs: Vec<&LoadSpec> = loads(planned).collect();
    if let Some(run) = run {
        specs.retain(|spec| run.tables.iter().any(|table| table.source == spec.source));
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
    Ok(specs)
}

/// Tables that a plan of now does not load, and why.
fn unloaded(planned: &Planned, run: Option<&Recorded>, asked: &[String]) -> Vec<(String, String, String)> {
    let of_plan = planned.tables.iter().map(|table| (&table.source, &table.schema, &table.target));
    let tables: Vec<_> = match run {
        Some(run) => run.tables.iter().map(|table| (&table.source, &table.schema, &table.target)).collect(),
        None => of_plan.collect(),
    };
    let unloaded = |source: &str| loads(planned).all(|spec| spec.source != source);
    let named = |source: &str, table: &String| {
        asked.is_empty() || asked.iter().any(|name| source.eq_ignore_ascii_case(name) || table == name)
    };
    let tables = tables.into_iter().filter(|(source, _, table)| unloaded(source) && named(source, table));
    tables
        .map(|(source, schema, table)| (schema.clone(), table.clone(), why_unloaded(planned, source)))
        .collect()
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
        "SELECT source_table, target_schema, target_table, status, rows_before, source_rows, updated, skipped,
                became::text AS became
         FROM sqlite_migrate.run_table WHERE run = $1 AND status <> 'skipped' ORDER BY ordinal",
        &[run.into()],
        |row| Logged {
            source: row.get("source_table"),
            schema: row.get("target_schema"),
            target: row.get("target_table"),
            loaded: row.get::<String>("status") == "loaded",
            rows_before: row.get("rows_before"),
            source_rows: row.get("source_rows"),
            updated: row.get("updated"),
            skipped: row.get("skipped"),
            became: believed(&serde_json::from_str(&row.get::<String>("became")).unwrap_or_default()),
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

/// The foreign keys of a table that became NULL where they had no parent.
fn nulled_keys(planned: &Planned, spec: &LoadSpec) -> Vec<OrphanSpec> {
    let of_existing = spec.existing.iter().flat_map(|into| &into.orphans);
    let keys = planned.orphans().chain(of_existing).filter(|key| {
        key.policy == Orphans::Null && (&key.schema, &key.table) == (&spec.schema, &spec.target)
    });
    keys.cloned().collect()
}

fn believed(became: &Value) -> Believed {
    Believed(serde_json::from_value(became.clone()).unwrap_or_default())
}

/// What is asked about one table.
struct OfTable<'a> {
    run: Option<i64>,
    logged: Option<&'a Logged>,
    wish: Wish,
    stop_after: Option<u64>,
}

fn compare(
    survey: &mut Survey,
    planned: &Planned,
    spec: &LoadSpec,
    of: OfTable<'_>,
    notices: &Notices,
    sink: &mut dyn Sink,
) -> Result<Result<Tally, String>, Error> {
    let Some(table) = survey.catalog.table(&spec.source).cloned() else {
        return Ok(Err("the file has no such table any more".into()));
    };
    let expected = of.logged.and_then(|table| u64::try_from(table.source_rows?).ok());
    let all = matches!(of.wish, Wish::All);
    let comparing = Comparing::new(notices, (&spec.schema, &spec.target), expected.filter(|_| all));
    let question = Question {
        spec,
        table: &table,
        orphans: nulled_keys(planned, spec).into_iter().flat_map(|key| key.columns).collect(),
        absent: of.run.map_or_else(Absent::default, |run| Absent::of(run, spec)),
        others: of.logged.map_or(0, Logged::others).max(0) as u64,
        believed: of.logged.map(|table| table.became.clone()),
        expected,
        rows: of.wish,
        stop_after: of.stop_after,
        progress: &|rows| comparing.rows(rows),
    };
    match values::compare(&mut survey.source, question, sink) {
        // A file may have been damaged since, or no check have found it.
        Err(Error::Sqlite(error @ sqlite::Error::Corrupt { .. })) => Ok(Err(error.to_string())),
        compared => compared,
    }
}
