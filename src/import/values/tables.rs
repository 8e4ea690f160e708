//! Which tables are compared with the file, how much of them, and what accounts for the rows that are not in them.

use std::time::Instant;

use super::NAMES;
use super::computed::{refuse, with_computed};
use super::recorded::{Logged, Recorded};
use crate::error::Error;
use crate::import::about::invalid;
use crate::import::notices::{Comparing, Notices};
use crate::import::survey::{self, Survey};
use crate::sqlite;
use crate::verify::values::{self, Absent, Question, Sink, Tally, Verified, Wish};
use pg_sqlite_migrate_core::finding::Severity;
use pg_sqlite_migrate_core::plan::{Action, LoadSpec, OrphanSpec, Orphans, Planned};
use pg_sqlite_migrate_core::sqltext::qualified;

pub(super) fn of_survey<S: Sink>(
    survey: &mut Survey,
    run: Option<&Recorded>,
    asked: &[String],
    wish: impl Fn(&LoadSpec) -> Option<Wish>,
    stop_after: Option<u64>,
    sink: impl Fn(&Planned, &LoadSpec) -> S,
) -> Result<Vec<Verified<S>>, Error> {
    let (_, planned) = survey::untried(survey)?;
    let notices = Notices::new(survey.needs.notices, Instant::now());
    let mut out = vec![];
    for spec in specs(&planned, run, asked)? {
        let Some(wish) = wish(spec) else { continue };
        let logged = run.and_then(|run| run.tables.iter().find(|table| table.source == spec.source));
        let (spec, unread) = &with_computed(survey, &planned, spec);
        let mut sink = sink(&planned, spec);
        let mut found = match refused(survey, &planned, spec, logged) {
            Some(reason) => Err(reason),
            None => {
                let of = OfTable { run: run.map(|run| run.run), logged, wish, stop_after };
                compare(survey, &planned, spec, of, &notices, &mut sink)?
            }
        };
        if let Ok(tally) = &mut found {
            refuse(tally, unread);
            let known = spec.columns.iter().chain(unread);
            let loads = |name: &str| known.clone().any(|column| column.source.eq_ignore_ascii_case(name));
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
pub(super) fn specs<'p>(
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
pub(super) fn unloaded(
    planned: &Planned,
    run: Option<&Recorded>,
    asked: &[String],
) -> Vec<(String, String, String)> {
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

pub(super) fn why_unloaded(planned: &Planned, source: &str) -> String {
    let table = planned.tables.iter().find(|table| table.source == source);
    let blocked = table.and_then(|table| {
        let mut findings = planned.findings.iter();
        findings.find(|finding| finding.table == Some(table.id) && finding.severity == Severity::Blocking)
    });
    let reason = blocked.map(|finding| finding.message.clone());
    let reason = reason.or_else(|| table.and_then(|table| table.detail.first().cloned()));
    reason.unwrap_or_else(|| "the plan does not load it".into())
}

pub(super) fn is_named(spec: &LoadSpec, name: &str) -> bool {
    spec.source.eq_ignore_ascii_case(name)
        || spec.target == name
        || format!("{}.{}", spec.schema, spec.target) == name
        || qualified(&spec.schema, &spec.target) == name
}

pub(super) fn loads(planned: &Planned) -> impl Iterator<Item = &LoadSpec> {
    planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) => Some(&**spec),
        _ => None,
    })
}

/// Why a table cannot be compared, as far as plan and log tell.
pub(super) fn refused(
    survey: &Survey,
    planned: &Planned,
    spec: &LoadSpec,
    logged: Option<&Logged>,
) -> Option<String> {
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
pub(super) fn nulled_keys(planned: &Planned, spec: &LoadSpec) -> Vec<OrphanSpec> {
    let of_existing = spec.existing.iter().flat_map(|into| &into.orphans);
    let keys = planned.orphans().chain(of_existing).filter(|key| {
        key.policy == Orphans::Null && (&key.schema, &key.table) == (&spec.schema, &spec.target)
    });
    keys.cloned().collect()
}

/// What is asked about one table.
pub(super) struct OfTable<'a> {
    pub(super) run: Option<i64>,
    pub(super) logged: Option<&'a Logged>,
    pub(super) wish: Wish,
    pub(super) stop_after: Option<u64>,
}

pub(super) fn compare(
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
    let table_name = (&*spec.schema, &*spec.target);
    let comparing = Comparing::new(notices, table_name, of.run, expected.filter(|_| all));
    let question = Question {
        spec,
        table: &table,
        orphans: nulled_keys(planned, spec).into_iter().flat_map(|key| key.columns).collect(),
        absent: of.run.map_or_else(Absent::default, |run| Absent::of(run, spec)),
        others: of.logged.map_or(0, Logged::others).max(0) as u64,
        believed: of.logged.map(|table| table.became.clone()),
        expected,
        approximate: vec![],
        is_view: false,
        most_rows: None,
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
