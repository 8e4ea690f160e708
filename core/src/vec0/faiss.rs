//! The index that sqlite-vss keeps in a blob, as faiss writes it: flat, and with ids of its own ("Flat,IDMap2"). Another
//! kind, and one whose numbers do not agree, is refused. <https://github.com/facebookresearch/faiss>, `index_write.cpp`.

use thiserror::Error;

use crate::vectors::Metric;

/// Vectors and their ids, as they stand in the blob.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flat<'a> {
    pub dimension: usize,
    pub metric: Metric,
    /// Floats of four bytes.
    vectors: &'a [u8],
    /// Integers of eight bytes.
    ids: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    #[error("the faiss index ends too early")]
    Short,
    #[error("the faiss index is of a kind that is not flat")]
    Kind,
    #[error("the numbers of the faiss index do not agree")]
    Numbers,
}

impl<'a> Flat<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Flat<'a>, Unreadable> {
        let mut input = Input { bytes };
        if !matches!(&input.array::<4>()?, b"IxM2" | b"IxMp") {
            return Err(Unreadable::Kind);
        }
        let outer = input.header()?;
        if !matches!(&input.array::<4>()?, b"IxF2" | b"IxFI" | b"IxFl") {
            return Err(Unreadable::Kind);
        }
        let inner = input.header()?;
        let floats = input.number()?;
        let vectors = input.take(floats, 4)?;
        let count = input.number()?;
        let ids = input.take(count, 8)?;
        let agrees = outer == inner
            && inner.count == count
            && inner.dimension > 0
            && inner.dimension.checked_mul(count) == Some(floats);
        if !agrees {
            return Err(Unreadable::Numbers);
        }
        let dimension = usize::try_from(inner.dimension).map_err(|_| Unreadable::Numbers)?;
        Ok(Flat { dimension, metric: inner.metric, vectors, ids })
    }

    /// Each id with the bytes of its vector.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &'a [u8])> {
        let ids = self.ids.as_chunks::<8>().0.iter().map(|id| i64::from_le_bytes(*id));
        ids.zip(self.vectors.chunks_exact(self.dimension.saturating_mul(4).max(1)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Header {
    dimension: u64,
    count: u64,
    metric: Metric,
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(Unreadable::Short)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        self.array().map(u64::from_le_bytes)
    }

    fn take(&mut self, count: u64, size: u64) -> Result<&'a [u8], Unreadable> {
        let length = count.checked_mul(size).and_then(|length| usize::try_from(length).ok());
        let (taken, rest) =
            length.and_then(|length| self.bytes.split_at_checked(length)).ok_or(Unreadable::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn header(&mut self) -> Result<Header, Unreadable> {
        let dimension = u32::from_le_bytes(self.array()?).into();
        let count = self.number()?;
        let _unused = (self.number()?, self.number()?);
        let _trained = self.array::<1>()?;
        let metric = match u32::from_le_bytes(self.array()?) {
            0 => Metric::Ip,
            1 => Metric::L2,
            2 => Metric::L1,
            _ => Metric::Other,
        };
        // Those beyond the first two have an argument.
        if !matches!(metric, Metric::Ip | Metric::L2) {
            self.array::<4>()?;
        }
        Ok(Header { dimension, count, metric })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(dimension: u32, count: u64, metric: u32) -> Vec<u8> {
        let unused = (1u64 << 20).to_le_bytes();
        let numbers = [&dimension.to_le_bytes()[..], &count.to_le_bytes(), &unused, &unused, &[1]].concat();
        [numbers, metric.to_le_bytes().to_vec()].concat()
    }

    fn index(kind: &[u8; 4], floats: &[f32], ids: &[i64]) -> Vec<u8> {
        let dimension = (floats.len() / ids.len().max(1)) as u32;
        with_header(&header(dimension, ids.len() as u64, 1), kind, floats, ids)
    }

    fn with_header(header: &[u8], kind: &[u8; 4], floats: &[f32], ids: &[i64]) -> Vec<u8> {
        let mut out = [b"IxM2", header, kind, header].concat();
        out.extend((floats.len() as u64).to_le_bytes());
        out.extend(floats.iter().flat_map(|f| f.to_le_bytes()));
        out.extend((ids.len() as u64).to_le_bytes());
        out.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        out
    }

    #[test]
    fn each_id_has_its_vector() {
        let bytes = index(b"IxF2", &[1.0, 2.0, 3.0, 4.0], &[7, -1]);
        let flat = Flat::read(&bytes).unwrap_or_else(|e| panic!("{e}"));
        let vectors: Vec<(i64, Vec<u8>)> = flat.iter().map(|(id, bytes)| (id, bytes.to_vec())).collect();
        let blob = |floats: [f32; 2]| floats.map(f32::to_le_bytes).concat();
        assert_eq!(vectors, [(7, blob([1.0, 2.0])), (-1, blob([3.0, 4.0]))]);
        assert_eq!((flat.dimension, flat.metric), (2, Metric::L2));
    }

    #[test]
    fn a_metric_beyond_the_first_two_has_an_argument() {
        let of = |number: u32| {
            let argument: &[u8] = if number > 1 { &[0; 4] } else { &[] };
            let bytes = with_header(&[&header(1, 1, number)[..], argument].concat(), b"IxFl", &[1.0], &[7]);
            Flat::read(&bytes).map(|flat| flat.metric)
        };
        assert_eq!([of(0), of(1), of(2)], [Ok(Metric::Ip), Ok(Metric::L2), Ok(Metric::L1)]);
        assert_eq!(of(3), Ok(Metric::Other));
    }

    #[test]
    fn what_does_not_agree_is_refused() {
        let bytes = index(b"IxF2", &[1.0, 2.0, 3.0, 4.0], &[7, -1]);
        for end in 0..bytes.len() {
            assert!(Flat::read(&bytes[..end]).is_err(), "{end}");
        }
        assert_eq!(Flat::read(&index(b"IwFl", &[1.0], &[7])), Err(Unreadable::Kind));
        let mut other = bytes.clone();
        other[4] = 3;
        assert_eq!(Flat::read(&other), Err(Unreadable::Numbers));
        let mut huge = bytes;
        let at = 4 + header(0, 0, 0).len() + 4 + header(0, 0, 0).len();
        huge[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(Flat::read(&huge), Err(Unreadable::Short));
    }
}
