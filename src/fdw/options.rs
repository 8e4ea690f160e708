//! The options of servers, foreign tables and columns: one registry, from which validator, hints and documentation
//! derive. Names are sqlite_fdw's; `format` and `on_invalid` are the plan's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::pg::foreign::{ForeignServer, ForeignTable, Options};
use crate::pg::rights;
use pg_sqlite_migrate_core::plan::Opening;
use pg_sqlite_migrate_core::plan::given::keys::nearest;
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::{Format, Timezone};

/// What an option belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Wrapper,
    Server,
    UserMapping,
    Table,
    Column,
}

impl Owner {
    /// From the catalog that the validator is given: oids of pg_foreign_data_wrapper, pg_foreign_server, ….
    fn of_catalog(oid: u32) -> Option<Owner> {
        Some(match oid {
            2328 => Owner::Wrapper,
            1417 => Owner::Server,
            1418 => Owner::UserMapping,
            3118 => Owner::Table,
            1249 => Owner::Column,
            _ => return None,
        })
    }

    fn noun(self) -> &'static str {
        match self {
            Owner::Wrapper => "foreign data wrapper",
            Owner::Server => "server",
            Owner::UserMapping => "user mapping",
            Owner::Table => "foreign table",
            Owner::Column => "column",
        }
    }
}

/// What an option's value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Path,
    Text,
    Boolean,
    /// An integer, at least this.
    Integer(i32),
    Format,
    OnInvalid,
    ColumnType,
    Timezone,
    Wal,
}

struct Definition {
    name: &'static str,
    owners: &'static [Owner],
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
}

const fn option(
    name: &'static str,
    owners: &'static [Owner],
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
) -> Definition {
    Definition { name, owners, kind, default, meaning }
}

use Owner::{Column, Server as OnServer, Table};

#[rustfmt::skip]
const OPTIONS: &[Definition] = &[
    option("database", &[OnServer], Kind::Path, "", "absolute path of the SQLite file; required, and only for members of `pg_read_server_files`"),
    option("updatable", &[OnServer, Table], Kind::Boolean, "false", "rows may be changed, if the server's owner is a member of `pg_write_server_files`; the table's option wins over the server's"),
    option("force_readonly", &[OnServer], Kind::Boolean, "false", "nothing may be changed, whatever `updatable` says"),
    option("truncatable", &[OnServer, Table], Kind::Boolean, "false", "TRUNCATE is allowed if rows may be changed; the table's option wins over the server's"),
    option("keep_connections", &[OnServer], Kind::Boolean, "true", "the file stays open for the session's next transaction"),
    option("batch_size", &[OnServer, Table], Kind::Integer(1), "1000", "how many rows are inserted at once; the table's option wins over the server's"),
    option("busy_timeout", &[OnServer], Kind::Integer(0), "", "milliseconds to wait for a locked file; without it, the setting `pg_sqlite_migrate.busy_timeout`"),
    option("immutable", &[OnServer], Kind::Boolean, "false", "no lock is taken and nothing may be changed: only for a file that nobody writes; refused if there is a non-empty `-wal`"),
    option("wal", &[OnServer], Kind::Wal, "in_place", "`copy`: a file with a non-empty `-wal` is read from a private copy of both, and nothing may be changed; as in the plan"),
    option("timezone", &[OnServer], Kind::Timezone, "UTC", "the time zone of times stored as text without an offset"),
    option("table", &[Table], Kind::Text, "", "table or view in the file; without it, the foreign table's name"),
    option("column_name", &[Column], Kind::Text, "", "column in the file; without it, the column's name"),
    option("column_type", &[Column], Kind::ColumnType, "", "as in sqlite_fdw: `INT`, `REAL`, `TEXT` or `BLOB`; on a time, INT means `unixepoch`, REAL `julianday`, TEXT `iso8601`"),
    option("key", &[Column], Kind::Boolean, "false", "the column is part of the key that identifies a row to be changed, if the table has neither rowid nor primary key"),
    option("format", &[Column], Kind::Format, "", "how numbers and encoded texts are read, as in the plan"),
    option("on_invalid", &[OnServer, Table, Column], Kind::OnInvalid, "error", "`error` or `null`: what happens to an invalid value; a column's option wins over its table's, and that over the server's"),
];

/// One option that is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    #[error("invalid option \"{name}\" for a {owner}")]
    Unknown { name: String, owner: &'static str, hint: String },
    #[error("option \"{name}\" must be {expected}")]
    Value { name: &'static str, expected: String, value: String },
    #[error("option \"database\" is required for a server of pg_sqlite_fdw")]
    NoDatabase,
}

impl From<OptionError> for Error {
    fn from(error: OptionError) -> Error {
        use pgrx::PgSqlErrorCode as Code;
        let (sqlstate, detail, hint) = match &error {
            OptionError::Unknown { hint, .. } => {
                (Code::ERRCODE_FDW_INVALID_OPTION_NAME, None, Some(hint.clone()))
            }
            OptionError::Value { value, .. } => {
                (Code::ERRCODE_INVALID_PARAMETER_VALUE, Some(format!("The value is \"{value}\".")), None)
            }
            OptionError::NoDatabase => (
                Code::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
                None,
                Some("Write OPTIONS (database '/absolute/path/of/the/file.db').".into()),
            ),
        };
        Error::Foreign { sqlstate, message: error.to_string(), detail, hint }
    }
}

/// The wrapper's VALIDATOR: checks the options of one object, and who may set them.
pub fn validate(options: &[String], catalog: Option<u32>) -> Result<(), Error> {
    let Some(owner) = catalog.and_then(Owner::of_catalog) else { return Ok(()) };
    check_all(owner, options)?;
    // Whoever names a file reads it with the server's eyes, as with file_fdw.
    if owner == Owner::Server && !rights::may_read_server_files() {
        return Err(Error::NoFileAccess { role: rights::current_role() });
    }
    Ok(())
}

/// Checks the complete options of one object, each as `name=value`.
fn check_all(owner: Owner, options: &[String]) -> Result<(), OptionError> {
    let split = |o: &String| o.split_once('=').map(|(n, v)| (n.to_string(), v.to_string()));
    let options: Options = options.iter().filter_map(split).collect();
    for (name, value) in &options {
        let known = OPTIONS.iter().find(|o| o.name == name && o.owners.contains(&owner));
        check(known.ok_or_else(|| unknown(name, owner))?, value)?;
    }
    if owner == Owner::Server && find(&options, "database").is_none() {
        return Err(OptionError::NoDatabase);
    }
    Ok(())
}

fn unknown(name: &str, owner: Owner) -> OptionError {
    let valid: Vec<&str> = OPTIONS.iter().filter(|o| o.owners.contains(&owner)).map(|o| o.name).collect();
    let hint = match nearest(name, valid.iter().copied()) {
        Some(nearest) => format!("Perhaps you meant the option \"{nearest}\"."),
        None if valid.is_empty() => format!("There are no valid options for a {}.", owner.noun()),
        None => format!("Valid options for a {} are: {}.", owner.noun(), valid.join(", ")),
    };
    OptionError::Unknown { name: name.to_string(), owner: owner.noun(), hint }
}

fn check(option: &Definition, value: &str) -> Result<(), OptionError> {
    let expected = match option.kind {
        Kind::Text if !value.is_empty() => return Ok(()),
        Kind::Text => "a name".to_string(),
        Kind::Path if Path::new(value).is_absolute() => return Ok(()),
        Kind::Path => "an absolute path".into(),
        Kind::Boolean if boolean(value).is_some() => return Ok(()),
        Kind::Boolean => "a Boolean value".into(),
        Kind::Integer(least) if value.parse::<i32>().is_ok_and(|n| n >= least) => return Ok(()),
        Kind::Integer(least) => format!("an integer not less than {least}"),
        Kind::Format if Format::parse(value).is_some() => return Ok(()),
        Kind::Format => format!("one of: {}", Format::ALL.map(Format::as_str).join(", ")),
        Kind::OnInvalid if on_invalid(value).is_some() => return Ok(()),
        Kind::OnInvalid => "\"error\" or \"null\"".into(),
        Kind::ColumnType if COLUMN_TYPES.iter().any(|t| t.eq_ignore_ascii_case(value)) => return Ok(()),
        Kind::ColumnType => format!("one of: {}", COLUMN_TYPES.join(", ")),
        Kind::Timezone if Timezone::parse(value).is_ok() => return Ok(()),
        Kind::Timezone => "the name of a time zone".into(),
        Kind::Wal if copies_wal(value).is_some() => return Ok(()),
        Kind::Wal => "\"in_place\" or \"copy\"".into(),
    };
    Err(OptionError::Value { name: option.name, expected, value: value.to_string() })
}

const COLUMN_TYPES: [&str; 5] = ["INT", "INTEGER", "REAL", "TEXT", "BLOB"];

/// The words that PostgreSQL's `defGetBoolean` takes.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Some(true),
        "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn on_invalid(value: &str) -> Option<OnInvalid> {
    match value {
        "error" => Some(OnInvalid::Error),
        "null" => Some(OnInvalid::Null),
        _ => None,
    }
}

fn copies_wal(value: &str) -> Option<bool> {
    match value {
        "in_place" => Some(false),
        "copy" => Some(true),
        _ => None,
    }
}

fn find<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

fn flag(options: &Options, name: &str) -> Option<bool> {
    boolean(find(options, name)?)
}

fn number(options: &Options, name: &str) -> Option<i32> {
    find(options, name)?.parse().ok()
}

/// A server's options, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerOptions {
    pub database: PathBuf,
    pub opening: Opening,
    pub updatable: bool,
    /// Nothing may be changed, by that option or by how the file is opened.
    pub force_readonly: bool,
    pub truncatable: bool,
    pub keep_connections: bool,
    pub batch_size: i32,
    /// `None`: the setting decides.
    pub busy_timeout: Option<Duration>,
    /// As the user wrote it; valid.
    pub timezone: String,
    pub on_invalid: OnInvalid,
}

impl ServerOptions {
    pub fn of(server: &ForeignServer) -> Result<ServerOptions, Error> {
        let options = &server.options;
        let database = find(options, "database").ok_or(OptionError::NoDatabase)?;
        let opening = Opening {
            immutable: flag(options, "immutable").unwrap_or(false),
            copy_wal: find(options, "wal").and_then(copies_wal).unwrap_or(false),
        };
        let frozen = opening != Opening::default();
        Ok(ServerOptions {
            database: database.into(),
            opening,
            updatable: flag(options, "updatable").unwrap_or(false),
            force_readonly: flag(options, "force_readonly").unwrap_or(false) || frozen,
            truncatable: flag(options, "truncatable").unwrap_or(false),
            keep_connections: flag(options, "keep_connections").unwrap_or(true),
            batch_size: number(options, "batch_size").unwrap_or(1000),
            busy_timeout: number(options, "busy_timeout").map(|ms| Duration::from_millis(ms.max(0) as u64)),
            timezone: find(options, "timezone").unwrap_or("UTC").to_string(),
            on_invalid: find(options, "on_invalid").and_then(on_invalid).unwrap_or_default(),
        })
    }
}

/// A foreign table's options; `None` where the server's word holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TableOptions {
    /// Table or view in the file.
    pub table: String,
    pub updatable: Option<bool>,
    pub truncatable: Option<bool>,
    pub batch_size: Option<i32>,
    pub on_invalid: Option<OnInvalid>,
}

impl TableOptions {
    pub fn of(relation: &ForeignTable) -> TableOptions {
        let options = &relation.options;
        TableOptions {
            table: find(options, "table").unwrap_or(&relation.name).to_string(),
            updatable: flag(options, "updatable"),
            truncatable: flag(options, "truncatable"),
            batch_size: number(options, "batch_size"),
            on_invalid: find(options, "on_invalid").and_then(on_invalid),
        }
    }
}

/// A column's options.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnOptions {
    /// `None`: the column's own name.
    pub column_name: Option<String>,
    pub key: bool,
    pub format: Option<Format>,
    pub on_invalid: Option<OnInvalid>,
}

impl ColumnOptions {
    pub fn of(options: &Options) -> ColumnOptions {
        let by_type = find(options, "column_type").and_then(format_of_column_type);
        ColumnOptions {
            column_name: find(options, "column_name").map(str::to_string),
            key: flag(options, "key").unwrap_or(false),
            format: find(options, "format").and_then(Format::parse).or(by_type),
            on_invalid: find(options, "on_invalid").and_then(on_invalid),
        }
    }
}

/// sqlite_fdw's word for how a time is stored. Other types read every storage class, and do not look at it.
fn format_of_column_type(column_type: &str) -> Option<Format> {
    match column_type.to_ascii_uppercase().as_str() {
        "INT" | "INTEGER" => Some(Format::UnixEpoch),
        "REAL" => Some(Format::JulianDay),
        _ => None,
    }
}

/// The table as it is printed in `docs/foreign_tables.md`.
pub fn markdown() -> String {
    let owners = |o: &Definition| o.owners.iter().map(|p| p.noun()).collect::<Vec<_>>().join(", ");
    let rows: String = OPTIONS
        .iter()
        .map(|o| format!("| `{}` | {} | {} | {} |\n", o.name, owners(o), o.default, o.meaning))
        .collect();
    format!("| option | of | default | meaning |\n|---|---|---|---|\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(owner: Owner, option: &str) -> String {
        check_all(owner, &[option.to_string()]).map_or_else(|e| format!("{e:?}"), |()| "valid".into())
    }

    #[test]
    fn what_is_misspelt_is_named_with_its_nearest() {
        assert!(
            outcome(Owner::Server, "databse=/x").contains("Perhaps you meant the option \\\"database\\\"")
        );
        assert!(outcome(Owner::Column, "database=/x").contains("column_name, column_type, key, format"));
        assert!(outcome(Owner::UserMapping, "user=x").contains("no valid options"));
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(outcome(Owner::Server, "database=/srv/app.db"), "valid");
        assert!(outcome(Owner::Server, "database=app.db").contains("an absolute path"));
        assert!(outcome(Owner::Table, "updatable=maybe").contains("a Boolean value"));
        assert!(outcome(Owner::Table, "batch_size=0").contains("not less than 1"));
        assert!(outcome(Owner::Column, "format=iso").contains("iso8601"));
        assert!(outcome(Owner::Column, "on_invalid=reject").contains("\\\"error\\\" or \\\"null\\\""));
        assert!(outcome(Owner::Server, "wal=move").contains("in_place"));
        assert!(outcome(Owner::Server, "timezone=Mars").contains("time zone"));
        assert!(matches!(check_all(Owner::Server, &[]), Err(OptionError::NoDatabase)));
    }
}
