//! The plan as a JSON Schema (draft 2020-12), derived from the registry in `keys`, by which an editor completes and
//! checks a plan. It knows shapes only; names of tables and columns are the file's.

use serde_json::{Map, Value, json};

use super::carried;
use super::chroma;
use super::fts;
use super::generated;
use super::geopackage;
use super::index_build;
use super::keys::{KEYS, Key, Kind, Level, Works};
use super::orms;
use super::shapes::MOST_READERS;
use super::verify;
use super::words::{Names, Word};
use crate::orm;
use crate::value::Format;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a whole or partial plan.
pub fn schema() -> Value {
    let mut plan = object_at(Level::Plan);
    plan.insert("$schema".into(), DIALECT.into());
    plan.insert("title".into(), "Plan of pg_sqlite_migrate".into());
    plan.insert(
        "$defs".into(),
        json!({ "table": object_at(Level::Table), "column": object_at(Level::Column) }),
    );
    Value::Object(plan)
}

fn object_at(level: Level) -> Map<String, Value> {
    let keys = KEYS.iter().filter_map(|key| Some((key, key.works_at(level)?)));
    let properties: Map<String, Value> = keys
        // A key that is refused with every value is not offered.
        .filter(|(_, works)| *works != Works::Only(&[]))
        .map(|(key, works)| (key.name.to_owned(), property(key, works, level)))
        .collect();
    let object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    object.as_object().cloned().unwrap_or_default()
}

fn property(key: &Key, works: Works, level: Level) -> Value {
    let mut property = match works {
        Works::Now => shape(key.kind, level),
        Works::Only(values) => json!({ "enum": values.iter().map(|v| parsed(v)).collect::<Vec<_>>() }),
    };
    if let Value::Object(property) = &mut property {
        property.insert("description".into(), key.doc.into());
        if let Ok(default) = serde_json::from_str::<Value>(key.default) {
            property.insert("default".into(), default);
        }
    }
    property
}

/// A value of the registry, which holds JSON as text.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// The shape that `overrides` accepts for a kind of value.
fn shape(kind: Kind, level: Level) -> Value {
    // A NUL character is refused everywhere.
    let text = || json!({ "type": "string", "minLength": 1, "pattern": "^[^\\u0000]*$" });
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text | Kind::Match | Kind::Type | Kind::Timezone => text(),
        Kind::TextOrNull | Kind::NameOrNull | Kind::Encoding => {
            json!({ "anyOf": [text(), { "type": "null" }] })
        }
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Globs => json!({ "type": "array", "items": text() }),
        Kind::Names => names(),
        Kind::Objects => {
            let exclude = json!({ "type": "array", "items": text() });
            let object = json!({ "type": "object", "properties": { "exclude": exclude }, "required": ["exclude"], "additionalProperties": false });
            json!({ "anyOf": [{ "type": "boolean" }, object] })
        }
        Kind::Carried(forms) => carried::schema(forms, &text()),
        Kind::Sql => json!({ "anyOf": [text(), { "type": "array", "items": text() }] }),
        Kind::Values => {
            let value =
                json!({ "anyOf": [{ "type": "string", "pattern": "^[^\\u0000]*$" }, { "type": "number" }] });
            json!({ "type": "array", "items": value })
        }
        Kind::Types => json!({ "type": "object", "additionalProperties": text() }),
        Kind::Formats => json!({ "type": "object", "additionalProperties": shape(Kind::Format, level) }),
        Kind::Orms => {
            let names: Vec<&str> = orm::ALL.iter().map(|orm| orm.name).collect();
            let list = json!({ "type": "array", "items": { "enum": names } });
            json!({ "anyOf": [{ "enum": orms::words().collect::<Vec<_>>() }, list] })
        }
        Kind::Readers => json!({ "type": ["integer", "null"], "minimum": 1, "maximum": MOST_READERS }),
        Kind::Scale => json!({ "type": ["integer", "null"], "minimum": 0, "maximum": 1000 }),
        Kind::Format => {
            let words = Format::ALL.iter().map(|format| Value::from(format.as_str()));
            json!({ "enum": words.chain([Value::Null]).collect::<Vec<_>>() })
        }
        Kind::Verify => {
            let share = json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 });
            let object = json!({ "type": "object", "properties": { "sample": share }, "required": ["sample"], "additionalProperties": false });
            json!({ "anyOf": [{ "enum": verify::WORDS }, object] })
        }
        Kind::Chroma => chroma::schema(text()),
        Kind::Fts => fts::schema(text()),
        Kind::Geopackage => geopackage::schema(),
        Kind::IndexBuild => index_build::schema(),
        Kind::Generated => generated::schema(level, &text()),
        Kind::Tables => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/table" } }),
        Kind::Columns => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/column" } }),
        Kind::Any => json!({}),
    }
}

/// A case, or rules.
fn names() -> Value {
    let affix = || json!({ "type": "string", "pattern": "^[^\\u0000]*$" });
    let pattern = json!({ "type": "string", "minLength": 1, "pattern": "^[^\\u0000]*$" });
    let replacement = json!({
        "type": "object",
        "properties": { "pattern": pattern, "with": affix() },
        "required": ["pattern", "with"],
        "additionalProperties": false
    });
    let replace = json!({ "type": "array", "items": replacement });
    let case = json!({ "enum": Names::WORDS });
    let rules = json!({
        "type": "object",
        "properties": { "case": case, "prefix": affix(), "suffix": affix(), "replace": replace },
        "additionalProperties": false
    });
    json!({ "anyOf": [case, rules] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::given::overrides::parse;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plan.schema.json");

    #[test]
    fn the_file_holds_the_registry() {
        let printed = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(PAGE, &printed).expect("docs/plan.schema.json");
        }
        let file = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert_eq!(file, printed, "run the test with UPDATE_DOCS=1 to write docs/plan.schema.json");
    }

    #[test]
    fn the_schema_accepts_what_the_reader_accepts() {
        let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
        for key in KEYS {
            let example: Value = serde_json::from_str(&format!("{{{}}}", key.example)).expect(key.name);
            for plan in [
                example.clone(),
                json!({ "tables": { "t": example } }),
                json!({ "tables": { "t": { "columns": { "c": example } } } }),
            ] {
                assert_eq!(validator.is_valid(&plan), parse(&plan).is_ok(), "{plan}");
            }
        }
    }

    #[test]
    fn the_schema_refuses_what_the_reader_refuses() {
        let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
        for plan in [
            json!([]),
            json!("plan"),
            json!({ "nmes": "lower" }),
            json!({ "names": "upper" }),
            json!({ "names": { "case": "upper" } }),
            json!({ "names": { "replace": [{ "pattern": "a" }] } }),
            json!({ "schema": "" }),
            json!({ "schema": "a\0b" }),
            json!({ "include": "users" }),
            json!({ "include": [1] }),
            json!({ "null_values": "" }),
            json!({ "null_values": [null] }),
            json!({ "null_values": ["a\0"] }),
            json!({ "triggers": "table" }),
            json!({ "views": "view" }),
            json!({ "views": { "v": { "sql": "" } } }),
            json!({ "views": { "v": ["a"] } }),
            json!({ "indexes": {} }),
            json!({ "indexes": { "exclude": "a" } }),
            json!({ "checks": { "exclude": [1] } }),
            json!({ "verify": "value" }),
            json!({ "verify": {} }),
            json!({ "index_build": { "memory": "1gb" } }),
            json!({ "index_build": { "workers": 1.5 } }),
            json!({ "tables": { "t": { "index_build": {} } } }),
            json!({ "verify": { "sample": 0 } }),
            json!({ "tables": { "t": { "verify": { "sample": 2 } } } }),
            json!({ "foreign_keys": { "exclude": [], "only": [] } }),
            json!({ "tables": { "t": { "columns": { "c": { "typ": "text" } } } } }),
            json!({ "tables": { "t": { "columns": { "c": { "format": "unix" } } } } }),
            json!({ "tables": { "t": { "primary_key": ["id"] } } }),
            json!({ "before": { "sql": "SELECT 1" } }),
        ] {
            assert!(parse(&plan).is_err() && !validator.is_valid(&plan), "{plan}");
        }
    }
}
