//! The shape of what the user said, checked against the registry in `keys`: every mistake is named by its JSON path.

use serde_json::{Map, Value};

use super::carried;
use super::chroma;
use super::fts;
use super::generated;
use super::geopackage;
use super::index_build;
use super::keys::{self, Kind, Level, Works};
use super::naming;
use super::objects;
use super::orms;
use super::overrides::{PlanError, invalid};
use super::pgtype;
use super::verify;
use crate::path::join;
use crate::value::encoding::TextEncoding;
use crate::value::{Format, Timezone};

/// The most digits after the point that `numeric(p,s)` can say.
const MAX_SCALE: u64 = 1000;
/// Connections to one file. Beyond some a machine has no processors for them.
pub(super) const MOST_READERS: u64 = 64;

/// The value of `readers`, if it is a number of them.
pub(super) fn readers(value: &Value) -> Option<usize> {
    let readers = value.as_u64().filter(|readers| (1..=MOST_READERS).contains(readers))?;
    usize::try_from(readers).ok()
}

/// The keys of one object, each allowed at its level, with values of the right shape.
pub(super) fn check_object(level: Level, map: &Map<String, Value>, path: &str) -> Result<(), PlanError> {
    for (name, value) in map {
        let path = join(path, name);
        let Some((key, works)) = keys::find(level, name) else {
            return Err(unknown_key(&path, name, &keys::names_at(level).collect::<Vec<_>>()));
        };
        match key.kind {
            Kind::Generated => generated::check(level, value, &path)?,
            kind => check_value(kind, value, &path)?,
        }
        let Works::Only(accepted) = works else { continue };
        if accepted.is_empty() {
            return Err(PlanError::Unsupported { path, hint: "Remove the key.".into() });
        }
        if !accepted.contains(&value.to_string().as_str()) {
            let hint = format!("Remove the key, or use {}.", accepted.join(" or "));
            return Err(PlanError::Unsupported { path: format!("{path} = {value}"), hint });
        }
    }
    Ok(())
}

fn check_value(kind: Kind, value: &Value, path: &str) -> Result<(), PlanError> {
    match kind {
        Kind::Flag if value.is_boolean() => Ok(()),
        Kind::Flag => Err(wrong(path, "true or false", value)),
        Kind::Text | Kind::Match => check_text(value, path).map(|_| ()),
        Kind::TextOrNull | Kind::NameOrNull if value.is_null() => Ok(()),
        Kind::TextOrNull | Kind::NameOrNull => check_text(value, path).map(|_| ()),
        Kind::Word(words) => check_word(words, value, path),
        Kind::Globs => check_list(value, path),
        Kind::Objects => objects::check(value, path),
        Kind::Carried(forms) => carried::check(forms, value, path),
        Kind::Names => naming::check(value, path),
        Kind::Values => check_values(value, path),
        Kind::Sql if value.is_string() => check_text(value, path).map(|_| ()),
        Kind::Sql => check_list(value, path),
        Kind::Types => each(value, path, |value, path| check_value(Kind::Type, value, path)),
        Kind::Formats => each(value, path, |value, path| check_value(Kind::Format, value, path)),
        Kind::Orms => orms::check(value, path),
        Kind::Type => pgtype::validate(check_text(value, path)?).map_err(|why| {
            let hint = "Use a type as in CREATE TABLE, such as \"numeric(10,2)\".";
            invalid(path, format!("{value} is not a type name: {why}"), hint)
        }),
        Kind::Format if value.is_null() => Ok(()),
        Kind::Format => check_word(&Format::ALL.map(Format::as_str), value, path),
        Kind::Encoding if value.is_null() => Ok(()),
        Kind::Encoding => {
            let hint = "Use the name of an encoding other than UTF-8 and UTF-16, such as \"windows-1252\" or \"latin1\".";
            let known = TextEncoding::parse(check_text(value, path)?);
            known.map(|_| ()).ok_or_else(|| invalid(path, format!("unknown encoding {value}"), hint))
        }
        Kind::Scale if value.is_null() || value.as_u64().is_some_and(|digits| digits <= MAX_SCALE) => Ok(()),
        Kind::Scale => Err(outside(path, &format!("a number from 0 to {MAX_SCALE}, or null"), value)),
        Kind::Readers if value.is_null() || readers(value).is_some() => Ok(()),
        Kind::Readers => Err(outside(path, &format!("a number from 1 to {MOST_READERS}, or null"), value)),
        Kind::Timezone => {
            let zone = Timezone::parse(check_text(value, path)?);
            zone.map(|_| ()).map_err(|e| invalid(path, e, "Use a name such as \"Europe/Berlin\"."))
        }
        Kind::Verify => verify::check(value, path),
        Kind::Chroma => chroma::check(value, path),
        Kind::Fts => fts::check(value, path),
        Kind::Geopackage => geopackage::check(value, path),
        Kind::IndexBuild => index_build::check(value, path),
        Kind::Generated => generated::check(Level::Column, value, path),
        Kind::Tables => each(value, path, |v, p| check_object(Level::Table, object(v, p)?, p)),
        Kind::Columns => each(value, path, |v, p| check_object(Level::Column, object(v, p)?, p)),
        Kind::Any => Ok(()),
    }
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, PlanError> {
    value.as_object().ok_or_else(|| wrong(path, "an object", value))
}

fn each(
    value: &Value,
    path: &str,
    check: impl Fn(&Value, &str) -> Result<(), PlanError>,
) -> Result<(), PlanError> {
    object(value, path)?.iter().try_for_each(|(name, value)| check(value, &join(path, name)))
}

pub(super) fn check_text<'a>(value: &'a Value, path: &str) -> Result<&'a str, PlanError> {
    match value.as_str() {
        None => Err(wrong(path, "a string", value)),
        Some("") => Err(invalid(path, "must not be empty", "")),
        Some(text) if text.contains('\0') => Err(invalid(path, "must not contain a NUL character", "")),
        Some(text) => Ok(text),
    }
}

pub(super) fn check_list(value: &Value, path: &str) -> Result<(), PlanError> {
    let list = value.as_array().ok_or_else(|| wrong(path, "a list of strings", value))?;
    list.iter().enumerate().try_for_each(|(i, item)| check_text(item, &format!("{path}[{i}]")).map(|_| ()))
}

fn check_values(value: &Value, path: &str) -> Result<(), PlanError> {
    let list = value.as_array().ok_or_else(|| wrong(path, "a list of texts and numbers", value))?;
    list.iter().enumerate().try_for_each(|(i, item)| {
        let path = format!("{path}[{i}]");
        match item {
            Value::Number(_) => Ok(()),
            Value::String(text) if text.is_empty() => Ok(()),
            Value::String(_) => check_text(item, &path).map(|_| ()),
            other => Err(wrong(&path, "a string or a number", other)),
        }
    })
}

pub(super) fn check_word(words: &[&str], value: &Value, path: &str) -> Result<(), PlanError> {
    let list = || words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
    let text = value.as_str().ok_or_else(|| wrong(path, &format!("one of {}", list()), value))?;
    if words.contains(&text) {
        return Ok(());
    }
    let guess = keys::did_you_mean(text, words.iter().copied());
    Err(invalid(path, format!("invalid value {value}{guess}"), format!("Values are {}.", list())))
}

/// A key that an object does not have.
pub(super) fn unknown_key(path: &str, name: &str, known: &[&'static str]) -> PlanError {
    let guess = keys::did_you_mean(name, known.iter().copied());
    invalid(path, format!("unknown key{guess}"), format!("Keys here are {}.", known.join(", ")))
}

/// A value that is not one of these numbers.
pub(super) fn outside(path: &str, numbers: &str, value: &Value) -> PlanError {
    match value {
        Value::Number(number) => invalid(path, format!("expected {numbers}, not {number}"), ""),
        other => wrong(path, numbers, other),
    }
}

pub(super) fn wrong(path: &str, expected: &str, value: &Value) -> PlanError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    invalid(path, format!("expected {expected}, not {found}"), "")
}
