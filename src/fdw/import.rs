//! IMPORT FOREIGN SCHEMA: the plan's own choices of types and names, written as CREATE FOREIGN TABLE.

use pgrx::PgSqlErrorCode as Code;
use serde_json::{Map, Value, json};

use super::options::{ServerOptions, boolean};
use crate::error::Error;
use crate::guc;
use crate::pg::fdw::{Import, Listed};
use crate::plan::keys::nearest;
use crate::run::survey::{self, Extent};
use crate::sqltext::{ident, literal};

/// What the statement asks for.
#[derive(Debug)]
pub struct Request<'a> {
    pub server: &'a str,
    /// The names are those that the foreign tables get.
    pub statement: &'a Import,
    pub options: ImportOptions,
}

/// The statement's own options.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    default: bool,
    not_null: bool,
    generated: bool,
    views: bool,
    /// `names`, `types`, `profile`: keys of the plan.
    plan: Map<String, Value>,
}

/// Name, default, meaning; the names that `parse` knows.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("import_default", "false", "columns get the file's DEFAULTs, as far as they can be translated"),
    ("import_not_null", "true", "columns are NOT NULL where the file declares it"),
    (
        "import_generated",
        "true",
        "generated columns are GENERATED in PostgreSQL too, where they can be translated",
    ),
    ("import_views", "true", "views become foreign tables as well"),
    ("names", "preserve", "`preserve`, `lower` or `snake_case`, as in the plan"),
    (
        "types",
        "",
        "declared type → PostgreSQL type as JSON, as in the plan: `'{\"DATETIME\": \"timestamptz\"}'`",
    ),
    ("profile", "full", "`full`, `sample` or `none`: how much is read to choose the types, as in the plan"),
];

impl ImportOptions {
    /// From the OPTIONS clause.
    pub fn parse(given: &[(String, String)]) -> Result<ImportOptions, Error> {
        let mut out =
            ImportOptions { default: false, not_null: true, generated: true, views: true, plan: Map::new() };
        for (name, value) in given {
            match name.as_str() {
                "import_default" => out.default = flag(name, value)?,
                "import_not_null" => out.not_null = flag(name, value)?,
                "import_generated" => out.generated = flag(name, value)?,
                "import_views" => out.views = flag(name, value)?,
                "names" | "profile" => drop(out.plan.insert(name.clone(), json!(value))),
                "types" => drop(out.plan.insert(name.clone(), object(value)?)),
                _ => return Err(unknown(name)),
            }
        }
        Ok(out)
    }

    /// What the plan is made from. NOCASE stays PostgreSQL's plain text: a foreign table brings no collation along.
    fn overrides(&self, server: &ServerOptions) -> Value {
        let mut plan = self.plan.clone();
        for (key, value) in [
            ("timezone", json!(server.timezone)),
            ("nocase", json!("none")),
            ("create", json!("always")),
            ("keys", json!("as_data_allows")),
            ("orphans", json!("keep")),
            ("on_error", json!("continue")),
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

/// The statements, one per table. PostgreSQL puts each into the local schema.
pub fn statements(server: &ServerOptions, request: &Request<'_>) -> Result<Vec<String>, Error> {
    if !matches!(request.statement.remote_schema.as_str(), "main" | "public") {
        return Err(Error::Foreign {
            sqlstate: Code::ERRCODE_FDW_SCHEMA_NOT_FOUND,
            message: format!(
                "schema \"{}\" does not exist in a SQLite file",
                request.statement.remote_schema
            ),
            detail: None,
            hint: Some("A SQLite file has one schema: main.".into()),
        });
    }
    let extent = Extent { views: request.options.views, virtual_tables: true };
    let timeout = server.busy_timeout.unwrap_or_else(guc::busy_timeout);
    let overrides = request.options.overrides(server);
    let survey = survey::of_server(&server.database, timeout, overrides, extent)?;
    let plan = survey::planned(&survey)?.plan;
    let tables =
        survey.catalog.tables.iter().filter_map(|t| Some((t.name.as_str(), plan["tables"].get(&t.name)?)));
    Ok(tables
        .filter(|(_, entry)| entry["skip"] != true)
        .filter_map(|(n, e)| statement(n, e, request))
        .collect())
}

fn statement(source: &str, entry: &Value, request: &Request<'_>) -> Option<String> {
    let target = entry["target"].as_str()?;
    let named = request.statement.names.iter().any(|n| n == target);
    match request.statement.listed {
        Listed::LimitTo if !named => return None,
        Listed::Except if named => return None,
        _ => {}
    }
    let columns: Vec<String> = (entry["columns"].as_object()?.iter())
        .filter_map(|(name, column)| column_sql(name, column, &request.options))
        .collect();
    Some(format!(
        "CREATE FOREIGN TABLE {} (\n    {}\n) SERVER {} OPTIONS (\"table\" {})",
        ident(target),
        columns.join(",\n    "),
        ident(request.server),
        literal(source)
    ))
}

fn column_sql(source: &str, column: &Value, options: &ImportOptions) -> Option<String> {
    if column["skip"] == true {
        return None;
    }
    let text = |key: &str| column[key].as_str();
    let mut sql = format!("{} {}", ident(text("name")?), text("type")?);
    let mut given = vec![format!("column_name {}", literal(source))];
    given.extend(text("format").map(|f| format!("format {}", literal(f))));
    sql.push_str(&format!(" OPTIONS ({})", given.join(", ")));
    match text("generated") {
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

/// The table as it stands in `docs/foreign_tables.md`.
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
            ("import", "src/fdw/import.rs", markdown()),
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
