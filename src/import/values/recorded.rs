//! What the run log says of a run, as far as its tables are compared with the file.

use serde_json::Value;

use crate::import::result::TableResult;
use crate::pg::spi;
use crate::verify::values::Believed;

/// A run as the log has it.
pub(super) struct Recorded {
    pub(super) run: i64,
    /// Table and column of the file, for every column that the run has loaded.
    pub(super) columns: Vec<(String, String)>,
    pub(super) tables: Vec<Logged>,
    /// What the file said of itself.
    pub(super) source: Value,
}

/// What the run log says of a table.
pub(super) struct Logged {
    pub(super) source: String,
    pub(super) schema: String,
    pub(super) target: String,
    pub(super) loaded: bool,
    pub(super) rows_before: i64,
    pub(super) source_rows: Option<i64>,
    pub(super) imported: i64,
    pub(super) updated: i64,
    pub(super) skipped: i64,
    pub(super) became: Believed,
}

impl Logged {
    /// Of a run that is not in the log yet.
    pub(super) fn of(result: &TableResult) -> Logged {
        Logged {
            source: result.source.clone(),
            schema: result.schema.clone(),
            target: result.table.clone(),
            loaded: true,
            rows_before: result.rows_before,
            source_rows: result.source_rows,
            imported: result.imported,
            updated: result.updated,
            skipped: result.skipped,
            became: believed(&result.became_json()),
        }
    }

    /// The table has the rows of the file, with their values, and no others.
    pub(super) fn is_whole(&self) -> bool {
        let rows = self.source_rows == Some(self.imported);
        self.loaded && rows && self.rows_before == 0 && self.became.0.is_empty()
    }

    /// Rows that were there before, and that the file has no part in.
    pub(super) fn others(&self) -> i64 {
        self.rows_before - self.updated
    }
}

/// What a complete plan loads. Generated columns are computed by the server; one without a type has no place in the table.
pub(super) fn columns(plan: Option<&Value>) -> Vec<(String, String)> {
    let mut out = vec![];
    let tables = plan.and_then(|plan| plan["tables"].as_object());
    for (table, of_table) in tables.into_iter().flatten() {
        for (column, keys) in of_table["columns"].as_object().into_iter().flatten() {
            let loads = keys["skip"] != Value::Bool(true) && keys["type"].is_string();
            // An expression, or one with its word.
            let computed = keys["generated"].is_string() || keys["generated"].is_object();
            if loads && !computed {
                out.push((table.clone(), column.clone()));
            }
        }
    }
    out
}

pub(super) fn logged(run: i64) -> Vec<Logged> {
    spi::rows(
        "SELECT source_table, target_schema, target_table, status, rows_before, source_rows, imported, updated, skipped,
                became::text AS became
         FROM sqlite_migrate.run_table WHERE run = $1 AND status <> 'skipped' ORDER BY ordinal",
        &[run.into()],
        |row| Logged {
            source: row.get("source_table"),
            schema: row.get("target_schema"),
            target: row.get("target_table"),
            loaded: row.get::<String>("status") == "loaded",
            rows_before: row.get("rows_before"),
            source_rows: row.get("source_rows"),
            imported: row.get("imported"),
            updated: row.get("updated"),
            skipped: row.get("skipped"),
            became: believed(&serde_json::from_str(&row.get::<String>("became")).unwrap_or_default()),
        },
    )
}

fn believed(became: &Value) -> Believed {
    Believed(serde_json::from_value(became.clone()).unwrap_or_default())
}
