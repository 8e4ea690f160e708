//! What is SQL, as far as quotes and parentheses tell.

/// Why a text is not one expression, or one statement, that can stand anywhere in another.
pub fn flaw(sql: &str) -> Option<&'static str> {
    let mut depth = 0;
    let mut chars = sql.chars().peekable();
    let mut escapes = false;
    while let Some(c) = chars.next() {
        match c {
            '\0' => return Some("a NUL"),
            '\'' | '"' => loop {
                match chars.next() {
                    None => return Some("a quote that stays open"),
                    Some('\\') if escapes && c == '\'' => _ = chars.next(),
                    Some(end) if end == c && chars.peek() == Some(&c) => _ = chars.next(),
                    Some(end) if end == c => break,
                    Some(_) => {}
                }
            },
            '(' | '[' => depth += 1,
            ')' | ']' if depth == 0 => return Some("a parenthesis that was not opened"),
            ')' | ']' => depth -= 1,
            ';' => return Some("a semicolon"),
            '$' if chars.peek().is_some_and(|c| *c == '$' || c.is_alphabetic()) => {
                return Some("a dollar quote");
            }
            '-' if chars.peek() == Some(&'-') => return Some("a comment"),
            '/' if chars.peek() == Some(&'*') => return Some("a comment"),
            _ => {}
        }
        escapes = matches!(c, 'E' | 'e');
    }
    (depth != 0).then_some("a parenthesis that stays open")
}

#[test]
fn flaws_are_seen() {
    for sql in ["a || 'it''s; --' || \"x\"\"'\"", "E'\\'' || f(ARRAY[1])", "a -> 'b' - -1", "'E\\'", "$1"] {
        assert_eq!(flaw(sql), None, "{sql}");
    }
    for sql in ["'a", "a'", "\"", "a; b", "(a", "a) OR (b", "a -- b", "a /* b", "E'\\'", "$$a$$", "[a"] {
        assert!(flaw(sql).is_some(), "{sql}");
    }
}
