//! What a verification is about: a recorded run, or a file and a plan.

use serde_json::Value;

use crate::error::Error;
use crate::pg::spi;
use crate::verify::counts;
use pg_sqlite_migrate_core::plan::PlanError;

/// What the caller names: a run, his last one where he names nothing; or a file and what he wants of its plan.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    pub run: Option<i64>,
    pub path: Option<&'a str>,
    pub plan: Option<Value>,
}

/// The same, found.
pub struct About {
    pub run: Option<Run>,
    pub path: String,
    pub plan: Option<Value>,
}

/// A run of the log.
pub struct Run {
    pub id: i64,
    /// What the file said of itself.
    pub source: Value,
}

impl About {
    pub fn of(asked: Asked<'_>) -> Result<About, Error> {
        const HINT: &str = "Give a run, or a path and a plan.";
        match (asked.path, asked.plan) {
            (Some(_), _) if asked.run.is_some() => Err(invalid("path", "a run has a path already", HINT)),
            (Some(path), plan) => Ok(About { run: None, path: path.to_owned(), plan }),
            (None, Some(_)) => Err(invalid("plan", "a plan needs a path", HINT)),
            (None, None) => recorded(asked.run),
        }
    }
}

/// An argument that makes no sense.
pub fn invalid(path: &str, message: &str, hint: &str) -> Error {
    Error::Plan(PlanError::Invalid { path: path.into(), message: message.into(), hint: hint.into() })
}

/// A run's plan says everything, so that the file need not be profiled again.
fn recorded(run: Option<i64>) -> Result<About, Error> {
    let run = counts::recorded(run)?;
    let found = spi::row(
        "SELECT id, path, plan::text AS plan, source::text AS source FROM sqlite_migrate.run WHERE id = $1",
        &[run.into()],
        |row| {
            let (path, plan) = (row.get::<String>("path"), row.get::<String>("plan"));
            (row.get::<i64>("id"), path, plan, row.get::<String>("source"))
        },
    );
    let (id, path, plan, source) = found.ok_or(Error::NoRun { run: Some(run) })?;
    let source = serde_json::from_str(&source).unwrap_or_default();
    // The policy that looks at everything wants a profile.
    let widens = plan.contains("\"on_invalid\": \"text\"");
    let mut plan: Value = serde_json::from_str(&plan).unwrap_or_default();
    if let Some(keys) = plan.as_object_mut() {
        // What was done once is not done again.
        keys.retain(|key, _| !matches!(key.as_str(), "before" | "after"));
        keys.insert("integrity".into(), "none".into());
        if !widens {
            keys.insert("profile".into(), "none".into());
        }
    }
    Ok(About { run: Some(Run { id, source }), path, plan: Some(plan) })
}
