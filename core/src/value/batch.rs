//! The batch: rows decoded from SQLite, laid out as the server needs them, passed from the reader thread to the
//! backend.
//!
//! Words are row-major, one `Datum` each. Values that are passed by reference are in `bytes`, and their words are
//! offsets until [`Batch::seal`] turns them into addresses. A batch is filled, sealed, consumed and then used again;
//! its buffers are not freed in between.
#![deny(clippy::disallowed_methods)]

use std::fmt;
use std::sync::Arc;

use super::buffer::{self, Buffer, OutOfMemory};
use super::{Decoded, Wire};

/// The size in bytes at which a batch is full: large enough to amortise passing it on, small enough to stay in the
/// cache.
pub const TARGET_BYTES: usize = 512 * 1024;

/// The longest value that is loaded, in bytes: the server's limit is 1 GB with what else is in the row, and a value must be
/// printed again.
pub const LARGEST_VALUE: usize = (1 << 30) - 1024;

/// What happens to a cell that does not fit its column (`on_invalid` in the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    #[default]
    Error,
    /// The cell becomes NULL.
    Null,
    /// The whole row goes to the reject log.
    Reject,
    /// Decided before the load: the column became text (or bytea). A value that does not fit is then an error.
    Text,
}

/// What identifies a row in SQLite: `rowid 7`, or the primary key's values if there is no rowid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowName {
    Rowid(i64),
    Key(String),
}

impl RowName {
    /// Memory beside its own, in bytes.
    fn held(&self) -> usize {
        match self {
            RowName::Rowid(_) => 0,
            RowName::Key(key) => key.capacity(),
        }
    }

    pub fn rowid(&self) -> Option<i64> {
        match self {
            RowName::Rowid(rowid) => Some(*rowid),
            RowName::Key(_) => None,
        }
    }
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowName::Rowid(rowid) => write!(f, "rowid {rowid}"),
            RowName::Key(key) => f.write_str(key),
        }
    }
}

/// What the batch keeps of the source rows for the backend, which converts some cells itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    Nothing,
    /// The row's name, for an error.
    Names,
    /// Name and values, for the reject log.
    Rows,
}

/// What identifies a source row, and its values as a JSON object if they are kept.
#[derive(Debug, PartialEq)]
pub struct Origin {
    pub row: RowName,
    pub values: Buffer,
}

/// A row that was not loaded, with what the reject log keeps of it.
#[derive(Debug, PartialEq)]
pub struct RejectedRow {
    pub row: RowName,
    /// JSON: source column name -> value; BLOBs and broken text as `{"blob": "hex"}`.
    pub values: Buffer,
    /// The source column that did not fit.
    pub column: String,
    pub error: String,
}

/// What became of a value that is not loaded as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// NULL, because it does not fit.
    Null,
    /// NULL, because the plan's `null_values` list it.
    MeantNull,
    /// It was rounded or cut.
    Shortened,
    /// A text was read in another encoding or without NUL characters.
    Converted,
}

#[derive(Debug, Default)]
pub struct Batch {
    wires: Arc<[Wire]>,
    rows: usize,
    words: Vec<u64>,
    nulls: Vec<bool>,
    bytes: Buffer,
    /// Bytes used by complete rows, for [`Batch::drop_row`].
    complete_bytes: usize,
    longest_row: usize,
    sealed: bool,
    /// The source rows' identities and values; filled only if the backend may have to report one.
    pub origins: Vec<Origin>,
    pub rejected: Vec<RejectedRow>,
    /// The row to report if memory for the batch runs out: a row so large that it is the batch's last.
    pub large: Option<RowName>,
    /// Values that are not as in the file: row, column, and what became of them.
    changes: Vec<(usize, usize, Became)>,
    /// Bytes of SQLite values in this batch's rows.
    pub source_bytes: u64,
    /// The size in bytes of rows that are kept for the log.
    held: usize,
}

impl Batch {
    /// An empty batch for rows of `wires.len()` columns.
    pub fn new(wires: Arc<[Wire]>) -> Batch {
        Batch { wires, ..Batch::default() }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn width(&self) -> usize {
        self.wires.len()
    }

    /// Whether the batch is full.
    pub fn is_full(&self) -> bool {
        self.size() >= TARGET_BYTES || self.rejected.len() >= 1000
    }

    /// The memory of the batch that depends on its rows, in bytes.
    pub fn size(&self) -> usize {
        let changes = self.changes.len() * size_of::<(usize, usize, Became)>();
        self.bytes.len() + self.words.len() * size_of::<u64>() + self.nulls.len() + changes + self.held
    }

    /// Keeps the identity, and perhaps the values, of the current row.
    pub fn keep(&mut self, origin: Origin) -> Result<(), OutOfMemory> {
        self.held += size_of::<Origin>() + origin.row.held() + origin.values.capacity();
        buffer::push(&mut self.origins, origin)
    }

    /// Takes what was kept of a row; it is available once.
    pub fn take_origin(&mut self, row: usize) -> Option<Origin> {
        let nobody = Origin { row: RowName::Key(String::new()), values: Buffer::new() };
        self.origins.get_mut(row).map(|origin| std::mem::replace(origin, nobody))
    }

    /// Adds a rejected row.
    pub fn reject(&mut self, row: RejectedRow) -> Result<(), OutOfMemory> {
        let texts = row.column.capacity() + row.error.capacity();
        self.held += size_of::<RejectedRow>() + row.row.held() + row.values.capacity() + texts;
        buffer::push(&mut self.rejected, row)
    }

    /// Appends the next cell of the current row.
    #[inline]
    pub fn push(&mut self, value: Decoded<'_>) -> Result<(), OutOfMemory> {
        match value {
            Decoded::Word(word) => self.push_word(word),
            Decoded::Null => self.push_null(),
            Decoded::Varlena(payload) => return self.push_varlena(&payload),
            Decoded::Uuid(bytes) => return self.push_uuid(&bytes),
            Decoded::Input(text) => return self.push_input(text.as_bytes()),
        }
        Ok(())
    }

    /// Appends a varlena, with a four-byte header; its start is aligned as `int4`.
    #[inline]
    pub fn push_varlena(&mut self, payload: &[u8]) -> Result<(), OutOfMemory> {
        let start = self.bytes.extend_aligned(VARLENA_ALIGNMENT, varlena_header(payload.len()), payload)?;
        self.push_word(start as u64);
        Ok(())
    }

    #[inline]
    pub fn push_uuid(&mut self, bytes: &[u8; 16]) -> Result<(), OutOfMemory> {
        let offset = self.bytes.len() as u64;
        self.bytes.extend(bytes)?;
        self.push_word(offset);
        Ok(())
    }

    /// Appends text for the type's input function, as a C string. `text` holds no NUL.
    pub fn push_input(&mut self, text: &[u8]) -> Result<(), OutOfMemory> {
        let offset = self.bytes.len() as u64;
        self.bytes.extend(text)?;
        self.bytes.extend(&[0])?;
        self.push_word(offset);
        Ok(())
    }

    /// Appends a datum. Words are few: a batch is full when they are 512 kB.
    #[inline]
    pub fn push_word(&mut self, word: u64) {
        self.words.push(word);
        self.nulls.push(false);
    }

    #[inline]
    pub fn push_null(&mut self) {
        self.words.push(0);
        self.nulls.push(true);
    }

    /// The current row is complete.
    pub fn end_row(&mut self) {
        self.rows += 1;
        self.longest_row = self.longest_row.max(self.bytes.len() - self.complete_bytes);
        self.complete_bytes = self.bytes.len();
    }

    /// Notes what became of a value of the current row, or of a complete one.
    pub fn note(&mut self, row: usize, column: usize, became: Became) -> Result<(), OutOfMemory> {
        buffer::push(&mut self.changes, (row, column, became))
    }

    /// What became of values of the batch's rows, by column.
    pub fn changes(&self) -> impl Iterator<Item = (usize, Became)> {
        self.changes.iter().map(|(_, column, became)| (*column, *became))
    }

    /// Removes the cells of the current row that were pushed.
    pub fn drop_row(&mut self) {
        let cells = self.rows * self.width();
        self.words.truncate(cells);
        self.nulls.truncate(cells);
        self.bytes.truncate(self.complete_bytes);
        let complete = self.changes.iter().take_while(|(row, _, _)| *row < self.rows).count();
        self.changes.truncate(complete);
    }

    /// Whether words of references are addresses.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Turns offsets into addresses. Must not be followed by a push before the next [`Batch::clear`].
    pub fn seal(&mut self) {
        if self.sealed || self.width() == 0 {
            return;
        }
        let base = self.bytes.as_ptr() as u64;
        let by_reference: Vec<usize> =
            (0..self.width()).filter(|&i| self.wires.get(i).is_some_and(|w| *w != Wire::Word)).collect();
        for row in self.words.chunks_exact_mut(self.wires.len()) {
            for &column in &by_reference {
                row[column] += base;
            }
        }
        self.sealed = true;
    }

    /// The words and null flags of all rows, row-major, for a sink that may overwrite them.
    pub fn cells_mut(&mut self) -> (&mut [u64], &mut [bool]) {
        (&mut self.words, &mut self.nulls)
    }

    /// The same of a batch that is not sealed, and the bytes that words of references count from.
    pub fn cells(&self) -> (&[u64], &[bool], &[u8]) {
        (&self.words, &self.nulls, self.bytes.bytes())
    }

    /// Bytes of the values of the longest row that are passed by reference.
    pub fn longest_row(&self) -> usize {
        self.longest_row
    }

    /// Puts another varlena, all of its bytes, in place of a row's. Not of a sealed batch.
    pub fn replace(&mut self, row: usize, column: usize, varlena: &[u8]) -> Result<(), OutOfMemory> {
        let start = self.bytes.align(VARLENA_ALIGNMENT)?;
        self.bytes.extend(varlena)?;
        self.complete_bytes = self.bytes.len();
        let at = row * self.width() + column;
        self.words.get_mut(at).into_iter().for_each(|word| *word = start as u64);
        Ok(())
    }

    /// Removes whole rows (ascending positions) from a sealed batch.
    pub fn remove_rows(&mut self, positions: &[usize]) {
        let width = self.width();
        let mut gone = positions.iter().copied().peekable();
        let mut kept = 0;
        for row in 0..self.rows {
            if gone.peek() == Some(&row) {
                gone.next();
                continue;
            }
            if kept != row {
                self.words.copy_within(row * width..(row + 1) * width, kept * width);
                self.nulls.copy_within(row * width..(row + 1) * width, kept * width);
                if row < self.origins.len() {
                    self.origins.swap(kept, row);
                }
            }
            kept += 1;
        }
        self.changes.retain(|(row, _, _)| positions.binary_search(row).is_err());
        self.rows = kept;
        self.words.truncate(kept * width);
        self.nulls.truncate(kept * width);
        self.origins.truncate(kept);
    }

    /// Clears the batch for its next use; frees an unusually large buffer.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.words.clear();
        self.nulls.clear();
        self.bytes.clear(2 * TARGET_BYTES);
        self.complete_bytes = 0;
        self.longest_row = 0;
        self.origins.clear();
        self.rejected.clear();
        self.large = None;
        self.changes.clear();
        self.source_bytes = 0;
        self.held = 0;
        self.sealed = false;
    }
}

/// `typalign` of `text` and `bytea`, which a [`Buffer`]'s own alignment is a multiple of.
pub const VARLENA_ALIGNMENT: usize = 4;

/// `SET_VARSIZE_4B` of postgres.h: the length includes the header.
pub fn varlena_header(payload: usize) -> [u8; 4] {
    let size = payload as u32 + 4;
    if cfg!(target_endian = "big") { (size & 0x3FFF_FFFF).to_ne_bytes() } else { (size << 2).to_ne_bytes() }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn batch() -> Batch {
        Batch::new(Arc::from([Wire::Word, Wire::Varlena]))
    }

    fn push(batch: &mut Batch, number: u64, text: &str) {
        batch.push(Decoded::Word(number)).unwrap();
        batch.push(Decoded::Varlena(Cow::Borrowed(text.as_bytes()))).unwrap();
        batch.end_row();
    }

    #[test]
    fn a_dropped_row_leaves_nothing() {
        let mut b = batch();
        push(&mut b, 1, "a");
        b.push(Decoded::Word(2)).unwrap();
        b.push(Decoded::Varlena(Cow::Borrowed(b"long gone"))).unwrap();
        b.drop_row();
        push(&mut b, 3, "c");
        assert_eq!((b.rows(), b.words.len(), b.bytes.len()), (2, 4, 13));
        assert_eq!(b.words[2], 3);
    }

    #[test]
    fn what_became_of_values_goes_with_their_rows() {
        let mut b = batch();
        b.note(0, 1, Became::Null).unwrap();
        push(&mut b, 1, "a");
        b.note(1, 0, Became::Shortened).unwrap();
        b.drop_row();
        push(&mut b, 2, "b");
        b.note(1, 1, Became::Converted).unwrap();
        assert_eq!(b.changes().collect::<Vec<_>>(), [(1, Became::Null), (1, Became::Converted)]);
        b.seal();
        b.remove_rows(&[0]);
        assert_eq!(b.changes().collect::<Vec<_>>(), [(1, Became::Converted)]);
    }

    #[test]
    fn sealing_turns_offsets_of_references_into_addresses() {
        let mut b = batch();
        push(&mut b, 7, "abc");
        push(&mut b, 8, "d");
        let base = b.bytes.as_ptr() as u64;
        b.seal();
        assert_eq!(b.words, [7, base, 8, base + 8]);
        assert_eq!(b.bytes.bytes()[8..12], varlena_header(1));
    }

    #[test]
    fn removed_rows_close_the_gap() {
        let mut b = batch();
        for n in 0..5 {
            push(&mut b, n, "x");
        }
        b.seal();
        b.remove_rows(&[0, 3]);
        let (words, _) = b.cells_mut();
        assert_eq!(words.chunks(2).map(|r| r[0]).collect::<Vec<_>>(), [1, 2, 4]);
    }
}
