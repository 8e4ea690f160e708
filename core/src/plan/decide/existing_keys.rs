//! Foreign keys of tables that are there: what becomes of loaded rows without a parent.
//!
//! The load goes past the triggers that would look for parents, so each key is looked after here.

use super::draft::{Draft, Fate};
use super::foreign_keys::{Counted, Facts, orphan_spec};
use super::unique::counted;
use crate::catalog::ForeignKey;
use crate::finding::{Cause, Finding};
use crate::plan::given::words::Word;
use crate::plan::{Action, ExistingForeignKey, ExistingTable, Orphans, Phase, Strays};

/// Plans the search for rows of draft `i` without a parent.
pub fn orphans(facts: &Facts<'_>, drafts: &mut [Draft<'_>], i: usize, notes: &mut Vec<Finding>) {
    let Some((draft, existing)) = drafts.get(i).and_then(|d| Some((d, d.existing?))) else { return };
    if draft.settings.orphans == Orphans::Keep && existing.foreign_keys.iter().any(|key| key.enforced) {
        let message =
            "orphans \"keep\" has no effect on an existing table: rows without a parent are an error";
        let hint = format!("Set {} to \"error\", \"reject\" or \"null\".", draft.path("orphans"));
        notes.push(Finding::warning(draft.table.name.clone(), message, hint));
    }
    let (period, plain): (Vec<_>, Vec<_>) =
        existing.foreign_keys.iter().filter(|key| key.enforced).partition(|key| key.period);
    notes.extend(period.into_iter().filter_map(|key| left_alone(draft, key)));
    notes.extend(plain.iter().filter_map(|key| strays(draft, key)));
    for key in plain {
        notes.extend(findings(facts, drafts, i, existing, key));
        let Some(draft) = drafts.get_mut(i) else { return };
        let title = format!("look for orphans in {}({})", draft.title(), key.columns.join(", "));
        let policy = match policy(draft) {
            Orphans::Null if !takes_null(existing, key) => Orphans::Error,
            policy => policy,
        };
        let spec = orphan_spec(draft, key, policy);
        draft.after.push((Phase::ForeignKeys, title, Action::Orphans(spec)));
    }
}

/// Rows that the file did not bring are not its business; that they are there is worth knowing.
fn strays(draft: &Draft<'_>, key: &ExistingForeignKey) -> Option<Finding> {
    if draft.starts_empty() {
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
    Some(Finding::info(object(draft, key), message, hint))
}

/// Rows whose period no parent covers are neither counted nor taken out.
fn left_alone(draft: &Draft<'_>, key: &ExistingForeignKey) -> Option<Finding> {
    let policy = policy(draft);
    let word = policy.word();
    let message =
        format!("orphans \"{word}\" has no effect: a key WITH PERIOD is checked while rows are inserted");
    let hint = format!("Set {} to \"error\".", draft.path("orphans"));
    (policy != Orphans::Error).then(|| Finding::warning(object(draft, key), message, hint))
}

fn object(draft: &Draft<'_>, key: &ExistingForeignKey) -> String {
    format!("foreign key {} of {}", key.name, draft.table.name)
}

/// The constraint stays as it is, and so does what it asks for.
fn policy(draft: &Draft<'_>) -> Orphans {
    match draft.settings.orphans {
        Orphans::Keep => Orphans::Error,
        policy => policy,
    }
}

/// Rows without a parent that the source is known to have, and whether the policy can do with them what it says.
fn findings(
    facts: &Facts<'_>,
    drafts: &[Draft<'_>],
    i: usize,
    existing: &ExistingTable,
    key: &ExistingForeignKey,
) -> Vec<Finding> {
    let Some(draft) = drafts.get(i) else { return vec![] };
    let object = object(draft, key);
    let orphans = known(facts, drafts, draft, key);
    let mut out: Vec<Finding> = orphans
        .map(|found| told(draft, key, found, sure(drafts, draft, key), object.clone()).of(&draft.table.name))
        .into_iter()
        .collect();
    if policy(draft) == Orphans::Null && !takes_null(existing, key) {
        let hint = format!("Set {} to \"reject\".", draft.path("orphans"));
        let message = "orphans cannot be set to NULL: a column of the key is NOT NULL";
        out.push(match orphans {
            Some(_) => Finding::blocking(object, message, hint).because(Cause::Orphans).of(&draft.table.name),
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
    drafts: &[Draft<'_>],
    draft: &Draft<'_>,
    key: &ExistingForeignKey,
) -> Option<Counted<'f>> {
    let position = draft.table.foreign_keys.iter().position(|source| says(drafts, draft, source, key))?;
    Counted::of(facts, &draft.table.name, position)
}

fn says(drafts: &[Draft<'_>], draft: &Draft<'_>, source: &ForeignKey, key: &ExistingForeignKey) -> bool {
    let parent = drafts.iter().find(|d| d.table.name.eq_ignore_ascii_case(&source.parent));
    let Some(parent) = parent.filter(|p| is(p, &key.parent_schema, &key.parent)) else { return false };
    let (Ok(columns), Ok(parents)) = (draft.targets(&source.columns), parent.targets(&source.parent_columns))
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

fn is(draft: &Draft<'_>, schema: &str, name: &str) -> bool {
    draft.fate != Fate::Absent && draft.settings.schema == schema && draft.target == name
}

/// No row that is there already can be the parent, and no row that is there already takes the orphan's place.
fn sure(drafts: &[Draft<'_>], draft: &Draft<'_>, key: &ExistingForeignKey) -> bool {
    let parent = drafts.iter().find(|d| is(d, &key.parent_schema, &key.parent));
    parent.is_some_and(Draft::starts_empty) && (draft.conflict.is_none() || draft.starts_empty())
}

fn told(
    draft: &Draft<'_>,
    key: &ExistingForeignKey,
    orphans: Counted<'_>,
    sure: bool,
    object: String,
) -> Finding {
    let message = orphans.told(&key.parent);
    let policy = policy(draft);
    let becomes = match policy {
        Orphans::Error | Orphans::Keep => {
            let hint = "Set orphans to \"reject\" or \"null\", or correct the rows.";
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
