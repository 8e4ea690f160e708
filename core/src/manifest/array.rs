//! Texts that are arrays to a plan, as literals that the server reads: JSON arrays, and lists separated by commas.
//!
//! Written apart from the loader's conversion. What is no array of any kind stays as it is: the server refuses it.

use std::borrow::Cow;

use crate::value::{Format, PgType};

/// How the texts of one array column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// As JSON, or as PostgreSQL's literals.
    Json,
    /// `a,b,c`
    Commas,
}

impl Texts {
    /// `None` for a type that is no array, and for arrays of JSON documents, whose elements the server alone tells apart.
    pub fn of(pg_type: &PgType, format: Option<Format>) -> Option<Texts> {
        match pg_type.base() {
            PgType::Array(element) if matches!(element.base(), PgType::Json | PgType::Jsonb) => None,
            PgType::Array(_) if format == Some(Format::Comma) => Some(Texts::Commas),
            PgType::Array(_) => Some(Texts::Json),
            _ => None,
        }
    }

    /// `None` for what is no array.
    pub fn literal(self, text: &str) -> Option<Cow<'_, str>> {
        if self == Texts::Commas {
            let parts: Vec<String> = text.split(',').filter(|_| !text.is_empty()).map(quoted).collect();
            return Some(format!("{{{}}}", parts.join(",")).into());
        }
        let start = text.trim_ascii_start();
        // A literal may begin with its bounds, as in [2:3]={a,b}.
        let of_bounds = |c: char| c.is_ascii_digit() || "[]:+- ".contains(c);
        if start.starts_with('{') || start.trim_start_matches(of_bounds).starts_with('=') {
            return Some(text.into());
        }
        of_json(start).map(Cow::Owned)
    }
}

/// Token by token: brackets become braces, strings are quoted as in literals, numbers stay as they are spelled.
fn of_json(text: &str) -> Option<String> {
    let (mut out, mut rest, mut depth, mut last) = (String::with_capacity(text.len()), text, 0u32, "");
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let first = rest.chars().next()?;
        let length = match first {
            '"' => string_length(rest)?,
            '[' | ']' | ',' => 1,
            _ => rest.find([',', ']', ' ', '\t', '\n', '\r', '[', '"']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at_checked(length)?;
        match first {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        // An empty array in an array is none that PostgreSQL keeps.
        if (last, token) == ("[", "]") && depth > 0 {
            return None;
        }
        match token {
            "[" => out.push('{'),
            "]" => out.push('}'),
            "," => out.push(','),
            "null" => out.push_str("NULL"),
            "true" | "false" => out.push_str(token),
            _ if first == '"' => out.push_str(&quoted(&serde_json::from_str::<String>(token).ok()?)),
            _ if serde_json::from_str::<serde_json::Number>(token).is_ok() => out.push_str(token),
            _ => return None,
        }
        (rest, last) = (after, token);
        if depth == 0 {
            return (rest.trim().is_empty() && out.starts_with('{')).then_some(out);
        }
    }
}

/// With both quotation marks.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = true;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        // The first mark opens.
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map(|end| end + 1)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_become_literals() {
        for (text, literal) in [
            ("[]", "{}"),
            (r#" [1, -2.50 ,1e3] "#, "{1,-2.50,1e3}"),
            (r#"["a", "b \"c\" \\", "", null, "null", "{}"]"#, r#"{"a","b \"c\" \\","",NULL,"null","{}"}"#),
            (r#"[[true,false],[null,"\u00e9"]]"#, "{{true,false},{NULL,\"é\"}}"),
            ("{a,b}", "{a,b}"),
            ("[2:3]={a,b}", "[2:3]={a,b}"),
        ] {
            assert_eq!(Texts::Json.literal(text).as_deref(), Some(literal), "{text}");
        }
        for text in ["", "a", "[1", "[1]x", "[{\"a\":1}]", "[[],[]]", "[1,]]", "1", "\"[]\"", "[abc]"] {
            assert_eq!(Texts::Json.literal(text), None, "{text}");
        }
        assert_eq!(Texts::Commas.literal("a,b c,").as_deref(), Some(r#"{"a","b c",""}"#));
        assert_eq!(Texts::Commas.literal("").as_deref(), Some("{}"));
    }
}
