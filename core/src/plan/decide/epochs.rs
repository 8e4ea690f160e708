//! How the numbers of a file's times are read: evidence for those columns whose own numbers do not say it.

use crate::plan::context::Context;
use crate::plan::resolve::table::{ResolvedColumn, ResolvedTable};
use crate::types::rules::{Declared, Family};
use crate::types::{ColumnProfile, times};
use crate::value::{Format, PgType};

/// The units of all columns that are declared as times, or become times by the plan, an existing column, or their name in
/// a file whose program keeps times in INTEGER columns.
pub fn of_file(ctx: &Context<'_>, tables: &[ResolvedTable<'_>]) -> Vec<Format> {
    let columns = tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    let times = columns.filter(|(table, column)| is_time(ctx, table, column));
    times::units_of_file(times.filter_map(|(table, column)| {
        let profile: &ColumnProfile = table.profile?.columns.get(column.position)?;
        Some((table.source.name.as_str(), column.source, profile))
    }))
}

fn is_time(ctx: &Context<'_>, table: &ResolvedTable<'_>, column: &ResolvedColumn<'_>) -> bool {
    let existing = column.target().and_then(|target| table.existing_column(target)).map(|c| &c.pg_type);
    let given = existing.or_else(|| column.overrides.and_then(|o| o.pg_type.as_ref()));
    let moment =
        |t: &PgType| matches!(t.base(), PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_));
    let named = ctx.source.orms.iter().any(|recognised| recognised.orm.conventions.named_times);
    let family = Declared::parse(&column.source.declared).family;
    times::is_time(family)
        || given.is_some_and(moment)
        || named && family == Family::Integer && times::name_says_time(&column.source.name)
}
