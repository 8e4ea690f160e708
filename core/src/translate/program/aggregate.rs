//! Aggregates, by themselves and over windows: one table, which docs/translate.md repeats.

use sqlite3_parser::ast::{Distinctness, Expr, FunctionCallOrder, FunctionTail, SortedColumn};

use super::guard;
use super::scope::groupable;
use super::select::{direction, is_constant, key_sql, unwrapped};
use super::{json, storage, times};
use crate::sqltext::sqlite_unquote;
use crate::translate::compare;
use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Node, Result, class_name, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// An aggregate: `$` in its form is the call.
pub struct Aggregate {
    pub name: &'static str,
    pub min: usize,
    pub max: usize,
    /// As the documentation shows it.
    pub shown: &'static str,
    pub note: &'static str,
    make: fn(&[Node]) -> Result<Made>,
}

/// A call, what stands around it, and its result.
struct Made {
    /// The function and its arguments, without parentheses.
    function: &'static str,
    args: Vec<String>,
    around: &'static str,
    result: Node,
    assumption: Option<&'static str>,
}

const DIGITS: Option<&str> =
    Some("sums and averages of numbers with a fraction may differ in the last digits");
const PARTS: Option<&str> = Some("parts of JSON without ORDER BY are in no certain order, as in SQLite");
const ROWS: Option<&str> =
    Some("group_concat() without ORDER BY takes its texts in no certain order, as in SQLite");

const fn a(
    name: &'static str,
    (min, max): (usize, usize),
    shown: &'static str,
    note: &'static str,
    make: fn(&[Node]) -> Result<Made>,
) -> Aggregate {
    Aggregate { name, min, max, shown, note, make }
}

/// Every aggregate that can be translated; `count(*)` beside them.
pub const AGGREGATES: &[Aggregate] = &[
    a("avg", (1, 1), "avg(x)::double precision", "numbers", avg),
    a("count", (0, 1), "count(x)", "also `count(*)`", count),
    a("group_concat", (1, 2), "string_agg(x, ',')", "texts and numbers", group_concat),
    a("json_group_array", (1, 1), "string_agg(to_json(x)::text, ',')", "between `[` and `]`", json_array),
    a(
        "json_group_object",
        (2, 2),
        "string_agg(to_json(x)::text, ',')",
        "labels and values, between `{` and `}`",
        json_object,
    ),
    a("max", (1, 1), "max(x COLLATE \"C\")", "", |args| extreme_of("max", args)),
    a("min", (1, 1), "min(x COLLATE \"C\")", "", |args| extreme_of("min", args)),
    a("string_agg", (2, 2), "string_agg(x, ',')", "as group_concat", group_concat),
    a("sum", (1, 1), "sum(x)::bigint", "numbers; an overflow is an error in both", sum),
    a("total", (1, 1), "coalesce(sum(x::double precision), 0)", "numbers", total),
];

pub(super) fn is_aggregate(name: &str, arguments: usize) -> bool {
    const OTHERS: &[&str] = &["median"];
    match name {
        "min" | "max" => arguments == 1,
        _ => AGGREGATES.iter().any(|a| a.name == name) || OTHERS.contains(&name),
    }
}

/// From which row SQLite takes the columns of a group that are not grouped by.
#[derive(Clone, Copy, Default)]
pub(super) enum Extreme<'s> {
    /// From any: there is no `min` or `max`, or there are several.
    #[default]
    Any,
    /// From that of the only `min` or `max`: its argument and direction.
    Of(&'s Expr<'s>, &'static str),
    /// From that of a `min` or `max` with FILTER, if a row passes it.
    Filtered,
}

pub(super) fn extreme<'s>(results: &[&'s Expr<'s>]) -> Extreme<'s> {
    let mut found: Vec<(&'s Expr<'s>, &'static str)> = vec![];
    let mut filtered = false;
    for e in results {
        guard::each(e, &mut |e| {
            let Expr::FunctionCall { name, args: Some([x]), filter_over, .. } = e else { return };
            let name = sqlite_unquote(name.0);
            let directions = [("min", "ASC"), ("max", "DESC")];
            let Some((_, direction)) = directions.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name)) else {
                return;
            };
            match filter_over {
                Some(tail) if tail.over_clause.is_some() => {}
                Some(_) => filtered = true,
                // SQLite computes an aggregate once that stands in several places.
                None if found.iter().any(|(other, d)| d == direction && is_same(other, x)) => {}
                None => found.push((x, *direction)),
            }
        });
    }
    match found.as_slice() {
        _ if filtered => Extreme::Filtered,
        [(x, direction)] => Extreme::Of(x, direction),
        _ => Extreme::Any,
    }
}

/// The same column, with or without its table's name, or the same text.
fn is_same(a: &Expr<'_>, b: &Expr<'_>) -> bool {
    match (column(a), column(b)) {
        (Some(a), Some(b)) => a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a.eq_ignore_ascii_case(b)),
        (None, None) => guard::shown(unwrapped(a)) == guard::shown(unwrapped(b)),
        _ => false,
    }
}

fn column(e: &Expr<'_>) -> Option<Vec<String>> {
    let names = match unwrapped(e) {
        Expr::Id(id) => vec![id.0],
        Expr::Name(name) => vec![name.0],
        Expr::Qualified(table, name) => vec![table.0, name.0],
        Expr::DoublyQualified(database, table, name) => vec![database.0, table.0, name.0],
        _ => return None,
    };
    Some(names.into_iter().map(sqlite_unquote).collect())
}

impl<'s> Walk<'s> {
    pub(super) fn count_all(&mut self, name: &str, tail: Option<&'s FunctionTail<'s>>) -> Result<Node> {
        if name != "count" {
            return refuse(format!("function \"{name}\" with * has no equivalent"));
        }
        let (filter, over) = self.tail(tail)?;
        let result = Node::atom(format!("count(*){filter}{over}"), TypeClass::Integer);
        Ok(result.least(Some(0)).sized(Size::ASSUMED, 64))
    }

    /// An aggregate, or any function over a window.
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        args: &'s [Expr<'s>],
        distinct: Option<Distinctness>,
        order: Option<&'s FunctionCallOrder<'s>>,
        tail: Option<&'s FunctionTail<'s>>,
    ) -> Result<Node> {
        let window = tail.is_some_and(|tail| tail.over_clause.is_some());
        if !is_aggregate(name, args.len()) {
            return self.window_function(name, args, tail);
        }
        let Some(form) = AGGREGATES.iter().find(|a| a.name == name && (a.min..=a.max).contains(&args.len()))
        else {
            return refuse(format!("aggregate \"{name}\" with {} arguments has no equivalent", args.len()));
        };
        if name == "count" && args.is_empty() {
            return self.count_all(name, tail);
        }
        let at = self.program()?.levels.len().checked_sub(1);
        let Some(at) = at else { return refuse("an aggregate outside of a SELECT") };
        if !window && !self.program()?.levels[at].grouped {
            return refuse(format!("aggregate {name}() where no groups are"));
        }
        let named = std::mem::take(&mut self.program()?.levels[at].named);
        let outer: Vec<bool> = self.program()?.levels[..at].iter().map(|l| l.named).collect();
        self.program()?.levels[..at].iter_mut().for_each(|l| l.named = false);
        let nodes = match window {
            // Over a window the argument is a result of the groups.
            true => self.list(args)?,
            false => self.within_aggregate(at, |walk| walk.list(args))?,
        };
        let program = self.program()?;
        if !program.levels[at].named && program.levels[..at].iter().any(|l| l.named) {
            return refuse(format!("aggregate {name}() of an outer SELECT"));
        }
        program.levels[at].named |= named;
        program.levels[..at].iter_mut().zip(outer).for_each(|(l, named)| l.named |= named);
        let nodes =
            nodes.into_iter().map(|n| self.typed(n, TypeClass::Text)).collect::<Result<Vec<Node>>>()?;
        let nodes = match name {
            "group_concat" | "string_agg" => {
                nodes.into_iter().map(|n| self.as_text(n)).collect::<Result<Vec<Node>>>()?
            }
            _ => nodes,
        };
        let counted = name == "count" && distinct == Some(Distinctness::Distinct);
        let made = match counted {
            true => count_distinct(&nodes)?,
            false => (form.make)(&nodes)?,
        };
        if matches!(name, "min" | "max") || distinct == Some(Distinctness::Distinct) {
            nodes.iter().for_each(|node| self.note_equal(node));
        }
        let order = match order {
            Some(FunctionCallOrder::SortList(list)) => self.order_within(at, list, window)?,
            None => String::new(),
        };
        let distinct = distinct == Some(Distinctness::Distinct);
        if made.function == "array_agg" && (window || distinct) {
            return refuse(format!("{name}() of such values with DISTINCT or over a window"));
        }
        self.check_distinct(name, &nodes, distinct, &order, window)?;
        let assumption = made.assumption.filter(|_| made.function != "string_agg" || order.is_empty());
        assumption.into_iter().for_each(|assumption| self.note(assumption));
        let (filter, over) = self.tail(tail)?;
        let word = if distinct { "DISTINCT " } else { "" };
        let call = format!("{}({word}{}{order}){filter}{over}", made.function, made.args.join(", "));
        let bare = !filter.is_empty() || !over.is_empty();
        let call = if made.around.starts_with("$:") && bare { format!("({call})") } else { call };
        let node = Node { sql: made.around.replace('$', &call), ..made.result };
        Ok(if node.json { json::made(node) } else { node })
    }

    fn check_distinct(
        &mut self,
        name: &str,
        nodes: &[Node],
        distinct: bool,
        order: &str,
        window: bool,
    ) -> Result<()> {
        if distinct {
            if window {
                return refuse("DISTINCT over a window");
            }
            if !order.is_empty() {
                return refuse("DISTINCT with ORDER BY in an aggregate");
            }
            let keyed =
                |n: &Node| storage::is_folded(n) || matches!(n.kind, Kind::Member(_)) || n.typed().is_some();
            let first = nodes.first().filter(|n| name != "count" || !keyed(n));
            // Texts that differ may be one number.
            let unread = |n: &Node| matches!(n.class, TypeClass::Text | TypeClass::Other) && !n.is_null();
            if ["sum", "total", "avg"].contains(&name) && first.is_some_and(unread) {
                return refuse(format!("{name}() of DISTINCT values that are no numbers"));
            }
            first.map_or(Ok(()), groupable)?;
        }
        Ok(())
    }

    fn order_within(&mut self, at: usize, list: &'s [SortedColumn<'s>], window: bool) -> Result<String> {
        if window {
            return refuse("ORDER BY in an aggregate over a window");
        }
        let mut keys = vec![];
        for sorted in list {
            let node = self.within_aggregate(at, |walk| walk.expr(&sorted.expr))?;
            if !is_constant(&node) {
                self.note_equal(&node);
                keys.push(key_sql(&node, direction(sorted))?);
            }
        }
        Ok(if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) })
    }

    /// FILTER and OVER, each with a space before it.
    pub(super) fn tail(&mut self, tail: Option<&'s FunctionTail<'s>>) -> Result<(String, String)> {
        let Some(tail) = tail else { return Ok(Default::default()) };
        let window = tail.over_clause.is_some();
        let filter = match tail.filter_clause {
            Some(e) => {
                let at = self.program()?.levels.len().saturating_sub(1);
                let node = match window {
                    true => self.expr(e)?,
                    false => self.within_aggregate(at, |walk| walk.expr(e))?,
                };
                format!(" FILTER (WHERE {})", node.truth()?.sql)
            }
            None => String::new(),
        };
        let over = match tail.over_clause {
            Some(over) => format!(" OVER {}", self.over(over)?),
            None => String::new(),
        };
        Ok((filter, over))
    }
}

fn number(args: &[Node]) -> Result<Node> {
    match args {
        [x] if x.is_null() => refuse("an aggregate of NULL"),
        [x] => times::number(x.clone())?.numeric(),
        _ => refuse("an aggregate of one number was expected"),
    }
}

fn float(x: &Node) -> String {
    if x.class == TypeClass::Float && x.literal().is_none() {
        x.sql.clone()
    } else {
        x.cast("double precision", TypeClass::Float).sql
    }
}

fn of(class: TypeClass) -> Node {
    Node::atom("", class).sized(Size::ASSUMED, 64)
}

fn sum(args: &[Node]) -> Result<Made> {
    let x = number(args)?;
    // What a text begins with is summed as a REAL, unless the whole text is an integer.
    let text = args.first().and_then(Node::text_literal);
    let is_integer = |text: &str| text.trim_matches(SPACE).parse::<i64>().is_ok();
    let class = if text.is_some_and(|text| !is_integer(text)) { TypeClass::Float } else { x.class };
    Ok(match class {
        TypeClass::Integer => Made {
            function: "sum",
            args: vec![x.sql],
            around: "$::bigint",
            result: of(TypeClass::Integer),
            assumption: None,
        },
        TypeClass::Numeric => {
            let result = of(TypeClass::Numeric).mixed(x.mixed);
            Made { function: "sum", args: vec![x.sql], around: "$", result, assumption: DIGITS }
        }
        _ => {
            let result = of(TypeClass::Float).mixed(x.mixed);
            Made { function: "sum", args: vec![float(&x)], around: "$", result, assumption: DIGITS }
        }
    })
}

/// What SQLite takes for space around a number.
const SPACE: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

fn total(args: &[Node]) -> Result<Made> {
    let x = float(&number(args)?);
    let result = of(TypeClass::Float);
    Ok(Made { function: "sum", args: vec![x], around: "coalesce($, 0)", result, assumption: DIGITS })
}

fn avg(args: &[Node]) -> Result<Made> {
    let x = number(args)?;
    let arg = if x.class == TypeClass::Integer { x.sql } else { float(&x) };
    Ok(Made {
        function: "avg",
        args: vec![arg],
        around: "$::double precision",
        result: of(TypeClass::Float),
        assumption: DIGITS,
    })
}

fn count(args: &[Node]) -> Result<Made> {
    let [x] = args else { return refuse("count() takes one argument") };
    let result = of(TypeClass::Integer).least(Some(0));
    let arg = if x.is_null() { "NULL::text".to_owned() } else { x.sql.clone() };
    Ok(Made { function: "count", args: vec![arg], around: "$", result, assumption: None })
}

/// By what SQLite's equal values are equal.
fn count_distinct(args: &[Node]) -> Result<Made> {
    match args {
        [x] if !x.is_null() => {
            let made = count(args)?;
            Ok(Made { args: vec![storage::group_key(x)?], ..made })
        }
        _ => count(args),
    }
}

fn extreme_of(function: &'static str, args: &[Node]) -> Result<Made> {
    use TypeClass::{Bool, Date, Float, Integer, Numeric, Text, Time, Timestamp, TimestampTz};
    let [x] = args else { return refuse("min() and max() take one argument") };
    let x = if x.class == Bool { x.number()? } else { x.with_class() };
    if storage::is_folded(&x) || storage::is_spelled(&x) || matches!(x.kind, Kind::Member(_)) {
        return first_of(function, &x);
    }
    if x.is_null()
        || x.numeric_text
        || !matches!(x.class, Date | Float | Integer | Numeric | Text | Time | Timestamp | TimestampTz)
    {
        return refuse(format!("min() and max() of {} values", class_name(x.class)));
    }
    if x.class == Text && (x.is_collated() || compare::collation(&[&x]).is_err()) {
        return refuse("min() and max() under a collation");
    }
    let side = compare::side(&x, crate::translate::node::Collation::Binary, true);
    // Of a time the format is known on.
    let kind = if times::is_time(&x) { x.kind.clone() } else { Kind::Plain };
    let mut result = Node { kind, ..of(x.class) }.mixed(x.mixed);
    result.spelled = x.spelled;
    Ok(Made { function, args: vec![side.sql], around: "$", result, assumption: None })
}

/// The first by an order that is not that of PostgreSQL's type; of several that are equal in it, any.
fn first_of(function: &str, x: &Node) -> Result<Made> {
    let sorted = if function == "max" { "DESC NULLS LAST" } else { "ASC NULLS LAST" };
    let order = key_sql(x, sorted)?;
    let (value, class) = match &x.kind {
        Kind::Member(member) => (member.canonical(), TypeClass::Jsonb),
        _ => (x.sql.clone(), x.class),
    };
    let assumption = storage::is_folded(x)
        .then_some("of texts that are equal under their collation, min() and max() give any one");
    let args = vec![format!("{value} ORDER BY {order}")];
    let mut result = of(class);
    if storage::is_spelled(x) {
        result = result.kind(Kind::Dynamic);
        result.numeric_text = true;
    }
    Ok(Made { function: "array_agg", args, around: "($)[1]", result, assumption })
}

/// A separator that is computed is that of the row before whose text it stands, in both.
fn group_concat(args: &[Node]) -> Result<Made> {
    let (x, separator) = match args {
        [x] => (x.text()?, crate::sqltext::literal(",")),
        [x, separator] => (x.text()?, separator.text()?.sql),
        _ => return refuse("group_concat() takes one or two arguments"),
    };
    Ok(Made {
        function: "string_agg",
        args: vec![x.sql, separator],
        around: "$",
        result: Node::atom("", TypeClass::Text),
        assumption: ROWS,
    })
}

fn json_array(args: &[Node]) -> Result<Made> {
    let (part, assumption) = json::group_array(args)?;
    Ok(json_of(part, "('[' || coalesce($, '') || ']')", assumption))
}

fn json_object(args: &[Node]) -> Result<Made> {
    let (part, assumption) = json::group_object(args)?;
    Ok(json_of(part, "('{' || coalesce($, '') || '}')", assumption))
}

/// The texts of parts, in no certain order without ORDER BY.
fn json_of(part: String, around: &'static str, assumption: Option<&'static str>) -> Made {
    let result = Node { json: true, ..Node::atom("", TypeClass::Text) };
    Made {
        function: "string_agg",
        args: vec![part, "','".into()],
        around,
        result,
        assumption: assumption.or(PARTS),
    }
}
