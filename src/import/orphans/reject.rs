//! `orphans: "reject"`: rows without a parent go from their table into the run log, and with them those that they leave
//! without one.
//!
//! Parents come before their children, so that each table is read once; only tables that point to themselves or to
//! each other need more. Rows pass through memory a few at a time, however many there are.

use super::cascade::{Cascade, Numbered};
use super::groups;
use super::query::{OrphanQuery, reading};
use super::record::{Batch, Record};
use super::{Removed, record};
use crate::import::log::Rejects;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{erase, latest, spi};

/// Removes rows without a parent, until nothing is left to remove.
pub fn reject(queries: &[OrphanQuery<'_>], rejects: Rejects) -> Vec<Removed> {
    let _settings = reading();
    let mut members: Vec<&str> = vec![];
    for query in queries {
        if !members.contains(&query.children.name.as_str()) {
            members.push(&query.children.name);
        }
    }
    let numbered: Vec<Numbered<'_>> = queries.iter().map(|query| number(query, &members)).collect();
    let edges: Vec<_> =
        numbered.iter().flat_map(|a| a.parents.iter().flatten().map(|parent| (a.child, *parent))).collect();
    let mut removed = vec![];
    for group in groups::parents_first(members.len(), &edges) {
        reject_group(&group, &numbered, rejects, &mut removed);
    }
    removed
}

fn number<'q>(query: &'q OrphanQuery<'q>, members: &[&str]) -> Numbered<'q> {
    let at = |name: &str| members.iter().position(|member| *member == name);
    let child = at(&query.children.name).unwrap_or_default();
    Numbered { query, child, parents: query.parents.iter().map(|p| at(&p.name)).collect() }
}

fn reject_group(group: &[usize], numbered: &[Numbered<'_>], rejects: Rejects, removed: &mut Vec<Removed>) {
    // What was done before has no more rows to lose.
    let inside = |parent: &Option<usize>| parent.filter(|parent| group.contains(parent));
    let of_group = numbered.iter().filter(|a| group.contains(&a.child)).map(|a| Numbered {
        query: a.query,
        child: a.child,
        parents: a.parents.iter().map(inside).collect(),
    });
    let of_group: Vec<Numbered<'_>> = of_group.collect();
    if of_group.iter().all(|a| a.parents.iter().all(Option::is_none)) {
        for Numbered { query, .. } in of_group {
            add(removed, query, take_out(query, &query.orphans(), rejects));
        }
    } else if of_group.iter().any(|a| a.query.any()) {
        let gone = Cascade::find(rejects.run, &of_group);
        for (number, numbered) in of_group.iter().enumerate() {
            let rows = take_out(numbered.query, &gone.by(number, numbered), rejects);
            add(removed, numbered.query, rows);
        }
        gone.forget();
    }
}

fn add(removed: &mut Vec<Removed>, query: &OrphanQuery<'_>, rows: u64) {
    let spec = query.spec;
    let of_table = removed.iter_mut().find(|r| (&r.schema, &r.table) == (&spec.schema, &spec.table));
    match of_table {
        _ if rows == 0 => {}
        Some(of_table) => of_table.rows += rows,
        None => removed.push(Removed { schema: spec.schema.clone(), table: spec.table.clone(), rows }),
    }
}

/// Moves rows into the log; how many.
fn take_out(query: &OrphanQuery<'_>, rows: &str, rejects: Rejects) -> u64 {
    let relation = spi::oid(&query.children.name);
    let record = Record::of(relation);
    let mut taken = 0;
    let mut batch = Batch::default();
    let mut flush = |batch: &mut Batch| {
        let Batch { records, addresses, .. } = std::mem::take(batch);
        rejects.write_orphans(query.spec, &records);
        erase::erase(relation, &addresses);
        taken += records.len() as u64;
    };
    let _settings = LocalSettings::printing(Reads::Everything);
    latest::each(&format!("SELECT c.ctid, {} {rows}", record.columns()), record::LIMIT, |address, values| {
        batch.add(&record, address, &values);
        if batch.is_full() {
            flush(&mut batch);
        }
    });
    if !batch.records.is_empty() {
        flush(&mut batch);
    }
    taken
}
