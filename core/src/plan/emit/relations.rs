//! The tables and columns of the file as a statement names them, with what becomes of them.

use super::writables;
use crate::plan::context::Context;
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::resolve::table::{Disposition, Place, ResolvedColumn};
use crate::plan::target::ExistingType;
use crate::search::declared::{Content, Declared};
use crate::sqltext::qualified;
use crate::translate::program::{Column, Relation, Schema, Search, Stored};
use crate::translate::{Collation, ScopeColumn, Size};
use crate::types::{ColumnProfile, TypeClass};
use crate::value::{Format, PgType, Timezone};

/// Of every table.
pub fn schema(ctx: &Context<'_>, decided: &[DecidedTable<'_>]) -> Schema {
    let mut relations: Vec<Relation> = decided.iter().map(|table| relation(ctx, table)).collect();
    let indexes: Vec<Relation> = decided
        .iter()
        .flat_map(|table| table.searches.iter().filter_map(|s| index(ctx, &relations, s)))
        .collect();
    let known = |name: &str| {
        decided.iter().any(|table| table.source.name.eq_ignore_ascii_case(name))
            || indexes.iter().any(|index| index.source.eq_ignore_ascii_case(name))
    };
    let left_out = ctx.source.catalog.tables.iter().filter(|table| !known(&table.name));
    relations
        .extend(left_out.map(|table| absent(&table.name, "takes no part in the plan")).collect::<Vec<_>>());
    relations.extend(indexes);
    let searches = decided.iter().flat_map(|table| table.searches.clone()).collect();
    let timezone = Timezone::parse(&ctx.plan.timezone).unwrap_or_default();
    let writables = writables::writables(ctx, decided, &relations);
    let no_helpers = ctx.overrides.helpers == Some(false);
    Schema { relations, timezone, encoding: ctx.source.catalog.encoding, writables, no_helpers, searches }
}

/// A full-text table over another one, which is read in its place: it has the columns that it names, and the other's rowid.
fn index(ctx: &Context<'_>, relations: &[Relation], search: &Search) -> Option<Relation> {
    let table = ctx.source.catalog.table(&search.source)?;
    let Content::External { rowid: named, .. } = Declared::parse(&table.sql).ok()?.content else {
        return None;
    };
    let of = relations.iter().find(|relation| relation.source == search.of)?;
    let column = |name: &str| of.columns.iter().find(|c| c.column.source.eq_ignore_ascii_case(name));
    let rowid = of.columns.get(of.rowid?)?;
    let is_rowid = |name: &str| {
        ["rowid", "_rowid_", "oid"].iter().any(|n| n.eq_ignore_ascii_case(name))
            || rowid.column.source.eq_ignore_ascii_case(name)
    };
    if named.is_some_and(|name| !is_rowid(&name)) {
        return None;
    }
    let shown = table.columns.iter().filter(|c| !c.hidden);
    let mut columns = shown.map(|c| column(&c.name).cloned()).collect::<Option<Vec<Column>>>()?;
    columns.push(rowid.clone());
    let rowid = Some(columns.len() - 1);
    Some(Relation { source: search.source.clone(), columns, rowid, ..of.clone() })
}

/// A relation of the file that is not in the target.
pub fn absent(name: &str, reason: &str) -> Relation {
    Relation { source: name.to_owned(), target: Err(reason.into()), columns: vec![], rowid: None, view: None }
}

fn relation(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Relation {
    let scope = table.scope(true);
    let mut carried = table.columns.iter().zip(scope.columns).peekable();
    let shown = table.resolved.columns.iter().filter(|column| !column.source.hidden);
    let columns: Vec<Column> = shown
        .map(|resolved| match carried.next_if(|(column, _)| column.position == resolved.position) {
            Some((column, scope)) => Column {
                column: read_as_text(ctx, column, scope),
                affinity: column.source.affinity(),
                stored: stored(table, column).or_else(|| told(column).filter(|_| ctx.target.made)),
                missing: false,
            },
            None => computed(table, resolved).unwrap_or_else(|| missing(resolved)),
        })
        .collect();
    let rowid = table.source.primary_key.as_ref().filter(|key| key.rowid_alias).and_then(|key| {
        let name = key.columns.first()?;
        columns.iter().position(|c| !c.missing && c.column.source.eq_ignore_ascii_case(name))
    });
    let target = match table.disposition {
        Disposition::Absent => Err("has no counterpart in the target".into()),
        _ => Ok(qualified(&table.settings.schema, &table.target)),
    };
    Relation { source: table.source.name.clone(), target, columns, rowid, view: None }
}

/// An existing column of type citext or of an enum is read as a new one is.
fn read_as_text(ctx: &Context<'_>, column: &DecidedColumn<'_>, mut scope: ScopeColumn) -> ScopeColumn {
    if scope.pg_type.is_citext() || is_enum(ctx, &scope.pg_type) {
        scope.pg_type = PgType::Text;
        scope.read_as_text = true;
        scope.collation = column.source.collation.as_deref().map_or(Collation::Binary, Collation::named);
    }
    scope
}

/// A type of the plan's schemas that is an enum, as PostgreSQL prints it.
pub fn is_enum(ctx: &Context<'_>, pg_type: &PgType) -> bool {
    let (PgType::Other(name) | PgType::UserDefined(name)) = pg_type else { return false };
    let plain = |name: &str| name.replace('"', "");
    let is = |t: &ExistingType| plain(name) == plain(&format!("{}.{}", t.schema, t.name));
    ctx.target.types.iter().any(|t| !t.labels.is_empty() && is(t))
}

/// A column that SQLite computes and the existing table as well. Nothing is loaded into it, but it can be read.
fn computed(table: &DecidedTable<'_>, resolved: &ResolvedColumn<'_>) -> Option<Column> {
    let source = resolved.source;
    let Place::LeftOut { name: Some(name), .. } = &resolved.place else { return None };
    let there = table.existing.filter(|_| !table.fresh())?.column(name)?;
    (source.generated.is_some() && there.generated).then(|| Column {
        column: ScopeColumn {
            source: source.name.clone(),
            target: name.clone(),
            pg_type: there.pg_type.clone(),
            format: None,
            collation: source.collation.as_deref().map_or(Collation::Binary, Collation::named),
            read_as_text: false,
            size: Size::UNKNOWN,
        },
        affinity: source.affinity(),
        stored: None,
        missing: false,
    })
}

/// What all rows hold. Values that the plan's `using` computes are not those of the file.
fn stored(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> Option<Stored> {
    if table.reading().using(&column.source.name).is_some() {
        return Some(Stored { integers: true, reals: true, texts: true, blobs: true });
    }
    let seen = |p: &&ColumnProfile| p.values() > 0;
    let sampled = table.profile.is_none_or(|profile| profile.sampled);
    let profile = table.stored(column).filter(|_| !sampled).filter(seen)?;
    Some(Stored {
        integers: profile.integers > 0,
        reals: profile.reals > 0,
        texts: profile.texts > 0,
        blobs: profile.blobs > 0,
    })
}

/// What a column holds whose values all became values of its type.
fn told(column: &DecidedColumn<'_>) -> Option<Stored> {
    use TypeClass::{
        Bool, Bytea, Date, Float, Integer, Json, Jsonb, Numeric, Text, Time, Timestamp, TimestampTz, Uuid,
    };
    let none = Stored { integers: false, reals: false, texts: false, blobs: false };
    let of_text = matches!(column.format, None | Some(Format::Iso8601));
    Some(match TypeClass::of(&column.pg_type) {
        Integer | Bool => Stored { integers: true, ..none },
        Float | Numeric => Stored { integers: true, reals: true, ..none },
        Text | Uuid | Json | Jsonb => Stored { texts: true, ..none },
        Date | Time | Timestamp | TimestampTz if of_text => Stored { texts: true, ..none },
        Date | Time | Timestamp | TimestampTz => Stored { integers: true, ..none },
        Bytea => Stored { blobs: true, ..none },
        _ => return None,
    })
}

fn missing(resolved: &ResolvedColumn<'_>) -> Column {
    let column = ScopeColumn {
        source: resolved.source.name.clone(),
        target: match &resolved.place {
            Place::Column(name) => name.clone(),
            _ => resolved.source.name.clone(),
        },
        pg_type: PgType::Text,
        format: None,
        collation: Collation::Binary,
        read_as_text: false,
        size: Size::UNKNOWN,
    };
    Column { column, affinity: resolved.source.affinity(), stored: None, missing: true }
}
