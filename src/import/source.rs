//! Opens a file for the caller: rights, allowed directories, hardened open, one snapshot; and what is to be said of the
//! file itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pgrx::PgLogLevel;

use crate::error::Error;
use crate::guc;
use crate::pg::tempdir::{self, TempDir};
use crate::pg::{interrupts, memory, rights, thread};
use crate::sqlite::{self, OpenOptions, Scratch, Source};
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::finding::{Finding, Kind};
use pg_sqlite_migrate_core::plan::Opening;

pub fn open(path: Option<&str>, opening: Opening) -> Result<Source, Error> {
    check_rights()?;
    open_file(Path::new(path.ok_or(Error::NullPath)?), opening, guc::busy_timeout())
}

/// The same for who looks at the file itself, and has no plan to say how: a `-wal` that cannot be read in place is copied.
pub fn open_to_check(path: Option<&str>) -> Result<Source, Error> {
    match open(path, Opening::default()) {
        Err(Error::Sqlite(sqlite::Error::WalAlone { .. } | sqlite::Error::WalUnusable { .. })) => {
            open(path, Opening { copy_wal: true, ..Opening::default() })
        }
        opened => opened,
    }
}

/// Opens a file that the caller may read.
pub fn open_file(path: &Path, opening: Opening, busy_timeout: Duration) -> Result<Source, Error> {
    memory::stand_by();
    let options = OpenOptions {
        path: allowed(path)?,
        immutable: opening.immutable,
        copy: opening.copy_wal.then(scratch),
        busy_timeout,
        interrupted: Arc::new(|| thread::stopping() || interrupts::pending()),
    };
    let source = thread::run(move || sqlite::open(&options))?;
    tell_of_copy(&source);
    Ok(source)
}

/// A place for a copy, among the server's temporary files.
pub fn scratch() -> Scratch {
    let directory = TempDir::choose();
    Scratch { directory: directory.path().to_owned(), limit: tempdir::limit(), owner: Arc::new(directory) }
}

/// What a copy costs, and where.
pub fn tell_of_copy(source: &Source) {
    if let Some(copied) = copied(source) {
        interrupts::tell(
            PgLogLevel::NOTICE,
            &format!("SQLite file \"{}\": {copied}", source.path().display()),
        );
    }
}

pub fn check_rights() -> Result<(), Error> {
    if rights::may_read_server_files() {
        Ok(())
    } else {
        Err(Error::NoFileAccess { role: rights::current_role() })
    }
}

/// The path to open. Under `allowed_directories` it is the resolved one, so that no link can be changed after
/// the check.
pub fn allowed(path: &Path) -> Result<PathBuf, Error> {
    let directories = guc::allowed_directories();
    if directories.is_empty() {
        return Ok(path.to_path_buf());
    }
    let real = path.canonicalize().ok();
    let inside = |dir: &String| {
        let dir = Path::new(dir).canonicalize().ok();
        dir.zip(real.as_ref()).is_some_and(|(dir, real)| real.starts_with(dir))
    };
    match &real {
        Some(real) if directories.iter().any(inside) => Ok(real.clone()),
        // What is not there is not told from what is outside.
        _ => Err(Error::OutsideAllowedDirectories { path: path.display().to_string() }),
    }
}

/// What is to be known of the file itself.
pub fn findings(source: &Source, catalog: &Catalog) -> Vec<Finding> {
    let state = source.state();
    let object = source.path().display().to_string();
    let mut out = vec![];
    out.extend(copied(source).map(|copied| Kind::Copied.info(&object, copied)));
    if state.wal_missing {
        let message = "the file is in WAL mode and has no -wal: if it was copied without it, committed transactions are missing";
        let hint = "Copy a file together with its -wal, or when its application has closed it.";
        out.push(Kind::WalMissing.info(&object, message).hint(hint));
    }
    if state.wal_missing && state.names > 1 {
        let message = format!("the file has {} names, and its -wal may lie beside another one", state.names);
        out.push(Kind::HardLinks.warning(&object, message).hint("Give the path that its application uses."));
    }
    if catalog.tables.is_empty() {
        let hint = "Check the path: SQLite creates a file when it opens one that is missing.";
        out.push(Kind::NoTables.warning(&object, NO_TABLES).hint(hint));
    }
    out
}

const NO_TABLES: &str = "the file has no tables";

pub fn without_tables(source: &Source) -> String {
    format!("SQLite file \"{}\" has no tables", source.path().display())
}

fn copied(source: &Source) -> Option<String> {
    let copied = source.state().copied.as_ref()?;
    let directory = copied.directory.parent().unwrap_or(&copied.directory);
    Some(format!(
        "read from a private copy of it and its -wal, {} bytes in \"{}\" until it is closed",
        copied.bytes,
        directory.display()
    ))
}
