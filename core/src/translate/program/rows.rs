//! Row values: `(a, b) < (c, d)`, each pair by its own affinity and collation.

use sqlite3_parser::ast::{Expr, Operator};

use super::among::Among;
use super::expr::row;
use crate::translate::compare::Op;
use crate::translate::expr::Walk;
use crate::translate::node::{Node, Prec, Result, refuse};
use crate::types::TypeClass;

impl<'s> Walk<'s> {
    pub(super) fn rows(&mut self, l: &'s Expr<'s>, op: Operator, r: &'s Expr<'s>) -> Result<Node> {
        let op = match op {
            Operator::Equals => Op::Eq,
            Operator::NotEquals => Op::Ne,
            Operator::Is => Op::Is,
            Operator::IsNot => Op::IsNot,
            Operator::Less => Op::Lt,
            Operator::LessEquals => Op::Le,
            Operator::Greater => Op::Gt,
            Operator::GreaterEquals => Op::Ge,
            _ => return refuse("an operator that row values do not have"),
        };
        match (row(l), row(r), r, l) {
            (Some(l), Some(r), ..) => self.of_pairs(l, op, r),
            (Some(values), None, Expr::Subquery(select), _) => self.row_of(values, op, select),
            (None, Some(values), _, Expr::Subquery(select)) => self.row_of(values, op.flipped(), select),
            _ => refuse("a row value compared with another value"),
        }
    }

    fn of_pairs(&mut self, l: &'s [Expr<'s>], op: Op, r: &'s [Expr<'s>]) -> Result<Node> {
        if l.len() != r.len() {
            return refuse("row values of different lengths");
        }
        let pairs = l.iter().zip(r).map(|(a, b)| Ok((self.expr(a)?, self.expr(b)?)));
        let pairs = pairs.collect::<Result<Vec<(Node, Node)>>>()?;
        let (word, prec) = match op {
            Op::Eq | Op::Is => (" AND ", Prec::And),
            Op::Ne | Op::IsNot => (" OR ", Prec::Or),
            _ => return self.ordered_rows(&pairs, op),
        };
        let parts = pairs.into_iter().map(|(a, b)| Ok(self.compare(a, op, b)?.at(Prec::Compare)));
        Ok(Node::new(parts.collect::<Result<Vec<String>>>()?.join(word), TypeClass::Bool, prec))
    }

    /// By the first pair that differs.
    fn ordered_rows(&mut self, pairs: &[(Node, Node)], op: Op) -> Result<Node> {
        let Some(((a, b), rest)) = pairs.split_first() else { return refuse("a row without values") };
        if rest.is_empty() {
            return self.compare(a.clone(), op, b.clone());
        }
        let strict = if matches!(op, Op::Lt | Op::Le) { Op::Lt } else { Op::Gt };
        let differs = self.compare(a.clone(), strict, b.clone())?;
        let same = self.compare(a.clone(), Op::Eq, b.clone())?;
        let rest = self.ordered_rows(rest, op)?;
        let sql = format!("{} OR {} AND {}", differs.at(Prec::Not), same.at(Prec::Not), rest.at(Prec::Not));
        Ok(Node::new(sql, TypeClass::Bool, Prec::Or))
    }

    /// With the first row of a subquery.
    fn row_of(
        &mut self,
        values: &'s [Expr<'s>],
        op: Op,
        select: &'s sqlite3_parser::ast::Select<'s>,
    ) -> Result<Node> {
        if !matches!(op, Op::Eq | Op::Ne) {
            return refuse("an order of a row value and a subquery");
        }
        let values = self.list(values)?;
        let query = self.query(select)?;
        let Among { left, sql, filtered } = self.like_members(values, query)?;
        if filtered {
            return refuse("a row value compared with values of other storage classes of a subquery");
        }
        let sql = format!("({left}) {} (SELECT * FROM ({sql}) AS \"q\" LIMIT 1)", op.sql());
        Ok(Node::boolean(sql))
    }
}
