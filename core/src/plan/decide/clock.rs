//! What a plan's expressions mean that depend on the moment of the import.

use super::table::DecidedTable;
use crate::ddl::reads_clock;
use crate::finding::{Finding, Kind};

const HINT: &str = "Write the moment as a constant to make the import repeatable.";

/// Reports expressions that read the clock. They are evaluated at several moments of an import.
pub fn report(table: &DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let (reading, name) = (table.reading(), &table.source.name);
    if reading.filter.as_deref().is_some_and(reads_clock) {
        let message = "its where reads the clock, so the file's rows are not counted again after the load";
        table.report(findings, Kind::ReadsClock.warning(name, message).hint(HINT));
    }
    for (column, _) in reading.using.iter().filter(|(_, expression)| reads_clock(expression)) {
        let message = "its using reads the clock, so its values depend on the moment of the import";
        table.report(findings, Kind::ReadsClock.info(format!("{name}.{column}"), message).hint(HINT));
    }
}
