//! Rows without a parent: looked for after the load, before the constraint is made, or by the constraint's own
//! operators where it is there already. Only rows of this load are touched.

mod cascade;
mod groups;
mod null;
mod query;
mod record;
mod reject;

pub use null::{Nulled, nullify};
pub use query::{OrphanQuery, hold_parents};
pub use reject::settle_rejects;

use pg_sqlite_migrate_core::plan::Orphans;

/// Rows that one settlement removed from a child table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub schema: String,
    pub table: String,
    pub rows: u64,
}

impl OrphanQuery<'_> {
    pub fn policy(&self) -> Orphans {
        self.spec.policy
    }

    /// What to say of rows that lost their key.
    pub fn nulled(&self, rows: u64) -> Option<String> {
        let columns = self.spec.columns.join(", ");
        (rows > 0).then(|| format!("{columns} became NULL in {rows} rows without a parent"))
    }
}
