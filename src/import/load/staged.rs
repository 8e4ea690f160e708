//! Through a temporary table of the same types and one `INSERT … SELECT` in the caller's name, in which the server
//! itself looks after indexes, constraints, rules, policies and triggers.

use std::convert::Infallible;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::skipped::Comparison;
use super::transfer::{self, Target};
use super::triggers;
use super::{Loaded, Place};
use crate::error::Error;
use crate::import::orphans;
use crate::import::orphans::OrphanQuery;
use crate::pg::loaded_rows::{Command, LoadedRows};
use crate::pg::settings::LocalSettings;
use crate::pg::{citus, relation, spi, storage_extension, xact};
use crate::sqlite::Source;
use crate::verify::counts;
use pg_sqlite_migrate_core::plan::{Conflict, IntoExisting, LoadSpec, OrphanSpec, Orphans};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};

/// Loads the rows; `rows_before` is what the table held.
pub fn load(
    source: &mut Source,
    spec: &LoadSpec,
    target: pg_sys::Oid,
    rows_before: i64,
    place: Place<'_>,
) -> Result<Loaded, Error> {
    let default = IntoExisting::default();
    let into = spec.existing.as_ref().unwrap_or(&default);
    let (stage, relation) = create_stage(spec, target);
    let attributes = relation::attributes(relation);
    let mut loaded = transfer::run(source, spec, &Target { relation, attributes, shown_as: target }, place)?;
    let staged = loaded.imported - settle_orphans(into, &stage, &mut loaded, place);
    let comparison = into.conflict.as_ref().and_then(|c| Comparison::new(spec, c, &stage));
    let met = comparison.as_ref().map(Comparison::with_table).transpose()?.unwrap_or_default();
    let triggers = (!into.fire_triggers).then(|| triggers::disable(&spec.schema, &spec.target));
    let shards = citus::holds(target);
    let (mut processed, by) = put(spec, into, &stage, shards)?;
    // Another server's transactions have ids of their own.
    loaded.loaded_rows = storage_extension::of(target).is_none().then(|| LoadedRows::by(by));
    if into.conflict.is_some() && shards && !updates(into) {
        // Citus counts the rows that it was sent.
        processed = gained(spec, rows_before, processed);
    }
    match triggers {
        // A check now would not find parents that are still to come.
        Some(triggers) if place.parents_to_come && triggers.waits() => loaded.quiet = Some(triggers),
        Some(triggers) => triggers.restore(),
        None => {}
    }
    if let Some(comparison) = comparison.as_ref().filter(|_| staged > processed) {
        // More rows were skipped than met one of the table's: they have met one of the file's.
        let twins = (staged - processed > met.met).then(|| comparison.within_file()).transpose()?;
        let found = [met, twins.unwrap_or_default()].into_iter().flat_map(|found| found.findings);
        loaded.findings.extend(found.chain(comparison.unseen()));
    }
    comparison.iter().for_each(Comparison::end);
    spi::execute(&format!("DROP TABLE {stage}"));
    loaded.imported = if updates(into) { gained(spec, rows_before, processed) } else { processed };
    loaded.updated = processed - loaded.imported;
    loaded.skipped = staged.saturating_sub(processed);
    if loaded.skipped > 0 && into.conflict.is_none() {
        loaded
            .notes
            .push(format!("{} rows were left out by a trigger or rule of the table's", loaded.skipped));
    }
    Ok(loaded)
}

/// Rows that meet one of the table's change it.
pub fn updates(into: &IntoExisting) -> bool {
    into.conflict.as_ref().is_some_and(|conflict| !conflict.update.is_empty())
}

/// Runs the INSERT; how many rows it added or changed, and who did: rows that its triggers change further are its own.
/// Where triggers fire, an error is left as it is: it may be theirs.
fn put(spec: &LoadSpec, into: &IntoExisting, stage: &str, shards: bool) -> Result<(u64, Command), Error> {
    let insert = insert(spec, into.conflict.as_ref(), stage);
    let run = || {
        let by = Command { number: None, ..Command::next() };
        (spi::execute(&insert), by)
    };
    let ours = spec.existing.is_some() && !into.fire_triggers;
    let run = || -> Result<_, Infallible> { Ok(run()) };
    let done = match shards {
        true => citus::attempt(run),
        false if ours => xact::attempt(run),
        false => Ok(run()),
    };
    let broken = [PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, PgSqlErrorCode::ERRCODE_CARDINALITY_VIOLATION];
    match done {
        Ok(Ok(done)) => Ok(done),
        Err(caught) if ours && broken.iter().any(|code| caught.sqlstate == *code) => {
            let (source_table, table) = (spec.source.clone(), qualified(&spec.schema, &spec.target));
            Err(Error::Conflict { source_table, table, caught: Box::new(caught) })
        }
        Err(caught) => Err(caught.into()),
    }
}

/// A temporary table with the loaded columns; its name as SQL says it, and its oid.
fn create_stage(spec: &LoadSpec, target: pg_sys::Oid) -> (String, pg_sys::Oid) {
    let _path = LocalSettings::safe_search_path();
    let name = format!("sqlite_migrate_stage_{}", target.to_u32());
    let list: Vec<String> =
        spec.columns.iter().map(|c| format!("{} {}", ident(&c.target), c.pg_type)).collect();
    spi::execute(&format!("CREATE TEMPORARY TABLE {} ({}) USING heap", ident(&name), list.join(", ")));
    let stage = qualified("pg_temp", &name);
    let oid = spi::oid(&stage);
    (stage, oid)
}

/// Rows without a parent are settled before foreign keys see them, except where the parents are still to come.
/// Gives the number of rows that left the stage.
fn settle_orphans(into: &IntoExisting, stage: &str, loaded: &mut Loaded, place: Place<'_>) -> u64 {
    let to_come = |spec: &OrphanSpec| {
        let parent = (spec.parent_schema.as_str(), spec.parent.as_str());
        parent != (spec.schema.as_str(), spec.table.as_str()) && place.to_come.contains(&parent)
    };
    let settled =
        |spec: &&OrphanSpec| matches!(spec.policy, Orphans::Reject | Orphans::Null) && !to_come(spec);
    let questions: Vec<OrphanQuery<'_>> =
        into.orphans.iter().filter(settled).map(|spec| OrphanQuery::of_stage(spec, stage)).collect();
    let removed: u64 =
        orphans::settle_rejects(&questions, place.rejects).iter().map(|removed| removed.rows).sum();
    loaded.rejected += removed;
    loaded.orphans += removed;
    let questions: Vec<_> = questions.into_iter().filter(|q| q.policy() == Orphans::Null).collect();
    let nulled = orphans::nullify(&questions).map(|nulled| nulled.rows).unwrap_or_default();
    loaded.notes.extend(questions.iter().zip(nulled).filter_map(|(question, rows)| question.nulled(rows)));
    removed
}

fn insert(spec: &LoadSpec, conflict: Option<&Conflict>, stage: &str) -> String {
    let names = ident_list(spec.columns.iter().map(|c| c.target.as_str()));
    let target = qualified(&spec.schema, &spec.target);
    let clause = conflict.map(on_conflict).unwrap_or_default();
    format!("INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {stage}{clause}")
}

fn on_conflict(conflict: &Conflict) -> String {
    let key = &conflict.arbiter;
    let arbiter = match key.constraint {
        true => format!("ON CONSTRAINT {}", ident(&key.name)),
        false => format!("({})", ident_list(key.columns.iter())),
    };
    let set: Vec<String> = conflict.update.iter().map(|c| format!("{0} = EXCLUDED.{0}", ident(c))).collect();
    match set.is_empty() {
        true => format!(" ON CONFLICT {arbiter} DO NOTHING"),
        false => format!(" ON CONFLICT {arbiter} DO UPDATE SET {}", set.join(", ")),
    }
}

/// Rows that an INSERT which may also update has added: the table is locked, so a count tells.
fn gained(spec: &LoadSpec, rows_before: i64, processed: u64) -> u64 {
    let rows = counts::rows(&spec.schema, &spec.target).unwrap_or(rows_before);
    u64::try_from(rows - rows_before).unwrap_or(0).min(processed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_sqlite_migrate_core::plan::ExistingKey;

    #[test]
    fn the_arbiter_is_named_or_inferred() {
        let key = |constraint| ExistingKey {
            name: "t_pkey".into(),
            columns: vec!["a".into(), "b\"".into()],
            constraint,
            ..ExistingKey::default()
        };
        let clause = |arbiter, update: &[&str]| {
            on_conflict(&Conflict {
                arbiter,
                update: update.iter().map(|c| c.to_string()).collect(),
                skip: None,
            })
        };
        assert_eq!(clause(key(true), &[]), " ON CONFLICT ON CONSTRAINT \"t_pkey\" DO NOTHING");
        assert_eq!(
            clause(key(false), &["c", "d"]),
            " ON CONFLICT (\"a\", \"b\"\"\") DO UPDATE SET \"c\" = EXCLUDED.\"c\", \"d\" = EXCLUDED.\"d\""
        );
    }
}
