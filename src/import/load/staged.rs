//! A staged load: into a temporary table of the same types, and from there by one `INSERT … SELECT` in the caller's name, for which the
//! server itself maintains indexes, constraints, rules, policies and triggers.

use std::convert::Infallible;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::renumber::{Renumbered, Renumbering};
use super::skipped::Comparison;
use super::transfer::{self, Target};
use super::triggers::{self, DisabledTriggers};
use super::{Loaded, Place, former};
use crate::error::Error;
use crate::import::orphans::{self, Staged};
use crate::pg::loaded_rows::{Command, LoadedRows};
use crate::pg::settings::LocalSettings;
use crate::pg::{citus, relation, spi, storage_extension, types, xact};
use crate::sqlite::Source;
use crate::verify::counts;
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::plan::{Conflict, IntoExisting, LoadSpec};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};
use pg_sqlite_migrate_core::verify::back::Normalisation;

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
    let (stage, relation) = create_stage(spec, target, &[]);
    let attributes = relation::attributes(relation);
    let mut loaded = transfer::run(source, spec, &Target { relation, attributes, shown_as: target }, place)?;
    for (column, count) in put_defaults(spec, &stage, relation) {
        let became = counted(count, "NULL became", "NULLs became");
        loaded.notes.push(format!("{became} the default of \"{column}\""));
        loaded.became.push((column, Normalisation::Defaulted, count));
    }
    let renumbering = Renumbering::of(spec, place)?;
    let orphans = resolve_orphans(into, renumbering.as_ref(), &stage, place)?;
    let renumbered = renumbering.map(|renumbering| renumbering.run(&stage, target)).transpose()?;
    let stage = match renumbered {
        Some(Renumbered { stage, map, notes }) => {
            loaded.key_map = map;
            loaded.notes.extend(notes);
            stage
        }
        None => stage,
    };
    let staged = loaded.imported - orphans.rejected;
    loaded.rejected += orphans.rejected;
    loaded.orphans += orphans.rejected;
    loaded.notes.extend(orphans.nulled.notes);
    loaded.became.extend(orphans.nulled.columns);
    let comparison = into.conflict.as_ref().and_then(|c| Comparison::new(spec, c, &stage));
    let met = comparison.as_ref().map(Comparison::with_table).transpose()?.unwrap_or_default();
    let disabled = (!into.fire_triggers).then(|| triggers::disable(&spec.schema, &spec.target));
    let shards = citus::holds(target);
    if place.undo && updates(into) {
        former::keep(spec, into, &stage, target, place.rejects.run);
    }
    let (mut processed, by) = put(spec, into, &stage, shards)?;
    // Another server's transactions have ids of their own.
    loaded.rows = storage_extension::of(target).is_none().then(|| LoadedRows::by(by));
    if into.conflict.is_some() && shards && !updates(into) {
        // Citus counts the rows that it was sent.
        processed = gained(spec, rows_before, processed);
    }
    loaded.disabled = disabled.and_then(DisabledTriggers::restore_unless_waiting);
    if let Some(comparison) = comparison.as_ref().filter(|_| staged > processed) {
        // More rows were skipped than have the key of one of the table's: they have the key of one of the file's.
        let duplicates = (staged - processed > met.met).then(|| comparison.within_file()).transpose()?;
        let found = [met, duplicates.unwrap_or_default()].into_iter().flat_map(|found| found.findings);
        loaded.findings.extend(found.chain(comparison.unseen()));
    }
    comparison.iter().for_each(Comparison::end);
    spi::execute(&format!("DROP TABLE {stage}"));
    loaded.imported = if updates(into) { gained(spec, rows_before, processed) } else { processed };
    loaded.updated = processed - loaded.imported;
    loaded.skipped = staged.saturating_sub(processed);
    if loaded.skipped > 0 && into.conflict.is_none() {
        let rows = counted(loaded.skipped, "row was", "rows were");
        loaded.notes.push(format!("{rows} left out by a trigger or rule of the table's"));
    }
    Ok(loaded)
}

/// NULL becomes the default of its column. What a default reads is named in full, whatever the search path of the caller
/// is; it runs once for each NULL, as in an INSERT, which casts it to the column's type: here it has to have the type that it
/// stands beside, and the assignment sees to length and domain. Gives the columns, each with how many.
fn put_defaults(spec: &LoadSpec, stage: &str, relation: pg_sys::Oid) -> Vec<(String, u64)> {
    let _path = LocalSettings::safe_search_path();
    let (mut set, mut nulls, mut counts) = (vec![], vec![], vec![]);
    let attributes = relation::attributes(relation);
    for column in &spec.columns {
        let attribute = attributes.iter().find(|attribute| attribute.name == column.target);
        let Some((default, attribute)) = column.default.as_ref().zip(attribute) else { continue };
        let is_null = format!("{} IS NULL", ident(&column.target));
        let count: u64 =
            spi::value(&format!("SELECT count(*) FROM {stage} WHERE {is_null}"), &[]).unwrap_or(0);
        if count > 0 {
            let (base, _) = types::base_type(attribute.type_oid, attribute.typmod);
            let beside = types::name_everywhere(base, -1);
            set.push(format!("{0} = COALESCE({0}, ({default})::{beside})", ident(&column.target)));
            nulls.push(is_null);
            counts.push((column.target.clone(), count));
        }
    }
    if !set.is_empty() {
        // All at once, because an update moves its rows, and defaults may be numbered in the rows' order.
        spi::execute(&format!("UPDATE {stage} SET {} WHERE {}", set.join(", "), nulls.join(" OR ")));
    }
    counts
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
            Err(Error::Conflict { source_table, table, caught: Box::new(caught), rows: None, hint: None })
        }
        Err(caught) => Err(caught.into()),
    }
}

/// Rows without a parent. Where the parents' keys are not the file's any more, parents are looked for among the latter, and
/// no key of the table's own would find that one is missing.
fn resolve_orphans(
    into: &IntoExisting,
    renumbering: Option<&Renumbering<'_>>,
    stage: &str,
    place: Place<'_>,
) -> Result<Staged, Error> {
    let by_file: Vec<_> = renumbering.iter().flat_map(|renumbering| renumbering.asked(stage)).collect();
    let others =
        into.orphans.iter().filter(|spec| !by_file.iter().any(|(other, _)| other.same_columns(spec)));
    let asked: Vec<_> = others.map(|spec| (spec, None)).collect();
    let by_file = by_file.into_iter().map(|(spec, keys)| (spec, Some(keys)));
    orphans::resolve_staged(
        &asked.into_iter().chain(by_file).collect::<Vec<_>>(),
        stage,
        place.orphans,
        place.rejects,
    )
}

/// A column of a staging table that its table does not have.
pub struct Extra {
    pub name: String,
    pub pg_type: String,
}

/// How columns ($2) of a table ($1) store long values, where it is another way than that of their types. A value that is
/// compressed or moved out comes into the table as it is.
const STORED: &str = r#"
    SELECT string_agg(format('ALTER COLUMN %I SET %s', a.attname, way.said), ', ')
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid CROSS JOIN LATERAL (
        SELECT 'STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
        WHERE a.attstorage <> t.typstorage
        UNION ALL
        SELECT 'COMPRESSION ' || CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END
        WHERE a.attcompression <> ''::"char") AS way (said)
    WHERE a.attrelid = $1 AND a.attname = ANY ($2)"#;

/// A temporary table with the loaded columns and others; its name as SQL says it, and its oid.
pub fn create_stage(spec: &LoadSpec, target: pg_sys::Oid, extra: &[Extra]) -> (String, pg_sys::Oid) {
    let _path = LocalSettings::safe_search_path();
    let name = relation::free_temporary_name(&format!("sqlite_migrate_stage_{}", target.to_u32()));
    let columns = spec.columns.iter().map(|c| format!("{} {}", ident(&c.target), c.pg_type));
    let extra = extra.iter().map(|Extra { name, pg_type }| format!("{} {pg_type}", ident(name)));
    let list: Vec<String> = columns.chain(extra).collect();
    spi::execute(&format!("CREATE TEMPORARY TABLE {} ({}) USING heap", ident(&name), list.join(", ")));
    let stage = qualified("pg_temp", &name);
    let names: Vec<String> = spec.columns.iter().map(|c| c.target.clone()).collect();
    let stored: Option<Option<String>> = spi::value(STORED, &[target.into(), names.as_slice().into()]);
    if let Some(stored) = stored.flatten() {
        spi::execute(&format!("ALTER TABLE {stage} {stored}"));
    }
    let oid = spi::oid(&stage);
    (stage, oid)
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
