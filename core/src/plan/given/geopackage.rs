//! What becomes of the geometries of a GeoPackage, SpatiaLite or OGR, and of the tables in which the file describes itself:
//! `geopackage`.

use serde_json::{Map, Value, json};

use super::overrides::PlanError;
use super::shapes::{unknown_key, wrong};
use crate::finding::Fix;
use crate::path::join;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geopackage {
    /// The description is loaded like any other table.
    pub metadata: bool,
    /// Geometries are read; otherwise they are blobs like any other.
    pub geometries: bool,
}

impl Default for Geopackage {
    fn default() -> Geopackage {
        Geopackage { metadata: false, geometries: true }
    }
}

pub const KEYS: [&str; 2] = ["metadata", "geometries"];

impl Geopackage {
    /// The value of the key, whose shape is known to be right.
    pub fn read(map: &Map<String, Value>) -> Option<Geopackage> {
        let object = map.get("geopackage")?;
        let flag = |key: &str, default: bool| object.get(key).and_then(Value::as_bool).unwrap_or(default);
        Some(Geopackage { metadata: flag("metadata", false), geometries: flag("geometries", true) })
    }

    /// As it stands in a plan.
    pub fn json(self) -> Value {
        json!({ "metadata": self.metadata, "geometries": self.geometries })
    }
}

/// What loads them.
pub fn with_metadata() -> Fix {
    Fix::of_plan("geopackage", json!({ "metadata": true }))
}

/// The shape of the value, for the JSON Schema.
pub fn schema() -> Value {
    let properties = json!({ "metadata": { "type": "boolean" }, "geometries": { "type": "boolean" } });
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    let map = value.as_object().ok_or_else(|| wrong(path, "an object", value))?;
    map.iter().try_for_each(|(name, value)| {
        let path = join(path, name);
        match name.as_str() {
            "metadata" | "geometries" if value.is_boolean() => Ok(()),
            "metadata" | "geometries" => Err(wrong(&path, "true or false", value)),
            _ => Err(unknown_key(&path, name, &KEYS)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::given::overrides::parse;

    #[test]
    fn what_is_read_is_printed_again_and_mistakes_are_named() {
        let parsed = |value: Value| {
            let plan = json!({ "geopackage": value });
            parse(&plan).map(|given| given.geopackage).map_err(|e| e.to_string())
        };
        for (metadata, geometries) in [(true, false), (false, true)] {
            let value = json!({ "metadata": metadata, "geometries": geometries });
            assert_eq!(parsed(value.clone()).unwrap().unwrap().json(), value);
        }
        assert_eq!(parsed(json!({})), Ok(Some(Geopackage::default())));
        for (value, message) in [
            (json!(true), "plan.geopackage: expected an object, not a boolean"),
            (json!({"metdata": true}), "plan.geopackage.metdata: unknown key, did you mean \"metadata\"?"),
            (json!({"metadata": 1}), "plan.geopackage.metadata: expected true or false, not a number"),
        ] {
            assert_eq!(parsed(value), Err(message.to_owned()));
        }
    }
}
