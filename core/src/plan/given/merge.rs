//! A plan and the fragments that are laid over it.

use serde_json::Value;

use super::overrides::PlanError;
use super::shapes::wrong;

/// `plan` with a merge patch (RFC 7396): objects are merged key by key, null removes a key, anything else replaces
/// what was there. What the keys mean is not looked at.
pub fn merge(plan: Value, patch: &Value) -> Result<Value, PlanError> {
    let mut plan = object("plan", plan)?;
    json_patch::merge(&mut plan, &object("patch", patch.clone())?);
    Ok(plan)
}

/// Without a plan there are only defaults.
fn object(name: &str, value: Value) -> Result<Value, PlanError> {
    match value {
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        Value::Object(_) => Ok(value),
        other => Err(wrong(name, "an object", &other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_adds_replaces_and_removes() {
        let plan =
            json!({ "names": "lower", "exclude": ["a"], "tables": { "t": { "skip": true, "where": "x" } } });
        let patch = json!({ "names": null, "exclude": ["b"], "tables": { "t": { "skip": null }, "u": { "target": "v" } } });
        assert_eq!(
            merge(plan, &patch),
            Ok(json!({ "exclude": ["b"], "tables": { "t": { "where": "x" }, "u": { "target": "v" } } }))
        );
    }

    #[test]
    fn null_is_the_empty_plan_and_nothing_else_is_one() {
        assert_eq!(merge(Value::Null, &json!({ "names": "lower" })), Ok(json!({ "names": "lower" })));
        assert_eq!(merge(json!({ "names": "lower" }), &Value::Null), Ok(json!({ "names": "lower" })));
        for (plan, patch, path) in [(json!([]), json!({}), "plan"), (json!({}), json!("names"), "patch")] {
            let error = merge(plan, &patch).expect_err(path);
            assert!(error.to_string().starts_with(&format!("{path}: ")), "{error}");
        }
    }
}
