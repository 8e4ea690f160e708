//! The relations of some schemas, and what an INSERT would set off in each.

use std::collections::HashMap;
use std::sync::LazyLock;

use pgrx::pg_sys;

use crate::pg::rights;
use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::plan::ExistingTable;

/// What is known so far, by oid.
pub struct Relations {
    tables: Vec<ExistingTable>,
    places: HashMap<u32, usize>,
    oids: Vec<pg_sys::Oid>,
}

/// `ev_type` 3 is INSERT. Bit 8 is INSERT among the events of `pg_relation_is_updatable`.
static RELATIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind, c.relispartition AS partition,
           CASE WHEN c.relkind IN ('r', 'p') THEN true
                WHEN c.relkind = 'v' THEN pg_catalog.pg_relation_is_updatable(c.oid, true) & 8 <> 0
                ELSE false END AS insertable,
           EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                   WHERE w.ev_class = c.oid AND w.ev_type = '3' AND w.ev_enabled IN ('O', 'A')) AS insert_rules,
           pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
           (SELECT pg_catalog.min(r.rolname::text)
            FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)
                  UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid) AS above (relid)) AS member
            JOIN pg_catalog.pg_class p ON p.oid = member.relid JOIN pg_catalog.pg_roles r ON r.oid = p.relowner
            WHERE c.relkind IN ('r', 'p', 'v') AND NOT ({trusted})) AS untrusted_owner,
           (SELECT pg_catalog.min(t.relname::text)
            FROM (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid
                  UNION ALL
                  SELECT d.refobjid FROM pg_catalog.pg_depend d
                  WHERE c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')) AS owner (oid)
            JOIN pg_catalog.pg_class t ON t.oid = owner.oid) AS part_of
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1)
    ORDER BY n.nspname, c.relname",
        trusted = rights::trusts("p.relowner"),
    )
});

/// Triggers that fire in an ordinary session for an INSERT, those of a foreign key not among them. A row that goes
/// into a partitioned table fires its partition's as well. Before PostgreSQL 15 a partition's copy of a trigger of
/// its parent's counts as internal. Bit 0 of `tgtype` is FOR EACH ROW, bit 2 INSERT.
const TRIGGERS: &str = "
    WITH fired AS (
        SELECT c.oid AS relation, c.oid AS owner
        FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'f')
        UNION ALL
        SELECT c.oid, p.relid
        FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) p
        WHERE c.oid = ANY ($1) AND c.relkind = 'p' AND p.level > 0)
    SELECT DISTINCT f.relation, t.tgname AS name
    FROM fired f JOIN pg_catalog.pg_trigger t ON t.tgrelid = f.owner
    LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
    WHERE t.tgenabled IN ('O', 'A') AND t.tgtype & 4 <> 0 AND (f.owner = f.relation OR t.tgtype & 1 <> 0)
      AND (NOT t.tgisinternal OR t.tgparentid <> 0) AND COALESCE(k.contype = 't', true)
    ORDER BY 1, 2";

impl Relations {
    /// Reads the relations of schemas.
    pub fn of(schemas: &[String]) -> Relations {
        let tables = spi::rows(RELATIONS.as_str(), &[schemas.into()], relation);
        let places = tables.iter().enumerate().map(|(place, table)| (table.oid, place)).collect();
        let oids = tables.iter().map(|table| pg_sys::Oid::from(table.oid)).collect();
        let mut found = Relations { tables, places, oids };
        found.each(TRIGGERS, |table, row| table.triggers.push(row.get("name")));
        found
    }

    /// Runs a query about all of them, `$1` being their oids, and hands each row to the relation whose oid its column
    /// `relation` is.
    pub fn each(&mut self, sql: &'static str, mut take: impl FnMut(&mut ExistingTable, &Row<'_>)) {
        if self.tables.is_empty() {
            return;
        }
        spi::rows(sql, &[self.oids.as_slice().into()], |row| {
            let place = self.places.get(&row.get::<pg_sys::Oid>("relation").to_u32());
            if let Some(table) = place.and_then(|place| self.tables.get_mut(*place)) {
                take(table, row);
            }
        });
    }

    pub fn tables(&self) -> impl Iterator<Item = &ExistingTable> {
        self.tables.iter()
    }

    pub fn into_tables(self) -> Vec<ExistingTable> {
        self.tables
    }
}

fn relation(row: &Row<'_>) -> ExistingTable {
    ExistingTable {
        oid: row.get::<pg_sys::Oid>("oid").to_u32(),
        schema: row.get("schema"),
        name: row.get("name"),
        relkind: row.get("relkind"),
        partition: row.get("partition"),
        insertable: row.get("insertable"),
        insert_rules: row.get("insert_rules"),
        owned: row.get("owned"),
        untrusted_owner: row.get("untrusted_owner"),
        part_of: row.get("part_of"),
        ..ExistingTable::default()
    }
}
