//! How rows get into a table: written straight into its heap, or through a temporary table and one INSERT.
//! Pure.

use crate::pg::keepers::Keeper;
use crate::pg::standing::Standing;
use pg_sqlite_migrate_core::plan::IntoExisting;

/// The way that a load takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Into the heap; indexes are rebuilt and foreign keys are looked at afterwards.
    Direct,
    /// The same, and if two rows turn out to have one key, all over again by the other way.
    Attempt,
    /// Through a temporary table; for which reason, unless the plan asks for it.
    Staged(Option<&'static str>),
}

/// Rows of the target and of the load.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    pub there: i64,
    /// 0 when unknown.
    pub to_come: i64,
}

/// Rows that are there for each that comes, above which rebuilding indexes costs more than keeping them.
const REBUILD: i64 = 4;

/// Chooses for a table, new or there before; `defaults_look` when a default that the load leaves to the table may
/// read tables.
pub fn choose(standing: &Standing, into: Option<&IntoExisting>, defaults_look: bool, rows: Rows) -> Way {
    if let Some(reason) = bound(standing).or_else(|| computed(standing, defaults_look)) {
        return Way::Staged(Some(reason));
    }
    if into.is_some_and(|into| asked(standing, into)) {
        return Way::Staged(None);
    }
    let conflict = into.is_some_and(|into| into.conflict.is_some());
    match (conflict, rows.there) {
        (true, 0) => Way::Attempt,
        (true, _) => Way::Staged(None),
        (false, 0) => Way::Direct,
        (false, _) if standing.unvalidated_foreign_keys => {
            Way::Staged(Some("it has rows and a foreign key that is NOT VALID"))
        }
        (false, _) if rows.to_come == 0 => {
            Way::Staged(Some("it has rows, and how many are loaded was not counted before"))
        }
        (false, there) if there > rows.to_come.saturating_mul(REBUILD) => {
            Way::Staged(Some("it holds many more rows than are loaded"))
        }
        (false, _) => Way::Direct,
    }
}

/// What the relation is, or is to the caller: straight into the heap is only for a table in which nobody else has a hand.
fn bound(standing: &Standing) -> Option<&'static str> {
    match () {
        () if standing.keeper == Some(Keeper::Citus) => Some("it is a table of Citus"),
        () if standing.keeper == Some(Keeper::Timescale) => Some("it is a hypertable of TimescaleDB"),
        () if standing.relkind == 'p' => Some("it is partitioned"),
        () if standing.relkind != 'r' => Some("it is not a table"),
        () if standing.partition => Some("it is a partition"),
        () if !standing.heap => Some("it is not stored as a heap"),
        () if standing.extension_triggers => Some("a trigger of it is an extension's"),
        () if standing.children => Some("other tables inherit from it"),
        () if standing.out_of_reach => Some("it is not an ordinary table of this session"),
        () if !(standing.owned && standing.may_insert) => Some("the caller does not own it"),
        () if standing.row_security => Some("row-level security applies to the caller"),
        () if standing.insert_rules => Some("it has rules for INSERT"),
        () if !standing.readable_parents => {
            Some("what its foreign keys reference is not the caller's to read")
        }
        () => None,
    }
}

/// What is only right while a row comes in: what is computed for it may look at rows that no index finds yet, and a
/// period may be covered by several parents together.
fn computed(standing: &Standing, defaults_look: bool) -> Option<&'static str> {
    match () {
        () if standing.period_foreign_keys => Some("it has a foreign key WITH PERIOD"),
        () if standing.looking_checks => Some("a check calls a function that may read tables"),
        () if defaults_look => Some("a default calls a function that may read tables"),
        () => None,
    }
}

/// The plan asks for everything to be in place, or for triggers that there are.
fn asked(standing: &Standing, into: &IntoExisting) -> bool {
    into.keep_constraints || (into.fire_triggers && standing.insert_triggers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_sqlite_migrate_core::plan::{Conflict, ExistingKey};

    fn table() -> Standing {
        Standing {
            relkind: 'r',
            heap: true,
            owned: true,
            may_insert: true,
            readable_parents: true,
            ..Standing::default()
        }
    }

    fn staged(standing: Standing, into: IntoExisting) -> bool {
        let rows = Rows { there: 0, to_come: 1 };
        matches!(choose(&standing, Some(&into), false, rows), Way::Staged(_))
    }

    #[test]
    fn what_the_table_is_decides_first() {
        let plain = IntoExisting::default;
        assert!(!staged(table(), plain()));
        for bound in [
            Standing { relkind: 'v', ..table() },
            Standing { partition: true, ..table() },
            Standing { owned: false, ..table() },
            Standing { keeper: Some(Keeper::Citus), ..table() },
            Standing { keeper: Some(Keeper::Timescale), ..table() },
            Standing { extension_triggers: true, ..table() },
            Standing { children: true, ..table() },
            Standing { row_security: true, ..table() },
            Standing { insert_rules: true, ..table() },
            Standing { readable_parents: false, ..table() },
            Standing { looking_checks: true, ..table() },
            Standing { period_foreign_keys: true, ..table() },
        ] {
            assert!(staged(bound.clone(), plain()), "{bound:?}");
        }
    }

    #[test]
    fn triggers_and_constraints_as_the_plan_wants_them() {
        let firing = || IntoExisting { fire_triggers: true, ..IntoExisting::default() };
        assert!(!staged(table(), firing()));
        assert!(staged(Standing { insert_triggers: true, ..table() }, firing()));
        assert!(!staged(Standing { insert_triggers: true, ..table() }, IntoExisting::default()));
        assert!(staged(table(), IntoExisting { keep_constraints: true, ..IntoExisting::default() }));
    }

    #[test]
    fn rows_that_are_there_decide_last() {
        let conflict = Some(Conflict { arbiter: ExistingKey::default(), update: vec![], skip: None });
        let skip = IntoExisting { conflict, ..IntoExisting::default() };
        let way = |into: &IntoExisting, there, to_come| {
            choose(&table(), Some(into), false, Rows { there, to_come })
        };
        let append = IntoExisting::default();
        assert_eq!(way(&skip, 0, 5), Way::Attempt);
        assert!(matches!(way(&skip, 1, 5), Way::Staged(_)));
        assert_eq!(way(&append, 400, 100), Way::Direct);
        assert!(matches!(way(&append, 401, 100), Way::Staged(_)));
        assert!(matches!(way(&append, 1, 0), Way::Staged(_)), "unknown");
    }
}
