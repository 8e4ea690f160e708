//! SQL text -> one SELECT of SQLite's grammar, guarded against hostile input; and where in the text an expression is.
//!
//! The parser uses no recursion, whatever follows does: a tree that is too deep does not get past `parse`.

use sqlite3_parser::ast::fmt::{ToTokens, TokenStream};
use sqlite3_parser::ast::{
    Cmd, Expr, FrameBound, FromClause, FunctionCallOrder, JoinConstraint, OneSelect, Over, QualifiedName,
    ResultColumn, Select, SelectTable, Stmt, Window,
};
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::{Parser, Tokenizer};
use sqlite3_parser::{Bump, FallibleIterator};

use super::parameters::{MARK, numbered};
use crate::sqltext::sqlite_unquote;
use crate::translate::Untranslatable;
use crate::translate::node::{Result, refuse};
use crate::translate::parse::first_line;

/// The most bytes of a statement.
const MAX_TEXT: usize = 200_000;
/// The most parentheses within each other: each may be a SELECT.
const MAX_PARENTHESES: usize = 100;
/// The most levels of the tree.
const DEEPEST: usize = 100;
/// How much deeper an expression counts within a SELECT than beside it.
pub(super) const SELECT_DEPTH: usize = 8;

/// A place in a statement, counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// Parses exactly one statement.
pub(super) fn command<'b>(sql: &str, bump: &'b Bump) -> Result<Cmd<'b>> {
    if sql.len() > MAX_TEXT {
        return refuse(format!("it is longer than {MAX_TEXT} bytes"));
    }
    if sql.contains(MARK) {
        return refuse("it has a character U+0001");
    }
    check_parentheses(sql)?;
    // The line break ends a trailing `--` comment.
    let text = bump.alloc_str(&format!("{}\n", with_offsets(&numbered(sql)?)?));
    let mut parser = Parser::new(bump, text.as_bytes());
    let unreadable = |e: sqlite3_parser::lexer::sql::Error| {
        refuse(format!("it cannot be parsed: {}", first_line(&e.to_string())))
    };
    let command = match parser.next() {
        Ok(Some(command)) => command,
        Ok(None) => return refuse("it is empty"),
        Err(e) => return unreadable(e),
    };
    match parser.next() {
        Ok(None) => {}
        Ok(Some(_)) => return refuse("it is more than one statement"),
        Err(e) => return unreadable(e),
    }
    Ok(command)
}

/// CREATE TRIGGER.
pub(super) fn parse_trigger<'b>(sql: &str, bump: &'b Bump) -> Result<&'b Stmt<'b>> {
    let Cmd::Stmt(stmt @ Stmt::CreateTrigger { .. }) = command(sql, bump)? else {
        return refuse("it is no CREATE TRIGGER");
    };
    Ok(bump.alloc(stmt))
}

/// The SELECT of CREATE VIEW, and the names that it gives the columns.
pub(super) fn parse_view<'b>(sql: &str, bump: &'b Bump) -> Result<(&'b Select<'b>, Option<Vec<String>>)> {
    let Cmd::Stmt(Stmt::CreateView { select, columns, .. }) = command(sql, bump)? else {
        return refuse("it is no CREATE VIEW");
    };
    check_depth(select)?;
    let names = columns.map(|columns| columns.iter().map(|c| sqlite_unquote(c.col_name.0)).collect());
    Ok((select, names))
}

pub(super) fn tokens(sql: &str) -> Result<Vec<(usize, &str, TokenType)>> {
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut out = vec![];
    loop {
        match scanner.scan(sql.as_bytes()) {
            Ok((start, Some((token, kind)), _)) => match std::str::from_utf8(token) {
                Ok(token) => out.push((start, token, kind)),
                Err(_) => return refuse("it is not UTF-8"),
            },
            Ok((_, None, _)) => return Ok(out),
            Err(e) => return refuse(format!("it cannot be read: {}", first_line(&e.to_string()))),
        }
    }
}

fn check_parentheses(sql: &str) -> Result<()> {
    let mut depth = 0usize;
    for (_, _, kind) in tokens(sql)? {
        depth = match kind {
            TokenType::TK_LP if depth >= MAX_PARENTHESES => return refuse("it is nested too deeply"),
            TokenType::TK_LP => depth + 1,
            TokenType::TK_RP => depth.saturating_sub(1),
            _ => depth,
        };
    }
    Ok(())
}

/// `LIMIT 10, 5` as `LIMIT 5 OFFSET 10`: the parser's tree does not tell which of the two was written.
fn with_offsets(sql: &str) -> Result<String> {
    let limits = tokens(sql)?.iter().filter(|(_, _, kind)| *kind == TokenType::TK_LIMIT).count();
    if limits > MAX_PARENTHESES {
        return refuse("it has too many limits");
    }
    let mut sql = sql.to_owned();
    for _ in 0..MAX_PARENTHESES {
        let Some((limit, comma, end)) = comma_of_limit(&tokens(&sql)?, sql.len()) else { return Ok(sql) };
        let (Some(before), Some(skipped)) = (sql.get(..limit), sql.get(limit..comma)) else { break };
        let (Some(taken), Some(after)) = (sql.get(comma + 1..end), sql.get(end..)) else { break };
        // A line break ends a comment.
        sql = format!("{before} {taken}\n OFFSET {skipped}\n{after}");
    }
    refuse("it has too many limits")
}

/// Where a LIMIT with a comma ends, where the comma is, and where the clause ends: it is the last one of its SELECT.
fn comma_of_limit(tokens: &[(usize, &str, TokenType)], length: usize) -> Option<(usize, usize, usize)> {
    for (at, (start, word, _)) in
        tokens.iter().enumerate().filter(|(_, (_, _, kind))| *kind == TokenType::TK_LIMIT)
    {
        let (mut depth, mut comma, mut end) = (0usize, None, length);
        for (place, _, kind) in &tokens[at + 1..] {
            match kind {
                TokenType::TK_LP => depth += 1,
                TokenType::TK_RP if depth > 0 => depth -= 1,
                TokenType::TK_RP | TokenType::TK_SEMI if depth == 0 => {
                    end = *place;
                    break;
                }
                TokenType::TK_COMMA if depth == 0 && comma.is_none() => comma = Some(*place),
                _ => {}
            }
        }
        if let Some(comma) = comma {
            return Some((start + word.len(), comma, end));
        }
    }
    None
}

/// A part of a statement.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Expr(&'a Expr<'a>),
    Select(&'a Select<'a>),
    From(&'a FromClause<'a>),
}

/// Refuses a tree that recursion would not survive.
pub(super) fn check_depth<'a>(select: &'a Select<'a>) -> Result<()> {
    check_parts(vec![Part::Select(select)])
}

/// The same of several parts, without recursion.
pub(super) fn check_parts(parts_of: Vec<Part<'_>>) -> Result<()> {
    let mut open: Vec<_> = parts_of.into_iter().map(|part| (part, 0)).collect();
    while let Some((part, depth)) = open.pop() {
        if depth >= DEEPEST {
            return refuse("it is nested too deeply");
        }
        let deeper = match part {
            Part::Expr(_) => depth + 1,
            Part::Select(_) | Part::From(_) => depth + SELECT_DEPTH,
        };
        parts(part, &mut |part| open.push((part, deeper)));
    }
    Ok(())
}

pub(super) fn parts<'a>(part: Part<'a>, found: &mut impl FnMut(Part<'a>)) {
    match part {
        Part::Expr(e) => of_expr(e, found),
        Part::Select(select) => of_select(select, found),
        Part::From(from) => of_from(from, found),
    }
}

fn of_expr<'a>(e: &'a Expr<'a>, found: &mut impl FnMut(Part<'a>)) {
    use Part::Expr as E;
    match e {
        Expr::Between { lhs, start, end, .. } => [*lhs, *start, *end].map(E).into_iter().for_each(found),
        Expr::Binary(l, _, r) => [*l, *r].map(E).into_iter().for_each(found),
        Expr::Case { base, when_then_pairs, else_expr } => {
            let pairs = when_then_pairs.iter().flat_map(|(when, then)| [when, then]);
            base.iter().copied().chain(pairs).chain(else_expr.iter().copied()).map(E).for_each(found);
        }
        Expr::Cast { expr, .. } => found(E(expr)),
        Expr::Collate(x, _) | Expr::IsNull(x) | Expr::NotNull(x) | Expr::Unary(_, x) => found(E(x)),
        Expr::Exists(select) | Expr::Subquery(select) => found(Part::Select(select)),
        Expr::FunctionCall { args, order_by, filter_over, .. } => {
            args.unwrap_or(&[]).iter().map(E).for_each(&mut *found);
            if let Some(FunctionCallOrder::SortList(list)) = order_by {
                list.iter().map(|s| E(&s.expr)).for_each(&mut *found);
            }
            filter_over.iter().for_each(|tail| of_tail(tail, found));
        }
        Expr::FunctionCallStar { filter_over, .. } => {
            filter_over.iter().for_each(|tail| of_tail(tail, found))
        }
        Expr::InList { lhs, rhs, .. } => {
            std::iter::once(*lhs).chain(rhs.unwrap_or(&[])).map(E).for_each(found);
        }
        Expr::InSelect { lhs, rhs, .. } => {
            found(E(lhs));
            found(Part::Select(rhs));
        }
        Expr::InTable { lhs, args, .. } => {
            std::iter::once(*lhs).chain(args.unwrap_or(&[])).map(E).for_each(found);
        }
        Expr::Like { lhs, rhs, escape, .. } => {
            [*lhs, *rhs].into_iter().chain(escape.iter().copied()).map(E).for_each(found);
        }
        Expr::Parenthesized(items) => items.iter().map(E).for_each(found),
        Expr::Raise(_, message) => message.iter().copied().map(E).for_each(found),
        Expr::DoublyQualified(..)
        | Expr::Id(_)
        | Expr::Literal(_)
        | Expr::Name(_)
        | Expr::Qualified(..)
        | Expr::Variable(_) => {}
    }
}

fn of_tail<'a>(tail: &'a sqlite3_parser::ast::FunctionTail<'a>, found: &mut impl FnMut(Part<'a>)) {
    tail.filter_clause.iter().copied().map(Part::Expr).for_each(&mut *found);
    if let Some(Over::Window(window)) = tail.over_clause {
        of_window(window, found);
    }
}

fn of_window<'a>(window: &'a Window<'a>, found: &mut impl FnMut(Part<'a>)) {
    window.partition_by.unwrap_or(&[]).iter().map(Part::Expr).for_each(&mut *found);
    window.order_by.unwrap_or(&[]).iter().map(|s| Part::Expr(&s.expr)).for_each(&mut *found);
    let bounds = window.frame_clause.iter().flat_map(|frame| std::iter::once(&frame.start).chain(&frame.end));
    for bound in bounds {
        if let FrameBound::Following(e) | FrameBound::Preceding(e) = bound {
            found(Part::Expr(e));
        }
    }
}

fn of_select<'a>(select: &'a Select<'a>, found: &mut impl FnMut(Part<'a>)) {
    select.with.iter().flat_map(|with| with.ctes).map(|cte| Part::Select(cte.select)).for_each(&mut *found);
    of_one(&select.body.select, found);
    select.body.compounds.iter().flatten().for_each(|arm| of_one(&arm.select, found));
    select.order_by.unwrap_or(&[]).iter().map(|s| Part::Expr(&s.expr)).for_each(&mut *found);
    if let Some(limit) = select.limit {
        found(Part::Expr(&limit.expr));
        limit.offset.iter().map(Part::Expr).for_each(found);
    }
}

fn of_one<'a>(one: &'a OneSelect<'a>, found: &mut impl FnMut(Part<'a>)) {
    match one {
        OneSelect::Select { columns, from, where_clause, group_by, having, window_clause, .. } => {
            for column in *columns {
                if let ResultColumn::Expr(e, _) = column {
                    found(Part::Expr(e));
                }
            }
            from.iter().map(Part::From).for_each(&mut *found);
            where_clause.iter().chain(having).copied().map(Part::Expr).for_each(&mut *found);
            group_by.unwrap_or(&[]).iter().map(Part::Expr).for_each(&mut *found);
            window_clause.unwrap_or(&[]).iter().for_each(|w| of_window(&w.window, found));
        }
        OneSelect::Values(rows) => rows.iter().flatten().map(Part::Expr).for_each(found),
    }
}

fn of_from<'a>(from: &'a FromClause<'a>, found: &mut impl FnMut(Part<'a>)) {
    let joins = || from.joins.iter().flatten();
    for table in from.select.iter().copied().chain(joins().map(|j| &j.table)) {
        match table {
            SelectTable::Table(..) => {}
            SelectTable::TableCall(_, args, _) => {
                args.unwrap_or(&[]).iter().map(Part::Expr).for_each(&mut *found)
            }
            SelectTable::Select(select, _) => found(Part::Select(select)),
            SelectTable::Sub(from, _) => found(Part::From(from)),
        }
    }
    for join in joins() {
        if let Some(JoinConstraint::On(e)) = &join.constraint {
            found(Part::Expr(e));
        }
    }
}

/// Visits all parts of a SELECT, also those of subqueries.
pub(super) fn each_part<'a>(select: &'a Select<'a>, visit: &mut impl FnMut(Part<'a>)) {
    let mut open = vec![Part::Select(select)];
    while let Some(part) = open.pop() {
        visit(part);
        parts(part, &mut |part| open.push(part));
    }
}

/// Visits an expression and its parts, subqueries aside.
pub(super) fn each<'a>(e: &'a Expr<'a>, visit: &mut impl FnMut(&'a Expr<'a>)) {
    let mut open = vec![e];
    while let Some(e) = open.pop() {
        visit(e);
        of_expr(e, &mut |part| {
            if let Part::Expr(e) = part {
                open.push(e);
            }
        });
    }
}

/// Whether an expression has a part that is so, subqueries aside.
pub(super) fn any<'a>(e: &'a Expr<'a>, is: impl Fn(&Expr<'_>) -> bool) -> bool {
    let mut found = false;
    each(e, &mut |e| found |= is(e));
    found
}

/// Whether a SELECT reads a table of this name, also in subqueries.
pub(super) fn reads<'a>(one: &'a OneSelect<'a>, name: &str) -> bool {
    let mut open = vec![];
    of_one(one, &mut |part| open.push(part));
    names_in(open).iter().any(|read| read.eq_ignore_ascii_case(name))
}

/// The names of what a SELECT reads, also in subqueries.
pub(super) fn read_names(select: &Select<'_>) -> Vec<String> {
    names_in(vec![Part::Select(select)])
}

pub(super) fn names_in(open: Vec<Part<'_>>) -> Vec<String> {
    let mut names = vec![];
    each_read(open, |table| names.push(sqlite_unquote(table.name.0)));
    names
}

/// The names of what a SELECT reads but its own common table expressions.
pub(super) fn read_beside(select: &Select<'_>) -> Vec<String> {
    let own: Vec<String> = (select.with.iter().flat_map(|with| with.ctes))
        .map(|cte| sqlite_unquote(cte.tbl_name.0).to_ascii_lowercase())
        .collect();
    let mut names = vec![];
    each_read(vec![Part::Select(select)], |table| {
        let name = sqlite_unquote(table.name.0);
        if table.db_name.is_some() || !own.contains(&name.to_ascii_lowercase()) {
            names.push(name);
        }
    });
    names
}

fn each_read<'a>(mut open: Vec<Part<'a>>, mut take: impl FnMut(&QualifiedName<'a>)) {
    while let Some(part) = open.pop() {
        match part {
            Part::From(from) => {
                let joined = from.joins.iter().flatten().map(|j| &j.table);
                for table in from.select.iter().copied().chain(joined) {
                    if let SelectTable::Table(table, ..) = table {
                        take(table);
                    }
                }
            }
            Part::Expr(Expr::InTable { rhs, .. }) => take(rhs),
            Part::Expr(_) | Part::Select(_) => {}
        }
        parts(part, &mut |part| open.push(part));
    }
}

/// An expression as SQL; its depth was checked.
pub(super) fn shown(e: &impl ToTokens) -> String {
    struct Text(String);
    impl TokenStream for Text {
        type Error = std::convert::Infallible;
        fn append(&mut self, kind: TokenType, value: Option<&str>) -> std::result::Result<(), Self::Error> {
            if !self.0.is_empty()
                && !matches!(kind, TokenType::TK_COMMA | TokenType::TK_RP | TokenType::TK_DOT)
            {
                let open = self.0.ends_with(['(', '.'])
                    || kind == TokenType::TK_LP && self.0.ends_with(char::is_alphanumeric);
                self.0.push_str(if open { "" } else { " " });
            }
            match (kind, value) {
                (TokenType::TK_BLOB, Some(digits)) => self.0 += &format!("x'{digits}'"),
                (_, Some(value)) => self.0 += value,
                (kind, None) => self.0 += kind.as_str().unwrap_or_default(),
            }
            Ok(())
        }
    }
    let mut text = Text(String::new());
    let _ = e.to_tokens(&mut text);
    text.0
}

/// A refusal, with the expression that it is about.
pub(super) fn near(mut refusal: Untranslatable, e: &Expr<'_>) -> Untranslatable {
    refusal.near.get_or_insert_with(|| shown(e));
    refusal
}

/// Where the tokens of an expression stand in a statement first.
pub(super) fn place(sql: &str, near: &str) -> Option<Place> {
    let (at, _) = found(sql, near)?;
    let before = sql.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Some(Place { line, column })
}

/// An expression as the statement spells it.
pub(super) fn original<'a>(sql: &'a str, shown: &str) -> Option<&'a str> {
    let (start, end) = found(sql, shown)?;
    sql.get(start..end)
}

pub(super) fn found(sql: &str, near: &str) -> Option<(usize, usize)> {
    let (all, wanted) = (tokens(sql).ok()?, tokens(near).ok()?);
    let same = |a: &(usize, &str, TokenType), b: &(usize, &str, TokenType)| {
        a.2 == b.2 && (operator(a.1) || a.1.eq_ignore_ascii_case(b.1))
    };
    let whole = all.windows(wanted.len().max(1)).find(|w| w.iter().zip(&wanted).all(|(a, b)| same(a, b)));
    let first = || all.iter().find(|a| wanted.first().is_some_and(|b| same(a, b))).map(std::slice::from_ref);
    let tokens = whole.or_else(first)?;
    let last = tokens.last()?;
    Some((tokens.first()?.0, last.0 + last.1.len()))
}

/// Operators have several spellings.
fn operator(token: &str) -> bool {
    !token.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '[' | '`'))
}
