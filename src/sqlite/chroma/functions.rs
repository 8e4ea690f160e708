//! The functions by which the query of a collection shows vectors and metadata.
#![deny(clippy::disallowed_methods)]

use std::sync::Arc;

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value as Made, ValueRef};
use rusqlite::{Connection, Error, Result, ffi};

use super::Chroma;
use super::vectors::Vectors;
use crate::sqlite::raw;
use crate::sqlite::relations::no_memory;
use pg_sqlite_migrate_core::chroma::metadata::{Object, Unmade, Value};
use pg_sqlite_migrate_core::value::buffer;

/// Only for queries of this program: nothing in a file's schema calls them.
const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DIRECTONLY);

pub(in crate::sqlite) fn register(connection: &Connection, chroma: &Arc<Chroma>) -> Result<()> {
    let of = chroma.clone();
    connection.create_scalar_function("chroma_element", 2, FLAGS, move |context| {
        with_vectors(&of, context, |vectors, id| vectors.element(id))
    })?;
    let of = chroma.clone();
    connection.create_scalar_function("chroma_row", 2, FLAGS, move |context| {
        with_vectors(&of, context, |vectors, id| Ok(vectors.row(id)))
    })?;
    connection.create_aggregate_function("chroma_metadata", 6, FLAGS, Metadata { list: false })?;
    connection.create_aggregate_function("chroma_list", 6, FLAGS, Metadata { list: true })
}

/// Arguments: the collection's metadata segment, and the id of a record.
fn with_vectors<T>(
    chroma: &Chroma,
    context: &Context<'_>,
    read: impl FnOnce(&Vectors, &str) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let (Ok(segment), Ok(id)) = (context.get_raw(0).as_str(), context.get_raw(1).as_str()) else {
        return Ok(None);
    };
    let Some(known) = chroma.of_segment(segment) else { return Ok(None) };
    let vectors = raw::with_connection(context, |connection| chroma.vectors(known, connection))??;
    read(&vectors, id)
}

/// `chroma_metadata(key, in an array, bool, string, integer, real)`: an object, or a list of the values alone.
struct Metadata {
    list: bool,
}

/// What is made of the rows.
#[derive(Default)]
struct Making {
    object: Object,
    /// A value is none that ChromaDB writes.
    odd: bool,
}

fn unmade(why: Unmade) -> Error {
    match why {
        Unmade::Memory(memory) => no_memory(memory),
        Unmade::TooLarge => Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), None),
    }
}

impl Aggregate<Making, Made> for Metadata {
    fn init(&self, _: &mut Context<'_>) -> Result<Making> {
        Ok(Making::default())
    }

    fn step(&self, context: &mut Context<'_>, making: &mut Making) -> Result<()> {
        let mut values = (2..6).map(|at| context.get_raw(at));
        // A key without a value is not shown.
        let Some((at, value)) = values.by_ref().enumerate().find(|(_, v)| *v != ValueRef::Null) else {
            return Ok(());
        };
        let value = match value {
            ValueRef::Integer(i) if at == 0 => Some(Value::Bool(i != 0)),
            ValueRef::Integer(i) => Some(Value::Integer(i)),
            ValueRef::Real(r) => Some(Value::Real(r)),
            _ => value.as_str().ok().map(Value::Text),
        };
        let in_array = context.get::<i64>(1)? != 0;
        let key = if self.list { Some("") } else { context.get_raw(0).as_str().ok() };
        match key.zip(value) {
            Some((key, value)) => making.object.add(key, in_array, value).map_err(unmade),
            None => {
                making.odd = true;
                Ok(())
            }
        }
    }

    /// Values of which there is no JSON are a blob without a byte, which does not fit: what becomes of the record the plan
    /// says.
    fn finalize(&self, _: &mut Context<'_>, making: Option<Making>) -> Result<Made> {
        let Making { object, odd } = making.unwrap_or_default();
        let json = object.finish().map_err(unmade)?;
        if odd {
            return Ok(Made::Blob(vec![]));
        }
        Ok(match json {
            None => Made::Null,
            Some(json) if !self.list => Made::Text(json),
            Some(json) => {
                let list = json.strip_prefix("{\"\":").and_then(|json| json.strip_suffix('}'));
                Made::Text(buffer::text(list.unwrap_or_default()).map_err(no_memory)?)
            }
        })
    }
}
