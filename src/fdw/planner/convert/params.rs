//! The scan's local expressions: values that are known when it begins, and are sent as parameters.
//!
//! They become the plan's `fdw_exprs`, where the server replaces the Vars of other relations by the parameters of a
//! nested loop. Evaluating one must not raise an error that evaluating it row by row might not have raised.
//!
//! Keys are computed when a scan begins, as those of the server's own index scans are: what a column is compared with
//! becomes one parameter, however it is computed, if its value is the same for all rows. An index scan of the server's
//! computes its keys before it knows whether there are rows. So may this where the file has an index; elsewhere only
//! what cannot fail is computed before a row asks for it. Only a condition's own comparison is looked at, never one
//! inside of CASE, AND or OR, which may not be come to.

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::builtin::{self, Operator};
use super::converter::{Converter, known};
use crate::pg::datum::{Reader, type_of};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Expr, Type, shippable};
use pg_sqlite_migrate_core::value::native::Native;

/// Longest interval that is added to the present: with it no date or timestamp overflows.
const MONTHS: i32 = 12_000;
const DAYS: i32 = 365_000;
const MICROSECONDS: i64 = 1000 * 365 * 86_400_000_000;

/// An expression list without duplicates.
pub(crate) struct Params {
    list: *mut pg_sys::List,
}

impl Params {
    pub fn new() -> Params {
        Params { list: std::ptr::null_mut() }
    }

    pub fn into_list(self) -> *mut pg_sys::List {
        self.list
    }

    pub fn length(&self) -> usize {
        // SAFETY: ours, a list or null.
        unsafe { nodes::length(self.list) }
    }

    /// Forgets what came after `length`.
    pub fn truncate(&mut self, length: usize) {
        // SAFETY: the list is ours, and the converter never asks for more than it had.
        self.list = unsafe { pg_sys::list_truncate(self.list, length as i32) };
    }

    /// The expression's position.
    ///
    /// # Safety
    /// `node` is an expression that lives as long as the plan is being made.
    pub unsafe fn push(&mut self, node: *mut pg_sys::Node) -> usize {
        // SAFETY: the list holds expressions only.
        unsafe {
            if let Some(at) =
                nodes::items(self.list).position(|known: *mut pg_sys::Node| nodes::equal(known, node))
            {
                return at;
            }
            let length = self.length();
            nodes::append(&mut self.list, pg_sys::copyObjectImpl(node.cast()).cast::<pg_sys::Node>());
            length
        }
    }
}

impl Converter<'_> {
    /// `node` is the comparison that is the whole condition.
    pub(crate) fn is_compared(&self, node: *const pg_sys::Node) -> bool {
        self.compared.is_some_and(|whole| std::ptr::eq(whole, node))
    }

    /// The two sides of the comparison that is the whole condition.
    pub(crate) unsafe fn compared_operands(
        &mut self,
        operator: &Operator,
        args: *mut pg_sys::List,
    ) -> Option<(Box<Expr>, Box<Expr>)> {
        // SAFETY: the arguments are expressions.
        unsafe {
            let mut both = nodes::items::<pg_sys::Node>(args);
            let (left, right) = (both.next()?, both.next()?);
            let typed = |node, declared| known(type_of(pg_sys::exprType(node))) == Some(declared);
            if !typed(left, operator.left) || !typed(right, operator.right) {
                return None;
            }
            if self.is_fixed(right) {
                let left = self.node(left)?;
                let right = if self.is_key(right, &left) { self.param(right) } else { self.node(right)? };
                return Some((Box::new(left), Box::new(right)));
            }
            let right = self.node(right)?;
            let left = if self.is_key(left, &right) { self.param(left) } else { self.node(left)? };
            Some((Box::new(left), Box::new(right)))
        }
    }

    /// What is compared with `other` may be computed when the scan begins.
    ///
    /// # Safety
    /// `node` is an expression.
    pub(crate) unsafe fn is_key(&self, node: *mut pg_sys::Node, other: &Expr) -> bool {
        let indexed = match (other, self.compared) {
            (Expr::Column(var), Some(_)) => shippable::is_indexable(*var, self.tables()),
            _ => false,
        };
        // SAFETY: the node is an expression, as the contract asks.
        unsafe { self.is_fixed(node) && (indexed || cannot_fail(node)) }
    }

    /// It is computed, and from values that are known when the scan begins. Constants stay what they are.
    unsafe fn is_fixed(&self, node: *mut pg_sys::Node) -> bool {
        let flags = pg_sys::PVC_INCLUDE_AGGREGATES
            | pg_sys::PVC_INCLUDE_WINDOWFUNCS
            | pg_sys::PVC_INCLUDE_PLACEHOLDERS;
        // SAFETY: `is_key` and `compared_operands` pass operands, which are expressions.
        unsafe {
            !nodes::is(nodes::unlabeled(node), pg_sys::NodeTag::T_Const)
                && !pg_sys::contain_volatile_functions(node)
                && !pg_sys::contain_subplans(node)
                && (self.plan_params() || nodes::is_empty(pg_sys::pull_paramids(node.cast())))
                && nodes::items(pg_sys::pull_var_clause(node, flags as i32))
                    .all(|part| self.is_parameter(part))
        }
    }
}

/// The expression is made of the present, casts between date and timestamps, and constant distances.
///
/// # Safety
/// `node` is an expression.
pub(crate) unsafe fn is_present(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the tag tells the node's type.
    unsafe {
        match nodes::tag(node) {
            NodeTag::T_SQLValueFunction => is_time_of_day((*node.cast::<pg_sys::SQLValueFunction>()).op),
            NodeTag::T_FuncExpr => is_present_function(&*node.cast()),
            NodeTag::T_OpExpr => is_present_sum(&*node.cast()),
            _ => false,
        }
    }
}

fn is_time_of_day(function: pg_sys::SQLValueFunctionOp::Type) -> bool {
    use pg_sys::SQLValueFunctionOp::*;
    matches!(
        function,
        SVFOP_CURRENT_DATE
            | SVFOP_CURRENT_TIMESTAMP
            | SVFOP_CURRENT_TIMESTAMP_N
            | SVFOP_LOCALTIME
            | SVFOP_LOCALTIME_N
            | SVFOP_LOCALTIMESTAMP
            | SVFOP_LOCALTIMESTAMP_N
    )
}

unsafe fn is_present_function(call: &pg_sys::FuncExpr) -> bool {
    let Some(name) = builtin::function(call.funcid) else { return false };
    // SAFETY: a call's arguments are expressions.
    let args: Vec<*mut pg_sys::Node> = unsafe { nodes::items(call.args) }.collect();
    match (name.as_str(), args.as_slice()) {
        ("now" | "transaction_timestamp" | "statement_timestamp", []) => true,
        // SAFETY: `arg` is one of the call's arguments.
        ("date" | "timestamp" | "timestamptz", [arg]) => unsafe { is_present(*arg) },
        // SAFETY: both are arguments of the call.
        ("date_trunc", [unit, arg]) => unsafe { is_unit(*unit) && is_present(*arg) },
        _ => false,
    }
}

/// A constant that `date_trunc` knows.
unsafe fn is_unit(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the tag tells the node's type, the constant's type what its datum is.
    unsafe {
        if !nodes::is(node, NodeTag::T_Const) {
            return false;
        }
        let unit = &*node.cast::<pg_sys::Const>();
        if unit.consttype != pg_sys::TEXTOID || unit.constisnull {
            return false;
        }
        matches!(
            Reader::new(unit.consttype).read(unit.constvalue, false),
            Native::Text(t)
                if ["second", "minute", "hour", "day", "week", "month", "quarter", "year"].contains(&&*t)
        )
    }
}

unsafe fn is_present_sum(call: &pg_sys::OpExpr) -> bool {
    // The volatility does not matter here: a sum with a timestamptz is stable, and evaluated once all the same.
    // SAFETY: an operator that an expression names exists; its arguments are expressions.
    unsafe {
        let Some(name) = builtin::operator_name(call.opno) else { return false };
        let args: Vec<*mut pg_sys::Node> = nodes::items(call.args).collect();
        let [left, right] = args.as_slice() else { return false };
        matches!(name.as_str(), "+" | "-") && is_present(*left) && is_distance(*right)
    }
}

/// A constant interval, or a number of days, that cannot lead far.
unsafe fn is_distance(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the tag tells the node's type, the constant's type what its datum is.
    unsafe {
        if !nodes::is(node, NodeTag::T_Const) {
            return false;
        }
        let value = &*node.cast::<pg_sys::Const>();
        if value.constisnull {
            return false;
        }
        match value.consttype {
            pg_sys::INT4OID => (-DAYS..=DAYS).contains(&(value.constvalue.value() as i32)),
            pg_sys::INTERVALOID => {
                let interval = &*value.constvalue.cast_mut_ptr::<pg_sys::Interval>();
                (-MONTHS..=MONTHS).contains(&interval.month)
                    && (-DAYS..=DAYS).contains(&interval.day)
                    && (-MICROSECONDS..=MICROSECONDS).contains(&interval.time)
            }
            _ => false,
        }
    }
}

/// Evaluating it cannot fail, so that it does not matter whether the server would have come to it: texts joined
/// together, values made text, and what comes from outside.
///
/// # Safety
/// `node` is an expression.
pub(crate) unsafe fn cannot_fail(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the tag tells the node's type, whose parts are expressions.
    unsafe {
        match nodes::tag(node) {
            NodeTag::T_Const | NodeTag::T_Param | NodeTag::T_Var => true,
            NodeTag::T_RelabelType => cannot_fail((*node.cast::<pg_sys::RelabelType>()).arg.cast()),
            NodeTag::T_CollateExpr => cannot_fail((*node.cast::<pg_sys::CollateExpr>()).arg.cast()),
            NodeTag::T_CoerceViaIO => {
                let cast = &*node.cast::<pg_sys::CoerceViaIO>();
                let from = type_of(pg_sys::exprType(cast.arg.cast()));
                type_of(cast.resulttype) == Type::Text && from != Type::Other && cannot_fail(cast.arg.cast())
            }
            NodeTag::T_OpExpr => {
                let call = &*node.cast::<pg_sys::OpExpr>();
                let joins = builtin::operator_name(call.opno).is_some_and(|name| name == "||");
                joins
                    && type_of(call.opresulttype) == Type::Text
                    && nodes::items(call.args).all(|arg| cannot_fail(arg))
            }
            _ => is_present(node),
        }
    }
}

/// LIMIT and OFFSET: evaluated once by the server too, so that anything may be computed that does not change
/// meanwhile. `None`: not to be shipped.
///
/// # Safety
/// `node` is an expression.
pub(crate) unsafe fn is_constant_enough(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the node is an expression, as the contract asks; the server's walkers only read it.
    unsafe {
        !pg_sys::contain_var_clause(node)
            && !pg_sys::contain_volatile_functions(node)
            && !pg_sys::contain_subplans(node)
    }
}
