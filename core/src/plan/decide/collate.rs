//! `COLLATE NOCASE` and the other collations: what keeps uniqueness and comparisons.
//!
//! SQLite's NOCASE folds the 26 ASCII letters. A nondeterministic ICU collation keeps `=`, `IN`,
//! `GROUP BY`, joins and keys case-insensitive, but folds other letters as well, so that a unique
//! key could refuse two values which SQLite holds: then the import stops, and says so; nothing is
//! lost. `lower(x COLLATE "C")` folds exactly ASCII, but only where it is written. The default is the
//! collation, because an application that goes on comparing as before is what NOCASE was chosen for.

use super::links::{self, Link, Node};
use super::object::IndexKey;
use super::table::{DecidedColumn, DecidedTable};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::words::{Nocase, Word};
use crate::sqltext::{ident, literal, qualified};
use crate::value::PgType;

/// The collation's name in each schema that needs it.
const NAME: &str = "sqlite_nocase";

/// `CREATE COLLATION` for one schema.
pub fn create_sql(schema: &str) -> String {
    let locale = literal("und-u-ks-level2");
    format!(
        "CREATE COLLATION IF NOT EXISTS {} (provider = icu, locale = {locale}, deterministic = false)",
        qualified(schema, NAME)
    )
}

/// ` COLLATE "schema"."sqlite_nocase"`
pub fn clause(schema: &str) -> String {
    format!(" COLLATE {}", qualified(schema, NAME))
}

/// The column compares without regard to case in SQLite, and is text in PostgreSQL.
pub fn is_nocase(column: &DecidedColumn<'_>) -> bool {
    named(column.source.collation.as_deref(), "NOCASE") && column.pg_type.is_text()
}

fn named(collation: Option<&str>, name: &str) -> bool {
    collation.is_some_and(|c| c.eq_ignore_ascii_case(name))
}

/// Decides the collation of each text column of a fresh table, and says what differs.
pub fn decide(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let mode = table.settings.nocase;
    for column in table.columns.iter_mut().filter(|c| c.pg_type.is_text()) {
        column.nocase = mode == Nocase::Collation && is_nocase(column);
        let Some(collation) = &column.source.collation else { continue };
        let object = column.object(&table.resolved.source.name);
        findings.extend(match collation.to_ascii_uppercase().as_str() {
            "BINARY" => None,
            "NOCASE" => Some(nocase_finding(&table.resolved.source.name, object, mode, ctx.target.icu)),
            "RTRIM" => {
                let message = "trailing spaces count in comparisons, which COLLATE RTRIM ignored";
                let finding = Kind::Collation.warning(object, message);
                Some(finding.hint("Compare rtrim(column) where that matters."))
            }
            _ => {
                let message = format!("collation \"{collation}\" of the application is not carried over");
                let finding = Kind::Collation.warning(object, message);
                Some(finding.hint("The column gets the database's default collation."))
            }
        });
    }
}

fn nocase_finding(table: &str, object: String, mode: Nocase, icu: bool) -> Finding {
    let fix = |mode: Nocase| Fix::of_table(table, "nocase", mode.word());
    match mode {
        Nocase::Collation if !icu => {
            let message = "COLLATE NOCASE needs an ICU collation, which this server cannot make";
            Kind::Collation.blocking(object, message).fix(fix(Nocase::Lower), "")
        }
        Nocase::Collation => {
            let message = "COLLATE NOCASE becomes an ICU collation that ignores case; it folds all letters, not only ASCII, so that a unique key may be stricter";
            let after = "LIKE does not work on such a column before PostgreSQL 18.";
            let finding = Kind::Collation.info(object, message);
            finding.fix_amid("", fix(Nocase::Lower), " for indexes on lower()", after)
        }
        Nocase::Lower => {
            let message = "COLLATE NOCASE becomes indexes on lower(): uniqueness is kept, comparisons are case-sensitive";
            let before = "Compare lower(column COLLATE \"C\").";
            let finding = Kind::Collation.warning(object, message);
            match icu {
                true => finding.fix_amid(before, fix(Nocase::Collation), " to ignore case everywhere", ""),
                false => finding.hint(before),
            }
        }
        Nocase::None => {
            let message = "COLLATE NOCASE is not carried over: comparisons and keys are case-sensitive";
            let fix = if icu { fix(Nocase::Collation).or(&["lower"]) } else { fix(Nocase::Lower) };
            Kind::Collation.warning(object, message).fix(fix, "")
        }
    }
}

/// Both sides of a foreign key compare alike, as PostgreSQL 18 demands of nondeterministic collations.
/// SQLite compares by the parent's collation, so the child follows.
pub fn follow(tables: &mut [DecidedTable<'_>], findings: &mut Vec<Finding>) {
    let links = links::links(tables);
    let nocase = |tables: &[DecidedTable<'_>], n: Node| {
        tables.get(n.0).and_then(|d| d.columns.get(n.1)).is_some_and(|c| c.nocase)
    };
    // Each pass settles at least one more link of the longest chain; cycles settle as well.
    for _ in 0..tables.len().min(64) {
        let follows = |(child, parent): &&Link| nocase(tables, *child) != nocase(tables, *parent);
        let changing: Vec<Link> = links.iter().filter(follows).copied().collect();
        if changing.is_empty() {
            return;
        }
        for (child, parent) in changing {
            let follows = nocase(tables, parent);
            let Some(table) = tables.get_mut(child.0) else { continue };
            let column = table.columns.get_mut(child.1).filter(|c| c.pg_type.is_text());
            let Some(column) = column else { continue };
            column.nocase = follows;
            let object = column.object(&table.resolved.source.name);
            findings.push(if follows {
                Kind::Collation.info(object, "gets the collation of the NOCASE column that it points to")
            } else {
                let message = "loses COLLATE NOCASE: the column that it points to is case-sensitive";
                Kind::Collation.warning(object, message)
            });
        }
    }
}

/// How a key compares the values of a column, against what the column itself does in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEquality {
    Same,
    /// Values that differ in the column are one in the key.
    Coarser,
    /// Values that are one in the column differ in the key.
    Finer,
}

/// One column of a key or an index, under the collation by which the source compares it there.
pub fn key_column(
    table: &DecidedTable<'_>,
    column: &DecidedColumn<'_>,
    collation: &str,
) -> (IndexKey, KeyEquality) {
    let name = ident(&column.target);
    if !column.pg_type.is_text() {
        return (IndexKey::plain(name), KeyEquality::Same);
    }
    let bytes = || format!("{name} COLLATE \"pg_catalog\".\"C\"");
    let (nocase, rtrim) = (named(Some(collation), "NOCASE"), named(Some(collation), "RTRIM"));
    let (sql, equality) = match table.settings.nocase {
        Nocase::Collation if nocase && column.nocase => (name, KeyEquality::Same),
        Nocase::Collation if nocase => {
            return (IndexKey { nocase: true, ..IndexKey::plain(name) }, KeyEquality::Coarser);
        }
        Nocase::Lower if nocase => (format!("lower({})", bytes()), KeyEquality::Coarser),
        _ if rtrim && column.nocase => (format!("rtrim({}, ' ')", bytes()), KeyEquality::Finer),
        _ if rtrim => (format!("rtrim({name}, ' ')"), KeyEquality::Coarser),
        _ if column.nocase => (bytes(), KeyEquality::Finer),
        _ => (name, KeyEquality::Same),
    };
    (IndexKey::plain(sql), equality)
}

/// What a key or an index over a column loses, unless the column loses the same and has a finding.
pub fn lost(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    object: &str,
    column: &DecidedColumn<'_>,
    collation: &str,
) -> Option<Finding> {
    let declared = column.source.collation.as_deref().unwrap_or("BINARY");
    let text = column.pg_type.is_text();
    let bytes = column.pg_type == PgType::Bytea;
    if named(Some(collation), "BINARY") || !(text || bytes) || (text && named(Some(collation), declared)) {
        return None;
    }
    let of = format!("COLLATE {collation} of column \"{}\"", column.source.name);
    if bytes {
        let message = format!("{of} is not carried over: bytea compares byte by byte");
        return Some(Kind::Collation.warning(object, message));
    }
    match (collation.to_ascii_uppercase().as_str(), table.settings.nocase) {
        ("RTRIM", _) | ("NOCASE", Nocase::Lower) => None,
        ("NOCASE", Nocase::Collation) => (!ctx.target.icu).then(|| {
            let message = format!("{of} needs an ICU collation, which this server cannot make");
            let fix = Fix::of_table(&table.source.name, "nocase", "lower");
            Kind::Collation.blocking(object, message).fix(fix, "").of(table.id)
        }),
        ("NOCASE", Nocase::None) => {
            let message = format!("{of} is not carried over: values that differ in case only are different");
            let fix = Fix::of_table(&table.source.name, "nocase", "collation").or(&["lower"]);
            Some(Kind::Collation.warning(object, message).fix(fix, ""))
        }
        _ => {
            let message = format!("{of} is defined by the application and is not carried over");
            let finding = Kind::Collation.warning(object, message);
            Some(finding.hint("The column's own collation takes its place."))
        }
    }
}
