//! Compresses the long values of rows that would be too long, as the server would when it stored them.

mod pglz;

use self::pglz::Pglz;
use super::form;
use super::layout::{Layout, Length, Method};
use super::page::LONGEST_PLAIN_TUPLE;
use super::tuple::{self, Cell};
use crate::value::batch::Batch;
use crate::value::buffer::OutOfMemory;

/// `va_tcinfo`: the method's number stands above the value's length.
const METHOD_SHIFT: u32 = 30;
/// `VARHDRSZ`, and with it `sizeof(va_tcinfo)`.
const HEADER: usize = 4;
const COMPRESSED_HEADER: usize = 8;

/// `t_hoff` of a tuple without NULLs.
const HEADER_AND_NULLS: usize = 24;
/// What stays of a value that leaves its tuple, `TOAST_POINTER_SIZE`; here as a short varlena.
const POINTER: [u8; 18] = [if cfg!(target_endian = "big") { 0x80 | 18 } else { 18 << 1 | 1 }; 18];
/// A shorter value gains nothing by leaving its tuple.
const LEAST: usize = POINTER.len().next_multiple_of(8);
/// A longer value is left to the server: a cancel waits for one value at most, and its memory is taken once.
const MOST: usize = 16 << 20;
/// Memory that is kept from one value to the next.
const KEPT: usize = 1 << 20;

/// Compresses values of one relation's rows, one batch after the other.
pub struct Compressor {
    layout: Layout,
    pglz: Pglz,
    compressed: Vec<u8>,
    /// Of the row at hand, by column.
    done: Vec<Done>,
}

/// What has been done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Nothing,
    Tried,
    /// It will leave its tuple.
    Gone,
}

impl Compressor {
    /// `None` where no column's values are compressed.
    pub fn new(layout: Layout) -> Option<Compressor> {
        let any = layout.attributes().iter().any(|attribute| attribute.compression().is_some());
        any.then(|| Compressor { layout, pglz: Pglz::new(), compressed: vec![], done: vec![] })
    }

    /// Compresses values of a batch that is not sealed, whose columns are the relation's attributes in order.
    pub fn run(&mut self, batch: &mut Batch) -> Result<(), OutOfMemory> {
        // Without the padding between values, of which a long value needs none that matters.
        let fixed = HEADER_AND_NULLS + batch.width() * size_of::<u64>();
        if batch.longest_row() + fixed <= LONGEST_PLAIN_TUPLE {
            return Ok(());
        }
        (0..batch.rows()).try_for_each(|row| self.run_row(batch, row))
    }

    /// As the server does it: the longest value first, until the tuple is short enough; what is longer than a whole tuple, even
    /// compressed, will leave it.
    fn run_row(&mut self, batch: &mut Batch, row: usize) -> Result<(), OutOfMemory> {
        self.done.clear();
        self.done.resize(batch.width(), Done::Nothing);
        while let Some((column, offset, mut length)) = self.longest(batch, row) {
            let method = self.layout.attributes().get(column).and_then(|a| a.compression());
            if let Some(method) = method.filter(|_| length <= MOST) {
                let (_, _, bytes) = batch.cells();
                let value = bytes.get(offset + HEADER..offset + length).unwrap_or_default();
                self.compressed.clear();
                if compress(&mut self.pglz, method, value, &mut self.compressed)? {
                    length = self.compressed.len();
                    batch.replace(row, column, &self.compressed)?;
                }
                self.compressed.shrink_to(KEPT);
            }
            let leaves = length > LONGEST_PLAIN_TUPLE - HEADER_AND_NULLS;
            if let Some(done) = self.done.get_mut(column) {
                *done = if leaves { Done::Gone } else { Done::Tried };
            }
        }
        Ok(())
    }

    /// The longest value of a row that is too long: its column, and where it is in the batch's bytes.
    fn longest(&self, batch: &Batch, row: usize) -> Option<(usize, usize, usize)> {
        let (words, nulls, bytes) = batch.cells();
        let start = row * batch.width();
        let (words, nulls) = (words.get(start..)?, nulls.get(start..)?);
        let cell = |at: usize, length: Length| match self.done.get(at) {
            Some(Done::Gone) => Cell::Bytes(&POINTER),
            _ => form::cell(words, nulls, bytes, at, length),
        };
        if tuple::measure(&self.layout, cell)?.length <= LONGEST_PLAIN_TUPLE {
            return None;
        }
        let candidates = self.layout.attributes().iter().enumerate().zip(&self.done);
        let candidates = candidates.filter(|((_, a), done)| a.moves_out() && **done == Done::Nothing);
        let values = candidates.filter_map(|((at, attribute), _)| match cell(at, attribute.length) {
            Cell::Bytes(value) => Some((at, *words.get(at)? as usize, value.len())),
            _ => None,
        });
        values.filter(|(_, _, length)| *length > LEAST).max_by_key(|(_, _, length)| *length)
    }
}

/// Appends a value with the header of a compressed one; `false`, and nothing, where it does not get shorter.
fn compress(pglz: &mut Pglz, method: Method, value: &[u8], out: &mut Vec<u8>) -> Result<bool, OutOfMemory> {
    out.try_reserve(COMPRESSED_HEADER)?;
    out.extend([0; COMPRESSED_HEADER]);
    let made = match method {
        Method::Pglz => pglz.compress(value, out)?,
        Method::Lz4 => lz4(value, out)?,
    };
    // As the server: two bytes are to be saved.
    if !made || out.len() + 2 >= value.len() + HEADER {
        out.clear();
        return Ok(false);
    }
    let length = out.len() as u32;
    let info = value.len() as u32 | (method as u32) << METHOD_SHIFT;
    let header = if cfg!(target_endian = "big") { length | 0x4000_0000 } else { length << 2 | 2 };
    out[..HEADER].copy_from_slice(&header.to_ne_bytes());
    out[HEADER..COMPRESSED_HEADER].copy_from_slice(&info.to_ne_bytes());
    Ok(true)
}

fn lz4(value: &[u8], out: &mut Vec<u8>) -> Result<bool, OutOfMemory> {
    let start = out.len();
    let most = lz4_flex::block::get_maximum_output_size(value.len());
    out.try_reserve(most)?;
    out.resize(start + most, 0);
    let length = lz4_flex::block::compress_into(value, &mut out[start..]).unwrap_or(0);
    out.truncate(start + length);
    Ok(length > 0)
}
