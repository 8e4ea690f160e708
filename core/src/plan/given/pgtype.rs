//! A type name as a person writes it: may this be pasted into DDL?
//!
//! Not a parser of types: the server's `regtype` has the last word.

/// Says why a text is not a type name that can stand in a column definition.
pub fn validate(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' if open.len() < 4 => open.push(c),
            ')' if open.pop() != Some('(') => return Err("unbalanced parenthesis".into()),
            ']' if open.pop() != Some('[') => return Err("unbalanced bracket".into()),
            ')' | ']' | '_' | '.' | ',' | ' ' => {}
            // A negative scale, `numeric(5,-2)`; never two in a row.
            '-' if !open.is_empty() && chars.peek().is_some_and(char::is_ascii_digit) => {}
            c if c.is_alphanumeric() => {}
            c => return Err(format!("unexpected character {c:?}")),
        }
    }
    if quoted {
        return Err("unterminated quote".into());
    }
    if !open.is_empty() {
        return Err("unbalanced parenthesis".into());
    }
    if !text.trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"') {
        return Err("it must start with a name".into());
    }
    check_words(text)
}

/// What may follow a type in a column definition is not part of it.
const CLAUSES: &[&str] = &[
    "not",
    "null",
    "default",
    "check",
    "references",
    "primary",
    "unique",
    "generated",
    "collate",
    "constraint",
    "storage",
    "compression",
    "deferrable",
];

fn check_words(text: &str) -> Result<(), String> {
    let bare: String = text.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = bare.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase);
    match words.skip(1).find(|w| CLAUSES.contains(&w.as_str())) {
        Some(word) => Err(format!("\"{word}\" is not part of a type")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_the_type_is_refused() {
        for good in [
            "text",
            "numeric(10, 2)",
            "double precision",
            "\"My;Type\"",
            "app.mood[]",
            "numeric(5,-2)",
            "timestamp(3) with time zone",
            "_x",
        ] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
        for bad in [
            "text; drop",
            "text -- x",
            "text /* */",
            "a\"b",
            "int)",
            "int(",
            "int]",
            "(3)",
            "3",
            "int\nx",
            "text default 1",
            "int NOT NULL",
            "a$b",
            "int(--1)",
            "int -1",
        ] {
            assert!(validate(bad).is_err(), "{bad}");
        }
    }
}
