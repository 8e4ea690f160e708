//! One row on its way from the file into a tuple slot.
//!
//! Hot: nothing is allocated per value. What is passed by reference lies in one buffer, which is used again for the
//! next row; a slot's values point into it and are as short-lived as per-tuple memory.
#![deny(clippy::disallowed_methods)]

use pgrx::pg_sys;

use super::input::Input;
use super::tid;
use crate::fdw::seam::Sink;
use crate::pg::encoding;
use pg_sqlite_migrate_core::remote::Output;
use pg_sqlite_migrate_core::value::Decoded;
use pg_sqlite_migrate_core::value::batch::{VARLENA_ALIGNMENT, varlena_header};
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};

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

struct Column {
    /// Position in the tuple; `None` for the rowid.
    position: Option<usize>,
    kind: Kind,
    input: Option<Box<Input>>,
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
        // SAFETY: the caller vouches for the descriptor.
        let desc = unsafe { pgrx::PgTupleDesc::from_pg_unchecked(desc) };
        let columns: Vec<Column> = outputs
            .iter()
            .map(|output| {
                let position = usize::try_from(output.attribute).ok().and_then(|n| n.checked_sub(1));
                match position.and_then(|p| desc.get(p)) {
                    Some(attribute) => Column {
                        position,
                        kind: Kind::of(attribute),
                        input: Some(Box::new(Input::new(
                            attribute.atttypid,
                            attribute.atttypmod,
                            &output.decode,
                        ))),
                    },
                    None => Column { position: None, kind: Kind::Other, input: None },
                }
            })
            .collect();
        let cells = vec![Cell::Null; columns.len()];
        Row { columns, cells, buffer: Buffer::new(), rowid: None, attributes: desc.len() }
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
        // SAFETY: a slot has natts values; every position is below that.
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
            let Some(position) = column.position else { continue };
            let (datum, null) = match *cell {
                Cell::Null => (0, true),
                Cell::Word(word) => (word as usize, false),
                Cell::Offset(offset) => (base as usize + offset, false),
            };
            values[position] = pg_sys::Datum::from(datum);
            nulls[position] = null;
        }
    }

    /// A header word's worth of bytes, then the payload.
    #[inline]
    fn push_varlena(&mut self, payload: &[u8]) -> Result<Cell, OutOfMemory> {
        let offset = self.buffer.align(VARLENA_ALIGNMENT)?;
        self.buffer.extend(&varlena_header(payload.len()))?;
        self.buffer.extend(payload)?;
        Ok(Cell::Offset(offset))
    }

    fn push_uuid(&mut self, bytes: [u8; 16]) -> Result<Cell, OutOfMemory> {
        let offset = self.buffer.len();
        self.buffer.extend(&bytes)?;
        Ok(Cell::Offset(offset))
    }

    /// Text in the server's encoding.
    #[cold]
    fn push_converted(&mut self, text: &[u8]) -> Result<Cell, OutOfMemory> {
        // Decoders give valid UTF-8 without NUL.
        let text = std::str::from_utf8(text).unwrap_or_default();
        self.push_varlena(encoding::bytes_for_server(text))
    }

    fn input(&mut self, output: usize, value: &Decoded<'_>) -> Result<Cell, OutOfMemory> {
        Ok(match self.columns[output].input.as_mut() {
            Some(input) => input.read(value)?.map_or(Cell::Null, |datum| Cell::Word(datum.value() as u64)),
            None => Cell::Null,
        })
    }
}

impl Sink for Row {
    #[inline]
    fn put(&mut self, output: usize, value: Decoded<'_>) -> Result<(), OutOfMemory> {
        let Some(kind) = self.columns.get(output).map(|column| column.kind) else { return Ok(()) };
        let cell = match (value, kind) {
            (Decoded::Null, _) => Cell::Null,
            (Decoded::Word(word), Kind::Word) => Cell::Word(word),
            (Decoded::Word(word), Kind::Word4) => Cell::Word(word as i32 as i64 as u64),
            (Decoded::Varlena(payload), Kind::Bytes) => self.push_varlena(&payload)?,
            (Decoded::Varlena(payload), Kind::Converted) => self.push_converted(&payload)?,
            (Decoded::Uuid(bytes), Kind::Uuid) => self.push_uuid(bytes)?,
            (value, _) => self.input(output, &value)?,
        };
        self.cells[output] = cell;
        Ok(())
    }

    fn put_rowid(&mut self, rowid: i64) {
        self.rowid = Some(rowid);
    }
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
