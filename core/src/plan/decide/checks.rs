//! CHECK constraints, validated when they are created.
//!
//! SQLite keeps rows that a CHECK does not allow if they are older than it, or were written while checks were off.
//! `keys` says what becomes of such a CHECK.

use super::loaded::{self, Seen};
use super::object::Object;
use super::table::{DecidedColumn, DecidedTable, Tried};
use super::trial::accepted;
use crate::catalog::Check;
use crate::catalog::KeyFactKind;
use crate::ddl;
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::words::Keys;
use crate::plan::resolve::exclusions::check_name;
use crate::plan::trial::{Part, found};
use crate::sqltext::ident;
use crate::value::PgType;

/// Plans the CHECK constraints of a table that is created.
pub fn checks(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let source = table.source;
    let scope = table.scope(true);
    for (position, check) in source.checks.iter().enumerate() {
        if !table.settings.checks.take(&check_name(source, check)) {
            continue;
        }
        if table.columns.iter().any(|c| c.enumeration.as_ref().is_some_and(|e| e.check == position)) {
            continue;
        }
        if check.name.is_none() && is_said_by_type(table, &check.expression) {
            continue;
        }
        let named = check.name.as_deref().map(|n| format!(" {n}")).unwrap_or_default();
        let object = format!("check{named} of {}", source.name);
        let translated = (ctx.rules.condition)(&check.expression, &scope);
        let tried = translated.map_err(|why| why.reason).and_then(|condition| {
            accepted(ctx, table, Part::Check(position), Tried::Expression(condition.clone()))?;
            Ok(condition)
        });
        match tried {
            Ok(condition) => {
                let broken = broken(ctx, table, position, check);
                table.making(Part::Check(position), |table| {
                    add(table, check, condition, broken, object, findings);
                });
            }
            Err(why) => {
                let message = format!("is left out: {why}: {}", check.expression);
                let finding = Kind::LeftOut.warning(object, message);
                table.left_out(findings, finding.hint("Add the constraint in after."));
            }
        }
    }
}

/// `json_valid(column)` and no more: a column of type `json` or `jsonb` holds nothing else.
fn is_said_by_type(table: &DecidedTable<'_>, expression: &str) -> bool {
    let mut words = ddl::words(expression).unwrap_or_default();
    while let [first, inner @ .., last] = words.as_slice()
        && (first.as_str(), last.as_str()) == ("(", ")")
    {
        words = inner.to_vec();
    }
    let [function, open, column, close] = words.as_slice() else { return false };
    let is_json = |c: &DecidedColumn<'_>| {
        c.source.name.eq_ignore_ascii_case(column) && matches!(c.pg_type, PgType::Json | PgType::Jsonb)
    };
    function.eq_ignore_ascii_case("json_valid")
        && (open.as_str(), close.as_str()) == ("(", ")")
        && table.columns.iter().any(is_json)
}

/// Rows that a CHECK does not allow.
enum Broken {
    Known(u64),
    /// Only what is stored could be judged, not what becomes of it in this column.
    AsStored(u64, String),
}

fn broken(ctx: &Context<'_>, table: &mut DecidedTable<'_>, position: usize, check: &Check) -> Broken {
    let part = Part::Check(position);
    let kind = KeyFactKind::CheckBroken { check: position };
    let of_table = |name: &str| name.eq_ignore_ascii_case(&table.source.name);
    let fact = ctx.source.key_facts.iter().find(|f| f.kind == kind && of_table(&f.table));
    let stored = fact.map_or(0, |f| f.count);
    match loaded::condition(ctx, table, &check.expression) {
        Seen::Stored => Broken::Known(stored),
        Seen::Unlike(column) => Broken::AsStored(stored, column),
        Seen::Loaded(condition) => {
            table.checks.push((part, condition));
            Broken::Known(found(&ctx.target.broken_checks, table.id, part).map_or(0, |found| found.rows))
        }
    }
}

fn add(
    table: &mut DecidedTable<'_>,
    check: &Check,
    condition: String,
    broken: Broken,
    object: String,
    findings: &mut Vec<Finding>,
) {
    let name = match check.name.as_deref().filter(|n| !n.is_empty()) {
        Some(own) => table.constraints.claim(own),
        // PostgreSQL names a CHECK over one column after that column. Translated columns are always quoted.
        None => {
            let named = table.columns.iter().filter(|c| condition.contains(&ident(&c.target)));
            let named: Vec<String> = named.map(|c| c.target.clone()).take(2).collect();
            let only = if named.len() == 1 { named } else { vec![] };
            table.constraints.object(&table.resolved.target, &only, "check")
        }
    };
    let mut not_valid = false;
    let (rows, column) = match broken {
        Broken::Known(rows) => (rows, None),
        Broken::AsStored(rows, column) => (rows, Some(column)),
    };
    let message = match &column {
        None => format!("{}: {}", counted(rows, "row breaks it", "rows break it"), check.expression),
        Some(column) if rows > 0 => format!(
            "{} as stored, which may be otherwise once column \"{column}\" is converted: {}",
            counted(rows, "row breaks it", "rows break it"),
            check.expression
        ),
        Some(column) => format!(
            "rows may break it once column \"{column}\" is converted, which only the load can tell: {}",
            check.expression
        ),
    };
    let without = || Fix::of_table(&table.source.name, "checks", false);
    if column.is_some() && (rows == 0 || table.settings.keys == Keys::Strict) {
        let finding = if rows == 0 {
            Kind::BrokenCheck.info(object, message)
        } else {
            Kind::BrokenCheck.warning(object, message)
        };
        findings
            .push(finding.fix(without(), " to leave the checks out, if the import stops because of them"));
    } else if rows > 0 {
        if table.settings.keys == Keys::Strict {
            let fix = Fix::of_table(&table.source.name, "keys", "as_data_allows");
            let rest = " to leave the constraint NOT VALID, or checks to false, or correct the rows";
            findings.push(Kind::BrokenCheck.blocking(object, message).fix(fix, rest).of(table.id));
        } else {
            let hint = "Correct the rows and run ALTER TABLE … VALIDATE CONSTRAINT.";
            let finding = Kind::BrokenCheck.warning(object, format!("stays NOT VALID: {message}"));
            table.left_out(findings, finding.hint(hint));
            not_valid = true;
        }
    }
    table.objects.push(Object::Check { name, condition, not_valid });
}
