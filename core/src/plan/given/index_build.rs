//! What the server may use to build indexes and to validate foreign keys: `index_build`.

use serde_json::{Map, Value, json};

use super::overrides::{PlanError, invalid};
use super::shapes::{check_text, outside, unknown_key, wrong};
use crate::path::join;

/// What is `None` stays as the session has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexBuild {
    /// `maintenance_work_mem`, as the server reads it.
    pub memory: Option<String>,
    /// `max_parallel_maintenance_workers`.
    pub workers: Option<u64>,
}

pub const KEYS: [&str; 2] = ["memory", "workers"];

/// What `max_parallel_maintenance_workers` takes.
const MOST_WORKERS: u64 = 1024;
/// The server's units of memory, in kB.
const UNITS: [(&str, u64); 4] = [("kB", 1), ("MB", 1 << 10), ("GB", 1 << 20), ("TB", 1 << 30)];
/// What `maintenance_work_mem` takes, in kB.
const LEAST: u64 = 1 << 10;
const MOST: u64 = i32::MAX as u64;

impl IndexBuild {
    /// The value of the key, whose shape is known to be right.
    pub fn read(map: &Map<String, Value>) -> Option<IndexBuild> {
        let object = map.get("index_build")?;
        Some(IndexBuild {
            memory: object.get("memory").and_then(Value::as_str).map(str::to_owned),
            workers: object.get("workers").and_then(Value::as_u64),
        })
    }

    /// As it stands in a plan.
    pub fn json(&self) -> Value {
        json!({ "memory": self.memory, "workers": self.workers })
    }

    /// The server's settings with their values.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, String)> {
        let memory = self.memory.clone().map(|memory| ("maintenance_work_mem", memory));
        let workers = self.workers.map(|workers| ("max_parallel_maintenance_workers", workers.to_string()));
        memory.into_iter().chain(workers)
    }
}

/// The shape of the value, for the JSON Schema.
pub fn schema() -> Value {
    let units = UNITS.map(|(unit, _)| unit).join("|");
    let memory = json!({ "type": "string", "pattern": format!("^[0-9]+ ?({units})$") });
    let workers = json!({ "type": ["integer", "null"], "minimum": 0, "maximum": MOST_WORKERS });
    let memory = json!({ "anyOf": [memory, { "type": "null" }] });
    let properties = json!({ "memory": memory, "workers": workers });
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    let map = value.as_object().ok_or_else(|| wrong(path, "an object", value))?;
    map.iter().try_for_each(|(name, value)| {
        let path = join(path, name);
        match name.as_str() {
            "memory" | "workers" if value.is_null() => Ok(()),
            "memory" => match kilobytes(check_text(value, &path)?) {
                Some(LEAST..=MOST) => Ok(()),
                _ => Err(invalid(
                    path,
                    format!("{value} is not an amount of memory from 1 MB to less than 2 TB"),
                    "Write it as for maintenance_work_mem, with a unit, such as \"512MB\".",
                )),
            },
            "workers" if value.as_u64().is_some_and(|workers| workers <= MOST_WORKERS) => Ok(()),
            "workers" => Err(outside(&path, &format!("a number from 0 to {MOST_WORKERS}, or null"), value)),
            _ => Err(unknown_key(&path, name, &KEYS)),
        }
    })
}

/// A whole number and a unit, as the server reads them.
fn kilobytes(memory: &str) -> Option<u64> {
    let digits = memory.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = memory.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::given::overrides::parse;

    fn parsed(value: Value) -> Result<Option<IndexBuild>, String> {
        parse(&json!({ "index_build": value })).map(|given| given.index_build).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_read_is_printed_again_and_mistakes_are_named() {
        for (memory, workers) in [
            (json!("512MB"), json!(3)),
            (json!("1024kB"), json!(0)),
            (json!("2147483647 kB"), json!(1024)),
            (json!("1TB"), json!(null)),
            (json!(null), json!(1)),
        ] {
            let value = json!({ "memory": memory, "workers": workers });
            assert_eq!(parsed(value.clone()).unwrap().unwrap().json(), value);
        }
        assert_eq!(parsed(json!({})), Ok(Some(IndexBuild::default())));
        let memory = |text: &str| {
            format!(
                "plan.index_build.memory: \"{text}\" is not an amount of memory from 1 MB to less than 2 TB"
            )
        };
        for (value, message) in [
            (json!(3), "plan.index_build: expected an object, not a number".to_owned()),
            (json!({"worker": 3}), "plan.index_build.worker: unknown key, did you mean \"workers\"?".into()),
            (json!({"memory": 512}), "plan.index_build.memory: expected a string, not a number".into()),
            (json!({"memory": "512"}), memory("512")),
            (json!({"memory": "512mb"}), memory("512mb")),
            (json!({"memory": "-1GB"}), memory("-1GB")),
            (json!({"memory": "1023kB"}), memory("1023kB")),
            (json!({"memory": "2TB"}), memory("2TB")),
            (json!({"memory": "99999999999999999999GB"}), memory("99999999999999999999GB")),
            (json!({"memory": "18014398509481984TB"}), memory("18014398509481984TB")),
            (
                json!({"workers": 1025}),
                "plan.index_build.workers: expected a number from 0 to 1024, or null, not 1025".into(),
            ),
            (
                json!({"workers": -1}),
                "plan.index_build.workers: expected a number from 0 to 1024, or null, not -1".into(),
            ),
        ] {
            assert_eq!(parsed(value), Err(message));
        }
    }

    #[test]
    fn only_what_is_given_is_set() {
        let set = |value: Value| parsed(value).unwrap().unwrap().settings().collect::<Vec<_>>();
        assert_eq!(set(json!({})), []);
        assert_eq!(
            set(json!({"memory": "1GB", "workers": 2})),
            [
                ("maintenance_work_mem", "1GB".to_owned()),
                ("max_parallel_maintenance_workers", "2".to_owned())
            ]
        );
    }
}
