//! `verify_sequences` and `reset_sequences`: where the next number comes from after a load.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::sequences;
use crate::pg::text::Text;

/// Where the sequences of a run's tables are now, and whether their next number is free; of the last run unless one is
/// named. Those first whose is not.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_sequences(
    run: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(column, Text),
            name!(sequence, Option<Text>),
            name!(next_value, Option<i64>),
            name!(furthest_value, Option<i64>),
            name!(ok, bool),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(sequences::verify(run)?.into_iter().map(|n| {
        let [schema, table, column] = [n.schema, n.table, n.column].map(Text);
        (
            schema,
            table,
            column,
            n.sequence.map(Text),
            n.next_value,
            n.furthest_value,
            n.ok,
            n.detail.map(Text),
        )
    })))
}

/// Moves every sequence that a column owns (serial and identity) past the highest value stored, never back.
#[pg_extern(volatile, parallel_unsafe)]
fn reset_sequences(
    schema: default!(Option<Text>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(schema, Text),
        name!(table, Text),
        name!(column, Text),
        name!(sequence, Text),
        name!(old_value, Option<i64>),
        name!(new_value, Option<i64>),
        name!(detail, Option<Text>),
    ),
> {
    TableIterator::new(sequences::reset(schema.as_deref()).into_iter().map(|r| {
        let [schema, table, column, sequence] = [r.schema, r.table, r.column, r.sequence].map(Text);
        (schema, table, column, sequence, r.old_value, r.new_value, r.detail.map(Text))
    }))
}
