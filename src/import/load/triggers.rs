//! A table's own triggers are disabled while rows are loaded into it, and are put back as they were.

use std::convert::Infallible;

use pgrx::pg_sys;

use crate::pg::relation_facts;
use crate::pg::settings::LocalSettings;
use crate::pg::spi::{self, Row};
use crate::pg::xact::{self, Caught};
use pg_sqlite_migrate_core::plan::TablePlan;
use pg_sqlite_migrate_core::sqltext::{ident, qualified};

/// User triggers of a table and of its partitions that would fire in this session: whose they are, their name
/// and how to enable them again. A view's do the work that the view is loaded for, and TimescaleDB's what makes a
/// table a hypertable.
const FIRING: &str = "
    SELECT n.nspname AS schema, c.relname AS name, c.oid, t.tgname AS trigger,
           CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END AS enable
    FROM (SELECT $1::regclass AS relid UNION SELECT relid FROM pg_partition_tree($1::regclass)) AS tree
    JOIN pg_class c ON c.oid = tree.relid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_trigger t ON t.tgrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND NOT t.tgisinternal
      AND t.tgenabled IN ('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)
      AND pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.deptype = 'e')
    ORDER BY 1, 2, 4";

/// Triggers and rules of tables, and event triggers: code that a load may set off.
const MAY_FIRE: &str = "
    SELECT FROM pg_event_trigger WHERE evtenabled <> 'D'
    UNION ALL
    SELECT FROM unnest($1) AS loaded (name)
    JOIN pg_class c ON c.oid = to_regclass(loaded.name)
    WHERE EXISTS (SELECT FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
                      AND t.tgrelid IN (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)))
       OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type = '3')
    LIMIT 1";

/// Deferrable constraints of a table and of its partitions. Triggers that are constraints are not among them.
const DEFERRABLE: &str = "
    SELECT DISTINCT n.nspname AS schema, k.conname AS name
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
    WHERE k.condeferrable AND k.contype <> 't'
      AND k.conrelid IN (SELECT $1::regclass UNION SELECT relid FROM pg_partition_tree($1::regclass))
    ORDER BY 1, 2";

/// Code of the database's own may have changed what was loaded.
pub fn may_fire(tables: &[TablePlan]) -> bool {
    let names: Vec<String> = tables.iter().map(|t| qualified(&t.schema, &t.target)).collect();
    spi::any(MAY_FIRE, &[names.as_slice().into()])
}

/// Triggers that were disabled; [`DisabledTriggers::restore`] enables them. An ERROR in between does so by rolling back.
#[must_use]
#[derive(Debug, Clone)]
pub struct DisabledTriggers {
    triggers: Vec<Trigger>,
}

#[derive(Debug, Clone)]
struct Trigger {
    table: String,
    relation: pg_sys::Oid,
    name: String,
    enable: String,
}

/// Disables the user triggers of a table that the caller owns.
pub fn disable(schema: &str, table: &str) -> DisabledTriggers {
    let _path = LocalSettings::safe_search_path();
    let triggers = spi::rows(FIRING, &[(&qualified(schema, table)).into()], |row| Trigger {
        table: qualified(&row.get::<String>("schema"), &row.get::<String>("name")),
        relation: row.get("oid"),
        name: row.get("trigger"),
        enable: row.get("enable"),
    });
    for Trigger { table, name, .. } in &triggers {
        spi::execute(&format!("ALTER TABLE {ONLY} {table} DISABLE TRIGGER {}", ident(name)));
    }
    DisabledTriggers { triggers }
}

/// An error if rows break a deferred constraint of the table. The check is rolled back: what is deferred stays so.
pub fn check_deferred(schema: &str, table: &str) -> Result<(), Caught> {
    let name = |row: &Row<'_>| qualified(&row.get::<String>("schema"), &row.get::<String>("name"));
    let names = {
        let _path = LocalSettings::safe_search_path();
        spi::rows(DEFERRABLE, &[(&qualified(schema, table)).into()], name)
    };
    if names.is_empty() {
        return Ok(());
    }
    let check = || -> Result<Infallible, ()> {
        spi::execute(&format!("SET CONSTRAINTS {} IMMEDIATE", names.join(", ")));
        Err(())
    };
    xact::attempt(check).map(|_| ())
}

/// Each partition's trigger has a state of its own. Before PostgreSQL 15 it is the parent's to change.
const ONLY: &str = if cfg!(feature = "pg14") { "" } else { "ONLY" };

impl DisabledTriggers {
    /// Enables the triggers again, unless deferred constraints wait to be checked: ALTER TABLE is refused until they have
    /// been, and they are not checked here, because SET CONSTRAINTS lasts and tables to come may need theirs deferred.
    pub fn restore_unless_waiting(self) -> Option<DisabledTriggers> {
        if self.wait() {
            return Some(self);
        }
        self.restore();
        None
    }

    fn wait(&self) -> bool {
        self.triggers.iter().any(|trigger| relation_facts::pending_triggers(trigger.relation))
    }

    /// Enables the triggers again, after a check of all deferred constraints if some wait. No loads come after it.
    pub fn restore(self) {
        if self.wait() {
            // Triggers that it fires see the caller's search path.
            spi::execute("SET CONSTRAINTS ALL IMMEDIATE");
        }
        let _path = LocalSettings::safe_search_path();
        for Trigger { table, name, enable, .. } in &self.triggers {
            spi::execute(&format!("ALTER TABLE {ONLY} {table} {enable} TRIGGER {}", ident(name)));
        }
    }
}
