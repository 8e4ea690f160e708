//! sqlite-vec's tables, read from their shadow tables: the module `vec0`, as far as reading goes.
//!
//! A row of `T_rowids` names the chunk and the slot of each value. Rows are read in the order of their slots, so that each
//! chunk is read once.

use std::sync::Arc;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use super::raw::queried;
use super::relations::{Column, Query, Relation, no_memory};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::vec0::declared::bytes;
use pg_sqlite_migrate_core::vec0::{Column as Declaration, Declared, Kind, Scalar, Storage, slot};
use pg_sqlite_migrate_core::vectors::{Element, Vectors};

pub const MODULE: &str = "vec0";

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

/// The functions that read a slot, and the module.
pub(super) fn register(connection: &Connection) -> Result<()> {
    queried::register_module(
        connection,
        MODULE,
        Box::new(|table, arguments| define(table, arguments).map(Arc::new)),
    )?;
    connection.create_scalar_function("vec0_boolean", 2, FLAGS, |context| {
        let at = usize::try_from(context.get::<i64>(1)?).unwrap_or(usize::MAX);
        blob(context, |chunk| slot::boolean(chunk, at).map(|value| Value::Integer(value.into())))
    })?;
    connection.create_scalar_function("vec0_integer", 1, FLAGS, |context| {
        blob(context, |bytes| slot::integer(bytes).map(Value::Integer))
    })?;
    connection.create_scalar_function("vec0_real", 1, FLAGS, |context| {
        blob(context, |bytes| slot::real(bytes).map(Value::Real))
    })?;
    connection.create_scalar_function("vec0_text", 2, FLAGS, text)?;
    connection.create_scalar_function("vec0_int8", 1, FLAGS, |context| {
        blob(context, |bytes| slot::floats_of_int8(bytes).map(Value::Blob))
    })?;
    connection.create_scalar_function("vec0_bit", 1, FLAGS, |context| {
        blob(context, |bytes| slot::bits(bytes).map(Value::Text))
    })
}

fn damaged() -> Error {
    Error::UserFunctionError("a slot of a vec0 table is shorter than its table says".into())
}

fn blob(context: &Context<'_>, read: impl Fn(&[u8]) -> Option<Value>) -> Result<Value> {
    match context.get_raw(0) {
        ValueRef::Blob(bytes) => read(bytes).ok_or_else(damaged),
        _ => Err(damaged()),
    }
}

/// `vec0_text(slot, text of the row in the table of long texts)`.
fn text(context: &Context<'_>) -> Result<ToSqlOutput<'static>> {
    let ValueRef::Blob(bytes) = context.get_raw(0) else { return Err(damaged()) };
    let owned = |bytes| buffer::text(std::str::from_utf8(bytes).map_err(|_| damaged())?).map_err(no_memory);
    let text = match (slot::text(bytes).ok_or_else(damaged)?, context.get_raw(1)) {
        (slot::Text::Whole(bytes), _) => owned(bytes)?,
        (slot::Text::Long(length), ValueRef::Text(text)) if text.len() == length => owned(text)?,
        _ => return Err(damaged()),
    };
    Ok(ToSqlOutput::Owned(Value::Text(text)))
}

/// The relation of a table, by its name and the arguments of `vec0(…)`.
pub(super) fn define(table: &str, arguments: &[&str]) -> std::result::Result<Relation, String> {
    let declared = Declared::parse(arguments.iter().copied())?;
    let shadow = |suffix: &str| format!("main.{}", sqlite_ident(&format!("{table}_{suffix}")));
    let mut joins = String::new();
    let mut join = |alias: &str, suffix: &str, on: &str| {
        joins.push_str(&format!(" LEFT JOIN {} AS {alias} ON {alias}.rowid = r.{on}", shadow(suffix)));
    };
    let mut columns = vec![];
    let key = declared.key();
    let rowid_alias = key.is_none_or(|key| key.kind == Kind::Key { text: false });
    let key_name = key.map_or("rowid", |key| &key.name).to_owned();
    columns.push(Column {
        name: key_name.clone(),
        declared: if rowid_alias { "INTEGER" } else { "TEXT" },
        expression: if rowid_alias { "r.rowid".into() } else { "r.id".into() },
        hidden: false,
        vectors: None,
    });
    if declared.columns.iter().any(|c| matches!(c.kind, Kind::Partition(_))) {
        join("c", "chunks", "chunk_id");
    }
    if declared.columns.iter().any(|c| matches!(c.kind, Kind::Auxiliary(_))) {
        join("a", "auxiliary", "rowid");
    }
    for column in declared.columns.iter().filter(|c| !matches!(c.kind, Kind::Key { .. })) {
        columns.push(read(column, &shadow, &mut join));
    }
    let rowids = shadow("rowids");
    let query = Query {
        from: format!("(SELECT rowid, id, chunk_id, chunk_offset FROM {rowids}"),
        condition: "chunk_id IS NOT NULL".into(),
        by_rowid: Some("rowid".into()),
        by_key: Some(if rowid_alias { "rowid" } else { "id" }.into()),
        rest: format!(" ORDER BY chunk_id, chunk_offset LIMIT -1) AS r{joins}"),
    };
    Ok(Relation {
        name: table.to_owned(),
        columns,
        rowid: "r.rowid".into(),
        key: vec![key_name],
        rowid_alias,
        query,
        rows: 1_000_000,
        ..Relation::default()
    })
}

fn read(
    column: &Declaration,
    shadow: &impl Fn(&str) -> String,
    join: &mut impl FnMut(&str, &str, &str),
) -> Column {
    let number = format!("{:02}", column.number);
    let mut vectors = None;
    let (declared, expression) = match column.kind {
        Kind::Key { .. } => ("", "NULL".to_owned()),
        Kind::Partition(scalar) => (declared(scalar), format!("c.partition{number}")),
        Kind::Auxiliary(scalar) => (scalar.map_or("", declared), format!("a.value{number}")),
        Kind::Metadata(scalar) => {
            let alias = format!("m{number}");
            join(&alias, &format!("metadatachunks{number}"), "chunk_id");
            let slot = |bytes: u64| format!("substr({alias}.data, r.chunk_offset * {bytes} + 1, {bytes})");
            let expression = match scalar {
                Scalar::Boolean => format!("vec0_boolean({alias}.data, r.chunk_offset)"),
                Scalar::Integer => format!("vec0_integer({})", slot(8)),
                Scalar::Real => format!("vec0_real({})", slot(8)),
                Scalar::Text | Scalar::Blob => {
                    let long = shadow(&format!("metadatatext{number}"));
                    format!("vec0_text({}, (SELECT data FROM {long} WHERE rowid = r.rowid))", slot(16))
                }
            };
            (declared(scalar), expression)
        }
        Kind::Vector { element, dimension, metric, storage } => {
            vectors = Some(Vectors { element, dimension: Some(dimension), metric: Some(metric), hnsw: None });
            let alias = format!("v{number}");
            let bytes = bytes(element, dimension);
            let slot = match storage {
                Storage::Chunks => {
                    join(&alias, &format!("vector_chunks{number}"), "chunk_id");
                    format!("substr({alias}.vectors, r.chunk_offset * {bytes} + 1, {bytes})")
                }
                Storage::Rescore => {
                    join(&alias, &format!("rescore_vectors{number}"), "rowid");
                    format!("{alias}.vector")
                }
                Storage::DiskAnn => {
                    join(&alias, &format!("vectors{number}"), "rowid");
                    format!("{alias}.vector")
                }
            };
            match element {
                Element::Float => ("BLOB", format!("vector_of({slot}, {bytes})")),
                Element::Int8 => ("BLOB", format!("vec0_int8(vector_of({slot}, {bytes}))")),
                Element::Bit => ("TEXT", format!("vec0_bit({slot})")),
            }
        }
    };
    Column { name: column.name.clone(), declared, expression, hidden: false, vectors }
}

fn declared(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Boolean => "BOOLEAN",
        Scalar::Integer => "INTEGER",
        Scalar::Real => "REAL",
        Scalar::Text => "TEXT",
        Scalar::Blob => "BLOB",
    }
}

#[cfg(test)]
mod tests {
    use super::super::relations::{Asked, register_vector_of};
    use super::*;

    #[test]
    fn a_slot_that_is_cut_or_missing_is_no_vector() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        register_vector_of(&connection).unwrap();
        let sql = "CREATE TABLE t_rowids(rowid INTEGER PRIMARY KEY, id, chunk_id, chunk_offset);
                   CREATE TABLE t_vector_chunks00(rowid INTEGER PRIMARY KEY, vectors);
                   INSERT INTO t_rowids VALUES (1, NULL, 1, 0), (2, NULL, 1, 1), (3, NULL, 2, 0);
                   INSERT INTO t_vector_chunks00 VALUES (1, x'0000803f000000400000803f');";
        connection.execute_batch(sql).unwrap();
        for element in ["float", "int8"] {
            let relation = define("t", &[&format!("a {element}[2]")]).unwrap();
            let sql = relation.select(Asked::Everything, u64::MAX);
            let mut statement = connection.prepare(&sql).unwrap();
            let found = statement.query_map([], |row| row.get::<_, Vec<u8>>(2)).unwrap();
            let found: Vec<usize> = found.map(|v| v.unwrap().len()).collect();
            assert_eq!(found.first(), Some(&8));
            assert_eq!(found.last(), Some(&0));
            assert_eq!(found.get(1), Some(&if element == "float" { 0 } else { 8 }));
        }
    }
}
