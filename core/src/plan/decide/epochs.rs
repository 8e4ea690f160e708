//! How the numbers of a file's times are read: evidence for those columns whose own numbers do not say it.

use crate::plan::resolve::table::{ResolvedColumn, ResolvedTable};
use crate::types::rules::Declared;
use crate::types::{ColumnProfile, times};
use crate::value::{Format, PgType};

/// The units of all columns that are declared as times, or become times by the plan or an existing column.
pub fn of_file(tables: &[ResolvedTable<'_>]) -> Vec<Format> {
    let columns = tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    let times = columns.filter(|(table, column)| is_time(table, column));
    times::units_of_file(times.filter_map(|(table, column)| {
        let profile: &ColumnProfile = table.profile?.columns.get(column.position)?;
        Some((table.source.name.as_str(), column.source, profile))
    }))
}

fn is_time(table: &ResolvedTable<'_>, column: &ResolvedColumn<'_>) -> bool {
    let existing = column.target().and_then(|target| table.existing_column(target)).map(|c| &c.pg_type);
    let given = existing.or_else(|| column.overrides.and_then(|o| o.pg_type.as_ref()));
    let moment = |t: &PgType| matches!(t.base(), PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_));
    times::is_time(Declared::parse(&column.source.declared).family) || given.is_some_and(moment)
}
