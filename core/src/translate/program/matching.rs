//! MATCH: a full-text table's search vector, and the text as a tsquery.
//!
//! A text that is known becomes its tsquery here, so that a view needs nothing of this extension; a parameter is read when
//! the statement runs, by the extension's `sqlite_fts_query`.

use sqlite3_parser::ast::{Expr, Literal};

use super::Program;
use crate::search::config::Rule;
use crate::search::query::{self, Fault, Syntax};
use crate::search::tsquery;
use crate::search::vector::Weight;
use crate::sqltext::{ident, literal, sqlite_unquote};
use crate::translate::expr::Walk;
use crate::translate::node::{Node, Result, refuse};
use crate::types::TypeClass;

/// Why an auxiliary function of full-text tables is not translated.
pub(super) fn refused(function: &str) -> Option<&'static str> {
    Some(match function {
        "bm25" => "bm25() ranks as FTS5 does: PostgreSQL's ts_rank and ts_rank_cd rank in their own way",
        "highlight" => "highlight() has no equal: PostgreSQL's ts_headline marks words in its own way",
        "snippet" => "snippet() has no equal: PostgreSQL's ts_headline takes fragments in its own way",
        "matchinfo" => "matchinfo() tells what is in SQLite's index",
        "offsets" => "offsets() tells what is in SQLite's index",
        _ => return None,
    })
}

/// What is searched in place of a full-text table of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The full-text table, by SQLite's name.
    pub source: String,
    /// The table of the file that is read in its place: itself, or the one that has its texts.
    pub of: String,
    /// The column with the vector.
    pub vector: String,
    pub rule: Rule,
    pub syntax: Syntax,
    /// The tokenizer as it is declared.
    pub tokenizer: String,
    /// The table was there before.
    pub existing: bool,
    /// Those that are searched, by SQLite's names.
    pub columns: Vec<(String, Weight)>,
}

impl Search {
    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn weights(&self) -> Vec<Weight> {
        self.columns.iter().map(|(_, weight)| *weight).collect()
    }

    /// A known text, as a query of the vector.
    fn known(&self, text: &str, column: Option<usize>) -> Result<Asked> {
        let words = match &self.rule {
            Rule::Words(words) => words,
            Rule::Configuration { name, .. } => {
                return refuse(format!(
                    "the words of {} are those of text search configuration {name}: use to_tsquery or websearch_to_tsquery",
                    self.vector
                ));
            }
            Rule::Trigram { .. } => return refuse("a trigram index has no words: use LIKE or ILIKE"),
        };
        let node = query::parse(text, self.syntax, words, Some(&self.names()));
        let node = node.map(|node| match column {
            Some(column) => query::in_column(node, column, self.syntax),
            None => node,
        });
        let asked = node.and_then(|node| {
            let sql = format!("{}::tsquery", literal(&tsquery::written(&node, &self.weights())?));
            Ok(Asked { sql, places: node.asks_for_places(self.columns.len()) })
        });
        asked.or_else(|Fault { reason, .. }| refuse(reason))
    }

    /// A text that is known when the statement runs.
    fn asked(&self, text: &str) -> Asked {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| literal(name)).collect();
        let weights: String = self.columns.iter().map(|(_, weight)| weight.letter()).collect();
        let syntax = match self.syntax {
            Syntax::Fts5 => "fts5",
            Syntax::Fts4 => "fts4",
            Syntax::Standard => "standard",
        };
        let sql = format!(
            "sqlite_fts_query({text}, columns => ARRAY[{}], weights => '{weights}', tokenizer => {}, syntax => '{syntax}')",
            names.join(", "),
            literal(&self.tokenizer)
        );
        Asked { sql, places: true }
    }
}

/// A query of a vector.
struct Asked {
    sql: String,
    /// It may ask where a word is: a vector has not every place.
    places: bool,
}

/// What stands before MATCH.
struct Searched {
    /// Of the table in PostgreSQL's statement.
    alias: String,
    search: Search,
    /// One column only.
    column: Option<usize>,
}

impl Program<'_> {
    pub(super) fn search(&self, source: &str) -> Option<&Search> {
        self.schema.searches.iter().find(|search| search.source.eq_ignore_ascii_case(source))
    }
}

impl<'s> Walk<'s> {
    pub(super) fn matches(&mut self, value: &'s Expr<'s>, not: bool, text: &'s Expr<'s>) -> Result<Node> {
        let Searched { alias, search, column } = self.searched(value)?;
        let query = match (text, &search.rule, column) {
            (Expr::Literal(Literal::String(raw)), ..) => search.known(&sqlite_unquote(raw), column)?,
            (Expr::Variable(_), Rule::Words(_), None) => {
                let text = self.expr(text)?;
                let text = self.as_text(text)?;
                self.note("sqlite_fts_query is a function of the extension pg_sqlite_migrate");
                search.asked(&text.sql)
            }
            _ => return refuse("MATCH with anything but a text, or a parameter for all columns"),
        };
        if query.places {
            self.note(
                "phrases, NEAR and columns are searched by the places of words, of which a vector has at most 255 a word, and up to the 16,383rd",
            );
        }
        if search.of != search.source {
            self.note(format!(
                "{} is read as {}, whose texts it indexes, and as if it were in step with it",
                search.source, search.of
            ));
        }
        if search.existing {
            self.note(format!(
                "{} of {} is taken for what an import makes of {}",
                search.vector, search.of, search.source
            ));
        }
        let not = if not { "NOT " } else { "" };
        let sql = format!("({not}{}.{} @@ {})", ident(&alias), ident(&search.vector), query.sql);
        Ok(Node::atom(sql, TypeClass::Bool))
    }

    /// `docs MATCH`, `title MATCH`, either with a table before it. A full-text table has a column of its own name, whatever
    /// it is called in the statement.
    fn searched(&mut self, value: &'s Expr<'s>) -> Result<Searched> {
        let (table, name) = match value {
            Expr::Id(id) => (None, sqlite_unquote(id.0)),
            Expr::Name(name) => (None, sqlite_unquote(name.0)),
            Expr::Qualified(table, name) => (Some(sqlite_unquote(table.0)), sqlite_unquote(name.0)),
            _ => return refuse("MATCH of anything but a full-text table or a column of one"),
        };
        let program = self.program()?;
        for level in program.levels.iter().rev() {
            let relations = level
                .relations
                .iter()
                .filter(|r| table.as_ref().is_none_or(|t| r.name.eq_ignore_ascii_case(t)));
            let mut found = relations.filter_map(|relation| {
                let search = program.search(relation.source.as_deref()?)?;
                let place = search.columns.iter().position(|(column, _)| column.eq_ignore_ascii_case(&name));
                let whole = search.source.eq_ignore_ascii_case(&name);
                let column = if whole { None } else { Some(place?) };
                Some(Searched { alias: relation.alias.clone(), search: search.clone(), column })
            });
            match (found.next(), found.next()) {
                (Some(_), None) if level.grouped && level.within == 0 => {
                    return refuse("MATCH of the rows of a group");
                }
                (Some(searched), None) => return Ok(searched),
                (Some(_), Some(_)) => return refuse(format!("{name} MATCH is ambiguous")),
                (None, _) => {}
            }
        }
        refuse(format!("{name} is no full-text table that has a search vector, nor a column of one"))
    }
}
