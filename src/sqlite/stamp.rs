//! What a file's header and its `-wal` tell of whether it was written to since.

use super::Source;
use super::auxiliary::Names;
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
