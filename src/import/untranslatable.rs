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
        let sqlstate = PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER;
        let hint = Some("Set another schema for the plan or the table.".into());
        Some(Error::Foreign { sqlstate, message, detail: None, hint })
    };
    schemas.iter().find_map(lacked).map_or(Ok(()), Err)
}

/// One for each table with such a statement.
pub fn findings(planned: &Planned) -> Vec<Finding> {
    let mut said = BTreeSet::new();
    let mut of_step = |step: &Step| {
        // One that cannot be made is left out by the run.
        let table = step.table.filter(|_| step.phase != Phase::Triggers)?;
        let Action::Sql(sql) = &step.action else { return None };
        let lacking = encoding::lacking(sql)?;
        let table = planned.table(table).filter(|table| said.insert(table.id))?;
        Some(finding(table, step.phase, &lacking))
    };
    planned.steps.iter().filter_map(&mut of_step).collect()
}

fn finding(table: &TablePlan, phase: Phase, lacking: &str) -> Finding {
    let path = |key| path::of_table(&table.source, key);
    let of = |what| Kind::Untranslatable.blocking(&table.source, lacks(what, lacking)).of(table.id);
    let without = |what, key| of(what).fix(Fix::of_table(&table.source, key, false), "");
    match phase {
        Phase::Schema => without("an enum", "enums"),
        Phase::Indexes => without("an index", "indexes"),
        Phase::ForeignKeys => without("a foreign key", "foreign_keys"),
        Phase::Checks => without("a CHECK", "checks"),
        Phase::Keys => of("a key of the table")
            .hint("Create the table before the import, with the key under another name, to load into it."),
        _ => of("a name or a default of the table").hint(format!(
            "Set {}, or name and default in {}.",
            path("target"),
            path("columns")
        )),
    }
}

pub fn lacks(what: &str, lacking: &str) -> String {
    let encoding = encoding::server_encoding();
    format!("{what} has characters that the database's encoding {encoding} lacks: {lacking}")
}
