//! Every key of an export's plan: the one registry from which the reader, its hints and docs/export.md derive.

use serde_json::Value;

use super::spelling::Spelling;
use crate::path::join;
use crate::plan::PlanError;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::objects::glob;
use crate::plan::given::overrides::invalid;
use crate::value::{Format, Timezone};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Plan,
    Table,
    Column,
}

/// The shape of a key's value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Flag,
    Text,
    Names,
    Globs,
    Word(&'static [&'static str]),
    Run,
    /// A power of two from 512 to 65536.
    PageSize,
    /// 32 bits.
    Number,
    Format,
    Timezone,
    Spelling,
    Tables,
    Columns,
}

pub struct Key {
    pub name: &'static str,
    pub level: Level,
    pub kind: Kind,
    /// As JSON text, or words.
    pub default: &'static str,
    pub doc: &'static str,
}

pub const NUMERIC: &[&str] = &["exact", "text", "real"];
pub const UUID: &[&str] = &["text", "blob"];
pub const FILES: &[&str] = &["one", "schema"];
pub const PREFIX: &[&str] = &["collision", "always"];
pub const JSON: &[&str] = &["text", "blob"];
pub const INTERVAL: &[&str] = &["postgres", "iso8601"];
pub const VECTOR: &[&str] = &["json", "blob"];
pub const GEOMETRY: &[&str] = &["ewkb", "wkb"];
pub const TSVECTOR: &[&str] = &["none", "text"];
pub const ON_INVALID: &[&str] = &["error", "null", "text"];
pub const DECLARATIONS: &[&str] = &["original", "translated"];
pub const ENCODINGS: &[&str] = &["UTF-8", "UTF-16le", "UTF-16be"];
pub const AUTO_VACUUM: &[&str] = &["none", "full", "incremental"];
pub const JOURNAL_MODE: &[&str] = &["delete", "wal"];

const fn key(name: &'static str, level: Level, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key { name, level, kind, default, doc }
}

const P: Level = Level::Plan;

/// The registry.
pub const KEYS: &[Key] = &[
    key("schemas", P, Kind::Names, "[\"public\"]", "The schemas whose tables are exported."),
    key("schema", P, Kind::Text, "none", "One schema, in place of `schemas`."),
    key(
        "files",
        P,
        Kind::Word(FILES),
        "\"one\"; \"schema\" for a path with `{schema}` in it",
        "`schema` makes one file of each schema, whose name stands in place of `{schema}` in the path. Foreign keys between files are left out.",
    ),
    key(
        "prefix",
        P,
        Kind::Word(PREFIX),
        "\"collision\"",
        "Which tables of a file are called `schema_table`: those of a name that a table of another schema has too, or all.",
    ),
    key(
        "run",
        P,
        Kind::Run,
        "null",
        "The number of a recorded run whose tables are exported, under the names of the original file, in place of `schemas`; the argument `run` says the same. Columns and tables get their names in the file back, times their formats, and the file its page size, encoding, `user_version` and `application_id`.",
    ),
    key("include", P, Kind::Globs, "[\"*\"]", "Globs of the tables to export, without regard to case."),
    key("exclude", P, Kind::Globs, "[]", "Globs of tables to leave out; wins over `include`."),
    key(
        "numeric",
        P,
        Kind::Word(NUMERIC),
        "\"exact\"",
        "How `numeric` is stored: `exact` as numbers where the type's precision says that every value is exact as one, else as text; `text` as text; `real` as the nearest double, and values that are rounded are counted in `detail`.",
    ),
    key("uuid", P, Kind::Word(UUID), "\"text\"", "How `uuid` is stored: as text, or as 16 bytes."),
    key(
        "json",
        P,
        Kind::Word(JSON),
        "\"text\"",
        "How `json` and `jsonb` are stored: as text, or as SQLite's JSONB, which it has from 3.45 on.",
    ),
    key(
        "interval",
        P,
        Kind::Word(INTERVAL),
        "\"postgres\"",
        "How `interval` is spelled where its column has no format: as PostgreSQL prints it by default, or by ISO 8601.",
    ),
    key(
        "vector",
        P,
        Kind::Word(VECTOR),
        "\"json\"",
        "How pgvector's `vector` is stored: as a JSON array, or as 32-bit reals in a blob. A column of a run that had blobs has blobs.",
    ),
    key(
        "geometry",
        P,
        Kind::Word(GEOMETRY),
        "\"ewkb\"",
        "How `geometry` and `geography` of PostGIS are stored: `wkb` is WKB of ISO, which has no SRID.",
    ),
    key(
        "geopackage",
        P,
        Kind::Flag,
        "false",
        "Make a GeoPackage: `geometry` and `geography` become its blobs, and the file gets its tables about tables and R*Trees, see [geometry.md](geometry.md#the-way-back).",
    ),
    key(
        "tsvector",
        P,
        Kind::Word(TSVECTOR),
        "\"none\"",
        "Whether columns of `tsvector` and `tsquery` are stored as text.",
    ),
    key(
        "fts",
        P,
        Kind::Flag,
        "true",
        "Make full-text tables: those of a run's file again, and without a run an FTS5 table over the columns that a generated `tsvector` is made of.",
    ),
    key(
        "on_invalid",
        P,
        Kind::Word(ON_INVALID),
        "\"error\"",
        "What to do with a value that has no exact form in its column, such as `NaN`, `infinity` or a time between two units of the column's format: `error` stops, `null` stores NULL, `text` stores the text that PostgreSQL prints. `detail` counts them.",
    ),
    key(
        "timezone",
        P,
        Kind::Timezone,
        "\"UTC\", a run's own",
        "The zone of `timestamp` and `date` values that are stored as numbers.",
    ),
    key("strict", P, Kind::Flag, "false", "Make STRICT tables."),
    key("indexes", P, Kind::Flag, "true", "Create the indexes that are no constraint's."),
    key("foreign_keys", P, Kind::Flag, "true", "Create foreign keys."),
    key(
        "checks",
        P,
        Kind::Flag,
        "true",
        "Create CHECK constraints: the tables' own as far as they can be translated, those of domains, and those for enums and JSON.",
    ),
    key("views", P, Kind::Flag, "true", "Create views."),
    key("triggers", P, Kind::Flag, "true", "Create the triggers of a run's file."),
    key(
        "declarations",
        P,
        Kind::Word(DECLARATIONS),
        "\"original\"",
        "How the objects of a run are declared: `original` in the file's own words, as long as PostgreSQL has what the import made of them; `translated` as PostgreSQL has them.",
    ),
    key(
        "comments",
        P,
        Kind::Flag,
        "true",
        "Write the comments of tables and columns as SQL comments into their definitions.",
    ),
    key(
        "overwrite",
        P,
        Kind::Flag,
        "false",
        "Replace an existing file when the transaction commits. Without it an existing file is an error.",
    ),
    key("encoding", P, Kind::Word(ENCODINGS), "\"UTF-8\", a run's own", "How the file stores texts."),
    key("page_size", P, Kind::PageSize, "4096, a run's own", "Bytes of a page."),
    key("auto_vacuum", P, Kind::Word(AUTO_VACUUM), "\"none\"", "Of the file."),
    key(
        "journal_mode",
        P,
        Kind::Word(JOURNAL_MODE),
        "\"delete\"",
        "The mode in which an application finds the file.",
    ),
    key("application_id", P, Kind::Number, "0, a run's own", "Of the file."),
    key("user_version", P, Kind::Number, "0, a run's own", "Of the file."),
    key("tables", P, Kind::Tables, "{}", "Keys of single tables, by `table` or `schema.table`."),
    key("target", Level::Table, Kind::Text, "the table's name", "The table's name in the file."),
    key("skip", Level::Table, Kind::Flag, "false", "Leave the table out."),
    key("columns", Level::Table, Kind::Columns, "{}", "Keys of single columns, by name."),
    key("name", Level::Column, Kind::Text, "the column's name", "The column's name in the file."),
    key("skip", Level::Column, Kind::Flag, "false", "Leave the column out."),
    key(
        "format",
        Level::Column,
        Kind::Format,
        "\"iso8601\" for times, a run's own",
        "How the column is written: a format that counts units, such as `unixepoch`, `unixepoch_ms` or `julianday`, for times; `seconds`, `milliseconds`, `microseconds` for `time` and `interval`; `days` and `since_1970` for `interval`; `hex`, `base64` for `bytea`. A value that is not a whole number of units does not fit.",
    ),
    key(
        "spelling",
        Level::Column,
        Kind::Spelling,
        "none, a run's own",
        "How a `timestamp`, `timestamptz` or `interval` that has no format, or a `uuid`, is spelled, by an example of zeros: `0000-00-00T00:00:00.000Z`, `0000-00-00 00:00:00`, `0000-00-00 00:00:00[.000000]` where a fraction of zero is left out, `0000-00-00`, 32 zeros for a UUID without dashes, `PT0S`, `P0DT00H00M00S`, `0.00:00:00[.0000000]`, `0 days, 0:00:00[.000000]` or `0 00:00:00[.000000]` for intervals. Without a zone it is a time of `timezone`. A value that the spelling does not hold is written as by default; `detail` counts them.",
    ),
    key("on_invalid", Level::Column, Kind::Word(ON_INVALID), "the plan's", "As of the plan, for one column."),
];

/// The default of a key of the plan whose values are words.
pub fn default_word(name: &str) -> &'static str {
    let key = at(Level::Plan).find(|key| key.name == name);
    let first = |key: &'static Key| key.default.split(';').next().unwrap_or_default();
    key.map(|key| first(key).trim_matches('"')).unwrap_or_default()
}

fn at(level: Level) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.level == level)
}

/// The keys of one object, with values of the right shape: every mistake is named by its path.
pub fn check(level: Level, value: &Value, path: &str) -> Result<(), PlanError> {
    let map = value.as_object().ok_or_else(|| wrong(path, "an object"))?;
    for (name, value) in map {
        let path = join(path, name);
        let Some(key) = at(level).find(|key| key.name == name) else {
            let guess = did_you_mean(name, at(level).map(|key| key.name));
            let known = at(level).map(|key| key.name).collect::<Vec<_>>().join(", ");
            return Err(invalid(path, format!("unknown key{guess}"), format!("Keys here are {known}.")));
        };
        check_value(key.kind, value, &path)?;
    }
    Ok(())
}

fn check_value(kind: Kind, value: &Value, path: &str) -> Result<(), PlanError> {
    let number = value.as_i64();
    match kind {
        Kind::Flag if value.is_boolean() => Ok(()),
        Kind::Flag => Err(wrong(path, "true or false")),
        Kind::Text => text(value, path).map(drop),
        Kind::Names => list(value, path).map(drop),
        Kind::Globs => list(value, path)?
            .iter()
            .enumerate()
            .try_for_each(|(i, pattern)| glob(pattern, &format!("{path}[{i}]")).map(drop)),
        Kind::Word(words) => word(words, value, path),
        Kind::Format => word(&Format::ALL.map(Format::as_str), value, path),
        Kind::Run if value.is_null() || number.is_some() => Ok(()),
        Kind::Run => Err(wrong(path, "the number of a run")),
        Kind::PageSize if number.is_some_and(|n| (512..=65536).contains(&n) && n & (n - 1) == 0) => Ok(()),
        Kind::PageSize => Err(wrong(path, "a power of two from 512 to 65536")),
        Kind::Number if number.is_some_and(|n| i32::try_from(n).is_ok()) => Ok(()),
        Kind::Number => Err(wrong(path, "an integer of 32 bits")),
        Kind::Timezone => Timezone::parse(text(value, path)?)
            .map(drop)
            .map_err(|e| invalid(path, e, "Use a name such as \"Europe/Berlin\".")),
        Kind::Spelling => match Spelling::parse(text(value, path)?) {
            Some(_) => Ok(()),
            None => {
                Err(invalid(path, "is no spelling", "Give an example such as \"0000-00-00T00:00:00.000Z\"."))
            }
        },
        Kind::Tables => each(Level::Table, value, path),
        Kind::Columns => each(Level::Column, value, path),
    }
}

fn each(level: Level, value: &Value, path: &str) -> Result<(), PlanError> {
    let map = value.as_object().ok_or_else(|| wrong(path, "an object"))?;
    map.iter().try_for_each(|(name, value)| check(level, value, &join(path, name)))
}

fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str, PlanError> {
    match value.as_str() {
        None => Err(wrong(path, "a string")),
        Some("") => Err(invalid(path, "must not be empty", "")),
        Some(text) if text.contains('\0') => Err(invalid(path, "must not contain a NUL character", "")),
        Some(text) => Ok(text),
    }
}

fn list<'a>(value: &'a Value, path: &str) -> Result<Vec<&'a str>, PlanError> {
    let items = value.as_array().ok_or_else(|| wrong(path, "a list of strings"))?;
    items.iter().enumerate().map(|(i, item)| text(item, &format!("{path}[{i}]"))).collect()
}

fn word(words: &[&str], value: &Value, path: &str) -> Result<(), PlanError> {
    let known = || words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let given = value.as_str().ok_or_else(|| wrong(path, &format!("one of {}", known())))?;
    if words.contains(&given) {
        return Ok(());
    }
    let guess = did_you_mean(given, words.iter().copied());
    Err(invalid(path, format!("invalid value {value}{guess}"), format!("Values are {}.", known())))
}

fn wrong(path: &str, expected: &str) -> PlanError {
    invalid(path, format!("expected {expected}"), "")
}

/// The keys as they stand in docs/export.md.
pub fn markdown() -> String {
    let mut out = String::from("| key | values | default | |\n|---|---|---|---|\n");
    for key in KEYS {
        let name = match key.level {
            Level::Plan => format!("`{}`", key.name),
            Level::Table => format!("`tables.T.{}`", key.name),
            Level::Column => format!("`tables.T.columns.C.{}`", key.name),
        };
        let is_json = serde_json::from_str::<Value>(key.default).is_ok();
        let default = if is_json { format!("`{}`", key.default) } else { key.default.to_string() };
        out.push_str(&format!("| {name} | {} | {default} | {} |\n", values(key.kind), key.doc));
    }
    out
}

fn values(kind: Kind) -> String {
    match kind {
        Kind::Flag => "`true`, `false`".into(),
        Kind::Text => "text".into(),
        Kind::Names => "list of names".into(),
        Kind::Globs => "list of globs".into(),
        Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Run => "number, `null`".into(),
        Kind::PageSize => "512 to 65536".into(),
        Kind::Number => "number".into(),
        Kind::Format => "a format".into(),
        Kind::Timezone => "a time zone".into(),
        Kind::Spelling => "an example".into(),
        Kind::Tables | Kind::Columns => "object".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_the_registry() {
        crate::export::assert_page_holds("keys", &markdown());
    }
}
