//! The expression of a column `search_vector`, and the index over it.
//!
//! Columns stand one after the other, a gap between them, so that no phrase and no NEAR reaches from one into the next.

use super::config::Rule;
use super::helper;
use super::unicode::Diacritics;
use crate::sqltext::{ident, literal};

/// Positions that are left out between two columns.
pub const GAP: u32 = 100;

/// A column's weight: by it a query tells one column from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    A,
    B,
    C,
    D,
}

impl Weight {
    pub const ALL: [Weight; 4] = [Weight::A, Weight::B, Weight::C, Weight::D];

    pub fn named(name: &str) -> Option<Weight> {
        Weight::ALL.into_iter().find(|weight| weight.letter().eq_ignore_ascii_case(name))
    }

    pub fn letter(self) -> &'static str {
        match self {
            Weight::A => "A",
            Weight::B => "B",
            Weight::C => "C",
            Weight::D => "D",
        }
    }

    /// Of the column at this place: A, B, C, and D for all others.
    pub fn of_place(place: usize) -> Weight {
        Weight::ALL.get(place).copied().unwrap_or(Weight::D)
    }
}

/// A searched column of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// An immutable expression of type text: the column's name, or its value as text.
    pub text: String,
    pub weight: Weight,
}

impl Part {
    /// A column of a text type, by its name and place.
    pub fn column(name: &str, place: usize) -> Part {
        Part { text: ident(name), weight: Weight::of_place(place) }
    }
}

/// The immutable expression of the vector; `None` where the rule makes none. `helper::objects` are what it needs.
pub fn expression(rule: &Rule, parts: &[Part]) -> Option<String> {
    let vector = |place: usize, part: &Part| match rule {
        Rule::Words(words) => {
            let gap = if place > 0 { format!(", {GAP}") } else { String::new() };
            Some(format!("{}({}{gap})", helper::vector_function(words), part.text))
        }
        Rule::Configuration { name, unaccent } => {
            let text = format!("coalesce({}, '')", part.text);
            let text = if *unaccent {
                format!("{}({text})", helper::fold_function(Diacritics::Complex))
            } else {
                text
            };
            Some(format!("to_tsvector({}::regconfig, {text})", literal(name)))
        }
        Rule::Trigram { .. } => None,
    };
    let weighed = parts.iter().enumerate().map(|(place, part)| {
        let vector = vector(place, part)?;
        Some(match part.weight {
            // A vector's positions have it already.
            Weight::D => vector,
            weight => format!("setweight({vector}, '{}')", weight.letter()),
        })
    });
    let weighed: Vec<String> = weighed.collect::<Option<_>>()?;
    (!weighed.is_empty()).then(|| weighed.join(" || "))
}

/// The keys of a trigram index over text expressions; `schema` is where the extension `pg_trgm` is.
pub fn trigram_keys(parts: &[Part], schema: &str) -> String {
    let class = format!("{}.gin_trgm_ops", ident(schema));
    let keys = parts.iter().map(|part| format!("{} {class}", part.text));
    keys.collect::<Vec<_>>().join(", ")
}

/// What has to be there before the expression, in order: statements that may be run again.
pub fn needs(rule: &Rule) -> Vec<helper::Object> {
    match rule {
        Rule::Words(words) => helper::of_words(words),
        Rule::Configuration { unaccent: true, .. } => vec![helper::of_fold(Diacritics::Complex)],
        Rule::Configuration { .. } | Rule::Trigram { .. } => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer::Words;
    use super::*;

    #[test]
    fn columns_are_weighed_and_kept_apart() {
        let parts: Vec<Part> = ["title", "the \"body\"", "c", "d", "e"]
            .iter()
            .enumerate()
            .map(|(place, name)| Part::column(name, place))
            .collect();
        assert_eq!(
            expression(&Rule::Words(Words::unicode61()), &parts).unwrap(),
            "setweight(\"sqlite_compat\".\"fts_unicode61\"(\"title\"), 'A') || \
             setweight(\"sqlite_compat\".\"fts_unicode61\"(\"the \"\"body\"\"\", 100), 'B') || \
             setweight(\"sqlite_compat\".\"fts_unicode61\"(\"c\", 100), 'C') || \
             \"sqlite_compat\".\"fts_unicode61\"(\"d\", 100) || \"sqlite_compat\".\"fts_unicode61\"(\"e\", 100)"
        );
        let english = Rule::Configuration { name: "english".into(), unaccent: false };
        assert_eq!(
            expression(&english, &parts[..1]).unwrap(),
            "setweight(to_tsvector('english'::regconfig, coalesce(\"title\", '')), 'A')"
        );
        assert_eq!(expression(&english, &[]), None);
        let trigram = Rule::Trigram { case_sensitive: false };
        assert_eq!(expression(&trigram, &parts), None);
        assert_eq!(trigram_keys(&parts[..1], "public"), "\"title\" \"public\".gin_trgm_ops");
    }
}
