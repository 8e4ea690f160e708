//! What the tests of this folder share: scratch directories that go away, and the folder of real files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::open::{OpenOptions, Source, open};

pub(super) struct TempDir(PathBuf);

impl TempDir {
    pub(super) fn new() -> TempDir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sqlite-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        TempDir(path)
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a database file. `generate_series(a,b)` in the SQL is written out: the bundled SQLite has none.
    pub(super) fn database(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.path(name);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&with_series(sql)).unwrap();
        path
    }

    pub(super) fn open(&self, name: &str) -> Source {
        open(&options(&self.path(name))).unwrap()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn with_series(sql: &str) -> String {
    let Some((before, rest)) = sql.split_once("generate_series(") else { return sql.to_owned() };
    let (bounds, after) = rest.split_once(')').unwrap();
    let (first, last) = bounds.split_once(',').unwrap();
    let series = format!(
        "(WITH RECURSIVE n(value) AS (SELECT {first} UNION ALL SELECT value + 1 FROM n WHERE value < {last}) \
         SELECT value FROM n)"
    );
    format!("{before}{series}{}", with_series(after))
}

pub(super) fn options(path: &Path) -> OpenOptions {
    let patience = Duration::from_secs(20);
    let start = Instant::now();
    OpenOptions {
        path: path.to_owned(),
        immutable: false,
        copy: None,
        busy_timeout: Duration::ZERO,
        interrupted: Arc::new(move || start.elapsed() > patience),
    }
}

/// A real file, opened without writing next to it; `None` (and a message) where the folder is absent.
pub(super) fn real(name: &str) -> Option<Source> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(name);
    if !path.exists() {
        println!("{} is absent: skipped", path.display());
        return None;
    }
    Some(open(&OpenOptions { immutable: true, ..options(&path) }).unwrap())
}

/// Paths of the real files in a folder below the real files' own, sorted.
pub(super) fn real_files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(folder);
    let Ok(entries) = std::fs::read_dir(&root) else {
        println!("{} is absent: skipped", root.display());
        return vec![];
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "db"));
    paths.sort();
    paths
}
