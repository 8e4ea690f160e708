//! What a name of a statement means: the tables of each SELECT around it, their columns, and the aliases of results.
//!
//! Names are matched as SQLite matches them. Every name is written with its table, so that it means the same in PostgreSQL.

use sqlite3_parser::ast::{Expr, Window};

use super::aggregate::Extreme;
use super::{Column, Output, Program, Relation, storage};
use crate::catalog::Affinity;
use crate::sqltext::{self, LONGEST_NAME, ident, sqlite_unquote};
use crate::translate::compare;
use crate::translate::expr::{Walk, column_node};
use crate::translate::member::Member;
use crate::translate::node::{Brings, Collation, Kind, Node, Origin, Prec, Result, refuse};
use crate::translate::size::Size;
use crate::types::TypeClass;
use crate::value::{Format, PgType, Timezone};

/// A table, view, subquery or common table expression that is in sight.
#[derive(Clone)]
pub(super) struct Visible {
    /// How SQLite's statement calls it.
    pub name: String,
    /// How PostgreSQL's does; not quoted.
    pub alias: String,
    pub columns: Vec<VisibleColumn>,
    /// The place of the column that is the rowid.
    pub rowid: Option<usize>,
    /// The table of the file that it is.
    pub source: Option<String>,
}

#[derive(Clone)]
pub(super) struct VisibleColumn {
    pub name: Option<String>,
    pub label: String,
    pub node: Node,
    /// Why it cannot be named.
    pub missing: bool,
    /// Another column of a join stands for it where it is named without a table.
    pub merged: bool,
    /// The expression as SQL, by whose spelling SQLite calls a column of a subquery that has no name.
    pub text: Option<String>,
}

/// One SELECT.
#[derive(Default)]
pub(super) struct Level<'s> {
    pub relations: Vec<Visible>,
    /// Columns that a join merges, where neither of the two is the other.
    pub merged: Vec<(String, Node)>,
    pub aliases: Vec<(String, &'s Expr<'s>)>,
    /// The aliases can be named: not in the list of results itself.
    pub aliases_seen: bool,
    pub windows: Vec<(String, &'s Window<'s>)>,
    /// Results are of groups: a column that is not grouped by, and not within an aggregate, is of any row of the group.
    pub grouped: bool,
    pub keys: Vec<&'s Expr<'s>>,
    pub key_sql: Vec<String>,
    /// Within an aggregate or a key, where a column is each row's.
    pub within: usize,
    /// What its results are written to.
    pub awaited: Option<super::write::Awaited>,
    /// A column of it was named.
    pub named: bool,
    pub extreme: Extreme<'s>,
    /// It is no SELECT, but the rows of a trigger, which everything in it sees.
    pub of_trigger: bool,
}

impl<'s> Program<'s> {
    /// Takes the SELECTs around out of sight of a common table expression, which sees the rows of a trigger. They go back by
    /// `levels.extend`.
    pub(super) fn leave_selects(&mut self) -> Vec<Level<'s>> {
        let at = self.levels.iter().position(|level| !level.of_trigger).unwrap_or(self.levels.len());
        self.levels.split_off(at)
    }

    /// A bare word is a column or an alias.
    pub fn knows(&self, token: &str) -> bool {
        let name = sqlite_unquote(token);
        let is = |c: &VisibleColumn| c.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(&name));
        self.levels.iter().any(|l| {
            l.relations.iter().flat_map(|r| &r.columns).any(is)
                || l.aliases.iter().any(|(alias, _)| alias.eq_ignore_ascii_case(&name))
        })
    }

    /// A word may be the spelling of an expression, which is the name of a subquery's column then.
    pub fn may_spell(&self, name: &str) -> bool {
        let bare = |text: &str| text.split_whitespace().collect::<String>().to_ascii_lowercase();
        let columns = self.levels.iter().flat_map(|l| &l.relations).flat_map(|r| &r.columns);
        let mut texts = columns.filter_map(|c| c.text.as_deref());
        texts.any(|text| bare(text) == bare(name))
    }

    /// A name for a relation that no other in sight has.
    pub fn alias(&self, name: &str) -> String {
        let taken = |alias: &str| {
            self.levels.iter().flat_map(|l| &l.relations).any(|r| r.alias.eq_ignore_ascii_case(alias))
        };
        let base = if name.len() > LONGEST_NAME - 4 || name.is_empty() { "q" } else { name };
        let mut alias = base.to_owned();
        let mut number = 1;
        while taken(&alias) {
            number += 1;
            alias = format!("{base}_{number}");
        }
        alias
    }

    /// A table of the file, by SQLite's name.
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        self.schema.relations.iter().find(|r| r.source.eq_ignore_ascii_case(name))
    }
}

impl<'s> Walk<'s> {
    /// A column, or the expression of an alias.
    pub(in crate::translate) fn named(&mut self, table: Option<&str>, name: &str) -> Result<Option<Node>> {
        for at in (0..self.program()?.levels.len()).rev() {
            if let Some(node) = self.column_of(at, table, name)? {
                return Ok(Some(node));
            }
            let level = &self.program()?.levels[at];
            let alias = level.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
            if let (None, true, Some((_, e))) = (table, level.aliases_seen, alias) {
                let e = *e;
                return self.of_alias(at, e).map(Some);
            }
        }
        Ok(None)
    }

    /// The expression that an alias stands for, which knows no aliases of its own SELECT.
    fn of_alias(&mut self, at: usize, e: &'s Expr<'s>) -> Result<Node> {
        let above = self.program()?.levels.split_off(at + 1);
        self.program()?.levels[at].aliases_seen = false;
        let node = self.expr(e);
        let program = self.program()?;
        program.levels[at].aliases_seen = true;
        program.levels.extend(above);
        node
    }

    fn column_of(&mut self, at: usize, table: Option<&str>, name: &str) -> Result<Option<Node>> {
        let level = &self.program()?.levels[at];
        if let (None, Some((_, node))) =
            (table, level.merged.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)))
        {
            let node = node.clone();
            return self.at_level(at, node).map(Some);
        }
        let of_table = |r: &&Visible| table.is_none_or(|t| r.name.eq_ignore_ascii_case(t));
        let is = |c: &&VisibleColumn| {
            c.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)) && (table.is_some() || !c.merged)
        };
        let relations = level.relations.iter().filter(of_table);
        let mut found: Vec<&VisibleColumn> = relations.clone().flat_map(|r| &r.columns).filter(is).collect();
        if found.is_empty() && ["rowid", "_rowid_", "oid"].iter().any(|r| r.eq_ignore_ascii_case(name)) {
            if table.is_none() && level.relations.len() != 1 {
                return Ok(None);
            }
            let Some(relation) = relations.clone().next() else { return Ok(None) };
            match relation.rowid.and_then(|at| relation.columns.get(at)) {
                Some(column) => found.push(column),
                None => {
                    return refuse(format!(
                        "{name} of {} is no column of PostgreSQL's table: it has no INTEGER PRIMARY KEY, which alone keeps the rowids",
                        relation.name
                    ));
                }
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [one] if one.missing => refuse(format!("column {name} is not carried over")),
            [one] => {
                let node = one.node.clone();
                self.at_level(at, node).map(Some)
            }
            _ => refuse(format!("column name {name} is ambiguous")),
        }
    }

    /// A column of a SELECT; one of a group where results are of groups.
    pub(super) fn at_level(&mut self, at: usize, node: Node) -> Result<Node> {
        let level = &mut self.program()?.levels[at];
        level.named = true;
        if !level.grouped || level.within > 0 || level.key_sql.contains(&node.sql) {
            return Ok(node);
        }
        self.bare(at, node)
    }

    /// A column that is not grouped by: SQLite takes it from any row, or from that of the only `min` or `max`.
    fn bare(&mut self, at: usize, node: Node) -> Result<Node> {
        let shown = node.sql.clone();
        let order = match self.program()?.levels[at].extreme {
            Extreme::Of(e, direction) => {
                let by = self.within_aggregate(at, |walk| walk.expr(e))?;
                self.note(format!(
                    "{shown} is of the row that has the group's extreme; of several such rows, of any"
                ));
                format!(" ORDER BY {} {direction} NULLS LAST", ordered(&by)?)
            }
            Extreme::Filtered => {
                return refuse("a column of the row that min() or max() with FILTER is of");
            }
            Extreme::Any => {
                self.note(format!("{shown} is of any row of the group, as in SQLite"));
                String::new()
            }
        };
        if let Kind::Member(member) = &node.kind {
            let sql = format!("(array_agg({}{order}))[1]", member.chain());
            return Ok(Member::root(sql, member.jsonb).node());
        }
        let sql = format!("(array_agg({}{order}))[1]", node.sql);
        Ok(Node { sql, prec: Prec::Atom, ..node })
    }

    /// Translates what is computed for each row of a SELECT whose results are of groups.
    pub(super) fn within_aggregate<T>(
        &mut self,
        at: usize,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.program()?.levels[at].within += 1;
        let result = work(self);
        self.program()?.levels[at].within -= 1;
        result
    }
}

/// As a key of an order, with SQLite's order of texts.
pub(super) fn ordered(node: &Node) -> Result<String> {
    use TypeClass::{Bool, Bytea, Date, Float, Integer, Numeric, Text, Time, Timestamp, TimestampTz, Uuid};
    match node.class {
        Bool | Bytea | Date | Float | Integer | Numeric | Time | Timestamp | TimestampTz | Uuid => {}
        Text if !node.numeric_text => {}
        _ => return refuse("an order of values whose storage classes are not known"),
    }
    let collation = compare::collation(&[node])?;
    Ok(compare::side(node, collation, true).at(Prec::Unary))
}

/// Whether equal values are the same in both databases, as GROUP BY, DISTINCT and UNION need it.
pub(super) fn groupable(node: &Node) -> Result<()> {
    use TypeClass::{Interval, Json, Jsonb, Other};
    match node.class {
        Other if storage::is_spelled(node) => Ok(()),
        Json | Jsonb | Interval | Other => refuse("groups of values whose equality differs"),
        TypeClass::Text if node.is_collated() => {
            refuse("groups of texts under another collation than BINARY")
        }
        _ => Ok(()),
    }
}

/// The columns of a table of the file, as the statement sees them.
pub(super) fn of_relation(relation: &Relation, name: &str, alias: &str, timezone: &Timezone) -> Visible {
    let of = |c: &Column, node: Node| {
        let (table, column, sql) = (relation.source.clone(), c.column.source.clone(), node.sql.clone());
        Node { from: Some(Box::new(Origin { table, column, sql })), ..node }
    };
    let column = |c: &Column| VisibleColumn {
        name: Some(c.column.source.clone()),
        label: c.column.target.clone(),
        node: of(c, node(c, alias, timezone)),
        missing: c.missing,
        merged: false,
        text: None,
    };
    Visible {
        name: name.to_owned(),
        alias: alias.to_owned(),
        columns: relation.columns.iter().map(column).collect(),
        rowid: relation.rowid,
        source: Some(relation.source.clone()),
    }
}

/// The columns of a subquery.
pub(super) fn of_query(columns: &[Output], name: &str, alias: &str) -> Visible {
    let column = |c: &Output| {
        let label = c.label.clone().unwrap_or_default();
        let sql = format!("{}.{}", ident(alias), ident(&label));
        let origin = c.node.origin().map(|origin| Box::new(Origin { sql: sql.clone(), ..origin.clone() }));
        VisibleColumn {
            name: c.name.clone(),
            node: Node { from: origin, ..derived(&c.node, sql) },
            label,
            missing: false,
            merged: false,
            text: c.text.clone().filter(|_| c.name.is_none()),
        }
    };
    Visible {
        name: name.to_owned(),
        alias: alias.to_owned(),
        columns: columns.iter().map(column).collect(),
        rowid: None,
        source: None,
    }
}

/// A column of a subquery: what it is made of is not seen, but its affinity and collation are.
pub(super) fn derived(of: &Node, sql: String) -> Node {
    let kind = match &of.kind {
        Kind::Column { .. } | Kind::Dynamic => of.kind.clone(),
        Kind::Member(member) => {
            return Node { unsure: of.unsure, ..Member::of_query(sql, member.jsonb).node() };
        }
        _ => Kind::Plain,
    };
    let bits = if of.class == TypeClass::Integer { of.bits } else { 64 };
    let number = matches!(of.class, TypeClass::Integer | TypeClass::Float | TypeClass::Numeric);
    let size = if number { Size::ASSUMED } else { Size::UNKNOWN };
    let mut node = Node::atom(sql, of.class).kind(kind).sized(size, bits).mixed(of.mixed);
    node.numeric_text = of.numeric_text;
    node.spelled = of.spelled;
    node.unsure = of.unsure;
    node.untyped = of.untyped;
    node.bare = of.bare;
    node.collate_within = of.collate.is_some() || of.collate_within;
    node.brings = Brings::Always;
    node
}

/// A column whose values' storage classes follow from its type is a column; of any other only the value is known.
fn node(c: &Column, alias: &str, timezone: &Timezone) -> Node {
    let mut node = column_node(&c.column, timezone);
    node.sql = format!("{}.{}", sqltext::ident(alias), node.sql);
    let class = node.class;
    let number = matches!(class, TypeClass::Integer | TypeClass::Float | TypeClass::Numeric);
    node.size = if number { Size::ASSUMED } else { Size::UNKNOWN };
    match regular(c, class) {
        Regular::Column => {
            node.mixed =
                matches!(class, TypeClass::Float | TypeClass::Numeric) && c.affinity != Affinity::Real;
            node.numeric_text = class == TypeClass::Text && c.affinity != Affinity::Text;
            node
        }
        // Without an affinity it is compared as it is.
        Regular::Value => {
            node.mixed = matches!(class, TypeClass::Float | TypeClass::Numeric);
            Node { kind: Kind::Plain, brings: Brings::Always, untyped: true, ..node }
        }
        // A text of a column with numeric affinity is a number where it is spelled as one.
        Regular::Several => {
            let numeric_text = matches!(c.affinity, Affinity::Integer | Affinity::Numeric);
            let untyped = !numeric_text;
            Node { kind: Kind::Dynamic, class: TypeClass::Other, numeric_text, untyped, ..node }
        }
        Regular::No => Node { kind: Kind::Plain, class: TypeClass::Other, ..node },
    }
}

enum Regular {
    Column,
    Value,
    /// Integers and texts, as texts.
    Several,
    No,
}

/// Whether what SQLite holds in a column follows from its type in PostgreSQL.
fn regular(c: &Column, class: TypeClass) -> Regular {
    use Affinity::{Blob, Integer, Numeric, Real, Text};
    let only = |is: fn(super::Stored) -> bool| c.stored.is_some_and(is);
    let integers = |s: super::Stored| s.integers && !s.reals && !s.texts && !s.blobs;
    let numbers = |s: super::Stored| !s.texts && !s.blobs;
    let texts = |s: super::Stored| s.texts && !s.integers && !s.reals && !s.blobs;
    let several = |s: super::Stored| s.integers && s.texts && !s.reals && !s.blobs;
    let blobs = |s: super::Stored| s.blobs && !s.integers && !s.reals && !s.texts;
    let unseen = c.stored.is_none();
    match (class, c.affinity) {
        _ if c.column.pg_type == PgType::Float4 => Regular::No,
        (TypeClass::Integer, Integer | Numeric) if unseen || only(integers) => Regular::Column,
        (TypeClass::Integer, Blob) if only(integers) => Regular::Value,
        (TypeClass::Float, Real) if unseen || only(numbers) => Regular::Column,
        (TypeClass::Float | TypeClass::Numeric, Integer | Numeric | Real) if unseen || only(numbers) => {
            Regular::Column
        }
        (TypeClass::Float | TypeClass::Numeric, Blob) if only(numbers) => Regular::Value,
        (TypeClass::Text, Text) if unseen || only(texts) => Regular::Column,
        (TypeClass::Text, Integer | Numeric) if only(texts) => Regular::Column,
        (TypeClass::Text, Blob) if only(texts) && c.column.collation == Collation::Binary => Regular::Value,
        (TypeClass::Text, Integer | Numeric | Blob)
            if only(several) && c.column.collation == Collation::Binary =>
        {
            Regular::Several
        }
        (TypeClass::Bytea, _) if only(blobs) || unseen && c.affinity == Blob => Regular::Column,
        (TypeClass::Bool, Integer | Numeric) if unseen || only(integers) => Regular::Column,
        (TypeClass::Date | TypeClass::Time | TypeClass::Timestamp | TypeClass::TimestampTz, affinity) => {
            match c.column.format {
                None | Some(Format::Iso8601) if only(texts) || unseen && affinity == Text => Regular::Column,
                None | Some(Format::Iso8601) => Regular::No,
                Some(_) if only(integers) && matches!(affinity, Integer | Numeric) => Regular::Column,
                Some(_) => Regular::No,
            }
        }
        (TypeClass::Uuid | TypeClass::Json | TypeClass::Jsonb, _) if only(texts) => Regular::Column,
        _ => Regular::No,
    }
}
