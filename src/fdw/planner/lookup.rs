//! Keys that are computed when a scan begins, as those of the server's own index scans are: what a column is compared
//! with becomes one parameter, however it is computed, if its value is the same for all rows.
//!
//! An index scan of the server's computes its keys before it knows whether there are rows. So may this where the file
//! has an index; elsewhere only what cannot fail is computed before a row asks for it. Only a condition's own
//! comparison is looked at, never one inside of CASE, AND or OR, which may not be come to.

use pgrx::pg_sys;

use super::convert::builtin::Operator;
use super::convert::expr::{Converter, known};
use super::convert::params;
use crate::fdw::executor::datum::type_of;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::Expr;

impl Converter<'_> {
    /// `node` is the comparison that is the whole condition.
    pub(crate) fn is_compared(&self, node: *const pg_sys::Node) -> bool {
        self.compared.is_some_and(|(whole, _)| std::ptr::eq(whole, node))
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
            (Expr::Column(var), Some((_, is_indexable))) => is_indexable(*var, self.tables()),
            _ => false,
        };
        // SAFETY: the caller vouches for the expression.
        unsafe { self.is_fixed(node) && (indexed || params::is_harmless(node)) }
    }

    /// It is computed, and from values that are known when the scan begins. Constants stay what they are.
    unsafe fn is_fixed(&self, node: *mut pg_sys::Node) -> bool {
        let flags = pg_sys::PVC_INCLUDE_AGGREGATES
            | pg_sys::PVC_INCLUDE_WINDOWFUNCS
            | pg_sys::PVC_INCLUDE_PLACEHOLDERS;
        // SAFETY: the caller vouches for the expression.
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
