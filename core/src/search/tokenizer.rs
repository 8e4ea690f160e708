//! How SQLite's tokenizers split a text into words and fold them.
//!
//! `unicode61` takes letters, numbers and private characters of Unicode 6.1 for a word's, whatever the locale; `ascii`
//! and `simple` take every character beyond ASCII. The rules are SQLite's own tables (`unicode`), so that words of a query
//! and words of a vector, which PostgreSQL computes by the same tables (`helper`), are those that SQLite finds.

use std::collections::BTreeSet;

use super::declared::{Module, TokenizerCall};
use super::porter;
use super::unicode::{self, Diacritics};

/// A tokenizer that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokenizer {
    Words(Words),
    /// Every three characters in a row; texts are found by any part of them.
    Trigram {
        case_sensitive: bool,
    },
}

/// The most characters that options change: each lengthens the regular expression by which texts are split.
const MOST_CHANGED: usize = 1000;

/// A tokenizer that makes words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub alphabet: Alphabet,
    pub diacritics: Diacritics,
    /// Characters that are a word's besides, and that are not.
    pub tokenchars: BTreeSet<char>,
    pub separators: BTreeSet<char>,
    pub stemmed: Stemmed,
}

/// Which words are stemmed, by Porter's rules for English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stemmed {
    No,
    /// Those of 3 to 64 bytes (FTS5).
    All,
    /// Those of 3 to 20 letters of ASCII (FTS3, FTS4).
    Letters,
}

impl Stemmed {
    fn applied(self, word: String) -> String {
        const LONGEST: usize = 20;
        match self {
            Stemmed::No => word,
            Stemmed::All => porter::stem(&word),
            Stemmed::Letters if word.len() <= LONGEST && word.bytes().all(|b| b.is_ascii_lowercase()) => {
                porter::stem(&word)
            }
            Stemmed::Letters => word,
        }
    }
}

/// Which characters are a word's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// ASCII's letters and digits, and all beyond ASCII. Only ASCII is folded.
    Ascii,
    /// Letters, numbers and private characters.
    Unicode,
    /// All but the separators. Only ASCII is folded.
    All,
}

impl Words {
    /// FTS5's default.
    pub fn unicode61() -> Words {
        Words { alphabet: Alphabet::Unicode, diacritics: Diacritics::Simple, ..Words::ascii() }
    }

    /// FTS3's and FTS4's default, and FTS5's `ascii`.
    pub fn ascii() -> Words {
        Words {
            alphabet: Alphabet::Ascii,
            diacritics: Diacritics::Keep,
            tokenchars: BTreeSet::new(),
            separators: BTreeSet::new(),
            stemmed: Stemmed::No,
        }
    }

    /// The same in a database that is not UTF8: there PostgreSQL knows characters beyond ASCII only as such.
    #[must_use]
    pub fn without_unicode(&self) -> Words {
        let alphabet = if self.alphabet == Alphabet::Unicode { Alphabet::Ascii } else { self.alphabet };
        let ascii = |chars: &BTreeSet<char>| chars.iter().copied().filter(char::is_ascii).collect();
        let (tokenchars, separators) = (ascii(&self.tokenchars), ascii(&self.separators));
        Words { alphabet, diacritics: Diacritics::Keep, tokenchars, separators, stemmed: self.stemmed }
    }

    /// A word may begin with it.
    pub fn is_token(&self, c: char) -> bool {
        if self.tokenchars.contains(&c) || self.separators.contains(&c) {
            return self.tokenchars.contains(&c);
        }
        match self.alphabet {
            Alphabet::All => true,
            _ if c.is_ascii() => c.is_ascii_alphanumeric(),
            Alphabet::Ascii => true,
            Alphabet::Unicode => unicode::is_token(c),
        }
    }

    /// A mark that belongs to the word before it.
    fn is_mark(&self, c: char) -> bool {
        self.alphabet == Alphabet::Unicode && unicode::is_mark(c)
    }

    /// The character as words have it; `None` for one that is left out.
    fn fold(&self, c: char) -> Option<char> {
        match self.alphabet {
            Alphabet::Unicode => unicode::fold(c, self.diacritics),
            Alphabet::Ascii | Alphabet::All => Some(c.to_ascii_lowercase()),
        }
    }

    /// The first word and where it is, in bytes.
    pub fn first(&self, text: &str) -> Option<(usize, usize, String)> {
        let start = text.find(|c| self.is_token(c))?;
        let rest = &text[start..];
        let length = rest.find(|c| !self.is_token(c) && !self.is_mark(c)).unwrap_or(rest.len());
        let folded: String = rest[..length].chars().filter_map(|c| self.fold(c)).collect();
        Some((start, start + length, self.stemmed.applied(folded)))
    }

    /// All words, in order.
    pub fn of(&self, mut text: &str) -> Vec<String> {
        let mut words = vec![];
        while let Some((_, end, word)) = self.first(text) {
            words.push(word);
            text = &text[end..];
        }
        words
    }

    /// The characters of an option that it can change.
    fn changeable(&self, chars: &str) -> Vec<char> {
        let unicode = self.alphabet == Alphabet::Unicode;
        chars.chars().filter(|c| c.is_ascii() || unicode && !unicode::is_mark(*c)).collect()
    }

    /// How many characters are not what the alphabet says.
    fn changed(&self) -> usize {
        self.tokenchars.len() + self.separators.len()
    }

    fn allow(&mut self, chars: &str) {
        for c in self.changeable(chars) {
            self.separators.remove(&c);
            self.tokenchars.insert(c);
        }
    }

    fn forbid(&mut self, chars: &str) {
        for c in self.changeable(chars) {
            self.tokenchars.remove(&c);
            self.separators.insert(c);
        }
    }
}

/// What is not done as declared, one sentence each.
pub type Notes = Vec<String>;

/// Understands a declaration. An application's own tokenizer is read as the module's default.
pub fn understood(module: Module, call: &TokenizerCall) -> (Tokenizer, Notes) {
    let ((tokenizer, notes), usual) = match module {
        Module::Fts5 => (fts5(&call.name, &call.arguments), ("unicode61", Words::unicode61())),
        Module::Fts3 | Module::Fts4 => (fts4(call), ("simple", Words::ascii())),
    };
    match (tokenizer, usual) {
        (Tokenizer::Words(words), (taken, usual)) if words.changed() > MOST_CHANGED => {
            let name = &call.name;
            let note = format!(
                "tokenizer {name} has more than {MOST_CHANGED} tokenchars and separators; words are made as {taken} does"
            );
            (Tokenizer::Words(usual), vec![note])
        }
        (tokenizer, _) => (tokenizer, notes),
    }
}

fn fts5(name: &str, arguments: &[String]) -> (Tokenizer, Notes) {
    let lower = name.to_ascii_lowercase();
    let mut notes = vec![];
    let tokenizer = match lower.as_str() {
        // It stems the words of another.
        "porter" => {
            let rest = arguments.iter().position(|word| !word.eq_ignore_ascii_case("porter"));
            let (base, base_arguments) =
                rest.map_or(("unicode61", &[][..]), |at| (&arguments[at], &arguments[at + 1..]));
            let (base, noted) = fts5(base, base_arguments);
            notes = noted;
            match base {
                Tokenizer::Words(words) => Tokenizer::Words(Words { stemmed: Stemmed::All, ..words }),
                trigram @ Tokenizer::Trigram { .. } => trigram,
            }
        }
        "trigram" => Tokenizer::Trigram { case_sensitive: option(arguments, "case_sensitive") == Some("1") },
        "ascii" => Tokenizer::Words(with_options(Words::ascii(), arguments, &mut notes)),
        "unicode61" => Tokenizer::Words(with_options(Words::unicode61(), arguments, &mut notes)),
        _ => {
            notes.push(unknown(name, "unicode61"));
            Tokenizer::Words(Words::unicode61())
        }
    };
    (tokenizer, notes)
}

fn unknown(name: &str, taken: &str) -> String {
    format!("tokenizer {name} is the application's own; words are made as {taken} does")
}

fn option<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let pairs = arguments.chunks(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
    pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).next_back()
}

/// FTS5's options stand in pairs.
fn with_options(mut words: Words, arguments: &[String], notes: &mut Notes) -> Words {
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { continue };
        match name.to_ascii_lowercase().as_str() {
            "remove_diacritics" => words.diacritics = diacritics(value).unwrap_or(words.diacritics),
            "tokenchars" => words.allow(value),
            "separators" => words.forbid(value),
            "categories"
                if value.split_ascii_whitespace().collect::<BTreeSet<_>>()
                    == BTreeSet::from(["L*", "N*", "Co"]) => {}
            "categories" => notes.push(format!("categories {value} are taken for the default, L* N* Co")),
            _ => notes.push(format!("option {name} of the tokenizer is not known")),
        }
    }
    words
}

fn diacritics(value: &str) -> Option<Diacritics> {
    Some(match value {
        "0" => Diacritics::Keep,
        "1" => Diacritics::Simple,
        "2" => Diacritics::Complex,
        _ => return None,
    })
}

fn fts4(call: &TokenizerCall) -> (Tokenizer, Notes) {
    let mut notes = vec![];
    let mut words = Words::ascii();
    match call.name.to_ascii_lowercase().as_str() {
        // The second argument, and only it, has the separators.
        "simple" => {
            if let Some(separators) = call.arguments.get(1) {
                words.alphabet = Alphabet::All;
                words.forbid(separators);
            }
        }
        "porter" => {
            words.stemmed = Stemmed::Letters;
            words.allow("_");
        }
        "unicode61" => {
            words = Words::unicode61();
            for argument in &call.arguments {
                match argument.split_once('=') {
                    Some(("remove_diacritics", value)) => {
                        words.diacritics = diacritics(value).unwrap_or(words.diacritics)
                    }
                    Some(("tokenchars", value)) => words.allow(value),
                    Some(("separators", value)) => words.forbid(value),
                    _ => notes.push(format!("option {argument} of the tokenizer is not known")),
                }
            }
        }
        _ => notes.push(unknown(&call.name, "simple")),
    }
    (Tokenizer::Words(words), notes)
}

/// Reads a tokenizer as FTS5's option `tokenize` has it.
pub fn named(text: &str, module: Module) -> (Tokenizer, Notes) {
    let mut words = super::declared::words(text);
    let name = if words.is_empty() { String::new() } else { words.remove(0) };
    understood(module, &TokenizerCall { name, arguments: words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(module: Module, tokenizer: &str) -> Words {
        match named(tokenizer, module) {
            (Tokenizer::Words(words), notes) if notes.is_empty() => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unicode61_splits_at_all_but_letters_and_numbers() {
        let of = |text| words(Module::Fts5, "unicode61").of(text);
        assert_eq!(of("Hello, World-wide_web 3.14 x²"), ["hello", "world", "wide", "web", "3", "14", "x²"]);
        assert_eq!(of("Crème BRÛLÉE Straße ΣΊΣΥΦΟΣ Ёлка"), ["creme", "brulee", "straße", "σίσυφοσ", "ёлка"]);
        assert_eq!(of("東京タワー 👍 a\u{301}b \u{301}c"), ["東京タワー", "ab", "c"]);
        assert_eq!(of(""), [] as [&str; 0]);
        assert_eq!(of(" -- "), [] as [&str; 0]);
    }

    #[test]
    fn options() {
        let fts5 = |tokenizer, text| words(Module::Fts5, tokenizer).of(text);
        assert_eq!(fts5("unicode61 remove_diacritics 0", "É a\u{301}"), ["é", "a\u{301}"]);
        assert_eq!(fts5("unicode61 remove_diacritics 1", "ệ"), ["ệ"]);
        assert_eq!(fts5("unicode61 remove_diacritics 2", "ệ"), ["e"]);
        assert_eq!(fts5("unicode61 tokenchars '-_' separators 'xé'", "a-b_cxdéf"), ["a-b_c", "d", "f"]);
        assert_eq!(fts5("ascii", "É-x…y"), ["É", "x…y"]);
        assert_eq!(fts5("porter", "Running the relational RUNS"), ["run", "the", "relat", "run"]);
        let fts4 = |tokenizer, text| words(Module::Fts4, tokenizer).of(text);
        assert_eq!(fts4("simple", "É-X_y"), ["É", "x", "y"]);
        assert_eq!(fts4("simple '' ' .'", "a-b.c D"), ["a-b", "c", "d"]);
        assert_eq!(fts4("porter", "nationally under_scored"), ["nation", "under_scored"]);
        assert_eq!(fts4("unicode61 \"remove_diacritics=2\" \"tokenchars=.\"", "Ệ.a"), ["e.a"]);
    }

    #[test]
    fn what_is_not_known_is_noted() {
        let (tokenizer, notes) = named("icu de_DE", Module::Fts4);
        assert_eq!(tokenizer, Tokenizer::Words(Words::ascii()));
        assert!(notes[0].contains("icu"), "{notes:?}");
        assert!(!named("unicode61 categories 'L*'", Module::Fts5).1.is_empty());
        let some = |count| ('\u{4e00}'..).take(count).collect::<String>();
        assert_eq!(
            named(&format!("unicode61 separators '{}'", some(MOST_CHANGED)), Module::Fts5).1,
            [] as [&str; 0]
        );
        let (tokenizer, notes) =
            named(&format!("porter unicode61 separators '{}'", some(MOST_CHANGED + 1)), Module::Fts5);
        assert_eq!(tokenizer, Tokenizer::Words(Words::unicode61()));
        assert!(notes[0].contains("more than 1000 tokenchars"), "{notes:?}");
        assert_eq!(
            named("trigram case_sensitive 1", Module::Fts5).0,
            Tokenizer::Trigram { case_sensitive: true }
        );
    }

    #[test]
    fn in_another_encoding_letters_beyond_ascii_are_what_they_are() {
        assert_eq!(Words::unicode61().without_unicode().of("É-Ab…c"), ["É", "ab…c"]);
    }
}
