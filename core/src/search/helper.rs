//! The functions that make a vector's words by SQLite's rules: plain SQL in schema `sqlite_compat`, immutable, so that a
//! dump restores them, and the columns that they compute, on a server without this extension.
//!
//! Their bodies are parsed when they are created (`RETURN`): no search path, no setting and no locale changes what
//! they give. Texts are compared and split under collation "C"; characters are told apart by SQLite's own tables.

use std::fmt::Write as _;

use super::porter;
use super::tokenizer::{Alphabet, Stemmed, Words};
use super::unicode::{self, Diacritics};
use crate::sqltext::{literal, qualified};

/// Where helper functions are.
pub const SCHEMA: &str = "sqlite_compat";

/// The last position that a tsvector keeps; those after it are this one.
pub const LAST_POSITION: u32 = 16_383;
/// Bytes of the longest word that a tsvector holds.
pub const LONGEST_WORD: usize = 2046;

/// Something to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Without the schema.
    pub name: String,
    /// A statement that may be run again.
    pub sql: String,
}

/// `schema.name` of the function that makes the vector of one text.
pub fn vector_function(words: &Words) -> String {
    qualified(SCHEMA, &vector_name(words))
}

/// `schema.name` of the function that folds a text.
pub fn fold_function(diacritics: Diacritics) -> String {
    qualified(SCHEMA, &fold_name(diacritics))
}

fn fold_name(diacritics: Diacritics) -> String {
    format!("fts_fold_{}", diacritics as u8)
}

/// One name for one set of rules.
fn vector_name(words: &Words) -> String {
    let mut name = match words.alphabet {
        Alphabet::Ascii => "fts_ascii".to_owned(),
        Alphabet::All => "fts_all".to_owned(),
        Alphabet::Unicode if words.diacritics == Diacritics::Simple => "fts_unicode61".to_owned(),
        Alphabet::Unicode => format!("fts_unicode61_{}", words.diacritics as u8),
    };
    name += match words.stemmed {
        Stemmed::No => "",
        Stemmed::All => "_porter",
        Stemmed::Letters => "_porter3",
    };
    if !words.tokenchars.is_empty() || !words.separators.is_empty() {
        let chars = words.tokenchars.iter().chain(&['\0']).chain(&words.separators);
        let hash = chars.fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
            (hash ^ u64::from(u32::from(*c))).wrapping_mul(0x0100_0000_01b3)
        });
        let _ = write!(name, "_{hash:016x}");
    }
    name
}

/// What the vector of these words needs, in order.
pub fn of_words(words: &Words) -> Vec<Object> {
    let mut objects = vec![];
    if words.stemmed != Stemmed::No {
        objects.push(dictionary());
    }
    objects.push(Object { name: vector_name(words), sql: vector_sql(words) });
    objects
}

/// The function that folds a text: small letters, and no diacritics where that is asked for.
///
/// `translate` looks for each character among all that it is given: it is given those only that the text has.
pub fn of_fold(diacritics: Diacritics) -> Object {
    let name = fold_name(diacritics);
    Object { sql: function(&name, "document text", "text", &folded(diacritics)), name }
}

/// `document`, folded. It stands in each function that needs it: a function of SQL that calls another one plans that one
/// anew each time.
fn folded(diacritics: Diacritics) -> String {
    let folds = unicode::folds(diacritics).iter().filter(|(c, _)| !c.is_ascii());
    let (from, to): (String, String) = folds.filter_map(|(c, folded)| Some((*c, (*folded)?))).unzip();
    let foldable = ranges_of(from.chars());
    format!(
        "CASE WHEN pg_catalog.octet_length(document) = pg_catalog.char_length(document) \
         THEN pg_catalog.lower(document COLLATE pg_catalog.\"C\") \
         ELSE (SELECT pg_catalog.translate(pg_catalog.lower(document COLLATE pg_catalog.\"C\"), found{}, \
         pg_catalog.translate(found, {}, {})) FROM (SELECT COALESCE(pg_catalog.string_agg(DISTINCT letter, ''), '') \
         COLLATE pg_catalog.\"C\" AS found FROM pg_catalog.string_to_table(pg_catalog.regexp_replace(\
         document COLLATE pg_catalog.\"C\", {}, '', 'g'), NULL) AS letters (letter)) AS letters) END",
        without_marks(diacritics),
        literal(&from),
        literal(&to),
        literal(&format!("[^{}]+", class(&foldable))),
    )
}

/// Characters without a counterpart are removed.
fn without_marks(diacritics: Diacritics) -> String {
    let marks: String = match diacritics {
        Diacritics::Keep => return String::new(),
        Diacritics::Simple | Diacritics::Complex => unicode::marks().collect(),
    };
    let has = literal(&format!("[{}]", class(unicode::mark_ranges())));
    format!(" || CASE WHEN document COLLATE pg_catalog.\"C\" ~ {has} THEN {} ELSE '' END", literal(&marks))
}

fn ranges_of(chars: impl Iterator<Item = char>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = vec![];
    for code in chars.map(u32::from) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == code => *last = code,
            _ => ranges.push((code, code)),
        }
    }
    ranges
}

/// PostgreSQL's own Porter stemmer, which its configurations do not use.
fn dictionary() -> Object {
    let sql = format!(
        "DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace \
         WHERE n.nspname = '{SCHEMA}' AND d.dictname = 'porter') THEN \
         CREATE TEXT SEARCH DICTIONARY {} (TEMPLATE = pg_catalog.snowball, LANGUAGE = porter); END IF; END$$",
        qualified(SCHEMA, "porter")
    );
    Object { name: "porter".to_owned(), sql }
}

/// A vowel and a consonant after it.
const VOWEL_CONSONANT: &str = "([aeiou][^aeiou]|[^aeiouy]y[^aeiou]|^yy[^aeiou])";

/// The stem of `word`. Snowball's algorithm is that of 1980; SQLite's has what its author changed later.
fn stem(stemmed: Stemmed) -> String {
    let which = match stemmed {
        Stemmed::No => return "word".to_owned(),
        Stemmed::All => {
            format!("pg_catalog.octet_length(word) BETWEEN {} AND {}", porter::SHORTEST, porter::LONGEST)
        }
        Stemmed::Letters => "word ~ '^[a-z]{3,20}$'".to_owned(),
    };
    let ends = |end: &str| {
        format!("pg_catalog.right(stem, {0}) = '{end}' AND stem ~ '{VOWEL_CONSONANT}.*{end}$'", end.len())
    };
    // Snowball leaves these doubled before -ed and -ing.
    let doubled = "pg_catalog.right(stem, 2) IN ('cc', 'hh', 'jj', 'kk', 'qq', 'vv', 'ww', 'xx', 'yy') AND word ~ '(ed|ing)s?$'";
    format!(
        "CASE WHEN stem IS NULL OR NOT {which} THEN word WHEN {} THEN {} WHEN {} OR {doubled} THEN pg_catalog.left(stem, -1) \
         WHEN stem = 'eed' AND word IN ('eed', 'eeds') THEN 'e' ELSE stem END",
        ends("bli"),
        lexize("pg_catalog.left(stem, -1) || 'e'"),
        ends("logi"),
    )
}

/// What the dictionary makes of a word. It takes a letter beyond ASCII for one, and SQLite its bytes, for as many
/// consonants: it is given two of them.
fn lexized(word: &str) -> String {
    let marked = format!("pg_catalog.regexp_replace({word}, '[^\\u0001-\\u007f]', 'qx', 'g')");
    let kept =
        format!("pg_catalog.char_length(pg_catalog.regexp_replace({word}, '[\\u0001-\\u007f]+$', ''))");
    format!(
        "CASE WHEN pg_catalog.octet_length({word}) = pg_catalog.char_length({word}) THEN {} \
         ELSE pg_catalog.left({word}, {kept}) || pg_catalog.substr({}, {kept} + pg_catalog.char_length({marked}) \
         - pg_catalog.char_length({word}) + 1) END",
        lexize(word),
        lexize(&marked),
    )
}

fn lexize(word: &str) -> String {
    let dictionary = literal(&qualified(SCHEMA, "porter"));
    format!("(pg_catalog.ts_lexize({dictionary}::pg_catalog.regdictionary, {word}))[1]")
}

/// Splits at what is no word's, and counts the words.
fn vector_sql(words: &Words) -> String {
    let folded = match words.alphabet {
        Alphabet::Unicode => folded(words.diacritics),
        Alphabet::Ascii | Alphabet::All => "pg_catalog.lower(document COLLATE pg_catalog.\"C\")".to_owned(),
    };
    // Capital letters may be told from small ones: the text is split before it is folded.
    let split = format!(
        "(SELECT pg_catalog.btrim(pg_catalog.regexp_replace({BREAK} || document COLLATE pg_catalog.\"C\", {}, {BREAK}, 'g'), \
         {BREAK}) COLLATE pg_catalog.\"C\" AS document OFFSET 0) AS split",
        literal(&separators(words))
    );
    // Only these have a meaning inside a quoted word.
    let meaningful = ['\'', '\\'].iter().any(|c| words.is_token(*c));
    let mut quoted = stem(words.stemmed);
    if meaningful {
        quoted = format!(
            "pg_catalog.replace(pg_catalog.replace({quoted}, {}, {}), '''', '''''')",
            literal("\\"),
            literal("\\\\")
        );
    }
    let words_of = format!(
        "{split}, pg_catalog.string_to_table({folded}, {BREAK}) WITH ORDINALITY AS words (word, place)"
    );
    // Each word is stemmed once.
    let from = match words.stemmed {
        Stemmed::No => words_of,
        Stemmed::All | Stemmed::Letters => format!(
            "(SELECT word, place, ({}) COLLATE pg_catalog.\"C\" AS stem FROM {words_of} OFFSET 0) AS words",
            lexized("word")
        ),
    };
    let body = format!(
        "(SELECT COALESCE(pg_catalog.string_agg('''' || {quoted} || ''':' || LEAST(place + after, {LAST_POSITION})::text, ' '), '')\
         ::pg_catalog.tsvector FROM {from} WHERE pg_catalog.octet_length(word) <= {LONGEST_WORD})"
    );
    function(&vector_name(words), "document text, after integer DEFAULT 0", "tsvector", &body)
}

/// The regular expression of what stands between two words.
fn separators(words: &Words) -> String {
    let tokens = token_ranges(words);
    let between = complement(&tokens);
    if between.iter().all(|(_, last)| *last < 0x80) {
        return format!("[{}]+", class(&between));
    }
    // A mark that follows no word is no part of one.
    let tokens = class(&tokens);
    format!("[^{tokens}{}][^{tokens}]*", class(unicode::mark_ranges()))
}

/// What words are joined with while they are counted.
const BREAK: &str = "pg_catalog.chr(1)";

const LAST_CHARACTER: u32 = 0x10_FFFF;

/// The characters that a word may begin with, in order.
fn token_ranges(words: &Words) -> Vec<(u32, u32)> {
    const ASCII: [(u32, u32); 3] = [(0x30, 0x39), (0x41, 0x5a), (0x61, 0x7a)];
    let ranges: Vec<(u32, u32)> = match words.alphabet {
        Alphabet::All => vec![(1, LAST_CHARACTER)],
        Alphabet::Ascii => [&ASCII[..], &[(0x80, LAST_CHARACTER)]].concat(),
        Alphabet::Unicode => unicode::token_ranges().to_vec(),
    };
    let mut ranges = without(&ranges, words.separators.iter().map(|c| u32::from(*c)));
    ranges.extend(words.tokenchars.iter().map(|c| (u32::from(*c), u32::from(*c))));
    ranges.sort_unstable();
    ranges
}

/// Without the codes. Both are in order.
fn without(ranges: &[(u32, u32)], codes: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut codes = codes.peekable();
    let mut left = vec![];
    for (first, last) in ranges {
        let mut next = *first;
        while let Some(code) = codes.next_if(|code| code <= last) {
            if next < code {
                left.push((next, code - 1));
            }
            next = next.max(code + 1);
        }
        if next <= *last {
            left.push((next, *last));
        }
    }
    left
}

fn complement(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut next = 1;
    let mut between = vec![];
    for (first, last) in ranges {
        if next < *first {
            between.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    if next <= LAST_CHARACTER {
        between.push((next, LAST_CHARACTER));
    }
    between
}

/// What stands between the brackets of a regular expression, in ASCII whatever the characters are.
fn class(ranges: &[(u32, u32)]) -> String {
    let mut class = String::new();
    for (first, last) in ranges {
        push_character(&mut class, *first);
        if first < last {
            class.push('-');
            push_character(&mut class, *last);
        }
    }
    class
}

fn push_character(class: &mut String, code: u32) {
    let _ = match char::from_u32(code).filter(char::is_ascii_alphanumeric) {
        Some(c) => write!(class, "{c}"),
        None if code <= 0xFFFF => write!(class, "\\u{code:04x}"),
        None => write!(class, "\\U{code:08x}"),
    };
}

fn function(name: &str, arguments: &str, result: &str, value: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION {}({arguments}) RETURNS {result} LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {value}",
        qualified(SCHEMA, name)
    )
}

#[cfg(test)]
mod tests {
    use super::super::declared::Module;
    use super::super::tokenizer::{Tokenizer, named};
    use super::*;

    fn words(tokenizer: &str) -> Words {
        match named(tokenizer, Module::Fts5).0 {
            Tokenizer::Words(words) => words,
            Tokenizer::Trigram { .. } => panic!("{tokenizer}"),
        }
    }

    #[test]
    fn one_name_for_one_set_of_rules() {
        let name = |tokenizer| vector_name(&words(tokenizer));
        assert_eq!(name("unicode61"), "fts_unicode61");
        assert_eq!(name("porter unicode61 remove_diacritics 2"), "fts_unicode61_2_porter");
        assert_eq!(name("ascii"), "fts_ascii");
        assert_ne!(name("unicode61 tokenchars '-'"), name("unicode61 separators '-'"));
        assert_eq!(name("unicode61 tokenchars '-_'"), name("unicode61 tokenchars '_-'"));
    }

    #[test]
    fn what_is_between_words() {
        assert_eq!(
            separators(&words("ascii tokenchars '-]'")),
            "[\\u0001-\\u002c\\u002e-\\u002f\\u003a-\\u0040\\u005b-\\u005c\\u005e-\\u0060\\u007b-\\u007f]+"
        );
        let unicode = separators(&words("unicode61 separators '5'"));
        assert!(unicode.starts_with("[^0-46-9A-Za-z\\u00aa"), "{unicode}");
    }

    #[test]
    fn separators_are_no_part_of_words() {
        let left = |codes: &[u32]| without(&[(1, 3), (5, 5), (7, 9)], codes.iter().copied());
        assert_eq!(left(&[]), [(1, 3), (5, 5), (7, 9)]);
        assert_eq!(left(&[0, 1, 4, 5, 6, 8, 10]), [(2, 3), (7, 7), (9, 9)]);
        assert_eq!(left(&[2, 3, 7, 9, 11]), [(1, 1), (5, 5), (8, 8)]);
        // As many as there are take one pass.
        let all = without(&[(1, LAST_CHARACTER)], (1..=LAST_CHARACTER).filter(|code| code % 2 == 0));
        assert_eq!(all.len(), LAST_CHARACTER as usize / 2 + 1);
    }

    #[test]
    fn in_other_encodings_the_statements_are_ascii() {
        let objects = of_words(&words("porter").without_unicode());
        assert_eq!(
            objects.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(),
            ["porter", "fts_ascii_porter"]
        );
        assert!(objects.iter().all(|object| object.sql.is_ascii()));
    }
}
