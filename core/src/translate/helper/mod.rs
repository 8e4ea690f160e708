//! Helper functions: what a translated object calls where PostgreSQL has no function with SQLite's results.
//!
//! They are SQL and PL/pgSQL, so that a dump of what calls them restores on a server without this extension. Each is a file
//! of `sql/`: one complete statement, in which every name is of `pg_catalog` (by the function's own search_path, or, after RETURN, when
//! it is created) or written with its schema. What a statement needs is read off its text: a helper is named nowhere but where it is called.

use std::collections::BTreeSet;

use crate::types::TypeClass;

mod schema;
#[cfg(test)]
mod tests;

pub use schema::{SCHEMA, SCHEMA_STEPS, steps as schema_steps};

/// A function of the schema `sqlite_compat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Helper {
    pub name: &'static str,
    /// The family of its result.
    pub class: TypeClass,
    /// What it is for, as docs/translate.md says it.
    pub note: &'static str,
    /// CREATE OR REPLACE FUNCTION.
    pub sql: &'static str,
}

macro_rules! helpers {
    ($(($name:literal, $class:ident, $note:literal),)*) => {
        &[$(Helper {
            name: $name,
            class: TypeClass::$class,
            note: $note,
            sql: include_str!(concat!("sql/", $name, ".sql")),
        }),*]
    };
}

/// Every one, after those that it calls.
pub const HELPERS: &[Helper] = helpers![
    ("real_text", Text, "the text of a REAL: 15 significant digits"),
    ("number_text", Text, "the text of a number of double precision in a column with numeric affinity"),
    ("decimal_text", Text, "the text of a number of type numeric in such a column"),
    ("text_real", Float, "the number that a text begins with"),
    ("text_number", Numeric, "the same, with all digits of an integer"),
    ("real_integer", Integer, "a number without its fraction; out of range the nearest integer"),
    ("real_exact", Numeric, "every digit of a double"),
    ("real_mod", Float, "the remainder of two doubles"),
    ("printf_integer", Text, "`%d %i %u %x %X %o %p %r`"),
    ("printf_real", Text, "`%f %e %E %g %G`"),
    ("characters", Text, "the text of code points"),
    ("unistr", Text, "SQLite's unistr()"),
    ("unistr_escape", Text, "a text within the quotes of a call of unistr()"),
    ("unistr_quote", Text, "SQLite's unistr_quote() of a text"),
    ("printf_text", Text, "`%s %z %c %q %Q %w`"),
    ("printf", Text, "`printf()` with a computed format"),
    ("real_quote", Text, "quote() of a REAL: its text, or 21 digits where that is another number"),
    ("unicode", Integer, "the code point of the first character, in any encoding"),
    ("unhex", Bytea, "bytes of hexadecimal digits"),
    ("soundex", Text, "SQLite's soundex()"),
    ("month_days", Integer, "how many days a month has"),
    ("julian_day", Integer, "the number of a day"),
    ("local_time", Integer, "what a clock of the session's time zone shows"),
    ("clock", Other, "reads HH:MM:SS.FFF with an offset"),
    ("moment", Other, "reads a time value and its modifiers"),
    ("day_text", Text, "YYYY-MM-DD of a moment"),
    ("clock_text", Text, "HH:MM:SS of a moment"),
    ("year_text", Text, "a year with its zeros"),
    ("time_text", Text, "a timestamp as date functions of SQLite read it"),
    ("date", Text, "SQLite's date()"),
    ("time", Text, "SQLite's time()"),
    ("datetime", Text, "SQLite's datetime()"),
    ("julianday", Float, "SQLite's julianday()"),
    ("unixepoch", Integer, "SQLite's unixepoch()"),
    ("unixepoch_subsec", Float, "SQLite's unixepoch() with the modifier `subsec`"),
    ("strftime", Text, "SQLite's strftime()"),
    ("timediff", Text, "SQLite's timediff()"),
    ("glob_pattern", Text, "the regular expression of a pattern of GLOB"),
    ("json_valid", Bool, "whether a text is JSON"),
    ("json_step", Other, "the first step of a JSON path"),
    ("json_at", Json, "what a JSON path leads to"),
    ("json_arrow", Json, "what the right operand of `->` leads to"),
    ("json_edit", Json, "a document with a change at a path"),
    ("json_patch", Json, "SQLite's json_patch()"),
    ("json_pretty", Text, "SQLite's json_pretty()"),
];

/// A call, as SQL.
pub fn call(name: &str, args: &[impl AsRef<str>]) -> String {
    debug_assert!(HELPERS.iter().any(|helper| helper.name == name), "no helper {name}");
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    format!("{SCHEMA}.{name}({})", args.join(", "))
}

/// What an SQL text calls, and what that calls, in an order in which each comes after those that it calls.
pub fn called_by(sql: &str) -> Vec<&'static Helper> {
    let mut names = BTreeSet::new();
    let mut open = named_in(sql);
    while let Some(name) = open.pop() {
        if names.insert(name) {
            let of_it = HELPERS.iter().filter(|helper| helper.name == name);
            open.extend(of_it.flat_map(|helper| named_in(helper.sql)));
        }
    }
    HELPERS.iter().filter(|helper| names.contains(helper.name)).collect()
}

fn named_in(sql: &str) -> Vec<&'static str> {
    let mut found = vec![];
    for (at, _) in sql.match_indices(CALL) {
        let rest = &sql[at + CALL.len()..];
        let name = rest.split('(').next().unwrap_or_default();
        found.extend(HELPERS.iter().map(|helper| helper.name).find(|known| *known == name));
    }
    found
}

/// Before the name of what is called.
const CALL: &str = "sqlite_compat.";

/// The statements that create what an SQL text calls, in order; none if it calls nothing.
pub fn statements(sql: &str) -> Vec<String> {
    let helpers = called_by(sql);
    if helpers.is_empty() {
        return vec![];
    }
    let schema = SCHEMA_STEPS.iter().map(|(_, sql)| (*sql).to_owned());
    schema.chain(helpers.iter().map(|helper| helper.sql.trim_end().to_owned())).collect()
}
