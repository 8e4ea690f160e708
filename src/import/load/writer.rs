//! The backend's side of a load: batches into the heap, what does not fit into the log, progress for others.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};

use super::Loaded;
use super::sink::Sink;
use crate::error::Error;
use crate::import::log::Rejects;
use crate::import::notices::Loading;
use crate::import::survey;
use crate::pg::convert::{Converter, Refused};
use crate::pg::progress::Progress;
use crate::pg::thread;
use crate::pg::xact::{self, Caught};
use crate::sqlite::Source;
use crate::sqlite::recovery::UnreadableRanges;
use crate::sqlite::rows::{self, CellError, CellPlace};
use pg_sqlite_migrate_core::finding::{Fix, counted};
use pg_sqlite_migrate_core::plan::decide::invalid_values;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec};
use pg_sqlite_migrate_core::sqltext::sqlite_literal;
use pg_sqlite_migrate_core::value::Excess;
use pg_sqlite_migrate_core::value::batch::{Batch, Became, Origin, RejectedRow, RowName};
use pg_sqlite_migrate_core::value::buffer::Buffer;

/// Rows of fewer columns fit on a page: longer values are moved out, and take less than 27 bytes then.
const WIDE: usize = 300;

pub struct Writer<'a> {
    converter: Converter,
    sink: Sink,
    progress: Progress,
    loading: Loading<'a>,
    spec: &'a LoadSpec,
    rejects: Rejects,
    loaded: Loaded,
    bytes: u64,
    failed: Option<Box<Refused>>,
}

impl<'a> Writer<'a> {
    pub fn new(
        converter: Converter,
        sink: Sink,
        progress: Progress,
        loading: Loading<'a>,
        spec: &'a LoadSpec,
        rejects: Rejects,
    ) -> Writer<'a> {
        let loaded = Loaded::default();
        Writer { converter, sink, progress, loading, spec, rejects, loaded, bytes: 0, failed: None }
    }

    /// Takes one batch. After a failure the rest is passed over until the reader has stopped. Where the server has no
    /// room for a row, the error names it.
    pub fn write(&mut self, batch: &mut Batch) {
        if self.failed.is_some() {
            return;
        }
        let row = batch.large.clone();
        if row.is_none() && self.spec.columns.len() < WIDE {
            return self.write_rows(batch);
        }
        if let Err(caught) = xact::explaining(|| self.write_rows(batch)) {
            raise(self.spec, row, caught);
        }
    }

    fn write_rows(&mut self, batch: &mut Batch) {
        self.bytes += batch.source_bytes;
        self.keep(std::mem::take(&mut batch.rejected));
        match self.converter.convert(batch) {
            Ok(refused) => {
                let rows = refused.into_iter().map(|r| self.rejected_row(r)).collect();
                self.keep(rows);
            }
            Err(refused) => {
                self.failed = Some(refused);
                return thread::stop();
            }
        }
        self.sink.insert(batch);
        self.loaded.imported += batch.rows() as u64;
        let loaded = &mut self.loaded;
        for counts in [&mut loaded.nulled, &mut loaded.shortened, &mut loaded.converted] {
            counts.resize(self.spec.columns.len(), 0);
        }
        for (column, became) in batch.changes() {
            let counts = match became {
                Became::Null => &mut loaded.nulled,
                Became::Shortened => &mut loaded.shortened,
                Became::Converted => &mut loaded.converted,
                Became::MeantNull => {
                    loaded.meant_null += 1;
                    continue;
                }
            };
            counts.get_mut(column).into_iter().for_each(|count| *count += 1);
        }
        if self.converter.take_failed() {
            self.progress.resume();
        }
        self.progress.update(self.bytes, self.loaded.imported, self.loaded.rejected);
        self.loading.rows(self.loaded.imported + self.loaded.rejected);
    }

    /// Closes the relation; `outcome` is the reader's, `None` where it was only told to stop.
    pub fn finish(
        self,
        source: &mut Source,
        rowid: Option<&'static str>,
        outcome: Result<Option<UnreadableRanges>, Option<Error>>,
    ) -> Result<Loaded, Error> {
        let rows = self.sink.finish();
        let mut loaded = self.loaded;
        if let Some(refused) = self.failed {
            return Err(refusal(*refused, source, rowid, self.spec)?);
        }
        match outcome {
            Ok(lost) => {
                let columns = self.spec.columns.iter().zip(&loaded.shortened);
                let shortened: Vec<String> =
                    columns.filter_map(|(column, count)| shortened(column, *count)).collect();
                loaded.notes.extend(shortened);
                let columns =
                    self.spec.columns.iter().zip(&loaded.converted).filter(|(_, count)| **count > 0);
                loaded.notes.extend(
                    columns.map(|(c, count)| format!("\"{}\": {}", c.target, c.texts.describe(*count))),
                );
                loaded.notes.extend(lost.map(|lost| lost.say()));
                Ok(Loaded { rows: Some(rows), ..loaded })
            }
            Err(Some(error)) => Err(error),
            Err(None) => {
                let cancelled = PgSqlErrorCode::ERRCODE_QUERY_CANCELED;
                Err(Error::server(cancelled, "the load was stopped".into()))
            }
        }
    }

    fn keep(&mut self, rows: Vec<RejectedRow>) {
        self.loaded.rejected += rows.len() as u64;
        self.rejects.write(self.spec, &rows);
    }

    fn rejected_row(&self, refused: Refused) -> RejectedRow {
        let column = self.spec.columns.get(refused.column);
        let nobody = || Origin { row: RowName::Key(String::new()), values: Buffer::new() };
        let Origin { row, values } = refused.row.unwrap_or_else(nobody);
        RejectedRow {
            row,
            values,
            column: column.map(|c| c.source.clone()).unwrap_or_default(),
            error: refused.error.message,
        }
    }
}

/// The error of a row that is too large for the server.
fn raise(spec: &LoadSpec, row: Option<RowName>, caught: Caught) -> ! {
    let too_large = caught.sqlstate == PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    let error = match row {
        Some(row) if caught.sqlstate == PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY => {
            Error::Memory { table: spec.source.clone(), place: CellPlace { row: Some(row), column: None } }
        }
        Some(row) if too_large => Error::from(Caught {
            detail: Some(format!("Row with {row} of table \"{}\" was to be written.", spec.source)),
            ..caught
        }),
        None if too_large => Error::from(Caught {
            detail: Some(format!("A row of table \"{}\" was to be written.", spec.source)),
            hint: Some(Fix::of_plan("profile", "full").hint(" to have it found before the load")),
            ..caught
        }),
        _ => Error::from(caught),
    };
    ErrorReport::from(error).report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// How many values of a column have lost digits or characters, for people.
fn shortened(column: &LoadColumn, count: u64) -> Option<String> {
    let verb = if column.excess == Excess::Round { "rounded" } else { "cut off" };
    let (one, many) = (
        format!("value of \"{}\" was {verb}", column.target),
        format!("values of \"{}\" were {verb}", column.target),
    );
    (count > 0).then(|| counted(count, &one, &many))
}

/// The error for a value that an input function refused: its cell as SQLite holds it, read again by its rowid.
fn refusal(
    refused: Refused,
    source: &mut Source,
    rowid: Option<&'static str>,
    spec: &LoadSpec,
) -> Result<Error, Error> {
    let column = spec.columns.get(refused.column);
    let name = column.map(|c| c.source.clone()).unwrap_or_default();
    let row = refused.row.map_or(RowName::Key("unknown key".into()), |origin| origin.row);
    if refused.error.sqlstate == PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY {
        let place = CellPlace { row: Some(row), column: Some(name) };
        return Ok(Error::Memory { table: spec.source.clone(), place });
    }
    let stored = match (rowid, row.rowid()) {
        (Some(alias), Some(n)) => {
            let term = spec.reading.term(&name);
            survey::on_thread(source, move |source| rows::cell_at(source, &spec.source, alias, n, term))?
        }
        _ => None,
    };
    let (storage_class, value) = stored.unwrap_or(("stored", sqlite_literal(&refused.value)));
    let pg_type = column.map(|c| c.pg_type.to_string()).unwrap_or_default();
    let cell = CellError {
        row,
        column: name,
        pg_type,
        storage_class,
        excess: None,
        texts: None,
        too_large: false,
        value,
        reason: refused.error.message,
    };
    let hint = invalid_values::of_cell(spec, &cell.invalid());
    let (table, cell, sqlstate) = (spec.source.clone(), Box::new(cell), refused.error.sqlstate);
    Ok(Error::Input { table, cell, sqlstate, hint })
}
