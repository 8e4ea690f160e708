//! The manifest of a file: every table that the plan loads, read once, and nothing of it kept.

use serde_json::Value;

use crate::error::Error;
use crate::import::survey::{self, Survey};
use crate::pg::reprint::Reprint;
use crate::pg::types;
use crate::sqlite;
use crate::sqlite::ordered::{Ordered, Part};
use crate::sqlite::rows::CellPlace;
use crate::verify::values;
use pg_sqlite_migrate_core::catalog::KeyFactKind;
use pg_sqlite_migrate_core::ddl::reads_clock;
use pg_sqlite_migrate_core::manifest::array::Texts;
use pg_sqlite_migrate_core::manifest::document::File;
use pg_sqlite_migrate_core::manifest::form::Form;
use pg_sqlite_migrate_core::manifest::source::{Refused, SourceColumn, SourceSums};
use pg_sqlite_migrate_core::plan::{Action, LoadColumn, LoadSpec, OnInvalid, Orphans, Planned, Step};
use pg_sqlite_migrate_core::value::batch::RowName;
use pg_sqlite_migrate_core::value::{PgType, Timezone};
use pg_sqlite_migrate_core::verify::back::{Facts, Way};

pub fn make(path: Option<&str>, plan: Option<Value>) -> Result<Value, Error> {
    let mut survey = survey::survey(path, plan)?;
    survey.tell_unrun();
    let planned = survey::apart(&mut survey)?;
    let made = of_plan(&mut survey, &planned);
    // An error may come of a file that was changed while it was read: that is the error then.
    survey.source.prove()?;
    made
}

/// What a plan makes of an open file.
pub fn of_plan(survey: &mut Survey, planned: &Planned) -> Result<Value, Error> {
    let mut specs: Vec<LoadSpec> = planned.steps.iter().filter_map(loaded).collect();
    specs.sort_by_key(|spec| spec.id);
    let mut tables = vec![];
    for spec in &specs {
        let read = match unchecked(survey, planned, spec) {
            Some(reason) => Err(reason),
            None => read(survey, spec)?,
        };
        tables.push((spec, read));
    }
    let version = env!("CARGO_PKG_VERSION");
    Ok(File { catalog: &survey.catalog, version, tables }.json())
}

/// What a step loads. A domain that the plan names is known by its base type, whose form its values have.
fn loaded(step: &Step) -> Option<LoadSpec> {
    let Action::Load(spec) = &step.action else { return None };
    let mut spec = LoadSpec::clone(spec);
    for column in &mut spec.columns {
        let named = match &column.pg_type {
            PgType::UserDefined(name) => types::find(name).map(|(oid, typmod)| types::of(oid, typmod)),
            _ => None,
        };
        if let Some(domain @ PgType::Domain { .. }) = named {
            column.pg_type = domain;
        }
    }
    Some(spec)
}

/// Why the rows of a table are not those of the file, or cannot be read.
fn unchecked(survey: &Survey, planned: &Planned, spec: &LoadSpec) -> Option<String> {
    let is_orphan =
        |kind: &KeyFactKind| matches!(kind, KeyFactKind::Orphan { .. } | KeyFactKind::CascadedOrphan { .. });
    let has_orphans = survey.key_facts.iter().any(|fact| fact.table == spec.source && is_orphan(&fact.kind));
    let of_existing = spec.existing.iter().flat_map(|into| &into.orphans);
    let changes_orphans = planned.orphans().chain(of_existing).any(|orphans| {
        (&orphans.schema, &orphans.table) == (&spec.schema, &spec.target)
            && matches!(orphans.policy, Orphans::Reject | Orphans::Null)
    });
    let may_refuse = |column: &LoadColumn| {
        matches!(column.pg_type, PgType::Domain { .. })
            && matches!(column.on_invalid, OnInvalid::Null | OnInvalid::Reject)
    };
    let reason = if survey.damage.of(&spec.source).is_some() {
        "its pages in the file are damaged"
    } else if spec.reading.filter.as_deref().is_some_and(reads_clock) {
        "its condition selects other rows at another moment"
    } else if spec.renumbering.any() {
        "a load may renumber keys of its rows"
    } else if spec.existing.as_ref().is_some_and(|into| into.conflict.is_some()) {
        "what a load does depends on the rows that the table has"
    } else if has_orphans && changes_orphans {
        "a load rejects or changes its rows without a parent"
    } else if spec.columns.iter().any(may_refuse) {
        "a domain's checks may refuse values"
    } else {
        return None;
    };
    Some(reason.to_owned())
}

/// The rows of a table, or why they cannot be read.
fn read(survey: &mut Survey, spec: &LoadSpec) -> Result<Result<SourceSums, String>, Error> {
    let Some(table) = survey.catalog.table(&spec.source) else {
        return Ok(Err("the file has no such table".into()));
    };
    let Some((columns, mut printers)) = columns(spec).zip(Printers::of(spec)) else {
        return Ok(Err(format!("there is no time zone \"{}\"", spec.timezone)));
    };
    let terms: Vec<String> = spec.columns.iter().map(|column| spec.reading.term(&column.source)).collect();
    let ordered = Ordered {
        table: &spec.source,
        rowid: table.rowid_name(),
        terms: &terms,
        filter: spec.reading.filter.as_deref(),
        key: &[],
        by_rowid: false,
        part: Part::All,
    };
    let (mut sums, mut failed) = (SourceSums::new(columns), None);
    let read = values::read(&mut survey.source, &ordered, |rows| {
        let mut print = |column: usize, text: &str| printers.print(column, text);
        // Batches that are under way still come after one that has failed.
        for row in 0..rows.count() {
            if failed.is_some() {
                break;
            }
            let added = sums.add(|column| rows.cell(row, column), &mut print);
            failed = added.err().map(|at| (rows.rowid(row), at.column));
        }
        failed.is_none()
    });
    if let Some((rowid, column)) = failed {
        let column = spec.columns.get(column).map(|column| column.source.clone());
        let place = CellPlace { row: rowid.map(RowName::Rowid), column };
        return Err(Error::Memory { table: spec.source.clone(), place });
    }
    match read {
        Ok(()) => Ok(Ok(sums)),
        // A file may have been damaged since, or no check have found it.
        Err(Error::Sqlite(error @ sqlite::Error::Corrupt { .. })) => Ok(Err(error.to_string())),
        Err(error) => Err(survey.blame(&spec.source, error)?),
    }
}

/// `None` for a time zone that there is not.
fn columns(spec: &LoadSpec) -> Option<Vec<SourceColumn>> {
    let column = |column: &LoadColumn| {
        Some(SourceColumn {
            way: Way::new(column, &column.pg_type, &spec.timezone, Facts::default())?,
            form: Form::of(&column.pg_type),
            texts: Texts::of(&column.pg_type, column.format),
            on_invalid: column.on_invalid,
        })
    };
    spec.columns.iter().map(column).collect()
}

/// What prints the values of the columns whose types the server alone knows.
struct Printers {
    columns: Vec<Option<Reprint>>,
    timezone: Timezone,
}

impl Printers {
    fn of(spec: &LoadSpec) -> Option<Printers> {
        let printed = |column: &LoadColumn| Form::of(&column.pg_type) == Form::Printed;
        let reprint =
            |column: &LoadColumn| printed(column).then(|| Reprint::of(&column.pg_type.to_string())).flatten();
        let timezone = Timezone::parse(&spec.timezone).ok()?;
        Some(Printers { columns: spec.columns.iter().map(reprint).collect(), timezone })
    }

    /// Of a type that the plan still has to create, a text is its own print.
    fn print(&mut self, column: usize, text: &str) -> Result<String, Refused> {
        match self.columns.get_mut(column).and_then(Option::as_mut) {
            Some(reprint) => reprint.print(text, &self.timezone).ok_or(Refused),
            None => Ok(text.to_owned()),
        }
    }
}
