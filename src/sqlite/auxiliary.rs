//! The auxiliary files of a database file, and how the file can be read without anything being made there or taken away.
//!
//! SQLite reads a file in WAL mode through its `-wal` and `-shm`, and creates those that are missing. New ones belong
//! to the server's user, so that the file's application could not write any more. The read mode is therefore chosen
//! before SQLite opens the file: if both files exist, SQLite uses them. If the `-wal` is missing or empty, the database
//! file alone holds everything; it is read as a file that does not change, and checked for changes afterwards. A
//! non-empty `-wal` without a `-shm` is not read in place.
//!
//! Assumes that the caller holds a SHARED lock on the file from its inspection on, as long as the caller relies on the
//! result: SQLite removes a `-wal` or `-shm`, and leaves WAL mode, only under an EXCLUSIVE lock. A program that writes
//! meanwhile leaves traces: it creates a `-shm` that stays, it writes to a `-wal`, and a checkpoint changes the file's
//! time. This module only decides. It opens no file but a rollback journal, on which nobody holds locks.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::Error;

/// Bytes of a database file's header, <https://www.sqlite.org/fileformat2.html#the_database_header>.
pub(super) const HEADER: usize = 100;
/// File format write and read version; 2 is WAL mode.
const VERSIONS: [usize; 2] = [18, 19];
const WAL_VERSION: u8 = 2;

/// The three files that SQLite keeps beside a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub wal: PathBuf,
    pub shm: PathBuf,
    pub journal: PathBuf,
}

impl Names {
    /// They are beside the file to which the path's symbolic links resolve.
    pub(super) fn of(path: &Path) -> Names {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let with = |suffix: &str| {
            let mut name: OsString = real.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        Names { wal: with("-wal"), shm: with("-shm"), journal: with("-journal") }
    }

    /// A rollback journal that is not empty.
    pub(super) fn has_journal(&self) -> bool {
        length(&self.journal).is_some_and(|length| length > 0)
    }
}

fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|m| m.len())
}

/// A `-wal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wal {
    Missing,
    /// To SQLite, an empty `-wal` is the same as none.
    Empty,
    Filled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AuxiliaryFiles {
    /// The file says that it is in WAL mode.
    pub wal_mode: bool,
    pub wal: Wal,
    /// There is a `-shm`.
    pub shm: bool,
    /// There is a rollback journal that may be hot.
    pub hot: bool,
}

impl AuxiliaryFiles {
    pub(super) fn check(names: &Names, header: &[u8; HEADER]) -> AuxiliaryFiles {
        let wal = match length(&names.wal) {
            None => Wal::Missing,
            Some(0) => Wal::Empty,
            Some(_) => Wal::Filled,
        };
        let wal_mode = VERSIONS.iter().any(|at| header[*at] == WAL_VERSION);
        // SQLite clears the first byte of a journal when its transaction has ended.
        let hot = names.has_journal() && {
            let mut first = [1];
            let read = std::fs::File::open(&names.journal).and_then(|mut file| file.read_exact(&mut first));
            read.is_err() || first != [0]
        };
        AuxiliaryFiles { wal_mode, wal, shm: length(&names.shm).is_some(), hot }
    }
}

/// What the user requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Requested {
    /// The user guarantees that nobody writes to the file.
    pub immutable: bool,
    /// A file with a non-empty `-wal` may be copied.
    pub copy: bool,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// In place, under SQLite's locks, with the existing auxiliary files.
    InPlace,
    /// The file alone, as immutable.
    Still,
    /// A copy of the file and its `-wal`.
    Copy,
}

/// How `path` is read, or why it cannot be.
pub(super) fn read_mode(
    path: &Path,
    requested: Requested,
    beside: &AuxiliaryFiles,
) -> Result<ReadMode, Error> {
    let path = || path.to_owned();
    match beside.wal {
        Wal::Filled if requested.copy => Ok(ReadMode::Copy),
        Wal::Filled if requested.immutable => Err(Error::WalLeftOut { path: path() }),
        Wal::Filled if !beside.shm => Err(Error::WalAlone { path: path() }),
        Wal::Filled => Ok(ReadMode::InPlace),
        // The application is connected and may write: SQLite's locks are needed.
        Wal::Empty if beside.wal_mode && beside.shm && !requested.immutable => Ok(ReadMode::InPlace),
        _ if !beside.wal_mode && !requested.immutable => Ok(ReadMode::InPlace),
        _ if beside.hot => Err(Error::HotJournal { path: path() }),
        _ => Ok(ReadMode::Still),
    }
}

/// On every file system, two writes that are further apart than this have different times.
pub(super) const TICK: Duration = Duration::from_secs(2);

/// A fingerprint of a file's state: device and inode, length, time of the last write, and header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    file: Option<FileStatus>,
    /// Of a `-wal` with something in it.
    wal: Option<FileStatus>,
    header: [u8; HEADER],
    /// When the file's data or its description was changed last: no program can set that back, and a new name or other rights
    /// change it too.
    changed: Option<(i64, i64)>,
    /// There is a `-shm`.
    shm: bool,
    /// The last write was so recent that another write could have the same time.
    young: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStatus {
    device: u64,
    inode: u64,
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl FileStatus {
    fn of(metadata: &Metadata) -> FileStatus {
        FileStatus {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

impl Fingerprint {
    pub(super) fn take(path: &Path, names: &Names, header: [u8; HEADER]) -> Fingerprint {
        let file = std::fs::metadata(path).ok();
        let wal = std::fs::metadata(&names.wal).ok().filter(|m| m.len() > 0);
        let since = |m: &Metadata| m.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        let young = [&file, &wal].into_iter().flatten().any(|m| since(m).is_none_or(|age| age < TICK));
        let shm = length(&names.shm).is_some();
        Fingerprint {
            file: file.as_ref().map(FileStatus::of),
            changed: file.as_ref().map(|metadata| (metadata.ctime(), metadata.ctime_nsec())),
            wal: wal.as_ref().map(FileStatus::of),
            header,
            shm,
            young,
        }
    }

    pub(super) fn is_young(&self) -> bool {
        self.young
    }

    /// Nothing was written between the two fingerprints. The lock under which the first was taken must have been held
    /// until `later` was taken.
    pub(super) fn holds(&self, later: &Fingerprint) -> bool {
        self.same(later) && !(self.young && later.shm)
    }

    /// Nothing was written between the two fingerprints, even if others held locks meanwhile.
    pub(super) fn surely_holds(&self, later: &Fingerprint) -> bool {
        self.same(later) && !self.young
    }

    /// The path has led to one file both times.
    pub(super) fn is_of_same_file(&self, other: &Fingerprint) -> bool {
        let inode = |status: FileStatus| (status.device, status.inode);
        self.file.map(inode) == other.file.map(inode)
    }

    /// Nothing was done to the file.
    pub(super) fn is_untouched(&self, later: &Fingerprint) -> bool {
        self.same(later) && self.changed == later.changed
    }

    /// Nothing shows that something was written.
    pub(super) fn same(&self, later: &Fingerprint) -> bool {
        (self.file, self.wal, self.header) == (later.file, later.wal, later.header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_decides() {
        use Wal::*;
        let path = Path::new("/srv/app.db");
        let read = |wal_mode, wal, shm, requested: (bool, bool)| {
            let beside = AuxiliaryFiles { wal_mode, wal, shm, hot: false };
            let requested = Requested { immutable: requested.0, copy: requested.1 };
            read_mode(path, requested, &beside).map_err(|e| match e {
                Error::WalLeftOut { .. } => "left out",
                Error::WalAlone { .. } => "alone",
                _ => "?",
            })
        };
        let (plain, immutable, copy, both) = ((false, false), (true, false), (false, true), (true, true));
        for (wal_mode, wal, shm, expected) in [
            (
                false,
                Missing,
                false,
                [Ok(ReadMode::InPlace), Ok(ReadMode::Still), Ok(ReadMode::InPlace), Ok(ReadMode::Still)],
            ),
            (
                false,
                Empty,
                true,
                [Ok(ReadMode::InPlace), Ok(ReadMode::Still), Ok(ReadMode::InPlace), Ok(ReadMode::Still)],
            ),
            // SQLite reads a -wal whatever the header says.
            (false, Filled, false, [Err("alone"), Err("left out"), Ok(ReadMode::Copy), Ok(ReadMode::Copy)]),
            (true, Filled, false, [Err("alone"), Err("left out"), Ok(ReadMode::Copy), Ok(ReadMode::Copy)]),
            (
                true,
                Filled,
                true,
                [Ok(ReadMode::InPlace), Err("left out"), Ok(ReadMode::Copy), Ok(ReadMode::Copy)],
            ),
            (
                true,
                Empty,
                true,
                [Ok(ReadMode::InPlace), Ok(ReadMode::Still), Ok(ReadMode::InPlace), Ok(ReadMode::Still)],
            ),
            (true, Empty, false, [Ok(ReadMode::Still); 4]),
            (true, Missing, true, [Ok(ReadMode::Still); 4]),
            (true, Missing, false, [Ok(ReadMode::Still); 4]),
        ] {
            let got = [plain, immutable, copy, both].map(|requested| read(wal_mode, wal, shm, requested));
            assert_eq!(got, expected, "{wal_mode} {wal:?} {shm}");
        }
    }

    #[test]
    fn a_hot_journal_is_not_read_past() {
        let beside = |wal_mode| AuxiliaryFiles { wal_mode, wal: Wal::Missing, shm: false, hot: true };
        let requested = |immutable| Requested { immutable, copy: false };
        let path = Path::new("/srv/app.db");
        let hot = Err(Error::HotJournal { path: path.into() });
        assert_eq!(read_mode(path, requested(true), &beside(false)), hot);
        assert_eq!(read_mode(path, requested(false), &beside(true)), hot);
        // SQLite itself looks at it.
        assert_eq!(read_mode(path, requested(false), &beside(false)), Ok(ReadMode::InPlace));
    }

    #[test]
    fn a_fingerprint_sees_what_was_written_replaced_or_put_beside() {
        let dir = super::super::testing::TempDir::new();
        let path = dir.path("t.db");
        std::fs::write(&path, "abc").unwrap();
        let names = Names::of(&path);
        let take = || Fingerprint::take(&path, &names, [0; HEADER]);
        let first = take();
        assert!(first.holds(&take()) && !first.surely_holds(&take()), "it was written just now");
        std::fs::write(&names.wal, "").unwrap();
        assert!(first.holds(&take()), "an empty -wal holds nothing");
        std::fs::write(&names.shm, "").unwrap();
        assert!(!first.holds(&take()), "somebody may have written within a tick");
        std::fs::write(&names.wal, "x").unwrap();
        assert!(!first.same(&take()));
        std::fs::remove_file(&names.wal).unwrap();
        let old = SystemTime::now() - Duration::from_secs(60);
        let age = |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_modified(old);
        age(&path).unwrap();
        let (young, first) = (first, take());
        assert!(!young.same(&first) && first.holds(&take()) && first.surely_holds(&take()));
        let copy = dir.path("copy.db");
        std::fs::write(&copy, "abc").unwrap();
        age(&copy).unwrap();
        std::fs::rename(&copy, &path).unwrap();
        assert!(!first.same(&take()), "another file has the name");
    }
}
