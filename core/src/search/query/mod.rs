//! The text of a MATCH, as FTS5 and as FTS3 and FTS4 read it.
//!
//! What is read is one tree for both; its words are those that `Vocabulary` makes of the text. Nesting is bounded, and so
//! is the length.

mod fts4;
mod fts5;

use std::collections::BTreeSet;

use super::declared::Module;
use super::tokenizer::Words;

/// Which of SQLite's query languages a text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Fts5,
    /// FTS3's and FTS4's enhanced syntax, which most builds of SQLite have (`SQLITE_ENABLE_FTS3_PARENTHESIS`).
    Fts4,
    /// FTS3's and FTS4's standard syntax.
    Standard,
}

impl Syntax {
    pub const NAMES: [(&'static str, Syntax); 4] = [
        ("fts5", Syntax::Fts5),
        ("fts4", Syntax::Fts4),
        ("fts3", Syntax::Fts4),
        ("standard", Syntax::Standard),
    ];

    pub fn named(name: &str) -> Option<Syntax> {
        Syntax::NAMES
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, syntax)| syntax)
    }

    /// The module that reads it.
    pub fn module(self) -> Module {
        match self {
            Syntax::Fts5 => Module::Fts5,
            Syntax::Fts4 | Syntax::Standard => Module::Fts4,
        }
    }
}

/// Longer texts are refused, in bytes.
pub const LONGEST: usize = 1 << 16;
/// Deeper nesting is refused: FTS5 has room for about as much.
pub const DEEPEST: usize = 100;

/// What makes words of a text.
pub trait Vocabulary {
    /// The words of a phrase, in order.
    fn words(&self, text: &str) -> Vec<Token>;

    /// The first word of a text and where it is, in bytes.
    fn first(&self, text: &str) -> Option<(usize, usize, Vec<Token>)>;

    /// A phrase without words is passed over, as one of stop words is; else it finds nothing.
    fn passes_over_empty(&self) -> bool;
}

impl Vocabulary for Words {
    fn words(&self, text: &str) -> Vec<Token> {
        self.of(text).into_iter().zip(0..).map(|(word, place)| Token::new(word, place)).collect()
    }

    fn first(&self, text: &str) -> Option<(usize, usize, Vec<Token>)> {
        let (start, end, word) = self.first(text)?;
        Some((start, end, vec![Token::new(word, 0)]))
    }

    fn passes_over_empty(&self) -> bool {
        false
    }
}

/// A word of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What a vector has at the place of this word: all of them.
    pub lexemes: Vec<String>,
    /// Its place in the phrase.
    pub place: u32,
    /// Every word that begins so.
    pub prefix: bool,
}

impl Token {
    pub fn new(word: String, place: u32) -> Token {
        Token { lexemes: vec![word], place, prefix: false }
    }
}

/// Words that follow each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    pub tokens: Vec<Token>,
}

impl Phrase {
    /// How many places it takes.
    pub fn length(&self) -> u32 {
        self.tokens.last().map_or(0, |token| token.place + 1)
    }

    /// The words of another text after its own.
    fn append(&mut self, tokens: Vec<Token>) {
        let start = self.length();
        self.tokens.extend(tokens.into_iter().map(|token| Token { place: token.place + start, ..token }));
    }
}

/// The columns that are searched, by their places; `None` for all.
pub type Columns = Option<BTreeSet<usize>>;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Finds no row.
    Nothing,
    /// Says nothing: a phrase of stop words.
    Ignored,
    Phrase(Phrase, Columns),
    /// The phrases near each other.
    Near(Near, Columns),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// The first, and not the second.
    Not(Box<Node>, Box<Node>),
}

impl Node {
    /// Whether it asks where a word is, in a table with so many columns, and not only whether a row has it.
    pub fn asks_for_places(&self, columns: usize) -> bool {
        let some = |of: &Columns| of.as_ref().is_some_and(|of| of.len() < columns);
        match self {
            Node::Nothing | Node::Ignored => false,
            Node::Phrase(phrase, of) => phrase.tokens.len() > 1 || some(of),
            Node::Near(..) => true,
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().any(|node| node.asks_for_places(columns)),
            Node::Not(yes, no) => yes.asks_for_places(columns) || no.asks_for_places(columns),
        }
    }
}

/// How phrases are near each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Near {
    /// FTS5: at most so many words between the end of each phrase and the beginning of the last.
    Set(Vec<Phrase>, u32),
    /// FTS3, FTS4: at most so many words between each phrase and the next, in either order.
    Chain(Phrase, Vec<(u32, Phrase)>),
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub reason: String,
    /// Where it is, in bytes.
    pub at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    Syntax,
    NoColumn,
    /// SQLite takes it, and no tsquery says it.
    Unsupported,
    TooLong,
}

impl Fault {
    /// With the line and the column, both from 1, of where it is in the query.
    pub fn of(self, query: &str) -> Placed {
        let before = query.get(..self.at.min(query.len())).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Placed { kind: self.kind, reason: self.reason, line, column }
    }

    fn syntax(reason: String, at: usize) -> Fault {
        Fault { kind: FaultKind::Syntax, reason, at }
    }

    fn unsupported(reason: &str, at: usize) -> Fault {
        Fault { kind: FaultKind::Unsupported, reason: reason.to_owned(), at }
    }
}

/// A fault with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub kind: FaultKind,
    pub reason: String,
    pub line: usize,
    pub column: usize,
}

/// Reads a query over a table with these columns; `None` where they are not given.
pub fn parse(
    text: &str,
    syntax: Syntax,
    vocabulary: &dyn Vocabulary,
    columns: Option<&[String]>,
) -> Result<Node, Fault> {
    if text.len() > LONGEST {
        let reason = format!("the query is longer than {LONGEST} bytes");
        return Err(Fault { kind: FaultKind::TooLong, reason, at: LONGEST });
    }
    // SQLite ends a text at its first NUL.
    let text = text.split('\0').next().unwrap_or_default();
    match syntax {
        Syntax::Fts5 => fts5::parse(text, vocabulary, columns),
        Syntax::Fts4 => fts4::parse(text, vocabulary, columns, false),
        Syntax::Standard => fts4::parse(text, vocabulary, columns, true),
    }
}

/// The query after `column MATCH`. In FTS3 and FTS4, `other:word` in it asks for the other column all the same.
pub fn in_column(node: Node, column: usize, syntax: Syntax) -> Node {
    within(node, &BTreeSet::from([column]), syntax != Syntax::Fts5)
}

const FIRST: &str = "no tsquery asks for the first word of a column";

/// The query, searched in these columns only; a part that has columns of its own keeps them, or those of them.
fn within(node: Node, columns: &BTreeSet<usize>, keeps: bool) -> Node {
    let merged = |own: Columns| match own {
        Some(own) if keeps => own,
        Some(own) => own.intersection(columns).copied().collect(),
        None => columns.clone(),
    };
    let all = |nodes: Vec<Node>| nodes.into_iter().map(|node| within(node, columns, keeps)).collect();
    match node {
        Node::Phrase(..) | Node::Near(..) if columns.is_empty() => Node::Nothing,
        Node::Phrase(phrase, own) => match merged(own) {
            none if none.is_empty() => Node::Nothing,
            some => Node::Phrase(phrase, Some(some)),
        },
        Node::Near(near, own) => match merged(own) {
            none if none.is_empty() => Node::Nothing,
            some => Node::Near(near, Some(some)),
        },
        Node::And(nodes) => Node::And(all(nodes)),
        Node::Or(nodes) => Node::Or(all(nodes)),
        Node::Not(yes, no) => not(within(*yes, columns, keeps), within(*no, columns, keeps)),
        Node::Nothing => Node::Nothing,
        Node::Ignored => Node::Ignored,
    }
}

fn too_deep(at: usize) -> Fault {
    let reason = format!("the query is nested deeper than {DEEPEST} levels");
    Fault { kind: FaultKind::TooLong, reason, at }
}

fn and(left: Node, right: Node) -> Node {
    match left {
        Node::And(mut all) => {
            all.push(right);
            Node::And(all)
        }
        left => Node::And(vec![left, right]),
    }
}

fn or(left: Node, right: Node) -> Node {
    match left {
        Node::Or(mut all) => {
            all.push(right);
            Node::Or(all)
        }
        left => Node::Or(vec![left, right]),
    }
}

/// What is excluded one after the other is excluded together: a chain is no deeper than one.
fn not(left: Node, right: Node) -> Node {
    match left {
        Node::Not(yes, no) => Node::Not(yes, Box::new(or(*no, right))),
        left => Node::Not(Box::new(left), Box::new(right)),
    }
}

#[cfg(test)]
mod tests;
