//! What the generated columns of a file become: `generated`, whose values differ by where in a plan it stands.

use serde_json::{Map, Value, json};

use super::keys::Level;
use super::overrides::{PlanError, invalid};
use super::shapes::{check_text, check_word, wrong};
use super::words::{Generation, Word};
use crate::path::join;

/// The words with which an object of a column gives an expression.
const MAKING: &[Generation] = &[Generation::Stored, Generation::Virtual, Generation::View];

/// What the plan says of one column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GeneratedOverride {
    /// `None` for what the table's settings say.
    pub generation: Option<Generation>,
    /// A PostgreSQL expression in place of the translated one.
    pub expression: Option<String>,
}

impl GeneratedOverride {
    /// An ordinary column.
    pub fn is_plain(&self) -> bool {
        self.generation == Some(Generation::None)
    }

    /// Reads a value that was checked.
    pub fn read(value: &Value) -> Option<GeneratedOverride> {
        let of = |generation, expression| GeneratedOverride { generation, expression };
        Some(match value {
            Value::Bool(true) => of(None, None),
            Value::Bool(false) => of(Some(Generation::None), None),
            Value::Object(map) => {
                let (word, expression) = map.iter().next()?;
                of(Generation::parse(word), expression.as_str().map(str::to_owned))
            }
            other => {
                let text = other.as_str()?;
                match Generation::parse(text) {
                    Some(generation) => of(Some(generation), None),
                    None => of(None, Some(text.to_owned())),
                }
            }
        })
    }
}

/// How a column's expression stands in a plan. One that is stored stands alone, unless the plan says so of the column.
pub fn json(generation: Generation, expression: &str, own: Option<&GeneratedOverride>) -> Value {
    let said = own.is_some_and(|own| own.generation.is_some());
    // A word would be read as one.
    let is_word = Generation::parse(expression).is_some();
    if generation == Generation::Stored && !said && !is_word {
        return expression.into();
    }
    Value::Object(Map::from_iter([(generation.word().to_owned(), expression.into())]))
}

/// A word of the plan or of a table; of a column also a flag, an expression, or a word with an expression.
pub fn check(level: Level, value: &Value, path: &str) -> Result<(), PlanError> {
    match value {
        _ if level != Level::Column => check_word(Generation::WORDS, value, path),
        Value::Bool(_) => Ok(()),
        Value::String(_) => check_text(value, path).map(|_| ()),
        Value::Object(map) => {
            let mut entries = map.iter();
            let (Some((word, expression)), None) = (entries.next(), entries.next()) else {
                let hint = "Give one of \"stored\", \"virtual\" and \"view\" with an expression.";
                return Err(invalid(path, "expected one entry", hint));
            };
            let words: Vec<&str> = MAKING.iter().map(|generation| generation.word()).collect();
            check_word(&words, &word.as_str().into(), path)?;
            check_text(expression, &join(path, word)).map(|_| ())
        }
        _ => Err(wrong(path, "true, false, a word, an expression or an object", value)),
    }
}

/// What it takes, for the reference.
pub fn values() -> String {
    let words: Vec<String> = Generation::WORDS.iter().map(|word| format!("`{word}`")).collect();
    let of_column = "`true`, `false`, SQL text, or an object of a word and SQL text";
    format!("{}; for a column also {of_column}", words.join(", "))
}

/// As a JSON Schema; `text` is that of an expression.
pub fn schema(level: Level, text: &Value) -> Value {
    let words = json!({ "enum": Generation::WORDS });
    if level != Level::Column {
        return words;
    }
    let entries: Map<String, Value> =
        MAKING.iter().map(|generation| (generation.word().to_owned(), text.clone())).collect();
    let object = json!({
        "type": "object",
        "properties": entries,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false
    });
    json!({ "anyOf": [{ "type": "boolean" }, words, text, object] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &Value) -> Result<Option<GeneratedOverride>, String> {
        check(Level::Column, value, "plan.c").map_err(|error| error.to_string())?;
        Ok(GeneratedOverride::read(value))
    }

    #[test]
    fn a_column_s_value_is_read_as_it_is_printed() {
        let of = |generation, expression: Option<&str>| {
            Ok(Some(GeneratedOverride { generation, expression: expression.map(str::to_owned) }))
        };
        assert_eq!(parsed(&json!(true)), of(None, None));
        assert_eq!(parsed(&json!(false)), of(Some(Generation::None), None));
        assert_eq!(parsed(&json!("virtual")), of(Some(Generation::Virtual), None));
        assert_eq!(parsed(&json!("a + 1")), of(None, Some("a + 1")));
        assert_eq!(parsed(&json!({ "view": "a + 1" })), of(Some(Generation::View), Some("a + 1")));
        for (generation, expression) in [(Generation::Stored, "stored"), (Generation::Virtual, "a + 1")] {
            let printed = json(generation, expression, None);
            assert_eq!(parsed(&printed), of(Some(generation), Some(expression)), "{printed}");
        }
        assert_eq!(json(Generation::Stored, "a", None), json!("a"));
        let own = GeneratedOverride { generation: Some(Generation::Stored), expression: None };
        assert_eq!(json(Generation::Stored, "a", Some(&own)), json!({ "stored": "a" }));
    }

    #[test]
    fn other_shapes_are_refused() {
        for (value, message) in [
            (json!(1), "plan.c: expected true, false, a word, an expression or an object, not a number"),
            (json!(""), "plan.c: must not be empty"),
            (json!({}), "plan.c: expected one entry"),
            (json!({ "stored": "a", "view": "a" }), "plan.c: expected one entry"),
            (json!({ "virtul": "a" }), "plan.c: invalid value \"virtul\", did you mean \"virtual\"?"),
            (json!({ "none": "a" }), "plan.c: invalid value \"none\""),
            (json!({ "virtual": true }), "plan.c.virtual: expected a string, not a boolean"),
        ] {
            assert_eq!(parsed(&value), Err(message.to_owned()));
        }
        let error = check(Level::Table, &json!("a + 1"), "plan.generated").map_err(|e| e.to_string());
        assert_eq!(error, Err("plan.generated: invalid value \"a + 1\"".to_owned()));
    }
}
