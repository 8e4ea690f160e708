//! Expressions of a statement: what only a statement has (subqueries, aggregates, parameters, row values), and what becomes
//! of operands whose types depend on each other.

use sqlite3_parser::ast::{Expr, LikeOperator, Operator, Select, UnaryOperator};

use super::aggregate::is_aggregate;
use super::scope::derived;
use super::{LONGEST, MOST_BYTES, MOST_STEPS};
use super::{dynamic, exact, forms, guard, known, matching, numbers, session, storage, times};
use crate::catalog::Affinity;
use crate::sqltext::sqlite_unquote;
use crate::translate::compare::{self, Op};
use crate::translate::expr::Walk;
use crate::translate::node::{Brings, Kind, Lit, Node, Prec, Result, null, refuse};
use crate::translate::size::Size;
use crate::translate::{arith, beginning, cast, function, glob, like, literal};
use crate::types::TypeClass;

impl<'s> Walk<'s> {
    /// An expression of a statement. A refusal is told with the innermost expression that it is about.
    pub(in crate::translate) fn in_program(&mut self, e: &'s Expr<'s>) -> Result<Node> {
        let program = self.program()?;
        program.steps += 1;
        if program.steps > MOST_STEPS {
            return refuse("it is too large");
        }
        let key = program.levels.last().is_some_and(|l| l.grouped && l.within == 0 && l.keys.contains(&e));
        let node = match key {
            true => {
                let at = self.program()?.levels.len() - 1;
                self.within_aggregate(at, |walk| walk.of_statement(e))
            }
            false => self.of_statement(e),
        };
        let node = node.and_then(|node| self.without_helpers(node)).map_err(|mut refusal| {
            refusal.near.get_or_insert_with(|| guard::shown(e));
            refusal
        })?;
        let program = self.program()?;
        program.bytes = program.bytes.saturating_add(node.sql.len());
        if node.sql.len() > LONGEST || program.bytes > MOST_BYTES {
            return refuse("its translation is too long");
        }
        Ok(Node { loose: true, ..dynamic::of_json(node, key) })
    }

    fn of_statement(&mut self, e: &'s Expr<'s>) -> Result<Node> {
        match e {
            Expr::Subquery(select) => self.scalar(select),
            Expr::Exists(select) => {
                self.program()?.only_rows = true;
                let query = self.query(select)?;
                Ok(Node::atom(format!("EXISTS ({})", query.sql), TypeClass::Bool))
            }
            Expr::InSelect { lhs, not, rhs } => self.in_select(lhs, *not, rhs),
            Expr::InTable { lhs, not, rhs, args: None } => self.in_table(lhs, *not, rhs),
            Expr::Like { lhs, not, op: LikeOperator::Match, rhs, escape: None } => {
                self.matches(lhs, *not, rhs)
            }
            Expr::Variable(token) => self.parameter(token),
            Expr::Binary(l, op, r) if row(l).is_some() || row(r).is_some() => self.rows(l, *op, r),
            Expr::Between { lhs, not, start, end } if row(lhs).is_some() => {
                let above = self.rows(lhs, Operator::GreaterEquals, start)?;
                let below = self.rows(lhs, Operator::LessEquals, end)?;
                let both = format!("{} AND {}", above.at(Prec::Not), below.at(Prec::Not));
                Ok(match not {
                    true => Node::new(format!("NOT ({both})"), TypeClass::Bool, Prec::Not),
                    false => Node::new(both, TypeClass::Bool, Prec::And),
                })
            }
            Expr::FunctionCall { name, distinctness, args, order_by, filter_over } => {
                let args = args.unwrap_or(&[]);
                let name = sqlite_unquote(name.0).to_ascii_lowercase();
                if let Some(reason) = session::refused(&name).or_else(|| matching::refused(&name)) {
                    return refuse(reason);
                }
                let name = self.of_binary_json(name);
                let window = filter_over.as_ref().is_some_and(|tail| tail.over_clause.is_some());
                if window || is_aggregate(&name, args.len()) {
                    return self.aggregate(
                        &name,
                        args,
                        *distinctness,
                        order_by.as_ref(),
                        filter_over.as_ref(),
                    );
                }
                if distinctness.is_some() || order_by.is_some() || filter_over.is_some() {
                    return refuse(format!("function \"{name}\" is no aggregate that is translated"));
                }
                self.node(e)
            }
            Expr::FunctionCallStar { name, filter_over } => {
                let name = sqlite_unquote(name.0).to_ascii_lowercase();
                self.count_all(&name, filter_over.as_ref())
            }
            _ => self.node(e),
        }
    }

    /// The first column of the first row; NULL without a row.
    fn scalar(&mut self, select: &'s Select<'s>) -> Result<Node> {
        let query = self.query(select)?;
        let [column] = query.columns.as_slice() else {
            return refuse("a subquery of several columns as a value");
        };
        let sql = match select.limit {
            None if !query.one_row => format!("({} LIMIT 1)", query.sql),
            None => format!("({})", query.sql),
            Some(_) => format!("(SELECT * FROM ({}) AS \"q\" LIMIT 1)", query.sql),
        };
        let node = Node { brings: Brings::Nothing, ..derived(&column.node, sql) };
        // What is JSON stays it, other than a column of a subquery in FROM.
        let node = match (&node.kind, &column.node.kind) {
            (Kind::Member(member), Kind::Member(column)) => member.clone().with_json(column.json).node(),
            _ => Node { json: column.node.json, maybe_json: column.node.maybe_json, ..node },
        };
        // A subquery has the affinity of its column, and no collation.
        if node.is_collated() {
            return refuse("a subquery of texts under another collation than BINARY");
        }
        Ok(node)
    }

    /// Operands of a comparison, brought to where `compare` knows them. The first one leads.
    pub(in crate::translate) fn compared(&mut self, nodes: Vec<Node>, orders: bool) -> Result<Vec<Node>> {
        if self.program.is_none() {
            return Ok(nodes);
        }
        let nodes = self.bound(nodes)?;
        storage::check_bare(&nodes)?;
        // A literal is compared exactly.
        self.note_rounded(&nodes.iter().filter(|n| n.literal().is_none()).collect::<Vec<_>>());
        nodes.iter().for_each(|node| self.note_uuid(node));
        let nodes = times::beside_texts(nodes);
        let Some(time) = nodes.iter().position(times::is_time) else {
            storage::check_numeric_texts(&nodes, orders)?;
            return self.check_flags(nodes);
        };
        let lead = nodes[time].clone();
        let nodes =
            nodes.into_iter().map(|n| times::beside(&lead, n, orders)).collect::<Result<Vec<Node>>>()?;
        if !lead.spelled && times::is_text(&lead) {
            self.note(format!(
                "{} is compared as a moment, where SQLite compares texts: a date is its midnight",
                lead.sql
            ));
        }
        Ok(nodes)
    }

    /// Says where values that SQLite tells apart, or orders otherwise, are one in PostgreSQL's type.
    pub(super) fn note_equal(&mut self, node: &Node) {
        let time = times::is_time(node) && times::is_text(node) && !node.spelled;
        if time && node.class != TypeClass::Date {
            self.note(format!(
                "{} is compared as a moment, where SQLite compares texts: spellings of one moment are one",
                node.sql
            ));
        }
        self.note_uuid(node);
    }

    fn note_uuid(&mut self, node: &Node) {
        if node.class == TypeClass::Uuid && node.literal().is_none() {
            self.note(format!(
                "{} is compared as a uuid, where SQLite compares texts: spellings of one are one",
                node.sql
            ));
        }
    }

    /// Says where an integer is beside a number of double precision, in which PostgreSQL compares and gives both.
    pub(super) fn note_rounded(&mut self, nodes: &[&Node]) {
        let large = |n: &&Node| n.class == TypeClass::Integer && n.literal().is_none() && n.bits > 53;
        let beyond = |n: &Node| match n.literal() {
            Some(Lit::Real(x, _)) => x.abs() >= 9_007_199_254_740_992.0,
            Some(_) => false,
            None => n.class == TypeClass::Float,
        };
        if nodes.iter().any(large) && nodes.iter().any(|n| beyond(n)) {
            self.note("integers beside numbers of double precision are not beyond 2^53, where they would be rounded");
        }
    }

    pub(in crate::translate) fn compare(&mut self, l: Node, op: Op, r: Node) -> Result<Node> {
        let found = self.program.as_ref().and_then(|_| times::longer(&l, op, &r));
        let (op, r) = found.unwrap_or((op, r));
        let (l, r) = match self.program.is_some() {
            true => self.both_bound(l, r)?,
            false => (l, r),
        };
        if self.program.is_some() && storage::unlike(&l, &r, op.orders()) {
            return self.unlike_compared(&l, op, &r);
        }
        if self.program.is_some() && exact::rounds(&l, &r) {
            return Ok(exact::compared(&l, op, &r));
        }
        let (l, r) = self.pair(l, r, op.orders())?;
        compare::compare(l, op, r)
    }

    /// The bounds of a BETWEEN need comparisons of their own.
    pub(in crate::translate) fn is_apart(&self, value: &Node, low: &Node, high: &Node) -> bool {
        self.program.is_some()
            && [low, high].iter().any(|bound| {
                times::longer(value, Op::Ge, bound).is_some()
                    || storage::unlike(value, bound, true)
                    || exact::rounds(value, bound)
            })
    }

    /// The members of a list need comparisons of their own.
    pub(in crate::translate) fn is_unlike(&self, value: &Node, items: &[Node]) -> bool {
        let unlike = |item: &Node| {
            storage::unlike(value, item, false)
                || compare::would_convert(value, item)
                || exact::rounds(value, item)
        };
        self.program.is_some() && items.iter().any(unlike)
    }

    fn both_bound(&mut self, l: Node, r: Node) -> Result<(Node, Node)> {
        let mut both = self.bound(vec![l, r])?.into_iter();
        match (both.next(), both.next()) {
            (Some(l), Some(r)) => Ok((l, r)),
            _ => refuse("nothing to compare with"),
        }
    }

    pub(in crate::translate) fn pair(&mut self, a: Node, b: Node, orders: bool) -> Result<(Node, Node)> {
        if self.program.is_some() && storage::unlike(&a, &b, orders) {
            return refuse("values of different storage classes compared");
        }
        let mut both = self.compared(vec![a, b], orders)?.into_iter();
        match (both.next(), both.next()) {
            (Some(a), Some(b)) => Ok((a, b)),
            _ => refuse("nothing to compare with"),
        }
    }

    /// A boolean column holds 0 and 1: a word is another value.
    fn check_flags(&mut self, nodes: Vec<Node>) -> Result<Vec<Node>> {
        let flags = nodes.iter().any(|n| n.class == TypeClass::Bool);
        if flags && nodes.iter().any(|n| n.text_literal().is_some_and(|t| literal::number(t).is_none())) {
            return refuse("a boolean value compared with a text");
        }
        Ok(nodes)
    }

    /// Values of which one is the result.
    pub(in crate::translate) fn together(&mut self, nodes: Vec<Node>) -> Result<Vec<Node>> {
        if self.program.is_none() {
            return Ok(nodes);
        }
        let nodes = self.bound(nodes)?;
        self.note_rounded(&nodes.iter().collect::<Vec<_>>());
        if nodes.iter().any(|n| times::is_time(n) && !times::is_text(n)) {
            // Beside a number it is the number that SQLite holds.
            return nodes.into_iter().map(times::known_number).collect();
        }
        let texts = |n: &Node| n.spelled || n.class == TypeClass::Text;
        let beside = nodes.iter().any(|n| n.class == TypeClass::Text && !n.is_null());
        if beside && nodes.iter().any(|n| n.spelled) && nodes.iter().all(texts) {
            return Ok(nodes.into_iter().map(|n| times::text(&n).unwrap_or(n)).map(uncollated).collect());
        }
        if nodes.iter().any(|n| n.spelled) && !nodes.iter().all(|n| n.spelled || n.is_null()) {
            return refuse("the result of a date function and another value in one place");
        }
        if let Some(nodes) = self.in_one_place(&nodes) {
            return nodes;
        }
        if nodes.iter().any(|n| n.numeric_text || n.is_collated() && n.class == TypeClass::Text) {
            return Ok(nodes.into_iter().map(uncollated).collect());
        }
        Ok(nodes)
    }

    /// The operand of an operator with one.
    pub(in crate::translate) fn operand(&mut self, op: UnaryOperator, x: Node) -> Result<Node> {
        match op {
            UnaryOperator::Positive => match x.kind {
                Kind::Column { .. } if x.is_collated() || !(x.is_number() || x.class == TypeClass::Text) => {
                    refuse("+ before a column takes away what its values are compared by")
                }
                Kind::Dynamic if x.numeric_text => {
                    refuse("+ before a column takes away what its values are compared by")
                }
                Kind::Column { .. } if x.brings == Brings::Nothing => Ok(Node { kind: Kind::Plain, ..x }),
                Kind::Column { .. } => Ok(Node { kind: Kind::Plain, brings: Brings::Always, ..x }),
                _ => Ok(Node { untyped: false, ..x }),
            },
            UnaryOperator::Not => self.typed(x, TypeClass::Integer),
            UnaryOperator::Negative | UnaryOperator::BitwiseNot => {
                self.note_range(&x, &x);
                let x = self.typed(x, TypeClass::Integer)?;
                times::number(x)
            }
        }
    }

    /// The operands of an operator that is no comparison.
    pub(in crate::translate) fn operands(&mut self, l: Node, op: Operator, r: Node) -> Result<(Node, Node)> {
        match op {
            Operator::And | Operator::Or => {
                Ok((self.typed(l, TypeClass::Integer)?, self.typed(r, TypeClass::Integer)?))
            }
            Operator::Concat => Ok((self.as_text(l)?, self.as_text(r)?)),
            Operator::ArrowRight | Operator::ArrowRightShift => Ok((l, r)),
            _ => {
                let mut both = self.bound(vec![l, r])?.into_iter().map(times::number);
                match (both.next(), both.next()) {
                    (Some(l), Some(r)) => Ok((l?, r?)),
                    _ => refuse("an operand is missing"),
                }
            }
        }
    }

    pub(in crate::translate) fn arithmetic(&mut self, l: &Node, op: Operator, r: &Node) -> Result<Node> {
        self.note_range(l, r);
        match arith::binary(l, op, r) {
            Err(_) if op == Operator::Divide && numbers::divides(l, r) => Ok(numbers::divided(l, r)),
            result => result,
        }
    }

    fn note_range(&mut self, l: &Node, r: &Node) {
        if l.literal().is_none() || r.literal().is_none() {
            self.note("a number out of its type's range is an error, where SQLite goes on with another type, infinity or NULL");
        }
        if [l, r].iter().any(|n| n.class == TypeClass::Numeric) {
            self.note("numeric is computed exactly, where SQLite rounds to double precision");
        }
    }

    pub(in crate::translate) fn cast_in_program(&mut self, value: Node, type_name: &str) -> Result<Node> {
        let value = match Affinity::of(type_name) {
            Affinity::Text => self.as_text(value)?,
            Affinity::Integer | Affinity::Numeric => times::number(self.typed(value, TypeClass::Integer)?)?,
            Affinity::Real => times::number(self.typed(value, TypeClass::Float)?)?,
            Affinity::Blob => value,
        };
        let value = if value.kind == Kind::Dynamic { value.text()? } else { value };
        if let Kind::Member(member) = &value.kind {
            return self.cast_of_member(&member.clone(), type_name);
        }
        if let (Affinity::Real | Affinity::Numeric, true) =
            (Affinity::of(type_name), value.text_literal().is_some())
            && let Some(number) = beginning::beginning(&value)
        {
            let real = Affinity::of(type_name) == Affinity::Real;
            let number = if real { number.cast("double precision", TypeClass::Float) } else { number };
            return Ok(storage::of_cast(number));
        }
        if matches!(value.class, TypeClass::Float | TypeClass::Numeric) && value.literal().is_none() {
            self.note_range(&value, &value);
        }
        let text = value.class == TypeClass::Text && value.literal().is_none();
        let node = match cast::cast(value.clone(), type_name) {
            Ok(node) if text && node.class == TypeClass::Integer => node.sized(Size::ASSUMED, 64),
            Err(refused) => self.cast_by_helper(value, Affinity::of(type_name), refused)?,
            Ok(node) => node,
        };
        Ok(storage::of_cast(node))
    }

    /// A text of what stands where SQLite needs a text.
    pub(in crate::translate) fn as_text(&mut self, node: Node) -> Result<Node> {
        if self.program.is_none() {
            return Ok(node);
        }
        let node = self.typed(node, TypeClass::Text)?;
        // A column of booleans that can be named has numbers in SQLite.
        let node = if node.class == TypeClass::Bool { node.number()? } else { node };
        match times::text(&node) {
            Some(text) => Ok(text),
            None => Ok(self.real_as_text(node)),
        }
    }

    pub(in crate::translate) fn call_in_program(&mut self, name: &str, args: Vec<Node>) -> Result<Node> {
        if let Some(node) = self.json_call(name, &args)? {
            return Ok(node);
        }
        if let Some(node) = self.of_different_classes(name, &args)? {
            return Ok(node);
        }
        let args = match name {
            "coalesce" | "ifnull" => {
                let node = function::call(name, &self.together(args.clone())?)?;
                return Ok(dynamic::with_classes(node, &args, |args| function::call(name, &args)));
            }
            "min" | "max" => self.together(args)?,
            "nullif" => self.compared(args.into_iter().map(dynamic::unrelated).collect(), false)?,
            _ => args.into_iter().map(|a| self.typed(a, TypeClass::Text)).collect::<Result<Vec<Node>>>()?,
        };
        if matches!(name, "min" | "max") {
            storage::check_numeric_texts(&args, true)?;
        }
        let args = self.texts_of(name, args)?;
        if times::takes_times(name) {
            return self.time_call(name, args);
        }
        if let Some(node) = self.own_call(name, &args)? {
            return Ok(node);
        }
        let refused = match function::call(name, &args) {
            Ok(node) => return Ok(node),
            Err(refused) => refused,
        };
        let Some(form) = forms::find(name, args.len()) else {
            return known::reason(name).map_or(Err(refused), refuse);
        };
        let node = form.call(&args)?;
        if let Some(assumption) = form.assumption {
            self.note(assumption);
        }
        Ok(node)
    }

    /// Functions that are no form of their arguments alone.
    fn own_call(&mut self, name: &str, args: &[Node]) -> Result<Option<Node>> {
        Ok(match (name, args) {
            ("printf" | "format", _) => Some(self.printf(args)?),
            ("typeof", [x]) => self.type_of_column(x),
            ("quote" | "unistr_quote", [x]) => self.quoted_number(x)?,
            ("abs", [x]) if x.is_null() => Some(null()),
            // Pairs of a condition and a result, and a result without one.
            ("iif" | "if", [_, _, ..]) => Some(self.choices(args)?),
            ("like", [pattern, value]) => Some(like::like(value, pattern, None, false)?),
            ("like", [pattern, value, escape]) => Some(like::like(value, pattern, Some(escape), false)?),
            ("glob", [pattern, value]) if pattern.literal().is_none() && !value.is_null() => {
                Some(self.glob_computed(value, pattern, false)?)
            }
            ("glob", [pattern, value]) => Some(glob::glob(value, pattern, false)?),
            _ => None,
        })
    }

    fn choices(&mut self, args: &[Node]) -> Result<Node> {
        let (mut conditions, mut results) = (vec![], vec![]);
        for pair in args.chunks(2) {
            match pair {
                [condition, result] => {
                    conditions.push(condition.truth()?);
                    results.push(result.clone());
                }
                rest => results.extend_from_slice(rest),
            }
        }
        self.case_in_program(&conditions, results)
    }

    pub(in crate::translate) fn case_in_program(
        &mut self,
        conditions: &[Node],
        results: Vec<Node>,
    ) -> Result<Node> {
        let node = function::case(conditions, self.together(results.clone())?)?;
        Ok(dynamic::with_classes(node, &results, |results| function::case(conditions, results)))
    }
}

pub(super) fn row<'a>(e: &'a Expr<'a>) -> Option<&'a [Expr<'a>]> {
    match e {
        Expr::Parenthesized(items) if items.len() > 1 => Some(items.as_slice()),
        _ => None,
    }
}

/// Without the column's own collation, which does not reach the result.
fn uncollated(node: Node) -> Node {
    match node.kind {
        Kind::Column { .. } if node.class == TypeClass::Text => Node { numeric_text: false, ..node },
        _ => node,
    }
}
