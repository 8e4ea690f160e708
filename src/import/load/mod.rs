//! Loads one table, by the strategy that its target allows.

pub mod apart;
pub mod choose;
mod direct;
pub mod fetched;
mod former;
mod in_order;
pub mod key_maps;
mod reading;
mod renumber;
mod sink;
mod skipped;
mod staged;
pub mod transfer;
pub mod triggers;
mod unique_key;
pub mod writer;

use pgrx::{PgSqlErrorCode, pg_sys};

use self::choose::{Circumstances, Strategy};
pub use self::former::columns;
use self::key_maps::{KeyMap, KeyMaps};
pub use self::reading::{Cut, Size};
use self::transfer::Target;
use self::triggers::DisabledTriggers;
use super::log::Rejects;
use super::notices::Notices;
use super::orphans::OrphanChecks;
use crate::error::Error;
use crate::import::existing;
use crate::pg::loaded_rows::LoadedRows;
use crate::pg::relation::{self, Attribute};
use crate::pg::relation_facts::{self, RelationFacts};
use crate::pg::settings::LocalSettings;
use crate::pg::spi::{self, Row};
use crate::pg::{citus, latest, storage_extension, xact};
use crate::sqlite::Source;
use crate::sqlite::recovery::Recovery;
use crate::verify::counts;
use pg_sqlite_migrate_core::finding::{Finding, counted};
use pg_sqlite_migrate_core::plan::given::words::Loader;
use pg_sqlite_migrate_core::plan::{ExistingForeignKey, LoadColumn, LoadSpec};
use pg_sqlite_migrate_core::sqltext::qualified;
use pg_sqlite_migrate_core::verify::back::Normalisation;

/// What a load did.
#[derive(Debug, Default, Clone)]
pub struct Loaded {
    pub rows_before: i64,
    /// Rows that the table has gained.
    pub imported: u64,
    pub updated: u64,
    pub skipped: u64,
    pub rejected: u64,
    /// Of these, rows without a parent.
    pub orphans: u64,
    /// Of each column, cells that became NULL because they did not fit.
    pub nulled: Vec<u64>,
    /// Values that became others, by target column.
    pub became: Vec<(String, Normalisation, u64)>,
    /// Cells that became NULL because the plan lists them.
    pub meant_null: u64,
    /// Of each column, cells of which digits or characters were left away.
    pub shortened: Vec<u64>,
    /// Of each column, texts that were read in another encoding or without NUL characters.
    pub converted: Vec<u64>,
    /// Foreign keys of the table's have checked the rows as they came in.
    pub enforced: bool,
    /// The relation holds what was inserted into it: no view, and no rule that leads rows elsewhere.
    pub countable: bool,
    /// Which rows these are; `None` for all of a table that is new.
    pub rows: Option<LoadedRows>,
    /// Triggers that cannot be enabled again before all tables are loaded.
    pub disabled: Option<DisabledTriggers>,
    /// The keys of its rows, if they may be others than in the file.
    pub key_map: Option<KeyMap>,
    /// How the relation that was loaded, which may be a staging table, was written.
    pub written: Option<String>,
    /// For the result's detail.
    pub notes: Vec<String>,
    /// What only the load could tell; the result's detail has it too.
    pub findings: Vec<Finding>,
}

/// Where a load is in its run, and what it needs of it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub rejects: Rejects,
    pub notices: &'a Notices,
    /// Counted from 1.
    pub table_number: i64,
    pub tables: i64,
    /// 0 when unknown.
    pub rows_expected: i64,
    /// By how many connections, and in which ranges, it may be read.
    pub cut: Cut,
    /// A name of the source table's rowid, if it has one.
    pub rowid: Option<&'static str>,
    /// How the source table is read around its damage, if it has any.
    pub recovery: Option<&'a Recovery>,
    pub orphans: &'a OrphanChecks<'a>,
    /// The keys of tables that are loaded.
    pub maps: &'a KeyMaps,
    /// The rows of every table are counted at the end of the run.
    pub counted: bool,
    /// What existing rows were before they are changed is kept in the run log.
    pub undo: bool,
}

/// Loads the rows of `spec.source`.
pub fn load(source: &mut Source, spec: &LoadSpec, place: Place<'_>) -> Result<Loaded, Error> {
    let relation = find(spec)?;
    let into = spec.existing.as_ref();
    if into.is_some() {
        lock(spec, relation)?;
    }
    let facts = relation_facts::read(relation).ok_or_else(|| gone(spec))?;
    let target = Target { relation, attributes: attributes(relation, spec)?, shown_as: relation };
    let counted = into.map_or(Ok(0), |_| counts::rows(&spec.schema, &spec.target));
    let rows_before = counted.as_ref().copied().unwrap_or(0);
    if rows_before > 0 && into.is_some_and(|into| into.empty) {
        return Err(holds_rows(spec, rows_before));
    }
    let strategy = choose::choose(
        &facts,
        into,
        Circumstances {
            unplanned_key: into.is_some_and(|into| !into.knows(&existing::foreign_keys::of(relation))),
            looking_default: leaves_looking_default(&facts, &target),
            references_follow: renumber::follows(spec, place),
            null_defaults: spec.columns.iter().any(|column| column.default.is_some()),
            existing_rows: counted.as_ref().ok().copied(),
            rows_to_load: place.rows_expected,
        },
    );
    let mut loaded = match strategy {
        Strategy::Direct => direct::load(source, spec, &target, place)?,
        Strategy::DirectWithFallback if spec.freeze => {
            return Err(sink::no_frozen_rows(spec, "rows may have to be skipped or updated by their keys"));
        }
        Strategy::DirectWithFallback => direct_with_fallback(source, spec, &target, place)?,
        Strategy::Staged(reason) if spec.freeze || spec.loader == Loader::Pages => {
            let reason = reason.unwrap_or("its rows are to be inserted one by one");
            let refused = if spec.freeze { sink::no_frozen_rows } else { sink::no_pages };
            return Err(refused(spec, reason));
        }
        Strategy::Staged(reason) => {
            let mut loaded = staged::load(source, spec, relation, rows_before, place)?;
            loaded.notes.extend(reason.map(|reason| format!("loaded through a temporary table: {reason}")));
            with_enforced_keys(spec, relation, loaded)
        }
    };
    if !(place.counted || matches!(strategy, Strategy::Staged(_))) {
        // Where it cannot be counted, nothing was found.
        let found = counts::rows(&spec.schema, &spec.target).unwrap_or(0);
        check_count(spec, &loaded, found - rows_before)?;
    }
    let is_table = matches!(facts.relkind, 'r' | 'p');
    loaded.rows_before = rows_before;
    let nulled = spec.columns.iter().zip(&loaded.nulled).filter(|(_, count)| **count > 0);
    let nulled = nulled.map(|(column, count)| (column.target.clone(), Normalisation::InvalidNull, *count));
    loaded.became.extend(nulled);
    loaded.rows = loaded.rows.filter(|_| into.is_some());
    loaded.countable = is_table && !facts.insert_rules && counted.is_ok();
    if let Some(reason) = counted.err().filter(|_| is_table) {
        let mixed = match into.is_some_and(staged::updates) {
            true => ", so that added rows are counted as updated",
            false => "",
        };
        loaded.notes.push(format!("not counted: {reason}{mixed}"));
    }
    Ok(loaded)
}

/// A query must find the rows that a direct load has written past the executor.
fn check_count(spec: &LoadSpec, loaded: &Loaded, found: i64) -> Result<(), Error> {
    let (rows, rejected) = (loaded.imported as i64, loaded.rejected as i64);
    match found == rows {
        true => Ok(()),
        false => {
            Err(Error::Counts { table: spec.source.clone(), rows_source: rows, rows_target: found, rejected })
        }
    }
}

/// The foreign keys of an existing table check an INSERT, where their triggers fire. Where they do not, the plan's orphan
/// checks follow, and the keys that it has none for are named.
fn with_enforced_keys(spec: &LoadSpec, relation: pg_sys::Oid, mut loaded: Loaded) -> Loaded {
    // Nobody can take single rows out of shards: keys check them there, now or when they are created.
    let shards = citus::holds(relation);
    loaded.enforced = shards || (spec.existing.is_some() && !xact::is_replica());
    let Some(into) = &spec.existing else { return loaded };
    if xact::is_replica() {
        let checked = |key: &ExistingForeignKey| {
            !key.period && !shards && into.orphans.iter().any(|spec| spec.is_of(key))
        };
        let keys = existing::foreign_keys::of(relation);
        let names: Vec<&str> =
            keys.iter().filter(|key| key.enforced && !checked(key)).map(|key| key.name.as_str()).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            loaded.notes.push(format!("not checked, because session_replication_role is replica: {names}"));
        }
    }
    loaded
}

/// Keeps other writers out until the transaction ends, from the table that still has the name then. A caller who may
/// only read and insert cannot, and has to see to that himself.
fn lock(spec: &LoadSpec, relation: pg_sys::Oid) -> Result<(), Error> {
    // The rows of others' tables are locked where they are, which only SQL knows.
    let locked = storage_extension::of(relation).is_none() && relation::lock_owned(relation);
    if !locked {
        let _path = LocalSettings::safe_search_path();
        existing::lock(&spec.schema, &spec.target);
    }
    match find(spec)? {
        now if now != relation => Err(gone(spec)),
        _ if locked => see_all_rows(spec),
        _ => Ok(()),
    }
}

/// Refuses a table with rows that others have written since the transaction's snapshot was taken: no count would include
/// them.
fn see_all_rows(spec: &LoadSpec) -> Result<(), Error> {
    let _path = LocalSettings::safe_search_path();
    if !xact::keeps_snapshot() || counts::rows(&spec.schema, &spec.target).is_err() {
        return Ok(());
    }
    let Some(own) = counts::own_rows(&spec.schema, &spec.target) else { return Ok(()) };
    let sql = format!("SELECT count(*) AS rows, sum(hashtid(ctid)) AS places FROM {own}");
    let seen = |row: &Row<'_>| (row.get::<u64>("rows"), row.get::<Option<i64>>("places"));
    if spi::rows(&sql, &[], seen) == latest::rows(&sql, seen) {
        return Ok(());
    }
    let message = "could not serialize access due to concurrent update".into();
    Err(Error::server(PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE, message))
}

/// Only rows of the load itself can have the keys of rows that come into an empty table.
fn direct_with_fallback(
    source: &mut Source,
    spec: &LoadSpec,
    target: &Target,
    place: Place<'_>,
) -> Result<Loaded, Error> {
    match xact::attempt(|| direct::load(source, spec, target, place)) {
        Ok(Err(Error::Conflict { .. })) => {
            let loaded = staged::load(source, spec, target.relation, 0, place)?;
            Ok(with_enforced_keys(spec, target.relation, loaded))
        }
        Ok(outcome) => outcome,
        Err(caught) => Err(caught.into()),
    }
}

/// A column that is not loaded has a default that may read tables.
fn leaves_looking_default(facts: &RelationFacts, target: &Target) -> bool {
    let given = |attnum| target.attributes.iter().any(|a| a.attnum == attnum);
    facts.looking_defaults.iter().any(|attnum| !given(*attnum))
}

/// The attributes that the columns go to.
fn attributes(relation: pg_sys::Oid, spec: &LoadSpec) -> Result<Vec<Attribute>, Error> {
    let mut found = relation::attributes(relation);
    let take = |column: &LoadColumn| {
        let at = found.iter().position(|a| a.name == column.target);
        at.map(|at| found.swap_remove(at)).ok_or_else(|| gone(spec))
    };
    spec.columns.iter().map(take).collect()
}

fn find(spec: &LoadSpec) -> Result<pg_sys::Oid, Error> {
    relation::find(&spec.schema, &spec.target).ok_or_else(|| gone(spec))
}

fn holds_rows(spec: &LoadSpec, rows: i64) -> Error {
    let name = qualified(&spec.schema, &spec.target);
    let rows = counted(rows.unsigned_abs(), "row", "rows");
    let message = format!("relation {name} was empty when the plan was made, but has {rows} now");
    Error::server(PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE, message)
}

/// It existed when the plan was made, or the run has created it.
fn gone(spec: &LoadSpec) -> Error {
    let message = format!(
        "relation {} was dropped or changed while the import was running",
        qualified(&spec.schema, &spec.target)
    );
    Error::server(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_sqlite_migrate_core::catalog::{Catalog, Table};
    use pg_sqlite_migrate_core::reading::Reading;

    #[test]
    fn what_a_query_does_not_find_was_not_loaded() {
        let catalog = Catalog { tables: vec![Table::default()], ..Catalog::default() };
        let spec = LoadSpec {
            id: catalog.id("").expect("its only table"),
            source: "t".into(),
            schema: "public".into(),
            target: "t".into(),
            existing: None,
            source_key: vec![],
            reading: Reading::default(),
            timezone: "UTC".into(),
            loader: Default::default(),
            freeze: false,
            columns: vec![],
            renumbering: Box::default(),
        };
        let loaded = Loaded { imported: 2_000_000, rejected: 1, ..Loaded::default() };
        assert!(check_count(&spec, &loaded, 2_000_000).is_ok());
        let error = check_count(&spec, &loaded, 0).map_err(|e| e.to_string());
        assert_eq!(error, Err("table \"t\": 2000000 rows in SQLite, 0 in PostgreSQL".into()));
    }
}
