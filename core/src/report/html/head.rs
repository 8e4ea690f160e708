//! The top of a page: what the report is about, the verdict, the numbers that matter.

use maud::{Markup, html};

use super::parts::{code, icon, text};
use super::tone;
use crate::report::Report;
use crate::report::words::{bytes, count, grouped, moment, seconds};

pub fn header(report: &Report) -> Markup {
    let (run, verdict) = (&report.run, &report.verdict);
    let tone = tone(verdict.verdict);
    html! {
        header {
            p.over { "Import of a SQLite file into PostgreSQL" }
            h1 { (text(run.file_name())) }
            (facts(report))
            div.verdict {
                span.icon { (icon(tone)) }
                div {
                    p.word { span.label { "Verdict" } " " strong id="verdict" { (verdict.verdict.as_str()) } }
                    ul { @for reason in &verdict.reasons { li { (reason) } } }
                    @if let Some(call) = &verdict.next { p.next { "Next: " (code(call)) } }
                }
            }
            (figures(report))
        }
    }
}

fn facts(report: &Report) -> Markup {
    let (run, server) = (&report.run, &report.server);
    html! {
        dl.facts {
            div { dt { "File" } dd { (code(&run.path)) @if let Some(size) = run.bytes() { ", " (bytes(size)) } } }
            div { dt { "Run" } dd { (run.id) ", by " (text(&run.role)) ", " time datetime=(run.started_at) { (moment(&run.started_at)) } } }
            div { dt { "Database" } dd { (text(&server.database)) ", " (server.encoding) } }
        }
    }
}

fn figures(report: &Report) -> Markup {
    let totals = &report.totals;
    let written = totals.imported.saturating_add(totals.updated);
    let mut figures = vec![
        (grouped(written), "rows imported".to_owned()),
        (
            format!("{} of {}", grouped(totals.loaded as i64), grouped(totals.tables as i64)),
            "tables loaded".into(),
        ),
    ];
    if let Some(took) = report.run.seconds {
        figures.push((seconds(took), "whole import".into()));
    }
    if let Some(rate) = totals.rows_per_second.filter(|_| written > 0) {
        figures.push((crate::progress::short(rate), "rows per second".into()));
    }
    let compared = report
        .verification
        .iter()
        .find(|kind| kind.kind == "values")
        .and_then(|kind| kind.sums.get("compared"));
    if let Some(compared) = compared {
        figures.push((grouped(*compared), "values compared".into()));
    }
    figures.push((grouped(totals.rejected), "rows rejected".into()));
    if totals.skipped > 0 {
        figures.push((grouped(totals.skipped), "rows skipped".into()));
    }
    let serious = totals.blocking + totals.warnings;
    figures.push((grouped(serious as i64), if serious == 1 { "warning" } else { "warnings" }.into()));
    html! { dl.figures { @for (number, label) in &figures { div { dt { (label) } dd { (number) } } } } }
}

pub fn footer(report: &Report) -> Markup {
    let server = &report.server;
    html! {
        footer {
            p {
                "pg_sqlite_migrate " (report.run.extension_version) ", PostgreSQL " (text(&server.version))
                ". Written at " time datetime=(server.reported_at) { (moment(&server.reported_at)) } ". "
                (count(report.totals.source_rows.unsigned_abs(), "row", "rows")) " in SQLite."
            }
        }
    }
}
