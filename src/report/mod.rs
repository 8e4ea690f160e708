//! Reports: what the run log holds of a run, read as the caller, or the assessment of a file, written by one of the renderers of
//! `core/src/report`.

pub mod file;
pub mod progress;
pub mod run;

use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::pg::spi::{self, Json};
use crate::pg::{encoding, memory};
use pg_sqlite_migrate_core::plan::PlanError;
use pg_sqlite_migrate_core::plan::given::keys::nearest;
use pg_sqlite_migrate_core::report::model::Server;
use pg_sqlite_migrate_core::report::{Format, Report, json};
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};

/// What a page takes of memory, at most, per byte of the report's JSON form: its tags, and the text in the server's encoding.
const RENDERED: usize = 16;

/// The format of a name.
pub fn format(name: Option<&str>) -> Result<Format, Error> {
    let Some(name) = name else { return Ok(Format::Text) };
    Format::of(name).ok_or_else(|| {
        let hint = match nearest(name, Format::NAMES.iter().copied()) {
            Some(nearest) => format!("Did you mean \"{nearest}\"? "),
            None => String::new(),
        };
        Error::Plan(PlanError::Invalid {
            path: "format".into(),
            message: format!("\"{name}\" is not a format of a report"),
            hint: format!("{hint}Formats are: {}.", Format::NAMES.join(", ")),
        })
    })
}

/// Renderers cannot handle a failed allocation: what they may take is held meanwhile.
fn render(report: &Report, format: Format) -> String {
    let mut json = Buffer::new();
    if serde_json::to_writer(&mut json, report).is_err() {
        memory::exhausted("a report");
    }
    match memory::hold(json.len().saturating_mul(RENDERED)) {
        Ok(_held) => match report.render(format) {
            json if format == Format::Json && !encoding::takes_utf8() => json::ascii(&json),
            rendered => rendered,
        },
        Err(OutOfMemory) => memory::exhausted("a report"),
    }
}

/// Where the report is made.
fn server() -> Option<Server> {
    const SERVER: &str = r#"
        SELECT json_build_object('version', current_setting('server_version'), 'extension_version', $1, 'database', datname,
                                 'encoding', pg_encoding_to_char(encoding),
                                 'reported_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        FROM pg_database WHERE datname = current_database()"#;
    one(SERVER, &[env!("CARGO_PKG_VERSION").into()])
}

/// What a row's JSON says.
fn one<T: DeserializeOwned>(sql: &'static str, parameters: &[spi::Parameter<'_>]) -> Option<T> {
    spi::value::<Json<T>>(sql, parameters).map(|json| json.0)
}
