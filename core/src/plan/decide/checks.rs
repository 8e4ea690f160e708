//! CHECK constraints, validated when they are made.
//!
//! SQLite keeps rows that a CHECK of later date, or one switched off, does not allow: `keys` says what then.

use super::draft::{Context, Draft};
use super::trial::{Part, accepted};
use super::unique::{add_constraint, counted};
use crate::catalog::Check;
use crate::finding::{Cause, Finding};
use crate::plan::given::words::Keys;
use crate::plan::{KeyFactKind, Phase};
use crate::sqltext::ident;

/// Plans the CHECK constraints of a fresh table.
pub fn checks(ctx: &Context<'_>, draft: &mut Draft<'_>, notes: &mut Vec<Finding>) {
    if !draft.settings.checks {
        return;
    }
    let table = draft.table;
    for (position, check) in table.checks.iter().enumerate() {
        let named = check.name.as_deref().map(|n| format!(" {n}")).unwrap_or_default();
        let object = format!("check{named} of {}", table.name);
        let translated = (ctx.rules.condition)(&check.expression, &draft.scope(true));
        let tried = translated.map_err(|why| why.reason).and_then(|condition| {
            accepted(ctx, draft, Part::Check(position), &condition)?;
            Ok(condition)
        });
        match tried {
            Ok(condition) => {
                let broken = broken(ctx, draft, position);
                add(draft, check, &condition, broken, object, notes);
            }
            Err(why) => {
                let message = format!("is left out: {why}: {}", check.expression);
                draft.left_out(notes, object, message, "Add the constraint in after.");
            }
        }
    }
}

/// Stored rows that the CHECK does not allow.
fn broken(ctx: &Context<'_>, draft: &Draft<'_>, check: usize) -> u64 {
    let kind = KeyFactKind::CheckBroken { check };
    let of = draft.table.name.as_str();
    let fact = ctx.source.key_facts.iter().find(|f| f.kind == kind && f.table.eq_ignore_ascii_case(of));
    fact.map_or(0, |f| f.count)
}

fn add(
    draft: &mut Draft<'_>,
    check: &Check,
    condition: &str,
    broken: u64,
    object: String,
    notes: &mut Vec<Finding>,
) {
    let name = match check.name.as_deref().filter(|n| !n.is_empty()) {
        Some(own) => draft.constraints.claim(own),
        None => {
            let column = only_column(draft, condition);
            draft.constraints.object(&draft.target, &column, "check")
        }
    };
    let not_valid = if broken > 0 { unmet(draft, check, broken, object, notes) } else { "" };
    add_constraint(draft, &name, &format!("CHECK ({condition}){not_valid}"), Phase::Checks);
}

/// What is said of a CHECK that stored rows break, and what its definition ends with.
fn unmet(
    draft: &mut Draft<'_>,
    check: &Check,
    broken: u64,
    object: String,
    notes: &mut Vec<Finding>,
) -> &'static str {
    let message = format!("{} it: {}", counted(broken, "row breaks", "rows break"), check.expression);
    if draft.settings.keys == Keys::Strict {
        let path = draft.path("checks");
        let hint = format!("Set {path} to false, or keys to \"as_data_allows\", or correct the rows.");
        let finding = Finding::blocking(object, message, hint).because(Cause::BrokenCheck);
        notes.push(finding.of(&draft.table.name));
        return "";
    }
    let hint = "Correct the rows and run ALTER TABLE … VALIDATE CONSTRAINT.";
    draft.left_out(notes, object, format!("stays NOT VALID: {message}"), hint);
    " NOT VALID"
}

/// PostgreSQL names a CHECK after the column where it is about one. Translated columns are always quoted.
fn only_column(draft: &Draft<'_>, condition: &str) -> Vec<String> {
    let named = draft.columns.iter().filter(|c| !c.skip && condition.contains(&ident(&c.target)));
    let columns: Vec<String> = named.map(|c| c.target.clone()).take(2).collect();
    if columns.len() == 1 { columns } else { vec![] }
}
