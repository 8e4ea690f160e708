//! The rules by which source names become PostgreSQL names: a case for all of them, and for tables also a prefix, a suffix
//! and regular expressions.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};

use super::overrides::{PlanError, invalid};
use super::shapes::{check_text, check_word, wrong};
use super::words::{Names, Word};
use crate::path::join;

/// The value of `names`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameRules {
    pub case: Names,
    prefix: String,
    suffix: String,
    replace: Vec<Replacement>,
}

/// What a regular expression matches in a table's name, and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Replacement {
    pattern: String,
    with: String,
}

const KEYS: &[&str] = &["case", "prefix", "suffix", "replace"];
const REPLACEMENT_KEYS: &[&str] = &["pattern", "with"];

impl NameRules {
    /// A value whose shape is known to be right: a case, or an object.
    pub fn read(value: &Value) -> NameRules {
        let text = |map: &Map<String, Value>, key: &str| {
            map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let Value::Object(map) = value else {
            return NameRules { case: case(Some(value)), ..NameRules::default() };
        };
        let list = map.get("replace").and_then(Value::as_array).into_iter().flatten();
        let replacement = |item: &Value| {
            let item = item.as_object()?;
            Some(Replacement { pattern: text(item, "pattern"), with: text(item, "with") })
        };
        NameRules {
            case: case(map.get("case")),
            prefix: text(map, "prefix"),
            suffix: text(map, "suffix"),
            replace: list.filter_map(replacement).collect(),
        }
    }

    /// As it stands in a plan: the case alone where there is nothing else.
    pub fn json(&self) -> Value {
        if *self == (NameRules { case: self.case, ..NameRules::default() }) {
            return self.case.word().into();
        }
        let replace = self.replace.iter().map(|r| json!({ "pattern": r.pattern, "with": r.with }));
        let replace: Vec<Value> = replace.collect();
        json!({ "case": self.case.word(), "prefix": self.prefix, "suffix": self.suffix, "replace": replace })
    }

    /// A table's name by the rules but the case, which comes last.
    pub fn table(&self, name: &str) -> String {
        let replaced = self.replace.iter().fold(name.to_owned(), |name, r| match compiled(&r.pattern) {
            Ok(regex) => regex.replace_all(&name, r.with.as_str()).into_owned(),
            // It was compiled before, when the plan was read.
            Err(_) => name,
        });
        format!("{}{replaced}{}", self.prefix, self.suffix)
    }

    /// Checks that each regular expression matches the name of a table, as the ones before it leave the names.
    pub fn check_tables<'t>(&self, tables: impl Iterator<Item = &'t str>) -> Result<(), PlanError> {
        let mut names: Vec<String> = tables.map(str::to_owned).collect();
        for (i, r) in self.replace.iter().enumerate() {
            let path = format!("plan.names.replace[{i}].pattern");
            let regex = compiled(&r.pattern).map_err(|why| invalid(&path, why, ""))?;
            if !names.iter().any(|name| regex.is_match(name)) {
                return Err(invalid(path, format!("\"{}\" matches no table", r.pattern), ""));
            }
            names.iter_mut().for_each(|name| *name = regex.replace_all(name, r.with.as_str()).into_owned());
        }
        Ok(())
    }
}

fn case(value: Option<&Value>) -> Names {
    value.and_then(Value::as_str).and_then(Names::parse).unwrap_or_default()
}

/// The most bytes of a compiled regular expression.
const SIZE: usize = 1 << 20;

fn compiled(pattern: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(pattern).size_limit(SIZE).dfa_size_limit(SIZE).build();
    regex.map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        // Of several lines, the last says what is wrong.
        e => {
            format!("invalid regular expression: {}", e.to_string().lines().last().unwrap_or_default().trim())
        }
    })
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    let Value::Object(map) = value else { return check_word(Names::WORDS, value, path) };
    known(map, KEYS, path)?;
    for (key, value) in map {
        let path = join(path, key);
        match key.as_str() {
            "case" => check_word(Names::WORDS, value, &path)?,
            "replace" => check_replacements(value, &path)?,
            _ => check_affix(value, &path)?,
        }
    }
    Ok(())
}

/// A text that may be empty.
fn check_affix(value: &Value, path: &str) -> Result<(), PlanError> {
    if value.as_str() == Some("") { Ok(()) } else { check_text(value, path).map(|_| ()) }
}

fn check_replacements(value: &Value, path: &str) -> Result<(), PlanError> {
    let list = value.as_array().ok_or_else(|| wrong(path, "a list of objects", value))?;
    for (i, item) in list.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let map = item.as_object().ok_or_else(|| wrong(&path, "an object", item))?;
        known(map, REPLACEMENT_KEYS, &path)?;
        let member = |key: &str| {
            let path = join(&path, key);
            map.get(key).map(|value| (value, path.clone())).ok_or_else(|| invalid(path, "is missing", ""))
        };
        let (pattern, of_pattern) = member("pattern")?;
        compiled(check_text(pattern, &of_pattern)?).map_err(|why| invalid(of_pattern, why, ""))?;
        let (with, of_with) = member("with")?;
        check_affix(with, &of_with)?;
    }
    Ok(())
}

fn known(map: &Map<String, Value>, keys: &[&str], path: &str) -> Result<(), PlanError> {
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            Err(invalid(join(path, key), "unknown key", format!("Keys here are {}.", keys.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_come_first_then_prefix_and_suffix() {
        let rules =
            NameRules::read(&json!({ "case": "snake_case", "prefix": "app_", "suffix": "_v1", "replace": [
            { "pattern": "^tbl_?", "with": "" }, { "pattern": "(\\w+)_(old|new)$", "with": "${2}_$1" },
        ] }));
        assert_eq!(rules.table("tblUsers"), "app_Users_v1");
        assert_eq!(rules.table("tbl_users_old"), "app_old_users_v1");
        assert_eq!(NameRules::read(&rules.json()), rules);
        assert_eq!(NameRules::read(&json!("lower")).json(), json!("lower"));
        assert_eq!(NameRules::default().table("a b"), "a b");
    }

    #[test]
    fn mistakes_are_named_by_their_path() {
        for (value, message) in [
            (json!({ "cas": "lower" }), "plan.names.cas: unknown key"),
            (json!({ "prefix": 1 }), "plan.names.prefix: expected a string, not a number"),
            (json!({ "replace": [{ "pattern": "a" }] }), "plan.names.replace[0].with: is missing"),
            (
                json!({ "replace": [{ "pattern": "", "with": "" }] }),
                "plan.names.replace[0].pattern: must not be empty",
            ),
            (
                json!({ "replace": [{ "pattern": "(", "with": "" }] }),
                "plan.names.replace[0].pattern: invalid regular expression: error: unclosed group",
            ),
            (
                json!({ "replace": [{ "pattern": "\\w{1000}{1000}", "with": "" }] }),
                "plan.names.replace[0].pattern: the regular expression is too large",
            ),
            (json!({ "replace": ["a"] }), "plan.names.replace[0]: expected an object, not a string"),
        ] {
            assert_eq!(check(&value, "plan.names").unwrap_err().to_string(), message, "{value}");
        }
        let rules = NameRules::read(
            &json!({ "replace": [{ "pattern": "^a", "with": "b" }, { "pattern": "^a", "with": "" }] }),
        );
        let error = rules.check_tables(["abc", "xyz"].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "plan.names.replace[1].pattern: \"^a\" matches no table");
    }
}
