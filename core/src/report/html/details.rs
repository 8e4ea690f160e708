//! What was verified, rows that were rejected, types with their reasons, and the plan.

use maud::{Markup, html};
use serde_json::Value;

use super::parts::{block, code, name, scroll, some_first, text};
use crate::report::model::{ColumnType, Rejects, TableTypes, Verification, Verified};
use crate::report::text;
use crate::report::verdict::{call, faults, objects};
use crate::report::words::{count, grouped, moment, spaced};
use crate::report::{FileReport, RunReport};

/// Results and tables that are shown at once.
const SHOWN: usize = 40;

const SHOWN_REJECTS: usize = 8;

pub fn verification(report: &RunReport) -> Markup {
    html! {
        @if report.verification.is_empty() {
            p { "Nothing has been verified since the import. This call compares every value with the file, and more:" }
            (block("Call", &call(&report.run)))
        }
        @for kind in &report.verification { (verified(kind)) }
    }
}

fn verified(kind: &Verification) -> Markup {
    let wrong: Vec<&Verified> = kind.results.iter().filter(|result| !result.ok).collect();
    let sound: Vec<&Verified> = kind.results.iter().filter(|result| result.ok).collect();
    let list = |results: &[&Verified]| {
        html! { (scroll(&format!("Verified {}: {}", kind.kind, results.first().map(|r| r.name()).unwrap_or_default()), &results_table(results))) }
    };
    html! {
        h3 { (spaced(&kind.kind)) }
        p {
            @if kind.failed == 0 { span.ok { "Without a difference" } ": " (objects(kind)) } @else { span.flag { (faults(kind)) } }
            @for (name, sum) in kind.sums.iter().filter(|(_, sum)| **sum != 0) { ", " (spaced(name)) " " (grouped(*sum)) }
            span.soft { ", " time datetime=(kind.verified_at) { (moment(&kind.verified_at)) } }
        }
        @if !wrong.is_empty() { (some_first(&wrong, SHOWN, "that are not right", list)) }
        @if !sound.is_empty() { details.more { summary { (grouped(sound.len() as i64)) " that are right" } (list(&sound)) } }
    }
}

fn results_table(results: &[&Verified]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "object" } th scope="col" { "verdict" } th scope="col" { "counts" } } }
            tbody { @for result in results { tr {
                th scope="row" { (name(&result.name())) }
                td { @if !result.ok { span.flag { (text(&result.verdict)) } } @else { (text(&result.verdict)) }
                     @if let Some(detail) = &result.detail { div.soft { (text(detail)) } } }
                td.soft { @for (at, (name, value)) in result.counts.as_object().into_iter().flatten().enumerate() {
                    @if at > 0 { ", " } (spaced(name)) " " (value.to_string())
                } }
            } } }
        }
    }
}

pub fn rejects(report: &RunReport) -> Markup {
    let list = |tables: &[Rejects]| html! { @for rejects in tables { (rejected(rejects)) } };
    some_first(&report.rejects, SHOWN_REJECTS, "tables", list)
}

fn rejected(rejects: &Rejects) -> Markup {
    let shown = rejects.first.len() as i64;
    let table = html! {
        table {
            thead { tr { th scope="col" { "row" } th scope="col" { "column" } th scope="col" { "error" } th scope="col" { "values" } } }
            tbody { @for reject in &rejects.first { tr {
                th scope="row" { @if let Some(row) = &reject.row { (text(row)) } @else { "see its values" } }
                td { @if let Some(column) = &reject.column { (text(column)) } }
                td { (text(&reject.error)) }
                td { (code(&reject.values)) }
            } } }
        }
    };
    html! {
        h3 { (name(&rejects.source)) " " span.count { (grouped(rejects.count)) } }
        (scroll(&format!("Rejected rows of {}", rejects.source), &table))
        @if rejects.count > shown { p.soft { "All of them are in " code { "sqlite_migrate.reject" } "." } }
    }
}

/// What goes by itself and what does not.
pub fn work(report: &FileReport) -> Markup {
    let number = |count: Option<u64>| count.map(|count| grouped(count as i64)).unwrap_or_default();
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "subject" } th.number scope="col" { "automatic" } th.number scope="col" { "with findings" }
                th.number scope="col" { "by hand" } th scope="col" { "level" } th scope="col" { "what" }
            } }
            tbody { @for subject in &report.subjects { tr {
                th scope="row" { (spaced(&subject.subject)) }
                td.number { (number(subject.automatic)) }
                td.number { (number(subject.with_findings)) }
                td.number { (number(subject.by_hand)) }
                td.short { (subject.level.as_deref().unwrap_or_default()) }
                td { @if let Some(detail) = &subject.detail { (text(detail)) } }
            } } }
        }
    };
    scroll("Work by subject", &table)
}

pub fn types(tables: &[TableTypes]) -> Markup {
    let list = |tables: &[TableTypes]| html! { @for table in tables { (table_types(table)) } };
    html! {
        @if tables.is_empty() { p { "There are none." } }
        (some_first(tables, SHOWN, "tables", list))
    }
}

fn table_types(table: &TableTypes) -> Markup {
    let row = |column: &ColumnType| {
        html! {
            tr {
                th scope="row" { (name(&column.source)) @if column.column != column.source { span.soft { " as " (name(&column.column)) } } }
                td { @if let Some(pg_type) = &column.pg_type { (code(pg_type)) } @else { span.flag { "not loaded" } } }
                td { @if let Some(reason) = &column.reason { (text(reason)) } }
            }
        }
    };
    let columns = html! {
        table {
            thead { tr { th scope="col" { "column" } th scope="col" { "type" } th scope="col" { "why" } } }
            tbody { @for column in &table.columns { (row(column)) } }
        }
    };
    html! {
        details.group {
            summary { h3.inline { (name(&table.source)) } " " span.count { (count(table.columns.len() as u64, "column", "columns")) } }
            (scroll(&format!("Types of {}", table.source), &columns))
        }
    }
}

pub fn plan(plan: &Value) -> Markup {
    html! {
        p.soft { "With this plan, " code { "sqlite_import(path, plan)" } " makes the same decisions again." }
        details.more.plan { summary { "The complete plan" } (block("The plan as JSON", &text::plan(plan))) }
    }
}
