//! `sqlite_inspect`: the profile beside the plan's choice.

use serde_json::Value;

use super::survey;
use crate::error::Error;
use pg_sqlite_migrate_core::types::ColumnProfile;
use pg_sqlite_migrate_core::value::PgType;

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
    let mut survey = survey::survey(path, overrides)?;
    survey.tell_unrun();
    let planned = survey::planned(&mut survey)?;
    let mut out = Vec::new();
    for ((id, table), profile) in survey.catalog.tables_with_ids().zip(&survey.profiles) {
        let Some(plan) = planned.table(id) else { continue };
        for (i, (column, choice)) in table.columns.iter().zip(&plan.columns).enumerate() {
            let profile = profile.as_ref().and_then(|p| p.columns.get(i));
            out.push(ColumnReport {
                table: table.name.clone(),
                column: column.name.clone(),
                declared: column.declared.clone(),
                storage_classes: profile.map(ColumnProfile::storage_classes).unwrap_or_default(),
                nulls: profile.map(|profile| profile.nulls as i64),
                min: profile.and_then(ColumnProfile::min_text),
                max: profile.and_then(ColumnProfile::max_text),
                longest: profile.and_then(ColumnProfile::longest).map(|n| n as i64),
                format: profile.map(ColumnProfile::format_found).filter(|format| !format.is_empty()),
                proposed_type: choice.pg_type.as_ref().map(PgType::to_string),
                reason: choice.reason.clone(),
            });
        }
    }
    Ok(out)
}
