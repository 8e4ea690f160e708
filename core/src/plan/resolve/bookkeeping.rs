//! Tables in which migration tools record what they have done to a schema.
//!
//! Records describe the database that they are in, so the file's are left out where the target has its own. Both are
//! compared, because data of another level may not fit. The tools are in [`crate::tools`].

use super::names;
use super::select::Selection;
use crate::catalog::Table;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::settings::Settings;
use crate::plan::given::words::{Create, ExistingRows};
use crate::plan::model::TablePlan;
use crate::plan::target::ExistingTable;
use crate::tools::{Tool, of_source, tool_of};

/// The most levels that a message names of each side.
const NAMED: usize = 3;

/// Takes the file's records out of the selection where the target has its own or the plan makes no tables, unless
/// the plan asks for them. Gives a result row for each.
pub fn leave_out(
    ctx: &Context<'_>,
    selection: &mut Selection<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<TablePlan> {
    let mut rows = Vec::new();
    for (id, table) in ctx.source.catalog.tables_with_ids() {
        let given = selection.overrides.get(id.index()).copied().flatten();
        let Some(chosen) = selection.selected.get_mut(id.index()).filter(|chosen| **chosen) else { continue };
        let asked_for = given.is_some_and(|g| g.skip == Some(false));
        let Some(tool) = of_source(table).filter(|_| !asked_for) else { continue };
        let settings = ctx.plan.of_table(given);
        let wanted = given.and_then(|g| g.target.as_deref()).unwrap_or(&table.name);
        let there = counterpart(ctx, &settings, wanted);
        // A plan that makes every table anew makes the target from the file, records and all.
        let stays_out = match settings.create {
            Create::Never => true,
            Create::Always => false,
            Create::Auto => there.is_some() && settings.existing_rows != ExistingRows::Replace,
        };
        if !stays_out {
            continue;
        }
        *chosen = false;
        let finding = finding(ctx, tool, table, there);
        let target = there.map_or_else(|| names::clip(wanted, names::LIMIT).to_string(), |t| t.name.clone());
        let why = finding.message.clone();
        rows.push(TablePlan::left_out(id, &table.name, settings.schema, target, why));
        findings.push(finding);
    }
    rows
}

/// The tool whose records a table of the target holds.
pub fn of_target(table: &ExistingTable) -> Option<&'static Tool> {
    tool_of(&table.name, table.columns.iter().map(|c| c.name.as_str()))
}

fn counterpart<'a>(ctx: &Context<'a>, settings: &Settings, name: &str) -> Option<&'a ExistingTable> {
    let rows = |r: &&ExistingTable| matches!(r.relkind, 'r' | 'p' | 'v' | 'm' | 'f');
    let same = |r: &&ExistingTable| r.schema == settings.schema && r.name.eq_ignore_ascii_case(name);
    let mut found = ctx.target.relations.iter().filter(rows).filter(same);
    found.clone().find(|r| r.name == name).or_else(|| found.next())
}

fn finding(ctx: &Context<'_>, tool: &Tool, table: &Table, there: Option<&ExistingTable>) -> Finding {
    let object = &table.name;
    let of_file = ctx.source.levels.iter().find(|(name, _)| *name == table.name).map(|(_, levels)| levels);
    let levels = of_file.zip(there.and_then(|t| t.levels.as_ref()));
    let about = |what: &str| format!("migration records of {} are not loaded: {what}", tool.name);
    let load = |before: &str, finding: Finding| {
        finding.fix_amid(before, Fix::of_table(object, "skip", false), " to load them", "")
    };
    match levels.map(|(file, there)| difference(file, there)) {
        None if there.is_none() => {
            load("", Kind::Bookkeeping.info(object, about("the target has no such table")))
        }
        None => load("", Kind::Bookkeeping.info(object, about("the target has its own"))),
        Some(Ok(level)) => {
            load("", Kind::Bookkeeping.info(object, about(&format!("the target has its own, {level}"))))
        }
        Some(Err(difference)) => {
            let what = format!("the target has its own, with other migrations: {difference}");
            let before = "Apply the same migrations to both databases first.";
            load(before, Kind::Bookkeeping.warning(object, about(&what)))
        }
    }
}

/// `Ok` names the level that both have, `Err` what only one has.
fn difference(file: &[String], there: &[String]) -> Result<String, String> {
    let beyond = |these: &[String], those: &[String], place: &str| {
        let only: Vec<&String> = these.iter().filter(|level| !those.contains(level)).collect();
        let named: Vec<String> = only.iter().take(NAMED).map(|level| format!("\"{level}\"")).collect();
        let and = match only.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!only.is_empty()).then(|| format!("only in the {place} {}{and}", named.join(", ")))
    };
    let parts: Vec<String> =
        [beyond(file, there, "file"), beyond(there, file, "target")].into_iter().flatten().collect();
    match file.last() {
        _ if !parts.is_empty() => Err(parts.join("; ")),
        None => Ok("both without migrations".into()),
        Some(last) => Ok(format!("with the same migrations up to \"{last}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Column};
    use crate::damage::Damage;
    use crate::finding::Severity;
    use crate::plan::build;
    use crate::plan::context::Source;
    use crate::plan::given::overrides::parse;
    use crate::plan::model::Planned;
    use crate::plan::target::Target;
    use crate::tools::TOOLS;
    use serde_json::json;

    #[test]
    fn levels_are_compared_as_sets_and_few_are_named() {
        let levels = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        assert_eq!(
            difference(&levels("ab"), &levels("ba")),
            Ok("with the same migrations up to \"b\"".into())
        );
        assert_eq!(difference(&[], &[]), Ok("both without migrations".into()));
        assert_eq!(
            difference(&levels("abcdex"), &levels("xy")),
            Err("only in the file \"a\", \"b\", \"c\" and 2 more; only in the target \"y\"".into())
        );
    }

    fn records(table: &str, levels: Option<&[&str]>) -> ExistingTable {
        let column = |name: &str| crate::plan::target::ExistingColumn::new(name, crate::value::PgType::Text);
        ExistingTable {
            schema: "public".into(),
            name: table.into(),
            relkind: 'r',
            columns: vec![column("version_num")],
            insertable: true,
            levels: levels.map(|l| l.iter().map(|level| level.to_string()).collect()),
            ..ExistingTable::default()
        }
    }

    fn built(relations: Vec<ExistingTable>, plan: &serde_json::Value) -> Planned {
        built_of("Alembic_Version", &["version_num"], relations, plan)
    }

    fn built_of(
        table: &str,
        columns: &[&str],
        relations: Vec<ExistingTable>,
        plan: &serde_json::Value,
    ) -> Planned {
        let column = |name: &&str| Column { name: (*name).into(), ..Column::default() };
        let records =
            Table { name: table.into(), columns: columns.iter().map(column).collect(), ..Table::default() };
        let catalog = Catalog { tables: vec![records], ..Catalog::default() };
        let levels = [(table.to_string(), vec!["a1".to_string()])];
        let source = Source {
            catalog: &catalog,
            profiles: &[],
            key_facts: &[],
            levels: &levels,
            damage: &Damage::default(),
            orms: &[],
        };
        let target = Target { relations, ..Target::default() };
        build(&source, &target, &parse(plan).unwrap()).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn records_are_left_out_where_the_target_has_its_own() {
        for (levels, severity, message) in [
            (
                Some(&["a1"][..]),
                Severity::Info,
                "the target has its own, with the same migrations up to \"a1\"",
            ),
            (None, Severity::Info, "the target has its own"),
            (
                Some(&["b2"]),
                Severity::Warning,
                "the target has its own, with other migrations: only in the file \"a1\"; only in the target \
                 \"b2\"",
            ),
        ] {
            let relations = vec![records("alembic_version", levels)];
            let planned = built(relations.clone(), &json!({}));
            assert_eq!(planned.plan["tables"]["Alembic_Version"], json!({"skip": true}));
            assert_eq!(built(relations, &planned.plan).plan, planned.plan);
            let found: Vec<_> = planned.findings.iter().map(|f| (f.severity, f.message.as_str())).collect();
            let message = format!("migration records of Alembic are not loaded: {message}");
            assert_eq!(found, [(severity, message.as_str())]);
            let row = &planned.tables[0];
            assert_eq!((row.target.as_str(), row.skipped), ("alembic_version", true));
            assert_eq!(row.detail, [message]);
            assert!(!planned.steps.iter().any(|s| s.table.is_some()), "{:?}", planned.steps);
        }
    }

    #[test]
    fn a_plan_that_makes_no_tables_needs_no_records() {
        let planned = built(vec![], &json!({"create": "never"}));
        assert_eq!(planned.plan["tables"]["Alembic_Version"], json!({"skip": true}));
        let message = "migration records of Alembic are not loaded: the target has no such table";
        let found: Vec<_> = planned.findings.iter().map(|f| (f.severity, f.message.as_str())).collect();
        assert_eq!(found, [(Severity::Info, message)]);
        assert!(planned.tables[0].skipped);
    }

    #[test]
    fn the_records_of_every_tool_are_left_out_and_stop_nothing() {
        for tool in TOOLS {
            let name = tool.table.replace('*', "seq");
            let columns: Vec<&str> = [tool.needs, tool.level, &["id"]].concat();
            let mut own = records(&name, None);
            let text =
                |name: &&str| crate::plan::target::ExistingColumn::new(*name, crate::value::PgType::Text);
            own.columns = columns.iter().map(text).collect();
            for (relations, plan) in [
                (vec![own.clone()], json!({})),
                (vec![own], json!({"create": "never"})),
                (vec![], json!({"create": "never"})),
            ] {
                let planned = built_of(&name, &columns, relations, &plan);
                let found: Vec<_> = planned.findings.iter().map(|f| (f.kind, f.severity)).collect();
                assert_eq!(found, [(Kind::Bookkeeping, Severity::Info)], "{name}");
                assert_eq!(planned.plan["tables"][&name], json!({"skip": true}), "{name}");
            }
            let planned = built_of(&name, &columns, vec![], &json!({}));
            assert!(planned.tables.iter().all(|t| !t.skipped), "{name}");
        }
    }

    #[test]
    fn records_are_loaded_where_nothing_is_in_their_way_or_the_plan_says_so() {
        let there = || vec![records("alembic_version", None)];
        for (relations, plan) in [
            (vec![], json!({})),
            (there(), json!({"existing_rows": "replace"})),
            (there(), json!({"create": "always"})),
            (there(), json!({"tables": {"alembic_version": {"skip": false}}})),
            (there(), json!({"schema": "elsewhere"})),
        ] {
            let planned = built(relations, &plan);
            assert!(planned.tables.iter().all(|t| !t.skipped), "{plan}");
            assert_eq!(planned.plan["tables"]["Alembic_Version"]["skip"], json!(false), "{plan}");
        }
    }
}
