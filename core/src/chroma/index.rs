//! The HNSW folder of a vector segment: the header, and one element of `data_level0.bin`. All numbers are little-endian.
//! Nothing of it is believed before the header agrees with itself, with the collection and with the sizes of the files.

use thiserror::Error;

use super::Space;

/// `header.bin` as ChromaDB's fork of hnswlib writes it.
pub const HEADER: usize = 100;

/// Far above any element that an index of ChromaDB's has: 65,536 dimensions and 1,000 neighbours.
const LONGEST_ELEMENT: u64 = 1 << 19;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Elements, dead ones too.
    pub elements: u64,
    /// Bytes of one.
    pub size: usize,
    label: usize,
    data: usize,
    pub dimension: usize,
    pub m: u64,
    pub ef_construction: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unusable {
    #[error("header.bin is shorter than {HEADER} bytes")]
    Short,
    #[error("header.bin is of a version that is not known")]
    Version,
    #[error("the numbers of header.bin do not agree")]
    Numbers,
    #[error("header.bin is of another number of dimensions than the collection")]
    Dimension,
    #[error("header.bin and index_metadata.pickle do not agree on the number of elements")]
    Elements,
    #[error("data_level0.bin is shorter than its header says")]
    Data,
    #[error("length.bin is shorter than its header says")]
    Lengths,
}

/// One element of the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Element<'a> {
    pub label: u64,
    pub dead: bool,
    /// Its floats, four bytes each.
    pub data: &'a [u8],
}

impl Header {
    pub fn read(bytes: &[u8]) -> Result<Header, Unusable> {
        let bytes = bytes.first_chunk::<HEADER>().ok_or(Unusable::Short)?;
        let word = |at: usize| {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
            word.map_or(0, |word| u64::from_le_bytes(*word))
        };
        let version = bytes.first_chunk::<4>().map(|four| i32::from_le_bytes(*four));
        if version != Some(1) || word(4) != 0 {
            return Err(Unusable::Version);
        }
        let (elements, size, label, data) = (word(20), word(28), word(36), word(44));
        let (max_m, max_m0, m, ef_construction) = (word(60), word(68), word(76), word(92));
        let links = max_m0.checked_mul(4).and_then(|bytes| bytes.checked_add(4));
        let agrees = max_m == m
            && m > 0
            && max_m0 == m.saturating_mul(2)
            && links == Some(data)
            && label.checked_add(8) == Some(size)
            && size <= LONGEST_ELEMENT
            && label > data
            && (label - data) % 4 == 0;
        if !agrees {
            return Err(Unusable::Numbers);
        }
        let small = |number: u64| usize::try_from(number).map_err(|_| Unusable::Numbers);
        Ok(Header {
            elements,
            size: small(size)?,
            label: small(label)?,
            data: small(data)?,
            dimension: small((label - data) / 4)?,
            m,
            ef_construction,
        })
    }

    /// Whether the files have all that the header says. Their lengths follow no other rule.
    pub fn check(&self, data: u64, lengths: Option<u64>) -> Result<(), Unusable> {
        let wanted = |of_each: u64| self.elements.checked_mul(of_each);
        if wanted(self.size as u64).is_none_or(|bytes| bytes > data) {
            return Err(Unusable::Data);
        }
        match lengths {
            Some(lengths) if wanted(4).is_none_or(|bytes| bytes > lengths) => Err(Unusable::Lengths),
            _ => Ok(()),
        }
    }

    /// Where the floats of an element stand in `data_level0.bin`.
    pub fn place(&self, element: u64) -> Option<u64> {
        element.checked_mul(self.size as u64)?.checked_add(self.data as u64)
    }

    /// The bytes of its floats.
    pub fn bytes(&self) -> usize {
        self.label.saturating_sub(self.data)
    }

    /// Reads the bytes of one element.
    pub fn element<'a>(&self, slot: &'a [u8]) -> Option<Element<'a>> {
        let label = slot.get(self.label..)?.first_chunk::<8>()?;
        Some(Element {
            label: u64::from_le_bytes(*label),
            dead: slot.get(2)? & 1 != 0,
            data: slot.get(self.data..self.label)?,
        })
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + Clone {
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))
}

/// The index of a cosine collection has normalised vectors and their lengths. Where a norm was beyond an f32, the two do not
/// belong together, and the vector is lost.
pub fn is_sound(data: &[u8], length: f32) -> bool {
    let norm: f64 = floats(data).map(|f| f64::from(f) * f64::from(f)).sum();
    match length {
        0.0 => norm == 0.0,
        length => length.is_finite() && length > 0.0 && (norm - 1.0).abs() < 1e-3,
    }
}

/// The vector that an element stands for, as bytes of floats.
pub fn restored(space: Space, data: &mut [u8], length: f32) {
    if space == Space::Cosine {
        for four in data.as_chunks_mut::<4>().0 {
            *four = (f32::from_le_bytes(*four) * length).to_le_bytes();
        }
    }
}

/// Whether a vector of the queue is the one that the index has rounded.
pub fn agrees(exact: &[u8], rounded: &[u8]) -> bool {
    if exact.len() != rounded.len() {
        return false;
    }
    let square = |f: f32| f64::from(f) * f64::from(f);
    let difference = |(a, b): (f32, f32)| {
        let difference = f64::from(a) - f64::from(b);
        difference * difference
    };
    let norm: f64 = floats(rounded).map(square).sum();
    let apart: f64 = floats(exact).zip(floats(rounded)).map(difference).sum();
    apart.sqrt() <= 1e-6 * norm.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `m` 2, three dimensions.
    fn header(elements: u64) -> Vec<u8> {
        let words = |list: &[u64]| list.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let mut out = 1i32.to_le_bytes().to_vec();
        out.extend(words(&[0, 10, elements, 40, 32, 20]));
        out.extend([0; 8]);
        out.extend(words(&[2, 4, 2, 0, 100]));
        out
    }

    fn blob(floats: &[f32]) -> Vec<u8> {
        floats.iter().flat_map(|f| f.to_le_bytes()).collect()
    }

    #[test]
    fn the_header_agrees_with_itself_and_the_files() {
        let read = Header::read(&header(3)).unwrap();
        assert_eq!((read.elements, read.size, read.dimension, read.m), (3, 40, 3, 2));
        assert_eq!(read.ef_construction, 100);
        assert_eq!(read.check(120, Some(12)), Ok(()));
        assert_eq!(read.check(119, None), Err(Unusable::Data));
        assert_eq!(read.check(120, Some(11)), Err(Unusable::Lengths));
        assert_eq!(Header::read(&header(u64::MAX)).unwrap().check(u64::MAX, None), Err(Unusable::Data));
        assert_eq!(Header::read(&header(3)[..99]), Err(Unusable::Short));
        // Without neighbours an element would be as small as a file likes.
        let mut alone = header(3);
        for (at, word) in [(28, 24u64), (36, 16), (44, 4), (60, 0), (68, 0), (76, 0)] {
            alone[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        assert_eq!(Header::read(&alone), Err(Unusable::Numbers));
        for at in [0, 4, 28, 36, 44, 60, 68, 76] {
            let mut broken = header(3);
            broken[at] ^= 0x40;
            assert!(Header::read(&broken).is_err(), "{at}");
        }
    }

    #[test]
    fn an_element_has_a_label_and_may_be_dead() {
        let header = Header::read(&header(1)).unwrap();
        let mut slot = vec![0; 20];
        slot.extend(blob(&[1.0, 2.0, 3.0]));
        slot.extend(7u64.to_le_bytes());
        slot[2] = 1;
        let element = header.element(&slot).unwrap();
        assert_eq!((element.label, element.dead, element.data), (7, true, blob(&[1.0, 2.0, 3.0]).as_slice()));
        assert_eq!(header.element(&slot[..39]), None);
    }

    #[test]
    fn a_lost_norm_is_noticed() {
        assert!(is_sound(&blob(&[0.6, 0.8]), 5.0) && is_sound(&blob(&[0.0, -0.0]), 0.0));
        for (data, length) in [([0.0, 0.0], f32::INFINITY), ([1e-30, 0.0], 0.0), ([0.5, 0.5], 1.0)] {
            assert!(!is_sound(&blob(&data), length), "{data:?}");
        }
        let mut data = blob(&[0.6, 0.8]);
        restored(Space::Cosine, &mut data, 5.0);
        assert!(agrees(&blob(&[3.0, 4.0]), &data) && !agrees(&blob(&[3.0, 4.0001]), &data));
    }
}
