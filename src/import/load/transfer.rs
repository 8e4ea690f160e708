//! SQLite table -> reader thread -> batches -> heap relation.

use std::sync::Arc;

use pgrx::pg_sys;

use super::reading::{self, Reading};
use super::sink::Sink;
use super::writer::Writer;
use super::{Loaded, Place};
use crate::error::Error;
use crate::import::notices::Loading;
use crate::pg::convert::{Converter, SinkColumn};
use crate::pg::encoding::server_is_utf8;
use crate::pg::heap_layout;
use crate::pg::progress::{Command, Progress, Work};
use crate::pg::relation::Attribute;
use crate::pg::settings::LocalSettings;
use crate::pg::thread;
use crate::pg::{types, vector};
use crate::sqlite::Source;
use crate::sqlite::recovery::Recovery;
use crate::sqlite::rows::{self, Around, Range, ReadColumn, ReadError, ReadPlan};
use pg_sqlite_migrate_core::plan::decide::invalid_values;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec, PlanError};
use pg_sqlite_migrate_core::value::batch::{Batch, Keep, OnInvalid};
use pg_sqlite_migrate_core::value::{Decoder, PgType, Timezone, Wire};

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
    let layout = heap_layout::of_batch(target.relation, &target.attributes, &wires);
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
    let reading =
        Reading { table: &spec.source, rowid: place.rowid, plan: &plan, wires, layout, cut: place.cut };
    let outcome = reading::read(source, &reading, |batch| writer.write(batch));
    let mut loaded = writer.finish(source, place.rowid, outcome.map_err(|e| read_error(e, source, spec)))?;
    loaded.written = note;
    Ok(loaded)
}

/// Reads a table as its load would, and gives the first cell that Rust cannot convert.
pub fn probe(source: &mut Source, spec: &LoadSpec, rowid: Option<&str>) -> Result<(), Error> {
    let plan = read_plan(spec, &planned_attributes(spec), rowid, None, &timezone(spec)?);
    let wires: Arc<[Wire]> = plan.columns.iter().map(wire).collect();
    let outcome = {
        let (source, plan) = (&mut *source, &plan);
        thread::run(move || {
            rows::read(source, plan, Range::ALL, Batch::new(wires), &mut |mut batch| {
                batch.clear();
                if thread::stopping() { Err(ReadError::Stopped) } else { Ok(batch) }
            })
            .map(drop)
        })
    };
    outcome.or_else(|e| read_error(e, source, spec).map_or(Ok(()), Err))
}

/// What the attributes are, or will be where the relation does not exist yet.
fn planned_attributes(spec: &LoadSpec) -> Vec<Attribute> {
    let _path = LocalSettings::safe_search_path();
    // PostGIS and pgvector may be created by the plan.
    let of_extension = |t: &PgType| t.is_postgis() || matches!(t.base(), PgType::Vector(_));
    let unmade = |t: &PgType| of_extension(t) && types::find(&t.to_string()).is_none();
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
    let ranged = rowid.map(|name| {
        let filter = rows::between(filter, name);
        rows::select(&spec.source, rowid, &terms, Some(&filter))
    });
    let around = recovery.map(|recovery| Around {
        recovery: recovery.clone(),
        list: rows::list(rowid, &terms),
        filter: filter.map(str::to_owned),
    });
    let keep = columns.iter().map(keep).max().unwrap_or(Keep::Nothing);
    let sizes = rowid.map(|rowid| rows::sizes(&spec.source, rowid, &terms, filter));
    ReadPlan { sql, ranged, sizes, around, has_rowid: rowid.is_some(), key, keep, columns }
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

fn keep(column: &ReadColumn) -> Keep {
    match (wire(column), column.on_invalid) {
        (wire, _) if !wire.has_texts() && !column.domain => Keep::Nothing,
        (_, OnInvalid::Reject) => Keep::Rows,
        _ => Keep::Names,
    }
}
