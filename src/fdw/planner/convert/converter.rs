//! The server's expressions -> [`Expr`]. What cannot be said is `None`, and computed by the server.
//!
//! Only immutable operators and functions of the server's own become one. Whether the other side computes them
//! alike is not decided here.

use std::collections::BTreeSet;

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::params::{self, Params};
use crate::pg::datum::{Reader, type_of};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Expr, Tables, Type, Var};

/// Nodes of one expression; a simple CASE repeats its argument.
const NODES: usize = 5_000;

/// Height of one expression as the other side parses it, where a chain of ANDs is as high as it is long. SQLite
/// stops at 1,000, and a column may become a few levels of tests.
const HEIGHT: usize = 200;

/// Converts the expressions of one query, and collects its parameters.
pub(crate) struct Converter<'a> {
    tables: &'a Tables,
    /// Relations whose columns may be named; those inside a semi join may not.
    visible: BTreeSet<u32>,
    /// Vars of other relations are parameters: the scan may be the inner side of a nested loop.
    outer: bool,
    pub(crate) aggregates: bool,
    params: Params,
    budget: usize,
    /// What a CaseTestExpr represents.
    pub(crate) case_arg: Option<*mut pg_sys::Node>,
    /// The comparison that is the whole condition: see `params.rs`.
    pub(crate) compared: Option<*mut pg_sys::Node>,
    /// Parameters that other nodes of the plan set.
    plan_params: bool,
}

impl<'a> Converter<'a> {
    pub fn new(tables: &'a Tables, visible: BTreeSet<u32>) -> Converter<'a> {
        Converter {
            tables,
            visible,
            outer: false,
            aggregates: false,
            params: Params::new(),
            budget: 0,
            case_arg: None,
            compared: None,
            plan_params: true,
        }
    }

    /// Vars of relations that are not the query's become parameters.
    pub fn with_outer(mut self) -> Self {
        self.outer = true;
        self
    }

    /// Without them, no parameter changes while the query runs, unless it comes with `with_outer`.
    pub fn with_plan_params(mut self, plan_params: bool) -> Self {
        self.plan_params = plan_params;
        self
    }

    pub fn with_aggregates(mut self, aggregates: bool) -> Self {
        self.aggregates = aggregates;
        self
    }

    /// From here on only columns of these relations.
    pub fn show_only(&mut self, visible: BTreeSet<u32>) {
        self.visible = visible;
    }

    /// `fdw_exprs`.
    pub fn into_params(self) -> *mut pg_sys::List {
        self.params.into_list()
    }

    pub(crate) fn plan_params(&self) -> bool {
        self.plan_params
    }

    pub fn tables(&self) -> &'a Tables {
        self.tables
    }

    /// The expression, if it can be said and is accepted. Parameters of one that is not are forgotten.
    ///
    /// # Safety
    /// `node` is an expression of the query that is being planned, after preprocessing.
    pub unsafe fn accepted(
        &mut self,
        node: *mut pg_sys::Node,
        accept: impl FnOnce(&Expr, &Tables) -> bool,
    ) -> Option<Expr> {
        let before = self.params.length();
        self.budget = NODES;
        self.case_arg = None;
        // SAFETY: the node is an expression, as the contract asks; `node` follows it by its tags.
        let expr =
            unsafe { self.node(node) }.filter(|e| height(e) <= HEIGHT).filter(|e| accept(e, self.tables));
        if expr.is_none() {
            self.params.truncate(before);
        }
        expr
    }

    /// The same for a condition of its own: what a column is compared with may be computed when the scan begins.
    ///
    /// # Safety
    /// As `accepted`.
    pub unsafe fn condition(
        &mut self,
        node: *mut pg_sys::Node,
        accept: impl FnOnce(&Expr, &Tables) -> bool,
    ) -> Option<Expr> {
        self.compared = Some(node);
        // SAFETY: `accepted` asks no more of the node than this does.
        let expr = unsafe { self.accepted(node, accept) };
        self.compared = None;
        expr
    }

    /// A parameter for a value that the server computes once.
    ///
    /// # Safety
    /// `node` is an expression without Vars of the query's relations.
    pub unsafe fn param(&mut self, node: *mut pg_sys::Node) -> Expr {
        // SAFETY: the node is an expression of the planner's, which `push` copies.
        unsafe {
            let type_ = type_of(pg_sys::exprType(node));
            Expr::Param { index: self.params.push(node), type_ }
        }
    }

    unsafe fn known_param(&mut self, node: *mut pg_sys::Node) -> Option<Expr> {
        // SAFETY: the node is an expression: `node` has found it so by its tag.
        unsafe {
            known(type_of(pg_sys::exprType(node)))?;
            Some(self.param(node))
        }
    }

    pub(crate) unsafe fn node(&mut self, node: *mut pg_sys::Node) -> Option<Expr> {
        if node.is_null() {
            return None;
        }
        self.budget = self.budget.checked_sub(1)?;
        // SAFETY: the node is an expression, see `accepted`; raises an error where the stack ends.
        let tag = unsafe {
            pg_sys::check_stack_depth();
            let tag = nodes::tag(node);
            if params::is_present(node) || (tag == NodeTag::T_Param && self.is_parameter(node)) {
                return self.known_param(node);
            }
            if tag == NodeTag::T_CaseTestExpr {
                return self.case_argument();
            }
            tag
        };
        // SAFETY: the tag names the node's type, to which it is cast.
        unsafe {
            match tag {
                NodeTag::T_Var => self.var(&*node.cast()),
                NodeTag::T_Const => constant(&*node.cast()),
                NodeTag::T_RelabelType => self.relabel(&*node.cast()),
                NodeTag::T_CollateExpr => self.node((*node.cast::<pg_sys::CollateExpr>()).arg.cast()),
                NodeTag::T_OpExpr => self.operator(&*node.cast()),
                NodeTag::T_DistinctExpr => self.distinct(&*node.cast()),
                NodeTag::T_NullIfExpr => self.null_if(&*node.cast()),
                NodeTag::T_ScalarArrayOpExpr => self.array_test(&*node.cast()),
                NodeTag::T_FuncExpr => self.function(&*node.cast()),
                NodeTag::T_Aggref => self.aggregate(&*node.cast()),
                NodeTag::T_BoolExpr => self.boolean(&*node.cast()),
                NodeTag::T_NullTest => self.null_test(&*node.cast()),
                NodeTag::T_BooleanTest => self.boolean_test(&*node.cast()),
                NodeTag::T_CaseExpr => self.case(&*node.cast()),
                NodeTag::T_CoalesceExpr => self.coalesce(&*node.cast()),
                _ => None,
            }
        }
    }

    unsafe fn var(&mut self, var: &pg_sys::Var) -> Option<Expr> {
        let relation = u32::try_from(var.varno).ok()?;
        if var.varlevelsup != 0 || var.varattno <= 0 {
            return None;
        }
        if !self.tables.contains_key(&relation) {
            let node = (&raw const *var).cast_mut().cast();
            // SAFETY: the node is a Var, and lives in the planner's memory.
            return if self.outer { unsafe { self.known_param(node) } } else { None };
        }
        let named = Var { relation, attribute: var.varattno };
        let known = self.tables[&relation].column(var.varattno).is_some();
        (known && self.visible.contains(&relation)).then_some(Expr::Column(named))
    }

    /// A value from outside of the query: a parameter, or a column of another relation.
    pub(crate) unsafe fn is_parameter(&self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::ParamKind::{PARAM_EXEC, PARAM_EXTERN};
        // SAFETY: the tag tells the node's type.
        unsafe {
            match nodes::tag(node) {
                NodeTag::T_Param => match (*node.cast::<pg_sys::Param>()).paramkind {
                    PARAM_EXTERN => true,
                    PARAM_EXEC => self.plan_params,
                    _ => false,
                },
                NodeTag::T_Var => {
                    let var = &*node.cast::<pg_sys::Var>();
                    let ours = u32::try_from(var.varno).is_ok_and(|r| self.tables.contains_key(&r));
                    self.outer && !ours && var.varlevelsup == 0 && var.varattno > 0
                }
                _ => false,
            }
        }
    }

    /// text <-> varchar, and other collations, which the operators name themselves.
    unsafe fn relabel(&mut self, relabel: &pg_sys::RelabelType) -> Option<Expr> {
        // SAFETY: a RelabelType has an argument.
        unsafe {
            let type_ = type_of(relabel.resulttype);
            let same = type_ != Type::Other && type_ == type_of(pg_sys::exprType(relabel.arg.cast()));
            if same { self.node(relabel.arg.cast()) } else { None }
        }
    }

    unsafe fn boolean(&mut self, test: &pg_sys::BoolExpr) -> Option<Expr> {
        use pg_sys::BoolExprType::{AND_EXPR, NOT_EXPR, OR_EXPR};
        // SAFETY: the arguments are expressions.
        let mut args = unsafe { self.list(test.args) }?;
        match test.boolop {
            AND_EXPR => Some(Expr::And(args)),
            OR_EXPR => Some(Expr::Or(args)),
            NOT_EXPR => Some(Expr::Not(Box::new(args.pop()?))),
            _ => None,
        }
    }

    unsafe fn null_test(&mut self, test: &pg_sys::NullTest) -> Option<Expr> {
        if test.argisrow {
            return None;
        }
        // SAFETY: the argument is an expression.
        let arg = Box::new(unsafe { self.node(test.arg.cast()) }?);
        Some(Expr::NullTest { arg, negated: test.nulltesttype == pg_sys::NullTestType::IS_NOT_NULL })
    }

    unsafe fn boolean_test(&mut self, test: &pg_sys::BooleanTest) -> Option<Expr> {
        use pg_sys::BoolTestType::*;
        // SAFETY: the argument is an expression.
        let arg = Box::new(unsafe { self.node(test.arg.cast()) }?);
        Some(match test.booltesttype {
            IS_TRUE => Expr::BoolTest { arg, value: true, negated: false },
            IS_NOT_TRUE => Expr::BoolTest { arg, value: true, negated: true },
            IS_FALSE => Expr::BoolTest { arg, value: false, negated: false },
            IS_NOT_FALSE => Expr::BoolTest { arg, value: false, negated: true },
            IS_UNKNOWN => Expr::NullTest { arg, negated: false },
            IS_NOT_UNKNOWN => Expr::NullTest { arg, negated: true },
            _ => return None,
        })
    }

    unsafe fn case(&mut self, case: &pg_sys::CaseExpr) -> Option<Expr> {
        let result = known(type_of(case.casetype))?;
        let arg = (!case.arg.is_null()).then_some(case.arg.cast());
        let mut whens = vec![];
        // SAFETY: a CASE's arguments are CaseWhens, whose parts are expressions.
        unsafe {
            for when in nodes::items::<pg_sys::CaseWhen>(case.args) {
                let outer = std::mem::replace(&mut self.case_arg, arg);
                let condition = self.node((*when).expr.cast());
                self.case_arg = outer;
                whens.push((condition?, self.node((*when).result.cast())?));
            }
            let default = match case.defresult.is_null() {
                true => None,
                false => Some(Box::new(self.node(case.defresult.cast())?)),
            };
            Some(Expr::Case { whens, default, result })
        }
    }

    /// The argument of the CASE whose WHEN this is. It is outside of that CASE, and cannot name it again.
    unsafe fn case_argument(&mut self) -> Option<Expr> {
        let arg = self.case_arg.take()?;
        // SAFETY: an expression, see `case`.
        let expr = unsafe { self.node(arg) };
        self.case_arg = Some(arg);
        expr
    }

    unsafe fn coalesce(&mut self, coalesce: &pg_sys::CoalesceExpr) -> Option<Expr> {
        let result = known(type_of(coalesce.coalescetype))?;
        // SAFETY: the arguments are expressions.
        Some(Expr::Coalesce { args: unsafe { self.list(coalesce.args) }?, result })
    }

    pub(crate) unsafe fn list(&mut self, list: *mut pg_sys::List) -> Option<Vec<Expr>> {
        // SAFETY: the arguments of a node that the planner has made are expressions.
        unsafe { nodes::items(list).map(|node| self.node(node)).collect() }
    }
}

/// # Safety
/// The constant's type is its datum's.
unsafe fn constant(value: &pg_sys::Const) -> Option<Expr> {
    let type_ = known(type_of(value.consttype))?;
    // SAFETY: a Const's datum is of its type, or null.
    let native = unsafe { Reader::new(value.consttype).read(value.constvalue, value.constisnull) };
    native.is_shippable().then(|| Expr::Const(type_, native.into_owned()))
}

pub(crate) fn known(type_: Type) -> Option<Type> {
    (type_ != Type::Other).then_some(type_)
}

/// There is a column or an aggregate in it: its value is not known beforehand.
pub(crate) fn depends_on_rows(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Aggregate { .. } | Expr::Exists { .. } => true,
        _ => expr.parts().into_iter().any(depends_on_rows),
    }
}

/// Levels of the expression's tree where every chain is nested.
fn height(expr: &Expr) -> usize {
    let parts = expr.parts();
    let chain = match expr {
        Expr::And(_) | Expr::Or(_) => parts.len(),
        _ => 1,
    };
    chain + parts.into_iter().map(height).max().unwrap_or(0)
}
