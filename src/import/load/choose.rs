//! Which strategy a load takes. Pure.

use crate::pg::relation_facts::RelationFacts;
use crate::pg::storage_extension::StorageExtension;
use pg_sqlite_migrate_core::plan::IntoExisting;

/// How a load puts its rows into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Into the heap; indexes are rebuilt and foreign keys are checked afterwards.
    Direct,
    /// The same, and if two rows turn out to have one key, again as a staged load.
    DirectWithFallback,
    /// Through a staging table; for which reason, unless the plan requests it.
    Staged(Option<&'static str>),
}

/// What is known when a table is about to be loaded, besides the facts of the relation.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// The table has a foreign key that it did not have when it was planned.
    pub unplanned_key: bool,
    /// A default that the load leaves to the table may read tables.
    pub looking_default: bool,
    /// References become others than in the file.
    pub references_follow: bool,
    /// NULL becomes the default of one of its columns.
    pub null_defaults: bool,
    /// Rows of the table; `None` where they cannot be counted.
    pub existing_rows: Option<i64>,
    /// Rows of the load; 0 when unknown.
    pub rows_to_load: i64,
}

/// Existing rows for each that is loaded, above which rebuilding indexes costs more than maintaining them.
const REBUILD: i64 = 4;

/// Chooses for a table, new or existing (`into`).
pub fn choose(facts: &RelationFacts, into: Option<&IntoExisting>, at: Circumstances) -> Strategy {
    if at.unplanned_key {
        // A foreign key added since planning has no orphan check, so load through INSERT and let its trigger check.
        return Strategy::Staged(Some("a foreign key was added to it after the plan was made"));
    }
    if let Some(reason) = obstacle(facts).or_else(|| computed(facts, at.looking_default)) {
        return Strategy::Staged(Some(reason));
    }
    if at.references_follow {
        return Strategy::Staged(Some("references follow the rows that they refer to"));
    }
    if at.null_defaults {
        return Strategy::Staged(Some("NULL becomes a default"));
    }
    // The plan requests everything to be in place, or triggers of which there are some.
    if into.is_some_and(|into| into.keep_constraints || (into.fire_triggers && facts.insert_triggers)) {
        return Strategy::Staged(None);
    }
    let conflict = into.is_some_and(|into| into.conflict.is_some());
    match (conflict, at.existing_rows) {
        (_, None) => Strategy::Staged(Some("its rows cannot be counted")),
        (true, Some(0)) => Strategy::DirectWithFallback,
        (true, _) => Strategy::Staged(None),
        (false, Some(0)) => Strategy::Direct,
        (false, _) if facts.unvalidated_foreign_keys => {
            Strategy::Staged(Some("it has rows and a foreign key that is NOT VALID"))
        }
        (false, _) if at.rows_to_load == 0 => {
            Strategy::Staged(Some("it has rows, and the number of rows to load is not known"))
        }
        (false, Some(existing)) if existing > at.rows_to_load.saturating_mul(REBUILD) => {
            Strategy::Staged(Some("it has many more rows than are loaded"))
        }
        (false, _) => Strategy::Direct,
    }
}

/// Why the relation, or the caller's rights on it, rule out a direct load.
fn obstacle(facts: &RelationFacts) -> Option<&'static str> {
    match () {
        () if facts.storage_extension == Some(StorageExtension::Citus) => Some("it is a table of Citus"),
        () if facts.storage_extension == Some(StorageExtension::Timescale) => {
            Some("it is a hypertable of TimescaleDB")
        }
        () if facts.relkind == 'p' => Some("it is partitioned"),
        () if facts.relkind != 'r' => Some("it is not a table"),
        () if facts.partition => Some("it is a partition"),
        () if !facts.heap => Some("it is not stored as a heap"),
        () if facts.extension_triggers => Some("one of its triggers belongs to an extension"),
        () if facts.children => Some("other tables inherit from it"),
        () if facts.out_of_reach => Some("it is not an ordinary table of this session"),
        () if !(facts.owned && facts.may_insert) => Some("the caller does not own it"),
        () if facts.row_security => Some("row-level security applies to the caller"),
        () if facts.insert_rules => Some("it has rules for INSERT"),
        () if !facts.readable_parents => {
            Some("the caller may not read the tables that its foreign keys reference")
        }
        () => None,
    }
}

/// What is only right while a row comes in: what is computed for it may look at rows that no index finds yet, and a
/// period may be covered by several parents together.
fn computed(facts: &RelationFacts, looking_default: bool) -> Option<&'static str> {
    match () {
        () if facts.period_foreign_keys => Some("it has a foreign key WITH PERIOD"),
        () if facts.looking_checks => Some("a check calls a function that may read tables"),
        () if looking_default => Some("a default calls a function that may read tables"),
        () => None,
    }
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

    fn rows(existing_rows: Option<i64>, rows_to_load: i64) -> Circumstances {
        Circumstances {
            unplanned_key: false,
            looking_default: false,
            references_follow: false,
            null_defaults: false,
            existing_rows,
            rows_to_load,
        }
    }

    fn staged(facts: RelationFacts, into: IntoExisting) -> bool {
        matches!(choose(&facts, Some(&into), rows(Some(0), 1)), Strategy::Staged(_))
    }

    #[test]
    fn what_the_table_is_decides_first() {
        let plain = IntoExisting::default;
        assert!(!staged(table(), plain()));
        for facts in [
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
            assert!(staged(facts.clone(), plain()), "{facts:?}");
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
    fn existing_rows_decide_last() {
        let conflict = Some(Conflict { arbiter: ExistingKey::default(), update: vec![], skip: None });
        let skip = IntoExisting { conflict, ..IntoExisting::default() };
        let strategy =
            |into: &IntoExisting, existing, to_load| choose(&table(), Some(into), rows(existing, to_load));
        let append = IntoExisting::default();
        assert_eq!(strategy(&skip, Some(0), 5), Strategy::DirectWithFallback);
        assert_eq!(strategy(&skip, Some(1), 5), Strategy::Staged(None));
        assert_eq!(strategy(&append, Some(400), 100), Strategy::Direct);
        let staged = |strategy| matches!(strategy, Strategy::Staged(Some(_)));
        assert!(staged(strategy(&append, Some(401), 100)));
        assert!(staged(strategy(&append, Some(1), 0)), "unknown");
        assert!(staged(strategy(&append, None, 100)) && staged(strategy(&skip, None, 100)));
        let defaults = Circumstances { null_defaults: true, ..rows(Some(0), 1) };
        assert!(staged(choose(&table(), Some(&append), defaults)));
        let follow = Circumstances { references_follow: true, ..rows(Some(0), 1) };
        assert!(staged(choose(&table(), Some(&append), follow)));
        assert!(staged(choose(&table(), None, follow)), "a new table may refer to rows of an existing one");
        let unplanned = Circumstances { unplanned_key: true, ..rows(Some(0), 1) };
        assert!(staged(choose(&table(), Some(&append), unplanned)));
    }
}
