//! In which order views are made.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::catalog::View;
use crate::sqltext::ident;

/// Views in an order in which each comes after those that it reads. What reads itself comes last, as the file has it.
pub struct Order {
    ready: VecDeque<usize>,
    /// By view: how many that it reads are still to come, and who reads it.
    waits: Vec<usize>,
    readers: Vec<Vec<usize>>,
    rest: VecDeque<usize>,
}

impl Order {
    /// `reads` tells the names of what a view reads.
    pub fn of(views: &[&View], reads: impl Fn(&View) -> Vec<String>) -> Order {
        let name = |name: &str| name.to_ascii_lowercase();
        let places: HashMap<String, usize> =
            views.iter().enumerate().map(|(at, view)| (name(&view.name), at)).collect();
        let (mut waits, mut readers) = (vec![0; views.len()], vec![vec![]; views.len()]);
        for (at, view) in views.iter().enumerate() {
            let read: HashSet<usize> =
                reads(view).iter().filter_map(|read| places.get(&name(read)).copied()).collect();
            waits[at] = read.len();
            read.into_iter().for_each(|read| readers[read].push(at));
        }
        let ready = (0..views.len()).filter(|at| waits[*at] == 0).collect();
        Order { ready, waits, readers, rest: (0..views.len()).collect() }
    }
}

/// Which of some names a text of PostgreSQL's may have, each by its place. Words in literals and comments count too: views
/// are only made in another order then.
pub fn named_in(text: &str, names: &[String]) -> Vec<usize> {
    let apart = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
    let words: HashSet<String> = text.split(apart).map(str::to_lowercase).collect();
    let has = |name: &String| {
        words.contains(&name.to_lowercase()) || name.contains(apart) && text.contains(&ident(name))
    };
    names.iter().enumerate().filter(|(_, name)| has(name)).map(|(at, _)| at).collect()
}

impl Iterator for Order {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let Some(at) = self.ready.pop_front() else {
            let waits = &self.waits;
            return std::iter::from_fn(|| self.rest.pop_front()).find(|at| waits[*at] > 0);
        };
        for reader in std::mem::take(&mut self.readers[at]) {
            self.waits[reader] -= 1;
            if self.waits[reader] == 0 {
                self.ready.push_back(reader);
            }
        }
        Some(at)
    }
}
