//! Names and defaults with characters that the database's encoding lacks: the statements that hold them cannot be sent.

use std::collections::BTreeSet;

use pgrx::PgSqlErrorCode;

use crate::error::Error;
use crate::pg::encoding;
use pg_sqlite_migrate_core::finding::{Finding, Fix, Kind};
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::{Action, Phase, Planned, Step, TablePlan};

/// A schema that cannot even be looked for.
pub fn check_schemas(schemas: &[String]) -> Result<(), Error> {
    let lacked = |schema: &String| {
        let lacking = encoding::lacking(schema)?;
        let message = lacks(&format!("the name of schema \"{schema}\""), &lacking);
        Some(Error::server(PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER, message))
    };
    schemas.iter().find_map(lacked).map_or(Ok(()), Err)
}

/// One for each table with such a statement.
pub fn findings(planned: &Planned) -> Vec<Finding> {
    let mut said = BTreeSet::new();
    let mut of_step = |step: &Step| {
        let table = step.table?;
        let Action::Sql(sql) = &step.action else { return None };
        let lacking = encoding::lacking(sql)?;
        let table = planned.table(table).filter(|table| said.insert(table.id))?;
        Some(finding(table, step.phase, &lacking))
    };
    planned.steps.iter().filter_map(&mut of_step).collect()
}

fn finding(table: &TablePlan, phase: Phase, lacking: &str) -> Finding {
    let (what, key) = match phase {
        Phase::Indexes => ("the name of an index", Some("indexes")),
        Phase::ForeignKeys => ("a name in a foreign key", Some("foreign_keys")),
        Phase::Checks => ("a CHECK", Some("checks")),
        _ => ("a name or a default of the table", None),
    };
    let finding = Kind::Untranslatable.blocking(&table.source, lacks(what, lacking)).of(table.id);
    match key {
        Some(key) => finding.fix(Fix::of_table(&table.source, key, false), ""),
        None => {
            let path = |key| path::of_table(&table.source, key);
            finding.hint(format!("Set {}, or name and default in {}.", path("target"), path("columns")))
        }
    }
}

fn lacks(what: &str, lacking: &str) -> String {
    let encoding = encoding::server_encoding();
    format!("{what} has characters that the database's encoding {encoding} lacks: {lacking}")
}
