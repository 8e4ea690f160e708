//! What a plan asks of the file and the server before it is sure, complete enough to be run.

use super::steps::load;
use crate::plan::context::Context;
use crate::plan::decide::converted::KeyAsked;
use crate::plan::decide::sizes::SizeAsked;
use crate::plan::decide::table::DecidedTable;
use crate::plan::decide::trial::create;
use crate::plan::model::{KeyQuestion, LoadSpec, SizeTrial};
use crate::plan::trial::{NAME, Part, TABLE};
use crate::value::batch::OnInvalid;
use crate::value::image::Image;

/// The rows that have to be tried.
pub fn sizes(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Vec<SizeTrial> {
    let of_table = |table| move |asked: &SizeAsked| trial(ctx, table, asked);
    tables.iter().flat_map(|table| table.sizes.iter().map(of_table(table))).collect()
}

/// A value that does not fit is no question of its size.
fn trial(ctx: &Context<'_>, table: &DecidedTable<'_>, asked: &SizeAsked) -> SizeTrial {
    let whole = load(ctx, table, false);
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
        create: create(table),
        index: asked.index.as_ref().map(|index| format!("CREATE INDEX ON {TABLE} {index}")),
        load: LoadSpec {
            schema: "pg_temp".into(),
            target: NAME.into(),
            existing: None,
            columns,
            renumbering: Box::default(),
            ..whole
        },
        size: asked.size.clone(),
        safe: asked.safe,
    }
}

/// The keys that have to be compared.
pub fn keys(tables: &[DecidedTable<'_>]) -> Vec<KeyQuestion> {
    let of_table = |table| {
        move |asked: &KeyAsked| {
            let question = question(table, asked.part, asked.columns.clone());
            KeyQuestion {
                conditions: question.conditions.into_iter().chain(asked.predicate.clone()).collect(),
                ..question
            }
        }
    };
    tables.iter().flat_map(|table| table.keys.iter().map(of_table(table))).collect()
}

/// A question about all rows that are loaded.
pub fn question(table: &DecidedTable<'_>, part: Part, columns: Vec<(String, Image)>) -> KeyQuestion {
    KeyQuestion {
        table: table.id,
        part,
        source: table.source.name.clone(),
        columns,
        conditions: table.overrides.and_then(|g| g.filter.clone()).into_iter().collect(),
    }
}
