//! `verify_constraints`: what the file declares, held against what the tables have and hold.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use pgrx::pg_sys;
use serde_json::{Value, json};

use super::about::{About, Asked};
use super::existing;
use super::log::{self, Verification, VerificationRecord};
use super::orphans::OrphanQuery;
use super::survey::{self, Survey};
use crate::error::Error;
use crate::pg::settings::LocalSettings;
use crate::pg::{reading, relation, spi, xact};
use crate::verify::constraints::{Canonicals, Catalogs, count, helpers, unindexed};
use pg_sqlite_migrate_core::plan::emit::compare::Compared;
use pg_sqlite_migrate_core::plan::{
    self, Action, DeclaredFile, DeclaredTable, ExistingForeignKey, OrphanSpec, Overrides, Planned,
    RowQuestion, Target,
};
use pg_sqlite_migrate_core::verify::declared::{
    Explanation, Expression, FoundTable, Judge, Judged, Row, TableFacts, Unclaimed, compared, conclude,
    recorded,
};

/// What the run log says of a run's tables.
#[derive(Default)]
struct Logged {
    run: Option<i64>,
    /// The role that made the run, if that is not the caller; no role's oid where it is gone.
    author: Option<pg_sys::Oid>,
    /// By source name: status and detail.
    tables: HashMap<String, (String, Option<String>)>,
    /// Tables that the run has made.
    made: HashSet<String>,
    findings: Vec<Explanation>,
}

/// The rows, the worst first.
pub fn verify(asked: Asked<'_>) -> Result<Vec<Row>, Error> {
    let About { run, path, plan } = About::of(asked)?;
    let logged = run.map_or_else(Logged::default, |run| Logged::of(run.id));
    let plan = plan.unwrap_or_else(|| json!({}));
    let kept = kept(&logged, &plan);
    let mut survey = survey::survey(Some(&path), Some(recorded::as_new(plan, |table| kept(table))))?;
    let rows = of_survey(&mut survey, &logged, &kept);
    // An error may come of a file that was changed while it was read: that is the error then.
    survey.source.prove()?;
    let rows = rows?;
    if let Some(run) = logged.run {
        keep(run, &rows);
    }
    Ok(rows)
}

/// Whether a table was there before: by the log, or by a plan that makes none.
fn kept<'l>(logged: &'l Logged, plan: &Value) -> impl Fn(&str) -> bool + use<'l> {
    let never = |keys: &Value| keys.get("create").map(|create| create == "never");
    let of_plan = never(plan).unwrap_or(false);
    let tables = plan.get("tables").and_then(Value::as_object);
    let own = tables.into_iter().flatten().filter_map(|(name, keys)| Some((name.clone(), never(keys)?)));
    let own: HashMap<String, bool> = own.collect();
    move |table| match logged.run {
        Some(_) => !logged.made.contains(table),
        None => own.get(table).copied().unwrap_or(of_plan),
    }
}

fn of_survey(survey: &mut Survey, logged: &Logged, kept: &impl Fn(&str) -> bool) -> Result<Vec<Row>, Error> {
    let DeclaredFile { mut tables, helpers, findings } = declared(survey, &survey.overrides)?;
    let explanations: Vec<Explanation> = match logged.run {
        Some(_) => logged.findings.clone(),
        None => findings.iter().map(Explanation::from).collect(),
    };
    if logged.run.is_some() {
        // What the file has got since is no matter of the run's.
        let is_view = |table: &DeclaredTable| survey.catalog.table(&table.source).is_none();
        tables.retain(|t| t.left_out.is_some() || is_view(t) || logged.tables.contains_key(&t.source));
    }
    let facts = |table: &DeclaredTable| TableFacts {
        kept: kept(&table.source),
        unloaded: logged.unloaded(&table.source).map(str::to_owned),
    };
    let (mut rows, mut questions) = (vec![], Questions::default());
    judge(&tables, explanations, facts, logged.author, |judged, _, found| {
        rows.extend(questions.answer(judged, found))
    });
    rows.extend(helpers::rows(&helpers));
    // Tables and objects stay in the file's order otherwise.
    rows.sort_by_key(|row: &Row| row.state);
    Ok(rows)
}

/// What `sqlite_compare` says of the tables that a plan would load and that exist, beyond what it knows.
pub fn compare(survey: &Survey, planned: &Planned, known: &[Compared]) -> Result<Vec<Compared>, Error> {
    let loads = planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) if spec.existing.is_some() => Some(spec.source.clone()),
        _ => None,
    });
    let existing: HashSet<String> = loads.collect();
    if existing.is_empty() {
        return Ok(vec![]);
    }
    let overrides = plan::parse(&recorded::as_new(planned.plan.clone(), |table| existing.contains(table)))?;
    let DeclaredFile { mut tables, findings, .. } = declared(survey, &overrides)?;
    tables.retain(|table| existing.contains(&table.source));
    let facts = |_: &DeclaredTable| TableFacts { kept: true, unloaded: None };
    let mut rows = vec![];
    judge(&tables, findings.iter().map(Explanation::from).collect(), facts, None, |judged, unclaimed, _| {
        rows.extend(compared::compared(judged, unclaimed, known));
    });
    Ok(rows)
}

/// What the file declares and the plan would make of it if nothing were there.
fn declared(survey: &Survey, overrides: &Overrides) -> Result<DeclaredFile, Error> {
    let _path = LocalSettings::safe_search_path();
    let extensions = survey::extensions(survey);
    let target = Target {
        citext: existing::citext(),
        systems: existing::systems::read(&survey.catalog, &extensions),
        extensions,
        helpers: existing::extensions::helpers(),
        texts_of_bytes: survey.needs.texts_of_bytes,
        ..existing::read(&[])
    };
    Ok(plan::declared(&survey.facts(), &target, overrides)?)
}

/// Judges every table, and hands over its objects, what it has beyond them, and what was found.
fn judge(
    tables: &[DeclaredTable],
    explanations: Vec<Explanation>,
    facts: impl Fn(&DeclaredTable) -> TableFacts,
    author: Option<pg_sys::Oid>,
    mut take: impl FnMut(Vec<Judged>, Vec<Unclaimed>, Option<&FoundTable>),
) {
    let names: Vec<_> = tables.iter().map(|table| (table.schema.clone(), table.target.clone())).collect();
    let catalogs = Catalogs::read(&names);
    let judge = Judge::new(explanations);
    let mut canonicals = Canonicals::new(&catalogs, author);
    let mut server = |table: &FoundTable, asked: Expression<'_>| canonicals.of(table, asked);
    for table in tables {
        let found = catalogs.table(&table.schema, &table.target);
        let (judged, unclaimed) = judge.table(table, found, &facts(table), &mut server);
        take(judged, unclaimed, found);
    }
}

/// Rows that break objects. A table is looked at once for each way to read it.
#[derive(Default)]
struct Questions {
    /// What queries name in FROM, or why there can be none, by oid.
    readable: HashMap<u32, Result<String, String>>,
}

impl Questions {
    /// Concludes the objects of a table with the rows that break each.
    fn answer(&mut self, judged: Vec<Judged>, found: Option<&FoundTable>) -> Vec<Row> {
        let questions: Vec<&RowQuestion> =
            judged.iter().filter_map(|object| object.question.as_ref()).collect();
        let mut answers = match found.filter(|_| !questions.is_empty()) {
            Some(found) => count(&self.from(found.oid), &questions).into_iter(),
            None => vec![].into_iter(),
        };
        let concluded = |object: Judged| {
            let answer = object.question.as_ref().map(|question| {
                let answer = answers.next().flatten();
                answer.unwrap_or_else(|| self.orphans(&object.schema, &object.table, question))
            });
            conclude(object, answer)
        };
        judged.into_iter().map(concluded).collect()
    }

    fn from(&mut self, oid: u32) -> Result<String, String> {
        self.readable.entry(oid).or_insert_with(|| reading::from(oid.into())).clone()
    }

    /// Rows without a parent.
    fn orphans(&mut self, schema: &str, table: &str, question: &RowQuestion) -> Result<u64, String> {
        let RowQuestion::Orphans { columns, parent_schema, parent, parent_columns } = question else {
            return Err("it is no question about rows".into());
        };
        for (schema, table) in [(schema, table), (parent_schema.as_str(), parent.as_str())] {
            let found = relation::find(schema, table);
            let found = found.ok_or_else(|| format!("table {schema}.{table} does not exist"))?;
            self.from(found.to_u32()).map_err(|why| format!("{schema}.{table}: {why}"))?;
        }
        let key = ExistingForeignKey {
            columns: columns.clone(),
            parent_schema: parent_schema.clone(),
            parent: parent.clone(),
            parent_columns: parent_columns.clone(),
            ..ExistingForeignKey::default()
        };
        let spec = OrphanSpec::of(schema, table, &key);
        let count = || -> Result<u64, Infallible> {
            // The catalogs are asked first, which have indexes that are to be used.
            let query = OrphanQuery::of_table(&spec, None);
            let _guard = unindexed();
            Ok(query.count())
        };
        match xact::attempt(count) {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(never)) => match never {},
            Err(caught) => Err(caught.message),
        }
    }
}

/// Keeps what was found of a run's tables.
fn keep(run: i64, rows: &[Row]) {
    let objects: Vec<String> = rows.iter().map(object).collect();
    let record = |(row, object): (&'_ Row, &'_ String)| {
        let counts = match row.violations {
            Some(violations) => json!({ "violations": violations }),
            None => json!({}),
        };
        (row.schema.clone(), row.table.clone(), object.clone(), row.state, row.reason.clone(), counts)
    };
    let kept: Vec<_> = rows.iter().zip(&objects).map(record).collect();
    let records = kept.iter().map(|(schema, table, object, state, reason, counts)| VerificationRecord {
        schema,
        table,
        object: Some(object),
        ok: state.is_ok(),
        verdict: state.as_str(),
        detail: reason.as_deref(),
        counts: counts.clone(),
    });
    log::verification(run, Verification::Constraints, &records.collect::<Vec<_>>());
}

/// `primary key t_pkey`, `default created_at`
fn object(row: &Row) -> String {
    let name = row.name.clone().unwrap_or_else(|| row.columns.join(", "));
    format!("{} {name}", row.kind.as_str())
}

impl Logged {
    fn of(run: i64) -> Logged {
        const TABLES: &str = "SELECT source_table, status, detail FROM sqlite_migrate.run_table WHERE run = $1 ORDER BY ordinal";
        const MADE: &str = "SELECT source_table FROM sqlite_migrate.run_step
             WHERE run = $1 AND phase = 'tables' AND starts_with(statement, 'CREATE TABLE ') AND source_table IS NOT NULL";
        const FINDINGS: &str =
            "SELECT object, kind, message FROM sqlite_migrate.finding WHERE run = $1 ORDER BY ordinal";
        const AUTHOR: &str = "SELECT COALESCE(r.oid, 0)
             FROM sqlite_migrate.run u LEFT JOIN pg_roles r ON r.oid = u.role_oid AND r.rolname = u.role
             WHERE u.id = $1 AND NOT u.own";
        let tables = spi::rows(TABLES, &[run.into()], |row| {
            (row.get::<String>("source_table"), (row.get("status"), row.get("detail")))
        });
        let findings = spi::rows(FINDINGS, &[run.into()], |row| Explanation {
            object: row.get("object"),
            kind: row.get("kind"),
            message: row.get("message"),
        });
        Logged {
            run: Some(run),
            author: spi::value(AUTHOR, &[run.into()]),
            tables: tables.into_iter().collect(),
            made: spi::values(MADE, &[run.into()]).into_iter().collect(),
            findings,
        }
    }

    /// Why a table was not loaded.
    fn unloaded(&self, source: &str) -> Option<&str> {
        let (status, detail) = self.tables.get(source)?;
        (status != "loaded").then(|| detail.as_deref().unwrap_or("it was not loaded"))
    }
}
