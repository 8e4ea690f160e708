//! The part of a plan that resolves a finding: a merge patch (RFC 7396), and the same in words.

use std::fmt;

use serde_json::{Map, Value};

use crate::path::{self, join};

/// Keys of a plan and their values, all of which are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    settings: Vec<Setting>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    place: Place,
    key: &'static str,
    value: Value,
    /// Other values that resolve the finding as well, those that lose less first.
    others: Vec<Value>,
}

/// Where in a plan a key stands; the names are the source's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Plan,
    Table(String),
    Column(String, String),
}

impl Fix {
    pub fn of_plan(key: &'static str, value: impl Into<Value>) -> Fix {
        Fix::new(Place::Plan, key, value.into())
    }

    pub fn of_table(table: &str, key: &'static str, value: impl Into<Value>) -> Fix {
        Fix::new(Place::Table(table.to_owned()), key, value.into())
    }

    pub fn of_column(table: &str, column: &str, key: &'static str, value: impl Into<Value>) -> Fix {
        Fix::new(Place::Column(table.to_owned(), column.to_owned()), key, value.into())
    }

    /// A `where` that selects, of the rows that the plan's own selects, those with this condition.
    pub fn narrowed(table: &str, filter: Option<&str>, condition: &str) -> Fix {
        match filter {
            // The line break ends a comment.
            Some(filter) => Fix::of_table(table, "where", format!("({filter}\n) AND {condition}")),
            None => Fix::of_table(table, "where", condition),
        }
    }

    /// The same without some rows, which `alias` names.
    pub fn without_rows(table: &str, filter: Option<&str>, alias: &str, rowids: &[i64]) -> Fix {
        let listed: Vec<String> = rowids.iter().map(i64::to_string).collect();
        Fix::narrowed(table, filter, &format!("{alias} NOT IN ({})", listed.join(", ")))
    }

    fn new(place: Place, key: &'static str, value: Value) -> Fix {
        Fix { settings: vec![Setting { place, key, value, others: vec![] }] }
    }

    /// Values of the last key that would do as well, those that lose less first.
    pub fn or(mut self, others: &[&str]) -> Fix {
        if let Some(setting) = self.settings.last_mut() {
            setting.others.extend(others.iter().map(|other| Value::from(*other)));
        }
        self
    }

    /// Both, for a finding that one alone does not resolve.
    pub fn and(mut self, other: Fix) -> Fix {
        self.settings.extend(other.settings);
        self
    }

    /// It gives this key a value.
    pub fn sets(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key == key)
    }

    /// The merge patch.
    pub fn patch(&self) -> Value {
        let mut patch = Map::new();
        for setting in &self.settings {
            let place = match &setting.place {
                Place::Plan => vec![],
                Place::Table(table) => vec!["tables", table],
                Place::Column(table, column) => vec!["tables", table, "columns", column],
            };
            insert(&mut patch, &place, setting.key, &setting.value);
        }
        Value::Object(patch)
    }

    /// A HINT of an error: what to set, and the patch to paste. `rest` ends the sentence.
    pub fn hint(&self, rest: &str) -> String {
        format!("{} {}", self.sentence(rest), self.pasted())
    }

    /// What to set, or to remove, with the rest of the sentence.
    pub fn sentence(&self, rest: &str) -> String {
        match self.settings.as_slice() {
            // In a patch null removes a key; a plan itself does not have it.
            [only] if only.value.is_null() => format!("Remove {}{rest}.", only.path()),
            _ => format!("Set {self}{rest}."),
        }
    }

    /// The patch, for a HINT.
    pub fn pasted(&self) -> String {
        format!("As a plan: {}", self.patch())
    }

    /// Lets `spell` change the names of the source's tables and columns.
    pub fn spell(&mut self, spell: impl Fn(&mut String, Option<&mut String>)) {
        for setting in &mut self.settings {
            match &mut setting.place {
                Place::Plan => {}
                Place::Table(table) => spell(table, None),
                Place::Column(table, column) => spell(table, Some(column)),
            }
        }
    }
}

/// A null stays in the patch, where it removes a key of the plan.
fn insert(object: &mut Map<String, Value>, place: &[&str], key: &str, value: &Value) {
    match place {
        [] => drop(object.insert(key.to_owned(), value.clone())),
        [name, within @ ..] => {
            let inner = object.entry(*name).or_insert_with(|| Value::Object(Map::new()));
            inner.as_object_mut().into_iter().for_each(|inner| insert(inner, within, key, value));
        }
    }
}

/// `plan.tables.t.columns.c.type to "text" and plan.tables.t.columns.c.on_invalid to "null" or "reject"`
impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, setting) in self.settings.iter().enumerate() {
            let and = if n > 0 { " and " } else { "" };
            write!(f, "{and}{} to {}", setting.path(), setting.value)?;
            for (n, other) in setting.others.iter().enumerate() {
                let last = n + 1 == setting.others.len();
                write!(f, "{}{other}", if last { " or " } else { ", " })?;
            }
        }
        Ok(())
    }
}

impl Setting {
    fn path(&self) -> String {
        match &self.place {
            Place::Plan => join("plan", self.key),
            Place::Table(table) => path::of_table(table, self.key),
            Place::Column(table, column) => path::of_column(table, column, self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn two() -> Fix {
        let of = |key, value| Fix::of_column("my table", "at", key, value);
        of("type", "timestamptz").and(of("on_invalid", "text").or(&["null", "reject"]))
    }

    #[test]
    fn the_patch_and_the_words_say_the_same() {
        let column = json!({ "type": "timestamptz", "on_invalid": "text" });
        assert_eq!(two().patch(), json!({ "tables": { "my table": { "columns": { "at": column } } } }));
        assert_eq!(
            two().to_string(),
            "plan.tables.\"my table\".columns.at.type to \"timestamptz\" and \
             plan.tables.\"my table\".columns.at.on_invalid to \"text\", \"null\" or \"reject\""
        );
        let plan = Fix::of_plan("on_error", "continue");
        assert_eq!(
            (plan.patch(), plan.to_string()),
            (json!({ "on_error": "continue" }), "plan.on_error to \"continue\"".into())
        );
    }

    #[test]
    fn names_can_be_spelled_otherwise() {
        let mut fix = two();
        fix.spell(|table, column| {
            "My Table".clone_into(table);
            column.into_iter().for_each(|column| "AT".clone_into(column));
        });
        let column = json!({ "type": "timestamptz", "on_invalid": "text" });
        assert_eq!(fix.patch(), json!({ "tables": { "My Table": { "columns": { "AT": column } } } }));
    }
}
