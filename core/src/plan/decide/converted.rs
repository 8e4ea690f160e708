//! Keys whose values are different in SQLite and equal in PostgreSQL: one instant in two spellings, one UUID in two cases.
//!
//! Only where a column's type may take two stored values for one, and its profile shows such values, the file is asked:
//! `import::asked` groups the rows by what is compared of their values, and the plan is made anew, knowing the rows.

use super::collate::Folding;
use super::loaded::{self, Seen};
use super::table::{DecidedColumn, DecidedTable};
use crate::plan::context::Context;
use crate::plan::question::Condition;
use crate::plan::trial::{EqualKeys, Part, found};
use crate::types::ColumnProfile;
use crate::value::image::{Form, Image};
use crate::value::{Excess, Format, PgType};

/// A key that the file is asked about.
#[derive(Debug, Clone)]
pub struct KeyAsked {
    pub part: Part,
    /// What a SELECT reads for its columns, and what becomes of these values.
    pub columns: Vec<(String, Image)>,
    /// The condition of a partial index.
    pub predicate: Option<Condition>,
}

/// Notes what the file has to be asked about a key over source columns. Gives what it has answered.
pub fn equal_keys<'a>(
    ctx: &Context<'a>,
    table: &mut DecidedTable<'_>,
    part: Part,
    columns: &[String],
    predicate: Option<&str>,
) -> Option<&'a EqualKeys> {
    let decided: Vec<&DecidedColumn<'_>> =
        columns.iter().map(|name| table.column(name)).collect::<Option<_>>()?;
    if decided.iter().any(|column| column.computed()) || !decided.iter().any(|c| may_fold(table, c)) {
        return None;
    }
    let reading = table.reading();
    // PostgreSQL's index has its condition over converted values.
    let predicate = match predicate.map(|sql| loaded::condition(ctx, table, sql)) {
        Some(Seen::Unlike(_)) => return None,
        Some(Seen::Loaded(condition)) => Some(condition),
        Some(Seen::Stored) => predicate.map(Condition::of_stored),
        None => None,
    };
    let image = |c: &&DecidedColumn<'_>| (reading.term(&c.source.name), image(ctx, table, c));
    let columns = decided.iter().map(image).collect();
    table.keys.push(KeyAsked { part, columns, predicate });
    found(&ctx.target.equal_keys, table.id, part)
}

/// What PostgreSQL compares of a column's values.
pub fn image(ctx: &Context<'_>, table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> Image {
    let form = match () {
        () if column.folding == Some(Folding::Collation) => Form::Folded,
        () if column.folding.is_none() && !column.pg_type.is_citext() => Form::of(&column.pg_type),
        () if ctx.target.lowers_ascii_only => Form::LowerAscii,
        () => Form::Lower,
    };
    let (null_values, excess) = (column.null_values.clone(), column.excess);
    let texts = table.texts(column);
    let decoder = column.decoder(&table.timezone()).with_texts(texts);
    Image { texts, decoder, null_values, excess, form }
}

/// Whether two stored values of a column, different in SQLite, may be one value of its type.
fn may_fold(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> bool {
    let Some(stored) = table.stored(column) else { return false };
    let numbers_and_texts = stored.texts > 0 && stored.numbers() > 0;
    let shortened = column.excess != Excess::Error;
    if stored.converted > 0 {
        return true;
    }
    match column.pg_type.base() {
        PgType::Float4 if stored.reals > 0 => true,
        PgType::Bool | PgType::Float4 | PgType::Float8 | PgType::Numeric(_) => stored.texts > 0 || shortened,
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Text => numbers_and_texts,
        PgType::Varchar(_) | PgType::Bpchar(_) => numbers_and_texts || shortened,
        PgType::Bytea => {
            let encoded = matches!(column.format, Some(Format::Hex | Format::Base64));
            stored.texts > 0 && (stored.blobs > 0 || encoded)
        }
        PgType::Date | PgType::Time(_) | PgType::Timestamp(_) | PgType::TimestampTz(_) => {
            numbers_and_texts || spelled_otherwise(table, stored) || stored.reals > 0 || shortened
        }
        PgType::Uuid => stored.text.spellings_differ || (stored.texts > 0 && stored.blobs > 0),
        other => other.is_citext() && stored.texts > 0,
    }
}

/// Clocks that are set forward or back make two local times one instant.
fn spelled_otherwise(table: &DecidedTable<'_>, stored: &ColumnProfile) -> bool {
    stored.text.spellings_differ || (stored.texts > 0 && !table.timezone().is_utc())
}
