//! Full text: what SQLite's FTS3, FTS4 and FTS5 tables declare, and the tsvector and tsquery that find what they find.
//!
//! [`declared`] reads a declaration, [`config`] decides what becomes of its tokenizer, [`vector`] writes the expression of
//! the column and its index, [`helper`] the functions that the expression calls; [`query`] reads a MATCH text, and
//! [`tsquery`] writes it for PostgreSQL.

pub mod config;
pub mod declared;
pub mod helper;
pub mod lexemes;
mod porter;
pub mod query;
pub mod tokenizer;
pub mod tsquery;
pub mod unicode;
pub mod vector;
