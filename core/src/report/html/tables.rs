//! Tables with their rows and times, the phases of the run, and what failed.

use maud::{Markup, html};

use super::parts::{measure, name, scroll, some_first, span, text};
use crate::report::RunReport;
use crate::report::model::{Phase, Table};
use crate::report::text::{known, table_columns};
use crate::report::words::{grouped, percent, seconds, share, spaced};

/// Tables that are shown at once.
const SHOWN: usize = 60;

pub fn tables(report: &RunReport) -> Markup {
    let mut tables: Vec<&Table> = report.tables.iter().collect();
    tables.sort_by_key(|table| (table.status == "loaded", std::cmp::Reverse(table.written())));
    let list = |tables: &[&Table]| {
        let label = format!("Tables from {}", tables.first().map(|table| table.name()).unwrap_or_default());
        scroll(&label, &list(report, tables))
    };
    html! {
        @if tables.is_empty() { p { "The file has no tables." } }
        @else { (some_first(&tables, SHOWN, "tables", list)) }
    }
}

fn list(report: &RunReport, tables: &[&Table]) -> Markup {
    let most_rows = report.tables.iter().map(Table::written).max().unwrap_or(0) as f64;
    let most_seconds = report.tables.iter().map(|table| table.seconds).fold(0.0, f64::max);
    let shown = table_columns(&report.tables);
    let class = |head: &str| if head == "in SQLite" { "number wide" } else { "number" };
    html! {
        table {
            thead { tr {
                th scope="col" { "table" }
                @for (head, ..) in &shown { th class=(class(head)) scope="col" { (head) } }
                th.number scope="col" { "time" }
            } }
            tbody { @for table in tables { tr {
                th scope="row" { (named(table)) }
                @for (head, _, of) in &shown {
                    td class=(class(head)) {
                        @if *head == "imported" { (measure(&known(of(table)), share(table.written() as f64, most_rows))) }
                        @else { (known(of(table))) }
                    }
                }
                td.number { (measure(&seconds(table.seconds), share(table.seconds, most_seconds))) }
            } } }
        }
    }
}

fn named(table: &Table) -> Markup {
    html! {
        span.soft { (name(&table.schema)) "." } wbr; (name(&table.table))
        @if table.source != table.table { span.soft { " from " (name(&table.source)) } }
        @if table.status != "loaded" { " " span.flag { (table.status) } }
        @if let Some(detail) = &table.detail { div.soft { (text(detail)) } }
    }
}

pub fn phases(report: &RunReport) -> Markup {
    let whole = report.run.seconds.unwrap_or(0.0);
    let row = |phase: &Phase| {
        html! {
            tr {
                th scope="row" { (spaced(&phase.phase)) }
                td.track aria-hidden="true" {
                    div { @for part in drawn(phase, whole) { (span(part.0, part.1)) } }
                }
                td.number { (seconds(phase.seconds)) }
                td.number { (percent(share(phase.seconds, whole))) }
                td.number.wide { (grouped(phase.steps as i64)) }
            }
        }
    };
    let timeline = html! {
        table.timeline {
            thead { tr {
                th scope="col" { "phase" } td aria-hidden="true" {} th.number scope="col" { "time" } th.number scope="col" { "share" }
                th.number.wide scope="col" { "steps" }
            } }
            tbody { @for phase in &report.phases { (row(phase)) } }
        }
    };
    html! {
        (scroll("Timeline of the phases", &timeline))
        @if !report.slowest.is_empty() {
            h3 { "Longest steps" }
            ol.steps { @for step in &report.slowest { li { span.number { (seconds(step.seconds)) } " " (text(&step.title)) } } }
        }
    }
}

/// The spans of a phase as parts of the run; those that the eye cannot tell apart are one.
fn drawn(phase: &Phase, whole: f64) -> Vec<(f64, f64)> {
    const APART: f64 = 0.002;
    let mut parts: Vec<(f64, f64)> = vec![];
    for span in &phase.spans {
        let (from, to) = (share(span.from, whole), share(span.to, whole));
        match parts.last_mut().filter(|last| from - last.1 < APART) {
            Some(last) => last.1 = to,
            None => parts.push((from, to)),
        }
    }
    parts
}

pub fn failures(report: &RunReport) -> Markup {
    html! {
        ul.list {
            @for failure in &report.failures {
                li { p { strong { (text(&failure.title)) } } p { (text(&failure.error)) } }
            }
        }
    }
}
