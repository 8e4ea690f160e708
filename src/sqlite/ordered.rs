//! Reads a table in the order in which PostgreSQL sorts the values that its cells become, so that both can be merged; or in
//! whatever order it is stored, without a key.
//!
//! SQLite sorts by what a function of ours makes of the key's cells; rows that do not fit into memory are sorted in files.
//! Runs on the reader thread, so it may name nothing of the server.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row};

use super::rows::{cell, list};
use super::{Error, Source, absent};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
use pg_sqlite_migrate_core::verify::back::Way;
use pg_sqlite_migrate_core::verify::sample::{self, Key, Wanted};

const KEY: &str = "pg_sqlite_key";
const WANTED: &str = "pg_sqlite_wanted";

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

/// Which rows are read, and by what they are sorted.
pub struct Ordered<'a> {
    pub table: &'a str,
    /// A name of the table's rowid, if it has one.
    pub rowid: Option<&'a str>,
    /// What is read for each column.
    pub terms: &'a [String],
    pub filter: Option<&'a str>,
    /// The columns of the key, each with the way of its values; none if the order does not matter.
    pub key: &'a [(usize, Way)],
    /// The key is the rowid itself.
    pub by_rowid: bool,
    pub part: Part<'a>,
}

/// Which of these rows.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    All,
    /// Those with rowids in one of these ranges, which are in order. The key is the rowid.
    Ranges(&'a [(i64, i64)]),
    /// Those with such keys, and those whose cells can be no key.
    Wanted(&'a Wanted),
}

/// Rows of cells, as they are stored.
#[derive(Debug, Default)]
pub struct Rows {
    width: usize,
    rowids: Vec<Option<i64>>,
    cells: Vec<Stored>,
    bytes: Buffer,
}

/// A cell whose bytes lie elsewhere.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Null,
    Integer(i64),
    Real(f64),
    Text { start: usize, end: usize },
    Blob { start: usize, end: usize },
}

/// What is read before it is handed over.
const FULL_BYTES: usize = 1 << 20;
const FULL_ROWS: usize = 1000;

impl Rows {
    pub fn count(&self) -> usize {
        self.rowids.len()
    }

    pub fn rowid(&self, row: usize) -> Option<i64> {
        self.rowids.get(row).copied().flatten()
    }

    /// Bytes of memory, about.
    pub fn size(&self) -> usize {
        self.bytes.capacity() + self.cells.len() * size_of::<Stored>() + self.rowids.len() * 16
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let bytes = |start, end| self.bytes.bytes().get(start..end).unwrap_or_default();
        match self.cells.get(row * self.width + column) {
            None | Some(Stored::Null) => Cell::Null,
            Some(Stored::Integer(integer)) => Cell::Integer(*integer),
            Some(Stored::Real(real)) => Cell::Real(*real),
            Some(Stored::Text { start, end }) => Cell::Text(bytes(*start, *end)),
            Some(Stored::Blob { start, end }) => Cell::Blob(bytes(*start, *end)),
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.rowids.len() >= FULL_ROWS
    }

    fn push(&mut self, cell: Cell<'_>) -> Result<(), OutOfMemory> {
        let start = self.bytes.len();
        let stored = match cell {
            Cell::Null => Stored::Null,
            Cell::Integer(integer) => Stored::Integer(integer),
            Cell::Real(real) => Stored::Real(real),
            Cell::Text(bytes) => {
                self.bytes.extend(bytes)?;
                Stored::Text { start, end: self.bytes.len() }
            }
            Cell::Blob(bytes) => {
                self.bytes.extend(bytes)?;
                Stored::Blob { start, end: self.bytes.len() }
            }
        };
        self.cells.push(stored);
        Ok(())
    }
}

/// Reads the rows; `emit` takes some of them, and gives `false` to stop. The first are none, so that the other side can be
/// sorted meanwhile.
pub fn read(source: &Source, what: &Ordered<'_>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<(), Error> {
    let no_memory =
        || Error::NoMemory { path: source.path().to_owned(), object: Some(what.table.to_owned()) };
    source
        .ask(|connection| {
            let ways: Vec<Way> = what.key.iter().map(|(_, way)| way.clone()).collect();
            if let Part::Wanted(wanted) = what.part {
                let (ways, wanted) = (ways.clone(), wanted.clone());
                let count = ways.len() as i32;
                connection.create_scalar_function(WANTED, count, FLAGS, move |context| {
                    takes(&ways, &wanted, context)
                })?;
            }
            connection.create_scalar_function(KEY, 2, FLAGS, move |context| key(&ways, context))?;
            let mut statement = connection.prepare(&what.sql())?;
            let whole = [(i64::MIN, i64::MAX)];
            let ranges = match what.part {
                Part::Ranges(ranges) => ranges,
                Part::All | Part::Wanted(_) => &whole,
            };
            let new = || Rows { width: what.terms.len(), ..Rows::default() };
            let mut rows = new();
            if !emit(new()) {
                return Ok(Ok(()));
            }
            for (first, last) in ranges {
                let mut found = match what.part {
                    Part::Ranges(_) => statement.query([first, last])?,
                    Part::All | Part::Wanted(_) => statement.query([])?,
                };
                while let Some(row) = found.next()? {
                    match push(row, what, &mut rows)? {
                        Ok(()) if rows.is_full() && !emit(std::mem::replace(&mut rows, new())) => {
                            return Ok(Ok(()));
                        }
                        Ok(()) => {}
                        Err(OutOfMemory) => return Ok(Err(no_memory())),
                    }
                }
            }
            emit(rows);
            Ok(Ok(()))
        })
        .map_err(|e| e.within(what.table))?
}

fn push(row: &Row<'_>, what: &Ordered<'_>, rows: &mut Rows) -> rusqlite::Result<Result<(), OutOfMemory>> {
    let first = usize::from(what.rowid.is_some());
    rows.rowids.push(what.rowid.map(|_| row.get(0)).transpose()?);
    for column in 0..what.terms.len() {
        let pushed = absent::looking(|| row.get_ref(first + column).map(|value| rows.push(cell(value))))?;
        if pushed?.is_err() {
            return Ok(Err(OutOfMemory));
        }
    }
    Ok(Ok(()))
}

/// The key of `ways[$1]` for the cell `$2`. A cell that has none sorts with the NULLs, and is no pair of theirs.
fn key(ways: &[Way], context: &Context<'_>) -> rusqlite::Result<Value> {
    let way = usize::try_from(context.get::<i64>(0)?).ok().and_then(|at| ways.get(at));
    let key = absent::looking(|| way.and_then(|way| way.key(cell(context.get_raw(1)))))?;
    Ok(key.flatten().map_or(Value::Null, Value::Blob))
}

/// The row with these cells of the key is wanted.
fn takes(ways: &[Way], wanted: &Wanted, context: &Context<'_>) -> rusqlite::Result<bool> {
    let part = |(at, way): (usize, &Way)| way.key(cell(context.get_raw(at)));
    let key: Option<Key> = absent::looking(|| ways.iter().enumerate().map(part).collect())?;
    Ok(key.is_none_or(|key| wanted.takes(&key)))
}

impl Ordered<'_> {
    fn sql(&self) -> String {
        let by = |(at, (column, _)): (usize, &(usize, Way))| {
            Some(format!("{KEY}({at}, {})", self.terms.get(*column)?))
        };
        let by_rowid = self.rowid.filter(|_| self.by_rowid);
        let order: Vec<String> = match by_rowid {
            Some(rowid) => vec![rowid.to_owned()],
            None => self.key.iter().enumerate().filter_map(by).collect(),
        };
        let part = match self.part {
            Part::All => None,
            Part::Ranges(_) => by_rowid.map(|rowid| format!("{rowid} BETWEEN ?1 AND ?2")),
            Part::Wanted(_) => {
                let terms = self.key.iter().filter_map(|(column, _)| self.terms.get(*column));
                Some(format!("{WANTED}({})", terms.cloned().collect::<Vec<_>>().join(", ")))
            }
        };
        let filter = self.filter.map(|filter| format!("({filter}\n)"));
        let conditions: Vec<String> = part.into_iter().chain(filter).collect();
        let condition = match conditions.as_slice() {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let order = match order.as_slice() {
            [] => String::new(),
            order => format!(" ORDER BY {}", order.join(", ")),
        };
        // An index may need a collation that only the application has.
        format!(
            "SELECT {} FROM main.{} NOT INDEXED{condition}{order}",
            list(self.rowid, self.terms),
            sqlite_ident(self.table)
        )
    }
}

/// What a sample of a table is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Sampled<'a> {
    pub table: &'a str,
    pub rowid: &'a str,
    /// About so many.
    pub rows: u64,
    /// How many rows the table has, as far as that is known.
    pub about: Option<u64>,
    pub seed: u64,
}

/// Where not one of so many integers is a key, rows are drawn by their places in the table and not by their keys.
const SPARSE: u64 = 4;

/// Parts of a table's rows.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// The least and the greatest rowid.
    pub ends: (i64, i64),
    /// Ranges of rowids in every part of the table, in order, each with some of its rows.
    pub within: Vec<(i64, i64)>,
}

/// Draws rows of the file; `None` if that would be all of them.
pub fn ranges(source: &Source, what: Sampled<'_>) -> Result<Option<Ranges>, Error> {
    let rowid = what.rowid;
    let from = format!("FROM main.{} NOT INDEXED", sqlite_ident(what.table));
    let integer = |row: &Row<'_>| row.get::<_, i64>(0);
    source
        .ask(|connection| {
            let rows = i64::try_from(what.rows).unwrap_or(i64::MAX);
            let more = format!("SELECT {rowid} {from} ORDER BY {rowid} LIMIT 1 OFFSET ?1");
            if connection.query_row(&more, [rows], integer).optional()?.is_none() {
                return Ok(None);
            }
            let count = || connection.query_row(&format!("SELECT count(*) {from}"), [], integer);
            let about = what.about.map_or_else(|| count().map(i64::unsigned_abs), Ok)?;
            let ends = format!("SELECT (SELECT min({rowid}) {from}), (SELECT max({rowid}) {from})");
            let ends: (i64, i64) = connection.query_row(&ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let parts = sample::PARTS.min(what.rows).max(1);
            let each = rows / parts as i64;
            // A range that begins before the first row has only some rows: so the first has the chance of any other.
            let places = |first: i64, last| {
                sample::places(first.saturating_sub(each - 1), last, parts, what.seed).into_iter()
            };
            if ends.1.abs_diff(ends.0) / SPARSE > about {
                let mut keys = connection.prepare(&format!("SELECT {rowid} {from} ORDER BY {rowid}"))?;
                let within = by_place(keys.query_map([], integer)?, places(0, count()? - 1), each)?;
                return Ok(Some(Ranges { ends, within }));
            }
            let next =
                format!("SELECT {rowid} {from} WHERE {rowid} >= ?1 ORDER BY {rowid} LIMIT 1 OFFSET ?2");
            let mut next = connection.prepare(&next)?;
            let mut within: Vec<(i64, i64)> = vec![];
            for (place, end) in places(ends.0, ends.1) {
                // The last range may have reached into this part.
                let reached = within.last().map_or(Some(ends.0), |(_, last)| last.checked_add(1));
                let Some(start) = reached.map(|next| place.max(next)).filter(|start| *start <= end) else {
                    continue;
                };
                let after = next.query_row((start, each), integer).optional()?;
                within.push((start, after.map_or(ends.1, |after| after - 1).max(start)));
            }
            Ok(Some(Ranges { ends, within }))
        })
        .map_err(|e| e.within(what.table))
}

/// Ranges from the keys at these places up to those that come so many later.
fn by_place(
    keys: impl Iterator<Item = rusqlite::Result<i64>>,
    places: impl Iterator<Item = (i64, i64)>,
    each: i64,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut ranges: Vec<(i64, i64)> = vec![];
    let mut places = places.map(|(place, _)| place).peekable();
    let (mut begun, mut last) = (None, i64::MIN);
    for (at, key) in (0i64..).zip(keys) {
        let key = key?;
        if let Some((start, _)) = begun.filter(|(_, until)| *until == at) {
            ranges.push((start, key - 1));
            begun = None;
        }
        while let Some(place) = places.next_if(|place| *place <= at) {
            begun = begun.or(Some((key, place + each)));
        }
        last = key;
    }
    ranges.extend(begun.map(|(start, _)| (start, last)));
    Ok(ranges)
}
