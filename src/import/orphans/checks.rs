//! The orphan checks of a run: which can be made after a load, and which wait. Pure.
//!
//! A table has one moment: after its load. What can be checked then is checked; a check whose parents are still to come, or
//! may still lose rows to a check of their own, waits for the load that completes them. So rows without a parent are
//! gone, or have lost their key, before a foreign key of theirs is created.

use crate::pg::loaded_rows::{Command, LoadedRows};
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::plan::{Action, OrphanSpec, Orphans, Planned};

/// A table by schema and name.
pub type Name<'a> = (&'a str, &'a str);

/// The checks that the plan has, and how far the loads have come.
#[derive(Debug, Clone)]
pub struct OrphanChecks<'a> {
    tables: Vec<Table<'a>>,
    checks: Vec<Check<'a>>,
}

/// A table that the run loads.
#[derive(Debug, Clone)]
struct Table<'a> {
    name: Name<'a>,
    load: Load,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Load {
    ToCome,
    Running,
    /// With the rows that it has written; `None` for all of a table that is new.
    Done(Option<LoadedRows>),
    /// It failed, or a blocking finding keeps the table out of the run.
    LeftOut,
}

#[derive(Debug, Clone)]
struct Check<'a> {
    spec: &'a OrphanSpec,
    title: &'a str,
    table: Option<TableId>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// The foreign key has checked the rows as they came in; parents that are rejected later would break it.
    Enforced,
    /// Nothing is left to do.
    Resolved,
}

/// What is done at once: all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task<'a> {
    pub title: &'a str,
    pub table: Option<TableId>,
    pub work: Work<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work<'a> {
    /// For all keys at once: removing a row can orphan another table's.
    Reject(Vec<&'a OrphanSpec>),
    Refuse(&'a OrphanSpec),
    /// All keys of one table at once: the server checks every foreign key of a row of the same transaction that is
    /// changed.
    Nullify(Vec<&'a OrphanSpec>),
}

impl<'a> OrphanChecks<'a> {
    pub fn of(planned: &'a Planned) -> OrphanChecks<'a> {
        let (mut tables, mut checks) = (vec![], vec![]);
        for step in &planned.steps {
            match &step.action {
                Action::Load(spec) => {
                    tables.push(Table { name: (&spec.schema, &spec.target), load: Load::ToCome })
                }
                Action::Orphans(spec) => {
                    checks.push(Check { spec, title: &step.title, table: step.table, state: State::Waiting });
                }
                Action::Sql(_) => {}
            }
        }
        OrphanChecks { tables, checks }
    }

    pub fn load_begins(&mut self, table: Name<'_>) {
        self.set(table, Load::Running);
    }

    /// `enforced`: foreign keys of the table have checked the rows as they came in.
    pub fn loaded(&mut self, table: Name<'_>, rows: Option<LoadedRows>, enforced: bool) {
        self.set(table, Load::Done(rows));
        for check in self.checks.iter_mut().filter(|check| enforced && child(check.spec) == table) {
            check.state = State::Enforced;
        }
    }

    /// The table is not loaded: nothing is asked about it, and nothing about rows that point to it.
    pub fn leave_out(&mut self, table: Name<'_>) {
        self.set(table, Load::LeftOut);
        for check in &mut self.checks {
            if child(check.spec) == table || parent(check.spec) == table {
                check.state = State::Resolved;
            }
        }
    }

    fn set(&mut self, table: Name<'_>, load: Load) {
        self.tables.iter_mut().filter(|t| t.name == table).for_each(|t| t.load = load.clone());
    }

    /// Rows of a load were written anew, by this command.
    pub(super) fn rewritten(&mut self, table: Name<'_>, by: Command) {
        for table in self.tables.iter_mut().filter(|t| t.name == table) {
            if let Load::Done(Some(rows)) = &mut table.load {
                rows.also_by(by);
            }
        }
    }

    /// The rows that the load of a table has written; `None` for all of a table that is new.
    pub(super) fn loaded_rows(&self, table: Name<'_>) -> Option<&LoadedRows> {
        self.tables.iter().filter(|t| t.name == table).find_map(|t| match &t.load {
            Load::Done(rows) => rows.as_ref(),
            _ => None,
        })
    }

    /// The parents of a check are loaded later.
    pub fn parents_to_come(&self, spec: &OrphanSpec) -> bool {
        self.is_to_come(parent(spec))
    }

    /// Parents of the table are loaded later.
    pub fn any_parents_to_come(&self, table: Name<'_>) -> bool {
        self.checks.iter().any(|check| child(check.spec) == table && self.parents_to_come(check.spec))
    }

    fn is_to_come(&self, table: Name<'_>) -> bool {
        self.tables.iter().any(|t| t.name == table && t.load == Load::ToCome)
    }

    /// What can be done now; it counts as done from here on.
    pub fn ready(&mut self) -> Vec<Task<'a>> {
        let unloaded = self.unloaded();
        let incomplete = self.incomplete(&unloaded);
        let mut ready = vec![];
        for check in self.checks.iter_mut().filter(|check| check.state == State::Waiting) {
            let (child, parent) = (child(check.spec), parent(check.spec));
            // What is orphaned by complete parents is so whatever else comes; the other policies are about what is left.
            let waits_for = if check.spec.policy == Orphans::Reject { parent } else { child };
            if !unloaded.contains(&child) && !incomplete.contains(&waits_for) {
                check.state = State::Resolved;
                ready.push(check.clone());
            }
        }
        tasks(&ready)
    }

    fn unloaded(&self) -> Vec<Name<'a>> {
        let unloaded = self.tables.iter().filter(|t| matches!(t.load, Load::ToCome | Load::Running));
        unloaded.map(|table| table.name).collect()
    }

    /// Tables that are not loaded yet, or may lose rows to a check that waits.
    fn incomplete(&self, unloaded: &[Name<'a>]) -> Vec<Name<'a>> {
        let mut incomplete = unloaded.to_vec();
        let waiting: Vec<(Name<'a>, Name<'a>)> = (self.checks.iter())
            .filter(|check| check.state == State::Waiting)
            .map(|check| (child(check.spec), parent(check.spec)))
            .collect();
        let waits = |incomplete: &[Name<'a>]| {
            let mut waiting = waiting.iter();
            waiting
                .find(|(child, parent)| incomplete.contains(parent) && !incomplete.contains(child))
                .copied()
        };
        while let Some((child, _)) = waits(&incomplete) {
            incomplete.push(child);
        }
        incomplete
    }

    /// Keys that have checked their rows against parents of which some are gone now.
    pub(super) fn enforced_by<'s>(
        &'s self,
        poorer: &'s [Name<'s>],
    ) -> impl Iterator<Item = &'a OrphanSpec> + 's {
        let enforced = self.checks.iter().filter(|check| check.state == State::Enforced);
        enforced.map(|check| check.spec).filter(|spec| poorer.contains(&parent(spec)))
    }
}

pub(super) fn child(spec: &OrphanSpec) -> Name<'_> {
    (&spec.schema, &spec.table)
}

pub(super) fn parent(spec: &OrphanSpec) -> Name<'_> {
    (&spec.parent_schema, &spec.parent)
}

/// Rows go first: what is left is what the other policies are about.
fn tasks<'a>(ready: &[Check<'a>]) -> Vec<Task<'a>> {
    let of = |policy| ready.iter().filter(move |check| check.spec.policy == policy);
    let mut tasks = vec![];
    if let Some(first) = of(Orphans::Reject).next() {
        let work = Work::Reject(of(Orphans::Reject).map(|check| check.spec).collect());
        tasks.push(Task { title: first.title, table: None, work });
    }
    for check in of(Orphans::Error) {
        tasks.push(Task { title: check.title, table: check.table, work: Work::Refuse(check.spec) });
    }
    for check in of(Orphans::Null) {
        let table = tasks.iter_mut().find_map(|task| match &mut task.work {
            Work::Nullify(specs) if specs.iter().all(|s| child(s) == child(check.spec)) => Some(specs),
            _ => None,
        });
        match table {
            Some(specs) => specs.push(check.spec),
            None => {
                let work = Work::Nullify(vec![check.spec]);
                tasks.push(Task { title: check.title, table: check.table, work });
            }
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(child: &str, parent: &str, policy: Orphans) -> OrphanSpec {
        OrphanSpec {
            schema: "s".into(),
            table: child.into(),
            columns: vec![parent.into()],
            parent_schema: "s".into(),
            parent: parent.into(),
            parent_columns: vec!["id".into()],
            operators: vec![],
            full: false,
            policy,
            source: child.into(),
            existing: false,
            nullable: true,
        }
    }

    fn checks<'a>(tables: &[&'a str], specs: &'a [OrphanSpec]) -> OrphanChecks<'a> {
        let tables = tables.iter().map(|name| Table { name: ("s", name), load: Load::ToCome }).collect();
        let check = |spec| Check { spec, title: "look", table: None, state: State::Waiting };
        OrphanChecks { tables, checks: specs.iter().map(check).collect() }
    }

    /// What becomes ready when the tables are loaded in this order: `load: KIND child>parent …`.
    fn order(checks: &mut OrphanChecks<'_>, tables: &[&str]) -> Vec<String> {
        let key = |spec: &OrphanSpec| format!("{}>{}", spec.table, spec.parent);
        let keys = |specs: &[&OrphanSpec]| specs.iter().map(|s| key(s)).collect::<Vec<_>>().join(" ");
        let mut out = vec![];
        for table in tables {
            checks.load_begins(("s", table));
            assert!(checks.ready().is_empty(), "{table} is being loaded");
            checks.loaded(("s", table), None, false);
            out.extend(checks.ready().iter().map(|task| match &task.work {
                Work::Reject(specs) => format!("{table}: reject {}", keys(specs)),
                Work::Refuse(spec) => format!("{table}: refuse {}", key(spec)),
                Work::Nullify(specs) => format!("{table}: nullify {}", keys(specs)),
            }));
        }
        out
    }

    #[test]
    fn a_check_is_made_after_its_own_load_if_the_parents_are_there() {
        let specs = [spec("b", "a", Orphans::Error), spec("b", "other", Orphans::Error)];
        assert_eq!(
            order(&mut checks(&["a", "b"], &specs), &["a", "b"]),
            ["b: refuse b>a", "b: refuse b>other"]
        );
    }

    #[test]
    fn parents_to_come_and_parents_that_may_lose_rows_are_waited_for() {
        // b and c point to each other; d points to b, whose rows may still go.
        let reject = |child, parent| spec(child, parent, Orphans::Reject);
        let specs = [reject("b", "c"), reject("c", "b"), reject("b", "a"), spec("d", "b", Orphans::Error)];
        let mut checks = checks(&["a", "b", "d", "c"], &specs);
        assert_eq!(
            order(&mut checks, &["a", "b", "d", "c"]),
            ["b: reject b>a", "c: reject b>c c>b", "c: refuse d>b"]
        );
    }

    #[test]
    fn parents_are_to_come_until_their_load_begins() {
        let specs = [spec("b", "c", Orphans::Error), spec("c", "b", Orphans::Error)];
        let mut checks = checks(&["b", "c"], &specs);
        let to_come = |checks: &OrphanChecks<'_>| ["b", "c"].map(|t| checks.any_parents_to_come(("s", t)));
        assert_eq!(to_come(&checks), [true, true]);
        checks.load_begins(("s", "b"));
        assert_eq!(to_come(&checks), [true, false]);
        checks.load_begins(("s", "c"));
        assert_eq!(to_come(&checks), [false, false]);
    }

    #[test]
    fn keys_of_a_table_become_null_together() {
        let null = |parent| spec("c", parent, Orphans::Null);
        let specs = [null("a"), null("c"), null("b"), spec("x", "a", Orphans::Null)];
        assert_eq!(
            order(&mut checks(&["x", "a", "c", "b"], &specs), &["x", "a", "c", "b"]),
            ["a: nullify x>a", "b: nullify c>a c>c c>b"]
        );
    }

    #[test]
    fn what_is_left_out_is_not_waited_for() {
        let specs =
            [spec("b", "a", Orphans::Error), spec("c", "b", Orphans::Error), spec("c", "x", Orphans::Error)];
        let mut checks = checks(&["a", "b", "c"], &specs);
        checks.leave_out(("s", "b"));
        assert_eq!(order(&mut checks, &["a", "c"]), ["c: refuse c>x"]);
    }

    #[test]
    fn what_its_key_has_checked_is_asked_about_again_only_where_parents_went() {
        let specs = [spec("b", "a", Orphans::Error)];
        let mut checks = checks(&["a", "b"], &specs);
        checks.loaded(("s", "a"), None, false);
        checks.load_begins(("s", "b"));
        checks.loaded(("s", "b"), None, true);
        assert!(checks.ready().is_empty());
        assert_eq!(checks.enforced_by(&[("s", "b")]).count(), 0);
        assert_eq!(checks.enforced_by(&[("s", "a")]).count(), 1);
    }
}
