//! Rows and values as a load will have them, as far as the file alone can show them: which rows `on_invalid: "reject"`
//! leaves out, and over which values a condition of SQLite's is judged.
//!
//! PostgreSQL judges a CHECK, or the condition of an index, over converted values. Of text, numbers, bytes and booleans
//! SQLite can be shown the same values; of a time only what is stored, which is as good where all are spelled alike.

use super::converted::image;
use super::table::{DecidedColumn, DecidedTable};
use crate::ddl;
use crate::plan::context::Context;
use crate::plan::question::{Condition, LoadedColumn, Rejecting, RejectingColumn};
use crate::types::{ColumnProfile, Fit, fit};
use crate::value::affinity::Affinity;
use crate::value::batch::OnInvalid;
use crate::value::{Excess, PgType};

/// The columns by which rows of a table are rejected; `None` if all rows are loaded.
pub fn rejecting(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Option<Rejecting> {
    let reading = table.reading();
    let columns: Vec<RejectingColumn> = (table.columns.iter().filter(|column| may_reject(table, column)))
        .map(|column| RejectingColumn {
            term: reading.term(&column.source.name),
            image: image(ctx, table, column),
            not_null: refuses_null(column),
        })
        .collect();
    (!columns.is_empty()).then_some(Rejecting { table: table.id, columns })
}

/// The plan's `where`, and that the row is not rejected.
pub fn filter(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Option<String> {
    let filter = table.reading().filter;
    match rejecting(ctx, table) {
        Some(rejecting) => Some(rejecting.within(filter.as_deref())),
        None => filter,
    }
}

fn may_reject(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> bool {
    if column.on_invalid != OnInvalid::Reject || column.computed() {
        return false;
    }
    let Some(stored) = complete(table, column) else { return true };
    let fits = fit(stored, column.pg_type.base(), column.format) == Fit::Yes && stored.aside.count() == 0;
    !fits || (refuses_null(column) && stored.nulls > 0)
}

fn refuses_null(column: &DecidedColumn<'_>) -> bool {
    column.not_null && column.null_default.is_none()
}

/// What is stored in a column, if all of it was looked at.
fn complete<'p>(table: &DecidedTable<'p>, column: &DecidedColumn<'_>) -> Option<&'p ColumnProfile> {
    table.stored(column).filter(|_| table.profile.is_some_and(|profile| !profile.sampled))
}

/// What SQLite can be shown of the values that a condition reads.
#[derive(Debug)]
pub enum Seen {
    /// They are loaded as they are stored.
    Stored,
    Loaded(Condition),
    /// Nothing that is like the values of this column.
    Unlike(String),
}

/// Of a condition of the file's.
pub fn condition(ctx: &Context<'_>, table: &DecidedTable<'_>, sql: &str) -> Seen {
    let words = ddl::words(sql);
    let reads = |column: &DecidedColumn<'_>| {
        let is = |word: &String| word.eq_ignore_ascii_case(&column.source.name);
        words.as_ref().is_none_or(|words| words.iter().any(is))
    };
    let views = table.columns.iter().map(|column| (column, view(table, column)));
    let (mut columns, mut unlike) = (vec![], None);
    let mut computes = None;
    let mut any = false;
    for (column, view) in views {
        any |= view != View::Stored && !column.computed();
        match view {
            _ if !reads(column) => {}
            _ if column.computed() => computes = Some(column),
            View::Stored => {}
            View::Converted | View::Read => columns.push(loaded(ctx, table, column, view == View::Converted)),
            View::Unlike => unlike = unlike.or(Some(column)),
        }
    }
    // What is computed of other values is computed anew.
    match unlike.or(computes.filter(|_| any)) {
        Some(column) => Seen::Unlike(column.source.name.clone()),
        None if columns.is_empty() => Seen::Stored,
        None => Seen::Loaded(Condition { sql: sql.to_owned(), columns }),
    }
}

/// What SQLite can be shown of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Stored,
    /// What is stored, or NULL where it becomes that.
    Read,
    Converted,
    Unlike,
}

fn view(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> View {
    let pg_type = column.pg_type.base();
    let stored = complete(table, column);
    let alike = stored.is_some_and(|stored| is_alike(stored, column));
    let fits = stored.is_some_and(|stored| {
        let unfit = fit(stored, pg_type, column.format) == Fit::No;
        stored.converted == 0 && stored.aside.count() == 0 && !unfit
    });
    match pg_type {
        _ if alike && fits && table.reading().using(&column.source.name).is_none() => View::Stored,
        PgType::Bool | PgType::Int2 | PgType::Int4 | PgType::Int8 => View::Converted,
        PgType::Float4 | PgType::Float8 | PgType::Numeric(_) => View::Converted,
        PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) | PgType::Bytea => View::Converted,
        _ if alike && (fits || column.excess == Excess::Error) => View::Read,
        _ => View::Unlike,
    }
}

/// All values are stored as SQLite would store the converted ones, or in one form of another.
fn is_alike(stored: &ColumnProfile, column: &DecidedColumn<'_>) -> bool {
    let (texts, blobs) = (stored.texts > 0, stored.blobs > 0);
    let numbers = stored.numbers() > 0;
    match column.pg_type.base() {
        PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) => !numbers && !blobs,
        PgType::Bool | PgType::Int2 | PgType::Int4 | PgType::Int8 => {
            !texts && !blobs && stored.reals == 0 && column.format.is_none()
        }
        // A double that is printed alike is not the same double.
        PgType::Float4 => !texts && !blobs && stored.reals == 0,
        PgType::Float8 | PgType::Numeric(_) => !texts && !blobs,
        PgType::Bytea => !texts && !numbers,
        other if other.is_citext() => !numbers && !blobs,
        _ => {
            usize::from(texts) + usize::from(blobs) + usize::from(numbers) <= 1
                && !stored.text.spellings_differ
        }
    }
}

fn loaded(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    column: &DecidedColumn<'_>,
    converted: bool,
) -> LoadedColumn {
    let declared = column.source.affinity();
    let cast = match column.pg_type.base() {
        _ if !converted => None,
        PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) => {
            (declared == Affinity::Text).then_some("TEXT")
        }
        PgType::Bool | PgType::Int2 | PgType::Int4 | PgType::Int8 => Some("INTEGER"),
        PgType::Float4 | PgType::Float8 => Some("REAL"),
        PgType::Numeric(_) => Some("NUMERIC"),
        _ => None,
    };
    let built_in =
        |name: &&String| ["BINARY", "NOCASE", "RTRIM"].iter().any(|own| name.eq_ignore_ascii_case(own));
    LoadedColumn {
        name: column.source.name.clone(),
        term: table.reading().term(&column.source.name),
        image: image(ctx, table, column).unfolded(&column.pg_type),
        converted,
        cast,
        collation: column.source.collation.as_ref().filter(built_in).cloned(),
    }
}
