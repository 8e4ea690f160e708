//! Rows of the file that are not in the table, and that the run log has instead: those that were rejected.

use std::collections::HashSet;

use super::merge::logged_name;
use crate::pg::spi;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec};
use pg_sqlite_migrate_core::value::{Cell, PgType};

#[derive(Debug, Clone, Default)]
pub struct Absent {
    rowids: HashSet<i64>,
    /// As the log names rows without a rowid.
    names: HashSet<String>,
    /// The primary keys of rows that were rejected after they had been loaded, by their text.
    keys: HashSet<Vec<Option<String>>>,
    /// Rows that were rejected so, and that no key names: the table has none, or one of values that are spelled otherwise
    /// than in the file. The log has what they had become.
    unnamed: u64,
}

/// `$3` are the columns of the key, by the names that they have in the target.
const REJECTED: &str = "
    SELECT rowid, row_key, ARRAY(SELECT \"values\" ->> c FROM unnest($3) WITH ORDINALITY AS key (c, n) ORDER BY n) AS key
    FROM sqlite_migrate.reject WHERE run = $1 AND source_table = $2";

impl Absent {
    /// What a run's log says of the table.
    pub fn of(run: i64, spec: &LoadSpec) -> Absent {
        let column = |name: &String| spec.columns.iter().find(|c| c.source.eq_ignore_ascii_case(name));
        let key: Vec<&LoadColumn> = spec.source_key.iter().filter_map(column).collect();
        let names = key.iter().all(|column| keeps_spelling(&column.pg_type));
        let key: Vec<String> = key.into_iter().map(|column| column.target.clone()).collect();
        let mut absent = Absent::default();
        let rows = spi::rows(REJECTED, &[run.into(), (&spec.source).into(), (&key[..]).into()], |row| {
            (
                row.get::<Option<i64>>("rowid"),
                row.get::<Option<String>>("row_key"),
                row.get::<Vec<Option<String>>>("key"),
            )
        });
        for row in rows {
            match row {
                (Some(rowid), ..) => _ = absent.rowids.insert(rowid),
                (None, Some(name), _) => _ = absent.names.insert(name),
                (None, None, key) if key.is_empty() || !names => absent.unnamed += 1,
                (None, None, key) => _ = absent.keys.insert(key),
            }
        }
        absent
    }

    /// The row is in the log, and was not asked for before.
    pub fn accounts_for<'c>(
        &mut self,
        spec: &LoadSpec,
        rowid: Option<i64>,
        cell: impl Fn(usize) -> Cell<'c> + Copy,
    ) -> bool {
        rowid.is_some_and(|rowid| self.rowids.remove(&rowid))
            || !self.names.is_empty() && self.names.remove(&logged_name(spec, cell))
            || !self.keys.is_empty() && self.keys.remove(&texts(spec, cell))
    }

    /// Rows that only their number accounts for.
    pub fn unnamed(&self) -> u64 {
        self.unnamed
    }
}

/// The text of a value is the cell's.
fn keeps_spelling(pg_type: &PgType) -> bool {
    let base = pg_type.base();
    matches!(base, PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Text | PgType::Varchar(_))
        || base.is_citext()
}

/// The primary key as jsonb has it.
fn texts<'c>(spec: &LoadSpec, cell: impl Fn(usize) -> Cell<'c>) -> Vec<Option<String>> {
    let part = |name: &String| {
        let at = spec.columns.iter().position(|column| column.source.eq_ignore_ascii_case(name))?;
        match cell(at) {
            Cell::Integer(integer) => Some(integer.to_string()),
            Cell::Text(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            Cell::Real(_) | Cell::Blob(_) | Cell::Null => None,
        }
    };
    spec.source_key.iter().map(part).collect()
}
