//! The names by which a plan leaves indexes, foreign keys, checks and enums out; and that each glob matches one.
//!
//! A constraint without a name has the one that PostgreSQL would give it, made of the source's names.

use super::names::make_object_name;
use crate::catalog::{Catalog, Check, ForeignKey, Origin, Table};
use crate::path::join;
use crate::plan::given::carried::Carried;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::objects::{Objects, glob};
use crate::plan::given::overrides::{Common, Overrides, PlanError, invalid};
use crate::translate::listed;

/// `posts_user_id_fkey`
pub fn foreign_key_name(table: &Table, key: &ForeignKey) -> String {
    named(&key.name).unwrap_or_else(|| make_object_name(&table.name, &key.columns.join("_"), "fkey"))
}

/// `posts_check`
pub fn check_name(table: &Table, check: &Check) -> String {
    named(&check.name).unwrap_or_else(|| make_object_name(&table.name, "", "check"))
}

fn named(own: &Option<String>) -> Option<String> {
    own.clone().filter(|name| !name.is_empty())
}

/// One of the keys: its name, what it is about, its value, and the names that a table has.
struct Kind {
    key: &'static str,
    what: &'static str,
    value: fn(&Common) -> Option<&Objects>,
    names: fn(&Table) -> Vec<String>,
}

const KINDS: [Kind; 4] = [
    Kind { key: "indexes", what: "index", value: |common| common.indexes.as_ref(), names: index_names },
    Kind {
        key: "foreign_keys",
        what: "foreign key",
        value: |common| common.foreign_keys.as_ref(),
        names: |table| table.foreign_keys.iter().map(|key| foreign_key_name(table, key)).collect(),
    },
    Kind {
        key: "checks",
        what: "check",
        value: |common| common.checks.as_ref(),
        names: |table| table.checks.iter().map(|check| check_name(table, check)).collect(),
    },
    Kind {
        key: "enums",
        what: "column with a CHECK that lists its values",
        value: |common| common.enums.as_ref(),
        names: |table| {
            table.checks.iter().filter_map(|check| Some(listed(&check.expression)?.column)).collect()
        },
    },
];

fn index_names(table: &Table) -> Vec<String> {
    let created = table.indexes.iter().filter(|index| index.origin == Origin::Created);
    created.map(|index| index.name.clone()).collect()
}

/// Checks that every glob and entry of `views` or `triggers` means one.
fn check_carried<'c, I>(
    (key, what): (&str, &str),
    carried: Option<&Carried>,
    names: impl Fn() -> I,
) -> Result<(), PlanError>
where
    I: Iterator<Item = &'c str>,
{
    let of_plan = join("plan", key);
    let Some(carried) = carried else { return Ok(()) };
    for (key, patterns) in carried.globs() {
        for (i, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| *pattern != "*") {
            let path = format!("{}[{i}]", join(&of_plan, key));
            let glob = glob(pattern, &path)?;
            if !names().any(|name| glob.is_match(name)) {
                let guess = did_you_mean(pattern, names());
                return Err(invalid(path, format!("\"{pattern}\" matches no {what}{guess}"), ""));
            }
        }
    }
    match carried.named().find(|name| !names().any(|known| known.eq_ignore_ascii_case(name))) {
        None => Ok(()),
        Some(name) => {
            let guess = did_you_mean(name, names());
            Err(invalid(join(&of_plan, name), format!("the file has no {what} of this name{guess}"), ""))
        }
    }
}

/// Checks that every glob matches a name: of all tables, or of the table in whose entry it stands. What the plan's list has
/// as well is the plan's: a printed plan repeats it for each table.
pub fn check(catalog: &Catalog, given: &Overrides) -> Result<(), PlanError> {
    let (views, triggers) = (given.views.as_ref(), given.triggers.as_ref());
    check_carried(("views", "view"), views, || catalog.views.iter().map(|view| view.name.as_str()))?;
    check_carried(("triggers", "trigger"), triggers, || catalog.triggers.iter().map(|t| t.name.as_str()))?;
    for kind in &KINDS {
        let of_plan = (kind.value)(&given.common).map_or(&[][..], Objects::excluded);
        let all: Vec<String> = catalog.tables.iter().flat_map(kind.names).collect();
        unmatched(kind, of_plan, &all, &[], "plan")?;
        for (name, entry) in &given.tables {
            let own = (kind.value)(&entry.common).map_or(&[][..], Objects::excluded);
            let names = catalog.table(name).map(kind.names).unwrap_or_default();
            unmatched(kind, own, &names, of_plan, &join("plan.tables", name))?;
        }
    }
    Ok(())
}

fn unmatched(
    kind: &Kind,
    patterns: &[String],
    names: &[String],
    known: &[String],
    path: &str,
) -> Result<(), PlanError> {
    for (i, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| !known.contains(pattern)) {
        let path = format!("{}[{i}]", join(&join(path, kind.key), "exclude"));
        let glob = glob(pattern, &path)?;
        if !names.iter().any(|name| glob.is_match(name)) {
            let guess = did_you_mean(pattern, names.iter().map(String::as_str));
            return Err(invalid(path, format!("\"{pattern}\" matches no {}{guess}", kind.what), ""));
        }
    }
    Ok(())
}
