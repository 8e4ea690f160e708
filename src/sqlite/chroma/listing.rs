//! The collections of a file, as ChromaDB's tables list them. A row that is not as ChromaDB writes it damages its
//! collection and no other.

use std::collections::{HashMap, HashSet};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

use super::relation::text as literal;
use crate::sqlite::relations::is_of_file;
use pg_sqlite_migrate_core::chroma::config::{Sources, of_sources};
use pg_sqlite_migrate_core::chroma::{Collection, SIGNS, SINGLE, Space, Where, facts};

/// The segment types that are read.
const METADATA: &str = "urn:chroma:segment/metadata/sqlite";
const VECTOR: [&str; 2] =
    ["urn:chroma:segment/vector/hnsw-local-persisted", "urn:chroma:segment/vector/hnsw-local-memory"];

/// The tables of a file of ChromaDB's, and its collections.
#[derive(Debug)]
pub(in crate::sqlite) struct Listing {
    pub version: &'static str,
    /// Rows are never removed from the queue.
    pub complete: bool,
    /// Without the names of their tables.
    pub collections: Vec<(Collection, Segments)>,
    /// The names of tables and views.
    pub taken: Vec<String>,
    /// The first keys of metadata.
    pub keys: Vec<String>,
    pub columns: ColumnsOfMetadata,
}

/// What the tables of metadata have.
#[derive(Debug, Clone, Copy)]
pub(in crate::sqlite) struct ColumnsOfMetadata {
    /// `embedding_metadata` has a column `bool_value`.
    pub booleans: bool,
    /// There is a table of the elements of arrays.
    pub arrays: bool,
}

/// Where a collection is kept.
#[derive(Debug, Clone, Default)]
pub(in crate::sqlite) struct Segments {
    pub collection: String,
    pub metadata: String,
    pub vector: String,
    pub dimension: Option<i64>,
    pub space: Space,
}

/// Collections that a file may have: each becomes a table.
const MOST: i64 = 20_000;

/// Columns that metadata may have at most, of one collection and of all together.
const MOST_KEYS: usize = 500;
const MOST_OF_ALL: usize = 20_000;

/// What the file has, if it is one of ChromaDB's, by its tables.
pub(in crate::sqlite) fn list(connection: &Connection) -> Result<Option<Listing>> {
    let tables = texts(
        connection,
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND typeof(name) = 'text'",
    );
    let Ok(tables) = tables else { return Ok(None) };
    let tables: HashSet<String> = tables.into_iter().collect();
    if !SIGNS.iter().all(|sign| tables.contains(*sign)) {
        return Ok(None);
    }
    let mut columns = HashMap::new();
    for table in ["collections", "databases", "embedding_metadata", "collection_metadata"] {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        columns.insert(table, texts(connection, &sql)?);
    }
    let has = |table: &str, column: &str| columns.get(table).is_some_and(|c| c.iter().any(|c| c == column));
    let metadata = ColumnsOfMetadata {
        booleans: has("embedding_metadata", "bool_value"),
        arrays: tables.contains("embedding_metadata_array"),
    };
    let listed = collections(connection, &tables, &has)?;
    let taken =
        "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND typeof(name) = 'text'";
    let most = (MOST_OF_ALL / listed.len().max(1)).min(MOST_KEYS);
    Ok(Some(Listing {
        version: facts::version(has, |table| tables.contains(table)),
        complete: !tables.contains("embeddings_queue_config") || keeps_queue(connection)?,
        collections: listed,
        taken: texts(connection, taken)?,
        keys: first_keys(connection, metadata, most)?,
        columns: metadata,
    }))
}

/// The names of virtual tables' modules: a table of the same name would take a module's place.
pub(in crate::sqlite) fn modules(connection: &Connection) -> Result<Vec<String>> {
    texts(connection, "SELECT name FROM pragma_module_list")
}

fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let texts = statement.query_map([], |row| row.get(0))?;
    texts.collect()
}

/// `embeddings_queue_config` may say that rows are not removed.
fn keeps_queue(connection: &Connection) -> Result<bool> {
    let sql = "SELECT coalesce(config_json_str, '') FROM main.embeddings_queue_config";
    let purges = |text: &String| {
        let config: Option<serde_json::Value> = serde_json::from_str(text).ok();
        config.and_then(|config| config.get("automatically_purge")?.as_bool()).unwrap_or(true)
    };
    match texts(connection, sql) {
        // It may have purged.
        Err(e) if is_of_file(&e) => Ok(false),
        configs => configs.map(|configs| !configs.is_empty() && !configs.iter().any(purges)),
    }
}

impl ColumnsOfMetadata {
    /// All keys that columns may have; of those that differ in case only, the first.
    fn keys(self, of: &str) -> String {
        let from = |table: &str| format!("SELECT DISTINCT m.key FROM main.{table} AS m {of}");
        let arrays = if self.arrays {
            " UNION ".to_owned() + &from("embedding_metadata_array")
        } else {
            String::new()
        };
        format!(
            "SELECT min(key) FROM ({}{arrays}) WHERE typeof(key) = 'text' AND instr(key, char(0)) = 0 \
             AND key NOT IN ('chroma:document', 'chroma:uri')",
            from("embedding_metadata")
        )
    }
}

/// The first keys of all metadata. Where they cannot be read, there are those that a plan names.
fn first_keys(connection: &Connection, columns: ColumnsOfMetadata, most: usize) -> Result<Vec<String>> {
    let sql = format!("{} GROUP BY key COLLATE NOCASE ORDER BY 1 LIMIT {most}", columns.keys(""));
    match texts(connection, &sql) {
        Err(e) if is_of_file(&e) => Ok(vec![]),
        keys => keys,
    }
}

/// Those of the keys that records of these segments have, as they are written there.
pub(super) fn present(
    connection: &Connection,
    columns: ColumnsOfMetadata,
    keys: &[String],
    segments: &[&str],
) -> Result<Vec<String>> {
    let list = |texts: &mut dyn Iterator<Item = &str>| texts.map(literal).collect::<Vec<_>>().join(", ");
    let of = format!(
        "JOIN main.embeddings AS e ON e.id = m.id WHERE e.segment_id IN ({}) AND m.key COLLATE NOCASE IN ({})",
        list(&mut segments.iter().copied()),
        list(&mut keys.iter().map(String::as_str))
    );
    // Of two that differ in case only, the one that is asked for.
    let exact = list(&mut keys.iter().map(String::as_str));
    let sql = format!(
        "{} GROUP BY key COLLATE NOCASE, key IN ({exact}) ORDER BY key IN ({exact}) DESC",
        columns.keys(&of)
    );
    match texts(connection, &sql) {
        // Whether records have them cannot be told, and their columns cannot be read either.
        Err(e) if is_of_file(&e) => Ok(keys.to_vec()),
        present => present,
    }
}

/// The segments of a collection: of records and of vectors.
type Pair = [Option<Segment>; 2];

struct Segment {
    id: Option<String>,
    kind: Option<String>,
}

fn segments(connection: &Connection) -> Result<HashMap<String, Pair>> {
    let mut statement =
        connection.prepare("SELECT collection, scope, id, type FROM main.segments ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut found: HashMap<String, Pair> = HashMap::new();
    while let Some(row) = rows.next()? {
        let text = |at: usize| row.get_ref(at).map(|value| value.as_str().ok().map(str::to_owned));
        let (Some(collection), Some(scope)) = (text(0)?, text(1)?) else { continue };
        let pair = found.entry(collection).or_default();
        let place = match scope.as_str() {
            "METADATA" => &mut pair[0],
            "VECTOR" => &mut pair[1],
            _ => continue,
        };
        if place.is_none() {
            *place = Some(Segment { id: text(2)?, kind: text(3)? });
        }
    }
    Ok(found)
}

fn collections(
    connection: &Connection,
    tables: &HashSet<String>,
    has: &impl Fn(&str, &str) -> bool,
) -> Result<Vec<(Collection, Segments)>> {
    let count: i64 = connection.query_row("SELECT count(*) FROM main.collections", [], |row| row.get(0))?;
    if count > MOST {
        let message = format!("it has {count} collections, and at most {MOST} are read");
        return Err(rusqlite::Error::UserFunctionError(message.into()));
    }
    let segments = segments(connection)?;
    let column = |name: &str| if has("collections", name) { format!("c.{name}") } else { "NULL".into() };
    let databases = tables.contains("databases") && has("collections", "database_id");
    let (tenant, join) = match databases {
        true => ("d.tenant_id, d.name", "LEFT JOIN main.databases AS d ON d.id = c.database_id"),
        false => ("NULL, NULL", ""),
    };
    let metadata = |column: &str, key: &str| {
        format!(
            "(SELECT {column} FROM main.collection_metadata WHERE collection_id = c.id AND key = '{key}')"
        )
    };
    let sql = format!(
        "SELECT c.id, c.name, c.dimension, {}, {}, {tenant}, {}, {}, {}
         FROM main.collections AS c {join} ORDER BY c.name, c.id",
        column("schema_str"),
        column("config_json_str"),
        metadata("str_value", "hnsw:space"),
        metadata("int_value", "hnsw:M"),
        metadata("int_value", "hnsw:construction_ef"),
    );
    let mut statement = connection.prepare(&sql)?;
    let collections = statement.query_map([], |row| collection(row, &segments))?;
    collections.collect()
}

/// The row's values, and what is wrong with the first that ChromaDB has not written.
struct Values<'r> {
    row: &'r Row<'r>,
    odd: Option<String>,
}

impl Values<'_> {
    fn text(&mut self, at: usize, name: &str) -> Result<Option<String>> {
        let value = self.row.get_ref(at)?;
        match value {
            ValueRef::Null => return Ok(None),
            ValueRef::Text(bytes) if std::str::from_utf8(bytes).is_err() => {
                self.say(format!("{name} is no UTF-8"));
            }
            ValueRef::Text(_) => {}
            _ => self.say(format!("{name} is no text")),
        }
        Ok(Some(match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Null => String::new(),
        }))
    }

    fn number(&mut self, at: usize, name: &str) -> Result<Option<i64>> {
        Ok(match self.row.get_ref(at)? {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number),
            _ => {
                self.say(format!("{name} is no integer"));
                None
            }
        })
    }

    fn say(&mut self, odd: String) {
        self.odd.get_or_insert(odd);
    }
}

fn collection(row: &Row<'_>, segments: &HashMap<String, Pair>) -> Result<(Collection, Segments)> {
    let mut values = Values { row, odd: None };
    let id = values.text(0, "collections.id")?.unwrap_or_default();
    let name = values.text(1, "collections.name")?.unwrap_or_default();
    let dimension = values.number(2, "collections.dimension")?;
    let schema = values.text(3, "collections.schema_str")?;
    let config = values.text(4, "collections.config_json_str")?;
    let tenant = values.text(5, "databases.tenant_id")?;
    let database = values.text(6, "databases.name")?;
    let by_metadata = values.text(7, "collection_metadata.str_value of hnsw:space")?;
    let (space, hnsw) = of_sources(&Sources {
        schema: schema.as_deref(),
        config: config.as_deref(),
        space: by_metadata.as_deref(),
        m: values.number(8, "collection_metadata.int_value of hnsw:M")?,
        ef_construction: values.number(9, "collection_metadata.int_value of hnsw:construction_ef")?,
    });
    let pair = segments.get(&id);
    let of = |at: usize| pair.and_then(|pair| pair.get(at)?.as_ref());
    let kind = |at: usize| of(at).and_then(|segment| segment.kind.as_deref());
    let refused = match (kind(0), kind(1)) {
        (Some(METADATA), Some(kind)) if VECTOR.contains(&kind) => None,
        (Some(METADATA), Some(kind)) => Some(format!("its vectors are in a segment of type \"{kind}\"")),
        (Some(kind), _) if kind != METADATA => {
            Some(format!("its records are in a segment of type \"{kind}\""))
        }
        _ => Some("it has no two segments".into()),
    };
    let segment = |at: usize| of(at).and_then(|segment| segment.id.clone());
    if refused.is_none() && (segment(0).is_none() || segment(1).is_none()) {
        values.say("segments.id is no text".into());
    }
    let described = Collection {
        table: String::new(),
        name,
        tenant: tenant.unwrap_or_else(|| "default_tenant".into()),
        database: database.unwrap_or_else(|| "default_database".into()),
        dimension,
        space,
        hnsw,
        records: 0,
        vectors: Where::default(),
        refused,
        damaged: values.odd,
    };
    let segments = Segments {
        collection: id,
        metadata: segment(0).unwrap_or_default(),
        vector: segment(1).unwrap_or_default(),
        dimension,
        space,
    };
    Ok((described, segments))
}

/// Each collection is a table by its name, which may be another's in other databases, or a table's of the file.
pub(super) fn name_tables(listed: &mut [(Collection, Segments)], taken: impl Iterator<Item = String>) {
    let mut taken: HashSet<String> = taken.map(|name| name.to_ascii_lowercase()).collect();
    taken.insert(SINGLE.to_owned());
    let mut so_named: HashMap<String, usize> = HashMap::new();
    listed.iter().for_each(|(c, _)| *so_named.entry(c.name.to_ascii_lowercase()).or_default() += 1);
    let mut numbers: HashMap<String, u64> = HashMap::new();
    for (described, _) in listed {
        let alone = so_named.get(&described.name.to_ascii_lowercase()) == Some(&1);
        let whole = [&described.tenant, &described.database, &described.name].map(String::as_str).join(".");
        let within = [&described.database, &described.name].map(String::as_str).join(".");
        let first = if alone { described.name.clone() } else { within.clone() };
        if whole.contains('\0') {
            described.refused = Some("its name has a NUL character".into());
        }
        // Counted on, so that many of one name are not each tried anew.
        let number = numbers.entry(whole.to_ascii_lowercase()).or_insert(2);
        let numbered = std::iter::from_fn(|| {
            let name = format!("{whole}_{number}");
            *number += 1;
            Some(name)
        });
        let usable = |name: &String| !name.is_empty() && !is_reserved(name);
        let mut names = [first, within, whole.clone()].into_iter().filter(usable).chain(numbered);
        let free = names.find(|name| taken.insert(name.to_ascii_lowercase()));
        described.table = free.unwrap_or_default();
    }
}

/// SQLite keeps these names for itself, and makes a module of a pragma when it is first named.
fn is_reserved(name: &str) -> bool {
    let begins = |with: &&str| name.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    ["sqlite_", "pragma_"].iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[(&str, &str)], taken: &[&str]) -> Vec<String> {
        let collection = |(database, name): &(&str, &str)| Collection {
            name: (*name).into(),
            tenant: "t".into(),
            database: (*database).into(),
            ..Collection::default()
        };
        let mut listed: Vec<_> = names.iter().map(|n| (collection(n), Segments::default())).collect();
        name_tables(&mut listed, taken.iter().map(|name| (*name).to_owned()));
        listed.into_iter().map(|(c, _)| c.table).collect()
    }

    #[test]
    fn each_collection_has_a_table_of_its_own() {
        assert_eq!(named(&[("d", "a"), ("d", "embeddings")], &["EMBEDDINGS"]), ["a", "d.embeddings"]);
        assert_eq!(named(&[("d", "a"), ("e", "A")], &[]), ["d.a", "e.A"]);
        assert_eq!(named(&[("d", "sqlite_x"), ("d", "")], &["d."]), ["d.sqlite_x", "t.d."]);
        // Many of one name: none is tried again.
        let many = vec![("d", "a"); 5000];
        let tables = named(&many, &["d.a"]);
        assert_eq!((tables[0].as_str(), tables[4999].as_str()), ("t.d.a", "t.d.a_5000"));
        assert_eq!(tables.iter().collect::<HashSet<_>>().len(), 5000);
    }
}
