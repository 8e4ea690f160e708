//! Where a load's rows go: onto pages of the table's file, or through the heap's own insertion.

use pgrx::PgSqlErrorCode;

use super::transfer::Target;
use crate::error::Error;
use crate::guc;
use crate::pg::freeze;
use crate::pg::loaded_rows::LoadedRows;
use crate::pg::page_sink::PageSink;
use crate::pg::row_sink::{RowSink, Written};
use pg_sqlite_migrate_core::finding::Fix;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::plan::given::words::Loader;
use pg_sqlite_migrate_core::sqltext::qualified;
use pg_sqlite_migrate_core::value::batch::Batch;

pub enum Sink {
    Rows(RowSink),
    Pages(PageSink),
}

impl Sink {
    /// Opens the relation for writing as the plan wants it; beside it what people should know of the choice.
    pub fn open(spec: &LoadSpec, target: &Target) -> Result<(Sink, Option<String>), Error> {
        if spec.freeze {
            return Sink::open_frozen(spec, target);
        }
        let rows = || Sink::Rows(RowSink::open(target.relation, &target.attributes, Written::Plain));
        let not_null: Vec<bool> = spec.columns.iter().map(|column| column.not_null).collect();
        let pages = match (spec.loader, guc::direct_load()) {
            (Loader::Rows, _) => return Ok((rows(), None)),
            (_, false) => Err("pg_sqlite_migrate.direct_load is off"),
            (_, true) => PageSink::open(target.relation, &target.attributes, &not_null),
        };
        match pages {
            Ok(sink) => Ok((Sink::Pages(sink), Some("written as pages".into()))),
            Err(reason) if spec.loader == Loader::Pages => Err(no_pages(spec, reason)),
            // Of a table that was there before nothing else is expected.
            Err(reason) => {
                let note = spec.existing.is_none().then(|| format!("inserted as rows: {reason}"));
                Ok((rows(), note))
            }
        }
    }

    /// The server sets the visibility map as it inserts frozen rows; pages that are appended would need one of their own.
    fn open_frozen(spec: &LoadSpec, target: &Target) -> Result<(Sink, Option<String>), Error> {
        if spec.loader == Loader::Pages {
            return Err(no_pages(spec, "its rows are to be frozen, and so the server inserts them"));
        }
        freeze::check(target.relation).map_err(|reason| no_frozen_rows(spec, reason))?;
        let rows = RowSink::open(target.relation, &target.attributes, Written::Frozen);
        Ok((Sink::Rows(rows), Some("inserted as frozen rows".into())))
    }

    /// Writes the rows of a batch, of which every word is a datum, or will be once the batch is sealed.
    pub fn insert(&mut self, batch: &mut Batch) {
        match self {
            Sink::Rows(sink) => sink.insert(batch),
            Sink::Pages(sink) => sink.insert(batch),
        }
    }

    /// Ends the load and makes its rows visible to the next command. Returns which rows they are.
    pub fn finish(self) -> LoadedRows {
        match self {
            Sink::Rows(sink) => sink.finish(),
            Sink::Pages(sink) => sink.finish(),
        }
    }
}

/// The plan wants frozen rows, and the table must not have them.
pub fn no_frozen_rows(spec: &LoadSpec, reason: &str) -> Error {
    let fix = Fix::of_table(&spec.source, "freeze", false);
    let hint = fix.hint(" to have its rows inserted like any others");
    refused(
        format!("rows of relation {} cannot be written frozen", name(spec)),
        ("freeze", "true"),
        reason,
        hint,
    )
}

/// The plan wants pages, and the table must not have them.
pub fn no_pages(spec: &LoadSpec, reason: &str) -> Error {
    let hint = Fix::of_table(&spec.source, "loader", "auto").hint(" to have its rows inserted");
    let message = format!("relation {} cannot be written as pages", name(spec));
    refused(message, ("loader", "\"pages\""), reason, hint)
}

fn name(spec: &LoadSpec) -> String {
    qualified(&spec.schema, &spec.target)
}

fn refused(message: String, (key, value): (&str, &str), reason: &str, hint: String) -> Error {
    Error::Foreign {
        sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message,
        detail: Some(format!("The plan's \"{key}\" is {value}, but {reason}.")),
        hint: Some(hint),
    }
}
