//! JSON functions and operators over jsonb columns.
//!
//! `json_extract` gives SQL's NULL for JSON's null and a typed value otherwise. The translated form keeps the member as
//! jsonb, so that 5 and "5" stay different; comparisons with literals are jsonb comparisons. Expressions that need the
//! member's text or number are refused.
//!
//! JSON that is made of literals is a text literal.

use super::member::{Member, Step};
use super::node::{Kind, Lit, Node, Result, refuse, text};
use super::path;
use crate::sqltext;
use crate::types::TypeClass;

/// `json_valid(x)`: true for any stored value, NULL for NULL.
pub(super) fn valid(args: &[Node]) -> Result<Node> {
    match args {
        [x] if matches!(x.class, TypeClass::Json | TypeClass::Jsonb) && x.is_column() => {
            Ok(Node::atom(format!("nullif({} IS NOT NULL, false)", x.operand()), TypeClass::Bool))
        }
        _ => refuse("json_valid() of a text has no equivalent before PostgreSQL 16"),
    }
}

/// `json('…')`: the text without spaces between its parts.
pub(super) fn json(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.is_null() => Ok(x.clone()),
        [x] => match x.text_literal().filter(|t| crate::value::json::inspect(t.as_bytes()).is_some()) {
            Some(document) => Ok(as_json(&compact(document))),
            None => refuse("json() of anything but a document"),
        },
        _ => refuse("json() takes one argument"),
    }
}

/// `json_array(1, 'a', json('{}'))`
pub(super) fn array(args: &[Node]) -> Result<Node> {
    let values = args.iter().map(value).collect::<Result<Vec<String>>>()?;
    Ok(as_json(&format!("[{}]", values.join(","))))
}

/// `json_object('a', 1)`
pub(super) fn object(args: &[Node]) -> Result<Node> {
    let member = |pair: &[Node]| match pair {
        [label, of] if label.text_literal().is_some() && !label.json => {
            Ok(format!("{}:{}", value(label)?, value(of)?))
        }
        _ => refuse("json_object() of other labels than texts"),
    };
    let members = args.chunks(2).map(member).collect::<Result<Vec<String>>>()?;
    Ok(as_json(&format!("{{{}}}", members.join(","))))
}

fn as_json(document: &str) -> Node {
    Node { json: true, ..text(document) }
}

/// A literal as JSON. SQLite prints reals in its own way.
pub(super) fn value(node: &Node) -> Result<String> {
    match node.literal() {
        Some(Lit::Text(document)) if node.json => Ok(document.clone()),
        Some(Lit::Text(t)) => Ok(serde_json::Value::String(t.clone()).to_string()),
        Some(Lit::Integer(n)) => Ok(n.to_string()),
        Some(Lit::Null) => Ok("null".into()),
        _ => refuse("JSON of anything but texts, integers and NULL"),
    }
}

/// A valid document without the spaces outside of its strings.
fn compact(document: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keeps = |c: &char| {
        let keep = quoted || !c.is_ascii_whitespace();
        quoted ^= *c == '"' && !escaped;
        escaped = quoted && *c == '\\' && !escaped;
        keep
    };
    document.chars().filter(keeps).collect()
}

/// `json_extract(x, '$.a[0]')`
pub(super) fn extract(args: &[Node]) -> Result<Node> {
    match args {
        [x, path] => member(x, path, true),
        _ => refuse("json_extract() with several paths"),
    }
}

/// `x ->> 'a'`: a plain label or an index, where `json_extract` has a path.
pub(super) fn arrow(x: &Node, path: &Node) -> Result<Node> {
    member(x, path, false)
}

fn member(x: &Node, path: &Node, strict: bool) -> Result<Node> {
    if x.class != TypeClass::Jsonb || !x.is_column() {
        return refuse("JSON members are only translated for jsonb columns");
    }
    let steps = match path.literal() {
        Some(Lit::Text(p)) if p.starts_with('$') => path::steps(p),
        Some(Lit::Text(label)) if !strict => Some(vec![Step::Label(label.clone())]),
        Some(Lit::Integer(n)) if !strict => i32::try_from(*n).ok().map(|n| vec![Step::Index(n)]),
        _ => None,
    };
    let from_the_end = |s: &Step| matches!(s, Step::Index(..0));
    let Some(steps) = steps.filter(|s| !s.is_empty() && !s.iter().any(from_the_end)) else {
        return refuse("a JSON path beyond simple members");
    };
    let member = steps.iter().fold(Member::root(x.operand(), true), |member, step| member.step(step));
    let sql = member.chain();
    Ok(Node::atom(format!("nullif({sql}, 'null'::jsonb)"), TypeClass::Jsonb).kind(Kind::JsonMember))
}

/// A literal to compare a member with; JSON's true and false are SQLite's 1 and 0, so those are refused.
pub(super) fn member_literal(lit: &Lit) -> Result<Node> {
    let json = match lit {
        // In SQLite an object or array is compared as its text.
        Lit::Text(t) if !t.starts_with(['{', '[']) => serde_json::Value::String(t.clone()).to_string(),
        Lit::Integer(n) if !(0..=1).contains(n) => n.to_string(),
        _ => return refuse("a JSON member compares differently with this value"),
    };
    Ok(Node::atom(format!("{}::jsonb", sqltext::literal(&json)), TypeClass::Jsonb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::node::{integer, null};

    #[test]
    fn json_of_literals_is_a_text() {
        let inner = json(&[text(" { \"a b\" : [ 1 , \"\\\" \" ] } ")]).unwrap();
        assert_eq!(inner.text_literal(), Some("{\"a b\":[1,\"\\\" \"]}"));
        let list = array(&[integer(-1), text("[]"), null(), inner, array(&[]).unwrap()]).unwrap();
        assert_eq!(list.text_literal(), Some("[-1,\"[]\",null,{\"a b\":[1,\"\\\" \"]},[]]"));
        let pair = object(&[text("k\n"), list]).unwrap();
        assert!(pair.text_literal().is_some_and(|t| t.starts_with("{\"k\\n\":[-1,")));
        assert!(
            json(&[text("{oops")]).is_err()
                && object(&[text("k")]).is_err()
                && object(&[integer(1), null()]).is_err()
        );
    }
}
