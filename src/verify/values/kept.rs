//! The keys of the rows that are not as they should be, by which they can be looked at again.

use super::found::{Begun, Found, Sink};
use pg_sqlite_migrate_core::verify::sample;

/// Rows of a table whose keys are kept; more are only counted.
pub const MOST: usize = 10_000;

/// A longer key is not kept.
const LONGEST: usize = 1_000;

#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// As the run log has them.
    pub keys: Vec<String>,
    /// Rows whose keys are not.
    pub others: u64,
}

impl Sink for Kept {
    fn begin(&mut self, _begun: &Begun<'_>) {
        *self = Kept::default();
    }

    fn row(&mut self, row: &Found<'_>) {
        let short = |key: &&sample::Key| key.iter().flatten().map(Vec::len).sum::<usize>() <= LONGEST / 2;
        match row.key.filter(short).filter(|_| self.keys.len() < MOST) {
            Some(key) => self.keys.push(sample::to_text(key)),
            None => self.others += 1,
        }
    }
}
