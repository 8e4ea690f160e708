//! What is known of a source table before it is loaded.

use crate::import::load::{Cut, Size};
use crate::import::survey::Survey;
use pg_sqlite_migrate_core::catalog::{Table, TableKind};
use pg_sqlite_migrate_core::plan::Integrity;
use pg_sqlite_migrate_core::types::{ColumnProfile, TableProfile};

/// A name by which the rowid can be read.
pub fn rowid_name(survey: &Survey, table: &str) -> Option<&'static str> {
    survey.catalog.table(table).and_then(Table::rowid_name)
}

/// 0 when unknown.
pub fn expected_rows(survey: &Survey, table: &str) -> i64 {
    whole_profile(survey, table).map_or(0, |profile| profile.rows as i64)
}

/// Ranges of rowids are all rows only in a file that was checked for damage, and seldom searched for by modules.
pub fn cut(survey: &Survey, table: &str) -> Cut {
    let ordinary = survey.catalog.table(table).is_some_and(|table| table.kind == TableKind::Ordinary);
    if !ordinary || survey.needs.integrity == Integrity::None {
        return Cut::Whole;
    }
    let size = whole_profile(survey, table).map(|profile| Size {
        rows: profile.rows,
        bytes: profile.columns.iter().map(ColumnProfile::bytes).sum(),
        longest: profile.columns.iter().map(ColumnProfile::longest_bytes).max().unwrap_or(0),
    });
    Cut::Ranges { size, readers: survey.needs.readers }
}

/// The profile of all rows of a table.
fn whole_profile<'a>(survey: &'a Survey, table: &str) -> Option<&'a TableProfile> {
    let position = survey.catalog.tables.iter().position(|t| t.name.eq_ignore_ascii_case(table))?;
    survey.profiles.get(position)?.as_ref().filter(|profile| !profile.sampled)
}
