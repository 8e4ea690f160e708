//! Random bytes, integers and UUIDs, made of `gen_random_uuid()`, which every server since 13 has.
//!
//! A random UUID has 122 random bits: bytes 7 to 9 carry the version and the variant. If all bytes must be random,
//! those three are replaced by random bytes of a second UUID.

use sqlite3_parser::ast::{Expr, Literal, Operator};

use super::literal;
use super::node::{Kind, Lit, Node, Result, refuse};
use crate::types::TypeClass;

const SIXTEEN: &str = "overlay(uuid_send(gen_random_uuid()) \
                       PLACING substr(uuid_send(gen_random_uuid()), 10, 3) FROM 7)";
/// The most random bytes of a default; real ones need fewer.
const MAX_BYTES: i64 = 256;
/// The most levels of a UUID expression: a chain of `||` and a few calls.
const MAX_LEVELS: usize = 40;

/// `randomblob(n)`
pub(super) fn randomblob(args: &[Node]) -> Result<Node> {
    match args.first().and_then(Node::integer) {
        Some(n @ 1..=MAX_BYTES) => Ok(Node::atom(format!("({})", bytes(n)), TypeClass::Bytea).volatile()),
        _ => refuse("randomblob() of a computed or large size"),
    }
}

fn bytes(n: i64) -> String {
    match n {
        1..=6 => format!("substr(uuid_send(gen_random_uuid()), 1, {n})"),
        7..=15 => format!("substr({SIXTEEN}, 1, {n})"),
        16 => SIXTEEN.to_string(),
        _ => format!("{SIXTEEN} || {}", bytes(n - 16)),
    }
}

/// `random()`: any bigint.
pub(super) fn random(_: &[Node]) -> Result<Node> {
    let sql = format!("('x' || encode({}, 'hex'))::bit(64)::bigint", bytes(8));
    Ok(Node::atom(sql, TypeClass::Integer).volatile())
}

/// `hex(x)`
pub(super) fn hex(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Bytea => {
            let sql = format!("upper(encode({}, 'hex'))", x.sql);
            if x.immutable && x.literal().is_none() {
                // hex(NULL) is the empty string.
                return Ok(Node::atom(format!("coalesce({sql}, '')"), TypeClass::Text));
            }
            Ok(Node::atom(sql, TypeClass::Text).after(&[x]).kind(Kind::Hex(x.sql.clone())))
        }
        [x] => match x.literal() {
            Some(Lit::Text(t)) => hex(&[literal::blob(t.clone().into_bytes())]),
            _ => refuse("hex() of a value that is not a blob"),
        },
        _ => refuse("hex() takes one argument"),
    }
}

/// The PostgreSQL form of an expression that composes a random (version 4) UUID.
pub(super) fn uuid_text(e: &Expr<'_>) -> Option<Node> {
    let candidate = match e {
        Expr::Binary(_, Operator::Concat, _) => true,
        Expr::FunctionCall { name, .. } => ["lower", "upper"].iter().any(|n| n.eq_ignore_ascii_case(name.0)),
        _ => false,
    };
    let spelled = spelling(e, if candidate { MAX_LEVELS } else { 0 })?;
    let sql = match spelled.as_str() {
        "hhhhhhhh-hhhh-4hhh-vhhh-hhhhhhhhhhhh" => "gen_random_uuid()::text",
        "HHHHHHHH-HHHH-4HHH-VHHH-HHHHHHHHHHHH" => "upper(gen_random_uuid()::text)",
        "hhhhhhhhhhhh4hhhvhhhhhhhhhhhhhhh" => "replace(gen_random_uuid()::text, '-', '')",
        _ => return None,
    };
    Some(Node::atom(sql, TypeClass::Text).volatile())
}

/// Whether a default composes 32 random hexadecimal digits, as `hex(randomblob(16))` and UUIDs do.
pub(super) fn is_random_uuid(e: &Expr<'_>) -> bool {
    let Some(spelled) = spelling(e, MAX_LEVELS) else { return false };
    let digits = spelled.bytes().filter(|b| *b != b'-').count();
    digits == 32 && spelled.bytes().all(|b| matches!(b.to_ascii_lowercase(), b'h' | b'v' | b'4' | b'-'))
}

/// A pattern with one character for each of the expression's result: `h` for a random hexadecimal digit, `v` for one of
/// 89ab (upper case for upper case), any other for itself. `None` for any other expression.
fn spelling(e: &Expr<'_>, levels: usize) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    match e {
        Expr::Parenthesized(items) => match items.as_slice() {
            [one] => spelling(one, levels),
            _ => None,
        },
        Expr::Literal(Literal::String(token)) => {
            let plain = literal::unquote(token);
            plain.bytes().all(|b| b.is_ascii_digit() || b == b'-').then_some(plain)
        }
        Expr::Binary(l, Operator::Concat, r) => Some(spelling(l, levels)? + &spelling(r, levels)?),
        Expr::FunctionCall { name, args: Some(args), filter_over: None, .. } => {
            call_spelling(&name.0.to_ascii_lowercase(), args, levels)
        }
        _ => None,
    }
}

fn call_spelling(name: &str, args: &[Expr<'_>], levels: usize) -> Option<String> {
    match (name, args) {
        ("lower", [x]) => Some(spelling(x, levels)?.to_ascii_lowercase()),
        ("upper", [x]) => Some(spelling(x, levels)?.to_ascii_uppercase()),
        ("hex", [x]) => {
            let n = usize::try_from(random_bytes(x)?).ok()?;
            Some("H".repeat(n * 2))
        }
        (
            "substr" | "substring",
            [Expr::Literal(Literal::String(set)), place, Expr::Literal(Literal::Numeric("1"))],
        ) if is_variant_set(set) && is_random_place(place) => {
            Some(if set.contains('A') { "V" } else { "v" }.to_string())
        }
        ("substr" | "substring", [x, from]) => Some(spelling(x, levels)?.get(position(from)?..)?.to_string()),
        ("substr" | "substring", [x, from, Expr::Literal(Literal::Numeric(n))]) => {
            let rest = spelling(x, levels)?.get(position(from)?..)?.to_string();
            Some(rest.get(..n.parse::<usize>().ok()?)?.to_string())
        }
        _ => None,
    }
}

fn position(e: &Expr<'_>) -> Option<usize> {
    let Expr::Literal(Literal::Numeric(n)) = e else { return None };
    n.parse::<usize>().ok()?.checked_sub(1)
}

fn random_bytes(e: &Expr<'_>) -> Option<i64> {
    let Expr::FunctionCall { name, args: Some([Expr::Literal(Literal::Numeric(n))]), .. } = e else {
        return None;
    };
    let n = n.parse().ok().filter(|n| (1..=16).contains(n))?;
    name.0.eq_ignore_ascii_case("randomblob").then_some(n)
}

fn is_variant_set(token: &str) -> bool {
    let mut set: Vec<char> = literal::unquote(token).to_ascii_lowercase().chars().collect();
    set.sort_unstable();
    set == ['8', '9', 'a', 'b']
}

/// `abs(random()) % 4 + 1`, `abs(random() % 4) + 1`, `(random() & 3) + 1`
fn is_random_place(e: &Expr<'_>) -> bool {
    match bare(e) {
        Expr::Binary(l, Operator::Add, r) if is_number(r, "1") => is_below_four(bare(l)),
        Expr::Binary(l, Operator::Add, r) if is_number(l, "1") => is_below_four(bare(r)),
        _ => false,
    }
}

fn is_below_four(e: &Expr<'_>) -> bool {
    match e {
        Expr::Binary(l, Operator::Modulus, four) => {
            is_number(four, "4") && called(bare(l), "abs").is_some_and(is_random)
        }
        Expr::Binary(l, Operator::BitwiseAnd, three) => is_number(three, "3") && is_random(bare(l)),
        Expr::FunctionCall { .. } => match called(e, "abs").map(bare) {
            Some(Expr::Binary(l, Operator::Modulus, four)) => is_number(four, "4") && is_random(bare(l)),
            _ => false,
        },
        _ => false,
    }
}

fn is_random(e: &Expr<'_>) -> bool {
    matches!(e, Expr::FunctionCall { name, args: None | Some([]), .. } if name.0.eq_ignore_ascii_case("random"))
}

fn is_number(e: &Expr<'_>, digits: &str) -> bool {
    matches!(bare(e), Expr::Literal(Literal::Numeric(n)) if *n == digits)
}

/// The only argument of a call of this function.
fn called<'e>(e: &'e Expr<'e>, function: &str) -> Option<&'e Expr<'e>> {
    match e {
        Expr::FunctionCall { name, args: Some([one]), .. } if name.0.eq_ignore_ascii_case(function) => {
            Some(one)
        }
        _ => None,
    }
}

/// Without one pair of parentheses.
fn bare<'e>(e: &'e Expr<'e>) -> &'e Expr<'e> {
    match e {
        Expr::Parenthesized(items) => items.first().unwrap_or(e),
        _ => e,
    }
}

/// `randomblob(16)`
pub(super) fn is_sixteen_bytes(e: &Expr<'_>) -> bool {
    random_bytes(e) == Some(16)
}
