//! The words that plan keys take, one type each. `keys` prints them, `overrides` reads them,
//! `json` writes them: nobody else spells them out.

use crate::damage::Integrity;
use crate::types::Epochs;
use crate::value::Excess;
use crate::value::batch::OnInvalid;
use crate::value::encoding::Nul;

/// A closed set of words.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value with its spelling.
    const ALL: &'static [(Self, &'static str)];
    /// The spellings alone, default first.
    const WORDS: &'static [&'static str];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(value, _)| *value)
    }

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| *word)
    }
}

macro_rules! words {
    ($name:ident: $($variant:ident = $text:literal),+) => {
        impl Word for $name {
            const ALL: &'static [(Self, &'static str)] = &[$(($name::$variant, $text)),+];
            const WORDS: &'static [&'static str] = &[$($text),+];
        }
    };
}

/// How a `-wal` beside the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wal {
    /// Where it is, if that makes no file and changes none.
    #[default]
    InPlace,
    /// From a private copy of both files.
    Copy,
}

/// How source names become PostgreSQL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    #[default]
    Preserve,
    Lower,
    SnakeCase,
}

/// What is created when a table is missing, or exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    #[default]
    Auto,
    Always,
    /// Nothing is created: every table must exist.
    Never,
}

/// What becomes of an existing target table and its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExistingRows {
    #[default]
    Error,
    Append,
    Truncate,
    Replace,
}

/// What becomes of a loaded row whose key exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    #[default]
    Error,
    Skip,
    Update,
}

/// What becomes of the indexes and constraints of an existing table during its load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Constraints {
    #[default]
    Rebuild,
    Keep,
}

/// What becomes of a row whose foreign key finds no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orphans {
    #[default]
    Error,
    Reject,
    Null,
    /// The constraint stays NOT VALID.
    Keep,
}

/// How much of the stored data is read to choose types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProfileMode {
    #[default]
    Full,
    Sample,
    None,
}

/// Whether keys that the stored rows break stop the import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keys {
    #[default]
    Strict,
    AsDataAllows,
}

/// Whether one bad object stops the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    #[default]
    Stop,
    Continue,
}

/// What keeps the comparisons of `COLLATE NOCASE` columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nocase {
    #[default]
    Citext,
    Collation,
    Lower,
    None,
}

/// Who writes the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loader {
    #[default]
    Auto,
    /// Read, but refused: not supported yet.
    Pages,
    Rows,
}

/// What is compared after the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    #[default]
    Counts,
    /// Read, but refused: not supported yet.
    Values,
    None,
}

/// The values of `orphans` that a key allows, those that lose less first: one, and the others. An existing constraint
/// stays valid, and a column that is NOT NULL takes no NULL.
pub fn orphan_policies(existing: bool, nullable: bool) -> (&'static str, &'static [&'static str]) {
    match (existing, nullable) {
        (true, true) => ("null", &["reject"]),
        (true, false) => ("reject", &[]),
        (false, true) => ("keep", &["null", "reject"]),
        (false, false) => ("keep", &["reject"]),
    }
}

words!(Wal: InPlace = "in_place", Copy = "copy");
words!(Names: Preserve = "preserve", Lower = "lower", SnakeCase = "snake_case");
words!(Create: Auto = "auto", Always = "always", Never = "never");
words!(ExistingRows: Error = "error", Append = "append", Truncate = "truncate", Replace = "replace");
words!(OnConflict: Error = "error", Skip = "skip", Update = "update");
words!(Constraints: Rebuild = "rebuild", Keep = "keep");
words!(OnInvalid: Error = "error", Null = "null", Reject = "reject", Text = "text");
words!(Epochs: Declared = "declared", Named = "named", Never = "never");
words!(Excess: Error = "error", Round = "round", Truncate = "truncate");
words!(Nul: Error = "error", Strip = "strip", Bytea = "bytea");
words!(Orphans: Error = "error", Reject = "reject", Null = "null", Keep = "keep");
words!(Keys: Strict = "strict", AsDataAllows = "as_data_allows");
words!(OnError: Stop = "stop", Continue = "continue");
words!(Nocase: Citext = "citext", Collation = "collation", Lower = "lower", None = "none");
words!(Loader: Auto = "auto", Pages = "pages", Rows = "rows");
words!(ProfileMode: Full = "full", Sample = "sample", None = "none");
words!(Integrity: Quick = "quick", Full = "full", None = "none");
words!(Verify: Counts = "counts", Values = "values", None = "none");

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<W: Word + Default + std::fmt::Debug>() {
        for (value, word) in W::ALL {
            assert_eq!(W::parse(word), Some(*value));
            assert_eq!(value.word(), *word);
        }
        assert_eq!(W::default().word(), W::WORDS[0], "the default comes first");
    }

    #[test]
    fn every_word_reads_as_it_prints_and_the_default_is_first() {
        round_trip::<Names>();
        round_trip::<Create>();
        round_trip::<ExistingRows>();
        round_trip::<OnConflict>();
        round_trip::<Constraints>();
        round_trip::<OnInvalid>();
        round_trip::<Epochs>();
        round_trip::<Excess>();
        round_trip::<Nul>();
        round_trip::<Orphans>();
        round_trip::<Keys>();
        round_trip::<OnError>();
        round_trip::<Nocase>();
        round_trip::<Loader>();
        round_trip::<ProfileMode>();
        round_trip::<Integrity>();
        round_trip::<Verify>();
        assert_eq!(Names::parse("Lower"), None);
    }
}
