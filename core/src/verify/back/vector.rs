//! Vectors: the floats of a blob or a list, against those that a column of pgvector's or of `real[]` prints, bit by bit.

use super::{Normalisation, Verdict};
use crate::value::{Cell, PgType};

/// How many bits of each number a column keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vector {
    half: bool,
}

impl Vector {
    pub fn of(pg_type: &PgType) -> Option<Vector> {
        match pg_type.base() {
            PgType::Vector(name) => Some(Vector { half: name.contains("halfvec") }),
            PgType::Array(element) if **element == PgType::Float4 => Some(Vector { half: false }),
            _ => None,
        }
    }

    /// `Unknown` of a cell that is no list of floats, and where rounding may be the difference.
    pub fn compare(self, cell: Cell<'_>, printed: &str) -> Verdict {
        let (stored, form) = match cell {
            Cell::Blob(blob) => (of_blob(blob), Normalisation::StorageClass),
            Cell::Text(text) => {
                (std::str::from_utf8(text).ok().and_then(of_list), Normalisation::NumberSpelling)
            }
            _ => (None, Normalisation::StorageClass),
        };
        let Some((stored, found)) = stored.zip(of_list(printed)) else { return Verdict::Unknown };
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        match stored.len() == found.len() && stored.iter().zip(&found).all(same) {
            true => Verdict::Normalised(form),
            false if self.half => Verdict::Unknown,
            false => Verdict::Different,
        }
    }
}

fn of_blob(blob: &[u8]) -> Option<Vec<f32>> {
    let (floats, rest) = blob.as_chunks::<4>();
    (rest.is_empty() && !floats.is_empty()).then(|| floats.iter().map(|f| f32::from_le_bytes(*f)).collect())
}

/// `[1,2.5]` or `{1,2.5}`.
fn of_list(list: &str) -> Option<Vec<f32>> {
    let list = list.trim();
    let within = |open: char, close: char| list.strip_prefix(open)?.strip_suffix(close);
    let numbers = within('[', ']').or_else(|| within('{', '}'))?;
    numbers.split(',').map(|number| number.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts_unless_the_column_has_fewer() {
        let blob = |floats: &[f32]| floats.iter().flat_map(|f| f.to_le_bytes()).collect::<Vec<u8>>();
        let of = |name: &str| Vector::of(&PgType::parse(name)).unwrap();
        let (whole, half, array) = (of("vector(2)"), of("halfvec(2)"), of("real[]"));
        let same = Verdict::Normalised(Normalisation::StorageClass);
        assert_eq!(whole.compare(Cell::Blob(&blob(&[0.1, -0.0])), "[0.1,-0]"), same);
        assert_eq!(whole.compare(Cell::Blob(&blob(&[0.1, -0.0])), "[0.1,0]"), Verdict::Different);
        assert_eq!(whole.compare(Cell::Blob(&blob(&[0.1, 0.0])), "[0.1]"), Verdict::Different);
        assert_eq!(half.compare(Cell::Blob(&blob(&[0.1, 0.0])), "[0.099975586,0]"), Verdict::Unknown);
        let odd = [f32::NAN, f32::NEG_INFINITY];
        assert_eq!(array.compare(Cell::Blob(&blob(&odd)), "{NaN,-Infinity}"), same);
        let spelt = Verdict::Normalised(Normalisation::NumberSpelling);
        assert_eq!(whole.compare(Cell::Text(b" [1.0, 2e0]"), "[1,2]"), spelt);
        assert_eq!(whole.compare(Cell::Text(b"[1.5,2]"), "[1,2]"), Verdict::Different);
        assert_eq!(array.compare(Cell::Text(b"1,2"), "{1,2}"), Verdict::Unknown);
        assert_eq!(whole.compare(Cell::Blob(b"123"), "[1]"), Verdict::Unknown);
        assert!(Vector::of(&PgType::parse("text[]")).is_none());
    }
}
