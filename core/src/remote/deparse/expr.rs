//! Expressions, every value in canonical form. Pure.
//!
//! What is printed stands alone: whatever is no name, literal, call or CASE comes in parentheses.

use super::Printer;
use super::literal::literal;
use crate::remote::shippable;
use crate::remote::shippable::{is_list, type_of};
use crate::remote::vocabulary;
use crate::remote::{Expr, From, ParameterForm, Type};
use crate::value::native::Native;

/// A function that SQLite does not have: what ought not to have been shipped fails instead of being wrong.
const UNSHIPPABLE: &str = "pg_unshippable()";

impl Printer<'_> {
    pub fn expr(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Column(var) => shippable::place(*var, self.tables)
                .map_or_else(|| UNSHIPPABLE.to_owned(), |place| place.canonical()),
            Expr::Const(_, value) => literal(value),
            Expr::Param { index, type_ } => self.parameter(*index, *type_, ParameterForm::Canonical),
            Expr::ArrayParam { .. } => UNSHIPPABLE.to_owned(),
            Expr::Not(arg) => format!("(NOT {})", self.expr(arg)),
            Expr::And(args) => self.connected(args, "AND"),
            Expr::Or(args) => self.connected(args, "OR"),
            Expr::NullTest { arg, negated } => format!("({} IS {}NULL)", self.expr(arg), not(*negated)),
            Expr::BoolTest { arg, value, negated } => {
                format!("({} IS {}{})", self.expr(arg), not(*negated), i32::from(*value))
            }
            Expr::Distinct { left, right, negated, .. } => {
                format!("({} IS {}{})", self.expr(left), not(!negated), self.expr(right))
            }
            Expr::Operator { .. } => self.operator(expr),
            Expr::ArrayTest { .. } => self.array_test(expr),
            Expr::Function { name, args, result, .. } => self.function(name, args, *result),
            Expr::Case { whens, default, .. } => self.case(whens, default.as_deref()),
            Expr::Coalesce { args, .. } => match args.as_slice() {
                [only] => self.expr(only),
                _ => format!("coalesce({})", self.list(args)),
            },
            Expr::NullIf { left, right, .. } => format!("nullif({}, {})", self.expr(left), self.expr(right)),
            Expr::Aggregate { .. } => self.aggregate(expr),
            Expr::Exists { negated, from, conditions } => self.exists(*negated, from, conditions),
        }
    }

    fn list(&mut self, args: &[Expr]) -> String {
        args.iter().map(|arg| self.expr(arg)).collect::<Vec<_>>().join(", ")
    }

    fn connected(&mut self, args: &[Expr], word: &str) -> String {
        let parts = args.iter().map(|arg| self.expr(arg)).collect();
        balanced(parts, word).unwrap_or_else(|| if word == "AND" { "1" } else { "0" }.to_owned())
    }

    fn operator(&mut self, expr: &Expr) -> String {
        let Expr::Operator { name, left, right, result, .. } = expr else { return UNSHIPPABLE.to_owned() };
        if *result == Type::Bool
            && let Some((_, sqlite, _)) = vocabulary::comparison(name)
        {
            return format!("({} {sqlite} {})", self.expr(left), self.expr(right));
        }
        let types = [left, right].map(|side| type_of(side, self.tables).unwrap_or(Type::Other));
        let known = vocabulary::operator(name, &types, *result);
        let plain = if vocabulary::is_int(*result) { vocabulary::plain_division(name, right) } else { None };
        match plain.or(known.map(|known| known.template)) {
            Some(template) => {
                let (left, right) = (self.expr(left), self.expr(right));
                fill(template, &[left, right])
            }
            None => UNSHIPPABLE.to_owned(),
        }
    }

    fn function(&mut self, name: &str, args: &[Expr], result: Type) -> String {
        let types: Vec<Type> =
            args.iter().map(|arg| type_of(arg, self.tables).unwrap_or(Type::Other)).collect();
        let plain = match args {
            [_, divisor] if vocabulary::is_int(result) => vocabulary::plain_division(name, divisor),
            _ => None,
        };
        match plain.or(vocabulary::function(name, &types, result).map(|known| known.template)) {
            Some(template) => {
                let printed: Vec<String> = args.iter().map(|arg| self.expr(arg)).collect();
                fill(template, &printed)
            }
            None => UNSHIPPABLE.to_owned(),
        }
    }

    fn case(&mut self, whens: &[(Expr, Expr)], default: Option<&Expr>) -> String {
        let mut out = String::from("CASE");
        for (when, then) in whens {
            out += &format!(" WHEN {} THEN {}", self.expr(when), self.expr(then));
        }
        if let Some(default) = default {
            out += &format!(" ELSE {}", self.expr(default));
        }
        out + " END"
    }

    fn array_test(&mut self, expr: &Expr) -> String {
        let Expr::ArrayTest { name, left, elements, all, .. } = expr else { return UNSHIPPABLE.to_owned() };
        let left_sql = self.expr(left);
        if !is_list(name, *all) {
            let parts = elements.iter().map(|e| format!("({left_sql} {name} {})", self.expr(e))).collect();
            let word = if *all { "AND" } else { "OR" };
            return balanced(parts, word).unwrap_or_else(|| i32::from(*all).to_string());
        }
        let in_list = format!("({left_sql} {}IN {})", not(*all), self.elements(elements));
        match elements.as_slice() {
            // No array is not an empty one.
            [Expr::ArrayParam { index, element }] => {
                let array = self.parameter(*index, *element, ParameterForm::JsonArray);
                format!("CASE WHEN {array} IS NOT NULL THEN {in_list} END")
            }
            _ => in_list,
        }
    }

    /// The right side of IN.
    pub fn elements(&mut self, elements: &[Expr]) -> String {
        let [Expr::ArrayParam { index, element }] = elements else {
            return format!("({})", self.list(elements));
        };
        let array = self.parameter(*index, *element, ParameterForm::JsonArray);
        let value = match element {
            Type::Float4 | Type::Float8 => "pg_float8(value)",
            Type::Bytea => "unhex(value)",
            _ => "value",
        };
        format!("(SELECT {value} FROM json_each({array}))")
    }

    fn aggregate(&mut self, expr: &Expr) -> String {
        let Expr::Aggregate { name, args, distinct, filter, .. } = expr else {
            return UNSHIPPABLE.to_owned();
        };
        let extreme = match args.as_slice() {
            [arg] if matches!(name.as_str(), "min" | "max") && filter.is_none() => self.extreme(name, arg),
            _ => None,
        };
        if let Some(extreme) = extreme {
            return extreme;
        }
        let call = match args.as_slice() {
            [] => "count(*)".to_owned(),
            [arg, ..] => {
                let known = type_of(arg, self.tables).and_then(|t| vocabulary::aggregate(name, t));
                let name = known.map_or(name.as_str(), |known| known.sqlite);
                format!("{name}({}{})", if *distinct { "DISTINCT " } else { "" }, self.expr(arg))
            }
        };
        match filter {
            Some(filter) => format!("{call} FILTER (WHERE {})", self.expr(filter)),
            None => call,
        }
    }

    fn exists(&mut self, negated: bool, from: &From, conditions: &[Expr]) -> String {
        let from = self.from(from);
        let conditions = self.where_clause(conditions);
        format!("({}EXISTS (SELECT 1 FROM {from}{conditions}))", not(negated))
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

/// Fills `{0}`, `{1}`, … of a template; what is filled in is not looked at again.
fn fill(template: &str, args: &[String]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out += before;
        let (number, after) = after.split_once('}').unwrap_or((after, ""));
        out += number.parse().ok().and_then(|at: usize| args.get(at)).map_or(UNSHIPPABLE, String::as_str);
        rest = after;
    }
    out + rest
}

/// Joined as a tree of logarithmic depth; `None` when there is nothing to join.
pub fn balanced(parts: Vec<String>, word: &str) -> Option<String> {
    let mut parts = parts;
    while parts.len() > 1 {
        parts = parts
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => format!("({left} {word} {right})"),
                _ => pair.concat(),
            })
            .collect();
    }
    parts.pop()
}

/// The row count of LIMIT or OFFSET when it is a constant.
pub fn row_count(expr: &Expr) -> Option<&Native<'static>> {
    match expr {
        Expr::Const(_, value) => Some(value),
        _ => None,
    }
}
