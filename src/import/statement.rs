//! A statement of the application, translated by the plan.

use serde_json::Value;

use super::survey;
use crate::error::Error;
use pg_sqlite_migrate_core::plan;
use pg_sqlite_migrate_core::translate::program::{self, Statement};

/// Without a path no table is known.
pub fn translate(sql: &str, path: Option<&str>, overrides: Option<Value>) -> Result<Statement, Error> {
    let (catalog, given, schema) = match (path, &overrides) {
        (None, None) => Default::default(),
        _ => {
            let mut survey = survey::survey(path, overrides)?;
            let schema = survey::planned(&mut survey)?.schema;
            (survey.catalog, survey.overrides, schema)
        }
    };
    let translated = match program::declaration(sql) {
        Some(of) => plan::declaration(&catalog, &schema, &given, sql, &of),
        None => program::statement(sql, &schema),
    };
    translated.map_err(|refusal| Error::Statement(Box::new(refusal)))
}
