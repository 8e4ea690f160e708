//! What a file's header and its `-wal` tell of whether it was written to since.

use super::Source;
use super::auxiliary::{Fingerprint, HEADER, Names};
use super::error::Error;
use super::raw::File;

/// Where in the header the file change counter is, <https://www.sqlite.org/fileformat2.html#file_change_counter>.
const CHANGE_COUNTER: u64 = 24;

/// The state of a file, as far as two of them can be compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `None` beside a `-wal`, from which a checkpoint may bring another one that was read already.
    pub change_counter: Option<u32>,
    pub wal_bytes: u64,
}

/// The state of a file, as two snapshots of one connection can be compared by it.
///
/// SQLite's data version changes when another connection has written; by it, SQLite drops the pages that it has in memory.
/// The fingerprint tells of programs that pass SQLite's locks by, such as `cp`.
#[derive(Debug, Clone)]
pub struct FileState {
    data_version: i64,
    fingerprint: Fingerprint,
}

impl FileState {
    pub(super) fn of(source: &Source, data_version: i64) -> Result<FileState, Error> {
        let (path, mut header) = (source.path(), [0; HEADER]);
        let read = File::of(source.connection()).and_then(|file| file.read(&mut header, 0));
        read.map_err(|code| Error::of_code(path, code))?;
        Ok(FileState { data_version, fingerprint: Fingerprint::take(path, &Names::of(path), header) })
    }

    /// Nobody else has written between the two.
    pub fn same(&self, later: &FileState) -> bool {
        self.data_version == later.data_version && self.fingerprint.is_untouched(&later.fingerprint)
    }
}

pub fn stamp(source: &Source) -> Stamp {
    if let Some(of_original) = source.state().stamp {
        return of_original;
    }
    let wal_bytes = std::fs::metadata(Names::of(source.path()).wal).map_or(0, |metadata| metadata.len());
    let mut counter = [0; 4];
    let read = File::of(source.connection()).and_then(|file| file.read(&mut counter, CHANGE_COUNTER));
    let read = read.unwrap_or(false) && wal_bytes == 0;
    Stamp { change_counter: read.then(|| u32::from_be_bytes(counter)), wal_bytes }
}
