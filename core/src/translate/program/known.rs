//! Functions of SQLite that no statement can have in PostgreSQL, with the reason; what is in no list is the application's.

use crate::translate::function::FUNCTIONS;

use super::{JSON_FUNCTIONS, aggregate, forms, matching, session, window};

/// What a refusal says of them.
const REFUSED: &[(&str, &str)] = &[
    ("fts3_tokenizer", "fts3_tokenizer() is of SQLite's full-text index"),
    ("fts5", "fts5() is of SQLite's full-text index"),
    ("fts5_get_locale", "fts5_get_locale() is of SQLite's full-text index"),
    ("fts5_insttoken", "fts5_insttoken() is of SQLite's full-text index"),
    ("fts5_locale", "fts5_locale() is of SQLite's full-text index"),
    ("fts5_source_id", "fts5_source_id() is of SQLite itself"),
    ("load_extension", "load_extension() loads code into SQLite"),
    ("optimize", "optimize() is of SQLite's full-text index"),
    ("rtreecheck", "rtreecheck() is of SQLite's R*Tree"),
    ("rtreedepth", "rtreedepth() is of SQLite's R*Tree"),
    ("rtreenode", "rtreenode() is of SQLite's R*Tree"),
    ("sqlite_compileoption_get", "sqlite_compileoption_get() is of SQLite itself"),
    ("sqlite_compileoption_used", "sqlite_compileoption_used() is of SQLite itself"),
    ("sqlite_log", "sqlite_log() writes SQLite's log"),
    ("sqlite_offset", "sqlite_offset() is a place in the file"),
    ("sqlite_source_id", "sqlite_source_id() is of SQLite itself"),
    ("subtype", "subtype() tells what SQLite's own functions say to each other"),
];

/// Functions of SQLite that other files translate or refuse, with their numbers of arguments.
const OTHERS: &[(&str, usize, usize)] = &[
    ("->", 2, 2),
    ("->>", 2, 2),
    ("current_date", 0, 0),
    ("current_time", 0, 0),
    ("current_timestamp", 0, 0),
    ("format", 0, MANY),
    ("glob", 2, 2),
    ("if", 2, MANY),
    ("iif", 2, MANY),
    ("jsonb", 1, 1),
    ("like", 2, 3),
    ("match", 2, 2),
    ("median", 1, 1),
    ("percentile", 2, 2),
    ("percentile_cont", 2, 2),
    ("percentile_disc", 2, 2),
    ("printf", 0, MANY),
    ("regexp", 2, 2),
    ("timediff", 2, 2),
];

const MANY: usize = 100;

/// Whether a function of SQLite with so many arguments is in a table: translated, or refused with a reason of its own.
pub fn is_known(name: &str, arguments: usize) -> bool {
    let takes = |min: usize, max: usize| (min..=max).contains(&arguments);
    let json = name.replacen("jsonb_", "json_", 1);
    refused(name).is_some()
        || OTHERS.iter().any(|(other, min, max)| *other == name && takes(*min, *max))
        || FUNCTIONS.iter().any(|f| f.name == name && takes(f.min, f.max))
        || forms::find(name, arguments).is_some()
        || JSON_FUNCTIONS.iter().any(|f| f.name == json && takes(f.min, f.max))
        || aggregate::AGGREGATES.iter().any(|a| a.name == json && takes(a.min, a.max))
        || window::WINDOW_FUNCTIONS.iter().any(|w| w.name == name && takes(w.min, w.max))
}

fn refused(name: &str) -> Option<&'static str> {
    let listed = || REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason);
    let geopoly =
        "geopoly functions are of SQLite's Geopoly: the operators of PostgreSQL's polygon take their place";
    session::refused(name)
        .or_else(|| matching::refused(name))
        .or_else(listed)
        .or_else(|| name.starts_with("geopoly_").then_some(geopoly))
}

/// Why a function that has no form is refused, if there is more to say than that.
pub(super) fn reason(name: &str) -> Option<String> {
    if let Some(reason) = refused(name) {
        return Some(reason.to_owned());
    }
    let known = (0..=MANY).any(|arguments| is_known(name, arguments)) || name.starts_with("json");
    (!known).then(|| format!("function {name}() is the application's"))
}
