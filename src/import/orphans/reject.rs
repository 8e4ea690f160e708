//! `orphans: "reject"`: rows without a parent go from their table into the run log, and with them those that they leave
//! without one.
//!
//! Tables are settled parents first, so that each is looked through once; only tables that point to themselves or to
//! each other need more. Rows pass through memory a few at a time, however many there are.

use super::cascade::{Asked, Gone};
use super::groups;
use super::query::{OrphanQuery, reading};
use super::record::{Batch, Record};
use super::{Removed, record};
use crate::import::log::Rejects;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{erase, latest, spi};
use pg_sqlite_migrate_core::plan::Orphans;

/// Removes rows without a parent for every key whose policy is `reject`, until nothing is left to remove.
pub fn settle_rejects(questions: &[OrphanQuery<'_>], rejects: Rejects) -> Vec<Removed> {
    let _settings = reading();
    let questions: Vec<&OrphanQuery<'_>> =
        questions.iter().filter(|q| q.policy() == Orphans::Reject).collect();
    let mut members: Vec<&str> = vec![];
    for question in &questions {
        if !members.contains(&question.children.name.as_str()) {
            members.push(&question.children.name);
        }
    }
    let asked: Vec<Asked<'_>> = questions.into_iter().map(|question| numbered(question, &members)).collect();
    let edges: Vec<_> =
        asked.iter().flat_map(|a| a.parents.iter().flatten().map(|parent| (a.child, *parent))).collect();
    let mut removed = vec![];
    for group in groups::parents_first(members.len(), &edges) {
        settle_group(&group, &asked, rejects, &mut removed);
    }
    removed
}

fn numbered<'q>(question: &'q OrphanQuery<'q>, members: &[&str]) -> Asked<'q> {
    let number = |name: &str| members.iter().position(|member| *member == name);
    let child = number(&question.children.name).unwrap_or_default();
    Asked { question, child, parents: question.parents.iter().map(|p| number(&p.name)).collect() }
}

fn settle_group(group: &[usize], asked: &[Asked<'_>], rejects: Rejects, removed: &mut Vec<Removed>) {
    // What has been settled before has no more rows to lose.
    let inside = |parent: &Option<usize>| parent.filter(|parent| group.contains(parent));
    let of_group = asked.iter().filter(|a| group.contains(&a.child)).map(|a| Asked {
        question: a.question,
        child: a.child,
        parents: a.parents.iter().map(inside).collect(),
    });
    let of_group: Vec<Asked<'_>> = of_group.collect();
    if of_group.iter().all(|a| a.parents.iter().all(Option::is_none)) {
        for Asked { question, .. } in of_group {
            add(removed, question, take_out(question, &question.orphans(), rejects));
        }
    } else if of_group.iter().any(|a| a.question.any()) {
        let gone = Gone::find(rejects.run, &of_group);
        for (number, asked) in of_group.iter().enumerate() {
            let rows = take_out(asked.question, &gone.by(number, asked), rejects);
            add(removed, asked.question, rows);
        }
        gone.forget();
    }
}

fn add(removed: &mut Vec<Removed>, question: &OrphanQuery<'_>, rows: u64) {
    let spec = question.spec;
    let of_table = removed.iter_mut().find(|r| (&r.schema, &r.table) == (&spec.schema, &spec.table));
    match of_table {
        _ if rows == 0 => {}
        Some(of_table) => of_table.rows += rows,
        None => removed.push(Removed { schema: spec.schema.clone(), table: spec.table.clone(), rows }),
    }
}

/// Moves rows into the log; how many.
fn take_out(question: &OrphanQuery<'_>, rows: &str, rejects: Rejects) -> u64 {
    let relation = spi::oid(&question.children.name);
    let record = Record::of(relation);
    let mut taken = 0;
    let mut batch = Batch::default();
    let mut flush = |batch: &mut Batch| {
        let Batch { records, addresses, .. } = std::mem::take(batch);
        rejects.write_orphans(question.spec, &records);
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
