//! A collection as a query over ChromaDB's tables.

use super::listing::ColumnsOfMetadata;
use super::{Chroma, Known};
use crate::sqlite::relations::{Column, Query, Relation};
use pg_sqlite_migrate_core::chroma::{METADATA, SINGLE};
use pg_sqlite_migrate_core::vectors::{Element, Vectors};

pub(super) fn of_collection(chroma: &Chroma, known: &Known) -> Relation {
    Relation {
        name: known.described.table.clone(),
        columns: records(chroma.columns, vectors(&[known])),
        shared: chroma.keys.clone(),
        rowid: "e.id".into(),
        key: vec!["id".into()],
        rowid_alias: false,
        query: Query {
            from: "main.embeddings AS e".into(),
            condition: format!("e.segment_id = {}", text(&known.segments.metadata)),
            by_rowid: Some("e.id".into()),
            by_key: Some("e.embedding_id".into()),
            rest: String::new(),
        },
        rows: 100_000,
    }
}

/// All records, with the names of their collections.
pub(super) fn of_all(chroma: &Chroma, known: &[&Known]) -> Relation {
    let mut databases: Vec<_> = known.iter().map(|k| (&k.described.tenant, &k.described.database)).collect();
    databases.sort();
    databases.dedup();
    let named: &[&str] =
        if databases.len() > 1 { &["tenant", "database", "collection"] } else { &["collection"] };
    let name = |name: &&str| Column {
        name: (*name).into(),
        declared: "TEXT",
        expression: format!("n.{name}"),
        hidden: false,
        vectors: None,
    };
    let mut columns: Vec<Column> = named.iter().map(name).collect();
    columns.extend(records(chroma.columns, vectors(known)));
    let row = |k: &&Known| {
        let d = &k.described;
        let cells = [&k.segments.metadata, &d.tenant, &d.database, &d.name].map(|cell| text(cell));
        format!("({})", cells.join(", "))
    };
    let names: Vec<String> = known.iter().map(row).collect();
    Relation {
        name: SINGLE.into(),
        columns,
        shared: chroma.keys.clone(),
        rowid: "e.id".into(),
        key: named.iter().map(|name| (*name).to_owned()).chain(["id".to_owned()]).collect(),
        rowid_alias: false,
        query: Query {
            from: format!(
                "(SELECT column1 AS segment, column2 AS tenant, column3 AS database, column4 AS collection \
                 FROM (VALUES {})) AS n CROSS JOIN main.embeddings AS e",
                names.join(", ")
            ),
            condition: "e.segment_id = n.segment".into(),
            by_rowid: Some("e.id".into()),
            by_key: None,
            rest: String::new(),
        },
        rows: 100_000,
    }
}

/// What the collections have in common.
fn vectors(known: &[&Known]) -> Vectors {
    fn same<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }
    // A collection without records has no dimension, and any fits it.
    let dimensions = known.iter().filter_map(|known| known.described.dimension);
    let dimension = same(dimensions).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    Vectors {
        element: Element::Float,
        dimension,
        metric: same(known.iter().map(|known| known.described.space.metric())),
        hnsw: known.first().map(|k| (k.described.hnsw.m, k.described.hnsw.ef_construction)),
    }
}

/// A text as SQLite's SQL has it; one with a NUL as its bytes.
pub(super) fn text(text: &str) -> String {
    match text.contains('\0') {
        false => format!("'{}'", text.replace('\'', "''")),
        true => {
            let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("CAST(x'{digits}' AS TEXT)")
        }
    }
}

/// The columns of `chroma::COLUMNS`, in their order.
fn records(of: ColumnsOfMetadata, vectors: Vectors) -> Vec<Column> {
    let own = |key: &str| {
        format!(
            "(SELECT m.string_value FROM main.embedding_metadata AS m WHERE m.id = e.id AND m.key = '{key}')"
        )
    };
    let column = |name: &str, declared: &'static str, expression: String| Column {
        name: name.into(),
        declared,
        expression,
        hidden: false,
        vectors: None,
    };
    // No vector is a blob without a float, which does not fit: what becomes of the record the plan says.
    let vector = "coalesce(chroma_element(e.segment_id, e.embedding_id), \
                  (SELECT q.vector FROM main.embeddings_queue AS q \
                   WHERE q.seq_id = chroma_row(e.segment_id, e.embedding_id)), x'')";
    let vector = match vectors.dimension {
        Some(dimension) => format!("vector_of({vector}, {})", u64::from(dimension) * 4),
        None => vector.to_owned(),
    };
    vec![
        column("id", "TEXT", "e.embedding_id".into()),
        column("document", "TEXT", own("chroma:document")),
        column("uri", "TEXT", own("chroma:uri")),
        column("metadata", "JSONB", metadata(of)),
        Column { vectors: Some(vectors), ..column("embedding", "BLOB", vector) },
        column("created_at", "TIMESTAMPTZ", "e.created_at".into()),
    ]
}

/// The columns of a value, in the order in which they count.
fn values(of: ColumnsOfMetadata, alias: &str) -> String {
    let boolean = if of.booleans { format!("{alias}.bool_value") } else { "NULL".into() };
    format!("{boolean}, {alias}.string_value, {alias}.int_value, {alias}.float_value")
}

fn metadata(of: ColumnsOfMetadata) -> String {
    let own = "m.id = e.id AND m.key NOT IN ('chroma:document', 'chroma:uri')";
    let scalars =
        format!("SELECT m.key, 0, {}, 0 FROM main.embedding_metadata AS m WHERE {own}", values(of, "m"));
    let rows = match of.arrays {
        false => scalars,
        true => format!(
            "{scalars} UNION ALL SELECT m.key, 1, m.bool_value, m.string_value, m.int_value, m.float_value, m.rowid \
             FROM main.embedding_metadata_array AS m WHERE {own}"
        ),
    };
    format!(
        "(SELECT chroma_metadata(r.k, r.a, r.b, r.s, r.i, r.f) FROM \
         (WITH all_rows(k, a, b, s, i, f, n) AS ({rows}) SELECT * FROM all_rows ORDER BY k, n LIMIT -1) AS r)"
    )
}

/// One value of the metadata; a list as JSON.
pub(super) fn of_key(of: ColumnsOfMetadata, key: &str) -> Column {
    let is = format!("m.id = e.id AND m.key = {}", text(key));
    let scalar =
        format!("(SELECT coalesce({}) FROM main.embedding_metadata AS m WHERE {is})", values(of, "m"));
    let expression = match of.arrays {
        false => scalar,
        true => format!(
            "coalesce({scalar}, (SELECT chroma_list(r.key, 1, r.bool_value, r.string_value, r.int_value, \
             r.float_value) FROM (SELECT * FROM main.embedding_metadata_array AS m WHERE {is} \
             ORDER BY m.rowid LIMIT -1) AS r))"
        ),
    };
    Column { name: format!("{METADATA}{key}"), declared: "", expression, hidden: true, vectors: None }
}
