//! PostgreSQL type names as text: may this be pasted into DDL, and do two spellings mean one type.
//!
//! Not a parser of types: the server's `regtype` has the last word.

use crate::value::PgType;
pub use crate::value::typename::canonical;

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

/// Two spellings mean one type.
pub fn same(a: &str, b: &str) -> bool {
    canonical(a) == canonical(b)
}

/// Takes an identity, and all such compare with each other in foreign keys.
pub fn is_integer(pg_type: &str) -> bool {
    matches!(canonical(pg_type).as_str(), "smallint" | "integer" | "bigint")
}

/// Takes a collation.
pub fn is_text(pg_type: &str) -> bool {
    let canonical = canonical(pg_type);
    matches!(base(&canonical), "text" | "character varying" | "character" | "name")
        && !canonical.ends_with(']')
}

/// A foreign key can be made from a column of one type to a column of the other.
pub fn comparable(a: &str, b: &str) -> bool {
    let varying = |t: &str| matches!(base(&canonical(t)), "text" | "character varying");
    same(a, b) || (is_integer(a) && is_integer(b)) || (varying(a) && varying(b))
}

/// Times and spans, the types that a `format` is for.
pub fn is_temporal(pg_type: &str) -> bool {
    let canonical = canonical(pg_type);
    ["timestamp", "time", "date", "interval"].iter().any(|t| base(&canonical).split(' ').next() == Some(t))
}

/// The type is known to have a default btree operator class on any server.
pub fn ordered(pg_type: &str) -> bool {
    use PgType::*;
    match PgType::parse(pg_type) {
        Json | Array | Vector | Row | Domain | Other => false,
        Bool | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_) | Money | Text | Varchar(_) | Bpchar(_)
        | Bytea | Date | Time(_) | TimeTz(_) | Timestamp(_) | TimestampTz(_) | Interval(_) | Uuid | Jsonb
        | Range | Multirange => true,
    }
}

/// The type has no default btree operator class: no index, no key.
pub fn unordered(pg_type: &str) -> bool {
    let canonical = canonical(pg_type);
    matches!(
        base(&canonical),
        "json" | "xml" | "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" | "cid" | "xid"
    )
}

fn base(canonical: &str) -> &str {
    canonical.split(['(', '[']).next().unwrap_or(canonical).trim_end()
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
