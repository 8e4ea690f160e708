//! Forms of functions of texts and blobs.

use crate::translate::helper;
use crate::translate::node::{Node, Prec, Result, refuse, text};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// The bytes of a text in UTF-8; of NULL, nothing.
pub(super) fn hex(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Bytea && x.literal().is_none() => {
            Ok(Node::atom(format!("coalesce(upper(encode({}, 'hex')), '')", x.sql), TypeClass::Text))
        }
        [x] if !x.is_null() => {
            let sql = format!("coalesce(upper(encode(convert_to({}, 'UTF8'), 'hex')), '')", x.text()?.sql);
            Ok(Node::atom(sql, TypeClass::Text))
        }
        _ => Ok(text("")),
    }
}

pub(super) fn quote(args: &[Node]) -> Result<Node> {
    let quoted = |sql: String| Ok(Node::atom(format!("coalesce({sql}, 'NULL')"), TypeClass::Text));
    match args {
        [x] if x.is_null() => Ok(text("NULL")),
        [x] if x.class == TypeClass::Integer => quoted(format!("{}::text", x.operand())),
        [x] if x.class == TypeClass::Bytea => {
            quoted(format!("'X''' || upper(encode({}, 'hex')) || ''''", x.sql))
        }
        [x] if x.class == TypeClass::Text => {
            quoted(format!("'''' || replace({}, '''', '''''') || ''''", x.text()?.sql))
        }
        _ => refuse("quote() of a value whose text differs"),
    }
}

pub(super) fn unicode(args: &[Node]) -> Result<Node> {
    let sql = helper::call("unicode", &[of_text(args)?.sql]);
    Ok(Node::atom(sql, TypeClass::Integer).sized(Size::integers(0.0, 2e6), 32))
}

pub(super) fn unistr(args: &[Node]) -> Result<Node> {
    Ok(Node::atom(helper::call("unistr", &[of_text(args)?.sql]), TypeClass::Text))
}

pub(super) fn unistr_quote(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Text && !x.is_null() => {
            Ok(Node::atom(helper::call("unistr_quote", &[x.text()?.sql]), TypeClass::Text))
        }
        _ => quote(args),
    }
}

pub(super) fn soundex(args: &[Node]) -> Result<Node> {
    Ok(Node::atom(helper::call("soundex", &[of_text(args)?.sql]), TypeClass::Text))
}

pub(super) fn unhex(args: &[Node]) -> Result<Node> {
    let texts = args.iter().map(|x| Ok(x.text()?.sql)).collect::<Result<Vec<String>>>()?;
    Ok(Node::atom(helper::call("unhex", &texts), TypeClass::Bytea))
}

pub(super) fn characters(args: &[Node]) -> Result<Node> {
    if args.iter().any(|x| x.class != TypeClass::Integer || x.is_null()) {
        return refuse("char() of a value that is no integer");
    }
    let codes: Vec<String> = args.iter().map(|x| x.cast("bigint", TypeClass::Integer).sql).collect();
    Ok(Node::atom(helper::call("characters", &codes), TypeClass::Text))
}

/// A blob of zeros.
pub(super) fn zeroblob(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Integer && !x.is_null() => {
            let size = format!("coalesce(least(greatest({}, 0), 2147483647), 0)::integer", x.sql);
            Ok(Node::atom(format!("decode(repeat('00', {size}), 'hex')"), TypeClass::Bytea))
        }
        _ => refuse("zeroblob() of a value that is no integer"),
    }
}

fn of_text(args: &[Node]) -> Result<Node> {
    match args {
        [x] if !x.is_null() => x.text(),
        _ => Ok(Node::atom("NULL::text", TypeClass::Text)),
    }
}

/// Bytes of a blob.
pub(super) fn octet_length(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.class == TypeClass::Bytea => {
            Ok(Node::atom(format!("octet_length({})", x.sql), TypeClass::Integer))
        }
        _ => refuse("octet_length() of a value whose text differs"),
    }
}

pub(super) fn concat(args: &[Node]) -> Result<Node> {
    let parts = args.iter().map(Node::text).collect::<Result<Vec<Node>>>()?;
    let list: Vec<&str> = parts.iter().map(|p| p.sql.as_str()).collect();
    Ok(Node::atom(format!("concat({})", list.join(", ")), TypeClass::Text))
}

pub(super) fn concat_ws(args: &[Node]) -> Result<Node> {
    let parts = args.iter().map(Node::text).collect::<Result<Vec<Node>>>()?;
    let list: Vec<&str> = parts.iter().map(|p| p.sql.as_str()).collect();
    Ok(Node::atom(format!("concat_ws({})", list.join(", ")), TypeClass::Text))
}

/// With every position and length: a position below zero counts from the end, a length below zero takes what is before.
/// Zero is a place before the first character, which a length counts.
pub(super) fn substr(args: &[Node]) -> Result<Node> {
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
