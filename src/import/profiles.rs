//! Profiles the tables that a plan selects.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::readers;
use crate::error::expression_fix;
use crate::sqlite::profile::{self, Extent};
use crate::sqlite::recovery::Recovery;
use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::catalog::{Catalog, Table};
use pg_sqlite_migrate_core::damage::Damage;
use pg_sqlite_migrate_core::finding::{Finding, Kind};
use pg_sqlite_migrate_core::orm::signs::Recognised;
use pg_sqlite_migrate_core::plan::{Needs, Overrides, ProfileMode};
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::types::TableProfile;
use pg_sqlite_migrate_core::value::encoding::TextReading;

/// Rows that `profile: "sample"` reads of each table.
const SAMPLE_ROWS: u64 = 10_000;

/// Which table is being profiled, of those that the plan selects.
pub fn title(catalog: &Catalog, selected: &[bool], at: usize) -> String {
    let count = |selected: &[bool]| selected.iter().filter(|selected| **selected).count();
    let name = catalog.tables.get(at).map_or("", |table| &table.name);
    let (number, tables) = (count(&selected[..selected.len().min(at + 1)]), count(selected));
    format!("profile of {} (table {number} of {tables})", ident(name))
}

pub type Profiles = (Vec<Option<TableProfile>>, Vec<Finding>);

/// Profiles every selected table; one that cannot be read is an error, or a finding when the plan goes on. `at` follows the
/// table's place in the catalog.
pub fn profile_tables(
    source: &Source,
    (catalog, selected): (&Catalog, &[bool]),
    needs: &Needs,
    overrides: &Overrides,
    orms: &[Recognised],
    damage: &mut Damage,
    at: &AtomicUsize,
) -> Result<Profiles, sqlite::Error> {
    let mode = needs.profile;
    if mode == ProfileMode::None {
        return Ok((vec![None; catalog.tables.len()], vec![]));
    }
    let read = |source: &Source, table: &Table, extent: Extent, damage: &Damage| {
        let recovery = damage.of(&table.name).map(|d| Recovery::new(table, catalog.page_size, d));
        let reading = overrides.reading(&table.name);
        let listed = |column: &str| {
            let (nulls, words) = overrides.listed(&table.name, column);
            let texts = overrides.texts(&table.name, column);
            (nulls, words, TextReading { of_bytes: needs.texts_of_bytes, ..texts })
        };
        sqlite::profile(source, table, extent, &reading, recovery.as_ref(), orms, &listed)
    };
    let tables = || catalog.tables.iter().zip(selected).enumerate().filter(|(_, (_, selected))| **selected);
    let mut tasks = vec![];
    for (i, (table, _)) in tables() {
        let parts = match (mode, damage.of(&table.name)) {
            (ProfileMode::Full, None) => profile::parts(source, table),
            (ProfileMode::Full, _) => vec![Extent::All],
            _ => vec![Extent::Sample { rows: SAMPLE_ROWS }],
        };
        tasks.extend(parts.into_iter().map(|extent| (i, table, extent)));
    }
    let known: &Damage = damage;
    let outcomes = readers::side_by_side(
        source,
        readers::of_profile(needs.readers),
        &tasks,
        |source, (i, table, extent)| {
            at.fetch_max(*i, Ordering::Relaxed);
            read(source, table, *extent, known)
        },
        |outcome| needs.stop_on_error && outcome.is_err(),
    );
    let mut outcomes = tasks.iter().zip(outcomes).peekable();
    let (mut profiles, mut broken) = (vec![], vec![]);
    for (i, (table, selected)) in catalog.tables.iter().zip(selected).enumerate() {
        if !selected {
            profiles.push(None);
            continue;
        }
        let mut profile: Option<Result<TableProfile, sqlite::Error>> = None;
        while let Some((_, part)) = outcomes.next_if(|((of, ..), _)| *of == i) {
            profile = Some(match (profile, part) {
                (None, part) => part,
                (Some(Ok(mut before)), Ok(part)) => {
                    before.add_later(part);
                    Ok(before)
                }
                (Some(Err(e)), _) | (_, Err(e)) => Err(e),
            });
        }
        // None is missing but after the error that ends this.
        let Some(profile) = profile else { continue };
        let profile = match profile {
            // What is met without having been looked for is read around as well.
            Err(sqlite::Error::Corrupt { detail, .. })
                if !needs.stop_on_error && damage.of(&table.name).is_none() =>
            {
                damage.tables.push(sqlite::damage::of_table(source, catalog, &table.name, detail)?);
                read(source, table, Extent::All, damage)
            }
            profile => profile,
        };
        match profile {
            Ok(profile) => profiles.push(Some(profile)),
            Err(e) if !needs.stop_on_error && e.is_local() => {
                broken.push(unread(&table.name, &e));
                profiles.push(None);
            }
            Err(e) => return Err(e),
        }
    }
    Ok((profiles, broken))
}

/// A table that is left out, by the name of its object.
fn unread(table: &str, error: &sqlite::Error) -> Finding {
    let sqlite::Error::Expression { failing, .. } = error else {
        return Kind::Unreadable.warning(table, error.to_string());
    };
    let row = failing.row.as_ref().map(|row| format!(" (row with {})", row.name)).unwrap_or_default();
    let finding = Kind::FailedExpression.warning(table, format!("{error}{row}"));
    match expression_fix(failing) {
        Some((fix, rest)) => finding.fix(fix, rest),
        None => finding,
    }
}
