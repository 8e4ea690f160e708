//! Window functions and windows: one table, which docs/translate.md repeats.

use sqlite3_parser::ast::{
    Expr, FrameBound, FrameClause, FrameExclude, FrameMode, FunctionTail, Over, Window,
};

use super::scope::groupable;
use super::select::{direction, key_sql};
use super::{storage, times};
use crate::sqltext::sqlite_unquote;
use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Lit, Node, Prec, Result, class_name, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// A function that is only over windows.
pub struct WindowFunction {
    pub name: &'static str,
    pub min: usize,
    pub max: usize,
    result: Of,
}

enum Of {
    Integer,
    Float,
    /// The argument's type.
    Argument,
}

const fn w(name: &'static str, (min, max): (usize, usize), result: Of) -> WindowFunction {
    WindowFunction { name, min, max, result }
}

/// Every window function; aggregates stand beside them.
pub const WINDOW_FUNCTIONS: &[WindowFunction] = &[
    w("cume_dist", (0, 0), Of::Float),
    w("dense_rank", (0, 0), Of::Integer),
    w("first_value", (1, 1), Of::Argument),
    w("lag", (1, 3), Of::Argument),
    w("last_value", (1, 1), Of::Argument),
    w("lead", (1, 3), Of::Argument),
    w("nth_value", (2, 2), Of::Argument),
    w("ntile", (1, 1), Of::Integer),
    w("percent_rank", (0, 0), Of::Float),
    w("rank", (0, 0), Of::Integer),
    w("row_number", (0, 0), Of::Integer),
];

impl<'s> Walk<'s> {
    pub(super) fn window_function(
        &mut self,
        name: &str,
        args: &'s [Expr<'s>],
        tail: Option<&'s FunctionTail<'s>>,
    ) -> Result<Node> {
        let known = WINDOW_FUNCTIONS.iter().find(|f| f.name == name && (f.min..=f.max).contains(&args.len()));
        let Some(function) = known else {
            return refuse(format!(
                "window function \"{name}\" with {} arguments has no equivalent",
                args.len()
            ));
        };
        if tail.is_some_and(|tail| tail.filter_clause.is_some()) {
            return refuse("FILTER of a window function");
        }
        let nodes = self.list(args)?;
        let (nodes, result) = match function.result {
            Of::Integer => (counts(&nodes, 1)?, plain(TypeClass::Integer).least(Some(0))),
            Of::Float => (vec![], plain(TypeClass::Float)),
            Of::Argument => self.of_argument(nodes)?,
        };
        let (_, over) = self.tail(tail)?;
        Ok(Node { sql: format!("{name}({}){over}", nodes.join(", ")), ..result })
    }

    /// `lag(x, n, otherwise)`: the first and the last are of one type.
    fn of_argument(&mut self, nodes: Vec<Node>) -> Result<(Vec<String>, Node)> {
        let mut nodes = nodes.into_iter();
        let (x, count, otherwise) = (nodes.next(), nodes.next(), nodes.next());
        let Some(x) = x else { return refuse("an argument is missing") };
        let x = match &x.kind {
            Kind::Member(member) => Node::new(member.canonical(), TypeClass::Jsonb, Prec::Unary),
            _ => x,
        };
        if x.is_null() || x.class == TypeClass::Other || x.is_collated() {
            return refuse(format!("a window function of a {} value", class_name(x.class)));
        }
        let x = if x.class == TypeClass::Bool { x.number()? } else { x };
        let kind = if times::is_time(&x) { x.kind.clone() } else { Kind::Plain };
        let mut result = Node { kind, ..plain(x.class) }.mixed(x.mixed);
        (result.spelled, result.numeric_text) = (x.spelled, x.numeric_text);
        // A bare literal has no type that the function could have.
        let number = matches!(x.class, TypeClass::Integer | TypeClass::Float) || x.text_literal().is_some();
        let sql = |n: &Node| if number { n.cast(class_name(x.class), x.class).sql } else { n.sql.clone() };
        let mut written = vec![sql(&x)];
        if let Some(count) = count {
            written.extend(counts(&[count], 0)?);
        }
        match otherwise {
            None => {}
            Some(o) if o.is_null() => written.push(format!("NULL::{}", class_name(x.class))),
            Some(o) if o.class == x.class && !times::is_time(&x) => written.push(sql(&o)),
            Some(_) => return refuse("a default of another type than the value"),
        }
        Ok((written, result))
    }

    /// `OVER (…)`; a window by its name is written where it is used.
    pub(super) fn over(&mut self, over: &'s Over<'s>) -> Result<String> {
        let window = match over {
            Over::Window(window) => *window,
            Over::Name(name) => {
                let name = sqlite_unquote(name.0);
                let windows = &self.level()?.windows;
                match windows.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name)) {
                    Some((_, window)) => *window,
                    None => return refuse(format!("no window {name}")),
                }
            }
        };
        self.window(window)
    }

    fn window(&mut self, window: &'s Window<'s>) -> Result<String> {
        if window.base.is_some() {
            return refuse("a window based on another one");
        }
        let mut parts = vec![];
        let mut keys = vec![];
        for e in window.partition_by.unwrap_or(&[]) {
            let node = self.expr(e)?;
            if !storage::is_folded(&node) && !matches!(node.kind, Kind::Member(_)) {
                groupable(&node)?;
            }
            self.note_equal(&node);
            if node.literal().is_none() {
                keys.push(storage::group_key(&node)?);
            }
        }
        if !keys.is_empty() {
            parts.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        let mut order = vec![];
        for sorted in window.order_by.unwrap_or(&[]) {
            let node = self.expr(&sorted.expr)?;
            if node.literal().is_some() {
                return refuse("a window ordered by a constant");
            }
            self.note_equal(&node);
            order.push((key_sql(&node, direction(sorted))?, node));
        }
        if !order.is_empty() {
            let keys: Vec<&str> = order.iter().map(|(sql, _)| sql.as_str()).collect();
            parts.push(format!("ORDER BY {}", keys.join(", ")));
        }
        if let Some(frame) = &window.frame_clause {
            let nodes: Vec<&Node> = order.iter().map(|(_, node)| node).collect();
            parts.push(self.frame(frame, &nodes)?);
        }
        Ok(format!("({})", parts.join(" ")))
    }

    fn frame(&mut self, frame: &'s FrameClause<'s>, order: &[&Node]) -> Result<String> {
        let mode = match frame.mode {
            FrameMode::Groups => "GROUPS",
            FrameMode::Range => "RANGE",
            FrameMode::Rows => "ROWS",
        };
        let by_value = frame.mode == FrameMode::Range;
        let key = match order {
            [one] if one.is_number() => Some(one.class),
            _ => None,
        };
        let bound = |walk: &mut Self, bound: &'s FrameBound<'s>| -> Result<String> {
            let (e, word) = match bound {
                FrameBound::CurrentRow => return Ok("CURRENT ROW".into()),
                FrameBound::UnboundedFollowing => return Ok("UNBOUNDED FOLLOWING".into()),
                FrameBound::UnboundedPreceding => return Ok("UNBOUNDED PRECEDING".into()),
                FrameBound::Following(e) => (e, "FOLLOWING"),
                FrameBound::Preceding(e) => (e, "PRECEDING"),
            };
            let distance = walk.expr(e)?;
            match (distance.integer(), distance.literal(), key) {
                _ if by_value && key.is_none() => {
                    refuse("a frame by the distance of values that are no numbers")
                }
                (Some(n @ 0..), _, Some(TypeClass::Float)) if by_value => {
                    Ok(format!("{n}::double precision {word}"))
                }
                (_, Some(Lit::Real(x, digits)), Some(class @ (TypeClass::Float | TypeClass::Numeric)))
                    if by_value && *x >= 0.0 =>
                {
                    Ok(format!("{digits}::{} {word}", class_name(class)))
                }
                (Some(n @ 0..), ..) => Ok(format!("{n} {word}")),
                _ => refuse("a frame by a computed distance, or by a fraction of integers"),
            }
        };
        if frame.mode == FrameMode::Groups && order.is_empty() {
            return refuse("a frame of groups without an order");
        }
        let start = bound(self, &frame.start)?;
        let sql = match &frame.end {
            Some(end) => format!("{mode} BETWEEN {start} AND {}", bound(self, end)?),
            None => format!("{mode} {start}"),
        };
        let exclude = match frame.exclude {
            None | Some(FrameExclude::NoOthers) => "",
            Some(FrameExclude::CurrentRow) => " EXCLUDE CURRENT ROW",
            Some(FrameExclude::Group) => " EXCLUDE GROUP",
            Some(FrameExclude::Ties) => " EXCLUDE TIES",
        };
        Ok(sql + exclude)
    }
}

fn plain(class: TypeClass) -> Node {
    Node::atom("", class).sized(Size::ASSUMED, 64)
}

/// Numbers of rows, which are literals not below `least`.
fn counts(nodes: &[Node], least: i64) -> Result<Vec<String>> {
    let count = |n: &Node| match n.integer() {
        Some(n) if (least..=i64::from(i32::MAX)).contains(&n) => Ok(n.to_string()),
        _ => refuse("a number of rows that is computed or out of range"),
    };
    nodes.iter().map(count).collect()
}
