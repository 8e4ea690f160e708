//! The order of loading: parents before children as far as foreign keys allow.
//!
//! Only progress and orphan handling read better for it: keys are made after the load.

use std::collections::BTreeSet;

/// Orders `0..count` so that every parent comes before its children; ties go by position.
/// `edges` are `(child, parent)`. In a cycle the first by position goes first.
pub fn order(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let edges: BTreeSet<(usize, usize)> =
        edges.iter().copied().filter(|(c, p)| c != p && *c < count && *p < count).collect();
    let mut waiting = vec![0usize; count];
    let mut children = vec![Vec::new(); count];
    for (child, parent) in edges {
        waiting[child] += 1;
        children[parent].push(child);
    }
    let mut ready: BTreeSet<usize> = (0..count).filter(|i| waiting[*i] == 0).collect();
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut out = Vec::with_capacity(count);
    while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
        if !left.remove(&next) {
            continue;
        }
        out.push(next);
        for &child in &children[next] {
            waiting[child] = waiting[child].saturating_sub(1);
            if waiting[child] == 0 && left.contains(&child) {
                ready.insert(child);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_ties_keep_their_place() {
        assert_eq!(order(4, &[]), [0, 1, 2, 3]);
        assert_eq!(order(4, &[(0, 3), (3, 2)]), [1, 2, 3, 0]);
        assert_eq!(order(2, &[(0, 1), (0, 1), (0, 0)]), [1, 0]);
    }

    #[test]
    fn a_cycle_is_cut_at_its_first_table() {
        assert_eq!(order(3, &[(0, 1), (1, 2), (2, 0)]), [0, 2, 1]);
        assert_eq!(order(3, &[(1, 2), (2, 1)]), [0, 1, 2]);
        assert_eq!(order(0, &[(5, 6)]), [] as [usize; 0]);
    }
}
