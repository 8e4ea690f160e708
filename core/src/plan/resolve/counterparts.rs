//! An existing table's columns against the source's: which are loaded, which get nothing, and what NULL does.

use super::table::{Place, ResolvedColumn, ResolvedTable};
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::given::keys::{nearest, suggested};
use crate::plan::target::{ExistingColumn, ExistingTable};
use crate::sqltext::{ident, qualified};

/// Leaves out the columns that have no place in the table, and names the table's that get no value.
pub fn place(table: &mut ResolvedTable<'_>, findings: &mut Vec<Finding>) {
    let Some(existing) = table.existing else { return };
    for i in 0..table.columns.len() {
        let Some(column) = table.columns.get(i) else { continue };
        let Some(unplaced) = unplaced(table, existing, column) else { continue };
        let object = column.object(&table.source.name);
        let name = column.target().map(str::to_owned);
        let reason = match unplaced {
            Unplaced::Ambiguous => "not clear which column is meant".into(),
            Unplaced::Empty(reason) => {
                table.left_out(findings, Kind::ColumnMissing.warning(object, &reason));
                reason
            }
            Unplaced::Reported(finding) => {
                let reason = finding.message.clone();
                findings.push(finding);
                reason
            }
        };
        if let Some(column) = table.columns.get_mut(i) {
            column.place = Place::LeftOut { name, reason };
        }
    }
    unfilled(table, existing, findings);
}

/// Why a column of the source is not loaded.
enum Unplaced {
    /// A finding has named the candidates.
    Ambiguous,
    /// Nothing is lost, but something may be missing.
    Empty(String),
    Reported(Finding),
}

fn unplaced(
    table: &ResolvedTable<'_>,
    existing: &ExistingTable,
    column: &ResolvedColumn<'_>,
) -> Option<Unplaced> {
    let object = column.object(&table.source.name);
    let target = match &column.place {
        Place::Skipped | Place::LeftOut { .. } => return None,
        Place::Ambiguous(_) => return Some(Unplaced::Ambiguous),
        Place::Column(name) => name,
    };
    match existing.column(target) {
        Some(counterpart) if counterpart.generated => {
            let message = format!("is not loaded: PostgreSQL computes column \"{}\"", counterpart.name);
            Some(Unplaced::Reported(Kind::ComputedColumn.info(object, message)))
        }
        Some(_) => None,
        None if column.source.generated.is_some() => {
            let message =
                format!("is not loaded: it is computed, and table \"{}\" has no such column", table.title());
            Some(Unplaced::Reported(Kind::ComputedColumn.info(object, message)))
        }
        None if holds_nothing(table, column.position) => Some(Unplaced::Empty(format!(
            "is left out: it holds no value, and table \"{}\" has no such column",
            table.title()
        ))),
        None => Some(Unplaced::Reported(no_place(table, existing, (column, target), object))),
    }
}

/// Every row was read, and none has a value.
fn holds_nothing(table: &ResolvedTable<'_>, i: usize) -> bool {
    let seen = table.profile.filter(|p| !p.sampled || p.rows == 0);
    seen.and_then(|p| p.columns.get(i)).is_some_and(|c| c.values() == 0)
}

fn no_place(
    table: &ResolvedTable<'_>,
    existing: &ExistingTable,
    (column, target): (&ResolvedColumn<'_>, &str),
    object: String,
) -> Finding {
    let free = |c: &&ExistingColumn| !table.columns.iter().any(|d| d.target() == Some(&c.name));
    let near = nearest(target, existing.columns.iter().filter(free).map(|c| c.name.as_str()));
    // The rowid of a full-text table has a name that nobody has chosen.
    let key = || {
        let keys = existing.keys.iter().filter(|key| key.primary && table.source.is_full_text());
        let columns = keys.filter_map(|key| <&[String; 1]>::try_from(key.columns.as_slice()).ok());
        columns.filter_map(|[name]| existing.column(name)).find(|c| free(c) && c.pg_type.is_integer())
    };
    let near = near.or_else(|| key().filter(|_| column.rowid_alias).map(|c| c.name.as_str()));
    let message = format!("table \"{}\" has no column \"{target}\"{}", table.title(), suggested(near));
    let finding = Kind::ColumnMissing.blocking(object, message).of(table.id);
    let (name, source) = (&table.source.name, &column.source.name);
    match near {
        Some(near) => finding.fix(Fix::of_column(name, source, "name", near), ", or skip the column"),
        None => {
            let values = table.profile.and_then(|p| p.columns.get(column.position)).map_or(0, |c| c.values());
            let cost = counted(values, "value", "values");
            let rest =
                format!(" to leave its {cost} out, or {} to an existing column", column.path(name, "name"));
            finding.fix(Fix::of_column(name, source, "skip", true), &rest)
        }
    }
}

fn is_vector(column: &ExistingColumn) -> bool {
    column.pg_type.to_string() == "tsvector"
}

/// A search vector that a trigger fills, or the application.
fn unfilled_vector(
    table: &ResolvedTable<'_>,
    existing: &ExistingTable,
    column: &ExistingColumn,
    object: String,
) -> Finding {
    let message = "existing column gets no value from the source: it stays NULL, and no row is found by it";
    let finding = Kind::ColumnUnfilled.warning(object, message);
    let update = format!(
        "update it in after: UPDATE {} SET {} = to_tsvector(...)",
        qualified(&existing.schema, &existing.name),
        ident(&column.name)
    );
    match existing.triggers.is_empty() {
        true => finding.hint(format!("Fill it after the load, or {update}.")),
        false => {
            let fix = Fix::of_table(&table.source.name, "fire_triggers", true);
            finding.fix(fix, &format!(" for its trigger to fill it, or {update}"))
        }
    }
}

/// Columns of the table that no value is loaded into.
fn unfilled(table: &ResolvedTable<'_>, existing: &ExistingTable, findings: &mut Vec<Finding>) {
    let filled = |c: &&ExistingColumn| table.columns.iter().any(|d| d.target() == Some(&c.name));
    for column in existing.columns.iter().filter(|c| !filled(c) && !c.generated) {
        let object = format!("{}.{}", table.source.name, column.name);
        let says = |becomes: &str| format!("existing column gets no value from the source: {becomes}");
        findings.push(if existing.relkind == 'v' {
            Kind::ColumnUnfilled.info(object, says("the view decides what it gets"))
        } else if column.has_default || column.identity.is_some() {
            Kind::ColumnUnfilled.info(object, says("it takes its default"))
        } else if is_vector(column) && !table.settings.fire_triggers {
            unfilled_vector(table, existing, column, object)
        } else if !column.not_null {
            Kind::ColumnUnfilled.info(object, says("it stays NULL"))
        } else {
            let message = says(&format!("it is {} and has no default", column.why_not_null()));
            let columns = table.path("columns");
            let hint = format!("Set name of a column in {columns}, or give the existing column a default.");
            match table.profile.is_some_and(|p| p.rows == 0) {
                true => Kind::ColumnUnfilled.warning(object, message).hint("No row is loaded now."),
                false => Kind::ColumnUnfilled.blocking(object, message).hint(hint).of(table.id),
            }
        });
    }
}
