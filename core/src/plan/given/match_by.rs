//! The plan key `match`: by which key a loaded row is one that exists, and what that means for references to it.

/// By which key a loaded row is the same as an existing one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MatchBy {
    /// The key of `conflict_target`; references keep their values.
    #[default]
    Key,
    /// The table's other unique key; references to a row follow it to the number that it has in the table.
    Natural,
    /// The same by the unique key of this name.
    Named(String),
}

/// The words; anything else is a name.
#[cfg(test)]
pub const WORDS: &[&str] = &["key", "natural"];

impl MatchBy {
    pub fn read(text: &str) -> MatchBy {
        match text {
            "key" => MatchBy::Key,
            "natural" => MatchBy::Natural,
            name => MatchBy::Named(name.to_owned()),
        }
    }

    /// As the plan has it.
    pub fn text(&self) -> &str {
        match self {
            MatchBy::Key => "key",
            MatchBy::Natural => "natural",
            MatchBy::Named(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_printed_again() {
        for text in ["key", "natural", "role_name_key"] {
            assert_eq!(MatchBy::read(text).text(), text);
        }
        assert_eq!(
            WORDS.iter().map(|word| MatchBy::read(word)).collect::<Vec<_>>(),
            [MatchBy::Key, MatchBy::Natural]
        );
    }
}
