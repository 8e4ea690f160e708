//! A page: its header, line pointers that grow upwards, tuples that grow downwards.

/// `BLCKSZ` of every packaged server.
pub const PAGE_BYTES: usize = 8192;
/// Tuples start at a multiple of it.
pub(super) const MAXALIGN: usize = 8;
/// `SizeOfPageHeaderData`.
const HEADER: usize = 24;
/// `sizeof(ItemIdData)`.
const ITEM: usize = 4;
/// `PG_PAGE_LAYOUT_VERSION`, beside the page's size.
const LAYOUT_VERSION: u16 = 4;
/// `LP_NORMAL`.
const NORMAL: u32 = 1;
/// `MaxHeapTupleSize`: a page that has nothing else.
pub const LARGEST_TUPLE: usize = PAGE_BYTES - (HEADER + ITEM).next_multiple_of(MAXALIGN);
/// `TOAST_TUPLE_THRESHOLD`: a quarter of a page. Of a longer tuple the server compresses or moves out values.
pub const LONGEST_PLAIN_TUPLE: usize =
    ((PAGE_BYTES - (HEADER + 4 * ITEM).next_multiple_of(MAXALIGN)) / 4) / MAXALIGN * MAXALIGN;

/// Offsets within the header.
const LOWER: usize = 12;
const UPPER: usize = 14;
const SPECIAL: usize = 16;
const SIZE_VERSION: usize = 18;
/// Where a tuple has its `t_ctid`: two halves of a block's number, the high one first, and a line pointer's.
const TUPLE_PLACE: usize = 12;

/// Aligned for direct input and output (`PG_IO_ALIGN_SIZE`).
#[repr(C, align(4096))]
#[derive(Debug, Clone)]
pub struct Page {
    bytes: [u8; PAGE_BYTES],
}

impl Default for Page {
    /// An empty page.
    fn default() -> Page {
        let mut page = Page { bytes: [0; PAGE_BYTES] };
        page.put_u16(LOWER, HEADER as u16);
        page.put_u16(UPPER, PAGE_BYTES as u16);
        page.put_u16(SPECIAL, PAGE_BYTES as u16);
        page.put_u16(SIZE_VERSION, PAGE_BYTES as u16 | LAYOUT_VERSION);
        page
    }
}

impl Page {
    pub fn bytes(&self) -> &[u8; PAGE_BYTES] {
        &self.bytes
    }

    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// How many tuples it has.
    pub fn tuples(&self) -> usize {
        (self.u16(LOWER).saturating_sub(HEADER)) / ITEM
    }

    /// Bytes for one more tuple, besides its line pointer.
    pub(super) fn free(&self) -> usize {
        (self.u16(UPPER) - self.u16(LOWER)).saturating_sub(ITEM)
    }

    /// Zeros for a tuple, for which there is room.
    pub(super) fn add(&mut self, length: usize) -> &mut [u8] {
        let (lower, upper) = (self.u16(LOWER), self.u16(UPPER));
        let start = upper - length.next_multiple_of(MAXALIGN);
        self.bytes[lower..lower + ITEM].copy_from_slice(&item(start, length));
        self.put_u16(LOWER, (lower + ITEM) as u16);
        self.put_u16(UPPER, start as u16);
        &mut self.bytes[start..start + length]
    }

    /// Makes it the relation's block of this number: every tuple says where it stands (`t_ctid`).
    pub fn set_block(&mut self, block: u32) {
        let [high, low] = [(block >> 16) as u16, block as u16].map(u16::to_ne_bytes);
        for (at, number) in (HEADER..self.u16(LOWER)).step_by(ITEM).zip(1u16..) {
            let place = start_of(&self.bytes[at..at + ITEM]) + TUPLE_PLACE;
            self.bytes[place..place + 2].copy_from_slice(&high);
            self.bytes[place + 2..place + 4].copy_from_slice(&low);
            self.bytes[place + 4..place + 6].copy_from_slice(&number.to_ne_bytes());
        }
    }

    fn u16(&self, at: usize) -> usize {
        usize::from(u16::from_ne_bytes([self.bytes[at], self.bytes[at + 1]]))
    }

    fn put_u16(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_ne_bytes());
    }
}

/// `ItemIdData`, a word of bit fields: offset (15 bits), state (2), length (15), which compilers lay out from the end that
/// is the machine's first.
fn item(offset: usize, length: usize) -> [u8; ITEM] {
    let (offset, length) = (offset as u32, length as u32);
    let word = match cfg!(target_endian = "big") {
        true => offset << 17 | NORMAL << 15 | length,
        false => offset | NORMAL << 15 | length << 17,
    };
    word.to_ne_bytes()
}

fn start_of(item: &[u8]) -> usize {
    let word = item.try_into().map_or(0, u32::from_ne_bytes);
    let offset = if cfg!(target_endian = "big") { word >> 17 } else { word & 0x7fff };
    offset as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_server() {
        assert_eq!((LARGEST_TUPLE, LONGEST_PLAIN_TUPLE), (8160, 2032));
        let page = Page::default();
        assert_eq!((page.tuples(), page.free()), (0, 8164));
        assert_eq!(page.bytes().as_ptr() as usize % 4096, 0);
    }

    #[test]
    fn tuples_stand_one_before_the_other_and_know_their_place() {
        let mut page = Page::default();
        page.add(28).fill(1);
        page.add(25).fill(2);
        assert_eq!((page.tuples(), page.free()), (2, 8192 - 24 - 8 - 64 - 4));
        page.set_block(0x0001_0002);
        let second = &page.bytes()[8192 - 64..][..25];
        assert_eq!(second[12..18], [1u16, 2, 2].map(u16::to_ne_bytes).concat());
        assert_eq!(start_of(&page.bytes()[24..28]), 8192 - 32);
    }
}
