//! Foreign keys of existing tables: what becomes of loaded rows without a parent.
//!
//! A load bypasses the triggers that would check for parents, so each key is checked here.

use super::foreign_keys::{Counted, Facts, cost, heals, maybe_orphans, orphan_spec};
use super::object::Object;
use super::table::DecidedTable;
use crate::catalog::ForeignKey;
use crate::finding::{Finding, Fix, Kind, Severity, counted};
use crate::plan::given::words::{Orphans, Word, orphan_policies};
use crate::plan::resolve::table::Disposition;
use crate::plan::target::{ExistingForeignKey, ExistingOrphans, ExistingTable};

/// Plans the search for rows of table `i` without a parent.
pub fn orphans(facts: &Facts<'_>, tables: &mut [DecidedTable<'_>], i: usize, findings: &mut Vec<Finding>) {
    let Some((table, existing)) = tables.get(i).and_then(|d| Some((d, d.existing?))) else { return };
    if table.settings.orphans == Orphans::Keep && existing.foreign_keys.iter().any(|key| key.enforced) {
        let message =
            "orphans \"keep\" has no effect on an existing table: rows without a parent are an error";
        let fix = Fix::of_table(&table.source.name, "orphans", "error").or(&["null", "reject"]);
        findings.push(Kind::NoEffect.warning(&table.source.name, message).fix(fix, ""));
    }
    let (period, plain): (Vec<_>, Vec<_>) =
        existing.foreign_keys.iter().filter(|key| key.enforced).partition(|key| key.period);
    let asked = policy(table);
    // Rows whose period no parent covers are neither counted nor taken out.
    for key in period.into_iter().filter(|_| asked != Orphans::Error) {
        let word = asked.word();
        let message =
            format!("orphans \"{word}\" has no effect: a key WITH PERIOD is checked while rows are inserted");
        let fix = Fix::of_table(&table.source.name, "orphans", "error");
        findings.push(Kind::NoEffect.warning(object(table, key), message).fix(fix, ""));
    }
    findings.extend(plain.iter().filter_map(|key| existing_orphans(table, key)));
    for key in plain {
        findings.extend(orphan_findings(facts, tables, i, existing, key));
        let Some(table) = tables.get_mut(i) else { return };
        let policy = match asked {
            Orphans::Null if !takes_null(existing, key) => Orphans::Error,
            policy => policy,
        };
        let spec = orphan_spec(table, key, policy, takes_null(existing, key));
        table.objects.push(Object::Orphans(spec));
    }
}

/// An import does not change existing orphans, but they are worth knowing.
fn existing_orphans(table: &DecidedTable<'_>, key: &ExistingForeignKey) -> Option<Finding> {
    if table.starts_empty() {
        return None;
    }
    let (message, hint) = match &key.existing_orphans {
        ExistingOrphans::Unasked | ExistingOrphans::Counted(0) => return None,
        ExistingOrphans::Counted(rows) => {
            let rows = counted(*rows, "existing row points", "existing rows point");
            let message =
                format!("{rows} to no row of \"{}\"; the import does not change existing rows", key.parent);
            (message, "The import checks only the rows that it loads.")
        }
        ExistingOrphans::Refused(why) => (format!("existing rows were not checked for parents: {why}"), ""),
    };
    Some(Kind::ExistingOrphans.info(object(table, key), message).hint(hint))
}

fn object(table: &DecidedTable<'_>, key: &ExistingForeignKey) -> String {
    format!("foreign key {} of {}", key.name, table.source.name)
}

/// An existing constraint stays valid, so that orphans cannot be kept: they are an error.
fn policy(table: &DecidedTable<'_>) -> Orphans {
    match table.settings.orphans {
        Orphans::Keep => Orphans::Error,
        policy => policy,
    }
}

/// Reports the known orphans of the source, and a policy that cannot be applied to them.
fn orphan_findings(
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
            if may_heal(tables, table, key) {
                return maybe_orphans(&object, found.described(&key.parent));
            }
            orphan_finding(table, key, found, certain(tables, table, key), object.clone()).of(table.id)
        })
        .into_iter()
        .collect();
    if policy(table) == Orphans::Null && !takes_null(existing, key) {
        let message = "orphans cannot be set to NULL: a column of the key is NOT NULL";
        let certain = orphans.is_some() && !may_heal(tables, table, key);
        let severity = if certain { Severity::Blocking } else { Severity::Info };
        let finding = Kind::Orphans.finding(severity, object, message).of(table.id);
        let cost = orphans.map(|o| cost(o.count())).unwrap_or_default();
        out.push(finding.fix(Fix::of_table(&table.source.name, "orphans", "reject"), &cost));
    }
    out
}

fn takes_null(existing: &ExistingTable, key: &ExistingForeignKey) -> bool {
    let takes = |name: &String| existing.column(name).is_some_and(|c| !c.not_null && !c.generated);
    key.columns.iter().all(takes)
}

/// The orphans that were counted for the foreign key of the source that is the same.
fn known<'f>(
    facts: &Facts<'f>,
    tables: &[DecidedTable<'_>],
    table: &DecidedTable<'_>,
    key: &ExistingForeignKey,
) -> Option<Counted<'f>> {
    let position =
        table.source.foreign_keys.iter().position(|source| is_same_key(tables, table, source, key))?;
    Counted::of(facts, &table.source.name, position)
}

fn is_same_key(
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

/// The rows that were counted may find a parent once their values are converted.
fn may_heal(tables: &[DecidedTable<'_>], table: &DecidedTable<'_>, key: &ExistingForeignKey) -> bool {
    let parent = tables.iter().find(|d| is(d, &key.parent_schema, &key.parent));
    let of = |table: &DecidedTable<'_>, name: &str| table.columns.iter().position(|c| c.target == name);
    parent.is_some_and(|parent| {
        key.columns.iter().zip(&key.parent_columns).any(|(child, of_parent)| {
            let pair = of(table, child).zip(of(parent, of_parent));
            pair.and_then(|(c, p)| Some((table.columns.get(c)?, parent.columns.get(p)?)))
                .is_some_and(|(c, p)| heals((table, c), (parent, p)))
        })
    })
}

/// No existing row can be the parent, and no existing row takes the orphan's place.
fn certain(tables: &[DecidedTable<'_>], table: &DecidedTable<'_>, key: &ExistingForeignKey) -> bool {
    if table.renumbering.references.iter().any(|reference| reference.spec.same_key(key)) {
        // Its parents are looked for among the file's keys, before anything becomes of the row.
        return true;
    }
    let parent = tables.iter().find(|d| is(d, &key.parent_schema, &key.parent));
    parent.is_some_and(|p| p.starts_empty()) && (table.conflict.is_none() || table.starts_empty())
}

fn orphan_finding(
    table: &DecidedTable<'_>,
    key: &ExistingForeignKey,
    orphans: Counted<'_>,
    certain: bool,
    object: String,
) -> Finding {
    let message = orphans.described(&key.parent);
    let policy = policy(table);
    let becomes = match policy {
        Orphans::Error | Orphans::Keep => {
            let finding = match certain {
                true => Kind::Orphans.blocking(object, message),
                false => {
                    let message = format!("{message}, unless existing rows are their parents");
                    Kind::Orphans.warning(object, message)
                }
            };
            if table.profile.is_some_and(|p| p.rows == orphans.count()) {
                return finding.hint("Correct the rows, or load their parents first.");
            }
            let takes_null = table.existing.is_some_and(|existing| takes_null(existing, key));
            let (first, others) = orphan_policies(true, takes_null);
            let fix = Fix::of_table(&table.source.name, "orphans", first).or(others);
            return finding.fix(fix, &format!("{}, or correct the rows", cost(orphans.count())));
        }
        Orphans::Reject => "such rows go to sqlite_migrate.reject",
        Orphans::Null => "their key becomes NULL",
    };
    let hint = format!("The plan says orphans: \"{}\".", policy.word());
    Kind::Orphans.warning(object, format!("{message}; {becomes}")).hint(hint)
}
