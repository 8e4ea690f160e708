//! What becomes of a column that SQLite computes: PostgreSQL computes it as well, when a row is written (stored), when it is
//! read (virtual) or in a view beside the table, or it is an ordinary column with SQLite's values.

use std::collections::HashMap;

use super::collate;
use super::details::explicit;
use super::table::{DecidedColumn, DecidedTable, Tried};
use super::trial::accepted;
use crate::catalog::{self, Index, IndexKey};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::generated::GeneratedOverride;
use crate::plan::given::words::{Generation, Nocase, Word};
use crate::plan::resolve::exclusions::check_name;
use crate::plan::resolve::names::{Scope, make_object_name};
use crate::plan::resolve::table::Disposition;
use crate::plan::trial::Part;
use crate::search::declared::{Column, Content, Declared};
use crate::sqltext::qualified;
use crate::translate::{may_name, program};
use crate::types::{Fit, TypeClass};
use crate::value::{Excess, PgType};

/// What follows the table's name in the name of the view over it.
const SUFFIX: &str = "with_generated";

/// How PostgreSQL computes a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub expression: String,
    /// Stored, virtual or by a view.
    pub generation: Generation,
}

impl Generated {
    /// Of a column's definition.
    pub fn clause(&self) -> String {
        let word = if self.generation == Generation::Virtual { "VIRTUAL" } else { "STORED" };
        format!("GENERATED ALWAYS AS ({}) {word}", self.expression)
    }
}

/// The view over a table that has its columns and those that it computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub name: String,
    /// It is there, over the table that is replaced.
    pub replaces: bool,
}

/// A view's column has a type as a generated one would; texts are not cut to a length, which they have already.
pub fn value(expression: &str, pg_type: &PgType) -> String {
    let cast = match pg_type.base() {
        PgType::Varchar(_) => "varchar".to_owned(),
        PgType::Bpchar(_) => "bpchar".to_owned(),
        _ => pg_type.to_string(),
    };
    format!("({expression})::{cast}")
}

/// Decides how the column of a table that is created is computed; `None` for an ordinary one.
pub fn decide(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    i: usize,
    findings: &mut Vec<Finding>,
) -> Option<Generated> {
    let column = table.columns.get(i)?;
    let own = column.overrides.and_then(|g| g.generated.as_ref());
    let said = own.and_then(|own| own.generation);
    // A column's own word comes before that of the table.
    let generation = match (said, table.settings.generated) {
        (Some(said), _) => said,
        (None, Generation::None) if own.is_some() => Generation::Declared,
        (None, of_table) => of_table,
    };
    // Values that the plan computes are loaded.
    let using = column.overrides.is_some_and(|g| g.using.is_some());
    if generation == Generation::None || own.is_none() && using {
        return None;
    }
    let expression = match own.and_then(|own| own.expression.clone()) {
        Some(sql) => {
            let viewed = wanted(ctx, column, generation) == Generation::View
                && obstacle(ctx, table, column, Generation::View).is_none();
            let (part, tried) = match viewed {
                true => (Part::Unstored(column.position), Tried::Selected(sql.clone())),
                false => (Part::Generated(column.position), Tried::Expression(sql.clone())),
            };
            explicit(ctx, table, (i, "generated"), part, tried, findings);
            sql
        }
        None => translated(ctx, table, i, findings)?,
    };
    let generation = placed(ctx, table, i, (generation, own), &expression, findings);
    Some(Generated { expression, generation })
}

/// As the plan says, or as the file declares it and the server has it.
fn wanted(ctx: &Context<'_>, column: &DecidedColumn<'_>, generation: Generation) -> Generation {
    let is_virtual = column.source.generated.as_ref().is_some_and(|generated| !generated.stored);
    match generation {
        Generation::Declared if is_virtual && ctx.target.virtual_columns => Generation::Virtual,
        Generation::Virtual | Generation::View => generation,
        Generation::Declared | Generation::Stored | Generation::None => Generation::Stored,
    }
}

/// The declared expression in PostgreSQL's words. What cannot be computed there is loaded, as a finding says.
fn translated(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    i: usize,
    findings: &mut Vec<Finding>,
) -> Option<String> {
    let column = table.columns.get(i)?;
    let declared = column.source.generated.as_ref()?;
    let part = Part::Generated(column.position);
    let object = column.object(&table.source.name);
    let source = column.source.name.clone();
    let path = column.path(&table.source.name, "generated");
    // PostgreSQL computes generated columns from ordinary ones only.
    let translated =
        (ctx.rules.generated)(&declared.expression, &table.scope(false), &column.pg_type, column.format);
    let numeric = TypeClass::of(&column.pg_type) == TypeClass::Numeric;
    let stored = table.stored(column).filter(|stored| stored.values() > 0);
    let fits =
        stored.map(|stored| (ctx.rules.fit)(stored, column.pg_type.base(), column.format, Excess::Error));
    // What is computed is not converted: PostgreSQL would refuse or round it, whatever on_invalid and excess say.
    let unfit = (fits == Some(Fit::No)).then(|| format!("not every value fits {}", column.pg_type));
    let tried = translated.map_err(|why| why.to_string()).and_then(|sql| {
        if let Some(unfit) = unfit {
            return Err(unfit);
        }
        accepted(ctx, table, part, Tried::Expression(sql.clone()))?;
        Ok(sql)
    });
    match tried {
        Ok(sql) => {
            if numeric {
                let message =
                    "PostgreSQL computes the generated column with decimal numbers, SQLite with binary ones";
                let fix = Fix::of_column(&table.source.name, &source, "generated", false);
                let finding = Kind::GeneratedOtherwise.info(object, message);
                let finding =
                    finding.fix_amid("The last digits may differ.", fix, " to keep SQLite's values", "");
                table.report(findings, finding);
            }
            Some(sql)
        }
        Err(why) => {
            let sql = &declared.expression;
            let message =
                format!("generated column becomes a plain one with the stored values: {why}: {sql}");
            let finding = Kind::LeftOut.warning(object, message);
            table.left_out(findings, finding.hint(format!("Set {path} to a PostgreSQL expression.")));
            None
        }
    }
}

/// Where its values are: as is wanted, or stored where that cannot be.
fn placed(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    i: usize,
    (generation, own): (Generation, Option<&GeneratedOverride>),
    expression: &str,
    findings: &mut Vec<Finding>,
) -> Generation {
    let Some(column) = table.columns.get(i) else { return Generation::Stored };
    let wanted = wanted(ctx, column, generation);
    let other = match wanted {
        Generation::Virtual => "not virtual",
        Generation::View => "not left to a view",
        Generation::Declared | Generation::Stored | Generation::None => return Generation::Stored,
    };
    let (object, position) = (column.object(&table.source.name), column.position);
    let fix = match own.is_some_and(|own| own.generation.is_some()) {
        true => Fix::of_column(
            &table.source.name,
            &column.source.name,
            "generated",
            stored(own.and_then(|own| own.expression.as_deref())),
        ),
        false => Fix::of_table(&table.source.name, "generated", Generation::Stored.word()),
    };
    if wanted == Generation::Virtual && !ctx.target.virtual_columns {
        let message = "PostgreSQL has virtual columns since version 18, and this server is older";
        let finding = Kind::GeneratedOtherwise.blocking(object, message).of(table.id);
        table.report(findings, finding.fix(fix, ""));
        return wanted;
    }
    let taken =
        match obstacle(ctx, table, column, wanted).or_else(|| type_of_its_own(table, wanted, expression)) {
            Some(why) => Err(why),
            // A column's own expression was tried for a view already.
            None if wanted == Generation::View && own.is_some_and(|own| own.expression.is_some()) => Ok(()),
            None => {
                let tried = match wanted {
                    Generation::View => Tried::Selected(expression.to_owned()),
                    _ => Tried::Virtual(expression.to_owned()),
                };
                accepted(ctx, table, Part::Unstored(position), tried)
            }
        };
    let Err(why) = taken else { return wanted };
    // What was not asked for in words needs no remedy.
    let finding = Kind::GeneratedOtherwise.info(object, format!("the column is stored, {other}: {why}"));
    let finding = if generation == Generation::Declared { finding } else { finding.fix(fix, " to say so") };
    table.report(findings, finding);
    Generation::Stored
}

/// A column's value in the plan for a stored one.
fn stored(expression: Option<&str>) -> serde_json::Value {
    let word = Generation::Stored.word();
    match expression {
        None => word.into(),
        Some(sql) => serde_json::json!({ word: sql }),
    }
}

/// Why a column cannot be computed when it is read: something in the file needs it in the table.
fn obstacle(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    column: &DecidedColumn<'_>,
    wanted: Generation,
) -> Option<String> {
    let (source, name) = (table.source, &column.source.name);
    let among = |columns: &[String]| columns.iter().any(|c| c.eq_ignore_ascii_case(name));
    let index = source.indexes.iter().find(|index| reads(index, name));
    let key = source.foreign_keys.iter().any(|key| among(&key.columns));
    let mut checks = source.checks.iter();
    let check = checks.find(|check| wanted == Generation::View && may_name(&check.expression, name));
    let folds = collate::is_nocase(column);
    match (index, check) {
        (Some(index), _) => Some(format!("index \"{}\" reads it", index.name)),
        _ if key => Some("a foreign key has it".into()),
        (None, Some(check)) => {
            let named = check_name(source, check);
            Some(format!("CHECK {named} reads it"))
        }
        _ if folds && (wanted == Generation::View || table.settings.nocase == Nocase::Citext) => {
            Some("it compares by COLLATE NOCASE".into())
        }
        _ => read_by(ctx, &source.name, name, wanted),
    }
}

/// A column of a type that the server does not have by itself, which virtual columns cannot read.
fn type_of_its_own(table: &DecidedTable<'_>, wanted: Generation, expression: &str) -> Option<String> {
    let is_own = |c: &DecidedColumn<'_>| {
        is_users(&c.pg_type) || (collate::is_nocase(c) && table.settings.nocase == Nocase::Citext)
    };
    let is_read = |c: &&DecidedColumn<'_>| is_own(c) && may_name(expression, &c.target);
    let column = table.columns.iter().find(is_read).filter(|_| wanted == Generation::Virtual)?;
    Some(format!(
        "column \"{}\", which it reads, has a type that PostgreSQL does not have by itself",
        column.target
    ))
}

fn is_users(pg_type: &PgType) -> bool {
    match pg_type {
        PgType::Array(element) => is_users(element),
        PgType::UserDefined(_) | PgType::Vector(_) | PgType::Domain { .. } | PgType::Row { .. } => true,
        other => other.is_citext(),
    }
}

/// A trigger, which sees no value of a column that is not stored; or a view, which has no place to read it from where only
/// another view has it.
fn read_by(ctx: &Context<'_>, table: &str, column: &str, wanted: Generation) -> Option<String> {
    let catalog = ctx.source.catalog;
    let taken = ctx.overrides.triggers.clone().unwrap_or_default();
    let trigger = catalog.triggers.iter().find(|trigger| {
        trigger.table.eq_ignore_ascii_case(table)
            && taken.take(&trigger.name)
            && may_name(&trigger.sql, column)
    });
    if let Some(trigger) = trigger {
        return Some(format!("trigger \"{}\" reads it", trigger.name));
    }
    if wanted != Generation::View {
        return None;
    }
    let taken = ctx.overrides.views.clone().unwrap_or_default();
    let reads = |view: &&catalog::View| {
        let of_table = || program::read_by(&view.sql).iter().any(|read| read.eq_ignore_ascii_case(table));
        let named = || may_name(&view.sql, column) || view.sql.contains('*');
        taken.take(&view.name) && taken.own(&view.name).is_none() && named() && of_table()
    };
    let view = catalog.views.iter().find(reads).map(|view| format!("view \"{}\" reads it", view.name));
    view.or_else(|| indexed_by(catalog, table, column))
}

/// A full-text table whose texts are in the table.
fn indexed_by(catalog: &catalog::Catalog, table: &str, column: &str) -> Option<String> {
    let indexes = |of: &&catalog::Table| {
        let declared = Declared::parse(&of.sql).ok().filter(|_| of.is_full_text());
        declared.is_some_and(|declared| match &declared.content {
            Content::External { table: content, .. } => {
                let named = |c: &Column| c.name.eq_ignore_ascii_case(column);
                content.eq_ignore_ascii_case(table)
                    && (declared.columns.is_empty() || declared.searched().any(named))
            }
            _ => false,
        })
    };
    catalog.tables.iter().find(indexes).map(|of| format!("full-text table \"{}\" indexes it", of.name))
}

fn reads(index: &Index, column: &str) -> bool {
    let key = |key: &IndexKey| match key {
        IndexKey::Column(name) => name.eq_ignore_ascii_case(column),
        IndexKey::Expression(sql) => may_name(sql, column),
        IndexKey::Rowid => false,
    };
    index.columns.iter().any(|c| key(&c.key))
        || index.predicate.as_ref().is_some_and(|sql| may_name(sql, column))
}

/// Takes the columns out of the table that a view computes.
pub fn set_apart(table: &mut DecidedTable<'_>) {
    let by_view = |c: &DecidedColumn<'_>| {
        c.generated.as_ref().is_some_and(|generated| generated.generation == Generation::View)
    };
    let (apart, kept) = std::mem::take(&mut table.columns).into_iter().partition(by_view);
    (table.apart, table.columns) = (apart, kept);
}

/// Names the views over tables from which columns were taken.
pub fn views(
    ctx: &Context<'_>,
    tables: &mut [DecidedTable<'_>],
    relations: &mut HashMap<String, Scope>,
    findings: &mut Vec<Finding>,
) {
    for table in tables.iter_mut().filter(|table| table.fresh() && !table.apart.is_empty()) {
        let schema = &table.settings.schema;
        let wanted = make_object_name(&table.target, "", SUFFIX);
        let there = ctx.target.relations.iter().find(|r| r.schema == *schema && r.name == wanted);
        let replaces = table.disposition == Disposition::Replace
            && there.is_some_and(|there| there.relkind == 'v' && there.owned);
        let scope = relations.entry(schema.clone()).or_default();
        let name = if replaces { wanted } else { scope.claim(&wanted) };
        let message = format!(
            "the table has no such column: view {} computes it, and has the other columns as well",
            qualified(schema, &name)
        );
        for column in &table.apart {
            let finding = Kind::GeneratedOtherwise.info(column.object(&table.source.name), &message);
            table.report(findings, finding.hint("Read the view where the column is needed."));
        }
        table.view = Some(View { name, replaces });
    }
}
