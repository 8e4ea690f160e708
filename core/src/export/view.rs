//! PostgreSQL's views, as `pg_get_viewdef` prints them, -> SQLite's: those that have the same rows over the tables of the
//! file. Others are refused with a reason.
//!
//! Understood are SELECTs of columns and expressions from tables and views of the file, JOIN and LEFT JOIN, WHERE, GROUP BY,
//! HAVING, DISTINCT, ORDER BY, `count`, `sum`, `min`, `max`, UNION and UNION ALL.

use super::columns::OutColumn;
use super::expression::tokens::{Token, tokens};
use super::expression::{Class, Node, Of, Parser, Result, Scope, comparable, refuse};
use crate::sqltext::{ident_list, sqlite_ident};

/// A table or view of the file that a view may read.
pub struct Readable<'a> {
    pub schema: String,
    /// Its name in PostgreSQL.
    pub name: String,
    /// Its name in the file.
    pub target: String,
    pub columns: Vec<OutColumn<'a>>,
}

/// What a view is in SQLite.
#[derive(Debug, Clone)]
pub struct Translated {
    pub create: String,
    /// The relation, by its place, and the column that each column of the view is; `None` where it is computed.
    pub origins: Vec<Option<(usize, usize)>>,
}

/// One SELECT.
struct Select {
    sql: String,
    items: Vec<Item>,
    ordered: bool,
}

struct Item {
    node: Node,
    name: String,
    origin: Option<(usize, usize)>,
}

/// The statement that makes the view, whose columns have these names in PostgreSQL.
pub fn view(target: &str, query: &str, names: &[String], readable: &[Readable<'_>]) -> Result<Translated> {
    let Select { sql, items, .. } = compound(tokens(query.trim_end().trim_end_matches(';'))?, readable, 0)?;
    if items.len() != names.len() {
        return refuse("its columns are not understood");
    }
    let create = format!("CREATE VIEW {} ({}) AS {sql}", sqlite_ident(target), ident_list(names));
    Ok(Translated { create, origins: items.iter().map(|item| item.origin).collect() })
}

/// SELECTs and the words between them. The first of them may be several in parentheses: SQLite, too, joins them from the left.
fn compound(mut rest: Vec<Token>, readable: &[Readable<'_>], depth: usize) -> Result<Select> {
    const DEEPEST: usize = 50;
    if depth > DEEPEST {
        return refuse("its SELECTs are nested too deeply");
    }
    let mut whole: Option<Select> = None;
    loop {
        let (part, set) = until_set(&mut rest)?;
        let select = match part.as_slice() {
            [open, inner @ .., close] if whole.is_none() && open.is("(") && close.is(")") => {
                compound(inner.to_vec(), readable, depth + 1)?
            }
            _ => Reader { tokens: &part, at: 0, readable }.select()?,
        };
        let joined = match whole {
            None => select,
            Some(before) => {
                alike(&before.items, &select.items)?;
                if select.ordered {
                    return refuse("the order of a UNION is not carried over");
                }
                Select { sql: before.sql + &select.sql, ..before }
            }
        };
        let Some(word) = set else {
            return Ok(joined);
        };
        if joined.ordered {
            return refuse("the order of a UNION is not carried over");
        }
        joined.items.iter().try_for_each(|item| comparable_alone(&item.node))?;
        whole = Some(Select { sql: format!("{} {word} ", joined.sql), ..joined });
    }
}

/// The tokens of the next SELECT, and the word that joins another one to it.
fn until_set(rest: &mut Vec<Token>) -> Result<(Vec<Token>, Option<&'static str>)> {
    let mut depth = 0usize;
    let at = rest.iter().position(|token| {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && ["UNION", "EXCEPT", "INTERSECT"].iter().any(|word| token.is(word))
    });
    let Some(at) = at else { return Ok((std::mem::take(rest), None)) };
    let mut after = rest.split_off(at);
    let all = after.get(1).is_some_and(|token| token.is("ALL"));
    if !after[0].is("UNION") {
        return refuse("EXCEPT and INTERSECT are not carried over");
    }
    after.drain(..if all { 2 } else { 1 });
    let part = std::mem::replace(rest, after);
    Ok((part, Some(if all { "UNION ALL" } else { "UNION" })))
}

/// The columns of two SELECTs are of one kind.
fn alike(one: &[Item], other: &[Item]) -> Result<()> {
    if one.len() != other.len() {
        return refuse("the SELECTs of a UNION are not understood");
    }
    one.iter().zip(other).try_for_each(|(a, b)| match (a.node.class, b.node.class) {
        (Class::Null, _) | (_, Class::Null) => refuse("a NULL in a UNION has no type in SQLite"),
        _ if a.node.of != b.node.of => refuse("the SELECTs of a UNION have columns of different types"),
        _ => comparable(&a.node, &b.node, true),
    })
}

/// Rows are told apart by it as in PostgreSQL.
fn comparable_alone(node: &Node) -> Result<()> {
    match node.class {
        Class::Null => refuse("a NULL has no type in SQLite"),
        _ => comparable(node, node, true),
    }
}

struct Reader<'t, 'a> {
    tokens: &'t [Token],
    at: usize,
    readable: &'a [Readable<'a>],
}

/// What is read, as SQL, and the places of the relations in the order of their aliases.
struct From<'a> {
    sql: String,
    scopes: Vec<Scope<'a>>,
    places: Vec<usize>,
}

const CLAUSES: &[&str] =
    &["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FETCH", "WINDOW", "FOR"];

impl<'a> Reader<'_, 'a> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(mark));
        self.at += usize::from(found);
        found
    }

    /// The tokens up to the next clause, outside of parentheses.
    fn clause(&mut self) -> Vec<Token> {
        let mut depth = 0usize;
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|token| {
                if token.is("(") {
                    depth += 1;
                } else if token.is(")") {
                    depth = depth.saturating_sub(1);
                }
                depth == 0 && CLAUSES.iter().any(|word| token.is(word))
            })
            .unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_vec()
    }

    fn select(mut self) -> Result<Select> {
        if !self.take("SELECT") {
            return refuse("the query is no SELECT of tables");
        }
        let distinct = self.take("DISTINCT");
        if distinct && self.peek().is_some_and(|token| token.is("ON")) {
            return refuse("DISTINCT ON is not carried over");
        }
        let list = self.clause();
        let from = if self.take("FROM") {
            let part = self.clause();
            Reader { tokens: &part, at: 0, readable: self.readable }.from()?
        } else {
            From { sql: String::new(), scopes: vec![], places: vec![] }
        };
        let items = items(&list, &from)?;
        if distinct {
            items.iter().try_for_each(|item| comparable_alone(&item.node))?;
        }
        let printed: Vec<String> =
            items.iter().map(|item| format!("{} AS {}", item.node.sql, sqlite_ident(&item.name))).collect();
        let mut sql = format!("SELECT {}{}", if distinct { "DISTINCT " } else { "" }, printed.join(", "));
        if !from.sql.is_empty() {
            sql.push_str(&format!(" FROM {}", from.sql));
        }
        if self.take("WHERE") {
            sql.push_str(&format!(" WHERE {}", condition(&self.clause(), &from, false)?));
        }
        if self.take("GROUP") {
            if !self.take("BY") {
                return refuse("GROUP BY was expected");
            }
            let keys = list_of(&self.clause(), &from, false)?;
            keys.iter().try_for_each(|(node, _)| comparable_alone(node))?;
            if keys.iter().any(|(node, _)| node.constant) {
                return refuse("GROUP BY a constant is not carried over");
            }
            let keys: Vec<&str> = keys.iter().map(|(node, _)| node.sql.as_str()).collect();
            sql.push_str(&format!(" GROUP BY {}", keys.join(", ")));
        }
        if self.take("HAVING") {
            sql.push_str(&format!(" HAVING {}", condition(&self.clause(), &from, true)?));
        }
        let ordered = self.take("ORDER");
        if ordered {
            if !self.take("BY") {
                return refuse("ORDER BY was expected");
            }
            sql.push_str(&format!(" ORDER BY {}", order(&self.clause(), &from, &items)?));
        }
        match self.peek() {
            None => Ok(Select { sql, items, ordered }),
            Some(token) if token.is("LIMIT") || token.is("OFFSET") || token.is("FETCH") => {
                refuse("which rows LIMIT leaves out may be another matter in SQLite")
            }
            Some(_) => refuse("the query is not understood"),
        }
    }

    /// One item of FROM; several in a list are not printed without parentheses round joins.
    fn from(mut self) -> Result<From<'a>> {
        let mut from = From { sql: String::new(), scopes: vec![], places: vec![] };
        let mut parts = vec![];
        loop {
            parts.push(self.relation(&mut from, 0)?);
            if !self.take(",") {
                break;
            }
        }
        from.sql = parts.join(" CROSS JOIN ");
        match self.peek() {
            None => Ok(from),
            Some(_) => refuse("what the query reads is not understood"),
        }
    }

    fn relation(&mut self, from: &mut From<'a>, depth: usize) -> Result<String> {
        const DEEPEST: usize = 50;
        if depth > DEEPEST {
            return refuse("its joins are nested too deeply");
        }
        if self.take("(") {
            if self.peek().is_some_and(|token| token.is("SELECT") || token.is("VALUES") || token.is("WITH")) {
                return refuse("subqueries are not carried over");
            }
            let left = self.relation(from, depth + 1)?;
            let word = if self.take("JOIN") {
                "JOIN"
            } else if self.take("LEFT") && self.take("JOIN") {
                "LEFT JOIN"
            } else if self.take("CROSS") && self.take("JOIN") {
                "CROSS JOIN"
            } else {
                return refuse("a join of this kind is not carried over");
            };
            let right = self.relation(from, depth + 1)?;
            let mut sql = format!("{left} {word} {right}");
            if self.take("ON") {
                let mut tokens = vec![];
                let mut open = 0usize;
                while let Some(token) = self.peek() {
                    if token.is(")") && open == 0 {
                        break;
                    }
                    if token.is("(") {
                        open += 1;
                    } else if token.is(")") {
                        open -= 1;
                    }
                    tokens.push(token.clone());
                    self.at += 1;
                }
                sql.push_str(&format!(" ON {}", condition(&tokens, from, false)?));
            } else if word != "CROSS JOIN" {
                return refuse("a join without ON is not carried over");
            }
            if !self.take(")") {
                return refuse("what the query reads is not understood");
            }
            return Ok(format!("({sql})"));
        }
        let first = self.word()?;
        if !self.take(".") {
            return refuse("a function or a set of rows in FROM is not carried over");
        }
        let name = self.word()?;
        let place = self.readable.iter().position(|r| r.schema == first && r.name == name);
        let Some(place) = place else {
            return refuse(format!("it reads {first}.{name}, which is not in the file"));
        };
        let readable = &self.readable[place];
        let alias = match self.peek() {
            Some(Token::Name(alias)) => Some(alias.clone()),
            Some(Token::Word(alias)) if !is_keyword(alias) => Some(alias.clone()),
            _ => None,
        };
        self.at += usize::from(alias.is_some());
        if self.peek().is_some_and(|token| token.is("(") || token.is("TABLESAMPLE")) {
            return refuse("columns that are called otherwise in FROM are not carried over");
        }
        let alias = alias.unwrap_or(name);
        if from
            .scopes
            .iter()
            .any(|scope| scope.alias.as_ref().is_some_and(|a| a.eq_ignore_ascii_case(&alias)))
        {
            return refuse("its aliases differ by case only");
        }
        from.scopes.push(Scope { alias: Some(alias.clone()), columns: readable.columns.iter().collect() });
        from.places.push(place);
        Ok(format!("{} AS {}", sqlite_ident(&readable.target), sqlite_ident(&alias)))
    }

    fn word(&mut self) -> Result<String> {
        match self.peek().cloned() {
            Some(Token::Name(word) | Token::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => refuse("what the query reads is not understood"),
        }
    }
}

/// PostgreSQL quotes names with capital letters.
fn is_keyword(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_uppercase())
}

fn items(tokens: &[Token], from: &From<'_>) -> Result<Vec<Item>> {
    let of_item = |(node, name): (Node, Option<String>)| {
        let column = node
            .column
            .map(|(scope, place)| (from.scopes[scope].columns[place], (from.places[scope], place)));
        let computed = matches!(node.class, Class::Other | Class::Named | Class::Null);
        match (column, name) {
            (None, _) if computed => refuse("a column of it is of a type that is stored in another form"),
            (None, _)
                if node.class == Class::Number
                    && !matches!(node.of, Of::SmallInt | Of::Integer | Of::BigInt) =>
            {
                refuse("a column of it is computed in decimals, or in floating point")
            }
            (column, name) => {
                let name =
                    name.or(column.map(|(c, _)| c.source.name.clone())).unwrap_or_else(|| "column".into());
                Ok(Item { node, name, origin: column.map(|(_, origin)| origin) })
            }
        }
    };
    list_of(tokens, from, true)?.into_iter().map(of_item).collect()
}

/// Expressions, each with what it is called.
fn list_of(tokens: &[Token], from: &From<'_>, aggregates: bool) -> Result<Vec<(Node, Option<String>)>> {
    let mut parser = parser(tokens, from, aggregates);
    let mut out = vec![];
    loop {
        let node = parser.or()?;
        let name = match parser.take("AS") {
            false => None,
            true => match parser.peek().cloned() {
                Some(Token::Name(name) | Token::Word(name)) => {
                    parser.at += 1;
                    Some(name)
                }
                _ => return refuse("a column's name is not understood"),
            },
        };
        out.push((node, name));
        if !parser.take(",") {
            break;
        }
    }
    match parser.peek() {
        None => Ok(out),
        Some(_) => refuse("a list of the query is not understood"),
    }
}

fn condition(tokens: &[Token], from: &From<'_>, aggregates: bool) -> Result<String> {
    match list_of(tokens, from, aggregates)?.as_slice() {
        [(node, None)] if node.class == Class::Boolean => Ok(node.sql.clone()),
        _ => refuse("a condition of the query is not understood"),
    }
}

/// NULLs come last in PostgreSQL, unless the order is descending.
fn order(tokens: &[Token], from: &From<'_>, items: &[Item]) -> Result<String> {
    let mut parser = parser(tokens, from, true);
    let mut out = vec![];
    loop {
        let node = match parser.peek() {
            // A column of the result, by its name or its place.
            Some(Token::Number(_)) => return refuse("ORDER BY a column's place is not carried over"),
            _ => parser.or().or_else(|error| match parser_name(tokens, &parser) {
                Some(name) => match items.iter().find(|item| item.name == name) {
                    Some(item) => Ok(item.node.clone()),
                    None => Err(error),
                },
                None => Err(error),
            })?,
        };
        match node.class {
            Class::Null => return refuse("ORDER BY NULL is not carried over"),
            _ => comparable(&node, &node, false)?,
        }
        let descending = parser.take("DESC");
        let nulls = match parser.take("NULLS") {
            true if parser.take("FIRST") => "FIRST",
            true if parser.take("LAST") => "LAST",
            true => return refuse("ORDER BY is not understood"),
            false if descending => "FIRST",
            false => "LAST",
        };
        out.push(format!("{}{} NULLS {nulls}", node.sql, if descending { " DESC" } else { "" }));
        if !parser.take(",") {
            break;
        }
    }
    match parser.peek() {
        None => Ok(out.join(", ")),
        Some(_) => refuse("ORDER BY is not understood"),
    }
}

/// The name that the parser has just failed to find.
fn parser_name(tokens: &[Token], parser: &Parser<'_>) -> Option<String> {
    match tokens.get(parser.at.checked_sub(1)?)? {
        Token::Name(name) | Token::Word(name) => Some(name.clone()),
        _ => None,
    }
}

fn parser<'p>(tokens: &[Token], from: &'p From<'p>, aggregates: bool) -> Parser<'p> {
    let mut parser = Parser::new(tokens.to_vec(), &from.scopes, None);
    parser.aggregates = aggregates;
    parser
}
