//! The only maker of SQL text: quoting for both dialects. Pure.

/// Bytes of the longest identifier that PostgreSQL keeps (`NAMEDATALEN` - 1).
pub const LONGEST_NAME: usize = 63;

/// A PostgreSQL identifier, always quoted.
pub fn ident(name: &str) -> String {
    quote(name, '"')
}

/// `schema.name`, both quoted, for PostgreSQL.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// A list of quoted identifiers separated by `, `.
pub fn ident_list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names.into_iter().map(|n| ident(n.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A PostgreSQL string literal that reads the same whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let quoted = quote(text, '\'');
    if text.contains('\\') { format!("E{}", quoted.replace('\\', "\\\\")) } else { quoted }
}

/// A SQLite identifier, always quoted: doubling `"` is SQLite's rule as well.
pub fn sqlite_ident(name: &str) -> String {
    quote(name, '"')
}

/// A SQLite string literal: backslashes mean nothing there.
pub fn sqlite_literal(text: &str) -> String {
    quote(text, '\'')
}

/// The name that an identifier token stands for: `"a""b"`, `[a]`, `` `a` ``, `'a'` or bare.
pub fn sqlite_unquote(raw: &str) -> String {
    let mark = match raw.as_bytes() {
        [b'[', .., b']'] => return raw[1..raw.len() - 1].to_owned(),
        [mark @ (b'"' | b'`' | b'\''), .., last] if last == mark => char::from(*mark),
        _ => return raw.to_owned(),
    };
    raw[1..raw.len() - 1].replace(&format!("{mark}{mark}"), &mark.to_string())
}

fn quote(text: &str, mark: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        if c == mark {
            out.push(mark);
        }
        out.push(c);
    }
    out.push(mark);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(ident("schema\";--"), "\"schema\"\";--\"");
        assert_eq!(qualified("a b", "C"), "\"a b\".\"C\"");
        assert_eq!(sqlite_literal("it's \\"), "'it''s \\'");
    }

    #[test]
    fn literals_survive_either_string_mode() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn names_are_unquoted_as_sqlite_does() {
        for (raw, name) in [
            ("a", "a"),
            ("\"a\"\"b\"", "a\"b"),
            ("[a\"]", "a\""),
            ("`a``b`", "a`b"),
            ("''", ""),
            ("\"", "\""),
            ("[", "["),
        ] {
            assert_eq!(sqlite_unquote(raw), name);
        }
    }
}
