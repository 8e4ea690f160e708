//! `sqlite_assess_files`: every SQLite file below a directory, for those who have hundreds.
//!
//! A file is one by its first bytes. What cannot be assessed is a row with the reason, and does not stop the rest. Files are
//! opened by SQLite's means only (`sqlite::open` says why); symbolic links are not followed, so that there are no loops and
//! no way out of the directory.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use pgrx::PgSqlErrorCode as Code;
use serde_json::{Value, json};
use walkdir::WalkDir;

use super::of_survey;
use crate::error::Error;
use crate::import::source;
use crate::import::survey;
use crate::pg::{interrupts, memory, xact};
use crate::sqlite;
use pg_sqlite_migrate_core::assess::Assessment;
use pg_sqlite_migrate_core::finding::{Finding, counted};

/// A row of `sqlite_assess_files`. What is not known of a file is `None`.
#[derive(Debug, Clone, Default)]
pub struct FileReport {
    pub path: String,
    pub bytes: Option<u64>,
    pub maker: Option<String>,
    pub tables: Option<u64>,
    pub rows: Option<u64>,
    pub level: Option<String>,
    pub worst_finding: Option<String>,
    pub detail: String,
}

/// Endings of names that only databases have: such a file is listed even if it does not begin as one.
const ENDINGS: [&str; 8] = ["db", "db3", "s3db", "sl3", "sqlite", "sqlite3", "sqlitedb", "sqlcipher"];

/// Assesses the files of a directory that the caller may read, in the order of their names.
pub fn assess(directory: Option<&str>, recursive: bool) -> Result<Vec<FileReport>, Error> {
    source::check_rights()?;
    let directory = directory.ok_or_else(|| {
        Error::server(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "directory must not be NULL".into())
    })?;
    let directory = readable(Path::new(directory))?;
    memory::stand_by();
    let depth = if recursive { usize::MAX } else { 1 };
    let walk = WalkDir::new(directory).min_depth(1).max_depth(depth).sort_by_file_name();
    let mut reports = vec![];
    for entry in walk {
        interrupts::check();
        match entry {
            Ok(entry) if entry.file_type().is_file() => reports.extend(of_file(entry.path())),
            Ok(_) => {}
            Err(error) => reports.push(unreadable(&error)),
        }
    }
    Ok(reports)
}

/// The directory itself must be there, and be one that the caller may read.
fn readable(directory: &Path) -> Result<PathBuf, Error> {
    let shown = directory.display();
    if !directory.is_absolute() {
        let message = format!("path of directory must be absolute: \"{shown}\"");
        return Err(Error::server(Code::ERRCODE_INVALID_NAME, message));
    }
    let directory = match source::allowed(directory) {
        Err(Error::OutsideAllowedDirectories { path }) => {
            let message = format!("directory \"{path}\" is outside the allowed directories");
            return Err(Error::server(Code::ERRCODE_INSUFFICIENT_PRIVILEGE, message));
        }
        allowed => allowed?,
    };
    let Err(error) = std::fs::read_dir(&directory) else { return Ok(directory) };
    let (code, message) = match error.kind() {
        ErrorKind::NotFound => {
            (Code::ERRCODE_UNDEFINED_FILE, format!("directory \"{shown}\" does not exist"))
        }
        ErrorKind::NotADirectory => {
            (Code::ERRCODE_WRONG_OBJECT_TYPE, format!("\"{shown}\" is not a directory"))
        }
        ErrorKind::PermissionDenied => {
            let message = format!("could not open directory \"{shown}\": permission denied");
            (Code::ERRCODE_INSUFFICIENT_PRIVILEGE, message)
        }
        _ => (Code::ERRCODE_IO_ERROR, format!("could not open directory \"{shown}\": {error}")),
    };
    Err(Error::server(code, message))
}

/// `None` of a file that is no database, and does not claim to be.
fn of_file(path: &Path) -> Option<FileReport> {
    let bytes = std::fs::metadata(path).map(|metadata| metadata.len()).ok();
    if bytes == Some(0) {
        return None;
    }
    let mut report = FileReport { path: path.display().to_string(), bytes, ..FileReport::default() };
    match sqlite::is_database(path) {
        Ok(true) => {}
        Ok(false) if claims_to_be(path) => {
            report.detail = sqlite::Error::NotADatabase { path: path.to_owned() }.to_string();
            return Some(report);
        }
        Err(error) if claims_to_be(path) => {
            report.detail = error.to_string();
            return Some(report);
        }
        Ok(false) | Err(_) => return None,
    }
    let Some(name) = path.to_str() else {
        report.detail = "the name is not UTF-8, and no function can be given it: rename the file".into();
        return Some(report);
    };
    match of_name(name) {
        Ok(assessment) => Some(report.of(&assessment)),
        Err(error) => {
            report.detail = error.one_line();
            Some(report)
        }
    }
}

fn claims_to_be(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// An import into a schema that nobody has: what other files have left in the target does not count.
const EMPTY_SCHEMA: &str = "an empty schema of sqlite_assess_files";

fn of_name(path: &str) -> Result<Assessment, Error> {
    match with_plan(path, json!({ "schema": EMPTY_SCHEMA })) {
        // A -wal that cannot be read in place.
        Err(Error::Sqlite(sqlite::Error::WalAlone { .. } | sqlite::Error::WalUnusable { .. })) => {
            with_plan(path, json!({ "schema": EMPTY_SCHEMA, "wal": "copy" }))
        }
        assessed => assessed,
    }
}

/// An error of the server's ends the assessment of this file only; a cancel ends all.
fn with_plan(path: &str, plan: Value) -> Result<Assessment, Error> {
    let assessed = xact::attempt(|| -> Result<Infallible, Box<Result<Assessment, Error>>> {
        // Nothing of it stays.
        Err(Box::new(assess_apart(path, plan)))
    });
    interrupts::check();
    match assessed {
        Ok(Err(assessed)) => *assessed,
        Err(caught) => Err(caught.into()),
    }
}

fn assess_apart(path: &str, plan: Value) -> Result<Assessment, Error> {
    let mut survey = survey::survey(Some(path), Some(plan))?;
    let planned = survey::planned(&mut survey)?;
    let read_seconds = survey.steps.elapsed().as_secs_f64();
    let rows = super::rows(&mut survey, &planned)?;
    let assessment = of_survey(&survey, &planned, &rows, (read_seconds, None));
    survey.source.prove()?;
    Ok(assessment)
}

fn unreadable(error: &walkdir::Error) -> FileReport {
    let path = error.path().map(|path| path.display().to_string()).unwrap_or_default();
    let reason = error.io_error().map_or_else(|| error.to_string(), std::io::Error::to_string);
    FileReport { path, detail: format!("cannot be read: {reason}"), ..FileReport::default() }
}

impl FileReport {
    fn of(self, found: &Assessment) -> FileReport {
        let said = |finding: &Finding| {
            format!("{}: {}: {}", finding.severity.as_str(), finding.object, finding.message)
        };
        let (with_findings, by_hand) = (found.work.with_findings, found.work.by_hand);
        let objects = counted(with_findings, "object", "objects");
        let stops = match found.blocking() {
            0 => String::new(),
            many => format!("; {} stop an import", counted(many as u64, "finding would", "findings would")),
        };
        let makers = Some(found.makers.join(", "));
        FileReport {
            maker: makers.filter(|makers| !makers.is_empty()),
            tables: Some(found.tables),
            rows: Some(found.rows),
            level: Some(found.overall.to_string()),
            worst_finding: found.worst().map(said),
            detail: format!("{objects} with findings, {by_hand} by hand{stops}"),
            ..self
        }
    }
}
