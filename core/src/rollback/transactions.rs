//! The ids of a run's transactions, as the run log keeps them.

/// As PostgreSQL's `int8multirange` spells these ids. Most of them are consecutive: a run begins its subtransactions one
/// after the other.
pub fn multirange(mut ids: Vec<u32>) -> String {
    ids.sort_unstable();
    ids.dedup();
    let mut ranges: Vec<(u64, u64)> = vec![];
    for id in ids.into_iter().map(u64::from) {
        match ranges.last_mut() {
            Some((_, end)) if *end == id => *end = id + 1,
            _ => ranges.push((id, id + 1)),
        }
    }
    let ranges: Vec<String> = ranges.iter().map(|(from, to)| format!("[{from},{to})")).collect();
    format!("{{{}}}", ranges.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_ids_are_one_range() {
        assert_eq!(multirange(vec![7, 5, 6, 9, 7, u32::MAX]), "{[5,8),[9,10),[4294967295,4294967296)}");
        assert_eq!(multirange(vec![]), "{}");
    }
}
