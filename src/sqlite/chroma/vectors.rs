//! The vectors of one collection: where each is, and its bytes. Found out once, when the first is asked for.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, ffi};

use super::Segments;
use super::folder::{self, Folder, Index, Stop, Wanted};
use pg_sqlite_migrate_core::chroma::replay::{self, Known, Operation, Place, Row as QueueRow, Vector};
use pg_sqlite_migrate_core::chroma::{Space, Where, index};
use pg_sqlite_migrate_core::value::buffer::{self, OutOfMemory};

/// Where the vectors of a collection are.
pub(super) struct Vectors {
    places: HashMap<Box<str>, Place>,
    index: Option<Index>,
    pub found: Where,
}

fn no_memory(_: OutOfMemory) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None)
}

fn stopped(stop: Stop) -> Error {
    let code = match stop {
        Stop::Interrupted => ffi::SQLITE_INTERRUPT,
        Stop::Memory => ffi::SQLITE_NOMEM,
    };
    Error::SqliteFailure(ffi::Error::new(code), None)
}

/// An id; one that is no text, or no UTF-8, is no id of ChromaDB's.
fn id(row: &Row<'_>, at: usize) -> Result<Box<str>> {
    let text = row.get_ref(at)?.as_str()?;
    buffer::text(text).map(String::into_boxed_str).map_err(no_memory)
}

/// An integer, or its eight bytes, the highest first.
fn seq_id(row: &Row<'_>, at: usize) -> Result<i64> {
    Ok(match row.get_ref(at)? {
        ValueRef::Integer(number) => number,
        ValueRef::Blob(bytes) => bytes.try_into().map_or(-1, i64::from_be_bytes),
        _ => -1,
    })
}

impl Vectors {
    pub(super) fn find(
        connection: &Connection,
        segments: &Segments,
        directory: &Path,
        complete: bool,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vectors> {
        let records = records(connection, segments)?;
        let queue = queue(connection, segments)?;
        let held = connection
            .query_row(
                "SELECT seq_id FROM main.max_seq_id WHERE segment_id = ?1",
                [&segments.vector],
                |row| seq_id(row, 0),
            )
            .optional()?;
        let wanted = Wanted {
            directory,
            segment: &segments.vector,
            dimension: segments.dimension,
            space: segments.space,
            written: held.is_some(),
        };
        let Folder { state, why, index, held: own, alive } =
            folder::read(&wanted, interrupted).map_err(stopped)?;
        let held = held.or(own);
        let mut alive = alive;
        if let Some(index) = index.as_ref().filter(|_| segments.space == Space::Cosine) {
            exact(connection, index, &queue, held, &mut alive)?;
        }
        let known = Known { state, index: alive, held, queue: &queue, complete, records: &records };
        let places = replay::places(known).map_err(no_memory)?;
        let mut found = Where { state: Some(state), why, ..Where::default() };
        for id in records.keys() {
            match places.get(id) {
                Some(Place::Element(_)) => found.indexed += 1,
                Some(Place::Queue(_)) => found.queued += 1,
                Some(Place::Lost) | None => {
                    found.missing.try_reserve(1).map_err(|e| no_memory(e.into()))?;
                    found.missing.push(buffer::text(id).map_err(no_memory)?);
                }
            }
        }
        found.missing.sort();
        found.stray = places.keys().filter(|id| !records.contains_key(*id)).count() as u64;
        found.restored = if segments.space == Space::Cosine { found.indexed } else { 0 };
        Ok(Vectors { places, index, found })
    }

    /// The vector of a record that is in the index.
    pub(super) fn element(&self, id: &str) -> Result<Option<Vec<u8>>> {
        let (Some(Place::Element(element)), Some(index)) = (self.places.get(id), &self.index) else {
            return Ok(None);
        };
        let gone = || Error::UserFunctionError("an index of ChromaDB cannot be read any more".into());
        index.vector(*element).map(Some).ok_or_else(gone)
    }

    /// The row of the queue with the vector of a record.
    pub(super) fn row(&self, id: &str) -> Option<i64> {
        match self.places.get(id) {
            Some(Place::Queue(row)) => Some(*row),
            _ => None,
        }
    }

    pub(super) fn hnsw(&self) -> Option<(u64, u64)> {
        self.index.as_ref().map(Index::hnsw)
    }
}

fn records(connection: &Connection, segments: &Segments) -> Result<HashMap<Box<str>, i64>> {
    let mut statement =
        connection.prepare("SELECT embedding_id, seq_id FROM main.embeddings WHERE segment_id = ?1")?;
    let mut rows = statement.query([&segments.metadata])?;
    let mut records = HashMap::new();
    while let Some(row) = rows.next()? {
        records.try_reserve(1).map_err(|e| no_memory(e.into()))?;
        records.insert(id(row, 0)?, seq_id(row, 1)?);
    }
    Ok(records)
}

fn queue(connection: &Connection, segments: &Segments) -> Result<Vec<QueueRow>> {
    // The topic ends with the collection, whatever its tenant and database.
    let mut statement = connection.prepare(
        "SELECT seq_id, operation, id, vector IS NOT NULL, coalesce(encoding, 'FLOAT32') = 'FLOAT32'
         FROM main.embeddings_queue WHERE substr(topic, -length(?1)) = ?1 ORDER BY seq_id",
    )?;
    let mut rows = statement.query([&segments.collection])?;
    let mut queue = vec![];
    while let Some(row) = rows.next()? {
        let operation = Operation::of(row.get(1)?);
        let vector = match (row.get(3)?, row.get(4)?) {
            (false, _) => Vector::None,
            (true, true) => Vector::Floats,
            (true, false) => Vector::Other,
        };
        queue.try_reserve(1).map_err(|e| no_memory(e.into()))?;
        queue.push(QueueRow { seq_id: row.get(0)?, operation, id: id(row, 2)?, vector });
    }
    Ok(queue)
}

/// The index has rounded what the queue may still have exactly: of the rows that the index holds, the latest that agrees
/// with it.
fn exact(
    connection: &Connection,
    index: &Index,
    queue: &[QueueRow],
    held: Option<i64>,
    alive: &mut HashMap<Box<str>, Place>,
) -> Result<()> {
    let mut statement = connection.prepare("SELECT vector FROM main.embeddings_queue WHERE seq_id = ?1")?;
    for row in replay::exact_candidates(queue, held) {
        let Some(place @ Place::Element(_)) = alive.get_mut(&row.id) else { continue };
        let Place::Element(element) = *place else { continue };
        let Some(rounded) = index.vector(element) else { continue };
        let agrees = |found: &Row<'_>| {
            Ok(found.get_ref(0)?.as_blob().is_ok_and(|exact| index::agrees(exact, &rounded)))
        };
        if statement.query_row([row.seq_id], agrees)? {
            *place = Place::Queue(row.seq_id);
        }
    }
    Ok(())
}
