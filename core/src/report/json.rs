//! The JSON form, docs/report.schema.json. Characters outside ASCII are escaped, so that a database of any encoding holds
//! it as it is.

use std::fmt::Write;

use super::Report;

pub fn render(report: &Report) -> String {
    // Maps with text keys and finite numbers serialize.
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    if json.is_ascii() {
        return json;
    }
    let mut out = String::with_capacity(json.len() * 2);
    for c in json.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            // Outside of strings JSON is ASCII.
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            }),
        }
    }
    out
}
