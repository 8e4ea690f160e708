//! What the user says of an export, read into types, and what a recorded run says in its place.

use serde_json::{Map, Value};

use super::convert::OnInvalid;
use super::geopackage;
use super::keys::{self, Level};
use super::original::Originals;
use super::types::{Choices, Numeric};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::PlanError;
use crate::plan::given::overrides::invalid;
use crate::value::{Format, PgType};

/// What was said; an absent key is `None`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    map: Map<String, Value>,
    pub run: Option<i64>,
}

/// Settings of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    pub overwrite: bool,
    pub encoding: String,
    pub page_size: i64,
    pub auto_vacuum: String,
    pub journal_mode: String,
    pub application_id: i64,
    pub user_version: i64,
}

/// A recorded run, by which tables, columns and formats are those of its file.
#[derive(Debug, Clone, Default)]
pub struct Run {
    pub tables: Vec<RunTable>,
    /// The complete plan.
    pub plan: Value,
    /// What the file said of itself.
    pub source: Value,
    /// What it has declared, in its own words.
    pub originals: Originals,
}

#[derive(Debug, Clone)]
pub struct RunTable {
    pub source: String,
    /// As it is called now.
    pub schema: String,
    pub table: String,
    pub since: Since,
}

/// What has become of a table since a run loaded it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Since {
    /// It has its name, as far as the log can tell.
    #[default]
    Same,
    /// The name that it had.
    Renamed(String),
    /// Its name is another table's.
    Another,
    /// It is gone, and its name is that of another relation of the run, which is what a plan means by it.
    Replaced,
}

/// What a run says of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunColumn {
    /// Its name in the file.
    pub source: String,
    pub format: Option<Format>,
    /// Its declared type in the file; `None` where the log does not say.
    pub declared: Option<String>,
    /// Its type in PostgreSQL, as the import has made it.
    pub pg_type: Option<PgType>,
    /// The storage class of all of its values.
    pub stored: Option<String>,
    pub spelling: Option<String>,
}

impl RunColumn {
    /// The import has made numbers or times of it.
    pub fn was_no_text(&self) -> bool {
        use PgType::*;
        let base = self.pg_type.as_ref().map(PgType::base);
        matches!(
            base,
            Some(Bool | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_) | Money)
                | Some(Date | Time(_) | Timestamp(_) | TimestampTz(_))
        )
    }
}

/// A virtual table of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunVirtualTable {
    pub name: String,
    /// Its declaration, as it was in the file.
    pub sql: String,
    pub columns: Vec<String>,
}

/// What a run says of how a table was declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunDeclaration {
    pub strict: bool,
    pub without_rowid: bool,
    pub autoincrement: bool,
}

/// Reads a plan. `run` is the argument of that name.
pub fn read(plan: Option<Value>, run: Option<i64>) -> Result<Overrides, PlanError> {
    let plan = plan.filter(|plan| !plan.is_null()).unwrap_or_else(|| Value::Object(Map::new()));
    keys::check(Level::Plan, &plan, "plan")?;
    let map = plan.as_object().cloned().unwrap_or_default();
    let has = |key: &str| map.get(key).is_some_and(|value| !value.is_null());
    if has("schema") && has("schemas") {
        return Err(invalid(
            "plan.schema",
            "cannot be combined with \"schemas\"",
            "Name every schema in \"schemas\".",
        ));
    }
    let given = map.get("run").and_then(Value::as_i64);
    if run.is_some() && given.is_some() && run != given {
        return Err(invalid("plan.run", "is another run than that of the argument", "Give one of them."));
    }
    let run = run.or(given);
    if run.is_some() && (has("schema") || has("schemas")) {
        let hint = "The tables of a run are those that it has loaded; \"include\" and \"exclude\" choose among them.";
        return Err(invalid("plan.run", "cannot be combined with schemas", hint));
    }
    let said = Overrides { map, run };
    if run.is_some() && said.by_schema() {
        let hint = "The tables of a run are those of one file.";
        return Err(invalid("plan.files", "cannot be combined with a run", hint));
    }
    Ok(said)
}

impl Overrides {
    fn text(&self, key: &str) -> Option<&str> {
        self.map.get(key)?.as_str()
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.map.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    fn list(&self, key: &str) -> Option<Vec<String>> {
        let items = self.map.get(key)?.as_array()?.iter();
        Some(items.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    #[cfg(test)]
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    /// The schemas to look into; none for a run.
    pub fn schemas(&self) -> Vec<String> {
        match self.run {
            Some(_) => vec![],
            None => match self.text("schema") {
                Some(schema) => vec![schema.to_owned()],
                None => self.list("schemas").unwrap_or_else(|| vec!["public".into()]),
            },
        }
    }

    pub fn include(&self) -> Vec<String> {
        self.list("include").unwrap_or_else(|| vec!["*".into()])
    }

    pub fn exclude(&self) -> Vec<String> {
        self.list("exclude").unwrap_or_default()
    }

    /// A key whose values are words: what was said, or its default.
    pub fn word(&self, key: &str) -> &str {
        self.text(key).unwrap_or_else(|| keys::default_word(key))
    }

    pub fn types(&self) -> Choices {
        Choices {
            numeric: match self.word("numeric") {
                "text" => Numeric::Text,
                "real" => Numeric::Real,
                _ => Numeric::Exact,
            },
            uuid_blob: self.word("uuid") == "blob",
            json_blob: self.word("json") == "blob",
            iso_intervals: self.word("interval") == "iso8601",
            vector_blob: self.word("vector") == "blob",
            geopackage: self.geopackage(),
            plain_geometries: self.word("geometry") == "wkb",
            text_search: self.word("tsvector") == "text",
        }
    }

    /// Each schema has a file of its own.
    pub fn by_schema(&self) -> bool {
        self.word("files") == "schema"
    }

    /// The file is a GeoPackage.
    pub fn geopackage(&self) -> bool {
        self.flag("geopackage", false)
    }

    pub fn fts(&self) -> bool {
        self.flag("fts", true)
    }

    pub fn on_invalid(&self) -> OnInvalid {
        on_invalid(self.text("on_invalid")).unwrap_or(OnInvalid::Error)
    }

    pub fn timezone<'a>(&'a self, run: Option<&'a Run>) -> &'a str {
        let of_run = || run.and_then(|run| run.plan["timezone"].as_str());
        self.text("timezone").or_else(of_run).unwrap_or("UTC")
    }

    /// `None` where nothing was said.
    pub fn strict(&self) -> Option<bool> {
        self.map.get("strict").and_then(Value::as_bool)
    }

    pub fn indexes(&self) -> bool {
        self.flag("indexes", true)
    }

    pub fn foreign_keys(&self) -> bool {
        self.flag("foreign_keys", true)
    }

    pub fn checks(&self) -> bool {
        self.flag("checks", true)
    }

    pub fn comments(&self) -> bool {
        self.flag("comments", true)
    }

    pub fn views(&self) -> bool {
        self.flag("views", true)
    }

    pub fn triggers(&self) -> bool {
        self.flag("triggers", true)
    }

    /// What is unchanged since a run goes back in the file's own words.
    pub fn original(&self) -> bool {
        self.text("declarations") != Some("translated")
    }

    /// The file's settings: what was said, or those of the run's file.
    pub fn file(&self, run: Option<&Run>) -> FileSettings {
        let text = |key: &str, default: &str| {
            let of_run = run.and_then(|run| run.source[key].as_str());
            self.text(key).or(of_run).unwrap_or(default).to_owned()
        };
        let number = |key: &str, default: i64| {
            let of_run = run.and_then(|run| run.source[key].as_i64());
            self.map.get(key).and_then(Value::as_i64).or(of_run).unwrap_or(default)
        };
        // A GeoPackage is known by its number; a run's file may have been of another version.
        let by_form = |key: &str, of_geopackage: i64| match self.geopackage() {
            true => self.map.get(key).and_then(Value::as_i64).unwrap_or(of_geopackage),
            false => number(key, 0),
        };
        FileSettings {
            overwrite: self.flag("overwrite", false),
            encoding: text("encoding", "UTF-8"),
            page_size: number("page_size", 4096),
            auto_vacuum: text("auto_vacuum", "none"),
            journal_mode: text("journal_mode", "delete"),
            application_id: by_form("application_id", geopackage::APPLICATION_ID),
            user_version: by_form("user_version", geopackage::USER_VERSION),
        }
    }

    /// The keys of single tables, by the name that the plan gives them.
    pub fn tables(&self) -> impl Iterator<Item = (&str, TableOverrides<'_>)> {
        let tables = self.map.get("tables").and_then(Value::as_object);
        tables.into_iter().flatten().map(|(name, keys)| (name.as_str(), TableOverrides(keys)))
    }
}

/// What was said of a table.
#[derive(Debug, Clone, Copy)]
pub struct TableOverrides<'a>(&'a Value);

impl<'a> TableOverrides<'a> {
    pub fn as_given(self) -> &'a Value {
        self.0
    }

    pub fn target(self) -> Option<&'a str> {
        self.0["target"].as_str()
    }

    pub fn skip(self) -> bool {
        self.0["skip"] == Value::Bool(true)
    }

    pub fn columns(self) -> impl Iterator<Item = (&'a str, ColumnOverrides<'a>)> {
        let columns = self.0["columns"].as_object();
        columns.into_iter().flatten().map(|(name, keys)| (name.as_str(), ColumnOverrides(keys)))
    }

    pub fn column(self, name: &str) -> Option<ColumnOverrides<'a>> {
        self.columns().find(|(given, _)| *given == name).map(|(_, keys)| keys)
    }
}

/// What was said of a column.
#[derive(Debug, Clone, Copy)]
pub struct ColumnOverrides<'a>(&'a Value);

impl<'a> ColumnOverrides<'a> {
    pub fn name(self) -> Option<&'a str> {
        self.0["name"].as_str()
    }

    pub fn skip(self) -> bool {
        self.0["skip"] == Value::Bool(true)
    }

    pub fn format(self) -> Option<Format> {
        Format::parse(self.0["format"].as_str()?)
    }

    pub fn on_invalid(self) -> Option<OnInvalid> {
        on_invalid(self.0["on_invalid"].as_str())
    }

    pub fn spelling(self) -> Option<&'a str> {
        self.0["spelling"].as_str()
    }
}

fn on_invalid(word: Option<&str>) -> Option<OnInvalid> {
    match word? {
        "null" => Some(OnInvalid::Null),
        "text" => Some(OnInvalid::Text),
        _ => Some(OnInvalid::Error),
    }
}

pub fn on_invalid_word(on_invalid: OnInvalid) -> &'static str {
    match on_invalid {
        OnInvalid::Error => "error",
        OnInvalid::Null => "null",
        OnInvalid::Text => "text",
    }
}

impl Run {
    /// The table of the file that was loaded into a table of PostgreSQL's.
    pub fn source_of(&self, schema: &str, table: &str) -> Option<&str> {
        self.table_of(schema, table).map(|table| table.source.as_str())
    }

    fn table_of(&self, schema: &str, table: &str) -> Option<&RunTable> {
        self.present().find(|t| t.schema == schema && t.table == table)
    }

    /// The tables that have a name of their own.
    pub fn present(&self) -> impl Iterator<Item = &RunTable> {
        self.tables.iter().filter(|table| table.since != Since::Replaced)
    }

    /// What is to be told of the others.
    pub fn replaced(&self) -> impl Iterator<Item = Finding> {
        self.tables.iter().filter(|table| table.since == Since::Replaced).map(|table| {
            let message = format!(
                "it does not exist any more, and is left out: {}.{}, into which the run loaded it, is another table of the run now",
                table.schema, table.table
            );
            Kind::LeftOut.warning(format!("table {} of the file", table.source), message)
        })
    }

    /// What has become of a table, if that is to be told: `object` names it.
    pub fn told_of(&self, schema: &str, table: &str, object: &str) -> Option<Finding> {
        match &self.table_of(schema, table)?.since {
            Since::Same | Since::Replaced => None,
            Since::Renamed(former) => {
                Some(Kind::NameChanged.info(object, format!("it was called {former} when the run loaded it")))
            }
            Since::Another => {
                let message = "it is not the table that the run loaded, but another one by that name";
                let finding = Kind::SimilarTable.warning(object, message);
                Some(finding.fix(Fix::of_table(object, "skip", true), ", to leave it out"))
            }
        }
    }

    /// What the run says of a column of PostgreSQL's. Several columns of the file may have had similar names; one that was
    /// loaded has this name.
    pub fn column(&self, source_table: &str, name: &str) -> Option<RunColumn> {
        let columns = self.plan["tables"][source_table]["columns"].as_object()?;
        let (source, keys) = columns.iter().find(|(_, keys)| {
            keys["name"].as_str() == Some(name)
                && keys["skip"] != Value::Bool(true)
                && !keys["type"].is_null()
        })?;
        let format = keys["format"].as_str().and_then(Format::parse);
        let of_file = &self.source["declared"][source_table]["columns"][source];
        let text = |key: &str| of_file[key].as_str().map(str::to_owned);
        let (declared, stored, spelling) = (text("type"), text("stored"), text("spelling"));
        let pg_type = keys["type"].as_str().map(PgType::parse);
        Some(RunColumn { source: source.clone(), format, declared, pg_type, stored, spelling })
    }

    /// The virtual tables of the file whose modules SQLite has itself.
    pub fn virtual_tables(&self) -> Vec<RunVirtualTable> {
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let tables = self.source["virtual_tables"].as_array();
        tables
            .into_iter()
            .flatten()
            .map(|of| RunVirtualTable {
                name: of["name"].as_str().unwrap_or_default().to_owned(),
                sql: of["sql"].as_str().unwrap_or_default().to_owned(),
                columns: texts(&of["columns"]),
            })
            .collect()
    }

    /// The file had a table of this name.
    pub fn has_table(&self, name: &str) -> bool {
        let tables = self.source["declared"].as_object();
        tables.is_some_and(|tables| tables.keys().any(|table| table.eq_ignore_ascii_case(name)))
    }

    /// How the table was declared in the file; `None` where the log does not say.
    pub fn declaration(&self, source_table: &str) -> Option<RunDeclaration> {
        let keys = self.source["declared"].get(source_table)?;
        let flag = |key: &str| keys[key] == Value::Bool(true);
        Some(RunDeclaration {
            strict: flag("strict"),
            without_rowid: flag("without_rowid"),
            autoincrement: flag("autoincrement"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mistakes_are_named_by_their_path() {
        for (plan, message) in [
            (json!({"schemaz": "a"}), "plan.schemaz: unknown key, did you mean \"schema\"?"),
            (json!({"schema": ""}), "plan.schema: must not be empty"),
            (json!({"schema": "a", "schemas": ["b"]}), "plan.schema: cannot be combined with \"schemas\""),
            (json!({"run": 7, "schema": "a"}), "plan.run: cannot be combined with schemas"),
            (json!({"run": 1}), "plan.run: is another run than that of the argument"),
            (json!({"numeric": "texts"}), "plan.numeric: invalid value \"texts\", did you mean \"text\"?"),
            (json!({"page_size": 1000}), "plan.page_size: expected a power of two from 512 to 65536"),
            (json!({"page_size": 4096.5}), "plan.page_size: expected a power of two from 512 to 65536"),
            (json!({"user_version": 3_000_000_000u64}), "plan.user_version: expected an integer of 32 bits"),
            (
                json!({"include": ["a["]}),
                "plan.include[0]: invalid glob: unclosed character class; missing ']'",
            ),
            (
                json!({"tables": {"t": {"columns": {"a b": {"typ": 1}}}}}),
                "plan.tables.t.columns.\"a b\".typ: unknown key",
            ),
            (json!([]), "plan: expected an object"),
        ] {
            let error = read(Some(plan), Some(7)).unwrap_err().to_string();
            assert_eq!(error, message);
        }
    }
}
