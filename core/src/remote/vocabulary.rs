//! What SQLite computes as PostgreSQL does, and how it is printed: one table each for operators, functions and
//! aggregates, which docs/pushdown.md repeats. What is not here is computed by PostgreSQL. Pure.
//!
//! Left out on purpose: `lower`, `upper`, `initcap` (the locale decides), `ILIKE` and regular expressions (so it
//! does for them), `sum` and `avg` of doubles (SQLite compensates rounding errors), everything over numeric and
//! char(n), timestamp against timestamptz (the session's time zone decides), `round`.

use super::{Collation, Expr, Type};
use crate::value::native::Native;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Int,
    Float,
    Is(Type),
}

use Family::{Float, Int, Is};

const BOOL: Family = Is(Type::Bool);
const TEXT: Family = Is(Type::Text);
const BYTEA: Family = Is(Type::Bytea);

impl Family {
    pub fn holds(self, type_: Type) -> bool {
        match self {
            Int => is_int(type_),
            Float => is_float(type_),
            Is(one) => one == type_,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Int => "integers",
            Float => "floats",
            Is(type_) => type_name(type_),
        }
    }
}

pub fn type_name(type_: Type) -> &'static str {
    match type_ {
        Type::Bool => "boolean",
        Type::Int2 => "smallint",
        Type::Int4 => "integer",
        Type::Int8 => "bigint",
        Type::Float4 => "real",
        Type::Float8 => "double precision",
        Type::Text => "text",
        Type::Bpchar => "char(n)",
        Type::Bytea => "bytea",
        Type::Uuid => "uuid",
        Type::Date => "date",
        Type::Time => "time",
        Type::Timestamp => "timestamp",
        Type::TimestampTz => "timestamptz",
        Type::Numeric => "numeric",
        Type::Other => "other",
    }
}

pub fn is_int(type_: Type) -> bool {
    matches!(type_, Type::Int2 | Type::Int4 | Type::Int8)
}

pub fn is_float(type_: Type) -> bool {
    matches!(type_, Type::Float4 | Type::Float8)
}

/// The type has a canonical form, in which SQLite compares and sorts it.
pub fn is_canonical(type_: Type) -> bool {
    !matches!(type_, Type::Bpchar | Type::Numeric | Type::Other)
}

/// Values of the two types may be compared: they are of one canonical form. Integers with doubles are not;
/// PostgreSQL's parser writes that cast out.
pub fn are_comparable(left: Type, right: Type) -> bool {
    is_canonical(left) && left == right || is_int(left) && is_int(right) || is_float(left) && is_float(right)
}

/// What the operation asks of the collation of its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Texts are equal where their bytes are.
    Equality,
    /// Texts are sorted by their bytes.
    Order,
}

impl Needs {
    pub fn met(self, type_: Type, collation: Collation) -> bool {
        match self {
            _ if type_ != Type::Text => true,
            Needs::Nothing => true,
            Needs::Equality => matches!(collation, Collation::Bytes | Collation::Deterministic),
            Needs::Order => collation == Collation::Bytes,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Needs::Nothing => "",
            Needs::Equality => "deterministic",
            Needs::Order => "`C`, `POSIX` or another by bytes",
        }
    }
}

/// Comparisons of two values of one type, or of two integers.
pub const COMPARISONS: &[(&str, &str, Needs)] = &[
    ("=", "=", Needs::Equality),
    ("<>", "<>", Needs::Equality),
    ("<", "<", Needs::Order),
    ("<=", "<=", Needs::Order),
    (">", ">", Needs::Order),
    (">=", ">=", Needs::Order),
];

pub fn comparison(name: &str) -> Option<&'static (&'static str, &'static str, Needs)> {
    COMPARISONS.iter().find(|c| c.0 == name)
}

/// The comparison with its sides exchanged.
pub fn mirrored(name: &str) -> &str {
    match name {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

/// An operator or function with the types it is known for.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub name: &'static str,
    pub args: &'static [Family],
    pub result: Type,
    /// `{0}`, `{1}`, … stand for the arguments.
    pub template: &'static str,
    pub needs: Needs,
    pub note: &'static str,
}

const fn known(
    name: &'static str,
    args: &'static [Family],
    result: Type,
    template: &'static str,
    needs: Needs,
    note: &'static str,
) -> Known {
    Known { name, args, result, template, needs, note }
}

const INTS: &[Family] = &[Int, Int];
const FLOATS: &[Family] = &[Float, Float];
const TEXTS: &[Family] = &[TEXT, TEXT];
const IN_64: &str = "computed in 64 bits, then checked (22003)";
const CHECKED: &str = "overflow is an error (22003); SQLite would continue with a float";
const BY_ZERO: &str = "division by zero is an error (22012), in SQLite NULL; plain `/` if the divisor is a \
                       constant other than 0 and -1";
const MODULO: &str = "division by zero is an error (22012); plain `%` if the divisor is a constant other \
                      than 0";
const DOUBLES: &str = "overflow, underflow, division by zero and NaN as in PostgreSQL";
const ZONELESS: &str = "the cast is exact, or rounds to nearest as C does";
const BYTEWISE: &str = "case matters, bytes are compared";

pub const OPERATORS: &[Known] = &[
    known("+", INTS, Type::Int2, "pg_int2({0} + {1})", Needs::Nothing, IN_64),
    known("+", INTS, Type::Int4, "pg_int4({0} + {1})", Needs::Nothing, IN_64),
    known("+", INTS, Type::Int8, "pg_add({0}, {1})", Needs::Nothing, CHECKED),
    known("-", INTS, Type::Int2, "pg_int2({0} - {1})", Needs::Nothing, IN_64),
    known("-", INTS, Type::Int4, "pg_int4({0} - {1})", Needs::Nothing, IN_64),
    known("-", INTS, Type::Int8, "pg_sub({0}, {1})", Needs::Nothing, CHECKED),
    known("*", INTS, Type::Int2, "pg_int2({0} * {1})", Needs::Nothing, IN_64),
    known("*", INTS, Type::Int4, "pg_int4({0} * {1})", Needs::Nothing, IN_64),
    known("*", INTS, Type::Int8, "pg_mul({0}, {1})", Needs::Nothing, CHECKED),
    known("/", INTS, Type::Int2, "pg_int2(pg_div({0}, {1}))", Needs::Nothing, BY_ZERO),
    known("/", INTS, Type::Int4, "pg_int4(pg_div({0}, {1}))", Needs::Nothing, BY_ZERO),
    known("/", INTS, Type::Int8, "pg_div({0}, {1})", Needs::Nothing, BY_ZERO),
    known("%", INTS, Type::Int2, "pg_mod({0}, {1})", Needs::Nothing, MODULO),
    known("%", INTS, Type::Int4, "pg_mod({0}, {1})", Needs::Nothing, MODULO),
    known("%", INTS, Type::Int8, "pg_mod({0}, {1})", Needs::Nothing, MODULO),
    known("&", INTS, Type::Int2, "({0} & {1})", Needs::Nothing, ""),
    known("&", INTS, Type::Int4, "({0} & {1})", Needs::Nothing, ""),
    known("&", INTS, Type::Int8, "({0} & {1})", Needs::Nothing, ""),
    known("|", INTS, Type::Int2, "({0} | {1})", Needs::Nothing, ""),
    known("|", INTS, Type::Int4, "({0} | {1})", Needs::Nothing, ""),
    known("|", INTS, Type::Int8, "({0} | {1})", Needs::Nothing, ""),
    known("+", FLOATS, Type::Float8, "pg_float8_add({0}, {1})", Needs::Nothing, DOUBLES),
    known("-", FLOATS, Type::Float8, "pg_float8_sub({0}, {1})", Needs::Nothing, DOUBLES),
    known("*", FLOATS, Type::Float8, "pg_float8_mul({0}, {1})", Needs::Nothing, DOUBLES),
    known("/", FLOATS, Type::Float8, "pg_float8_div({0}, {1})", Needs::Nothing, DOUBLES),
    known("||", TEXTS, Type::Text, "({0} || {1})", Needs::Nothing, ""),
    known("~~", TEXTS, Type::Bool, "pg_like({0}, {1})", Needs::Equality, BYTEWISE),
    known("!~~", TEXTS, Type::Bool, "(NOT pg_like({0}, {1}))", Needs::Equality, BYTEWISE),
    known("^@", TEXTS, Type::Bool, "pg_starts_with({0}, {1})", Needs::Equality, BYTEWISE),
];

pub const FUNCTIONS: &[Known] = &[
    known("length", &[TEXT], Type::Int4, "pg_length({0})", Needs::Nothing, "SQLite's ends at a NUL"),
    known("char_length", &[TEXT], Type::Int4, "pg_length({0})", Needs::Nothing, ""),
    known("character_length", &[TEXT], Type::Int4, "pg_length({0})", Needs::Nothing, ""),
    known("length", &[BYTEA], Type::Int4, "length({0})", Needs::Nothing, ""),
    known(
        "octet_length",
        &[BYTEA],
        Type::Int4,
        "length({0})",
        Needs::Nothing,
        "not of text, whose length depends on the encoding",
    ),
    known("substr", &[TEXT, Int], Type::Text, "pg_substr({0}, {1})", Needs::Nothing, SUBSTR),
    known("substr", &[TEXT, Int, Int], Type::Text, "pg_substr({0}, {1}, {2})", Needs::Nothing, SUBSTR),
    known("substring", &[TEXT, Int], Type::Text, "pg_substr({0}, {1})", Needs::Nothing, SUBSTR),
    known("substring", &[TEXT, Int, Int], Type::Text, "pg_substr({0}, {1}, {2})", Needs::Nothing, SUBSTR),
    known("left", &[TEXT, Int], Type::Text, "pg_left({0}, {1})", Needs::Nothing, ""),
    known("right", &[TEXT, Int], Type::Text, "pg_right({0}, {1})", Needs::Nothing, ""),
    known("strpos", TEXTS, Type::Int4, "pg_strpos({0}, {1})", Needs::Equality, ""),
    known("position", TEXTS, Type::Int4, "pg_strpos({0}, {1})", Needs::Equality, ""),
    known("replace", &[TEXT, TEXT, TEXT], Type::Text, "pg_replace({0}, {1}, {2})", Needs::Equality, ""),
    known("starts_with", TEXTS, Type::Bool, "pg_starts_with({0}, {1})", Needs::Equality, ""),
    known("reverse", &[TEXT], Type::Text, "pg_reverse({0})", Needs::Nothing, ""),
    known("btrim", &[TEXT], Type::Text, "trim({0})", Needs::Nothing, "spaces only, in both"),
    known("ltrim", &[TEXT], Type::Text, "ltrim({0})", Needs::Nothing, ""),
    known("rtrim", &[TEXT], Type::Text, "rtrim({0})", Needs::Nothing, ""),
    known("btrim", TEXTS, Type::Text, "trim({0}, {1})", Needs::Nothing, "a set of characters, in both"),
    known("ltrim", TEXTS, Type::Text, "ltrim({0}, {1})", Needs::Nothing, ""),
    known("rtrim", TEXTS, Type::Text, "rtrim({0}, {1})", Needs::Nothing, ""),
    known("abs", &[Int], Type::Int2, "pg_int2(pg_abs({0}))", Needs::Nothing, CHECKED),
    known("abs", &[Int], Type::Int4, "pg_int4(pg_abs({0}))", Needs::Nothing, CHECKED),
    known("abs", &[Int], Type::Int8, "pg_abs({0})", Needs::Nothing, CHECKED),
    known("abs", &[Is(Type::Float8)], Type::Float8, "pg_float8_abs({0})", Needs::Nothing, DOUBLES),
    known("-", &[Int], Type::Int2, "pg_int2(- {0})", Needs::Nothing, IN_64),
    known("-", &[Int], Type::Int4, "pg_int4(- {0})", Needs::Nothing, IN_64),
    known("-", &[Int], Type::Int8, "pg_sub(0, {0})", Needs::Nothing, CHECKED),
    known("-", &[Is(Type::Float8)], Type::Float8, "pg_float8_neg({0})", Needs::Nothing, DOUBLES),
    known("mod", INTS, Type::Int2, "pg_mod({0}, {1})", Needs::Nothing, MODULO),
    known("mod", INTS, Type::Int4, "pg_mod({0}, {1})", Needs::Nothing, MODULO),
    known("mod", INTS, Type::Int8, "pg_mod({0}, {1})", Needs::Nothing, MODULO),
    known("int8", &[Int], Type::Int8, "{0}", Needs::Nothing, ""),
    known("int4", &[Is(Type::Int2)], Type::Int4, "{0}", Needs::Nothing, ""),
    known("int4", &[Is(Type::Int8)], Type::Int4, "pg_int4({0})", Needs::Nothing, IN_64),
    known("int2", &[Int], Type::Int2, "pg_int2({0})", Needs::Nothing, IN_64),
    known("float8", &[Int], Type::Float8, "CAST({0} AS REAL)", Needs::Nothing, ZONELESS),
    known("float8", &[Is(Type::Float4)], Type::Float8, "{0}", Needs::Nothing, ZONELESS),
    known("int4", &[BOOL], Type::Int4, "{0}", Needs::Nothing, ""),
    known("bool", &[Is(Type::Int4)], Type::Bool, "({0} <> 0)", Needs::Nothing, ""),
];

const SUBSTR: &str = "positions before the first character count; a negative length is an error (22011)";

fn find(table: &'static [Known], name: &str, args: &[Type], result: Type) -> Option<&'static Known> {
    table.iter().find(|known| {
        known.name == name
            && known.result == result
            && known.args.len() == args.len()
            && known.args.iter().zip(args).all(|(family, type_)| family.holds(*type_))
    })
}

pub fn operator(name: &str, args: &[Type], result: Type) -> Option<&'static Known> {
    find(OPERATORS, name, args, result)
}

pub fn function(name: &str, args: &[Type], result: Type) -> Option<&'static Known> {
    find(FUNCTIONS, name, args, result)
}

/// Division by a constant that needs no check.
pub fn plain_division(name: &str, divisor: &Expr) -> Option<&'static str> {
    match (name, divisor) {
        ("/", Expr::Const(_, Native::Integer(n))) if !matches!(n, 0 | -1) => Some("({0} / {1})"),
        ("%" | "mod", Expr::Const(_, Native::Integer(n))) if *n != 0 => Some("({0} % {1})"),
        _ => None,
    }
}

/// What an aggregate gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateResult {
    Canonical,
    Decimal,
    Quotient,
}

#[derive(Debug, Clone, Copy)]
pub struct KnownAggregate {
    pub name: &'static str,
    pub args: &'static [Type],
    pub sqlite: &'static str,
    pub result: AggregateResult,
    pub needs: Needs,
    pub note: &'static str,
}

const fn aggregate_row(
    name: &'static str,
    args: &'static [Type],
    sqlite: &'static str,
    result: AggregateResult,
    note: &'static str,
) -> KnownAggregate {
    KnownAggregate { name, args, sqlite, result, needs: Needs::Order, note }
}

const SMALL_INTS: &[Type] = &[Type::Int2, Type::Int4];
const ALL_INTS: &[Type] = &[Type::Int2, Type::Int4, Type::Int8];
const SORTED: &[Type] = &[
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float4,
    Type::Float8,
    Type::Text,
    Type::Bytea,
    Type::Date,
    Type::Time,
    Type::Timestamp,
    Type::TimestampTz,
];
const BOOLS: &[Type] = &[Type::Bool];

/// Of one argument; `count` takes any canonical one, or none.
pub const AGGREGATES: &[KnownAggregate] = &[
    aggregate_row("min", SORTED, "min", AggregateResult::Canonical, ""),
    aggregate_row("max", SORTED, "max", AggregateResult::Canonical, ""),
    aggregate_row("sum", SMALL_INTS, "sum", AggregateResult::Canonical, "2^32 rows of them fit into bigint"),
    aggregate_row("sum", &[Type::Int8], "pg_sum", AggregateResult::Decimal, "summed in 128 bits"),
    aggregate_row("avg", ALL_INTS, "pg_avg", AggregateResult::Quotient, "PostgreSQL divides the exact sum"),
    aggregate_row("bool_and", BOOLS, "min", AggregateResult::Canonical, ""),
    aggregate_row("every", BOOLS, "min", AggregateResult::Canonical, ""),
    aggregate_row("bool_or", BOOLS, "max", AggregateResult::Canonical, ""),
];

pub fn aggregate(name: &str, arg: Type) -> Option<&'static KnownAggregate> {
    AGGREGATES.iter().find(|a| a.name == name && a.args.contains(&arg))
}

/// The tables as they stand in `docs/pushdown.md`.
pub fn markdown() -> Vec<String> {
    let comparisons = COMPARISONS
        .iter()
        .map(|(name, _, needs)| format!("| `{name}` | {} |\n", needs.describe()))
        .collect::<String>();
    let known = |table: &[Known]| table.iter().map(Known::row).collect::<String>();
    let aggregates = AGGREGATES.iter().map(KnownAggregate::row).collect::<String>();
    let head = "| PostgreSQL | arguments | result | SQLite | collation | note |\n|---|---|---|---|---|---|\n";
    vec![
        format!("| comparison | collation of texts |\n|---|---|\n{comparisons}"),
        format!("{head}{}", known(OPERATORS)),
        format!("{head}{}", known(FUNCTIONS)),
        format!("| aggregate | argument | SQLite | note |\n|---|---|---|---|\n{aggregates}"),
    ]
}

impl Known {
    fn row(&self) -> String {
        let args: Vec<&str> = self.args.iter().map(|a| a.name()).collect();
        let bar = |text: &str| text.replace('|', "\\|");
        format!(
            "| `{}` | {} | {} | `{}` | {} | {} |\n",
            bar(self.name),
            args.join(", "),
            type_name(self.result),
            bar(self.template),
            self.needs.describe(),
            self.note
        )
    }
}

impl KnownAggregate {
    fn row(&self) -> String {
        let args: Vec<&str> = self.args.iter().map(|a| type_name(*a)).collect();
        format!("| `{}` | {} | `{}` | {} |\n", self.name, args.join(", "), self.sqlite, self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_repeats_the_tables() {
        let doc = include_str!("../../../docs/pushdown.md");
        for section in markdown() {
            assert!(doc.contains(&section), "docs/pushdown.md must have:\n{section}");
        }
    }

    #[test]
    fn templates_use_every_argument_once() {
        for known in OPERATORS.iter().chain(FUNCTIONS) {
            for at in 0..3 {
                let uses = known.template.matches(&format!("{{{at}}}")).count();
                assert_eq!(uses, usize::from(at < known.args.len()), "{}", known.template);
            }
        }
    }

    #[test]
    fn registered_functions_are_those_that_are_printed() {
        use crate::remote::compute;
        let printed: Vec<&str> = OPERATORS.iter().chain(FUNCTIONS).map(|k| k.template).collect();
        for function in compute::FUNCTIONS {
            let elsewhere =
                ["pg_is_text", "pg_limit", "pg_offset", "pg_float8", "pg_uuid_begins", "pg_refuse"]
                    .contains(&function.name);
            assert!(elsewhere || printed.iter().any(|t| t.contains(function.name)), "{}", function.name);
        }
    }
}
