//! Which rows of a table are looked at, where not all are: a sample, or those that were found before.
//!
//! Both sides have to choose the same rows, by what both know of a row: the bytes of its key (`back::key`). Rows whose key
//! is an integer are chosen by ranges of it, which either side finds without reading the rest.

use std::collections::HashSet;

use xxhash_rust::xxh3::Xxh3;

/// One part for each column of the key; `None` is NULL, which sorts first.
pub type Key = Vec<Option<Vec<u8>>>;

/// Parts of a range of integer keys from each of which a sample takes rows that follow each other.
pub const PARTS: u64 = 200;

/// Rows that are looked at by their keys.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// One of so many, by chance.
    OneOf { rows: u64, seed: u64 },
    /// These.
    Keys(HashSet<Key>),
}

impl Wanted {
    pub fn takes(&self, key: &Key) -> bool {
        match self {
            Wanted::OneOf { rows, seed } => drawn(*seed, key).is_multiple_of((*rows).max(1)),
            Wanted::Keys(keys) => keys.contains(key),
        }
    }
}

/// A number that each key has by chance.
fn drawn(seed: u64, key: &Key) -> u64 {
    let mut hash = Xxh3::with_seed(seed);
    for part in key {
        let length = part.as_ref().map_or(u64::MAX, |bytes| bytes.len() as u64);
        hash.update(&length.to_le_bytes());
        hash.update(part.as_deref().unwrap_or_default());
    }
    hash.digest()
}

/// Where in a range of integers the parts begin and end, each with a place in it that is drawn by chance.
pub fn places(first: i64, last: i64, parts: u64, seed: u64) -> Vec<(i64, i64)> {
    let width = (i128::from(last) - i128::from(first) + 1).max(0);
    let parts = i128::from(parts).min(width);
    (0..parts)
        .map(|part| {
            let (start, end) = (width * part / parts, width * (part + 1) / parts);
            let within = i128::from(drawn(seed, &vec![Some(part.to_le_bytes().to_vec())])) % (end - start);
            // Inside the range, whose ends are such integers.
            let of = |offset: i128| i64::try_from(i128::from(first) + offset).unwrap_or(last);
            (of(start + within), of(end - 1))
        })
        .collect()
}

/// The integer of a key that is one.
pub fn integer(key: &Key) -> Option<i64> {
    match key.as_slice() {
        [Some(bytes)] => Some(i64::from_be_bytes(bytes.as_slice().try_into().ok()?) ^ i64::MIN),
        _ => None,
    }
}

/// Ranges of the integers, in order.
pub fn ranges(mut integers: Vec<i64>) -> Vec<(i64, i64)> {
    integers.sort_unstable();
    let mut out: Vec<(i64, i64)> = vec![];
    for integer in integers {
        match out.last_mut() {
            Some((_, last)) if integer <= last.saturating_add(1) => *last = integer,
            _ => out.push((integer, integer)),
        }
    }
    out
}

/// The text of a key, for the run log.
pub fn to_text(key: &Key) -> String {
    let part = |part: &Option<Vec<u8>>| match part {
        None => "-".to_owned(),
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    key.iter().map(part).collect::<Vec<_>>().join(" ")
}

/// The key of such a text.
pub fn of_text(text: &str) -> Option<Key> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let part = |part: &str| match part {
        "-" => Some(None),
        digits => digits.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(Some),
    };
    text.split(' ').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        vec![Some(text.as_bytes().to_vec()), None]
    }

    #[test]
    fn a_share_is_about_that_and_the_same_each_time() {
        let wanted = Wanted::OneOf { rows: 10, seed: 7 };
        let taken: Vec<u32> = (0..10_000).filter(|n| wanted.takes(&key(&n.to_string()))).collect();
        assert!((800..1_200).contains(&taken.len()), "{}", taken.len());
        assert!(taken.iter().all(|n| wanted.takes(&key(&n.to_string()))));
        assert!(Wanted::OneOf { rows: 1, seed: 7 }.takes(&key("a")));
    }

    #[test]
    fn every_part_of_a_range_has_a_place() {
        assert_eq!(places(5, 7, 10, 1), [(5, 5), (6, 6), (7, 7)]);
        assert_eq!(places(1, 0, 10, 1), []);
        let whole = places(i64::MIN, i64::MAX, 200, 3);
        assert_eq!(whole.len(), 200);
        assert!(whole.iter().all(|(place, end)| place <= end) && whole.is_sorted());
        let [first, second] = [1, 2].map(|seed| places(0, 999, 10, seed));
        assert!(
            first != second
                && first.iter().zip(0..).all(|((at, end), n)| at / 100 == n && *end == n * 100 + 99)
        );
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(vec![7, 1, 2, 3, 3, i64::MAX]), [(1, 3), (7, 7), (i64::MAX, i64::MAX)]);
    }

    #[test]
    fn a_key_reads_back() {
        for key in [key("ä"), vec![Some(vec![])], vec![None], vec![Some(vec![0, 255]), Some(vec![])]] {
            assert_eq!(of_text(&to_text(&key)).as_ref(), Some(&key));
        }
        assert_eq!(of_text("zz"), None);
        let bytes = (-5 ^ i64::MIN).to_be_bytes().to_vec();
        assert_eq!(integer(&vec![Some(bytes)]), Some(-5));
    }
}
