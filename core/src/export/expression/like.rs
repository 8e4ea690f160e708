//! LIKE's patterns -> GLOB's.

use super::{Result, refuse};

/// SQLite takes patterns of 50 000 bytes.
const LONGEST: usize = 10_000;

/// The pattern that GLOB matches with the same texts.
pub(super) fn glob(like: &str) -> Result<String> {
    if like.len() > LONGEST {
        return refuse("a pattern is too long");
    }
    let mut out = String::new();
    let mut rest = like.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => out.push('*'),
            '_' => out.push('?'),
            '\\' => match rest.next() {
                Some(escaped) => literal(escaped, &mut out),
                None => return refuse("a pattern ends with its escape"),
            },
            other => literal(other, &mut out),
        }
    }
    Ok(out)
}

fn literal(c: char, out: &mut String) {
    match c {
        '*' | '?' | '[' => {
            out.push('[');
            out.push(c);
            out.push(']');
        }
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_match_the_same_texts() {
        for (like, expected) in
            [("a%_b", "a*?b"), ("100\\%", "100%"), ("[a]*?", "[[]a][*][?]"), ("\\\\_", "\\?"), ("\\*", "[*]")]
        {
            assert_eq!(glob(like).unwrap(), expected, "{like}");
        }
        assert!(glob("a\\").is_err());
    }
}
