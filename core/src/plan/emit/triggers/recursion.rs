//! Which triggers could fire themselves, directly or through others.
//!
//! SQLite does not fire a trigger that is running already (unless the application sets `recursive_triggers`); PostgreSQL does.
//! What a foreign key does to rows counts as well. More is taken for possible than is.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::catalog::{Action, Catalog, ForeignKey};
use crate::ddl::resolve;
use crate::translate::program::trigger::{Change, Definition, Event};

/// What triggers write, and which triggers that fires, by the place of each. None is known of a trigger without a definition.
pub struct Firing {
    fired: Vec<Vec<usize>>,
    /// Tables and views, in small letters.
    written: Vec<HashSet<String>>,
}

impl Firing {
    pub fn of(catalog: &Catalog, triggers: &[Option<Definition>]) -> Firing {
        let known = || triggers.iter().enumerate().filter_map(|(at, t)| Some((at, t.as_ref()?)));
        let mut waiting: HashMap<(String, Event), Vec<usize>> = HashMap::new();
        known().for_each(|(at, t)| waiting.entry(place(&t.on)).or_default().push(at));
        let rules = Rules::of(catalog);
        let changes = |definition: &Definition| rules.all_changes(&definition.writes);
        let changes: Vec<HashSet<Change>> =
            triggers.iter().map(|t| t.as_ref().map(changes).unwrap_or_default()).collect();
        let fired = |changes: &HashSet<Change>| -> Vec<usize> {
            let mut fired = HashSet::new();
            for change in changes {
                let by = waiting.get(&place(change)).into_iter().flatten().copied();
                let fires = |at: &usize| triggers[*at].as_ref().is_some_and(|t| fires(change, &t.on));
                fired.extend(by.filter(fires));
            }
            fired.into_iter().collect()
        };
        let fired = changes.iter().map(fired).collect();
        let names = |of: &HashSet<Change>| of.iter().map(|change| place(change).0).collect();
        Firing { fired, written: changes.iter().map(names).collect() }
    }

    /// By the place of each: it could fire itself.
    pub fn recursive(&self) -> Vec<bool> {
        in_cycles(&self.fired)
    }

    pub fn fired_by(&self, at: usize) -> &[usize] {
        self.fired.get(at).map_or(&[], Vec::as_slice)
    }

    pub fn written_by(&self, at: usize) -> &HashSet<String> {
        static NOTHING: LazyLock<HashSet<String>> = LazyLock::new(HashSet::new);
        self.written.get(at).unwrap_or(&NOTHING)
    }
}

/// What of the tables' declarations changes more rows than a statement names.
struct Rules<'c> {
    /// By the table that they refer to.
    keys: HashMap<String, Vec<(&'c str, &'c ForeignKey)>>,
    /// Tables where a row may take the place of others.
    replacing: HashSet<String>,
}

impl<'c> Rules<'c> {
    fn of(catalog: &'c Catalog) -> Rules<'c> {
        let mut keys: HashMap<String, Vec<(&str, &ForeignKey)>> = HashMap::new();
        let mut replacing = HashSet::new();
        for table in &catalog.tables {
            for key in &table.foreign_keys {
                keys.entry(key.parent.to_ascii_lowercase()).or_default().push((&table.name, key));
            }
            if resolve::clauses(&table.sql).replaces() {
                replacing.insert(table.name.to_ascii_lowercase());
            }
        }
        Rules { keys, replacing }
    }

    /// The changes with those that keys make of them.
    fn all_changes(&self, writes: &[Change]) -> HashSet<Change> {
        let mut changes = HashSet::new();
        let mut open = writes.to_vec();
        while let Some(change) = open.pop() {
            if changes.contains(&change) {
                continue;
            }
            let table = change.table.to_ascii_lowercase();
            let of_table = self.keys.get(&table).into_iter().flatten();
            open.extend(of_table.filter_map(|(child, key)| cascade(&change, child, key)));
            if change.event != Event::Delete && self.replacing.contains(&table) {
                // PostgreSQL writes it as an UPDATE, or as a DELETE before it.
                let replaced = |event| Change { event, columns: vec![], ..change.clone() };
                open.extend([Event::Update, Event::Delete].map(replaced));
            }
            changes.insert(change);
        }
        changes
    }
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
        Firing::of(catalog, &triggers.iter().map(|sql| definition(sql)).collect::<Vec<_>>()).recursive()
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

    #[test]
    fn a_row_may_take_the_place_of_another_one() {
        let of_table = |sql: &str| Catalog {
            tables: vec![Table { name: "T".into(), sql: sql.into(), ..Table::default() }],
            ..Catalog::default()
        };
        let inserts = "CREATE TRIGGER a AFTER UPDATE ON t BEGIN INSERT INTO t VALUES (NEW.id); END";
        let updates = "CREATE TRIGGER b AFTER DELETE ON t BEGIN UPDATE t SET id = OLD.id; END";
        for (sql, expected) in [
            ("CREATE TABLE T (id INTEGER)", false),
            ("CREATE TABLE T (id INTEGER PRIMARY KEY ON CONFLICT REPLACE)", true),
            ("CREATE TABLE T (id INTEGER, UNIQUE (id) ON CONFLICT REPLACE)", true),
            ("CREATE TABLE T (id INTEGER UNIQUE ON CONFLICT IGNORE)", false),
            ("CREATE TABLE T (id INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 1)", false),
        ] {
            assert_eq!(of(&of_table(sql), &[inserts]), [expected], "{sql}");
            assert_eq!(of(&of_table(sql), &[updates]), [expected], "{sql}");
        }
    }
}
