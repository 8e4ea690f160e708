//! `sqlite_backup`, and the copy that an import makes of its file first and reads in its place.
//!
//! The copy is written beside its target under a temporary name, and is there when the transaction has committed: an import
//! reads it under that name, before.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{source, survey};
use crate::error::Error;
use crate::guc;
use crate::newfile::{self, Place, Taken};
use crate::pg::{interrupts, memory, thread};
use crate::sqlite::backup::{self, Written};
use crate::sqlite::open::Interrupted;
use crate::sqlite::{OpenOptions, Source};
use pg_sqlite_migrate_core::plan::given::backup::BackupPath;

/// A copy, and where it will be.
#[derive(Debug, Clone)]
pub struct Backed {
    pub path: String,
    pub written: Written,
}

impl Backed {
    /// As the run log keeps it.
    pub fn json(&self) -> Value {
        let Written { pages, bytes, sha256, integrity } = &self.written;
        json!({ "path": self.path, "pages": pages, "bytes": bytes, "sha256": sha256, "integrity": integrity })
    }
}

/// Copies a file.
pub fn backup(path: Option<&str>, to: Option<&str>) -> Result<Backed, Error> {
    newfile::check_rights()?;
    let mut source = source::open_to_check(path)?;
    let (place, written, _) = write(&mut source, to.ok_or(Error::NullPath)?, guc::busy_timeout())?;
    source.prove()?;
    Ok(Backed { path: place.target.display().to_string(), written })
}

/// Copies the file of an import; what is read from here on is the copy.
pub fn in_place_of(source: &mut Source, to: &BackupPath) -> Result<Backed, Error> {
    newfile::check_rights()?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let to = to.expand(source.path(), now.as_secs());
    let (place, written, copy) = write(source, &to, source.busy_timeout())?;
    // A file that was changed while it was copied is no source.
    source.prove()?;
    *source = copy;
    Ok(Backed { path: place.target.display().to_string(), written })
}

/// Gives the copy opened as well.
fn write(source: &mut Source, to: &str, busy_timeout: Duration) -> Result<(Place, Written, Source), Error> {
    let taken = Taken { overwrite: false, hint: "Choose another path for the copy." };
    let place = newfile::reserve(to, taken)?;
    memory::stand_by();
    let interrupted: Interrupted = Arc::new(|| thread::stopping() || interrupts::pending());
    let options = OpenOptions {
        path: place.temporary.clone(),
        immutable: true,
        copy: None,
        busy_timeout,
        interrupted: interrupted.clone(),
    };
    let mode = permissions(source.path());
    let (written, copy) = survey::on_thread(source, |source| {
        let pages = backup::copy(source, &place.temporary, &place.target, &interrupted)?;
        let copy = backup::stand_for(source, &place.temporary, &options)?;
        let integrity = backup::integrity(&copy)?;
        let (bytes, sha256) = backup::sum(&place.temporary, &place.target, &interrupted)?;
        Ok((Written { pages, bytes, sha256, integrity }, copy))
    })?;
    newfile::whole(&place, mode)?;
    Ok((place, written, copy))
}

/// Nobody may read the copy who may not read the file; its owner may write it.
fn permissions(path: &Path) -> u32 {
    const OWNERS: u32 = 0o600;
    let of_file = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
    (of_file & newfile::READABLE) | OWNERS
}
