//! The functions by which the query of a collection shows vectors and metadata.

use std::sync::Arc;

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};

use super::Chroma;
use super::vectors::Vectors;
use crate::sqlite::raw;
use pg_sqlite_migrate_core::chroma::metadata::{Object, Value};

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
    let (segment, id) = (context.get_raw(0).as_str()?, context.get_raw(1).as_str()?);
    let Some(known) = chroma.of_segment(segment) else { return Ok(None) };
    let vectors = raw::with_connection(context, |connection| chroma.vectors(known, connection))??;
    read(&vectors, id)
}

/// `chroma_metadata(key, in an array, bool, string, integer, real)`: an object, or a list of the values alone.
struct Metadata {
    list: bool,
}

impl Aggregate<Object, Option<String>> for Metadata {
    fn init(&self, _: &mut Context<'_>) -> Result<Object> {
        Ok(Object::default())
    }

    fn step(&self, context: &mut Context<'_>, object: &mut Object) -> Result<()> {
        let mut values = (2..6).map(|at| context.get_raw(at));
        // A key without a value is not shown.
        let Some((at, value)) = values.by_ref().enumerate().find(|(_, v)| *v != ValueRef::Null) else {
            return Ok(());
        };
        let value = match value {
            ValueRef::Integer(i) if at == 0 => Value::Bool(i != 0),
            ValueRef::Integer(i) => Value::Integer(i),
            ValueRef::Real(r) => Value::Real(r),
            ValueRef::Text(_) => Value::Text(value.as_str()?),
            _ => return Err(Error::UserFunctionError("a value of metadata is a blob".into())),
        };
        let in_array = context.get::<i64>(1)? != 0;
        let key = if self.list { "" } else { context.get_raw(0).as_str()? };
        object.add(key, in_array, value);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, object: Option<Object>) -> Result<Option<String>> {
        let json = object.and_then(Object::finish);
        Ok(match self.list {
            false => json,
            true => json.and_then(|json| Some(json.strip_prefix("{\"\":")?.strip_suffix('}')?.to_owned())),
        })
    }
}
