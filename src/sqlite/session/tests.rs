use super::super::error::Constraint;
use super::super::functions::Fault;
use super::super::testing::{TempDir, options};
use super::*;
use crate::sqlite::error::Kind;

const SERIES: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t SELECT value, 'x' || value FROM generate_series(1,5)";

fn session(dir: &TempDir, sql: &str, writable: bool) -> Session {
    let purpose = if writable { Purpose::Write } else { Purpose::Read };
    Session::open(&options(&dir.database("t.db", sql)), purpose).unwrap()
}

fn integer(session: &Session, id: StatementId) -> Option<i64> {
    session.step(id, first).unwrap()
}

fn first(row: RowView<'_>) -> i64 {
    let Ok(Cell::Integer(integer)) = row.cell(0) else { panic!("no integer") };
    integer
}

fn ask(session: &Session, sql: &str) -> i64 {
    let id = session.prepare(sql).unwrap();
    let answer = integer(session, id).unwrap();
    session.release(id);
    answer
}

#[test]
fn steps_go_on_where_the_last_one_ended_and_end_once() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, false);
    let id = s.prepare("SELECT a FROM t WHERE a > ?1").unwrap();
    s.bind(id, &[Cell::Integer(3)]).unwrap();
    assert_eq!(
        [integer(&s, id), integer(&s, id), integer(&s, id), integer(&s, id)],
        [Some(4), Some(5), None, None]
    );
    s.bind(id, &[Cell::Integer(4)]).unwrap();
    assert_eq!([integer(&s, id), integer(&s, id)], [Some(5), None]);
}

#[test]
fn statements_interleave_and_one_runs_inside_the_look_of_another() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, false);
    let up = s.prepare("SELECT a FROM t ORDER BY a").unwrap();
    let down = s.prepare("SELECT a FROM t ORDER BY a DESC").unwrap();
    let mut pairs = vec![];
    while let Some(pair) = s.step(up, |row| (first(row), integer(&s, down).unwrap())).unwrap() {
        let pair: (i64, i64) = pair;
        pairs.push(pair);
    }
    assert_eq!(pairs, [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1)]);
    s.reset(up);
    let nested = s.step(up, |_| s.step(up, |_| ()).unwrap_err()).unwrap();
    assert!(matches!(nested, Some(Error::Stale { .. })));
}

#[test]
fn released_statements_are_used_again_and_old_ids_name_nothing() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, false);
    let first = s.prepare("SELECT a FROM t").unwrap();
    integer(&s, first);
    s.release(first);
    s.release(first);
    assert!(matches!(s.step(first, |_| ()), Err(Error::Stale { .. })));
    let second = s.prepare("SELECT a FROM t").unwrap();
    assert_ne!(first, second);
    assert_eq!(integer(&s, second), Some(1), "it starts anew");
    let other = s.step(second, |_| s.release_all()).unwrap();
    assert_eq!(other, Some(()));
    assert!(matches!(s.step(second, |_| ()), Err(Error::Stale { .. })));
}

#[test]
fn a_function_that_fails_says_why() {
    let dir = TempDir::new();
    let s = session(&dir, "CREATE TABLE t(a); INSERT INTO t VALUES (9223372036854775807)", false);
    let id = s.prepare("SELECT pg_add(a, 1) FROM t").unwrap();
    let Err(Error::Function { fault, .. }) = s.step(id, |_| ()) else { panic!("no fault") };
    assert!(matches!(&*fault, Fault::Computed(f) if f.sqlstate == "22003"));
    let id = s.prepare("SELECT pg_value('x', 'integer', 't.a') FROM t").unwrap();
    let Err(Error::Function { fault, .. }) = s.step(id, |_| ()) else { panic!("no fault") };
    let Fault::Value(fault) = *fault else { panic!("another fault") };
    assert_eq!((fault.column.as_str(), fault.storage_class, fault.value.as_str()), ("t.a", "text", "'x'"));
    assert_eq!(
        ask(&s, "SELECT pg_value(a, 'bigint', 't.a') > 0 AND pg_sum(a) = '9223372036854775807' FROM t"),
        1
    );
    let Err(Error::Sqlite { .. }) = s.run("SELECT abs(-9223372036854775807 - 1)", &[]) else { panic!() };
}

#[test]
fn an_interrupted_step_ends_the_statement() {
    let dir = TempDir::new();
    let path = dir.database("t.db", SERIES);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = stop.clone();
    let mut watched = options(&path);
    watched.interrupted = std::sync::Arc::new(move || flag.load(std::sync::atomic::Ordering::Relaxed));
    let s = Session::open(&watched, Purpose::Read).unwrap();
    let id = s
        .prepare(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i > ?1",
        )
        .unwrap();
    s.bind(id, &[Cell::Integer(0)]).unwrap();
    assert_eq!(integer(&s, id), Some(1));
    s.bind(id, &[Cell::Integer(i64::MAX)]).unwrap();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(s.step(id, |_| ()), Err(Error::Interrupted { path }));
    stop.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(s.step(id, |_| ()), Ok(None));
    assert_eq!(ask(&s, "SELECT count(*) FROM t"), 5);
}

#[test]
fn a_writable_session_changes_rows_and_nothing_else() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, true);
    let insert = "INSERT INTO t VALUES (?1, ?2) RETURNING a";
    let row = [Cell::Integer(9), Cell::Blob(b"\0")];
    assert!(matches!(s.run(insert, &row), Err(Error::ReadOnly { .. })), "not before it begins to write");
    s.rollback();
    s.begin_write().unwrap();
    assert_eq!(s.run(insert, &row), Ok(1));
    for sql in [
        "CREATE TABLE u(a)",
        "DROP TABLE t",
        "CREATE TEMP TABLE u(a)",
        "ALTER TABLE t ADD COLUMN c",
        "ATTACH ':memory:' AS other",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA query_only = ON",
        "SELECT load_extension('x')",
        "DELETE FROM sqlite_schema",
        "VACUUM",
        "COMMIT",
        "SAVEPOINT s",
    ] {
        assert!(s.run(sql, &[]).is_err(), "{sql}");
    }
    s.commit().unwrap();
    assert_eq!(ask(&s, "SELECT count(*) FROM t"), 6);
    assert!(s.run(insert, &[Cell::Integer(10), Cell::Null]).is_err());
}

#[test]
fn triggers_fire_and_constraints_hold() {
    let dir = TempDir::new();
    let sql = "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
               CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED, n NOT NULL, u UNIQUE, k CHECK (k > 0));
               CREATE TABLE log(n); CREATE TRIGGER ins AFTER INSERT ON c BEGIN INSERT INTO log VALUES (new.n); END;";
    let s = session(&dir, sql, true);
    s.rollback();
    s.begin_write().unwrap();
    let kind = |sql: &str| match s.run(sql, &[]) {
        Err(Error::Constraint { kind, .. }) => Some(kind),
        other => panic!("{other:?}"),
    };
    s.run("INSERT INTO c VALUES (1, 1, 1, 1)", &[]).unwrap();
    assert_eq!(kind("INSERT INTO c VALUES (1, NULL, 2, 1)"), Some(Constraint::NotNull));
    assert_eq!(kind("INSERT INTO c VALUES (1, 1, 1, 1)"), Some(Constraint::Unique));
    assert_eq!(kind("INSERT INTO c VALUES (1, 1, 2, 0)"), Some(Constraint::Check));
    assert_eq!(ask(&s, "SELECT count(*) FROM log"), 1);
    s.run("INSERT INTO c VALUES (7, 1, 3, 1)", &[]).unwrap();
    assert!(matches!(s.commit(), Err(Error::Constraint { kind: Constraint::ForeignKey, .. })));
    assert!(s.in_transaction() && !s.has_lost());
    s.rollback();
    s.begin_read().unwrap();
    assert_eq!(ask(&s, "SELECT count(*) FROM c"), 0);
}

#[test]
fn savepoints_are_rolled_back_to_while_a_cursor_is_read() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, true);
    s.rollback();
    s.begin_write().unwrap();
    s.savepoint(2).unwrap();
    s.run("DELETE FROM t WHERE a = 1", &[]).unwrap();
    s.savepoint(3).unwrap();
    let id = s.prepare("SELECT a FROM t ORDER BY a").unwrap();
    assert_eq!(integer(&s, id), Some(2));
    s.run("DELETE FROM t WHERE a = 5", &[]).unwrap();
    s.rollback_to(3).unwrap();
    assert_eq!(integer(&s, id), Some(3));
    s.release_savepoint(2).unwrap();
    s.release_all();
    s.commit().unwrap();
    assert_eq!(ask(&s, "SELECT group_concat(a, '') = '2345' FROM t"), 1);
}

#[test]
fn a_snapshot_that_someone_has_written_over_cannot_be_written_to() {
    let dir = TempDir::new();
    let s = session(&dir, &format!("PRAGMA journal_mode = WAL; {SERIES}"), true);
    let other = rusqlite::Connection::open(dir.path("t.db")).unwrap();
    assert_eq!(ask(&s, "SELECT count(*) FROM t"), 5);
    other.execute_batch("DELETE FROM t WHERE a = 1").unwrap();
    assert_eq!(s.upgrade(), Err(Error::Snapshot { path: dir.path("t.db") }));
    assert_eq!(s.run("DELETE FROM t", &[]), Err(Error::ReadOnly { path: dir.path("t.db") }));
    s.rollback();
    s.begin_write().unwrap();
    assert_eq!(s.run("DELETE FROM t", &[]), Ok(4));
    other.busy_timeout(Duration::ZERO).unwrap();
    assert!(other.execute_batch("DELETE FROM t").is_err());
    s.rollback();
    assert_eq!(s.run("DELETE FROM t", &[]), Err(Error::ReadOnly { path: dir.path("t.db") }));
}

#[test]
fn a_statement_of_another_schema_is_named_so() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, false);
    let version = s.schema_version().unwrap();
    for (sql, kind, name) in [
        ("SELECT r1.\"c\" FROM main.t AS r1", Kind::Column, "c"),
        ("SELECT a FROM main.u", Kind::Table, "u"),
        ("SELECT f(1)", Kind::Function, "f"),
    ] {
        let (path, name) = (dir.path("t.db"), name.to_owned());
        assert_eq!(s.prepare(sql), Err(Error::Vanished { path, kind, name }));
    }
    assert!(version > 0);
}

#[test]
fn a_reader_becomes_the_writer_or_waits_for_another_one() {
    let dir = TempDir::new();
    let s = session(&dir, SERIES, true);
    let id = s.prepare("SELECT a FROM t ORDER BY a").unwrap();
    assert_eq!(integer(&s, id), Some(1));
    let other = rusqlite::Connection::open(dir.path("t.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(s.upgrade(), Err(Error::Locked { .. })));
    assert!(!s.is_writing() && s.in_transaction());
    let locked = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        locked.1.recv().unwrap();
        other.execute_batch("ROLLBACK").unwrap();
    });
    s.set_busy_timeout(Duration::from_secs(60));
    locked.0.send(()).unwrap();
    s.upgrade().unwrap();
    thread.join().unwrap();
    assert_eq!(s.run("DELETE FROM t WHERE a > 3", &[]), Ok(2));
    assert_eq!(integer(&s, id), Some(2));
    s.release_all();
    s.commit().unwrap();
    assert_eq!(ask(&s, "SELECT count(*) FROM t"), 3);
}

#[test]
fn a_transaction_that_sqlite_has_rolled_back_is_known_as_lost() {
    let dir = TempDir::new();
    let s = session(&dir, "CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK)", true);
    s.rollback();
    s.begin_write().unwrap();
    s.run("INSERT INTO t VALUES (1)", &[]).unwrap();
    assert!(s.run("INSERT OR ABORT INTO t VALUES (1)", &[]).is_err() && !s.has_lost());
    assert!(s.run("INSERT INTO t VALUES (1)", &[]).is_err() && s.has_lost());
    s.rollback();
    assert!(!s.has_lost());
}

#[test]
fn kept_rows_are_what_was_read_and_rows_that_are_collected_first_do_not_change() {
    let dir = TempDir::new();
    let s = session(
        &dir,
        "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2.5), (CAST(x'ff' AS TEXT)), (x'00'), (NULL)",
        true,
    );
    s.rollback();
    s.begin_write().unwrap();
    let sql = "WITH q AS MATERIALIZED (SELECT a, a FROM t ORDER BY rowid) SELECT * FROM q";
    let id = s.prepare(sql).unwrap();
    let mut kept = KeptRows::default();
    s.step(id, |row| kept.push(row)).unwrap().unwrap().unwrap();
    s.run("DELETE FROM t", &[]).unwrap();
    while let Some(pushed) = s.step(id, |row| kept.push(row)).unwrap() {
        pushed.unwrap();
    }
    let rows: Vec<RowView<'_>> = (0..).map_while(|number| kept.row(number)).collect();
    let cells: Vec<Cell<'_>> = rows.iter().map(|row| row.cell(1).unwrap()).collect();
    let expected = [Cell::Integer(1), Cell::Real(2.5), Cell::Text(b"\xff"), Cell::Blob(b"\0"), Cell::Null];
    assert_eq!(cells, expected);
}
