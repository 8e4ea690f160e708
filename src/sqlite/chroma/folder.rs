//! The HNSW folder of a vector segment, beside the database file. It is untrusted, as the file is: regular files in a real
//! directory are read, through no link, and nothing is believed before its sizes agree.
#![deny(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pg_sqlite_migrate_core::chroma::Space;
use pg_sqlite_migrate_core::chroma::index::{self, HEADER, Header, Unusable};
use pg_sqlite_migrate_core::chroma::pickle::{self, IndexMetadata};
use pg_sqlite_migrate_core::chroma::replay::{Place, State};

const PICKLE: &str = "index_metadata.pickle";

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
    lengths: Vec<f32>,
    /// The files and what was seen of them.
    seen: Vec<(PathBuf, Stamp)>,
}

/// Changes when the file is written to.
#[derive(PartialEq, Eq)]
struct Stamp(u64, i64, i64, u64);

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp(metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino())
    }
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
    let lost =
        |state, why: Option<String>| Folder { state, why, index: None, held: None, alive: HashMap::new() };
    let directory = match directory(wanted) {
        Ok(directory) => directory,
        Err(None) if !wanted.written => return Ok(lost(State::Unwritten, None)),
        Err(why) => {
            return Ok(lost(State::Lost, Some(why.unwrap_or_else(|| "its folder is missing".into()))));
        }
    };
    let bytes = match whole(&directory.join(PICKLE)) {
        Ok(Some((bytes, stamp))) => (bytes, stamp),
        Ok(None) if !wanted.written => return Ok(lost(State::Unwritten, None)),
        Ok(None) => return Ok(lost(State::Lost, Some(format!("{PICKLE} is missing")))),
        Err(Failed::Stop(stop)) => return Err(stop),
        Err(Failed::Why(why)) => return Ok(lost(State::Lost, Some(why))),
    };
    let (bytes, stamp) = bytes;
    let metadata = match pickle::read(&bytes) {
        Ok(metadata) => metadata,
        Err(pickle::Unreadable::Memory) => return Err(Stop::Memory),
        Err(why) => return Ok(lost(State::Lost, Some(format!("{PICKLE} cannot be read: {why}")))),
    };
    drop(bytes);
    let held = metadata.max_seq_id;
    let opened = Index::open(wanted, &directory, &metadata, (directory.join(PICKLE), stamp));
    let index = match opened {
        Ok(index) => index,
        Err(Failed::Stop(stop)) => return Err(stop),
        Err(Failed::Why(why)) => return Ok(Folder { held, ..lost(State::Lost, Some(why)) }),
    };
    match index.alive(metadata, interrupted) {
        Ok(alive) => Ok(Folder { state: State::Usable, why: None, index: Some(index), held, alive }),
        Err(Failed::Stop(stop)) => Err(stop),
        Err(Failed::Why(why)) => Ok(Folder { held, ..lost(State::Lost, Some(why)) }),
    }
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

/// The folder; `Err(None)` where there is none.
fn directory(wanted: &Wanted<'_>) -> Result<PathBuf, Option<String>> {
    let segment = wanted.segment;
    // A name, and nothing that leads elsewhere.
    if segment.is_empty() || !segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Err(Some("the segment's id is no name of a folder".into()));
    }
    let directory = wanted.directory.join(segment);
    match std::fs::symlink_metadata(&directory) {
        Ok(metadata) if metadata.is_dir() => Ok(directory),
        Ok(_) => Err(Some("its folder is a link or a file".into())),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(None),
        Err(e) => Err(Some(format!("its folder cannot be read: {e}"))),
    }
}

/// Opens a regular file, through no link; `None` where there is none.
fn file(path: &Path) -> Result<Option<(File, Metadata)>, Failed> {
    let name = path.file_name().unwrap_or_default().display();
    let why = |e: &dyn std::fmt::Display| Failed::Why(format!("{name} cannot be read: {e}"));
    let mut options = OpenOptions::new();
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = match options.read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(why(&e)),
    };
    let metadata = file.metadata().map_err(|e| why(&e))?;
    match metadata.is_file() {
        true => Ok(Some((file, metadata))),
        false => Err(why(&"it is not a regular file")),
    }
}

fn whole(path: &Path) -> Result<Option<(Vec<u8>, Stamp)>, Failed> {
    let Some((file, metadata)) = file(path)? else { return Ok(None) };
    let length = metadata.len();
    let name = path.file_name().unwrap_or_default().display();
    if length > LARGEST_PICKLE {
        return Err(Failed::Why(format!("{name} is larger than any that ChromaDB writes")));
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(length).map_err(|_| Failed::Stop(Stop::Memory))?;
    bytes.try_reserve_exact(room + 1).map_err(|_| Failed::Stop(Stop::Memory))?;
    // No more than there is room for, if it has grown.
    let read = file.take(length).read_to_end(&mut bytes);
    read.map_err(|e| Failed::Why(format!("{name} cannot be read: {e}")))?;
    Ok(Some((bytes, Stamp::of(&metadata))))
}

impl Index {
    fn open(
        wanted: &Wanted<'_>,
        directory: &Path,
        metadata: &IndexMetadata,
        pickle: (PathBuf, Stamp),
    ) -> Result<Index, Failed> {
        let open = |name: &str| {
            let path = directory.join(name);
            let (file, metadata) = file(&path)?.ok_or_else(|| Failed::Why(format!("{name} is missing")))?;
            Ok::<_, Failed>((file, (path, Stamp::of(&metadata)), metadata.len()))
        };
        let (header, header_seen, _) = open("header.bin")?;
        let mut bytes = [0; HEADER];
        let exact = header.read_exact_at(&mut bytes, 0);
        exact.map_err(|_| Unusable::Short)?;
        let header = Header::read(&bytes)?;
        if wanted.dimension != i64::try_from(header.dimension).ok() {
            return Err(Unusable::Dimension.into());
        }
        if i64::try_from(header.elements).ok() != Some(metadata.elements) {
            return Err(Unusable::Elements.into());
        }
        let (data, data_seen, size) = open("data_level0.bin")?;
        header.check(size, None)?;
        let mut seen = Vec::from([pickle, header_seen, data_seen]);
        let mut lengths = Vec::new();
        if wanted.space == Space::Cosine {
            let (file, lengths_seen, size_of_lengths) = open("length.bin")?;
            header.check(size, Some(size_of_lengths))?;
            lengths = read_lengths(&file, header.elements)?;
            seen.push(lengths_seen);
        }
        Ok(Index { data, header, space: wanted.space, lengths, seen })
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
        let mut reader = std::io::BufReader::with_capacity(1 << 18, &self.data);
        for element in 0..self.header.elements {
            if element % 1024 == 0 && interrupted() {
                return Err(Failed::Stop(Stop::Interrupted));
            }
            reader.read_exact(&mut slot).map_err(|_| Unusable::Data)?;
            let Some(read) = self.header.element(&slot) else { return Err(Unusable::Numbers.into()) };
            if read.dead {
                continue;
            }
            let sound = self.space != Space::Cosine || index::is_sound(read.data, self.length(element));
            found.try_reserve(1).map_err(memory)?;
            found.insert(read.label, if sound { Place::Element(element) } else { Place::Lost });
        }
        let mut alive = HashMap::new();
        alive.try_reserve(metadata.labels.len()).map_err(memory)?;
        alive.extend(metadata.labels.into_iter().filter_map(|(id, label)| Some((id, *found.get(&label)?))));
        Ok(alive)
    }

    fn length(&self, element: u64) -> f32 {
        usize::try_from(element).ok().and_then(|at| self.lengths.get(at)).copied().unwrap_or(1.0)
    }

    /// The vector of an element, as bytes of floats; `None` if the file is not what it was, or memory is exhausted.
    pub(super) fn vector(&self, element: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.header.bytes()).ok()?;
        bytes.extend(std::iter::repeat_n(0, self.header.bytes()));
        self.data.read_exact_at(&mut bytes, self.header.place(element)?).ok()?;
        index::restored(self.space, &mut bytes, self.length(element));
        Some(bytes)
    }

    /// Neighbours and candidates, as the index was made with.
    pub(super) fn hnsw(&self) -> (u64, u64) {
        (self.header.m, self.header.ef_construction)
    }

    /// Nobody has written to the files since they were opened.
    pub(super) fn holds(&self) -> bool {
        let same = |(path, seen): &(PathBuf, Stamp)| {
            std::fs::symlink_metadata(path).is_ok_and(|now| Stamp::of(&now) == *seen)
        };
        self.seen.iter().all(same)
    }
}

fn read_lengths(file: &File, elements: u64) -> Result<Vec<f32>, Failed> {
    let count = usize::try_from(elements).map_err(|_| Failed::Stop(Stop::Memory))?;
    let mut lengths = Vec::new();
    lengths.try_reserve_exact(count).map_err(|_| Failed::Stop(Stop::Memory))?;
    let mut reader = std::io::BufReader::new(file);
    let mut four = [0; 4];
    for _ in 0..count {
        reader.read_exact(&mut four).map_err(|_| Unusable::Lengths)?;
        lengths.push(f32::from_le_bytes(four));
    }
    Ok(lengths)
}
