//! Text functions with arguments that must be checked: positions, lengths, code points.

use super::Size;
use super::like::c_collation;
use super::node::{Kind, Node, Prec, Result, refuse, text};
use crate::types::TypeClass;

fn only(args: &[Node]) -> Result<&Node> {
    args.first().map_or_else(|| refuse("an argument is missing"), Ok)
}

/// SQLite folds ASCII letters only, and so does collation "C".
pub(super) fn lower(args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    if let Some(t) = x.text_literal() {
        return Ok(text(&t.to_ascii_lowercase()));
    }
    if let Kind::Hex(bytes) = &x.kind {
        return Ok(Node::atom(format!("encode({bytes}, 'hex')"), TypeClass::Text));
    }
    Ok(Node::atom(format!("lower({})", c_collation(x)), TypeClass::Text))
}

pub(super) fn upper(args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    match x.text_literal() {
        Some(t) => Ok(text(&t.to_ascii_uppercase())),
        None => Ok(Node::atom(format!("upper({})", c_collation(x)), TypeClass::Text)),
    }
}

pub(super) fn length(args: &[Node]) -> Result<Node> {
    let x = only(args)?;
    let x = if x.class == TypeClass::Bytea { x.clone() } else { x.text()? };
    Ok(place(format!("length({})", x.sql)))
}

/// A length or a position in what SQLite can store.
fn place(sql: String) -> Node {
    Node::atom(sql, TypeClass::Integer).least(Some(0)).sized(Size::integers(0.0, 1e9), 32)
}

pub(super) fn trim(function: &str, args: &[Node]) -> Result<Node> {
    let list: Vec<&str> = args.iter().map(|a| a.sql.as_str()).collect();
    Ok(Node::atom(format!("{function}({})", list.join(", ")), TypeClass::Text))
}

/// SQLite returns the text unchanged if the search text is empty, even if the replacement is NULL.
pub(super) fn replace(args: &[Node]) -> Result<Node> {
    let [x, from, to] = args else { return refuse("replace() takes three arguments") };
    let plain = format!("replace({}, {}, {})", x.sql, from.sql, to.sql);
    match from.text_literal() {
        Some("") => Ok(x.clone()),
        Some(_) => Ok(Node::atom(plain, TypeClass::Text)),
        None if from.is_null() => Ok(Node::atom(plain, TypeClass::Text)),
        None => {
            let sql = format!("CASE WHEN {} = '' THEN {} ELSE {plain} END", from.at(Prec::Operator), x.sql);
            Ok(Node::new(sql, TypeClass::Text, Prec::Unary))
        }
    }
}

pub(super) fn instr(args: &[Node]) -> Result<Node> {
    let [x, y] = args else { return refuse("instr() takes two arguments") };
    if x.class == TypeClass::Bytea && y.class == TypeClass::Bytea {
        let sql = format!("position({} IN {})", y.operand(), x.operand());
        return Ok(place(sql));
    }
    let (x, y) = (x.text()?, y.text()?);
    Ok(place(format!("strpos({}, {})", x.sql, y.sql)))
}

/// `char(72, 105)` of literals.
pub(super) fn char(args: &[Node]) -> Result<Node> {
    let chars: Option<String> = args
        .iter()
        .map(|a| u32::try_from(a.integer()?).ok().and_then(char::from_u32).filter(|c| *c != '\0'))
        .collect();
    chars.map_or_else(|| refuse("char() of computed code points"), |t| Ok(text(&t)))
}

/// SQLite and PostgreSQL agree for positions from 0 on. In SQLite a negative position counts from the end, and a
/// negative length takes characters before the position, which is an error in PostgreSQL.
pub(super) fn substr(args: &[Node]) -> Result<Node> {
    let (x, from, count) = match args {
        [x, from] => (x, from, None),
        [x, from, count] => (x, from, Some(count)),
        _ => return refuse("substr() takes two or three arguments"),
    };
    if args.iter().any(Node::is_null) {
        return Ok(Node::atom("NULL::text", TypeClass::Text));
    }
    let blob = x.class == TypeClass::Bytea;
    // In SQLite, substr() of the empty blob is NULL.
    let x = if blob { Node::atom(format!("nullif({}, ''::bytea)", x.sql), x.class) } else { x.text()? };
    let count = count.map(|c| counted(c, from)).transpose()?;
    let tail = count.as_ref().map_or_else(String::new, |c| format!(", {c}"));
    let sql = match from.integer() {
        Some(n) if !(-1_000_000_000..=1_000_000_000).contains(&n) => {
            return refuse("substr() with a place out of range");
        }
        Some(n) if n < 0 && count.is_none() && !blob => format!("right({}, {})", x.sql, -n),
        Some(n) if n < 0 => format!("substr({}, length({}) - {}{tail})", x.sql, x.sql, -(n + 1)),
        Some(n) if blob && n == 0 => return refuse("substr() of a blob from place 0"),
        Some(n) => format!("substr({}, {n}{tail})", x.sql),
        None if !from.size.fits(32) => return refuse("substr() from a place that can be out of range"),
        None if from.least.is_some_and(|n| n >= 0) => {
            format!("substr({}, {}{tail})", x.sql, from.cast("integer", TypeClass::Integer).sql)
        }
        None => return refuse("substr() from a computed place that can be negative"),
    };
    if blob && from.integer().is_none_or(|n| n < 1) {
        return refuse("substr() of a blob from a computed or negative place");
    }
    Ok(Node::atom(sql, x.class))
}

fn counted(count: &Node, from: &Node) -> Result<String> {
    match count.integer() {
        Some(n @ 0..=1_000_000_000) => return Ok(n.to_string()),
        Some(_) => return refuse("substr() with a negative length"),
        None => {}
    }
    if !count.size.fits(32) {
        return refuse("substr() with a length that can be out of range");
    }
    let int = count.cast("integer", TypeClass::Integer).sql;
    match (count.least, from.integer()) {
        (Some(0..), _) => Ok(int),
        // There is nothing before the first position, so a negative length gives the empty text.
        (Some(_), Some(1)) => Ok(format!("CASE WHEN {} < 0 THEN 0 ELSE {int} END", count.at(Prec::Operator))),
        _ => refuse("substr() with a computed length that can be negative"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_points() {
        let n = super::super::node::integer;
        assert_eq!(char(&[n(72), n(105)]).unwrap().text_literal(), Some("Hi"));
        assert!(char(&[n(0)]).is_err());
        assert!(char(&[n(0xD800)]).is_err());
        assert!(char(&[n(-1)]).is_err());
    }
}
