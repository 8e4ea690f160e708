//! The HNSW folder of a vector segment, beside the database file. It is untrusted, as the file is: regular files in a real
//! directory are read, through no link, and nothing is believed before its sizes agree. The folder is opened once: what is
//! put in its place meanwhile is not read.
#![deny(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{BufReader, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pg_sqlite_migrate_core::chroma::Space;
use pg_sqlite_migrate_core::chroma::index::{self, HEADER, Header, Unusable};
use pg_sqlite_migrate_core::chroma::pickle::{self, IndexMetadata, Unreadable};
use pg_sqlite_migrate_core::chroma::replay::{Place, State};

const PICKLE: &str = "index_metadata.pickle";
const HEADER_FILE: &str = "header.bin";
const DATA: &str = "data_level0.bin";
const LENGTHS: &str = "length.bin";

/// Far above what a pickle of ids has.
const LARGEST_PICKLE: u64 = 1 << 31;

/// What a folder holds.
pub(super) struct Folder {
    pub state: State,
    /// Why the index is lost.
    pub why: Option<String>,
    pub index: Option<Index>,
    /// The pickle's own last row of the queue.
    pub held: Option<i64>,
    /// The elements that are alive, by id.
    pub alive: HashMap<Box<str>, Place>,
}

/// An index that can be read, one element at a time.
pub(super) struct Index {
    data: File,
    header: Header,
    space: Space,
    /// Of cosine collections.
    lengths: Option<File>,
}

/// What a folder and its files looked like, or that they were not there.
#[derive(Default)]
pub(super) struct Seen {
    folder: Option<PathBuf>,
    stamps: [Option<Stamp>; 5],
}

/// Changes when the file is written to.
#[derive(PartialEq, Eq)]
struct Stamp([u64; 3], [i64; 4]);

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        Stamp([metadata.dev(), metadata.ino(), metadata.len()], times)
    }
}

impl Seen {
    pub(super) fn look(directory: &Path, segment: &str) -> Seen {
        let folder = is_name(segment).then(|| directory.join(segment));
        Seen { stamps: stamps(folder.as_deref()), folder }
    }

    /// Nobody has written to the folder since.
    pub(super) fn holds(&self) -> bool {
        stamps(self.folder.as_deref()) == self.stamps
    }
}

fn stamps(folder: Option<&Path>) -> [Option<Stamp>; 5] {
    ["", PICKLE, HEADER_FILE, DATA, LENGTHS].map(|name| {
        let path = folder?;
        // A path that ends in a slash would follow a link.
        let path = if name.is_empty() { path.to_path_buf() } else { path.join(name) };
        std::fs::symlink_metadata(path).ok().as_ref().map(Stamp::of)
    })
}

/// A name, and nothing that leads elsewhere.
fn is_name(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// What is asked of a folder.
pub(super) struct Wanted<'w> {
    /// Of the database file.
    pub directory: &'w Path,
    pub segment: &'w str,
    pub dimension: Option<i64>,
    pub space: Space,
    /// `max_seq_id` has a row of the segment.
    pub written: bool,
}

/// Reads a folder. `Err` is what stops the reading: the caller, or want of memory.
pub(super) fn read(wanted: &Wanted<'_>, interrupted: &dyn Fn() -> bool) -> Result<Folder, Stop> {
    let none = |state, why| Folder { state, why, index: None, held: None, alive: HashMap::new() };
    match usable(wanted, interrupted) {
        Ok(Some(folder)) => Ok(folder),
        Ok(None) => Ok(none(State::Unwritten, None)),
        Err(Failed::Why(why)) => Ok(none(State::Lost, Some(why))),
        Err(Failed::Stop(stop)) => Err(stop),
    }
}

/// `None` where nothing was ever written.
fn usable(wanted: &Wanted<'_>, interrupted: &dyn Fn() -> bool) -> Result<Option<Folder>, Failed> {
    let absent = |what: &str| match wanted.written {
        true => Err(Failed::Why(format!("{what} is missing"))),
        false => Ok(None),
    };
    let Some(folder) = directory(wanted)? else { return absent("its folder") };
    let Some((pickle, length)) = file(&folder, PICKLE)? else { return absent(PICKLE) };
    let index = Index::open(wanted, &folder)?;
    let bytes = whole(&pickle, length)?;
    let metadata = pickle::read(&bytes, index.header.elements, interrupted).map_err(|why| match why {
        Unreadable::Memory => Failed::Stop(Stop::Memory),
        Unreadable::Interrupted => Failed::Stop(Stop::Interrupted),
        why => Failed::Why(format!("{PICKLE} cannot be read: {why}")),
    })?;
    drop(bytes);
    if i64::try_from(index.header.elements).ok() != Some(metadata.elements) {
        return Err(Unusable::Elements.into());
    }
    let held = metadata.max_seq_id;
    let alive = index.alive(metadata, interrupted)?;
    Ok(Some(Folder { state: State::Usable, why: None, index: Some(index), held, alive }))
}

/// What ends the reading of a folder, and of the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Interrupted,
    Memory,
}

enum Failed {
    Stop(Stop),
    /// Why the index is lost.
    Why(String),
}

impl From<Unusable> for Failed {
    fn from(why: Unusable) -> Failed {
        Failed::Why(why.to_string())
    }
}

/// What is opened for reading: through no link, without waiting for another end.
const FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;

/// The folder; `None` where there is none.
fn directory(wanted: &Wanted<'_>) -> Result<Option<File>, Failed> {
    if !is_name(wanted.segment) {
        return Err(Failed::Why("the segment's id is no name of a folder".into()));
    }
    let path = wanted.directory.join(wanted.segment);
    let opened = OpenOptions::new().read(true).custom_flags(FLAGS | libc::O_DIRECTORY).open(path);
    match opened {
        Ok(folder) => Ok(Some(folder)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) if matches!(e.raw_os_error(), Some(libc::ELOOP | libc::ENOTDIR)) => {
            Err(Failed::Why("its folder is a link or a file".into()))
        }
        Err(e) => Err(Failed::Why(format!("its folder cannot be read: {e}"))),
    }
}

/// Opens a regular file of a folder that is open, and its length; `None` where there is none.
fn file(folder: &File, name: &str) -> Result<Option<(File, u64)>, Failed> {
    let why = |e: &dyn std::fmt::Display| Failed::Why(format!("{name} cannot be read: {e}"));
    // The folder that was opened, wherever it is now.
    let path = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
    let file = match OpenOptions::new().read(true).custom_flags(FLAGS).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(why(&e)),
    };
    let metadata = file.metadata().map_err(|e| why(&e))?;
    match metadata.is_file() {
        true => Ok(Some((file, metadata.len()))),
        false => Err(why(&"it is not a regular file")),
    }
}

fn whole(pickle: &File, length: u64) -> Result<Vec<u8>, Failed> {
    if length > LARGEST_PICKLE {
        return Err(Failed::Why(format!("{PICKLE} is larger than any that ChromaDB writes")));
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(length).map_err(|_| Failed::Stop(Stop::Memory))?;
    bytes.try_reserve_exact(room + 1).map_err(|_| Failed::Stop(Stop::Memory))?;
    // No more than there is room for, if it has grown.
    let read = pickle.take(length).read_to_end(&mut bytes);
    read.map_err(|e| Failed::Why(format!("{PICKLE} cannot be read: {e}")))?;
    Ok(bytes)
}

impl Index {
    fn open(wanted: &Wanted<'_>, folder: &File) -> Result<Index, Failed> {
        let open = |name: &str| file(folder, name)?.ok_or_else(|| Failed::Why(format!("{name} is missing")));
        let (file, _) = open(HEADER_FILE)?;
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0).map_err(|_| Unusable::Short)?;
        let header = Header::read(&bytes)?;
        if wanted.dimension != i64::try_from(header.dimension).ok() {
            return Err(Unusable::Dimension.into());
        }
        let (data, size) = open(DATA)?;
        header.check(size, None)?;
        let mut lengths = None;
        if wanted.space == Space::Cosine {
            let (file, size_of_lengths) = open(LENGTHS)?;
            header.check(size, Some(size_of_lengths))?;
            lengths = Some(file);
        }
        Ok(Index { data, header, space: wanted.space, lengths })
    }

    /// The places of the ids that are alive.
    fn alive(
        &self,
        metadata: IndexMetadata,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<HashMap<Box<str>, Place>, Failed> {
        let memory = |_| Failed::Stop(Stop::Memory);
        let mut found: HashMap<u64, Place> = HashMap::new();
        found.try_reserve(metadata.labels.len()).map_err(memory)?;
        let mut slot = Vec::new();
        slot.try_reserve_exact(self.header.size).map_err(memory)?;
        slot.extend(std::iter::repeat_n(0, self.header.size));
        let mut reader = BufReader::with_capacity(1 << 18, &self.data);
        let mut lengths = self.lengths.as_ref().map(BufReader::new);
        for element in 0..self.header.elements {
            if element % 1024 == 0 && interrupted() {
                return Err(Failed::Stop(Stop::Interrupted));
            }
            reader.read_exact(&mut slot).map_err(|_| Unusable::Data)?;
            let mut length = 1f32.to_le_bytes();
            if let Some(lengths) = &mut lengths {
                lengths.read_exact(&mut length).map_err(|_| Unusable::Lengths)?;
            }
            let Some(read) = self.header.element(&slot) else { return Err(Unusable::Numbers.into()) };
            if read.dead {
                continue;
            }
            let sound = self.space != Space::Cosine || index::is_sound(read.data, f32::from_le_bytes(length));
            found.try_reserve(1).map_err(memory)?;
            found.insert(read.label, if sound { Place::Element(element) } else { Place::Lost });
        }
        let mut alive = HashMap::new();
        alive.try_reserve(metadata.labels.len()).map_err(memory)?;
        alive.extend(metadata.labels.into_iter().filter_map(|(id, label)| Some((id, *found.get(&label)?))));
        Ok(alive)
    }

    fn length(&self, element: u64) -> Option<f32> {
        let Some(lengths) = &self.lengths else { return Some(1.0) };
        let mut four = [0; 4];
        lengths.read_exact_at(&mut four, element.checked_mul(4)?).ok()?;
        Some(f32::from_le_bytes(four))
    }

    /// The vector of an element, as bytes of floats; `None` if the file is not what it was, or memory is exhausted.
    pub(super) fn vector(&self, element: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.header.bytes()).ok()?;
        bytes.extend(std::iter::repeat_n(0, self.header.bytes()));
        self.data.read_exact_at(&mut bytes, self.header.place(element)?).ok()?;
        index::restored(self.space, &mut bytes, self.length(element)?);
        Some(bytes)
    }

    /// Neighbours and candidates, as the index was made with.
    pub(super) fn hnsw(&self) -> (u64, u64) {
        (self.header.m, self.header.ef_construction)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::super::super::testing::TempDir;
    use super::*;

    fn wanted(directory: &Path, written: bool) -> Wanted<'_> {
        Wanted { directory, segment: "ab-1", dimension: Some(1), space: Space::Cosine, written }
    }

    #[test]
    fn a_folder_that_is_swapped_for_a_link_is_not_followed() {
        let (dir, other) = (TempDir::new(), TempDir::new());
        let path = dir.path("ab-1");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join(PICKLE), "own").unwrap();
        std::fs::write(other.path(PICKLE), "another's").unwrap();
        let Ok(Some(folder)) = directory(&wanted(dir.root(), true)) else { panic!("it is there") };
        std::fs::rename(&path, dir.path("moved")).unwrap();
        std::os::unix::fs::symlink(other.root(), &path).unwrap();
        let Ok(Some((pickle, length))) = file(&folder, PICKLE) else { panic!("it is there") };
        assert_eq!(whole(&pickle, length).ok(), Some(b"own".to_vec()));
        let read = read(&wanted(dir.root(), false), &|| false).ok().unwrap();
        assert_eq!((read.state, read.why.as_deref()), (State::Lost, Some("its folder is a link or a file")));
    }

    #[test]
    fn what_comes_and_goes_in_a_folder_is_seen() {
        let dir = TempDir::new();
        let seen = || Seen::look(dir.root(), "ab-1");
        let before = seen();
        assert!(before.holds());
        std::fs::create_dir(dir.path("ab-1")).unwrap();
        assert!(!before.holds());
        let empty = seen();
        std::fs::write(dir.path("ab-1").join(DATA), "").unwrap();
        assert!(!empty.holds() && seen().holds());
    }

    #[test]
    fn a_pickle_is_not_read_before_its_header() {
        let dir = TempDir::new();
        std::fs::create_dir(dir.path("ab-1")).unwrap();
        std::fs::write(dir.path("ab-1").join(PICKLE), "no pickle").unwrap();
        let read = read(&wanted(dir.root(), false), &|| false).ok().unwrap();
        assert_eq!(read.why.as_deref(), Some("header.bin is missing"));
    }
}
