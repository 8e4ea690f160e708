//! The words of a phrase, of a vector that the server has printed.

use std::collections::BTreeMap;

use super::query::Token;

/// `'fox':2 'quick':1`, in the order of their places. A place may have several words; the first place is 0.
pub fn tokens(vector: &str) -> Vec<Token> {
    let mut places: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut rest = vector;
    while let Some((lexeme, after)) = lexeme(rest) {
        let end = after.find(' ').unwrap_or(after.len());
        for place in after[..end].trim_start_matches(':').split(',') {
            let digits = place.trim_end_matches(|c: char| !c.is_ascii_digit());
            if let Ok(place) = digits.parse() {
                places.entry(place).or_default().push(lexeme.clone());
            }
        }
        rest = after[end..].trim_start();
    }
    let first = places.keys().next().copied().unwrap_or(0);
    let token = |(place, lexemes)| Token { lexemes, place: place - first, prefix: false };
    places.into_iter().map(token).collect()
}

/// A quoted word and what follows it; quotes and backslashes are doubled inside.
fn lexeme(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('\'')?;
    let mut lexeme = String::new();
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_none() => {
                return Some((lexeme, &inner[at + 1..]));
            }
            '\\' => lexeme.extend(chars.next().map(|(_, c)| c)),
            c => lexeme.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_at_their_places() {
        let read: Vec<_> = tokens("'a''b':4 'cats':2A,3 'c\\\\d':2")
            .into_iter()
            .map(|t| (t.place, t.lexemes.join("+")))
            .collect();
        assert_eq!(read, [(0, "cats+c\\d".to_owned()), (1, "cats".to_owned()), (2, "a'b".to_owned())]);
        assert_eq!(tokens(""), []);
        for broken in ["'", "'a", "'a'", "a:1", "'a':x 'b':1"] {
            let _ = tokens(broken);
        }
    }
}
