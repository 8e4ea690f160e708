//! Rows that no key pairs: how often is each there?
//!
//! A row is the digest of the forms that both sides make of its values. Digests are counted and added up by their first bits
//! on both sides; where the sums are equal, so are the rows. Only of the others the digests are kept, some at a time, and
//! the rows that only one side has are read once more to be shown. So memory has a bound, however many rows there are.

use std::collections::HashMap;

use pgrx::pg_sys;
use xxhash_rust::xxh3::Xxh3;

use super::approximate::{Groups, number_of_cell, number_of_value};
use super::found::Difference;
use super::found::{Begun, Found, Kind, Sink};
use super::merge::Stop;
use super::tally::{Extent, Tally};
use super::{Absent, Order, Pairing, Question, Wish};
use crate::error::Error;
use crate::pg::cursor::{self, Cursor};
use crate::sqlite::Source;
use crate::sqlite::ordered::{Ordered, Part, Rows};
use pg_sqlite_migrate_core::verify::back::Way;

/// The digests of a table are counted by their first bits.
const BITS: u32 = 16;

/// Rows whose digests are kept at a time.
const AT_A_TIME: u64 = 500_000;

/// Digests with the same first bits.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// The file's and the table's.
    rows: [u64; 2],
    /// The file's without the table's.
    sum: u128,
}

impl Bucket {
    fn is_even(&self) -> bool {
        let [file, table] = self.rows;
        file == table && self.sum == 0
    }
}

/// One row, on either side.
enum Side<'r> {
    File(&'r Rows, usize),
    Table(&'r Cursor),
}

/// Compares the rows, unless no column has a form that both sides share, or they are too many.
pub fn compare(
    source: &mut Source,
    pairing: &Pairing<'_>,
    question: &Question<'_>,
    sink: &mut dyn Sink,
) -> Result<Result<Tally, Stop>, Error> {
    let exact = |at: &usize| !pairing.approximate.contains(at);
    let has_form = |at: &usize| exact(at) && pairing.ways.get(*at).is_some_and(Way::has_form);
    let columns: Vec<usize> = (0..pairing.ways.len()).filter(has_form).collect();
    if columns.is_empty() && pairing.approximate.is_empty() {
        return Ok(Err(Stop::NoForm));
    }
    let extent = if matches!(question.rows, Wish::Sample(_)) { Extent::Unsampled } else { Extent::Whole };
    let mut tally = Tally::new(&pairing.spec.columns, question.others, question.believed.clone(), extent);
    tally.unpaired = true;
    let unnamed = question.absent.unnamed();
    sink.begin(&Begun {
        spec: pairing.spec,
        attributes: &pairing.attributes,
        by_primary: false,
        unnamed,
        others: question.others,
    });
    let order = Order { columns, unique: false, by_rowid: false, primary: false };
    let mut sides = Sides { source, pairing, order: &order, question };
    let mut unread = vec![0; pairing.ways.len()];
    let mut sums = Groups::new(pairing.approximate.len(), 1 << BITS);
    let Some(buckets) = sides.buckets(&mut unread, &mut sums)? else { return Ok(Err(Stop::TooMany)) };
    let rows: u64 = buckets.iter().map(|bucket| bucket.rows[0]).sum();
    for group in groups(&buckets) {
        let uneven = sides.uneven(&buckets, &group)?;
        sides.show(&uneven, &mut tally, sink)?;
        let differing = tally.rows_found(unnamed);
        if question.stop_after.is_some_and(|limit| differing >= limit) {
            tally.extent = Extent::Stopped { differing };
            break;
        }
    }
    tally.paired = rows.saturating_sub(tally.missing_in_target);
    let even = |bucket: usize| buckets.get(bucket).is_some_and(Bucket::is_even);
    for (at, column) in pairing.approximate.iter().enumerate() {
        if let Some(bucket) = sums.first_difference(at, even) {
            let [stored, found] = sums.shown(at, bucket);
            let key = sides.name_of(bucket)?;
            let name = pairing.spec.columns.get(*column).map(|column| column.target.clone());
            let (source, target) = (Some(stored), Some(found));
            tally.different(*column, || Difference {
                key,
                column: name,
                source,
                target,
                kind: Kind::Different,
            });
        }
    }
    let paired = tally.paired;
    for ((at, column), unread) in tally.columns.iter_mut().enumerate().zip(unread) {
        match order.columns.contains(&at) {
            _ if pairing.approximate.contains(&at) => {
                (column.equal, column.approximate) = (paired.saturating_sub(column.different), true);
            }
            true => {
                column.unknown = paired.min(unread);
                column.equal = paired - column.unknown;
            }
            false => {
                column.refused = Some("no key pairs the rows, and the cell does not tell the value".into())
            }
        }
    }
    tally.finish(unnamed);
    Ok(Ok(tally))
}

fn bucket_of(digest: u128) -> usize {
    (digest >> (u128::BITS - BITS)) as usize
}

/// Buckets that are to be looked at, those at a time that have not too many rows.
fn groups(buckets: &[Bucket]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(u64, Vec<usize>)> = vec![];
    for (at, bucket) in buckets.iter().enumerate().filter(|(_, bucket)| !bucket.is_even()) {
        let rows = bucket.rows.iter().sum::<u64>();
        match groups.last_mut() {
            Some((sum, group)) if *sum + rows <= AT_A_TIME => {
                *sum += rows;
                group.push(at);
            }
            _ => groups.push((rows, vec![at])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

struct Sides<'a, 'q> {
    source: &'a mut Source,
    pairing: &'a Pairing<'q>,
    order: &'a Order,
    question: &'a Question<'q>,
}

impl Sides<'_, '_> {
    /// Counts the digests, and the cells of each column that cannot be read; adds up what each side has computed. `None`
    /// if there are too many.
    fn buckets(&mut self, unread: &mut [u64], sums: &mut Groups) -> Result<Option<Vec<Bucket>>, Error> {
        let mut buckets = vec![Bucket::default(); 1 << BITS];
        let pairing = self.pairing;
        let whole = self.each(&mut |digest, side| {
            for (at, column) in pairing.approximate.iter().enumerate() {
                let (side, number) = match side {
                    Side::File(rows, row) => (0, number_of_cell(rows.cell(row, *column))),
                    Side::Table(cursor) => (1, number_of_value(&cursor.value(*column))),
                };
                sums.add(at, bucket_of(digest), side, number);
            }
            if let Side::File(rows, row) = side {
                let cells = pairing.ways.iter().enumerate().zip(unread.iter_mut());
                cells.for_each(|((at, way), count)| *count += u64::from(way.is_unread(rows.cell(row, at))));
            }
            let Some(bucket) = buckets.get_mut(bucket_of(digest)) else { return };
            let [file, table] = &mut bucket.rows;
            match side {
                Side::File(..) => (*file, bucket.sum) = (*file + 1, bucket.sum.wrapping_add(digest)),
                Side::Table(_) => (*table, bucket.sum) = (*table + 1, bucket.sum.wrapping_sub(digest)),
            }
        })?;
        Ok(whole.then_some(buckets))
    }

    /// The digests that one side has more often, with how often; those of the file are counted up.
    fn uneven(&mut self, buckets: &[Bucket], group: &[usize]) -> Result<HashMap<u128, i64>, Error> {
        let mut wanted = vec![false; buckets.len()];
        group.iter().for_each(|at| wanted[*at] = true);
        let mut counts = HashMap::new();
        self.each(&mut |digest, side| {
            if wanted.get(bucket_of(digest)).copied().unwrap_or(false) {
                let count: &mut i64 = counts.entry(digest).or_default();
                *count += if matches!(side, Side::File(..)) { 1 } else { -1 };
            }
        })?;
        counts.retain(|_, count| *count != 0);
        Ok(counts)
    }

    /// The first row of the file with such a digest, by its columns that are compared exactly.
    fn name_of(&mut self, bucket: usize) -> Result<String, Error> {
        let (spec, order) = (self.pairing.spec, self.order);
        let mut name = None;
        self.each(&mut |digest, side| {
            if let (None, Side::File(rows, row), true) = (&name, &side, bucket_of(digest) == bucket) {
                let (kind, source) = (Kind::Different, Some((*rows, *row)));
                let found = Found {
                    kind,
                    spec,
                    order,
                    key: None,
                    doubled: false,
                    source,
                    target: None,
                    columns: &[],
                };
                name = Some(found.name());
            }
        })?;
        Ok(name.unwrap_or_default())
    }

    fn show(
        &mut self,
        uneven: &HashMap<u128, i64>,
        tally: &mut Tally,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let (spec, order) = (self.pairing.spec, self.order);
        let mut left = uneven.clone();
        self.each(&mut |digest, side| {
            let Some(count) = left.get_mut(&digest) else { return };
            let none = Found {
                kind: Kind::MissingInSource,
                spec,
                order,
                key: None,
                doubled: false,
                source: None,
                target: None,
                columns: &[],
            };
            let found = match side {
                Side::File(rows, row) if *count > 0 => {
                    *count -= 1;
                    Found { kind: Kind::MissingInTarget, source: Some((rows, row)), ..none }
                }
                Side::Table(row) if *count < 0 => {
                    *count += 1;
                    Found { target: Some(row), ..none }
                }
                _ => return,
            };
            if tally.missing(found.kind, || found.of_column(0)) {
                sink.row(&found);
            }
        })?;
        Ok(())
    }

    /// Every row of both sides, those of the file first; without those that the run has rejected. `false` if a side has more
    /// than are compared: then not all were taken.
    fn each(&mut self, take: &mut dyn FnMut(u128, Side<'_>)) -> Result<bool, Error> {
        let (pairing, order) = (self.pairing, self.order);
        let ways: Vec<(usize, &Way)> =
            order.columns.iter().filter_map(|column| Some((*column, pairing.ways.get(*column)?))).collect();
        let ordered = Ordered {
            table: &pairing.spec.source,
            rowid: pairing.rowid,
            terms: &pairing.terms,
            filter: pairing.spec.reading.filter.as_deref(),
            key: &[],
            by_rowid: false,
            part: Part::All,
        };
        let mut absent: Absent = self.question.absent.clone();
        let mut done = 0;
        let most = self.question.most_rows.unwrap_or(u64::MAX);
        let read = super::read(self.source, &ordered, |rows| {
            done += rows.count() as u64;
            (self.question.progress)(done);
            if done > most {
                return false;
            }
            for row in 0..rows.count() {
                let cell = |column: usize| rows.cell(row, column);
                if absent.accounts_for(pairing.spec, rows.rowid(row), cell) {
                    continue;
                }
                let mut digest = Xxh3::new();
                ways.iter().for_each(|(column, way)| way.write_cell(rows.cell(row, *column), &mut digest));
                take(digest.digest128(), Side::File(&rows, row));
            }
            true
        });
        // Reading that was stopped ends with an error of its own.
        if done > most {
            return Ok(false);
        }
        read?;
        let types: Vec<pg_sys::Oid> = (0..pairing.ways.len()).map(|column| pairing.type_of(column)).collect();
        let names: Vec<String> = (0..pairing.ways.len()).filter_map(|column| pairing.name(column)).collect();
        let _settings = pairing.settings();
        cursor::with(&format!("SELECT {} FROM {}", names.join(", "), pairing.from), &types, |cursor| {
            let mut left = most;
            while cursor.advance() {
                let Some(after) = left.checked_sub(1) else { return Ok(false) };
                left = after;
                let mut digest = Xxh3::new();
                ways.iter().for_each(|(column, way)| way.write_value(&cursor.value(*column), &mut digest));
                take(digest.digest128(), Side::Table(cursor));
            }
            Ok(true)
        })
    }
}
