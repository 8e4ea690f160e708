//! Translates SQLite's syntax tree: every node becomes a `Node`, or the reason why it cannot.
//!
//! Assumes a tree from `parse`. Depth is counted, since a chain of operators nests without parentheses.

use sqlite3_parser::ast::{Expr, FunctionTail, LikeOperator, Literal, Operator, UnaryOperator};

use super::compare::{self, Op};
use super::node::{Collation, Kind, Node, Prec, Result, TEXT, boolean, integer, null, refuse, text};
use super::parse::MAX_DEPTH;
use super::program::Program;
use super::{Scope, ScopeColumn, arith, cast, datetime, function, glob, json, like, literal, random};
use crate::sqltext;
use crate::types::TypeClass;
use crate::value::{PgType, Timezone};

/// Translates within one scope.
pub(super) struct Walk<'s> {
    pub scope: &'s Scope,
    /// A bare word that is not a column is a string, as in `DEFAULT word`.
    pub words_are_strings: bool,
    pub depth: usize,
    /// Of a statement: what its names mean, and what is assumed.
    pub program: Option<Box<Program<'s>>>,
}

impl<'s> Walk<'s> {
    pub fn new(scope: &'s Scope) -> Walk<'s> {
        Walk { scope, words_are_strings: false, depth: 0, program: None }
    }

    pub fn expr(&mut self, e: &'s Expr<'s>) -> Result<Node> {
        if self.depth >= MAX_DEPTH {
            return refuse("the expression is nested too deeply");
        }
        self.depth += 1;
        let node = match self.program {
            Some(_) => self.in_program(e),
            None => self.node(e),
        };
        self.depth -= 1;
        node
    }

    /// An expression as it is anywhere.
    pub(super) fn node(&mut self, e: &'s Expr<'s>) -> Result<Node> {
        if let Some(uuid) = random::uuid_text(e) {
            return Ok(uuid);
        }
        match e {
            Expr::Literal(l) => literal_node(l),
            Expr::Id(id) => self.identifier(id.0),
            Expr::Name(n) => self.identifier(n.0),
            Expr::Qualified(table, column) | Expr::DoublyQualified(_, table, column) => {
                self.qualified(table.0, column.0)
            }
            Expr::Parenthesized(items) => match items.as_slice() {
                [one] => self.expr(one),
                _ => refuse("row values have no equivalent here"),
            },
            Expr::Unary(op, x) => self.unary(*op, x),
            Expr::Binary(l, op, r) => self.binary(l, *op, r),
            Expr::Between { lhs, not, start, end } => self.between([lhs, start, end], *not),
            Expr::InList { lhs, not, rhs } => self.in_list(lhs, *not, rhs.unwrap_or(&[])),
            Expr::IsNull(x) => Ok(compare::is_null(&self.expr(x)?, false)),
            Expr::NotNull(x) => Ok(compare::is_null(&self.expr(x)?, true)),
            Expr::Like { lhs, not, op, rhs, escape } => self.like(lhs, *not, *op, rhs, *escape),
            Expr::Case { base, when_then_pairs, else_expr } => self.case(*base, when_then_pairs, *else_expr),
            Expr::Cast { expr, type_name } => self.cast(expr, type_name.as_ref().map_or("", |t| t.name)),
            Expr::Collate(x, name) => self.collate(x, name),
            Expr::FunctionCall { name, distinctness: None, args, order_by: None, filter_over } => {
                self.call(name.0, args.unwrap_or(&[]), filter_over.as_ref())
            }
            // The rest occurs only in queries, triggers and prepared statements.
            Expr::FunctionCall { .. } | Expr::FunctionCallStar { .. } => {
                refuse("aggregates have no equivalent here")
            }
            Expr::Variable(_) => refuse("parameters have no equivalent"),
            Expr::Raise(..) => refuse("RAISE has no equivalent here"),
            _ => refuse("subqueries have no equivalent here"),
        }
    }

    fn between(&mut self, operands: [&'s Expr<'s>; 3], not: bool) -> Result<Node> {
        let operands = operands.into_iter().map(|e| self.expr(e)).collect::<Result<Vec<Node>>>()?;
        if let [value, low, high] = operands.as_slice()
            && self.is_apart(value, low, high)
        {
            let above = self.compare(value.clone(), Op::Ge, low.clone())?;
            let below = self.compare(value.clone(), Op::Le, high.clone())?;
            let both = logic(&above, "AND", Prec::And, &below)?;
            return if not { negated(&both) } else { Ok(both) };
        }
        match self.compared(operands, true)?.as_slice() {
            [value, low, high] => compare::between(value.clone(), low.clone(), high.clone(), not),
            _ => refuse("BETWEEN needs two bounds"),
        }
    }

    fn in_list(&mut self, lhs: &'s Expr<'s>, not: bool, items: &'s [Expr<'s>]) -> Result<Node> {
        let operands =
            std::iter::once(lhs).chain(items).map(|e| self.expr(e)).collect::<Result<Vec<Node>>>()?;
        if let Some((value, items)) = operands.split_first()
            && self.is_unlike(value, items)
        {
            return self.in_unlike(value, items.to_vec(), not);
        }
        let mut operands = self.compared(operands, false)?.into_iter();
        match operands.next() {
            Some(value) => compare::in_list(value, operands.collect(), not),
            None => refuse("IN needs a value"),
        }
    }

    fn cast(&mut self, e: &'s Expr<'s>, type_name: &str) -> Result<Node> {
        let value = self.expr(e)?;
        match self.program {
            Some(_) => self.cast_in_program(value, type_name),
            None => cast::cast(value, type_name),
        }
    }

    fn qualified(&mut self, table: &str, token: &str) -> Result<Node> {
        let name = literal::unquote(token);
        let found = match self.program {
            Some(_) => self.named(Some(&literal::unquote(table)), &name)?,
            None => self.column(&name),
        };
        found.map_or_else(|| refuse(format!("no column {token}")), Ok)
    }

    pub(super) fn list(&mut self, items: &'s [Expr<'s>]) -> Result<Vec<Node>> {
        items.iter().map(|i| self.expr(i)).collect()
    }

    /// A column, TRUE, FALSE, or SQLite's double-quoted string that names no column.
    fn identifier(&mut self, token: &str) -> Result<Node> {
        let name = literal::unquote(token);
        if self.program.is_some() {
            return match self.named(None, &name)? {
                Some(column) => Ok(column),
                None => self.word(token, &name),
            };
        }
        if let Some(column) = self.column(&name) {
            // 0.15 of single precision is not 0.15 of double precision.
            let is_it = |c: &&super::ScopeColumn| c.source.eq_ignore_ascii_case(&name);
            if self.scope.columns.iter().find(is_it).is_some_and(|c| c.pg_type == PgType::Float4) {
                return refuse(format!(
                    "{token} is real, which is compared and computed in double precision"
                ));
            }
            return Ok(column);
        }
        self.word(token, &name)
    }

    /// A word that is no column's name.
    fn word(&mut self, token: &str, name: &str) -> Result<Node> {
        match token.to_ascii_lowercase().as_str() {
            "true" => Ok(integer(1)),
            "false" => Ok(integer(0)),
            _ if token.starts_with('"') || self.words_are_strings => {
                if let Some(program) = &mut self.program {
                    if program.may_spell(name) {
                        return refuse(format!("{token} may be a column that is named by its expression"));
                    }
                    program.note(format!("{token} names no column, and is a text as in SQLite"));
                }
                Ok(text(name))
            }
            _ => refuse(format!("no column {token}")),
        }
    }

    fn column(&self, name: &str) -> Option<Node> {
        let c = self.scope.columns.iter().find(|c| c.source.eq_ignore_ascii_case(name))?;
        Some(column_node(c, &self.scope.timezone))
    }

    fn unary(&mut self, op: UnaryOperator, x: &'s Expr<'s>) -> Result<Node> {
        let x = self.expr(x)?;
        let x = if self.program.is_some() { self.operand(op, x)? } else { x };
        match op {
            UnaryOperator::Not if x.is_null() => x.truth(),
            UnaryOperator::Not => negated(&x),
            UnaryOperator::Negative => arith::negate(&x),
            // Unary plus only removes a column's affinity.
            UnaryOperator::Positive => Ok(x),
            UnaryOperator::BitwiseNot => arith::bit_not(&x),
        }
    }

    fn binary(&mut self, l: &'s Expr<'s>, op: Operator, r: &'s Expr<'s>) -> Result<Node> {
        let comparison = match op {
            Operator::Equals => Some(Op::Eq),
            Operator::NotEquals => Some(Op::Ne),
            Operator::Less => Some(Op::Lt),
            Operator::LessEquals => Some(Op::Le),
            Operator::Greater => Some(Op::Gt),
            Operator::GreaterEquals => Some(Op::Ge),
            Operator::Is => Some(Op::Is),
            Operator::IsNot => Some(Op::IsNot),
            _ => None,
        };
        let left = self.expr(l)?;
        if let (Some(op @ (Op::Is | Op::IsNot)), Some(word)) = (comparison, self.truth_word(r)) {
            return is_truth(&left, op == Op::IsNot, word);
        }
        let right = self.expr(r)?;
        match comparison {
            Some(comparison) => self.compare(left, comparison, right),
            None => self.computed(left, op, right),
        }
    }

    /// An operator that is no comparison.
    fn computed(&mut self, left: Node, op: Operator, right: Node) -> Result<Node> {
        let (left, right) = match &self.program {
            Some(_) => self.operands(left, op, right)?,
            None => (left, right),
        };
        match op {
            Operator::And => logic(&left, "AND", Prec::And, &right),
            Operator::Or => logic(&left, "OR", Prec::Or, &right),
            Operator::Concat => arith::concat(&left, &right),
            Operator::ArrowRight | Operator::ArrowRightShift if self.program.is_some() => {
                self.json_arrow(&left, &right, op == Operator::ArrowRight)
            }
            Operator::ArrowRightShift => json::arrow(&left, &right),
            Operator::ArrowRight => refuse("the text of a JSON member (->) differs"),
            _ => match &self.program {
                Some(_) => self.arithmetic(&left, op, &right),
                None => arith::binary(&left, op, &right),
            },
        }
    }

    /// TRUE and FALSE after IS test for truth; elsewhere they are 1 and 0.
    fn truth_word(&self, e: &'s Expr<'s>) -> Option<&'static str> {
        let Expr::Id(id) = e else { return None };
        let named = match &self.program {
            Some(program) => program.knows(id.0),
            None => self.column(id.0).is_some(),
        };
        if named {
            return None;
        }
        ["TRUE", "FALSE"].into_iter().find(|w| w.eq_ignore_ascii_case(id.0))
    }

    fn like(
        &mut self,
        value: &'s Expr<'s>,
        not: bool,
        op: LikeOperator,
        pattern: &'s Expr<'s>,
        escape: Option<&'s Expr<'s>>,
    ) -> Result<Node> {
        let (value, pattern) = (self.expr(value)?, self.expr(pattern)?);
        let (value, pattern) = (self.as_text(value)?, self.as_text(pattern)?);
        let escape = escape.map(|e| self.expr(e)).transpose()?;
        match op {
            LikeOperator::Like
                if self.program.is_some() && pattern.literal().is_none() && !value.is_null() =>
            {
                match escape
                    .as_ref()
                    .map(|e| e.text_literal().unwrap_or("").chars().collect::<Vec<char>>())
                    .as_deref()
                {
                    Some([one]) => self.like_escaped(&value, &pattern, *one, not),
                    _ => like::like(&value, &pattern, escape.as_ref(), not),
                }
            }
            LikeOperator::Like => like::like(&value, &pattern, escape.as_ref(), not),
            LikeOperator::Glob
                if self.program.is_some()
                    && escape.is_none()
                    && pattern.literal().is_none()
                    && !value.is_null() =>
            {
                self.glob_computed(&value, &pattern, not)
            }
            LikeOperator::Glob if escape.is_none() => glob::glob(&value, &pattern, not),
            LikeOperator::Glob => refuse("GLOB with ESCAPE"),
            LikeOperator::Regexp if self.program.is_some() && escape.is_none() => {
                self.regexp(&value, &pattern, not)
            }
            LikeOperator::Regexp => refuse("REGEXP is an application's own function"),
            LikeOperator::Match => refuse("MATCH is translated in statements and views only"),
        }
    }

    fn case(
        &mut self,
        base: Option<&'s Expr<'s>>,
        pairs: &'s [(Expr<'s>, Expr<'s>)],
        otherwise: Option<&'s Expr<'s>>,
    ) -> Result<Node> {
        let base = base.map(|b| self.expr(b)).transpose()?;
        let (mut conditions, mut results) = (Vec::new(), Vec::new());
        for (when, then) in pairs {
            let when = self.expr(when)?;
            conditions.push(match &base {
                Some(b) => self.compare(b.clone(), Op::Eq, when)?,
                None => when.truth()?,
            });
            results.push(self.expr(then)?);
        }
        if let Some(e) = otherwise {
            results.push(self.expr(e)?);
        }
        match self.program {
            Some(_) => self.case_in_program(&conditions, results),
            None => function::case(&conditions, results),
        }
    }

    fn collate(&mut self, x: &'s Expr<'s>, name: &str) -> Result<Node> {
        collated(self.expr(x)?, name)
    }

    fn call(&mut self, token: &str, args: &'s [Expr<'s>], tail: Option<&FunctionTail<'_>>) -> Result<Node> {
        let name = literal::unquote(token).to_ascii_lowercase();
        if tail.is_some() {
            return refuse(format!("window function \"{name}\" has no equivalent here"));
        }
        let args = self.list(args)?;
        match self.program {
            Some(_) => self.call_in_program(&name, args),
            None => function::call(&name, &args),
        }
    }
}

/// A value with a COLLATE.
pub(super) fn collated(mut node: Node, name: &str) -> Result<Node> {
    // Of several COLLATEs on one operand the last one written applies.
    let name = literal::unquote(name);
    node.collate = Some(Collation::named(&name)).filter(|collation| *collation != Collation::Own);
    if node.collate.is_none() {
        return refuse(format!("collation {} is an application's own", name.to_ascii_uppercase()));
    }
    Ok(node)
}

/// A column as an expression reads it.
pub(super) fn column_node(c: &ScopeColumn, timezone: &Timezone) -> Node {
    let kind = Kind::Column { format: c.format, collation: c.collation, timezone: timezone.clone() };
    let bits = match c.pg_type {
        PgType::Int2 => 16,
        PgType::Int4 => 32,
        _ => 64,
    };
    let name = sqltext::ident(&c.target);
    let sql = if c.read_as_text { name + TEXT } else { name };
    Node::atom(sql, TypeClass::of(&c.pg_type)).kind(kind).sized(c.size, bits)
}

fn literal_node(l: &Literal<'_>) -> Result<Node> {
    match l {
        Literal::Numeric(token) => literal::numeric_token(token),
        Literal::String(token) => Ok(text(&literal::unquote(token))),
        Literal::Blob(digits) => literal::blob_token(digits),
        Literal::Keyword(word) => Ok(text(word)),
        Literal::Null => Ok(null()),
        Literal::CurrentDate => datetime::call("date", &[]),
        Literal::CurrentTime => datetime::call("time", &[]),
        Literal::CurrentTimestamp => datetime::call("datetime", &[]),
    }
}

fn logic(left: &Node, word: &str, prec: Prec, right: &Node) -> Result<Node> {
    let (l, r) = (left.truth()?, right.truth()?);
    // Mixed AND and OR get parentheses for the reader's sake.
    let show = |n: &Node| if n.prec == prec { n.sql.clone() } else { n.at(Prec::Not) };
    Ok(Node::new(format!("{} {word} {}", show(&l), show(&r)), TypeClass::Bool, prec).after(&[&l, &r]))
}

fn negated(x: &Node) -> Result<Node> {
    let x = x.truth()?;
    Ok(Node::new(format!("NOT {}", x.at(Prec::Compare)), TypeClass::Bool, Prec::Not).after(&[&x]))
}

fn is_truth(value: &Node, not: bool, word: &str) -> Result<Node> {
    if value.is_null() {
        return Ok(boolean(not));
    }
    let value = value.truth()?;
    let not = if not { "NOT " } else { "" };
    Ok(Node::boolean(format!("{} IS {not}{word}", value.at(Prec::Operator))).after(&[&value]))
}
