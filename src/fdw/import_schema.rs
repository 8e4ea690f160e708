//! IMPORT FOREIGN SCHEMA: the plan's own choices of types and names, written as CREATE FOREIGN TABLE.

use pgrx::PgSqlErrorCode as Code;
use serde_json::{Map, Value, json};

use super::options::{ServerOptions, boolean};
use crate::error::Error;
use crate::guc;
use crate::import::source;
use crate::import::survey;
use crate::import::survey::{Extent, Survey};
use crate::pg::foreign::{ForeignServer, Options};
use pg_sqlite_migrate_core::catalog::{Table, TableKind};
use pg_sqlite_migrate_core::plan::given::keys::nearest;
use pg_sqlite_migrate_core::plan::{Folded, TablePlan};
use pg_sqlite_migrate_core::sqltext::{ident, literal};

/// IMPORT FOREIGN SCHEMA, as it was parsed.
#[derive(Debug, Clone)]
pub struct Statement {
    pub remote_schema: String,
    /// Where the foreign tables go.
    pub local_schema: String,
    /// In LIMIT TO or EXCEPT: names that the foreign tables get.
    pub names: Vec<String>,
    pub listed: Listed,
    pub options: Options,
}

/// What the names of a [`Statement`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    All,
    LimitTo,
    Except,
}

/// What the statement comes to.
#[derive(Debug, Default)]
pub struct Commands {
    /// What the tables need before: a collation.
    pub first: Option<String>,
    /// One per table, by its name. The server puts each into the local schema.
    pub tables: Vec<(String, String)>,
    /// What the file has and PostgreSQL cannot have, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// The statement's own options.
#[derive(Debug, Clone, PartialEq)]
struct ImportOptions {
    default: bool,
    not_null: bool,
    generated: bool,
    views: bool,
    /// `names`, `nocase`, `types`, `profile`: keys of the plan.
    plan: Map<String, Value>,
}

/// Name, default, meaning; the names that `parse` knows.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("import_default", "false", "columns get the file's DEFAULTs, if these can be translated"),
    ("import_not_null", "true", "columns are NOT NULL if the file declares it"),
    (
        "import_generated",
        "true",
        "generated columns are GENERATED in PostgreSQL too, if they can be translated",
    ),
    ("import_views", "true", "views become foreign tables as well"),
    ("names", "preserve", "`preserve`, `lower` or `snake_case`, as in the plan"),
    (
        "nocase",
        "citext",
        "what COLLATE NOCASE becomes, as in the plan: `citext`, `collation`, or plain text with `lower` and `none`",
    ),
    (
        "types",
        "",
        "declared type → PostgreSQL type as JSON, as in the plan: `'{\"DATETIME\": \"timestamptz\"}'`",
    ),
    ("profile", "full", "`full`, `sample` or `none`: how much is read to choose the types, as in the plan"),
];

impl ImportOptions {
    /// From the OPTIONS clause.
    fn parse(options: &[(String, String)]) -> Result<ImportOptions, Error> {
        let mut out =
            ImportOptions { default: false, not_null: true, generated: true, views: true, plan: Map::new() };
        for (name, value) in options {
            match name.as_str() {
                "import_default" => out.default = flag(name, value)?,
                "import_not_null" => out.not_null = flag(name, value)?,
                "import_generated" => out.generated = flag(name, value)?,
                "import_views" => out.views = flag(name, value)?,
                "names" | "nocase" | "profile" => drop(out.plan.insert(name.clone(), json!(value))),
                "types" => drop(out.plan.insert(name.clone(), object(value)?)),
                _ => return Err(unknown(name)),
            }
        }
        Ok(out)
    }

    /// What the plan is made from: fresh tables in the schema that they go to.
    fn overrides(&self, server: &ServerOptions, schema: &str) -> Value {
        let mut plan = self.plan.clone();
        for (key, value) in [
            ("timezone", json!(server.timezone)),
            ("schema", json!(schema)),
            ("create", json!("always")),
            ("keys", json!("as_data_allows")),
            ("orphans", json!("keep")),
            ("on_error", json!("continue")),
            // A foreign table has neither.
            ("indexes", json!(false)),
            ("checks", json!(false)),
        ] {
            plan.insert(key.into(), value);
        }
        Value::Object(plan)
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Error> {
    boolean(value).ok_or_else(|| Error::Foreign {
        sqlstate: Code::ERRCODE_INVALID_PARAMETER_VALUE,
        message: format!("option \"{name}\" must be a Boolean value"),
        detail: Some(format!("The value is \"{value}\".")),
        hint: None,
    })
}

fn object(value: &str) -> Result<Value, Error> {
    match serde_json::from_str(value) {
        Ok(types @ Value::Object(_)) => Ok(types),
        _ => Err(Error::Foreign {
            sqlstate: Code::ERRCODE_INVALID_PARAMETER_VALUE,
            message: "option \"types\" must be a JSON object".into(),
            detail: None,
            hint: Some("Write types '{\"DATETIME\": \"timestamptz\"}'.".into()),
        }),
    }
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = OPTIONS.iter().map(|o| o.0).collect();
    Error::Foreign {
        sqlstate: Code::ERRCODE_FDW_INVALID_OPTION_NAME,
        message: format!("invalid option \"{name}\" for IMPORT FOREIGN SCHEMA"),
        detail: None,
        hint: Some(match nearest(name, names.iter().copied()) {
            Some(nearest) => format!("Perhaps you meant the option \"{nearest}\"."),
            None => format!("Valid options are: {}.", names.join(", ")),
        }),
    }
}

/// The commands, from the survey and the plan that an import would go by.
pub fn commands(server: &ForeignServer, statement: &Statement) -> Result<Commands, Error> {
    let options = ImportOptions::parse(&statement.options)?;
    let server_options = ServerOptions::of(server)?;
    if !matches!(statement.remote_schema.as_str(), "main" | "public") {
        return Err(Error::Foreign {
            sqlstate: Code::ERRCODE_FDW_SCHEMA_NOT_FOUND,
            message: format!("schema \"{}\" does not exist in a SQLite file", statement.remote_schema),
            detail: None,
            hint: Some("A SQLite file has one schema: main.".into()),
        });
    }
    let extent = Extent { views: options.views, virtual_tables: true };
    let timeout = server_options.busy_timeout.unwrap_or_else(guc::busy_timeout);
    let schema = statement.local_schema.as_str();
    let overrides = options.overrides(&server_options, schema);
    let source = source::open_file(&server_options.database, server_options.opening, timeout)?;
    let survey = survey::of_source(source, overrides, extent)?;
    let (_, planned) = survey::unasked(&survey)?;
    let mut out = Commands { left_out: unreadable(&survey, &options), ..Commands::default() };
    for table in &survey.catalog.tables {
        let entry = &planned.plan["tables"][&table.name];
        let Some(plan) = planned.tables.iter().find(|p| p.source == table.name) else { continue };
        if entry["skip"] == true {
            continue;
        }
        match obstacle(table, entry) {
            Some(reason) => out.left_out.push((table.name.clone(), reason)),
            None => {
                let sql = create_sql(plan, entry, &server.name, &options);
                out.tables.extend(sql);
            }
        }
        if out.first.is_none() {
            out.first = plan.folding.clone();
        }
    }
    out.tables.retain(|(name, _)| statement.asks_for(name));
    out.left_out.retain(|(name, _)| statement.asks_for(name));
    Ok(out)
}

/// What cannot be read of the file, by name, and virtual tables whose modules are not there.
fn unreadable(survey: &Survey, options: &ImportOptions) -> Vec<(String, String)> {
    let is_there = |name: &str| survey.catalog.table(name).is_some();
    let problems = survey.catalog.problems.iter().filter_map(|problem| {
        let (kind, name) = match problem.object.split_once(' ') {
            Some((kind @ ("view" | "trigger" | "index"), name)) => (kind, name),
            _ => ("table", problem.object.as_str()),
        };
        let concerns = kind == "table" || kind == "view" && options.views;
        (concerns && !is_there(name)).then(|| (name.to_owned(), problem.reason.clone()))
    });
    let broken = survey.broken.iter().map(|table| (table.object.clone(), table.message.clone()));
    let virtual_tables = survey.catalog.tables.iter().filter_map(|table| match &table.kind {
        TableKind::Virtual { module, usable: false } => {
            Some((table.name.clone(), format!("its module \"{module}\" is not available")))
        }
        _ => None,
    });
    problems.chain(broken).chain(virtual_tables).collect()
}

/// Why PostgreSQL cannot have the table.
fn obstacle(table: &Table, entry: &Value) -> Option<String> {
    const MOST_COLUMNS: usize = 1600;
    let taken: Vec<&String> = entry["columns"]
        .as_object()?
        .iter()
        .filter(|(_, c)| c["skip"] != true)
        .map(|(name, _)| name)
        .collect();
    if table.name.is_empty() {
        Some("it has no name".to_owned())
    } else if taken.iter().any(|name| name.is_empty()) {
        Some("a column of it has no name".to_owned())
    } else if taken.len() > MOST_COLUMNS {
        Some(format!("it has {} columns, and PostgreSQL allows at most {MOST_COLUMNS}", taken.len()))
    } else if table.name.contains('\0') || taken.iter().any(|name| name.contains('\0')) {
        Some("a name in it contains a NUL character".to_owned())
    } else {
        None
    }
}

impl Statement {
    /// LIMIT TO and EXCEPT leave the table in.
    fn asks_for(&self, target: &str) -> bool {
        let named = self.names.iter().any(|name| name == target);
        match self.listed {
            Listed::All => true,
            Listed::LimitTo => named,
            Listed::Except => !named,
        }
    }
}

/// The table's name, and its CREATE FOREIGN TABLE.
fn create_sql(
    plan: &TablePlan,
    entry: &Value,
    server: &str,
    options: &ImportOptions,
) -> Option<(String, String)> {
    let target = entry["target"].as_str()?;
    let column = |(name, column): (&String, &Value)| {
        let folded = plan.folded.iter().find(|folded| folded.source == *name);
        column_sql(name, column, folded, options)
    };
    let columns: Vec<String> = entry["columns"].as_object()?.iter().filter_map(column).collect();
    let sql = format!(
        "CREATE FOREIGN TABLE {} (\n    {}\n) SERVER {} OPTIONS (\"table\" {})",
        ident(target),
        columns.join(",\n    "),
        ident(server),
        literal(&plan.source)
    );
    Some((target.to_owned(), sql))
}

/// `folded` is what makes the column ignore case.
fn column_sql(
    source: &str,
    column: &Value,
    folded: Option<&Folded>,
    options: &ImportOptions,
) -> Option<String> {
    if column["skip"] == true {
        return None;
    }
    let text = |key: &str| column[key].as_str();
    let pg_type = folded.map_or(text("type"), |folded| Some(folded.pg_type.as_str()))?;
    let mut sql = format!("{} {pg_type}", ident(text("name")?));
    let mut own = vec![format!("column_name {}", literal(source))];
    own.extend(text("format").map(|f| format!("format {}", literal(f))));
    let collation = folded.map_or("", |folded| folded.collation.as_str());
    sql.push_str(&format!(" OPTIONS ({}){collation}", own.join(", ")));
    match expression(&column["generated"]) {
        Some(expression) if options.generated => {
            sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED"));
        }
        _ => {
            let default = text("default").filter(|_| options.default);
            sql.push_str(&default.map(|d| format!(" DEFAULT {d}")).unwrap_or_default());
        }
    }
    if options.not_null && column["nullable"] == false {
        sql.push_str(" NOT NULL");
    }
    Some(sql)
}

/// What computes a column: an expression, or one with the word that says where its values are.
fn expression(generated: &Value) -> Option<&str> {
    let of_word = generated.as_object().and_then(|map| map.values().next());
    of_word.unwrap_or(generated).as_str()
}

/// The table as it is printed in `docs/foreign_tables.md`.
pub fn markdown() -> String {
    let rows: String = OPTIONS.iter().map(|(n, d, m)| format!("| `{n}` | {d} | {m} |\n")).collect();
    format!("| option | default | meaning |\n|---|---|---|\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_the_registries() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/foreign_tables.md");
        let mut page = std::fs::read_to_string(path).unwrap_or_default();
        for (name, source, table) in [
            ("options", "src/fdw/options.rs", crate::fdw::options::markdown()),
            ("import", "src/fdw/import_schema.rs", markdown()),
        ] {
            let (begin, end) =
                (format!("<!-- begin {name}: {source} -->\n"), format!("<!-- end {name} -->\n"));
            let (head, rest) = page.split_once(&begin).expect("begin marker in docs/foreign_tables.md");
            let (printed, tail) = rest.split_once(&end).expect("end marker in docs/foreign_tables.md");
            if std::env::var_os("UPDATE_DOCS").is_some() {
                page = format!("{head}{begin}{table}{end}{tail}");
                std::fs::write(path, &page).expect("docs/foreign_tables.md");
            } else {
                assert_eq!(
                    printed, table,
                    "run the test with UPDATE_DOCS=1 to print the registry into the page"
                );
            }
        }
    }
}
