//! May it go to SQLite? A condition, value or order ships when every part of it is in [`vocabulary`]'s tables for the
//! types, collations and columns at hand, and the whole stays within SQLite's limits. Pure.
//!
//! What each rule rests on is said at its row. Constants have a literal that is exact; texts under a
//! nondeterministic collation never ship; sorting ships under a collation by bytes alone.

use super::column::{Form, Place};
use super::faults::can_fail;
use super::vocabulary::{self, AggregateResult, Needs};
use super::{Collation, Column, Expr, From, JoinKind, Order, Tables, Type, Var};
use crate::value::native::Native;

/// SQLite's limit is 1000 levels, of which a query around the expression takes some.
const MAX_HEIGHT: usize = 200;
/// Elements of one list of constants.
const MAX_ELEMENTS: usize = 2000;
/// Elements that are written out as comparisons, or that are parameters.
const MAX_SPELT: usize = 50;
/// Bytes of one printed expression, about; a statement may have 16 MB.
const MAX_SIZE: usize = 1 << 20;

/// SQLite computes this condition as PostgreSQL does, and cannot fail where PostgreSQL would not come to it.
pub fn condition(expr: &Expr, tables: &Tables) -> bool {
    type_of(expr, tables) == Some(Type::Bool) && Check::new(tables).ships(expr) && !can_fail(expr, tables)
}

/// Its value comes back as PostgreSQL's: canonical, or the exact parts of a numeric aggregate.
pub fn value(expr: &Expr, tables: &Tables) -> bool {
    let check = Check::new(tables);
    match numeric_aggregate(expr, tables) {
        Some(_) => check.aggregate(expr).is_some_and(|height| height <= MAX_HEIGHT),
        None => check.ships(expr),
    }
}

/// SQLite sorts by it as PostgreSQL does.
pub fn order(order: &Order, tables: &Tables) -> bool {
    let sorted = |type_| is_met(Needs::Order, type_, order.collation, tables);
    Check::new(tables).ships(&order.expr) && type_of(&order.expr, tables).is_some_and(sorted)
}

/// The column of a query.
pub fn place(var: Var, tables: &Tables) -> Option<Place<'_>> {
    let table = tables.get(&var.relation)?;
    let column: &Column = table.column(var.attribute)?;
    Some(Place { relation: var.relation, attribute: var.attribute, table, column })
}

/// A comparison of the bare column can use an index of the file.
pub fn is_indexable(var: Var, tables: &Tables) -> bool {
    place(var, tables).is_some_and(|place| place.access().is_some())
}

/// The type of an expression; `None` for a column that is not there.
pub fn type_of(expr: &Expr, tables: &Tables) -> Option<Type> {
    Some(match expr {
        Expr::Column(var) => place(*var, tables)?.column.type_,
        Expr::Const(type_, _) | Expr::Param { type_, .. } => *type_,
        Expr::ArrayParam { .. } => return None,
        Expr::Operator { result, .. }
        | Expr::Function { result, .. }
        | Expr::Case { result, .. }
        | Expr::Coalesce { result, .. }
        | Expr::NullIf { result, .. }
        | Expr::Aggregate { result, .. } => *result,
        Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::NullTest { .. }
        | Expr::BoolTest { .. }
        | Expr::Distinct { .. }
        | Expr::ArrayTest { .. }
        | Expr::Exists { .. } => Type::Bool,
    })
}

/// An aggregate whose result PostgreSQL finishes as numeric: only ever a target of its own.
pub fn numeric_aggregate(expr: &Expr, tables: &Tables) -> Option<AggregateResult> {
    let Expr::Aggregate { name, args, result: Type::Numeric, .. } = expr else { return None };
    let known = vocabulary::aggregate(name, type_of(args.first()?, tables)?)?;
    (known.result != AggregateResult::Canonical).then_some(known.result)
}

/// SQLite compares texts as the operation asks. In a file of UTF-16 it sorts by the bytes of that.
fn is_met(needs: Needs, type_: Type, collation: Collation, tables: &Tables) -> bool {
    let other_order = needs == Needs::Order && type_ == Type::Text && tables.values().any(|t| t.utf16);
    !other_order && needs.met(type_, collation)
}

struct Check<'a> {
    tables: &'a Tables,
    /// Bytes of what has been looked at.
    size: std::cell::Cell<usize>,
}

/// Levels of a printed expression; `None` where it does not ship.
type Height = Option<usize>;

impl<'a> Check<'a> {
    fn new(tables: &'a Tables) -> Check<'a> {
        Check { tables, size: std::cell::Cell::new(0) }
    }
}

impl Check<'_> {
    fn ships(&self, expr: &Expr) -> bool {
        self.height(expr).is_some_and(|height| height <= MAX_HEIGHT)
    }

    fn type_of(&self, expr: &Expr) -> Option<Type> {
        type_of(expr, self.tables)
    }

    fn is_met(&self, needs: Needs, type_: Type, collation: Collation) -> bool {
        is_met(needs, type_, collation, self.tables)
    }

    fn height(&self, expr: &Expr) -> Height {
        self.size.set(self.size.get() + size(expr));
        if self.size.get() > MAX_SIZE || !vocabulary::is_canonical(self.type_of(expr)?) {
            return None;
        }
        match expr {
            Expr::Column(var) => (place(*var, self.tables)?.form() != Form::None).then_some(6),
            // SQLite has a literal that is exactly the constant, but for these.
            Expr::Const(_, Native::Printed(_)) => None,
            Expr::Const(_, Native::Text(text)) if text.contains('\0') => None,
            Expr::Const(..) => Some(2),
            Expr::Param { .. } => Some(1),
            Expr::ArrayParam { .. } => None,
            Expr::Not(arg) | Expr::BoolTest { arg, .. } => self.boolean(arg).map(|h| h + 2),
            Expr::And(args) | Expr::Or(args) => self.connected(args),
            Expr::NullTest { arg, .. } => self.height(arg).map(|h| h + 1),
            Expr::Distinct { left, right, collation, .. } => {
                self.compared(left, right, Needs::Equality, *collation)
            }
            Expr::NullIf { left, right, collation, .. } => {
                self.compared(left, right, Needs::Equality, *collation)
            }
            Expr::Operator { .. } => self.operator(expr),
            Expr::ArrayTest { .. } => self.array_test(expr),
            Expr::Function { name, args, collation, result } => {
                let types = self.types(args)?;
                let known = vocabulary::function(name, &types, *result)?;
                types.iter().all(|t| self.is_met(known.needs, *t, *collation)).then_some(())?;
                self.highest(args).map(|h| h + 3)
            }
            Expr::Case { .. } => self.case(expr),
            Expr::Coalesce { args, result } => {
                args.iter().all(|arg| self.type_of(arg) == Some(*result)).then_some(())?;
                self.highest(args).map(|h| h + 1)
            }
            Expr::Aggregate { .. } => self.aggregate(expr),
            Expr::Exists { from, conditions, .. } => {
                Some(self.from(from)?.max(self.connected(conditions)?) + 2)
            }
        }
    }

    fn boolean(&self, expr: &Expr) -> Height {
        if self.type_of(expr)? == Type::Bool { self.height(expr) } else { None }
    }

    /// Printed balanced, so that many conditions are no deep tree.
    fn connected(&self, args: &[Expr]) -> Height {
        let heights: Option<Vec<usize>> = args.iter().map(|arg| self.boolean(arg)).collect();
        Some(heights?.into_iter().max().unwrap_or(0) + (args.len() + 1).ilog2() as usize + 1)
    }

    fn highest(&self, args: &[Expr]) -> Height {
        let heights: Option<Vec<usize>> = args.iter().map(|arg| self.height(arg)).collect();
        Some(heights?.into_iter().max().unwrap_or(0))
    }

    fn types(&self, args: &[Expr]) -> Option<Vec<Type>> {
        args.iter().map(|arg| self.type_of(arg)).collect()
    }

    fn compared(&self, left: &Expr, right: &Expr, needs: Needs, collation: Collation) -> Height {
        let (left_type, right_type) = (self.type_of(left)?, self.type_of(right)?);
        if !vocabulary::are_comparable(left_type, right_type) || !self.is_met(needs, left_type, collation) {
            return None;
        }
        Some(self.height(left)?.max(self.height(right)?) + 2)
    }

    fn operator(&self, expr: &Expr) -> Height {
        let Expr::Operator { name, left, right, collation, result } = expr else { return None };
        if let Some((_, _, needs)) = vocabulary::comparison(name).filter(|_| *result == Type::Bool) {
            return self.compared(left, right, *needs, *collation);
        }
        let types = [self.type_of(left)?, self.type_of(right)?];
        let known = vocabulary::operator(name, &types, *result)?;
        if !self.is_met(known.needs, types[0], *collation) {
            return None;
        }
        Some(self.height(left)?.max(self.height(right)?) + 3)
    }

    fn array_test(&self, expr: &Expr) -> Height {
        let Expr::ArrayTest { name, left, elements, all, collation } = expr else { return None };
        let (_, _, needs) = vocabulary::comparison(name)?;
        let left_type = self.type_of(left)?;
        if !self.is_met(*needs, left_type, *collation) {
            return None;
        }
        let is_list = is_list(name, *all);
        if let [Expr::ArrayParam { element, .. }] = elements.as_slice() {
            let fits = is_list && vocabulary::are_comparable(left_type, *element);
            return if fits { self.height(left).map(|h| h + 4) } else { None };
        }
        // Written out, the left side is repeated.
        if !is_list && !matches!(**left, Expr::Column(_)) {
            return None;
        }
        let constants = elements.iter().all(|e| matches!(e, Expr::Const(..)));
        if elements.len() > if is_list && constants { MAX_ELEMENTS } else { MAX_SPELT } {
            return None;
        }
        let comparable = |e: &Expr| self.type_of(e).is_some_and(|t| vocabulary::are_comparable(left_type, t));
        elements.iter().all(comparable).then_some(())?;
        Some(self.height(left)?.max(self.highest(elements)?) + 9)
    }

    fn case(&self, expr: &Expr) -> Height {
        let Expr::Case { whens, default, result } = expr else { return None };
        let mut height = 0;
        for (when, then) in whens {
            (self.type_of(then)? == *result).then_some(())?;
            height = height.max(self.boolean(when)?).max(self.height(then)?);
        }
        if let Some(default) = default {
            (self.type_of(default)? == *result).then_some(())?;
            height = height.max(self.height(default)?);
        }
        Some(height + 1)
    }

    fn aggregate(&self, expr: &Expr) -> Height {
        let Expr::Aggregate { name, args, distinct, filter, collation, result } = expr else { return None };
        let filtered = filter.as_ref().map_or(Some(0), |filter| self.boolean(filter))?;
        let height = match (name.as_str(), args.as_slice()) {
            ("count", []) => 1,
            // `count(DISTINCT text)` counts what is equal.
            ("count", [arg]) => {
                let needs = if *distinct { Needs::Equality } else { Needs::Nothing };
                self.is_met(needs, self.type_of(arg)?, *collation).then_some(())?;
                self.height(arg)?
            }
            (_, [arg]) => {
                let type_ = self.type_of(arg)?;
                let known = vocabulary::aggregate(name, type_)?;
                let numeric = known.result != AggregateResult::Canonical;
                let fits =
                    self.is_met(known.needs, type_, *collation) && numeric == (*result == Type::Numeric);
                fits.then_some(())?;
                self.height(arg)?
            }
            _ => return None,
        };
        Some(height.max(filtered) + 1)
    }

    fn from(&self, from: &From) -> Height {
        match from {
            From::Table { relation } => self.tables.contains_key(relation).then_some(1),
            From::Join { kind: JoinKind::Inner | JoinKind::Left | JoinKind::Right, left, right, on } => {
                Some(self.from(left)?.max(self.from(right)?).max(self.connected(on)?) + 1)
            }
        }
    }
}

/// `= ANY` and `<> ALL` are IN and NOT IN, with the same answers over NULLs and over no elements.
pub fn is_list(name: &str, all: bool) -> bool {
    matches!((name, all), ("=", false) | ("<>", true))
}

/// Bytes that an expression takes without its parts, about; a column is printed with its test.
fn size(expr: &Expr) -> usize {
    match expr {
        Expr::Const(_, Native::Text(text)) => 2 * text.len(),
        Expr::Const(_, Native::Bytes(bytes)) => 2 * bytes.len(),
        Expr::Column(_) => 300,
        _ => 20,
    }
}

#[cfg(test)]
mod tests;
