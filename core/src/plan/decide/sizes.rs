//! What may be too large for the server: a row for a page, an entry for a page of a btree, which must hold three.
//!
//! A bound by types and profile tells which rows may be; whether the server refuses one depends on how far its values can
//! be compressed or moved out. So `import::asked` loads these rows into a temporary table, and the plan is made anew,
//! knowing which were refused.

use super::object::IndexKeys;
use super::table::{DecidedColumn, DecidedTable};
use crate::catalog::Encoding;
use crate::plan::context::Context;
use crate::plan::question::Bound;
use crate::plan::target::ExistingIndex;
use crate::plan::trial::{Oversized, Part, found};
use crate::sqltext::ident;
use crate::types::ColumnProfile;
use crate::value::PgType;

/// An index tuple's header, with a bitmap of NULLs.
const ENTRY_HEADER: u64 = 16;

/// Rows that are tried.
#[derive(Debug, Clone)]
pub struct SizeAsked {
    pub part: Part,
    /// What follows `CREATE INDEX ON table`; `None` for the rows themselves.
    pub index: Option<String>,
    /// The condition of the rows that come into the index.
    pub within: Option<String>,
    /// Positions of the columns that are needed.
    pub columns: Vec<usize>,
    pub bound: Bound,
}

/// How a value of a type is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// Bytes and alignment.
    Fixed(u64, u64),
    /// The value's own text or bytes, or less.
    Bytes,
    /// In no more than so many bytes for one of the text.
    Made(u64),
    /// Of a type that is not known here.
    Unknown,
}

impl Stored {
    fn of(pg_type: &PgType) -> Stored {
        match pg_type.base() {
            PgType::Bool => Stored::Fixed(1, 1),
            PgType::Int2 => Stored::Fixed(2, 2),
            PgType::Int4 | PgType::Float4 | PgType::Date => Stored::Fixed(4, 4),
            PgType::Int8 | PgType::Float8 | PgType::Money => Stored::Fixed(8, 8),
            PgType::Time(_) | PgType::Timestamp(_) | PgType::TimestampTz(_) => Stored::Fixed(8, 8),
            PgType::TimeTz(_) => Stored::Fixed(12, 8),
            PgType::Interval(_) => Stored::Fixed(16, 8),
            PgType::Uuid => Stored::Fixed(16, 1),
            PgType::Text | PgType::Varchar(_) | PgType::Bytea | PgType::Json => Stored::Bytes,
            PgType::Numeric(_) => Stored::Made(1),
            // Padded with spaces, which compress.
            PgType::Bpchar(limit) => Stored::Made(u64::from(limit.unwrap_or(1)) + 3),
            PgType::Other(_) | PgType::UserDefined(_) => Stored::Unknown,
            _ => Stored::Made(8),
        }
    }

    /// The most that a value takes in a row. A value of more than 24 bytes can be moved out, and then takes 18; one that
    /// is compressed to less stays, and is aligned.
    const IN_ROW: u64 = 27;
    /// PostgreSQL's own largest types of a fixed size, `name`.
    const UNKNOWN: u64 = 64;
}

/// Values of the type have one size.
pub fn is_short(pg_type: &PgType) -> bool {
    matches!(Stored::of(pg_type), Stored::Fixed(..))
}

/// Notes whether rows may be wider than a page. Gives those that the server has refused.
pub fn rows<'a>(ctx: &Context<'a>, table: &mut DecidedTable<'_>) -> Option<&'a Oversized> {
    if table.existing.is_some_and(|e| !matches!(e.relkind, 'r' | 'p')) {
        return None;
    }
    let safe = ctx.target.page.row.saturating_sub(header(table));
    let columns: Vec<usize> =
        table.columns.iter().enumerate().filter(|(_, c)| !c.computed()).map(|(i, _)| i).collect();
    if widest(table, |column| column.pg_type.clone())? <= safe {
        return None;
    }
    let mut before = Stored::Fixed(8, 8);
    let reading = table.reading();
    let terms = columns.iter().filter_map(|i| table.columns.get(*i)).map(|column| {
        let (name, stored) = (reading.term(&column.source.name), Stored::of(&column.pg_type));
        let padding = padding(before, stored);
        before = stored;
        match stored {
            Stored::Fixed(size, _) => format!("({name} IS NOT NULL) * {}", size + padding),
            Stored::Bytes => {
                let grows = recoded(ctx, table, column);
                format!("ifnull(min(octet_length({name}) * {grows} + 1, {}), 0)", Stored::IN_ROW)
            }
            Stored::Made(_) => format!("({name} IS NOT NULL) * {}", Stored::IN_ROW),
            Stored::Unknown => format!("({name} IS NOT NULL) * {}", Stored::UNKNOWN),
        }
    });
    let size = balanced(&terms.collect::<Vec<_>>());
    table.sizes.push(SizeAsked {
        part: Part::Row,
        index: None,
        within: None,
        columns,
        bound: Bound { size, safe },
    });
    found(&ctx.target.oversized, table.id, Part::Row)
}

/// Bytes that a row takes at most without its header, if columns have these types; `None` without a profile.
pub fn widest(table: &DecidedTable<'_>, pg_type: impl Fn(&DecidedColumn<'_>) -> PgType) -> Option<u64> {
    let profile = table.profile?;
    let mut before = Stored::Fixed(8, 8);
    let most = table.columns.iter().map(|column| {
        let stored = Stored::of(&pg_type(column));
        let padding = padding(before, stored);
        before = stored;
        let Some(values) = profile.columns.get(column.position).filter(|p| p.values() > 0) else {
            return if column.computed() { Stored::UNKNOWN } else { 0 };
        };
        match stored {
            Stored::Fixed(size, _) => size + padding,
            Stored::Bytes => (longest(values) + 1).min(Stored::IN_ROW),
            Stored::Made(_) => Stored::IN_ROW,
            Stored::Unknown => Stored::UNKNOWN,
        }
    });
    Some(most.sum())
}

/// A row's header, with a bitmap of NULLs.
pub fn header(table: &DecidedTable<'_>) -> u64 {
    (23 + table.columns.len().div_ceil(8) as u64).next_multiple_of(8)
}

fn padding(before: Stored, stored: Stored) -> u64 {
    match (before, stored) {
        (Stored::Fixed(size, aligned), Stored::Fixed(_, align)) if aligned >= align && size % align == 0 => 0,
        (_, Stored::Fixed(_, align)) => align - 1,
        _ => 0,
    }
}

/// The longest text or blob, or the text of a number.
fn longest(values: &ColumnProfile) -> u64 {
    const NUMBER: u64 = 24;
    let number = if values.numbers() > 0 { NUMBER } else { 0 };
    values.text.max_bytes.max(values.blob.max_bytes).max(number)
}

/// How much longer a text may be in UTF-8 than as it is stored.
fn recoded(ctx: &Context<'_>, table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> u64 {
    match table.texts(column).encoding {
        Some(_) => 3,
        None if ctx.source.catalog.encoding == Encoding::Utf8 => 1,
        None => 2,
    }
}

/// A sum that is not nested too deep for SQLite.
fn balanced(terms: &[String]) -> String {
    match terms {
        [] => "0".into(),
        [term] => term.clone(),
        _ => {
            let (left, right) = terms.split_at(terms.len() / 2);
            format!("({} + {})", balanced(left), balanced(right))
        }
    }
}

/// Notes whether entries of an index that is created may be too large. Gives the rows that the server has refused.
pub fn entries<'a>(
    ctx: &Context<'a>,
    table: &mut DecidedTable<'_>,
    part: Part,
    keys: &IndexKeys,
) -> Option<&'a Oversized> {
    let read = read_by(table, keys);
    let needed = keys.predicate.iter().flat_map(|predicate| {
        table.columns.iter().enumerate().filter(|(_, c)| reads(predicate, c)).map(|(i, _)| i)
    });
    let needed: Vec<usize> = needed.collect();
    ask(ctx, table, part, (keys.sql(super::trial::COLLATION), None), (&read, &needed))
}

/// The bound of an entry's size.
pub fn bound(ctx: &Context<'_>, table: &DecidedTable<'_>, keys: &IndexKeys) -> Bound {
    bounds(ctx, table, &read_by(table, keys)).0
}

fn reads(sql: &str, column: &DecidedColumn<'_>) -> bool {
    sql.contains(&ident(&column.target))
}

/// Positions of the columns that an index reads, with what a value may grow by.
fn read_by(table: &DecidedTable<'_>, keys: &IndexKeys) -> Vec<(usize, u64)> {
    let sql: Vec<&str> = keys.keys.iter().map(|key| key.sql.as_str()).collect();
    let computed = |c: &DecidedColumn<'_>| c.computed() && sql.iter().any(|sql| reads(sql, c));
    let all = table.columns.iter().any(computed);
    let mut read = vec![];
    for (i, column) in table.columns.iter().enumerate() {
        let plain = sql.iter().all(|sql| !reads(sql, column) || *sql == ident(&column.target));
        if all || sql.iter().any(|sql| reads(sql, column)) {
            read.push((i, if plain { 1 } else { COMPUTED }));
        }
    }
    read
}

/// `MAXSTRPOS`: the most bytes of words and their places in a tsvector.
const VECTOR: u64 = (1 << 20) - 1;

/// Bytes that a byte of a text may take in one: words of one character have a place each, and a blank between them.
const OF_BYTE: u64 = 4;

/// Notes whether vectors over columns may be too long. Gives the rows that the server has refused.
pub fn vectors<'a>(
    ctx: &Context<'a>,
    table: &mut DecidedTable<'_>,
    (part, expression): (Part, &str),
    columns: &[usize],
) -> Option<&'a Oversized> {
    let read: Vec<(usize, u64)> = columns.iter().map(|at| (*at, OF_BYTE)).collect();
    let (bound, most) = bounds(ctx, table, &read);
    if table.profile.is_some_and(|profile| !profile.sampled) && most <= VECTOR {
        return None;
    }
    let index = Some(format!("((pg_catalog.length({expression})))"));
    let (columns, bound) = (columns.to_vec(), Bound { safe: VECTOR, ..bound });
    table.sizes.push(SizeAsked { part, index, within: None, columns, bound });
    found(&ctx.target.oversized, table.id, part)
}

/// The same of an index of an existing table.
pub fn existing_entries<'a>(
    ctx: &Context<'a>,
    table: &mut DecidedTable<'_>,
    part: Part,
    index: &ExistingIndex,
) -> Option<&'a Oversized> {
    let read = read_by_existing(table, index);
    // The condition of a partition, and the key by which rows are skipped, may read any column.
    let all = index.partition.is_some() || table.conflict.is_some();
    let needed: Vec<usize> = if all { (0..table.columns.len()).collect() } else { vec![] };
    ask(ctx, table, part, (index.definition.clone(), index.partition.clone()), (&read, &needed))
}

/// The bound of its entries' size.
pub fn existing_bound(ctx: &Context<'_>, table: &DecidedTable<'_>, index: &ExistingIndex) -> Bound {
    bounds(ctx, table, &read_by_existing(table, index)).0
}

fn read_by_existing(table: &DecidedTable<'_>, index: &ExistingIndex) -> Vec<(usize, u64)> {
    (table.columns.iter().enumerate())
        .filter(|(_, c)| index.columns.contains(&c.target))
        .map(|(i, _)| (i, if index.computes { COMPUTED } else { 1 }))
        .collect()
}

/// How much longer than its columns the value of an expression may be, such as `lower()`.
const COMPUTED: u64 = 3;

/// `read` are the columns of the entries with what a value may grow by, `needed` others that the index reads.
fn ask<'a>(
    ctx: &Context<'a>,
    table: &mut DecidedTable<'_>,
    part: Part,
    (index, within): (String, Option<String>),
    (read, needed): (&[(usize, u64)], &[usize]),
) -> Option<&'a Oversized> {
    let (bound, most) = bounds(ctx, table, read);
    if most <= ctx.target.page.entry {
        return None;
    }
    let loaded = read.iter().map(|(i, _)| *i).chain(needed.iter().copied());
    let mut columns: Vec<usize> =
        loaded.filter(|i| table.columns.get(*i).is_some_and(|c| !c.computed())).collect();
    columns.sort_unstable();
    columns.dedup();
    table.sizes.push(SizeAsked { part, index: Some(index), within, columns, bound });
    found(&ctx.target.oversized, table.id, part)
}

/// The bound of an entry's size, and the most bytes that one takes by the profile.
fn bounds(ctx: &Context<'_>, table: &DecidedTable<'_>, read: &[(usize, u64)]) -> (Bound, u64) {
    let reading = table.reading();
    let (mut fixed, mut most, mut terms) = (ENTRY_HEADER, ENTRY_HEADER, vec![]);
    for (i, grows) in read {
        let column = table.columns.get(*i).filter(|c| !c.computed());
        let Some(column) = column else { continue };
        let longest = table.stored(column).map_or(0, longest);
        // A value's own header, and its alignment.
        const OVERHEAD: u64 = 8;
        let grows = match Stored::of(&column.pg_type) {
            Stored::Fixed(size, align) => {
                fixed += size + align - 1;
                most += size + align - 1;
                continue;
            }
            Stored::Bytes => *grows,
            Stored::Made(of_text) => grows * of_text,
            Stored::Unknown => grows * 8,
        };
        fixed += OVERHEAD;
        most += OVERHEAD + longest * grows;
        let grows = grows * recoded(ctx, table, column);
        terms.push(format!("ifnull(octet_length({}), 0) * {grows}", reading.term(&column.source.name)));
    }
    (Bound { size: balanced(&terms), safe: ctx.target.page.entry.saturating_sub(fixed) }, most)
}
