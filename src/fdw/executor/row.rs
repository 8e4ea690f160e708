//! One row of a remote query, decoded from its cells and stored in a tuple slot.
//!
//! Hot: nothing is allocated per value. What is passed by reference lies in one buffer, which is used again for the
//! next row; a slot's values point into it and are as short-lived as per-tuple memory.
#![deny(clippy::disallowed_methods)]

use pgrx::pg_sys;

use super::column_input::{ColumnInput, Refusal};
use super::decode::CellDecoder;
use super::tid;
use crate::error::Error;
use crate::pg::{encoding, xact};
use crate::sqlite::session::RowView;
use pg_sqlite_migrate_core::remote::Output;
use pg_sqlite_migrate_core::remote::fit::Fit;
use pg_sqlite_migrate_core::value::batch::{VARLENA_ALIGNMENT, varlena_header};
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
use pg_sqlite_migrate_core::value::{self, Decoded, InvalidValue};

/// A buffer that has grown beyond this is not kept for the next row.
const KEEP_BYTES: usize = 1 << 20;

pub struct Row {
    columns: Vec<Column>,
    /// A value per output.
    cells: Vec<Cell>,
    buffer: Buffer,
    rowid: Option<i64>,
    attributes: usize,
}

/// One result column.
struct Column {
    decoder: CellDecoder,
    /// `None` for the rowid, which goes into the tuple's ctid.
    attribute: Option<Attribute>,
    /// What all cells so far were seen to be.
    watched: Option<Fit>,
}

/// Where its values go.
struct Attribute {
    /// In the tuple.
    position: usize,
    kind: Kind,
    input: ColumnInput,
}

/// How the attribute's type is passed, which is what a value is trusted by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// Four bytes by value: sign-extended, as the server fetches them from a tuple.
    Word4,
    /// `text`, `varchar` and `bytea`.
    Bytes,
    /// Text in a database whose encoding is not UTF-8.
    Converted,
    Uuid,
    /// Made by its input function only.
    Other,
}

#[derive(Clone, Copy)]
enum Cell {
    Null,
    Word(u64),
    /// Offset in the buffer.
    Offset(usize),
}

impl Row {
    /// For tuples of this descriptor. Looks up input functions in the current memory context, which has to live
    /// as long as the row.
    ///
    /// # Safety
    /// `desc` is a valid descriptor; it is not used after the call.
    pub unsafe fn new(desc: pg_sys::TupleDesc, outputs: &[Output]) -> Row {
        // SAFETY: `desc` is valid for this call, as the contract of `new` asks.
        let desc = unsafe { pgrx::PgTupleDesc::from_pg_unchecked(desc) };
        let column = |output: &Output| {
            let position = usize::try_from(output.attribute).ok().and_then(|n| n.checked_sub(1));
            let found = position.and_then(|position| Some((position, desc.get(position)?)));
            let attribute = found.map(|(position, attribute)| Attribute {
                position,
                kind: Kind::of(attribute),
                input: ColumnInput::new(attribute.atttypid, attribute.atttypmod, &output.decode),
            });
            Column { decoder: CellDecoder::new(&output.decode), attribute, watched: None }
        };
        let columns: Vec<Column> = outputs.iter().map(column).collect();
        let cells = vec![Cell::Null; columns.len()];
        Row { columns, cells, buffer: Buffer::new(), rowid: None, attributes: desc.len() }
    }

    /// Looks from now on whether the cells of an output fit, or looks no more.
    pub fn watch(&mut self, output: usize, fit: Option<Fit>) {
        if let Some(column) = self.columns.get_mut(output) {
            column.watched = fit;
        }
    }

    /// Every cell since `watch` fits.
    pub fn all_fit(&self, output: usize) -> bool {
        self.columns.get(output).is_some_and(|column| column.watched.is_some())
    }

    /// Decodes the next row, after `clear`. May raise the error of an input function or of a domain.
    #[inline]
    pub fn read(&mut self, row: RowView<'_>) -> Result<(), Error> {
        for at in 0..self.columns.len() {
            let column = &mut self.columns[at];
            let (cell, decoded) = match row.cell(at) {
                Ok(cell) => (cell, column.decoder.decode(cell)),
                Err(error) => (value::Cell::Null, Err(InvalidValue::NoMemory(error))),
            };
            if column.watched.is_some_and(|fit| !fit.holds(cell)) {
                column.watched = None;
            }
            let invalid = match decoded {
                Ok(value) => match self.put(at, value) {
                    Ok(()) => continue,
                    Err(Refusal::NoMemory(error)) => InvalidValue::NoMemory(error),
                    Err(Refusal::Caught(caught)) => {
                        return Err(self.columns[at].decoder.refuse_for(*caught, cell, self.rowid_of(row)));
                    }
                },
                Err(invalid) => invalid,
            };
            return Err(self.columns[at].decoder.refuse(cell, &invalid, self.rowid_of(row)));
        }
        Ok(())
    }

    /// For an error: the row's rowid, where the query fetches it.
    #[cold]
    fn rowid_of(&self, row: RowView<'_>) -> Option<i64> {
        let at = self.columns.iter().position(|column| column.attribute.is_none())?;
        match row.cell(at) {
            Ok(value::Cell::Integer(rowid)) => Some(rowid),
            _ => None,
        }
    }

    #[inline]
    fn put(&mut self, at: usize, value: Decoded<'_>) -> Result<(), Refusal> {
        let lenient = self.columns[at].decoder.is_lenient();
        let Some(attribute) = &mut self.columns[at].attribute else {
            if let Decoded::Word(rowid) = value {
                self.rowid = Some(rowid as i64);
            }
            return Ok(());
        };
        self.cells[at] = match (value, attribute.kind) {
            (Decoded::Null, _) => Cell::Null,
            (Decoded::Word(word), Kind::Word) => Cell::Word(word),
            (Decoded::Word(word), Kind::Word4) => Cell::Word(word as i32 as i64 as u64),
            (Decoded::Varlena(payload), Kind::Bytes) => push_varlena(&mut self.buffer, &payload)?,
            (Decoded::Varlena(payload), Kind::Converted) => {
                push_converted(&mut self.buffer, &payload, lenient)?
            }
            (Decoded::Uuid(bytes), Kind::Uuid) => {
                let offset = self.buffer.len();
                self.buffer.extend(&bytes)?;
                Cell::Offset(offset)
            }
            (value, _) => match attribute.input.read(&value)? {
                Some(datum) => Cell::Word(datum.value() as u64),
                None => Cell::Null,
            },
        };
        Ok(())
    }

    /// Forgets the last row. Its slot must be cleared, or not looked at any more.
    #[inline]
    pub fn clear(&mut self) {
        self.cells.fill(Cell::Null);
        self.rowid = None;
        self.buffer.clear(KEEP_BYTES);
    }

    /// Puts the row into a slot, which must not be used after the next `clear`.
    ///
    /// # Safety
    /// `slot` is a cleared slot with the descriptor that the row was made for.
    #[inline]
    pub unsafe fn store(&self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: the slot has the descriptor that `new` counted `attributes` of, and so many values and flags; every
        // position was found in that descriptor.
        unsafe {
            let values = std::slice::from_raw_parts_mut((*slot).tts_values, self.attributes);
            let nulls = std::slice::from_raw_parts_mut((*slot).tts_isnull, self.attributes);
            values.fill(pg_sys::Datum::from(0usize));
            nulls.fill(true);
            self.fill(values, nulls);
            // ExecStoreVirtualTuple, without the call.
            (*slot).tts_flags &= !(pg_sys::TTS_FLAG_EMPTY as u16);
            (*slot).tts_nvalid = self.attributes as i16;
            if let Some(rowid) = self.rowid {
                tid::set(&mut (*slot).tts_tid, rowid);
            }
        }
    }

    /// Sets the values that the row has; others stay as they are.
    #[inline]
    pub fn fill(&self, values: &mut [pg_sys::Datum], nulls: &mut [bool]) {
        let base = self.buffer.as_ptr();
        for (column, cell) in self.columns.iter().zip(&self.cells) {
            let Some(Attribute { position, .. }) = column.attribute else { continue };
            let (datum, null) = match *cell {
                Cell::Null => (0, true),
                Cell::Word(word) => (word as usize, false),
                Cell::Offset(offset) => (base as usize + offset, false),
            };
            values[position] = pg_sys::Datum::from(datum);
            nulls[position] = null;
        }
    }
}

/// A header word's worth of bytes, then the payload.
#[inline]
fn push_varlena(buffer: &mut Buffer, payload: &[u8]) -> Result<Cell, OutOfMemory> {
    let offset = buffer.align(VARLENA_ALIGNMENT)?;
    buffer.extend(&varlena_header(payload.len()))?;
    buffer.extend(payload)?;
    Ok(Cell::Offset(offset))
}

/// Text in the server's encoding. What the encoding lacks is an error, or NULL.
#[cold]
fn push_converted(buffer: &mut Buffer, text: &[u8], lenient: bool) -> Result<Cell, Refusal> {
    if text.is_ascii() {
        return Ok(push_varlena(buffer, text)?);
    }
    // Decoders give valid UTF-8 without NUL.
    let text = std::str::from_utf8(text).unwrap_or_default();
    if lenient && encoding::lacking(text).is_some() {
        return Ok(Cell::Null);
    }
    let converted = xact::explaining(|| encoding::bytes_for_server(text))?;
    Ok(push_varlena(buffer, converted)?)
}

impl Kind {
    fn of(attribute: &pg_sys::FormData_pg_attribute) -> Kind {
        match (attribute.atttypid, attribute.attbyval, attribute.attlen) {
            (pg_sys::TEXTOID | pg_sys::VARCHAROID, ..) if !encoding::server_is_utf8() => Kind::Converted,
            (pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BYTEAOID, ..) => Kind::Bytes,
            (pg_sys::UUIDOID, ..) => Kind::Uuid,
            (_, true, 4) => Kind::Word4,
            (_, true, _) => Kind::Word,
            _ => Kind::Other,
        }
    }
}
