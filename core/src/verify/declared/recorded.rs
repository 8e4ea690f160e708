//! The plan of a run as the plan of tables that are still to be made: what the file declares is asked of it.

use serde_json::Value;

/// Every table is made. What the run has found in a table that was there before is not what the file declares: these
/// (`kept`, by source name) get their keys, defaults and NULLs from the file again.
pub fn as_new(mut plan: Value, kept: impl Fn(&str) -> bool) -> Value {
    let make = |keys: &mut Value| {
        if let Some(keys) = keys.as_object_mut() {
            keys.insert("create".into(), "auto".into());
            keys.insert("existing_rows".into(), "error".into());
            keys.insert("on_conflict".into(), "error".into());
            keys.insert("match".into(), "key".into());
            keys.remove("conflict_target");
            keys.remove("null_to_default");
        }
    };
    make(&mut plan);
    let tables = plan.get_mut("tables").and_then(Value::as_object_mut);
    for (name, table) in tables.into_iter().flatten() {
        if table.get("skip") == Some(&Value::Bool(true)) {
            continue;
        }
        make(table);
        if kept(name) {
            from_file(table);
        }
    }
    plan
}

fn from_file(table: &mut Value) {
    let columns = table.get_mut("columns").and_then(Value::as_object_mut);
    for column in columns.into_iter().flatten().filter_map(|(_, column)| column.as_object_mut()) {
        for key in ["default", "generated", "nullable", "null_to_default"] {
            column.remove(key);
        }
        // The table has no place for it.
        if !column.contains_key("type") && column.contains_key("reason") {
            column.insert("skip".into(), true.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_that_were_there_get_their_definition_from_the_file() {
        let plan = json!({ "create": "never", "tables": {
            "old": { "create": "never", "conflict_target": "k", "columns": {
                "a": { "name": "a", "type": "text", "default": null, "nullable": true, "generated": false },
                "b": { "skip": false, "name": "b", "reason": "no such column" } } },
            "new": { "create": "never", "columns": { "a": { "name": "a", "type": "text", "nullable": true } } },
            "gone": { "skip": true } } });
        let found = as_new(plan, |name| name == "old");
        let common =
            json!({ "create": "auto", "existing_rows": "error", "on_conflict": "error", "match": "key" });
        let with = |columns: Value| {
            let mut table = common.clone();
            table["columns"] = columns;
            table
        };
        let mut wanted = common.clone();
        wanted["tables"] = json!({
            "old": with(json!({ "a": { "name": "a", "type": "text" },
                                "b": { "skip": true, "name": "b", "reason": "no such column" } })),
            "new": with(json!({ "a": { "name": "a", "type": "text", "nullable": true } })),
            "gone": { "skip": true } });
        assert_eq!(found, wanted);
    }
}
