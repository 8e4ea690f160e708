//! Reports: what the run log holds of a run, read as the caller, written by one of the renderers of `core/src/report`.

pub mod run;

use crate::error::Error;
use crate::pg::memory;
use pg_sqlite_migrate_core::plan::PlanError;
use pg_sqlite_migrate_core::plan::given::keys::nearest;
use pg_sqlite_migrate_core::report::{Format, Report};
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
        Ok(_held) => report.render(format),
        Err(OutOfMemory) => memory::exhausted("a report"),
    }
}
