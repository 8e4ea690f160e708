//! Texts: made of words that mean something to the reader, or of examples that are cut, doubled and nested.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Words in a row, with anything between them.
pub fn of_words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => select(words).prop_map(str::to_owned),
        2 => ".{0,4}",
        2 => "[ -~]{0,6}",
        1 => "[0-9]{1,25}",
        1 => nested(words),
    ];
    let joint = select(&["", " ", " ", "\t", "\n"][..]);
    prop::collection::vec((piece, joint), 0..40)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, joint)| piece + joint).collect())
}

/// Examples with a few changes.
pub fn like(
    examples: &'static [&'static str],
    words: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let edit = prop_oneof![
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Edit::Remove(from, to)),
        (any::<Index>(), any::<Index>(), 1..4usize)
            .prop_map(|(from, to, times)| Edit::Repeat(from, to, times)),
        (any::<Index>(), select(words)).prop_map(|(at, word)| Edit::Insert(at, word.to_owned())),
        (any::<Index>(), ".{1,2}").prop_map(|(at, text)| Edit::Insert(at, text)),
        (any::<Index>(), nested(words)).prop_map(|(at, text)| Edit::Insert(at, text)),
    ];
    (select(examples), prop::collection::vec(edit, 0..6)).prop_map(|(example, edits)| {
        edits.into_iter().fold(example.to_owned(), |text, edit| edit.made(&text))
    })
}

/// Either of them.
pub fn near(examples: &'static [&'static str], words: &'static [&'static str]) -> BoxedStrategy<String> {
    prop_oneof![3 => like(examples, words), 1 => of_words(words)].boxed()
}

/// A word again and again: what recursion does not survive.
fn nested(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    (select(words), prop_oneof![9 => 1..50usize, 1 => 1000..20_000usize])
        .prop_map(|(word, times)| word.repeat(times))
}

#[derive(Debug, Clone)]
enum Edit {
    Remove(Index, Index),
    Repeat(Index, Index, usize),
    Insert(Index, String),
}

impl Edit {
    fn made(self, text: &str) -> String {
        let place = |index: Index| {
            let at = index.index(text.len() + 1);
            (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        let parts = |from: Index, to: Index| {
            let (from, to) = (place(from), place(to));
            let (from, to) = (from.min(to), from.max(to));
            (&text[..from], &text[from..to], &text[to..])
        };
        match self {
            Edit::Remove(from, to) => {
                let (before, _, after) = parts(from, to);
                [before, after].concat()
            }
            Edit::Repeat(from, to, times) => {
                let (before, part, after) = parts(from, to);
                [before, part, &part.repeat(times), after].concat()
            }
            Edit::Insert(at, more) => {
                let (before, after) = text.split_at(place(at));
                [before, &more, after].concat()
            }
        }
    }
}
