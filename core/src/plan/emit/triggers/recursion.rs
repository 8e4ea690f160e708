//! Which triggers could fire themselves, directly or through others.
//!
//! SQLite does not fire a trigger that is running already (unless the application sets `recursive_triggers`); PostgreSQL does.
//! What a foreign key does to rows counts as well. More is taken for possible than is.

use std::collections::HashSet;

use crate::catalog::{Action, Catalog, ForeignKey};
use crate::translate::program::trigger::{Change, Definition, Event};

/// By the place of each: it could fire itself. None is known of a trigger without a definition.
pub fn recursive(catalog: &Catalog, triggers: &[Option<Definition>]) -> Vec<bool> {
    let known = || triggers.iter().enumerate().filter_map(|(at, t)| Some((at, t.as_ref()?)));
    let fired = |definition: &Definition| -> Vec<usize> {
        let changes = with_cascades(catalog, &definition.writes);
        known().filter(|(_, t)| changes.iter().any(|change| fires(change, &t.on))).map(|(at, _)| at).collect()
    };
    let next: Vec<Vec<usize>> = triggers.iter().map(|t| t.as_ref().map(fired).unwrap_or_default()).collect();
    (0..triggers.len()).map(|at| reaches(&next, at)).collect()
}

/// Whether a change fires a trigger that waits for `on`. Columns that are not known may be any.
pub fn fires(change: &Change, on: &Change) -> bool {
    let shared = |name: &String| on.columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let columns = change.columns.is_empty() || on.columns.is_empty() || change.columns.iter().any(shared);
    change.event == on.event && change.table.eq_ignore_ascii_case(&on.table) && columns
}

fn reaches(next: &[Vec<usize>], start: usize) -> bool {
    let mut seen = HashSet::new();
    let mut open = next.get(start).cloned().unwrap_or_default();
    while let Some(at) = open.pop() {
        if at == start {
            return true;
        }
        if seen.insert(at) {
            open.extend(next.get(at).into_iter().flatten());
        }
    }
    false
}

/// The changes with those that foreign keys make of them.
fn with_cascades(catalog: &Catalog, writes: &[Change]) -> Vec<Change> {
    let mut changes = writes.to_vec();
    let mut at = 0;
    while let Some(change) = changes.get(at).cloned() {
        at += 1;
        for (table, key) in catalog.tables.iter().flat_map(|t| t.foreign_keys.iter().map(move |key| (t, key)))
        {
            let made = cascade(&change, &table.name, key).filter(|made| !changes.contains(made));
            changes.extend(made);
        }
    }
    changes
}

fn cascade(change: &Change, child: &str, key: &ForeignKey) -> Option<Change> {
    let action = match change.event {
        Event::Insert => return None,
        Event::Update => key.on_update,
        Event::Delete => key.on_delete,
    };
    if !key.parent.eq_ignore_ascii_case(&change.table) {
        return None;
    }
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
