//! Reads a manifest that somebody hands over: it is checked as a plan is, and an error names the JSON path.

use serde_json::{Map, Value};

use super::document::{Column, FORMAT, TOOL, Table};
use super::form::Form;
use crate::plan::PlanError;

/// A manifest as far as a database is checked by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub tables: Vec<Table>,
}

const MAKE: &str = "Pass what sqlite_manifest has returned.";

/// Keys of each level, with those that are not read.
const TOP: [&str; 6] = ["format", "tool", "version", "file", "checksum", "tables"];
const OF_TABLE: [&str; 10] = [
    "source",
    "schema",
    "table",
    "where",
    "timezone",
    "rows",
    "rejected",
    "checksum",
    "unchecked",
    "columns",
];
const OF_COLUMN: [&str; 13] = [
    "source", "column", "type", "form", "reading", "classes", "invalid", "unknown", "nulls", "minimum",
    "maximum", "length", "checksum",
];

/// PostgreSQL's limits; a larger manifest is none of its tables.
const MOST_COLUMNS: usize = 1600;

pub fn parse(manifest: &Value) -> Result<Given, PlanError> {
    let top = Level::new("manifest".into(), manifest)?;
    match top.object.get("format").map(Value::as_u64) {
        Some(Some(FORMAT)) => {}
        None => return Err(top.error("it has no key \"format\"")),
        Some(_) => {
            let known = format!("unknown format, this version reads format {FORMAT}");
            return Err(top.at("format").error(&known));
        }
    }
    top.knows(&TOP)?;
    if top.text("tool")? != TOOL {
        return Err(top.at("tool").error(&format!("expected \"{TOOL}\"")));
    }
    let tables = top.list("tables")?;
    Ok(Given { tables: tables.into_iter().map(table).collect::<Result<_, _>>()? })
}

fn table((path, value): (String, &Value)) -> Result<Table, PlanError> {
    let level = Level::new(path, value)?;
    level.knows(&OF_TABLE)?;
    let columns = level.list("columns")?;
    if columns.len() > MOST_COLUMNS {
        return Err(level.at("columns").error(&format!("a table has at most {MOST_COLUMNS} columns")));
    }
    Ok(Table {
        source: level.text("source")?.to_owned(),
        schema: level.text("schema")?.to_owned(),
        target: level.text("table")?.to_owned(),
        unchecked: level.optional_text("unchecked")?.map(str::to_owned),
        rows: level.count("rows")?,
        checksum: level.checksum()?,
        columns: columns.into_iter().map(column).collect::<Result<_, _>>()?,
    })
}

fn column((path, value): (String, &Value)) -> Result<Column, PlanError> {
    let level = Level::new(path, value)?;
    level.knows(&OF_COLUMN)?;
    let form = level.text("form")?;
    let form = Form::parse(form).ok_or_else(|| {
        let names = Form::names().collect::<Vec<_>>().join(", ");
        level.at("form").error(&format!("unknown form \"{form}\", known are {names}"))
    })?;
    let (invalid, unknown) = (level.count("invalid")?.unwrap_or(0), level.count("unknown")?.unwrap_or(0));
    let unchecked = match (invalid, unknown) {
        (0, 0) => None,
        (0, unknown) => Some(format!("only the server that loaded them knows what {unknown} cells became")),
        (invalid, _) => Some(format!("the column cannot hold {invalid} cells of the file")),
    };
    Ok(Column {
        target: level.text("column")?.to_owned(),
        pg_type: level.text("type")?.to_owned(),
        form,
        unchecked,
        nulls: level.count("nulls")?,
        minimum: level.optional_text("minimum")?.map(str::to_owned),
        maximum: level.optional_text("maximum")?.map(str::to_owned),
        length: level.count("length")?,
        checksum: level.checksum()?,
    })
}

/// An object of the manifest, and where it is.
struct Level<'a> {
    path: String,
    object: &'a Map<String, Value>,
}

/// A place in the manifest.
struct At(String);

impl At {
    fn error(self, message: &str) -> PlanError {
        PlanError::Invalid { path: self.0, message: message.to_owned(), hint: MAKE.to_owned() }
    }
}

impl<'a> Level<'a> {
    fn new(path: String, value: &'a Value) -> Result<Level<'a>, PlanError> {
        match value.as_object() {
            Some(object) => Ok(Level { path, object }),
            None => Err(At(path).error(&format!("expected an object, not {}", kind(value)))),
        }
    }

    fn at(&self, key: &str) -> At {
        At(format!("{}.{key}", self.path))
    }

    fn error(&self, message: &str) -> PlanError {
        At(self.path.clone()).error(message)
    }

    fn knows(&self, keys: &[&str]) -> Result<(), PlanError> {
        match self.object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(self.at(&crate::shorten::text(key)).error("unknown key")),
            None => Ok(()),
        }
    }

    fn optional(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<&'a str, PlanError> {
        self.optional_text(key)?.ok_or_else(|| self.at(key).error("expected a string, it is missing"))
    }

    fn optional_text(&self, key: &str) -> Result<Option<&'a str>, PlanError> {
        let wrong = |value| self.at(key).error(&format!("expected a string, not {}", kind(value)));
        self.optional(key).map(|value| value.as_str().ok_or_else(|| wrong(value))).transpose()
    }

    fn count(&self, key: &str) -> Result<Option<u64>, PlanError> {
        let wrong = || self.at(key).error("expected an integer from 0 to 18446744073709551615");
        self.optional(key).map(|value| value.as_u64().ok_or_else(wrong)).transpose()
    }

    fn checksum(&self) -> Result<Option<u128>, PlanError> {
        let wrong = || self.at("checksum").error("expected 32 hexadecimal digits");
        let read = |digits: &str| {
            let plain = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            plain.then(|| u128::from_str_radix(digits, 16).ok()).flatten().ok_or_else(wrong)
        };
        self.optional_text("checksum")?.map(read).transpose()
    }

    fn list(&self, key: &str) -> Result<Vec<(String, &'a Value)>, PlanError> {
        let items = self.optional(key).and_then(Value::as_array);
        let items = items.ok_or_else(|| self.at(key).error("expected a list"))?;
        let path = |at: usize| format!("{}.{key}[{at}]", self.path);
        Ok(items.iter().enumerate().map(|(at, item)| (path(at), item)).collect())
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
