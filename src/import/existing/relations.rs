//! The relations of some schemas, and what an INSERT would set off in each.

use std::collections::HashMap;

use super::fields::Fields;
use crate::pg::{rights, spi};
use pg_sqlite_migrate_core::plan::ExistingTable;

/// What is known so far, by oid.
pub struct Relations {
    tables: Vec<ExistingTable>,
    places: HashMap<u32, usize>,
    oids: String,
}

/// `ev_type` 3 is INSERT. Bit 8 is INSERT among the events of `pg_relation_is_updatable`.
const RELATIONS: &str = "
    SELECT c.oid::bigint::text, n.nspname::text, c.relname::text, c.relkind::text, c.relispartition::text,
           CASE WHEN c.relkind IN ('r', 'p') THEN true
                WHEN c.relkind = 'v' THEN pg_catalog.pg_relation_is_updatable(c.oid, true) & 8 <> 0
                ELSE false END::text,
           EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                   WHERE w.ev_class = c.oid AND w.ev_type = '3' AND w.ev_enabled IN ('O', 'A'))::text,
           pg_catalog.pg_has_role(c.relowner, 'USAGE')::text,
           (SELECT pg_catalog.min(r.rolname::text)
            FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)
                  UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid) AS above (relid)) AS member
            JOIN pg_catalog.pg_class p ON p.oid = member.relid JOIN pg_catalog.pg_roles r ON r.oid = p.relowner
            WHERE c.relkind IN ('r', 'p', 'v') AND NOT ({trusted})),
           (SELECT pg_catalog.min(t.relname::text)
            FROM (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid
                  UNION ALL
                  SELECT d.refobjid FROM pg_catalog.pg_depend d
                  WHERE c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')) AS owner (oid)
            JOIN pg_catalog.pg_class t ON t.oid = owner.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1::text[])
    ORDER BY n.nspname, c.relname";

/// Triggers that fire in an ordinary session for an INSERT, those of a foreign key not among them. A row that goes
/// into a partitioned table fires its partition's as well. Before PostgreSQL 15 a partition's copy of a trigger of
/// its parent's counts as internal. Bit 0 of `tgtype` is FOR EACH ROW, bit 2 INSERT.
const TRIGGERS: &str = "
    WITH fired AS (
        SELECT c.oid AS relation, c.oid AS owner
        FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p', 'v', 'f')
        UNION ALL
        SELECT c.oid, p.relid
        FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) p
        WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'p' AND p.level > 0)
    SELECT DISTINCT f.relation::bigint::text, t.tgname::text
    FROM fired f JOIN pg_catalog.pg_trigger t ON t.tgrelid = f.owner
    LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
    WHERE t.tgenabled IN ('O', 'A') AND t.tgtype & 4 <> 0 AND (f.owner = f.relation OR t.tgtype & 1 <> 0)
      AND (NOT t.tgisinternal OR t.tgparentid <> 0) AND COALESCE(k.contype = 't', true)
    ORDER BY 1, 2";

impl Relations {
    /// Reads the relations of schemas, given as an array literal.
    pub fn of(schemas: &str) -> Relations {
        let mut found = Relations { tables: vec![], places: HashMap::new(), oids: String::new() };
        let relations = RELATIONS.replace("{trusted}", &rights::trusts("p.relowner"));
        for row in spi::rows(&relations, &[Some(schemas)]) {
            let table = relation(&mut Fields::of(row));
            found.places.insert(table.oid, found.tables.len());
            found.tables.push(table);
        }
        let oids: Vec<String> = found.places.keys().map(u32::to_string).collect();
        found.oids = format!("{{{}}}", oids.join(","));
        found.each(TRIGGERS, |table, row| table.triggers.push(row.text()));
        found
    }

    /// Asks a question about all of them, `$1` being their oids, and hands each answer to the relation whose oid
    /// its first column is.
    pub fn each(&mut self, sql: &str, mut take: impl FnMut(&mut ExistingTable, &mut Fields)) {
        if self.tables.is_empty() {
            return;
        }
        for row in spi::rows(sql, &[Some(&self.oids)]) {
            let mut row = Fields::of(row);
            let place = self.places.get(&row.number());
            if let Some(table) = place.and_then(|i| self.tables.get_mut(*i)) {
                take(table, &mut row);
            }
        }
    }

    pub fn tables(&self) -> impl Iterator<Item = &ExistingTable> {
        self.tables.iter()
    }

    pub fn into_tables(self) -> Vec<ExistingTable> {
        self.tables
    }
}

fn relation(row: &mut Fields) -> ExistingTable {
    ExistingTable {
        oid: row.number(),
        schema: row.text(),
        name: row.text(),
        relkind: row.text().chars().next().unwrap_or_default(),
        partition: row.flag(),
        insertable: row.flag(),
        insert_rules: row.flag(),
        owned: row.flag(),
        stranger: row.optional(),
        part_of: row.optional(),
        ..ExistingTable::default()
    }
}
