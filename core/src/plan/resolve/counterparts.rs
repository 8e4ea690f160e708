//! An existing table's columns against the source's: which are loaded, which get nothing, and what NULL does.

use crate::finding::{Cause, Finding};
use crate::plan::decide::draft::{Draft, DraftColumn};
use crate::plan::decide::unique::counted;
use crate::plan::given::keys::did_you_mean;
use crate::plan::{ExistingColumn, ExistingTable, OnInvalid};

/// Leaves out the columns that have no place in the table, and names the table's that get no value.
pub fn settle(draft: &mut Draft<'_>, notes: &mut Vec<Finding>) {
    let Some(existing) = draft.existing else { return };
    for i in 0..draft.columns.len() {
        let Some(unplaced) = draft.columns.get(i).and_then(|c| unplaced(draft, existing, c, i)) else {
            continue;
        };
        if let Unplaced::Empty(reason) = &unplaced {
            let object = draft.columns.get(i).map_or(String::new(), |c| c.object(&draft.table.name));
            draft.left_out(notes, object, reason.clone(), "");
        }
        let Some(column) = draft.columns.get_mut(i) else { continue };
        column.skip = true;
        column.left_out = Some(match unplaced {
            Unplaced::Undecided => "not clear which column is meant".into(),
            Unplaced::Empty(reason) => reason,
            Unplaced::Said(finding) => {
                let reason = finding.message.clone();
                notes.push(finding);
                reason
            }
        });
    }
    unfilled(draft, existing, notes);
}

/// Why a column of the source is not loaded.
enum Unplaced {
    /// A finding has named the candidates.
    Undecided,
    /// Nothing is lost, but something may be missing.
    Empty(String),
    Said(Finding),
}

fn unplaced(
    draft: &Draft<'_>,
    existing: &ExistingTable,
    column: &DraftColumn<'_>,
    i: usize,
) -> Option<Unplaced> {
    let object = column.object(&draft.table.name);
    if column.skip {
        return None;
    }
    if column.undecided {
        return Some(Unplaced::Undecided);
    }
    match existing.column(&column.target) {
        Some(there) if there.generated => {
            let message = format!("is not loaded: PostgreSQL computes column \"{}\"", there.name);
            Some(Unplaced::Said(Finding::info(object, message, "")))
        }
        Some(_) => None,
        None if column.source.generated.is_some() => {
            let message =
                format!("is not loaded: it is computed, and table \"{}\" has no such column", draft.title());
            Some(Unplaced::Said(Finding::info(object, message, "")))
        }
        None if holds_nothing(draft, i) => Some(Unplaced::Empty(format!(
            "is left out: it holds no value, and table \"{}\" has no such column",
            draft.title()
        ))),
        None => Some(Unplaced::Said(no_place(draft, existing, column, object))),
    }
}

/// Every row was looked at, and none has a value.
fn holds_nothing(draft: &Draft<'_>, i: usize) -> bool {
    let seen = draft.profile.filter(|p| !p.sampled || p.rows == 0);
    seen.and_then(|p| p.columns.get(i)).is_some_and(|c| c.values() == 0)
}

fn no_place(
    draft: &Draft<'_>,
    existing: &ExistingTable,
    column: &DraftColumn<'_>,
    object: String,
) -> Finding {
    let free = |c: &&ExistingColumn| !draft.columns.iter().any(|d| !d.skip && d.target == c.name);
    let guess = did_you_mean(&column.target, existing.columns.iter().filter(free).map(|c| c.name.as_str()));
    let message = format!("table \"{}\" has no column \"{}\"{guess}", draft.title(), column.target);
    let hint = format!("Set {}, or skip the column.", column.path(&draft.table.name, "name"));
    Finding::blocking(object, message, hint).of(&draft.table.name)
}

/// Columns of the table that no value is loaded into.
fn unfilled(draft: &Draft<'_>, existing: &ExistingTable, notes: &mut Vec<Finding>) {
    let filled = |c: &&ExistingColumn| draft.columns.iter().any(|d| !d.skip && d.target == c.name);
    for column in existing.columns.iter().filter(|c| !filled(c) && !c.generated) {
        let object = format!("{}.{}", draft.table.name, column.name);
        let says = |becomes: &str| format!("existing column gets no value from the source: {becomes}");
        notes.push(if existing.relkind == 'v' {
            Finding::info(object, says("the view decides what it gets"), "")
        } else if column.has_default || column.identity.is_some() {
            Finding::info(object, says("it takes its default"), "")
        } else if !column.not_null {
            Finding::info(object, says("it stays NULL"), "")
        } else {
            never_filled(draft, object, says(&format!("it is {} and has no default", why_not_null(column))))
        });
    }
}

fn never_filled(draft: &Draft<'_>, object: String, message: String) -> Finding {
    if draft.profile.is_some_and(|p| p.rows == 0) {
        return Finding::warning(object, message, "No row is loaded now.");
    }
    let hint =
        format!("Set name of a column in {}, or give the existing column a default.", draft.path("columns"));
    Finding::blocking(object, message, hint).of(&draft.table.name)
}

/// Whether the existing column takes NULL decides; and what becomes of the source's NULLs if it does not.
pub fn not_null(draft: &Draft<'_>, existing: &ExistingTable, i: usize, notes: &mut Vec<Finding>) -> bool {
    let Some(column) = draft.columns.get(i) else { return false };
    let Some(there) = existing.column(&column.target).filter(|c| c.not_null) else { return false };
    let nulls = draft.profile.and_then(|p| p.columns.get(i)).map_or(0, |p| p.nulls);
    if nulls > 0 {
        notes.push(nulls_finding(draft, column, there, nulls));
    }
    true
}

fn why_not_null(column: &ExistingColumn) -> &'static str {
    if column.distributes { "the distribution column" } else { "NOT NULL" }
}

fn nulls_finding(draft: &Draft<'_>, column: &DraftColumn<'_>, there: &ExistingColumn, nulls: u64) -> Finding {
    let object = column.object(&draft.table.name);
    let rows = counted(nulls, "row has NULL", "rows have NULL");
    let message = format!("{rows}, and existing column \"{}\" is {}", there.name, why_not_null(there));
    if column.on_invalid == OnInvalid::Reject {
        return Finding::warning(object, format!("{message}; such rows go to sqlite_migrate.reject"), "");
    }
    let path = column.path(&draft.table.name, "on_invalid");
    let hint = format!("Set {path} to \"reject\", or correct the rows.");
    Finding::blocking(object, message, hint).because(Cause::NullKey).of(&draft.table.name)
}
