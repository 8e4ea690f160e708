//! Functions that only statements have: their forms are not immutable, or equal on an assumption.
//!
//! One table, which docs/translate.md repeats. Functions of `function::FUNCTIONS` come first.

use super::math::{arctangent, logarithm, modulo, power, real, round, sign, whole, within};
use super::texts::{
    characters, concat, concat_ws, hex, octet_length, quote, soundex, substr, unhex, unicode, unistr,
    unistr_quote, zeroblob,
};
use crate::translate::node::{Node, Result, text};
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
const VERSION: Option<&str> =
    Some("sqlite_version() is the release of SQLite that this extension has, not the application's");
/// The release of SQLite that the extension has.
pub const SQLITE_VERSION: &str = "3.54.1";
const MANY: usize = 100;

/// Every one of them.
pub const FORMS: &[Form] = &[
    f("acos", (1, 1), "CASE WHEN x BETWEEN -1 AND 1 THEN acos(x) END", DIGITS, |a| {
        within("$ BETWEEN -1 AND 1", "acos($)", a)
    }),
    f("acosh", (1, 1), "CASE WHEN x >= 1 THEN acosh(x) END", DIGITS, |a| within("$ >= 1", "acosh($)", a)),
    f("asin", (1, 1), "CASE WHEN x BETWEEN -1 AND 1 THEN asin(x) END", DIGITS, |a| {
        within("$ BETWEEN -1 AND 1", "asin($)", a)
    }),
    f("asinh", (1, 1), "asinh(x)", DIGITS, |a| real("asinh($)", a)),
    f("atan", (1, 1), "atan(x)", DIGITS, |a| real("atan($)", a)),
    f("atan2", (2, 2), "atan2(y, x)", DIGITS, arctangent),
    f("atanh", (1, 1), "CASE WHEN x BETWEEN -1 AND 1 THEN atanh(x) END", DIGITS, |a| {
        within("$ BETWEEN -1 AND 1", "atanh($)", a)
    }),
    f("ceil", (1, 1), "ceil(x)", None, |a| whole("ceil", a)),
    f("ceiling", (1, 1), "ceil(x)", None, |a| whole("ceil", a)),
    f(
        "char",
        (1, MANY),
        "sqlite_compat.characters(a, …)",
        Some("char() of zero is an error, for PostgreSQL has no such character"),
        characters,
    ),
    f("concat", (1, MANY), "concat(a, …)", None, concat),
    f("concat_ws", (2, MANY), "concat_ws(a, …)", None, concat_ws),
    f("cos", (1, 1), "cos(x)", DIGITS, |a| real("cos($)", a)),
    f("cosh", (1, 1), "cosh(x)", DIGITS, |a| real("cosh($)", a)),
    f("degrees", (1, 1), "degrees(x)", DIGITS, |a| real("degrees($)", a)),
    f("exp", (1, 1), "exp(x)", DIGITS, |a| real("exp($)", a)),
    f("floor", (1, 1), "floor(x)", None, |a| whole("floor", a)),
    f("hex", (1, 1), "upper(encode(convert_to(x, 'UTF8'), 'hex'))", None, hex),
    f("ln", (1, 1), "CASE WHEN x > 0 THEN ln(x) END", DIGITS, |a| within("$ > 0", "ln($)", a)),
    f("log", (1, 1), "CASE WHEN x > 0 THEN log(x) END", DIGITS, |a| within("$ > 0", "log($)", a)),
    f("log", (2, 2), "CASE WHEN b > 1 AND x > 0 THEN ln(x) / ln(b) END", DIGITS, logarithm),
    f("log10", (1, 1), "CASE WHEN x > 0 THEN log(x) END", DIGITS, |a| within("$ > 0", "log($)", a)),
    f("log2", (1, 1), "CASE WHEN x > 0 THEN ln(x) / ln(2) END", DIGITS, |a| {
        within("$ > 0", "ln($) / ln(2::double precision)", a)
    }),
    f("mod", (2, 2), "sqlite_compat.real_mod(x, y)", None, modulo),
    f("octet_length", (1, 1), "octet_length(x)", None, octet_length),
    f("pi", (0, 0), "pi()", None, |_| Ok(Node::atom("pi()", TypeClass::Float))),
    f("pow", (2, 2), "power(x, y)", DIGITS, power),
    f("power", (2, 2), "power(x, y)", DIGITS, power),
    f("quote", (1, 1), "'''' || replace(x, '''', '''''') || ''''", None, quote),
    f("radians", (1, 1), "radians(x)", DIGITS, |a| real("radians($)", a)),
    f("round", (2, 2), "round(x::numeric, n)::double precision", HALVES, round),
    f("sign", (1, 1), "sign(x)::integer", None, sign),
    f("sin", (1, 1), "sin(x)", DIGITS, |a| real("sin($)", a)),
    f("sinh", (1, 1), "sinh(x)", DIGITS, |a| real("sinh($)", a)),
    f("soundex", (1, 1), "sqlite_compat.soundex(x)", None, soundex),
    f("sqlite_version", (0, 0), "'3.54.1'", VERSION, |_| Ok(text(SQLITE_VERSION))),
    f("sqrt", (1, 1), "CASE WHEN x >= 0 THEN sqrt(x) END", DIGITS, |a| within("$ >= 0", "sqrt($)", a)),
    f("substr", (2, 3), "substr(x, CASE WHEN n < 0 … END)", None, substr),
    f("substring", (2, 3), "substr(x, CASE WHEN n < 0 … END)", None, substr),
    f("tan", (1, 1), "tan(x)", DIGITS, |a| real("tan($)", a)),
    f("tanh", (1, 1), "tanh(x)", DIGITS, |a| real("tanh($)", a)),
    f("trunc", (1, 1), "trunc(x)", None, |a| whole("trunc", a)),
    f("unhex", (1, 2), "sqlite_compat.unhex(x)", None, unhex),
    f("unicode", (1, 1), "sqlite_compat.unicode(x)", None, unicode),
    f("unistr", (1, 1), "sqlite_compat.unistr(x)", None, unistr),
    f("unistr_quote", (1, 1), "sqlite_compat.unistr_quote(x)", None, unistr_quote),
    f("zeroblob", (1, 1), "decode(repeat('00', n), 'hex')", None, zeroblob),
];

pub(super) fn find(name: &str, arguments: usize) -> Option<&'static Form> {
    FORMS.iter().find(|f| f.name == name && (f.min..=f.max).contains(&arguments))
}
