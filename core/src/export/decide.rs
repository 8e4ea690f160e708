//! The tables of the file: which, under what names, with what columns, keys and indexes, and what is left out.

use std::collections::{HashMap, HashSet};

use globset::GlobMatcher;

use super::catalog::{Catalog, Column, Refusal, Table, TableKind};
use super::columns::columns;
use super::complete::complete;
use super::contents::{self, Contents};
use super::ddl;
use super::geopackage;
use super::names::Names;
use super::plan::{FileSettings, Overrides, Run, TableOverrides};
use super::planned::{OutTable, Planned};
use super::restore;
use super::types::{Choices, Rule};
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

pub fn decide<'a>(
    catalog: &'a Catalog,
    overrides: &'a Overrides,
    run: Option<&'a Run>,
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
    let (mut tables, mut bare) = (vec![], vec![]);
    let kept: HashSet<String> = kept(run, &selected);
    for (table, own) in selected {
        let of_run = run.and_then(|run| run.source_of(&table.schema, &table.name));
        let told = run.and_then(|run| run.told_of(&table.schema, &table.name, &ctx.key_of(table)));
        findings.extend(told);
        let declaration = run.zip(of_run).and_then(|(run, source)| run.declaration(source));
        let strict = overrides.strict().unwrap_or(declaration.is_some_and(|declared| declared.strict));
        let mut told = vec![];
        let columns = columns(&ctx, table, own, of_run, strict, &mut told)?;
        if columns.is_empty() {
            let message =
                "no column of the table can be carried over, and SQLite has no tables without columns";
            findings.extend(told);
            findings.push(Kind::NoColumns.warning(ctx.key_of(table), message));
            bare.push(table);
            continue;
        }
        let wanted = own.and_then(|own| own.target().map(str::to_owned));
        let wanted = wanted.or(of_run.map(str::to_owned)).unwrap_or_else(|| ctx.name_of(table));
        let names = names.entry(ctx.file_of(table)).or_default();
        let name = names.take_and_tell(&wanted, &ctx.key_of(table), &mut findings);
        let restored = of_run.map(|source| restore::table(&ctx, table, source, &name, &columns, &kept));
        let (mut create, mut computed) = (String::new(), vec![]);
        match restored {
            Some(Ok(own)) => (create, computed) = (own.sql, own.computed),
            Some(Err(Some(reason))) => {
                let message = format!("the table is not declared in the file's own words: {reason}");
                findings.push(Kind::LeftOut.info(ctx.key_of(table), message));
            }
            Some(Err(None)) | None => {}
        }
        let original = !create.is_empty();
        if !original {
            computed = ddl::computable(table, &columns);
        }
        // The file's own collations are what its words say.
        findings.extend(told.into_iter().filter(|told| !original || told.kind != Kind::Collation));
        let (computed, columns) = columns.into_iter().partition(|c| computed.contains(&c.name));
        tables.push(OutTable {
            source: table,
            name,
            columns,
            computed,
            origin: of_run.map(str::to_owned),
            original,
            strict,
            declaration,
            create,
            indexes: vec![],
            sequence: None,
            unproven: false,
            is_virtual: false,
        });
    }
    findings.extend(run.into_iter().flat_map(Run::replaced));
    if tables.is_empty() {
        findings.push(Kind::NoTables.warning("the file", "no table is exported, and the file is empty"));
    }
    for table in &tables {
        findings.extend(missing_heirs(&ctx, table, &tables));
    }
    let mut contents = Contents::default();
    // The tables of a schema stand together.
    let same_file =
        |one: &OutTable<'_>, next: &OutTable<'_>| ctx.file_of(one.source) == ctx.file_of(next.source);
    let mut files: Vec<&mut [OutTable<'a>]> = tables.chunk_by_mut(same_file).collect();
    if files.is_empty() && !ctx.by_schema {
        files.push(&mut []);
    }
    for of_file in files {
        let file = of_file.first().map_or("", |table| ctx.file_of(table.source));
        let names = names.entry(file).or_default();
        contents.add(contents::of_file(&ctx, file, of_file, names, &mut findings)?);
    }
    contents::tell_of_homeless(&ctx, &names.into_keys().collect::<Vec<_>>(), &mut findings)?;
    let layers = geopackage::layers(&ctx, &tables, &mut findings);
    say_once(&mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let plan = complete(&ctx, &tables, &bare);
    let Contents { virtual_tables, views, triggers } = contents;
    let Context { file, timezone, by_schema, .. } = ctx;
    Ok(Planned { tables, virtual_tables, views, triggers, layers, findings, plan, file, timezone, by_schema })
}

/// The tables of a run's file that are exported under their names, in small letters.
fn kept(run: Option<&Run>, selected: &[(&Table, Option<TableOverrides<'_>>)]) -> HashSet<String> {
    let of_run = selected.iter().filter_map(|(table, own)| {
        let source = run?.source_of(&table.schema, &table.name)?;
        let renamed = own.and_then(TableOverrides::target).is_some_and(|target| target != source);
        (!renamed).then(|| source.to_ascii_lowercase())
    });
    of_run.collect()
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
        self.given.iter().find(|(given, _)| given.is(table)).map(|(_, keys)| *keys)
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
    pub fn file_of<'t>(&self, table: &'t Table) -> &'t str {
        if self.by_schema { &table.schema } else { "" }
    }

    /// Its name in the file.
    pub fn name_of(&self, table: &Table) -> String {
        let is_there = |other: &Table| other.kind != TableKind::View || self.overrides.views();
        let same = |other: &&Table| other.name.eq_ignore_ascii_case(&table.name) && is_there(other);
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

type Given<'a> = Vec<(&'a Table, TableOverrides<'a>)>;

/// The tables that the plan names.
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
        if table.kind == TableKind::View && (keys.target().is_some() || keys.columns().next().is_some()) {
            return Err(invalid(
                path,
                "is a view, of which only \"skip\" can be said",
                "Remove the other keys.",
            ));
        }
        if out.iter().any(|(given, _)| given.is(table)) {
            return Err(invalid(path, "is a table that the plan names twice", ""));
        }
        out.push((table, keys));
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
        let own = ctx.given.iter().find(|(given, _)| given.is(table)).map(|(_, keys)| *keys);
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
        (TableKind::View, _, _) => false,
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
        (_, _, Some(refusal)) => {
            let (kind, reason) = match refusal {
                Refusal::Denied(reason) => (Kind::Denied, reason),
                Refusal::Other(reason) => (Kind::Unreadable, reason),
            };
            let finding = kind.blocking(&object, format!("the table cannot be read: {reason}"));
            findings.push(finding.fix(Fix::of_table(&object, "skip", true), ", to leave it out"));
            false
        }
        _ => true,
    }
}

pub fn globs(patterns: &[String], path: &str) -> Result<Vec<GlobMatcher>, PlanError> {
    patterns.iter().map(|pattern| glob(pattern, path)).collect()
}
