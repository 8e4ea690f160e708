//! The report as one HTML page without scripts, fonts or pictures from elsewhere. Every text that is not ours goes through
//! [`parts`], where it is escaped, isolated from the direction of the texts around it, and folded where it is long.

mod details;
mod findings;
mod head;
mod live;
mod parts;
mod tables;

use std::fmt::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::model::file_name;
use super::verdict::Word;
use super::{FileReport, Report, RunReport};

pub use self::live::render as live;

const STYLE: &str = include_str!("style.css");

pub fn render(report: &Report) -> String {
    match report {
        Report::Run(report) => run(report),
        Report::Assessment(report) => file(report),
    }
}

fn run(report: &RunReport) -> String {
    let title = format!("{}: import of {}", report.verdict.verdict.as_str(), file_name(&report.run.path));
    let sections = [
        Some(("tables", "Tables", tables::tables(report))),
        Some(("verification", "Verification", details::verification(report))),
        (!report.rejects.is_empty()).then(|| ("rejects", "Rejected rows", details::rejects(report))),
        (!report.failures.is_empty()).then(|| ("failures", "Failed steps", tables::failures(report))),
        Some(("phases", "Where the time went", tables::phases(report))),
        Some(("findings", "Findings", findings::findings(&report.findings))),
        Some(("types", "Types and reasons", details::types(&report.types))),
        Some(("plan", "Plan", details::plan(&report.plan))),
    ];
    let body = body(&head::of_run(report), sections.into_iter().flatten(), &head::footer(&report.server));
    page(&title, tone(report.verdict.verdict), None, &body)
}

fn file(report: &FileReport) -> String {
    let title = format!("{}: assessment of {}", report.level, file_name(&report.path));
    let sections = [
        ("work", "Work", details::work(report)),
        ("findings", "Findings", findings::findings(&report.findings)),
        ("types", "Types and reasons", details::types(&report.types)),
        ("plan", "Plan", details::plan(&report.plan)),
    ];
    let body = body(&head::of_file(report), sections, &head::footer(&report.server));
    page(&title, tone_of_file(report), None, &body)
}

/// The sections have an id, a title and what they show.
fn body(
    header: &Markup,
    sections: impl IntoIterator<Item = (&'static str, &'static str, Markup)>,
    footer: &Markup,
) -> Markup {
    let sections: Vec<_> = sections.into_iter().collect();
    html! {
        (header)
        nav aria-label="Sections" { @for (id, title, _) in &sections { a href={ "#" (id) } { (title) } } }
        main {
            @for (id, title, shown) in &sections {
                section id=(id) aria-labelledby={ "h-" (id) } { h2 id={ "h-" (id) } { (title) } (shown) }
            }
        }
        (footer)
    }
}

fn tone_of_file(report: &FileReport) -> &'static str {
    match report.level.chars().next() {
        _ if report.is_blocked() => "roll-back",
        Some('A') => "pass",
        Some('B') => "investigate",
        _ => "neutral",
    }
}

/// The class that gives a page its one colour.
fn tone(word: Word) -> &'static str {
    match word {
        Word::Pass => "pass",
        Word::Investigate => "investigate",
        Word::RollBack => "roll-back",
        Word::NotVerified | Word::RolledBack => "neutral",
    }
}

/// A page, in ASCII: whatever encoding a client writes it in, it is the same.
pub fn page(title: &str, tone: &str, refresh: Option<u32>, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (parts::short(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body class=(tone) { (body) }
        }
    };
    ascii(&page.into_string())
}

fn ascii(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    for c in page.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            c => {
                let _ = write!(out, "&#x{:x};", c as u32);
            }
        }
    }
    out
}
