//! sqlite-vss's tables, read from their shadow tables: the module `vss0`, as far as reading goes.
//!
//! `T_data` has a row for each record, `T_index` a row for each column: a faiss index of all its vectors. An index is read
//! once, when the first of its vectors is asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error, Result};

use super::raw::{self, queried};
use super::relations::{Column, Query, Relation, no_memory};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::vec0::declared::{VssColumn, vss_columns};
use pg_sqlite_migrate_core::vec0::faiss::Flat;
use pg_sqlite_migrate_core::vectors::{Element, Metric, Vectors};

pub const MODULE: &str = "vss0";

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DIRECTONLY);

/// The indexes of a connection that were read in its snapshot, by table and column.
#[derive(Default)]
pub struct Indexes(Mutex<HashMap<(String, i64), Arc<Vectored>>>);

#[derive(Default)]
struct Vectored {
    /// That of each row.
    vectors: HashMap<i64, Box<[u8]>>,
    metric: Option<Metric>,
}

impl Indexes {
    /// The next snapshot may have others.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// By which distance the vectors of a column are searched, if its index was read.
    pub(super) fn metric(&self, table: &str, column: i64) -> Option<Metric> {
        let indexes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.get(&(table.to_owned(), column))?.metric
    }

    fn of(&self, context: &Context<'_>, table: &str, column: i64) -> Result<Arc<Vectored>> {
        let read = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = read().get(&(table.to_owned(), column)).cloned();
        if let Some(index) = known {
            return Ok(index);
        }
        // Not locked: in a file that was made for it, the table may be another of this module.
        let index = Arc::new(raw::with_connection(context, |connection| load(connection, table, column))??);
        read().insert((table.to_owned(), column), index.clone());
        Ok(index)
    }
}

/// The module, and the function that shows a vector.
pub(super) fn register(connection: &Connection, indexes: &Arc<Indexes>) -> Result<()> {
    let define = |table: &str, arguments: &[&str]| define(table, arguments).map(Arc::new);
    queried::register_module(connection, MODULE, Box::new(define))?;
    let indexes = indexes.clone();
    connection.create_scalar_function("vss0_vector", 3, FLAGS, move |context| {
        let index = indexes.of(context, context.get_raw(0).as_str()?, context.get(1)?)?;
        let vector = index.vectors.get(&context.get(2)?).map(|vector| buffer::bytes(vector));
        // No vector is a blob without a float, which does not fit.
        vector.unwrap_or_else(|| Ok(vec![])).map_err(no_memory)
    })
}

fn load(connection: &Connection, table: &str, column: i64) -> Result<Vectored> {
    let sql = format!("SELECT idx FROM main.{} WHERE rowid = ?1", sqlite_ident(&format!("{table}_index")));
    connection.query_row(&sql, [column], |row| {
        let flat = Flat::read(row.get_ref(0)?.as_blob()?);
        let flat = flat.map_err(|why| Error::UserFunctionError(why.to_string().into()))?;
        let mut index = Vectored { metric: Some(flat.metric), ..Vectored::default() };
        for (id, vector) in flat.iter() {
            index.vectors.try_reserve(1).map_err(no_memory)?;
            index.vectors.insert(id, buffer::bytes(vector).map_err(no_memory)?.into_boxed_slice());
        }
        Ok(index)
    })
}

/// The relation of a table, by its name and the arguments of `vss0(…)`.
pub(super) fn define(table: &str, arguments: &[&str]) -> std::result::Result<Relation, String> {
    let name = table.replace('\'', "''");
    let rowid = Column {
        name: "rowid".into(),
        declared: "INTEGER",
        expression: "d.rowid".into(),
        hidden: false,
        vectors: None,
    };
    let column = |(number, VssColumn { name: column, dimension, metric }): (usize, VssColumn)| Column {
        name: column,
        declared: "BLOB",
        expression: format!(
            "vector_of(vss0_vector('{name}', {number}, d.rowid), {})",
            u64::from(dimension) * 4
        ),
        hidden: false,
        vectors: Some(Vectors {
            element: Element::Float,
            dimension: Some(dimension),
            metric: Some(metric),
            hnsw: None,
        }),
    };
    let columns = vss_columns(arguments.iter().copied())?.into_iter().enumerate().map(column);
    let data = sqlite_ident(&format!("{table}_data"));
    Ok(Relation {
        name: table.to_owned(),
        columns: std::iter::once(rowid).chain(columns).collect(),
        rowid: "d.rowid".into(),
        key: vec!["rowid".into()],
        rowid_alias: true,
        query: Query {
            from: format!("main.{data} AS d"),
            condition: "true".into(),
            by_rowid: Some("d.rowid".into()),
            by_key: Some("d.rowid".into()),
            rest: String::new(),
        },
        rows: 100_000,
        ..Relation::default()
    })
}
