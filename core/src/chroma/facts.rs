//! What a collection of ChromaDB is, and where its vectors are.

use super::config::{Hnsw, Space};
use super::replay::State;

/// A collection as a catalog describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collection {
    /// The table that it is read as.
    pub table: String,
    pub name: String,
    pub tenant: String,
    pub database: String,
    /// `None` before the first record.
    pub dimension: Option<i64>,
    pub space: Space,
    pub hnsw: Hnsw,
    pub records: u64,
    pub vectors: Where,
    /// Why it is not loaded: its vectors are kept in a way that is not read.
    pub refused: Option<String>,
    /// Why it cannot be read: the file is not as ChromaDB writes it.
    pub damaged: Option<String>,
}

/// Where the vectors of the records are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Where {
    /// In the HNSW index.
    pub indexed: u64,
    /// In the queue.
    pub queued: u64,
    /// Of those in the index, which has them normalised: restored to within float rounding.
    pub restored: u64,
    /// The records without a vector, in order.
    pub missing: Vec<String>,
    /// Vectors of no record.
    pub stray: u64,
    pub state: Option<State>,
    /// Why the index is lost.
    pub why: Option<String>,
}

impl Where {
    pub fn found(&self) -> u64 {
        self.indexed + self.queued
    }

    /// `queue`, `hnsw`, both or neither.
    pub fn place(&self) -> &'static str {
        match (self.queued > 0, self.indexed > 0) {
            (true, true) => "queue, hnsw",
            (true, false) => "queue",
            (false, true) => "hnsw",
            (false, false) => "none",
        }
    }
}

/// The release that has made the newest change to the tables, as far as it shows.
pub fn version(columns: impl Fn(&str, &str) -> bool, table: impl Fn(&str) -> bool) -> &'static str {
    if table("embedding_metadata_array") || columns("collections", "schema_str") {
        "1.5"
    } else if table("acquire_write") {
        "1.0"
    } else if table("embeddings_queue_config") {
        "0.5.6"
    } else if columns("collections", "config_json_str") {
        "0.5"
    } else {
        "0.4"
    }
}
