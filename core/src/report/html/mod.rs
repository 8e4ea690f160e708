//! The report as one HTML page without scripts, fonts or pictures from elsewhere. Every text that is not ours goes through
//! [`parts`], where it is escaped, isolated from the direction of the texts around it, and folded where it is long.

mod details;
mod findings;
mod head;
mod parts;
mod tables;

use std::fmt::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Report;
use super::verdict::Word;
use super::words::one_line;

const STYLE: &str = include_str!("style.css");

pub fn render(report: &Report) -> String {
    let title = format!("{}: import of {}", report.verdict.verdict.as_str(), report.run.file_name());
    let sections = sections(report);
    let body = html! {
        (head::header(report))
        nav aria-label="Sections" {
            @for section in &sections { a href={ "#" (section.id) } { (section.title) } }
        }
        main {
            @for section in &sections {
                section id=(section.id) aria-labelledby={ "h-" (section.id) } {
                    h2 id={ "h-" (section.id) } { (section.title) }
                    (section.body)
                }
            }
        }
        (head::footer(report))
    };
    page(&title, tone(report.verdict.verdict), None, &body)
}

struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

fn sections(report: &Report) -> Vec<Section> {
    let sections = [
        Some(("tables", "Tables", tables::tables(report))),
        Some(("phases", "Where the time went", tables::phases(report))),
        (!report.failures.is_empty()).then(|| ("failures", "Failed steps", tables::failures(report))),
        Some(("verification", "Verification", details::verification(report))),
        Some(("findings", "Findings", findings::findings(report))),
        (!report.rejects.is_empty()).then(|| ("rejects", "Rejected rows", details::rejects(report))),
        Some(("types", "Types and reasons", details::types(report))),
        Some(("plan", "Plan", details::plan(report))),
    ];
    sections.into_iter().flatten().map(|(id, title, body)| Section { id, title, body }).collect()
}

/// The class that gives a page its one colour.
fn tone(word: Word) -> &'static str {
    match word {
        Word::Pass => "pass",
        Word::Investigate => "investigate",
        Word::RollBack => "roll-back",
        Word::NotVerified => "neutral",
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
                title { (one_line(title)) }
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
