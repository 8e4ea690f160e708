//! ChromaDB's folders: each collection as a table. What a collection is, and which vector a record has, `core::chroma`
//! decides; this room reads `chroma.sqlite3` and the folders beside it.

mod folder;
mod functions;
mod relation;
mod vectors;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Result, Row};

use self::folder::Seen;
use self::vectors::Vectors;
use super::open::{Interrupted, Source};
use super::relations::Relation;
use pg_sqlite_migrate_core::chroma::config::{Hnsw, Sources, of_sources};
use pg_sqlite_migrate_core::chroma::{Collection, SIGNS, SINGLE, Space, Where, facts};

pub(super) use self::functions::register;

/// The segment types that are read.
const METADATA: &str = "urn:chroma:segment/metadata/sqlite";
const VECTOR: [&str; 2] =
    ["urn:chroma:segment/vector/hnsw-local-persisted", "urn:chroma:segment/vector/hnsw-local-memory"];

/// A file of ChromaDB's.
pub struct Chroma {
    /// Where the folders are.
    directory: PathBuf,
    pub version: &'static str,
    /// Rows are never removed from the queue.
    complete: bool,
    collections: Vec<Known>,
    /// The keys of metadata that columns have.
    keys: Vec<String>,
    /// `embedding_metadata` has a column `bool_value`.
    booleans: bool,
    /// There is a table of the elements of arrays.
    arrays: bool,
    interrupted: Interrupted,
}

/// A collection, and its vectors once they were looked for.
struct Known {
    described: Collection,
    segments: Segments,
    vectors: Mutex<Option<Arc<Vectors>>>,
    /// Its folder, as it was before the snapshot was taken.
    seen: Mutex<Seen>,
}

struct Segments {
    collection: String,
    metadata: String,
    vector: String,
    dimension: Option<i64>,
    space: Space,
}

/// The release that ChromaDB's tables show; nothing for another file.
pub fn version(source: &Source) -> &'static str {
    source.relations().chroma.as_ref().map_or("", |chroma| chroma.version)
}

/// Columns that metadata may have at most.
const MOST_KEYS: usize = 500;

/// Whether the file is one, by its tables.
pub(super) fn recognise(
    connection: &Connection,
    path: &Path,
    interrupted: &Interrupted,
) -> Result<Option<Arc<Chroma>>> {
    let Ok(tables) = texts(connection, "SELECT name FROM main.sqlite_schema WHERE type = 'table'") else {
        return Ok(None);
    };
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
    let complete = !tables.contains("embeddings_queue_config") || keeps_queue(connection)?;
    let arrays = tables.contains("embedding_metadata_array");
    let listed = collections(connection, &tables, &has)?;
    // A table of a module's name would take the module's place, and a view stands before it.
    let taken =
        "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND typeof(name) = 'text'
                 UNION ALL SELECT name FROM pragma_module_list";
    let taken = texts(connection, taken)?;
    let chroma = Chroma {
        directory: path.parent().unwrap_or(Path::new("/")).to_owned(),
        version: facts::version(has, |table| tables.contains(table)),
        complete,
        collections: named(listed, taken),
        keys: keys(connection, arrays)?,
        booleans: has("embedding_metadata", "bool_value"),
        arrays,
        interrupted: interrupted.clone(),
    };
    chroma.forget();
    Ok(Some(Arc::new(chroma)))
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
    let configs = texts(connection, sql)?;
    Ok(!configs.is_empty() && !configs.iter().any(purges))
}

/// The keys of all metadata. Of those that differ in case only, the first; the others are in `metadata` as well.
fn keys(connection: &Connection, arrays: bool) -> Result<Vec<String>> {
    let of_arrays = if arrays { "UNION SELECT key FROM main.embedding_metadata_array" } else { "" };
    let sql = format!(
        "SELECT key FROM (SELECT DISTINCT key FROM main.embedding_metadata {of_arrays})
         WHERE typeof(key) = 'text' AND key NOT LIKE 'chroma:%' AND instr(key, char(0)) = 0 ORDER BY key"
    );
    let mut seen = HashSet::new();
    let mut keys = texts(connection, &sql)?;
    keys.retain(|key| seen.insert(key.to_ascii_lowercase()));
    keys.truncate(MOST_KEYS);
    Ok(keys)
}

fn collections(
    connection: &Connection,
    tables: &HashSet<String>,
    has: &impl Fn(&str, &str) -> bool,
) -> Result<Vec<(Collection, Segments)>> {
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
    let segment = |scope: &str, column: &str| {
        format!("(SELECT {column} FROM main.segments WHERE collection = c.id AND scope = '{scope}')")
    };
    let sql = format!(
        "SELECT c.id, c.name, c.dimension, {}, {}, {tenant}, {}, {}, {}, {}, {}, {}, {}
         FROM main.collections AS c {join} ORDER BY c.name, c.id",
        column("schema_str"),
        column("config_json_str"),
        metadata("str_value", "hnsw:space"),
        metadata("int_value", "hnsw:M"),
        metadata("int_value", "hnsw:construction_ef"),
        segment("METADATA", "id"),
        segment("METADATA", "type"),
        segment("VECTOR", "id"),
        segment("VECTOR", "type"),
    );
    let mut statement = connection.prepare(&sql)?;
    let collections = statement.query_map([], collection)?;
    collections.collect()
}

fn collection(row: &Row<'_>) -> Result<(Collection, Segments)> {
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let (schema, config, by_metadata) = (text(3)?, text(4)?, text(7)?);
    let (space, hnsw) = of_sources(&Sources {
        schema: schema.as_deref(),
        config: config.as_deref(),
        space: by_metadata.as_deref(),
        m: row.get(8)?,
        ef_construction: row.get(9)?,
    });
    let (metadata, vector) = ((text(10)?, text(11)?), (text(12)?, text(13)?));
    let refused = match (metadata.1.as_deref(), vector.1.as_deref()) {
        (Some(METADATA), Some(kind)) if VECTOR.contains(&kind) => None,
        (Some(METADATA), Some(kind)) => Some(format!("its vectors are in a segment of type \"{kind}\"")),
        (Some(kind), _) if kind != METADATA => {
            Some(format!("its records are in a segment of type \"{kind}\""))
        }
        _ => Some("it has no two segments".into()),
    };
    let dimension: Option<i64> = row.get(2)?;
    let collection: String = row.get(0)?;
    let described = Collection {
        table: String::new(),
        name: row.get(1)?,
        tenant: text(5)?.unwrap_or_else(|| "default_tenant".into()),
        database: text(6)?.unwrap_or_else(|| "default_database".into()),
        dimension,
        space,
        hnsw,
        records: 0,
        vectors: Where::default(),
        refused,
    };
    let segments = Segments {
        collection,
        metadata: metadata.0.unwrap_or_default(),
        vector: vector.0.unwrap_or_default(),
        dimension,
        space,
    };
    Ok((described, segments))
}

/// Each collection is a table by its name, which may be another's in other databases, or a table's of the file.
fn named(listed: Vec<(Collection, Segments)>, taken: Vec<String>) -> Vec<Known> {
    let mut taken: HashSet<String> = taken.iter().map(|name| name.to_ascii_lowercase()).collect();
    taken.insert(SINGLE.to_owned());
    let mut so_named: HashMap<String, usize> = HashMap::new();
    listed.iter().for_each(|(c, _)| *so_named.entry(c.name.to_ascii_lowercase()).or_default() += 1);
    let count = |name: &str| so_named.get(&name.to_ascii_lowercase()).copied().unwrap_or(0);
    let counts: Vec<usize> = listed.iter().map(|(c, _)| count(&c.name)).collect();
    let name = |(listed, count): ((Collection, Segments), usize)| {
        let (mut described, segments) = listed;
        let whole = [&described.tenant, &described.database, &described.name].map(String::as_str).join(".");
        let within = [&described.database, &described.name].map(String::as_str).join(".");
        let first = if count == 1 { described.name.clone() } else { within.clone() };
        let numbered = (2..1000).map(|number| format!("{whole}_{number}"));
        let mut names = [first, within, whole.clone()].into_iter().chain(numbered);
        let usable = |name: &str| !name.contains('\0') && !name.is_empty() && !is_reserved(name);
        let free = names.find(|name| usable(name) && taken.insert(name.to_ascii_lowercase()));
        if whole.contains('\0') {
            described.refused = Some("its name has a NUL character".into());
        }
        described.table = free.unwrap_or(whole);
        Known { described, segments, vectors: Mutex::default(), seen: Mutex::default() }
    };
    listed.into_iter().zip(counts).map(name).collect()
}

/// SQLite keeps these names for itself, and makes a module of a pragma when it is first named.
fn is_reserved(name: &str) -> bool {
    let begins = |with: &&str| name.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    ["sqlite_", "pragma_"].iter().any(begins)
}

impl Chroma {
    /// The tables that stand for the collections; the last one has the records of all.
    pub(super) fn relations(&self) -> Vec<Arc<Relation>> {
        let readable: Vec<&Known> =
            self.collections.iter().filter(|c| c.described.refused.is_none()).collect();
        let each = readable.iter().map(|known| relation::of_collection(self, known));
        let single = (!readable.is_empty()).then(|| relation::of_all(self, &readable));
        each.chain(single).map(Arc::new).collect()
    }

    /// The collections, with what became of their vectors.
    pub(super) fn describe(&self, connection: &Connection) -> Result<Vec<Collection>> {
        let described = |known: &Known| {
            let mut described = known.described.clone();
            let sql = "SELECT count(*) FROM main.embeddings WHERE segment_id = ?1";
            let records: i64 = connection.query_row(sql, [&known.segments.metadata], |row| row.get(0))?;
            described.records = records.try_into().unwrap_or(0);
            if described.refused.is_none() {
                let vectors = self.vectors(known, connection)?;
                described.vectors = vectors.found.clone();
                described.hnsw = made_with(&vectors).unwrap_or(described.hnsw);
            }
            Ok(described)
        };
        self.collections.iter().map(described).collect()
    }

    /// The vectors of a collection, looked for once.
    fn vectors(&self, known: &Known, connection: &Connection) -> Result<Arc<Vectors>> {
        let there = locked(&known.vectors).clone();
        if let Some(vectors) = there {
            return Ok(vectors);
        }
        // Not locked: what is read may be a virtual table, in a file that was made for it.
        let interrupted = &*self.interrupted;
        let found =
            Vectors::find(connection, &known.segments, &self.directory, self.complete, &|| interrupted())?;
        let found = Arc::new(found);
        *locked(&known.vectors) = Some(found.clone());
        Ok(found)
    }

    fn of_segment(&self, segment: &str) -> Option<&Known> {
        self.collections.iter().find(|known| known.segments.metadata == segment)
    }

    /// The next snapshot may have others. Called before it is taken: a folder that is the same afterwards is of its state.
    pub(super) fn forget(&self) {
        for known in self.collections.iter().filter(|known| known.described.refused.is_none()) {
            *locked(&known.vectors) = None;
            *locked(&known.seen) = Seen::look(&self.directory, &known.segments.vector);
        }
    }

    /// Nobody has written to the folders that were read.
    pub(super) fn holds(&self) -> bool {
        self.collections.iter().all(|known| locked(&known.vectors).is_none() || locked(&known.seen).holds())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn made_with(vectors: &Vectors) -> Option<Hnsw> {
    let (m, ef_construction) = vectors.hnsw()?;
    Some(Hnsw { m: m.try_into().ok()?, ef_construction: ef_construction.try_into().ok()? })
}
