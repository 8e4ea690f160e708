//! Foreign key columns and the columns that they point to get one type and format, where the data allows.
//!
//! All columns that keys tie together (chains, self references, cycles) are one group. The first type
//! that holds every value of the whole group wins, parents' types first; failing that, each child
//! takes its parent's type where its own values fit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::columns::ask;
use super::table::DecidedTable;
use crate::catalog::ForeignKey;
use crate::plan::context::Context;
use crate::plan::resolve::exclusions::foreign_key_name;
use crate::value::{Format, PgType};

/// A column: position of its table, position in the table.
pub type Node = (usize, usize);

/// A child column and the parent column that it points to.
pub type Link = (Node, Node);

/// Gives linked columns a common type.
pub fn unify(ctx: &Context<'_>, tables: &mut [DecidedTable<'_>]) {
    let links = links(tables);
    for Group { nodes, links: members } in groups(&links) {
        let nodes = parents_first(&nodes.into_iter().collect::<Vec<_>>(), &members);
        let whole = candidates(tables, &nodes)
            .into_iter()
            .find(|(pg_type, format)| nodes.iter().all(|node| fits(ctx, tables, *node, pg_type, *format)));
        let first_parents: HashMap<Node, Node> =
            members.iter().rev().filter(|(child, parent)| child != parent).copied().collect();
        for node in nodes {
            let parent = first_parents.get(&node).copied();
            let of_parent = || {
                let column = parent.and_then(|p| tables.get(p.0)?.columns.get(p.1))?;
                Some((column.pg_type.clone(), column.format))
            };
            let Some((pg_type, format)) = whole.clone().or_else(of_parent) else { continue };
            if whole.is_some() || fits(ctx, tables, node, &pg_type, format) {
                give(tables, node, &pg_type, format, parent);
            }
        }
    }
}

/// Every pair of columns that a foreign key ties together.
pub fn links(tables: &[DecidedTable<'_>]) -> Vec<Link> {
    let by_name: HashMap<String, usize> =
        tables.iter().enumerate().map(|(i, d)| (d.source.name.to_ascii_lowercase(), i)).collect();
    let mut out = Vec::new();
    for (i, table) in tables.iter().enumerate() {
        let taken =
            |key: &&ForeignKey| table.settings.foreign_keys.take(&foreign_key_name(table.source, key));
        for key in table.source.foreign_keys.iter().filter(taken) {
            let Some(&p) = by_name.get(&key.parent.to_ascii_lowercase()) else { continue };
            let Some(parent) = tables.get(p) else { continue };
            for (child_name, parent_name) in key.columns.iter().zip(&key.parent_columns) {
                if let (Some(c), Some(q)) = (table.column_at(child_name), parent.column_at(parent_name)) {
                    out.push(((i, c), (p, q)));
                }
            }
        }
    }
    out
}

/// Connected columns with the links among them.
#[derive(Default)]
struct Group {
    nodes: BTreeSet<Node>,
    links: Vec<Link>,
}

/// By union-find with halved paths.
fn groups(links: &[Link]) -> Vec<Group> {
    let mut up: HashMap<Node, Node> = HashMap::new();
    for (a, b) in links {
        let (a, b) = (root(&mut up, *a), root(&mut up, *b));
        up.insert(a.max(b), a.min(b));
    }
    let mut out: BTreeMap<Node, Group> = BTreeMap::new();
    for link in links {
        let group = out.entry(root(&mut up, link.0)).or_default();
        group.nodes.extend([link.0, link.1]);
        group.links.push(*link);
    }
    out.into_values().collect()
}

fn root(up: &mut HashMap<Node, Node>, mut node: Node) -> Node {
    loop {
        let above = *up.entry(node).or_insert(node);
        if above == node {
            return node;
        }
        let next = up.get(&above).copied().unwrap_or(above);
        up.insert(node, next);
        node = next;
    }
}

/// Columns that point nowhere else first, then breadth first down the keys; cycles by position.
fn parents_first(nodes: &[Node], links: &[Link]) -> Vec<Node> {
    let place: HashMap<Node, usize> = nodes.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let edge = |(c, p): &Link| Some((*place.get(c)?, *place.get(p)?));
    let edges: Vec<_> = links.iter().filter_map(edge).collect();
    super::order::order(nodes.len(), &edges).into_iter().filter_map(|i| nodes.get(i).copied()).collect()
}

/// The distinct types of the group, in its order; of integers the widest first, which the program's other tables need.
fn candidates(tables: &[DecidedTable<'_>], nodes: &[Node]) -> Vec<(PgType, Option<Format>)> {
    let mut out: Vec<(PgType, Option<Format>)> = Vec::new();
    for node in nodes {
        if let Some(column) = tables.get(node.0).and_then(|d| d.columns.get(node.1))
            && !out.iter().any(|(t, f)| t.is_named_as(&column.pg_type) && *f == column.format)
        {
            out.push((column.pg_type.clone(), column.format));
        }
    }
    let width = |(pg_type, _): &(PgType, Option<Format>)| match pg_type.base() {
        PgType::Int8 => 0,
        PgType::Int4 => 1,
        PgType::Int2 => 2,
        _ => 3,
    };
    if out.iter().all(|candidate| width(candidate) < 3) {
        out.sort_by_key(width);
    }
    out
}

fn fits(
    ctx: &Context<'_>,
    tables: &[DecidedTable<'_>],
    node: Node,
    pg_type: &PgType,
    format: Option<Format>,
) -> bool {
    let Some(table) = tables.get(node.0) else { return false };
    let Some(column) = table.columns.get(node.1) else { return false };
    if column.pg_type.is_named_as(pg_type) && column.format == format {
        return true;
    }
    // What is no integer is no rowid.
    let integer = matches!(pg_type.base(), PgType::Int2 | PgType::Int4 | PgType::Int8);
    if column.pinned || column.rowid_alias && !integer {
        return false;
    }
    let choice = ask(ctx, table, column, Some(pg_type));
    choice.pg_type.is_named_as(pg_type) && choice.format == format
}

fn give(
    tables: &mut [DecidedTable<'_>],
    node: Node,
    pg_type: &PgType,
    format: Option<Format>,
    parent: Option<Node>,
) {
    let points_to = parent.and_then(|p| {
        let table = tables.get(p.0)?;
        Some(table.columns.get(p.1)?.object(&table.source.name))
    });
    let Some(column) = tables.get_mut(node.0).and_then(|d| d.columns.get_mut(node.1)) else { return };
    if column.pg_type.is_named_as(pg_type) && column.format == format {
        return;
    }
    let own = std::mem::replace(&mut column.pg_type, pg_type.clone());
    column.format = format;
    if column.overrides.is_none_or(|g| g.reason.is_none()) {
        column.reason = match points_to {
            Some(parent) => {
                format!("the type of {parent}, to which it points; its own values would be {own}")
            }
            None => format!("the common type of columns that point to it; its own values would be {own}"),
        };
    }
}
