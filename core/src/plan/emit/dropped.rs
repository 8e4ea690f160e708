//! Views that stand in the way of what the plan drops: PostgreSQL drops no table or view that another view reads.

use std::collections::HashSet;

use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::plan::resolve::disposition::quoted;
use crate::plan::resolve::table::Disposition;
use crate::plan::target::{ExistingTable, Reader};
use crate::sqltext::qualified;

/// Tells of the views that read what is dropped, and are not dropped with it. `views` are those that are, by schema and name.
pub fn report(
    ctx: &Context<'_>,
    tables: &[DecidedTable<'_>],
    views: &[(String, String, String)],
    findings: &mut Vec<Finding>,
) {
    let replaced: Vec<&DecidedTable<'_>> =
        tables.iter().filter(|table| table.disposition == Disposition::Replace).collect();
    // A view that computes what its table does not have is dropped with the table.
    let beside = |table: &DecidedTable<'_>| table.view.clone().filter(|view| view.replaces);
    let goes = |reader: &&Reader| {
        let of_file = views.iter().any(|(schema, name, _)| *schema == reader.schema && *name == reader.name);
        let of_table = |table: &&DecidedTable<'_>| {
            table.settings.schema == reader.schema && beside(table).is_some_and(|v| v.name == reader.name)
        };
        of_file || replaced.iter().any(of_table)
    };
    let there = |schema: &str, name: &str| {
        ctx.target.relations.iter().find(|there| there.schema == schema && there.name == name)
    };
    let staying = |there: Option<&ExistingTable>, said: &HashSet<String>| {
        let readers = there.map(|there| there.read_by.clone()).unwrap_or_default();
        let new = |reader: &Reader| !goes(&reader) && !said.contains(&named(reader));
        readers.into_iter().filter(new).collect::<Vec<Reader>>()
    };
    let mut said = HashSet::new();
    for table in &replaced {
        let schema = &table.settings.schema;
        let names = beside(table).map(|view| view.name).into_iter().chain([table.target.clone()]);
        let mut found_at = names.map(|name| (staying(there(schema, &name), &said), name));
        let Some((readers, name)) = found_at.find(|(readers, _)| !readers.is_empty()) else { continue };
        let title = format!("{schema}.{name}");
        let finding = found(ctx, &table.source.name, &title, &readers).of(table.id);
        let fix = Fix::of_table(&table.source.name, "existing_rows", "truncate");
        findings.push(
            finding.fix(fix, &format!(" to keep the table and load it anew, or {}", by_hand(&readers))),
        );
        said.extend(readers.iter().map(named));
    }
    // One that others read comes before them, and they are nearer to what stands in the way.
    for (schema, name, source) in views.iter().rev() {
        let readers = staying(there(schema, name), &said);
        if readers.is_empty() {
            continue;
        }
        let without = ctx.overrides.views.clone().unwrap_or_default().without(source);
        let finding = found(ctx, &format!("view {source}"), &format!("{schema}.{name}"), &readers);
        let rest = format!(" to leave the view as it is, or {}", by_hand(&readers));
        findings.push(finding.fix(Fix::of_plan("views", without), &rest));
        said.extend(readers.iter().map(named));
    }
}

/// What `before` does is not known: it may drop them.
fn found(ctx: &Context<'_>, object: &str, dropped: &str, readers: &[Reader]) -> Finding {
    let names: Vec<String> = readers.iter().map(named).collect();
    let names = quoted(names.iter().map(String::as_str));
    let message =
        format!("\"{dropped}\" cannot be dropped: views that the plan does not make anew read it: {names}");
    match ctx.overrides.before.as_ref().is_some_and(|before| !before.is_empty()) {
        true => Kind::Referenced.warning(object, message),
        false => Kind::Referenced.blocking(object, message),
    }
}

/// The statements that drop them, in `before`.
fn by_hand(readers: &[Reader]) -> String {
    let of = |materialised: bool, word: &str| {
        let names: Vec<String> = readers
            .iter()
            .filter(|reader| reader.materialised == materialised)
            .map(|reader| qualified(&reader.schema, &reader.name))
            .collect();
        (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
    };
    let drops: Vec<String> =
        [of(true, "DROP MATERIALIZED VIEW"), of(false, "DROP VIEW")].into_iter().flatten().collect();
    format!("drop them in before ({}) and create them again in after", drops.join("; "))
}

fn named(reader: &Reader) -> String {
    format!("{}.{}", reader.schema, reader.name)
}
