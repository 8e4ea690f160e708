//! Findings by severity and kind, each with the part of a plan that resolves it.

use maud::{Markup, html};

use super::parts::{code, name, some_first, text};
use crate::report::model::{Finding, Findings};
use crate::report::words::{grouped, spaced};

/// Findings of a kind that are shown at once.
const SHOWN: usize = 12;

/// What a severity is called on the page.
const SEVERITIES: [(&str, &str); 3] =
    [("blocking", "Blocking"), ("warning", "Warnings"), ("info", "Decisions worth knowing")];

pub fn findings(groups: &[Findings]) -> Markup {
    let of = |severity: &'static str| groups.iter().filter(move |group| group.severity == severity);
    let fixes = groups.iter().flat_map(|group| &group.findings).any(|finding| finding.fix.is_some());
    html! {
        @if groups.is_empty() { p { "There are none." } }
        @if fixes { p.soft { "A fix is a part of a plan: " code { "sqlite_plan_merge(plan, fix)" } " is the plan with it." } }
        @for (severity, title) in SEVERITIES {
            @if of(severity).next().is_some() {
                h3 { (title) }
                @for group in of(severity) { (kind(group)) }
            }
        }
    }
}

fn kind(group: &Findings) -> Markup {
    let list = |findings: &[Finding]| html! { ul.list { @for finding in findings { (item(finding)) } } };
    html! {
        details.group open[group.severity != "info"] {
            summary { h4 { (spaced(&group.kind)) } " " span.count { (grouped(group.findings.len() as i64)) } " " span.soft { (group.about) } }
            (some_first(&group.findings, SHOWN, "findings", list))
        }
    }
}

fn item(finding: &Finding) -> Markup {
    html! {
        li {
            p { strong { (name(&finding.object)) } ": " (text(&finding.message)) }
            @if !finding.hint.is_empty() { p.soft { (text(&finding.hint)) } }
            @if let Some(fix) = &finding.fix { p { span.label { "Fix" } " " (code(&fix.to_string())) } }
        }
    }
}
