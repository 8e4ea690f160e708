//! Loads rows into a table that is no run's: to try them, or to time them. The caller rolls it back.

use pgrx::pg_sys;

use super::key_maps::KeyMaps;
use super::transfer::{self, Target};
use super::{Cut, Loaded, Place};
use crate::error::Error;
use crate::import::log::Rejects;
use crate::import::notices::Notices;
use crate::import::orphans::OrphanChecks;
use crate::pg::relation;
use crate::sqlite::Source;
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::plan::{LoadSpec, Planned};

/// The relation has the columns of `spec` under their names, and maybe others. No row may be rejected: there is no run
/// whose log could take it.
pub fn load(
    source: &mut Source,
    spec: &LoadSpec,
    relation: pg_sys::Oid,
    (table, planned): (&Table, &Planned),
) -> Result<Loaded, Error> {
    let mut attributes = relation::attributes(relation);
    let place = |name: &String| spec.columns.iter().position(|c| c.target == *name);
    attributes.retain(|attribute| place(&attribute.name).is_some());
    attributes.sort_by_key(|attribute| place(&attribute.name));
    let target = Target { relation, attributes, shown_as: relation };
    let (orphans, maps) = (OrphanChecks::of(planned), KeyMaps::default());
    let notices = Notices::none();
    let place = Place {
        rejects: Rejects { run: 0 },
        notices: &notices,
        table_number: 1,
        tables: 1,
        rows_expected: 0,
        cut: Cut::Whole,
        rowid: table.rowid_name(),
        recovery: None,
        orphans: &orphans,
        maps: &maps,
        undo: false,
        counted: false,
    };
    transfer::run(source, spec, &target, place)
}
