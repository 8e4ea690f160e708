//! A query as the text of a tsquery that finds the same rows.
//!
//! A phrase is its words in a row (`<->`). Phrases near each other are every arrangement of them that is near enough, each
//! a row of words with exact distances. A column is its weight. What no tsquery says is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{Columns, Fault, FaultKind, Near, Node, Phrase, Token};
use super::vector::{GAP, Weight};

/// More arrangements of phrases are refused: PostgreSQL tries each in every row that has the words.
const MOST_ARRANGEMENTS: usize = 8192;
/// The most bytes of all arrangements: each holds every word.
const MOST_BYTES: usize = 1 << 24;
/// What a word takes beside its text.
const BYTES_OF_WORD: usize = 16;

/// Writes the query for a vector whose columns have these weights; empty where the columns are not given. An empty text is
/// a query that finds nothing.
pub fn written(node: &Node, weights: &[Weight]) -> Result<String, Fault> {
    let writer = Writer { weights };
    Ok(match writer.query(node)? {
        Query::Is(text) => text,
        Query::Nothing | Query::Ignored => String::new(),
    })
}

/// What a part of the query comes to.
enum Query {
    Is(String),
    /// It finds no row.
    Nothing,
    /// It says nothing.
    Ignored,
}

struct Writer<'a> {
    weights: &'a [Weight],
}

impl Writer<'_> {
    fn query(&self, node: &Node) -> Result<Query, Fault> {
        match node {
            Node::Nothing => Ok(Query::Nothing),
            Node::Ignored => Ok(Query::Ignored),
            Node::Phrase(phrase, columns) => {
                Ok(Query::Is(row(&placed([(phrase, 0)]), &self.letters(columns)?)))
            }
            Node::Near(near, columns) => self.near(near, columns),
            Node::And(nodes) => self.all(nodes),
            Node::Or(nodes) => self.any(nodes),
            Node::Not(yes, no) => self.without(yes, no),
        }
    }

    fn all(&self, nodes: &[Node]) -> Result<Query, Fault> {
        let mut parts = vec![];
        let mut finds = true;
        for node in nodes {
            match self.query(node)? {
                Query::Is(text) => parts.push(text),
                Query::Nothing => finds = false,
                Query::Ignored => {}
            }
        }
        Ok(match (finds, balanced(&parts, " & ")) {
            (false, _) => Query::Nothing,
            (true, Some(text)) => Query::Is(text),
            (true, None) => Query::Ignored,
        })
    }

    fn any(&self, nodes: &[Node]) -> Result<Query, Fault> {
        let mut parts = vec![];
        let mut ignored = false;
        for node in nodes {
            match self.query(node)? {
                Query::Is(text) => parts.push(text),
                Query::Nothing => {}
                Query::Ignored => ignored = true,
            }
        }
        Ok(match (balanced(&parts, " | "), ignored) {
            (Some(text), _) => Query::Is(text),
            (None, true) => Query::Ignored,
            (None, false) => Query::Nothing,
        })
    }

    fn without(&self, yes: &Node, no: &Node) -> Result<Query, Fault> {
        Ok(match (self.query(yes)?, self.query(no)?) {
            (Query::Is(yes), Query::Is(no)) => Query::Is(format!("({yes} & !{no})")),
            (yes, Query::Nothing | Query::Ignored) | (yes @ Query::Nothing, _) => yes,
            (Query::Ignored, Query::Is(no)) => Query::Is(format!("!{no}")),
        })
    }

    /// The letters of the columns' weights, which no other column may have.
    fn letters(&self, columns: &Columns) -> Result<String, Fault> {
        let Some(columns) = columns else { return Ok(String::new()) };
        let has = |place: usize| columns.contains(&place);
        let asked: BTreeSet<Weight> =
            self.weights.iter().enumerate().filter(|(i, _)| has(*i)).map(|(_, w)| *w).collect();
        let others = self.weights.iter().enumerate().filter(|(place, _)| !has(*place));
        if others.clone().count() == 0 {
            return Ok(String::new());
        }
        if let Some((_, weight)) = others.into_iter().find(|(_, weight)| asked.contains(weight)) {
            let reason = format!(
                "the query asks for columns by their weight, and another column has weight {} as well",
                weight.letter()
            );
            return Err(Fault { kind: FaultKind::Unsupported, reason, at: 0 });
        }
        Ok(asked.into_iter().map(Weight::letter).collect())
    }

    fn near(&self, near: &Near, columns: &Columns) -> Result<Query, Fault> {
        let letters = self.letters(columns)?;
        let arrangements = match near {
            Near::Set(phrases, distance) => of_set(phrases, *distance)?,
            Near::Chain(first, rest) => of_chain(first, rest)?,
        };
        let rows: BTreeSet<String> = arrangements
            .iter()
            .filter(|arrangement| is_possible(arrangement))
            .map(|arrangement| self.within_a_column(arrangement).map(|()| row(arrangement, &letters)))
            .collect::<Result<_, _>>()?;
        let rows: Vec<String> = rows.into_iter().collect();
        Ok(balanced(&rows, " | ").map_or(Query::Nothing, Query::Is))
    }

    /// Words that are further apart than two columns could be of two columns.
    fn within_a_column(&self, arrangement: &Arrangement<'_>) -> Result<(), Fault> {
        let places: Vec<i64> = arrangement.keys().copied().collect();
        let far = places.windows(2).any(|pair| pair[1] - pair[0] > i64::from(GAP));
        if far && self.weights.len() != 1 {
            let reason = format!("NEAR reaches further than the {GAP} positions between two columns");
            return Err(Fault { kind: FaultKind::Unsupported, reason, at: 0 });
        }
        Ok(())
    }
}

/// The words at each place.
type Arrangement<'a> = BTreeMap<i64, Vec<&'a Token>>;

fn placed<'a>(phrases: impl IntoIterator<Item = (&'a Phrase, i64)>) -> Arrangement<'a> {
    let mut arrangement = Arrangement::new();
    for (phrase, start) in phrases {
        for token in &phrase.tokens {
            arrangement.entry(start + i64::from(token.place)).or_default().push(token);
        }
    }
    arrangement
}

/// One word is at one place: those that are asked for there are the same, or begin alike.
fn is_possible(arrangement: &Arrangement<'_>) -> bool {
    arrangement.values().all(|tokens| {
        let first = tokens.first();
        tokens.iter().all(|token| first.is_none_or(|first| agree(first, token)))
    })
}

fn agree(one: &Token, other: &Token) -> bool {
    let begins = |short: &Token, long: &Token| {
        short.prefix && short.lexemes.iter().all(|s| long.lexemes.iter().any(|l| l.starts_with(s.as_str())))
    };
    one.lexemes == other.lexemes || begins(one, other) || begins(other, one)
}

/// FTS5: each phrase ends at most `distance` words before the last one begins.
fn of_set(phrases: &[Phrase], distance: u32) -> Result<Vec<Arrangement<'_>>, Fault> {
    let reach: Vec<i64> = phrases.iter().map(|p| i64::from(p.length()) + i64::from(distance)).collect();
    let starts = reach
        .iter()
        .try_fold(1usize, |product, reach| product.checked_mul(usize::try_from(*reach).ok()? + 1));
    let before =
        reach.iter().try_fold(1usize, |product, reach| product.checked_mul(usize::try_from(*reach).ok()?));
    bounded(starts.zip(before).map(|(all, none)| all - none), bytes_of(phrases))?;
    let mut found = vec![];
    let mut starts: Vec<i64> = reach.iter().map(|reach| -reach).collect();
    arrange(&reach, 0, false, &mut starts, &mut |starts| {
        found.push(placed(phrases.iter().zip(starts.iter().copied())));
    });
    Ok(found)
}

/// Every list of starts of which one at least is 0, the beginning of the last phrase.
fn arrange(reach: &[i64], place: usize, last: bool, starts: &mut Vec<i64>, found: &mut impl FnMut(&[i64])) {
    if place == reach.len() {
        return found(starts);
    }
    let is_final = place + 1 == reach.len();
    let from = if is_final && !last { 0 } else { -reach[place] };
    for start in from..=0 {
        starts[place] = start;
        arrange(reach, place + 1, last || start == 0, starts, found);
    }
}

/// FTS3, FTS4: each phrase and the next, in either order, with at most so many words between them.
fn of_chain<'a>(first: &'a Phrase, rest: &'a [(u32, Phrase)]) -> Result<Vec<Arrangement<'a>>, Fault> {
    let mut ends: Vec<(Vec<(&Phrase, i64)>, i64)> = vec![(vec![(first, 1 - i64::from(first.length()))], 0)];
    let bytes = bytes_of(std::iter::once(first).chain(rest.iter().map(|(_, phrase)| phrase)));
    let mut left = first;
    for (distance, right) in rest {
        let (after, before) = (span(right, *distance), span(left, *distance));
        let choices = usize::try_from(after + before).ok().and_then(|n| n.checked_mul(ends.len()));
        bounded(choices, bytes)?;
        let steps = (1..=after).chain((1..=before).map(|back| -back));
        ends = steps
            .flat_map(|step| ends.iter().map(move |(row, end)| (row, end + step)))
            .map(|(row, end)| {
                let start = end + 1 - i64::from(right.length());
                (row.iter().copied().chain([(right, start)]).collect(), end)
            })
            .collect();
        left = right;
    }
    Ok(ends.into_iter().map(|(row, _)| placed(row)).collect())
}

fn span(phrase: &Phrase, distance: u32) -> i64 {
    i64::from(phrase.length()) + i64::from(distance)
}

/// What an arrangement of the phrases takes.
fn bytes_of<'a>(phrases: impl IntoIterator<Item = &'a Phrase>) -> usize {
    let tokens = phrases.into_iter().flat_map(|phrase| &phrase.tokens);
    tokens.flat_map(|token| &token.lexemes).map(|lexeme| lexeme.len() + BYTES_OF_WORD).sum()
}

/// Before any is made.
fn bounded(arrangements: Option<usize>, bytes: usize) -> Result<(), Fault> {
    let reason = match arrangements.filter(|count| *count <= MOST_ARRANGEMENTS) {
        Some(count) if count.checked_mul(bytes).is_some_and(|all| all <= MOST_BYTES) => return Ok(()),
        Some(_) => "the arrangements of NEAR's phrases have too many words".to_owned(),
        None => format!("NEAR has more than {MOST_ARRANGEMENTS} arrangements of its phrases"),
    };
    Err(Fault { kind: FaultKind::Unsupported, reason, at: 0 })
}

/// The words with the distances between them.
fn row(arrangement: &Arrangement<'_>, letters: &str) -> String {
    let mut text = String::new();
    let mut last = None;
    let mut count = 0;
    for (place, tokens) in arrangement {
        if let Some(last) = last {
            text += &match place - last {
                1 => " <-> ".to_owned(),
                distance => format!(" <{distance}> "),
            };
        }
        let lexemes: BTreeSet<String> = tokens
            .iter()
            .flat_map(|token| token.lexemes.iter().map(|lexeme| operand(lexeme, token.prefix, letters)))
            .collect();
        count += lexemes.len();
        text += &lexemes.into_iter().collect::<Vec<_>>().join(" <0> ");
        last = Some(*place);
    }
    if count > 1 { format!("({text})") } else { text }
}

fn operand(lexeme: &str, prefix: bool, letters: &str) -> String {
    let star = if prefix { "*" } else { "" };
    let colon = if prefix || !letters.is_empty() { ":" } else { "" };
    format!("'{}'{colon}{star}{letters}", lexeme.replace('\\', "\\\\").replace('\'', "''"))
}

/// Joined in pairs, so that the depth is the logarithm of the length.
fn balanced(parts: &[String], operator: &str) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            Some(format!("({}{operator}{})", balanced(left, operator)?, balanced(right, operator)?))
        }
    }
}
