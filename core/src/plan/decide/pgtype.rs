//! PostgreSQL type names as text: may this be pasted into DDL, and do two spellings mean one type.
//!
//! Not a parser of types: the server's `regtype` has the last word.

use crate::value::PgType;

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

/// The type as `format_type` prints it; what is not known here stays as it is written.
pub fn canonical(pg_type: &str) -> String {
    PgType::parse(pg_type).to_string()
}

/// Two spellings mean one type.
pub fn same(a: &str, b: &str) -> bool {
    canonical(a) == canonical(b)
}

/// Takes an identity, and all such compare with each other in foreign keys.
pub fn is_integer(pg_type: &str) -> bool {
    PgType::parse(pg_type).is_integer()
}

/// Takes a collation.
pub fn is_text(pg_type: &str) -> bool {
    PgType::parse(pg_type).is_text()
}

/// A foreign key can be made from a column of one type to a column of the other.
pub fn comparable(a: &str, b: &str) -> bool {
    PgType::parse(a).compares_with(&PgType::parse(b))
}

/// Times and spans, the types that a `format` is for.
pub fn is_temporal(pg_type: &str) -> bool {
    PgType::parse(pg_type).is_temporal()
}

/// The type is known to have a default btree operator class on any server.
pub fn ordered(pg_type: &str) -> bool {
    PgType::parse(pg_type).is_ordered()
}

/// The type has no default btree operator class: no index, no key.
pub fn unordered(pg_type: &str) -> bool {
    PgType::parse(pg_type).is_unordered()
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

    #[test]
    fn spellings_of_one_type_are_one() {
        for (a, b) in [
            ("int8", "BIGINT"),
            ("timestamptz", "timestamp with time zone"),
            ("timestamptz(3)", "timestamp (3) with time zone"),
            ("timestamp", "timestamp without time zone"),
            ("varchar(20)", "character varying ( 20 )"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("char", "character(1)"),
        ] {
            assert!(same(a, b), "{a} {b}: {} {}", canonical(a), canonical(b));
        }
        assert_eq!(canonical("timestamptz(3)"), "timestamp(3) with time zone");
        assert!(!same("numeric(10,2)", "numeric"));
        assert!(
            comparable("integer", "int8") && comparable("varchar(3)", "text") && !comparable("text", "uuid")
        );
        assert!(is_temporal("timestamptz(3)") && is_temporal("date") && !is_temporal("text"));
    }
}
