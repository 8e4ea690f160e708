//! What a plan asks of the file and the server before it is sure, complete enough to be run.

use super::searching;
use super::steps::load;
use crate::plan::context::Context;
use crate::plan::decide::converted::KeyAsked;
use crate::plan::decide::loaded;
use crate::plan::decide::sizes::SizeAsked;
use crate::plan::decide::table::DecidedTable;
use crate::plan::decide::trial::{copy, create, schema};
use crate::plan::given::words::Loader;
use crate::plan::model::{LoadSpec, SizeTrial};
use crate::plan::question::{CheckQuestion, Condition, KeyQuestion, Rejecting};
use crate::plan::resolve::table::Disposition;
use crate::plan::trial::{NAME, Part};
use crate::sqltext::{ident, qualified};
use crate::value::batch::OnInvalid;
use crate::value::image::Image;

/// The rows that have to be tried.
pub fn sizes(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Vec<SizeTrial> {
    let of_table = |table| move |asked: &SizeAsked| trial(ctx, table, asked);
    tables.iter().flat_map(|table| table.sizes.iter().map(of_table(table))).collect()
}

/// A value that does not fit is no question of its size.
fn trial(ctx: &Context<'_>, table: &DecidedTable<'_>, asked: &SizeAsked) -> SizeTrial {
    let schema = schema(ctx, table);
    let on = qualified(schema, NAME);
    let mut whole = load(ctx, table, false);
    whole.reading.filter = loaded::filter(ctx, table);
    let names: Vec<&str> =
        asked.columns.iter().filter_map(|i| table.columns.get(*i)).map(|c| c.source.name.as_str()).collect();
    let mut columns = whole.columns;
    columns.retain(|column| names.contains(&column.source.as_str()));
    for column in &mut columns {
        (column.not_null, column.on_invalid, column.default) = (false, OnInvalid::Null, None);
    }
    SizeTrial {
        table: table.id,
        part: asked.part,
        create: with_helpers(ctx, table, asked),
        unskipped: not_skipped(table, asked).map(|rows| copy(ctx, table, "loaded", &rows)),
        within: asked.within.as_ref().map(|rows| copy(ctx, table, "inserted", rows)),
        index: asked.index.as_ref().map(|index| format!("CREATE INDEX ON {on} {index}")),
        load: LoadSpec {
            schema: schema.into(),
            target: NAME.into(),
            existing: None,
            loader: Loader::Auto,
            freeze: false,
            columns,
            renumbering: Box::default(),
            ..whole
        },
        bound: asked.bound.clone(),
    }
}

/// A vector's functions go with the table that is tried.
fn with_helpers(ctx: &Context<'_>, table: &DecidedTable<'_>, asked: &SizeAsked) -> String {
    let create = create(ctx, table);
    let Part::Search(_) = asked.part else { return create };
    let helpers = searching::statements(ctx, std::iter::once(table)).into_iter().map(|(_, sql)| sql);
    helpers.chain([create]).collect::<Vec<_>>().join("; ")
}

/// The condition of the rows that are not skipped. Where an existing row has its key, a row comes into no index.
fn not_skipped(table: &DecidedTable<'_>, asked: &SizeAsked) -> Option<String> {
    let conflict =
        table.conflict.as_ref().filter(|conflict| conflict.update.is_empty() && asked.index.is_some())?;
    let existing = table.existing?;
    let equal = |name: &String| format!("loaded.{0} = existing.{0}", ident(name));
    let equal: Vec<String> = conflict.arbiter.columns.iter().map(equal).collect();
    let target = qualified(&existing.schema, &existing.name);
    Some(format!("NOT EXISTS (SELECT FROM {target} AS existing WHERE {})", equal.join(" AND ")))
}

/// The keys that have to be compared.
pub fn keys(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Vec<KeyQuestion> {
    let of_table = |table| {
        move |asked: &KeyAsked| KeyQuestion {
            predicate: asked.predicate.clone(),
            ..question(ctx, table, asked.part, asked.columns.clone())
        }
    };
    tables.iter().flat_map(|table| table.keys.iter().map(of_table(table))).collect()
}

/// The checks that have to be judged.
pub fn checks(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Vec<CheckQuestion> {
    let of_table = |table| {
        move |(part, check): &(Part, Condition)| {
            let KeyQuestion { table, source, filter, part, .. } = question(ctx, table, *part, vec![]);
            CheckQuestion { table, part, source, filter, check: check.clone() }
        }
    };
    tables.iter().flat_map(|table| table.checks.iter().map(of_table(table))).collect()
}

/// The tables whose rows have to be counted without those that a load rejects.
pub fn rejecting(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Vec<Rejecting> {
    let loads = |table: &&DecidedTable<'_>| table.disposition != Disposition::Absent;
    tables.iter().filter(loads).filter_map(|table| loaded::rejecting(ctx, table)).collect()
}

/// A question about all rows that are loaded.
pub fn question(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    part: Part,
    columns: Vec<(String, Image)>,
) -> KeyQuestion {
    KeyQuestion {
        table: table.id,
        part,
        source: table.source.name.clone(),
        columns,
        filter: loaded::filter(ctx, table),
        predicate: None,
    }
}
