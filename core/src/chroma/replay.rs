//! Which vector of a record counts: that of the index, or one of the queue.
//!
//! The index holds what the queue had up to a row, `held`. The rows after it are applied to what the index has. Where the
//! index is lost, a queue from which nothing was removed has everything; one that was purged tells of some records only
//! that their vector is lost. A row without a vector changes no vector.
#![deny(clippy::disallowed_methods)]

use std::collections::HashMap;

use crate::value::buffer::{self, OutOfMemory};

/// What a row of the queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Add,
    Update,
    Upsert,
    Delete,
    /// One that is not known: the vector that the record had may be another.
    Unknown,
}

impl Operation {
    pub fn of(number: i64) -> Operation {
        match number {
            0 => Operation::Add,
            1 => Operation::Update,
            2 => Operation::Upsert,
            3 => Operation::Delete,
            _ => Operation::Unknown,
        }
    }
}

/// A row of the queue, in the order of `seq_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub seq_id: i64,
    pub operation: Operation,
    pub id: Box<str>,
    pub vector: Vector,
}

/// Whether a row of the queue has a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vector {
    None,
    Floats,
    /// In an encoding that is not read.
    Other,
}

impl Row {
    /// Where the vector of the record is from this row on, if the row takes effect; `None` where it has none.
    fn place(&self) -> Option<Place> {
        match self.vector {
            Vector::None => None,
            Vector::Floats => Some(Place::Queue(self.seq_id)),
            Vector::Other => Some(Place::Lost),
        }
    }
}

/// Where a vector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The element of the index with this number, from 0.
    Element(u64),
    /// The row of the queue with this number.
    Queue(i64),
    /// In neither.
    Lost,
}

/// What became of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can be read.
    Usable,
    /// Nothing was ever written to it.
    Unwritten,
    /// It was written, and cannot be read.
    Lost,
}

/// What is known of a collection.
pub struct Known<'k> {
    pub state: State,
    /// The elements of the index that are alive; a damaged one is [`Place::Lost`].
    pub index: HashMap<Box<str>, Place>,
    /// The last row of the queue that the index holds.
    pub held: Option<i64>,
    pub queue: &'k [Row],
    /// Rows were never removed from the queue.
    pub complete: bool,
    /// The records and the rows of the queue that they are from.
    pub records: &'k HashMap<Box<str>, i64>,
}

/// The place of each vector. Ids that are no records' are among them.
pub fn places(known: Known<'_>) -> Result<HashMap<Box<str>, Place>, OutOfMemory> {
    match known.state {
        State::Usable => {
            let mut places = known.index;
            mend(&mut places, known.queue, known.held, known.complete, known.records)?;
            let later = |row: &&Row| known.held.is_none_or(|held| row.seq_id > held);
            known.queue.iter().filter(later).try_for_each(|row| apply(&mut places, row))?;
            Ok(places)
        }
        State::Unwritten => whole(known.queue),
        State::Lost => {
            if known.complete {
                let places = whole(known.queue)?;
                let same = places.len() == known.records.len()
                    && known.records.keys().all(|id| places.contains_key(id));
                if same {
                    return Ok(places);
                }
            }
            remains(known.queue, known.records)
        }
    }
}

fn whole(queue: &[Row]) -> Result<HashMap<Box<str>, Place>, OutOfMemory> {
    let mut places = HashMap::new();
    queue.iter().try_for_each(|row| apply(&mut places, row))?;
    Ok(places)
}

fn apply(places: &mut HashMap<Box<str>, Place>, row: &Row) -> Result<(), OutOfMemory> {
    let present = places.contains_key(&row.id);
    let place = match row.operation {
        Operation::Delete => {
            places.remove(&row.id);
            return Ok(());
        }
        Operation::Unknown => present.then_some(Place::Lost),
        Operation::Add => row.place().filter(|_| !present),
        Operation::Update => row.place().filter(|_| present),
        Operation::Upsert => row.place(),
    };
    place.map_or(Ok(()), |place| put(places, &row.id, place))
}

/// What a purged queue tells of a lost index. Whether an id was in the index is not known: each record counts as one that
/// was, and whose vector is lost.
fn remains(queue: &[Row], records: &HashMap<Box<str>, i64>) -> Result<HashMap<Box<str>, Place>, OutOfMemory> {
    let mut places = HashMap::new();
    for id in records.keys() {
        put(&mut places, id, Place::Lost)?;
    }
    follow(&mut places, queue.iter(), false, records)?;
    places.retain(|id, place| *place != Place::Lost || records.contains_key(id));
    Ok(places)
}

/// Looks in the queue for the vectors of damaged elements: of the rows that the index holds, the last one with a vector, if
/// it surely took effect.
fn mend(
    places: &mut HashMap<Box<str>, Place>,
    queue: &[Row],
    held: Option<i64>,
    complete: bool,
    records: &HashMap<Box<str>, i64>,
) -> Result<(), OutOfMemory> {
    let mut damaged: HashMap<Box<str>, Place> = HashMap::new();
    for (id, _) in places.iter().filter(|(_, place)| **place == Place::Lost) {
        put(&mut damaged, id, Place::Lost)?;
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let within = |row: &&Row| held.is_some_and(|held| row.seq_id <= held) && damaged.contains_key(&row.id);
    let mut found = HashMap::new();
    follow(&mut found, queue.iter().filter(within), complete, records)?;
    found.into_iter().try_for_each(|(id, place)| put(places, &id, place))
}

/// Follows rows of records of which it is not known whether they were there before, unless nothing was removed from the
/// queue: a record that is there ignores an add, and one that is not ignores an update.
fn follow<'r>(
    places: &mut HashMap<Box<str>, Place>,
    rows: impl Iterator<Item = &'r Row>,
    complete: bool,
    records: &HashMap<Box<str>, i64>,
) -> Result<(), OutOfMemory> {
    let mut seen: HashMap<&str, Option<bool>> = HashMap::new();
    for row in rows {
        let from = records.get(&row.id);
        let before = if complete || from.is_none() { Some(false) } else { None };
        seen.try_reserve(1).map_err(OutOfMemory::from)?;
        let present = seen.entry(&row.id).or_insert(before);
        let (place, after) = match (row.operation, *present) {
            (Operation::Unknown, _) => (Some(Place::Lost), None),
            (Operation::Delete, _) => (Some(Place::Lost), Some(false)),
            (Operation::Update, Some(false)) => (None, Some(false)),
            (Operation::Update, there) => (row.place(), there),
            (Operation::Add, Some(true)) => (None, Some(true)),
            // If the record is from an earlier row, it was there. If it is from a later one, nobody can tell.
            (Operation::Add, None) if from.is_some_and(|from| *from < row.seq_id) => (None, Some(true)),
            (Operation::Add, None) if from.is_some_and(|from| *from > row.seq_id) => {
                (Some(Place::Lost), Some(true))
            }
            (Operation::Add | Operation::Upsert, _) => (row.place(), Some(true)),
        };
        *present = after;
        if let Some(place) = place {
            put(places, &row.id, place)?;
        }
    }
    Ok(())
}

fn put(places: &mut HashMap<Box<str>, Place>, id: &str, place: Place) -> Result<(), OutOfMemory> {
    if let Some(there) = places.get_mut(id) {
        *there = place;
        return Ok(());
    }
    places.try_reserve(1).map_err(OutOfMemory::from)?;
    places.insert(buffer::text(id)?.into_boxed_str(), place);
    Ok(())
}

/// The rows that the index holds with a vector, latest first: where the index has rounded it, one of them may have it
/// exactly.
pub fn exact_candidates(queue: &[Row], held: Option<i64>) -> impl Iterator<Item = &Row> {
    queue
        .iter()
        .rev()
        .filter(move |row| row.vector == Vector::Floats && held.is_some_and(|held| row.seq_id <= held))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::Operation::*;
    use super::*;

    fn queue(rows: &[(i64, Operation, &str, bool)]) -> Vec<Row> {
        let row = |&(seq_id, operation, id, vector): &(i64, Operation, &str, bool)| Row {
            seq_id,
            operation,
            id: id.into(),
            vector: if vector { Vector::Floats } else { Vector::None },
        };
        rows.iter().map(row).collect()
    }

    fn map<T: Copy>(pairs: &[(&str, T)]) -> HashMap<Box<str>, T> {
        pairs.iter().map(|(id, value)| ((*id).into(), *value)).collect()
    }

    fn case(
        state: State,
        index: &[(&str, Place)],
        held: Option<i64>,
        rows: &[(i64, Operation, &str, bool)],
        complete: bool,
        records: &[(&str, i64)],
    ) -> Vec<(String, Place)> {
        let (queue, records) = (queue(rows), map(records));
        let known = Known { state, index: map(index), held, queue: &queue, complete, records: &records };
        let mut out: Vec<_> =
            places(known).unwrap().into_iter().map(|(id, place)| (id.to_string(), place)).collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        out
    }

    fn said(expected: &[(&str, Place)]) -> Vec<(String, Place)> {
        expected.iter().map(|(id, place)| (id.to_string(), *place)).collect()
    }

    #[test]
    fn later_rows_go_over_the_index() {
        let rows = [
            (5, Upsert, "a", true),
            (6, Add, "a", true),
            (7, Update, "gone", true),
            (8, Delete, "b", false),
            (9, Add, "b", true),
            (10, Update, "c", false),
            (11, Upsert, "d", true),
        ];
        let index = [("a", Place::Element(0)), ("b", Place::Element(1)), ("c", Place::Element(2))];
        let out = case(State::Usable, &index, Some(5), &rows, false, &[]);
        let expected = [
            ("a", Place::Element(0)),
            ("b", Place::Queue(9)),
            ("c", Place::Element(2)),
            ("d", Place::Queue(11)),
        ];
        assert_eq!(out, said(&expected));
    }

    #[test]
    fn a_complete_queue_has_everything() {
        let rows =
            [(1, Add, "a", true), (2, Add, "a", true), (3, Upsert, "b", true), (4, Delete, "a", false)];
        let out = case(State::Lost, &[], Some(3), &rows, true, &[("b", 3)]);
        assert_eq!(out, said(&[("b", Place::Queue(3))]));
        assert_eq!(case(State::Unwritten, &[], None, &rows, false, &[("b", 3)]), out);
        // Somebody has removed rows all the same.
        let out = case(State::Lost, &[], Some(3), &rows, true, &[("b", 3), ("c", 0)]);
        assert_eq!(out, said(&[("b", Place::Queue(3)), ("c", Place::Lost)]));
    }

    #[test]
    fn a_purged_queue_tells_adds_that_were_ignored() {
        let rows = [
            (5, Add, "ignored", true),
            (6, Add, "taken", true),
            (7, Add, "unknown", true),
            (8, Update, "lost", true),
            (9, Update, "unknown", false),
            (10, Update, "twice", false),
            (11, Add, "twice", true),
        ];
        let records =
            [("ignored", 2), ("taken", 6), ("unknown", 9), ("lost", 8), ("never", 1), ("twice", 10)];
        let out = case(State::Lost, &[], Some(4), &rows, false, &records);
        let expected = [
            ("ignored", Place::Lost),
            ("lost", Place::Queue(8)),
            ("never", Place::Lost),
            ("taken", Place::Queue(6)),
            ("twice", Place::Lost),
            ("unknown", Place::Lost),
        ];
        assert_eq!(out, said(&expected));
    }

    #[test]
    fn an_update_of_a_deleted_record_is_no_vector() {
        let rows =
            [(1, Add, "a", true), (2, Delete, "a", false), (3, Update, "a", true), (4, Add, "a", true)];
        let found =
            |state, index: &[_], complete, from| case(state, index, Some(4), &rows, complete, &[("a", from)]);
        for (complete, from) in [(true, 4), (false, 4), (false, 9)] {
            let expected = said(&[("a", Place::Queue(4))]);
            assert_eq!(found(State::Usable, &[("a", Place::Lost)], complete, from), expected);
            assert_eq!(found(State::Lost, &[], complete, from), expected);
        }
        // Nobody knows whether the record was there at first; what it is from tells.
        let rows = [(5, Update, "a", true), (6, Add, "a", true)];
        for (from, place) in [(5, Place::Queue(5)), (6, Place::Queue(6)), (9, Place::Lost)] {
            let index = [("a", Place::Lost)];
            let mended = case(State::Usable, &index, Some(6), &rows, false, &[("a", from)]);
            assert_eq!(mended, said(&[("a", place)]));
            assert_eq!(case(State::Lost, &[], Some(6), &rows, false, &[("a", from)]), mended);
        }
    }

    #[test]
    fn a_row_that_is_not_understood_loses_the_vector() {
        let mut rows = queue(&[(5, Upsert, "a", true), (6, Unknown, "b", true), (7, Unknown, "new", true)]);
        rows[0].vector = Vector::Other;
        let records = map(&[("a", 5), ("b", 6)]);
        for state in [State::Usable, State::Lost] {
            let index = map(&[("a", Place::Element(0)), ("b", Place::Element(1))]);
            let known = Known { state, index, held: None, queue: &rows, complete: false, records: &records };
            assert_eq!(places(known).unwrap(), map(&[("a", Place::Lost), ("b", Place::Lost)]));
        }
    }

    #[test]
    fn a_damaged_element_is_looked_for_in_the_queue() {
        let rows = [(3, Add, "a", true), (4, Upsert, "b", true), (5, Add, "c", true), (6, Add, "b", true)];
        let index = [("a", Place::Lost), ("b", Place::Lost), ("c", Place::Lost), ("d", Place::Lost)];
        let out = case(State::Usable, &index, Some(9), &rows, false, &[("a", 1), ("b", 4), ("c", 5)]);
        let expected =
            [("a", Place::Lost), ("b", Place::Queue(4)), ("c", Place::Queue(5)), ("d", Place::Lost)];
        assert_eq!(out, said(&expected));
    }
}
