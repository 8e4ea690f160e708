//! Values of several storage classes in one place: `coalesce(name, 0)`, `CASE … THEN 'none' ELSE n END`.
//!
//! SQLite's value keeps its class. In PostgreSQL texts and numbers become text, which a note says, and which is compared
//! only where an affinity makes both alike. Where one of them is of a JSON document, all become values of JSON, which keep it.

use super::{storage, times};
use crate::catalog::Affinity;
use crate::translate::beginning;
use crate::translate::cast;
use crate::translate::compare::{self, Op};
use crate::translate::expr::Walk;
use crate::translate::function;
use crate::translate::member::Member;
use crate::translate::node::{Kind, Node, Prec, Result, null, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;

const TEXTS: &str = "values of several storage classes in one place are texts, where SQLite keeps numbers";

fn is_number(node: &Node) -> bool {
    !node.is_null() && (node.is_number() || node.class == TypeClass::Bool)
}

impl<'s> Walk<'s> {
    /// Values of which one is the result, if they are of several classes.
    pub(super) fn in_one_place(&mut self, nodes: &[Node]) -> Option<Result<Vec<Node>>> {
        let any = |is: fn(&Node) -> bool| nodes.iter().any(is);
        if any(|n| matches!(n.kind, Kind::Member(_))) {
            return Some(nodes.iter().map(as_json).collect());
        }
        let several = any(is_number) && any(|n| n.class == TypeClass::Text && !n.is_null());
        if !several && !any(|n| n.kind == Kind::Dynamic) {
            return None;
        }
        self.note(TEXTS);
        Some(nodes.iter().map(as_dynamic).collect())
    }

    /// Says what a column of texts stands for, where it is one of several classes.
    pub(super) fn note_dynamic(&mut self, node: &Node) {
        if node.kind == Kind::Dynamic {
            self.note(TEXTS);
        }
    }

    /// Functions that take values of unlike classes otherwise than values of one class.
    pub(super) fn of_different_classes(&mut self, name: &str, args: &[Node]) -> Result<Option<Node>> {
        let member = |n: &Node| matches!(n.kind, Kind::Member(_) | Kind::Dynamic);
        match (name, args) {
            ("typeof", [x]) => match x.with_class().kind {
                Kind::Member(m) => Ok(Some(Node::new(m.storage_class(), TypeClass::Text, Prec::Unary))),
                _ => Ok(None),
            },
            ("min" | "max", [_, _, ..]) => extreme(name, args),
            ("nullif", [a, b]) if !a.is_null() && !b.is_null() => {
                let (a, b) = (storage::listed(a.clone()), storage::listed(b.clone()));
                if a.is_collated() || b.is_collated() || !storage::unlike(&a, &b, false) {
                    return Ok(None);
                }
                let same = self.compare(a.clone(), Op::Eq, b)?;
                let (value, class) = match &a.kind {
                    Kind::Member(m) => (m.canonical(), TypeClass::Jsonb),
                    _ => (a.sql.clone(), a.class),
                };
                let sql = format!("CASE WHEN {} THEN NULL ELSE {value} END", same.sql);
                let node = Node::new(sql, class, Prec::Unary).sized(a.size, a.bits).mixed(a.mixed);
                Ok(Some(if a.kind == Kind::Dynamic { node.kind(Kind::Dynamic) } else { node }))
            }
            (name, args) if times::takes_times(name) && args.iter().any(member) => {
                let texts = args.iter().map(|a| if member(a) { a.text() } else { Ok(a.clone()) });
                self.call_in_program(name, texts.collect::<Result<Vec<Node>>>()?).map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn cast_of_member(&mut self, m: &Member, type_name: &str) -> Result<Node> {
        let number = || Node::new(m.number(), TypeClass::Numeric, Prec::Unary).sized(Size::ASSUMED, 64);
        let node = match Affinity::of(type_name) {
            Affinity::Text => m.text(),
            Affinity::Numeric => number().mixed(true),
            Affinity::Real => number().cast("double precision", TypeClass::Float),
            // A text is an integer up to its point or exponent.
            Affinity::Integer => {
                let text = Node::new(m.plain.clone(), TypeClass::Text, Prec::Operator);
                let (text, number) = (cast::cast(text, "INTEGER")?, cast::cast(number(), "INTEGER")?);
                let sql =
                    format!("CASE {} WHEN 'string' THEN {} ELSE {} END", m.kind(), text.sql, number.sql);
                Node::new(sql, TypeClass::Integer, Prec::Unary).sized(Size::ASSUMED, 64)
            }
            Affinity::Blob => return refuse("CAST of a value of JSON to a blob"),
        };
        Ok(storage::of_cast(node))
    }
}

/// The longest value of JSON beside a text of several classes.
const LONGEST_TYPED: usize = 20_000;

/// One of several values that became a text, and with it the same as a value of JSON, where that has every class.
pub(super) fn with_classes(
    node: Node,
    values: &[Node],
    make: impl FnOnce(Vec<Node>) -> Result<Node>,
) -> Node {
    if node.kind != Kind::Dynamic {
        return node;
    }
    // The class of a number with a fraction is not that of its text.
    let kept = |n: &Node| match n.class {
        TypeClass::Integer | TypeClass::Bool | TypeClass::Text | TypeClass::Other => as_json(n),
        _ if n.is_null() => Ok(null()),
        _ => refuse("its class is not kept"),
    };
    let values = values.iter().map(kept).collect::<Result<Vec<Node>>>();
    match values.and_then(make) {
        Ok(json) if json.sql.len() <= LONGEST_TYPED => node.of_class(Member::one_of(json.operand())),
        _ => node,
    }
}

/// `min` and `max` of numbers and texts: every text is greater than a number.
pub(super) fn extreme(name: &str, args: &[Node]) -> Result<Option<Node>> {
    let text = |n: &Node| n.class == TypeClass::Text && !n.is_null();
    let classes = |n: &Node| is_number(n) || text(n);
    let (texts, numbers): (Vec<Node>, Vec<Node>) = args.iter().cloned().partition(text);
    if texts.is_empty() || numbers.is_empty() || !args.iter().all(classes) {
        return Ok(None);
    }
    let (found, others) = if name == "max" { (texts, numbers) } else { (numbers, texts) };
    let found = match found.as_slice() {
        [one] => one.number().or_else(|_| one.text())?,
        several => function::call(name, several)?,
    };
    let known = |n: &Node| n.literal().is_none().then(|| compare::is_null(n, true).at(Prec::Not));
    let tests: Vec<String> = others.iter().filter_map(known).collect();
    if tests.is_empty() {
        return Ok(Some(Node { collate: None, ..storage::listed(found) }));
    }
    let sql = format!("CASE WHEN {} THEN {} END", tests.join(" AND "), found.sql);
    let node = Node::new(sql, found.class, Prec::Unary).sized(found.size, found.bits).mixed(found.mixed);
    Ok(Some(node.after(&args.iter().collect::<Vec<_>>())))
}

/// A value in the form in which values of JSON are equal.
pub(super) fn as_json(node: &Node) -> Result<Node> {
    let sql = match &node.kind {
        _ if node.is_null() => return Ok(null()),
        Kind::Member(m) => return Ok(Node::new(m.canonical(), TypeClass::Jsonb, Prec::Unary).after(&[node])),
        _ if node.json => return refuse("a JSON text beside a value of JSON"),
        Kind::Dynamic => match node.typed() {
            Some(m) => {
                return Ok(Node::new(m.canonical(), TypeClass::Jsonb, Prec::Unary).after(&[node]));
            }
            None => return refuse("a value whose storage class is not known beside one of JSON"),
        },
        _ if is_number(node) => node.number()?.sql,
        _ if node.class == TypeClass::Text => node.text()?.cast("text", TypeClass::Text).sql,
        _ => return refuse("a value that is neither number nor text beside one of JSON"),
    };
    Ok(Node::atom(format!("to_jsonb({sql})"), TypeClass::Jsonb).after(&[node]))
}

/// A value as the text that SQLite makes of it.
pub(super) fn as_dynamic(node: &Node) -> Result<Node> {
    if node.is_null() {
        return Ok(null());
    }
    let text = if node.class == TypeClass::Bool { node.number()?.text()? } else { node.text()? };
    let prec = text.prec;
    Ok(Node::new(text.sql.clone(), TypeClass::Other, prec).kind(Kind::Dynamic).after(&[node]))
}

/// A value that is looked for in a column of a subquery: as it is compared, the column as it is, and which of its rows can be equal.
pub(super) struct Sought {
    pub value: Node,
    pub column: String,
    pub among: Option<String>,
}

/// `value IN (SELECT member …)` of unlike classes. The column is an operand.
pub(super) fn sought(value: &Node, member: &Node) -> Result<Sought> {
    let value = value.clone();
    let found =
        |column: String, among: String| Ok(Sought { value: value.clone(), column, among: Some(among) });
    let column = matches!(value.kind, Kind::Column { .. });
    let text = || member.text().map(|t| t.operand());
    match &member.kind {
        _ if column
            && is_number(&value)
            && (member.class == TypeClass::Text || member.class == TypeClass::Other) =>
        {
            let text = text()?;
            let value = value.number()?;
            let among = format!("{text} IS NULL OR {}", beginning::is_number(&text));
            Ok(Sought { value, column: format!("{text}::numeric"), among: Some(among) })
        }
        _ if value.class == TypeClass::Text && member.class == TypeClass::Text => {
            let collation = compare::collation(&[&value, member])?;
            let column = compare::side(member, collation, false).sql;
            Ok(Sought { value: compare::side(&value, collation, false), column, among: None })
        }
        _ if value.is_collated() => refuse("IN with texts of different collations"),
        // A text that is no number equals none, and NaN is no number of SQLite.
        _ if column && value.class == TypeClass::Text && storage::reads_numbers(member) => {
            let text = value.text()?.operand();
            let number = beginning::is_number(&text);
            let sql =
                format!("CASE WHEN {number} THEN {text}::numeric WHEN {text} IS NOT NULL THEN 'NaN' END");
            let value = Node::new(sql, TypeClass::Numeric, Prec::Unary).after(&[&value]);
            Ok(Sought { value, column: member.number()?.sql, among: None })
        }
        _ if column && value.class == TypeClass::Text && !storage::is_spelled(member) && !member.untyped => {
            let column = if is_number(member) { member.number()?.text()?.sql } else { text()? };
            Ok(Sought { value, column, among: None })
        }
        Kind::Member(m) if value.class == TypeClass::Text => {
            found(text()?, format!("coalesce({}, '') NOT IN ('number', 'boolean')", m.kind()))
        }
        Kind::Member(m) if is_number(&value) => {
            let value = value.number()?;
            let among = format!("coalesce({}, 'null') IN ('number', 'boolean', 'null')", m.kind());
            Ok(Sought { value, column: m.only_number(), among: Some(among) })
        }
        _ => refuse("IN with a subquery of values of another type"),
    }
}

/// Whether the two are compared in another form than as they are.
pub(super) fn is_sought(value: &Node, member: &Node) -> bool {
    let texts = value.class == TypeClass::Text && member.class == TypeClass::Text;
    let collated =
        texts && !value.is_null() && !member.is_null() && (value.is_collated() || member.is_collated());
    storage::unlike(value, member, false) || collated
}

/// What is made of values of JSON is one again, and a key of groups in its canonical form.
pub(super) fn of_json(node: Node, key: bool) -> Node {
    match node.kind {
        Kind::Plain if node.class == TypeClass::Jsonb => {
            let member = Member::one_of(node.operand());
            if key { member.grouped().node() } else { member.node() }
        }
        Kind::Member(ref member) if key => member.grouped().node(),
        Kind::Dynamic if key => node.typed().map(|member| member.grouped().node()).unwrap_or(node),
        _ => node,
    }
}

/// An argument of a function that compares, to which no affinity is applied.
pub(super) fn unrelated(node: Node) -> Node {
    match node.class {
        TypeClass::Text if node.is_collated() => node,
        TypeClass::Text | TypeClass::Integer | TypeClass::Float | TypeClass::Numeric => storage::listed(node),
        _ => node,
    }
}
