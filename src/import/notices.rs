//! The NOTICEs of an import, as the plan's `notices` chooses them.
//!
//! The server sends a NOTICE to the client at once, and waits where the client does not read. So there are few of them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use pgrx::{PgLogLevel, pg_sys};

use crate::pg::interrupts;
use crate::pg::progress::{Command, Progress, Work};
use crate::pg::relation;
use pg_sqlite_migrate_core::plan::Notices as Wanted;
use pg_sqlite_migrate_core::progress;
use pg_sqlite_migrate_core::sqltext::qualified;

/// Progress is reported no more often, and not before an import has taken so long.
const EVERY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Notices {
    wanted: Wanted,
    /// When progress was reported last, or the import began.
    last: Cell<Instant>,
}

impl Notices {
    pub fn new(wanted: Wanted, begun: Instant) -> Notices {
        Notices { wanted, last: Cell::new(begun) }
    }

    /// For a load that is none of the user's.
    pub fn none() -> Notices {
        Notices::new(Wanted::None, Instant::now())
    }

    /// The end of an import is reported.
    pub fn end(&self) -> bool {
        self.wanted != Wanted::None
    }

    /// Each loaded table is reported.
    pub fn tables(&self) -> bool {
        self.wanted == Wanted::Tables
    }

    /// A step begins: while the server builds an index, nothing can be reported.
    pub fn step(&self, title: &str, number: usize, steps: usize) {
        self.progress(|| format!("{title} (step {number} of {steps})"));
    }

    /// Something is under way that the file alone decides the length of.
    pub fn reading(&self, what: impl FnOnce() -> String, begun: Instant) {
        self.progress(|| progress::reading(&what(), begun.elapsed()));
    }

    fn progress(&self, message: impl FnOnce() -> String) {
        if self.wanted == Wanted::Progress && self.last.get().elapsed() >= EVERY {
            interrupts::tell(PgLogLevel::NOTICE, &message());
            self.last.set(Instant::now());
        }
    }
}

/// A load under way.
#[derive(Debug)]
pub struct Loading<'a> {
    notices: &'a Notices,
    table: String,
    expected: Option<u64>,
    begun: Instant,
}

impl<'a> Loading<'a> {
    pub fn new(notices: &'a Notices, (schema, table): (&str, &str), expected: Option<u64>) -> Loading<'a> {
        Loading { notices, table: qualified(schema, table), expected, begun: Instant::now() }
    }

    /// So many rows were read and written.
    pub fn rows(&self, rows: u64) {
        self.notices.progress(|| progress::loading(&self.table, rows, self.expected, self.begun.elapsed()));
    }
}

/// A comparison under way, which other sessions see as well.
pub struct Comparing<'a> {
    notices: &'a Notices,
    what: String,
    expected: Option<u64>,
    /// When the first rows had come: before that, they are sorted.
    begun: Cell<Option<Instant>>,
    shown: Progress,
}

impl<'a> Comparing<'a> {
    pub fn new(
        notices: &'a Notices,
        (schema, table): (&str, &str),
        run: Option<i64>,
        expected: Option<u64>,
    ) -> Comparing<'a> {
        let command = Command {
            work: Work::Verify,
            relation: relation::find(schema, table).unwrap_or(pg_sys::InvalidOid),
            run: run.unwrap_or(0),
            table_number: 0,
            tables: 0,
            tuples_total: expected.and_then(|rows| i64::try_from(rows).ok()).unwrap_or(0),
        };
        let what = format!("comparing {}", qualified(schema, table));
        Comparing { notices, what, expected, begun: Cell::default(), shown: Progress::start(command) }
    }

    /// So many rows of the file were read.
    pub fn rows(&self, rows: u64) {
        self.shown.update(0, rows, 0);
        match self.begun.get() {
            Some(begun) => {
                self.notices.progress(|| progress::loading(&self.what, rows, self.expected, begun.elapsed()));
            }
            None if rows > 0 => self.begun.set(Some(Instant::now())),
            None => {}
        }
    }
}
