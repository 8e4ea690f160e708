//! Forms of mathematical functions: of doubles, NULL where SQLite's C library has no number.

use crate::translate::helper;
use crate::translate::node::{Lit, Node, Prec, Result, class_name, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// A text that is a number as a whole.
const NUMBER: &str =
    r"E'^[ \t\n\x0B\f\r]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ \t\n\x0B\f\r]*$'";

/// A number; a text that is none is NULL.
fn only(args: &[Node]) -> Result<Node> {
    let x = args.first().cloned().map_or_else(|| refuse("an argument is missing"), Ok)?;
    if x.class == TypeClass::Text && x.literal().is_none() && !x.numeric_text {
        let number = helper::call("text_real", &[&x.sql]);
        let sql = format!("CASE WHEN {} ~ {NUMBER} THEN {number} END", x.at(Prec::Operator));
        return Ok(Node::new(sql, TypeClass::Float, Prec::Unary));
    }
    if x.is_null() {
        return Ok(Node::atom("NULL::double precision", TypeClass::Float));
    }
    if !x.is_number() {
        return refuse(format!("a mathematical function of a {} value", class_name(x.class)));
    }
    Ok(x)
}

fn float(x: &Node) -> Node {
    if x.class == TypeClass::Float && x.literal().is_none() {
        x.clone()
    } else {
        x.cast("double precision", TypeClass::Float)
    }
}

fn result(sql: String) -> Node {
    Node::atom(sql, TypeClass::Float).sized(Size::ASSUMED, 64)
}

pub(super) fn whole(function: &str, args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    match x.class {
        TypeClass::Integer => Ok(x),
        _ => Ok(result(format!("{function}({})", float(&x).sql)).mixed(x.mixed)),
    }
}

pub(super) fn real(form: &str, args: &[Node]) -> Result<Node> {
    Ok(result(form.replace('$', &float(&only(args)?).sql)))
}

/// `$` is the argument, in the condition and in the form.
pub(super) fn within(condition: &str, form: &str, args: &[Node]) -> Result<Node> {
    let x = float(&only(args)?);
    let condition = condition.replace('$', &x.at(Prec::Operator));
    let sql = format!("CASE WHEN {condition} THEN {} END", form.replace('$', &x.sql));
    Ok(Node { prec: Prec::Unary, ..result(sql) })
}

fn two(args: &[Node]) -> Result<(Node, Node)> {
    let [x, y] = args else { return refuse("two arguments were expected") };
    Ok((float(&only(std::slice::from_ref(x))?), float(&only(std::slice::from_ref(y))?)))
}

pub(super) fn arctangent(args: &[Node]) -> Result<Node> {
    let (y, x) = two(args)?;
    Ok(result(format!("atan2({}, {})", y.sql, x.sql)))
}

/// Of a base that is not above 1, nothing.
pub(super) fn logarithm(args: &[Node]) -> Result<Node> {
    let (base, x) = two(args)?;
    let condition = format!("{} > 1 AND {} > 0", base.at(Prec::Operator), x.at(Prec::Operator));
    let sql = format!("CASE WHEN {condition} THEN ln({}) / ln({}) END", x.sql, base.sql);
    Ok(Node { prec: Prec::Unary, ..result(sql) })
}

/// C's pow() has a result where PostgreSQL has an error: infinity of zero, and none of a root of what is below it.
pub(super) fn power(args: &[Node]) -> Result<Node> {
    let (x, y) = two(args)?;
    let plain = format!("power({}, {})", x.sql, y.sql);
    let exponent = args.get(1).and_then(Node::literal);
    if matches!(exponent, Some(Lit::Integer(n)) if *n >= 0) {
        return Ok(result(plain));
    }
    let (a, b) = (x.at(Prec::Operator), y.at(Prec::Operator));
    let sql = format!(
        "CASE WHEN {a} = 0 AND {b} < 0 THEN 'Infinity'::double precision \
         WHEN {a} >= 0 OR {b} = trunc({}) THEN {plain} END",
        y.sql
    );
    Ok(Node { prec: Prec::Unary, ..result(sql) })
}

pub(super) fn modulo(args: &[Node]) -> Result<Node> {
    match args {
        [x, y] if [x, y].iter().all(|n| n.class == TypeClass::Integer && !n.is_null()) => {
            let sql = format!("({} % nullif({}, 0))::double precision", x.operand(), y.sql);
            Ok(result(sql))
        }
        _ => {
            let (x, y) = two(args)?;
            Ok(result(helper::call("real_mod", &[x.sql, y.sql])))
        }
    }
}

pub(super) fn sign(args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    Ok(Node::atom(format!("sign({})::integer", x.sql), TypeClass::Integer)
        .sized(Size::integers(-1.0, 1.0), 32))
}

pub(super) fn round(args: &[Node]) -> Result<Node> {
    let [x, digits] = args else { return refuse("round() takes two arguments") };
    // It reads a text as a number, other than the mathematical functions.
    let x = match x.class {
        TypeClass::Text if x.literal().is_none() && !x.numeric_text => {
            Node::atom(helper::call("text_real", &[&x.text()?.sql]), TypeClass::Float)
        }
        _ => only(std::slice::from_ref(x))?,
    };
    let digits = match digits.integer() {
        Some(n) => n.clamp(0, 30).to_string(),
        None if digits.class == TypeClass::Integer => {
            // greatest() and least() pass over a NULL.
            format!("(CASE WHEN {0} IS NOT NULL THEN least(greatest({0}, 0), 30) END)::integer", digits.sql)
        }
        None if digits.is_null() => return Ok(result("NULL::double precision".into())),
        None => return refuse("round() to a number of digits that is no integer"),
    };
    let rounded = format!("round({}, {digits})::double precision", x.cast("numeric", TypeClass::Numeric).sql);
    if x.class != TypeClass::Float || x.literal().is_some() {
        return Ok(result(rounded));
    }
    // Beyond 2^52 a double has no fraction, and 15 digits are not all of it.
    let sql = format!("CASE WHEN abs({}) > 4503599627370496 THEN {} ELSE {rounded} END", x.sql, x.sql);
    Ok(Node { prec: Prec::Unary, ..result(sql) })
}
