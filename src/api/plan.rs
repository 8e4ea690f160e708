//! What would happen, before anything is written: `sqlite_inspect`, `sqlite_findings`, `sqlite_plan`,
//! `sqlite_ddl`; and plans by themselves: `sqlite_plan_merge`, `sqlite_plan_schema`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;
use crate::import::inspect;
use crate::import::survey;
use crate::pg::json::Json;
use crate::pg::text::Text;
use pg_sqlite_migrate_core::plan::given::{merge, schema};

/// One row per column of the tables that the plan leaves in: what is declared, what is stored, what it becomes.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_inspect(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(table, Text),
            name!(column, Text),
            name!(declared_type, Text),
            name!(storage_classes, Text),
            name!(nulls, Option<i64>),
            name!(min, Option<Text>),
            name!(max, Option<Text>),
            name!(longest, Option<i64>),
            name!(format, Option<Text>),
            name!(proposed_type, Option<Text>),
            name!(reason, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let rows = inspect::inspect(path.as_deref(), plan.map(|p| p.0))?;
    Ok(TableIterator::new(rows.into_iter().map(|r| {
        (
            Text(r.table),
            Text(r.column),
            Text(r.declared),
            Text(r.storage_classes),
            r.nulls,
            r.min.map(Text),
            r.max.map(Text),
            r.longest,
            r.format.map(Text),
            r.proposed_type.map(Text),
            r.reason.map(Text),
        )
    })))
}

/// Everything that would hurt, the worst first. A blocking finding would stop an import. `fix` is the smallest part of a
/// plan that resolves a finding (see `sqlite_plan_merge`), NULL where only the data can be corrected or a person decides.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_findings(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(severity, Text),
            name!(object, Text),
            name!(message, Text),
            name!(hint, Text),
            name!(fix, Option<Json>),
            name!(kind, Text),
        ),
    >,
    ErrorReport,
> {
    let mut findings = survey::planned(&mut survey::survey(path.as_deref(), plan.map(|p| p.0))?)?.findings;
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    Ok(TableIterator::new(findings.into_iter().map(|f| {
        let (severity, kind) = (Text::from(f.severity.as_str()), Text::from(f.kind.as_str()));
        let fix = f.patch().map(Json);
        (severity, Text(f.object), Text(f.message), Text(f.hint), fix, kind)
    })))
}

/// The complete, explicit plan. It is its own fixed point.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_plan(path: Option<Text>, plan: default!(Option<Json>, "NULL")) -> Result<Json, ErrorReport> {
    let mut survey = survey::survey(path.as_deref(), plan.map(|p| p.0))?;
    survey.tell_unrun();
    Ok(Json(survey::planned(&mut survey)?.plan))
}

/// Exactly the statements that an import would run, in order; a load is shown as a comment.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_ddl(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
) -> Result<TableIterator<'static, (name!(phase, Text), name!(ordinal, i64), name!(sql, Text))>, ErrorReport>
{
    let mut survey = survey::survey(path.as_deref(), plan.map(|p| p.0))?;
    survey.tell_unrun();
    let planned = survey::planned(&mut survey)?;
    Ok(TableIterator::new(
        planned
            .steps
            .into_iter()
            .enumerate()
            .map(|(i, step)| (Text::from(step.phase.as_str()), i as i64 + 1, Text(step.sql()))),
    ))
}

/// A plan with merge patches (RFC 7396) laid over it, one after the other: null removes a key. A NULL patch changes
/// nothing, so that the `fix` of every finding can be given.
#[pg_extern(sql = "
CREATE FUNCTION sqlite_plan_merge(plan jsonb, VARIADIC patch jsonb[]) RETURNS jsonb
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn sqlite_plan_merge(
    plan: Option<Json>,
    patch: Option<VariadicArray<'_, Json>>,
) -> Result<Json, ErrorReport> {
    let plan = plan.map_or(serde_json::Value::Null, |p| p.0);
    let patches = patch.iter().flat_map(VariadicArray::iter).flatten();
    let merged = merge::merge(plan, &serde_json::Value::Null);
    let merged = patches.fold(merged, |plan, patch| merge::merge(plan?, &patch.0));
    Ok(Json(merged.map_err(Error::Plan)?))
}

/// The plan's JSON Schema (2020-12).
#[pg_extern(immutable, parallel_safe)]
fn sqlite_plan_schema() -> Json {
    Json(schema::schema())
}
