//! The statements of a session: slots with generations, and a few released statements kept by their text.
//!
//! A statement that is removed is returned to the caller, who drops it when nothing is borrowed.

use std::collections::VecDeque;

use crate::sqlite::raw::scan::Scan;

/// Released statements that are kept.
const KEPT: usize = 64;

/// Names a statement until it is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementId {
    place: usize,
    generation: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Before its first row.
    Ready,
    Running,
    /// After its last row: another step would restart it.
    Done,
}

pub(super) struct Prepared<'a> {
    pub(super) statement: Scan<'a>,
    pub(super) state: State,
    sql: String,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(statement: Scan<'a>, sql: &str) -> Box<Prepared<'a>> {
        Box::new(Prepared { statement, state: State::Ready, sql: sql.to_owned() })
    }

    pub(super) fn reset(&mut self) {
        self.statement.reset();
        self.state = State::Ready;
    }
}

#[derive(Default)]
struct Place<'a> {
    generation: u64,
    in_use: bool,
    /// Also empty while a row of the statement is being read.
    prepared: Option<Box<Prepared<'a>>>,
}

#[derive(Default)]
pub(super) struct Slots<'a> {
    places: Vec<Place<'a>>,
    /// The least recently used first.
    kept: VecDeque<Box<Prepared<'a>>>,
}

impl<'a> Slots<'a> {
    pub(super) fn reuse(&mut self, sql: &str) -> Option<Box<Prepared<'a>>> {
        let at = self.kept.iter().rposition(|p| p.sql == sql)?;
        self.kept.remove(at)
    }

    pub(super) fn insert(&mut self, prepared: Box<Prepared<'a>>) -> StatementId {
        let free = self.places.iter().position(|p| !p.in_use);
        let at = free.unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        let place = &mut self.places[at];
        place.generation += 1;
        place.in_use = true;
        place.prepared = Some(prepared);
        StatementId { place: at, generation: place.generation }
    }

    fn place(&mut self, id: StatementId) -> Option<&mut Place<'a>> {
        self.places.get_mut(id.place).filter(|p| p.in_use && p.generation == id.generation)
    }

    pub(super) fn holds(&mut self, id: StatementId) -> bool {
        self.place(id).is_some()
    }

    pub(super) fn take(&mut self, id: StatementId) -> Option<Box<Prepared<'a>>> {
        self.place(id)?.prepared.take()
    }

    /// Returns the statement to the caller if its slot was released meanwhile.
    pub(super) fn put_back(
        &mut self,
        id: StatementId,
        prepared: Box<Prepared<'a>>,
    ) -> Option<Box<Prepared<'a>>> {
        match self.place(id) {
            Some(place) => place.prepared.replace(prepared),
            None => Some(prepared),
        }
    }

    pub(super) fn release(&mut self, id: StatementId) -> Option<Box<Prepared<'a>>> {
        let place = self.place(id)?;
        place.in_use = false;
        let mut prepared = place.prepared.take()?;
        prepared.reset();
        prepared.statement.clear_bindings();
        self.kept.push_back(prepared);
        if self.kept.len() > KEPT { self.kept.pop_front() } else { None }
    }

    // Statements are boxed: they are taken out and put back for every row.
    #[allow(clippy::vec_box)]
    pub(super) fn release_all(&mut self) -> Vec<Box<Prepared<'a>>> {
        let ids: Vec<StatementId> = (self.places.iter().enumerate())
            .filter(|(_, p)| p.in_use)
            .map(|(at, p)| StatementId { place: at, generation: p.generation })
            .collect();
        ids.into_iter().filter_map(|id| self.release(id)).collect()
    }
}
