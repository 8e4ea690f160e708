//! Who holds the lock that keeps us out: read from `/proc/locks` where the system has one.
//!
//! SQLite's rollback-mode locks are POSIX locks on three byte ranges at 1 GiB
//! (<https://www.sqlite.org/fileformat2.html#the_lock_byte_page>). Opening the database file here to ask
//! the kernel is out of the question: closing it would drop every lock this process holds on it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

const PENDING_BYTE: u64 = 0x4000_0000;
const SHARED_FIRST: u64 = PENDING_BYTE + 2;

/// `process 4711 holds an exclusive lock`, or a sentence without a process where none is known.
pub(super) fn describe(path: &Path) -> String {
    let table = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let found = std::fs::metadata(path).ok().and_then(|m| holder(&table, m.dev(), m.ino()));
    found.unwrap_or_else(|| "another connection is writing to it".to_owned())
}

fn holder(table: &str, device: u64, inode: u64) -> Option<String> {
    let locks: Vec<Lock> = table.lines().filter_map(parse).collect();
    // A process of another PID namespace is shown as 0.
    let mut ours = locks.iter().filter(|l| l.pid > 0 && l.inode == inode && l.device == device_pair(device));
    ours.find(|l| l.end >= PENDING_BYTE && l.start <= SHARED_FIRST).map(|l| {
        let name = if l.end >= SHARED_FIRST { "an exclusive" } else { "a pending" };
        format!("process {} holds {name} lock", l.pid)
    })
}

/// A write lock of `/proc/locks`.
struct Lock {
    pid: u32,
    device: (u64, u64),
    inode: u64,
    start: u64,
    end: u64,
}

/// `1: POSIX  ADVISORY  WRITE 4711 fe:01:131 1073741824 1073742335`, see proc(5).
fn parse(line: &str) -> Option<Lock> {
    let mut words = line.split_whitespace().skip(3);
    if words.next()? != "WRITE" {
        return None;
    }
    let pid = words.next()?.parse().ok()?;
    let mut place = words.next()?.split(':');
    let major = u64::from_str_radix(place.next()?, 16).ok()?;
    let minor = u64::from_str_radix(place.next()?, 16).ok()?;
    let inode = place.next()?.parse().ok()?;
    let start = words.next()?.parse().ok()?;
    let end = words.next()?.parse().unwrap_or(u64::MAX);
    Some(Lock { pid, device: (major, minor), inode, start, end })
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
3: FLOCK  ADVISORY  WRITE 81 00:2e:133 0 EOF
4: POSIX  ADVISORY  WRITE 82 fe:01:134 1073741824 1073741824
nonsense";

    #[test]
    fn the_holder_of_a_write_lock_is_named() {
        let device = 0xfe01;
        assert_eq!(holder(TABLE, device, 131).as_deref(), Some("process 4711 holds an exclusive lock"));
        assert_eq!(holder(TABLE, device, 134).as_deref(), Some("process 82 holds a pending lock"));
        assert_eq!(holder(TABLE, device, 132), None);
        assert_eq!(holder(TABLE, device, 999), None);
    }
}
