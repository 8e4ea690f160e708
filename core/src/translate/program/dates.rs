//! Date and time functions of a statement: a plain form over columns of times, SQLite's own reading by helper functions over
//! texts, numbers and computed modifiers.

use super::times;
use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Lit, Node, Result, class_name, null, refuse, text};
use crate::translate::size::Size;
use crate::translate::{function, helper};
use crate::types::TypeClass;

const NOW: &str = "'now' is the start of the transaction, where SQLite takes that of the statement";
const LOCAL: &str =
    "'localtime' and 'utc' mean the session's time zone, where SQLite takes that of the application's host";
const ISO: &str = "texts that date functions read are in ISO 8601 without an offset; others are an error";

impl<'s> Walk<'s> {
    pub(super) fn time_call(&mut self, name: &str, args: Vec<Node>) -> Result<Node> {
        if let Some(text) = times::constant(name, &args) {
            return Ok(text);
        }
        self.note_clocks(name, &args);
        let helps = self.helps();
        if helps && (name == "timediff" || args.iter().any(times::is_read)) {
            return self.by_helper(name, &args);
        }
        match self.by_types(name, args.clone()) {
            Err(_) if helps => self.by_helper(name, &args),
            result => result,
        }
    }

    fn note_clocks(&mut self, name: &str, args: &[Node]) {
        let is = |words: &[&str]| {
            let mut texts = args.iter().filter_map(Node::text_literal);
            texts.any(|text| words.iter().any(|word| text.eq_ignore_ascii_case(word)))
        };
        if args.len() <= usize::from(name == "strftime") || is(&["now", "subsec", "subsecond"]) {
            self.note(NOW);
        }
        if is(&["localtime", "utc"]) {
            self.note(LOCAL);
        }
    }

    /// The form over columns of times, which is one of PostgreSQL's types.
    fn by_types(&mut self, name: &str, args: Vec<Node>) -> Result<Node> {
        let read = args.iter().any(times::is_read);
        let node = function::call(name, &times::arguments(args)?)?;
        if read {
            self.note(ISO);
        }
        Ok(Node { spelled: times::is_time(&node), ..node })
    }

    fn by_helper(&mut self, name: &str, args: &[Node]) -> Result<Node> {
        let values = match name {
            "timediff" => 0..2,
            "strftime" => 1..2,
            _ => 0..1,
        };
        if matches!(name, "timediff" if args.len() != 2) || name == "strftime" && args.is_empty() {
            return refuse(format!("function \"{name}\" with {} arguments has no equivalent", args.len()));
        }
        let subsec = |node: &Node| {
            node.text_literal()
                .is_some_and(|t| ["subsec", "subsecond"].iter().any(|s| t.eq_ignore_ascii_case(s)))
        };
        let mut sql = vec![];
        for (at, arg) in args.iter().enumerate() {
            let shown = match values.contains(&at) {
                true => self.time_value(arg)?,
                false => self.as_text(arg.clone())?.text()?,
            };
            if arg.is_null() {
                return Ok(null());
            }
            if shown.text_literal().is_none() && at >= values.end {
                self.note(LOCAL);
                if name == "unixepoch" {
                    return refuse("unixepoch() with a computed modifier, which may be 'subsec'");
                }
            }
            sql.push(shown.sql);
        }
        if args.len() < values.end {
            sql.push(sqltext::literal("now"));
        }
        let (helper, class) = match name {
            "unixepoch" if args.iter().any(subsec) => ("unixepoch_subsec", TypeClass::Float),
            "unixepoch" => (name, TypeClass::Integer),
            "julianday" => (name, TypeClass::Float),
            _ => (name, TypeClass::Text),
        };
        let node = Node::atom(helper::call(helper, &sql), class).volatile();
        Ok(if class == TypeClass::Text { node } else { node.sized(Size::ASSUMED, 64) })
    }

    /// A time value as the text that date functions read: a number is what its text says.
    fn time_value(&mut self, node: &Node) -> Result<Node> {
        use TypeClass::{Bool, Date, Float, Integer, Numeric, Text, Time, Timestamp, TimestampTz};
        let node = times::number(self.typed(node.clone(), Text)?)?;
        let made = |sql: String| Ok(Node::atom(sql, Text).after(&[&node]));
        match (node.literal(), node.class) {
            (Some(Lit::Real(_, digits)), _) => Ok(text(digits)),
            (Some(Lit::Null | Lit::Integer(_) | Lit::Text(_)), _) | (_, Text | Integer) => node.text(),
            (_, Bool) => node.number()?.text(),
            (_, Float) => made(format!("{}::text", helper::call("real_exact", &[&node.sql]))),
            (_, Numeric) => made(node.cast("text", Text).sql),
            _ if !times::is_text(&node) => refuse("a date function over times of another number format"),
            (_, TimestampTz) if !node.timezone().is_utc() => {
                refuse("a date function over times that are read in another time zone than UTC")
            }
            (_, TimestampTz) => {
                made(helper::call("time_text", &[format!("{} AT TIME ZONE 'UTC'", node.operand())]))
            }
            (_, Date) => made(helper::call("time_text", &[node.cast("timestamp", Timestamp).sql])),
            (_, Timestamp) => made(helper::call("time_text", &[&node.sql])),
            (_, Time) => made(node.cast("text", Text).sql),
            (_, class) => refuse(format!("a date function of a {} value", class_name(class))),
        }
    }

    /// `typeof()` of a column, whose values' storage classes follow from its type or from themselves.
    pub(super) fn type_of_column(&self, node: &Node) -> Option<Node> {
        let (Kind::Column { .. }, None) = (&node.kind, node.literal()) else { return None };
        let x = node.operand();
        let stored = match node.class {
            TypeClass::Float | TypeClass::Numeric if node.mixed => {
                format!(
                    "WHEN {x} = trunc({}) AND abs({}) < 9223372036854775807 THEN 'integer' ELSE 'real'",
                    node.sql, node.sql
                )
            }
            TypeClass::Bool => "ELSE 'integer'".into(),
            _ if times::is_time(node) && !times::is_text(node) => "ELSE 'integer'".into(),
            TypeClass::Uuid | TypeClass::Json | TypeClass::Jsonb => "ELSE 'text'".into(),
            _ if times::is_time(node) => "ELSE 'text'".into(),
            _ => return None,
        };
        let sql = format!("CASE WHEN {x} IS NULL THEN 'null' {stored} END");
        Some(Node::new(sql, TypeClass::Text, crate::translate::node::Prec::Unary).after(&[node]))
    }
}
