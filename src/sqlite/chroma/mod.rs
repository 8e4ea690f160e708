//! ChromaDB's folders: each collection as a table. What a collection is, and which vector a record has, `core::chroma`
//! decides; this room reads `chroma.sqlite3` and the folders beside it.

mod folder;
mod functions;
mod listing;
mod relation;
mod vectors;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Error, Result};

use self::folder::Seen;
use self::listing::ColumnsOfMetadata;
use self::vectors::{Queue, Vectors};
use super::open::{Interrupted, Source};
use super::relations::{Column, Relation, is_of_file};
use pg_sqlite_migrate_core::chroma::config::Hnsw;
use pg_sqlite_migrate_core::chroma::{Collection, METADATA};

pub(super) use self::functions::register;
pub(super) use self::listing::{Listing, Segments, list, modules};

/// A file of ChromaDB's.
pub struct Chroma {
    /// Where the folders are.
    directory: PathBuf,
    pub version: &'static str,
    /// Rows are never removed from the queue.
    complete: bool,
    collections: Vec<Known>,
    /// The places of collections, by their metadata segments.
    by_segment: HashMap<String, usize>,
    /// Those of the first keys of metadata.
    keys: Arc<[Column]>,
    columns: ColumnsOfMetadata,
    /// Read once in a snapshot; within, why it cannot be read.
    queue: Mutex<Option<Arc<std::result::Result<Queue, String>>>>,
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

impl Known {
    /// It is a table.
    fn is_read(&self) -> bool {
        self.described.refused.is_none()
    }
}

/// Columns that SQLite allows a table.
const MOST_COLUMNS: usize = 2_000;

/// The release that ChromaDB's tables show; nothing for another file.
pub fn version(source: &Source) -> &'static str {
    source.relations().chroma.as_ref().map_or("", |chroma| chroma.version)
}

impl Chroma {
    pub(super) fn new(
        listing: Listing,
        modules: Vec<String>,
        path: &Path,
        interrupted: &Interrupted,
    ) -> Chroma {
        let Listing { version, complete, mut collections, taken, keys, columns } = listing;
        listing::name_tables(&mut collections, taken.into_iter().chain(modules));
        let known = |(described, segments)| Known {
            described,
            segments,
            vectors: Mutex::default(),
            seen: Mutex::default(),
        };
        let collections: Vec<Known> = collections.into_iter().map(known).collect();
        let places = collections.iter().enumerate().rev();
        let by_segment = places.map(|(at, known)| (known.segments.metadata.clone(), at)).collect();
        let chroma = Chroma {
            directory: path.parent().unwrap_or(Path::new("/")).to_owned(),
            version,
            complete,
            collections,
            by_segment,
            keys: keys.iter().map(|key| relation::of_key(columns, key)).collect(),
            columns,
            queue: Mutex::default(),
            interrupted: interrupted.clone(),
        };
        chroma.forget();
        chroma
    }

    /// The tables that stand for the collections; the last one has the records of all.
    pub(super) fn relations(&self) -> Vec<Arc<Relation>> {
        let read: Vec<&Known> = self.collections.iter().filter(|known| known.is_read()).collect();
        let each = read.iter().map(|known| relation::of_collection(self, known));
        let single = (!read.is_empty()).then(|| relation::of_all(self, &read));
        each.chain(single).map(Arc::new).collect()
    }

    /// The relation with columns for keys that its records have, whether or not they are among the first.
    pub(super) fn with_keys(
        &self,
        connection: &Connection,
        relation: &Relation,
        keys: &[String],
    ) -> Result<Relation> {
        let is_first = |key: &&String| !self.keys.iter().any(|c| c.name.strip_prefix(METADATA) == Some(key));
        let others: Vec<String> = keys.iter().filter(is_first).cloned().collect();
        if others.is_empty() {
            return Ok(relation.clone());
        }
        let of_it = |known: &&Known| known.is_read() && known.described.table == relation.name;
        let own: Vec<&str> =
            self.collections.iter().filter(of_it).map(|known| known.segments.metadata.as_str()).collect();
        let all = || self.collections.iter().filter(|k| k.is_read()).map(|k| k.segments.metadata.as_str());
        let segments = if own.is_empty() { all().collect() } else { own };
        let present = listing::present(connection, self.columns, &others, &segments)?;
        let mut columns = relation.columns.clone();
        let more = present.iter().map(|key| relation::of_key(self.columns, key));
        for column in more.chain(relation.shared.iter().cloned()) {
            // Names of columns differ by more than case.
            if !columns.iter().any(|there| there.name.eq_ignore_ascii_case(&column.name)) {
                columns.push(column);
            }
        }
        columns.truncate(MOST_COLUMNS);
        Ok(Relation { columns, shared: Arc::default(), ..relation.clone() })
    }

    /// The collections as they are listed, without their vectors.
    pub(super) fn collections(&self) -> impl Iterator<Item = &Collection> {
        self.collections.iter().map(|known| &known.described)
    }

    /// A collection, with what became of its vectors.
    pub(super) fn located(&self, connection: &Connection, at: usize) -> Result<Collection> {
        let Some(known) = self.collections.get(at) else { return Ok(Collection::default()) };
        let mut described = known.described.clone();
        if known.is_read() && described.damaged.is_none() {
            let vectors = self.vectors(known, connection)?;
            described.records = vectors.records;
            described.vectors = vectors.found.clone();
            described.hnsw = made_with(&vectors).unwrap_or(described.hnsw);
        } else {
            let sql = "SELECT count(*) FROM main.embeddings WHERE segment_id = ?1";
            let records: i64 = connection.query_row(sql, [&known.segments.metadata], |row| row.get(0))?;
            described.records = records.try_into().unwrap_or(0);
        }
        Ok(described)
    }

    /// The vectors of a collection, looked for once.
    fn vectors(&self, known: &Known, connection: &Connection) -> Result<Arc<Vectors>> {
        let there = locked(&known.vectors).clone();
        if let Some(vectors) = there {
            return Ok(vectors);
        }
        // Not locked: what is read may be a virtual table, in a file that was made for it.
        let queue = self.queue(connection)?;
        let queue = queue.as_ref().as_ref().map_err(|why| Error::UserFunctionError(why.clone().into()))?;
        let interrupted = &*self.interrupted;
        let found =
            Vectors::find(connection, &known.segments, &self.directory, (queue, self.complete), &|| {
                interrupted()
            })?;
        let found = Arc::new(found);
        *locked(&known.vectors) = Some(found.clone());
        Ok(found)
    }

    /// The queue, read once for all collections.
    fn queue(&self, connection: &Connection) -> Result<Arc<std::result::Result<Queue, String>>> {
        let there = locked(&self.queue).clone();
        if let Some(queue) = there {
            return Ok(queue);
        }
        let queue = match Queue::read(connection) {
            Err(e) if is_of_file(&e) => Err(format!("embeddings_queue cannot be read: {e}")),
            queue => Ok(queue?),
        };
        let queue = Arc::new(queue);
        *locked(&self.queue) = Some(queue.clone());
        Ok(queue)
    }

    fn of_segment(&self, segment: &str) -> Option<&Known> {
        self.collections.get(*self.by_segment.get(segment)?)
    }

    /// The next snapshot may have others. Called before it is taken: a folder that is the same afterwards is of its state.
    pub(super) fn forget(&self) {
        *locked(&self.queue) = None;
        for known in self.collections.iter().filter(|known| known.is_read()) {
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
