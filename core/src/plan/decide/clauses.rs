//! `ON CONFLICT` of a constraint's declaration: PostgreSQL has it in statements only.

use sqlite3_parser::ast::ResolveType;

use super::table::DecidedTable;
use crate::ddl::resolve::clauses;
use crate::finding::{Finding, Kind};
use crate::sqltext::sqlite_ident;

/// Tells of the constraints of a table that SQLite does not answer by an error.
pub fn report(table: &DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let declared = clauses(&table.source.sql);
    let named = |columns: &[String]| columns.iter().map(|c| sqlite_ident(c)).collect::<Vec<_>>().join(", ");
    let key = declared.primary_key.map(|clause| ("PRIMARY KEY".to_owned(), clause));
    let uniques =
        declared.uniques.iter().map(|(columns, clause)| (format!("UNIQUE ({})", named(columns)), *clause));
    let nulls = declared
        .not_null
        .iter()
        .map(|(column, clause)| (format!("NOT NULL of {}", sqlite_ident(column)), *clause));
    let all = key.into_iter().chain(uniques).chain(nulls);
    let clauses: Vec<String> = all
        .filter_map(|(constraint, clause)| Some(format!("{constraint} ON CONFLICT {}", word(clause)?)))
        .collect();
    if clauses.is_empty() {
        return;
    }
    let message = format!(
        "a row that breaks a constraint is an error in PostgreSQL, in spite of {}",
        clauses.join("; ")
    );
    let finding = Kind::ConflictClause.warning(&table.source.name, message);
    findings
        .push(finding.hint("Write ON CONFLICT in the application's INSERTs, as sqlite_translate() does."));
}

/// `None` for what PostgreSQL does as well.
fn word(clause: ResolveType) -> Option<&'static str> {
    Some(match clause {
        ResolveType::Abort => return None,
        ResolveType::Fail => "FAIL",
        ResolveType::Ignore => "IGNORE",
        ResolveType::Replace => "REPLACE",
        ResolveType::Rollback => "ROLLBACK",
    })
}
