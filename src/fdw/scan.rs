//! A foreign scan: binds, steps, decodes. Hot: nothing is allocated per row or value.

// The server's errors are as large as they are, and rare.
#![allow(clippy::result_large_err)]

use std::borrow::Cow;
use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::ErrorReport;

use super::connection::{Connection, Cursor, Reach};
use super::executor::transaction;
use super::modify::Writer;
use super::options::ServerOptions;
use super::seam;
use super::seam::{Reads, Server, Sink};
use crate::error::{Error, FOREIGN_CELL_HINT, sqlstate};
use crate::sqlite;
use crate::sqlite::rows::{display, storage_class};
use crate::sqlite::session::RowView;
use pg_sqlite_migrate_core::remote::{Decode, Parameter, Proof, Remote, Type, canonical, compute};
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, CellBuf, Decoded, Decoder, Format, Misfit, PgType, Timezone};

pub struct Scan {
    cursor: Rc<Cursor>,
    readers: Vec<Reader>,
    parameters: Vec<Binding>,
    /// What a shipped UPDATE or DELETE reaches, and the command that it is.
    changes: Option<(Rc<Reach>, u32)>,
    /// What the statement was proven from.
    proofs: Vec<Proof>,
    changed: u64,
    /// Why a value cannot be stored, should a row come to take it.
    refused: Option<Error>,
}

/// How one `?` is bound.
pub(super) enum Binding {
    Query(Parameter),
    /// It is stored in a column; NULL where that cannot keep it.
    Stored(Box<Writer>),
    /// Whether the column cannot keep it.
    Refused(Box<Writer>),
}

impl Scan {
    pub fn begin(server: &Server, remote: &Remote, reads: Reads) -> Result<Scan, Error> {
        let connection = Connection::of(server)?;
        if reads != Reads::Only {
            connection.expect_change(server, &ServerOptions::of(server)?)?;
        }
        let cursor = connection.scan(remote, reads)?;
        let parameters = remote.parameters.iter().cloned().map(Binding::Query).collect();
        Ok(Scan::new(cursor, remote, parameters, None))
    }

    /// An UPDATE or DELETE that is one statement; the caller has checked that it may.
    pub(super) fn direct(
        connection: &Rc<Connection>,
        remote: &Remote,
        parameters: Vec<Binding>,
        reach: Rc<Reach>,
    ) -> Result<Scan, Error> {
        let cursor = connection.direct(remote);
        let changes = Some((reach, transaction::command_id()));
        Ok(Scan::new(cursor, remote, parameters, changes))
    }

    fn new(
        cursor: Rc<Cursor>,
        remote: &Remote,
        parameters: Vec<Binding>,
        changes: Option<(Rc<Reach>, u32)>,
    ) -> Scan {
        let (readers, proofs) = (readers(remote), remote.proofs.clone());
        Scan { cursor, readers, parameters, changes, proofs, changed: 0, refused: None }
    }

    fn run(&mut self, values: &[Native<'_>]) -> Result<(), Error> {
        let mut refusals = self.parameters.iter().zip(values).filter_map(|(b, v)| b.refusal(v));
        self.refused = refusals.next();
        let bound: Vec<CellBuf<'_>> =
            self.parameters.iter().zip(values).map(|(b, v)| b.bind(v)).collect::<Result<_, _>>()?;
        let cells: Vec<Cell<'_>> = bound.iter().map(CellBuf::as_cell).collect();
        self.cursor.start(&cells)?;
        if let Some((reach, command)) = &self.changes {
            let session = self.cursor.connection().change(reach, Some(*command))?;
            // The transaction that writes may have begun only now, in a newer state of the file.
            self.cursor.connection().prove(&session, &self.proofs)?;
            let made = self.cursor.make_changes();
            self.changed = made.map_err(|error| refusal(error, &mut self.refused))?;
        }
        Ok(())
    }

    #[inline]
    fn advance(&mut self, sink: &mut impl Sink) -> Result<bool, Error> {
        let readers = &self.readers;
        match self.cursor.step(|row| emit(row, readers, sink))? {
            Some(emitted) => emitted.map(|()| true),
            None => Ok(false),
        }
    }
}

impl seam::Scan for Scan {
    fn start(&mut self, parameters: &[Native<'_>]) -> Result<(), ErrorReport> {
        Ok(self.run(parameters)?)
    }

    fn rewind(&mut self) -> bool {
        self.cursor.rewind()
    }

    #[inline]
    fn next(&mut self, sink: &mut impl Sink) -> Result<bool, ErrorReport> {
        Ok(self.advance(sink)?)
    }

    fn end(&mut self) {
        self.cursor.end();
    }

    fn changed(&self) -> u64 {
        self.changed
    }
}

/// However the query ended; that the transaction may be long over, the cursor knows.
impl Drop for Scan {
    fn drop(&mut self) {
        self.cursor.end();
    }
}

impl Binding {
    fn refusal(&self, value: &Native<'_>) -> Option<Error> {
        match self {
            Binding::Refused(writer) => writer.encode(value).err(),
            _ => None,
        }
    }

    fn bind<'a>(&self, value: &'a Native<'_>) -> Result<CellBuf<'a>, Error> {
        match self {
            Binding::Stored(writer) => Ok(writer.kept(value)?.unwrap_or(CellBuf::Null)),
            Binding::Refused(writer) => Ok(CellBuf::Integer(writer.kept(value)?.is_none().into())),
            Binding::Query(parameter) => canonical::parameter(parameter.type_, parameter.form, value)
                .map_err(|fault| Error::Foreign {
                    sqlstate: sqlstate(fault.sqlstate),
                    message: fault.message,
                    detail: None,
                    hint: None,
                }),
        }
    }
}

/// The error of a statement; of one that had no more to say than that it refuses a value, the reason.
#[cold]
fn refusal(error: Error, refused: &mut Option<Error>) -> Error {
    let is_refusal = matches!(&error, Error::Sqlite(sqlite::Error::Function { fault, .. })
        if **fault == sqlite::functions::Fault::Computed(compute::Fault::refused()));
    refused.take_if(|_| is_refusal).unwrap_or(error)
}

/// Reads one result column.
pub(super) enum Reader {
    Cell(Box<CellReader>),
    Rowid,
    Canonical(Type),
    /// Text for the input function: a numeric, or what one is computed from.
    Printed,
}

pub(super) struct CellReader {
    decoder: Decoder,
    table: String,
    column: String,
    type_name: String,
    /// A cell that does not fit is NULL.
    lenient: bool,
}

pub(super) fn readers(remote: &Remote) -> Vec<Reader> {
    remote.outputs.iter().map(|output| Reader::new(&output.decode)).collect()
}

impl Reader {
    pub(super) fn new(decode: &Decode) -> Reader {
        match decode {
            Decode::Rowid => Reader::Rowid,
            Decode::Canonical(type_) => Reader::Canonical(*type_),
            Decode::Decimal | Decode::Quotient => Reader::Printed,
            Decode::Cell { table, column, pg_type, type_name, format, on_invalid, timezone, not_null } => {
                let zone = Timezone::parse(timezone).unwrap_or_default();
                Reader::Cell(Box::new(CellReader {
                    decoder: Decoder::new(&PgType::parse(pg_type), Format::parse(format), &zone),
                    table: table.clone(),
                    column: column.clone(),
                    type_name: type_name.clone(),
                    lenient: on_invalid == "null" && !not_null,
                }))
            }
        }
    }
}

/// Gives the values of a row to the sink.
#[inline]
pub(super) fn emit(row: RowView<'_>, readers: &[Reader], sink: &mut impl Sink) -> Result<(), Error> {
    for (at, reader) in readers.iter().enumerate() {
        let cell = row.cell(at);
        match reader {
            Reader::Cell(column) => {
                let put = match column.decoder.decode(cell) {
                    Ok(value) => sink.put(at, value),
                    Err(Misfit::NoMemory(error)) => Err(error),
                    Err(_) if column.lenient => sink.put(at, Decoded::Null),
                    Err(misfit) => return Err(column.refuse(cell, &misfit, rowid(row, readers))),
                };
                put.map_err(|OutOfMemory| column.no_memory(rowid(row, readers)))?;
            }
            Reader::Canonical(type_) => {
                let value = canonical::decode(*type_, cell).map_err(|misfit| not_canonical(cell, &misfit))?;
                sink.put(at, value).map_err(|OutOfMemory| no_memory("a value that SQLite has computed"))?;
            }
            Reader::Rowid => match cell {
                Cell::Integer(rowid) => sink.put_rowid(rowid),
                _ => return Err(not_canonical(cell, &Misfit::Unreadable("a rowid is an integer"))),
            },
            Reader::Printed => {
                sink.put(at, printed(cell)?)
                    .map_err(|OutOfMemory| no_memory("a number that SQLite has computed"))?;
            }
        }
    }
    Ok(())
}

fn printed(cell: Cell<'_>) -> Result<Decoded<'_>, Error> {
    let broken = |_| not_canonical(cell, &Misfit::InvalidUtf8);
    Ok(match cell {
        Cell::Null => Decoded::Null,
        Cell::Integer(i) => Decoded::Input(Cow::Owned(i.to_string())),
        Cell::Text(text) => Decoded::Input(Cow::Borrowed(std::str::from_utf8(text).map_err(broken)?)),
        _ => return Err(not_canonical(cell, &Misfit::Unreadable("a number's text was expected"))),
    })
}

/// The row's rowid, where it was asked for.
fn rowid(row: RowView<'_>, readers: &[Reader]) -> Option<i64> {
    let at = readers.iter().position(|r| matches!(r, Reader::Rowid))?;
    match row.cell(at) {
        Cell::Integer(rowid) => Some(rowid),
        _ => None,
    }
}

/// 53200: memory for `what`.
#[cold]
pub(super) fn no_memory(what: &str) -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_OUT_OF_MEMORY,
        message: OutOfMemory.to_string(),
        detail: Some(format!("The memory was requested for {what}.")),
        hint: None,
    }
}

impl CellReader {
    #[cold]
    fn no_memory(&self, rowid: Option<i64>) -> Error {
        let row = rowid.map(|rowid| format!(", row with rowid {rowid}")).unwrap_or_default();
        no_memory(&format!("column \"{}\" of table \"{}\"{row}", self.column, self.table))
    }

    #[cold]
    fn refuse(&self, cell: Cell<'_>, misfit: &Misfit, rowid: Option<i64>) -> Error {
        let row = rowid.map(|rowid| format!("Row with rowid {rowid}: the ")).unwrap_or_else(|| "The ".into());
        Error::Foreign {
            sqlstate: Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
            message: format!("value does not fit column \"{}\" of table \"{}\"", self.column, self.table),
            detail: Some(format!(
                "{row}{} value {} cannot become {}: {misfit}.",
                storage_class(cell),
                display(cell),
                self.type_name
            )),
            hint: Some(FOREIGN_CELL_HINT.into()),
        }
    }
}

/// The remote query was printed wrongly: a bug, but no reason to go down.
#[cold]
fn not_canonical(cell: Cell<'_>, misfit: &Misfit) -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_INTERNAL_ERROR,
        message: format!("a remote query computed the {} value {}", storage_class(cell), display(cell)),
        detail: Some(format!("{misfit}.")),
        hint: None,
    }
}
