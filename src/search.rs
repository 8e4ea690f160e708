//! Full text of SQLite's in PostgreSQL: a MATCH text becomes a tsquery, and columns become a vector, by SQLite's own
//! tokenizer or by a configuration of the database.

use crate::error::Error;
use crate::pg::encoding;
use crate::pg::search::{Configuration, Query};
use pg_sqlite_migrate_core::search::config::Rule;
use pg_sqlite_migrate_core::search::lexemes;
use pg_sqlite_migrate_core::search::query::{self, Syntax, Token, Vocabulary};
use pg_sqlite_migrate_core::search::tokenizer::{self, Tokenizer, Words};
use pg_sqlite_migrate_core::search::tsquery;
use pg_sqlite_migrate_core::search::vector::{self, Part, Weight};
use pg_sqlite_migrate_core::sqltext::ident;

/// What the caller says besides the text.
pub struct Asked {
    pub config: Option<Configuration>,
    pub columns: Option<Vec<String>>,
    /// One letter a column.
    pub weights: Option<String>,
    pub tokenizer: Option<String>,
    pub syntax: Option<String>,
}

/// A column to be searched.
pub struct Column {
    pub expression: String,
    /// Statements that make what it needs, in order.
    pub helpers: Vec<String>,
}

pub fn query(text: &str, asked: &Asked) -> Result<Query, Error> {
    let syntax = asked.syntax()?;
    let weights = asked.weights()?;
    let vocabulary: Box<dyn Vocabulary> = match asked.configuration() {
        Some(config) => Box::new(Configured(config)),
        None => Box::new(words(asked.tokenizer.as_deref(), syntax)?),
    };
    let node = query::parse(text, syntax, vocabulary.as_ref(), asked.columns.as_deref());
    let written = node.and_then(|node| tsquery::written(&node, &weights));
    written.map(Query).map_err(|fault| Error::Query(Box::new(fault.of(text))))
}

pub fn vector(asked: &Asked) -> Result<Column, Error> {
    let rule = match asked.configuration() {
        Some(config) => Rule::Configuration { name: config.name(), unaccent: false },
        None => Rule::Words(words(asked.tokenizer.as_deref(), asked.syntax()?)?),
    };
    let columns = asked.columns.iter().flatten();
    let parts = columns.zip(asked.weights()?).map(|(name, weight)| Part { text: ident(name), weight });
    let expression = vector::expression(&rule, &parts.collect::<Vec<_>>());
    let expression = expression.ok_or_else(|| invalid("columns must name one column at least".to_owned()))?;
    let helpers = vector::needs(&rule).into_iter().map(|object| object.sql).collect();
    Ok(Column { expression, helpers })
}

impl Asked {
    /// One of the database's, unless SQLite's own rules are meant. An empty tokenizer is none: the words are those of any
    /// configuration, also of `simple`.
    fn configuration(&self) -> Option<Configuration> {
        self.config.filter(|config| match self.tokenizer.as_deref() {
            None => !config.is_simple(),
            Some(tokenizer) => tokenizer.is_empty(),
        })
    }

    fn syntax(&self) -> Result<Syntax, Error> {
        let Some(name) = self.syntax.as_deref() else { return Ok(Syntax::Fts5) };
        Syntax::named(name).ok_or_else(|| {
            let known: Vec<&str> = Syntax::NAMES.iter().map(|(name, _)| *name).collect();
            let message = format!("unknown query syntax \"{name}\"");
            Error::SearchArgument { message, hint: Some(format!("Known ones are {}.", known.join(", "))) }
        })
    }

    fn weights(&self) -> Result<Vec<Weight>, Error> {
        let count = self.columns.as_ref().map_or(0, Vec::len);
        let Some(letters) = self.weights.as_deref() else {
            return Ok((0..count).map(Weight::of_place).collect());
        };
        let weights: Option<Vec<Weight>> =
            letters.chars().map(|c| Weight::named(c.encode_utf8(&mut [0; 4]))).collect();
        weights
            .filter(|weights| weights.len() == count)
            .ok_or_else(|| invalid("weights must have one letter of A to D for each column".to_owned()))
    }
}

/// The words that SQLite's tokenizer makes; in a database that is not UTF8, those of a vector there.
fn words(named: Option<&str>, syntax: Syntax) -> Result<Words, Error> {
    let named = named.filter(|name| !name.is_empty());
    let named = named.unwrap_or(if syntax == Syntax::Fts5 { "unicode61" } else { "simple" });
    let words = match tokenizer::named(named, syntax.module()) {
        (Tokenizer::Words(words), notes) if notes.is_empty() => words,
        (Tokenizer::Words(_), notes) => return Err(invalid(notes.join("; "))),
        (Tokenizer::Trigram { .. }, _) => {
            return Err(invalid("a trigram index has no words: use LIKE or ILIKE".to_owned()));
        }
    };
    Ok(if encoding::server_is_utf8() { words } else { words.without_unicode() })
}

fn invalid(message: String) -> Error {
    Error::SearchArgument { message, hint: None }
}

/// Words as a configuration makes them. What is one word of a query is found as `unicode61` does.
struct Configured(Configuration);

impl Vocabulary for Configured {
    fn words(&self, text: &str) -> Vec<Token> {
        lexemes::tokens(&self.0.vector(text))
    }

    fn first(&self, text: &str) -> Option<(usize, usize, Vec<Token>)> {
        let (start, end, _) = Words::unicode61().first(text)?;
        Some((start, end, self.words(&text[start..end])))
    }

    fn passes_over_empty(&self) -> bool {
        true
    }
}
