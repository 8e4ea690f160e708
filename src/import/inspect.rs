//! `sqlite_inspect`: the profile beside the plan's choice.

use serde_json::Value;

use super::survey::{self, Survey};
use crate::error::Error;
use pg_sqlite_migrate_core::types::ColumnProfile;

/// A row of `sqlite_inspect`.
#[derive(Debug, Clone, Default)]
pub struct ColumnReport {
    pub table: String,
    pub column: String,
    pub declared: String,
    pub storage_classes: String,
    pub nulls: Option<i64>,
    pub min: Option<String>,
    pub max: Option<String>,
    /// Characters of the longest text, or bytes of the longest BLOB.
    pub longest: Option<i64>,
    pub format: Option<String>,
    pub proposed_type: Option<String>,
    pub reason: Option<String>,
}

pub fn inspect(path: Option<&str>, overrides: Option<Value>) -> Result<Vec<ColumnReport>, Error> {
    let survey = survey::survey(path, overrides)?;
    survey.tell_unrun();
    let plan = survey::planned(&survey)?.plan;
    Ok(rows(&survey, &plan))
}

fn rows(survey: &Survey, plan: &Value) -> Vec<ColumnReport> {
    let mut out = Vec::new();
    for (table, profile) in survey.catalog.tables.iter().zip(&survey.profiles) {
        let planned = &plan["tables"][&table.name];
        if !planned.is_object() || planned["skip"] == Value::Bool(true) {
            continue;
        }
        for (i, column) in table.columns.iter().enumerate() {
            let choice = &planned["columns"][&column.name];
            let text = |key: &str| choice[key].as_str().map(str::to_string);
            let report = ColumnReport {
                table: table.name.clone(),
                column: column.name.clone(),
                declared: column.declared.clone(),
                proposed_type: text("type"),
                reason: text("reason"),
                ..ColumnReport::default()
            };
            let profile = profile.as_ref().and_then(|p| p.columns.get(i));
            out.push(profile.map_or(report.clone(), |p| with_profile(report, p)));
        }
    }
    out
}

fn with_profile(report: ColumnReport, profile: &ColumnProfile) -> ColumnReport {
    let format = profile.format_found();
    ColumnReport {
        storage_classes: profile.storage_classes(),
        nulls: Some(profile.nulls as i64),
        min: profile.min_text(),
        max: profile.max_text(),
        longest: profile.longest().map(|n| n as i64),
        format: (!format.is_empty()).then_some(format),
        ..report
    }
}
