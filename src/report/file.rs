//! A report about a file, before anything is done: its assessment, and the plan that an import would follow.

use serde_json::Value;

use super::{render, server};
use crate::assess;
use crate::error::Error;
use pg_sqlite_migrate_core::report::{FileReport, Format, Report};

pub fn report(path: Option<&str>, plan: Option<Value>, format: Format) -> Result<String, Error> {
    let (assessment, plan) = assess::assess_with_plan(path, plan)?;
    let server = server().unwrap_or_else(|| pgrx::error!("the current database is gone"));
    Ok(render(&Report::Assessment(Box::new(FileReport::new(&assessment, plan, server))), format))
}
