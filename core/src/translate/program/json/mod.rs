//! JSON functions and operators of statements, over jsonb, json and text.
//!
//! A text is read as json, which keeps the spelling and the order of its members; jsonb has its own. What is made of JSON is
//! a text without spaces, as SQLite prints it. One table of the functions, which docs/translate.md repeats.

mod change;
mod make;
mod paths;
mod table;

use crate::translate::expr::Walk;
use crate::translate::helper;
use crate::translate::member::Member;
use crate::translate::node::{Kind, Lit, Node, Prec, Result, boolean, class_name, null, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;

pub(super) use self::make::{group_array, group_object};

const READ: &str = "JSON is read as PostgreSQL does: JSON5 and \\u0000 are errors, of several members of one name the last one counts, and numbers are exact";
const BINARY: &str = "the binary JSON of jsonb functions is a JSON text";
pub(super) const AS_TEXT: &str = "a value of JSON as a result is a text, where SQLite gives numbers as numbers; numbers are spelled as the document spells them";
const ORDER: &str = "jsonb has members in an order of its own, and numbers without an exponent";
const LABELS: &str = "labels of JSON that is changed are spelled without the escapes that they do not need";
const LINES: &str = "json_pretty() spells labels without the escapes that they do not need";

/// A JSON function.
pub struct JsonFunction {
    pub name: &'static str,
    pub min: usize,
    pub max: usize,
    /// As the documentation shows it.
    pub shown: &'static str,
    pub note: &'static str,
}

const fn j(
    name: &'static str,
    (min, max): (usize, usize),
    shown: &'static str,
    note: &'static str,
) -> JsonFunction {
    JsonFunction { name, min, max, shown, note }
}

const MANY: usize = 100;

/// Every one of them; those that begin with `jsonb` are the same.
pub const JSON_FUNCTIONS: &[JsonFunction] = &[
    j("json", (1, 1), "regexp_replace(x::json::text, …)", "without spaces"),
    j("json_array", (0, MANY), "to_json(x)::text", "put together without spaces"),
    j("json_array_insert", (3, MANY), "sqlite_compat.json_edit(x, …)", "as json_set"),
    j("json_array_length", (1, 2), "json_array_length(x -> 'a')", "0 of what is no array"),
    j("json_error_position", (1, 1), "0", "of json and jsonb columns, and of JSON that is made"),
    j(
        "json_extract",
        (2, MANY),
        "x ->> 'a'",
        "also `->` and `->>`; `sqlite_compat.json_at(x, path)` by a computed path",
    ),
    j("json_insert", (3, MANY), "sqlite_compat.json_edit(x, …)", "as json_set"),
    j("json_object", (0, MANY), "to_json(x)::text", "as json_array"),
    j("json_patch", (2, 2), "sqlite_compat.json_patch(x, y)", ""),
    j("json_pretty", (1, 2), "sqlite_compat.json_pretty(x, …)", ""),
    j("json_quote", (1, 1), "to_json(x)::text", ""),
    j("json_remove", (1, MANY), "sqlite_compat.json_edit(x, …)", "as json_set"),
    j("json_replace", (3, MANY), "sqlite_compat.json_edit(x, …)", "as json_set"),
    j(
        "json_set",
        (3, MANY),
        "sqlite_compat.json_edit(x, path, y, 'set')",
        "without helpers `jsonb_set(x, ARRAY['a'], …)`, by paths of members only",
    ),
    j("json_type", (1, 2), "json_typeof(x -> 'a')", "integers and reals by their spelling"),
    j(
        "json_valid",
        (1, 2),
        "sqlite_compat.json_valid(x)",
        "`x IS NOT NULL` of json and jsonb columns; refused with flags that take JSON5 or binary JSON",
    ),
];

impl<'s> Walk<'s> {
    /// An aggregate of binary JSON is that of its text.
    pub(super) fn of_binary_json(&mut self, name: String) -> String {
        match name.as_str() {
            "jsonb_group_array" | "jsonb_group_object" => {
                self.note(BINARY);
                name.replacen("jsonb", "json", 1)
            }
            _ => name,
        }
    }

    /// A call of a JSON function, if it is one.
    pub(super) fn json_call(&mut self, name: &str, args: &[Node]) -> Result<Option<Node>> {
        let plain = if name == "jsonb" { "json".to_owned() } else { name.replacen("jsonb_", "json_", 1) };
        let known = JSON_FUNCTIONS.iter().find(|f| f.name == plain);
        let Some(function) = known.filter(|f| (f.min..=f.max).contains(&args.len())) else { return Ok(None) };
        if plain != name {
            self.note(BINARY);
        }
        if args.iter().all(|a| a.literal().is_some())
            && plain != "json_valid"
            && let Ok(folded) = crate::translate::function::call(&plain, args)
        {
            return Ok(Some(folded));
        }
        let node = match (function.name, args) {
            ("json", [x]) if x.is_null() => x.clone(),
            ("json", [x]) => document(self.document(x)?),
            ("json_extract", [x, path]) => self.at(x, path)?.node(),
            ("json_extract", [x, paths @ ..]) => self.extract_all(x, paths)?,
            ("json_array_length", [x, path @ ..]) => length(&self.at_any(x, path)?),
            ("json_type", [x, path @ ..]) => {
                Node::new(self.at_any(x, path)?.json_type(), TypeClass::Text, Prec::Unary)
            }
            ("json_valid", [x]) => valid(x)?,
            ("json_valid", [x, flags]) => valid_by(x, flags)?,
            ("json_error_position", [x]) => error_position(x)?,
            ("json_patch", [x, patch]) => self.json_patch(x, patch)?,
            ("json_pretty", [x]) => self.json_pretty(x, &null())?,
            ("json_pretty", [x, indent]) => self.json_pretty(x, indent)?,
            ("json_array", args) => self.json_array(args)?,
            ("json_object", args) => self.json_object(args)?,
            ("json_quote", [x]) => self.json_quote(x)?,
            ("json_remove", [x, paths @ ..]) => self.json_remove(x, paths)?,
            (_, [x, changes @ ..]) => self.json_change(function.name, x, changes)?,
            _ => return refuse(format!("function \"{name}\" without arguments")),
        };
        Ok(Some(node.after(&args.iter().collect::<Vec<_>>())))
    }

    pub(super) fn at_any(&mut self, x: &Node, path: &[Node]) -> Result<Member> {
        match path {
            [] => self.document(x),
            [path, ..] => self.at(x, path),
        }
    }

    /// A value as the document that it is.
    pub(super) fn document(&mut self, x: &Node) -> Result<Member> {
        self.note(READ);
        let x = &self.typed(x.clone(), TypeClass::Text)?;
        match (&x.kind, x.class) {
            (Kind::Document(document), _) => Ok(document.clone()),
            (Kind::Member(value), _) => Ok(Member::root(format!("({})::json", value.text().sql), false)),
            (_, TypeClass::Jsonb) => {
                self.note(ORDER);
                Ok(Member::root(x.operand(), true))
            }
            (_, TypeClass::Json) => Ok(Member::root(x.operand(), false)),
            (_, TypeClass::Text) => Ok(Member::root(format!("{}::json", x.text()?.operand()), false)),
            (_, class) => refuse(format!("a {} value as JSON", class_name(class))),
        }
    }

    /// Several paths: an array of what they lead to.
    fn extract_all(&mut self, x: &Node, paths: &[Node]) -> Result<Node> {
        let root = self.document(x)?;
        let mut parts = vec![];
        for path in paths {
            parts.push(format!("coalesce({}, 'null')", self.at(x, path)?.compact()));
        }
        let array = format!("'[' || {} || ']'", parts.join(" || ',' || "));
        let sql = format!("CASE WHEN {} IS NOT NULL THEN {array} END", root.value());
        Ok(made(Node::new(sql, TypeClass::Text, Prec::Unary)))
    }
}

/// A value of type json or jsonb as SQLite's text of it.
fn document(value: Member) -> Node {
    let text = Node::atom(value.compact(), TypeClass::Text).kind(Kind::Document(value));
    Node { json: true, ..text }
}

/// A text that is JSON.
pub(super) fn made(text: Node) -> Node {
    let document = Member::root(format!("{}::json", text.operand()), false);
    Node { json: true, ..text.kind(Kind::Document(document)) }
}

fn length(value: &Member) -> Node {
    let sql = format!(
        "CASE WHEN {} = 'array' THEN {}({}) WHEN {} IS NOT NULL THEN 0 END",
        value.kind(),
        value.function("array_length"),
        value.chain(),
        value.value()
    );
    Node::new(sql, TypeClass::Integer, Prec::Unary).least(Some(0)).sized(Size::integers(0.0, 1e9), 32)
}

fn valid(x: &Node) -> Result<Node> {
    match (&x.kind, x.literal()) {
        (_, Some(Lit::Text(t))) => Ok(boolean(crate::value::json::inspect(t.as_bytes()).is_some())),
        (_, Some(Lit::Integer(_))) => Ok(boolean(true)),
        (Kind::Document(_), _) => {
            Ok(Node::atom(format!("nullif({} IS NOT NULL, false)", x.at(Prec::Operator)), TypeClass::Bool))
        }
        (_, None) if x.class == TypeClass::Text => {
            Ok(Node::atom(helper::call("json_valid", &[x.text()?.sql]), TypeClass::Bool))
        }
        _ => crate::translate::json::valid(std::slice::from_ref(x)),
    }
}

/// Flags: 1 is JSON, 2 is JSON5, 4 and 8 are binary JSON, which no text is.
fn valid_by(x: &Node, flags: &Node) -> Result<Node> {
    let stored = matches!(x.class, TypeClass::Text | TypeClass::Json | TypeClass::Jsonb) || x.is_null();
    match flags.integer() {
        _ if !stored => refuse("json_valid() with flags, of a value that is no text"),
        Some(1 | 5 | 9 | 13) => valid(x),
        Some(4 | 8 | 12) => {
            Ok(Node::atom(format!("nullif({} IS NULL, true)", x.at(Prec::Operator)), TypeClass::Bool))
        }
        _ => refuse("json_valid() with flags that take JSON5, or that are computed"),
    }
}

fn error_position(x: &Node) -> Result<Node> {
    let valid = matches!(x.kind, Kind::Document(_)) || matches!(x.class, TypeClass::Json | TypeClass::Jsonb);
    if !valid {
        return refuse("json_error_position() is a place in SQLite's own reading of a text");
    }
    Ok(Node::new(
        format!("CASE WHEN {} IS NOT NULL THEN 0 END", x.at(Prec::Operator)),
        TypeClass::Integer,
        Prec::Unary,
    )
    .sized(Size::integers(0.0, 0.0), 32))
}
