//! Which process holds the lock that blocks this connection, from `/proc/locks` if the system has it.
//!
//! SQLite's locks are POSIX locks: in rollback mode on three byte ranges at 1 GiB of the database file
//! (<https://www.sqlite.org/fileformat2.html#the_lock_byte_page>), in WAL mode on single bytes of the `-shm`
//! (<https://www.sqlite.org/walformat.html#locks>). Opening the database file here to ask the kernel is out of the
//! question: closing it would drop every lock this process holds on it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

const PENDING_BYTE: u64 = 0x4000_0000;
const RESERVED_BYTE: u64 = PENDING_BYTE + 1;
const SHARED_FIRST: u64 = PENDING_BYTE + 2;
const WAL_WRITE: u64 = 120;
const WAL_RECOVER: u64 = 122;

/// A lock that may keep others out.
struct Kind {
    /// On the `-shm` instead of the database file.
    of_wal: bool,
    mode: Mode,
    byte: u64,
    holder: &'static str,
    name: &'static str,
}

/// The most likely reason first: a writer that blocks readers, one that is about to, one that writes to the WAL,
/// readers.
const KINDS: [Kind; 6] = [
    Kind {
        of_wal: false,
        mode: Mode::Write,
        byte: SHARED_FIRST,
        holder: "a writer",
        name: "an exclusive lock",
    },
    Kind { of_wal: false, mode: Mode::Write, byte: PENDING_BYTE, holder: "a writer", name: "a pending lock" },
    Kind {
        of_wal: true,
        mode: Mode::Write,
        byte: WAL_WRITE,
        holder: "a writer",
        name: "the write lock of the WAL",
    },
    Kind {
        of_wal: true,
        mode: Mode::Write,
        byte: WAL_RECOVER,
        holder: "a writer",
        name: "the recovery lock of the WAL",
    },
    Kind {
        of_wal: false,
        mode: Mode::Write,
        byte: RESERVED_BYTE,
        holder: "a writer",
        name: "a reserved lock",
    },
    Kind { of_wal: false, mode: Mode::Read, byte: SHARED_FIRST, holder: "a reader", name: "a shared lock" },
];

/// `process 4711, a reader, holds a shared lock`, or a sentence without a process where none is known.
pub(super) fn describe(path: &Path) -> String {
    let table = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut shared_memory = path.clone().into_os_string();
    shared_memory.push("-shm");
    let found = holder(&table, std::process::id(), place(&path), place(Path::new(&shared_memory)));
    found.unwrap_or_else(|| "another connection is using it".to_owned())
}

/// Device and inode.
type Place = Option<((u64, u64), u64)>;

fn place(path: &Path) -> Place {
    std::fs::metadata(path).ok().map(|m| (device_pair(m.dev()), m.ino()))
}

/// Other processes first: a lock of this process blocks only if another connection of this process holds it.
fn holder(table: &str, own: u32, database: Place, shared_memory: Place) -> Option<String> {
    let locks: Vec<Lock> = table.lines().filter_map(parse).collect();
    // Every process that has a WAL database open holds a shared lock on it.
    let in_wal = locks.iter().any(|lock| Some(lock.place) == shared_memory);
    let found = |ours: bool| {
        let kinds = KINDS.iter().filter(move |kind| !(in_wal && kind.mode == Mode::Read));
        kinds.filter(move |kind| !ours || kind.mode == Mode::Write).find_map(|kind| {
            let on = if kind.of_wal { shared_memory } else { database };
            let holds = |lock: &&Lock| {
                Some(lock.place) == on
                    && lock.mode == kind.mode
                    && (lock.start..=lock.end).contains(&kind.byte)
                    && (lock.pid == own) == ours
            };
            locks.iter().find(holds).map(|lock| (lock.pid, kind))
        })
    };
    let (who, kind) = match found(false) {
        // A process of another PID namespace is shown as 0.
        Some((0, kind)) => ("another process".to_owned(), kind),
        Some((pid, kind)) => (format!("process {pid}"), kind),
        None => ("another connection of this session".to_owned(), found(true)?.1),
    };
    Some(format!("{who}, {}, holds {}", kind.holder, kind.name))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Write,
}

/// A line of `/proc/locks`.
struct Lock {
    mode: Mode,
    pid: u32,
    place: ((u64, u64), u64),
    start: u64,
    end: u64,
}

/// `1: POSIX  ADVISORY  WRITE 4711 fe:01:131 1073741824 1073742335`, see proc(5).
fn parse(line: &str) -> Option<Lock> {
    let mut words = line.split_whitespace().skip(3);
    let mode = match words.next()? {
        "WRITE" => Mode::Write,
        "READ" => Mode::Read,
        _ => return None,
    };
    let pid = words.next()?.parse().ok()?;
    let mut place = words.next()?.split(':');
    let major = u64::from_str_radix(place.next()?, 16).ok()?;
    let minor = u64::from_str_radix(place.next()?, 16).ok()?;
    let inode = place.next()?.parse().ok()?;
    let start = words.next()?.parse().ok()?;
    let end = words.next()?.parse().unwrap_or(u64::MAX);
    Some(Lock { mode, pid, place: ((major, minor), inode), start, end })
}

/// Major and minor numbers as glibc's `gnu_dev_major` and `gnu_dev_minor` take them from `st_dev`.
fn device_pair(device: u64) -> (u64, u64) {
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    (major, minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
1: POSIX  ADVISORY  WRITE 4711 fe:01:131 1073741824 1073742335
1: -> POSIX  ADVISORY  WRITE 4712 fe:01:131 1073741824 1073742335
2: POSIX  ADVISORY  READ  80 fe:01:132 1073741826 1073742335
2: POSIX  ADVISORY  WRITE 7 fe:01:132 1073741824 1073741825
3: FLOCK  ADVISORY  WRITE 81 00:2e:133 0 EOF
4: POSIX  ADVISORY  WRITE 82 fe:01:134 1073741824 1073741824
5: POSIX  ADVISORY  READ  83 fe:01:135 1073741826 1073742335
5: POSIX  ADVISORY  WRITE 84 fe:01:136 120 120
6: POSIX  ADVISORY  WRITE 0 fe:01:137 1073741825 1073741825
7: POSIX  ADVISORY  READ  80 fe:01:138 1073741826 1073742335
8: POSIX  ADVISORY  READ  80 fe:01:139 124 124
nonsense";

    fn said(database: u64, shared_memory: u64) -> Option<String> {
        let place = |inode| Some(((0xfe, 1), inode));
        holder(TABLE, 7, place(database), place(shared_memory))
    }

    #[test]
    fn the_holder_is_another_process_a_reader_or_a_writer() {
        for (database, shared_memory, expected) in [
            (131, 0, Some("process 4711, a writer, holds an exclusive lock")),
            (132, 0, Some("process 80, a reader, holds a shared lock")),
            (134, 0, Some("process 82, a writer, holds a pending lock")),
            (135, 136, Some("process 84, a writer, holds the write lock of the WAL")),
            (137, 0, Some("another process, a writer, holds a reserved lock")),
            (138, 139, None),
            (999, 0, None),
        ] {
            assert_eq!(said(database, shared_memory).as_deref(), expected, "{database}");
        }
    }

    #[test]
    fn what_this_process_holds_is_another_connection_of_its_own() {
        let own = "1: POSIX  ADVISORY  WRITE 7 fe:01:1 1073741825 1073741825";
        let said = holder(own, 7, Some(((0xfe, 1), 1)), None);
        assert_eq!(
            said.as_deref(),
            Some("another connection of this session, a writer, holds a reserved lock")
        );
        assert_eq!(device_pair(0xfe01), (0xfe, 1));
    }
}
