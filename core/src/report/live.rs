//! The imports that are running now, and those that have ended last: what the page of progress shows. The members of
//! [`Running`] are columns of the view `sqlite_migrate.progress`.

use serde::Deserialize;

use super::model::Server;

#[derive(Debug, Clone)]
pub struct Live {
    pub server: Server,
    pub running: Vec<Running>,
    pub ended: Vec<Ended>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Running {
    pub pid: i64,
    pub database: Option<String>,
    pub run: Option<i64>,
    pub phase: String,
    pub step: Option<i64>,
    pub steps: Option<i64>,
    pub title: Option<String>,
    pub table_number: Option<i64>,
    pub tables: Option<i64>,
    pub rows: Option<i64>,
    pub rows_total: Option<i64>,
    pub rows_per_second: Option<f64>,
    pub blocks_done: Option<i64>,
    pub blocks_total: Option<i64>,
    /// Of the statement, in seconds.
    pub elapsed: Option<f64>,
    /// Of the load, in seconds.
    pub eta: Option<f64>,
}

/// A run that the caller may see.
#[derive(Debug, Clone, Deserialize)]
pub struct Ended {
    pub id: i64,
    pub path: String,
    pub finished_at: String,
    pub seconds: f64,
    pub rows: i64,
}

impl Running {
    /// How far the step is, between 0 and 1: its rows, or its blocks.
    pub fn share(&self) -> Option<f64> {
        let of = |done: Option<i64>, total: Option<i64>| match (done, total) {
            (Some(done), Some(total @ 1..)) => Some((done as f64 / total as f64).clamp(0.0, 1.0)),
            _ => None,
        };
        of(self.rows, self.rows_total).or_else(|| of(self.blocks_done, self.blocks_total))
    }
}
