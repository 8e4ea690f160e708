//! The value of `views` and `triggers`: which of the file's are carried over, as what, and which have a text of the
//! caller's own.
//!
//! An entry by name wins over `exclude`, and the globs of `table` over those of `materialized`. A list within the object is
//! of globs, and an object is the entry of one view or trigger: so one that is called `exclude` can have an entry, too.

use serde_json::{Map, Value, json};

use super::keys;
use super::objects::glob;
use super::overrides::{PlanError, invalid};
use super::shapes::{check_list, check_text, check_word, wrong};
use super::words::{Form, Word};
use crate::path::join;

const EXCLUDE: &str = "exclude";
const SQL: &str = "sql";

/// Of the views or the triggers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// All; in this form, or as what they are.
    All(Option<Form>),
    None,
    Chosen(Chosen),
}

/// All but some, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Globs of those that are left out.
    pub exclude: Vec<String>,
    /// Globs of those that get another form.
    pub forms: Vec<(Form, Vec<String>)>,
    /// The caller's own texts, by name.
    pub own: Vec<(String, String)>,
}

impl Default for Carried {
    fn default() -> Carried {
        Carried::All(None)
    }
}

impl Carried {
    /// The value of a key whose shape is known to be right.
    pub fn read(map: &Map<String, Value>, key: &str) -> Option<Carried> {
        Some(match map.get(key)? {
            Value::Bool(true) => Carried::All(None),
            Value::Bool(false) => Carried::None,
            Value::String(word) => Carried::All(Form::parse(word)),
            other => Carried::Chosen(Chosen::read(other.as_object()?)),
        })
    }

    /// As it stands in a plan.
    pub fn json(&self) -> Value {
        match self {
            Carried::All(None) => true.into(),
            Carried::All(Some(form)) => form.word().into(),
            Carried::None => false.into(),
            Carried::Chosen(chosen) => chosen.json(),
        }
    }

    /// One of this name is carried over.
    pub fn take(&self, name: &str) -> bool {
        match self {
            Carried::All(_) => true,
            Carried::None => false,
            Carried::Chosen(chosen) => self.own(name).is_some() || !any(&chosen.exclude, name),
        }
    }

    /// What becomes of a view of this name.
    pub fn form(&self, name: &str) -> Option<Form> {
        match self {
            Carried::All(form) => *form,
            Carried::None => None,
            Carried::Chosen(chosen) => {
                let of = |form: &Form| chosen.forms.iter().any(|(of, globs)| of == form && any(globs, name));
                Form::ALL.iter().map(|(form, _)| *form).find(of)
            }
        }
    }

    /// The caller's own text for it.
    pub fn own(&self, name: &str) -> Option<&str> {
        let Carried::Chosen(chosen) = self else { return None };
        let own = chosen.own.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map(|(_, sql)| sql.as_str())
    }

    /// Every list of globs, with its key.
    pub fn globs(&self) -> Vec<(&'static str, &[String])> {
        let Carried::Chosen(chosen) = self else { return vec![] };
        let forms = chosen.forms.iter().map(|(form, globs)| (form.word(), globs.as_slice()));
        std::iter::once((EXCLUDE, chosen.exclude.as_slice())).chain(forms).collect()
    }

    /// The names of the entries.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let own = match self {
            Carried::Chosen(chosen) => chosen.own.as_slice(),
            Carried::All(_) | Carried::None => &[],
        };
        own.iter().map(|(name, _)| name.as_str())
    }

    /// The part of a plan that leaves one out as well.
    pub fn without(&self, name: &str) -> Value {
        let mut chosen = self.chosen();
        let mut patch = Map::new();
        // A merge patch takes an entry away by null.
        let own = chosen.own.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        own.for_each(|(own, _)| _ = patch.insert(own.clone(), Value::Null));
        chosen.exclude.push(exact(name));
        patch.insert(EXCLUDE.into(), chosen.exclude.into());
        self.with_forms(&mut patch);
        Value::Object(patch)
    }

    /// The part of a plan that gives one a text.
    pub fn with_own(&self, name: &str, sql: &str) -> Value {
        let mut patch = Map::from_iter([(name.to_owned(), json!({ SQL: sql }))]);
        self.with_forms(&mut patch);
        Value::Object(patch)
    }

    /// An object takes the place of a word for all.
    fn with_forms(&self, patch: &mut Map<String, Value>) {
        if let Carried::All(Some(form)) = self {
            patch.insert(form.word().into(), json!(["*"]));
        }
    }

    fn chosen(&self) -> Chosen {
        match self {
            Carried::Chosen(chosen) => chosen.clone(),
            Carried::All(_) | Carried::None => Chosen::default(),
        }
    }
}

impl Chosen {
    fn read(map: &Map<String, Value>) -> Chosen {
        let list = |key: &str| {
            let globs = map.get(key).and_then(Value::as_array).into_iter().flatten();
            globs.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let own = |(name, entry): (&String, &Value)| {
            Some((name.clone(), entry.as_object()?.get(SQL)?.as_str()?.to_owned()))
        };
        let forms = Form::ALL.iter().map(|(form, word)| (*form, list(word)));
        Chosen {
            exclude: list(EXCLUDE),
            forms: forms.filter(|(_, globs)| !globs.is_empty()).collect(),
            own: map.iter().filter_map(own).collect(),
        }
    }

    fn json(&self) -> Value {
        let mut out = Map::new();
        if !self.exclude.is_empty() {
            out.insert(EXCLUDE.into(), json!(self.exclude));
        }
        out.extend(self.forms.iter().map(|(form, globs)| (form.word().to_owned(), json!(globs))));
        out.extend(self.own.iter().map(|(name, sql)| (name.clone(), json!({ SQL: sql }))));
        Value::Object(out)
    }
}

// The globs were compiled before, when the plan was read.
fn any(globs: &[String], name: &str) -> bool {
    globs.iter().filter_map(|g| glob(g, "").ok()).any(|g| g.is_match(name))
}

/// A glob of just this name.
fn exact(name: &str) -> String {
    name.chars().map(|c| if "*?[]{}!\\".contains(c) { '?' } else { c }).collect()
}

/// Checks the shape of a value. `forms` are the words that it may have.
pub(super) fn check(forms: &[&str], value: &Value, path: &str) -> Result<(), PlanError> {
    match value {
        Value::Bool(_) => Ok(()),
        Value::String(_) if !forms.is_empty() => check_word(forms, value, path),
        Value::Object(map) => map.iter().try_for_each(|(name, value)| check_entry(forms, name, value, path)),
        _ => {
            let words: String = forms.iter().map(|form| format!("\"{form}\", ")).collect();
            Err(wrong(path, &format!("true, false, {words}or an object"), value))
        }
    }
}

fn check_entry(forms: &[&str], name: &str, value: &Value, path: &str) -> Result<(), PlanError> {
    let lists = || std::iter::once(EXCLUDE).chain(forms.iter().copied());
    let path = join(path, name);
    match value {
        Value::Array(_) if !lists().any(|list| list == name) => {
            let guess = keys::did_you_mean(name, lists());
            let known = lists().map(|list| format!("\"{list}\"")).collect::<Vec<_>>().join(", ");
            let hint = format!("Lists of globs are {known}; an object with \"{SQL}\" gives one an own text.");
            Err(invalid(path, format!("unknown list{guess}"), hint))
        }
        Value::Array(list) => {
            check_list(value, &path)?;
            let mut patterns = list.iter().filter_map(Value::as_str).enumerate();
            patterns.try_for_each(|(i, pattern)| glob(pattern, &format!("{path}[{i}]")).map(drop))
        }
        Value::Object(entry) => {
            if let Some(other) = entry.keys().find(|key| *key != SQL) {
                let hint = format!("The only key here is \"{SQL}\".");
                return Err(invalid(join(&path, other), "unknown key", hint));
            }
            let path = join(&path, SQL);
            let hint = format!("The only key here is \"{SQL}\".");
            let sql = entry.get(SQL).ok_or_else(|| invalid(&path, "is missing", hint))?;
            check_text(sql, &path).map(drop)
        }
        other => Err(wrong(&path, "a list of globs, or an object", other)),
    }
}

/// The shape as a JSON Schema.
pub(super) fn schema(forms: &[&str], text: &Value) -> Value {
    let globs = json!({ "type": "array", "items": text });
    let entry = json!({
        "type": "object",
        "properties": { SQL: text },
        "required": [SQL],
        "additionalProperties": false
    });
    let list = |name: &str| (name.to_owned(), json!({ "anyOf": [globs, entry] }));
    let lists: Map<String, Value> = std::iter::once(EXCLUDE).chain(forms.iter().copied()).map(list).collect();
    let object = json!({ "type": "object", "properties": lists, "additionalProperties": entry });
    let words = (!forms.is_empty()).then(|| json!({ "enum": forms }));
    let shapes: Vec<Value> =
        std::iter::once(json!({ "type": "boolean" })).chain(words).chain([object]).collect();
    json!({ "anyOf": shapes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Carried {
        Carried::read(&Map::from_iter([("views".to_owned(), value)]), "views").unwrap_or(Carried::None)
    }

    fn checked(value: Value) -> Result<(), String> {
        check(Form::WORDS, &value, "plan.views").map_err(|error| error.to_string())
    }

    #[test]
    fn it_reads_as_it_prints() {
        for value in [
            json!(true),
            json!(false),
            json!("materialized"),
            json!("table"),
            json!({}),
            json!({"exclude": ["a*"], "table": ["b"], "materialized": ["*"], "v": {"sql": "SELECT 1"}}),
            json!({"exclude": {"sql": "SELECT 1"}}),
        ] {
            assert_eq!(checked(value.clone()), Ok(()));
            assert_eq!(read(value.clone()).json(), value);
        }
    }

    #[test]
    fn an_entry_wins_over_globs_and_the_first_form_over_others() {
        let views =
            read(json!({"exclude": ["a*"], "materialized": ["*"], "table": ["t"], "AB": {"sql": "x"}}));
        let taken: Vec<bool> = ["a", "ab", "b"].map(|name| views.take(name)).into();
        assert_eq!(taken, [false, true, true]);
        assert_eq!([views.form("t"), views.form("ab")], [Some(Form::Table), Some(Form::Materialized)]);
        assert_eq!([views.own("ab"), views.own("b")], [Some("x"), None]);
    }

    #[test]
    fn a_patch_keeps_what_the_plan_says_of_others() {
        let views = read(json!({"exclude": ["a"], "b": {"sql": "x"}}));
        assert_eq!(views.without("b"), json!({"exclude": ["a", "b"], "b": null}));
        assert_eq!(read(json!("table")).without("[x]"), json!({"exclude": ["?x?"], "table": ["*"]}));
        assert_eq!(read(json!(true)).with_own("v", "SELECT 1"), json!({"v": {"sql": "SELECT 1"}}));
    }

    #[test]
    fn a_mistake_is_named_by_its_path() {
        for (value, message) in [
            (
                json!(1),
                "plan.views: expected true, false, \"table\", \"materialized\", or an object, not a number",
            ),
            (json!("tabel"), "plan.views: invalid value \"tabel\", did you mean \"table\"?"),
            (json!({"excluded": ["a"]}), "plan.views.excluded: unknown list, did you mean \"exclude\"?"),
            (
                json!({"exclude": "a"}),
                "plan.views.exclude: expected a list of globs, or an object, not a string",
            ),
            (json!({"v": {}}), "plan.views.v.sql: is missing"),
            (json!({"v": {"sql": ""}}), "plan.views.v.sql: must not be empty"),
            (json!({"v": {"sql": "x", "as": "table"}}), "plan.views.v.as: unknown key"),
        ] {
            assert_eq!(checked(value), Err(message.to_owned()));
        }
    }
}
