//! Functions of SQLite that no statement can have in PostgreSQL, with the reason; what is in no list is the application's.

use crate::translate::function::FUNCTIONS;

use super::{aggregate, forms, window};

/// What a refusal says of them.
const REFUSED: &[(&str, &str)] = &[
    ("bm25", "bm25() ranks as FTS5 does, which ts_rank and ts_rank_cd do not: they are PostgreSQL's"),
    ("highlight", "highlight() has no equal: ts_headline is PostgreSQL's"),
    ("matchinfo", "matchinfo() tells what is in SQLite's index"),
    ("offsets", "offsets() tells what is in SQLite's index"),
    ("snippet", "snippet() has no equal: ts_headline is PostgreSQL's"),
    ("load_extension", "load_extension() loads code into SQLite"),
    ("sqlite_compileoption_get", "sqlite_compileoption_get() is of SQLite itself"),
    ("sqlite_compileoption_used", "sqlite_compileoption_used() is of SQLite itself"),
    ("sqlite_log", "sqlite_log() writes SQLite's log"),
    ("sqlite_offset", "sqlite_offset() is a place in the file"),
    ("sqlite_source_id", "sqlite_source_id() is of SQLite itself"),
    ("sqlite_version", "sqlite_version() is of SQLite itself"),
];

/// Functions of SQLite that other files translate or refuse.
const OTHERS: &[&str] = &[
    "fts3_tokenizer",
    "format",
    "glob",
    "like",
    "match",
    "median",
    "optimize",
    "percentile",
    "percentile_cont",
    "percentile_disc",
    "printf",
    "regexp",
    "rtreecheck",
    "rtreedepth",
    "rtreenode",
    "subtype",
    "timediff",
    "unistr",
    "unistr_quote",
];

/// Why a function that has no form is refused, if there is more to say than that.
pub(super) fn reason(name: &str) -> Option<String> {
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Some((*reason).to_owned());
    }
    let known = FUNCTIONS.iter().any(|f| f.name == name)
        || forms::FORMS.iter().any(|f| f.name == name)
        || aggregate::AGGREGATES.iter().any(|a| a.name == name)
        || window::WINDOW_FUNCTIONS.iter().any(|w| w.name == name)
        || OTHERS.contains(&name)
        || ["json", "geopoly_"].iter().any(|family| name.starts_with(family));
    (!known).then(|| format!("function {name}() is the application's"))
}
