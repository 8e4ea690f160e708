//! Comparisons: `=`, `<`, `IS`, `IN`, `BETWEEN` between values of any two families.
//!
//! SQLite compares by affinity and storage class, PostgreSQL by type. If both give the same result for every value, the
//! operands are converted to one type; otherwise the comparison is refused. Text compares by bytes in SQLite: order
//! comparisons get collation "C"; NOCASE folds ASCII on both sides.

use super::like::{c_collation, fold};
use super::literal;
use super::node::{Collation, Kind, Lit, Node, Prec, Result, TEXT, boolean, class_name, refuse};
use crate::types::TypeClass;
use crate::value::Format;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Is,
    IsNot,
}

impl Op {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Op::Eq => "=",
            Op::Ne => "<>",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Is => "IS NOT DISTINCT FROM",
            Op::IsNot => "IS DISTINCT FROM",
        }
    }
    /// With the operands changed over.
    pub(super) fn flipped(self) -> Op {
        match self {
            Op::Lt => Op::Gt,
            Op::Le => Op::Ge,
            Op::Gt => Op::Lt,
            Op::Ge => Op::Le,
            same => same,
        }
    }
    /// With operands of which the left one is less, and neither is NULL.
    pub(super) fn of_less(self) -> bool {
        matches!(self, Op::Ne | Op::Lt | Op::Le | Op::IsNot)
    }
    pub(super) fn orders(self) -> bool {
        matches!(self, Op::Lt | Op::Le | Op::Gt | Op::Ge)
    }
}

pub(super) fn compare(left: Node, op: Op, right: Node) -> Result<Node> {
    if left.is_null() || right.is_null() {
        let other = if left.is_null() { right } else { left };
        return Ok(match op {
            Op::Is => is_null(&other, false),
            Op::IsNot => is_null(&other, true),
            _ => Node::atom("NULL::boolean", TypeClass::Bool).after(&[&other]),
        });
    }
    if let Some(node) = storage_class(&left, op, &right).or_else(|| storage_class(&right, op, &left)) {
        return node;
    }
    let collation = collation(&[&left, &right])?;
    let (l, mut rs) = to_one_type(left, vec![right], op.orders())?;
    let Some(r) = rs.pop() else { return refuse("nothing to compare with") };
    let (l, r) = (side(&l, collation, op.orders()), side(&r, collation, op.orders()));
    Ok(Node::boolean(format!("{} {} {}", l.at(Prec::Operator), op.sql(), r.at(Prec::Operator)))
        .after(&[&l, &r]))
}

pub(super) fn is_null(value: &Node, not: bool) -> Node {
    if value.is_null() {
        return boolean(!not);
    }
    let word = if not { "IS NOT NULL" } else { "IS NULL" };
    let sql = value.at(Prec::Operator);
    // An index's condition is recognised by the bare column.
    let bare = sql.strip_suffix(TEXT).filter(|_| value.is_column()).unwrap_or(&sql);
    Node::boolean(format!("{bare} {word}")).after(&[value])
}

pub(super) fn between(value: Node, low: Node, high: Node, not: bool) -> Result<Node> {
    if value.is_null() || low.is_null() || high.is_null() || value.literal().is_some() {
        // Two comparisons, because the type of a literal or NULL depends on each bound.
        let above = compare(value.clone(), Op::Ge, low)?;
        let below = compare(value, Op::Le, high)?;
        let both = format!("{} AND {}", above.sql, below.sql);
        let node = match not {
            true => Node::new(format!("NOT ({both})"), TypeClass::Bool, Prec::Not),
            false => Node::new(both, TypeClass::Bool, Prec::And),
        };
        return Ok(node.after(&[&above, &below]));
    }
    // Each bound is compared by its own collation, so both must have the same one.
    let collation = collation(&[&value, &low])?;
    if collation != self::collation(&[&value, &high])? {
        return refuse("BETWEEN with bounds of different collations");
    }
    let (v, bounds) = to_one_type(value, vec![low, high], true)?;
    let sides: Vec<Node> = std::iter::once(&v).chain(&bounds).map(|n| side(n, collation, true)).collect();
    // PostgreSQL's grammar has no COLLATE in a lower bound.
    let place =
        |at: usize, n: &Node| if at == 1 && n.class == TypeClass::Text { Prec::Atom } else { Prec::Operator };
    let texts: Vec<String> = sides.iter().enumerate().map(|(at, n)| n.at(place(at, n))).collect();
    let word = if not { " NOT BETWEEN " } else { " BETWEEN " };
    let sql = match texts.as_slice() {
        [v, low, high] => format!("{v}{word}{low} AND {high}"),
        _ => return refuse("BETWEEN needs two bounds"),
    };
    Ok(Node::boolean(sql).after(&sides.iter().collect::<Vec<_>>()))
}

pub(super) fn in_list(value: Node, items: Vec<Node>, not: bool) -> Result<Node> {
    if items.is_empty() {
        // An extension of SQLite: no value is in the empty list, and the result is false even for NULL.
        return Ok(boolean(not));
    }
    if value.is_null() {
        return Ok(Node::atom("NULL::boolean", TypeClass::Bool));
    }
    if let Kind::TypeOf(_) = value.kind {
        return storage_class_in(&value, &items, not);
    }
    if items.iter().any(|item| would_convert(&value, item)) {
        return refuse("a literal IN a list with a column of another storage class");
    }
    let collation = collation(&[&value])?;
    let (nulls, items): (Vec<Node>, Vec<Node>) = items.into_iter().partition(Node::is_null);
    if items.is_empty() {
        return Ok(Node::atom("NULL::boolean", TypeClass::Bool));
    }
    let (v, items) = to_one_type(value, items, false)?;
    let v = side(&v, collation, false);
    let items: Vec<Node> = items.iter().map(|i| side(i, collation, false)).collect();
    let list: Vec<&str> = items.iter().chain(&nulls).map(|i| i.sql.as_str()).collect();
    let word = if not { "NOT IN" } else { "IN" };
    let parts: Vec<&Node> = items.iter().chain([&v]).collect();
    Ok(Node::boolean(format!("{} {word} ({})", v.at(Prec::Operator), list.join(", "))).after(&parts))
}

/// Whether a comparison by `=` would give the literal the column's affinity. Members of a list have none: `'1' IN (n)` is
/// never true of a number.
pub(super) fn would_convert(value: &Node, member: &Node) -> bool {
    let time = |n: &Node| !matches!(n.format(), None | Some(Format::Iso8601));
    let number = |n: &Node| n.is_number() || n.class == TypeClass::Bool || n.numeric_text || time(n);
    member.is_column()
        && match value.literal() {
            Some(Lit::Text(_)) => number(member),
            Some(Lit::Integer(_) | Lit::Real(..)) => member.class == TypeClass::Text,
            _ => false,
        }
}

/// Converts one value and the values that it is compared with to one type.
pub(super) fn to_one_type(value: Node, others: Vec<Node>, orders: bool) -> Result<(Node, Vec<Node>)> {
    if value.literal().is_some()
        && let [other] = others.as_slice()
        && other.literal().is_none()
    {
        let (other, mut values) = to_one_type(other.clone(), vec![value], orders)?;
        return Ok((values.pop().unwrap_or_else(super::node::null), vec![other]));
    }
    // A boolean compared with 0, 1 or booleans stays a boolean; compared with anything else it becomes a number.
    let stays = |o: &Node| o.class == TypeClass::Bool || !orders && flag_literal(&value, o).is_some();
    if value.class == TypeClass::Bool && !others.iter().all(stays) {
        let number = value.number()?;
        return to_one_type(number, others, orders);
    }
    let others: Result<Vec<Node>> = others.into_iter().map(|o| converted(&value, o, orders)).collect();
    Ok((value, others?))
}

fn flag_literal(value: &Node, other: &Node) -> Option<bool> {
    match other.literal()? {
        // Only a column can have stored 't' or 'f'; the result of a comparison is 0 or 1.
        Lit::Text(_) if !value.is_column() => None,
        lit => literal::truth_word(lit),
    }
}

/// `other`, converted for a comparison with `value`.
fn converted(value: &Node, other: Node, orders: bool) -> Result<Node> {
    use TypeClass::*;
    if let Some(lit) = other.literal() {
        return converted_literal(value, lit, &other, orders);
    }
    let both = (value.class, other.class);
    match both {
        (Integer | Float | Numeric, Integer | Float | Numeric | Bool) => other.number(),
        (Text, Text) | (Bytea, Bytea) | (Bool, Bool) => Ok(other),
        (Date, Date) | (Time, Time) => Ok(other),
        (Timestamp, Timestamp) | (TimestampTz, TimestampTz) if value.format() == other.format() => Ok(other),
        (Uuid, Uuid) if !orders => Ok(other),
        (a, b) => {
            refuse(format!("a {} value compares differently with a {} value", class_name(a), class_name(b)))
        }
    }
}

fn converted_literal(value: &Node, lit: &Lit, other: &Node, orders: bool) -> Result<Node> {
    use TypeClass::*;
    match (value.class, lit) {
        (Bool, _) => match flag_literal(value, other) {
            Some(b) => Ok(boolean(b)),
            None => literal::invalid(lit, Bool),
        },
        (Integer | Float | Numeric, Lit::Integer(_) | Lit::Real(..)) => Ok(other.clone()),
        // A column with numeric affinity makes a number of a literal that is one.
        (Integer | Float | Numeric, Lit::Text(_)) if value.is_column() => other.number(),
        (Text, Lit::Text(_)) => Ok(other.clone()),
        // Text affinity turns the number into text; the order of numbers would be lost.
        (Text, Lit::Integer(_)) if value.is_column() && !orders => other.text(),
        (Bytea, Lit::Blob(_)) => Ok(other.clone()),
        // In SQLite every text is greater than an epoch number.
        (Date | Time | Timestamp | TimestampTz, Lit::Text(_))
            if !matches!(value.format(), None | Some(Format::Iso8601)) =>
        {
            literal::invalid(lit, value.class)
        }
        (Date | Time | Timestamp | TimestampTz, _) => {
            literal::stored(lit, value.class, value.format(), value.timezone())
        }
        (Uuid, Lit::Text(_) | Lit::Blob(_)) if !orders => literal::stored(lit, Uuid, None, value.timezone()),
        (Jsonb, _) if value.kind == Kind::JsonMember && !orders => super::json::member_literal(lit),
        _ => literal::invalid(lit, value.class),
    }
}

/// The collation of a comparison: an explicit one, else that of a column, the left before the right.
pub(super) fn collation(nodes: &[&Node]) -> Result<Collation> {
    let explicit =
        nodes.iter().find(|n| n.collate.is_some() || n.collate_within && n.class == TypeClass::Text);
    if explicit.is_some_and(|n| n.collate.is_none()) {
        return refuse("a COLLATE within what is compared");
    }
    let explicit = explicit.and_then(|n| n.collate);
    let column = || nodes.iter().find_map(|n| n.implicit_collation());
    match explicit.or_else(column) {
        Some(Collation::Own) => refuse("texts are compared by a collation of the application's own"),
        found => Ok(found.unwrap_or(Collation::Binary)),
    }
}

/// One operand with the collation applied.
pub(super) fn side(node: &Node, collation: Collation, orders: bool) -> Node {
    if node.class != TypeClass::Text || node.is_null() {
        return node.clone();
    }
    let sql = match collation {
        Collation::Nocase => fold(node),
        Collation::Rtrim => format!("rtrim({}, ' ')", c_collation(node)),
        Collation::Binary if node.is_nocase_column() => c_collation(node),
        Collation::Binary if orders && node.literal().is_none() => c_collation(node),
        Collation::Binary | Collation::Own => return node.clone(),
    };
    let prec = if collation == Collation::Binary { Prec::Unary } else { Prec::Atom };
    Node::new(sql, TypeClass::Text, prec).after(&[node])
}

/// `typeof(x) = 'integer'`: the column's type decides.
fn storage_class(value: &Node, op: Op, other: &Node) -> Option<Result<Node>> {
    if !matches!(value.kind, Kind::TypeOf(_)) || op.orders() {
        return None;
    }
    other.text_literal()?;
    let not = matches!(op, Op::Ne | Op::IsNot);
    Some(storage_class_in(value, std::slice::from_ref(other), not))
}

fn storage_class_in(value: &Node, items: &[Node], not: bool) -> Result<Node> {
    let Kind::TypeOf(t) = &value.kind else { return refuse("typeof() was expected") };
    let names: Option<Vec<&str>> = items.iter().map(Node::text_literal).collect();
    let Some(names) = names else { return refuse("typeof() is compared with a computed value") };
    let null = names.contains(&"null");
    let all = t.possible.iter().all(|p| names.contains(p));
    let none = !t.possible.iter().any(|p| names.contains(p));
    match (null, all, none) {
        (true, true, _) => Ok(boolean(!not)),
        (false, _, true) => Ok(boolean(not)),
        (true, _, true) => Ok(null_test(&t.arg, !not)),
        (false, true, _) => Ok(null_test(&t.arg, not)),
        _ => refuse("the storage class of the values is not known from the column's type"),
    }
}

fn null_test(arg: &str, null: bool) -> Node {
    Node::boolean(format!("{arg} IS {}NULL", if null { "" } else { "NOT " }))
}
