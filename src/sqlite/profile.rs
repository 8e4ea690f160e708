//! What is stored in a table: every cell shown once to its column's profile, in one pass.
//!
//! Assumes nothing about declared types. Must not allocate per row: this reads whole files.

use rusqlite::{Row, ffi};

use super::error::Error;
use super::expressions::{blame, prepared};
use super::open::Source;
use super::raw;
use super::recovery::Recovery;
use super::rows::Values;
use pg_sqlite_migrate_core::catalog::{Column, Table, TableKind};
use pg_sqlite_migrate_core::ddl;
use pg_sqlite_migrate_core::orm::signs::Recognised;
use pg_sqlite_migrate_core::reading::Reading;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::types::{ColumnProfile, TableProfile};
use pg_sqlite_migrate_core::value::boolean::Words;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::encoding::TextReading;
use pg_sqlite_migrate_core::value::{Cell, ValueList};

/// How much of a table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    All,
    /// The rows from one rowid to another.
    Part {
        first: i64,
        last: i64,
    },
    /// About so many rows, in even strips over the whole rowid range.
    Sample {
        rows: u64,
    },
}

/// Profiles the rows and values of a table that `reading` says. Of a damaged table it profiles,
/// whatever the extent, the rows that can still be reached by its `recovery`. `listed` gives the values of a column that the
/// plan lists.
pub fn profile(
    source: &Source,
    table: &Table,
    extent: Extent,
    reading: &Reading,
    recovery: Option<&Recovery>,
    orms: &[Recognised],
    listed: &dyn Fn(&str) -> (ValueList, Words, TextReading),
) -> Result<TableProfile, Error> {
    let filter = reading.filter.as_deref();
    let condition = condition(source, &table.name, filter)?;
    let columns: Vec<&Column> = table.columns.iter().filter(|c| !c.hidden).collect();
    let terms: Vec<String> = columns.iter().map(|c| reading.term(&c.name)).collect();
    let scan = Scan { source, table, columns: terms.join(", "), condition };
    let mut seen = Seen {
        rows: 0,
        columns: (columns.iter())
            .map(|c| {
                let (null_values, words, texts) = listed(&c.name);
                let profile = ColumnProfile::for_column(c, table.json_checked(&c.name), orms);
                let profile = profile.apart(null_values, &words).reading(texts);
                if reading.using(&c.name).is_some() { profile.of_expression() } else { profile }
            })
            .collect(),
    };
    let sampled = source.ask(|connection| match (recovery, extent) {
        (Some(recovery), _) => recovery
            .read(connection, &scan.columns, filter, &mut |row: &Row<'_>| seen.observe(row))
            .map(|_| false),
        (None, Extent::All) => scan.read(&scan.select(), &[], u64::MAX, &mut seen),
        (None, Extent::Part { first, last }) => scan.read(
            &scan.between(table.rowid_name().unwrap_or("rowid")),
            &[first, last],
            u64::MAX,
            &mut seen,
        ),
        (None, Extent::Sample { rows }) => scan.sample(rows, &mut seen),
    });
    let sampled = sampled.map_err(|e| blame(source, table, reading, recovery, e.within(&table.name)))?;
    // Hidden columns are not read and have an empty profile.
    let mut profiles = seen.columns.into_iter();
    let columns = (table.columns.iter())
        .map(|column| if column.hidden { None } else { profiles.next() })
        .map(Option::unwrap_or_default)
        .collect();
    Ok(TableProfile { rows: seen.rows, sampled, columns })
}

/// The plan's `where` as a WHERE clause (`WHERE true` without one); the line break ends a comment in it.
pub(super) fn condition(source: &Source, table: &str, filter: Option<&str>) -> Result<String, Error> {
    let Some(filter) = filter else { return Ok("WHERE true".into()) };
    let invalid =
        |reason| Error::InvalidFilter { path: source.path().into(), filter: filter.to_owned(), reason };
    ddl::check_expression(filter).map_err(invalid)?;
    let condition = format!("WHERE ({filter}\n)");
    prepared(source, table, filter, &invalid)?;
    Ok(condition)
}

/// A full profile of a table with so many numbers of rows, whether they are used or not, is made in parts.
const LARGE: i128 = 200_000;
const PARTS: u32 = 8;
/// The profile of a column takes some kilobytes: with more columns a table is profiled as one.
const WIDE: usize = 256;

/// The extents that a full profile is made of, in their order. They depend on the table alone: that what is counted differs
/// a little by where a part begins must not make a plan depend on the machine.
pub fn parts(source: &Source, table: &Table) -> Vec<Extent> {
    // Modules seldom search by ranges.
    if table.kind != TableKind::Ordinary || table.columns.len() > WIDE {
        return vec![Extent::All];
    }
    match rowids(source, table) {
        Ok(Some((_, first, last))) if i128::from(last) - i128::from(first) >= LARGE => {
            strips(first, last, PARTS).map(|(first, last)| Extent::Part { first, last }).collect()
        }
        _ => vec![Extent::All],
    }
}

/// The rowid's name, least and greatest value, where the table has one and rows.
fn rowids(source: &Source, table: &Table) -> rusqlite::Result<Option<(&'static str, i64, i64)>> {
    let Some(name) = table.rowid_name() else { return Ok(None) };
    Ok(ends(source, &table.name, name)?.map(|(first, last)| (name, first, last)))
}

/// The least and the greatest rowid, which a table without rows does not have.
pub fn ends(source: &Source, table: &str, rowid: &str) -> rusqlite::Result<Option<(i64, i64)>> {
    let extreme = |function: &str| {
        let sql = format!("SELECT {function}({rowid}) FROM main.{}", sqlite_ident(table));
        source.connection().query_row(&sql, [], |r| r.get::<_, Option<i64>>(0))
    };
    Ok(extreme("min")?.zip(extreme("max")?))
}

/// A range of numbers in `count` equal ranges, or fewer.
pub fn strips(first: i64, last: i64, count: u32) -> impl Iterator<Item = (i64, i64)> {
    let (first, last) = (i128::from(first), i128::from(last));
    let width = (last - first) / i128::from(count) + 1;
    (0..i128::from(count)).map_while(move |strip| {
        let from = first + strip * width;
        let to = (from + width - 1).min(last);
        (from <= last).then_some((i64::try_from(from).ok()?, i64::try_from(to).ok()?))
    })
}

struct Scan<'a> {
    source: &'a Source,
    table: &'a Table,
    columns: String,
    condition: String,
}

struct Seen {
    rows: u64,
    columns: Vec<ColumnProfile>,
}

/// `true` if not all rows were read.
type Sampled = rusqlite::Result<bool>;

impl Scan<'_> {
    /// `NOT INDEXED`: an index may need a collation that only the application has.
    fn select(&self) -> String {
        let Scan { columns, condition, table, .. } = self;
        format!("SELECT {columns} FROM main.{} NOT INDEXED {condition}", sqlite_ident(&table.name))
    }

    fn sample(&self, rows: u64, seen: &mut Seen) -> Sampled {
        const STRIPS: u32 = 32;
        let Some((rowid, first, last)) = rowids(self.source, self.table)? else {
            return self.read(&self.select(), &[], rows, seen);
        };
        let sql = self.between(rowid);
        let mut sampled = false;
        for (from, to) in strips(first, last, STRIPS) {
            sampled |= self.read(&sql, &[from, to], rows / STRIPS as u64 + 1, seen)?;
        }
        Ok(sampled)
    }

    /// The rows between two rowids.
    fn between(&self, rowid: &str) -> String {
        format!("{} AND {rowid} BETWEEN ?1 AND ?2", self.select())
    }

    fn read(&self, sql: &str, bounds: &[i64], at_most: u64, seen: &mut Seen) -> Sampled {
        let mut scan = raw::scan::Scan::prepare(self.source.connection(), sql)?;
        for (number, bound) in (1..).zip(bounds) {
            scan.bind(number, Cell::Integer(*bound))?;
        }
        let mut left = at_most;
        while let Some(row) = scan.next()? {
            if left == 0 {
                return Ok(true);
            }
            left -= 1;
            seen.observe(&row)?;
        }
        Ok(false)
    }
}

impl Seen {
    fn observe(&mut self, row: &impl Values) -> rusqlite::Result<()> {
        self.rows += 1;
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.observe(row.value(i).map_err(no_memory)?);
        }
        Ok(())
    }
}

/// SQLite's own error for a value that it has no memory for.
fn no_memory(_: OutOfMemory) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{catalog, open};
    use super::*;

    fn table(source: &Source, name: &str) -> Table {
        catalog(source).unwrap().table(name).unwrap().clone()
    }

    fn nothing(_: &str) -> (ValueList, Words, TextReading) {
        Default::default()
    }

    fn rows(source: &Source, name: &str, extent: Extent, filter: Option<&str>) -> Result<(u64, bool), Error> {
        profile(source, &table(source, name), extent, &Reading::filtered(filter), None, &[], &nothing)
            .map(|p| (p.rows, p.sampled))
    }

    #[test]
    fn all_rows_a_part_of_them_or_a_sample() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c AS (a * 2));
             INSERT INTO t(a, b) SELECT value, 'x' FROM generate_series(1,1000);
             CREATE TABLE w(k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO w SELECT a FROM t;
             CREATE TABLE e(a); CREATE TABLE wide(a INTEGER PRIMARY KEY);
             INSERT INTO wide VALUES (-9223372036854775808), (0), (9223372036854775807)",
        );
        let source = dir.open("t.db");
        assert_eq!(rows(&source, "t", Extent::All, None), Ok((1000, false)));
        assert_eq!(rows(&source, "t", Extent::All, Some("a > 990 -- ten")), Ok((10, false)));
        assert_eq!(rows(&source, "t", Extent::Sample { rows: 64 }, None), Ok((96, true)));
        assert_eq!(rows(&source, "t", Extent::Sample { rows: 5000 }, None), Ok((1000, false)));
        assert_eq!(rows(&source, "w", Extent::Sample { rows: 7 }, None), Ok((7, true)));
        assert_eq!(rows(&source, "w", Extent::Sample { rows: 1000 }, None), Ok((1000, false)));
        assert_eq!(rows(&source, "e", Extent::Sample { rows: 7 }, None), Ok((0, false)));
        assert_eq!(rows(&source, "wide", Extent::Sample { rows: 700 }, None), Ok((3, false)));
        let whole =
            profile(&source, &table(&source, "t"), Extent::All, &Reading::default(), None, &[], &nothing)
                .unwrap();
        assert_eq!(whole.columns.len(), 3);
    }

    #[test]
    fn parts_of_a_table_are_the_whole() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t SELECT value * 100, value FROM generate_series(1,5000);
             CREATE TABLE small(a); INSERT INTO small SELECT value FROM generate_series(1,500);
             CREATE TABLE ends(a INTEGER PRIMARY KEY);
             INSERT INTO ends VALUES (-9223372036854775808), (-1), (0), (9223372036854775807);
             CREATE TABLE w(k INTEGER PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES (1), (1000000)",
        );
        let source = dir.open("t.db");
        for (name, parts, rows) in [("t", 8, 5000), ("small", 1, 500), ("ends", 8, 4), ("w", 1, 2)] {
            let extents = super::parts(&source, &table(&source, name));
            assert_eq!(extents.len(), parts, "{name}");
            for filter in [None, Some("1 = 1 -- all")] {
                let of = |extent| {
                    let (table, reading) = (table(&source, name), Reading::filtered(filter));
                    profile(&source, &table, extent, &reading, None, &[], &nothing).unwrap()
                };
                let mut whole = of(extents[0]);
                extents[1..].iter().for_each(|extent| whole.add_later(of(*extent)));
                assert_eq!((whole.rows, &whole), (rows, &of(Extent::All)), "{name}");
            }
        }
    }

    #[test]
    fn strips_cover_a_range() {
        for (first, last, count) in [(1, 10, 3), (5, 5, 8), (i64::MIN, i64::MAX, 32), (0, 6, 7), (-3, 3, 2)] {
            let strips: Vec<_> = strips(first, last, count).collect();
            assert_eq!((strips[0].0, strips[strips.len() - 1].1), (first, last));
            assert!(strips.windows(2).all(|pair| pair[0].1.checked_add(1) == Some(pair[1].0)), "{strips:?}");
            assert!(strips.len() <= count as usize);
        }
    }

    #[test]
    fn a_filter_is_one_expression_over_the_table() {
        let dir = TempDir::new();
        dir.database("t.db", "CREATE TABLE t(a)");
        let source = dir.open("t.db");
        let failure = |filter| rows(&source, "t", Extent::All, Some(filter)).unwrap_err();
        assert!(matches!(failure("1) OR (1"), Error::InvalidFilter { .. }));
        let unknown = Error::InvalidFilter {
            path: dir.path("t.db"),
            filter: "missing = 1".into(),
            reason: "no such column: missing".into(),
        };
        assert_eq!(failure("missing = 1"), unknown);
    }

    #[test]
    fn a_corrupt_page_names_the_table() {
        let dir = TempDir::new();
        let path = dir.database(
            "t.db",
            "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(900) FROM generate_series(1,300)",
        );
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let source = dir.open("t.db");
        let error = rows(&source, "t", Extent::All, None).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { object: Some(t), .. } if t == "t"), "{error:?}");
    }

    #[test]
    fn every_malformed_file_ends_in_a_profile_or_an_error() {
        for path in real_files("malformed") {
            let options = open::OpenOptions { immutable: true, ..options(&path) };
            let Ok(source) = open::open(&options) else { continue };
            for table in catalog(&source).map(|c| c.tables).unwrap_or_default() {
                let _ = profile(&source, &table, Extent::All, &Reading::default(), None, &[], &nothing);
                let _ = profile(
                    &source,
                    &table,
                    Extent::Sample { rows: 3 },
                    &Reading::filtered(Some("1")),
                    None,
                    &[],
                    &nothing,
                );
            }
        }
    }
}
