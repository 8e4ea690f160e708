//! Unique keys and indexes of existing tables that loaded rows break once they are converted.

use super::converted;
use super::oversized;
use super::sizes;
use super::table::DecidedTable;
use super::unique::as_one_value;
use crate::finding::{Finding, Kind};
use crate::plan::context::Context;
use crate::plan::trial::Part;

/// Reports them.
pub fn report(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let Some(existing) = table.existing else { return };
    // By ON CONFLICT, rows with the key of another are no error.
    let keys = existing.keys.iter().enumerate().filter(|_| table.conflict.is_none());
    for (i, key) in keys.collect::<Vec<_>>() {
        let source = |target: &String| {
            table.columns.iter().find(|c| c.target == *target).map(|c| c.source.name.clone())
        };
        let Some(columns) = key.columns.iter().map(source).collect::<Option<Vec<_>>>() else { continue };
        let found = converted::equal_keys(ctx, table, Part::ExistingKey(i), &columns, None);
        if let Some(found) = found {
            let object = format!("key {} of {}", key.name, table.title());
            let finding =
                Kind::DuplicateKey.blocking(object, as_one_value(table, &columns, found)).of(table.id);
            let later = found.later.as_deref().unwrap_or_default();
            findings.push(match oversized::without_rows(table, later) {
                Some(fix) => finding.fix(fix, " to keep the first of the rows, or correct them"),
                None => finding.hint("Correct the rows."),
            });
        }
    }
    // An index of theirs may call their functions.
    let trusted = existing.untrusted_owner.is_none();
    for (i, index) in existing.indexes.iter().enumerate().filter(|_| trusted) {
        let found = sizes::existing_entries(ctx, table, Part::ExistingIndex(i), index);
        findings.extend(found.and_then(|found| oversized::existing_entries(table, &index.name, found)));
    }
}
