//! The reports themselves. Serialized, they have the form of docs/report.schema.json: a change here is one there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::verdict::Verdict;

/// Of the JSON form; it grows when a member changes its meaning or goes.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "report", rename_all = "lowercase")]
pub enum Report {
    Run(Box<RunReport>),
    Assessment(Box<FileReport>),
}

/// About a run that is in the log.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    pub version: u32,
    pub verdict: Verdict,
    pub server: Server,
    pub run: Run,
    pub totals: Totals,
    pub tables: Vec<Table>,
    pub phases: Vec<Phase>,
    pub slowest: Vec<Step>,
    /// Of a run that went on after errors.
    pub failures: Vec<Failure>,
    pub findings: Vec<Findings>,
    pub types: Vec<TableTypes>,
    pub rejects: Vec<Rejects>,
    pub verification: Vec<Verification>,
    pub plan: Value,
}

/// About a file, before it is imported.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    pub version: u32,
    pub server: Server,
    pub path: String,
    pub bytes: u64,
    /// Rows that would be loaded.
    pub rows: u64,
    /// `B-3`: who has to do something, and how much there is.
    pub level: String,
    pub summary: String,
    pub disk_bytes: u64,
    pub wal_bytes: u64,
    /// `None` where nothing was measured.
    pub seconds: Option<f64>,
    pub subjects: Vec<Subject>,
    pub findings: Vec<Findings>,
    pub types: Vec<TableTypes>,
    pub plan: Value,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    pub subject: String,
    pub automatic: Option<u64>,
    pub with_findings: Option<u64>,
    pub by_hand: Option<u64>,
    pub level: Option<String>,
    pub detail: Option<String>,
}

/// Where the report was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    pub version: String,
    pub extension_version: String,
    pub database: String,
    pub encoding: String,
    /// When, as RFC 3339 in UTC.
    pub reported_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub id: i64,
    pub role: String,
    pub status: String,
    /// RFC 3339 in UTC.
    pub started_at: String,
    pub finished_at: Option<String>,
    pub seconds: Option<f64>,
    pub path: String,
    pub extension_version: String,
    /// What the file said about itself.
    pub source: Value,
}

/// A file without its directory.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}

impl Run {
    /// The file's size when it was read.
    pub fn bytes(&self) -> Option<u64> {
        let number = |name| self.source.get(name).and_then(Value::as_u64);
        number("page_size")?.checked_mul(number("page_count")?)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    pub tables: u64,
    pub loaded: u64,
    pub skipped_tables: u64,
    pub failed: u64,
    pub source_rows: i64,
    pub imported: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// Rows imported or updated, by the time of the whole run.
    pub rows_per_second: Option<f64>,
    pub blocking: u64,
    pub warnings: u64,
    pub infos: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    pub source: String,
    pub schema: String,
    pub table: String,
    pub status: String,
    pub rows_before: i64,
    pub source_rows: Option<i64>,
    pub imported: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// Everything done for the table; of it, the load.
    pub seconds: f64,
    pub load_seconds: f64,
    pub detail: Option<String>,
}

impl Table {
    /// `schema.table`, for people.
    pub fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// Rows of the file: as they were counted, or what is accounted for. Nobody has counted those of a table that was not loaded.
    pub fn source(&self) -> Option<i64> {
        let accounted = self.written().saturating_add(self.skipped).saturating_add(self.rejected);
        self.source_rows.or((self.status == "loaded").then_some(accounted))
    }

    /// Rows that the load has written.
    pub fn written(&self) -> i64 {
        self.imported.saturating_add(self.updated)
    }
}

/// What a phase took, and when: one span for each stretch without another phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    pub phase: String,
    pub steps: u64,
    pub seconds: f64,
    pub rows: Option<i64>,
    pub spans: Vec<Span>,
}

/// Seconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Span {
    pub from: f64,
    pub to: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub phase: String,
    pub title: String,
    pub seconds: f64,
    pub rows: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    pub phase: String,
    pub table: Option<String>,
    pub title: String,
    pub error: String,
}

/// Findings of one severity and kind.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    pub severity: String,
    pub kind: String,
    /// What the kind is about, a sentence.
    pub about: String,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    pub object: String,
    pub message: String,
    pub hint: String,
    /// The part of a plan that resolves it.
    pub fix: Option<Value>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TableTypes {
    pub source: String,
    pub columns: Vec<ColumnType>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ColumnType {
    pub source: String,
    pub column: String,
    /// `None` where the column is not loaded.
    #[serde(rename = "type")]
    pub pg_type: Option<String>,
    pub reason: Option<String>,
}

/// Rows of a table that were not loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rejects {
    pub source: String,
    pub count: i64,
    /// The first of them.
    pub first: Vec<Reject>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reject {
    /// `rowid 5`, or the primary key's values.
    pub row: Option<String>,
    pub column: Option<String>,
    pub error: String,
    /// JSON text, whose end is left out where it is long.
    pub values: String,
}

/// What was verified last, of one kind; what is not right comes first.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    pub kind: String,
    pub verified_at: String,
    pub objects: u64,
    pub failed: u64,
    /// The sums of the objects' counts.
    pub sums: BTreeMap<String, i64>,
    pub results: Vec<Verified>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    pub schema: String,
    pub table: String,
    pub object: Option<String>,
    pub ok: bool,
    pub verdict: String,
    pub detail: Option<String>,
    pub counts: Value,
}

impl Verified {
    /// `schema.table`, or `schema.table.object`.
    pub fn name(&self) -> String {
        let object = self.object.as_ref().map(|object| format!(".{object}")).unwrap_or_default();
        format!("{}.{}{object}", self.schema, self.table)
    }

    /// What was counted, by the name of the function's column; 0 where nothing was.
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}
