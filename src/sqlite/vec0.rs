//! sqlite-vec's tables, read from their shadow tables: the module `vec0`, as far as reading goes.
//!
//! A row of `T_rowids` names the chunk and the slot of each value; where nothing of a table is in chunks, as with diskann
//! alone, it names none. Rows are read in the order of their slots, so that each chunk is read once.
//!
//! What is missing from a damaged file is no vector, which does not fit, or NULL; [`lost`] says so of values that may be NULL.

use std::sync::Arc;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use super::raw::queried;
use super::relations::{Column, Query, Relation, no_memory};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::vec0::declared::bytes;
use pg_sqlite_migrate_core::vec0::{Column as Declaration, Declared, Kind, Scalar, slot};
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
        Ok(blob(context).and_then(|chunk| slot::boolean(chunk, at)))
    })?;
    connection.create_scalar_function("vec0_integer", 1, FLAGS, |context| {
        Ok(blob(context).and_then(slot::integer))
    })?;
    connection
        .create_scalar_function("vec0_real", 1, FLAGS, |context| Ok(blob(context).and_then(slot::real)))?;
    connection.create_scalar_function("vec0_text", 2, FLAGS, text)?;
    connection.create_scalar_function("vec0_int8", 1, FLAGS, |context| {
        of_vector(context, |bytes| slot::floats_of_int8(bytes).map(Value::Blob))
    })?;
    connection.create_scalar_function("vec0_bit", 1, FLAGS, |context| {
        of_vector(context, |bytes| slot::bits(bytes).map(Value::Text))
    })?;
    connection.create_scalar_function("vec0_live", 1, FLAGS, |context| {
        let ones = |validity: &[u8]| validity.iter().map(|byte| i64::from(byte.count_ones())).sum::<i64>();
        Ok(blob(context).map_or(0, ones))
    })
}

/// The first argument, if it is a blob.
fn blob<'c>(context: &'c Context<'_>) -> Option<&'c [u8]> {
    match context.get_raw(0) {
        ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

/// `vec0_text(slot, text of the row in the table of long texts)`. A text that is not UTF-8 is the blob of its bytes.
fn text(context: &Context<'_>) -> Result<Value> {
    let bytes = match (blob(context).and_then(slot::text), context.get_raw(1)) {
        (Some(slot::Text::Whole(bytes)), _) => bytes,
        (Some(slot::Text::Long(length)), ValueRef::Text(text)) if text.len() == length => text,
        _ => return Ok(Value::Null),
    };
    let value = match std::str::from_utf8(bytes) {
        Ok(text) => buffer::text(text).map(Value::Text),
        Err(_) => buffer::bytes(bytes).map(Value::Blob),
    };
    value.map_err(no_memory)
}

/// What `vector_of` gives, in another form if it is one.
fn of_vector(context: &Context<'_>, form: impl Fn(&[u8]) -> Option<Value>) -> Result<Value> {
    match context.get_raw(0) {
        ValueRef::Blob([]) => Ok(Value::Blob(vec![])),
        ValueRef::Blob(bytes) => form(bytes).ok_or_else(|| no_memory(())),
        _ => context.get(0),
    }
}

/// The relation of a table, by its name and the arguments of `vec0(…)`.
pub(super) fn define(table: &str, arguments: &[&str]) -> std::result::Result<Relation, String> {
    let declared = Declared::parse(arguments.iter().copied())?;
    let shadow = |suffix: &str| shadow(table, suffix);
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
        condition: "true".into(),
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

fn shadow(table: &str, suffix: &str) -> String {
    format!("main.{}", sqlite_ident(&format!("{table}_{suffix}")))
}

/// What the shadow tables of a table do not have, or have of no row: a reason for each that does not show as a misfit.
pub(super) fn lost(connection: &Connection, table: &str, arguments: &[&str]) -> Vec<String> {
    let Ok(declared) = Declared::parse(arguments.iter().copied()) else { return vec![] };
    let shadow = |suffix: &str| shadow(table, suffix);
    let rowids = shadow("rowids");
    let has = |is: fn(&Kind) -> bool| declared.columns.iter().any(|column| is(&column.kind));
    let mut questions = vec![];
    let mut ask = |sql: String, one: &'static str, several: &'static str, then: String| {
        questions.push((sql, one, several, then));
    };
    let without = |suffix: &str, on: &str| {
        format!(
            "SELECT count(*) FROM {rowids} AS r WHERE NOT EXISTS (SELECT 1 FROM {} WHERE rowid = r.{on})",
            shadow(suffix)
        )
    };
    if has(|kind| matches!(kind, Kind::Partition(_))) {
        let then = format!("a row in \"{table}_chunks\": the values of the partition are lost, and NULL");
        ask(without("chunks", "chunk_id"), "row does not have", "rows do not have", then);
    }
    if has(|kind| matches!(kind, Kind::Auxiliary(_))) {
        let then = format!("a row in \"{table}_auxiliary\": the auxiliary values are lost, and NULL");
        ask(without("auxiliary", "rowid"), "row does not have", "rows do not have", then);
    }
    let live = format!(
        "SELECT (SELECT total(vec0_live(validity)) FROM {}) - (SELECT count(chunk_id) FROM {rowids})",
        shadow("chunks")
    );
    let of_none = format!("no row of \"{table}_rowids\", and not loaded");
    ask(live, "slot that is in use is of", "slots that are in use are of", of_none.clone());
    for column in &declared.columns {
        let Kind::Vector { storage, .. } = column.kind else { continue };
        let Some(suffix) = storage.by_row(column.number) else { continue };
        let sql = format!(
            "SELECT count(*) FROM {} WHERE rowid NOT IN (SELECT rowid FROM {rowids})",
            shadow(&suffix)
        );
        ask(sql, "vector is of", "vectors are of", of_none.clone());
    }
    let answer = |(sql, one, several, then): (String, &str, &str, String)| {
        // A table that is missing is another matter.
        let found: f64 = connection.query_row(&sql, (), |row| row.get(0)).unwrap_or(0.0);
        (found > 0.0).then(|| format!("{} {then}", counted(found as u64, one, several)))
    };
    questions.into_iter().filter_map(answer).collect()
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
            (never_null(scalar), expression)
        }
        Kind::Vector { element, dimension, metric, storage } => {
            vectors = Some(Vectors { element, dimension: Some(dimension), metric: Some(metric), hnsw: None });
            let alias = format!("v{number}");
            let bytes = bytes(element, dimension);
            let slot = match storage.by_row(column.number) {
                Some(suffix) => {
                    join(&alias, &suffix, "rowid");
                    format!("{alias}.vector")
                }
                None => {
                    join(&alias, &format!("vector_chunks{number}"), "chunk_id");
                    format!("substr({alias}.vectors, r.chunk_offset * {bytes} + 1, {bytes})")
                }
            };
            let vector = format!("vector_of({slot}, {bytes})");
            match element {
                Element::Float => ("BLOB", vector),
                Element::Int8 => ("BLOB", format!("vec0_int8({vector})")),
                Element::Bit => ("TEXT", format!("vec0_bit({vector})")),
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

/// vec0 refuses NULL in metadata.
fn never_null(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Boolean => "BOOLEAN NOT NULL",
        Scalar::Integer => "INTEGER NOT NULL",
        Scalar::Real => "REAL NOT NULL",
        Scalar::Text | Scalar::Blob => "TEXT NOT NULL",
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
            let found = statement.query_map([], |row| row.get::<_, Value>(2)).unwrap();
            let found: Vec<Value> = found.map(Result::unwrap).collect();
            let length = |at: usize| match found.get(at) {
                Some(Value::Blob(bytes)) => bytes.len(),
                _ => usize::MAX,
            };
            assert_eq!((found.len(), length(0), length(2)), (3, 8, 0));
            match element {
                "float" => {
                    let cut = Value::Text("a vector of 4 bytes, not of 8: x'0000803f'".into());
                    assert_eq!(found.get(1), Some(&cut));
                }
                _ => assert_eq!(length(1), 8),
            }
        }
    }
}
