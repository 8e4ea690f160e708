//! People read messages, so a text of any length (a condition, a value, a name, what SQLite quotes) is shortened in
//! them. What is kept for machines (plans, statements, rejected values) stays whole.

use std::borrow::Cow;

/// The most characters of one text in a message.
const TEXT: usize = 2_000;
/// The most characters of a list, one item a line.
const LIST: usize = 20_000;

/// A message, a hint, one line of a list.
pub fn text(text: &str) -> Cow<'_, str> {
    shortened(text, TEXT)
}

/// It would be shortened.
pub fn is_long(words: &str) -> bool {
    matches!(text(words), Cow::Owned(_))
}

/// Many lines.
pub fn list(text: &str) -> Cow<'_, str> {
    shortened(text, LIST)
}

/// Leaves out the middle: the beginning says what the text is about, the end what is wrong with it.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let length = if text.len() <= most { text.len() } else { text.chars().count() };
    if length <= most {
        return Cow::Borrowed(text);
    }
    let (first, last) = (most * 3 / 4, most / 4);
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let (head, tail) = text.split_at(at(first));
    let tail = tail.char_indices().rev().nth(last - 1).map_or(tail, |(at, _)| tail.split_at(at).1);
    Cow::Owned(format!("{head} … ({} characters left out) … {tail}", length - first - last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_text_gives_way() {
        assert_eq!(shortened("äbcdefghij", 10), "äbcdefghij");
        assert_eq!(shortened("äbcdefghijkl", 8), "äbcdef … (4 characters left out) … kl");
        assert_eq!(shortened("äöüßäöüßäöüß", 8), "äöüßäö … (4 characters left out) … üß");
        assert_eq!(text(&"x".repeat(1_000_000)).len(), 2_000 + " … (998000 characters left out) … ".len());
    }
}
