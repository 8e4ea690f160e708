//! Tables that may orphan each other's rows, in the order in which they can be settled. Pure.

/// Groups `0..count` so that all that can be reached from each other by `(child, parent)` are together, and what is
/// pointed to comes before what points to it: Tarjan's strongly connected components.
pub fn parents_first(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut parents = vec![Vec::new(); count];
    for (child, parent) in edges {
        if let Some(of_child) = parents.get_mut(*child) {
            of_child.push(*parent);
        }
    }
    let mut walk = Walk { parents, number: vec![None; count], open: vec![], groups: vec![], next: 0 };
    for table in 0..count {
        if walk.number.get(table) == Some(&None) {
            walk.visit(table);
        }
    }
    walk.groups
}

struct Walk {
    parents: Vec<Vec<usize>>,
    /// The order of the first visit; `CLOSED` once the table's group is complete.
    number: Vec<Option<usize>>,
    open: Vec<usize>,
    groups: Vec<Vec<usize>>,
    next: usize,
}

const CLOSED: usize = usize::MAX;

impl Walk {
    /// Gives the lowest number that can be reached.
    fn visit(&mut self, table: usize) -> usize {
        let own = self.next;
        self.next += 1;
        self.number[table] = Some(own);
        self.open.push(table);
        let mut lowest = own;
        for parent in self.parents.get(table).cloned().unwrap_or_default() {
            let reached = match self.number.get(parent).copied().flatten() {
                Some(number) => number,
                None => self.visit(parent),
            };
            lowest = lowest.min(reached);
        }
        if lowest < own {
            return lowest;
        }
        let start = self.open.iter().rposition(|open| *open == table).unwrap_or(0);
        let group = self.open.split_off(start);
        group.iter().for_each(|member| self.number[*member] = Some(CLOSED));
        self.groups.push(group);
        CLOSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let mut groups = parents_first(count, edges);
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups
    }

    #[test]
    fn parents_come_first_and_cycles_stay_together() {
        assert_eq!(sorted(3, &[]), [[0], [1], [2]]);
        assert_eq!(sorted(3, &[(0, 1), (1, 2)]), [[2], [1], [0]]);
        assert_eq!(sorted(2, &[(0, 0), (0, 1)]), [[1], [0]]);
        assert_eq!(sorted(4, &[(0, 1), (1, 2), (2, 1), (2, 3)]), [vec![3], vec![1, 2], vec![0]]);
        assert_eq!(sorted(4, &[(0, 1), (1, 2), (2, 0), (3, 0)]), [vec![0, 1, 2], vec![3]]);
        assert_eq!(
            sorted(5, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 1), (4, 2)]),
            [vec![1, 3], vec![2], vec![0], vec![4]]
        );
    }
}
