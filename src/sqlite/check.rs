//! Is the file sound? SQLite's own checks, one row per problem.
//!
//! If the check itself fails because of the file, that is a problem row, not an error. Only what prevents the check
//! (interrupted, locked, …) is an error.

use std::collections::{HashMap, HashSet};

use super::collations;
use super::error::Error;
use super::introspect::catalog;
use super::open::Source;
use super::owners::{Rooted, roots};
use super::problem::Place;
use pg_sqlite_migrate_core::catalog::{Catalog, ForeignKey, Table, TableKind};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckProblem {
    /// The table, `index name`, …, where one is known.
    pub object: Option<String>,
    pub message: String,
}

/// `quick_check`; when `full`, `integrity_check` (indexes against their tables) and `foreign_key_check`.
pub fn check(source: &Source, full: bool) -> Result<Vec<CheckProblem>, Error> {
    let mut problems = vec![];
    let pragma = if full { "integrity_check" } else { "quick_check" };
    match catalog(source) {
        Ok(catalog) => {
            problems.extend(catalog.problems.iter().map(|problem| CheckProblem {
                object: Some(problem.object.clone()),
                message: problem.reason.clone(),
            }));
            let roots = roots(source)?;
            problems.extend(rows(report(source, &catalog, pragma, None)?, &roots));
            if full {
                check_foreign_keys(source, &catalog, &mut problems)?;
            }
        }
        Err(e) if e.is_local() => problems.push(problem(None, e)),
        Err(e) => return Err(e),
    }
    Ok(problems)
}

/// The problem row for a file that cannot be opened because of its content.
pub fn unopened(error: Error) -> Result<Vec<CheckProblem>, Error> {
    match error {
        Error::Corrupt { .. }
        | Error::NotADatabase { .. }
        | Error::EmptyFile { .. }
        | Error::Sqlite { .. } => Ok(vec![problem(None, error)]),
        other => Err(other),
    }
}

fn problem(object: Option<&str>, error: Error) -> CheckProblem {
    let message = match error {
        Error::Corrupt { detail, .. } => detail,
        Error::Sqlite { message, .. } => message,
        other => other.to_string(),
    };
    CheckProblem { object: object.map(str::to_owned), message }
}

/// The results of SQLite's checks of a file.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The checked table, if the check was for one, and the line of the result.
    pub(super) problems: Vec<(Option<String>, String)>,
    /// Tables whose check did not finish.
    pub(super) given_up: Vec<(String, Error)>,
    /// What ended the check of the file as a whole.
    pub(super) gave_up: Option<Error>,
    /// All lines so far, so that each is reported once.
    known: HashSet<String>,
    /// A stand-in collation that the check of the order of keys used.
    unordered: Option<String>,
}

/// Checks the whole file at once. SQLite ends this check at a page that it cannot read, and at an index or generated
/// column that needs a function or collation of the application. The tables are then checked one by one.
pub(super) fn report(
    source: &Source,
    catalog: &Catalog,
    pragma: &str,
    at_most: Option<usize>,
) -> Result<Report, Error> {
    let mut report = Report::default();
    let limit = at_most.map(|n| format!("({n})")).unwrap_or_default();
    report.gave_up = run(source, &format!("PRAGMA main.{pragma}{limit}"), None, &mut report)?;
    if report.gave_up.is_none() {
        return Ok(report);
    }
    let is_virtual = |t: &&Table| matches!(t.kind, TableKind::Virtual { .. });
    for table in catalog.tables.iter().filter(|t| !is_virtual(t)) {
        check_table(source, pragma, table, &mut report)?;
    }
    // Only then is it one of them that could not be checked.
    if report.problems.is_empty() && report.given_up.is_empty() {
        for table in catalog.tables.iter().filter(is_virtual) {
            check_table(source, pragma, table, &mut report)?;
        }
    }
    Ok(report)
}

/// One table and its indexes.
pub(super) fn check_table(
    source: &Source,
    pragma: &str,
    table: &Table,
    report: &mut Report,
) -> Result<(), Error> {
    let sql = format!("PRAGMA main.{pragma}({})", sqlite_ident(&table.name));
    let given_up = run(source, &sql, Some(&table.name), report)?;
    let is_new = !report.given_up.iter().any(|(known, _)| *known == table.name);
    report.given_up.extend(given_up.filter(|_| is_new).map(|error| (table.name.clone(), error)));
    Ok(())
}

/// The last row of a check that found a page or row that it could not read: an error, not a problem.
const GAVE_UP: &str = "database disk image is malformed";

/// Adds the lines of a check that are not in the report yet; returns the error that ended the check early.
fn run(source: &Source, sql: &str, table: Option<&str>, report: &mut Report) -> Result<Option<Error>, Error> {
    drop(collations::used());
    let before = report.problems.len();
    let mut given_up = false;
    let mut read = || {
        let mut statement = source.connection().prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(0)?.as_bytes_or_null().ok().flatten().unwrap_or_default();
            let mut text = String::from_utf8_lossy(bytes);
            // All problems of one R*Tree.
            if text.starts_with("In RTree ") {
                text = text.trim_end().replace(":\n", ": ").replace('\n', "; ").into();
            }
            // `ok` is no problem; `*** in database main ***` is a heading.
            let lines = text.lines().filter(|line| *line != "ok" && !line.starts_with("***"));
            for line in lines.filter(|line| !line.is_empty()) {
                if line == GAVE_UP {
                    given_up = true;
                } else if report.known.insert(line.to_owned()) {
                    report.problems.push((table.map(str::to_owned), line.to_owned()));
                }
            }
        }
        Ok(())
    };
    let outcome = read().map_err(|e| source.error(e));
    if let Some(collation) = collations::used() {
        // With a stand-in collation, keys are not in order and index entries are not found.
        let lines = report.problems.split_off(before);
        let about_order = |line: &str| matches!(Place::of(line), Place::Index(_) | Place::Order(_));
        report.problems.extend(lines.into_iter().filter(|(_, line)| !about_order(line)));
        report.unordered = Some(collation);
    }
    match outcome {
        Ok(()) if given_up => {
            Ok(Some(Error::Corrupt { path: source.path().into(), object: None, detail: GAVE_UP.into() }))
        }
        Ok(()) => Ok(None),
        Err(e) if e.is_local() => Ok(Some(e)),
        Err(e) => Err(e),
    }
}

/// A report as rows.
fn rows(report: Report, roots: &HashMap<u32, Vec<Rooted>>) -> Vec<CheckProblem> {
    let mut problems: Vec<CheckProblem> = (report.problems.into_iter())
        .map(|(table, message)| CheckProblem { object: object(&message, roots).or(table), message })
        .collect();
    for (table, error) in report.given_up {
        let CheckProblem { object, message } = problem(Some(&table), error);
        problems.push(CheckProblem { object, message: format!("could not be checked: {message}") });
    }
    if let Some(given_up) = report.gave_up.filter(|_| problems.is_empty()) {
        problems.push(problem(None, given_up));
    }
    problems.extend(report.unordered.map(|collation| {
        let message = format!("the order of keys under collation \"{collation}\" could not be checked");
        CheckProblem { object: None, message }
    }));
    problems
}

fn object(line: &str, roots: &HashMap<u32, Vec<Rooted>>) -> Option<String> {
    match Place::of(line) {
        Place::Index(name) => Some(format!("index {name}")),
        Place::Order(table) | Place::Virtual(table) => Some(table),
        Place::Tree { root: 1, .. } => Some("sqlite_schema".into()),
        Place::Tree { root, .. } => {
            let rooted = roots.get(&root)?.first()?;
            Some(if rooted.is_index { format!("index {}", rooted.name) } else { rooted.name.clone() })
        }
        _ => None,
    }
}

fn check_foreign_keys(
    source: &Source,
    catalog: &Catalog,
    problems: &mut Vec<CheckProblem>,
) -> Result<(), Error> {
    for table in catalog.tables.iter().filter(|t| !t.foreign_keys.is_empty()) {
        match orphans(source, table) {
            Ok(found) => problems.extend(found),
            Err(e) if e.is_local() => problems.push(problem(Some(&table.name), e)),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Rowids that the problem of a foreign key names.
const SHOWN: usize = 5;

/// One row per foreign key: a file that was written without enforcement may have millions of orphans.
fn orphans(source: &Source, table: &Table) -> Result<Vec<CheckProblem>, Error> {
    let mut found: Vec<Orphans> = table.foreign_keys.iter().map(|_| Orphans::default()).collect();
    source.ask(|connection| {
        let sql = format!("PRAGMA main.foreign_key_check({})", sqlite_ident(&table.name));
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // SQLite numbers foreign keys from the last declared one.
            let id = usize::try_from(row.get::<_, i64>(3)?).unwrap_or(usize::MAX);
            let position = found.len().checked_sub(id.saturating_add(1));
            if let Some(orphans) = position.and_then(|i| found.get_mut(i)) {
                let rowid: Option<i64> = row.get(1)?;
                orphans.count += 1;
                orphans.first.extend(rowid.filter(|_| orphans.first.len() < SHOWN));
            }
        }
        Ok(())
    })?;
    let broken = table.foreign_keys.iter().zip(&found).filter(|(_, o)| o.count > 0);
    Ok(broken.map(|(key, orphans)| orphans.problem(table, key)).collect())
}

#[derive(Default)]
struct Orphans {
    count: u64,
    /// Rowids of the first few; a table without rowids has none.
    first: Vec<i64>,
}

impl Orphans {
    fn problem(&self, table: &Table, key: &ForeignKey) -> CheckProblem {
        let columns = key.columns.join(", ");
        let rows = counted(self.count, "row", "rows");
        let mut message = format!("foreign key ({columns}): {rows} without a parent in \"{}\"", key.parent);
        if !self.first.is_empty() {
            let rowids: Vec<String> = self.first.iter().map(i64::to_string).collect();
            let more = if self.count > rowids.len() as u64 { ", …" } else { "" };
            message += &format!(" (rowid {}{more})", rowids.join(", "));
        }
        CheckProblem { object: Some(table.name.clone()), message }
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::{OpenOptions, open};
    use super::super::testing::*;
    use super::*;

    fn found(source: &Source, full: bool) -> Vec<(Option<String>, String)> {
        check(source, full).unwrap().into_iter().map(|p| (p.object, p.message)).collect()
    }

    fn row(object: &str, message: &str) -> (Option<String>, String) {
        (Some(object.into()), message.into())
    }

    #[test]
    fn a_sound_file_has_no_rows() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "CREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES (1, 2); CREATE VIRTUAL TABLE f USING fts5(a);
             INSERT INTO f VALUES ('word'); CREATE VIRTUAL TABLE r USING rtree(id, x0, x1);
             INSERT INTO r VALUES (1, 2, 3); CREATE VIRTUAL TABLE f4 USING fts4(a)",
        );
        let source = dir.open("t.db");
        assert_eq!((found(&source, false), found(&source, true)), (vec![], vec![]));
    }

    #[test]
    fn orphans_are_one_row_per_foreign_key() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY);
             CREATE TABLE c(a REFERENCES p, b REFERENCES gone(x), d REFERENCES c(missing));
             INSERT INTO c(a) SELECT value FROM generate_series(1,7); INSERT INTO c(b) VALUES (1);
             CREATE TABLE w(k PRIMARY KEY REFERENCES p) WITHOUT ROWID; INSERT INTO w VALUES (1)",
        );
        let source = dir.open("t.db");
        assert_eq!(found(&source, false), []);
        assert_eq!(
            found(&source, true),
            [
                row("c", "foreign key mismatch - \"c\" referencing \"c\""),
                row("w", "foreign key (k): 1 row without a parent in \"p\""),
            ]
        );
        dir.database(
            "u.db",
            "PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY);
             CREATE TABLE c(a REFERENCES p, b REFERENCES gone(x));
             INSERT INTO c(a) SELECT value FROM generate_series(1,7); INSERT INTO c(b) VALUES (1)",
        );
        assert_eq!(
            found(&dir.open("u.db"), true),
            [
                row("c", "foreign key (a): 7 rows without a parent in \"p\" (rowid 1, 2, 3, 4, 5, …)"),
                row("c", "foreign key (b): 1 row without a parent in \"gone\" (rowid 8)"),
            ]
        );
    }

    #[test]
    fn a_corrupt_page_and_a_broken_definition_are_rows() {
        let dir = TempDir::new();
        let path = dir.database(
            "t.db",
            "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(900) FROM generate_series(1,300);
             CREATE TABLE bad(a); PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE bad(' WHERE name = 'bad'",
        );
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let found = found(&dir.open("t.db"), false);
        assert_eq!(found[0], row("bad", "malformed database schema (bad) - incomplete input"));
        assert!(found.len() > 1, "{found:?}");
    }

    #[test]
    fn keys_in_an_unknown_order_are_said_to_be_unchecked() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "CREATE TABLE t(a TEXT COLLATE nocase PRIMARY KEY); INSERT INTO t VALUES ('b'), ('A'), ('c'); CREATE TABLE u(a NOT NULL); INSERT INTO u VALUES (1);
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a TEXT COLLATE unicase PRIMARY KEY)' WHERE name = 't';
             UPDATE sqlite_schema SET sql = 'CREATE TABLE u(a NOT NULL, b NOT NULL)' WHERE name = 'u'",
        );
        let source = dir.open("t.db");
        let null = || (None, "NULL value in u.b".to_owned());
        assert_eq!(found(&source, false), [null()]);
        let unordered = "the order of keys under collation \"unicase\" could not be checked";
        assert_eq!(found(&source, true), [null(), (None, unordered.into())]);
    }

    #[test]
    fn real_files_are_sound_and_malformed_ones_end_in_rows() {
        for path in real_files("") {
            let source = open(&OpenOptions { immutable: true, ..options(&path) }).unwrap();
            assert_eq!(found(&source, true), [], "{}", path.display());
        }
        for path in real_files("malformed") {
            let Ok(source) = open(&OpenOptions { immutable: true, ..options(&path) }) else { continue };
            assert!(check(&source, true).is_ok_and(|p| !p.is_empty()), "{}", path.display());
        }
    }
}
