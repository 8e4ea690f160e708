//! One file, or one of each schema: a path that has `{schema}` in it names as many files as there are schemas with tables.

use serde_json::Value;

use pg_sqlite_migrate_core::export::planned::Planned;
use pg_sqlite_migrate_core::plan::PlanError;

/// What stands for the name of a schema in a path.
const SCHEMA: &str = "{schema}";

/// A file and what goes into it.
pub struct Part<'a> {
    pub path: String,
    pub planned: Planned<'a>,
}

/// The plan, which says of a path with schemas that there is one file of each, unless it says something else.
pub fn asked(path: &str, plan: Option<Value>) -> Option<Value> {
    if !path.contains(SCHEMA) {
        return plan;
    }
    let mut plan = plan.filter(|plan| !plan.is_null()).unwrap_or_else(|| Value::Object(Default::default()));
    if let Some(keys) = plan.as_object_mut() {
        keys.entry("files").or_insert_with(|| "schema".into());
    }
    Some(plan)
}

/// The files, in the order of their schemas. A schema without tables has none.
pub fn parts<'a>(path: &str, planned: Planned<'a>) -> Result<Vec<Part<'a>>, PlanError> {
    if !planned.by_schema {
        return Ok(vec![Part { path: path.to_owned(), planned }]);
    }
    let invalid = |message: String, hint: &str| {
        Err(PlanError::Invalid { path: "plan.files".into(), message, hint: hint.into() })
    };
    if !path.contains(SCHEMA) {
        return invalid(
            format!("path \"{path}\" names one file"),
            "Write {schema} into the path where the name of the schema is to stand.",
        );
    }
    let mut parts = vec![];
    for planned in planned.by_files() {
        let schema = planned.tables.first().map(|table| table.source.schema.clone()).unwrap_or_default();
        if schema.contains('/') || matches!(schema.as_str(), "." | "..") {
            return invalid(format!("schema \"{schema}\" is no name of a file"), "Export it by itself.");
        }
        parts.push(Part { path: path.replace(SCHEMA, &schema), planned });
    }
    Ok(parts)
}
