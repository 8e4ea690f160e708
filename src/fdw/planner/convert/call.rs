//! Operators, functions, array tests and aggregates -> [`Expr`]: everything that has a name in the catalog.

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::builtin::{self, Operator};
use super::converter::{Converter, known};
use crate::pg::datum::{self, Reader, type_of};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Collation, Expr, Type};

/// Elements of a constant array that are written into the query.
const ELEMENTS: usize = 10_000;

impl Converter<'_> {
    pub(crate) unsafe fn operator(&mut self, call: &pg_sys::OpExpr) -> Option<Expr> {
        let result = known(type_of(call.opresulttype))?;
        let operator = Operator::find(call.opno)?;
        let collation = operator_collation(&operator.name, call.inputcollid);
        let name = operator.name.clone();
        if !builtin::is_comparison(&name) && name != "||" && !operator.has_same_characters() {
            return None;
        }
        // SAFETY: the arguments are expressions.
        unsafe {
            if nodes::length(call.args) == 1 {
                let args = vec![self.operand(call.args, 0, operator.right)?];
                return Some(Expr::Function { name, args, collation, result });
            }
            let whole = self.is_compared((&raw const *call).cast()) && builtin::is_comparison(&name);
            let (left, right) = match whole {
                true => self.compared_operands(&operator, call.args)?,
                false => self.operands(&operator, call.args)?,
            };
            Some(Expr::Operator { name, left, right, collation, result })
        }
    }

    pub(crate) unsafe fn distinct(&mut self, call: &pg_sys::OpExpr) -> Option<Expr> {
        let operator = Operator::find(call.opno)?;
        if operator.name != "=" || operator.left != operator.right {
            return None;
        }
        // SAFETY: the arguments are expressions.
        let (left, right) = unsafe { self.operands(&operator, call.args) }?;
        Some(Expr::Distinct { left, right, negated: false, collation: builtin::collation(call.inputcollid) })
    }

    pub(crate) unsafe fn null_if(&mut self, call: &pg_sys::OpExpr) -> Option<Expr> {
        let result = known(type_of(call.opresulttype))?;
        let operator = Operator::find(call.opno)?;
        if operator.name != "=" || operator.left != operator.right {
            return None;
        }
        // SAFETY: the arguments are expressions.
        let (left, right) = unsafe { self.operands(&operator, call.args) }?;
        Some(Expr::NullIf { left, right, collation: builtin::collation(call.inputcollid), result })
    }

    unsafe fn operands(
        &mut self,
        operator: &Operator,
        args: *mut pg_sys::List,
    ) -> Option<(Box<Expr>, Box<Expr>)> {
        // SAFETY: the arguments are expressions.
        unsafe {
            if nodes::length(args) != 2 {
                return None;
            }
            let left = self.operand(args, 0, operator.left)?;
            Some((Box::new(left), Box::new(self.operand(args, 1, operator.right)?)))
        }
    }

    /// An argument of exactly the type that the operator is declared for: with a polymorphic one the name and the
    /// types would not tell which operator it is.
    unsafe fn operand(&mut self, args: *mut pg_sys::List, at: usize, declared: Type) -> Option<Expr> {
        // SAFETY: the arguments are expressions.
        unsafe {
            let node: *mut pg_sys::Node = nodes::items(args).nth(at)?;
            let actual = known(type_of(pg_sys::exprType(node)))?;
            if actual == declared { self.node(node) } else { None }
        }
    }

    pub(crate) unsafe fn array_test(&mut self, call: &pg_sys::ScalarArrayOpExpr) -> Option<Expr> {
        let operator = Operator::find(call.opno)?;
        let collation = operator_collation(&operator.name, call.inputcollid);
        // SAFETY: the arguments are two expressions, the second an array.
        unsafe {
            let left = Box::new(self.operand(call.args, 0, operator.left)?);
            let array: *mut pg_sys::Node = nodes::items(call.args).nth(1)?;
            let whole = self.is_compared((&raw const *call).cast());
            let element = known(type_of(pg_sys::get_element_type(pg_sys::exprType(array))))?;
            if element != operator.right {
                return None;
            }
            let column = if whole { Some(&*left) } else { None };
            let elements = self.elements(array, element, column)?;
            Some(Expr::ArrayTest { name: operator.name, left, elements, all: !call.useOr, collation })
        }
    }

    /// `column` is what the elements are compared with, where the array test is the whole condition.
    unsafe fn elements(
        &mut self,
        array: *mut pg_sys::Node,
        element: Type,
        column: Option<&Expr>,
    ) -> Option<Vec<Expr>> {
        // SAFETY: the tag tells the node's type.
        unsafe {
            let bare = nodes::unlabeled(array);
            match nodes::tag(bare) {
                NodeTag::T_Const => constants(&*bare.cast()),
                NodeTag::T_ArrayExpr => self.listed(&*bare.cast(), column),
                _ if self.is_parameter(bare) || column.is_some_and(|column| self.is_key(array, column)) => {
                    match self.param(array) {
                        Expr::Param { index, .. } => Some(vec![Expr::ArrayParam { index, element }]),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
    }

    unsafe fn listed(&mut self, list: &pg_sys::ArrayExpr, column: Option<&Expr>) -> Option<Vec<Expr>> {
        if list.multidims {
            return None;
        }
        // SAFETY: the elements of an ARRAY are expressions.
        unsafe {
            let element = |node| match column.is_some_and(|column| self.is_key(node, column)) {
                true => Some(self.param(node)),
                false => self.node(node),
            };
            nodes::items(list.elements).map(element).collect()
        }
    }

    pub(crate) unsafe fn function(&mut self, call: &pg_sys::FuncExpr) -> Option<Expr> {
        let result = known(type_of(call.funcresulttype))?;
        let name = builtin::immutable_function(call.funcid)?;
        if call.funcretset || call.funcvariadic {
            return None;
        }
        // SAFETY: the arguments are expressions.
        let args = unsafe {
            let has_same =
                |node: *mut pg_sys::Node| builtin::has_same_characters(type_of(pg_sys::exprType(node)));
            if !nodes::items(call.args).all(has_same) {
                return None;
            }
            // Of types that a query is decided by.
            let args: Option<Vec<Expr>> = nodes::items(call.args)
                .map(|node: *mut pg_sys::Node| {
                    known(type_of(pg_sys::exprType(node)))?;
                    self.node(node)
                })
                .collect();
            args?
        };
        Some(Expr::Function { name, args, collation: builtin::collation_and_case(call.inputcollid), result })
    }

    pub(crate) unsafe fn aggregate(&mut self, call: &pg_sys::Aggref) -> Option<Expr> {
        // Not ordered, not a hypothetical or ordered set, not a part of a parallel or partitionwise one.
        let is_simple = call.aggorder.is_null()
            && call.aggdirectargs.is_null()
            && !call.aggvariadic
            && call.aggkind as u8 == b'n'
            && call.agglevelsup == 0
            && call.aggsplit == pg_sys::AggSplit::AGGSPLIT_SIMPLE;
        // SAFETY: DISTINCT's clauses refer to the arguments.
        let distinct_is_equality = unsafe {
            nodes::items::<pg_sys::SortGroupClause>(call.aggdistinct).all(|clause| {
                let entry = pg_sys::get_sortgroupref_tle((*clause).tleSortGroupRef, call.args);
                builtin::is_default_equality((*clause).eqop, pg_sys::exprType((*entry).expr.cast()))
            })
        };
        if !self.aggregates || !is_simple || !distinct_is_equality {
            return None;
        }
        let name = builtin::function(call.aggfnoid)?;
        let result = known(type_of(call.aggtype))?;
        let collation = builtin::collation_and_case(call.inputcollid);
        // Aggregates are not nested in each other; one in the filter would be an error of the server's.
        self.aggregates = false;
        // SAFETY: an Aggref's arguments are target entries, its filter is an expression or null.
        let parts = unsafe { self.aggregated(call, &name) };
        self.aggregates = true;
        let (args, filter) = parts?;
        Some(Expr::Aggregate { name, args, distinct: !call.aggdistinct.is_null(), filter, collation, result })
    }

    unsafe fn aggregated(
        &mut self,
        call: &pg_sys::Aggref,
        name: &str,
    ) -> Option<(Vec<Expr>, Option<Box<Expr>>)> {
        // SAFETY: an Aggref's arguments are target entries with expressions, its filter is an expression or null.
        unsafe {
            let mut args = vec![];
            for entry in nodes::items::<pg_sys::TargetEntry>(call.args) {
                let node = (*entry).expr.cast::<pg_sys::Node>();
                // `count` checks for NULL only, so that any type will do.
                if name != "count" || !call.aggdistinct.is_null() {
                    known(type_of(pg_sys::exprType(node)))?;
                }
                args.push(self.node(node)?);
            }
            let filter = match call.aggfilter.is_null() {
                true => None,
                false => Some(Box::new(self.node(call.aggfilter.cast())?)),
            };
            Some((args, filter))
        }
    }
}

fn operator_collation(operator: &str, oid: pg_sys::Oid) -> Collation {
    match builtin::is_comparison(operator) {
        true => builtin::collation(oid),
        false => builtin::collation_and_case(oid),
    }
}

/// The elements of a constant array, NULLs as NULL constants.
///
/// # Safety
/// The constant is an array.
unsafe fn constants(array: &pg_sys::Const) -> Option<Vec<Expr>> {
    if array.constisnull {
        return None;
    }
    // SAFETY: a constant of an array type that is not null is an array of its elements; what is read of it is copied.
    unsafe {
        let element = pg_sys::get_element_type(array.consttype);
        let type_ = known(type_of(element))?;
        let (values, nulls) = datum::deconstruct(array.constvalue, element);
        if values.len() > ELEMENTS {
            return None;
        }
        let reader = Reader::new(element);
        values
            .iter()
            .zip(nulls)
            .map(|(value, null)| {
                let native = reader.read(*value, *null);
                native.is_shippable().then(|| Expr::Const(type_, native.into_owned()))
            })
            .collect()
    }
}
