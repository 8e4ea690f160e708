//! What a report is made of, as it was read of the run log. The members are those of the log's views.

use serde::Deserialize;
use serde_json::Value;

use super::model::{Failure, Finding, Rejects, Run, Server, Step, Table, Verified};

/// Everything that is known about a run.
#[derive(Debug, Clone)]
pub struct Facts {
    pub server: Server,
    pub run: Run,
    pub tables: Vec<Table>,
    pub steps: Vec<StepFact>,
    pub findings: Vec<FindingFact>,
    pub rejects: Vec<Rejects>,
    pub verification: Vec<VerificationFact>,
    pub plan: Value,
}

/// A step of a run, in its order.
#[derive(Debug, Clone, Deserialize)]
pub struct StepFact {
    pub phase: String,
    pub table: Option<String>,
    pub title: String,
    /// Seconds since the run began.
    pub started: f64,
    pub seconds: f64,
    pub rows: Option<i64>,
    pub error: Option<String>,
}

impl StepFact {
    pub fn step(&self) -> Step {
        Step { phase: self.phase.clone(), title: self.title.clone(), seconds: self.seconds, rows: self.rows }
    }

    /// Why it failed, in a run that went on.
    pub fn failure(&self) -> Option<Failure> {
        let error = self.error.clone()?;
        Some(Failure {
            phase: self.phase.clone(),
            table: self.table.clone(),
            title: self.title.clone(),
            error,
        })
    }
}

/// A finding, with what it is grouped by.
#[derive(Debug, Clone, Deserialize)]
pub struct FindingFact {
    pub severity: String,
    pub kind: String,
    #[serde(flatten)]
    pub finding: Finding,
}

/// What a verification found of one object, with what it is grouped by.
#[derive(Debug, Clone, Deserialize)]
pub struct VerificationFact {
    pub kind: String,
    pub verified_at: String,
    #[serde(flatten)]
    pub verified: Verified,
}
