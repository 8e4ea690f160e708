//! A row as a tuple: header, null bitmap, values one after another at their alignments.

use super::layout::{Attribute, Layout, Length};
use super::page::MAXALIGN;
use super::writer::Stamp;

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Null,
    /// Passed by value: a datum.
    Word(u64),
    /// Passed by reference: all of its bytes, with the header of a varlena.
    Bytes(&'a [u8]),
}

/// `offsetof(HeapTupleHeaderData, t_bits)`.
const HEADER: usize = 23;
/// Offsets in the header.
const XMIN: usize = 0;
const XMAX: usize = 4;
const COMMAND: usize = 8;
const INFOMASK2: usize = 18;
const INFOMASK: usize = 20;
const DATA_OFFSET: usize = 22;

const HAS_NULL: u16 = 0x0001;
const HAS_VARWIDTH: u16 = 0x0002;
const XMAX_INVALID: u16 = 0x0800;
/// `HEAP_XACT_MASK`, `HEAP2_XACT_MASK`.
const OF_TRANSACTION: u16 = 0xfff0;
const OF_TRANSACTION2: u16 = 0xe000;

/// The longest varlena, without its header, that gets a header of one byte.
const LONGEST_SHORT: usize = 126;
const LONG_HEADER: usize = 4;

/// How the bytes of a varlena are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// At the attribute's alignment.
    Long,
    /// With a header of one byte, which it has not yet.
    Shortened,
    /// With the header of one byte that it has.
    Short,
    /// A pointer to a value elsewhere, or no varlena: only the server knows what to do with it.
    Elsewhere,
}

fn stored(attribute: Attribute, bytes: &[u8]) -> Stored {
    let Some(&first) = bytes.first() else { return Stored::Elsewhere };
    let (short, external, plain) = match cfg!(target_endian = "big") {
        true => (first & 0x80 != 0, first == 0x80, first & 0xc0 == 0),
        false => (first & 1 != 0, first == 1, first & 3 == 0),
    };
    match () {
        () if external || (!short && bytes.len() < LONG_HEADER) => Stored::Elsewhere,
        () if short => Stored::Short,
        () if plain && attribute.packable() && bytes.len() - LONG_HEADER <= LONGEST_SHORT => {
            Stored::Shortened
        }
        () => Stored::Long,
    }
}

/// A tuple that is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    data_offset: usize,
    has_null: bool,
    /// Of header and values, as the line pointer has it.
    pub length: usize,
}

/// How long the tuple will be; `None` where the server has to make it.
#[inline]
pub(super) fn measure<'a>(layout: &Layout, cell: impl Fn(usize, Length) -> Cell<'a>) -> Option<Size> {
    let mut end = 0;
    let mut has_null = false;
    for (at, attribute) in layout.attributes().iter().enumerate() {
        end = match (cell(at, attribute.length), attribute.length) {
            (Cell::Null, _) => {
                has_null = true;
                end
            }
            (Cell::Word(_), Length::Word(length)) => attribute.align(end) + usize::from(length),
            (Cell::Bytes(bytes), Length::Fixed(length)) if bytes.len() == usize::from(length) => {
                attribute.align(end) + bytes.len()
            }
            (Cell::Bytes(bytes), Length::Varlena) => match stored(*attribute, bytes) {
                Stored::Long => attribute.align(end).checked_add(bytes.len())?,
                Stored::Shortened => end + bytes.len() - LONG_HEADER + 1,
                Stored::Short => end + bytes.len(),
                Stored::Elsewhere => return None,
            },
            _ => return None,
        };
    }
    let bitmap = if has_null { layout.attributes().len().div_ceil(8) } else { 0 };
    let data_offset = (HEADER + bitmap).next_multiple_of(MAXALIGN);
    Some(Size { data_offset, has_null, length: data_offset.checked_add(end)? })
}

/// Writes the tuple into zeroed bytes of the length that was measured.
#[inline]
pub(super) fn fill<'a>(
    tuple: &mut [u8],
    size: Size,
    layout: &Layout,
    stamp: Stamp,
    cell: impl Fn(usize, Length) -> Cell<'a>,
) {
    let attributes = layout.attributes();
    let mut infomask = XMAX_INVALID | if size.has_null { HAS_NULL } else { 0 };
    let (header, data) = tuple.split_at_mut(size.data_offset);
    let mut end = 0;
    for (at, attribute) in attributes.iter().enumerate() {
        let cell = cell(at, attribute.length);
        if size.has_null && !matches!(cell, Cell::Null) {
            header[HEADER + at / 8] |= 1 << (at % 8);
        }
        match (cell, attribute.length) {
            (Cell::Word(word), Length::Word(length)) => {
                let start = attribute.align(end);
                end = start + usize::from(length);
                let place = &mut data[start..end];
                match length {
                    1 => place.copy_from_slice(&(word as u8).to_ne_bytes()),
                    2 => place.copy_from_slice(&(word as u16).to_ne_bytes()),
                    4 => place.copy_from_slice(&(word as u32).to_ne_bytes()),
                    _ => place.copy_from_slice(&word.to_ne_bytes()),
                }
            }
            (Cell::Bytes(bytes), Length::Varlena) => {
                infomask |= HAS_VARWIDTH;
                let bytes = match stored(*attribute, bytes) {
                    Stored::Shortened => {
                        data[end] = short_header(bytes.len() - LONG_HEADER);
                        end += 1;
                        &bytes[LONG_HEADER..]
                    }
                    Stored::Long => {
                        end = attribute.align(end);
                        bytes
                    }
                    Stored::Short | Stored::Elsewhere => bytes,
                };
                data[end..end + bytes.len()].copy_from_slice(bytes);
                end += bytes.len();
            }
            (Cell::Bytes(bytes), _) => {
                let start = attribute.align(end);
                end = start + bytes.len();
                data[start..end].copy_from_slice(bytes);
            }
            _ => {}
        }
    }
    header[DATA_OFFSET] = size.data_offset as u8;
    put_u16(header, INFOMASK, infomask);
    put_u16(header, INFOMASK2, attributes.len() as u16);
    sign(header, stamp);
}

/// Makes a tuple of the server's one that this transaction inserts.
pub(super) fn adopt(tuple: &mut [u8], stamp: Stamp) {
    let kept = |bytes: &[u8], at: usize, mask: u16| u16::from_ne_bytes([bytes[at], bytes[at + 1]]) & !mask;
    let (infomask, infomask2) =
        (kept(tuple, INFOMASK, OF_TRANSACTION), kept(tuple, INFOMASK2, OF_TRANSACTION2));
    put_u16(tuple, INFOMASK, infomask | XMAX_INVALID);
    put_u16(tuple, INFOMASK2, infomask2);
    sign(tuple, stamp);
}

/// The shortest tuple that the server makes.
pub(super) const SHORTEST: usize = HEADER.next_multiple_of(MAXALIGN);

fn sign(header: &mut [u8], stamp: Stamp) {
    header[XMIN..XMIN + 4].copy_from_slice(&stamp.transaction.to_ne_bytes());
    header[XMAX..XMAX + 4].fill(0);
    header[COMMAND..COMMAND + 4].copy_from_slice(&stamp.command.to_ne_bytes());
}

fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_ne_bytes());
}

/// `SET_VARSIZE_1B`: the length includes the header.
fn short_header(payload: usize) -> u8 {
    let size = payload as u8 + 1;
    if cfg!(target_endian = "big") { size | 0x80 } else { size << 1 | 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { transaction: 0x0102_0304, command: 5 };

    fn layout(attributes: &[(i16, bool, char)]) -> Layout {
        let attribute =
            |&(length, by_value, alignment)| Attribute::new(length, by_value, alignment, 'x').unwrap();
        Layout::new(attributes.iter().map(attribute).collect()).unwrap()
    }

    fn form(layout: &Layout, cells: &[Cell<'_>]) -> Vec<u8> {
        let size = measure(layout, |at, _| cells[at]).unwrap();
        let mut tuple = vec![0; size.length];
        fill(&mut tuple, size, layout, STAMP, |at, _| cells[at]);
        tuple
    }

    fn varlena(payload: &[u8]) -> Vec<u8> {
        [&crate::value::batch::varlena_header(payload.len())[..], payload].concat()
    }

    #[test]
    fn values_stand_at_their_alignments_and_short_ones_right_behind_each_other() {
        let layout =
            layout(&[(1, true, 'c'), (8, true, 'd'), (-1, false, 'i'), (-1, false, 'i'), (16, false, 'c')]);
        let (text, long) = (varlena(b"ab"), varlena(&[7; 127]));
        let cells =
            [Cell::Word(1), Cell::Word(2), Cell::Bytes(&text), Cell::Bytes(&long), Cell::Bytes(&[9; 16])];
        let tuple = form(&layout, &cells);
        let data = &tuple[24..];
        assert_eq!(data[..16], [&[1, 0, 0, 0, 0, 0, 0, 0][..], &2u64.to_ne_bytes()].concat());
        assert_eq!(data[16..20], [short_header(2), b'a', b'b', 0]);
        assert_eq!(data[20..], [&long[..], &[9; 16]].concat());
        assert_eq!(
            tuple[..12],
            [&STAMP.transaction.to_ne_bytes()[..], &[0; 4], &5u32.to_ne_bytes()].concat()
        );
        assert_eq!(tuple[18..22], [5u16.to_ne_bytes(), 0x0802u16.to_ne_bytes()].concat());
        assert_eq!((tuple[22], tuple.len()), (24, 24 + 20 + 131 + 16));
    }

    #[test]
    fn nulls_take_a_bit_and_no_room() {
        let layout = layout(&[(4, true, 'i'); 9]);
        let mut cells = [Cell::Null; 9];
        cells[8] = Cell::Word(6);
        let tuple = form(&layout, &cells);
        assert_eq!((&tuple[23..25], tuple[22], tuple.len()), (&[0, 1][..], 32, 36));
        assert_eq!(tuple[20..22], 0x0801u16.to_ne_bytes());
    }

    #[test]
    fn what_only_the_server_knows_is_left_to_it() {
        let layout = layout(&[(-1, false, 'i')]);
        let external = if cfg!(target_endian = "big") { 0x80 } else { 1 };
        for bytes in [&[external, 18, 0, 0][..], &[], &[0, 0]] {
            assert_eq!(measure(&layout, |_, _| Cell::Bytes(bytes)), None, "{bytes:?}");
        }
        assert_eq!(measure(&layout, |_, _| Cell::Word(1)), None);
    }

    #[test]
    fn a_tuple_of_the_server_gets_who_inserts_it_and_keeps_the_rest() {
        let mut tuple = vec![0xff; 24];
        adopt(&mut tuple, STAMP);
        assert_eq!(tuple[18..22], [0x1fffu16.to_ne_bytes(), 0x080fu16.to_ne_bytes()].concat());
        assert_eq!(tuple[4..8], [0; 4]);
    }
}
