//! Rows of a batch onto pages.

use super::layout::Length;
use super::tuple::Cell;
use super::writer::{PageWriter, Placed};
use crate::value::batch::Batch;
use crate::value::buffer::OutOfMemory;

/// Places the first rows of a batch that is not sealed, whose columns are the relation's attributes in order; returns how
/// many. The rows from there on are the server's to write: the first of them needs it.
pub fn form(batch: &Batch, writer: &mut PageWriter) -> Result<usize, OutOfMemory> {
    let (words, nulls, bytes) = batch.cells();
    let width = batch.width();
    if width == 0 {
        return Ok(0);
    }
    let rows = words.chunks_exact(width).zip(nulls.chunks_exact(width)).take(batch.rows());
    for (row, (words, nulls)) in rows.enumerate() {
        if writer.row(|at, length| cell(words, nulls, bytes, at, length))? != Placed::OnPage {
            return Ok(row);
        }
    }
    Ok(batch.rows())
}

/// A value of a row of a batch that is not sealed.
#[inline]
pub(super) fn cell<'a>(
    words: &[u64],
    nulls: &[bool],
    bytes: &'a [u8],
    at: usize,
    length: Length,
) -> Cell<'a> {
    match (nulls.get(at), words.get(at), length) {
        (Some(false), Some(word), Length::Word(_)) => Cell::Word(*word),
        (Some(false), Some(offset), length) => referred(bytes, *offset as usize, length),
        _ => Cell::Null,
    }
}

/// The value that starts at an offset of a batch's bytes.
#[inline]
fn referred(bytes: &[u8], offset: usize, length: Length) -> Cell<'_> {
    let rest = bytes.get(offset..).unwrap_or_default();
    let length = match length {
        Length::Fixed(length) => usize::from(length),
        _ => rest.first_chunk().map_or(0, varlena_size),
    };
    Cell::Bytes(rest.get(..length).unwrap_or_default())
}

/// `VARSIZE_4B`.
fn varlena_size(header: &[u8; 4]) -> usize {
    let word = u32::from_ne_bytes(*header);
    (if cfg!(target_endian = "big") { word & 0x3fff_ffff } else { word >> 2 }) as usize
}
