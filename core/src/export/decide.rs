//! The tables of the file: which, under what names, with what columns, keys and indexes, and what is left out.

use std::collections::HashSet;

use globset::GlobMatcher;
use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Table, TableKind};
use super::columns::{OutColumn, columns};
use super::ddl;
use super::names::Names;
use super::original::Original;
use super::plan::{FileSettings, Overrides, Run, RunDeclaration, TableOverrides, on_invalid_word};
use super::restore::{self, Restorer};
use super::types::{Family, Numeric};
use super::views::{self, OutView};
use crate::finding::{Finding, Fix, Kind, say_once};
use crate::path::join;
use crate::plan::PlanError;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::objects::glob;
use crate::plan::given::overrides::invalid;
use crate::value::Timezone;

/// What everything is decided by.
pub struct Context<'a> {
    pub catalog: &'a Catalog,
    pub overrides: &'a Overrides,
    pub run: Option<&'a Run>,
    pub file: FileSettings,
    pub timezone: Timezone,
    /// The tables are told apart by their schema.
    many_schemas: bool,
}

/// A table of the file.
#[derive(Debug, Clone)]
pub struct OutTable<'a> {
    pub source: &'a Table,
    pub name: String,
    pub columns: Vec<OutColumn<'a>>,
    pub strict: bool,
    /// How the file of a run has declared it.
    pub declaration: Option<RunDeclaration>,
    pub create: String,
    pub indexes: Vec<String>,
    /// The columns that SQLite computes, which are not written.
    pub computed: Vec<OutColumn<'a>>,
    /// The table of a run's file that it is.
    pub origin: Option<String>,
    /// It is declared in the file's own words, which may say more than PostgreSQL has proven of its rows.
    pub original: bool,
    /// What `sqlite_sequence` says at least.
    pub sequence: Option<i64>,
    /// A foreign key was never proven, so that its rows may have no parents.
    pub unproven: bool,
}

impl<'a> OutTable<'a> {
    /// Of columns alone.
    pub fn plain(source: &'a Table, name: String, columns: Vec<OutColumn<'a>>) -> OutTable<'a> {
        OutTable {
            source,
            name,
            columns,
            computed: vec![],
            origin: None,
            original: false,
            strict: false,
            declaration: None,
            create: String::new(),
            indexes: vec![],
            sequence: None,
            unproven: false,
        }
    }

    /// The table with the columns that SQLite computes among the others, but for those of [`OutTable::rounded`].
    pub fn with_computed(&self) -> OutTable<'a> {
        let exact = self.computed.iter().filter(|column| !is_rounded(column));
        OutTable {
            columns: self.columns.iter().chain(exact).cloned().collect(),
            computed: vec![],
            ..self.clone()
        }
    }

    /// The columns whose values PostgreSQL computes as decimals, or rounds otherwise, and SQLite as doubles.
    pub fn rounded(&self) -> impl Iterator<Item = &OutColumn<'a>> {
        self.computed.iter().filter(|column| is_rounded(column))
    }

    /// It is this table of the file, under its name.
    pub fn is_of_file(&self, name: &str) -> bool {
        self.origin.as_ref().is_some_and(|origin| *origin == self.name)
            && self.name.eq_ignore_ascii_case(name)
    }
}

fn is_rounded(column: &OutColumn<'_>) -> bool {
    matches!(
        column.rule.family,
        Family::ShortNumeric | Family::LongNumeric | Family::RealNumeric | Family::Float | Family::Money
    )
}

/// A trigger of the file.
#[derive(Debug, Clone)]
pub struct OutTrigger {
    pub name: String,
    /// The table or view that it is on.
    pub table: String,
    pub create: String,
}

/// What an export does.
pub struct Planned<'a> {
    pub tables: Vec<OutTable<'a>>,
    pub views: Vec<OutView<'a>>,
    /// Created when all rows are there, so that none of them fires.
    pub triggers: Vec<OutTrigger>,
    pub findings: Vec<Finding>,
    pub plan: Value,
    pub file: FileSettings,
    pub timezone: Timezone,
}

pub fn decide<'a>(
    catalog: &'a Catalog,
    overrides: &'a Overrides,
    run: Option<&'a Run>,
) -> Result<Planned<'a>, PlanError> {
    let zone = overrides.timezone(run);
    let ctx = Context {
        catalog,
        overrides,
        run,
        file: overrides.file(run),
        timezone: Timezone::parse(zone).map_err(|e| invalid("plan.timezone", e, ""))?,
        many_schemas: catalog.tables.iter().any(|t| t.schema != catalog.tables[0].schema),
    };
    if let Some(schema) = catalog.missing_schemas.first() {
        return Err(invalid("plan.schemas", format!("schema \"{schema}\" does not exist"), ""));
    }
    let mut findings = vec![];
    let given = given_tables(&ctx)?;
    let selected = selected(&ctx, catalog, &given, &mut findings)?;
    let mut names = Names::default();
    let mut tables = vec![];
    let kept: HashSet<String> = kept(run, &selected);
    for (table, own) in selected {
        let of_run = run.and_then(|run| run.source_of(&table.schema, &table.name));
        let declaration = run.zip(of_run).and_then(|(run, source)| run.declaration(source));
        let strict = overrides.strict().unwrap_or(declaration.is_some_and(|declared| declared.strict));
        let mut told = vec![];
        let columns = columns(&ctx, table, own, of_run, strict, &mut told)?;
        if columns.is_empty() {
            let message =
                "no column of the table can be carried over, and SQLite has no tables without columns";
            findings.extend(told);
            findings.push(Kind::NoColumns.warning(ctx.key_of(table), message));
            continue;
        }
        let wanted = own.and_then(|own| own.target().map(str::to_owned));
        let wanted = wanted.or(of_run.map(str::to_owned)).unwrap_or_else(|| ctx.name_of(table));
        let name = names.take_and_tell(&wanted, &ctx.key_of(table), &mut findings);
        let restored = of_run.map(|source| restore::table(&ctx, source, &name, &columns, &kept));
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
        });
    }
    if tables.is_empty() {
        findings.push(Kind::NoTables.warning("the file", "no table is exported, and the file is empty"));
    }
    for table in &tables {
        findings.extend(missing_heirs(&ctx, table, &tables));
    }
    ddl::tables(&ctx, &mut tables, &mut findings);
    let (views, triggers) = others(&ctx, &given, &mut tables, &mut names, &mut findings)?;
    say_once(&mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let plan = complete(&ctx, &given, &tables);
    let Context { file, timezone, .. } = ctx;
    Ok(Planned { tables, views, triggers, findings, plan, file, timezone })
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

/// Indexes, views and triggers: the file's own, then what PostgreSQL has beyond them.
fn others<'a>(
    ctx: &Context<'a>,
    given: &Given<'_>,
    tables: &mut [OutTable<'a>],
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Result<(Vec<OutView<'a>>, Vec<OutTrigger>), PlanError> {
    let include = globs(&ctx.overrides.include(), "plan.include")?;
    let exclude = globs(&ctx.overrides.exclude(), "plan.exclude")?;
    let matches = |globs: &[GlobMatcher], name: &str| globs.iter().any(|glob| glob.is_match(name));
    let mut restorer = Restorer::new(ctx, names, findings);
    if ctx.overrides.indexes() {
        restorer.indexes(tables);
    }
    let mut views = vec![];
    if ctx.overrides.views() {
        let wanted = |view: &Original| {
            let is = |table: &&Table| {
                view.made.iter().any(|[schema, name, _]| table.schema == *schema && table.name == *name)
            };
            let skipped = |table: &Table| given.iter().any(|(id, keys)| *id == table.id && keys.skip());
            let named = |globs: &[GlobMatcher]| {
                matches(globs, &view.name) || view.made.iter().any(|[_, name, _]| matches(globs, name))
            };
            let skipped = ctx.catalog.tables.iter().find(is).is_some_and(skipped);
            named(&include) && !named(&exclude) && !skipped
        };
        views = restorer.views(wanted, tables);
    }
    let mut triggers = vec![];
    if ctx.overrides.triggers() {
        triggers = restorer.triggers(tables, &views);
    }
    let claimed = restorer.claimed;
    if ctx.overrides.indexes() {
        ddl::indexes(ctx, tables, &claimed, names, findings);
    }
    if ctx.overrides.views() {
        let wanted = |view: &Table| {
            let qualified = format!("{}.{}", view.schema, view.name);
            let named = |globs: &[GlobMatcher]| matches(globs, &view.name) || matches(globs, &qualified);
            let skipped = given.iter().any(|(id, keys)| *id == view.id && keys.skip());
            named(&include) && !named(&exclude) && !skipped
        };
        views.extend(views::translated(ctx, tables, wanted, &claimed, names, findings));
    }
    if ctx.overrides.triggers() {
        ddl::left_triggers(ctx, tables, &claimed, findings);
    }
    Ok((views, triggers))
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

    /// Its name in the file.
    pub fn name_of(&self, table: &Table) -> String {
        let same = |other: &&Table| other.name.eq_ignore_ascii_case(&table.name);
        match self.many_schemas && self.catalog.tables.iter().filter(same).count() > 1 {
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
        if table.kind == TableKind::View && (keys.target().is_some() || keys.columns().next().is_some()) {
            return Err(invalid(
                path,
                "is a view, of which only \"skip\" can be said",
                "Remove the other keys.",
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
    ctx: &Context<'_>,
    catalog: &'a Catalog,
    given: &Given<'o>,
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
        let own = given.iter().find(|(id, _)| *id == table.id).map(|(_, keys)| *keys);
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
fn complete(ctx: &Context<'_>, given: &Given<'_>, tables: &[OutTable<'_>]) -> Value {
    let said = ctx.overrides;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    match said.run {
        Some(run) => put("run", run.into()),
        None => put("schemas", json!(said.schemas())),
    };
    put("include", json!(said.include()));
    put("exclude", json!(said.exclude()));
    let numeric = match said.numeric() {
        Numeric::Exact => "exact",
        Numeric::Text => "text",
        Numeric::Real => "real",
    };
    put("numeric", numeric.into());
    put("uuid", if said.uuid_blob() { "blob" } else { "text" }.into());
    put("on_invalid", on_invalid_word(said.on_invalid()).into());
    put("timezone", said.timezone(ctx.run).into());
    if let Some(strict) = said.strict().or(said.run.is_none().then_some(false)) {
        put("strict", strict.into());
    }
    put("indexes", said.indexes().into());
    put("foreign_keys", said.foreign_keys().into());
    put("checks", said.checks().into());
    put("views", said.views().into());
    put("triggers", said.triggers().into());
    put("declarations", if said.original() { "original" } else { "translated" }.into());
    put("overwrite", ctx.file.overwrite.into());
    put("encoding", ctx.file.encoding.as_str().into());
    put("page_size", ctx.file.page_size.into());
    put("auto_vacuum", ctx.file.auto_vacuum.as_str().into());
    put("journal_mode", ctx.file.journal_mode.as_str().into());
    put("application_id", ctx.file.application_id.into());
    put("user_version", ctx.file.user_version.into());
    let mut of_tables: Map<String, Value> =
        tables.iter().map(|table| (ctx.key_of(table.source), of_table(table, given))).collect();
    for table in &ctx.catalog.tables {
        if given.iter().any(|(id, keys)| *id == table.id && keys.skip()) {
            of_tables.insert(ctx.key_of(table), json!({"skip": true}));
        }
    }
    put("tables", of_tables.into());
    Value::Object(out)
}

fn of_table(table: &OutTable<'_>, given: &Given<'_>) -> Value {
    let own = given.iter().find(|(id, _)| *id == table.source.id).map(|(_, keys)| *keys);
    let mut columns = Map::new();
    for column in &table.source.columns {
        let skipped = own.and_then(|own| own.column(&column.name)).is_some_and(|own| own.skip());
        let mut all = table.columns.iter().chain(&table.computed);
        let decided = all.find(|decided| decided.source.name == column.name);
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
