//! ChromaDB's folders, as `chroma.sqlite3` and the HNSW indexes beside it describe them: which vector a record has, where
//! it is, and how it is read. Pure: bytes and rows in, decisions out; `sqlite::chroma` reads the files.
//!
//! A collection has two segments. The metadata segment's records are rows of `embeddings`. The vector segment is a folder
//! with an HNSW index, which lags behind: `embeddings_queue` has what the index does not hold yet.

pub mod config;
pub mod facts;
pub mod index;
pub mod metadata;
pub mod pickle;
pub mod replay;

pub use config::Space;
pub use facts::{Collection, Where};

/// The module that stands for a collection among the virtual tables of a file.
pub const MODULE: &str = "chroma";

/// The table of all collections, which `"layout": "single"` loads.
pub const SINGLE: &str = "chroma_records";

/// The columns of a collection, in order. Those of its metadata follow, as `metadata.KEY`.
pub const COLUMNS: [&str; 6] = ["id", "document", "uri", "metadata", "embedding", "created_at"];

/// What precedes the key in the name of a column with one value of the metadata.
pub const METADATA: &str = "metadata.";

/// What is said of a file with ChromaDB's tables in which collections cannot be found.
pub fn unrecognised(why: &str) -> String {
    format!("the file looks like ChromaDB's, and is read as any other: {why}")
}

/// The tables that a file of ChromaDB has, whatever its version.
pub const SIGNS: [&str; 7] = [
    "collections",
    "collection_metadata",
    "embeddings",
    "embedding_metadata",
    "embeddings_queue",
    "max_seq_id",
    "segments",
];

/// All of the tables that ChromaDB has made in one of its versions.
pub const TABLES: [&str; 17] = [
    "acquire_write",
    "collection_metadata",
    "collections",
    "databases",
    "embedding_fulltext",
    "embedding_fulltext_search",
    "embedding_metadata",
    "embedding_metadata_array",
    "embeddings",
    "embeddings_queue",
    "embeddings_queue_config",
    "maintenance_log",
    "max_seq_id",
    "migrations",
    "segment_metadata",
    "segments",
    "tenants",
];
