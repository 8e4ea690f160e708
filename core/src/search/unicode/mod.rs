//! Which characters SQLite's `unicode61` takes for a word's, and how it folds them: Unicode 6.1, frozen.
//!
//! The tables say what SQLite does, as its tokenizer answers for every character; a test asks it again for all of them
//! (tests/e2e/search/test_words.py).

mod tables;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use self::tables::{CASE, COMPLEX, MARKS, SIMPLE, TOKEN};

/// `remove_diacritics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Diacritics {
    /// 0: letters keep them.
    Keep,
    /// 1: Latin letters with one lose it; some with more keep all.
    Simple,
    /// 2: Latin letters lose all.
    Complex,
}

/// A word may begin with it.
pub(super) fn is_token(c: char) -> bool {
    within(TOKEN, c)
}

/// A combining mark: it belongs to the word that it follows, and begins none.
pub(super) fn is_mark(c: char) -> bool {
    within(MARKS, c)
}

/// Ranges of a word's characters, in order.
pub(super) fn token_ranges() -> &'static [(u32, u32)] {
    TOKEN
}

pub(super) fn mark_ranges() -> &'static [(u32, u32)] {
    MARKS
}

pub(super) fn marks() -> impl Iterator<Item = char> {
    MARKS.iter().flat_map(|(first, last)| *first..=*last).filter_map(char::from_u32)
}

fn within(ranges: &[(u32, u32)], c: char) -> bool {
    let code = u32::from(c);
    let after = ranges.partition_point(|(first, _)| *first <= code);
    after.checked_sub(1).is_some_and(|at| code <= ranges[at].1)
}

/// The character as a word has it; `None` for a mark that is left out.
pub(super) fn fold(c: char, diacritics: Diacritics) -> Option<char> {
    folds(diacritics).get(&c).copied().unwrap_or(Some(c))
}

/// Every character that is changed or left out.
pub(super) fn folds(diacritics: Diacritics) -> &'static BTreeMap<char, Option<char>> {
    static FOLDS: [OnceLock<BTreeMap<char, Option<char>>>; 3] = [const { OnceLock::new() }; 3];
    FOLDS[diacritics as usize].get_or_init(|| computed(diacritics))
}

fn computed(diacritics: Diacritics) -> BTreeMap<char, Option<char>> {
    let bases = [(Diacritics::Simple, SIMPLE), (Diacritics::Complex, COMPLEX)];
    let bases = bases.into_iter().filter(|(which, _)| *which as usize <= diacritics as usize);
    let base: BTreeMap<char, char> = bases
        .flat_map(|(_, table)| table)
        .flat_map(|(to, from)| from.chars().map(move |c| (c, *to)))
        .collect();
    let stripped = |c: char| base.get(&c).copied().unwrap_or(c);
    let mut folds: BTreeMap<char, Option<char>> = base.iter().map(|(from, to)| (*from, Some(*to))).collect();
    folds.extend(lowered().map(|(upper, lower)| (upper, Some(stripped(lower)))));
    if diacritics != Diacritics::Keep {
        folds.extend(marks().map(|c| (c, None)));
    }
    folds
}

/// Capital letters and their small ones.
fn lowered() -> impl Iterator<Item = (char, char)> {
    CASE.iter().flat_map(|(first, last, step, to)| {
        (*first..=*last)
            .step_by(*step)
            .filter_map(move |code| Some((char::from_u32(code)?, char::from_u32(to + (code - first))?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_folded_and_lose_their_marks() {
        let fold = |c| [Diacritics::Keep, Diacritics::Simple, Diacritics::Complex].map(|d| fold(c, d));
        assert_eq!(fold('A'), [Some('a'); 3]);
        assert_eq!(fold('É'), [Some('é'), Some('e'), Some('e')]);
        assert_eq!(fold('Ệ'), [Some('ệ'), Some('ệ'), Some('e')]);
        assert_eq!(fold('\u{301}'), [Some('\u{301}'), None, None]);
        assert_eq!(fold('ß'), [Some('ß'); 3]);
        assert_eq!(fold('Ё'), [Some('ё'), Some('ё'), Some('ё')]);
        assert_eq!(fold('\u{10400}'), [Some('\u{10428}'); 3]);
    }

    #[test]
    fn ranges_are_in_order_and_apart() {
        for table in [TOKEN, MARKS] {
            assert!(table.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{table:?}");
        }
        assert!(
            MARKS.iter().all(|(first, last)| (*first..=*last).all(|c| !is_token(char::from_u32(c).unwrap())))
        );
    }
}
