//! What became of one table: a row of `sqlite_import`'s result and of the run log.

use serde_json::{Value, json};

use super::load::Loaded;
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::plan::TablePlan;
use pg_sqlite_migrate_core::shorten;
use pg_sqlite_migrate_core::verify::back::Normalisation;

#[derive(Debug, Clone, Default)]
pub struct TableResult {
    /// `None` in no result of a run.
    pub id: Option<TableId>,
    pub source: String,
    pub schema: String,
    pub table: String,
    /// Rows that the source has (after the plan's `where`), counted by SQLite.
    pub source_rows: Option<i64>,
    /// Rows that the table has gained.
    pub imported: i64,
    /// Rows that took the place of those that had their key.
    pub updated: i64,
    /// Rows left out because their key was there, or because a trigger or rule of the table's wanted it so.
    pub skipped: i64,
    pub rejected: i64,
    /// Of these, rows without a parent.
    pub orphans: u64,
    /// Everything done for the table.
    pub seconds: f64,
    /// Of the load alone.
    pub load_seconds: f64,
    pub status: Status,
    pub detail: Vec<String>,
    /// Values that became others than in the file, by target column.
    pub became: Vec<(String, Normalisation, u64)>,
    pub rows_before: i64,
    /// Its rows are its own: what INSERT says is what a count says.
    pub countable: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Loaded,
    /// Left out, for the reason in the detail.
    Skipped,
    /// With `on_error: "continue"`: nothing of the table was kept.
    Failed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Loaded => "loaded",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
        }
    }
}

impl TableResult {
    pub fn new(table: &TablePlan) -> TableResult {
        TableResult {
            id: Some(table.id),
            source: table.source.clone(),
            schema: table.schema.clone(),
            table: table.target.clone(),
            status: if table.skipped { Status::Skipped } else { Status::Loaded },
            detail: table.detail.clone(),
            countable: true,
            ..TableResult::default()
        }
    }

    /// Takes over what a load did.
    pub fn note(&mut self, loaded: Loaded, load_seconds: f64) {
        self.rows_before = loaded.rows_before;
        self.imported = loaded.imported as i64;
        self.updated = loaded.updated as i64;
        self.skipped = loaded.skipped as i64;
        self.rejected = loaded.rejected as i64;
        self.orphans = loaded.orphans;
        self.countable = loaded.countable;
        self.load_seconds = load_seconds;
        let nulled: u64 = loaded.nulled.iter().sum();
        if nulled > 0 {
            let became =
                ["value became NULL because it did not fit", "values became NULL because they did not fit"];
            self.detail.push(counted(nulled, became[0], became[1]));
        }
        if loaded.meant_null > 0 {
            let became = ["value of null_values became NULL", "values of null_values became NULL"];
            self.detail.push(counted(loaded.meant_null, became[0], became[1]));
        }
        self.detail.extend(loaded.notes);
        self.became = loaded.became;
    }

    /// Rows without a parent were taken out after the load.
    pub fn lose(&mut self, orphans: u64) {
        self.imported -= orphans as i64;
        self.rejected += orphans as i64;
        self.orphans += orphans;
    }

    /// Says in the detail what is only known when all is done.
    pub fn conclude(&mut self) {
        if self.orphans > 0 {
            let (one, many) = ("row without a parent was rejected", "rows without a parent were rejected");
            self.detail.push(counted(self.orphans, one, many));
        }
    }

    /// The table is as it was before the run.
    pub fn fail(&mut self) {
        *self = TableResult {
            status: Status::Failed,
            imported: 0,
            updated: 0,
            skipped: 0,
            rejected: 0,
            orphans: 0,
            ..std::mem::take(self)
        };
    }

    /// As the run log has it: the numbers by column and kind.
    pub fn became_json(&self) -> Value {
        let mut out = json!({});
        for (column, kind, count) in &self.became {
            let sum = &mut out[column][kind.as_str()];
            *sum = (sum.as_u64().unwrap_or(0) + count).into();
        }
        out
    }

    /// What is to be known about the table, for people.
    pub fn detail_text(&self) -> Option<String> {
        let notes: Vec<_> = self.detail.iter().map(|note| shorten::text(note)).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// Every row of the source, by what became of it.
    pub fn accounted(&self) -> i64 {
        self.imported + self.updated + self.skipped + self.rejected
    }

    /// Of the load alone; `None` when it was too short to say.
    pub fn rows_per_second(&self) -> Option<f64> {
        (self.load_seconds > 0.0).then(|| ((self.imported + self.updated) as f64 / self.load_seconds).round())
    }
}
