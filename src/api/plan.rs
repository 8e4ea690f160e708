//! What would happen, before anything is written: `sqlite_inspect`, `sqlite_findings`, `sqlite_plan`,
//! `sqlite_ddl`.

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::text::Text;
use crate::run::inspect;
use crate::run::survey;

/// One row per column of the tables that the plan leaves in: what is declared, what is stored, what it becomes.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_inspect(
    path: Option<Text>,
    plan: default!(Option<JsonB>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(table, String),
            name!(column, String),
            name!(declared_type, String),
            name!(storage_classes, String),
            name!(nulls, Option<i64>),
            name!(min, Option<String>),
            name!(max, Option<String>),
            name!(longest, Option<i64>),
            name!(format, Option<String>),
            name!(proposed_type, Option<String>),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let rows = inspect::inspect(path.as_deref(), plan.map(|p| p.0))?;
    Ok(TableIterator::new(rows.into_iter().map(|r| {
        (
            r.table,
            r.column,
            r.declared,
            r.storage_classes,
            r.nulls,
            r.min,
            r.max,
            r.longest,
            r.format,
            r.proposed_type,
            r.reason,
        )
    })))
}

/// Everything that would hurt, the worst first. A blocking finding would stop an import.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_findings(
    path: Option<Text>,
    plan: default!(Option<JsonB>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(severity, String), name!(object, String), name!(message, String), name!(hint, String)),
    >,
    ErrorReport,
> {
    let mut findings = survey::planned(&survey::survey(path.as_deref(), plan.map(|p| p.0))?)?.findings;
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    Ok(TableIterator::new(
        findings.into_iter().map(|f| (f.severity.as_str().to_string(), f.object, f.message, f.hint)),
    ))
}

/// The complete, explicit plan. It is its own fixed point.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_plan(path: Option<Text>, plan: default!(Option<JsonB>, "NULL")) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(survey::planned(&survey::survey(path.as_deref(), plan.map(|p| p.0))?)?.plan))
}

/// Exactly the statements that an import would run, in order; a load is shown as a comment.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_ddl(
    path: Option<Text>,
    plan: default!(Option<JsonB>, "NULL"),
) -> Result<
    TableIterator<'static, (name!(phase, String), name!(ordinal, i64), name!(sql, String))>,
    ErrorReport,
> {
    let planned = survey::planned(&survey::survey(path.as_deref(), plan.map(|p| p.0))?)?;
    Ok(TableIterator::new(
        planned
            .steps
            .into_iter()
            .enumerate()
            .map(|(i, step)| (step.phase.as_str().to_string(), i as i64 + 1, step.sql())),
    ))
}
