//! Which source tables take part; and that every name in a plan means something.

use std::collections::HashMap;

use globset::GlobMatcher;

use super::exclusions;
use super::table::ResolvedTable;
use crate::catalog::{Catalog, Table, TableKind};
use crate::finding::{Finding, Kind};
use crate::path::join;
use crate::plan::context::Context;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::objects::glob;
use crate::plan::given::overrides::{Overrides, PlanError, TableOverrides, invalid};
use crate::plan::given::settings::{Settings, Usual};
use crate::plan::given::words::Orphans;
use crate::spatial::Spatial;
use crate::value::PgType;

/// The tables that take part, and what the overrides say of each.
pub struct Selection<'a> {
    /// One per catalog table.
    pub selected: Vec<bool>,
    /// One per catalog table, where there is an entry for it.
    pub overrides: Vec<Option<&'a TableOverrides>>,
}

impl Selection<'_> {
    /// The tables whose rows without a parent are rejected.
    pub fn rejecting(&self, overrides: &Overrides) -> Vec<bool> {
        let plan = Settings::of_plan(overrides, Usual::default());
        self.overrides.iter().map(|table| plan.of_table(*table).orphans == Orphans::Reject).collect()
    }
}

/// Checks the names and selects: shadow tables are out, and virtual ones without a usable module or rows of their own.
pub fn select<'a>(catalog: &Catalog, given: &'a Overrides) -> Result<Selection<'a>, PlanError> {
    let entries = table_entries(catalog, given)?;
    exclusions::check(catalog, given)?;
    if let Some(rules) = &given.names {
        rules.check_tables(catalog.tables.iter().map(|table| table.name.as_str()))?;
    }
    if given.include.as_ref().is_some_and(Vec::is_empty) {
        return Err(invalid("plan.include", "must not be empty", "Leave the key out for all tables."));
    }
    let include = globs(catalog, given.include.as_deref(), "plan.include")?;
    let exclude = globs(catalog, given.exclude.as_deref(), "plan.exclude")?;
    let described = Spatial::of(catalog).filter(|_| !given.geopackage.unwrap_or_default().metadata);
    let chosen = |(table, entry): (&Table, &Option<&TableOverrides>)| {
        let skip = entry.and_then(|e| e.skip);
        // Virtual tables that keep no rows only when asked for, SQLite's own never.
        let takes_part = match &table.kind {
            TableKind::Ordinary => skip != Some(true) && !is_internal(table) && !owner_skipped(given, table),
            TableKind::Virtual { usable, .. } => {
                *usable && skip.map_or_else(|| table.has_own_rows(), |skip| !skip)
            }
            TableKind::Shadow { .. } => false,
        };
        let described = skip.is_none() && described.is_some_and(|spatial| spatial.describes(&table.name));
        takes_part
            && !described
            && (include.is_empty() || include.iter().any(|g| g.is_match(&table.name)))
            && !exclude.iter().any(|g| g.is_match(&table.name))
    };
    Ok(Selection { selected: catalog.tables.iter().zip(&entries).map(chosen).collect(), overrides: entries })
}

/// The plan leaves the virtual table out that this one is read for.
fn owner_skipped(given: &Overrides, table: &Table) -> bool {
    let owner = table.stands_for.as_ref().and_then(|owner| given.table(owner));
    owner.is_some_and(|owner| owner.skip == Some(true))
}

/// Names starting with `sqlite_` are reserved for SQLite's own tables.
pub fn is_internal(table: &Table) -> bool {
    table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("sqlite_"))
}

fn globs(catalog: &Catalog, patterns: Option<&[String]>, path: &str) -> Result<Vec<GlobMatcher>, PlanError> {
    let compile = |(i, pattern): (usize, &String)| {
        let path = format!("{path}[{i}]");
        let glob = glob(pattern, &path)?;
        if pattern != "*" && !catalog.tables.iter().any(|t| glob.is_match(&t.name)) {
            let guess = did_you_mean(pattern, catalog.tables.iter().map(|t| t.name.as_str()));
            return Err(invalid(path, format!("\"{pattern}\" matches no table{guess}"), ""));
        }
        Ok(glob)
    };
    patterns.unwrap_or_default().iter().enumerate().map(compile).collect()
}

fn table_entries<'a>(
    catalog: &Catalog,
    given: &'a Overrides,
) -> Result<Vec<Option<&'a TableOverrides>>, PlanError> {
    let places = places(catalog.tables.iter().map(|t| t.name.as_str()));
    let mut out = vec![None; catalog.tables.len()];
    for (name, entry) in &given.tables {
        let path = join("plan.tables", name);
        let place = places.get(&name.to_ascii_lowercase());
        let (Some(table), Some(slot)) =
            (place.and_then(|i| catalog.tables.get(*i)), place.and_then(|i| out.get_mut(*i)))
        else {
            let guess = did_you_mean(name, catalog.tables.iter().map(|t| t.name.as_str()));
            return Err(invalid(path, format!("the file has no table of this name{guess}"), ""));
        };
        if slot.is_some() {
            return Err(invalid(path, format!("table \"{}\" is named twice", table.name), ""));
        }
        check_skip(table, entry, &path)?;
        check_columns(table, entry, &join(&path, "columns"))?;
        *slot = Some(entry);
    }
    Ok(out)
}

fn places<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<String, usize> {
    let mut out = HashMap::new();
    for (i, name) in names.enumerate() {
        out.entry(name.to_ascii_lowercase()).or_insert(i);
    }
    out
}

fn check_skip(table: &Table, entry: &TableOverrides, path: &str) -> Result<(), PlanError> {
    if entry.skip != Some(false) {
        return Ok(());
    }
    let why = match &table.kind {
        // Its rows are read from a shadow table.
        TableKind::Virtual { usable: false, .. } if table.is_full_text() && table.has_own_rows() => {
            return Ok(());
        }
        TableKind::Virtual { module, usable: false } => format!("its module \"{module}\" is not available"),
        TableKind::Shadow { of } => format!("it holds the data of virtual table \"{of}\""),
        _ => return Ok(()),
    };
    Err(invalid(join(path, "skip"), format!("table \"{}\" cannot be loaded: {why}", table.name), ""))
}

fn check_columns(table: &Table, entry: &TableOverrides, path: &str) -> Result<(), PlanError> {
    let places = places(table.columns.iter().map(|c| c.name.as_str()));
    let mut seen = HashMap::new();
    for (name, _) in &entry.columns {
        let path = join(path, name);
        let Some(place) = places.get(&name.to_ascii_lowercase()) else {
            let guess = did_you_mean(name, table.columns.iter().map(|c| c.name.as_str()));
            let message = format!("table \"{}\" has no column of this name{guess}", table.name);
            return Err(invalid(path, message, ""));
        };
        if seen.insert(*place, ()).is_some() {
            return Err(invalid(path, format!("column \"{name}\" is named twice"), ""));
        }
    }
    Ok(())
}

/// Reports the entries of `types` that match no declared type of a selected table.
pub fn unused_types(ctx: &Context<'_>, tables: &[ResolvedTable<'_>], findings: &mut Vec<Finding>) {
    for (from, _) in &ctx.overrides.common.types {
        let only = Settings { types: vec![(from.clone(), PgType::Text)], ..ctx.plan.clone() };
        let mut columns = tables.iter().flat_map(|t| &t.source.columns);
        if !columns.any(|c| only.wanted(&c.declared).is_some()) {
            let message = format!("no column is declared \"{from}\"");
            let hint = "Check the spelling of the plan's types.";
            findings.push(Kind::UnusedType.warning(format!("types.{from}"), message).hint(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Column;
    use crate::plan::given::overrides;
    use serde_json::json;

    fn table(name: &str, kind: TableKind) -> Table {
        let columns = vec![Column { name: "Age".into(), ..Column::default() }];
        Table { name: name.into(), kind, columns, ..Table::default() }
    }

    fn catalog() -> Catalog {
        let tables = vec![
            table("Users", TableKind::Ordinary),
            table("orders", TableKind::Ordinary),
            table("box", TableKind::Virtual { module: "rtree".into(), usable: true }),
            table("vec", TableKind::Virtual { module: "vec0".into(), usable: false }),
            table("box_node", TableKind::Shadow { of: "box".into() }),
        ];
        Catalog { tables, ..Catalog::default() }
    }

    fn selected(plan: serde_json::Value) -> Result<Vec<&'static str>, String> {
        let given = overrides::parse(&plan).map_err(|e| e.to_string())?;
        let chosen = select(&catalog(), &given).map_err(|e| e.to_string())?.selected;
        let names = ["Users", "orders", "box", "vec", "box_node"];
        Ok(names.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(n, _)| n).collect())
    }

    #[test]
    fn globs_and_skip_leave_in_what_they_say() {
        assert_eq!(selected(json!({})), Ok(vec!["Users", "orders"]));
        assert_eq!(selected(json!({"include": ["USER*"]})), Ok(vec!["Users"]));
        assert_eq!(selected(json!({"exclude": ["o*"]})), Ok(vec!["Users"]));
        assert_eq!(selected(json!({"tables": {"users": {"skip": true}}})), Ok(vec!["orders"]));
        assert_eq!(selected(json!({"tables": {"box": {"skip": false}}})), Ok(vec!["Users", "orders", "box"]));
    }

    #[test]
    fn names_that_match_nothing_are_errors() {
        for (plan, message) in [
            (
                json!({"include": ["user"]}),
                "plan.include[0]: \"user\" matches no table, did you mean \"Users\"?",
            ),
            (json!({"exclude": ["orders", "zzz*"]}), "plan.exclude[1]: \"zzz*\" matches no table"),
            (
                json!({"include": ["[a"]}),
                "plan.include[0]: invalid glob: unclosed character class; missing ']'",
            ),
            (
                json!({"tables": {"user": {}}}),
                "plan.tables.user: the file has no table of this name, did you mean \"Users\"?",
            ),
            (
                json!({"tables": {"users": {}, "USERS": {}}}),
                "plan.tables.USERS: table \"Users\" is named twice",
            ),
            (
                json!({"tables": {"users": {"columns": {"agee": {}}}}}),
                "plan.tables.users.columns.agee: table \"Users\" has no column of this name, did you mean \"Age\"?",
            ),
            (
                json!({"indexes": {"exclude": ["idx_*"]}}),
                "plan.indexes.exclude[0]: \"idx_*\" matches no index",
            ),
            (
                json!({"tables": {"users": {"foreign_keys": {"exclude": ["a"]}}}}),
                "plan.tables.users.foreign_keys.exclude[0]: \"a\" matches no foreign key",
            ),
            (
                json!({"checks": {"exclude": ["[a"]}}),
                "plan.checks.exclude[0]: invalid glob: unclosed character class; missing ']'",
            ),
            (json!({"checks": {"only": []}}), "plan.checks.only: unknown key"),
            (json!({"checks": {}}), "plan.checks.exclude: is missing"),
            (json!({"checks": 1}), "plan.checks: expected true, false or an object, not a number"),
            (
                json!({"tables": {"vec": {"skip": false}}}),
                "plan.tables.vec.skip: table \"vec\" cannot be loaded: its module \"vec0\" is not available",
            ),
            (
                json!({"tables": {"box_node": {"skip": false}}}),
                "plan.tables.box_node.skip: table \"box_node\" cannot be loaded: it holds the data of virtual table \"box\"",
            ),
        ] {
            assert_eq!(selected(plan.clone()), Err(message.to_string()), "{plan}");
        }
    }
}
