//! The way back: `sqlite_export`, and what it would do: `sqlite_export_plan`, `sqlite_export_findings`,
//! `sqlite_export_ddl`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::export;
use crate::pg::json::Json;
use crate::pg::text::Text;

/// Writes tables of this database into a new SQLite file, which is there when the transaction has committed. One row per
/// table.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_export(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
    run: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(target, Text),
            name!(rows, i64),
            name!(seconds, f64),
            name!(status, Text),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let exported = export::export(path.as_deref(), plan.map(|p| p.0), run)?;
    Ok(TableIterator::new(exported.into_iter().map(|e| {
        let seconds = (e.seconds * 1000.0).round() / 1000.0;
        let status = Text::from("exported");
        (Text(e.schema), Text(e.table), Text(e.target), e.rows, seconds, status, e.detail.map(Text))
    })))
}

/// The same file as its bytes, of up to 1 GB, for whoever may not write files on the server.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_export_bytes(
    plan: default!(Option<Json>, "NULL"),
    run: default!(Option<i64>, "NULL"),
) -> Result<Vec<u8>, ErrorReport> {
    Ok(export::bytes(plan.map(|p| p.0), run)?)
}

/// The complete, explicit plan of an export. It is its own fixed point.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_export_plan(
    plan: default!(Option<Json>, "NULL"),
    run: default!(Option<i64>, "NULL"),
) -> Result<Json, ErrorReport> {
    Ok(Json(export::complete_plan(plan.map(|p| p.0), run)?))
}

/// What an export leaves out or changes, the worst first. A blocking finding would stop it.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_export_findings(
    plan: default!(Option<Json>, "NULL"),
    run: default!(Option<i64>, "NULL"),
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
    let findings = export::findings(plan.map(|p| p.0), run)?;
    Ok(TableIterator::new(findings.into_iter().map(|f| {
        let (severity, kind) = (Text::from(f.severity.as_str()), Text::from(f.kind.as_str()));
        let fix = f.patch().map(Json);
        (severity, Text(f.object), Text(f.message), Text(f.hint), fix, kind)
    })))
}

/// Exactly the statements that make the file, in order; rows are inserted before the indexes are created.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_export_ddl(
    plan: default!(Option<Json>, "NULL"),
    run: default!(Option<i64>, "NULL"),
) -> Result<TableIterator<'static, (name!(ordinal, i64), name!(table, Text), name!(sql, Text))>, ErrorReport>
{
    let statements = export::statements(plan.map(|p| p.0), run)?;
    Ok(TableIterator::new(
        statements.into_iter().enumerate().map(|(i, (table, sql))| (i as i64 + 1, Text(table), Text(sql))),
    ))
}

/// Compares every value of an exported file with what the tables would be exported as now. One row per table, and per
/// column of it.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_export(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
    run: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(target, Text),
            name!(column, Option<Text>),
            name!(rows, i64),
            name!(rows_in_file, Option<i64>),
            name!(ok, bool),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let compared = export::verify(path.as_deref(), plan.map(|p| p.0), run)?;
    Ok(TableIterator::new(compared.into_iter().map(|c| {
        let (column, detail) = (c.column.map(Text), c.detail.map(Text));
        (Text(c.schema), Text(c.table), Text(c.target), column, c.rows, c.rows_in_file, c.ok, detail)
    })))
}
