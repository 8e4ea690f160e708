//! The JSON form, docs/report.schema.json.

use std::fmt::Write;

use super::Report;

pub fn render(report: &Report) -> String {
    // Maps with text keys and finite numbers serialize.
    serde_json::to_string_pretty(report).unwrap_or_default()
}

/// JSON in which characters outside ASCII are escaped, so that a database whose encoding lacks them holds it as it is.
pub fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            // They occur in strings only.
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            }),
        }
    }
    out
}
