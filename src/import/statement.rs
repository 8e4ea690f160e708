//! A statement of the application, translated by the plan.

use serde_json::Value;

use super::survey;
use crate::error::Error;
use pg_sqlite_migrate_core::translate::program::{self, Schema, Statement};

/// Without a path no table is known.
pub fn translate(sql: &str, path: Option<&str>, overrides: Option<Value>) -> Result<Statement, Error> {
    let schema = match (path, &overrides) {
        (None, None) => Schema::default(),
        _ => {
            let mut survey = survey::survey(path, overrides)?;
            survey::planned(&mut survey)?.schema
        }
    };
    program::statement(sql, &schema).map_err(|refusal| Error::Statement(Box::new(refusal)))
}
