//! Opening: what is refused before, what is waited for, what is created and taken away.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicU32};

use super::super::testing::*;
use super::connection::{beside_the_file, io_error, uri};
use super::*;

fn failure(path: &Path) -> Error {
    open(&options(path)).map(|_| ()).unwrap_err()
}

fn count(source: &Source, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    source.connection().query_row(&sql, [], |r| r.get(0)).unwrap()
}

#[test]
fn what_is_no_database_file_is_said_before_it_is_opened() {
    let dir = TempDir::new();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path(name), bytes).unwrap();
        dir.path(name)
    };
    let relative = PathBuf::from("app.db");
    assert_eq!(failure(&relative), Error::RelativePath { path: relative.clone() });
    let path = dir.path("missing.db");
    assert_eq!(failure(&path), Error::Missing { path: path.clone() });
    let path = file("plain.db", b"x").join("below.db");
    assert_eq!(failure(&path), Error::Missing { path: path.clone() });
    assert_eq!(failure(dir.root()), Error::Directory { path: dir.root().into() });
    let path = PathBuf::from("/dev/null");
    assert_eq!(failure(&path), Error::NotRegularFile { path: path.clone() });
    let path = file("empty.db", b"");
    assert_eq!(failure(&path), Error::EmptyFile { path: path.clone() });
    let path = file("text.db", "not a database at all\n".repeat(100).as_bytes());
    assert_eq!(failure(&path), Error::NotADatabase { path: path.clone() });
    let path = PathBuf::from(OsStr::from_bytes(b"/tmp/a\0b"));
    assert_eq!(failure(&path), Error::InvalidPath { path: path.clone() });
}

#[test]
fn a_fifo_does_not_hang() {
    let dir = TempDir::new();
    let path = dir.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|s| s.success()) {
        return println!("mkfifo is missing: skipped");
    }
    assert_eq!(failure(&path), Error::NotRegularFile { path: path.clone() });
}

#[test]
fn a_truncated_file_is_corrupt() {
    let dir = TempDir::new();
    let path = dir.database(
        "t.db",
        "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(9000) FROM generate_series(1,9)",
    );
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(failure(&path), Error::Corrupt { .. }));
    std::fs::write(&path, &bytes[..60]).unwrap();
    assert!(matches!(failure(&path), Error::Corrupt { .. }), "{:?}", failure(&path));
    std::fs::write(&path, &bytes[..10]).unwrap();
    assert_eq!(failure(&path), Error::NotADatabase { path: path.clone() });
}

#[test]
fn odd_paths_are_opened_as_they_are() {
    let dir = TempDir::new();
    let plain = dir.database("plain.db", "CREATE TABLE t(a)");
    for name in ["a b?mode=memory#x%41%.db", "ü'\"&=;.db"] {
        std::fs::copy(&plain, dir.path(name)).unwrap();
        assert_eq!(count(&dir.open(name), "t"), 0, "{name}");
    }
    let bytes = dir.root().join(OsStr::from_bytes(b"\xff\xfe.db"));
    std::fs::copy(&plain, &bytes).unwrap();
    assert_eq!(count(&open(&options(&bytes)).unwrap(), "t"), 0);
    let doubled = PathBuf::from(format!("/{}", plain.display()));
    assert_eq!(count(&open(&options(&doubled)).unwrap(), "t"), 0);
    assert_eq!(uri(Path::new("/a b"), true), "file:///a%20b?immutable=1");
}

#[test]
fn nothing_but_reading_is_possible() {
    let dir = TempDir::new();
    dir.database("t.db", "CREATE TABLE t(a); CREATE TABLE x_node(a); INSERT INTO t VALUES (1)");
    let source = dir.open("t.db");
    for sql in [
        "INSERT INTO t VALUES (2)",
        "INSERT INTO x_node VALUES (2)",
        "CREATE TABLE u(a)",
        "CREATE TEMP TABLE u(a)",
        "ATTACH ':memory:' AS other",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('simple')",
        "VACUUM INTO '/tmp/never.db'",
        "COMMIT",
    ] {
        assert!(source.connection().execute_batch(sql).is_err(), "{sql}");
    }
    assert_eq!(count(&source, "t"), 1);
}

#[test]
fn the_snapshot_does_not_see_later_writes_and_reads_the_wal() {
    let dir = TempDir::new();
    let path = dir.path("wal.db");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    let source = dir.open("wal.db");
    writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(count(&source, "t"), 1);
    assert_eq!(count(&dir.open("wal.db"), "t"), 2);
}

/// A file in WAL mode, its `-wal` and its `-shm` as a crash leaves them; the row is only in the `-wal`.
fn crashed(dir: &TempDir, name: &str) -> PathBuf {
    let writer = Connection::open(dir.path("live.db")).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(a);
             PRAGMA wal_checkpoint; INSERT INTO t VALUES (1)",
        )
        .unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let copy = dir.path(&format!("{name}{suffix}"));
        std::fs::copy(dir.path(&format!("live.db{suffix}")), copy).unwrap();
    }
    dir.path(name)
}

fn names(dir: &TempDir, prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir.root()).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    names
}

fn scratch(dir: &TempDir) -> Option<Scratch> {
    Some(Scratch { directory: dir.path("scratch"), limit: None, owner: Arc::new(()) })
}

#[test]
fn a_closed_wal_file_is_read_alone_until_someone_writes() {
    let dir = TempDir::new();
    let path = dir.database("t.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    assert_eq!(names(&dir, "t.db"), ["t.db"]);
    let source = dir.open("t.db");
    assert_eq!((count(&source, "t"), source.state().wal_missing), (0, true));
    assert_eq!(names(&dir, "t.db"), ["t.db"]);
    source.prove().unwrap();
    // The last to close it would empty the -wal into the file and remove it.
    Connection::open(&path).unwrap().execute_batch("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(source.prove(), Err(Error::Changed { path: path.clone() }));
    assert!(!source.is_current());
    assert_eq!(count(&source, "t"), 0);
    let newer = dir.open("t.db");
    assert_eq!((count(&newer, "t"), newer.is_current(), newer.state().wal_missing), (1, true, false));
    drop((source, newer));
    Connection::open(&path).unwrap().execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(names(&dir, "t.db"), ["t.db"]);
}

#[test]
fn a_log_without_an_index_is_read_from_a_copy_only() {
    let dir = TempDir::new();
    let path = crashed(&dir, "t.db");
    assert_eq!(count(&dir.open("t.db"), "t"), 1);
    let immutable = OpenOptions { immutable: true, ..options(&path) };
    assert_eq!(open(&immutable).map(|_| ()), Err(Error::WalLeftOut { path: path.clone() }));
    std::fs::remove_file(dir.path("t.db-shm")).unwrap();
    assert_eq!(failure(&path), Error::WalAlone { path: path.clone() });
    let source = open(&OpenOptions { copy: scratch(&dir), ..immutable }).unwrap();
    assert_eq!((count(&source, "t"), source.path()), (1, path.as_path()));
    let bytes = ["t.db", "t.db-wal"].map(|name| std::fs::metadata(dir.path(name)).unwrap().len());
    let copied = source.state().copied.clone().unwrap();
    assert_eq!(copied, Copied { bytes: bytes.iter().sum(), directory: dir.path("scratch") });
    assert_eq!(names(&dir, "t.db"), ["t.db", "t.db-wal"]);
    let small = Scratch { limit: Some(100), ..scratch(&dir).unwrap() };
    let small = OpenOptions { copy: Some(small), ..options(&path) };
    assert!(matches!(open(&small), Err(Error::CopyTooLarge { limit: 100, .. })));
}

#[test]
fn what_is_written_to_makes_files_and_takes_them_away() {
    let dir = TempDir::new();
    let path = dir.database("t.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    assert!(would_create_auxiliary_files(&options(&path)).unwrap());
    let source = open_to_write(&options(&path)).unwrap();
    assert!(source.creates_auxiliary_files() && names(&dir, "t.db").len() == 3);
    drop(source);
    assert_eq!(names(&dir, "t.db"), ["t.db"]);
    let application = Connection::open(&path).unwrap();
    application.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    assert!(!would_create_auxiliary_files(&options(&path)).unwrap());
    assert!(!open_to_write(&options(&path)).unwrap().creates_auxiliary_files());
}

#[test]
fn a_locked_file_is_waited_for_and_then_named() {
    let dir = TempDir::new();
    let path = dir.database("t.db", "CREATE TABLE t(a)");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let counter = asked.clone();
    let mut patient = options(&path);
    patient.busy_timeout = Duration::from_millis(50);
    patient.interrupted = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    });
    assert!(matches!(open(&patient), Err(Error::Locked { .. })));
    assert!(asked.load(Ordering::Relaxed) >= 3);
    patient.busy_timeout = Duration::from_secs(3600);
    patient.interrupted = Arc::new(|| true);
    assert_eq!(open(&patient).map(|_| ()), Err(Error::Interrupted { path: path.clone() }));
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(count(&dir.open("t.db"), "t"), 0);
}

#[test]
fn a_hot_journal_is_never_ignored() {
    let dir = TempDir::new();
    let path = dir.database(
        "live.db",
        "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(900) FROM generate_series(1,500)",
    );
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA cache_size = 5; BEGIN; UPDATE t SET a = randomblob(900)").unwrap();
    // What a machine that stops now leaves behind.
    std::fs::copy(&path, dir.path("crashed.db")).unwrap();
    std::fs::copy(dir.path("live.db-journal"), dir.path("crashed.db-journal")).unwrap();
    let crashed = dir.path("crashed.db");
    assert_eq!(failure(&crashed), Error::HotJournal { path: crashed.clone() });
    std::os::unix::fs::symlink(&crashed, dir.path("link.db")).unwrap();
    let link = dir.path("link.db");
    assert_eq!(failure(&link), Error::HotJournal { path: link.clone() });
    // The cure that the hint names.
    Connection::open(&crashed).unwrap().query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
    assert_eq!(count(&dir.open("crashed.db"), "t"), 500);
}

#[test]
fn what_cannot_be_opened_beside_the_file_is_its_journal_or_its_wal() {
    let path = Path::new("/srv/app.db");
    let error = || Error::Sqlite { path: path.into(), code: ffi::SQLITE_CANTOPEN, message: String::new() };
    assert_eq!(beside_the_file(path, error(), false), Error::WalUnusable { path: path.into() });
    assert_eq!(beside_the_file(path, error(), true), Error::HotJournal { path: path.into() });
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert_eq!(io_error(path, &denied), Error::PermissionDenied { path: path.into() });
}

#[test]
fn permissions_that_are_missing_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let plain = dir.database("plain.db", "CREATE TABLE t(a)");
    let wal = dir.database("wal.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    mode(&plain, 0o000);
    mode(dir.root(), 0o555);
    let bound = std::fs::write(dir.path("probe"), "").is_err();
    if bound {
        assert_eq!(failure(&plain), Error::PermissionDenied { path: plain.clone() });
        assert_eq!(count(&open(&options(&wal)).unwrap(), "t"), 0, "nothing has to be made beside it");
    } else {
        println!("permissions do not bind this user: skipped");
    }
    mode(dir.root(), 0o755);
}

#[test]
fn a_source_can_be_moved_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Source>();
}

#[test]
fn a_long_query_stops_when_asked() {
    let dir = TempDir::new();
    let path = dir.database("t.db", "CREATE TABLE t(a)");
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let mut watched = options(&path);
    watched.interrupted = Arc::new(move || flag.load(Ordering::Relaxed));
    let source = open(&watched).unwrap();
    stop.store(true, Ordering::Relaxed);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let error = source.connection().query_row(endless, [], |_| Ok(())).unwrap_err();
    assert_eq!(source.error(error), Error::Interrupted { path });
}

#[test]
fn one_unreadable_definition_does_not_hide_the_others() {
    let dir = TempDir::new();
    dir.database(
        "t.db",
        "CREATE TABLE good(a); CREATE TABLE bad(a); PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE bad(a,,)' WHERE name = 'bad'",
    );
    let source = dir.open("t.db");
    assert_eq!(count(&source, "good"), 0);
    assert_eq!(source.schema_error(), Some("malformed database schema (bad) - near \",\": syntax error"));
    assert!(source.connection().execute_batch("INSERT INTO good VALUES (1)").is_err());
}

/// A folder of ChromaDB's with one collection of vectors of one float, and enough metadata to be interrupted in.
fn chroma(dir: &TempDir, name: &str) -> PathBuf {
    let path = dir.database(
        name,
        "CREATE TABLE collections (id TEXT, name TEXT, dimension INTEGER);
         CREATE TABLE collection_metadata (collection_id TEXT, key TEXT, str_value TEXT, int_value INTEGER);
         CREATE TABLE segments (id TEXT, type TEXT, scope TEXT, collection TEXT);
         CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT, seq_id INTEGER, created_at TEXT);
         CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER, float_value REAL);
         CREATE TABLE max_seq_id (segment_id TEXT, seq_id INTEGER);
         CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, operation INTEGER, topic TEXT, id TEXT, vector BLOB, encoding TEXT);
         INSERT INTO collections VALUES ('c', 'docs', 1);
         INSERT INTO segments VALUES ('aa', 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', 'c'),
             ('bb', 'urn:chroma:segment/metadata/sqlite', 'METADATA', 'c');
         INSERT INTO embeddings VALUES (1, 'bb', 'a', 1, '2020-01-01');
         INSERT INTO embeddings_queue VALUES (1, 0, 'persistent://default/default/c', 'a', x'0000803f', 'FLOAT32');
         INSERT INTO embedding_metadata SELECT value, 'key' || value, 'x', NULL, NULL FROM generate_series(1,2000)",
    );
    std::fs::create_dir(dir.path("aa")).unwrap();
    path
}

/// Options whose look at interruptions, the first after `armed`, is the moment for `act`.
fn acting(path: &Path, armed: &Arc<AtomicBool>, act: impl Fn() + Send + Sync + 'static) -> OpenOptions {
    let armed = armed.clone();
    let interrupted = move || {
        if armed.swap(false, Ordering::Relaxed) {
            act();
        }
        false
    };
    OpenOptions { interrupted: Arc::new(interrupted), ..options(path) }
}

fn add_record(path: &Path) {
    let writer = Connection::open(path).unwrap();
    writer.execute_batch("INSERT INTO embeddings VALUES (2, 'bb', 'b', 2, '2020-01-01')").unwrap();
}

#[test]
fn what_is_beside_a_file_of_chromas_was_looked_at_before_its_snapshot() {
    let dir = TempDir::new();
    let path = chroma(&dir, "chroma.sqlite3");
    let keeper = Connection::open(&path).unwrap();
    keeper.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE other (x)").unwrap();
    // Another program writes while the collections are being listed: first to the file, then to the folder.
    let (armed, written) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (file, folder, wrote) = (path.clone(), dir.path("aa"), written.clone());
    let source = open(&acting(&path, &armed, move || {
        add_record(&file);
        std::fs::write(folder.join("header.bin"), "new").unwrap();
        wrote.store(true, Ordering::Relaxed);
    }));
    assert!(written.load(Ordering::Relaxed));
    let source = source.unwrap();
    // The folder is that of the snapshot.
    assert_eq!(count(&source, "embeddings"), 2);
    assert_eq!(count(&source, "docs WHERE embedding = x'0000803f'"), 1);
    source.prove().unwrap();
    // From here on a change is noticed.
    std::fs::write(dir.path("aa").join("length.bin"), "newer").unwrap();
    assert_eq!(source.prove(), Err(Error::Changed { path: path.clone() }));
}

#[test]
fn a_copy_of_chromas_file_is_not_read_beside_a_newer_folder() {
    let dir = TempDir::new();
    let path = chroma(&dir, "chroma.sqlite3");
    let keeper = Connection::open(&path).unwrap();
    keeper.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE other (x)").unwrap();
    std::fs::create_dir(dir.path("copies")).unwrap();
    let copied = |act: Option<PathBuf>| {
        let copies = dir.path("copies");
        let scratch = Scratch { directory: copies.clone(), limit: None, owner: Arc::new(()) };
        let armed = Arc::new(AtomicBool::new(true));
        let interrupted: Interrupted = Arc::new(move || {
            // Not before the copy is being read.
            if let (true, Some(path)) = (copies.join("copy.db-shm").exists(), &act)
                && armed.swap(false, Ordering::Relaxed)
            {
                add_record(path);
            }
            false
        });
        open(&OpenOptions { copy: Some(scratch), interrupted, ..options(&path) })
    };
    let source = copied(None).unwrap();
    assert!(source.state().copied.is_some());
    drop(source);
    assert_eq!(copied(Some(path.clone())).map(drop), Err(Error::Changed { path: path.clone() }));
}
