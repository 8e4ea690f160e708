//! Reads the rows of a damaged table that can still be reached, each once and in any order, and never a row that is not
//! in the table.
//!
//! Rows on pages that SQLite's check reports are skipped: `sqlite_offset()` gives a row's position in the file, and the
//! row is skipped before its values are read. A scan ends at a page that SQLite cannot read past. A table with rowids
//! is then read from its other end, and the gap between the two scans is probed in its middle, the widest gap first. A
//! table WITHOUT ROWID is read from both ends only. Assumes that nothing else reads on the connection.

use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Statement, ffi};

use super::rows::{cell, display};
use pg_sqlite_migrate_core::catalog::{Origin, Table};
use pg_sqlite_migrate_core::damage::TableDamage;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// The number of probes without a result after which the remaining gaps are given up.
const VAIN_PROBES: usize = 2_000;
/// The SQL function that checks whether a row is on a sound page, and counts rows that are not.
const STANDS: &str = "stands_on_sound_page";

/// How one damaged table is read.
#[derive(Debug, Clone)]
pub struct Recovery {
    damage: TableDamage,
    page_size: u32,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Rowid(&'static str),
    /// Columns of a table WITHOUT ROWID, and the terms that read its b-tree from its end.
    Columns {
        names: Vec<String>,
        backward: Option<String>,
    },
}

/// What could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadableRanges {
    /// `101–200`, or `after (7)` where there are no rowids.
    pub places: Vec<String>,
    by_key: bool,
}

impl UnreadableRanges {
    /// The text for the result's `detail`.
    pub fn say(&self) -> String {
        const NAMED: usize = 5;
        let more = if self.places.len() > NAMED { ", …" } else { "" };
        let named = self.places.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let what = match (self.places.as_slice(), self.by_key) {
            ([], _) => return "its pages are damaged; every row that can still be reached was read".into(),
            ([_], false) => "1 range of rowids".into(),
            ([_], true) => "the rows in 1 place".into(),
            (many, false) => format!("{} ranges of rowids", many.len()),
            (many, true) => format!("the rows in {} places", many.len()),
        };
        format!("{what} could not be read: {named}{more}")
    }
}

impl Recovery {
    pub fn new(table: &Table, page_size: u32, damage: &TableDamage) -> Recovery {
        let key = table.rowid_name().map_or_else(|| key_columns(table), Key::Rowid);
        Recovery { damage: damage.clone(), page_size, key }
    }

    /// Calls `visit` with the columns `list` of every row that can be reached and that `filter` selects.
    pub fn read<E: From<rusqlite::Error>>(
        &self,
        connection: &Connection,
        list: &str,
        filter: Option<&str>,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<UnreadableRanges, E> {
        let passed_over = self.register(connection)?;
        let select = self.select(list, filter);
        match &self.key {
            Key::Rowid(rowid) => {
                let order = Order { rowid, disordered: self.damage.disordered };
                by_rowid(connection, &select, order, &passed_over, visit)
            }
            Key::Columns { names, backward } => {
                let look_up = self.damage.disordered.then(|| self.look_up(names));
                let keys = Keys { count: names.len(), backward: backward.as_deref(), look_up };
                by_key(connection, &select, &keys, &passed_over, visit)
            }
        }
    }

    fn look_up(&self, names: &[String]) -> String {
        let columns: Vec<String> = names.iter().map(|name| sqlite_ident(name)).collect();
        let equal: Vec<String> =
            columns.iter().zip(1..).map(|(column, i)| format!("{column} = ?{i}")).collect();
        let first = columns.first().map_or("NULL", String::as_str);
        let table = sqlite_ident(&self.damage.table);
        format!("SELECT sqlite_offset({first}) FROM main.{table} WHERE {}", equal.join(" AND "))
    }

    /// The last two columns are the key and the row's position. The position is checked before any other column is
    /// read.
    fn select(&self, list: &str, filter: Option<&str>) -> String {
        let keys = match &self.key {
            Key::Rowid(rowid) => vec![(*rowid).to_owned()],
            Key::Columns { names, .. } => names.iter().map(|name| sqlite_ident(name)).collect(),
        };
        let stands = keys.first().map_or("true".into(), |key| format!("{STANDS}(sqlite_offset({key}))"));
        let filter = filter.map_or("true".into(), |filter| format!("({filter}\n)"));
        let table = sqlite_ident(&self.damage.table);
        let place = keys.first().map_or("NULL".into(), |key| format!("sqlite_offset({key})"));
        let columns =
            [list].into_iter().chain(keys.iter().map(String::as_str)).collect::<Vec<_>>().join(", ");
        format!("SELECT {columns}, {place} FROM main.{table} NOT INDEXED WHERE {stands} AND {filter}")
    }

    /// Registers the function that the scans call; returns the counter of the rows that it skips.
    fn register(&self, connection: &Connection) -> rusqlite::Result<Arc<AtomicU64>> {
        let passed_over = Arc::new(AtomicU64::new(0));
        let (pages, page_size) = (self.damage.pages.clone(), u64::from(self.page_size.max(1)));
        let count = passed_over.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        connection.create_scalar_function(STANDS, 1, flags, move |context| {
            let offset = context.get::<Option<i64>>(0)?.and_then(|n| u64::try_from(n).ok());
            let page = offset.and_then(|n| u32::try_from(n / page_size + 1).ok());
            let stands = page.is_none_or(|page| !pages.contains(&page));
            if !stands {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(stands)
        })?;
        Ok(passed_over)
    }
}

/// Damage ends only the scan; any other error ends the reading.
fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        matches!(e.extended_code & 0xff, ffi::SQLITE_CORRUPT | ffi::SQLITE_TOOBIG | ffi::SQLITE_NOTADB)
            || e.extended_code == ffi::SQLITE_IOERR_SHORT_READ
    })
}

// With rowids.

/// A range of rowids that were not read yet, both ends included, and the known rows on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    first: i64,
    last: i64,
    below: Option<i64>,
    above: Option<i64>,
}

impl Gap {
    fn width(&self) -> i128 {
        i128::from(self.last) - i128::from(self.first) + 1
    }

    /// The gap without the rowids up to `to`, which is a known row.
    fn after(self, to: i64) -> Option<Gap> {
        (to < self.last).then(|| Gap { first: to + 1, below: Some(to), ..self })
    }

    fn before(self, from: i64) -> Option<Gap> {
        (from > self.first).then(|| Gap { last: from - 1, above: Some(from), ..self })
    }

    fn halves(self) -> Option<(Gap, Gap)> {
        let middle =
            i64::try_from((i128::from(self.first) + i128::from(self.last) + 1).div_euclid(2)).ok()?;
        (middle > self.first).then(|| (Gap { last: middle - 1, ..self }, Gap { first: middle, ..self }))
    }

    fn shown(&self) -> String {
        match (self.first, self.last) {
            (i64::MIN, i64::MAX) => "all".into(),
            (i64::MIN, last) => format!("up to {last}"),
            (first, i64::MAX) => format!("from {first} on"),
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}–{last}"),
        }
    }
}

/// The widest first.
impl Ord for Gap {
    fn cmp(&self, other: &Gap) -> std::cmp::Ordering {
        (self.width(), other.first).cmp(&(other.width(), self.first))
    }
}

impl PartialOrd for Gap {
    fn partial_cmp(&self, other: &Gap) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By what the rows are sorted.
#[derive(Clone, Copy)]
struct Order<'a> {
    rowid: &'a str,
    /// Searching for a rowid may lead to a place behind its row.
    disordered: bool,
}

struct Scans<'c> {
    forward: Statement<'c>,
    backward: Statement<'c>,
    passed_over: &'c AtomicU64,
    disordered: bool,
    lost: Vec<Gap>,
}

/// The result of one scan of a gap.
struct Pass {
    /// The row farthest from where it began.
    reached: Option<i64>,
    /// The scan reached the other end of the gap.
    whole: bool,
}

fn by_rowid<E: From<rusqlite::Error>>(
    connection: &Connection,
    select: &str,
    Order { rowid, disordered }: Order<'_>,
    passed_over: &AtomicU64,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<UnreadableRanges, E> {
    let mut scans = Scans {
        forward: connection.prepare(&format!("{select} AND {rowid} >= ?1 ORDER BY {rowid}"))?,
        backward: connection.prepare(&format!("{select} AND {rowid} <= ?1 ORDER BY {rowid} DESC"))?,
        passed_over,
        disordered,
        lost: vec![],
    };
    let mut open = BinaryHeap::new();
    let everything = Gap { first: i64::MIN, last: i64::MAX, below: None, above: None };
    let left = scans.forward(everything, visit)?.1;
    open.extend(left.map(|gap| scans.backward(gap, visit)).transpose()?.and_then(|(_, left)| left));
    let mut vain = 0;
    while vain < VAIN_PROBES
        && let Some(gap) = open.pop()
    {
        let Some((lower, upper)) = gap.halves() else {
            scans.lost.push(gap);
            continue;
        };
        let (read_below, lower) = scans.backward(lower, visit)?;
        let (read_above, upper) = scans.forward(upper, visit)?;
        vain += usize::from(!read_below && !read_above);
        open.extend([lower, upper].into_iter().flatten());
    }
    scans.lost.extend(open);
    Ok(UnreadableRanges { places: merged(scans.lost).iter().map(Gap::shown).collect(), by_key: false })
}

/// Adjacent ranges are merged.
fn merged(mut gaps: Vec<Gap>) -> Vec<Gap> {
    gaps.sort_by_key(|gap| gap.first);
    let mut out: Vec<Gap> = vec![];
    for gap in gaps {
        match out.last_mut().filter(|last| i128::from(last.last) + 1 >= i128::from(gap.first)) {
            Some(last) => last.last = last.last.max(gap.last),
            None => out.push(gap),
        }
    }
    out
}

impl Scans<'_> {
    /// Reads upward from the gap's beginning. Returns whether there were rows, and the rest of the gap.
    fn forward<E: From<rusqlite::Error>>(
        &mut self,
        gap: Gap,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(bool, Option<Gap>), E> {
        let from = Start { gap, step: 1, disordered: self.disordered };
        let pass = pass(&mut self.forward, from, self.passed_over, &mut self.lost, visit)?;
        let left = if pass.whole { None } else { pass.reached.map_or(Some(gap), |to| gap.after(to)) };
        Ok((pass.reached.is_some(), left))
    }

    /// The same downward from its end.
    fn backward<E: From<rusqlite::Error>>(
        &mut self,
        gap: Gap,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(bool, Option<Gap>), E> {
        let from = Start { gap, step: -1, disordered: self.disordered };
        let pass = pass(&mut self.backward, from, self.passed_over, &mut self.lost, visit)?;
        let left = if pass.whole { None } else { pass.reached.map_or(Some(gap), |from| gap.before(from)) };
        Ok((pass.reached.is_some(), left))
    }
}

/// Where a scan begins, with the `step` 1 or -1.
struct Start {
    gap: Gap,
    step: i64,
    disordered: bool,
}

/// One scan. A row that is out of the order of rowids ends the scan as a bad page does: the order of
/// the rows behind it is unknown. What a search for its beginning may have jumped over is lost.
fn pass<E: From<rusqlite::Error>>(
    statement: &mut Statement<'_>,
    Start { gap, step, disordered }: Start,
    passed_over: &AtomicU64,
    lost: &mut Vec<Gap>,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<Pass, E> {
    let at = statement.column_count() - 2;
    let up = step > 0;
    let (begin, end, known) =
        if up { (gap.first, gap.last, gap.above) } else { (gap.last, gap.first, gap.below) };
    let beyond = |rowid: i64, limit: i64| if up { rowid > limit } else { rowid < limit };
    let mut reached: Option<i64> = None;
    // The first rowid that is not known yet; `None` after the largest possible rowid.
    let mut next = Some(begin);
    let mut skipped = passed_over.load(Ordering::Relaxed);
    let mut jumped = disordered && !matches!(begin, i64::MIN | i64::MAX);
    let mut rows = statement.query([begin])?;
    loop {
        let row = match rows.next() {
            Ok(row) => row,
            Err(e) if is_damage(&e) => return Ok(Pass { reached, whole: false }),
            Err(e) => return Err(e.into()),
        };
        let rowid = row.map(|row| row.get::<_, i64>(at)).transpose()?;
        let (rowid, whole) = match rowid {
            Some(rowid) if next.is_none_or(|next| beyond(next, rowid)) => {
                return Ok(Pass { reached, whole: false });
            }
            // Beyond the gap, at a known row or before it.
            Some(rowid) if beyond(rowid, end) => (None, known.is_none_or(|known| !beyond(rowid, known))),
            Some(rowid) => (Some(rowid), true),
            None => (None, known.is_none()),
        };
        if !whole {
            return Ok(Pass { reached, whole });
        }
        let was_skipped = std::mem::replace(&mut skipped, passed_over.load(Ordering::Relaxed)) != skipped;
        if (std::mem::take(&mut jumped) || was_skipped)
            && let Some(next) = next
        {
            let until = rowid.map_or(Some(end), |rowid| rowid.checked_sub(step));
            if let Some(until) = until.filter(|until| !beyond(next, *until)) {
                lost.push(Gap { first: next.min(until), last: next.max(until), below: None, above: None });
            }
        }
        let (Some(row), Some(rowid)) = (row, rowid) else { return Ok(Pass { reached, whole: true }) };
        visit(row)?;
        reached = Some(rowid);
        next = rowid.checked_add(step);
    }
}

// Without rowids.

/// The primary key, and how to read its b-tree from the end without sorting: every term is reversed.
fn key_columns(table: &Table) -> Key {
    let names = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
    let index = table.indexes.iter().find(|index| index.origin == Origin::PrimaryKey);
    let backward =
        index.filter(|index| !index.columns.is_empty() && index.columns.len() == names.len()).map(|index| {
            let terms = index.columns.iter().zip(&names).map(|(column, name)| {
                let direction = if column.descending { "ASC" } else { "DESC" };
                format!("{} COLLATE {} {direction}", sqlite_ident(name), sqlite_ident(&column.collation))
            });
            terms.collect::<Vec<_>>().join(", ")
        });
    Key::Columns { names, backward }
}

/// The key of a table WITHOUT ROWID, which identifies its rows.
struct Keys<'a> {
    count: usize,
    /// The terms that read the b-tree from its end.
    backward: Option<&'a str>,
    /// The query for the position of the row with a key, if it is needed.
    look_up: Option<String>,
}

fn by_key<E: From<rusqlite::Error>>(
    connection: &Connection,
    select: &str,
    keys: &Keys<'_>,
    passed_over: &AtomicU64,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<UnreadableRanges, E> {
    let mut lost = UnreadableRanges { places: vec![], by_key: true };
    let mut look_up = keys.look_up.as_ref().map(|sql| connection.prepare(sql)).transpose()?;
    let mut statement = connection.prepare(select)?;
    let first_key = statement.column_count() - 1 - keys.count;
    let key = |row: &Row<'_>| -> rusqlite::Result<Vec<Value>> {
        (first_key..first_key + keys.count).map(|i| row.get(i)).collect()
    };
    // The last row that was read, and the number of rows skipped until then.
    let (mut last, mut skipped, mut misplaced): (Option<Vec<Value>>, u64, u64) = (None, 0, 0);
    let mut rows = statement.query([])?;
    let whole = loop {
        match rows.next() {
            Ok(Some(row)) => {
                let at = key(row)?;
                if !is_found(look_up.as_mut(), row, &at)? {
                    misplaced += 1;
                    continue;
                }
                let passed = passed_over.load(Ordering::Relaxed) + misplaced;
                if std::mem::replace(&mut skipped, passed) != passed {
                    lost.places.push(place(last.as_deref()));
                }
                visit(row)?;
                last = Some(at);
            }
            Ok(None) => break true,
            Err(e) if is_damage(&e) => break false,
            Err(e) => return Err(e.into()),
        }
    };
    drop(rows);
    if !whole || passed_over.load(Ordering::Relaxed) + misplaced != skipped {
        lost.places.push(place(last.as_deref()));
    }
    let Some(backward) = keys.backward.filter(|_| !whole) else { return Ok(lost) };
    let mut statement = connection.prepare(&format!("{select} ORDER BY {backward}"))?;
    let mut rows = statement.query([])?;
    loop {
        match rows.next() {
            Ok(Some(row)) => match key(row)? {
                // Everything up to here was read.
                at if last.as_ref() == Some(&at) => return Ok(lost),
                at if is_found(look_up.as_mut(), row, &at)? => visit(row)?,
                _ => {}
            },
            Err(e) if !is_damage(&e) => return Err(e.into()),
            _ => return Ok(lost),
        }
    }
}

/// Searching for the row's key finds the row itself. This excludes rows on a page that was written to a wrong place:
/// these are also elsewhere, or belong to no table.
fn is_found(look_up: Option<&mut Statement<'_>>, row: &Row<'_>, key: &[Value]) -> rusqlite::Result<bool> {
    let Some(look_up) = look_up else { return Ok(true) };
    let stands: Option<i64> = row.get(row.as_ref().column_count() - 1)?;
    let found = look_up.query_row(rusqlite::params_from_iter(key), |found| found.get::<_, Option<i64>>(0));
    match found {
        Ok(found) => Ok(found == stands),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(false),
        Err(e) if is_damage(&e) => Ok(false),
        Err(e) => Err(e),
    }
}

fn place(key: Option<&[Value]>) -> String {
    match key {
        None => "at the beginning".into(),
        Some(key) => {
            let shown: Vec<String> = key.iter().map(|value| display(cell(value.into()))).collect();
            format!("after ({})", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
