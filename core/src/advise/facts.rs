//! What the server says, as far as rules need it. Data only.

use std::collections::HashMap;

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub tables: Vec<Table>,
    pub foreign_keys: Vec<ForeignKey>,
    pub searched: Vec<Searched>,
    pub flags: Vec<Flag>,
    pub texts: Vec<Text>,
    pub sequences: Vec<Sequence>,
    pub times: Vec<Times>,
    /// Of a caller who may see the settings.
    pub server: Option<Server>,
}

/// A table that a run has loaded, and that is still there. The others name theirs by its place among these.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// As last analyzed.
    pub rows: u64,
    /// With indexes and TOAST.
    pub bytes: u64,
    pub partitioned: bool,
    /// No VACUUM since the load: no page is known to be all visible.
    pub unvacuumed: bool,
    pub columns: Vec<String>,
    pub primary_key: Vec<String>,
    /// NOT NULL columns of a unique index that could be the primary key.
    pub candidate: Vec<String>,
}

/// A foreign key of whose columns no index begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForeignKey {
    pub table: usize,
    pub columns: Vec<String>,
    pub parent: String,
    pub parent_rows: u64,
}

/// A column that is searched by what is in its values, and has no index for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    pub table: usize,
    pub column: String,
    /// `jsonb`, or `tsvector`.
    pub type_name: String,
    /// Mean bytes of a value, where the caller may know.
    pub width: Option<u64>,
}

/// A boolean column that no partial index asks about.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    pub table: usize,
    pub column: String,
    /// The share of rows in which it is true, and false.
    pub truths: f64,
    pub falsehoods: f64,
}

/// A text column whose values are all of another type.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub table: usize,
    pub column: String,
    pub type_name: String,
    /// All values have just been read as such; otherwise they were when they were imported.
    pub read_now: bool,
}

/// A sequence that gives the values of several columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    pub columns: Vec<String>,
}

/// A column of times by which a table is sorted on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    pub table: usize,
    pub column: String,
    pub correlation: f64,
    /// A BRIN index is there.
    pub brin: bool,
}

/// The machine, the settings, and what was counted since the statistics were reset.
#[derive(Debug, Clone, Default)]
pub struct Server {
    pub settings: HashMap<String, Setting>,
    /// What the server may use of the machine's memory.
    pub memory: Option<u64>,
    /// All databases of the cluster that the caller may measure.
    pub data: u64,
    /// Of the run's indexes.
    pub largest_index: Option<(String, u64)>,
    /// The current database's temporary files, and their bytes.
    pub temporary: (u64, u64),
    pub checkpoints_timed: u64,
    pub checkpoints_requested: u64,
    /// The data directory is on a disk that turns.
    pub rotational: Option<bool>,
    pub replication_slots: u64,
    /// pg_stat_statements can be created, and is.
    pub statements_available: bool,
    pub statements_created: bool,
    /// Rows of the run.
    pub rows: u64,
}

/// A row of `pg_settings`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    /// `8kB`, `kB`, `MB`, …
    pub unit: Option<String>,
    /// `postmaster` needs a restart.
    pub context: String,
}

impl Setting {
    /// Bytes, of a setting that is a size.
    pub fn bytes(&self) -> Option<u64> {
        let unit = match self.unit.as_deref()? {
            "B" => 1,
            "kB" => 1 << 10,
            "MB" => 1 << 20,
            "GB" => 1 << 30,
            pages => pages.strip_suffix("kB")?.parse::<u64>().ok()? << 10,
        };
        self.value.parse::<u64>().ok()?.checked_mul(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let bytes = |value: &str, unit: &str| {
            let (value, unit) = (value.to_owned(), Some(unit.to_owned()));
            Setting { value, unit, context: String::new() }.bytes()
        };
        assert_eq!(bytes("16384", "8kB"), Some(128 << 20));
        assert_eq!(bytes("32768", "32kB"), Some(1 << 30));
        assert_eq!(bytes("1024", "MB"), Some(1 << 30));
        assert_eq!(bytes("-1", "kB"), None);
        assert_eq!(bytes("5", "ms"), None);
        assert_eq!(Setting::default().bytes(), None);
    }
}
