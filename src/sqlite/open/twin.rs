//! Further connections in the snapshot that a source holds, by which several threads read it at once.

use std::time::Duration;

use super::super::error::Error;
use super::super::raw::snapshot;
use super::{OpenOptions, Snapshot, SnapshotGuard, Source, look};

impl Source {
    /// At most so many connections that see what this one sees: fewer where no more can be opened (another program waits to
    /// write, memory), and none where it cannot be shown that they see the same.
    ///
    /// They must be dropped before this source is, whose locks keep their snapshot. It is this source that [`Source::prove`]s
    /// what they read.
    pub fn twins(&self, at_most: usize) -> Vec<Source> {
        (0..at_most).map_while(|_| self.twin().ok().flatten()).collect()
    }

    fn twin(&self) -> Result<Option<Source>, Error> {
        // What lies beside a file of ChromaDB's has no snapshot.
        if self.relations.chroma.is_some() {
            return Ok(None);
        }
        // Whoever waits for the file to be free is not made to wait for longer.
        let options = OpenOptions { busy_timeout: Duration::ZERO, ..self.options.clone() };
        let (place, guard) = (self.place.clone(), SnapshotGuard::Locks { _probe: None });
        let twin = Snapshot { place, guard, state: self.state.clone() }.open(&options)?;
        Ok((twin.joins(self)? && twin.reads_as(self)).then_some(twin))
    }

    /// Was opened as the other was: the newest schema, which it has seen first, may be broken where that of the snapshot is not,
    /// or the other way round.
    fn reads_as(&self, other: &Source) -> bool {
        let schema = self.ask(|c| c.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(())));
        let alike = self.schema_error.is_some() == other.schema_error.is_some();
        schema.is_ok() && alike && self.relations.chroma.is_none()
    }

    /// Sees from now on what the other source sees; `false` if that cannot be shown.
    ///
    /// In WAL mode the other's snapshot is entered by its name. Otherwise nobody can write while the other holds its shared
    /// lock; or the file is read as one that does not change, which is proven when the other has been read. Both must be
    /// connections to one file: the path's, now and before.
    fn joins(&self, other: &Source) -> Result<bool, Error> {
        let (others, _) = look(&other.connection, &self.place.path)?;
        if let Some(snapshot) = snapshot::Snapshot::of(&other.connection) {
            if snapshot.enter(&self.connection).is_err() {
                return Ok(false);
            }
            // The schema may be an older one than that which was read first.
            self.stand_in()?;
            if !snapshot::Snapshot::of(&self.connection).is_some_and(|own| own.is(&snapshot)) {
                return Ok(false);
            }
        } else if other.is_in_wal_mode()? || self.is_in_wal_mode()? {
            return Ok(false);
        }
        let (own, _) = look(&self.connection, &self.place.path)?;
        // Without symbolic links, which may lead elsewhere now.
        let resolved = |source: &Source| source.connection.path().map(str::to_owned);
        Ok(own.is_of_same_file(&others) && resolved(self) == resolved(other))
    }

    /// Reads through a `-wal`: whoever opens the file may see more of it than another.
    fn is_in_wal_mode(&self) -> Result<bool, Error> {
        let mode: String =
            self.ask(|c| c.pragma_query_value(Some("main"), "journal_mode", |row| row.get(0)))?;
        Ok(!self.place.immutable && mode.eq_ignore_ascii_case("wal"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::super::super::testing::*;
    use super::super::{Scratch, open};
    use super::*;

    const ROWS: &str = "CREATE TABLE t(a); INSERT INTO t SELECT value FROM generate_series(1,100)";

    fn count(source: &Source) -> i64 {
        source.connection().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    /// A program that has the file open and does not wait.
    fn application(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection
    }

    fn is_free_of_locks(path: &Path) -> bool {
        application(path).execute_batch("INSERT INTO t VALUES (0)").is_ok()
    }

    #[test]
    fn twins_see_what_their_source_sees_whatever_is_written_meanwhile() {
        let dir = TempDir::new();
        let path = dir.database("t.db", &format!("PRAGMA journal_mode = wal; {ROWS}"));
        let writer = application(&path);
        writer.execute_batch("INSERT INTO t VALUES (101)").unwrap();
        let source = dir.open("t.db");
        assert_eq!(count(&source), 101);
        for (at, change) in [
            "INSERT INTO t VALUES (102)",
            "PRAGMA wal_checkpoint",
            "DELETE FROM t WHERE a < 50",
            "ALTER TABLE t ADD COLUMN b DEFAULT 1",
            "CREATE TABLE u(a TEXT COLLATE mine)",
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "DROP TABLE t",
        ]
        .iter()
        .enumerate()
        {
            let _ = writer.execute_batch(change);
            let twins = source.twins(3);
            assert_eq!(twins.len(), 3, "{at} {change}");
            for twin in &twins {
                assert_eq!(count(twin), 101, "{change}");
                let columns: i64 = twin
                    .connection()
                    .query_row("SELECT count(*) FROM pragma_table_info('t')", [], |row| row.get(0))
                    .unwrap();
                assert_eq!(columns, 1, "{change}");
            }
        }
    }

    #[test]
    fn a_journal_keeps_writers_out_while_its_twins_read() {
        let dir = TempDir::new();
        let path = dir.database("t.db", ROWS);
        let source = dir.open("t.db");
        let twins = source.twins(2);
        assert_eq!(twins.iter().map(count).collect::<Vec<_>>(), [100, 100]);
        assert!(!is_free_of_locks(&path));
        drop(twins);
        // A twin that goes takes no lock of its source along.
        assert!(!is_free_of_locks(&path));
        // One that waits to write keeps new readers out: the source goes on alone.
        let writer = application(&path);
        writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (0)").unwrap();
        assert!(writer.execute_batch("COMMIT").is_err());
        assert!(source.twins(2).is_empty());
        assert_eq!(count(&source), 100);
        writer.execute_batch("ROLLBACK").unwrap();
        assert_eq!(source.twins(2).len(), 2);
        drop(source);
        assert!(is_free_of_locks(&path));
    }

    #[test]
    fn a_file_in_the_place_of_another_is_not_taken_for_it() {
        let dir = TempDir::new();
        for mode in ["delete", "wal"] {
            let path = dir.database("t.db", &format!("PRAGMA journal_mode = {mode}; {ROWS}"));
            let kept = application(&path);
            kept.execute_batch("INSERT INTO t VALUES (101)").unwrap();
            let source = dir.open("t.db");
            for suffix in ["", "-wal", "-shm"] {
                let name = |base: &str| dir.path(&format!("{base}{suffix}"));
                if name("t.db").exists() {
                    std::fs::copy(name("t.db"), name("other.db")).unwrap();
                    std::fs::rename(name("other.db"), name("t.db")).unwrap();
                }
            }
            assert!(source.twins(1).is_empty(), "{mode}");
            assert_eq!(count(&source), 101);
            drop((kept, source));
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(dir.path(&format!("t.db{suffix}")));
            }
        }
    }

    #[test]
    fn a_link_that_leads_elsewhere_leads_to_another_file() {
        let dir = TempDir::new();
        let (one, other) = (dir.database("one.db", ROWS), dir.database("other.db", ROWS));
        let link = dir.path("t.db");
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let source = dir.open("t.db");
        assert_eq!(source.twins(1).len(), 1);
        std::os::unix::fs::symlink(&other, dir.path("new")).unwrap();
        std::fs::rename(dir.path("new"), &link).unwrap();
        assert!(source.twins(1).is_empty());
    }

    #[test]
    fn a_schema_that_is_mended_meanwhile_is_the_broken_one_in_the_snapshot() {
        let dir = TempDir::new();
        let path = dir.database("t.db", &format!("PRAGMA journal_mode = wal; {ROWS}; CREATE TABLE odd(a)"));
        let writer = application(&path);
        let define = |sql: &str| {
            let version: i64 = writer.pragma_query_value(None, "schema_version", |row| row.get(0)).unwrap();
            let change = format!(
                "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '{sql}' WHERE name = 'odd'; \
                 PRAGMA schema_version = {}; PRAGMA writable_schema = OFF",
                version + 1
            );
            writer.execute_batch(&change).unwrap();
        };
        for (first, then) in
            [("CREATE TABLE odd(", "CREATE TABLE odd(a)"), ("CREATE TABLE odd(a)", "CREATE TABLE odd(")]
        {
            define(first);
            let source = dir.open("t.db");
            define(then);
            assert!(source.twins(1).iter().all(|twin| count(twin) == 100));
            assert_eq!(count(&source), 100);
        }
    }

    #[test]
    fn files_that_do_not_change_and_copies_have_twins() {
        let dir = TempDir::new();
        let path = dir.database("t.db", &format!("PRAGMA journal_mode = wal; {ROWS}"));
        for immutable in [false, true] {
            let source = open(&OpenOptions { immutable, ..options(&path) }).unwrap();
            let twins = source.twins(2);
            assert_eq!(twins.iter().map(count).collect::<Vec<_>>(), [100, 100]);
            source.prove().unwrap();
            // Nothing tells the twins of a change: their source does.
            let writer = application(&path);
            writer.execute_batch("INSERT INTO t VALUES (101); PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            assert!(source.prove().is_err());
            writer.execute_batch("DELETE FROM t WHERE a = 101; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        }
        let writer = application(&path);
        writer.execute_batch("INSERT INTO t VALUES (101)").unwrap();
        std::fs::copy(&path, dir.path("moved.db")).unwrap();
        std::fs::copy(dir.path("t.db-wal"), dir.path("moved.db-wal")).unwrap();
        let scratch = Scratch { directory: dir.path("scratch"), limit: None, owner: std::sync::Arc::new(()) };
        let copied = OpenOptions { copy: Some(scratch), ..options(&dir.path("moved.db")) };
        let source = open(&copied).unwrap();
        assert!(source.state().copied.is_some());
        assert_eq!(source.twins(2).iter().map(count).collect::<Vec<_>>(), [101, 101]);
    }

    #[test]
    fn a_schema_of_which_some_cannot_be_read_is_read_by_twins() {
        let dir = TempDir::new();
        let broken = "CREATE TABLE odd(a); PRAGMA writable_schema = ON; \
                      UPDATE sqlite_schema SET sql = 'CREATE TABLE odd(' WHERE name = 'odd'";
        dir.database("t.db", &format!("{ROWS}; {broken}"));
        let source = dir.open("t.db");
        assert!(source.schema_error().is_some());
        assert_eq!(source.twins(1).iter().map(count).collect::<Vec<_>>(), [100]);
    }
}
