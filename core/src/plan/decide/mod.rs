//! Every decision about a table, its columns, keys, indexes and constraints.

pub(crate) mod checks;
mod clauses;
mod clock;
pub mod collate;
pub(crate) mod columns;
pub(crate) mod conflicts;
mod conventions;
pub(crate) mod converted;
pub(crate) mod details;
pub(crate) mod enums;
pub(crate) mod epochs;
pub(crate) mod existing;
pub(crate) mod existing_keys;
pub(crate) mod existing_limits;
pub(crate) mod extensions;
pub(crate) mod foreign_keys;
pub(crate) mod generated;
pub(crate) mod geometry;
pub(crate) mod indexes;
pub mod invalid_values;
pub(crate) mod irreversible;
pub(crate) mod links;
pub(crate) mod loaded;
pub(crate) mod object;
pub(crate) mod order;
mod orms;
pub(crate) mod oversized;
pub(crate) mod renumbering;
pub(crate) mod rtree;
pub(crate) mod search;
pub(crate) mod sizes;
pub(crate) mod table;
pub(crate) mod trial;
pub(crate) mod unique;
pub(crate) mod vectors;

use std::collections::HashMap;

use self::table::DecidedTable;
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::resolve::names::Scope;
use crate::plan::resolve::table::{Disposition, ResolvedTable};
use crate::plan::resolve::virtual_tables::Searched;

/// Makes every decision. Columns of all tables come before any key: a key needs the types of both of its sides.
pub fn decide<'a>(
    ctx: &Context<'a>,
    resolved: Vec<ResolvedTable<'a>>,
    findings: &mut Vec<Finding>,
) -> (Vec<DecidedTable<'a>>, Vec<Searched>) {
    let mut tables: Vec<DecidedTable<'a>> =
        resolved.into_iter().map(|table| columns::decide(ctx, table, findings)).collect();
    links::unify(ctx, &mut tables);
    for table in &mut tables {
        existing::report(ctx, table, findings);
        details::decide(ctx, table, findings);
        conflicts::decide(ctx, table, findings);
        if table.fresh() {
            collate::decide(ctx, table, findings);
        }
    }
    orms::report(ctx, &tables, findings);
    renumbering::decide(ctx, &mut tables, findings);
    conflicts::remedies(ctx, &mut tables);
    collate::follow(&mut tables, findings);
    let mut relations = relations(ctx, &tables);
    generated::views(ctx, &mut tables, &mut relations, findings);
    for table in tables.iter_mut().filter(|d| d.fresh()) {
        enums::decide(ctx, table, &mut relations, findings);
    }
    // A column that is added rewrites the table, which is cheaper before it has keys.
    let searched = search::decide(ctx, &mut tables, &mut relations, findings);
    for table in tables.iter_mut().filter(|d| d.fresh()) {
        let scope = relations.entry(table.settings.schema.clone()).or_default();
        unique::keys(ctx, table, scope, findings);
    }
    for table in tables.iter_mut().filter(|d| d.fresh()) {
        let scope = relations.entry(table.settings.schema.clone()).or_default();
        indexes::indexes(ctx, table, scope, findings);
        rtree::index(ctx, table, scope, findings);
        geometry::index(ctx, table, scope);
        vectors::index(ctx, table, scope, findings);
        checks::checks(ctx, table, findings);
        clauses::report(table, findings);
    }
    for table in tables.iter_mut().filter(|d| d.disposition != Disposition::Absent) {
        clock::report(table, findings);
        oversized::rows(ctx, table, findings);
        existing_limits::report(ctx, table, findings);
    }
    let facts = foreign_keys::Facts {
        catalog: ctx.source.catalog,
        key_facts: ctx.source.key_facts,
        names: ctx.key_names(),
    };
    for i in 0..tables.len() {
        foreign_keys::foreign_keys(&facts, &mut tables, i, findings);
        existing_keys::orphans(&facts, &mut tables, i, findings);
    }
    tables.iter().for_each(|table| geometry::report(ctx, table, findings));
    vectors::report(ctx, &tables, findings);
    irreversible::report(ctx, &tables, findings);
    (tables, searched)
}

/// Names taken per schema. Tables, indexes and sequences share them; a table that is replaced gives up those of its own.
fn relations(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> HashMap<String, Scope> {
    let mut out: HashMap<String, Scope> = HashMap::new();
    for table in tables {
        out.entry(table.settings.schema.clone()).or_default().reserve(&table.target);
    }
    let replaced: Vec<_> = tables.iter().filter(|d| d.disposition == Disposition::Replace).collect();
    for existing in &ctx.target.relations {
        let goes = |d: &&DecidedTable<'_>| {
            d.settings.schema == existing.schema && existing.part_of.as_ref() == Some(&d.target)
        };
        if !replaced.iter().any(goes) {
            out.entry(existing.schema.clone()).or_default().reserve(&existing.name);
        }
    }
    out
}
