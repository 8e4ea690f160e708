//! The vectors of one collection: where each is, and its bytes. Found out once, when the first is asked for.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, ffi};

use super::Segments;
use super::folder::{self, Folder, Index, Stop, Wanted};
use crate::sqlite::relations::no_memory;
use pg_sqlite_migrate_core::chroma::replay::{self, Known, Operation, Place, Row as QueueRow, Vector};
use pg_sqlite_migrate_core::chroma::{Space, Where, index};
use pg_sqlite_migrate_core::value::buffer;

/// Where the vectors of a collection are.
pub(super) struct Vectors {
    places: HashMap<Box<str>, Place>,
    index: Option<Index>,
    pub records: u64,
    pub found: Where,
}

/// The rows of the queue, by collection: the first and the last of those that no other collection's row stands between.
pub(super) struct Queue(HashMap<Box<str>, Vec<(i64, i64)>>);

fn stopped(stop: Stop) -> Error {
    let code = match stop {
        Stop::Interrupted => ffi::SQLITE_INTERRUPT,
        Stop::Memory => ffi::SQLITE_NOMEM,
    };
    Error::SqliteFailure(ffi::Error::new(code), None)
}

/// An id. One that is no text, or no UTF-8, is no id of ChromaDB's: its record has no vector.
fn id(row: &Row<'_>, at: usize) -> Result<Option<Box<str>>> {
    let Ok(text) = row.get_ref(at)?.as_str() else { return Ok(None) };
    buffer::text(text).map(|text| Some(text.into_boxed_str())).map_err(no_memory)
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
        (queue, complete): (&Queue, bool),
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vectors> {
        let (records, odd) = records(connection, segments)?;
        let queue = queue.of(connection, segments)?;
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
        let mut found = Where { state: Some(state), why, missing: odd, ..Where::default() };
        let count = (records.len() + found.missing.len()) as u64;
        for id in records.keys() {
            match places.get(id) {
                Some(Place::Element(_)) => found.indexed += 1,
                Some(Place::Queue(_)) => found.queued += 1,
                Some(Place::Lost) | None => {
                    let id = buffer::text(id).map_err(no_memory)?;
                    buffer::push(&mut found.missing, id).map_err(no_memory)?;
                }
            }
        }
        found.missing.sort();
        found.stray = places.keys().filter(|id| !records.contains_key(*id)).count() as u64;
        found.restored = if segments.space == Space::Cosine { found.indexed } else { 0 };
        Ok(Vectors { places, index, records: count, found })
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

/// Ids longer than this are named by their beginning.
const NAMED: usize = 200;

/// The row of the queue that each record is from, by id.
type Records = HashMap<Box<str>, i64>;

/// The records, and the names of those whose ids are no texts.
fn records(connection: &Connection, segments: &Segments) -> Result<(Records, Vec<String>)> {
    let mut statement =
        connection.prepare("SELECT embedding_id, seq_id FROM main.embeddings WHERE segment_id = ?1")?;
    let mut rows = statement.query([&segments.metadata])?;
    let (mut records, mut odd) = (Records::new(), vec![]);
    while let Some(row) = rows.next()? {
        match id(row, 0)? {
            Some(id) => {
                records.try_reserve(1).map_err(no_memory)?;
                records.insert(id, seq_id(row, 1)?);
            }
            None => buffer::push(&mut odd, shown(row.get_ref(0)?)).map_err(no_memory)?,
        }
    }
    Ok((records, odd))
}

/// What stands in the place of an id.
fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let beginning = bytes.get(..NAMED).unwrap_or(bytes);
            String::from_utf8_lossy(beginning).into_owned()
        }
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Null => "NULL".into(),
    }
}

impl Queue {
    pub(super) fn read(connection: &Connection) -> Result<Queue> {
        let mut statement =
            connection.prepare("SELECT seq_id, topic FROM main.embeddings_queue ORDER BY seq_id")?;
        let mut rows = statement.query([])?;
        let mut queue: HashMap<Box<str>, Vec<(i64, i64)>> = HashMap::new();
        let mut before = None;
        while let Some(row) = rows.next()? {
            let seq_id = row.get(0)?;
            let before = before.replace(seq_id);
            let Ok(topic) = row.get_ref(1)?.as_str() else { continue };
            // The topic ends with the collection, whatever its tenant and database.
            let collection = topic.rsplit('/').next().unwrap_or(topic);
            match queue.get_mut(collection) {
                Some(runs) => match runs.last_mut() {
                    Some((_, last)) if before == Some(*last) => *last = seq_id,
                    _ => buffer::push(runs, (seq_id, seq_id)).map_err(no_memory)?,
                },
                None => {
                    queue.try_reserve(1).map_err(no_memory)?;
                    let collection = buffer::text(collection).map_err(no_memory)?;
                    queue.insert(collection.into(), vec![(seq_id, seq_id)]);
                }
            }
        }
        Ok(Queue(queue))
    }

    /// The rows of a collection.
    fn of(&self, connection: &Connection, segments: &Segments) -> Result<Vec<QueueRow>> {
        let runs = self.0.get(segments.collection.as_str()).map(Vec::as_slice).unwrap_or_default();
        let mut statement = connection.prepare(
            "SELECT operation, id, typeof(vector), coalesce(encoding, 'FLOAT32') = 'FLOAT32', seq_id
             FROM main.embeddings_queue WHERE seq_id BETWEEN ?1 AND ?2 ORDER BY seq_id",
        )?;
        let mut queue = vec![];
        for run in runs {
            let mut rows = statement.query(*run)?;
            while let Some(row) = rows.next()? {
                // No record has an id that is no text.
                let Some(id) = id(row, 1)? else { continue };
                let operation = row.get_ref(0)?.as_i64().map_or(Operation::Unknown, Operation::of);
                let vector = match (row.get_ref(2)?.as_str(), row.get(3)?) {
                    (Ok("null"), _) => Vector::None,
                    (Ok("blob"), true) => Vector::Floats,
                    _ => Vector::Other,
                };
                let row = QueueRow { seq_id: row.get(4)?, operation, id, vector };
                buffer::push(&mut queue, row).map_err(no_memory)?;
            }
        }
        Ok(queue)
    }
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
