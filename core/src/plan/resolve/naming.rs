//! The PostgreSQL names of tables and columns: those that are there already, those given, and new ones.

use super::matching::{self, Match, There, Wanted};
use super::names::{self, Named};
use crate::catalog::Column;
use crate::finding::Finding;
use crate::plan::decide::draft::{Context, Draft, DraftColumn, new_column};
use crate::plan::given::overrides::{ColumnOverrides, invalid, join};
use crate::plan::resolve::fate;
use crate::plan::{ExistingTable, PlanError};

/// Names the targets of all drafts.
pub fn tables(
    ctx: &Context<'_>,
    drafts: &mut [Draft<'_>],
    notes: &mut Vec<Finding>,
) -> Result<(), PlanError> {
    let there = fate::counterparts(ctx, drafts, notes);
    let mut schemas: Vec<String> = Vec::new();
    let mut scope_of = Vec::new();
    for draft in drafts.iter() {
        let at = schemas.iter().position(|s| *s == draft.settings.schema).unwrap_or_else(|| {
            schemas.push(draft.settings.schema.clone());
            schemas.len() - 1
        });
        scope_of.push(at);
    }
    let mut scopes: Vec<names::Scope> = schemas.iter().map(|_| names::Scope::default()).collect();
    let given = |d: &Draft<'_>| d.overrides.and_then(|g| g.target.clone());
    let targets: Vec<Option<String>> = drafts.iter().zip(there).map(|(d, t)| given(d).or(t)).collect();
    let wanted: Vec<_> =
        drafts.iter().zip(&targets).map(|(d, t)| (d.table.name.as_str(), t.as_deref())).collect();
    let path = |i: usize| join(&join("plan.tables", wanted.get(i).map_or("", |w| w.0)), "target");
    check_given(&wanted, path)?;
    let named = names::assign(ctx.names, &wanted, &mut scopes.iter_mut().collect::<Vec<_>>(), &scope_of)
        .map_err(|i| invalid(path(i), "another table has this name", ""))?;
    for (draft, named) in drafts.iter_mut().zip(named) {
        if !draft.undecided {
            report_name(notes, "table", draft.table.name.clone(), &named, &draft.path("target"));
        }
        draft.target = named.name;
    }
    Ok(())
}

fn check_given(wanted: &[(&str, Option<&str>)], path: impl Fn(usize) -> String) -> Result<(), PlanError> {
    match wanted.iter().position(|(_, given)| given.is_some_and(|g| g.len() > names::LIMIT)) {
        Some(i) => Err(invalid(path(i), "longer than 63 bytes", "PostgreSQL cuts names to 63 bytes.")),
        None => Ok(()),
    }
}

fn report_name(notes: &mut Vec<Finding>, what: &str, object: String, named: &Named, key: &str) {
    if let Some(why) = named.changed {
        let message = format!("{what} {why}, it becomes \"{}\"", named.name);
        notes.push(Finding::warning(object, message, format!("Set {key} to another name.")));
    }
}

/// Names the columns of a draft whose fate is known.
pub fn columns<'a>(
    ctx: &Context<'_>,
    draft: &Draft<'a>,
    notes: &mut Vec<Finding>,
) -> Result<Vec<DraftColumn<'a>>, PlanError> {
    let entries = draft.overrides.map_or(&[][..], |g| g.columns.as_slice());
    let given = |c: &Column| entries.iter().find(|(n, _)| n.eq_ignore_ascii_case(&c.name)).map(|(_, g)| g);
    let kept = |c: &Column| !c.hidden && given(c).is_none_or(|g| g.skip != Some(true));
    let taking: Vec<(&'a Column, Option<&'a ColumnOverrides>)> =
        draft.table.columns.iter().filter(|c| kept(c)).map(|c| (c, given(c))).collect();
    let matches = matches(ctx, draft, &taking);
    let mut named = assigned(ctx, draft, &taking, &matches)?.into_iter().zip(&matches);
    notes.extend(draft.existing.and_then(|existing| found_loosely(draft, existing, &taking, &matches)));
    let column = |source: &'a Column| {
        let next = if kept(source) { named.next() } else { None };
        let Some((name, found)) = next else {
            return new_column(draft, source, given(source), String::new(), true);
        };
        let mut column = new_column(draft, source, given(source), name.name.clone(), false);
        notes.extend(draft.existing.and_then(|existing| unclear(&column, draft, existing, &taking, found)));
        column.undecided = matches!(found, Match::Several(_) | Match::Contested { .. });
        if draft.existing.is_none() {
            report_name(
                notes,
                "column",
                column.object(&draft.table.name),
                &name,
                &column.path(&draft.table.name, "name"),
            );
        }
        column
    };
    Ok(draft.table.columns.iter().map(column).collect())
}

type Taking<'a> = (&'a Column, Option<&'a ColumnOverrides>);

/// What each column means in the existing table; nothing where there is none.
fn matches(ctx: &Context<'_>, draft: &Draft<'_>, taking: &[Taking<'_>]) -> Vec<Match> {
    let Some(existing) = draft.existing else { return vec![Match::Nothing; taking.len()] };
    let wanted: Vec<_> = taking
        .iter()
        .map(|(c, g)| Wanted { source: &c.name, given: g.and_then(|g| g.name.as_deref()), exactly: false })
        .collect();
    let there: Vec<_> = existing.columns.iter().map(|c| There { name: &c.name, usable: true }).collect();
    matching::find(ctx.names, &wanted, &there)
}

fn assigned(
    ctx: &Context<'_>,
    draft: &Draft<'_>,
    taking: &[Taking<'_>],
    matches: &[Match],
) -> Result<Vec<Named>, PlanError> {
    let there = |found: &Match| match found {
        Match::Found { there, .. } => draft.existing?.columns.get(*there).map(|c| c.name.as_str()),
        _ => None,
    };
    let wanted: Vec<_> = (taking.iter().zip(matches))
        .map(|((c, g), found)| (c.name.as_str(), g.and_then(|g| g.name.as_deref()).or(there(found))))
        .collect();
    let base = join(&join("plan.tables", &draft.table.name), "columns");
    let path = |i: usize| join(&join(&base, wanted.get(i).map_or("", |w| w.0)), "name");
    check_given(&wanted, path)?;
    let mut scope = names::Scope::default();
    for name in names::SYSTEM_COLUMNS {
        scope.reserve(name);
    }
    names::assign(ctx.names, &wanted, &mut [&mut scope], &vec![0; wanted.len()])
        .map_err(|i| invalid(path(i), "another column, or PostgreSQL itself, has this name", ""))
}

/// One finding for all columns that have another name in the table.
fn found_loosely(
    draft: &Draft<'_>,
    existing: &ExistingTable,
    taking: &[Taking<'_>],
    matches: &[Match],
) -> Option<Finding> {
    let pair = |((source, _), found): (&Taking<'_>, &Match)| match found {
        Match::Found { there, way } if way.is_loose() => {
            Some(format!("\"{}\" as \"{}\"", source.name, existing.columns.get(*there)?.name))
        }
        _ => None,
    };
    let pairs: Vec<String> = taking.iter().zip(matches).filter_map(pair).collect();
    let message = format!("columns are found by similar names: {}", pairs.join(", "));
    let hint = format!("Set name in {} if others are meant.", draft.path("columns"));
    (!pairs.is_empty()).then(|| Finding::info(draft.table.name.clone(), message, hint))
}

fn unclear(
    column: &DraftColumn<'_>,
    draft: &Draft<'_>,
    existing: &ExistingTable,
    taking: &[Taking<'_>],
    found: &Match,
) -> Option<Finding> {
    let name = |at: &usize| existing.columns.get(*at).map_or("", |c| c.name.as_str());
    let message = match found {
        Match::Several(of) => {
            format!("several existing columns could be meant: {}", fate::quoted(of.iter().map(name)))
        }
        Match::Contested { there, with } => {
            let others = with.iter().filter_map(|w| taking.get(*w)).map(|(c, _)| c.name.as_str());
            format!("existing column \"{}\" could be meant for {} as well", name(there), fate::quoted(others))
        }
        Match::Nothing | Match::Found { .. } => return None,
    };
    let table = &draft.table.name;
    let hint = format!("Set {} to the column's name, or skip the column.", column.path(table, "name"));
    Some(Finding::blocking(column.object(table), message, hint).of(table))
}
