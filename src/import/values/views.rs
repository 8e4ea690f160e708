//! The rows of views against SQLite's: what the plan has made of them is computed by PostgreSQL, and not loaded.
//!
//! A view is compared if all tables that it reads have the file's rows and values. What each side computes as a number of
//! double precision or a numeric is compared up to its last digits.

use std::time::Instant;

use super::opened::Opened;
use super::recorded::{Logged, Recorded};
use super::tables::loads;
use crate::error::Error;
use crate::import::existing;
use crate::import::notices::{Comparing, Notices};
use crate::import::result::{Status, TableResult};
use crate::import::survey::{Survey, on_thread};
use crate::pg::relation::{self, Attribute};
use crate::pg::settings::LocalSettings;
use crate::pg::{spi, xact};
use crate::sqlite;
use crate::verify::values::{self, Absent, Question, Sink, Tally, Verified, Wish};
use pg_sqlite_migrate_core::catalog::{Catalog, Table, TableId, View};
use pg_sqlite_migrate_core::plan::view::{ViewColumn, ViewPlan};
use pg_sqlite_migrate_core::plan::{self, LoadColumn, LoadSpec, OnInvalid, Planned, Target};
use pg_sqlite_migrate_core::sqltext::qualified;
use pg_sqlite_migrate_core::value::encoding::TextReading;
use pg_sqlite_migrate_core::value::{Excess, PgType};

/// Columns of computed numbers that are compared of one view: each takes memory for its sums.
const MOST_APPROXIMATE: usize = 16;

/// Rows of a view that are compared, beside so many for each row of the tables that it reads.
const MOST_ROWS: u64 = 1_000_000;
const EACH: u64 = 100;
/// Where the number of their rows is not known.
const MOST_UNKNOWN: u64 = 10_000_000;

/// What an import has made: the first difference is an error. What cannot be compared is only told.
pub(super) fn prove(
    survey: &mut Survey,
    planned: &Planned,
    run: i64,
    notices: &Notices,
    results: &[TableResult],
) -> Result<Vec<Verified<()>>, Error> {
    let logged: Vec<Logged> =
        results.iter().filter(|result| result.status == Status::Loaded).map(Logged::of).collect();
    let mut verified = vec![];
    for view in &planned.views {
        let of = OfView { run: Some(run), view, planned, logged: Some(&logged), notices };
        let found = of.compare(survey, &mut ())?;
        if let Some(difference) = found.as_ref().ok().and_then(Tally::problem) {
            return Err(Error::Values { table: qualified(&view.schema, &view.target), difference });
        }
        let sink = None::<()>;
        verified.push(Verified { schema: view.schema.clone(), table: view.target.clone(), found, sink });
    }
    Ok(verified)
}

impl Opened {
    /// The views of the run, or of the plan, that are asked about; all where nothing is.
    pub(super) fn compare_views<S: Sink>(&mut self, sink: impl Fn() -> S) -> Result<Vec<Verified<S>>, Error> {
        let planned = as_made(&self.survey)?;
        let notices = Notices::new(self.survey.needs.notices, Instant::now());
        let run = self.run.as_ref().map(|run| run.run);
        let made = self.run.as_ref().map(made_by);
        let logged = self.run.as_ref().map(|run| run.tables.as_slice());
        let mut out = vec![];
        let is_made = |view: &ViewPlan| made.as_ref().is_none_or(|made| made.contains(&view.title));
        let asked: Vec<&ViewPlan> =
            planned.views.iter().filter(|view| self.asks_for(view) && is_made(view)).collect();
        for view in asked {
            let mut sink = sink();
            let of = OfView { run, view, planned: &planned, logged, notices: &notices };
            let found = of.compare(&mut self.survey, &mut sink)?;
            let sink = found.is_ok().then_some(sink);
            out.push(Verified { schema: view.schema.clone(), table: view.target.clone(), found, sink });
        }
        // An error may come of a file that was changed while it was read: that is the error then.
        self.survey.source.prove()?;
        Ok(out)
    }

    fn asks_for(&self, view: &ViewPlan) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|name| view.source.eq_ignore_ascii_case(name))
    }

    /// The names that are no view's: what is left is of tables. `None` if only views are asked for.
    pub(super) fn asked_tables(&self) -> Option<Vec<String>> {
        let is_view = |name: &String| {
            self.survey.catalog.views.iter().any(|view| view.name.eq_ignore_ascii_case(name.as_str()))
        };
        let tables: Vec<String> = self.tables.iter().filter(|name| !is_view(name)).cloned().collect();
        (self.tables.is_empty() || !tables.is_empty()).then_some(tables)
    }
}

/// The plan as if nothing had been there: it says what becomes of each view.
fn as_made(survey: &Survey) -> Result<Planned, Error> {
    let _path = LocalSettings::safe_search_path();
    let target = Target {
        citext: existing::citext(),
        texts_of_bytes: survey.needs.texts_of_bytes,
        made: true,
        ..existing::read(&[])
    };
    Ok(plan::build(&survey.facts(), &target, &survey.overrides)?)
}

/// The steps by which a run has made views.
fn made_by(run: &Recorded) -> Vec<String> {
    const MADE: &str =
        "SELECT title FROM sqlite_migrate.run_step WHERE run = $1 AND phase = 'views' AND error IS NULL";
    spi::values(MADE, &[run.run.into()])
}

/// One view, and what is known of the tables that it reads.
struct OfView<'a> {
    run: Option<i64>,
    view: &'a ViewPlan,
    planned: &'a Planned,
    /// `None` without a run: then the tables are taken for what the plan makes of them.
    logged: Option<&'a [Logged]>,
    notices: &'a Notices,
}

/// A column that is compared.
enum Compared {
    Exactly(LoadColumn),
    UpToLastDigits(LoadColumn),
    Not(&'static str),
}

impl OfView<'_> {
    fn compare(&self, survey: &mut Survey, sink: &mut dyn Sink) -> Result<Result<Tally, String>, Error> {
        if let Some(reason) = self.refused(survey) {
            return Ok(Err(reason));
        }
        let table = match self.table(survey)? {
            Ok(table) => table,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(relation) = relation::find(&self.view.schema, &self.view.target) else {
            return Ok(Err("it does not exist any more".into()));
        };
        let attributes = relation::attributes(relation);
        if attributes.len() != table.columns.len() {
            return Ok(Err("it has another number of columns than in the file".into()));
        }
        // Nothing is told by the number of a view, which has none.
        let Some(id) = self.planned.tables.first().map(|table| table.id) else {
            return Ok(Err("the file has no tables".into()));
        };
        let (spec, approximate, refused) = self.spec(id, &table, &attributes);
        let mut found = self.compare_by(survey, &spec, &table, approximate, sink)?;
        if let Ok(tally) = &mut found {
            refused.iter().for_each(|(name, reason)| tally.refuse(name, reason));
            let unsteady = self.view.unsteady.filter(|_| tally.problem().is_some());
            if let Some(unsteady) = unsteady {
                return Ok(Err(format!("its rows differ, and {}", unsteady.reason())));
            }
        }
        Ok(found)
    }

    /// What the file has in its place, as a table without a key; or why it has nothing.
    fn table(&self, survey: &mut Survey) -> Result<Result<Table, String>, Error> {
        if let Some(columns) = &self.view.of_table {
            let table = survey.catalog.table(&self.view.source).cloned();
            return Ok(table
                .map(|table| with_columns(table, columns))
                .ok_or("the file has no such table any more".into()));
        }
        let view = survey.catalog.views.iter().find(|view| view.name == self.view.source).cloned();
        match view {
            Some(view) => on_thread(&mut survey.source, move |source| as_table(source, view)),
            None => Ok(Err("the file has no such view any more".into())),
        }
    }

    /// An error of PostgreSQL's that the view itself raises is no reason to give the import up.
    fn compare_by(
        &self,
        survey: &mut Survey,
        spec: &LoadSpec,
        table: &Table,
        approximate: Vec<usize>,
        sink: &mut dyn Sink,
    ) -> Result<Result<Tally, String>, Error> {
        let comparing = Comparing::new(self.notices, (&spec.schema, &spec.target), self.run, None);
        let question = Question {
            spec,
            table,
            orphans: vec![],
            absent: Absent::default(),
            others: 0,
            believed: None,
            expected: None,
            approximate,
            is_view: true,
            most_rows: Some(self.most_rows()),
            rows: Wish::All,
            stop_after: None,
            progress: &|rows| comparing.rows(rows),
        };
        let source = &mut survey.source;
        match xact::attempt(|| values::compare_view(source, question, sink)) {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(Error::Sqlite(error))) if error.is_local() => {
                Ok(Err(format!("SQLite cannot read it: {error}")))
            }
            Ok(Err(error)) => Err(error),
            Err(caught) if caught.is_of_value() => {
                Ok(Err(format!("PostgreSQL cannot compute it: {}", caught.message)))
            }
            Err(caught) => Err(caught.into()),
        }
    }

    /// A view may have as many rows as a product of its tables.
    fn most_rows(&self) -> u64 {
        let Some(logged) = self.logged else { return MOST_UNKNOWN };
        let read = |of: &&Logged| self.view.reads.iter().any(|name| name.eq_ignore_ascii_case(&of.source));
        let rows: u64 = logged.iter().filter(read).map(|of| of.imported.unsigned_abs()).sum();
        rows.saturating_mul(EACH).saturating_add(MOST_ROWS)
    }

    /// Why its rows need not be SQLite's.
    fn refused(&self, survey: &Survey) -> Option<String> {
        if let Some(unsteady) = self.view.unsteady.filter(|unsteady| !unsteady.may_be_equal()) {
            return Some(unsteady.reason().into());
        }
        let not_whole = |table: &String| {
            let why = self.not_whole(survey, table)?;
            Some(format!("it reads table \"{table}\", {why}"))
        };
        self.view.reads.iter().find_map(not_whole)
    }

    /// Why a table has not the rows and values of the file.
    fn not_whole(&self, survey: &Survey, table: &str) -> Option<&'static str> {
        let spec = loads(self.planned).find(|spec| spec.source.eq_ignore_ascii_case(table));
        let Some(spec) = spec else { return Some("which is not loaded") };
        let changed = |column: &LoadColumn| {
            column.on_invalid == OnInvalid::Null
                || !column.null_values.is_empty()
                || column.excess != Excess::Error
                || column.default.is_some()
                || column.texts != TextReading { of_bytes: column.texts.of_bytes, ..TextReading::default() }
        };
        if spec.reading.filter.is_some() || !spec.reading.using.is_empty() {
            return Some("of which the plan selects or computes what is loaded");
        }
        if spec.columns.iter().any(changed) {
            return Some("whose values the plan lets become others");
        }
        if survey.damage.of(&spec.source).is_some() {
            return Some("whose pages in the file are damaged");
        }
        let logged = self.logged?;
        let of_run = logged.iter().find(|logged| logged.source.eq_ignore_ascii_case(table));
        match of_run {
            None => Some("which the run has not loaded"),
            Some(logged) if !logged.is_whole() => Some("which has other rows or values than the file"),
            Some(_) => None,
        }
    }

    /// How its columns are read, as if it had been loaded; of these, which are only approximately equal; and which are not
    /// compared.
    fn spec(
        &self,
        id: TableId,
        table: &Table,
        attributes: &[Attribute],
    ) -> (LoadSpec, Vec<usize>, Vec<(String, &'static str)>) {
        let (mut columns, mut approximate, mut refused) = (vec![], vec![], vec![]);
        for (at, (column, attribute)) in table.columns.iter().zip(attributes).enumerate() {
            match self.column(self.view.columns.get(at), &column.name, attribute) {
                Compared::Exactly(column) => columns.push(column),
                Compared::UpToLastDigits(column) if approximate.len() < MOST_APPROXIMATE => {
                    approximate.push(columns.len());
                    columns.push(column);
                }
                Compared::UpToLastDigits(_) => {
                    refused.push((attribute.name.clone(), "the view computes too many numbers"));
                }
                Compared::Not(reason) => refused.push((attribute.name.clone(), reason)),
            }
        }
        let timezone = loads(self.planned).map(|spec| &spec.timezone).next().cloned();
        let spec = LoadSpec {
            id,
            source: table.name.clone(),
            schema: self.view.schema.clone(),
            target: self.view.target.clone(),
            existing: None,
            source_key: vec![],
            reading: Default::default(),
            timezone: timezone.unwrap_or_else(|| "UTC".into()),
            loader: Default::default(),
            freeze: false,
            columns,
            renumbering: Box::default(),
        };
        (spec, approximate, refused)
    }

    fn column(&self, column: Option<&ViewColumn>, name: &str, attribute: &Attribute) -> Compared {
        let plain = LoadColumn {
            source: name.to_owned(),
            target: attribute.name.clone(),
            pg_type: attribute.pg_type.clone(),
            format: column.and_then(|column| column.format),
            not_null: false,
            on_invalid: OnInvalid::Error,
            null_values: Default::default(),
            words: Default::default(),
            texts: TextReading::default(),
            default: None,
            excess: Excess::Error,
            scale: None,
            srids: None,
        };
        if let Some(loaded) = column.and_then(|column| self.loaded(column)) {
            let (source, target) = (plain.source, plain.target);
            return Compared::Exactly(LoadColumn {
                source,
                target,
                not_null: false,
                default: None,
                ..loaded
            });
        }
        match attribute.pg_type.base() {
            PgType::Float4 | PgType::Float8 | PgType::Numeric(_) => Compared::UpToLastDigits(plain),
            PgType::Date | PgType::Time(_) | PgType::Timestamp(_) | PgType::TimestampTz(_)
                if plain.format.is_none() && column.is_none() =>
            {
                Compared::Not("which times its values are in the file is not known")
            }
            _ => Compared::Exactly(plain),
        }
    }

    /// The column of a table whose values a column has.
    fn loaded(&self, column: &ViewColumn) -> Option<LoadColumn> {
        let (table, name) = column.origin.as_ref()?;
        let spec = loads(self.planned).find(|spec| spec.source.eq_ignore_ascii_case(table))?;
        spec.columns.iter().find(|column| column.source.eq_ignore_ascii_case(name)).cloned()
    }
}

/// What a view over the table has of it.
fn with_columns(table: Table, columns: &[String]) -> Table {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let columns = table.columns.into_iter().filter(|column| has(&column.name)).collect();
    Table { columns, primary_key: None, without_rowid: true, indexes: vec![], ..table }
}

/// The view with its columns, or why SQLite cannot list them.
fn as_table(source: &sqlite::Source, view: View) -> Result<Result<Table, String>, sqlite::Error> {
    let mut catalog = Catalog { views: vec![view], ..Catalog::default() };
    sqlite::views_as_tables(source, &mut catalog)?;
    let problem = catalog.problems.pop().map(|problem| problem.reason);
    let table = catalog.tables.pop().map(|table| Table { without_rowid: true, ..table });
    Ok(table.ok_or_else(|| problem.unwrap_or_else(|| "SQLite cannot list its columns".into())))
}
