//! What all renderers have in common: texts of a file are no markup, and nothing is made of too little.

use serde_json::{Value, json};

use super::facts::{Facts, FindingFact, StepFact};
use super::model::{Server, Span};
use super::verdict::Word;
use super::{Format, Report, RunReport, html, json as json_form};

/// A run of one table; every text is `text`.
fn facts(text: &str, steps: Value) -> Facts {
    let read = "these are the members of the model";
    Facts {
        server: serde_json::from_value(json!({ "version": "15", "extension_version": "0", "database": text,
            "encoding": "UTF8", "reported_at": "2026-01-02T03:04:05Z" }))
        .expect(read),
        run: serde_json::from_value(json!({ "id": 7, "role": text, "status": "done", "path": text, "seconds": 2.0,
            "started_at": "2026-01-02T03:04:05.000Z", "finished_at": null, "extension_version": "0",
            "source": { "page_size": 4096, "page_count": 10 } }))
        .expect(read),
        tables: serde_json::from_value(json!([{ "source": text, "schema": text, "table": "t", "status": "loaded",
            "rows_before": 0, "source_rows": 3, "imported": 3, "updated": 0, "skipped": 0, "rejected": 0,
            "seconds": 0.5, "load_seconds": 0.25, "detail": text }]))
        .expect(read),
        steps: serde_json::from_value::<Vec<StepFact>>(steps).expect(read),
        findings: serde_json::from_value::<Vec<FindingFact>>(json!([
            { "severity": "info", "kind": "view", "object": text, "message": text, "hint": text, "fix": { text: text } },
            { "severity": "blocking", "kind": "of_tomorrow", "object": "b", "message": "m", "hint": "", "fix": null },
            { "severity": "info", "kind": "view", "object": "c", "message": "m", "hint": "", "fix": null },
        ]))
        .expect(read),
        rejects: vec![],
        verification: vec![],
        plan: json!({ "tables": { text: { "columns": { text: { "type": text, "reason": text } } } } }),
    }
}

fn report(text: &str, steps: Value) -> RunReport {
    facts(text, steps).into()
}

fn step(phase: &str, started: f64, seconds: f64) -> Value {
    json!({ "phase": phase, "table": null, "title": phase, "started": started, "seconds": seconds, "rows": 2, "error": null })
}

#[test]
fn phases_have_a_span_for_each_stretch() {
    let steps = json!([
        step("load", 0.0, 0.5),
        step("load", 0.5, 0.25),
        step("foreign_keys", 0.75, 0.25),
        step("load", 1.0, 0.5)
    ]);
    let report = report("t", steps);
    let load = &report.phases[0];
    assert_eq!((load.phase.as_str(), load.steps, load.seconds, load.rows), ("load", 3, 1.25, Some(6)));
    assert_eq!(load.spans, [Span { from: 0.0, to: 0.75 }, Span { from: 1.0, to: 1.5 }]);
    assert_eq!(report.phases[1].phase, "foreign_keys");
    assert_eq!(report.slowest[0].seconds, 0.5);
}

#[test]
fn findings_are_grouped_and_the_worst_come_first() {
    let report = report("t", json!([]));
    let groups: Vec<_> =
        report.findings.iter().map(|g| (g.severity.as_str(), g.kind.as_str(), g.findings.len())).collect();
    assert_eq!(groups, [("blocking", "of_tomorrow", 1), ("info", "view", 2)]);
    assert_eq!(report.findings[1].about, "A view is not carried over.");
    assert_eq!(report.verdict.verdict, Word::NotVerified);
}

#[test]
fn no_text_is_markup_in_any_format() {
    for text in
        ["<script>alert(1)</script>", "\"'><img src=x>", "a\0b\u{1b}[1m\u{202e}", "\u{1f4a5} שלום", "", "`|*"]
    {
        let report = Report::Run(Box::new(report(text, json!([step("load", 0.0, 0.0)]))));
        let page = report.render(Format::Html);
        assert!(page.is_ascii() && !page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(!page.contains(['\0', '\u{1b}']));
        for format in [Format::Text, Format::Markdown] {
            assert!(!report.render(format).contains(['\0', '\u{1b}', '\u{202e}']), "{text:?}");
        }
        let raw = report.render(Format::Json);
        let ascii = json_form::ascii(&raw);
        assert!(ascii.is_ascii());
        let [raw, ascii] = [raw, ascii].map(|json| serde_json::from_str::<Value>(&json).expect("JSON"));
        assert_eq!(raw, ascii);
        assert_eq!(raw["run"]["path"], text);
    }
}

#[test]
fn long_names_and_texts_are_folded() {
    let page = Report::Run(Box::new(report(&"x".repeat(10_000), json!([])))).render(Format::Html);
    assert!(page.contains("<details class=\"long\">"));
    assert!(!page.contains(&format!("<h1><bdi>{}", "x".repeat(200))), "a heading is short");
}

#[test]
fn an_idle_page_says_so() {
    let server: Server = facts("d", json!([])).server;
    let live = super::live::Live { server, running: vec![], ended: vec![] };
    let page = html::live(&live, Some(5));
    assert!(page.contains("No import is running.") && page.contains("http-equiv=\"refresh\" content=\"5\""));
    assert!(!html::live(&live, None).contains("http-equiv"));
}
