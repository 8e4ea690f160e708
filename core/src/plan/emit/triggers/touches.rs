//! What triggers read and write, also through views and by the triggers that they fire.

use std::collections::{HashMap, HashSet};

use super::recursion::{Firing, fires};
use crate::catalog::Catalog;
use crate::translate::program;
use crate::translate::program::trigger::{Definition, Time};

/// The most names and triggers that are followed from one trigger. One that leads to more is taken to touch everything.
const MOST_FOLLOWED: usize = 1_000;
/// The most triggers that one is held against.
const MOST_BESIDE: usize = 50;

/// Of all triggers that are carried over, by their places.
pub struct Touches<'d> {
    definitions: &'d [Option<Definition>],
    firing: Firing,
    recursive: Vec<bool>,
    /// What each view reads itself; names in small letters.
    views: HashMap<String, Vec<String>>,
}

/// Names in small letters.
#[derive(Default)]
struct Names {
    read: HashSet<String>,
    written: HashSet<String>,
}

impl<'d> Touches<'d> {
    pub fn of(catalog: &Catalog, definitions: &'d [Option<Definition>]) -> Touches<'d> {
        let firing = Firing::of(catalog, definitions);
        let lower = |name: String| name.to_ascii_lowercase();
        let reads = |sql: &str| program::read_by(sql).into_iter().map(lower).collect();
        let needed = definitions.iter().any(Option::is_some);
        let views = catalog.views.iter().filter(|_| needed);
        let views = views.map(|view| (view.name.to_ascii_lowercase(), reads(&view.sql))).collect();
        Touches { definitions, recursive: firing.recursive(), firing, views }
    }

    /// It could fire itself.
    pub fn is_recursive(&self, at: usize) -> bool {
        self.recursive.get(at) == Some(&true)
    }

    /// The INSTEAD OF triggers by which a trigger writes, also those by which these write.
    pub fn instead_of(&self, at: usize) -> Vec<usize> {
        let instead = |at: &usize| self.definition(*at).is_some_and(|of| of.time == Time::InsteadOf);
        let (mut found, mut seen, mut open) = (vec![], HashSet::from([at]), vec![at]);
        while let Some(at) = open.pop() {
            let next = self.firing.fired_by(at).iter().copied().filter(instead);
            let new: Vec<usize> = next.filter(|at| seen.insert(*at)).collect();
            found.extend(&new);
            open.extend(new);
        }
        found
    }

    /// What the statements of these triggers name, and what the views among that read; in small letters.
    pub fn named_by(&self, triggers: &[usize]) -> HashSet<String> {
        let definitions = || triggers.iter().filter_map(|at| self.definition(*at));
        let reads = definitions().flat_map(|definition| &definition.reads);
        let writes = definitions().flat_map(|definition| definition.writes.iter().map(|write| &write.table));
        self.with_views(reads.chain(writes).map(|name| name.to_ascii_lowercase()).collect())
    }

    /// A table by which an AFTER trigger depends on a BEFORE trigger of the same event, or that one on it: those of all rows
    /// of a statement run first. No name where too much would have to be looked at.
    pub fn meets_before(&self, at: usize) -> Option<Option<String>> {
        let after = self.definition(at).filter(|definition| definition.time == Time::After)?;
        let is = |of: &Definition| of.time == Time::Before && fires(&of.on, &after.on);
        let beside = self.definitions.iter().enumerate();
        let beside: Vec<usize> =
            beside.filter(|(_, of)| of.as_ref().is_some_and(is)).map(|(at, _)| at).collect();
        if beside.is_empty() {
            return None;
        }
        let Some(own) = self.names(at).filter(|_| beside.len() <= MOST_BESIDE) else { return Some(None) };
        beside.into_iter().find_map(|before| {
            let Some(before) = self.names(before) else { return Some(None) };
            let read = own.written.iter().filter(|name| before.read.contains(*name));
            let written = before.written.iter();
            let written = written.filter(|name| own.read.contains(*name) || own.written.contains(*name));
            read.chain(written).min().cloned().map(Some)
        })
    }

    /// What a trigger reads and writes, with those that it fires; none where that is too much.
    fn names(&self, at: usize) -> Option<Names> {
        let (mut names, mut seen, mut open, mut followed) = (Names::default(), HashSet::new(), vec![at], 0);
        while let Some(at) = open.pop() {
            let fired = self.firing.fired_by(at);
            let Some(definition) = self.definition(at).filter(|_| seen.insert(at)) else { continue };
            followed += fired.len() + definition.reads.len() + self.firing.written_by(at).len();
            if followed > MOST_FOLLOWED {
                return None;
            }
            open.extend(fired);
            names.written.extend(self.firing.written_by(at).iter().cloned());
            names.read.extend(definition.reads.iter().map(|name| name.to_ascii_lowercase()));
        }
        names.read = self.with_views(std::mem::take(&mut names.read));
        Some(names)
    }

    /// With what the views among them read.
    fn with_views(&self, mut names: HashSet<String>) -> HashSet<String> {
        let mut open: Vec<String> = names.iter().cloned().collect();
        while let Some(name) = open.pop() {
            let read = self.views.get(&name).into_iter().flatten();
            open.extend(read.filter(|name| names.insert((*name).clone())).cloned());
        }
        names
    }

    fn definition(&self, at: usize) -> Option<&'d Definition> {
        self.definitions.get(at).and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::View;

    fn meet(others: &[&str], after: &str) -> Option<Option<String>> {
        let view = |name: &str, sql: &str| View { name: name.into(), sql: sql.into() };
        let views = vec![view("V", "CREATE VIEW V AS SELECT * FROM acc")];
        let catalog = Catalog { views, ..Catalog::default() };
        let all = [&[after], others].concat();
        let read: Vec<Option<Definition>> = all.iter().map(|sql| Definition::read(sql).ok()).collect();
        assert!(read.iter().all(Option::is_some));
        Touches::of(&catalog, &read).meets_before(0)
    }

    #[test]
    fn triggers_before_and_after_the_rows_meet_in_what_they_touch() {
        let after = "CREATE TRIGGER a AFTER INSERT ON t BEGIN UPDATE acc SET n = n - 1; END";
        let check = "BEGIN SELECT RAISE(ABORT, 'no') WHERE (SELECT n FROM Acc) < 1; END";
        let acc = Some(Some("acc".to_owned()));
        assert_eq!(meet(&[&format!("CREATE TRIGGER b BEFORE INSERT ON T {check}")], after), acc);
        assert_eq!(meet(&[&format!("CREATE TRIGGER b BEFORE UPDATE ON t {check}")], after), None);
        assert_eq!(meet(&[&format!("CREATE TRIGGER b AFTER INSERT ON t {check}")], after), None);
        let view =
            "CREATE TRIGGER b BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no') FROM v WHERE n < 1; END";
        assert_eq!(meet(&[view], after), acc);
        let (fires, fired) = (
            "CREATE TRIGGER b BEFORE INSERT ON t BEGIN INSERT INTO u VALUES (1); END",
            "CREATE TRIGGER c AFTER INSERT ON u BEGIN DELETE FROM acc; END",
        );
        assert_eq!(meet(&[fires, fired], after), acc);
        assert_eq!(meet(&[fires], after), None);
        let reads = "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log SELECT n FROM u; END";
        assert_eq!(meet(&[fires], reads), Some(Some("u".into())));
        // That both read it does not matter.
        let both = "CREATE TRIGGER b BEFORE INSERT ON t BEGIN INSERT INTO w SELECT n FROM u; END";
        assert_eq!(meet(&[both], reads), None);
    }
}
