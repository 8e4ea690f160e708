//! Keys that are others in the target than in the file, because rows are matched by another unique key (`match`): whose
//! they are, and which foreign keys follow them.
//!
//! A table's keys may become others where its rows are matched with existing ones, or where they are made of references to
//! rows whose keys may. Parents are loaded first, so that a reference is rewritten before rows are matched by a key that
//! contains it.

use super::foreign_keys::orphan_spec;
use super::order;
use super::table::DecidedTable;
use crate::catalog::TableId;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::match_by::MatchBy;
use crate::plan::given::words::{OnConflict, Orphans};
use crate::plan::model::{OrphanSpec, OtherKey, Reference, Renumbering};
use crate::plan::resolve::table::Disposition;
use crate::plan::target::{ExistingForeignKey, ExistingKey, ExistingTable};
use crate::value::PgType;

/// A foreign key between two tables of the plan.
struct Edge {
    child: usize,
    parent: usize,
    parent_id: TableId,
    key: ExistingForeignKey,
    nullable: bool,
}

/// What refers to what among the tables of the plan, and their order: the same whatever rows are matched by.
pub struct Links {
    edges: Vec<Edge>,
    /// Of each table, when it is loaded; `None` where it is not.
    places: Vec<Option<usize>>,
}

/// What follows from the keys by which rows are matched.
struct Outcome {
    tables: Vec<Renumbering>,
    /// What cannot be done exactly: the table whose `match` is the cause, and why.
    refused: Vec<(usize, String)>,
}

/// Decides for all tables: each refusal is a blocking finding.
pub fn decide(ctx: &Context<'_>, tables: &mut [DecidedTable<'_>], findings: &mut Vec<Finding>) {
    findings.extend(without_effect(ctx, tables));
    let matched: Vec<Option<&ExistingKey>> = tables.iter().map(DecidedTable::matched_by).collect();
    if matched.iter().all(Option::is_none) {
        return;
    }
    let links = Links::of(tables);
    let Outcome { tables: decided, refused } = outcome(tables, &links, &matched);
    findings.extend(refused.into_iter().filter_map(|(i, why)| {
        let table = tables.get(i)?;
        let finding = Kind::ConflictKey.blocking(&table.source.name, why).of(table.id);
        Some(finding.fix(Fix::of_table(&table.source.name, "match", "key"), ""))
    }));
    findings.extend((0..tables.len()).filter_map(|i| describe(tables, &links.edges, i)));
    for (table, renumbering) in tables.iter_mut().zip(decided) {
        if let Some(conflict) = table.conflict.as_mut().filter(|_| renumbering.matched.is_some()) {
            conflict.update.retain(|name| !renumbering.columns.contains(name));
        }
        table.renumbering = renumbering;
    }
}

/// The plan says how rows are matched, and no row is.
fn without_effect(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Option<Finding> {
    let existing = |d: &DecidedTable<'_>| d.existing.is_some_and(ExistingTable::has_rows);
    let decides = |d: &DecidedTable<'_>| existing(d) && d.settings.on_conflict != OnConflict::Error;
    let explicit = ctx.overrides.common.match_by.as_ref().is_some_and(|by| *by != MatchBy::Key);
    if !explicit || !tables.iter().any(existing) || tables.iter().any(decides) {
        return None;
    }
    let finding = Kind::NoEffect.warning("match", "plan.match has no effect: on_conflict is \"error\"");
    Some(finding.fix(Fix::of_plan("on_conflict", "skip").or(&["update"]), ""))
}

impl Links {
    pub fn of(tables: &[DecidedTable<'_>]) -> Links {
        let mut places = vec![None; tables.len()];
        for (place, i) in order::of_loads(tables).into_iter().enumerate() {
            places.iter_mut().skip(i).take(1).for_each(|of_table| *of_table = Some(place));
        }
        Links { edges: edges(tables), places }
    }

    /// Rows could be matched so: nothing is in the way.
    pub fn allow(&self, tables: &[DecidedTable<'_>], matched: &[Option<&ExistingKey>]) -> bool {
        outcome(tables, self, matched).refused.is_empty()
    }
}

/// No column of the key refers to rows of another table that the plan loads, or that the target has.
pub fn is_plain(table: &DecidedTable<'_>, key: &ExistingKey) -> bool {
    let refers = |columns: &[String]| columns.iter().any(|column| key.columns.contains(column));
    let existing = table.existing.map_or(&[][..], |e| e.foreign_keys.as_slice());
    let mut source = table.source.foreign_keys.iter().filter_map(|k| table.targets(&k.columns).ok());
    !existing.iter().any(|k| refers(&k.columns)) && !source.any(|columns| refers(&columns))
}

/// That rows are matched, and what follows them.
fn describe(tables: &[DecidedTable<'_>], edges: &[Edge], i: usize) -> Option<Finding> {
    let table = tables.get(i)?;
    let key = table.matched_by()?;
    let following = edges.iter().filter(|edge| edge.parent == i);
    let following = following.filter_map(|edge| {
        Some(format!("{}({})", tables.get(edge.child)?.source.name, edge.key.columns.join(", ")))
    });
    let following: Vec<String> = following.collect();
    let follow = match following.as_slice() {
        [] => "no foreign key of the plan refers to them".into(),
        some => format!("references to them follow: {}", some.join(", ")),
    };
    let message = format!("rows are matched by \"{}\" ({}), and {follow}", key.name, key.columns.join(", "));
    let hint = "Columns that refer to such rows without a foreign key keep the file's values.";
    Some(Kind::MatchedRows.info(&table.source.name, message).hint(hint))
}

/// The foreign keys of the target and of the file whose columns are loaded.
fn edges(tables: &[DecidedTable<'_>]) -> Vec<Edge> {
    let mut out: Vec<Edge> = vec![];
    for (child, table) in tables.iter().enumerate().filter(|(_, d)| d.disposition != Disposition::Absent) {
        let loaded = |names: &[String]| names.iter().all(|name| loads(table, name));
        for key in table.existing.iter().flat_map(|e| &e.foreign_keys).filter(|key| loaded(&key.columns)) {
            let mut places = tables.iter().enumerate();
            if let Some((parent, d)) = places.find(|(_, d)| is(d, &key.parent_schema, &key.parent)) {
                let (key, nullable) = (key.clone(), takes_null(table, &key.columns));
                out.push(Edge { child, parent, parent_id: d.id, key, nullable });
            }
        }
        for source in &table.source.foreign_keys {
            let named = |d: &DecidedTable<'_>| d.source.name.eq_ignore_ascii_case(&source.parent);
            let Some(parent) = tables.iter().position(named) else { continue };
            let Some(of_parent) = tables.get(parent).filter(|d| d.disposition != Disposition::Absent) else {
                continue;
            };
            let names =
                table.targets(&source.columns).ok().zip(of_parent.targets(&source.parent_columns).ok());
            let Some((columns, parent_columns)) = names else { continue };
            let known = out.iter().any(|edge| {
                (edge.child, edge.parent) == (child, parent)
                    && same_pairs((&columns, &parent_columns), (&edge.key.columns, &edge.key.parent_columns))
            });
            if known || columns.is_empty() || columns.len() != parent_columns.len() || !loaded(&columns) {
                continue;
            }
            let key = ExistingForeignKey {
                parent_schema: of_parent.settings.schema.clone(),
                parent: of_parent.target.clone(),
                columns,
                parent_columns,
                ..ExistingForeignKey::default()
            };
            let nullable = takes_null(table, &key.columns);
            out.push(Edge { child, parent, parent_id: of_parent.id, key, nullable });
        }
    }
    // What refers to the table itself follows once its rows have their keys.
    out.sort_by_key(|edge| (edge.child, edge.child == edge.parent));
    out
}

type Columns<'c> = (&'c [String], &'c [String]);

fn same_pairs(left: Columns<'_>, right: Columns<'_>) -> bool {
    let pairs = |(columns, parents): Columns<'_>| {
        let mut pairs: Vec<_> = columns.iter().cloned().zip(parents.iter().cloned()).collect();
        pairs.sort();
        pairs
    };
    pairs(left) == pairs(right)
}

fn is(table: &DecidedTable<'_>, schema: &str, name: &str) -> bool {
    table.disposition != Disposition::Absent && table.settings.schema == schema && table.target == name
}

fn loads(table: &DecidedTable<'_>, name: &str) -> bool {
    table.columns.iter().any(|c| c.target == name && !c.computed())
}

fn takes_null(table: &DecidedTable<'_>, columns: &[String]) -> bool {
    columns.iter().all(|name| match table.existing_column(name) {
        Some(column) => !column.not_null && !column.generated,
        None => table.columns.iter().any(|c| c.target == *name && !c.not_null && !c.computed()),
    })
}

fn outcome(tables: &[DecidedTable<'_>], links: &Links, matched: &[Option<&ExistingKey>]) -> Outcome {
    let edges = links.edges.as_slice();
    let renumbered = renumbered(edges, matched);
    let is_renumbered = |i: usize| renumbered.get(i) == Some(&true);
    let place = |i: usize| links.places.get(i).copied().flatten();
    let mut refused = vec![];
    let mut refuse = |i: usize, why: String| refused.push((cause(edges, &renumbered, matched, i), why));
    let mut out = vec![];
    for (i, table) in tables.iter().enumerate() {
        let key = matched.get(i).copied().flatten();
        let renumbering = of_table(table, edges, key, i, is_renumbered);
        if let Some(key) = key
            && let Some(why) = unmatchable(table, tables, edges, key, i)
        {
            refuse(i, why);
        }
        for edge in edges.iter().filter(|edge| edge.child == i && is_renumbered(edge.parent)) {
            let Some(parent) = tables.get(edge.parent) else { continue };
            let itself = edge.parent == i;
            if let Some(why) = unfollowed(table, parent, edge, itself, &renumbering.columns) {
                refuse(edge.parent, why);
            }
            if !itself && place(edge.parent) > place(i) {
                let why = format!(
                    "match does not work in a cycle of foreign keys: \"{}\", whose rows refer to rows of \"{}\", is loaded first",
                    table.source.name, parent.source.name
                );
                refuse(edge.parent, why);
            }
        }
        out.push(renumbering);
    }
    refused.sort();
    refused.dedup();
    Outcome { tables: out, refused }
}

/// Tables whose keys may become others, as far as rows refer to them.
fn renumbered(edges: &[Edge], matched: &[Option<&ExistingKey>]) -> Vec<bool> {
    let mut renumbered: Vec<bool> = matched.iter().map(Option::is_some).collect();
    // A key that is made of references changes with them.
    let made_of = |edge: &Edge| {
        let referred = edges.iter().filter(|other| other.parent == edge.child);
        referred.flat_map(|other| &other.key.parent_columns).any(|column| edge.key.columns.contains(column))
    };
    loop {
        let more = edges.iter().find(|edge| {
            renumbered.get(edge.parent) == Some(&true)
                && renumbered.get(edge.child) == Some(&false)
                && made_of(edge)
        });
        match more.and_then(|edge| renumbered.get_mut(edge.child)) {
            Some(child) => *child = true,
            None => return renumbered,
        }
    }
}

/// The table whose `match` makes the keys of table `i` others: itself, or one that its keys refer to.
fn cause(edges: &[Edge], renumbered: &[bool], matched: &[Option<&ExistingKey>], i: usize) -> usize {
    let (mut todo, mut seen) = (vec![i], vec![]);
    while let Some(at) = todo.pop() {
        if matched.get(at).copied().flatten().is_some() {
            return at;
        }
        seen.push(at);
        let parents = edges.iter().filter(|edge| edge.child == at).map(|edge| edge.parent);
        todo.extend(
            parents.filter(|parent| renumbered.get(*parent) == Some(&true) && !seen.contains(parent)),
        );
    }
    i
}

fn of_table(
    table: &DecidedTable<'_>,
    edges: &[Edge],
    matched: Option<&ExistingKey>,
    i: usize,
    is_renumbered: impl Fn(usize) -> bool,
) -> Renumbering {
    let references = edges.iter().filter(|edge| edge.child == i && is_renumbered(edge.parent));
    let references = references.map(|edge| Reference { parent: edge.parent_id, spec: spec(table, edge) });
    let references: Vec<Reference> = references.collect();
    let mut referenced: Vec<Vec<String>> = vec![];
    for edge in edges.iter().filter(|edge| edge.parent == i && is_renumbered(i)) {
        let mut columns = edge.key.parent_columns.clone();
        columns.sort();
        if !referenced.contains(&columns) {
            referenced.push(columns);
        }
    }
    let matched = matched.map(|by| other_keys(table, by, &referenced));
    let mut columns: Vec<String> = referenced.iter().flatten().cloned().collect();
    columns.extend(matched.iter().flatten().flat_map(|key| key.columns.iter().cloned()));
    columns.sort();
    columns.dedup();
    Renumbering { references, matched, referenced, columns }
}

/// The primary key and those that rows refer to, but the one that rows are matched by.
fn other_keys(table: &DecidedTable<'_>, by: &ExistingKey, referenced: &[Vec<String>]) -> Vec<OtherKey> {
    let Some(existing) = table.existing else { return vec![] };
    let is_referenced = |key: &ExistingKey| {
        let mut columns = key.columns.clone();
        columns.sort();
        referenced.contains(&columns)
    };
    let loaded = |key: &ExistingKey| key.columns.iter().all(|name| loads(table, name));
    let keys = existing.keys.iter().filter(|key| key.name != by.name && loaded(key));
    keys.filter(|key| key.primary || is_referenced(key))
        .map(|key| OtherKey {
            name: key.name.clone(),
            columns: key.columns.clone(),
            sequence: match key.columns.as_slice() {
                [only] => existing.column(only).and_then(|c| c.numbers().cloned()),
                _ => None,
            },
        })
        .collect()
}

/// An existing constraint stays valid, and rows that keep the file's value could find another parent by it.
fn spec(table: &DecidedTable<'_>, edge: &Edge) -> OrphanSpec {
    let policy = match table.settings.orphans {
        Orphans::Keep => Orphans::Error,
        Orphans::Null if !edge.nullable => Orphans::Error,
        policy => policy,
    };
    OrphanSpec { existing: true, ..orphan_spec(table, &edge.key, policy, edge.nullable) }
}

/// Why rows of table `i` cannot be matched by this key.
fn unmatchable(
    table: &DecidedTable<'_>,
    tables: &[DecidedTable<'_>],
    edges: &[Edge],
    key: &ExistingKey,
    i: usize,
) -> Option<String> {
    let existing = table.existing?;
    if existing.citus.is_some() {
        return Some("match does not work for a table of Citus".into());
    }
    if let Some(reason) = &existing.uncounted {
        return Some(format!("match does not work: the existing rows cannot be read: {reason}"));
    }
    let within = |columns: &[String]| columns.iter().any(|column| key.columns.contains(column));
    if edges.iter().any(|edge| edge.child == i && edge.parent == i && within(&edge.key.columns)) {
        return Some(format!(
            "match cannot use \"{}\": it contains a reference to the table itself",
            key.name
        ));
    }
    let loaded = |k: &&ExistingForeignKey| tables.iter().any(|d| is(d, &k.parent_schema, &k.parent));
    let apart = existing.foreign_keys.iter().find(|k| within(&k.columns) && !loaded(k))?;
    Some(format!(
        "match cannot use \"{}\": it contains a reference to \"{}\", which the plan does not load, so that the file's values may mean other rows there",
        key.name, apart.parent
    ))
}

/// Why a foreign key cannot follow the keys of its parent.
fn unfollowed(
    child: &DecidedTable<'_>,
    parent: &DecidedTable<'_>,
    edge: &Edge,
    itself: bool,
    columns: &[String],
) -> Option<String> {
    let named = format!("{}({})", child.source.name, edge.key.columns.join(", "));
    if let Some(missing) = edge.key.parent_columns.iter().find(|name| !loads(parent, name)) {
        return Some(format!(
            "match does not work: no value is loaded into \"{missing}\", by which {named} refers to its rows"
        ));
    }
    if edge.key.period {
        return Some(format!("match does not work: {named} refers to its rows for a PERIOD"));
    }
    let pairs = || edge.key.columns.iter().zip(&edge.key.parent_columns);
    if itself && pairs().any(|(column, of_parent)| column != of_parent && columns.contains(column)) {
        return Some(format!(
            "match does not work: {named} refers to the table itself, and is part of its key"
        ));
    }
    let pg_type = |table: &DecidedTable<'_>, name: &str| -> Option<PgType> {
        table.columns.iter().find(|c| c.target == name).map(|c| c.pg_type.clone())
    };
    let alike = pairs().all(|(column, of_parent)| {
        let pair = pg_type(child, column).zip(pg_type(parent, of_parent));
        pair.is_some_and(|(column, of_parent)| column.compares_with(&of_parent))
    });
    // An existing constraint has its own operators.
    (edge.key.operators.is_empty() && !alike)
        .then(|| format!("match does not work: {named} has another type than the key that it refers to"))
}
