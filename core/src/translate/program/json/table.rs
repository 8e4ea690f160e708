//! Table functions: `json_each`, `json_tree`, `generate_series`, which may name columns of the tables before them.

use sqlite3_parser::ast::Expr;

use super::paths::spelled;
use crate::sqltext::{self, ident};
use crate::translate::expr::Walk;
use crate::translate::member::{Member, Step};
use crate::translate::node::{Node, Prec, Result, refuse};
use crate::translate::path;
use crate::translate::program::scope::{Visible, VisibleColumn};
use crate::translate::size::Size;
use crate::types::TypeClass;

impl<'s> Walk<'s> {
    /// `name(…) AS alias` in FROM, and its columns.
    pub(in crate::translate::program) fn table_function(
        &mut self,
        name: &str,
        args: &'s [Expr<'s>],
        alias: Option<String>,
    ) -> Result<(String, Visible)> {
        let function = name.to_ascii_lowercase();
        let first = self.level()?.relations.is_empty();
        let args = self.list(args)?;
        let seen_as = alias.unwrap_or_else(|| name.to_owned());
        let alias = self.program()?.alias(&seen_as);
        let word = if first { "" } else { "LATERAL " };
        let (sql, columns) = match (function.as_str(), args.as_slice()) {
            ("json_each", [x, path @ ..]) if path.len() < 2 => {
                let (root, steps) = self.rooted(x, path)?;
                let columns = each_columns(&alias, root.jsonb, steps.as_deref());
                (format!("{word}({}) AS {}(key, value)", all_of(&root), ident(&alias)), columns)
            }
            ("json_tree", [x, path @ ..]) if path.len() < 2 => {
                let (root, steps) = self.rooted(x, path)?;
                let Some(steps) = steps else {
                    return refuse("json_tree() at a path that is computed or counted from the end");
                };
                let columns = tree_columns(&alias, root.jsonb);
                (format!("{word}({}) AS {}", tree(&root, &steps), ident(&alias)), columns)
            }
            ("generate_series", args) => (
                format!("{}generate_series({}) AS {}(value)", word, self.series(args)?, ident(&alias)),
                series_columns(&alias),
            ),
            _ => return refuse(format!("table function {name} has no equivalent")),
        };
        Ok((sql, Visible { name: seen_as, alias, columns, rowid: None, source: None }))
    }

    /// What the rows are parts of, and the path to it where it is spelled as SQLite spells it.
    fn rooted(&mut self, x: &Node, path: &[Node]) -> Result<(Member, Option<Vec<Step>>)> {
        let x = if x.is_null() { Node::atom("NULL::text", TypeClass::Text) } else { x.clone() };
        let [path, ..] = path else { return Ok((self.document(&x)?, Some(vec![]))) };
        let steps = path.text_literal().and_then(path::steps);
        let plain = |steps: &Vec<Step>| !steps.iter().any(|s| matches!(s, Step::Index(..0)));
        Ok((self.at(&x, path)?, steps.filter(plain)))
    }

    fn series(&mut self, args: &[Node]) -> Result<String> {
        let (bounds, step) = match args {
            [start, stop] => ([start, stop], 1),
            [start, stop, step] => match step.integer() {
                Some(step @ 1..) => ([start, stop], step),
                _ => return refuse("generate_series() by a computed step, or by one below 1"),
            },
            _ => return refuse("generate_series() without an end"),
        };
        let mut sql = vec![];
        for bound in bounds {
            let bound = self.typed(bound.clone(), TypeClass::Integer)?;
            if bound.class != TypeClass::Integer && !bound.is_null() {
                return refuse("generate_series() of values that are no integers");
            }
            sql.push(format!("{}::bigint", bound.operand()));
        }
        Ok(format!("{}, {step}", sql.join(", ")))
    }
}

/// Keys and values of an object or array.
fn parts_of(value: &str, jsonb: bool) -> String {
    let b = if jsonb { "b" } else { "" };
    format!(
        "SELECT to_json{b}(\"json part\".key) AS key, \"json part\".value AS value \
         FROM json{b}_each(CASE json{b}_typeof({value}) WHEN 'object' THEN {value} END) AS \"json part\"(key, value) \
         UNION ALL SELECT to_json{b}(\"json part\".place - 1), \"json part\".value \
         FROM json{b}_array_elements(CASE json{b}_typeof({value}) WHEN 'array' THEN {value} END) WITH ORDINALITY \
         AS \"json part\"(value, place)"
    )
}

/// The same, and any other value by itself.
fn all_of(root: &Member) -> String {
    let (value, b) = (root.value(), if root.jsonb { "b" } else { "" });
    let parts = parts_of(&value, root.jsonb);
    format!(
        "{parts} UNION ALL SELECT NULL::json{b}, {value} WHERE {} NOT IN ('object', 'array')",
        root.kind()
    )
}

/// A value and everything within it.
fn tree(root: &Member, steps: &[Step]) -> String {
    let (value, b) = (root.value(), if root.jsonb { "b" } else { "" });
    let (own, parent) = match steps.split_last() {
        None => (format!("NULL::json{b}"), "$".to_owned()),
        Some((Step::Label(label), before)) => {
            (format!("to_json{b}({}::text)", sqltext::literal(label)), spelled(before))
        }
        Some((Step::Index(n), before)) => (format!("to_json{b}({n})"), spelled(before)),
    };
    let (full, parent) = (sqltext::literal(&spelled(steps)), sqltext::literal(&parent));
    let part = Member::root("\"json part\".key".into(), root.jsonb);
    format!(
        "WITH RECURSIVE \"json tree\"(key, value, fullkey, path) AS (SELECT {own}, {value}, {full}::text, {parent}::text \
         WHERE {value} IS NOT NULL UNION ALL SELECT \"json part\".key, \"json part\".value, \"json tree\".fullkey || {}, \"json tree\".fullkey \
         FROM \"json tree\" CROSS JOIN LATERAL ({}) AS \"json part\") SELECT key, value, fullkey, path FROM \"json tree\"",
        step_of(&part),
        parts_of("\"json tree\".value", root.jsonb)
    )
}

/// A key as a step of a path.
fn step_of(key: &Member) -> String {
    let plain = &key.plain;
    format!(
        "CASE {} WHEN 'number' THEN '[' || ({plain}) || ']' WHEN 'string' THEN CASE WHEN {plain} ~ '^[A-Za-z][A-Za-z0-9]*$' \
         THEN '.' || ({plain}) ELSE '.\"' || ({plain}) || '\"' END ELSE '' END",
        key.kind()
    )
}

fn column(name: &str, node: Node, missing: bool) -> VisibleColumn {
    VisibleColumn { name: Some(name.into()), label: name.into(), node, missing, merged: false, text: None }
}

/// Columns by the order of SQLite's table. Its numbers of the parts of a document are not known here.
fn columns(alias: &str, jsonb: bool, fullkey: Node, path: Node, parent: bool) -> Vec<VisibleColumn> {
    let of = |name: &str| Member::root(format!("{}.{name}", ident(alias)), jsonb);
    let (key, value) = (of("key"), of("value"));
    let atom = format!(
        "(CASE {} WHEN 'object' THEN NULL WHEN 'array' THEN NULL ELSE {} END)",
        value.kind(),
        value.value()
    );
    let null = || Node::atom("NULL::bigint", TypeClass::Integer);
    vec![
        column("key", key.node(), false),
        column("value", value.clone().node(), false),
        column("type", Node::new(value.json_type(), TypeClass::Text, Prec::Unary), false),
        column("atom", Member::root(atom, jsonb).node(), false),
        column("id", null(), true),
        column("parent", null(), parent),
        column("fullkey", fullkey, false),
        column("path", path, false),
    ]
}

/// Without the path to what the rows are parts of, `fullkey` and `path` are not known.
fn each_columns(alias: &str, jsonb: bool, root: Option<&[Step]>) -> Vec<VisibleColumn> {
    let key = Member::root(format!("{}.key", ident(alias)), jsonb);
    let path = sqltext::literal(&spelled(root.unwrap_or_default()));
    let fullkey = Node::new(format!("{path} || {}", step_of(&key)), TypeClass::Text, Prec::Operator);
    let mut columns =
        columns(alias, jsonb, fullkey, Node::atom(format!("{path}::text"), TypeClass::Text), false);
    let of_path = |c: &&mut VisibleColumn| matches!(c.name.as_deref(), Some("fullkey" | "path"));
    columns.iter_mut().filter(of_path).for_each(|c| c.missing = root.is_none());
    columns
}

fn tree_columns(alias: &str, jsonb: bool) -> Vec<VisibleColumn> {
    let text = |name: &str| Node::atom(format!("{}.{name}", ident(alias)), TypeClass::Text);
    columns(alias, jsonb, text("fullkey"), text("path"), true)
}

fn series_columns(alias: &str) -> Vec<VisibleColumn> {
    let value = Node::atom(format!("{}.value", ident(alias)), TypeClass::Integer).sized(Size::ASSUMED, 64);
    vec![column("value", value, false)]
}
