//! One export: PostgreSQL's tables into a new SQLite file, which is there when the transaction has committed.

mod catalog;
mod declarations;
mod files;
mod geopackage;
mod recorded;
mod rows;
mod snapshot;
mod verify;

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pgrx::{PgSqlErrorCode as Code, pg_sys};
use serde_json::Value;

use crate::error::Error;
use crate::newfile::{self, Taken, refused};
use crate::pg::progress::{Command, Progress, Work};
use crate::pg::tempdir::{self, TempDir};
use crate::pg::{interrupts, memory, relation, thread};
use crate::sqlite;
use crate::sqlite::create::{Interrupted, Layout, NewFile};
use crate::sqlite::trial::{self, Tried};
use pg_sqlite_migrate_core::export::catalog::Catalog;
use pg_sqlite_migrate_core::export::decide::decide;
use pg_sqlite_migrate_core::export::plan::{self, Overrides, Run};
use pg_sqlite_migrate_core::export::planned::{OutTable, Planned};
use pg_sqlite_migrate_core::finding::{Finding, Kind, Severity, counted};
use pg_sqlite_migrate_core::plan::PlanError;

pub use self::verify::{Compared, verify};

/// What became of a table.
#[derive(Debug, Clone)]
pub struct Exported {
    pub schema: String,
    pub table: String,
    pub target: String,
    pub rows: i64,
    pub seconds: f64,
    pub detail: Option<String>,
}

/// What is asked for, and what there is.
struct Survey {
    overrides: Overrides,
    run: Option<Run>,
    catalog: Catalog,
}

impl Survey {
    fn of(plan: Option<Value>, run: Option<i64>) -> Result<Survey, Error> {
        let overrides = plan::read(plan, run)?;
        let run = recorded::run(overrides.run)?;
        let catalog = catalog::read(&overrides, run.as_ref());
        let mut survey = Survey { overrides, run, catalog };
        survey.try_out()?;
        Ok(survey)
    }

    /// Asks SQLite whether it takes the statements of each file, over empty tables, until it takes all that remain.
    fn try_out(&mut self) -> Result<(), Error> {
        loop {
            let mut refused = vec![];
            for planned in self.planned()?.by_files() {
                let tables = planned.tables.iter().map(|table| Tried::table(&table.create));
                let indexes = planned.tables.iter().filter(|t| t.original).flat_map(|table| &table.indexes);
                let virtual_tables = planned.virtual_tables.iter().map(|table| Tried::table(&table.create));
                let views = planned.views.iter().map(|view| Tried::view(&view.create, &view.name));
                let triggers = (planned.triggers.iter())
                    .map(|trigger| Tried::trigger(&trigger.create, &trigger.name, &trigger.table));
                let tables = tables.chain(indexes.map(|sql| Tried::index(sql))).chain(virtual_tables);
                let statements: Vec<Tried<'_>> = tables.chain(views).chain(triggers).collect();
                refused.extend(thread::run(|| trial::refused(&statements, stop()))?);
            }
            let known = self.catalog.refused.len();
            self.catalog.refused.extend(refused);
            // A statement that is refused again has nothing that could take its place.
            if self.catalog.refused.len() == known {
                return Ok(());
            }
        }
    }

    fn planned(&self) -> Result<Planned<'_>, Error> {
        Ok(decide(&self.catalog, &self.overrides, self.run.as_ref())?)
    }
}

/// The complete plan.
pub fn complete_plan(plan: Option<Value>, run: Option<i64>) -> Result<Value, Error> {
    Ok(Survey::of(plan, run)?.planned()?.plan)
}

/// What is left out, or not as it is in PostgreSQL; the worst first.
pub fn findings(plan: Option<Value>, run: Option<i64>) -> Result<Vec<Finding>, Error> {
    Ok(Survey::of(plan, run)?.planned()?.findings)
}

/// The statements that make the file, with the tables that they are about.
pub fn statements(plan: Option<Value>, run: Option<i64>) -> Result<Vec<(String, String)>, Error> {
    let survey = Survey::of(plan, run)?;
    let planned = survey.planned()?;
    let creates = planned.tables.iter().map(|table| (table.name.clone(), table.create.clone()));
    let of_table = |table: &OutTable<'_>| {
        let name = table.name.clone();
        table.indexes.clone().into_iter().map(move |sql| (name.clone(), sql)).collect::<Vec<_>>()
    };
    let indexes = planned.tables.iter().flat_map(of_table);
    let virtual_tables = planned
        .virtual_tables
        .iter()
        .flat_map(|table| [&table.create, &table.fill].map(|sql| (table.name.clone(), sql.clone())));
    let views = planned.views.iter().map(|view| (view.name.clone(), view.create.clone()));
    let triggers = planned.triggers.iter().map(|trigger| (trigger.table.clone(), trigger.create.clone()));
    Ok(creates.chain(indexes).chain(virtual_tables).chain(views).chain(triggers).collect())
}

/// Writes the file.
pub fn export(path: Option<&str>, plan: Option<Value>, run: Option<i64>) -> Result<Vec<Exported>, Error> {
    newfile::check_rights()?;
    let path = path.ok_or(Error::NullPath)?;
    let survey = held(files::asked(path, plan), run)?;
    let planned = unblocked(survey.planned()?)?;
    let hint = "Choose another path, or set \"overwrite\" to true in the plan.";
    let taken = Taken { overwrite: planned.file.overwrite, hint };
    let parts = files::parts(path, planned)?;
    let places = parts.iter().map(|part| newfile::reserve(&part.path, taken));
    let places = places.collect::<Result<Vec<_>, Error>>()?;
    let mut exported = vec![];
    for (part, place) in parts.iter().zip(&places) {
        exported.extend(fill(&place.temporary, &place.target, &part.planned, None)?);
        newfile::whole(place, newfile::READABLE)?;
    }
    Ok(exported)
}

/// The bytes of the file, which is written among the server's temporary files.
pub fn bytes(plan: Option<Value>, run: Option<i64>) -> Result<Vec<u8>, Error> {
    /// A datum has a header of four bytes.
    const LARGEST: u64 = (1 << 30) - 5;
    let survey = held(plan, run)?;
    let planned = unblocked(survey.planned()?)?;
    if planned.file.overwrite {
        let (path, message) = ("plan.overwrite".into(), "there is no file to replace".into());
        return Err(PlanError::Invalid { path, message, hint: "Remove the key.".into() }.into());
    }
    if planned.by_schema {
        let (path, message) = ("plan.files".into(), "there is one bytea, and no file of each schema".into());
        return Err(PlanError::Invalid { path, message, hint: "Remove the key.".into() }.into());
    }
    let directory = TempDir::choose();
    let path = directory.path().join("export.db");
    let failed = |e: std::io::Error| {
        refused(Code::ERRCODE_IO_ERROR, format!("could not write a temporary file: {e}"), None, None)
    };
    fs::create_dir(directory.path()).and_then(|()| fs::File::create(&path)).map_err(failed)?;
    let limit = tempdir::limit().map_or(LARGEST, |limit| limit.min(LARGEST));
    match fill(&path, &path, &planned, Some(limit)) {
        Err(Error::Sqlite(sqlite::Error::Full { .. })) if limit < LARGEST => {
            let message = "the exported file exceeds temp_file_limit".into();
            Err(refused(Code::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, message, None, None))
        }
        Err(Error::Sqlite(sqlite::Error::Full { .. })) => {
            let (message, hint) =
                ("the exported file is larger than 1 GB, the limit of a bytea", "Use sqlite_export.");
            Err(refused(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, message.into(), None, Some(hint.into())))
        }
        Err(error) => Err(error),
        Ok(_) => read(&path).map_err(failed),
    }
}

/// The whole file, in memory that is taken fallibly.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if bytes.try_reserve_exact(length).is_err() {
        memory::exhausted("the exported file");
    }
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is to be exported; its tables are locked, and stay as they are.
fn held(plan: Option<Value>, run: Option<i64>) -> Result<Survey, Error> {
    let mut survey = Survey::of(plan, run)?;
    let mut held = HashSet::new();
    let tables = loop {
        let planned = unblocked(survey.planned()?)?;
        let views = planned.views.iter().filter_map(|view| view.source);
        let ids: Vec<u32> = planned.tables.iter().map(|t| t.source).chain(views).map(|t| t.id).collect();
        let new: Vec<u32> = ids.iter().copied().filter(|id| held.insert(*id)).collect();
        if new.is_empty() {
            break ids;
        }
        new.into_iter().for_each(|id| relation::hold(pg_sys::Oid::from(id)));
        // They may have changed before they were locked, and others may have come.
        survey.run = recorded::run(survey.overrides.run)?;
        survey.catalog = catalog::read(&survey.overrides, survey.run.as_ref());
        survey.try_out()?;
    };
    snapshot::check(&tables)?;
    memory::stand_by();
    Ok(survey)
}

/// Writes the file, which is empty, and has it checked. Messages name it by its target.
fn fill(
    path: &Path,
    target: &Path,
    planned: &Planned<'_>,
    limit: Option<u64>,
) -> Result<Vec<Exported>, Error> {
    let settings = &planned.file;
    let layout = Layout {
        encoding: &settings.encoding,
        page_size: settings.page_size,
        auto_vacuum: &settings.auto_vacuum,
        application_id: settings.application_id,
        user_version: settings.user_version,
        limit,
    };
    let mut file = NewFile::create(path, target, &layout, stop())?;
    let run = planned.plan.get("run").and_then(Value::as_i64).unwrap_or(0);
    let shown = |work: Work| Command { work, run, ..Command::default() };
    let tables = i64::try_from(planned.tables.len()).unwrap_or(i64::MAX);
    let mut exported = vec![];
    for (number, table) in (1..).zip(&planned.tables) {
        let command = Command { table_number: number, tables, ..shown(Work::Export) };
        let one = one(&mut file, table, planned, command);
        exported.push(one.map_err(|error| declarations::hinted(error, planned))?);
    }
    let mut indexes = planned.tables.iter().flat_map(|table| &table.indexes);
    let mut virtual_tables = planned.virtual_tables.iter().flat_map(|table| [&table.create, &table.fill]);
    let views = planned.views.iter().map(|view| &view.create);
    // No trigger fires: all rows are there.
    let mut others = views.chain(planned.triggers.iter().map(|trigger| &trigger.create));
    let writer = &mut file;
    let indexing = Progress::start(shown(Work::ExportIndexes));
    thread::run(move || {
        indexes.try_for_each(|sql| writer.execute(sql))?;
        virtual_tables.try_for_each(|sql| writer.execute_module(sql))?;
        others.try_for_each(|sql| writer.execute(sql))
    })
    .map_err(|error: sqlite::Error| declarations::hinted(error.into(), planned))?;
    for (name, message) in geopackage::finish(&mut file, &planned.layers)? {
        let found = planned.tables.iter().zip(&mut exported).find(|(table, _)| table.name == name);
        if let Some((_, of)) = found {
            of.detail = of.detail.take().into_iter().chain([message]).reduce(joined);
        }
    }
    drop(indexing);
    let _checking = Progress::start(shown(Work::ExportCheck));
    check(&mut file, planned, &mut exported)?;
    let wal = settings.journal_mode == "wal";
    thread::run(move || file.finish(wal))?;
    Ok(exported)
}

fn one(
    file: &mut NewFile,
    table: &OutTable<'_>,
    planned: &Planned<'_>,
    command: Command,
) -> Result<Exported, Error> {
    let start = Instant::now();
    match table.is_virtual {
        true => file.execute_module(&table.create)?,
        false => file.execute(&table.create)?,
    }
    file.check_rows(!table.original)?;
    let (rows, detail) = rows::copy(file, table, &planned.timezone, command)?;
    if let Some(last) = table.sequence {
        file.count_from(&table.name, last)?;
    }
    Ok(Exported {
        schema: table.source.schema.clone(),
        table: table.source.name.clone(),
        target: table.name.clone(),
        rows: i64::try_from(rows).unwrap_or(i64::MAX),
        seconds: start.elapsed().as_secs_f64(),
        detail,
    })
}

/// Has SQLite look at what was written.
fn check(file: &mut NewFile, planned: &Planned<'_>, exported: &mut [Exported]) -> Result<(), Error> {
    let (problems, orphans) = {
        let file = &mut *file;
        thread::run(move || Ok::<_, sqlite::Error>((file.problems(thread::is_helper())?, file.orphans()?)))?
    };
    if let Some(problem) = problems.first() {
        let message = format!("the exported file is not sound: {problem}");
        return Err(refused(Code::ERRCODE_DATA_CORRUPTED, message, None, None));
    }
    for (table, of) in planned.tables.iter().zip(&mut *exported) {
        let (name, expected) = (table.name.as_str(), of.rows);
        let reader = &mut *file;
        let found = thread::run(move || reader.count(name))?;
        if found != expected {
            let message = format!("table \"{name}\": {expected} rows in PostgreSQL, {found} in SQLite");
            return Err(refused(Code::ERRCODE_DATA_EXCEPTION, message, None, None));
        }
        if table.original {
            let reader = &mut *file;
            let broken = thread::run(move || reader.broken_checks(name)).map_err(Error::from);
            of.detail = of.detail.take().into_iter().chain(declarations::told_of(broken)?).reduce(joined);
        }
    }
    for orphans in orphans {
        let of_table =
            planned.tables.iter().zip(&mut *exported).find(|(table, _)| table.name == orphans.table);
        let told =
            format!("{} no parent in \"{}\"", counted(orphans.rows, "row has", "rows have"), orphans.parent);
        match of_table {
            Some((table, of)) if table.unproven => {
                of.detail = of.detail.take().into_iter().chain([told]).reduce(joined);
            }
            _ => {
                let message = format!("table \"{}\": {told}", orphans.table);
                let hint = "Correct the rows, or set \"foreign_keys\" to false in the plan.".into();
                return Err(refused(Code::ERRCODE_FOREIGN_KEY_VIOLATION, message, None, Some(hint)));
            }
        }
    }
    Ok(())
}

/// Whether a helper thread is to stop.
fn stop() -> Interrupted {
    Arc::new(|| thread::stopping() || interrupts::pending())
}

fn joined(all: String, next: String) -> String {
    format!("{all}; {next}")
}

/// The plan, if nothing stands against it.
fn unblocked(planned: Planned<'_>) -> Result<Planned<'_>, Error> {
    let blocking = planned.findings.iter().filter(|finding| finding.severity == Severity::Blocking);
    let blocking: Vec<&Finding> = blocking.collect();
    let Some(first) = blocking.first() else { return Ok(planned) };
    let sqlstate = match first.kind {
        Kind::Denied => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        _ => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
    };
    let others = (blocking.len() > 1).then(|| {
        let lines = blocking.iter().take(100).map(|f| format!("{}: {}.", f.object, f.message));
        lines.collect::<Vec<_>>().join("\n")
    });
    Err(refused(sqlstate, format!("{}: {}", first.object, first.message), others, Some(first.hint.clone())))
}
