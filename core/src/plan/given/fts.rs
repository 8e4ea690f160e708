//! What the full-text tables of a file become: `fts`.

use serde_json::{Map, Value, json};

use super::overrides::PlanError;
use super::shapes::{check_text, check_word, unknown_key, wrong};
use crate::path::join;
use crate::search::vector::Weight;

/// Whether tables get a column with a search vector, and how it is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fts {
    off: bool,
    /// The text search configuration; `None` for that of the tokenizer.
    pub config: Option<String>,
    /// Letters lose their diacritics; `None` as the tokenizer says.
    pub unaccent: Option<bool>,
    pub index: Index,
    /// The column's name.
    pub column: Option<String>,
    /// Of columns by their names in the file; those that are not named by their order.
    pub weights: Vec<(String, Weight)>,
}

/// The access method of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Index {
    #[default]
    Gin,
    Gist,
    None,
}

pub const KEYS: [&str; 5] = ["config", "unaccent", "index", "column", "weights"];
const INDEXES: [&str; 3] = ["gin", "gist", "none"];
const WEIGHTS: [&str; 4] = ["A", "B", "C", "D"];

impl Index {
    fn parse(word: &str) -> Option<Index> {
        [Index::Gin, Index::Gist, Index::None].into_iter().find(|index| index.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Index::Gin => "gin",
            Index::Gist => "gist",
            Index::None => "none",
        }
    }
}

impl Fts {
    /// A search vector is made.
    pub fn makes(&self) -> bool {
        !self.off
    }

    /// The value of the key, whose shape is known to be right.
    pub fn read(map: &Map<String, Value>) -> Option<Fts> {
        let object = match map.get("fts")? {
            Value::Bool(on) => return Some(Fts { off: !on, ..Fts::default() }),
            other => other.as_object()?,
        };
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let weights = object.get("weights").and_then(Value::as_object).into_iter().flatten();
        Some(Fts {
            off: false,
            config: text("config").map(str::to_owned),
            unaccent: object.get("unaccent").and_then(Value::as_bool),
            index: text("index").and_then(Index::parse).unwrap_or_default(),
            column: text("column").map(str::to_owned),
            weights: weights.filter_map(|(k, v)| Some((k.clone(), Weight::named(v.as_str()?)?))).collect(),
        })
    }

    /// As it stands in a plan.
    pub fn json(&self) -> Value {
        if self.off || *self == Fts::default() {
            return (!self.off).into();
        }
        let mut out = Map::new();
        let mut put = |key: &str, value: Option<Value>| drop(value.map(|v| out.insert(key.into(), v)));
        put("config", self.config.clone().map(Value::from));
        put("unaccent", self.unaccent.map(Value::from));
        put("index", (self.index != Index::default()).then(|| self.index.word().into()));
        put("column", self.column.clone().map(Value::from));
        let weights = self.weights.iter().map(|(name, weight)| (name.clone(), weight.letter().into()));
        let weights: Map<String, Value> = weights.collect();
        put("weights", (!weights.is_empty()).then(|| Value::Object(weights)));
        Value::Object(out)
    }
}

/// The shape of the value, for the JSON Schema.
pub fn schema(text: Value) -> Value {
    let weights = json!({ "type": "object", "additionalProperties": { "enum": WEIGHTS } });
    let properties = json!({
        "config": text.clone(), "unaccent": { "type": "boolean" }, "index": { "enum": INDEXES }, "column": text,
        "weights": weights
    });
    let object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    json!({ "anyOf": [{ "type": "boolean" }, object] })
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    if value.is_boolean() {
        return Ok(());
    }
    let map = value.as_object().ok_or_else(|| wrong(path, "true, false or an object", value))?;
    map.iter().try_for_each(|(name, value)| {
        let path = join(path, name);
        match name.as_str() {
            "config" | "column" => check_text(value, &path).map(drop),
            "unaccent" if value.is_boolean() => Ok(()),
            "unaccent" => Err(wrong(&path, "true or false", value)),
            "index" => check_word(&INDEXES, value, &path),
            "weights" => {
                let weights = value.as_object().ok_or_else(|| wrong(&path, "an object", value))?;
                weights.iter().try_for_each(|(column, word)| check_word(&WEIGHTS, word, &join(&path, column)))
            }
            _ => Err(unknown_key(&path, name, &KEYS)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::given::overrides::parse;

    fn parsed(value: Value) -> Result<Option<Fts>, String> {
        let plan = json!({ "fts": value });
        parse(&plan).map(|given| given.common.fts).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_read_is_printed_again() {
        for value in [
            json!(true),
            json!(false),
            json!({"config": "english", "unaccent": true, "index": "gist", "column": "tsv", "weights": {"a": "A", "b": "D"}}),
            json!({"unaccent": false}),
        ] {
            let fts = parsed(value.clone()).ok().flatten().unwrap_or_default();
            assert_eq!(fts.json(), value);
            assert_eq!(fts.makes(), value != json!(false));
        }
        assert_eq!(parsed(json!({})), Ok(Some(Fts::default())));
        assert_eq!(Fts::default().json(), json!(true));
    }

    #[test]
    fn other_shapes_are_refused() {
        for (value, message) in [
            (json!("english"), "plan.fts: expected true, false or an object, not a string"),
            (json!({"confg": "english"}), "plan.fts.confg: unknown key, did you mean \"config\"?"),
            (json!({"config": ""}), "plan.fts.config: must not be empty"),
            (json!({"unaccent": 1}), "plan.fts.unaccent: expected true or false, not a number"),
            (json!({"index": "btree"}), "plan.fts.index: invalid value \"btree\""),
            (json!({"weights": {"a": "E"}}), "plan.fts.weights.a: invalid value \"E\""),
        ] {
            assert_eq!(parsed(value), Err(message.to_owned()));
        }
    }
}
