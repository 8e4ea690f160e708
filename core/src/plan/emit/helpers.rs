//! The helper functions that views and triggers of the plan call, and the steps that create them first.

use crate::plan::model::{Action, Phase, Step};
use crate::translate::helper::{self, Helper, schema_steps};

/// With the steps of the helper functions before those that call them. Their schema may be there.
pub fn placed(mut steps: Vec<Step>, schema_exists: bool) -> Vec<Step> {
    let helpers = called(&steps);
    if helpers.is_empty() {
        return steps;
    }
    // Search vectors may have needed the schema before.
    let is_made =
        |sql: &str| steps.iter().any(|step| matches!(&step.action, Action::Sql(made) if made == sql));
    let schema = schema_steps(schema_exists).filter(|(_, sql)| !is_made(sql));
    let schema: Vec<Step> = schema.map(|(title, sql)| step(title, &sql)).collect();
    let made = helpers
        .iter()
        .map(|helper| step(format!("create function {}.{}", helper::SCHEMA, helper.name), helper.sql));
    let at = steps.iter().position(|step| step.phase > Phase::Helpers).unwrap_or(steps.len());
    steps.splice(at..at, schema.into_iter().chain(made).collect::<Vec<_>>());
    steps
}

/// What the statements call, but for the plan's own.
pub fn called(steps: &[Step]) -> Vec<&'static Helper> {
    let calls =
        steps.iter().filter(|step| step.phase > Phase::Helpers).filter_map(|step| match &step.action {
            Action::Sql(sql) if step.phase != Phase::After => Some(sql.as_str()),
            _ => None,
        });
    helper::called_by(&calls.collect::<Vec<_>>().join("\n"))
}

fn step(title: String, sql: &str) -> Step {
    Step {
        title,
        phase: Phase::Helpers,
        action: Action::Sql(sql.trim_end().to_owned()),
        table: None,
        built: None,
    }
}
