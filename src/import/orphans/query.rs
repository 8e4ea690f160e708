//! One query: which rows of a load have no parent by one foreign key. Nothing is changed.
//!
//! The query is `RI_Initial_Check`'s: children by inheritance have no part in a foreign key, what collates is
//! compared by the parent's collation, and every operator is the key's own, with its schema.

use std::hash::{DefaultHasher, Hash, Hasher};

use pgrx::pg_sys;

use super::points_to_itself;
use crate::error::{Error, OrphanRows};
use crate::import::existing;
use crate::import::load::fetched;
use crate::pg::loaded_rows::LoadedRows;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::{self, Column};
use crate::pg::{citus, equality, latest, relation};
use crate::verify::counts;
use pg_sqlite_migrate_core::plan::{KeyOperator, OrphanSpec};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};

/// The key columns of the referenced table `$1` (`$2`, in order) and of the referencing one `$3` (`$4`): what a query
/// says before the parents' name, so as to see the rows that may be parents; what it says after the value that it
/// compares with the column; and the types of both sides.
const COLUMNS: &str = "
    SELECT CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END AS only,
           COALESCE(' COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname), '') AS collation,
           p.atttypid AS parent, c.atttypid AS child
    FROM ROWS FROM (unnest($2), unnest($4)) WITH ORDINALITY AS key (parent, child, place)
    JOIN pg_attribute p ON p.attrelid = $1::regclass AND p.attname = key.parent
    JOIN pg_attribute c ON c.attrelid = $3::regclass AND c.attname = key.child
    JOIN pg_class t ON t.oid = p.attrelid
    LEFT JOIN pg_collation l ON l.oid = p.attcollation
    LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
    ORDER BY key.place";

/// An operator and the types that it takes, as SQL names them.
const OPERATOR: &str = "
    SELECT format('%I.', s.nspname) || o.oprname AS name, format('%I.%I', ln.nspname, l.typname) AS parent_type,
           format('%I.%I', rn.nspname, r.typname) AS child_type
    FROM pg_operator o JOIN pg_namespace s ON s.oid = o.oprnamespace
    JOIN pg_type l ON l.oid = o.oprleft JOIN pg_namespace ln ON ln.oid = l.typnamespace
    JOIN pg_type r ON r.oid = o.oprright JOIN pg_namespace rn ON rn.oid = r.typnamespace
    WHERE o.oid = $1";

/// The rows that one foreign key is checked for. In its SQL, `c` is a child and `p` a parent.
#[derive(Debug, Clone)]
pub struct OrphanQuery<'a> {
    pub spec: &'a OrphanSpec,
    pub children: Relation,
    /// What may hold their parents.
    pub parents: Vec<Relation>,
    /// Which rows of the children's table the load has written, as a condition.
    loaded_rows: Option<String>,
    /// How the columns are compared, in order.
    comparisons: Vec<Comparison>,
}

/// A table as SQL names it, and as FROM does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub name: String,
    pub from: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    operator: KeyOperator,
    /// ` COLLATE …`, where the type has a collation.
    collation: String,
}

impl<'a> OrphanQuery<'a> {
    /// Rows of the table itself: those that a load has written, or all of a table that is new.
    pub fn of_table(spec: &'a OrphanSpec, loaded_rows: Option<&LoadedRows>) -> OrphanQuery<'a> {
        let name = qualified(&spec.schema, &spec.table);
        let _path = LocalSettings::safe_search_path();
        let from = counts::own_rows(&spec.schema, &spec.table).unwrap_or_else(|| name.clone());
        let loaded_rows = loaded_rows.map(written_by);
        OrphanQuery { loaded_rows, ..OrphanQuery::new(spec, Relation { name, from }) }
    }

    /// Rows on a stage, from which they go into the table all at once.
    pub fn of_stage(spec: &'a OrphanSpec, stage: &str) -> OrphanQuery<'a> {
        let stage = Relation { name: stage.to_string(), from: stage.to_string() };
        let mut query = OrphanQuery::new(spec, stage.clone());
        if points_to_itself(spec) {
            query.parents.push(stage);
        }
        query
    }

    /// Rows on a stage that have the file's values, as their parents in another relation have: its columns are named as
    /// the parents' are.
    pub fn of_file(spec: &'a OrphanSpec, stage: &str, keys: &str) -> OrphanQuery<'a> {
        let relation = |name: &str| Relation { name: name.to_string(), from: name.to_string() };
        OrphanQuery { parents: vec![relation(keys)], ..OrphanQuery::new(spec, relation(stage)) }
    }

    fn new(spec: &'a OrphanSpec, children: Relation) -> OrphanQuery<'a> {
        let _path = LocalSettings::safe_search_path();
        let name = qualified(&spec.parent_schema, &spec.parent);
        let (parents, columns) = (spec.parent_columns.as_slice(), spec.columns.as_slice());
        let parameters = [(&name).into(), parents.into(), (&children.name).into(), columns.into()];
        let mut operators = spec.operators.iter().cloned();
        let mut only = String::new();
        let comparisons = spi::rows(COLUMNS, &parameters, |row| {
            only = row.get("only");
            let operator = operators.next();
            Comparison {
                operator: operator.unwrap_or_else(|| operator_of(row.get("parent"), row.get("child"))),
                collation: row.get("collation"),
            }
        });
        let from = local_parents(spec, &name, format!("{only}{name}"), &children);
        OrphanQuery { spec, children, parents: vec![Relation { name, from }], loaded_rows: None, comparisons }
    }

    /// There is a row without a parent.
    pub fn any(&self) -> bool {
        !self.select::<bool>("true", " LIMIT 1").is_empty()
    }

    pub fn count(&self) -> u64 {
        self.select::<u64>("pg_catalog.count(*)", "").into_iter().sum()
    }

    /// An error if there is a row without a parent.
    pub fn refuse(&self) -> Result<(), Error> {
        let (spec, count) = (self.spec, self.count());
        if count == 0 {
            return Ok(());
        }
        let keys = ident_list(spec.columns.iter());
        let _styles = LocalSettings::printing(Reads::Styles);
        let examples: Vec<String> =
            self.select(&format!("ROW({keys})::pg_catalog.text"), &format!(" ORDER BY {keys} LIMIT 5"));
        let examples: Vec<String> =
            examples.iter().map(|row| format!("({}) = {row}", spec.columns.join(", "))).collect();
        Err(Error::Orphans(Box::new(OrphanRows {
            source: spec.source.clone(),
            table: format!("{}.{}", spec.schema, spec.table),
            parent: format!("{}.{}", spec.parent_schema, spec.parent),
            count,
            examples: examples.join(", "),
            existing: spec.existing,
            nullable: spec.nullable,
        })))
    }

    /// One expression over the rows without a parent.
    fn select<T: Column>(&self, expression: &str, tail: &str) -> Vec<T> {
        let _settings = reading();
        let sql = format!("SELECT {expression} {}{tail}", self.orphans());
        latest::values(&sql)
    }

    /// FROM and WHERE of the rows without a parent.
    pub fn orphans(&self) -> String {
        format!("FROM {} AS c WHERE {}", self.children.from, self.orphaned())
    }

    /// The condition of a row without a parent.
    pub fn orphaned(&self) -> String {
        let same = self.same();
        let missing = self.parents.iter();
        let missing = missing.map(|p| format!("NOT EXISTS (SELECT FROM {} AS p WHERE {same})", p.from));
        format!("{} AND {}", self.checked(), missing.collect::<Vec<_>>().join(" AND "))
    }

    /// The condition of a row that is checked. MATCH SIMPLE: a row with a NULL among its columns has no parent to
    /// look for. MATCH FULL: only one with nothing but NULL.
    pub fn checked(&self) -> String {
        let set = self.spec.columns.iter().map(|c| format!("c.{} IS NOT NULL", ident(c)));
        let set: Vec<String> = set.collect();
        let set = if self.spec.full { format!("({})", set.join(" OR ")) } else { set.join(" AND ") };
        match &self.loaded_rows {
            Some(loaded_rows) => format!("{loaded_rows} AND {set}"),
            None => set,
        }
    }

    /// The condition of a child and its parent.
    pub fn same(&self) -> String {
        let pairs = self.spec.columns.iter().zip(&self.spec.parent_columns).enumerate();
        let same = pairs.map(|(n, (child, parent))| {
            self.compared(n, &format!("p.{}", ident(parent)), &format!("c.{}", ident(child)))
        });
        same.collect::<Vec<_>>().join(" AND ")
    }

    /// The condition that two values are the same in column `n` of the key.
    pub fn compared(&self, n: usize, parent: &str, child: &str) -> String {
        let Some(Comparison { operator, collation }) = self.comparisons.get(n) else { return "false".into() };
        let KeyOperator { name, parent_type, child_type } = operator;
        format!("{parent}::{parent_type} OPERATOR({name}) {child}::{child_type}{collation}")
    }
}

/// Keeps the parents where they are until the transaction ends: other sessions do not see the children yet.
pub fn hold_parents(spec: &OrphanSpec) {
    let parent = spi::oid(&qualified(&spec.parent_schema, &spec.parent));
    relation::lock(parent);
    if citus::holds(parent) {
        // Writers may come through other nodes.
        let _path = LocalSettings::safe_search_path();
        existing::lock(&spec.parent_schema, &spec.parent);
    }
}

/// Where the parents are for a query about rows of this server's. Citus joins its tables with each other alone.
fn local_parents(spec: &OrphanSpec, name: &str, from: String, children: &Relation) -> String {
    if !citus::is_installed() || citus::holds(spi::oid(&children.name)) {
        return from;
    }
    let _settings = reading();
    let mut hasher = DefaultHasher::new();
    spec.parent_columns.hash(&mut hasher);
    let purpose = format!("keys_{:016x}", hasher.finish());
    fetched::copy(&purpose, name, &from, spec.parent_columns.iter().map(String::as_str)).unwrap_or(from)
}

/// A parent that a policy hides would be none: that is an error.
pub fn reading() -> LocalSettings {
    let settings = LocalSettings::safe_search_path();
    settings.set("row_security", "off");
    settings
}

/// The operator of a key that is still to be made.
fn operator_of(parent: pg_sys::Oid, child: pg_sys::Oid) -> KeyOperator {
    let found = equality::operator(parent, child).and_then(|operator| {
        spi::row(OPERATOR, &[operator.into()], |row| KeyOperator {
            name: row.get("name"),
            parent_type: row.get("parent_type"),
            child_type: row.get("child_type"),
        })
    });
    found.unwrap_or_else(|| {
        pgrx::error!("internal query failed: the columns of a foreign key have no common \"=\"")
    })
}

/// The condition of a row `c` that the commands have written.
fn written_by(loaded_rows: &LoadedRows) -> String {
    let by = loaded_rows.commands.iter().map(|command| {
        let transaction = format!("c.xmin OPERATOR(pg_catalog.=) '{}'::pg_catalog.xid", command.transaction);
        match command.number {
            Some(number) => {
                format!("{transaction} AND c.cmin OPERATOR(pg_catalog.=) '{number}'::pg_catalog.cid")
            }
            None => transaction,
        }
    });
    let by: Vec<String> = by.collect();
    if by.is_empty() {
        return "false".into();
    }
    let first = loaded_rows.first_block;
    format!("c.ctid OPERATOR(pg_catalog.>=) '({first},0)'::pg_catalog.tid AND ({})", by.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::loaded_rows::Command;
    use pg_sqlite_migrate_core::plan::Orphans;

    fn spec() -> OrphanSpec {
        OrphanSpec {
            schema: "app".into(),
            table: "chat".into(),
            columns: vec!["user".into(), "b".into()],
            parent_schema: "app".into(),
            parent: "users".into(),
            parent_columns: vec!["id".into(), "c".into()],
            operators: vec![],
            full: false,
            policy: Orphans::Error,
            source: "Chat".into(),
            existing: false,
            nullable: true,
        }
    }

    fn relation(from: &str) -> Relation {
        Relation { name: from.trim_start_matches("ONLY ").into(), from: from.into() }
    }

    fn query_of(spec: &OrphanSpec) -> OrphanQuery<'_> {
        let comparison = |name: &str, collation: &str| Comparison {
            operator: KeyOperator {
                name: name.into(),
                parent_type: "pg_catalog.text".into(),
                child_type: "pg_catalog.bpchar".into(),
            },
            collation: collation.into(),
        };
        OrphanQuery {
            spec,
            children: relation("ONLY chat"),
            parents: vec![relation("ONLY app.users")],
            loaded_rows: None,
            comparisons: vec![comparison("pg_catalog.=", " COLLATE x"), comparison("public.=", "")],
        }
    }

    const SAME: &str = "WHERE p.\"id\"::pg_catalog.text OPERATOR(pg_catalog.=) c.\"user\"::pg_catalog.bpchar COLLATE x \
                        AND p.\"c\"::pg_catalog.text OPERATOR(public.=) c.\"b\"::pg_catalog.bpchar)";

    #[test]
    fn the_condition_is_match_simple_unless_the_key_is_match_full() {
        let (simple, full) = (spec(), OrphanSpec { full: true, ..spec() });
        assert_eq!(
            query_of(&simple).orphaned(),
            format!(
                "c.\"user\" IS NOT NULL AND c.\"b\" IS NOT NULL AND NOT EXISTS (SELECT FROM ONLY app.users AS p {SAME}"
            )
        );
        let mut query = query_of(&full);
        query.parents.push(relation("s"));
        assert_eq!(
            query.orphaned(),
            format!(
                "(c.\"user\" IS NOT NULL OR c.\"b\" IS NOT NULL) AND NOT EXISTS (SELECT FROM ONLY app.users AS p {SAME} \
                 AND NOT EXISTS (SELECT FROM s AS p {SAME}"
            )
        );
    }

    #[test]
    fn only_what_the_load_has_written_is_checked() {
        let command = |number| Command { transaction: 7, number };
        let loaded_rows = |commands| LoadedRows { commands, first_block: 3 };
        assert_eq!(written_by(&loaded_rows(vec![])), "false");
        assert_eq!(
            written_by(&loaded_rows(vec![command(Some(1)), command(None)])),
            "c.ctid OPERATOR(pg_catalog.>=) '(3,0)'::pg_catalog.tid AND \
             (c.xmin OPERATOR(pg_catalog.=) '7'::pg_catalog.xid AND c.cmin OPERATOR(pg_catalog.=) '1'::pg_catalog.cid \
             OR c.xmin OPERATOR(pg_catalog.=) '7'::pg_catalog.xid)"
        );
        let spec = spec();
        let query = OrphanQuery { loaded_rows: Some("new".into()), ..query_of(&spec) };
        assert!(query.orphaned().starts_with("new AND c.\"user\" IS NOT NULL"));
    }
}
