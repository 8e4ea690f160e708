//! The manifest itself, and how it is printed: everything that another server, or another program, needs.

use serde_json::{Map, Value, json};

use super::form::Form;
use super::source::{CLASSES, SourceSums};
use super::sums;
use crate::catalog::{Catalog, Encoding};
use crate::plan::given::words::Word;
use crate::plan::{LoadColumn, LoadSpec};
use crate::value::batch::OnInvalid;
use crate::value::encoding::{Nul, TextEncoding};
use crate::value::{Excess, ValueList};

/// The version of all that docs/manifest.md states.
pub const FORMAT: u64 = 1;
pub const TOOL: &str = "pg_sqlite_migrate";

/// What is known of one table of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name in the file.
    pub source: String,
    pub schema: String,
    pub target: String,
    /// Why its rows cannot be checked.
    pub unchecked: Option<String>,
    pub rows: Option<u64>,
    pub checksum: Option<u128>,
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub target: String,
    pub pg_type: String,
    pub form: Form,
    /// Why its values cannot be checked.
    pub unchecked: Option<String>,
    pub nulls: Option<u64>,
    pub minimum: Option<String>,
    pub maximum: Option<String>,
    pub length: Option<u64>,
    pub checksum: Option<u128>,
}

/// What makes a file's manifest.
pub struct File<'a> {
    pub catalog: &'a Catalog,
    /// The extension's version.
    pub version: &'a str,
    pub tables: Vec<(&'a LoadSpec, Result<SourceSums, String>)>,
}

impl File<'_> {
    pub fn json(&self) -> Value {
        let catalog = self.catalog;
        let encoding = match catalog.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16le",
            Encoding::Utf16Be => "UTF-16be",
        };
        let checksums = self
            .tables
            .iter()
            .map(|(spec, read)| (spec.source.as_str(), read.as_ref().ok().and_then(table_checksum)));
        json!({
            "format": FORMAT,
            "tool": TOOL,
            "version": self.version,
            "file": {
                "encoding": encoding,
                "page_size": catalog.page_size,
                "page_count": catalog.page_count,
                "user_version": catalog.user_version,
                "application_id": catalog.application_id,
            },
            "checksum": sums::of_file(checksums).map(hexadecimal),
            "tables": self.tables.iter().map(|(spec, read)| table(spec, read)).collect::<Vec<_>>(),
        })
    }
}

/// As 32 hexadecimal digits.
pub fn hexadecimal(checksum: u128) -> String {
    format!("{checksum:032x}")
}

fn table(spec: &LoadSpec, read: &Result<SourceSums, String>) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("source", spec.source.as_str().into());
    put("schema", spec.schema.as_str().into());
    put("table", spec.target.as_str().into());
    if let Some(filter) = &spec.reading.filter {
        put("where", filter.as_str().into());
    }
    put("timezone", spec.timezone.as_str().into());
    let sums = read.as_ref().ok();
    put("rows", sums.map(|read| read.sums.rows).into());
    put("rejected", sums.map(|read| read.rejected).into());
    put("checksum", sums.and_then(table_checksum).map(hexadecimal).into());
    if let Err(reason) = read {
        put("unchecked", reason.as_str().into());
    }
    let columns = spec.columns.iter().enumerate().map(|(at, column)| self::column(spec, column, at, sums));
    put("columns", columns.collect());
    Value::Object(out)
}

fn table_checksum(read: &SourceSums) -> Option<u128> {
    let known = read.cells.iter().all(|cells| cells.invalid == 0 && cells.unknown == 0);
    known.then_some(read.sums.checksum)
}

fn column(spec: &LoadSpec, column: &LoadColumn, at: usize, read: Option<&SourceSums>) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("source", column.source.as_str().into());
    put("column", column.target.as_str().into());
    put("type", column.pg_type.to_string().into());
    put("form", Form::of(&column.pg_type).as_str().into());
    put("reading", reading(spec, column));
    let Some((cells, sums)) = read.and_then(|read| Some((read.cells.get(at)?, read.sums.columns.get(at)?)))
    else {
        return Value::Object(out);
    };
    let classes = CLASSES.iter().zip(cells.classes).filter(|(_, count)| *count > 0);
    put("classes", Value::Object(classes.map(|(name, count)| ((*name).to_owned(), count.into())).collect()));
    for (key, count) in [("invalid", cells.invalid), ("unknown", cells.unknown)] {
        if count > 0 {
            put(key, count.into());
        }
    }
    if cells.invalid == 0 && cells.unknown == 0 {
        put("nulls", sums.nulls.into());
        put("minimum", sums.minimum().into());
        put("maximum", sums.maximum().into());
        put("length", sums.length.into());
        put("checksum", hexadecimal(sums.checksum).into());
    }
    Value::Object(out)
}

/// How the cells of a column are read: what of the plan differs from its defaults.
fn reading(spec: &LoadSpec, column: &LoadColumn) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    if let Some(using) = spec.reading.using(&column.source) {
        put("using", using.into());
    }
    if let Some(format) = column.format {
        put("format", format.as_str().into());
    }
    if column.not_null {
        put("nullable", false.into());
    }
    if column.on_invalid != OnInvalid::Error {
        put("on_invalid", column.on_invalid.word().into());
    }
    if column.excess != Excess::Error {
        put("excess", column.excess.word().into());
    }
    let mut list = |key: &str, list: &ValueList| {
        if !list.is_empty() {
            put(key, list.texts().collect());
        }
    };
    list("null_values", &column.null_values);
    list("true_values", &column.words.truths);
    list("false_values", &column.words.falsehoods);
    if let Some(encoding) = column.texts.encoding.map(TextEncoding::name) {
        put("text_encoding", encoding.into());
    }
    if column.texts.nul != Nul::Error {
        put("nul", column.texts.nul.word().into());
    }
    if let Some(default) = &column.default {
        put("null_to_default", default.as_str().into());
    }
    Value::Object(out)
}
