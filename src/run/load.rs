//! Loads one table, by the way that its target allows.
//!
//! A table that is new and plain is written directly; any other gets its rows through a temporary table and
//! one `INSERT … SELECT`, where the server itself looks after indexes, rules and constraints.

use pgrx::{PgSqlErrorCode, pg_sys};

use super::log::Rejects;
use super::transfer::{self, Target};
use super::triggers;
use crate::error::Error;
use crate::pg::relation::{self, Attribute};
use crate::pg::settings::LocalSettings;
use crate::pg::standing::{self, Standing};
use crate::pg::{indexes, spi};
use crate::plan::{LoadColumn, LoadSpec};
use crate::sqlite::Source;
use crate::sqltext::{ident, ident_list, qualified};

/// What a load did.
#[derive(Debug, Default, Clone, Copy)]
pub struct Loaded {
    pub rows: u64,
    pub rejected: u64,
    /// Cells that became NULL because they did not fit.
    pub nulled: u64,
}

/// Where a load stands in its run, and what it needs of it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub rejects: Rejects,
    /// Counted from 1.
    pub table_number: i64,
    pub tables: i64,
    /// 0 when unknown.
    pub rows_expected: i64,
    /// A name of the source table's rowid, if it has one.
    pub rowid: Option<&'static str>,
}

/// Loads the rows of `spec.source`.
pub fn load(source: &mut Source, spec: &LoadSpec, place: Place) -> Result<Loaded, Error> {
    let path = LocalSettings::safe_search_path();
    let relation = find(&spec.schema, &spec.target)?;
    relation::lock_owned(relation);
    let standing = standing::standing(relation).unwrap_or_default();
    match attributes_of(relation, &spec.columns).filter(|given| may_write_directly(&standing, given)) {
        Some(attributes) => {
            // Defaults, checks and index expressions see the user's search path.
            drop(path);
            direct(source, spec, &Target { relation, attributes, shown_as: relation }, place)
        }
        None => staged(source, spec, relation, place, path),
    }
}

/// Straight into the heap; the indexes are rebuilt afterwards.
fn direct(source: &mut Source, spec: &LoadSpec, target: &Target, place: Place) -> Result<Loaded, Error> {
    let loaded = transfer::run(source, spec, target, place)?;
    if loaded.rows > 0 {
        indexes::rebuild(target.relation);
    }
    Ok(loaded)
}

fn may_write_directly(s: &Standing, given: &[Attribute]) -> bool {
    s.relkind == 'r'
        && s.heap
        && s.owned
        && s.may_insert
        && !s.foreign_keys
        && !(s.out_of_reach || s.row_security || s.partition || s.insert_rules)
        && !s.looking_checks
        && s.looking_defaults.iter().all(|column| given.iter().any(|a| a.attnum == *column))
}

/// Through a temporary table of the same types.
fn staged(
    source: &mut Source,
    spec: &LoadSpec,
    target: pg_sys::Oid,
    place: Place,
    path: LocalSettings,
) -> Result<Loaded, Error> {
    let stage = format!("sqlite_migrate_stage_{}", target.to_u32());
    let list: Vec<String> =
        spec.columns.iter().map(|c| format!("{} {}", ident(&c.target), c.pg_type)).collect();
    spi::execute(&format!("CREATE TEMPORARY TABLE {} ({}) USING heap", ident(&stage), list.join(", ")));
    let stage = qualified("pg_temp", &stage);
    let relation = spi::number(&format!("SELECT '{stage}'::regclass::oid::bigint::text"), &[]);
    let relation = pg_sys::Oid::from(u32::try_from(relation).unwrap_or_default());
    let attributes = relation::attributes(relation);
    let mut loaded = transfer::run(source, spec, &Target { relation, attributes, shown_as: target }, place)?;
    let triggers = triggers::quiet(&spec.schema, &spec.target);
    // Triggers that still fire (of a table that another role owns) see the user's search path.
    drop(path);
    let names = ident_list(spec.columns.iter().map(|c| c.target.as_str()));
    loaded.rows = spi::execute(&format!(
        "INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {stage}",
        qualified(&spec.schema, &spec.target),
    ));
    triggers.restore();
    spi::execute(&format!("DROP TABLE {stage}"));
    Ok(loaded)
}

fn find(schema: &str, name: &str) -> Result<pg_sys::Oid, Error> {
    spi::relation(schema, name).ok_or_else(|| {
        let message = format!("relation {} does not exist", qualified(schema, name));
        failed(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, message)
    })
}

fn failed(sqlstate: PgSqlErrorCode, message: String) -> Error {
    Error::Server { sqlstate, message }
}

/// The attributes that the columns go to, if there is one for each.
fn attributes_of(relation: pg_sys::Oid, columns: &[LoadColumn]) -> Option<Vec<Attribute>> {
    let attributes = relation::attributes(relation);
    columns.iter().map(|c| attributes.iter().find(|a| a.name == c.target).cloned()).collect()
}
