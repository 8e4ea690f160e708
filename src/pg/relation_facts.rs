//! Relation facts: what a bulk load must know of its target and of the caller's rights on it. What follows from them is
//! decided elsewhere.

use std::sync::LazyLock;

use pgrx::pg_sys;

use super::storage_extension::{self, StorageExtension};
use super::{compat, rights, spi};

/// Facts about a relation, as the caller sees them. They hold for as long as it is locked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationFacts {
    /// As `pg_class.relkind`.
    pub relkind: char,
    /// Stored by the heap access method.
    pub heap: bool,
    /// A catalog, or another session's temporary table.
    pub out_of_reach: bool,
    /// An extension stores its rows elsewhere.
    pub storage_extension: Option<StorageExtension>,
    /// One of its triggers calls a function that belongs to an extension.
    pub extension_triggers: bool,
    /// Other tables inherit from it.
    pub children: bool,
    /// Whether the caller has the owner's rights.
    pub owned: bool,
    pub may_insert: bool,
    /// Row-level security applies to the caller.
    pub row_security: bool,
    pub partition: bool,
    /// Rules that an INSERT would apply, in this session.
    pub insert_rules: bool,
    /// User triggers that an INSERT would fire, in this session.
    pub insert_triggers: bool,
    pub unvalidated_foreign_keys: bool,
    /// Foreign keys WITH PERIOD.
    pub period_foreign_keys: bool,
    /// Whether foreign keys can be checked by a query: the caller may read all rows of every referenced table, and a
    /// query on it runs no untrusted code.
    pub readable_parents: bool,
    /// A CHECK constraint calls a function that may read tables, perhaps this one by an index.
    pub looking_checks: bool,
    /// Columns (their attribute numbers) whose default calls such a function.
    pub looking_defaults: Vec<i16>,
}

/// $1 is the relation, $2 the heap access method, $3 the first oid that is no catalog's. OFFSET keeps the planner from a
/// hash of the triggers of all tables.
static FACTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.relkind, c.relam = $2 AS heap, c.oid < $3 OR pg_is_other_temp_schema(c.relnamespace) AS out_of_reach,
             EXISTS (SELECT FROM pg_trigger t
                     JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid
                     WHERE t.tgrelid = c.oid AND d.deptype = 'e' OFFSET 0) AS extension_triggers,
             EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS children,
             pg_has_role(c.relowner, 'USAGE') AS owned, has_table_privilege(c.oid, 'INSERT') AS may_insert,
             row_security_active(c.oid) AS row_security, c.relispartition AS partition,
             EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid AND ev_type = '3'
                     AND ev_enabled IN ('A', session.fires)) AS insert_rules,
             EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal AND tgtype::integer & 4 <> 0
                     AND tgenabled IN ('A', session.fires)) AS insert_triggers,
             EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'f' AND NOT convalidated)
                 AS unvalidated_foreign_keys,
             EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND {period})
                 AS period_foreign_keys,
             NOT EXISTS (SELECT FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid
                     WHERE k.conrelid = c.oid AND k.contype = 'f'
                     AND NOT (has_schema_privilege(p.relnamespace, 'USAGE') AND has_table_privilege(p.oid, 'SELECT')
                              AND NOT row_security_active(p.oid) AND {harmless})) AS readable_parents
         FROM pg_class c,
             (SELECT CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)
                 AS session (fires)
         WHERE c.oid = $1",
        period = compat::CONSTRAINT_PERIOD,
        harmless = rights::harmless("p.relowner"),
    )
});

/// Functions that may read tables, with the column of a default, or NULL for a CHECK. Not listed are functions that do
/// not: built-in ones, those in C (extensions' functions hardly ever do), and immutable ones, which promise not to.
const LOOKING: &str = "
    WITH called AS (
        SELECT NULL::smallint AS attnum, d.refclassid, d.refobjid
        FROM pg_constraint k JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
        WHERE k.conrelid = $1 AND k.contype = 'c'
        UNION ALL
        SELECT a.adnum, d.refclassid, d.refobjid
        FROM pg_attrdef a JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
        WHERE a.adrelid = $1)
    SELECT DISTINCT called.attnum
    FROM called LEFT JOIN pg_operator o ON called.refclassid = 'pg_operator'::regclass AND o.oid = called.refobjid
    JOIN pg_proc p ON p.oid = CASE called.refclassid WHEN 'pg_proc'::regclass THEN called.refobjid ELSE o.oprcode END
    JOIN pg_language l ON l.oid = p.prolang
    WHERE p.provolatile <> 'i' AND l.lanname NOT IN ('c', 'internal')";

/// Reads the facts; `None` if there is no such relation.
pub fn read(relation: pg_sys::Oid) -> Option<RelationFacts> {
    let parameters =
        [relation, pg_sys::HEAP_TABLE_AM_OID, pg_sys::Oid::from(pg_sys::FirstNormalObjectId)].map(Into::into);
    let looking: Vec<Option<i16>> = spi::values(LOOKING, &[relation.into()]);
    spi::row(FACTS.as_str(), &parameters, |row| RelationFacts {
        relkind: row.get("relkind"),
        heap: row.get("heap"),
        out_of_reach: row.get("out_of_reach"),
        storage_extension: storage_extension::of(relation),
        extension_triggers: row.get("extension_triggers"),
        children: row.get("children"),
        owned: row.get("owned"),
        may_insert: row.get("may_insert"),
        row_security: row.get("row_security"),
        partition: row.get("partition"),
        insert_rules: row.get("insert_rules"),
        insert_triggers: row.get("insert_triggers"),
        unvalidated_foreign_keys: row.get("unvalidated_foreign_keys"),
        period_foreign_keys: row.get("period_foreign_keys"),
        readable_parents: row.get("readable_parents"),
        looking_checks: looking.contains(&None),
        looking_defaults: looking.iter().flatten().copied().collect(),
    })
}

/// Whether deferred triggers of the relation are pending.
pub fn pending_triggers(relation: pg_sys::Oid) -> bool {
    // SAFETY: looks at this backend's queue.
    unsafe { pg_sys::AfterTriggerPendingOnRel(relation) }
}
