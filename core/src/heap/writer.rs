//! Places tuples on pages, one page after the other.

use super::layout::{Layout, Length};
use super::page::{LARGEST_TUPLE, LONGEST_PLAIN_TUPLE, MAXALIGN, Page};
use super::tuple::{self, Cell};
use crate::value::buffer::OutOfMemory;

/// Who inserts the tuples: `xmin` and `cmin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub transaction: u32,
    pub command: u32,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    OnPage,
    /// The server has to make its tuple.
    NotYet,
    /// No page has room for a tuple of so many bytes.
    TooLarge(usize),
}

/// Pages in order. Tuples are added to the last one, where the next batch goes on.
#[derive(Debug)]
pub struct PageWriter {
    layout: Layout,
    stamp: Stamp,
    /// Bytes of each page that the table's fillfactor leaves free.
    reserve: usize,
    pages: Vec<Page>,
    open: bool,
}

impl PageWriter {
    pub fn new(layout: Layout, stamp: Stamp, reserve: usize) -> PageWriter {
        PageWriter { layout, stamp, reserve, pages: vec![], open: false }
    }

    /// Adds a row, whose cells are asked for more than once.
    #[inline]
    pub fn row<'a>(&mut self, cell: impl Fn(usize, Length) -> Cell<'a>) -> Result<Placed, OutOfMemory> {
        let size = match tuple::measure(&self.layout, &cell) {
            Some(size) if size.length <= LONGEST_PLAIN_TUPLE => size,
            _ => return Ok(Placed::NotYet),
        };
        make_room(&mut self.pages, &mut self.open, self.reserve, size.length)?;
        if let Some(page) = self.pages.last_mut() {
            tuple::fill(page.add(size.length), size, &self.layout, self.stamp, cell);
        }
        Ok(Placed::OnPage)
    }

    /// Adds a tuple that the server has made (`HeapTupleHeaderData` and what follows it).
    pub fn tuple(&mut self, bytes: &[u8]) -> Result<Placed, OutOfMemory> {
        if bytes.len() > LARGEST_TUPLE || bytes.len() < tuple::SHORTEST {
            return Ok(Placed::TooLarge(bytes.len()));
        }
        make_room(&mut self.pages, &mut self.open, self.reserve, bytes.len())?;
        if let Some(page) = self.pages.last_mut() {
            let place = page.add(bytes.len());
            place.copy_from_slice(bytes);
            tuple::adopt(place, self.stamp);
        }
        Ok(Placed::OnPage)
    }

    /// Pages that nothing is added to any more.
    pub fn full(&self) -> usize {
        self.pages.len() - usize::from(self.open)
    }

    /// Nothing is added to the last page.
    pub fn close(&mut self) {
        self.open = false;
    }

    /// Takes the pages that nothing is added to any more; `emptied` is used for the next ones.
    pub fn take_full(&mut self, mut emptied: Vec<Page>) -> Result<Vec<Page>, OutOfMemory> {
        emptied.clear();
        let open = if self.open { self.pages.pop() } else { None };
        emptied.try_reserve(1)?;
        emptied.extend(open);
        Ok(std::mem::replace(&mut self.pages, emptied))
    }
}

/// Opens a page where the last one has no room.
fn make_room(
    pages: &mut Vec<Page>,
    open: &mut bool,
    reserve: usize,
    length: usize,
) -> Result<(), OutOfMemory> {
    let needs = length.next_multiple_of(MAXALIGN) + reserve;
    let has_room = |page: &Page| page.free() >= needs;
    if !(*open && pages.last().is_some_and(has_room)) {
        pages.try_reserve(1)?;
        pages.push(Page::default());
        *open = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::layout::Attribute;
    use super::super::page::PAGE_BYTES;
    use super::*;
    use crate::value::batch::varlena_header;

    fn writer(reserve: usize) -> PageWriter {
        let text = Attribute::new(-1, false, 'i', 'x', None).unwrap();
        PageWriter::new(Layout::new(vec![text]).unwrap(), Stamp { transaction: 3, command: 0 }, reserve)
    }

    fn add(writer: &mut PageWriter, payload: usize) -> Placed {
        let text = [&varlena_header(payload)[..], &vec![b'x'; payload]].concat();
        writer.row(|_, _| Cell::Bytes(&text)).unwrap()
    }

    #[test]
    fn a_page_is_full_when_the_next_tuple_does_not_fit() {
        // 24 + 4 + 2004 bytes: the longest tuple; four of them fill a page.
        let mut writer = writer(0);
        for _ in 0..5 {
            assert_eq!(add(&mut writer, 2004), Placed::OnPage);
        }
        assert_eq!(writer.full(), 1);
        let full = writer.take_full(vec![]).unwrap();
        assert_eq!((full.len(), full[0].tuples(), full[0].free()), (1, 4, 20));
        assert_eq!(add(&mut writer, 2005), Placed::NotYet);
        writer.close();
        let last = writer.take_full(full).unwrap();
        assert_eq!((last.len(), last[0].tuples()), (1, 1));
    }

    #[test]
    fn a_fillfactor_leaves_room_and_the_first_tuple_always_fits() {
        let mut writer = writer(PAGE_BYTES / 2);
        (0..3).for_each(|_| assert_eq!(add(&mut writer, 2004), Placed::OnPage));
        writer.close();
        let tuples: Vec<usize> = writer.take_full(vec![]).unwrap().iter().map(Page::tuples).collect();
        assert_eq!(tuples, [2, 1]);
        assert_eq!(writer.tuple(&[0; 8160]).unwrap(), Placed::OnPage);
        assert_eq!(writer.tuple(&[0; 8161]).unwrap(), Placed::TooLarge(8161));
    }

    #[test]
    fn the_smallest_rows_are_as_many_as_a_page_may_have() {
        let mut writer =
            PageWriter::new(Layout::new(vec![]).unwrap(), Stamp { transaction: 3, command: 0 }, 0);
        (0..292).for_each(|_| assert_eq!(writer.row(|_, _| Cell::Null).unwrap(), Placed::OnPage));
        writer.close();
        let tuples: Vec<usize> = writer.take_full(vec![]).unwrap().iter().map(Page::tuples).collect();
        // `MaxHeapTuplesPerPage`.
        assert_eq!(tuples, [291, 1]);
    }
}
