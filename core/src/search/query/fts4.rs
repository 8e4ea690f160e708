//! The query languages of FTS3 and FTS4: enhanced and standard. Both read keywords, quoted phrases and words; what is no
//! word is passed over.
//!
//! Enhanced: NEAR, NOT, AND (also where nothing stands between two), OR, from close to loose, and parentheses.
//! Standard: NEAR, OR, and what stands side by side; `-word` excludes.

use std::collections::BTreeSet;

use super::{Columns, DEEPEST, FIRST, Fault, Near, Node, Phrase, Token, Vocabulary, and, not, or, too_deep};

/// `NEAR` without a number.
const DEFAULT_NEAR: u32 = 10;

pub fn parse(
    text: &str,
    vocabulary: &dyn Vocabulary,
    columns: Option<&[String]>,
    standard: bool,
) -> Result<Node, Fault> {
    let mut parser = Parser { text, at: 0, vocabulary, columns, standard, barred: 0 };
    Ok(parser.items(0)?.unwrap_or(Node::Nothing))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Near(u32),
    Not,
    And,
    Or,
}

/// What may stand next.
enum Item {
    Operator(Operator),
    Operand(Operand),
    Open,
    Close,
    End,
}

struct Operand {
    node: Node,
    /// `-` stands before it.
    excluded: bool,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    vocabulary: &'a dyn Vocabulary,
    columns: Option<&'a [String]>,
    standard: bool,
    /// Where the next quote or parenthesis is, at or after `at`.
    barred: usize,
}

impl Parser<'_> {
    /// Up to the end of the text, or the parenthesis that closes; `None` where there is no operand.
    fn items(&mut self, depth: usize) -> Result<Option<Node>, Fault> {
        if depth > DEEPEST {
            return Err(too_deep(self.at));
        }
        let mut built = Built::default();
        loop {
            let start = self.at;
            let taken = match self.item()? {
                Item::Operator(operator) => built.operator(operator),
                Item::Operand(operand) => built.operand(operand),
                Item::Open => match self.items(depth + 1)? {
                    Some(node) => built.operand(Operand { node, excluded: false }),
                    None => Some(()),
                },
                Item::Close if depth == 0 => {
                    return Err(Fault::syntax("there is no \"(\" for this \")\"".into(), start));
                }
                Item::End if depth > 0 => {
                    return Err(Fault::syntax("there is no \")\" for a \"(\"".into(), start));
                }
                Item::Close | Item::End => break,
            };
            taken.ok_or_else(|| self.misplaced(start))?;
        }
        let at = self.at;
        built.finish(self.standard).ok_or_else(|| Fault::syntax("an operand is missing".into(), at))
    }

    fn misplaced(&self, at: usize) -> Fault {
        let at = self.text.len() - self.text[at..].trim_start().len();
        let near = self.text[at..].split_whitespace().next().unwrap_or_default();
        Fault::syntax(format!("syntax error near \"{near}\""), at)
    }

    fn item(&mut self) -> Result<Item, Fault> {
        let blank = |c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
        self.at = self.text.len() - self.text[self.at..].trim_start_matches(blank).len();
        let rest = &self.text[self.at..];
        if let Some((operator, length)) = self.keyword(rest) {
            self.at += length;
            return Ok(Item::Operator(operator));
        }
        match rest.chars().next() {
            None => Ok(Item::End),
            Some('"') => self.quoted(rest),
            Some('(') if !self.standard => {
                self.at += 1;
                Ok(Item::Open)
            }
            Some(')') if !self.standard => {
                self.at += 1;
                Ok(Item::Close)
            }
            Some(_) => self.word(rest),
        }
    }

    /// A keyword is followed by a blank, a quote, a parenthesis, or nothing.
    fn keyword(&self, rest: &str) -> Option<(Operator, usize)> {
        const KEYWORDS: [(&str, Operator, bool); 4] = [
            ("OR", Operator::Or, false),
            ("AND", Operator::And, true),
            ("NOT", Operator::Not, true),
            ("NEAR", Operator::Near(DEFAULT_NEAR), false),
        ];
        let known = KEYWORDS.iter().filter(|(.., enhanced)| !enhanced || !self.standard);
        let (word, operator, _) = known.into_iter().find(|(word, ..)| rest.starts_with(word))?;
        let mut operator = *operator;
        let mut length = word.len();
        if let Operator::Near(distance) = &mut operator
            && let Some(number) = rest[length..].strip_prefix('/')
        {
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                *distance = number[..digits].parse().unwrap_or(u32::MAX);
                length += 1 + digits;
            }
        }
        let next = rest[length..].chars().next();
        let ends =
            next.is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '"' | '(' | ')'));
        ends.then_some((operator, length))
    }

    /// A quote cannot stand in a quoted phrase. Each of its words may be a prefix.
    fn quoted(&mut self, rest: &str) -> Result<Item, Fault> {
        let inner = &rest[1..];
        let end = inner.find('"').ok_or_else(|| Fault::syntax("unterminated string".into(), self.at))?;
        let mut phrase = Phrase::default();
        let (text, start) = (&inner[..end], self.at + 1);
        let mut at = 0;
        while let Some((from, to, tokens)) = self.vocabulary.first(&text[at..]) {
            if text[..at + from].ends_with('^') {
                return Err(Fault::unsupported(FIRST, start + at + from - 1));
            }
            at += to;
            phrase.append(with_prefix(tokens, text[at..].starts_with('*')));
        }
        self.at += end + 2;
        Ok(Item::Operand(Operand { node: self.alone(phrase), excluded: false }))
    }

    fn alone(&self, phrase: Phrase) -> Node {
        if !phrase.tokens.is_empty() {
            return Node::Phrase(phrase, None);
        }
        if self.vocabulary.passes_over_empty() { Node::Ignored } else { Node::Nothing }
    }

    /// `column:word*`; without a word, all up to the next quote or parenthesis is passed over.
    fn word(&mut self, rest: &str) -> Result<Item, Fault> {
        let (column, length) = self.column(rest);
        let start = self.at + length;
        if self.barred <= start {
            let marks: &[char] = if self.standard { &['"'] } else { &['"', '(', ')'] };
            self.barred = start + self.text[start..].find(marks).unwrap_or(self.text.len() - start);
        }
        let piece = &self.text[start..self.barred];
        let Some((from, to, tokens)) = self.vocabulary.first(piece) else {
            self.at = self.barred;
            // A column without a word at the very end would be read again.
            return if self.at < self.text.len() { self.item() } else { Ok(Item::End) };
        };
        let (mark, before) = piece[..from].char_indices().next_back().unwrap_or_default();
        let mark = start + mark;
        if before == '^' {
            return Err(Fault::unsupported(FIRST, mark));
        }
        let excluded = before == '-';
        let apart = self.text[..mark].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '(');
        if excluded && apart && !self.standard {
            let reason =
                "\"-\" excludes a word in the standard query syntax, and means nothing in the enhanced";
            return Err(Fault::unsupported(reason, mark));
        }
        let excluded = excluded && self.standard;
        let prefix = piece[to..].starts_with('*');
        self.at = start + to + usize::from(prefix);
        let phrase = Phrase { tokens: with_prefix(tokens, prefix) };
        let node = match (self.alone(phrase), column) {
            (Node::Phrase(phrase, _), Some(column)) => Node::Phrase(phrase, Some(BTreeSet::from([column]))),
            (node, _) => node,
        };
        Ok(Item::Operand(Operand { node, excluded }))
    }

    /// `column:` at the beginning, of a table with this column.
    fn column(&self, rest: &str) -> (Option<usize>, usize) {
        let columns = self.columns.unwrap_or_default().iter().enumerate();
        let found = columns.filter(|(_, name)| {
            let head = rest.get(..name.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(name)) && rest[name.len()..].starts_with(':')
        });
        found.map(|(place, name)| (Some(place), name.len() + 1)).next().unwrap_or((None, 0))
    }
}

fn with_prefix(mut tokens: Vec<Token>, prefix: bool) -> Vec<Token> {
    if let Some(last) = tokens.last_mut() {
        last.prefix = prefix;
    }
    tokens
}

/// Operands and the operators between them, of one pair of parentheses.
#[derive(Default)]
struct Built {
    operands: Vec<Node>,
    /// `None`: nothing stands between two operands.
    operators: Vec<Option<Operator>>,
    excluded: Vec<Node>,
}

impl Built {
    fn wants_operand(&self) -> bool {
        self.operands.len() == self.operators.len()
    }

    /// After an operand; after a phrase, where it is NEAR.
    fn operator(&mut self, operator: Operator) -> Option<()> {
        let last = self.operands.last().filter(|_| !self.wants_operand())?;
        if matches!(operator, Operator::Near(_)) && !is_phrase(last) {
            return None;
        }
        self.operators.push(Some(operator));
        Some(())
    }

    fn operand(&mut self, operand: Operand) -> Option<()> {
        if operand.excluded {
            self.excluded.push(operand.node);
            return Some(());
        }
        if !self.wants_operand() {
            self.operators.push(None);
        } else if matches!(self.operators.last(), Some(Some(Operator::Near(_)))) && !is_phrase(&operand.node)
        {
            return None;
        }
        self.operands.push(operand.node);
        Some(())
    }

    /// Joins the operands, what binds closest first. `Some(None)` where there are none.
    fn finish(mut self, standard: bool) -> Option<Option<Node>> {
        if self.operands.is_empty() && self.operators.is_empty() && self.excluded.is_empty() {
            return Some(None);
        }
        if self.wants_operand() {
            return None;
        }
        self.join_near();
        let beside = |operator| matches!(operator, None | Some(Operator::And));
        let either = |operator| operator == Some(Operator::Or);
        if standard {
            self.join(either, or);
            self.join(beside, and);
        } else {
            self.join(|operator| operator == Some(Operator::Not), not);
            self.join(beside, and);
            self.join(either, or);
        }
        let node = self.operands.pop()?;
        Some(Some(self.excluded.into_iter().fold(node, not)))
    }

    fn join(&mut self, joins: impl Fn(Option<Operator>) -> bool, with: impl Fn(Node, Node) -> Node) {
        self.join_by(joins, |left, _, right| with(left, right));
    }

    fn join_by(
        &mut self,
        joins: impl Fn(Option<Operator>) -> bool,
        with: impl Fn(Node, Option<Operator>, Node) -> Node,
    ) {
        let mut left = vec![];
        let mut operands = std::mem::take(&mut self.operands).into_iter();
        let mut joined: Vec<Node> = operands.next().into_iter().collect();
        for (operator, right) in std::mem::take(&mut self.operators).into_iter().zip(operands) {
            match joined.pop() {
                Some(last) if joins(operator) => joined.push(with(last, operator, right)),
                last => {
                    joined.extend(last);
                    joined.push(right);
                    left.push(operator);
                }
            }
        }
        (self.operands, self.operators) = (joined, left);
    }

    /// Phrases with NEAR between them are one chain.
    fn join_near(&mut self) {
        let is_near = |operator| matches!(operator, Some(Operator::Near(_)));
        self.join_by(is_near, |left, operator, right| match operator {
            Some(Operator::Near(distance)) => near(left, distance, right),
            _ => and(left, right),
        });
    }
}

fn is_phrase(node: &Node) -> bool {
    !matches!(node, Node::And(_) | Node::Or(_) | Node::Not(..))
}

fn near(left: Node, distance: u32, right: Node) -> Node {
    let (phrase, columns) = match right {
        Node::Phrase(phrase, columns) => (phrase, columns),
        // A phrase of stop words is near everything; one without words, near nothing.
        Node::Ignored => return left,
        _ => return Node::Nothing,
    };
    match left {
        Node::Phrase(first, own) => searched(Near::Chain(first, vec![(distance, phrase)]), own, columns),
        Node::Near(Near::Chain(first, mut rest), own) => {
            rest.push((distance, phrase));
            searched(Near::Chain(first, rest), own, columns)
        }
        Node::Ignored => Node::Phrase(phrase, columns),
        _ => Node::Nothing,
    }
}

/// Phrases that are near each other are in one column.
fn searched(near: Near, left: Columns, right: Columns) -> Node {
    let columns = match (left, right) {
        (Some(left), Some(right)) => Some(left.intersection(&right).copied().collect()),
        (left, right) => left.or(right),
    };
    match columns {
        Some(none) if BTreeSet::is_empty(&none) => Node::Nothing,
        columns => Node::Near(near, columns),
    }
}
