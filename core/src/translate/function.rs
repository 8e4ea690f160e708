//! The functions that have a PostgreSQL form: one table, which docs/translate.md repeats.
//!
//! A function that is not in the table is refused by name. Arguments are converted to the class that the table
//! requires, and then put into the form.

use super::node::{Kind, Lit, Node, Prec, Result, TypeOf, class_name, null, refuse, text};
use super::{Size, compare, datetime, json, literal, random, size, textual};
use crate::types::TypeClass;

/// How a function uses an argument; the last entry applies to all following arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arg {
    Text,
    Number,
    Any,
}

#[derive(Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "docs/translate.md is checked against the forms"))]
pub(super) enum Form {
    /// `$1`, `$2`: the arguments as operands; the class of the result.
    Template(&'static str, TypeClass),
    /// The form as the documentation shows it, and the function that makes the form.
    Made(&'static str, fn(&[Node]) -> Result<Node>),
}

#[cfg_attr(not(test), expect(dead_code, reason = "docs/translate.md is checked against the notes"))]
pub(super) struct Function {
    pub name: &'static str,
    pub min: usize,
    pub max: usize,
    pub args: &'static [Arg],
    pub form: Form,
    pub note: &'static str,
}

const MANY: usize = 100;
const TEXT: &[Arg] = &[Arg::Text];
const NUMBER: &[Arg] = &[Arg::Number];
const ANY: &[Arg] = &[Arg::Any];

const fn f(
    name: &'static str,
    (min, max): (usize, usize),
    args: &'static [Arg],
    form: Form,
    note: &'static str,
) -> Function {
    Function { name, min, max, args, form, note }
}

use Form::{Made, Template};

/// Every function that can be translated.
pub(super) const FUNCTIONS: &[Function] = &[
    f("abs", (1, 1), NUMBER, Made("abs(x)", abs), ""),
    f("char", (1, MANY), ANY, Made("'…'", textual::char), "literal code points only"),
    f("coalesce", (2, MANY), ANY, Made("coalesce(a, …)", coalesce), "all of one family"),
    f("date", (0, MANY), ANY, Made("x::date", |a| datetime::call("date", a)), "see Times"),
    f(
        "datetime",
        (0, MANY),
        ANY,
        Made("date_trunc('second', x)", |a| datetime::call("datetime", a)),
        "see Times",
    ),
    f("hex", (1, 1), ANY, Made("upper(encode(x, 'hex'))", random::hex), "blobs and literals"),
    f("if", (3, 3), ANY, Made("CASE WHEN a THEN b ELSE c END", iif), ""),
    f("ifnull", (2, 2), ANY, Made("coalesce(a, b)", coalesce), "all of one family"),
    f("iif", (3, 3), ANY, Made("CASE WHEN a THEN b ELSE c END", iif), ""),
    f("instr", (2, 2), ANY, Made("strpos(x, y)", textual::instr), ""),
    f("json", (1, 1), ANY, Made("'…'", json::json), "literals only, without spaces"),
    f("json_array", (0, MANY), ANY, Made("'[…]'", json::array), "of literals and of JSON made of literals"),
    f(
        "json_extract",
        (2, 2),
        ANY,
        Made("nullif(x -> 'a', 'null'::jsonb)", json::extract),
        "jsonb columns, paths of members and indexes",
    ),
    f("json_object", (0, MANY), ANY, Made("'{…}'", json::object), "as json_array"),
    f("json_valid", (1, 1), ANY, Made("nullif(x IS NOT NULL, false)", json::valid), "json and jsonb columns"),
    f(
        "julianday",
        (0, MANY),
        ANY,
        Made("extract(epoch FROM x) / 86400.0 + 2440587.5", |a| datetime::call("julianday", a)),
        "see Times",
    ),
    f("length", (1, 1), ANY, Made("length(x)", textual::length), "characters of a text, bytes of a blob"),
    f("likelihood", (2, 2), ANY, Made("x", hint), "a hint to SQLite's planner; not of a column"),
    f("likely", (1, 1), ANY, Made("x", hint), "a hint to SQLite's planner; not of a column"),
    f(
        "lower",
        (1, 1),
        TEXT,
        Made("lower(x COLLATE \"C\")", textual::lower),
        "ASCII letters only, as in SQLite",
    ),
    f("ltrim", (1, 2), TEXT, Made("ltrim(x, y)", |a| textual::trim("ltrim", a)), ""),
    f(
        "max",
        (2, MANY),
        ANY,
        Made("CASE WHEN a IS NOT NULL AND … THEN greatest(a, …) END", |a| extreme("greatest", a)),
        "NULL if any is NULL; at least two arguments",
    ),
    f(
        "min",
        (2, MANY),
        ANY,
        Made("CASE WHEN a IS NOT NULL AND … THEN least(a, …) END", |a| extreme("least", a)),
        "NULL if any is NULL; at least two arguments",
    ),
    f("nullif", (2, 2), ANY, Made("nullif(a, b)", nullif), ""),
    f("octet_length", (1, 1), TEXT, Template("octet_length($1)", TypeClass::Integer), "bytes in UTF-8"),
    f(
        "random",
        (0, 0),
        ANY,
        Made("(…)::bit(64)::bigint", random::random),
        "of gen_random_uuid(); defaults only",
    ),
    f(
        "randomblob",
        (1, 1),
        ANY,
        Made("overlay(uuid_send(gen_random_uuid()) …)", random::randomblob),
        "up to 256 bytes; defaults only",
    ),
    f(
        "replace",
        (3, 3),
        TEXT,
        Made("CASE WHEN y = '' THEN x ELSE replace(x, y, z) END", textual::replace),
        "an empty search text changes nothing, even if the replacement is NULL",
    ),
    f(
        "round",
        (1, 2),
        NUMBER,
        Made("trunc(x + CASE WHEN x < 0 THEN -0.5 ELSE 0.5 END)", round),
        "to whole numbers; to digits only of integers, since SQLite's releases differ for reals",
    ),
    f("rtrim", (1, 2), TEXT, Made("rtrim(x, y)", |a| textual::trim("rtrim", a)), ""),
    f("strftime", (1, MANY), ANY, Made("to_char(now(), …)", |a| datetime::call("strftime", a)), "see Times"),
    f(
        "substr",
        (2, 3),
        ANY,
        Made("substr(x, n, m)", textual::substr),
        "negative and computed positions if the result is the same",
    ),
    f("substring", (2, 3), ANY, Made("substr(x, n, m)", textual::substr), "as substr"),
    f("time", (0, MANY), ANY, Made("x::time", |a| datetime::call("time", a)), "see Times"),
    f("trim", (1, 2), TEXT, Made("btrim(x, y)", |a| textual::trim("btrim", a)), ""),
    f(
        "typeof",
        (1, 1),
        ANY,
        Made("x IS NOT NULL", type_of),
        "compared with names; the column's type decides",
    ),
    f(
        "unixepoch",
        (0, MANY),
        ANY,
        Made("floor(extract(epoch FROM x))::bigint", |a| datetime::call("unixepoch", a)),
        "see Times",
    ),
    f("unlikely", (1, 1), ANY, Made("x", hint), "a hint to SQLite's planner; not of a column"),
    f(
        "upper",
        (1, 1),
        TEXT,
        Made("upper(x COLLATE \"C\")", textual::upper),
        "ASCII letters only, as in SQLite",
    ),
];

pub(super) fn call(name: &str, args: &[Node]) -> Result<Node> {
    let Some(function) = FUNCTIONS.iter().find(|f| f.name == name) else {
        return refuse(format!("function \"{name}\" has no equivalent"));
    };
    if !(function.min..=function.max).contains(&args.len()) {
        return refuse(format!("function \"{name}\" with {} arguments has no equivalent", args.len()));
    }
    let converted = |(i, arg): (usize, &Node)| match function.args.get(i).or(function.args.last()) {
        Some(Arg::Text) => Ok(Node { collate: None, ..arg.text()? }.after(&[arg])),
        Some(Arg::Number) if arg.text_literal().is_none() => arg.numeric(),
        Some(Arg::Number) => arg.number(),
        Some(Arg::Any) | None => Ok(arg.clone()),
    };
    let args = args.iter().enumerate().map(converted).collect::<Result<Vec<Node>>>()?;
    let node = match function.form {
        Template(form, class) => Node::atom(fill(form, &args), class),
        Made(_, make) => make(&args)?,
    };
    Ok(node.after(&args.iter().collect::<Vec<_>>()))
}

fn fill(form: &str, args: &[Node]) -> String {
    let mut out = String::new();
    let mut rest = form;
    while let Some((head, tail)) = rest.split_once('$') {
        out.push_str(head);
        let digit = tail.chars().next().and_then(|c| c.to_digit(10)).unwrap_or(0) as usize;
        out.push_str(
            &digit.checked_sub(1).and_then(|i| args.get(i)).map_or_else(String::new, |a| a.sql.clone()),
        );
        rest = tail.get(1..).unwrap_or("");
    }
    out + rest
}

fn hint(args: &[Node]) -> Result<Node> {
    match first(args)? {
        x if x.is_column() || x.kind == Kind::Dynamic => {
            refuse("a column within a hint has neither its affinity nor its collation")
        }
        x => Ok(x),
    }
}

fn first(args: &[Node]) -> Result<Node> {
    args.first().cloned().map_or_else(|| refuse("an argument is missing"), Ok)
}

fn abs(args: &[Node]) -> Result<Node> {
    let x = first(args)?;
    let size = x.size.magnitude();
    let integer = x.class == TypeClass::Integer;
    let x = if integer { size::of_integer(&x, "abs()", size)? } else { x };
    let sql = format!("abs({})", x.sql);
    Ok(Node::atom(sql, x.class).least(integer.then_some(0)).sized(size, x.bits).mixed(x.mixed))
}

/// SQLite adds a half and truncates, in floating point; the result is a REAL, also for integers. To round to digits
/// SQLite prints the value; the result for -0.15 depends on SQLite's release.
fn round(args: &[Node]) -> Result<Node> {
    let x = first(args)?;
    let digits = match args.get(1) {
        None => Some(0),
        // A negative number of digits counts as zero.
        Some(digits) => digits.integer().map(|n| n.max(0)),
    };
    match (x.class, digits) {
        // Which side of a half the clock is on is no matter.
        (TypeClass::Float, Some(0)) if matches!(x.kind, Kind::Epoch(_)) => {
            let sql = format!("round({})", x.sql);
            Ok(Node::atom(sql, TypeClass::Float).kind(x.kind.clone()).sized(x.size, 64))
        }
        (_, None) => refuse("round() to a computed number of digits"),
        (TypeClass::Integer, _) => Ok(x.cast("double precision", TypeClass::Float)),
        (_, Some(0)) => {
            let x = if x.class == TypeClass::Float && x.literal().is_none() {
                x
            } else {
                x.cast("double precision", TypeClass::Float)
            };
            let (operand, compared, compared_size) = (x.operand(), x.at(Prec::Operator), x.size);
            // Beyond 2^52 a double has no fraction. Adding zero turns -0 into 0.
            let sql = format!(
                "CASE WHEN abs({}) > 4503599627370496 THEN {} \
                 ELSE trunc({operand} + CASE WHEN {compared} < 0 THEN -0.5 ELSE 0.5 END) + 0 END",
                x.sql, x.sql
            );
            // A half is added; smaller than one is only zero then.
            let (low, high) = (compared_size.low - 1.0, compared_size.high + 1.0);
            Ok(Node::new(sql, TypeClass::Float, Prec::Unary).sized(Size::integers(low, high), 64))
        }
        (_, Some(_)) => refuse("round() of a real to digits: SQLite's releases differ in it"),
    }
}

fn coalesce(args: &[Node]) -> Result<Node> {
    let (class, values) = unify(args)?;
    let least = if values.last().is_some_and(|v| v.literal().is_some()) {
        values.iter().map(|v| v.least).min().flatten()
    } else {
        None
    };
    let (size, bits) = hull(&values);
    let mixed = mixed(class, &values);
    let node = Node::atom(format!("coalesce({})", list(&values)), class);
    Ok(one_of(node.least(least).sized(size, bits).mixed(mixed), &values))
}

/// What a value is that is one of these.
fn one_of(node: Node, values: &[Node]) -> Node {
    let known = || values.iter().filter(|v| !v.is_null());
    let json = node.class == TypeClass::Text && known().all(|v| v.json);
    let maybe_json = !json && known().any(|v| v.json || v.maybe_json);
    let node = Node { json, maybe_json, ..node };
    if node.class == TypeClass::Other { node.kind(Kind::Dynamic) } else { node }
}

fn iif(args: &[Node]) -> Result<Node> {
    match args {
        [condition, yes, no] => case(&[condition.truth()?], vec![yes.clone(), no.clone()]),
        _ => refuse("iif() takes three arguments"),
    }
}

/// `CASE`: with an ELSE there is one more result than conditions.
pub(super) fn case(conditions: &[Node], results: Vec<Node>) -> Result<Node> {
    let (class, results) = unify(&results)?;
    let mut sql = String::from("CASE");
    for (when, then) in conditions.iter().zip(&results) {
        sql += &format!(" WHEN {} THEN {}", when.sql, then.sql);
    }
    if let Some(otherwise) = results.get(conditions.len()) {
        sql += &format!(" ELSE {}", otherwise.sql);
    }
    let parts: Vec<&Node> = conditions.iter().chain(&results).collect();
    let (size, bits) = hull(&results);
    let mixed = mixed(class, &results);
    let node = Node::new(sql + " END", class, Prec::Unary).after(&parts);
    Ok(one_of(node.sized(size, bits).mixed(mixed), &results))
}

fn nullif(args: &[Node]) -> Result<Node> {
    let [a, b] = args else { return refuse("nullif() takes two arguments") };
    if a.is_null() || b.is_null() {
        return Ok(a.clone());
    }
    if a.is_collated() || b.is_collated() {
        return refuse("nullif() under a collation");
    }
    // The result has the type of the comparison.
    if a.is_number() && b.is_number() && a.class != b.class {
        return refuse("nullif() of numbers of different types");
    }
    let (a, others) = compare::to_one_type(a.clone(), vec![b.clone()], false)?;
    let sql = format!("nullif({}, {})", a.sql, list(&others));
    let (json, maybe_json) = (a.json, a.maybe_json);
    Ok(Node { json, maybe_json, ..Node::atom(sql, a.class).sized(a.size, a.bits).mixed(a.mixed) })
}

/// `min` and `max` are NULL if any argument is; LEAST and GREATEST ignore NULLs.
fn extreme(function: &str, args: &[Node]) -> Result<Node> {
    if args.iter().any(Node::is_null) {
        return Ok(null());
    }
    let (class, mut values) = unify(args)?;
    if !matches!(class, TypeClass::Integer | TypeClass::Float | TypeClass::Numeric | TypeClass::Text) {
        return refuse(format!("min() and max() of {} values", class_name(class)));
    }
    if class == TypeClass::Text && args.iter().any(Node::is_collated) {
        return refuse("min() and max() under a collation");
    }
    if class == TypeClass::Text
        && let Some(value) = values.first_mut()
    {
        *value = Node::new(super::like::c_collation(value), class, Prec::Unary);
    }
    let call = format!("{function}({})", list(&values));
    let tests: Vec<String> = args
        .iter()
        .filter(|a| a.literal().is_none())
        .map(|a| format!("{} IS NOT NULL", a.at(Prec::Operator)))
        .collect();
    let (size, bits) = hull(&values);
    if tests.is_empty() {
        return Ok(Node::atom(call, class).sized(size, bits).mixed(mixed(class, &values)));
    }
    let sql = format!("CASE WHEN {} THEN {call} END", tests.join(" AND "));
    Ok(Node::new(sql, class, Prec::Unary).sized(size, bits).mixed(mixed(class, &values)))
}

/// Of one of these values, converted to a family.
fn mixed(class: TypeClass, values: &[Node]) -> bool {
    matches!(class, TypeClass::Float | TypeClass::Numeric)
        && values.iter().any(|v| !v.is_null() && v.may_be_integer())
}

/// The bounds of a value that is one of these, and the bits of their common type.
fn hull(values: &[Node]) -> (Size, u8) {
    let known = || values.iter().filter(|v| !v.is_null());
    let size = known().map(|v| v.size).reduce(Size::hull).unwrap_or(Size::UNKNOWN);
    (size, known().map(|v| v.bits).max().unwrap_or(64))
}

fn list(values: &[Node]) -> String {
    values.iter().map(|v| v.sql.as_str()).collect::<Vec<_>>().join(", ")
}

/// Converts values to one family, as CASE and COALESCE need.
fn unify(nodes: &[Node]) -> Result<(TypeClass, Vec<Node>)> {
    let mut known = nodes.iter().filter(|n| !n.is_null());
    let Some(lead) = known.clone().find(|n| n.literal().is_none()).or_else(|| known.next()) else {
        return Ok((TypeClass::Text, nodes.to_vec()));
    };
    let flag = |n: &Node| n.class == TypeClass::Bool || n.is_null() || matches!(n.integer(), Some(0 | 1));
    if nodes.iter().any(|n| n.class == TypeClass::Bool) && !nodes.iter().all(flag) {
        let numbers: Result<Vec<Node>> =
            nodes.iter().map(|n| if n.is_null() { Ok(n.clone()) } else { n.number() }).collect();
        return unify(&numbers?);
    }
    let values: Result<Vec<Node>> = nodes.iter().map(|n| with_lead(lead, n)).collect();
    let values = values?;
    let widest = values.iter().map(|v| v.class).fold(lead.class, wider);
    Ok((widest, values))
}

fn wider(a: TypeClass, b: TypeClass) -> TypeClass {
    use TypeClass::{Float, Integer, Numeric};
    match (a, b) {
        (Float, Integer | Numeric) | (Integer | Numeric, Float) => Float,
        (Numeric, Integer) | (Integer, Numeric) => Numeric,
        _ => a,
    }
}

fn with_lead(lead: &Node, node: &Node) -> Result<Node> {
    use TypeClass::{
        Bool, Date, Float, Integer, Json, Jsonb, Numeric, Text, Time, Timestamp, TimestampTz, Uuid,
    };
    match (lead.class, node.literal()) {
        (_, Some(Lit::Null)) => Ok(null()),
        (Bool, Some(lit @ Lit::Integer(_))) => literal::stored(lit, Bool, None, lead.timezone()),
        (Integer | Float | Numeric, Some(Lit::Integer(_) | Lit::Real(..))) => Ok(node.clone()),
        (Text, Some(Lit::Text(_))) => Ok(node.clone()),
        (Date | Time | Timestamp | TimestampTz | Uuid | Json | Jsonb, Some(lit)) if lead.is_column() => {
            literal::stored(lit, lead.class, lead.format(), lead.timezone())
        }
        (_, Some(lit)) if lead.class != node.class => literal::invalid(lit, lead.class),
        (Text, None) if node.class == Text => node.text(),
        (a, _) if a == node.class && a != TypeClass::Other => Ok(node.clone()),
        (TypeClass::Other, _) if lead.kind == Kind::Dynamic && node.kind == Kind::Dynamic => Ok(node.clone()),
        _ if lead.is_number() && node.is_number() => Ok(node.clone()),
        (a, _) => refuse(format!("{} and {} values in one place", class_name(a), class_name(node.class))),
    }
}

/// `typeof(x)`: the type of the column decides, except for NULLs.
fn type_of(args: &[Node]) -> Result<Node> {
    use TypeClass::{Bool, Bytea, Float, Integer, Numeric, Text};
    let x = first(args)?;
    let possible: &'static [&'static str] = match x.class {
        _ if x.is_null() => return Ok(text("null")),
        Integer => &["integer"],
        Float if !x.mixed => &["real"],
        Float => &["integer", "real"],
        Numeric => &["integer", "real"],
        Text => &["text"],
        Bytea => &["blob"],
        Bool if !x.is_column() => &["integer"],
        Bool => &["integer", "text"],
        _ => &["integer", "real", "text", "blob"],
    };
    let (name, class) = match possible {
        [one] => (*one, Text),
        _ => ("text", TypeClass::Other),
    };
    let arg = x.at(Prec::Operator);
    let sql = format!("CASE WHEN {arg} IS NULL THEN 'null' ELSE '{name}' END");
    Ok(Node::new(sql, class, Prec::Unary).kind(Kind::TypeOf(TypeOf { arg, possible })))
}
