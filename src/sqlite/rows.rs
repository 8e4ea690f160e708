//! Reads one table into batches; runs on the reader thread, so it may name nothing of the server.
//!
//! Assumes a connection with a snapshot. For types that Rust converts, the column's `on_invalid` is applied here; for
//! types that their input function converts, the backend applies it.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, ffi};

use super::raw::scan::{Scan, ScannedRow};
use super::recovery::{Recovery, UnreadableRanges};
use super::{Error, Source, absent, collations, logged};
use pg_sqlite_migrate_core::plan::decide::invalid_values::InvalidCell;
use pg_sqlite_migrate_core::sqltext::{sqlite_ident, sqlite_literal};
use pg_sqlite_migrate_core::value::batch::{
    Batch, Became, Keep, LARGEST_VALUE, OnInvalid, Origin, RejectedRow, RowName,
};
use pg_sqlite_migrate_core::value::buffer::{self, Buffer, OutOfMemory};
use pg_sqlite_migrate_core::value::encoding::TextReading;
use pg_sqlite_migrate_core::value::{Cell, Decoded, Decoder, Excess, InvalidValue, ValueList};

/// The rowids of the rows that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub first: i64,
    pub last: i64,
}

impl Range {
    /// Of a table without rowids as well.
    pub const ALL: Range = Range { first: i64::MIN, last: i64::MAX };
}

/// One SELECT and what its columns become.
#[derive(Debug, Clone)]
pub struct ReadPlan {
    pub sql: String,
    /// The same of a range of rowids, from `?1` to `?2`.
    pub ranged: Option<String>,
    /// The queries that read a damaged table, instead of `sql`.
    pub around: Option<Around>,
    /// The sizes of the cells of the row after the first `?3` rows of a range, for when SQLite has no memory to read it.
    pub sizes: Option<String>,
    /// The first result column is the rowid.
    pub has_rowid: bool,
    pub columns: Vec<ReadColumn>,
    /// Positions in `columns` of the key that identifies a row if there is no rowid.
    pub key: Vec<usize>,
    pub keep: Keep,
}

/// The same SELECT in parts.
#[derive(Debug, Clone)]
pub struct Around {
    pub recovery: Recovery,
    pub list: String,
    pub filter: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ReadColumn {
    pub name: String,
    pub pg_type: String,
    pub decoder: Decoder,
    pub on_invalid: OnInvalid,
    /// What means NULL where it does not fit.
    pub null_values: ValueList,
    pub texts: TextReading,
    pub excess: Excess,
    pub not_null: bool,
    /// Text goes through the input function, because the database's encoding is not UTF-8.
    pub text_as_input: bool,
    /// The server's check of a domain may refuse what fits the base type.
    pub domain: bool,
}

/// A cell that stops the load.
#[derive(Debug, Clone, PartialEq)]
pub struct CellError {
    pub row: RowName,
    pub column: String,
    pub pg_type: String,
    /// `integer`, `real`, `text`, `blob` or `null`.
    pub storage_class: &'static str,
    /// What is too much of the value could be left away so.
    pub excess: Option<Excess>,
    /// The text would be read so.
    pub texts: Option<TextReading>,
    /// No type holds so much.
    pub too_large: bool,
    /// The value as a person reads it, shortened.
    pub value: String,
    pub reason: String,
}

impl CellError {
    /// What a hint depends on.
    pub fn invalid(&self) -> InvalidCell<'_> {
        let CellError { column, storage_class, excess, texts, too_large, .. } = self;
        InvalidCell { column, storage_class, excess: *excess, texts: *texts, too_large: *too_large }
    }
}

/// Where memory ran out, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellPlace {
    pub row: Option<RowName>,
    pub column: Option<String>,
}

/// Why reading ended early.
#[derive(Debug)]
pub enum ReadError {
    Sqlite(rusqlite::Error),
    /// What was read must not be used.
    Source(Error),
    Cell(Box<CellError>),
    NoMemory(Box<CellPlace>),
    /// The receiver has stopped, or the run was cancelled.
    Stopped,
}

impl From<rusqlite::Error> for ReadError {
    fn from(e: rusqlite::Error) -> ReadError {
        ReadError::Sqlite(e)
    }
}

/// A row of a SELECT.
pub trait Values {
    /// The value of a column, counted from 0; an error where SQLite has no memory for it.
    fn value(&self, at: usize) -> Result<Cell<'_>, OutOfMemory>;
}

impl Values for ScannedRow<'_> {
    #[inline(always)]
    fn value(&self, at: usize) -> Result<Cell<'_>, OutOfMemory> {
        self.cell(at)
    }
}

impl Values for Row<'_> {
    fn value(&self, at: usize) -> Result<Cell<'_>, OutOfMemory> {
        let value = absent::looking(|| self.get_ref(at)).map_err(|_| OutOfMemory)?;
        Ok(value.map_or(Cell::Null, cell))
    }
}

/// The SELECT for a load: the rowid first, by the name that `Table::rowid_name` found, then a term for each column (`core::reading`).
pub fn select(table: &str, rowid: Option<&str>, terms: &[String], filter: Option<&str>) -> String {
    let condition = filter.map(|f| format!(" WHERE ({f}\n)")).unwrap_or_default();
    // An index may need a collation that only the application has.
    format!("SELECT {} FROM main.{} NOT INDEXED{condition}", list(rowid, terms), sqlite_ident(table))
}

/// What such a SELECT reads.
pub fn list(rowid: Option<&str>, terms: &[String]) -> String {
    let list = rowid.into_iter().chain(terms.iter().map(String::as_str)).collect::<Vec<_>>().join(", ");
    if list.is_empty() { "NULL".into() } else { list }
}

/// A condition for the rows of a range that `filter` selects.
pub fn between(filter: Option<&str>, rowid: &str) -> String {
    let filter = filter.map(|filter| format!("({filter}\n) AND ")).unwrap_or_default();
    format!("{filter}{rowid} BETWEEN ?1 AND ?2")
}

/// The sizes of the cells of the row that follows the first `?3` rows of a range of a [`select`], without reading them.
pub fn sizes(table: &str, rowid: &str, terms: &[String], filter: Option<&str>) -> String {
    let sizes: Vec<String> = terms.iter().map(|term| format!("octet_length({term})")).collect();
    let list = [&[rowid.to_owned()][..], &sizes].concat().join(", ");
    let condition = between(filter, rowid);
    format!("SELECT {list} FROM main.{} NOT INDEXED WHERE {condition} LIMIT 1 OFFSET ?3", sqlite_ident(table))
}

/// Reads every row of a range; `emit` takes a full batch and gives an empty one back. Gives the last batch. Of a damaged table
/// it tells what could not be read.
pub fn read(
    source: &Source,
    plan: &ReadPlan,
    range: Range,
    mut batch: Batch,
    emit: &mut dyn FnMut(Batch) -> Result<Batch, ReadError>,
) -> Result<(Option<UnreadableRanges>, Batch), ReadError> {
    let connection = source.connection();
    let mut pass_on = |batch: &mut Batch| -> Result<(), ReadError> {
        if batch.is_full() {
            *batch = emit(std::mem::take(batch))?;
        }
        Ok(())
    };
    drop(collations::used());
    let lost = match &plan.around {
        Some(Around { recovery, list, filter }) => {
            let visit = &mut |row: &Row<'_>| {
                read_row(row, plan, &mut batch)?;
                pass_on(&mut batch)
            };
            Some(recovery.read(connection, list, filter.as_deref(), visit)?)
        }
        None => {
            let mut scan = match &plan.ranged {
                Some(sql) if range != Range::ALL => {
                    let mut scan = Scan::prepare(connection, sql)?;
                    scan.bind(1, Cell::Integer(range.first))?;
                    scan.bind(2, Cell::Integer(range.last))?;
                    scan
                }
                _ => Scan::prepare(connection, &plan.sql)?,
            };
            let mut read = 0;
            while let Some(row) = scan.next().map_err(|e| step_failed(e, connection, plan, (range, read)))? {
                read_row(&row, plan, &mut batch)?;
                pass_on(&mut batch)?;
                read += 1;
            }
            None
        }
    };
    source.believe(()).map_err(ReadError::Source)?;
    Ok((lost, batch))
}

/// If memory runs out after a row was read, the error names the row only if it is larger than this.
const LARGE: u64 = 1 << 20;

#[inline]
fn read_row(row: &impl Values, plan: &ReadPlan, batch: &mut Batch) -> Result<(), ReadError> {
    let first = usize::from(plan.has_rowid);
    let mut row_bytes = 0;
    for (i, column) in plan.columns.iter().enumerate() {
        let stored = row.value(first + i).map_err(|OutOfMemory| no_memory(row, plan, i))?;
        if column.texts != TextReading::default() {
            match read_text(row, plan, batch, i, stored)? {
                Some(bytes) => row_bytes += bytes,
                None => return Ok(()),
            }
            continue;
        }
        row_bytes += size(stored);
        // By reference: to move what the decoder gives takes as long as decoding it.
        let pushed = match &column.decoder.decode(stored) {
            Ok(Decoded::Word(word)) => {
                batch.push_word(*word);
                Ok(())
            }
            Ok(Decoded::Null) if !column.not_null => {
                batch.push_null();
                Ok(())
            }
            Ok(Decoded::Varlena(bytes)) if bytes.len() <= LARGEST_VALUE => push_varlena(column, batch, bytes),
            Ok(Decoded::Input(text)) => batch.push_input(text.as_bytes()),
            Ok(Decoded::Uuid(bytes)) => batch.push_uuid(bytes),
            _ => match settle(row, plan, batch, i, stored)? {
                true => Ok(()),
                false => return Ok(()),
            },
        };
        pushed.map_err(|OutOfMemory| no_memory(row, plan, i))?;
    }
    let kept = match plan.keep {
        Keep::Nothing => Ok(()),
        Keep::Names => batch.keep(Origin { row: name(row, plan), values: Buffer::new() }),
        Keep::Rows => {
            logged::values(row, plan).and_then(|values| batch.keep(Origin { row: name(row, plan), values }))
        }
    };
    kept.map_err(|OutOfMemory| no_memory(row, plan, plan.columns.len()))?;
    if row_bytes > LARGE {
        batch.large = Some(name(row, plan));
    }
    batch.source_bytes += row_bytes;
    batch.end_row();
    Ok(())
}

/// A cell of a column whose texts are not read as they are stored. Gives the size of what is read; `None` if the row was
/// refused.
fn read_text(
    row: &dyn Values,
    plan: &ReadPlan,
    batch: &mut Batch,
    position: usize,
    stored: Cell<'_>,
) -> Result<Option<u64>, ReadError> {
    let Some(column) = plan.columns.get(position) else { return Ok(None) };
    let failed = |OutOfMemory| no_memory(row, plan, position);
    // A byte becomes three at most.
    buffer::afford(size(stored) as usize * 3).map_err(failed)?;
    let text = column.texts.read(stored);
    if text.is_some() || column.texts.keeps(stored) {
        batch.note(batch.rows(), position, Became::Converted).map_err(failed)?;
    }
    let cell = text.as_deref().map_or(stored, Cell::Text);
    Ok(settle(row, plan, batch, position, cell)?.then_some(size(cell)))
}

/// Appends a cell, by the plan's rules where it does not fit; `false` if the row was refused.
#[cold]
fn settle(
    row: &dyn Values,
    plan: &ReadPlan,
    batch: &mut Batch,
    position: usize,
    cell: Cell<'_>,
) -> Result<bool, ReadError> {
    let Some(column) = plan.columns.get(position) else { return Ok(false) };
    let at = batch.rows();
    let refused = |batch: &mut Batch, fault| refuse(row, plan, batch, position, cell, fault).map(|()| false);
    let decoded = match column.decoder.decode(cell) {
        Ok(Decoded::Varlena(bytes)) if bytes.len() > LARGEST_VALUE => Err(InvalidValue::TooLarge),
        decoded => decoded,
    };
    let pushed = match decoded {
        Ok(Decoded::Null) if column.not_null => return refused(batch, Fault::Null),
        Ok(value) => push(column, batch, value),
        Err(InvalidValue::NoMemory(error)) => Err(error),
        Err(_) if column.null_values.holds(cell) => {
            if column.not_null {
                return refused(batch, Fault::Null);
            }
            batch.note(at, position, Became::MeantNull).and_then(|()| batch.push(Decoded::Null))
        }
        Err(invalid) if column.excess != Excess::Error => {
            match column.decoder.decode_without(cell, column.excess) {
                Some(value) => {
                    batch.note(at, position, Became::Shortened).and_then(|()| push(column, batch, value))
                }
                None if becomes_null(column) => {
                    batch.note(at, position, Became::Null).and_then(|()| batch.push(Decoded::Null))
                }
                None => return refused(batch, invalid.into()),
            }
        }
        Err(_) if becomes_null(column) => {
            batch.note(at, position, Became::Null).and_then(|()| batch.push(Decoded::Null))
        }
        Err(invalid) => return refused(batch, invalid.into()),
    };
    pushed.map(|()| true).map_err(|OutOfMemory| no_memory(row, plan, position))
}

fn push(column: &ReadColumn, batch: &mut Batch, value: Decoded<'_>) -> Result<(), OutOfMemory> {
    match value {
        Decoded::Varlena(bytes) => push_varlena(column, batch, &bytes),
        value => batch.push(value),
    }
}

#[inline]
fn push_varlena(column: &ReadColumn, batch: &mut Batch, bytes: &[u8]) -> Result<(), OutOfMemory> {
    if column.text_as_input { batch.push_input(bytes) } else { batch.push_varlena(bytes) }
}

fn becomes_null(column: &ReadColumn) -> bool {
    column.on_invalid == OnInvalid::Null && !column.not_null
}

/// Memory ran out at this column, or at the row as a whole.
#[cold]
fn no_memory(row: &dyn Values, plan: &ReadPlan, position: usize) -> ReadError {
    let column = plan.columns.get(position).map(|column| column.name.clone());
    ReadError::NoMemory(Box::new(CellPlace { row: Some(name(row, plan)), column }))
}

/// SQLite could not read the row after the first `read` rows of a range.
#[cold]
fn step_failed(
    error: rusqlite::Error,
    connection: &rusqlite::Connection,
    plan: &ReadPlan,
    (range, read): (Range, i64),
) -> ReadError {
    if error.sqlite_error().is_none_or(|e| e.extended_code & 0xff != ffi::SQLITE_NOMEM) {
        return error.into();
    }
    let place = plan.sizes.as_ref().and_then(|sql| {
        let largest = |row: &Row<'_>| {
            let sizes = (1..=plan.columns.len()).map(|at| row.get::<_, Option<i64>>(at).unwrap_or(None));
            let column = sizes.enumerate().max_by_key(|(_, size)| *size).map(|(at, _)| at);
            let column = column.and_then(|at| plan.columns.get(at)).map(|column| column.name.clone());
            Ok(CellPlace { row: Some(RowName::Rowid(row.get(0)?)), column })
        };
        connection.query_row(sql, [range.first, range.last, read], largest).ok()
    });
    ReadError::NoMemory(Box::new(place.unwrap_or_default()))
}

/// Why a cell cannot be loaded.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    InvalidValue(#[from] InvalidValue),
    #[error("the column is NOT NULL")]
    Null,
}

/// The row cannot be loaded: it goes to the reject log, or ends the run.
#[cold]
fn refuse(
    row: &dyn Values,
    plan: &ReadPlan,
    batch: &mut Batch,
    position: usize,
    cell: Cell<'_>,
    reason: Fault,
) -> Result<(), ReadError> {
    let Some(column) = plan.columns.get(position) else { return Ok(()) };
    if column.on_invalid == OnInvalid::Reject {
        batch.drop_row();
        let kept = logged::values(row, plan).and_then(|values| {
            let error = format!("{reason} (column type {})", column.pg_type);
            batch.reject(RejectedRow { row: name(row, plan), values, column: column.name.clone(), error })
        });
        let cells = (0..plan.columns.len()).filter_map(|i| row.value(usize::from(plan.has_rowid) + i).ok());
        if cells.map(size).sum::<u64>() > LARGE {
            batch.large = Some(name(row, plan));
        }
        return kept.map_err(|OutOfMemory| no_memory(row, plan, position));
    }
    let held = |excess: &Excess| column.decoder.decode_without(cell, *excess).is_some();
    let excess = [Excess::Round, Excess::Truncate].into_iter().find(held);
    let other = match cell {
        Cell::Text(bytes) => column.texts.remedy(bytes),
        _ => None,
    };
    let other = other.filter(|(_, text)| column.decoder.decode(Cell::Text(text)).is_ok());
    Err(ReadError::Cell(Box::new(CellError {
        row: name(row, plan),
        column: column.name.clone(),
        pg_type: column.pg_type.clone(),
        storage_class: storage_class(cell),
        excess: excess.filter(|_| column.excess == Excess::Error),
        texts: other.map(|(reading, _)| reading),
        too_large: matches!(reason, Fault::InvalidValue(InvalidValue::TooLarge)),
        value: display(cell),
        reason: reason.to_string(),
    })))
}

/// Storage class and value, for a message, of what a term gives for one row; `None` when the row is not there.
pub fn cell_at(
    source: &Source,
    table: &str,
    rowid_alias: &str,
    rowid: i64,
    term: String,
) -> Result<Option<(&'static str, String)>, Error> {
    let sql = format!("{} WHERE {rowid_alias} = ?1", select(table, None, &[term], None));
    let read = |row: &Row<'_>| row.get_ref(0).map(|v| (storage_class(cell(v)), display(cell(v))));
    source.connection().query_row(&sql, [rowid], read).optional().map_err(|e| source.error(e))
}

/// rusqlite's view of a value as ours.
#[inline]
pub fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(i) => Cell::Integer(i),
        ValueRef::Real(r) => Cell::Real(r),
        ValueRef::Text(t) => Cell::Text(t),
        ValueRef::Blob(b) => Cell::Blob(b),
    }
}

#[inline]
fn size(cell: Cell<'_>) -> u64 {
    match cell {
        Cell::Null => 0,
        Cell::Integer(_) | Cell::Real(_) => 8,
        Cell::Text(b) | Cell::Blob(b) => b.len() as u64,
    }
}

pub fn storage_class(cell: Cell<'_>) -> &'static str {
    match cell {
        Cell::Null => "null",
        Cell::Integer(_) => "integer",
        Cell::Real(_) => "real",
        Cell::Text(_) => "text",
        Cell::Blob(_) => "blob",
    }
}

/// A value for a message: at most 60 characters or 30 bytes.
pub fn display(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "NULL".into(),
        Cell::Integer(i) => i.to_string(),
        Cell::Real(r) => format!("{r:?}"),
        Cell::Text(text) => {
            // Cut the bytes first: a cell may hold a gigabyte.
            let head = String::from_utf8_lossy(text.get(..240).unwrap_or(text));
            let short: String =
                head.chars().take(60).map(|c| if c == '\0' { '\u{2400}' } else { c }).collect();
            let dots = if short.len() < text.len() { "…" } else { "" };
            format!("{}{dots}", sqlite_literal(&short))
        }
        Cell::Blob(bytes) => {
            let digits: String = bytes.iter().take(30).map(|byte| format!("{byte:02x}")).collect();
            let dots = if bytes.len() > 30 { "…" } else { "" };
            format!("x'{digits}{dots}'")
        }
    }
}

fn name(row: &dyn Values, plan: &ReadPlan) -> RowName {
    if plan.has_rowid {
        return match row.value(0) {
            Ok(Cell::Integer(rowid)) => RowName::Rowid(rowid),
            _ => RowName::Rowid(0),
        };
    }
    let parts: Vec<String> = plan
        .key
        .iter()
        .filter_map(|&i| {
            let value = display(row.value(i).ok()?);
            Some(format!("{} = {value}", plan.columns.get(i)?.name))
        })
        .collect();
    RowName::Key(parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rowid_comes_first_and_a_comment_ends_with_its_line() {
        assert_eq!(
            select("t", Some("_rowid_"), &["\"a\"".into(), "\"ROWID\"".into()], Some("a > 1 -- x")),
            "SELECT _rowid_, \"a\", \"ROWID\" FROM main.\"t\" NOT INDEXED WHERE (a > 1 -- x\n)"
        );
        assert_eq!(select("t", None, &["\"a\"".into()], None), "SELECT \"a\" FROM main.\"t\" NOT INDEXED");
    }

    #[test]
    fn values_are_shortened_for_messages() {
        assert_eq!(display(Cell::Text("it's".as_bytes())), "'it''s'");
        assert!(display(Cell::Text(&[b'a'; 100])).ends_with("a'…"));
        assert_eq!(display(Cell::Blob(&[1, 255])), "x'01ff'");
    }
}
