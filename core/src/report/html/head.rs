//! The top of a page: what the report is about, the verdict, the numbers that matter.

use maud::{Markup, html};

use super::parts::{code, icon, name, text};
use super::{tone, tone_of_file};
use crate::assess::bytes;
use crate::progress;
use crate::report::model::{Server, file_name};
use crate::report::words::{grouped, moment, seconds};
use crate::report::{FileReport, RunReport};

pub fn of_run(report: &RunReport) -> Markup {
    let verdict = &report.verdict;
    html! {
        header {
            p.over { "Import of a SQLite file into PostgreSQL" }
            h1 { (name(file_name(&report.run.path))) }
            (facts(report))
            (banner(tone(verdict.verdict), "Verdict", verdict.verdict.as_str(), &html! {
                ul { @for reason in &verdict.reasons { li { (reason) } } }
                @if let Some(call) = &verdict.next { p.next { "Next: " (code(call)) } }
            }))
            (figures(&of_totals(report)))
        }
    }
}

pub fn of_file(report: &FileReport) -> Markup {
    let mut numbers = vec![
        (grouped(report.rows as i64), "rows"),
        (bytes(report.bytes as f64), "file"),
        (bytes(report.disk_bytes as f64), "disk needed"),
        (bytes(report.wal_bytes as f64), "WAL written"),
    ];
    numbers.extend(report.seconds.map(|time| (seconds(time), "estimated time")));
    html! {
        header {
            p.over { "Assessment of a SQLite file for PostgreSQL" }
            h1 { (name(file_name(&report.path))) }
            dl.facts {
                div { dt { "File" } dd { (code(&report.path)) } }
                div { dt { "Database" } dd { (text(&report.server.database)) ", " (report.server.encoding) } }
            }
            (banner(tone_of_file(report), "Level", &report.level, &html! { ul { li { (text(&report.summary)) } } }))
            (figures(&numbers))
        }
    }
}

/// The word on top, and what it rests on.
fn banner(tone: &str, label: &str, word: &str, why: &Markup) -> Markup {
    html! {
        div.verdict {
            span.icon { (icon(tone)) }
            div { p.word { span.label { (label) } " " strong id="verdict" { (word) } } (why) }
        }
    }
}

fn facts(report: &RunReport) -> Markup {
    let (run, server) = (&report.run, &report.server);
    html! {
        dl.facts {
            div { dt { "File" } dd { (code(&run.path)) @if let Some(size) = run.bytes() { ", " (bytes(size as f64)) } } }
            div { dt { "Run" } dd { (run.id) ", by " (text(&run.role)) ", " time datetime=(run.started_at) { (moment(&run.started_at)) } } }
            div { dt { "Database" } dd { (text(&server.database)) ", " (server.encoding) } }
        }
    }
}

fn figures(numbers: &[(String, &str)]) -> Markup {
    html! { dl.figures { @for (number, label) in numbers { div { dt { (label) } dd { (number) } } } } }
}

fn of_totals(report: &RunReport) -> Vec<(String, &'static str)> {
    let totals = &report.totals;
    let written = totals.imported.saturating_add(totals.updated);
    let tables = format!("{} of {}", grouped(totals.loaded as i64), grouped(totals.tables as i64));
    let mut numbers = vec![(grouped(written), "rows imported"), (tables, "tables loaded")];
    numbers.extend(report.run.seconds.map(|took| (seconds(took), "whole import")));
    let rate = totals.rows_per_second.filter(|_| written > 0);
    numbers.extend(rate.map(|rate| (progress::short(rate), "rows per second")));
    let values = report.verification.iter().find(|kind| kind.kind == "values");
    let compared = values.and_then(|kind| kind.sums.get("compared"));
    numbers.extend(compared.map(|compared| (grouped(*compared), "values compared")));
    numbers.push((grouped(totals.rejected), "rows rejected"));
    if totals.skipped > 0 {
        numbers.push((grouped(totals.skipped), "rows skipped"));
    }
    let serious = totals.blocking + totals.warnings;
    numbers.push((grouped(serious as i64), if serious == 1 { "warning" } else { "warnings" }));
    numbers
}

pub fn footer(server: &Server) -> Markup {
    html! {
        footer {
            p {
                "pg_sqlite_migrate " (server.extension_version) ", PostgreSQL " (text(&server.version)) ". Written at "
                time datetime=(server.reported_at) { (moment(&server.reported_at)) } "."
            }
        }
    }
}
