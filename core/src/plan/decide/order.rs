//! The order of loading: parents before children as far as foreign keys allow.
//!
//! It matters where an INSERT loads rows under existing foreign keys; those of new tables are created afterwards.

use std::collections::{BTreeSet, HashMap};

use super::table::DecidedTable;
use crate::plan::resolve::table::Disposition;

/// The tables that are loaded, in order, by the foreign keys of the source and of the tables that are there.
pub fn of_loads(tables: &[DecidedTable<'_>]) -> Vec<usize> {
    let by_source: HashMap<String, usize> =
        tables.iter().enumerate().map(|(i, d)| (d.source.name.to_ascii_lowercase(), i)).collect();
    let by_target: HashMap<(&str, &str), usize> = tables
        .iter()
        .enumerate()
        .map(|(i, d)| ((d.settings.schema.as_str(), d.target.as_str()), i))
        .collect();
    let parents = |table: &DecidedTable<'_>| -> Vec<usize> {
        let source = table.source.foreign_keys.iter().map(|k| by_source.get(&k.parent.to_ascii_lowercase()));
        let there = table.existing.map_or(&[][..], |e| e.foreign_keys.as_slice());
        let target = there.iter().map(|k| by_target.get(&(k.parent_schema.as_str(), k.parent.as_str())));
        source.chain(target).flatten().copied().collect()
    };
    let edges: Vec<_> =
        tables.iter().enumerate().flat_map(|(i, d)| parents(d).into_iter().map(move |p| (i, p))).collect();
    let loaded = |i: &usize| tables.get(*i).is_some_and(|d| d.disposition != Disposition::Absent);
    order(tables.len(), &edges).into_iter().filter(loaded).collect()
}

/// Orders `0..count` so that every parent comes before its children; ties go by position.
/// `edges` are `(child, parent)`. In a cycle the first by position goes first, and only what is part of it goes before
/// its parents.
pub fn order(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let edges: BTreeSet<(usize, usize)> =
        edges.iter().copied().filter(|(c, p)| c != p && *c < count && *p < count).collect();
    let mut waiting = vec![0usize; count];
    let (mut parents, mut children) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for &(child, parent) in &edges {
        waiting[child] += 1;
        children[parent].push(child);
        parents[child].push(parent);
    }
    let mut ready: BTreeSet<usize> = (0..count).filter(|i| waiting[*i] == 0).collect();
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut out = Vec::with_capacity(count);
    while let Some(next) = ready.pop_first().or_else(|| first_of_cycle(&left, &parents, &children)) {
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

/// Everything in `left` waits: the first of those that wait for each other and for nothing else.
fn first_of_cycle(left: &BTreeSet<usize>, parents: &[Vec<usize>], children: &[Vec<usize>]) -> Option<usize> {
    let mut at = left.first().copied()?;
    loop {
        let (above, below) = (reached(at, left, parents), reached(at, left, children));
        match above.difference(&below).next() {
            // It has fewer ancestors than `at`, so this comes to an end.
            Some(higher) => at = *higher,
            None => return above.first().copied().or(Some(at)),
        }
    }
}

/// What `from` leads to, directly or not; itself too if it is part of a cycle.
fn reached(from: usize, left: &BTreeSet<usize>, edges: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(next) = todo.pop() {
        todo.extend(edges[next].iter().filter(|to| left.contains(to) && found.insert(**to)));
    }
    found
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

    #[test]
    fn what_hangs_on_a_cycle_comes_after_it() {
        assert_eq!(order(3, &[(0, 2), (1, 2), (2, 1)]), [1, 2, 0]);
        assert_eq!(order(5, &[(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 3)]), [3, 4, 1, 0, 2]);
    }
}
