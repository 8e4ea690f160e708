//! SQLite table -> reader thread -> batches -> heap relation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use pgrx::pg_sys;

use super::sink::Sink;
use super::writer::Writer;
use super::{Loaded, Place};
use crate::error::Error;
use crate::import::notices::Loading;
use crate::pg::convert::{Converter, SinkColumn};
use crate::pg::encoding::server_is_utf8;
use crate::pg::progress::{Command, Progress, Work};
use crate::pg::relation::Attribute;
use crate::pg::settings::LocalSettings;
use crate::pg::thread::{self, Outbox};
use crate::pg::{types, vector};
use crate::sqlite::Source;
use crate::sqlite::recovery::Recovery;
use crate::sqlite::rows::{self, Around, ReadColumn, ReadError, ReadPlan};
use pg_sqlite_migrate_core::heap::{self, PAGE_BYTES, Page, PageWriter};
use pg_sqlite_migrate_core::plan::decide::invalid_values;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec, PlanError};
use pg_sqlite_migrate_core::value::batch::{Batch, Keep, OnInvalid, TARGET_BYTES};
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::{Decoder, PgType, Timezone, Wire};

/// Batches in flight: enough that neither side waits for the other's hiccups.
const BATCHES: usize = 8;
/// Bytes in flight before the reader waits: a batch of one large value is as large as the value.
const BYTES_IN_FLIGHT: usize = BATCHES * TARGET_BYTES;
/// How long the reader waits before it looks whether it should stop.
const TICK: Duration = Duration::from_millis(20);

/// The relation that is written.
pub struct Target {
    pub relation: pg_sys::Oid,
    /// The batch's columns in order.
    pub attributes: Vec<Attribute>,
    /// The relation that progress names: a staging table is not shown itself.
    pub shown_as: pg_sys::Oid,
}

/// Reads on the helper thread and writes here, until one of them is done.
pub fn run(source: &mut Source, spec: &LoadSpec, target: &Target, place: Place<'_>) -> Result<Loaded, Error> {
    let timezone = timezone(spec)?;
    let plan = read_plan(spec, &target.attributes, place.rowid, place.recovery, &timezone);
    let wires: Arc<[Wire]> = plan.columns.iter().map(wire).collect();
    let columns: Vec<SinkColumn> = (spec.columns.iter())
        .map(|c| SinkColumn {
            policy: c.on_invalid,
            null_values: c.null_values.clone(),
            not_null: c.not_null,
        })
        .collect();
    let (sink, note) = Sink::open(spec, target)?;
    let converter = Converter::new(&target.attributes, &wires, &columns, &timezone);
    let page_writer = sink.page_writer().filter(|_| !converter.is_needed());
    let mut writer = Writer::new(
        converter,
        sink,
        Progress::start(Command {
            work: Work::Load,
            relation: target.shown_as,
            run: place.rejects.run,
            table_number: place.table_number,
            tables: place.tables,
            tuples_total: place.rows_expected,
        }),
        Loading::new(
            place.notices,
            (&spec.schema, &spec.target),
            u64::try_from(place.rows_expected).ok().filter(|rows| *rows > 0),
        ),
        spec,
        place.rejects,
    );
    let flight = Arc::new(AtomicUsize::new(0));
    let (recycle, empty) = channel();
    for _ in 1..BATCHES {
        put_back(&recycle, Parcel { batch: Batch::new(wires.clone()), ..Parcel::default() });
    }
    let outcome = {
        let (source, plan, in_flight) = (&mut *source, &plan, flight.clone());
        let job = move |mut out: Outbox<'_, Parcel>| {
            let mut packer = Packer { empty, in_flight, page_writer, emptied: vec![] };
            let read = rows::read(source, plan, Batch::new(wires), &mut |batch| {
                let parcel = packer.pack(batch)?;
                if out.send(parcel) { packer.next() } else { Err(ReadError::Stopped) }
            })?;
            if out.send(packer.rest()?) { Ok(read) } else { Err(ReadError::Stopped) }
        };
        thread::run_with(job, |mut parcel: Parcel| {
            let size = parcel.size();
            writer.write(&mut parcel);
            parcel.clear();
            flight.fetch_sub(size, Ordering::AcqRel);
            put_back(&recycle, parcel);
        })
    };
    let mut loaded = writer.finish(source, place.rowid, outcome.map_err(|e| read_error(e, source, spec)))?;
    loaded.notes.extend(note);
    Ok(loaded)
}

/// Reads a table as its load would, and gives the first cell that Rust cannot convert.
pub fn probe(source: &mut Source, spec: &LoadSpec, rowid: Option<&str>) -> Result<(), Error> {
    let plan = read_plan(spec, &planned_attributes(spec), rowid, None, &timezone(spec)?);
    let wires: Arc<[Wire]> = plan.columns.iter().map(wire).collect();
    let outcome = {
        let (source, plan) = (&mut *source, &plan);
        thread::run(move || {
            rows::read(source, plan, Batch::new(wires), &mut |mut batch| {
                batch.clear();
                if thread::stopping() { Err(ReadError::Stopped) } else { Ok(batch) }
            })
        })
    };
    outcome.map(drop).or_else(|e| read_error(e, source, spec).map_or(Ok(()), Err))
}

/// What the attributes are, or will be where the relation does not exist yet.
fn planned_attributes(spec: &LoadSpec) -> Vec<Attribute> {
    let _path = LocalSettings::safe_search_path();
    // PostGIS may be created by the plan.
    let unmade = |pg_type: &PgType| pg_type.is_postgis() && types::find(&pg_type.to_string()).is_none();
    let attribute = |(i, c): (usize, &LoadColumn)| Attribute {
        name: c.target.clone(),
        attnum: i as i16 + 1,
        pg_type: if unmade(&c.pg_type) { c.pg_type.clone() } else { types::named(&c.pg_type) },
        domain: false,
        type_oid: pg_sys::InvalidOid,
        typmod: -1,
    };
    spec.columns.iter().enumerate().map(attribute).collect()
}

/// What the reader passes on, and gets back emptied.
#[derive(Default)]
pub struct Parcel {
    pub batch: Batch,
    pub pages: Vec<Page>,
    /// So many of its first rows are on pages: these, or those of the next parcel.
    pub formed: usize,
    /// The page that the next row goes to, from the first row on that the server has to place.
    pub open: Option<Page>,
}

impl Parcel {
    /// Memory, in bytes.
    fn size(&self) -> usize {
        self.batch.size() + self.pages.len() * PAGE_BYTES
    }

    fn clear(&mut self) {
        self.batch.clear();
        self.pages.clear();
        self.formed = 0;
        self.open = None;
    }
}

/// The reader's side: makes parcels of full batches.
struct Packer {
    empty: Receiver<Parcel>,
    in_flight: Arc<AtomicUsize>,
    /// Where rows can be placed on pages before they reach the server: until one comes that it has a part in, so that no page
    /// is left half full where it goes on.
    page_writer: Option<PageWriter>,
    /// The pages of the parcel whose batch is being filled.
    emptied: Vec<Page>,
}

impl Packer {
    fn pack(&mut self, mut batch: Batch) -> Result<Parcel, ReadError> {
        let mut parcel = Parcel::default();
        if let Some(writer) = &mut self.page_writer {
            parcel.formed = heap::form(&batch, writer).map_err(no_memory)?;
            let needs_server = parcel.formed < batch.rows();
            parcel.open = if needs_server { writer.hand_over() } else { None };
            parcel.pages = writer.take_full(std::mem::take(&mut self.emptied)).map_err(no_memory)?;
            if needs_server {
                self.page_writer = None;
            }
        }
        batch.seal();
        parcel.batch = batch;
        self.in_flight.fetch_add(parcel.size(), Ordering::AcqRel);
        Ok(parcel)
    }

    /// The last page, when all rows are read.
    fn rest(&mut self) -> Result<Parcel, ReadError> {
        self.page_writer.iter_mut().for_each(PageWriter::close);
        self.pack(Batch::default())
    }

    /// The next empty batch.
    fn next(&mut self) -> Result<Batch, ReadError> {
        while self.in_flight.load(Ordering::Acquire) > BYTES_IN_FLIGHT {
            if thread::stopping() {
                return Err(ReadError::Stopped);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        loop {
            match self.empty.recv_timeout(TICK) {
                Ok(_) | Err(RecvTimeoutError::Timeout) if thread::stopping() => {
                    return Err(ReadError::Stopped);
                }
                Ok(parcel) => {
                    self.emptied = parcel.pages;
                    return Ok(parcel.batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ReadError::Stopped),
            }
        }
    }
}

fn no_memory(_: OutOfMemory) -> ReadError {
    ReadError::NoMemory(Box::default())
}

/// The reader is gone once it has read everything.
fn put_back(recycle: &Sender<Parcel>, parcel: Parcel) {
    let _ = recycle.send(parcel);
}

fn read_error(error: ReadError, source: &Source, spec: &LoadSpec) -> Option<Error> {
    match error {
        ReadError::Sqlite(e) => Some(source.error(e).within(&spec.source).into()),
        ReadError::Source(e) => Some(e.within(&spec.source).into()),
        ReadError::Cell(cell) => {
            let hint = invalid_values::of_cell(spec, &cell.invalid());
            Some(Error::Cell { table: spec.source.clone(), cell, hint })
        }
        ReadError::NoMemory(place) => Some(Error::Memory { table: spec.source.clone(), place: *place }),
        // Only the writer stops a reader, and it has the reason.
        ReadError::Stopped => None,
    }
}

fn wire(column: &ReadColumn) -> Wire {
    match column.decoder.wire() {
        Wire::Varlena if column.text_as_input => Wire::Input,
        wire => wire,
    }
}

fn timezone(spec: &LoadSpec) -> Result<Timezone, Error> {
    Timezone::parse(&spec.timezone).map_err(|message| {
        let hint = "Use a name such as \"UTC\" or \"Europe/Zurich\".".into();
        Error::Plan(PlanError::Invalid { path: "plan.timezone".into(), message, hint })
    })
}

fn read_plan(
    spec: &LoadSpec,
    attributes: &[Attribute],
    rowid: Option<&str>,
    recovery: Option<&Recovery>,
    timezone: &Timezone,
) -> ReadPlan {
    let columns: Vec<ReadColumn> = (spec.columns.iter().zip(attributes))
        .map(|(column, attribute)| read_column(column, attribute, timezone))
        .collect();
    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    let key = (spec.source_key.iter())
        .filter_map(|k| names.iter().position(|n| n.eq_ignore_ascii_case(k)))
        .collect();
    let terms: Vec<String> = names.iter().map(|name| spec.reading.term(name)).collect();
    let filter = spec.reading.filter.as_deref();
    let sql = rows::select(&spec.source, rowid, &terms, filter);
    let around = recovery.map(|recovery| Around {
        recovery: recovery.clone(),
        list: rows::list(rowid, &terms),
        filter: filter.map(str::to_owned),
    });
    let keep = columns.iter().map(keep).max().unwrap_or(Keep::Nothing);
    let sizes = rowid.map(|rowid| rows::sizes(&spec.source, rowid, &terms, filter));
    ReadPlan { sql, sizes, around, has_rowid: rowid.is_some(), key, keep, columns }
}

fn read_column(column: &LoadColumn, attribute: &Attribute, timezone: &Timezone) -> ReadColumn {
    let base = attribute.pg_type.base();
    // To its input function citext is text.
    let base = if column.texts.of_bytes && base.is_citext() { &PgType::Text } else { base };
    let text = matches!(base, PgType::Text | PgType::Varchar(_));
    ReadColumn {
        name: column.source.clone(),
        pg_type: attribute.pg_type.to_string(),
        // The type that the column really has decides, not the plan's spelling of it.
        decoder: Decoder::new(base, column.format, timezone)
            .with_words(column.words.clone())
            .with_scale(column.scale)
            .with_srids(column.srids)
            .with_texts(column.texts)
            .with_vectors(vector::stored(attribute)),
        on_invalid: column.on_invalid,
        null_values: column.null_values.clone(),
        texts: column.texts,
        excess: column.excess,
        not_null: column.not_null,
        text_as_input: text && !server_is_utf8(),
        domain: attribute.domain,
    }
}

/// The server makes the column's values of texts, or checks them.
fn needs_server(column: &ReadColumn) -> bool {
    wire(column).has_texts() || column.domain
}

fn keep(column: &ReadColumn) -> Keep {
    match column.on_invalid {
        _ if !needs_server(column) => Keep::Nothing,
        OnInvalid::Reject => Keep::Rows,
        _ => Keep::Names,
    }
}
