//! Functions that only statements have: their forms are not immutable, or equal on an assumption.
//!
//! One table, which docs/translate.md repeats. Functions of `function::FUNCTIONS` come first.

use crate::translate::node::{Node, Prec, Result, class_name, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// A function, or a function over arguments for which there is no exact form.
#[derive(Clone, Copy)]
pub struct Form {
    pub name: &'static str,
    pub min: usize,
    pub max: usize,
    /// As the documentation shows it.
    pub shown: &'static str,
    /// What is assumed, for the statement's notes.
    pub assumption: Option<&'static str>,
    make: fn(&[Node]) -> Result<Node>,
}

impl Form {
    pub(super) fn call(&self, args: &[Node]) -> Result<Node> {
        let node = (self.make)(args)?;
        Ok(node.after(&args.iter().collect::<Vec<_>>()))
    }
}

const fn f(
    name: &'static str,
    (min, max): (usize, usize),
    shown: &'static str,
    assumption: Option<&'static str>,
    make: fn(&[Node]) -> Result<Node>,
) -> Form {
    Form { name, min, max, shown, assumption, make }
}

const DIGITS: Option<&str> = Some("mathematical functions may differ in the last digits");
const HALVES: Option<&str> = Some(
    "round() to digits rounds the decimal number of 15 digits; SQLite's releases differ where it ends in 5",
);
const MANY: usize = 100;

/// Every one of them.
pub const FORMS: &[Form] = &[
    f("ceil", (1, 1), "ceil(x)", None, |a| whole("ceil", a)),
    f("ceiling", (1, 1), "ceil(x)", None, |a| whole("ceil", a)),
    f("concat", (1, MANY), "concat(a, …)", None, concat),
    f("concat_ws", (2, MANY), "concat_ws(a, …)", None, concat_ws),
    f("cos", (1, 1), "cos(x)", DIGITS, |a| real("cos($)", a)),
    f("degrees", (1, 1), "degrees(x)", DIGITS, |a| real("degrees($)", a)),
    f("exp", (1, 1), "exp(x)", DIGITS, |a| real("exp($)", a)),
    f("floor", (1, 1), "floor(x)", None, |a| whole("floor", a)),
    f("hex", (1, 1), "upper(encode(convert_to(x, 'UTF8'), 'hex'))", None, hex),
    f("ln", (1, 1), "CASE WHEN x > 0 THEN ln(x) END", DIGITS, |a| positive("ln($)", a)),
    f("log", (1, 1), "CASE WHEN x > 0 THEN log(x) END", DIGITS, |a| positive("log($)", a)),
    f("log10", (1, 1), "CASE WHEN x > 0 THEN log(x) END", DIGITS, |a| positive("log($)", a)),
    f("mod", (2, 2), "x - y * trunc(x / y)", DIGITS, modulo),
    f("pi", (0, 0), "pi()", None, |_| Ok(Node::atom("pi()", TypeClass::Float))),
    f("pow", (2, 2), "power(x, y)", DIGITS, power),
    f("power", (2, 2), "power(x, y)", DIGITS, power),
    f("quote", (1, 1), "quote_literal(x)", None, quote),
    f("radians", (1, 1), "radians(x)", DIGITS, |a| real("radians($)", a)),
    f("round", (2, 2), "round(x::numeric, n)::double precision", HALVES, round),
    f("sign", (1, 1), "sign(x)::integer", None, sign),
    f("sin", (1, 1), "sin(x)", DIGITS, |a| real("sin($)", a)),
    f("sqrt", (1, 1), "CASE WHEN x >= 0 THEN sqrt(x) END", DIGITS, sqrt),
    f("substr", (2, 3), "substr(x, CASE WHEN n < 0 … END)", None, substr),
    f("substring", (2, 3), "substr(x, CASE WHEN n < 0 … END)", None, substr),
    f("tan", (1, 1), "tan(x)", DIGITS, |a| real("tan($)", a)),
    f("trunc", (1, 1), "trunc(x)", None, |a| whole("trunc", a)),
    f("unicode", (1, 1), "nullif(ascii(x), 0)", None, unicode),
];

pub(super) fn find(name: &str, arguments: usize) -> Option<&'static Form> {
    FORMS.iter().find(|f| f.name == name && (f.min..=f.max).contains(&arguments))
}

fn only(args: &[Node]) -> Result<Node> {
    let x = args.first().cloned().map_or_else(|| refuse("an argument is missing"), Ok)?;
    // A text that is no number gives NULL, and a literal is computed by hand.
    if !x.is_number() || x.is_null() {
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

fn whole(function: &str, args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    match x.class {
        TypeClass::Integer => Ok(x),
        _ => Ok(result(format!("{function}({})", float(&x).sql)).mixed(x.mixed)),
    }
}

fn real(form: &str, args: &[Node]) -> Result<Node> {
    Ok(result(form.replace('$', &float(&only(args)?).sql)))
}

fn positive(form: &str, args: &[Node]) -> Result<Node> {
    let x = float(&only(args)?);
    let sql = format!("CASE WHEN {} > 0 THEN {} END", x.at(Prec::Operator), form.replace('$', &x.sql));
    Ok(Node { prec: Prec::Unary, ..result(sql) })
}

fn sqrt(args: &[Node]) -> Result<Node> {
    let x = float(&only(args)?);
    let sql = format!("CASE WHEN {} >= 0 THEN sqrt({}) END", x.at(Prec::Operator), x.sql);
    Ok(Node { prec: Prec::Unary, ..result(sql) })
}

fn power(args: &[Node]) -> Result<Node> {
    let [x, y] = args else { return refuse("power() takes two arguments") };
    let (x, y) = (only(std::slice::from_ref(x))?, only(std::slice::from_ref(y))?);
    Ok(result(format!("power({}, {})", float(&x).sql, float(&y).sql)))
}

fn modulo(args: &[Node]) -> Result<Node> {
    match args {
        [x, y] if [x, y].iter().all(|n| n.class == TypeClass::Integer && !n.is_null()) => {
            let sql = format!("({} % nullif({}, 0))::double precision", x.operand(), y.sql);
            Ok(result(sql))
        }
        _ => refuse("mod() of numbers with a fraction"),
    }
}

fn sign(args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    Ok(Node::atom(format!("sign({})::integer", x.sql), TypeClass::Integer)
        .sized(Size::integers(-1.0, 1.0), 32))
}

fn round(args: &[Node]) -> Result<Node> {
    let [x, digits] = args else { return refuse("round() takes two arguments") };
    let (x, digits) = match (only(std::slice::from_ref(x))?, digits.integer()) {
        (x, Some(n)) if n <= 15 => (x, n.max(0)),
        _ => return refuse("round() to a computed number of digits"),
    };
    Ok(result(format!("round({}, {digits})::double precision", x.cast("numeric", TypeClass::Numeric).sql)))
}

/// The bytes of a text in UTF-8; of NULL, nothing.
fn hex(args: &[Node]) -> Result<Node> {
    match args {
        [x] if matches!(x.class, TypeClass::Text | TypeClass::Integer) && !x.is_null() => {
            let sql = format!("coalesce(upper(encode(convert_to({}, 'UTF8'), 'hex')), '')", x.text()?.sql);
            Ok(Node::atom(sql, TypeClass::Text))
        }
        _ => refuse("hex() of a value whose text differs"),
    }
}

fn quote(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Integer => {
            Ok(Node::atom(format!("coalesce({}::text, 'NULL')", x.operand()), TypeClass::Text))
        }
        [x] if x.class == TypeClass::Text && !x.is_null() => {
            let sql = format!("coalesce('''' || replace({}, '''', '''''') || '''', 'NULL')", x.text()?.sql);
            Ok(Node::atom(sql, TypeClass::Text))
        }
        _ => refuse("quote() of a value whose text differs"),
    }
}

fn unicode(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Text && !x.is_null() => {
            Ok(Node::atom(format!("nullif(ascii({}), 0)", x.text()?.sql), TypeClass::Integer)
                .sized(Size::integers(0.0, 2e6), 32))
        }
        _ => refuse("unicode() of a value whose text differs"),
    }
}

fn concat(args: &[Node]) -> Result<Node> {
    let parts = args.iter().map(Node::text).collect::<Result<Vec<Node>>>()?;
    let list: Vec<&str> = parts.iter().map(|p| p.sql.as_str()).collect();
    Ok(Node::atom(format!("concat({})", list.join(", ")), TypeClass::Text))
}

fn concat_ws(args: &[Node]) -> Result<Node> {
    let parts = args.iter().map(Node::text).collect::<Result<Vec<Node>>>()?;
    let list: Vec<&str> = parts.iter().map(|p| p.sql.as_str()).collect();
    Ok(Node::atom(format!("concat_ws({})", list.join(", ")), TypeClass::Text))
}

/// With every position and length: a position below zero counts from the end, a length below zero takes what is before.
/// Zero is a place before the first character, which a length counts.
fn substr(args: &[Node]) -> Result<Node> {
    let (x, from, count) = match args {
        [x, from] => (x, from, None),
        [x, from, count] => (x, from, Some(count)),
        _ => return refuse("substr() takes two or three arguments"),
    };
    let integer = |n: &Node| n.class == TypeClass::Integer && !n.is_null();
    if x.class != TypeClass::Text || x.is_null() || !integer(from) || !count.is_none_or(integer) {
        return refuse("substr() with a place that is no integer");
    }
    let text = x.text()?;
    let length = format!("length({})", text.sql);
    // Beyond these a place or a length changes nothing.
    let bounded = |n: &Node| format!("least(greatest({}, -1000000000), 1000000000)::integer", n.sql);
    let from = bounded(from);
    // Counted from 1, where the first character of the result would be.
    let start = format!("CASE WHEN {from} < 0 THEN {length} + 1 + {from} ELSE {from} END");
    let sql = match count {
        None => format!("substr({}, greatest({start}, 1))", text.sql),
        Some(count) => {
            let count = bounded(count);
            let first = format!("CASE WHEN {count} < 0 THEN ({start}) + {count} ELSE {start} END");
            format!("substr({}, {first}, abs({count}))", text.sql)
        }
    };
    let args: Vec<&Node> = args.iter().collect();
    let strict: Vec<String> = args
        .iter()
        .filter(|a| a.literal().is_none())
        .map(|a| format!("{} IS NOT NULL", a.at(Prec::Operator)))
        .collect();
    if strict.is_empty() {
        return Ok(Node::atom(sql, TypeClass::Text));
    }
    Ok(Node::new(format!("CASE WHEN {} THEN {sql} END", strict.join(" AND ")), TypeClass::Text, Prec::Unary))
}
