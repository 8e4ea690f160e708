//! The machine, as Linux shows it. Where it is not Linux, or does not say, nothing is known.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use pg_sqlite_migrate_core::advise::machine::{groups, limit, total};

/// What the server may use of the machine's memory: all of it, or what its control groups allow.
pub fn memory() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let (two, one) = groups(&read("/proc/self/cgroup").unwrap_or_default());
    let two = two.iter().filter_map(|path| read(&format!("/sys/fs/cgroup{path}/memory.max")));
    let one =
        one.iter().filter_map(|path| read(&format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")));
    let limits = two.chain(one).filter_map(|text| limit(&text));
    total(&read("/proc/meminfo")?).into_iter().chain(limits).min()
}

/// Whether the disk of a directory turns. A partition has its disk's answer; what has no device has none.
pub fn rotational(directory: &str) -> Option<bool> {
    let device = fs::metadata(directory).ok()?.dev();
    let (major, minor) = (libc::major(device), libc::minor(device));
    let block = Path::new("/sys/dev/block").join(format!("{major}:{minor}"));
    let answer = |below: &str| fs::read_to_string(block.join(below)).ok();
    let answer = answer("queue/rotational").or_else(|| answer("../queue/rotational"))?;
    Some(answer.trim() == "1")
}
