//! The key `orm`: which programs wrote the file.

use serde_json::Value;

use super::overrides::{PlanError, invalid};
use super::shapes::wrong;
use crate::catalog::Catalog;
use crate::orm::signs::{Recognised, recognise};
use crate::orm::{self, Orm};

pub const AUTO: &str = "auto";
pub const NONE: &str = "none";

/// Which programs' conventions count.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Orms {
    /// Those that are recognised.
    #[default]
    Auto,
    /// These, in order; perhaps none.
    Named(Vec<&'static Orm>),
}

impl Orms {
    /// Reads a value of the right shape.
    pub fn read(value: &Value) -> Orms {
        let names = |list: &[Value]| list.iter().filter_map(Value::as_str).filter_map(orm::named).collect();
        match value {
            Value::String(word) if word == AUTO => Orms::Auto,
            Value::Array(list) => Orms::Named(names(list)),
            word => Orms::Named(names(std::slice::from_ref(word))),
        }
    }

    /// The programs that wrote a file.
    pub fn of(&self, catalog: &Catalog) -> Vec<Recognised> {
        let named = |orm: &&'static Orm| Recognised { orm, evidence: "named in the plan".to_owned() };
        match self {
            Orms::Auto => recognise(catalog),
            Orms::Named(orms) => orms.iter().map(named).collect(),
        }
    }
}

/// As the plan prints them.
pub fn json(orms: &[Recognised]) -> Value {
    match orms {
        [] => NONE.into(),
        [one] => one.orm.name.into(),
        several => several.iter().map(|recognised| recognised.orm.name).collect(),
    }
}

/// Every word of the key.
pub fn words() -> impl Iterator<Item = &'static str> {
    [AUTO, NONE].into_iter().chain(orm::ALL.iter().map(|orm| orm.name))
}

/// Checks the shape of a value: a word, or a list of names.
pub fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    let known = |word: &str| words().any(|known| known == word);
    let named = |value: &Value| value.as_str().is_some_and(|word| orm::named(word).is_some());
    match value {
        Value::String(word) if known(word) => Ok(()),
        Value::Array(list) if list.iter().all(named) => Ok(()),
        Value::String(_) | Value::Array(_) => {
            let hint =
                format!("Use {}.", words().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "));
            Err(invalid(path, format!("{value} names no program that is known"), hint))
        }
        other => Err(wrong(path, "a name or a list of names", other)),
    }
}
