//! Fallible allocation of memory whose size depends on a value: an abort of the process would end every session.
//!
//! Pure. Code whose output depends on the size of a cell, a row, a reject or a plan writes into a [`Buffer`], or into a
//! `String` or `Vec` with the functions here. If they cannot allocate, they return [`OutOfMemory`]; the caller adds
//! table, column and row.

use std::borrow::Cow;
use std::collections::TryReserveError;
use std::{fmt, io};

use zerocopy::IntoBytes;

/// SQLSTATE 53200.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, thiserror::Error)]
#[error("out of memory")]
pub struct OutOfMemory;

impl From<TryReserveError> for OutOfMemory {
    fn from(_: TryReserveError) -> OutOfMemory {
        OutOfMemory
    }
}

/// The only error of writing to a [`Buffer`].
impl From<fmt::Error> for OutOfMemory {
    fn from(_: fmt::Error) -> OutOfMemory {
        OutOfMemory
    }
}

/// Bytes with the alignment that the server needs for values of any type (`MAXALIGN`).
///
/// The words behind `length` stay initialised, so that a buffer that is filled repeatedly is not cleared each time.
#[derive(Debug, Default)]
pub struct Buffer {
    words: Vec<u64>,
    length: usize,
}

/// The alignment of a buffer's first byte, in bytes.
pub const ALIGNMENT: usize = align_of::<u64>();

impl Buffer {
    pub fn new() -> Buffer {
        Buffer::default()
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that it occupies.
    pub fn capacity(&self) -> usize {
        self.words.len() * ALIGNMENT
    }

    pub fn bytes(&self) -> &[u8] {
        self.words.as_bytes().get(..self.length).unwrap_or_default()
    }

    /// The written bytes as text, if only text was written.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// The address of the first byte, until the next one is written.
    pub fn as_ptr(&self) -> *const u8 {
        self.words.as_ptr().cast()
    }

    /// Appends.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        let start = self.length;
        let end = start.checked_add(bytes.len()).ok_or(OutOfMemory)?;
        if end > self.capacity() {
            self.grow(end)?;
        }
        if let Some(place) = self.words.as_mut_bytes().get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
        self.length = end;
        Ok(())
    }

    /// Pads to the next multiple of `alignment`, a power of two up to [`ALIGNMENT`]; returns the position.
    #[inline]
    pub fn align(&mut self, alignment: usize) -> Result<usize, OutOfMemory> {
        let padding = self.length.next_multiple_of(alignment) - self.length;
        self.extend([0; ALIGNMENT].get(..padding).unwrap_or_default())?;
        Ok(self.length)
    }

    /// Pads to the next multiple of `alignment`, a power of two up to [`ALIGNMENT`], and appends both; returns where the first
    /// begins.
    #[inline]
    pub fn extend_aligned(
        &mut self,
        alignment: usize,
        head: [u8; 4],
        rest: &[u8],
    ) -> Result<usize, OutOfMemory> {
        let start = self.length.next_multiple_of(alignment);
        let end =
            start.checked_add(head.len()).and_then(|end| end.checked_add(rest.len())).ok_or(OutOfMemory)?;
        if end > self.capacity() {
            self.grow(end)?;
        }
        if let Some(place) = self.words.as_mut_bytes().get_mut(self.length..end)
            && let Some((padding, place)) = place.split_at_mut_checked(start - self.length)
            && let Some((first, place)) = place.split_first_chunk_mut::<4>()
        {
            padding.fill(0);
            *first = head;
            place.copy_from_slice(rest);
        }
        self.length = end;
        Ok(start)
    }

    /// Reserves space for this many bytes in all; doubles the buffer if it grows by little.
    #[cold]
    fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let words = bytes.div_ceil(ALIGNMENT);
        let more = words - self.words.len();
        // If doubling fails, the exact size may still succeed.
        if self.words.try_reserve(more).is_err() {
            self.words.try_reserve_exact(more)?;
        }
        // A small buffer initialises all of its memory, a large one only the pages that it uses.
        let ready = if words < 1 << 16 { self.words.capacity() } else { words };
        self.words.resize(ready, 0);
        Ok(())
    }

    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Clears the buffer; frees its memory beyond `keep` bytes.
    pub fn clear(&mut self, keep: usize) {
        self.length = 0;
        if self.capacity() > keep {
            self.words.truncate(keep / ALIGNMENT);
            self.words.shrink_to(keep / ALIGNMENT);
        }
    }
}

/// Two buffers are equal if their written bytes are.
impl PartialEq for Buffer {
    fn eq(&self, other: &Buffer) -> bool {
        self.bytes() == other.bytes()
    }
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A copy of a text.
pub fn text(text: &str) -> Result<String, OutOfMemory> {
    let mut copy = String::new();
    append(&mut copy, text)?;
    Ok(copy)
}

/// A copy of a list of bytes.
pub fn bytes(bytes: &[u8]) -> Result<Vec<u8>, OutOfMemory> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// The text itself, or a copy of what was borrowed.
pub fn owned_text(from: Cow<'_, str>) -> Result<String, OutOfMemory> {
    match from {
        Cow::Borrowed(borrowed) => text(borrowed),
        Cow::Owned(owned) => Ok(owned),
    }
}

/// The same of bytes.
pub fn owned_bytes(from: Cow<'_, [u8]>) -> Result<Vec<u8>, OutOfMemory> {
    match from {
        Cow::Borrowed(borrowed) => bytes(borrowed),
        Cow::Owned(owned) => Ok(owned),
    }
}

/// Appends to a text.
#[inline]
pub fn append(text: &mut String, more: &str) -> Result<(), OutOfMemory> {
    text.try_reserve(more.len())?;
    text.push_str(more);
    Ok(())
}

/// Appends each byte as two lower-case digits.
pub fn append_hex(text: &mut String, bytes: &[u8]) -> Result<(), OutOfMemory> {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    text.try_reserve(bytes.len().checked_mul(2).ok_or(OutOfMemory)?)?;
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]));
    Ok(())
}

/// Checks that so much memory is available now, for a library whose allocations are infallible. Assumes that no other
/// thread allocates as much at the same time.
pub fn afford(bytes: usize) -> Result<(), OutOfMemory> {
    const WORTH_ASKING: usize = 1 << 16;
    if bytes > WORTH_ASKING {
        Vec::<u8>::new().try_reserve_exact(bytes)?
    }
    Ok(())
}

/// Appends to a list.
#[inline]
pub fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), OutOfMemory> {
    list.try_reserve(1)?;
    list.push(item);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn it_begins_where_any_value_may() {
        let mut buffer = Buffer::new();
        for text in ["a", "bc", "", "defgh", "ijklmnopq"] {
            let at = buffer.align(ALIGNMENT).unwrap();
            assert_eq!((buffer.as_ptr() as usize + at) % 8, 0);
            buffer.extend(text.as_bytes()).unwrap();
            assert_eq!(&buffer.bytes()[at..], text.as_bytes());
        }
    }

    #[test]
    fn what_cannot_be_had_is_an_error_and_changes_nothing() {
        let mut buffer = Buffer::new();
        write!(buffer, "{}-x", 1).unwrap();
        assert_eq!(buffer.grow(usize::MAX / 2), Err(OutOfMemory));
        assert_eq!(buffer.as_str(), "1-x");
    }

    #[test]
    fn a_large_one_is_given_back() {
        let mut buffer = Buffer::new();
        buffer.extend(&[b'x'; 100_000]).unwrap();
        buffer.clear(1 << 20);
        assert!(buffer.is_empty() && buffer.capacity() >= 100_000);
        buffer.clear(64);
        assert_eq!(buffer.capacity(), 64);
        buffer.extend(b"again").unwrap();
        assert_eq!(buffer.as_str(), "again");
    }
}
