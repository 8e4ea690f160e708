//! Text columns whose CHECK lists what they may hold: an enum type in place of the CHECK, where the plan says so.
//!
//! An enum is equal to another where the texts are, but neither converts to text in an immutable way nor compares with
//! texts: a column that a key of another table, an index's expression or a generated column reads stays text.

use std::collections::HashMap;

use super::collate;
use super::table::{DecidedColumn, DecidedTable};
use crate::catalog::{Catalog, Index, IndexKey, KeyFactKind};
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::objects::Objects;
use crate::plan::resolve::exclusions::check_name;
use crate::plan::resolve::names::{LIMIT, Scope, make_object_name};
use crate::sqltext::{literal, qualified};
use crate::translate::{Listed, listed, may_name};
use crate::types::TypeClass;
use crate::value::{Cell, CellBuf};

/// The type of a column whose values are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumeration {
    pub schema: String,
    pub name: String,
    pub labels: Vec<String>,
    /// The position of the CHECK that it replaces.
    pub check: usize,
    /// It exists already, with these labels.
    pub exists: bool,
}

impl Enumeration {
    /// Its name in a definition.
    pub fn printed(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    /// Title and statement of what creates it; `None` where it exists.
    pub fn create(&self) -> Option<(String, String)> {
        let labels: Vec<String> = self.labels.iter().map(|label| literal(label)).collect();
        let title = format!("create type {}.{}", self.schema, self.name);
        (!self.exists)
            .then(|| (title, format!("CREATE TYPE {} AS ENUM ({})", self.printed(), labels.join(", "))))
    }
}

/// The CHECKs of a table that list the values of a column, and that are carried over: the position of each, and what it
/// lists.
pub type Listings = Vec<(usize, Listed)>;

pub fn listings(table: &DecidedTable<'_>) -> Listings {
    let checks = table.source.checks.iter().enumerate();
    let taken = checks.filter(|(_, check)| table.settings.checks.take(&check_name(table.source, check)));
    taken.filter_map(|(i, check)| Some((i, listed(&check.expression)?))).collect()
}

/// The values of the enum that the column could become.
pub fn labels<'l>(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    column: &DecidedColumn<'_>,
    listings: &'l Listings,
) -> Option<&'l [String]> {
    let (check, listed) = of_column(listings, column)?;
    obstacle(ctx, table, column, *check, &listed.texts).is_none().then_some(&listed.texts)
}

fn of_column<'l>(listings: &'l Listings, column: &DecidedColumn<'_>) -> Option<&'l (usize, Listed)> {
    let text = column.pg_type.is_text() && TypeClass::of(&column.pg_type) == TypeClass::Text;
    let is_it = |listed: &Listed| listed.column.eq_ignore_ascii_case(&column.source.name);
    listings.iter().find(|(_, listed)| text && !column.computed() && is_it(listed))
}

/// Makes enums of the columns of a fresh table for which the plan wants them.
pub fn decide(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    relations: &mut HashMap<String, Scope>,
    findings: &mut Vec<Finding>,
) {
    let listings = listings(table);
    let mut obstacles = Vec::new();
    for i in 0..table.columns.len() {
        let Some(column) = table.columns.get(i).filter(|c| table.settings.enums.take(&c.source.name)) else {
            continue;
        };
        let Some((check, listed)) = of_column(&listings, column).cloned() else { continue };
        if let Some(why) = obstacle(ctx, table, column, check, &listed.texts) {
            obstacles.push((i, why));
            continue;
        }
        let object = column.object(&table.source.name);
        let schema = table.settings.schema.clone();
        let wanted = make_object_name(&table.target, &column.target, "enum");
        let scope = relations.entry(schema.clone()).or_default();
        let (name, exists) = named(ctx, &schema, &wanted, &listed.texts, scope);
        let values = counted(listed.texts.len() as u64, "value", "values");
        let again = if exists { ", which exists" } else { "" };
        let message = format!(
            "becomes the enum {}{again}, of the {values} that its CHECK lists, and is sorted in their order",
            qualified(&schema, &name)
        );
        table.renamed(findings, "type", &wanted, &name);
        table.report(findings, Kind::Enum.info(object, message));
        if let Some(column) = table.columns.get_mut(i) {
            column.enumeration = Some(Enumeration { schema, name, labels: listed.texts, check, exists });
        }
    }
    stay(table, &obstacles, findings);
}

/// Reports the columns that stay as they are. One fix leaves all of them out: a list in a patch replaces the plan's.
fn stay(table: &DecidedTable<'_>, obstacles: &[(usize, String)], findings: &mut Vec<Finding>) {
    let columns: Vec<_> =
        obstacles.iter().filter_map(|(i, why)| Some((table.columns.get(*i)?, why))).collect();
    let names = columns.iter().map(|(column, _)| globset::escape(&column.source.name));
    let globs: Vec<String> = table.settings.enums.excluded().iter().cloned().chain(names).collect();
    for (column, why) in columns {
        let message = format!("stays {} with its CHECK, and becomes no enum: {why}", column.pg_type);
        let fix = Fix::of_table(&table.source.name, "enums", Objects::Except(globs.clone()).json());
        let finding = Kind::Enum.warning(column.object(&table.source.name), message);
        table.report(findings, finding.fix(fix, " if it is to stay so"));
    }
}

/// The type's name, and whether there is such a type with these labels already.
fn named(
    ctx: &Context<'_>,
    schema: &str,
    wanted: &str,
    labels: &[String],
    scope: &mut Scope,
) -> (String, bool) {
    let existing = |name: &str| ctx.target.types.iter().find(|t| t.schema == schema && t.name == name);
    loop {
        let name = scope.claim(wanted);
        match existing(&name) {
            None => return (name, false),
            Some(found) if found.usable && found.labels == labels => return (name, true),
            Some(_) => {}
        }
    }
}

/// Why a column whose CHECK lists these texts stays text.
fn obstacle(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    column: &DecidedColumn<'_>,
    check: usize,
    labels: &[String],
) -> Option<String> {
    let (source, name) = (table.source, &column.source.name);
    let among = |columns: &[String]| columns.iter().any(|c| c.eq_ignore_ascii_case(name));
    let broken = |fact: &&crate::catalog::KeyFact| {
        fact.kind == KeyFactKind::CheckBroken { check } && fact.table.eq_ignore_ascii_case(&source.name)
    };
    let broken = ctx.source.key_facts.iter().find(broken).map_or(0, |fact| fact.count);
    let collation = column.source.collation.as_deref().unwrap_or("BINARY");
    let number = labels.iter().any(|label| {
        let stored = column.source.affinity().stored(Cell::Text(label.as_bytes()));
        !matches!(stored, Some(CellBuf::Text(_)))
    });
    let too_long = labels.iter().find(|label| label.len() > LIMIT);
    let default = column.default.as_ref().filter(|sql| !labels.iter().any(|label| literal(label) == **sql));
    match () {
        () if broken > 0 => Some(counted(broken, "row breaks it", "rows break it")),
        () if number => Some("SQLite keeps a value as a number".into()),
        () if too_long.is_some() => Some(format!("a value is longer than {LIMIT} bytes")),
        () if column.overrides.is_some_and(|given| given.using.is_some()) => {
            Some("its values are those of an expression".into())
        }
        () if collate::named(Some(collation), "BINARY") => match default {
            Some(sql) => Some(format!("its default {sql} is not among the values")),
            None if source.foreign_keys.iter().any(|key| among(&key.columns)) => {
                Some("a foreign key has it".into())
            }
            None if is_referenced(ctx.source.catalog, &source.name, name) => {
                Some("a foreign key points to it".into())
            }
            None => read_by(table, name),
        },
        () => Some(format!("it compares by COLLATE {collation}")),
    }
}

fn is_referenced(catalog: &Catalog, table: &str, column: &str) -> bool {
    let mut keys = catalog.tables.iter().flat_map(|t| &t.foreign_keys);
    keys.any(|key| {
        key.parent.eq_ignore_ascii_case(table)
            && key.parent_columns.iter().any(|parent| parent.eq_ignore_ascii_case(column))
    })
}

/// What reads the column in an expression that has to be immutable.
fn read_by(table: &DecidedTable<'_>, column: &str) -> Option<String> {
    let source = table.source;
    let generated =
        source.columns.iter().find(|c| c.generated.as_ref().is_some_and(|g| may_name(&g.expression, column)));
    let index = source.indexes.iter().find(|index| reads(index, column));
    match (generated, index) {
        (Some(generated), _) => Some(format!("generated column \"{}\" reads it", generated.name)),
        (None, Some(index)) => Some(format!("index \"{}\" reads its text", index.name)),
        (None, None) => None,
    }
}

/// The index does more than to sort the column by its bytes.
fn reads(index: &Index, column: &str) -> bool {
    let key = |k: &crate::catalog::IndexColumn| match &k.key {
        IndexKey::Column(name) => {
            name.eq_ignore_ascii_case(column) && !k.collation.eq_ignore_ascii_case("BINARY")
        }
        IndexKey::Expression(sql) => may_name(sql, column),
        IndexKey::Rowid => false,
    };
    index.columns.iter().any(key) || index.predicate.as_ref().is_some_and(|sql| may_name(sql, column))
}
