//! Which words a vector has: those of SQLite's tokenizer, or of a text search configuration that the plan names.
//!
//! PostgreSQL's own parser keeps hyphenated words, addresses, file names and signed numbers together, asks the locale what
//! a letter is, and has no rule for diacritics without the extension unaccent; none of it is as SQLite does. So words are
//! made by SQLite's rules unless the plan asks for a configuration. `porter` stems by PostgreSQL's Snowball dictionary
//! `porter`, without stop words; `english` is a later algorithm, with stop words.

use super::declared::Declared;
use super::tokenizer::{Alphabet, Notes, Tokenizer, Words, understood};
use super::unicode::Diacritics;

/// What makes the words of a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// SQLite's rules, by a helper function.
    Words(Words),
    /// `to_tsvector` with a configuration, which is written as SQL has it: `english`, `app.german`.
    Configuration { name: String, unaccent: bool },
    /// No vector: indexes of trigrams over the columns.
    Trigram { case_sensitive: bool },
}

/// What the plan says of it; `None` where it says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    pub config: Option<&'a str>,
    pub unaccent: Option<bool>,
}

/// The configuration that stands for SQLite's own rules.
pub const SIMPLE: &str = "simple";

impl Rule {
    /// Of a table; the notes say what is not as declared.
    pub fn of(declared: &Declared, asked: Asked<'_>, utf8: bool) -> (Rule, Notes) {
        let (tokenizer, notes) = understood(declared.module, &declared.tokenizer);
        let named = asked.config.filter(|name| *name != SIMPLE && *name != "pg_catalog.simple");
        if let Some(name) = named {
            let rule = Rule::Configuration { name: name.to_owned(), unaccent: asked.unaccent == Some(true) };
            return (rule, vec![]);
        }
        let words = match tokenizer {
            Tokenizer::Trigram { case_sensitive } if asked.config.is_none() => {
                return (Rule::Trigram { case_sensitive }, notes);
            }
            Tokenizer::Trigram { .. } => Words::unicode61(),
            Tokenizer::Words(words) => words,
        };
        with_diacritics(words, asked.unaccent, utf8, notes)
    }
}

fn with_diacritics(mut words: Words, unaccent: Option<bool>, utf8: bool, mut notes: Notes) -> (Rule, Notes) {
    match unaccent {
        Some(true) => {
            words.alphabet = Alphabet::Unicode;
            words.diacritics = Diacritics::Complex;
        }
        Some(false) => words.diacritics = Diacritics::Keep,
        None => {}
    }
    if !utf8 && words.alphabet == Alphabet::Unicode {
        notes.push(
            "the database's encoding is not UTF8: of characters beyond ASCII all are part of words, and none is \
             folded or loses its diacritics"
                .to_owned(),
        );
        words = words.without_unicode();
    }
    (Rule::Words(words), notes)
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer::Stemmed;
    use super::*;

    fn rule(arguments: &str, asked: Asked<'_>) -> Rule {
        let declared = Declared::parse(&format!("CREATE VIRTUAL TABLE t USING {arguments}")).unwrap();
        Rule::of(&declared, asked, true).0
    }

    #[test]
    fn sqlites_rules_unless_the_plan_names_a_configuration() {
        assert_eq!(rule("fts5(a)", Asked::default()), Rule::Words(Words::unicode61()));
        assert_eq!(rule("fts4(a)", Asked::default()), Rule::Words(Words::ascii()));
        let porter = Words { stemmed: Stemmed::All, ..Words::unicode61() };
        assert_eq!(rule("fts5(a, tokenize=porter)", Asked::default()), Rule::Words(porter));
        let trigram = rule("fts5(a, tokenize=trigram)", Asked::default());
        assert_eq!(trigram, Rule::Trigram { case_sensitive: false });
        let asked = |config, unaccent| Asked { config: Some(config), unaccent };
        assert_eq!(rule("fts5(a, tokenize=trigram)", asked("simple", None)), Rule::Words(Words::unicode61()));
        let english = Rule::Configuration { name: "english".into(), unaccent: true };
        assert_eq!(rule("fts5(a)", asked("english", Some(true))), english);
        let kept = Words { diacritics: Diacritics::Keep, ..Words::unicode61() };
        assert_eq!(rule("fts5(a)", Asked { unaccent: Some(false), ..Asked::default() }), Rule::Words(kept));
    }

    #[test]
    fn another_encoding_is_noted() {
        let declared = Declared::parse("CREATE VIRTUAL TABLE t USING fts5(a)").unwrap();
        let (rule, notes) = Rule::of(&declared, Asked::default(), false);
        assert_eq!(rule, Rule::Words(Words::ascii()));
        assert_eq!(notes.len(), 1);
    }
}
