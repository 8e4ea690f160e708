//! Which indexes, foreign keys, checks or enums are created: all, none, or all but those whose names match globs.

use globset::{GlobBuilder, GlobMatcher};
use serde_json::{Map, Value, json};

use super::overrides::{PlanError, invalid};
use super::shapes::{check_list, wrong};
use crate::path::join;

/// The most bytes of a glob: compiling a longer one could panic.
const LONGEST_GLOB: usize = 10_000;

/// The value of `indexes`, `foreign_keys`, `checks` or `enums`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objects {
    All,
    None,
    /// All but those with a name that one of these globs matches.
    Except(Vec<String>),
}

impl Objects {
    /// The value of a key whose shape is known to be right.
    pub fn read(map: &Map<String, Value>, key: &str) -> Option<Objects> {
        Some(match map.get(key)? {
            Value::Bool(true) => Objects::All,
            Value::Bool(false) => Objects::None,
            other => {
                let globs = other.get("exclude")?.as_array()?.iter();
                Objects::Except(globs.filter_map(Value::as_str).map(str::to_owned).collect())
            }
        })
    }

    /// As it stands in a plan.
    pub fn json(&self) -> Value {
        match self {
            Objects::All => true.into(),
            Objects::None => false.into(),
            Objects::Except(globs) => json!({ "exclude": globs }),
        }
    }

    /// An object of this name is created.
    pub fn take(&self, name: &str) -> bool {
        match self {
            Objects::All => true,
            Objects::None => false,
            // The globs were compiled before, when the plan was read.
            Objects::Except(globs) => {
                !globs.iter().filter_map(|g| glob(g, "").ok()).any(|g| g.is_match(name))
            }
        }
    }

    /// The globs of those that are left out.
    pub fn excluded(&self) -> &[String] {
        match self {
            Objects::Except(globs) => globs,
            Objects::All | Objects::None => &[],
        }
    }
}

/// A glob of names, in which case does not matter.
pub fn glob(pattern: &str, path: &str) -> Result<GlobMatcher, PlanError> {
    if pattern.len() > LONGEST_GLOB {
        return Err(invalid(path, format!("is longer than {LONGEST_GLOB} bytes"), ""));
    }
    let glob = GlobBuilder::new(pattern).case_insensitive(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|e| invalid(path, format!("invalid glob: {}", e.kind()), ""))
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    const HINT: &str = "The only key here is \"exclude\", a list of globs of names.";
    if value.is_boolean() {
        return Ok(());
    }
    let map = value.as_object().ok_or_else(|| wrong(path, "true, false or an object", value))?;
    if let Some(name) = map.keys().find(|name| *name != "exclude") {
        return Err(invalid(join(path, name), "unknown key", HINT));
    }
    let path = join(path, "exclude");
    let list = map.get("exclude").ok_or_else(|| invalid(&path, "is missing", HINT))?;
    check_list(list, &path)?;
    let mut patterns = list.as_array().into_iter().flatten().filter_map(Value::as_str).enumerate();
    patterns.try_for_each(|(i, pattern)| glob(pattern, &format!("{path}[{i}]")).map(drop))
}
