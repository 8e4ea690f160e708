//! The PostgreSQL names of tables and columns: existing ones, explicit ones, and new ones.

use super::disposition::{self, Counterpart};
use super::matching::{self, Existing, Match, Wanted};
use super::names::{self, Named};
use super::table::{Place, ResolvedColumn, ResolvedTable, Selected};
use crate::catalog::Column;
use crate::finding::{Finding, Kind};
use crate::path;
use crate::plan::context::Context;
use crate::plan::given::overrides::{ColumnOverrides, PlanError, invalid};
use crate::plan::target::ExistingTable;

/// Names the targets of all tables, and says of each whether several existing ones could be meant.
pub fn tables(
    ctx: &Context<'_>,
    tables: &[Selected<'_>],
    findings: &mut Vec<Finding>,
) -> Result<Vec<(String, bool)>, PlanError> {
    let counterparts = disposition::counterparts(ctx, tables, findings);
    let mut schemas: Vec<&str> = Vec::new();
    let mut scope_of = Vec::new();
    for table in tables {
        let at = schemas.iter().position(|s| *s == table.settings.schema).unwrap_or_else(|| {
            schemas.push(&table.settings.schema);
            schemas.len() - 1
        });
        scope_of.push(at);
    }
    let mut scopes: Vec<names::Scope> = schemas.iter().map(|_| names::Scope::default()).collect();
    let ruled: Vec<String> = tables.iter().map(|table| ctx.name_rules.table(table.source.called())).collect();
    let wanted: Vec<(&str, Option<&str>)> = (tables.iter().zip(&ruled).zip(&counterparts))
        .map(|((table, ruled), counterpart)| {
            let explicit = table.overrides.and_then(|g| g.target.as_deref());
            let found = match counterpart {
                Counterpart::Found(name) => Some(name.as_str()),
                Counterpart::None | Counterpart::Ambiguous => None,
            };
            (ruled.as_str(), explicit.or(found))
        })
        .collect();
    let path = |i: usize| path::of_table(tables.get(i).map_or("", |table| &table.source.name), "target");
    check_length(&wanted, path)?;
    let named = names::assign(ctx.names, &wanted, &mut scopes.iter_mut().collect::<Vec<_>>(), &scope_of)
        .map_err(|i| invalid(path(i), "another table has this name", ""))?;
    let mut out = Vec::new();
    for ((table, counterpart), named) in tables.iter().zip(&counterparts).zip(named) {
        let ambiguous = *counterpart == Counterpart::Ambiguous;
        if !ambiguous {
            report_name(findings, "table", table.source.name.clone(), &named, &table.path("target"));
        }
        out.push((named.name, ambiguous));
    }
    Ok(out)
}

fn check_length(wanted: &[(&str, Option<&str>)], path: impl Fn(usize) -> String) -> Result<(), PlanError> {
    match wanted.iter().position(|(_, given)| given.is_some_and(|g| g.len() > names::LIMIT)) {
        Some(i) => Err(invalid(path(i), "longer than 63 bytes", "PostgreSQL cuts names to 63 bytes.")),
        None => Ok(()),
    }
}

fn report_name(findings: &mut Vec<Finding>, what: &str, object: String, named: &Named, key: &str) {
    if let Some(why) = named.changed {
        let message = format!("{what} {why}, it becomes \"{}\"", named.name);
        findings.push(Kind::NameChanged.warning(object, message).hint(format!("Set {key} to another name.")));
    }
}

/// An expression that is read instead of the rowid gives numbers that may be an identity's.
fn integers_only(table: &ResolvedTable<'_>, position: usize) -> bool {
    let profile = table.profile.filter(|profile| !profile.sampled);
    profile.is_some_and(|p| p.columns.get(position).is_some_and(|c| c.integers == p.rows))
}

/// Names the columns of a table whose disposition is known.
pub fn columns<'a>(
    ctx: &Context<'_>,
    table: &ResolvedTable<'a>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<ResolvedColumn<'a>>, PlanError> {
    let entries = table.overrides.map_or(&[][..], |g| g.columns.as_slice());
    let overrides =
        |c: &Column| entries.iter().find(|(n, _)| n.eq_ignore_ascii_case(&c.name)).map(|(_, g)| g);
    let kept = |c: &Column| !c.hidden && overrides(c).is_none_or(|g| g.skip != Some(true));
    let taking: Vec<Taking<'a>> =
        table.source.columns.iter().filter(|c| kept(c)).map(|c| (c, overrides(c))).collect();
    let matches = matches(ctx, table, &taking);
    let mut named = assigned(ctx, table, &taking, &matches)?.into_iter().zip(&matches);
    findings.extend(table.existing.and_then(|existing| found_loosely(table, existing, &taking, &matches)));
    let alias = table.source.primary_key.as_ref().filter(|pk| pk.rowid_alias);
    let alias = alias.and_then(|pk| pk.columns.first());
    let column = |(position, source): (usize, &'a Column)| {
        let mut column = ResolvedColumn {
            position,
            source,
            overrides: overrides(source),
            rowid_alias: alias.is_some_and(|name| name.eq_ignore_ascii_case(&source.name))
                && (overrides(source).is_none_or(|g| g.using.is_none()) || integers_only(table, position)),
            place: Place::Skipped,
        };
        let Some((name, found)) = (if kept(source) { named.next() } else { None }) else { return column };
        match table.existing {
            Some(existing) => findings.extend(ambiguity(&column, table, existing, &taking, found)),
            None => {
                let path = column.path(&table.source.name, "name");
                report_name(findings, "column", column.object(&table.source.name), &name, &path);
            }
        }
        column.place = match found {
            Match::Several(_) | Match::Contested { .. } => Place::Ambiguous(name.name),
            Match::Nothing | Match::Found { .. } => Place::Column(name.name),
        };
        column
    };
    Ok(table.source.columns.iter().enumerate().map(column).collect())
}

/// A column that is not skipped, with what the overrides say of it.
type Taking<'a> = (&'a Column, Option<&'a ColumnOverrides>);

/// What each column means in the existing table; nothing where there is none.
fn matches(ctx: &Context<'_>, table: &ResolvedTable<'_>, taking: &[Taking<'_>]) -> Vec<Match> {
    let Some(existing) = table.existing else { return vec![Match::Nothing; taking.len()] };
    let wanted: Vec<_> = taking
        .iter()
        .map(|(c, g)| Wanted {
            source: c.called(),
            explicit: g.and_then(|g| g.name.as_deref()),
            exactly: false,
        })
        .collect();
    let existing: Vec<_> =
        existing.columns.iter().map(|c| Existing { name: &c.name, usable: true }).collect();
    matching::find(ctx.names, &wanted, &existing)
}

fn assigned(
    ctx: &Context<'_>,
    table: &ResolvedTable<'_>,
    taking: &[Taking<'_>],
    matches: &[Match],
) -> Result<Vec<Named>, PlanError> {
    let counterpart = |found: &Match| match found {
        Match::Found { existing, .. } => table.existing?.columns.get(*existing).map(|c| c.name.as_str()),
        _ => None,
    };
    let wanted: Vec<_> = (taking.iter().zip(matches))
        .map(|((c, g), found)| (c.called(), g.and_then(|g| g.name.as_deref()).or(counterpart(found))))
        .collect();
    let path =
        |i: usize| path::of_column(&table.source.name, taking.get(i).map_or("", |(c, _)| &c.name), "name");
    check_length(&wanted, path)?;
    let mut scope = names::Scope::default();
    for name in names::SYSTEM_COLUMNS {
        scope.reserve(name);
    }
    names::assign(ctx.names, &wanted, &mut [&mut scope], &vec![0; wanted.len()])
        .map_err(|i| invalid(path(i), "another column, or PostgreSQL itself, has this name", ""))
}

/// One finding for all columns that have another name in the table.
fn found_loosely(
    table: &ResolvedTable<'_>,
    existing: &ExistingTable,
    taking: &[Taking<'_>],
    matches: &[Match],
) -> Option<Finding> {
    let pair = |((source, _), found): (&Taking<'_>, &Match)| match found {
        Match::Found { existing: at, rule } if rule.is_loose() => {
            Some(format!("\"{}\" as \"{}\"", source.name, existing.columns.get(*at)?.name))
        }
        _ => None,
    };
    let pairs: Vec<String> = taking.iter().zip(matches).filter_map(pair).collect();
    let message = format!("columns are found by similar names: {}", pairs.join(", "));
    let hint = format!("Set name in {} if others are meant.", table.path("columns"));
    (!pairs.is_empty()).then(|| Kind::SimilarColumns.info(&table.source.name, message).hint(hint))
}

fn ambiguity(
    column: &ResolvedColumn<'_>,
    table: &ResolvedTable<'_>,
    existing: &ExistingTable,
    taking: &[Taking<'_>],
    found: &Match,
) -> Option<Finding> {
    let name = |at: &usize| existing.columns.get(*at).map_or("", |c| c.name.as_str());
    let message = match found {
        Match::Several(of) => {
            format!("several existing columns could be meant: {}", disposition::quoted(of.iter().map(name)))
        }
        Match::Contested { existing: at, with } => {
            let others = with.iter().filter_map(|w| taking.get(*w)).map(|(c, _)| c.name.as_str());
            format!(
                "existing column \"{}\" could be meant for {} as well",
                name(at),
                disposition::quoted(others)
            )
        }
        Match::Nothing | Match::Found { .. } => return None,
    };
    let name = &table.source.name;
    let hint = format!("Set {} to the column's name, or skip the column.", column.path(name, "name"));
    Some(Kind::AmbiguousColumn.blocking(column.object(name), message).hint(hint).of(table.id))
}
