//! The tables of the file: which, under what names, with what columns, keys and indexes, and what is left out.

use std::collections::HashMap;

use globset::GlobMatcher;
use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Column, Table, TableKind};
use super::columns::{OutColumn, columns};
use super::ddl;
use super::names::Names;
use super::plan::{FileSettings, Overrides, Run, RunDeclaration, TableOverrides, on_invalid_word};
use super::types::{Choices, Rule};
use super::virtual_tables::{self, Derived};
use crate::finding::{Finding, Fix, Kind, say_once};
use crate::path::join;
use crate::plan::PlanError;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::objects::glob;
use crate::plan::given::overrides::invalid;
use crate::value::{PgType, Timezone};

/// What everything is decided by.
pub struct Context<'a> {
    pub catalog: &'a Catalog,
    pub overrides: &'a Overrides,
    pub run: Option<&'a Run>,
    pub file: FileSettings,
    pub timezone: Timezone,
    pub types: Choices,
    /// The tables are told apart by their schema.
    many_schemas: bool,
    /// Each schema has a file of its own.
    pub by_schema: bool,
    given: Given<'a>,
}

/// A table of the file.
#[derive(Debug)]
pub struct OutTable<'a> {
    pub source: &'a Table,
    pub name: String,
    pub columns: Vec<OutColumn<'a>>,
    pub strict: bool,
    /// How the file of a run has declared it.
    pub declaration: Option<RunDeclaration>,
    pub create: String,
    pub indexes: Vec<String>,
    /// What `sqlite_sequence` says at least.
    pub sequence: Option<i64>,
    /// A foreign key was never proven, so that its rows may have no parents.
    pub unproven: bool,
    /// Its module keeps its rows.
    pub is_virtual: bool,
}

/// What an export does.
pub struct Planned<'a> {
    pub tables: Vec<OutTable<'a>>,
    /// Made when the tables are filled.
    pub virtual_tables: Vec<Derived>,
    pub findings: Vec<Finding>,
    pub plan: Value,
    pub file: FileSettings,
    pub timezone: Timezone,
    /// Each schema has a file of its own.
    pub by_schema: bool,
}

impl<'a> Planned<'a> {
    /// What goes into the file of each schema that has tables.
    pub fn by_schemas(self) -> Vec<Planned<'a>> {
        let mut out: Vec<Planned<'a>> = vec![];
        for table in self.tables {
            let schema = &table.source.schema;
            let last = out.last().and_then(|last| last.tables.first());
            if last.is_none_or(|last| last.source.schema != *schema) {
                let of_schema = self.virtual_tables.iter().filter(|of| of.schema == *schema).cloned();
                out.push(Planned {
                    tables: vec![],
                    virtual_tables: of_schema.collect(),
                    findings: vec![],
                    plan: Value::Null,
                    file: self.file.clone(),
                    timezone: self.timezone.clone(),
                    by_schema: true,
                });
            }
            if let Some(last) = out.last_mut() {
                last.tables.push(table);
            }
        }
        out
    }
}

pub fn decide<'a>(
    catalog: &'a Catalog,
    overrides: &Overrides,
    run: Option<&Run>,
) -> Result<Planned<'a>, PlanError> {
    let zone = overrides.timezone(run);
    let mut ctx = Context {
        catalog,
        overrides,
        run,
        file: overrides.file(run),
        timezone: Timezone::parse(zone).map_err(|e| invalid("plan.timezone", e, ""))?,
        types: overrides.types(),
        given: vec![],
        by_schema: overrides.by_schema(),
        many_schemas: catalog.tables.iter().any(|t| t.schema != catalog.tables[0].schema),
    };
    if let Some(schema) = catalog.missing_schemas.first() {
        return Err(invalid("plan.schemas", format!("schema \"{schema}\" does not exist"), ""));
    }
    let mut findings = vec![];
    ctx.given = given_tables(&ctx)?;
    let selected = selected(&ctx, catalog, &mut findings)?;
    // Of each file.
    let mut names: HashMap<&str, Names> = HashMap::new();
    let mut tables = vec![];
    for (table, own) in selected {
        let of_run = run.and_then(|run| run.source_of(&table.schema, &table.name));
        let declaration = run.zip(of_run).and_then(|(run, source)| run.declaration(source));
        let strict = overrides.strict().unwrap_or(declaration.is_some_and(|declared| declared.strict));
        let columns = columns(&ctx, table, own, of_run, strict, &mut findings)?;
        if columns.is_empty() {
            let message =
                "no column of the table can be carried over, and SQLite has no tables without columns";
            findings.push(Kind::NoColumns.warning(ctx.key_of(table), message));
            continue;
        }
        let wanted = own.and_then(|own| own.target().map(str::to_owned));
        let wanted = wanted.or(of_run.map(str::to_owned)).unwrap_or_else(|| ctx.name_of(table));
        let names = names.entry(ctx.file_of(table)).or_default();
        let name = names.take_and_tell(&wanted, &ctx.key_of(table), &mut findings);
        tables.push(OutTable {
            source: table,
            name,
            columns,
            strict,
            declaration,
            create: String::new(),
            indexes: vec![],
            sequence: None,
            unproven: false,
            is_virtual: false,
        });
    }
    if tables.is_empty() {
        findings.push(Kind::NoTables.warning("the file", "no table is exported, and the file is empty"));
    }
    for table in &tables {
        findings.extend(missing_heirs(&ctx, table, &tables));
    }
    let mut virtual_tables = vec![];
    for of_file in tables.chunk_by_mut(|one, next| ctx.file_of(one.source) == ctx.file_of(next.source)) {
        let names = of_file.first().and_then(|table| names.get_mut(ctx.file_of(table.source)));
        let Some(names) = names else { continue };
        ddl::write(&ctx, of_file, names, &mut findings);
        virtual_tables.extend(virtual_tables::decide(&ctx, of_file, names, &mut findings));
    }
    say_once(&mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let plan = complete(&ctx, &tables);
    let Context { file, timezone, by_schema, .. } = ctx;
    Ok(Planned { tables, virtual_tables, findings, plan, file, timezone, by_schema })
}

/// A query on a table has the rows of those that inherit from it, too; its table in the file has its own.
fn missing_heirs(ctx: &Context<'_>, table: &OutTable<'_>, tables: &[OutTable<'_>]) -> Option<Finding> {
    let is_there = |id: u32| tables.iter().any(|other| other.source.id == id);
    let missing = table.source.heirs.iter().filter(|(id, _)| !is_there(*id));
    let names: Vec<&str> = missing.map(|(_, name)| name.as_str()).take(10).collect();
    (!names.is_empty()).then(|| {
        let message =
            format!("the rows of tables that inherit from it are not carried over: {}", names.join(", "));
        Kind::LeftOut.warning(ctx.key_of(table.source), message)
    })
}

impl Context<'_> {
    /// How the plan names a table.
    pub fn key_of(&self, table: &Table) -> String {
        if self.many_schemas { format!("{}.{}", table.schema, table.name) } else { table.name.clone() }
    }

    /// What the plan says of a table.
    pub fn given(&self, table: &Table) -> Option<TableOverrides<'_>> {
        self.given.iter().find(|(id, _)| *id == table.id).map(|(_, keys)| *keys)
    }

    /// How the values of a column are stored.
    pub fn rule(&self, column: &Column) -> &'static Rule {
        // An enum may have any name.
        match column.labels {
            Some(_) => self.types.rule(&PgType::UserDefined(String::new())),
            None => self.types.rule(&column.pg_type),
        }
    }

    /// The plan's globs choose a table of the file by its name.
    pub fn takes(&self, name: &str) -> bool {
        let any = |patterns: Vec<String>| {
            patterns.iter().filter_map(|p| glob(p, "").ok()).any(|g| g.is_match(name))
        };
        any(self.overrides.include()) && !any(self.overrides.exclude())
    }

    /// What tells its file from others.
    fn file_of<'t>(&self, table: &'t Table) -> &'t str {
        if self.by_schema { &table.schema } else { "" }
    }

    /// Its name in the file.
    fn name_of(&self, table: &Table) -> String {
        let same =
            |other: &&Table| other.name.eq_ignore_ascii_case(&table.name) && other.kind != TableKind::View;
        let is_taken = || self.catalog.tables.iter().filter(same).count() > 1;
        let always = self.overrides.word("prefix") == "always";
        match !self.by_schema && self.run.is_none() && (always || self.many_schemas && is_taken()) {
            true => format!("{}_{}", table.schema, table.name),
            false => table.name.clone(),
        }
    }

    pub fn path_of_column(&self, table: &Table, column: &str, key: &str) -> String {
        let columns = join(&join("plan.tables", &self.key_of(table)), "columns");
        let column = join(&columns, column);
        if key.is_empty() { column } else { join(&column, key) }
    }
}

type Given<'a> = Vec<(u32, TableOverrides<'a>)>;

/// The tables that the plan names, by their ids.
fn given_tables<'o>(ctx: &Context<'o>) -> Result<Given<'o>, PlanError> {
    let mut out: Given<'o> = vec![];
    for (name, keys) in ctx.overrides.tables() {
        let path = join("plan.tables", name);
        let is_meant = |t: &&Table| t.name == name || format!("{}.{}", t.schema, t.name) == name;
        let mut found = ctx.catalog.tables.iter().filter(is_meant);
        let Some(table) = found.next() else {
            let guess = did_you_mean(name, ctx.catalog.tables.iter().map(|t| t.name.as_str()));
            return Err(invalid(path, format!("matches no table{guess}"), ""));
        };
        if found.next().is_some() {
            return Err(invalid(
                path,
                "is the name of several tables",
                "Name it with its schema, as \"schema.table\".",
            ));
        }
        if out.iter().any(|(id, _)| *id == table.id) {
            return Err(invalid(path, "is a table that the plan names twice", ""));
        }
        out.push((table.id, keys));
    }
    Ok(out)
}

/// The tables that are exported, with what the plan says of them.
fn selected<'a, 'o>(
    ctx: &Context<'o>,
    catalog: &'a Catalog,
    findings: &mut Vec<Finding>,
) -> Result<Vec<(&'a Table, Option<TableOverrides<'o>>)>, PlanError> {
    let include = globs(&ctx.overrides.include(), "plan.include")?;
    let exclude = globs(&ctx.overrides.exclude(), "plan.exclude")?;
    let matches = |globs: &[GlobMatcher], table: &Table| {
        let qualified = format!("{}.{}", table.schema, table.name);
        globs.iter().any(|glob| glob.is_match(&table.name) || glob.is_match(&qualified))
    };
    let mut out = vec![];
    for table in &catalog.tables {
        let own = ctx.given.iter().find(|(id, _)| *id == table.id).map(|(_, keys)| *keys);
        let wanted =
            matches(&include, table) && !matches(&exclude, table) && !own.is_some_and(TableOverrides::skip);
        if wanted && exists(ctx, table, own.is_some(), findings) {
            out.push((table, own));
        }
    }
    Ok(out)
}

/// The table has a form in SQLite; a finding says why not.
fn exists(ctx: &Context<'_>, table: &Table, named: bool, findings: &mut Vec<Finding>) -> bool {
    let object = ctx.key_of(table);
    match (table.kind, &table.extension, &table.refused) {
        (TableKind::View, _, _) => {
            findings.push(Kind::View.warning(&object, "views are not carried over"));
            false
        }
        (TableKind::Foreign, _, _) => {
            findings.push(
                Kind::LeftOut.warning(&object, "a foreign table is not carried over: its rows are elsewhere"),
            );
            false
        }
        (_, Some(extension), _) if !named => {
            let message = format!("the table belongs to extension \"{extension}\", and is left out");
            findings.push(Kind::LeftOut.info(&object, message).hint("Name it in \"tables\" to export it."));
            false
        }
        (_, _, Some(reason)) => {
            let finding = Kind::Unreadable.blocking(&object, format!("the table cannot be read: {reason}"));
            findings.push(finding.fix(Fix::of_table(&object, "skip", true), ", to leave it out"));
            false
        }
        _ => true,
    }
}

fn globs(patterns: &[String], path: &str) -> Result<Vec<GlobMatcher>, PlanError> {
    patterns.iter().map(|pattern| glob(pattern, path)).collect()
}

/// The complete plan, which is its own fixed point.
fn complete(ctx: &Context<'_>, tables: &[OutTable<'_>]) -> Value {
    let said = ctx.overrides;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    match said.run {
        Some(run) => put("run", run.into()),
        None => put("schemas", json!(said.schemas())),
    };
    put("files", said.word("files").into());
    put("prefix", said.word("prefix").into());
    put("include", json!(said.include()));
    put("exclude", json!(said.exclude()));
    for key in ["numeric", "uuid", "json", "interval", "vector", "geometry", "tsvector"] {
        put(key, said.word(key).into());
    }
    put("fts", said.fts().into());
    put("on_invalid", on_invalid_word(said.on_invalid()).into());
    put("timezone", said.timezone(ctx.run).into());
    if let Some(strict) = said.strict().or(said.run.is_none().then_some(false)) {
        put("strict", strict.into());
    }
    put("indexes", said.indexes().into());
    put("foreign_keys", said.foreign_keys().into());
    put("checks", said.checks().into());
    put("comments", said.comments().into());
    put("overwrite", ctx.file.overwrite.into());
    put("encoding", ctx.file.encoding.as_str().into());
    put("page_size", ctx.file.page_size.into());
    put("auto_vacuum", ctx.file.auto_vacuum.as_str().into());
    put("journal_mode", ctx.file.journal_mode.as_str().into());
    put("application_id", ctx.file.application_id.into());
    put("user_version", ctx.file.user_version.into());
    let mut of_tables: Map<String, Value> = tables
        .iter()
        .map(|table| (ctx.key_of(table.source), of_table(table, ctx.given(table.source))))
        .collect();
    for table in &ctx.catalog.tables {
        if ctx.given(table).is_some_and(TableOverrides::skip) {
            of_tables.insert(ctx.key_of(table), json!({"skip": true}));
        }
    }
    put("tables", of_tables.into());
    Value::Object(out)
}

fn of_table(table: &OutTable<'_>, own: Option<TableOverrides<'_>>) -> Value {
    let mut columns = Map::new();
    for column in &table.source.columns {
        let skipped = own.and_then(|own| own.column(&column.name)).is_some_and(|own| own.skip());
        let decided = table.columns.iter().find(|decided| decided.source.name == column.name);
        if skipped {
            columns.insert(column.name.clone(), json!({"skip": true}));
        } else if let Some(decided) = decided {
            let mut keys = Map::new();
            keys.insert("name".into(), decided.name.as_str().into());
            if let Some(format) = decided.format {
                keys.insert("format".into(), format.as_str().into());
            }
            if let Some((example, _)) = &decided.spelling {
                keys.insert("spelling".into(), example.as_str().into());
            }
            keys.insert("on_invalid".into(), on_invalid_word(decided.on_invalid).into());
            columns.insert(column.name.clone(), keys.into());
        }
    }
    json!({"target": table.name, "columns": columns})
}
