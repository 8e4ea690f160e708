//! `COLLATE NOCASE` and the other collations: what keeps uniqueness and comparisons.
//!
//! SQLite's NOCASE folds the 26 ASCII letters. citext and a nondeterministic ICU collation keep `=`, `IN`, `GROUP BY`,
//! joins and keys case-insensitive, but fold other letters as well, so that a unique key could refuse two values which
//! SQLite holds: then the import stops, and says so; nothing is lost. `lower(x COLLATE "C")` folds exactly ASCII, but
//! only where it is written. The default is citext where it can be had: an application goes on comparing as before, and
//! LIKE works, which fails under a nondeterministic collation before PostgreSQL 18.

use super::links::{self, Link, Node};
use super::object::IndexKey;
use super::table::{DecidedColumn, DecidedTable};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::words::{Nocase, Word};
use crate::plan::target::Citext;
use crate::sqltext::{ident, literal, qualified};
use crate::translate::Collation;
use crate::value::PgType;

/// The collation's name in each schema that needs it.
const NAME: &str = "sqlite_nocase";

/// `CREATE COLLATION` for one schema.
pub fn create_collation(schema: &str) -> String {
    let locale = literal("und-u-ks-level2");
    format!(
        "CREATE COLLATION IF NOT EXISTS {} (provider = icu, locale = {locale}, deterministic = false)",
        qualified(schema, NAME)
    )
}

/// `CREATE EXTENSION citext`, where it is missing.
pub fn create_citext(ctx: &Context<'_>) -> Option<String> {
    let schema = citext_schema(ctx)?;
    Some(format!("CREATE EXTENSION IF NOT EXISTS citext SCHEMA {}", ident(schema)))
}

/// ` COLLATE "schema"."sqlite_nocase"`
pub fn clause(schema: &str) -> String {
    format!(" COLLATE {}", qualified(schema, NAME))
}

/// Where the extension will be created; `None` where it exists.
fn citext_schema<'c>(ctx: &'c Context<'_>) -> Option<&'c str> {
    match ctx.target.citext.as_ref()? {
        Citext::Creatable(schema) => Some(schema.as_ref().unwrap_or(&ctx.plan.schema)),
        Citext::Installed(_) => None,
    }
}

/// The type's qualified name, as it is or will be.
fn citext(ctx: &Context<'_>) -> Option<String> {
    match ctx.target.citext.as_ref()? {
        Citext::Installed(name) => Some(name.clone()),
        Citext::Creatable(_) => Some(qualified(citext_schema(ctx)?, "citext")),
    }
}

/// What makes a column's comparisons ignore case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folding {
    /// The collation of [`NAME`].
    Collation,
    /// The type citext, by its qualified name.
    Citext(String),
}

/// How SQLite compares the texts of a column that is text in PostgreSQL.
pub fn of(column: &DecidedColumn<'_>) -> Collation {
    let declared = column.source.collation.as_deref().filter(|_| column.pg_type.is_text());
    declared.map_or(Collation::Binary, Collation::named)
}

/// The column compares without regard to case in SQLite, and is text in PostgreSQL.
pub fn is_nocase(column: &DecidedColumn<'_>) -> bool {
    named(column.source.collation.as_deref(), "NOCASE") && column.pg_type.is_text()
}

/// The collation has this name.
pub fn named(collation: Option<&str>, name: &str) -> bool {
    collation.is_some_and(|c| c.eq_ignore_ascii_case(name))
}

/// Decides the collation of each text column of a fresh table, and says what differs.
pub fn decide(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let mode = table.settings.nocase;
    for column in table.columns.iter_mut().filter(|c| c.pg_type.is_text()) {
        let folding = folding(ctx, mode).filter(|_| is_nocase(column));
        let explicit = fold(column, folding);
        let Some(collation) = &column.source.collation else { continue };
        let object = column.object(&table.resolved.source.name);
        findings.extend(match collation.to_ascii_uppercase().as_str() {
            "BINARY" => None,
            "NOCASE" if explicit => Some(explicit_type(column, object)),
            "NOCASE" => Some(nocase_finding(ctx, &table.resolved.source.name, object, mode)),
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

fn folding(ctx: &Context<'_>, mode: Nocase) -> Option<Folding> {
    match mode {
        Nocase::Citext => citext(ctx).map(Folding::Citext),
        Nocase::Collation => Some(Folding::Collation),
        Nocase::Lower | Nocase::None => None,
    }
}

/// Whether an explicit type keeps the column from becoming citext, which has no length.
fn fold(column: &mut DecidedColumn<'_>, folding: Option<Folding>) -> bool {
    let is_citext = matches!(folding, Some(Folding::Citext(_)));
    let explicit = is_citext && column.pinned && column.pg_type != PgType::Text;
    if is_citext && !explicit {
        column.pg_type = PgType::Text;
    }
    column.folding = folding.filter(|_| !explicit);
    explicit
}

fn explicit_type(column: &DecidedColumn<'_>, object: String) -> Finding {
    let message = format!(
        "COLLATE NOCASE becomes indexes on lower(), because {} is explicit: uniqueness is kept, comparisons are \
         case-sensitive",
        column.pg_type
    );
    let hint = "Compare lower(column COLLATE \"C\"), or leave the type out to have citext.";
    Kind::Collation.warning(object, message).hint(hint)
}

fn nocase_finding(ctx: &Context<'_>, table: &str, object: String, mode: Nocase) -> Finding {
    let icu = ctx.target.icu;
    let fix = |mode: Nocase| Fix::of_table(table, "nocase", mode.word());
    let folding = match (&ctx.target.citext, icu) {
        (Some(_), _) => Some(Nocase::Citext),
        (None, true) => Some(Nocase::Collation),
        (None, false) => None,
    };
    match mode {
        Nocase::Citext => match citext(ctx) {
            None => {
                let message = "COLLATE NOCASE needs the extension citext, which is not installed and which the caller cannot create";
                Kind::Collation.blocking(object, message).fix(fix(Nocase::Lower), "")
            }
            Some(name) => {
                let message = format!(
                    "COLLATE NOCASE becomes {name}, which ignores the case of all letters, not only of ASCII's, so \
                     that a unique key may be stricter"
                );
                let before = "The type's schema has to be in the application's search_path: its comparisons are found there.";
                let finding = Kind::Collation.info(object, message);
                finding.fix_amid(before, fix(Nocase::Lower), " for indexes on lower()", "")
            }
        },
        Nocase::Collation if !icu => {
            let message = "COLLATE NOCASE needs an ICU collation, which this server cannot make";
            Kind::Collation.blocking(object, message).fix(fix(Nocase::Lower), "")
        }
        Nocase::Collation => {
            let message = "COLLATE NOCASE becomes an ICU collation that ignores case; it folds all letters, not only ASCII, so that a unique key may be stricter";
            let after = match ctx.target.nondeterministic_like {
                true => "",
                false => "LIKE does not work on such a column before PostgreSQL 18.",
            };
            let finding = Kind::Collation.info(object, message);
            finding.fix_amid("", fix(Nocase::Lower), " for indexes on lower()", after)
        }
        Nocase::Lower => {
            let message = "COLLATE NOCASE becomes indexes on lower(): uniqueness is kept, comparisons are case-sensitive";
            let before = "Compare lower(column COLLATE \"C\").";
            let finding = Kind::Collation.warning(object, message);
            match folding {
                Some(folding) => finding.fix_amid(before, fix(folding), " to ignore case everywhere", ""),
                None => finding.hint(before),
            }
        }
        Nocase::None => {
            let message = "COLLATE NOCASE is not carried over: comparisons and keys are case-sensitive";
            let fix = folding.map_or_else(|| fix(Nocase::Lower), |folding| fix(folding).or(&["lower"]));
            Kind::Collation.warning(object, message).fix(fix, "")
        }
    }
}

/// Both sides of a foreign key compare alike, as PostgreSQL 18 demands of nondeterministic collations.
/// SQLite compares by the parent's collation, so the child follows.
pub fn follow(tables: &mut [DecidedTable<'_>], findings: &mut Vec<Finding>) {
    let links = links::links(tables);
    let folding = |tables: &[DecidedTable<'_>], n: Node| {
        tables.get(n.0).and_then(|d| d.columns.get(n.1)).and_then(|c| c.folding.clone())
    };
    // Each pass settles at least one more link of the longest chain; cycles settle as well.
    for _ in 0..tables.len().min(64) {
        let follows = |(child, parent): &&Link| folding(tables, *child) != folding(tables, *parent);
        let changing: Vec<Link> = links.iter().filter(follows).copied().collect();
        if changing.is_empty() {
            return;
        }
        for (child, parent) in changing {
            let parents = folding(tables, parent);
            let Some(table) = tables.get_mut(child.0) else { continue };
            let column = table.columns.get_mut(child.1).filter(|c| c.pg_type.is_text());
            let Some(column) = column else { continue };
            let follows = parents.is_some();
            if fold(column, parents) {
                continue;
            }
            let object = column.object(&table.resolved.source.name);
            findings.push(if follows {
                Kind::Collation.info(object, "ignores case as the NOCASE column that it points to")
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
    let bytes = || match &column.folding {
        Some(Folding::Citext(_)) => format!("({name}::text) COLLATE \"pg_catalog\".\"C\""),
        Some(Folding::Collation) | None => format!("{name} COLLATE \"pg_catalog\".\"C\""),
    };
    let (nocase, rtrim) = (named(Some(collation), "NOCASE"), named(Some(collation), "RTRIM"));
    let folds = column.folding.is_some();
    let (sql, equality) = match table.settings.nocase {
        Nocase::Citext | Nocase::Collation if nocase && folds => (name, KeyEquality::Same),
        Nocase::Collation if nocase => {
            return (IndexKey { nocase: true, ..IndexKey::plain(name) }, KeyEquality::Coarser);
        }
        // Of a column that does not ignore case itself; it folds exactly as SQLite does.
        Nocase::Citext | Nocase::Lower if nocase => (format!("lower({})", bytes()), KeyEquality::Coarser),
        _ if rtrim && folds => (format!("rtrim({}, ' ')", bytes()), KeyEquality::Finer),
        _ if rtrim => (format!("rtrim({name}, ' ')"), KeyEquality::Coarser),
        _ if folds => (bytes(), KeyEquality::Finer),
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
        ("RTRIM", _) | ("NOCASE", Nocase::Citext | Nocase::Lower) => None,
        ("NOCASE", Nocase::Collation) => (!ctx.target.icu).then(|| {
            let message = format!("{of} needs an ICU collation, which this server cannot make");
            let fix = Fix::of_table(&table.source.name, "nocase", "lower");
            Kind::Collation.blocking(object, message).fix(fix, "").of(table.id)
        }),
        ("NOCASE", Nocase::None) => {
            let message = format!("{of} is not carried over: values that differ in case only are different");
            let fix = Fix::of_table(&table.source.name, "nocase", "lower");
            Some(Kind::Collation.warning(object, message).fix(fix, ""))
        }
        _ => {
            let message = format!("{of} is defined by the application and is not carried over");
            let finding = Kind::Collation.warning(object, message);
            Some(finding.hint("The column's own collation takes its place."))
        }
    }
}
