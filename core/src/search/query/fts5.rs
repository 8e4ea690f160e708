//! FTS5's query language: its tokens, its grammar, and what it makes of phrases without words.

use std::collections::BTreeSet;

use super::{
    DEEPEST, FIRST, Fault, FaultKind, Near, Node, Phrase, Vocabulary, and, not, or, too_deep, within,
};

/// `NEAR` without a number.
const DEFAULT_NEAR: u32 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mark(char),
    String,
    And,
    Or,
    Not,
    End,
}

#[derive(Debug, Clone, Copy)]
struct Lexed<'a> {
    kind: Kind,
    text: &'a str,
    at: usize,
}

pub fn parse(text: &str, vocabulary: &dyn Vocabulary, columns: Option<&[String]>) -> Result<Node, Fault> {
    let tokens = lex(text)?;
    let mut parser = Parser { tokens: &tokens, next: 0, vocabulary, columns };
    let node = parser.or_list(0)?;
    match parser.peek().kind {
        Kind::End => Ok(node),
        _ => Err(parser.wrong()),
    }
}

fn lex(text: &str) -> Result<Vec<Lexed<'_>>, Fault> {
    let mut tokens = vec![];
    let mut at = 0;
    loop {
        at = text.len() - text[at..].trim_start_matches([' ', '\t', '\n', '\r']).len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { break };
        let (kind, length) = match first {
            '(' | ')' | '{' | '}' | ':' | ',' | '+' | '*' | '-' | '^' => (Kind::Mark(first), 1),
            '"' => {
                (Kind::String, string(rest).ok_or_else(|| Fault::syntax("unterminated string".into(), at))?)
            }
            c if is_bareword(c) => word(rest),
            c => return Err(Fault::syntax(format!("syntax error near \"{c}\""), at)),
        };
        tokens.push(Lexed { kind, text: &rest[..length], at });
        at += length;
    }
    tokens.push(Lexed { kind: Kind::End, text: "", at });
    Ok(tokens)
}

fn is_bareword(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '\u{1a}' || !c.is_ascii()
}

fn word(rest: &str) -> (Kind, usize) {
    let length = rest.find(|c| !is_bareword(c)).unwrap_or(rest.len());
    let kind = match &rest[..length] {
        "AND" => Kind::And,
        "OR" => Kind::Or,
        "NOT" => Kind::Not,
        _ => Kind::String,
    };
    (kind, length)
}

/// The length of a quoted string, in which two quotes are one.
fn string(rest: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += rest[at..].find('"')? + 1;
        if !rest[at..].starts_with('"') {
            return Some(at);
        }
        at += 1;
    }
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

struct Parser<'a> {
    tokens: &'a [Lexed<'a>],
    next: usize,
    vocabulary: &'a dyn Vocabulary,
    columns: Option<&'a [String]>,
}

impl<'a> Parser<'a> {
    fn look(&self, ahead: usize) -> Lexed<'a> {
        let last = self.tokens.len() - 1;
        self.tokens[(self.next + ahead).min(last)]
    }

    fn peek(&self) -> Lexed<'a> {
        self.look(0)
    }

    fn take(&mut self) -> Lexed<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn takes(&mut self, kind: Kind) -> bool {
        let is = self.peek().kind == kind;
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, mark: char) -> Result<(), Fault> {
        if self.takes(Kind::Mark(mark)) { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> Fault {
        let token = self.peek();
        Fault::syntax(format!("syntax error near \"{}\"", token.text), token.at)
    }

    fn or_list(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut node = self.and_list(depth)?;
        while self.takes(Kind::Or) {
            node = or(node, self.and_list(depth)?);
        }
        Ok(node)
    }

    fn and_list(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut node = self.not_list(depth)?;
        while self.takes(Kind::And) {
            node = and(node, self.not_list(depth)?);
        }
        Ok(node)
    }

    fn not_list(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut node = self.operand(depth)?;
        while self.takes(Kind::Not) {
            node = not(node, self.operand(depth)?);
        }
        Ok(node)
    }

    /// `(…)`, `columns : (…)`, or phrases in a row.
    fn operand(&mut self, depth: usize) -> Result<Node, Fault> {
        if depth > DEEPEST {
            return Err(too_deep(self.peek().at));
        }
        if self.takes(Kind::Mark('(')) {
            let node = self.or_list(depth + 1)?;
            self.expect(')')?;
            return Ok(node);
        }
        let mut node = match self.column_set()? {
            Some(columns) if self.takes(Kind::Mark('(')) => {
                let node = self.or_list(depth + 1)?;
                self.expect(')')?;
                return Ok(within(node, &columns, false));
            }
            Some(columns) => within(self.near()?, &columns, false),
            None => self.near()?,
        };
        // Those in a row are bound closer than by any operator.
        while let Kind::String | Kind::Mark('{' | '-' | '^') = self.peek().kind {
            let next = match self.column_set()? {
                Some(columns) => within(self.near()?, &columns, false),
                None => self.near()?,
            };
            node = match (node, next) {
                (node, Node::Nothing) => node,
                (Node::Nothing, next) => next,
                (node, next) => and(node, next),
            };
        }
        Ok(node)
    }

    /// `name :`, `{names} :`, either with `-` before it.
    fn column_set(&mut self) -> Result<Option<BTreeSet<usize>>, Fault> {
        let inverted = self.peek().kind == Kind::Mark('-');
        let start = self.look(usize::from(inverted));
        let named =
            start.kind == Kind::String && self.look(usize::from(inverted) + 1).kind == Kind::Mark(':');
        if !inverted && !named && start.kind != Kind::Mark('{') {
            return Ok(None);
        }
        self.next += usize::from(inverted);
        let mut set = BTreeSet::new();
        if self.takes(Kind::Mark('{')) {
            set.insert(self.column()?);
            while !self.takes(Kind::Mark('}')) {
                set.insert(self.column()?);
            }
        } else {
            set.insert(self.column()?);
        }
        self.expect(':')?;
        if inverted {
            let all = 0..self.columns.map_or(0, <[String]>::len);
            set = all.filter(|column| !set.contains(column)).collect();
        }
        Ok(Some(set))
    }

    fn column(&mut self) -> Result<usize, Fault> {
        if self.peek().kind != Kind::String {
            return Err(self.wrong());
        }
        let token = self.take();
        let name = unquoted(token.text);
        let Some(columns) = self.columns else {
            return Err(Fault::unsupported(
                "the query asks for a column, and no columns are given",
                token.at,
            ));
        };
        columns.iter().position(|column| column.eq_ignore_ascii_case(&name)).ok_or_else(|| Fault {
            kind: FaultKind::NoColumn,
            reason: format!("no such column: {name}"),
            at: token.at,
        })
    }

    /// A phrase, or `NEAR(phrases, n)`.
    fn near(&mut self) -> Result<Node, Fault> {
        if self.peek().kind == Kind::Mark('^') {
            return Err(Fault::unsupported(FIRST, self.peek().at));
        }
        let is_near = self.peek().kind == Kind::String && self.look(1).kind == Kind::Mark('(');
        if !is_near {
            let phrase = self.phrase()?;
            return Ok(self.alone(phrase));
        }
        if self.peek().text != "NEAR" {
            return Err(self.wrong());
        }
        self.next += 2;
        let mut phrases = vec![self.phrase()?];
        while self.peek().kind == Kind::String {
            phrases.push(self.phrase()?);
        }
        let distance = if self.takes(Kind::Mark(',')) { self.distance()? } else { DEFAULT_NEAR };
        self.expect(')')?;
        phrases.retain(|phrase| !phrase.tokens.is_empty());
        match phrases.len() {
            0 => Ok(self.alone(Phrase::default())),
            1 => Ok(self.alone(phrases.remove(0))),
            _ => Ok(Node::Near(Near::Set(phrases, distance), None)),
        }
    }

    fn alone(&self, phrase: Phrase) -> Node {
        if !phrase.tokens.is_empty() {
            return Node::Phrase(phrase, None);
        }
        if self.vocabulary.passes_over_empty() { Node::Ignored } else { Node::Nothing }
    }

    fn distance(&mut self) -> Result<u32, Fault> {
        let token = self.peek();
        if token.kind != Kind::String {
            return Err(self.wrong());
        }
        self.next += 1;
        if !token.text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::syntax(format!("expected integer, got \"{}\"", token.text), token.at));
        }
        Ok(token.text.parse().unwrap_or(u32::MAX))
    }

    /// `"text" * + word`: the words of all parts in a row.
    fn phrase(&mut self) -> Result<Phrase, Fault> {
        let mut phrase = Phrase::default();
        loop {
            let token = self.peek();
            if token.kind != Kind::String {
                return Err(self.wrong());
            }
            self.next += 1;
            phrase.append(self.vocabulary.words(&unquoted(token.text)));
            let prefix = self.takes(Kind::Mark('*'));
            if let Some(last) = phrase.tokens.last_mut() {
                last.prefix = prefix;
            }
            if !self.takes(Kind::Mark('+')) {
                return Ok(phrase);
            }
        }
    }
}
