//! Materialised views and what they read, through other views too.

use std::collections::{BTreeMap, BTreeSet};

use pgrx::pg_sys;

use super::relations::Relations;
use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::plan::{ExistingView, Reader};

/// Views of users, and the relations that their queries name.
const READS: &str = "
    SELECT DISTINCT w.ev_class AS view, d.refobjid AS relation
    FROM pg_catalog.pg_rewrite w
    JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
    WHERE w.ev_type = '1' AND w.ev_class >= 16384
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> w.ev_class";

/// Who reads a table reads its children by inheritance; a partition gets rows through its parent.
const CHILDREN: &str = "
    SELECT i.inhparent AS parent, i.inhrelid AS child, c.relispartition AS partition
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE c.relkind NOT IN ('i', 'I')";

const NAMES: &str = "
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind = 'm' AS materialised
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1)";

/// The views that read relations, directly or through others.
const READERS: &str = "
    WITH RECURSIVE reads AS (
        SELECT DISTINCT w.ev_class AS view, d.refobjid AS relation
        FROM pg_catalog.pg_rewrite w
        JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
        WHERE w.ev_class >= 16384 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> w.ev_class),
    found AS (
        SELECT r.relation, r.view FROM reads r WHERE r.relation = ANY ($1)
        UNION SELECT f.relation, r.view FROM found f JOIN reads r ON r.relation = f.view)
    SELECT f.relation, n.nspname AS schema, c.relname AS name, c.relkind = 'm' AS materialised
    FROM found f JOIN pg_catalog.pg_class c ON c.oid = f.view JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ORDER BY 1, 2, 3";

/// Fills in which views read each relation.
pub fn read_readers(found: &mut Relations) {
    found.each(READERS, |table, row| {
        let (schema, name, materialised) = (row.get("schema"), row.get("name"), row.get("materialised"));
        table.read_by.push(Reader { schema, name, materialised });
    });
}

/// From a relation to others.
type Edges = BTreeMap<u32, BTreeSet<u32>>;

struct Named {
    schema: String,
    name: String,
    materialised: bool,
}

/// The materialised views that read relations of `schemas`, each after those that it reads.
pub fn read(schemas: &[String]) -> Vec<ExistingView> {
    let mut reads = Edges::new();
    let mut parents = Edges::new();
    for (view, relation) in spi::rows(READS, &[], |row| (oid(row, "view"), oid(row, "relation"))) {
        reads.entry(view).or_default().insert(relation);
    }
    if reads.is_empty() {
        return vec![];
    }
    let views: Vec<u32> = reads.keys().copied().collect();
    spi::rows(CHILDREN, &[], |row| {
        let (parent, child) = (oid(row, "parent"), oid(row, "child"));
        reads.entry(parent).or_default().insert(child);
        if row.get("partition") {
            parents.entry(child).or_default().insert(parent);
        }
    });
    let whole: Edges = views.iter().map(|view| (*view, all_read(*view, &reads, &parents))).collect();
    let names = names(&whole);
    let named = |oid: &u32| names.get(oid).map(|n| (n.schema.clone(), n.name.clone()));
    let materialised =
        whole.keys().copied().filter(|v| names.get(v).is_some_and(|n| n.materialised)).collect();
    refresh_order(materialised, &whole)
        .into_iter()
        .filter_map(|view| {
            let (schema, name) = named(&view)?;
            let reads: Vec<_> = whole.get(&view)?.iter().filter_map(named).collect();
            reads.iter().any(|(s, _)| schemas.contains(s)).then_some(ExistingView { schema, name, reads })
        })
        .collect()
}

fn names(whole: &Edges) -> BTreeMap<u32, Named> {
    let oids: BTreeSet<u32> =
        whole.iter().flat_map(|(view, reads)| reads.iter().chain([view])).copied().collect();
    let oids: Vec<pg_sys::Oid> = oids.into_iter().map(pg_sys::Oid::from).collect();
    let named = |row: &Row<'_>| {
        let (schema, name, materialised) = (row.get("schema"), row.get("name"), row.get("materialised"));
        (oid(row, "oid"), Named { schema, name, materialised })
    };
    spi::rows(NAMES, &[oids.as_slice().into()], named).into_iter().collect()
}

fn oid(row: &Row<'_>, column: &str) -> u32 {
    row.get::<pg_sys::Oid>(column).to_u32()
}

/// Everything that can be reached from a view, and the partitioned tables whose partitions are among it.
fn all_read(view: u32, reads: &Edges, parents: &Edges) -> BTreeSet<u32> {
    let mut found = reachable(reads, [view]);
    found.remove(&view);
    let above = reachable(parents, found.iter().copied());
    found.extend(above);
    found
}

fn reachable(edges: &Edges, from: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open: Vec<u32> = from.into_iter().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(edges.get(&next).into_iter().flatten());
        }
    }
    found
}

/// A view that another one reads has fewer relations to read, because the other reads all of them through it.
fn refresh_order(mut views: Vec<u32>, whole: &Edges) -> Vec<u32> {
    views.sort_by_key(|view| (whole.get(view).map_or(0, BTreeSet::len), *view));
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(u32, u32)]) -> Edges {
        let mut out = Edges::new();
        for (from, to) in pairs {
            out.entry(*from).or_default().insert(*to);
        }
        out
    }

    #[test]
    fn a_view_reads_what_its_views_read_and_gets_what_partitions_get() {
        // 9 reads 8, which reads partition 2 of table 1; 3 is its sibling.
        let reads = edges(&[(9, 8), (8, 2), (1, 2), (1, 3)]);
        let parents = edges(&[(2, 1), (3, 1)]);
        assert_eq!(all_read(9, &reads, &parents), BTreeSet::from([8, 2, 1]));
    }

    #[test]
    fn views_are_refreshed_after_those_that_they_read() {
        let whole = edges(&[(5, 1), (4, 5), (4, 1), (3, 4), (3, 5), (3, 1), (2, 7)]);
        let order = refresh_order(vec![2, 3, 4, 5], &whole);
        assert_eq!(order, [2, 5, 4, 3]);
    }
}
