//! What statements that write have to know of the tables: keys, defaults, and what resolves a conflict.

use sqlite3_parser::ast::ResolveType;

use crate::catalog::{IndexKey, Origin};
use crate::ddl::resolve::{self, Clauses};
use crate::plan::context::Context;
use crate::plan::decide::object::{IndexKeys, Object};
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::emit::ddl;
use crate::plan::emit::relations::is_enum;
use crate::plan::given::words::Generation;
use crate::plan::trial::Part;
use crate::sqltext::{ident, ident_list};
use crate::translate::may_name;
use crate::translate::program::{
    Arbiter, Column, Relation, Resolve, UniqueKey, Unset, Writable, WritableColumn, Writables,
};

/// Of every table that is carried over; `relations` begin with these.
pub fn writables(ctx: &Context<'_>, decided: &[DecidedTable<'_>], relations: &[Relation]) -> Writables {
    let name = |table: &DecidedTable<'_>| table.source.name.to_ascii_lowercase();
    let all = decided.iter().zip(relations);
    all.map(|(table, relation)| (name(table), writable(ctx, table, relation))).collect()
}

fn writable(ctx: &Context<'_>, table: &DecidedTable<'_>, relation: &Relation) -> Writable {
    let clauses = resolve::clauses(&table.source.sql);
    let same = |name: &str| name.eq_ignore_ascii_case(&table.source.name);
    let refers_here = |other: &crate::catalog::Table| other.foreign_keys.iter().any(|key| same(&key.parent));
    let existing = table.existing.filter(|_| !table.fresh());
    Writable {
        columns: relation.columns.iter().map(|c| column(ctx, table, c, &clauses)).collect(),
        keys: keys(table, relation, &clauses),
        checked: !table.source.checks.is_empty(),
        refers: !table.source.foreign_keys.is_empty() || existing.is_some_and(|e| !e.foreign_keys.is_empty()),
        referred: ctx.source.catalog.tables.iter().any(refers_here)
            || existing.is_some_and(|e| !e.referenced_by.is_empty()),
        triggers: ctx.source.catalog.triggers.iter().any(|trigger| same(&trigger.table)),
        defaults: existing.is_some(),
        extra: existing.is_some_and(|e| {
            e.columns.iter().any(|c| !c.generated && !table.columns.iter().any(|own| own.target == c.name))
        }),
    }
}

fn column(ctx: &Context<'_>, table: &DecidedTable<'_>, column: &Column, clauses: &Clauses) -> WritableColumn {
    let name = &column.column.source;
    let source = table.source.column(name);
    let decided = table.column(name);
    let not_null = decided.is_some_and(|c| c.not_null) || source.is_some_and(|c| c.not_null);
    let any = table.source.strict && source.is_some_and(|c| c.declared.eq_ignore_ascii_case("ANY"));
    WritableColumn {
        printed: decided.map_or_else(String::new, DecidedColumn::printed_type),
        cast: decided.is_some_and(|c| c.enumeration.is_some() || is_enum(ctx, &c.pg_type)),
        not_null,
        unset: decided.map_or(Unset::Null, |c| unset(table, c)),
        generated: source.is_some_and(|c| c.generated.is_some())
            || decided.is_some_and(|c| c.computed())
            || existing_column(table, &column.column.target).is_some_and(|c| c.generated),
        unstored: match existing_column(table, &column.column.target) {
            Some(there) => there.unstored,
            None => decided
                .and_then(|c| c.generated.as_ref())
                .is_some_and(|g| g.generation == Generation::Virtual),
        },
        on_null: resolve_of(clauses.not_null(name)),
        any,
        using: table.reading().using(name).is_some(),
    }
}

fn existing_column<'a>(
    table: &DecidedTable<'a>,
    name: &str,
) -> Option<&'a crate::plan::target::ExistingColumn> {
    table.existing.filter(|_| !table.fresh()).and_then(|existing| existing.column(name))
}

/// What a new row has where it does not say it.
fn unset(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> Unset {
    let null = |default: &str| default.trim_matches(['(', ')', ' ']).eq_ignore_ascii_case("NULL");
    let source = column.source.default.as_deref().is_some_and(|default| !null(default));
    let computes = column.source.generated.is_some();
    let (numbers, default, computed) = match existing_column(table, &column.target) {
        Some(there) => {
            let numbers = there.identity.is_some() || there.numbers().is_some();
            (numbers, there.has_default, there.generated)
        }
        None => (ddl::is_identity(column), column.default.is_some(), column.computed()),
    };
    match () {
        () if numbers => Unset::Number,
        () if computes && !computed || column.rowid_alias && !default => Unset::Lost,
        () if default => Unset::Default,
        () if source => Unset::Lost,
        () => Unset::Null,
    }
}

fn resolve_of(clause: Option<ResolveType>) -> Resolve {
    match clause {
        Some(ResolveType::Ignore) => Resolve::Ignore,
        Some(ResolveType::Replace) => Resolve::Replace,
        _ => Resolve::Error,
    }
}

/// The keys of the file's table, with those of the target that are for them.
fn keys(table: &DecidedTable<'_>, relation: &Relation, clauses: &Clauses) -> Vec<UniqueKey> {
    let source = table.source;
    let place =
        |name: &String| relation.columns.iter().position(|c| c.column.source.eq_ignore_ascii_case(name));
    let primary = source.primary_key.iter().filter(|key| !key.columns.is_empty()).map(|key| {
        let columns: Option<Vec<usize>> = key.columns.iter().map(place).collect();
        let (arbiter, plain) = arbiter(table, Part::PrimaryKey, Some(&key.columns));
        let reads = read(table, relation, &key.columns, &[]);
        let resolve = resolve_of(clauses.primary_key);
        UniqueKey { columns, reads, arbiter, resolve, partial: false, plain }
    });
    let unique = source.indexes.iter().enumerate();
    let unique = unique.filter(|(_, index)| index.unique && index.origin != Origin::PrimaryKey);
    let unique = unique.map(|(at, index)| {
        let names: Option<Vec<String>> = index.columns.iter().map(|column| named(&column.key)).collect();
        let columns = names.as_ref().and_then(|names| names.iter().map(place).collect());
        let (arbiter, plain) =
            arbiter(table, Part::Index(at), names.as_ref().filter(|_| index.predicate.is_none()));
        let named_columns = names.clone().unwrap_or_default();
        let expressions: Vec<&str> = index
            .columns
            .iter()
            .filter_map(|column| match &column.key {
                IndexKey::Expression(sql) => Some(sql.as_str()),
                IndexKey::Column(_) | IndexKey::Rowid => None,
            })
            .chain(index.predicate.as_deref())
            .collect();
        let reads = read(table, relation, &named_columns, &expressions);
        let clause =
            names.filter(|_| index.origin == Origin::Unique).and_then(|names| clauses.unique(&names));
        let (resolve, partial) = (resolve_of(clause), index.predicate.is_some());
        UniqueKey { columns, reads, arbiter, resolve, partial, plain }
    });
    primary.chain(unique).collect()
}

/// The places of columns, of those that expressions may name, and of what the generated ones among them are computed from.
fn read(
    table: &DecidedTable<'_>,
    relation: &Relation,
    columns: &[String],
    expressions: &[&str],
) -> Vec<usize> {
    let named = |name: &str| {
        columns.iter().any(|column| column.eq_ignore_ascii_case(name))
            || expressions.iter().any(|sql| may_name(sql, name))
    };
    let source = |at: usize| relation.columns[at].column.source.as_str();
    let decides = |at: usize, found: &[usize]| {
        let computed = found.iter().filter_map(|at| table.source.column(source(*at))?.generated.as_ref());
        named(source(at)) || computed.into_iter().any(|by| may_name(&by.expression, source(at)))
    };
    let mut found = vec![];
    let all = 0..relation.columns.len();
    while let Some(at) = all.clone().find(|at| !found.contains(at) && decides(*at, &found)) {
        found.push(at);
    }
    found
}

fn named(key: &IndexKey) -> Option<String> {
    match key {
        IndexKey::Column(name) => Some(name.clone()),
        IndexKey::Rowid | IndexKey::Expression(_) => None,
    }
}

/// The key of the target, and whether it is over plain columns. An existing table has keys of its own.
fn arbiter(table: &DecidedTable<'_>, part: Part, columns: Option<&Vec<String>>) -> (Arbiter, bool) {
    if let Some(existing) = table.existing.filter(|_| !table.fresh()) {
        let Some(Ok(names)) = columns.map(|columns| table.targets(columns)) else {
            return (Arbiter::Missing, false);
        };
        let same = |key: &[String]| key.len() == names.len() && key.iter().all(|name| names.contains(name));
        let found = existing.keys.iter().any(|key| !key.deferrable && same(&key.columns));
        let arbiter = Arbiter::Index(format!("({})", ident_list(&names)));
        return if found { (arbiter, true) } else { (Arbiter::Missing, false) };
    }
    let made = table.made(part).find_map(|object| match object {
        Object::PrimaryKey { columns, .. } | Object::Unique { columns, .. } => {
            Some((Arbiter::Index(format!("({})", ident_list(columns))), true))
        }
        Object::Index { unique: true, keys, .. } => {
            Some((Arbiter::Index(inferred(keys)), plain(table, keys)))
        }
        Object::Exclude { name, keys, .. } => Some((Arbiter::Exclusion(name.clone()), plain(table, keys))),
        _ => None,
    });
    made.unwrap_or((Arbiter::Missing, false))
}

/// ` ON CONFLICT …` by which a statement names a unique key that the plan makes; none of anything else.
pub fn clause_of(object: &Object) -> Option<String> {
    Some(match object {
        Object::PrimaryKey { columns, .. } | Object::Unique { columns, .. } => {
            format!(" ON CONFLICT ({}) ", ident_list(columns))
        }
        Object::Index { unique: true, keys, .. } => format!(" ON CONFLICT {} ", inferred(keys)),
        Object::Exclude { name, .. } => format!(" ON CONFLICT ON CONSTRAINT {} ", ident(name)),
        _ => return None,
    })
}

/// `(…) WHERE …`, by which ON CONFLICT finds the index.
fn inferred(keys: &IndexKeys) -> String {
    let names: Vec<&str> = keys.keys.iter().map(|key| key.sql.as_str()).collect();
    let condition = keys.predicate.as_ref().map_or(String::new(), |sql| format!(" WHERE {sql}"));
    format!("({}){condition}", names.join(", "))
}

fn plain(table: &DecidedTable<'_>, keys: &IndexKeys) -> bool {
    let column = |sql: &str| table.columns.iter().any(|column| ident(&column.target) == sql);
    keys.keys.iter().all(|key| !key.nocase && column(&key.sql))
}
