//! Which triggers could fire themselves, directly or through others.
//!
//! SQLite does not fire a trigger that is running already (unless the application sets `recursive_triggers`); PostgreSQL does.
//! What a foreign key does to rows counts as well. More is taken for possible than is.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Action, Catalog, ForeignKey};
use crate::translate::program::trigger::{Change, Definition, Event};

/// By the place of each: it could fire itself. None is known of a trigger without a definition.
pub fn recursive(catalog: &Catalog, triggers: &[Option<Definition>]) -> Vec<bool> {
    let known = || triggers.iter().enumerate().filter_map(|(at, t)| Some((at, t.as_ref()?)));
    let mut waiting: HashMap<(String, Event), Vec<usize>> = HashMap::new();
    known().for_each(|(at, t)| waiting.entry(place(&t.on)).or_default().push(at));
    let mut keys: HashMap<String, Vec<(&str, &ForeignKey)>> = HashMap::new();
    for table in &catalog.tables {
        for key in &table.foreign_keys {
            keys.entry(key.parent.to_ascii_lowercase()).or_default().push((&table.name, key));
        }
    }
    let fired = |definition: &Definition| -> Vec<usize> {
        let mut fired = HashSet::new();
        for change in with_cascades(&keys, &definition.writes) {
            let by = waiting.get(&place(&change)).into_iter().flatten().copied();
            let fires = |at: &usize| triggers[*at].as_ref().is_some_and(|t| fires(&change, &t.on));
            fired.extend(by.filter(fires));
        }
        fired.into_iter().collect()
    };
    let next: Vec<Vec<usize>> = triggers.iter().map(|t| t.as_ref().map(fired).unwrap_or_default()).collect();
    in_cycles(&next)
}

/// The table and the event by which triggers are found.
fn place(change: &Change) -> (String, Event) {
    (change.table.to_ascii_lowercase(), change.event)
}

/// Whether a change fires a trigger that waits for `on`. Columns that are not known may be any.
pub fn fires(change: &Change, on: &Change) -> bool {
    let shared = |name: &String| on.columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let columns = change.columns.is_empty() || on.columns.is_empty() || change.columns.iter().any(shared);
    change.event == on.event && change.table.eq_ignore_ascii_case(&on.table) && columns
}

/// Which of the nodes of a graph can be reached from themselves, by its strongly connected components (Kosaraju).
fn in_cycles(next: &[Vec<usize>]) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![vec![]; next.len()];
    for (at, followers) in next.iter().enumerate() {
        followers.iter().for_each(|follower| before[*follower].push(at));
    }
    let mut seen = vec![false; next.len()];
    let mut finished = vec![];
    for start in 0..next.len() {
        finished.extend(reached(next, start, &mut seen));
    }
    let (mut seen, mut cyclic) = (vec![false; next.len()], vec![false; next.len()]);
    for start in finished.into_iter().rev() {
        let component = reached(&before, start, &mut seen);
        let cycle = component.len() > 1 || next[start].contains(&start);
        component.into_iter().for_each(|at| cyclic[at] = cycle);
    }
    cyclic
}

/// What is reached from a node and not seen before, each node after those that it leads to.
fn reached(next: &[Vec<usize>], start: usize, seen: &mut [bool]) -> Vec<usize> {
    let mut finished = vec![];
    let mut open = if seen[start] { vec![] } else { vec![(start, 0)] };
    seen[start] = true;
    while let Some((at, follower)) = open.pop() {
        match next[at].get(follower) {
            Some(then) => {
                open.push((at, follower + 1));
                if !std::mem::replace(&mut seen[*then], true) {
                    open.push((*then, 0));
                }
            }
            None => finished.push(at),
        }
    }
    finished
}

/// The changes with those that foreign keys make of them.
fn with_cascades(keys: &HashMap<String, Vec<(&str, &ForeignKey)>>, writes: &[Change]) -> HashSet<Change> {
    let mut changes = HashSet::new();
    let mut open = writes.to_vec();
    while let Some(change) = open.pop() {
        if changes.contains(&change) {
            continue;
        }
        let of_table = keys.get(&change.table.to_ascii_lowercase()).into_iter().flatten();
        open.extend(of_table.filter_map(|(child, key)| cascade(&change, child, key)));
        changes.insert(change);
    }
    changes
}

fn cascade(change: &Change, child: &str, key: &ForeignKey) -> Option<Change> {
    let action = match change.event {
        Event::Insert => return None,
        Event::Update => key.on_update,
        Event::Delete => key.on_delete,
    };
    let event = match (action, change.event) {
        (Action::NoAction | Action::Restrict, _) => return None,
        (Action::Cascade, Event::Delete) => Event::Delete,
        _ => Event::Update,
    };
    let columns = if event == Event::Update { key.columns.clone() } else { vec![] };
    Some(Change { table: child.to_owned(), event, columns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Table;

    fn definition(sql: &str) -> Option<Definition> {
        Definition::read(sql).ok()
    }

    fn of(catalog: &Catalog, triggers: &[&str]) -> Vec<bool> {
        recursive(catalog, &triggers.iter().map(|sql| definition(sql)).collect::<Vec<_>>())
    }

    #[test]
    fn a_trigger_reaches_itself_directly_through_others_and_through_keys() {
        let direct = "CREATE TRIGGER a AFTER UPDATE ON t BEGIN UPDATE T SET x = 1 WHERE id = NEW.id; END";
        let columns =
            "CREATE TRIGGER b AFTER UPDATE OF y ON t BEGIN UPDATE t SET x = 1 WHERE id = NEW.id; END";
        assert_eq!(of(&Catalog::default(), &[direct]), [true]);
        assert_eq!(of(&Catalog::default(), &[columns]), [false]);
        // Of the two, the first sets what the other one waits for.
        let there = "CREATE TRIGGER c AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.id); END";
        let back = "CREATE TRIGGER d AFTER INSERT ON u BEGIN INSERT INTO t VALUES (NEW.id); END";
        assert_eq!(of(&Catalog::default(), &[there, columns]), [false, false]);
        assert_eq!(of(&Catalog::default(), &[there, back, columns]), [true, true, false]);
        let three = "CREATE TRIGGER f AFTER UPDATE ON t BEGIN UPDATE v SET x = 1; END";
        let four = "CREATE TRIGGER g AFTER UPDATE ON v BEGIN DELETE FROM u; END";
        let five =
            "CREATE TRIGGER h AFTER DELETE ON u BEGIN UPDATE t SET y = 1; INSERT INTO w VALUES (1); END";
        let last = "CREATE TRIGGER i AFTER INSERT ON w BEGIN DELETE FROM x; END";
        assert_eq!(of(&Catalog::default(), &[last, five, three, four]), [false, true, true, true]);
        let key = ForeignKey { parent: "t".into(), on_delete: Action::Cascade, ..ForeignKey::default() };
        let child = Table { name: "u".into(), foreign_keys: vec![key], ..Table::default() };
        let catalog = Catalog { tables: vec![child], ..Catalog::default() };
        let deletes = "CREATE TRIGGER e AFTER DELETE ON u BEGIN DELETE FROM t WHERE id = OLD.id; END";
        assert_eq!(
            (of(&catalog, &[deletes]), of(&Catalog::default(), &[deletes])),
            (vec![true], vec![false])
        );
    }
}
