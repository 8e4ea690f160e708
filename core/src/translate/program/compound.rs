//! Compound SELECTs and VALUES: columns whose values come from several places have one type.

use sqlite3_parser::ast::{CompoundOperator, CompoundSelect, Expr, OneSelect, SortedColumn};

use super::json::AS_TEXT;
use super::place::Sought;
use super::query::Key;
use super::scope::{groupable, of_query};
use super::select::{direction, result};
use super::{Output, Query, dynamic, guard, storage};
use crate::sqltext::sqlite_unquote;
use crate::translate::expr::Walk;
use crate::translate::member::Member;
use crate::translate::node::{Kind, Node, Result, class_name, refuse};
use crate::types::TypeClass;

/// The most SELECTs of a compound in SQLite.
const MOST_ARMS: usize = 500;

impl<'s> Walk<'s> {
    pub(super) fn compound(
        &mut self,
        first: &'s OneSelect<'s>,
        arms: &'s [CompoundSelect<'s>],
        order: &'s [SortedColumn<'s>],
    ) -> Result<Query> {
        if arms.len() >= MOST_ARMS {
            return refuse(format!("more than {MOST_ARMS} SELECTs in a compound"));
        }
        // What is told apart by its class keeps it.
        let classed = arms.iter().any(|arm| arm.operator != CompoundOperator::UnionAll);
        let mut query = self.arm(first, classed)?;
        let mut collated: Vec<Collated> =
            query.columns.iter().map(|c| Collated::default().with(&c.node)).collect();
        for arm in arms {
            let next = self.arm(&arm.select, classed)?;
            let with = |(one, c): (&Collated, &Output)| one.with(&c.node);
            collated = collated.iter().zip(&next.columns).map(with).collect();
            for (l, r) in query.columns.iter().zip(&next.columns) {
                self.note_rounded(&[&l.node, &r.node]);
                if arm.operator != CompoundOperator::UnionAll {
                    [l, r].into_iter().for_each(|column| self.note_equal(&column.node));
                }
            }
            query = combined(query, arm.operator, next, classed)?;
        }
        if classed || !order.is_empty() {
            collated.iter().try_for_each(|one| one.refused())?;
        }
        query.columns.iter().for_each(|column| self.note_dynamic(&column.node));
        let keys = self.keys_of_results(order, &query.columns)?;
        let outermost = classed && self.program()?.nested == 1;
        if outermost && query.columns.iter().any(|c| matches!(c.node.kind, Kind::Member(_))) {
            self.note(AS_TEXT);
        }
        query.sorted(&keys, true, outermost)
    }

    /// A SELECT of the compound.
    fn arm(&mut self, one: &'s OneSelect<'s>, classed: bool) -> Result<Query> {
        self.program()?.classed = classed && matches!(one, OneSelect::Select { .. });
        let query = self.one(one, &[]);
        self.program()?.classed = false;
        query
    }

    /// Keys of ORDER BY, each of which is a result.
    pub(super) fn keys_of_results(
        &mut self,
        order: &'s [SortedColumn<'s>],
        columns: &[Output],
    ) -> Result<Vec<Key>> {
        let mut keys = vec![];
        for sorted in order {
            let sought = Sought::of(&sorted.expr);
            let Some(at) = result_of(&sought, columns)? else {
                return refuse("ORDER BY of a compound SELECT by an expression that is no result");
            };
            self.note_equal(&columns[at].node);
            let node = sought.result(columns[at].node.clone())?;
            keys.push(Key { at: Some(at), node, sorted: direction(sorted) });
        }
        Ok(keys)
    }

    /// The parts of a table that reads itself by UNION, whose rows must be the same ones to both databases.
    pub(super) fn told_apart(&mut self, first: &[Output], next: &[Output]) -> Result<()> {
        for (l, r) in first.iter().zip(next) {
            for column in [l, r] {
                groupable(&column.node)?;
                self.note_equal(&column.node);
            }
            Collated::default().with(&l.node).with(&r.node).refused()?;
        }
        Ok(())
    }

    pub(super) fn values(&mut self, rows: &[&'s [Expr<'s>]]) -> Result<Query> {
        let mut translated: Vec<Vec<Node>> = vec![];
        for row in rows {
            let nodes = self.list(row)?;
            translated.push(nodes.into_iter().map(result).collect::<Result<Vec<Node>>>()?);
        }
        let width = translated.first().map_or(0, Vec::len);
        if translated.iter().any(|row| row.len() != width) {
            return refuse("VALUES of different lengths");
        }
        let mut columns = vec![];
        for at in 0..width {
            let of_column: Vec<&Node> = translated.iter().filter_map(|row| row.get(at)).collect();
            let name = format!("column{}", at + 1);
            self.note_rounded(&of_column);
            let node = common(&of_column)?;
            self.note_dynamic(&node);
            columns.push(Output {
                name: Some(name.clone()),
                label: Some(name),
                aliased: false,
                text: None,
                node,
            });
        }
        let cell = |(node, column): (&Node, &Output)| converted(node, &column.node);
        let rows = translated
            .iter()
            .map(|row| format!("({})", row.iter().zip(&columns).map(cell).collect::<Vec<_>>().join(", ")));
        let sql = format!("VALUES {}", rows.collect::<Vec<_>>().join(", "));
        Ok(Query { sql, columns, one_row: translated.len() == 1, relabelled: false })
    }
}

/// A column of a compound: SQLite compares its texts by a COLLATE that is in any of the SELECTs.
#[derive(Clone, Copy, Default)]
struct Collated {
    collate: bool,
    texts: bool,
}

impl Collated {
    fn with(self, node: &Node) -> Collated {
        Collated {
            collate: self.collate || node.has_collate(),
            texts: self.texts || storage::may_be_text(node),
        }
    }

    fn refused(self) -> Result<()> {
        match self.collate && self.texts {
            true => refuse(
                "a COLLATE on or within a result of a compound SELECT, by which SQLite tells its texts apart",
            ),
            false => Ok(()),
        }
    }
}

/// The result that a key names: by its place, or by a name that any of the SELECTs gave it.
fn result_of(sought: &Sought<'_>, columns: &[Output]) -> Result<Option<usize>> {
    if let Some(at) = sought.place_of(columns)? {
        return Ok(Some(at));
    }
    let named = |name: &str| {
        columns.iter().position(|c| c.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)))
    };
    match sought.e {
        Expr::Id(id) => Ok(named(&sqlite_unquote(id.0))),
        _ => {
            let text = guard::shown(sought.e);
            Ok(columns.iter().position(|c| c.text.as_ref() == Some(&text)))
        }
    }
}

fn combined(left: Query, operator: CompoundOperator, right: Query, classed: bool) -> Result<Query> {
    if left.columns.len() != right.columns.len() {
        return refuse("SELECTs of a compound with different numbers of columns");
    }
    let word = match operator {
        CompoundOperator::Union => "UNION",
        CompoundOperator::UnionAll => "UNION ALL",
        CompoundOperator::Except => "EXCEPT",
        CompoundOperator::Intersect => "INTERSECT",
    };
    let mut columns = vec![];
    for (l, r) in left.columns.iter().zip(&right.columns) {
        let node = match classed.then(|| with_classes(&l.node, &r.node)).flatten() {
            Some(node) => node,
            None => common(&[&l.node, &r.node])?,
        };
        if matches!(node.kind, Kind::Member(_)) {
            columns.push(Output { node, ..l.clone() });
            continue;
        }
        if operator != CompoundOperator::UnionAll {
            groupable(&node)?;
            groupable(&l.node)?;
            groupable(&r.node)?;
        }
        columns.push(Output { node, ..l.clone() });
    }
    let (relabelled, left_sql) = (left.relabelled, cast_to(left, &columns));
    let sql = format!("({left_sql}) {word} ({})", cast_to(right, &columns));
    Ok(Query { sql, columns, one_row: false, relabelled })
}

/// A column whose values are told apart by their classes: of numbers and texts, or of values of JSON.
fn with_classes(l: &Node, r: &Node) -> Option<Node> {
    let member = |n: &Node| matches!(n.kind, Kind::Member(_));
    let text = |n: &Node| n.class == TypeClass::Text && !n.is_null();
    let number = |n: &Node| matches!(n.class, TypeClass::Integer | TypeClass::Bool) && !n.is_null();
    let unlike = text(l) && number(r) || number(l) && text(r) || member(l) || member(r);
    // A number with a fraction and an integer of one value are one; which is shown is not known.
    let kept = |n: &Node| n.is_null() || member(n) || text(n) && !n.is_collated() || number(n);
    let json = |n: &Node| dynamic::as_json(n).is_ok();
    // Which affinity the column has depends on SQLite's release.
    let affinity = |n: &Node| matches!(n.kind, Kind::Column { .. } | Kind::Dynamic) || n.untyped || n.unsure;
    (unlike && [l, r].into_iter().all(|n| kept(n) && json(n))).then(|| {
        let node = Member::of_query("NULL::jsonb".into(), true).node();
        Node { unsure: affinity(l) || affinity(r), ..node }
    })
}

/// What a column is that holds these values.
pub(super) fn common(nodes: &[&Node]) -> Result<Node> {
    let known: Vec<&&Node> = nodes.iter().filter(|n| !n.is_null()).collect();
    let Some(first) = known.first() else {
        return Ok(super::scope::derived(&crate::translate::node::null(), "NULL".into()));
    };
    if let Some(node) = of_classes(&known)? {
        return Ok(node);
    }
    let class = known.iter().try_fold(first.class, |class, n| wider(class, n))?;
    let number = matches!(class, TypeClass::Float | TypeClass::Numeric);
    let mixed = number && known.iter().any(|n| n.may_be_integer());
    let mut node = super::scope::derived(first, first.sql.clone()).mixed(mixed);
    let same = |n: &&&Node| n.kind == node.kind && n.spelled == node.spelled;
    if !known.iter().all(same) {
        if matches!(class, TypeClass::Date | TypeClass::Time | TypeClass::Timestamp | TypeClass::TimestampTz)
        {
            return refuse("times of different spellings in one column");
        }
        node.kind = Kind::Plain;
        node.unsure = true;
    }
    if known.iter().any(|n| n.class == TypeClass::Text && (n.is_collated() || n.numeric_text)) {
        return refuse("texts of different collations or affinities in one column");
    }
    node.class = class;
    node.bits = 64;
    Ok(node)
}

/// What a column is whose values are of several storage classes, or have one that only the value tells.
fn of_classes(known: &[&&Node]) -> Result<Option<Node>> {
    let member = |n: &&&Node| if let Kind::Member(m) = &n.kind { Some(m.jsonb) } else { None };
    if let Some(jsonb) = known.first().and_then(member) {
        return match known.iter().all(|n| member(n) == Some(jsonb)) {
            true => Ok(Some((**known[0]).clone())),
            false => refuse("values of JSON and others in one column"),
        };
    }
    let text = known.iter().any(|n| n.class == TypeClass::Text);
    let number = known.iter().any(|n| n.is_number() || n.class == TypeClass::Bool);
    let dynamic = known.iter().any(|n| n.kind == Kind::Dynamic);
    if !(dynamic || text && number) {
        return Ok(None);
    }
    for node in known {
        dynamic::as_dynamic(node)?;
    }
    Ok(Some(Node::atom(known[0].sql.clone(), TypeClass::Other).kind(Kind::Dynamic)))
}

fn wider(class: TypeClass, node: &Node) -> Result<TypeClass> {
    use TypeClass::{Float, Integer, Numeric, Other};
    match (class, node.class) {
        (Other, _) | (_, Other) => refuse("values whose storage classes are not known in one column"),
        (a, b) if a == b => Ok(a),
        (Float, Integer | Numeric) | (Integer | Numeric, Float) => Ok(Float),
        (Integer, Numeric) | (Numeric, Integer) => Ok(Numeric),
        (a, b) => refuse(format!("{} and {} values in one column", class_name(a), class_name(b))),
    }
}

/// A value in a column of this type.
fn converted(node: &Node, column: &Node) -> String {
    let class = column.class;
    if column.kind == Kind::Dynamic {
        return dynamic::as_dynamic(node)
            .map_or_else(|_| node.sql.clone(), |n| if n.is_null() { "NULL::text".into() } else { n.sql });
    }
    if matches!(column.kind, Kind::Member(_)) {
        return match dynamic::as_json(node) {
            Ok(json) if !json.is_null() => json.sql,
            _ => "NULL::jsonb".into(),
        };
    }
    if node.is_null() {
        return format!("NULL::{}", class_name(class));
    }
    let number = matches!(class, TypeClass::Float | TypeClass::Numeric | TypeClass::Integer);
    if number && (node.class != class || node.literal().is_some() || node.bits != 64) {
        return node.cast(class_name(class), class).sql;
    }
    node.sql.clone()
}

/// The same rows with these types. Where a column has another one, it is converted from outside.
fn cast_to(query: Query, columns: &[Output]) -> String {
    let differs = |(own, column): (&Output, &Output)| {
        // In the form in which equal values of JSON are equal.
        matches!(column.node.kind, Kind::Member(_))
            || own.node.is_null() != column.node.is_null()
            || own.node.class != column.node.class
    };
    if !query.columns.iter().zip(columns).any(differs) {
        return query.sql;
    }
    let inner = query.labelled();
    let seen = of_query(&inner.columns, "q", "q");
    let item = |((c, own), column): ((&super::scope::VisibleColumn, &Output), &Output)| {
        let node = if own.node.is_null() { own.node.clone() } else { c.node.clone() };
        format!("{} AS {}", converted(&node, &column.node), crate::sqltext::ident(&c.label))
    };
    let items = seen.columns.iter().zip(&inner.columns).zip(columns).map(item);
    format!("SELECT {} FROM ({}) AS {}", items.collect::<Vec<_>>().join(", "), inner.sql, inner.called("q"))
}

/// The rows of a common table expression that reads itself, whose types must be the same in every part.
pub(super) fn pinned(query: Query, columns: &[Output]) -> String {
    let inner = query.labelled();
    let seen = of_query(&inner.columns, "q", "q");
    let item = |((c, own), column): ((&super::scope::VisibleColumn, &Output), &Output)| {
        let null = own.node.is_null();
        let class = class_name(column.node.class);
        let text = if null { "NULL".to_owned() } else { c.node.sql.clone() };
        let pins = matches!(
            column.node.class,
            TypeClass::Integer | TypeClass::Float | TypeClass::Numeric | TypeClass::Text
        );
        let text = if pins || null { format!("{text}::{class}") } else { text };
        format!("{text} AS {}", crate::sqltext::ident(&c.label))
    };
    let items = seen.columns.iter().zip(&inner.columns).zip(columns).map(item);
    format!("SELECT {} FROM ({}) AS {}", items.collect::<Vec<_>>().join(", "), inner.sql, inner.called("q"))
}
