//! Comparisons of values of different storage classes, and of values whose class only a JSON document knows.
//!
//! SQLite applies the affinity of a column to the other operand, and has numbers before texts where neither operand has one. A
//! text that is a number becomes one beside a number column; a number becomes a text beside a text column; what is
//! left is the order of storage classes.

use super::LONGEST;
use crate::translate::beginning;
use crate::translate::compare::{self, Op};
use crate::translate::expr::Walk;
use crate::translate::literal;
use crate::translate::member::Member;
use crate::translate::node::{Brings, Collation, Kind, Lit, Node, Prec, Result, boolean, refuse, text};
use crate::types::TypeClass;
use crate::value::Timezone;

/// What SQLite applies to the operand beside a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Number,
    Text,
    /// A column's that converts nothing, and keeps TEXT from converting it.
    Blob,
    None,
}

fn affinity(node: &Node) -> Affinity {
    match (&node.kind, node.class) {
        _ if node.bare => Affinity::None,
        _ if node.untyped => Affinity::Blob,
        (Kind::Column { .. }, TypeClass::Text) if !node.numeric_text => Affinity::Text,
        (Kind::Column { .. }, _) if is_number(node) => Affinity::Number,
        _ => Affinity::None,
    }
}

/// A column that makes numbers of the texts beside it.
pub(super) fn reads_numbers(node: &Node) -> bool {
    affinity(node) == Affinity::Number
}

fn is_number(node: &Node) -> bool {
    node.is_number() || node.class == TypeClass::Bool
}

fn is_text(node: &Node) -> bool {
    node.class == TypeClass::Text && !node.is_null()
}

/// The class is known from the value only.
fn is_dynamic(node: &Node) -> bool {
    matches!(node.kind, Kind::Member(_) | Kind::Dynamic)
}

/// Whether SQLite compares the two as values of different storage classes, or by their affinities, so that one of
/// PostgreSQL's types is not enough.
pub(super) fn unlike(l: &Node, r: &Node, orders: bool) -> bool {
    if l.is_null() || r.is_null() || l.unsure || r.unsure {
        return false;
    }
    if is_dynamic(l) || is_dynamic(r) {
        return true;
    }
    if l.numeric_text || r.numeric_text {
        return false;
    }
    let (number, other) = match (is_number(l), is_text(r), is_number(r), is_text(l)) {
        (true, true, ..) => (l, r),
        (_, _, true, true) => (r, l),
        _ => return false,
    };
    let flag = number.class == TypeClass::Bool && other.literal().is_some();
    let read = affinity(number) == Affinity::Number
        && other.text_literal().is_some_and(|t| literal::number(t).is_some());
    let spelled = affinity(other) == Affinity::Text && number.integer().is_some() && !orders;
    !flag && !read && !spelled
}

/// A member of a list, which has neither affinity nor collation.
pub(super) fn listed(node: Node) -> Node {
    let node = Node { untyped: false, ..node };
    match node.kind {
        Kind::Column { .. } => Node { kind: Kind::Plain, collate: None, brings: Brings::Nothing, ..node },
        // Without its affinity, what it is spelled as says nothing.
        Kind::Dynamic if node.numeric_text => Node { kind: Kind::Plain, ..node },
        _ => node,
    }
}

impl<'s> Walk<'s> {
    /// A comparison of values that are `unlike`.
    pub(super) fn unlike_compared(&mut self, l: &Node, op: Op, r: &Node) -> Result<Node> {
        self.note_rounded(&[l, r]);
        self.note_read(l, r);
        if may_be_text(l) && may_be_text(r) {
            check_uncollated(l)?;
            check_uncollated(r)?;
        }
        let (l, r) = (&classed(l, r), &classed(r, l));
        let node = match (&l.kind, &r.kind) {
            (Kind::Member(a), Kind::Member(b)) => members(a, op, b),
            (Kind::Member(m), _) => self.member(m, op, r),
            (_, Kind::Member(m)) => self.member(m, op.flipped(), l),
            (Kind::Dynamic, _) => dynamic(l, op, r),
            (_, Kind::Dynamic) => dynamic(r, op.flipped(), l),
            _ if is_number(l) => number_and_text(l, op, r),
            _ => number_and_text(r, op.flipped(), l),
        };
        Ok(node?.after(&[l, r]))
    }

    /// Says how texts are read beside numbers of double precision.
    pub(super) fn note_read(&mut self, l: &Node, r: &Node) {
        let is = |class: TypeClass| [l, r].iter().any(|n| n.class == class && n.literal().is_none());
        if is(TypeClass::Float) && is(TypeClass::Text) {
            self.note("a text beside a number of double precision is read as one: an integer beyond 2^53 is rounded, which SQLite does not do");
        }
    }

    /// `value IN (…)` of different classes: as comparisons by the affinity of the value.
    pub(in crate::translate) fn in_unlike(
        &mut self,
        value: &Node,
        items: Vec<Node>,
        not: bool,
    ) -> Result<Node> {
        let (mut parts, mut bytes) = (vec![], 0);
        for item in items {
            let part = self.compare(value.clone(), Op::Eq, listed(item))?.at(Prec::Compare);
            bytes += part.len();
            if bytes > LONGEST {
                return refuse("its translation is too long");
            }
            parts.push(part);
        }
        let any = parts.join(" OR ");
        Ok(match not {
            true => Node::new(format!("NOT ({any})"), TypeClass::Bool, Prec::Not),
            false => Node::new(any, TypeClass::Bool, Prec::Or),
        })
    }

    fn member(&mut self, m: &Member, op: Op, x: &Node) -> Result<Node> {
        let value = Member::clone(m).node();
        match affinity(x) {
            Affinity::Text => return compare::compare(m.text(), op, x.clone()),
            Affinity::Number | Affinity::Blob | Affinity::None => {}
        }
        if let Some(t) = x.text_literal()
            && !op.orders()
            && is_own(t)
        {
            let sql = format!("{} {} {}", value.at(Prec::Operator), op.sql(), x.at(Prec::Operator));
            return Ok(Node::boolean(sql));
        }
        if is_text(x) {
            let same = compare::compare(m.text(), op, Node { brings: Brings::Nothing, ..x.clone() })?;
            // A number is less than any text.
            let number = constant(op, op.of_less(), &[x]);
            return Ok(case(format!(
                "CASE {} WHEN 'number' THEN {number} WHEN 'boolean' THEN {number} ELSE {} END",
                m.kind(),
                same.sql
            )));
        }
        if !is_number(x) {
            return refuse("a value of JSON compared with a value that is neither number nor text");
        }
        let read_as = (affinity(x) == Affinity::Number).then(|| x.clone());
        let x = &Node { kind: plain(x), ..x.number()? };
        let beside = |n: String| Node::new(n, TypeClass::Numeric, Prec::Atom);
        let number = compare::compare(beside(format!("({})::numeric", m.plain)), op, x.clone())?.sql;
        let flag = compare::compare(
            beside(format!("(CASE {} WHEN 'true' THEN 1 ELSE 0 END)", m.plain)),
            op,
            x.clone(),
        )?
        .sql;
        let text = constant(op, op.flipped().of_less(), &[x]);
        let string = match read_as {
            Some(column) => {
                let plain = Node::new(m.plain.clone(), TypeClass::Text, Prec::Operator);
                number_and_text(&column, op.flipped(), &plain)?.sql
            }
            None => text.clone(),
        };
        let otherwise = match op {
            Op::Is => format!(" ELSE {}", compare::is_null(x, false).sql),
            Op::IsNot => format!(" ELSE {}", compare::is_null(x, true).sql),
            _ => String::new(),
        };
        Ok(case(format!(
            "CASE {} WHEN 'number' THEN {number} WHEN 'boolean' THEN {flag} WHEN 'string' THEN {string} WHEN 'array' THEN {text} \
             WHEN 'object' THEN {text}{otherwise} END",
            m.kind()
        )))
    }
}

/// With its class, where no affinity makes both operands alike.
fn classed(value: &Node, beside: &Node) -> Node {
    match affinity(beside) {
        Affinity::Text | Affinity::Number => value.clone(),
        Affinity::Blob | Affinity::None => value.with_class(),
    }
}

/// Without an affinity.
fn plain(node: &Node) -> Kind {
    match &node.kind {
        Kind::Column { .. } => Kind::Plain,
        kind => kind.clone(),
    }
}

fn case(sql: String) -> Node {
    Node::new(sql, TypeClass::Bool, Prec::Unary)
}

/// A text that no number, truth value, array or object of JSON has.
fn is_own(t: &str) -> bool {
    !matches!(t, "true" | "false") && !t.starts_with(['{', '[']) && literal::number(t).is_none()
}

fn members(a: &Member, op: Op, b: &Member) -> Result<Node> {
    if op.orders() {
        return Ok(ordered(a, op, b));
    }
    Ok(Node::boolean(format!("({}) {} ({})", a.canonical(), op.sql(), b.canonical())))
}

/// Numbers before texts.
fn ordered(a: &Member, op: Op, b: &Member) -> Node {
    let ([class_a, number_a, text_a], [class_b, number_b, text_b]) = (a.keys(), b.keys());
    let op = op.sql();
    case(format!(
        "CASE ({class_a}) - ({class_b}) WHEN 0 THEN CASE WHEN ({class_a}) = 0 THEN ({number_a}) {op} ({number_b}) \
         ELSE ({text_a}) {op} ({text_b}) END ELSE ({class_a}) {op} ({class_b}) END"
    ))
}

/// A text whose class in SQLite may be that of a number: beside a column both are compared alike.
fn dynamic(value: &Node, op: Op, x: &Node) -> Result<Node> {
    let as_text = value.text()?;
    if is_spelled(value) {
        return spelled(&as_text, op, x);
    }
    match affinity(x) {
        Affinity::Text if !value.untyped => compare::compare(as_text, op, x.clone()),
        Affinity::Number => number_and_text(x, op.flipped(), &as_text),
        _ => refuse("a comparison of values whose storage classes are not known"),
    }
}

/// A text of a column with numeric affinity that holds numbers and texts: it is a number where it is spelled as one.
pub(super) fn is_spelled(node: &Node) -> bool {
    node.kind == Kind::Dynamic && node.numeric_text && !node.bare
}

fn spelled(t: &Node, op: Op, x: &Node) -> Result<Node> {
    let as_number = x.text_literal().and_then(literal::number);
    match as_number {
        Some(number) => read(&number, op.flipped(), t),
        None if is_number(x) => read(&x.number()?, op.flipped(), t),
        None if x.text_literal().is_some() => {
            let texts = compare::compare(t.clone(), op, x.clone())?.sql;
            let number = beginning::is_number(&t.operand());
            Ok(case(format!("CASE WHEN {number} THEN {} ELSE {texts} END", constant(op, op.of_less(), &[x]))))
        }
        None => refuse("a column with values of several storage classes compared with another one"),
    }
}

/// Keys of its order: numbers before texts.
pub(super) fn spelled_keys(node: &Node) -> [String; 3] {
    let t = node.operand();
    let number = beginning::is_number(&t);
    [
        format!("CASE WHEN {number} THEN 0 WHEN {t} IS NOT NULL THEN 1 END"),
        format!("CASE WHEN {number} THEN {t}::numeric END"),
        format!("{t} COLLATE \"C\""),
    ]
}

fn number_and_text(n: &Node, op: Op, t: &Node) -> Result<Node> {
    let (of_number, of_text) = (affinity(n), affinity(t));
    let number = if n.class == TypeClass::Bool { n.number()? } else { n.clone() };
    match (of_number, of_text) {
        (Affinity::Number, _) => read(&number, op, t),
        (Affinity::None, Affinity::Text) => {
            let spelled = match number.literal() {
                Some(Lit::Real(x, digits)) if literal::sqlite_spelling(*x, digits) => text(digits),
                _ => number.text()?,
            };
            compare::compare(Node { brings: Brings::Nothing, ..spelled }, op, t.clone())
        }
        _ => Ok(apart(&number, op, t)),
    }
}

/// A text beside a number column, which makes a number of it if it is one.
fn read(n: &Node, op: Op, t: &Node) -> Result<Node> {
    if t.literal().is_some() {
        return Ok(apart(n, op, t));
    }
    let operand = t.text()?.operand();
    let number = Node::atom(format!("{operand}::numeric"), TypeClass::Numeric);
    let same = compare::compare(Node { kind: Kind::Plain, ..n.clone() }, op, number)?.sql;
    let otherwise = apart(n, op, t);
    Ok(case(format!("CASE WHEN {} THEN {same} ELSE {} END", beginning::is_number(&operand), otherwise.sql)))
}

/// A number beside a text, which is greater.
fn apart(n: &Node, op: Op, t: &Node) -> Node {
    match op {
        Op::Is | Op::IsNot => {
            let open: Vec<String> = [n, t].iter().map(|x| compare::is_null(x, false).sql).collect();
            let none = [n, t].iter().any(|x| x.literal().is_some());
            match (none, op == Op::Is) {
                (true, is) => boolean(!is),
                (false, true) => Node::new(open.join(" AND "), TypeClass::Bool, Prec::And),
                (false, false) => {
                    Node::new(format!("NOT ({})", open.join(" AND ")), TypeClass::Bool, Prec::Not)
                }
            }
        }
        _ => {
            let sql = constant(op, op.of_less(), &[n, t]);
            if sql.starts_with("CASE") { case(sql) } else { Node::atom(sql, TypeClass::Bool) }
        }
    }
}

/// A result that does not depend on the values, unless one is NULL.
fn constant(op: Op, result: bool, of: &[&Node]) -> String {
    let known: Vec<String> =
        of.iter().filter(|n| n.literal().is_none()).map(|n| compare::is_null(n, true).sql).collect();
    match op {
        _ if known.is_empty() => result.to_string(),
        Op::Is | Op::IsNot => result.to_string(),
        _ => format!("CASE WHEN {} THEN {result} END", known.join(" AND ")),
    }
}

/// `LIMIT '3'` and `LIMIT 3.0` are integers.
pub(super) fn whole(node: &Node) -> Option<i64> {
    let number = match node.literal()? {
        Lit::Text(t) => literal::number(t)?,
        _ => node.clone(),
    };
    match number.literal()? {
        Lit::Integer(n) => Some(*n),
        Lit::Real(x, _) => literal::whole(*x),
        _ => None,
    }
}

/// Groups, and what is told apart in DISTINCT: as an expression whose equal values are SQLite's equal ones.
pub(super) fn group_key(node: &Node) -> Result<String> {
    let node = &node.with_class();
    check_uncollated(node)?;
    match (&node.kind, node.class) {
        (Kind::Member(member), _) => Ok(member.canonical()),
        (_, TypeClass::Text) if node.is_collated() => {
            Ok(compare::side(node, compare::collation(&[node])?, false).sql)
        }
        _ => Ok(node.sql.clone()),
    }
}

/// Values of several classes are told apart and sorted by BINARY.
pub(super) fn check_uncollated(node: &Node) -> Result<()> {
    match node.has_collate() && may_be_text(node) && node.class != TypeClass::Text {
        true => refuse("a COLLATE on or within values of several storage classes"),
        false => Ok(()),
    }
}

/// Some of its values may be texts.
pub(super) fn may_be_text(node: &Node) -> bool {
    !node.is_null()
        && (matches!(node.class, TypeClass::Text | TypeClass::Other)
            || matches!(node.kind, Kind::Member(_) | Kind::Dynamic))
}

/// Its equal values differ, so that a group has several.
pub(super) fn is_folded(node: &Node) -> bool {
    node.class == TypeClass::Text && node.is_collated()
}

/// The result of a CAST has the affinity of its type, and no collation of its own.
pub(super) fn of_cast(node: Node) -> Node {
    let (collation, timezone) = (Collation::Binary, Timezone::UTC);
    match node.kind {
        Kind::Plain if is_number(&node) || node.class == TypeClass::Text => {
            Node { kind: Kind::Column { format: None, collation, timezone }, brings: Brings::Nothing, ..node }
        }
        // A literal has none.
        Kind::Literal(_) => Node { unsure: true, ..node },
        _ => node,
    }
}

/// A value of NEW or OLD is never equal to a literal of another storage class.
pub(super) fn check_bare(nodes: &[Node]) -> Result<()> {
    let number = |n: &&Node| n.is_number() || n.class == TypeClass::Bool;
    let text = |n: &&Node| n.class == TypeClass::Text;
    let bare = || nodes.iter().filter(|n| n.bare);
    let texts = nodes.iter().any(|n| n.text_literal().is_some());
    let numbers = nodes.iter().any(|n| matches!(n.literal(), Some(Lit::Integer(_) | Lit::Real(..))));
    if texts && bare().any(|n| number(&n)) || numbers && bare().any(|n| text(&n)) {
        return refuse("a value of NEW or OLD compared with a literal of another storage class");
    }
    Ok(())
}

/// A text of a column with numeric affinity is compared with numbers as numbers are, and never equal to one.
pub(super) fn check_numeric_texts(nodes: &[Node], orders: bool) -> Result<()> {
    if !nodes.iter().any(|n| n.numeric_text) {
        return Ok(());
    }
    let looks = |n: &Node| n.text_literal().is_some_and(|t| literal::number(t).is_some());
    let other = |n: &Node| !n.numeric_text && n.literal().is_none();
    if nodes.iter().any(|n| matches!(n.literal(), Some(Lit::Integer(_) | Lit::Real(..))) || looks(n)) {
        return refuse("a text of a column with numeric affinity compared with a number");
    }
    if orders && nodes.iter().any(other) {
        return refuse("an order of texts of a column with numeric affinity");
    }
    Ok(())
}
