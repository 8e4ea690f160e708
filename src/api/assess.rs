//! Before the move: `sqlite_assess`, `sqlite_assess_files`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::assess::{self, files};
use crate::pg::json::Json;
use crate::pg::text::Text;
use pg_sqlite_migrate_core::assess::Work;

/// What an import would be: a row per subject, and the last about all.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_assess(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(subject, Text),
            name!(objects, Option<i64>),
            name!(automatic, Option<i64>),
            name!(with_findings, Option<i64>),
            name!(by_hand, Option<i64>),
            name!(level, Option<Text>),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let assessment = assess::assess(path.as_deref(), plan.map(|plan| plan.0))?;
    Ok(TableIterator::new(assessment.lines().into_iter().map(|line| {
        let count = |count: fn(Work) -> u64| line.work.map(|work| count(work) as i64);
        (
            Text::from(line.subject),
            count(Work::objects),
            count(|work| work.automatic),
            count(|work| work.with_findings),
            count(|work| work.by_hand),
            line.level.map(Text),
            line.detail.map(Text),
        )
    })))
}

/// The SQLite files below a directory, each assessed as an import into an empty schema; one that cannot be read is a row
/// that says why.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_assess_files(
    directory: Option<Text>,
    recursive: default!(Option<bool>, true),
) -> Result<
    TableIterator<
        'static,
        (
            name!(path, Text),
            name!(bytes, Option<i64>),
            name!(maker, Option<Text>),
            name!(tables, Option<i64>),
            name!(rows, Option<i64>),
            name!(level, Option<Text>),
            name!(worst_finding, Option<Text>),
            name!(detail, Text),
        ),
    >,
    ErrorReport,
> {
    let files = files::assess(directory.as_deref(), recursive.unwrap_or(true))?;
    let count = |count: Option<u64>| count.map(|count| count as i64);
    Ok(TableIterator::new(files.into_iter().map(move |file| {
        (
            Text(file.path),
            count(file.bytes),
            file.maker.map(Text),
            count(file.tables),
            count(file.rows),
            file.level.map(Text),
            file.worst_finding.map(Text),
            Text(file.detail),
        )
    })))
}
