//! An `hstore` as its output function prints it -> a JSON object, whose values are strings and nulls.

use serde_json::Value;

use super::{NoForm, Result};
use crate::value::buffer;

const NO_PAIRS: NoForm = NoForm::Reason("it is not printed as pairs of keys and values");

/// `"a"=>"1", "b"=>NULL` -> `{"a": "1", "b": null}`
pub fn json(printed: &str) -> Result<String> {
    // A character becomes six at most.
    buffer::afford(printed.len().saturating_mul(6))?;
    let (mut out, mut rest) = (String::from("{"), printed);
    while !rest.is_empty() {
        let (key, after) = quoted(rest).ok_or(NO_PAIRS)?;
        let after = after.strip_prefix("=>").ok_or(NO_PAIRS)?;
        let (value, after) = match after.strip_prefix("NULL") {
            Some(after) => (Value::Null, after),
            None => quoted(after).map(|(value, after)| (value.into(), after)).ok_or(NO_PAIRS)?,
        };
        if out.len() > 1 {
            buffer::append(&mut out, ", ")?;
        }
        for part in [Value::from(key).to_string().as_str(), ": ", value.to_string().as_str()] {
            buffer::append(&mut out, part)?;
        }
        rest = match after.strip_prefix(", ") {
            Some(more) if !more.is_empty() => more,
            None if after.is_empty() => after,
            _ => return Err(NO_PAIRS),
        };
    }
    buffer::append(&mut out, "}")?;
    Ok(out)
}

/// The text between two quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut out, mut characters) = (String::new(), text.strip_prefix('"')?.chars());
    loop {
        match characters.next()? {
            '"' => return Some((out, characters.as_str())),
            '\\' => out.push(characters.next()?),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_members() {
        for (printed, expected) in [
            ("", Some("{}")),
            (r#""a"=>"1", "b"=>NULL"#, Some(r#"{"a": "1", "b": null}"#)),
            (r#""NULL"=>"NULL", ""=>"""#, Some(r#"{"NULL": "NULL", "": ""}"#)),
            (r#""q\"\\, é"=>"=>,\"""#, Some(r#"{"q\"\\, é": "=>,\""}"#)),
            ("\"n\n\"=>\"\t\"", Some("{\"n\\n\": \"\\t\"}")),
            ("a=>1", None),
            (r#""a"=>"1","#, None),
            (r#""a"=>"1", "#, None),
            (r#""a""#, None),
        ] {
            assert_eq!(json(printed).ok().as_deref(), expected, "{printed}");
        }
    }
}
