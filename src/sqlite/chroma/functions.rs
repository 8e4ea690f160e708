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

fn unmade(why: Unmade) -> Error {
    match why {
        Unmade::Memory(memory) => no_memory(memory),
        Unmade::TooLarge => Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), None),
    }
}

impl Aggregate<Object, Made> for Metadata {
    fn init(&self, _: &mut Context<'_>) -> Result<Object> {
        Ok(Object::default())
    }

    fn step(&self, context: &mut Context<'_>, object: &mut Object) -> Result<()> {
        let mut values = (2..6).map(|at| context.get_raw(at)).enumerate();
        // A key without a value is not shown.
        let Some((at, value)) = values.find(|(_, value)| *value != ValueRef::Null) else { return Ok(()) };
        let value = match value {
            ValueRef::Integer(i) if at == 0 => Value::Bool(i != 0),
            ValueRef::Integer(i) => Value::Integer(i),
            ValueRef::Real(r) => Value::Real(r),
            _ => Value::Text(value.as_bytes()?),
        };
        let in_array = context.get::<i64>(1)? != 0;
        let key = if self.list { b"" } else { context.get_raw(0).as_bytes()? };
        object.add(key, in_array, value).map_err(unmade)
    }

    /// With a text that is no UTF-8 it is a blob, which is no JSON.
    fn finalize(&self, _: &mut Context<'_>, object: Option<Object>) -> Result<Made> {
        let Some(json) = object.unwrap_or_default().finish().map_err(unmade)? else { return Ok(Made::Null) };
        let json = match self.list {
            false => json,
            true => {
                let list = json.strip_prefix(b"{\"\":").and_then(|json| json.strip_suffix(b"}"));
                buffer::bytes(list.unwrap_or_default()).map_err(no_memory)?
            }
        };
        Ok(String::from_utf8(json).map_or_else(|odd| Made::Blob(odd.into_bytes()), Made::Text))
    }
}
