//! How rows get into a table: written straight into its heap, or through a temporary table and one INSERT.
//! Pure.

use crate::pg::relation_facts::RelationFacts;
use crate::pg::storage_extension::StorageExtension;
use pg_sqlite_migrate_core::plan::IntoExisting;

/// How a load puts its rows into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Into the heap; indexes are rebuilt and foreign keys are looked at afterwards.
    Direct,
    /// The same, and if two rows turn out to have one key, all over again as a staged load.
    DirectWithFallback,
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
pub fn choose(
    facts: &RelationFacts,
    into: Option<&IntoExisting>,
    defaults_look: bool,
    rows: Rows,
) -> Strategy {
    if let Some(reason) = bound(facts).or_else(|| computed(facts, defaults_look)) {
        return Strategy::Staged(Some(reason));
    }
    if into.is_some_and(|into| asked(facts, into)) {
        return Strategy::Staged(None);
    }
    let conflict = into.is_some_and(|into| into.conflict.is_some());
    match (conflict, rows.there) {
        (true, 0) => Strategy::DirectWithFallback,
        (true, _) => Strategy::Staged(None),
        (false, 0) => Strategy::Direct,
        (false, _) if facts.unvalidated_foreign_keys => {
            Strategy::Staged(Some("it has rows and a foreign key that is NOT VALID"))
        }
        (false, _) if rows.to_come == 0 => {
            Strategy::Staged(Some("it has rows, and how many are loaded was not counted before"))
        }
        (false, there) if there > rows.to_come.saturating_mul(REBUILD) => {
            Strategy::Staged(Some("it holds many more rows than are loaded"))
        }
        (false, _) => Strategy::Direct,
    }
}

/// What the relation is, or is to the caller: straight into the heap is only for a table in which nobody else has a hand.
fn bound(facts: &RelationFacts) -> Option<&'static str> {
    match () {
        () if facts.storage_extension == Some(StorageExtension::Citus) => Some("it is a table of Citus"),
        () if facts.storage_extension == Some(StorageExtension::Timescale) => {
            Some("it is a hypertable of TimescaleDB")
        }
        () if facts.relkind == 'p' => Some("it is partitioned"),
        () if facts.relkind != 'r' => Some("it is not a table"),
        () if facts.partition => Some("it is a partition"),
        () if !facts.heap => Some("it is not stored as a heap"),
        () if facts.extension_triggers => Some("a trigger of it is an extension's"),
        () if facts.children => Some("other tables inherit from it"),
        () if facts.out_of_reach => Some("it is not an ordinary table of this session"),
        () if !(facts.owned && facts.may_insert) => Some("the caller does not own it"),
        () if facts.row_security => Some("row-level security applies to the caller"),
        () if facts.insert_rules => Some("it has rules for INSERT"),
        () if !facts.readable_parents => Some("what its foreign keys reference is not the caller's to read"),
        () => None,
    }
}

/// What is only right while a row comes in: what is computed for it may look at rows that no index finds yet, and a
/// period may be covered by several parents together.
fn computed(facts: &RelationFacts, defaults_look: bool) -> Option<&'static str> {
    match () {
        () if facts.period_foreign_keys => Some("it has a foreign key WITH PERIOD"),
        () if facts.looking_checks => Some("a check calls a function that may read tables"),
        () if defaults_look => Some("a default calls a function that may read tables"),
        () => None,
    }
}

/// The plan asks for everything to be in place, or for triggers that there are.
fn asked(facts: &RelationFacts, into: &IntoExisting) -> bool {
    into.keep_constraints || (into.fire_triggers && facts.insert_triggers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_sqlite_migrate_core::plan::{Conflict, ExistingKey};

    fn table() -> RelationFacts {
        RelationFacts {
            relkind: 'r',
            heap: true,
            owned: true,
            may_insert: true,
            readable_parents: true,
            ..RelationFacts::default()
        }
    }

    fn staged(facts: RelationFacts, into: IntoExisting) -> bool {
        let rows = Rows { there: 0, to_come: 1 };
        matches!(choose(&facts, Some(&into), false, rows), Strategy::Staged(_))
    }

    #[test]
    fn what_the_table_is_decides_first() {
        let plain = IntoExisting::default;
        assert!(!staged(table(), plain()));
        for bound in [
            RelationFacts { relkind: 'v', ..table() },
            RelationFacts { partition: true, ..table() },
            RelationFacts { owned: false, ..table() },
            RelationFacts { storage_extension: Some(StorageExtension::Citus), ..table() },
            RelationFacts { storage_extension: Some(StorageExtension::Timescale), ..table() },
            RelationFacts { extension_triggers: true, ..table() },
            RelationFacts { children: true, ..table() },
            RelationFacts { row_security: true, ..table() },
            RelationFacts { insert_rules: true, ..table() },
            RelationFacts { readable_parents: false, ..table() },
            RelationFacts { looking_checks: true, ..table() },
            RelationFacts { period_foreign_keys: true, ..table() },
        ] {
            assert!(staged(bound.clone(), plain()), "{bound:?}");
        }
    }

    #[test]
    fn triggers_and_constraints_as_the_plan_wants_them() {
        let firing = || IntoExisting { fire_triggers: true, ..IntoExisting::default() };
        assert!(!staged(table(), firing()));
        assert!(staged(RelationFacts { insert_triggers: true, ..table() }, firing()));
        assert!(!staged(RelationFacts { insert_triggers: true, ..table() }, IntoExisting::default()));
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
        assert_eq!(way(&skip, 0, 5), Strategy::DirectWithFallback);
        assert!(matches!(way(&skip, 1, 5), Strategy::Staged(_)));
        assert_eq!(way(&append, 400, 100), Strategy::Direct);
        assert!(matches!(way(&append, 401, 100), Strategy::Staged(_)));
        assert!(matches!(way(&append, 1, 0), Strategy::Staged(_)), "unknown");
    }
}
