//! Foreign keys of tables that are there: what becomes of loaded rows without a parent.
//!
//! The load goes past the triggers that would look for parents, so each key is looked after here.

use super::foreign_keys::{Counted, Facts, orphan_spec};
use super::object::Object;
use super::table::DecidedTable;
use crate::catalog::ForeignKey;
use crate::finding::{Cause, Finding, counted};
use crate::plan::given::words::{Orphans, Word, orphan_policies};
use crate::plan::resolve::table::Disposition;
use crate::plan::target::{ExistingForeignKey, ExistingTable, Strays};

/// Plans the search for rows of table `i` without a parent.
pub fn orphans(facts: &Facts<'_>, tables: &mut [DecidedTable<'_>], i: usize, findings: &mut Vec<Finding>) {
    let Some((table, existing)) = tables.get(i).and_then(|d| Some((d, d.existing?))) else { return };
    if table.settings.orphans == Orphans::Keep && existing.foreign_keys.iter().any(|key| key.enforced) {
        let message =
            "orphans \"keep\" has no effect on an existing table: rows without a parent are an error";
        let hint = format!("Set {} to \"error\", \"reject\" or \"null\".", table.path("orphans"));
        findings.push(Finding::warning(table.source.name.clone(), message, hint));
    }
    let (period, plain): (Vec<_>, Vec<_>) =
        existing.foreign_keys.iter().filter(|key| key.enforced).partition(|key| key.period);
    findings.extend(period.into_iter().filter_map(|key| left_alone(table, key)));
    findings.extend(plain.iter().filter_map(|key| strays(table, key)));
    for key in plain {
        findings.extend(of_key(facts, tables, i, existing, key));
        let Some(table) = tables.get_mut(i) else { return };
        let policy = match policy(table) {
            Orphans::Null if !takes_null(existing, key) => Orphans::Error,
            policy => policy,
        };
        let spec = orphan_spec(table, key, policy, takes_null(existing, key));
        table.objects.push(Object::Orphans(spec));
    }
}

/// Rows that the file did not bring are not its business; that they are there is worth knowing.
fn strays(table: &DecidedTable<'_>, key: &ExistingForeignKey) -> Option<Finding> {
    if table.starts_empty() {
        return None;
    }
    let (message, hint) = match &key.strays {
        Strays::Unasked | Strays::Counted(0) => return None,
        Strays::Counted(rows) => {
            let rows = counted(*rows, "existing row points", "existing rows point");
            let message =
                format!("{rows} to no row of \"{}\"; the import does not change existing rows", key.parent);
            (message, "The import checks only the rows that it loads.")
        }
        Strays::Refused(why) => (format!("existing rows were not checked for parents: {why}"), ""),
    };
    Some(Finding::info(object(table, key), message, hint))
}

/// Rows whose period no parent covers are neither counted nor taken out.
fn left_alone(table: &DecidedTable<'_>, key: &ExistingForeignKey) -> Option<Finding> {
    let policy = policy(table);
    let word = policy.word();
    let message = format!(
        "orphans \"{word}\" has no effect: a key WITH PERIOD is checked while rows are \
                           inserted"
    );
    let hint = format!("Set {} to \"error\".", table.path("orphans"));
    (policy != Orphans::Error).then(|| Finding::warning(object(table, key), message, hint))
}

fn object(table: &DecidedTable<'_>, key: &ExistingForeignKey) -> String {
    format!("foreign key {} of {}", key.name, table.source.name)
}

/// The constraint stays as it is, and so does what it asks for.
fn policy(table: &DecidedTable<'_>) -> Orphans {
    match table.settings.orphans {
        Orphans::Keep => Orphans::Error,
        policy => policy,
    }
}

/// Rows without a parent that the source is known to have, and whether the policy can do with them what it says.
fn of_key(
    facts: &Facts<'_>,
    tables: &[DecidedTable<'_>],
    i: usize,
    existing: &ExistingTable,
    key: &ExistingForeignKey,
) -> Vec<Finding> {
    let Some(table) = tables.get(i) else { return vec![] };
    let object = object(table, key);
    let orphans = known(facts, tables, table, key);
    let mut out: Vec<Finding> = orphans
        .map(|found| {
            let sure = sure(tables, table, key);
            told(table, key, (found, takes_null(existing, key)), sure, object.clone()).of(table.id)
        })
        .into_iter()
        .collect();
    if policy(table) == Orphans::Null && !takes_null(existing, key) {
        let hint = format!("Set {} to \"reject\".", table.path("orphans"));
        let message = "orphans cannot be set to NULL: a column of the key is NOT NULL";
        out.push(match orphans {
            Some(_) => Finding::blocking(object, message, hint).because(Cause::Orphans).of(table.id),
            None => Finding::info(object, message, hint),
        });
    }
    out
}

fn takes_null(existing: &ExistingTable, key: &ExistingForeignKey) -> bool {
    let takes = |name: &String| existing.column(name).is_some_and(|c| !c.not_null && !c.generated);
    key.columns.iter().all(takes)
}

/// What was counted for a foreign key of the source that says the same.
fn known<'f>(
    facts: &Facts<'f>,
    tables: &[DecidedTable<'_>],
    table: &DecidedTable<'_>,
    key: &ExistingForeignKey,
) -> Option<Counted<'f>> {
    let position = table.source.foreign_keys.iter().position(|source| says(tables, table, source, key))?;
    Counted::of(facts, &table.source.name, position)
}

fn says(
    tables: &[DecidedTable<'_>],
    table: &DecidedTable<'_>,
    source: &ForeignKey,
    key: &ExistingForeignKey,
) -> bool {
    let parent = tables.iter().find(|d| d.source.name.eq_ignore_ascii_case(&source.parent));
    let Some(parent) = parent.filter(|p| is(p, &key.parent_schema, &key.parent)) else { return false };
    let (Ok(columns), Ok(parents)) = (table.targets(&source.columns), parent.targets(&source.parent_columns))
    else {
        return false;
    };
    let pairs = |a: &[String], b: &[String]| {
        let mut pairs: Vec<_> = a.iter().cloned().zip(b.iter().cloned()).collect();
        pairs.sort();
        pairs
    };
    columns.len() == parents.len() && pairs(&columns, &parents) == pairs(&key.columns, &key.parent_columns)
}

fn is(table: &DecidedTable<'_>, schema: &str, name: &str) -> bool {
    table.disposition != Disposition::Absent && table.settings.schema == schema && table.target == name
}

/// No row that is there already can be the parent, and no row that is there already takes the orphan's place.
fn sure(tables: &[DecidedTable<'_>], table: &DecidedTable<'_>, key: &ExistingForeignKey) -> bool {
    let parent = tables.iter().find(|d| is(d, &key.parent_schema, &key.parent));
    parent.is_some_and(|p| p.starts_empty()) && (table.conflict.is_none() || table.starts_empty())
}

fn told(
    table: &DecidedTable<'_>,
    key: &ExistingForeignKey,
    (orphans, nullable): (Counted<'_>, bool),
    sure: bool,
    object: String,
) -> Finding {
    let message = orphans.told(&key.parent);
    let policy = policy(table);
    let becomes = match policy {
        Orphans::Error | Orphans::Keep => {
            let hint = format!("Set orphans to {}, or correct the rows.", orphan_policies(true, nullable));
            return match sure {
                true => Finding::blocking(object, message, hint).because(Cause::Orphans),
                false => Finding::warning(
                    object,
                    format!("{message}, unless existing rows are their parents"),
                    hint,
                ),
            };
        }
        Orphans::Reject => "such rows go to sqlite_migrate.reject",
        Orphans::Null => "their key becomes NULL",
    };
    let hint = format!("The plan says orphans: \"{}\".", policy.word());
    Finding::warning(object, format!("{message}; {becomes}"), hint)
}
