//! Chooses the rows that are compared, where not all are, and finds them on both sides.
//!
//! Of integer keys, ranges are read, by the indexes that both sides have. Of other keys each side is looked through once,
//! without a sort, for rows that the key's bytes select: those of the table by their places, before they are read.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use pgrx::pg_sys;

use super::tally::Extent;
use super::{Order, Pairing, Question, Wish};
use crate::error::Error;
use crate::pg::cursor::{self, Cursor};
use crate::pg::{reading, spi, thread};
use crate::sqlite::ordered::{self, Part, Ranges, Sampled};
use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::verify::sample::{self, Key, Wanted};

/// The rows of both sides.
pub enum Selected {
    All,
    Ranges(Vec<(i64, i64)>),
    /// With the places of the table's rows, unless they are too many to be named.
    Wanted(Wanted, Option<Vec<String>>),
}

/// Arguments that a function of SQLite's takes.
const WIDEST: usize = 100;

/// Places that a query names; beyond them all rows are read.
const NAMED: usize = 200_000;

/// Chooses the rows.
pub fn select(
    source: &mut Source,
    pairing: &Pairing<'_>,
    order: &Order,
    question: &Question<'_>,
) -> Result<Selected, Error> {
    let wish = &question.rows;
    // The run has counted those that its condition selects.
    let about = question.expected.filter(|_| pairing.spec.reading.filter.is_none());
    let seed = RandomState::new().hash_one(pairing.spec.target.as_str());
    match (wish, pairing.rowid.filter(|_| order.by_rowid)) {
        (Wish::All, _) => Ok(Selected::All),
        // The keys may be those of another order, if the table has changed since.
        (Wish::Again(keys), _) if keys.iter().any(|key| key.len() != order.columns.len()) => {
            Ok(Selected::All)
        }
        (_, None) if order.columns.len() > WIDEST => Ok(Selected::All),
        (Wish::Sample(_), _) if !order.primary => Ok(Selected::All),
        (Wish::Sample(rows), Some(rowid)) => {
            let sampled = Sampled { table: &pairing.spec.source, rowid, rows: *rows, about, seed };
            match thread::run(move || ordered::ranges(source, sampled))? {
                None => Ok(Selected::All),
                Some(ranges) => Ok(Selected::Ranges(with_outside(pairing, order, ranges, *rows, seed))),
            }
        }
        (Wish::Sample(rows), None) => {
            let table = pairing.spec.source.as_str();
            let all = thread::run(move || sqlite::count(source, table, None))?;
            match all / (*rows).max(1) {
                0 | 1 => Ok(Selected::All),
                each => Ok(wanted(pairing, order, Wanted::OneOf { rows: each, seed })),
            }
        }
        (Wish::Again(keys), Some(_)) => {
            Ok(Selected::Ranges(sample::ranges(keys.iter().filter_map(sample::integer).collect())))
        }
        (Wish::Again(keys), None) => {
            let keys: HashSet<Key> = keys.iter().cloned().collect();
            Ok(wanted(pairing, order, Wanted::Keys(keys)))
        }
    }
}

/// With rows of the table whose keys are before or after all of the file's.
fn with_outside(
    pairing: &Pairing<'_>,
    order: &Order,
    of_file: Ranges,
    rows: u64,
    seed: u64,
) -> Vec<(i64, i64)> {
    let Ranges { ends: (first, last), within } = of_file;
    let Some(key) = order.columns.first().and_then(|column| pairing.name(*column)) else { return within };
    let from = &pairing.from;
    let sql = format!("SELECT min({key})::bigint AS least, max({key})::bigint AS greatest FROM {from}");
    let _settings = reading::guarded();
    let ends =
        spi::row(&sql, &[], |row| (row.get::<Option<i64>>("least"), row.get::<Option<i64>>("greatest")));
    let Some((Some(least), Some(greatest))) = ends else { return within };
    // As many as of a tenth of the file's parts.
    let (parts, each) = (sample::PARTS / 10, (rows / sample::PARTS).max(1));
    let some = |(place, end): (i64, i64)| {
        let sql = format!(
            "SELECT max(k)::bigint FROM (SELECT {key} AS k FROM {from} WHERE {key} BETWEEN $1 AND $2 ORDER BY k LIMIT $3) AS part"
        );
        let last: Option<i64> = spi::value(&sql, &[place.into(), end.into(), (each as i64).into()]).flatten();
        Some((place, last?))
    };
    let outside = |first, last| sample::places(first, last, parts, seed).into_iter().filter_map(some);
    let before = (least < first).then(|| outside(least, first - 1)).into_iter().flatten();
    let after = (last < greatest).then(|| outside(last + 1, greatest)).into_iter().flatten();
    before.chain(within).chain(after).collect()
}

/// Looks through the keys of the table.
fn wanted(pairing: &Pairing<'_>, order: &Order, wanted: Wanted) -> Selected {
    let names: Vec<String> = order.columns.iter().filter_map(|column| pairing.name(*column)).collect();
    let sql = format!("SELECT {}, ctid FROM {}", names.join(", "), pairing.from);
    let columns = order.columns.iter().map(|column| pairing.type_of(*column));
    let types: Vec<pg_sys::Oid> = columns.chain([pg_sys::TIDOID]).collect();
    let key = |cursor: &Cursor| -> Option<Key> {
        let part = |(at, column): (usize, &usize)| pairing.ways.get(*column)?.key_of(&cursor.value(at));
        order.columns.iter().enumerate().map(part).collect()
    };
    let mut places = vec![];
    let _settings = reading::guarded();
    cursor::with(&sql, &types, |cursor| {
        while cursor.advance() {
            // A value that no cell can become has no key.
            if key(cursor).is_none_or(|key| wanted.takes(&key))
                && let Native::Printed(place) = cursor.value(order.columns.len())
            {
                places.push(place.into_owned());
                if places.len() > NAMED {
                    return;
                }
            }
        }
    });
    let named = places.len() <= NAMED;
    Selected::Wanted(wanted, named.then_some(places))
}

impl Selected {
    /// Of the file.
    pub fn part(&self) -> Part<'_> {
        match self {
            Selected::All => Part::All,
            Selected::Ranges(ranges) => Part::Ranges(ranges),
            Selected::Wanted(wanted, _) => Part::Wanted(wanted),
        }
    }

    pub fn wanted(&self) -> Option<&Wanted> {
        match self {
            Selected::Wanted(wanted, _) => Some(wanted),
            Selected::All | Selected::Ranges(_) => None,
        }
    }

    /// The condition on the table's rows, if there is one.
    pub fn condition(&self, pairing: &Pairing<'_>, order: &Order) -> Option<String> {
        match self {
            Selected::All => None,
            Selected::Ranges(ranges) => {
                let key = pairing.name(*order.columns.first()?)?;
                let (single, wide): (Vec<_>, Vec<_>) = ranges.iter().partition(|(first, last)| first == last);
                let list: Vec<String> = single.iter().map(|(first, _)| first.to_string()).collect();
                let list = format!("{key} = ANY ('{{{}}}'::bigint[])", list.join(","));
                let wide = wide
                    .iter()
                    .map(|(first, last)| format!("{key} BETWEEN '{first}'::bigint AND '{last}'::bigint"));
                Some(std::iter::once(list).chain(wide).collect::<Vec<_>>().join(" OR "))
            }
            Selected::Wanted(_, places) => {
                let list: Vec<String> = places.as_ref()?.iter().map(|place| format!("\"{place}\"")).collect();
                Some(format!("ctid = ANY ('{{{}}}'::tid[])", list.join(",")))
            }
        }
    }

    pub fn extent(&self, wish: &Wish) -> Extent {
        match (self, wish) {
            (Selected::All, Wish::Sample(_)) => Extent::Unsampled,
            (Selected::All, _) => Extent::Whole,
            (_, Wish::Again(_)) => Extent::Again,
            _ => Extent::Sample,
        }
    }
}
