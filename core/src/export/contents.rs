//! What goes into a file beyond its tables: virtual tables, indexes, views and triggers; the file's own first, then what
//! PostgreSQL has beyond them.

use globset::GlobMatcher;

use super::catalog::{Table, TableKind};
use super::ddl;
use super::decide::{Context, globs};
use super::names::Names;
use super::original::Original;
use super::plan::TableOverrides;
use super::planned::{OutTable, OutTrigger};
use super::restore::Restorer;
use super::views::{self, OutView};
use super::virtual_tables::{self, Derived};
use crate::finding::Finding;
use crate::plan::PlanError;

#[derive(Default)]
pub struct Contents<'a> {
    pub virtual_tables: Vec<Derived>,
    pub views: Vec<OutView<'a>>,
    pub triggers: Vec<OutTrigger>,
}

impl<'a> Contents<'a> {
    pub fn add(&mut self, of_file: Contents<'a>) {
        self.virtual_tables.extend(of_file.virtual_tables);
        self.views.extend(of_file.views);
        self.triggers.extend(of_file.triggers);
    }
}

/// Gives the tables of a file their statements and indexes, and decides what else is in it. `file` tells it from others.
pub fn of_file<'a>(
    ctx: &Context<'a>,
    file: &str,
    tables: &mut [OutTable<'a>],
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Result<Contents<'a>, PlanError> {
    let chosen = Chosen::of(ctx)?;
    ddl::tables(ctx, tables, findings);
    let of_run = virtual_tables::of_run(ctx, tables, names, findings);
    let mut restorer = Restorer::new(ctx, names, findings);
    if ctx.overrides.indexes() {
        restorer.indexes(tables);
    }
    let mut views = vec![];
    if ctx.overrides.views() {
        views = restorer.views(|view| chosen.takes(ctx, view), tables);
    }
    let mut triggers = vec![];
    if ctx.overrides.triggers() {
        triggers = restorer.triggers(tables, &views, &of_run.tables);
    }
    let claimed = restorer.claimed;
    if ctx.overrides.indexes() {
        ddl::indexes(ctx, tables, &claimed, names, findings);
    }
    if ctx.overrides.views() {
        let wanted = |view: &Table| ctx.file_of(view) == file && chosen.takes_view(ctx, view);
        views.extend(views::translated(ctx, tables, wanted, &claimed, names, findings));
    }
    if ctx.overrides.triggers() {
        ddl::left_triggers(ctx, tables, &claimed, findings);
    }
    let (made, maintaining) = virtual_tables::of_vectors(ctx, tables, &of_run, names, findings);
    let virtual_tables = of_run.tables.into_iter().chain(made).collect();
    triggers.extend(maintaining);
    Ok(Contents { virtual_tables, views, triggers })
}

/// Tells of the views of schemas that have no file.
pub fn tell_of_homeless(
    ctx: &Context<'_>,
    files: &[&str],
    findings: &mut Vec<Finding>,
) -> Result<(), PlanError> {
    let chosen = Chosen::of(ctx)?;
    let is_homeless = |view: &&Table| {
        let is_own = view.kind == TableKind::View && view.extension.is_none();
        is_own && ctx.by_schema && !files.contains(&ctx.file_of(view)) && chosen.takes_view(ctx, view)
    };
    if ctx.overrides.views() {
        let reason = "its schema has no table that is exported, and no file";
        let homeless = ctx.catalog.tables.iter().filter(is_homeless);
        findings.extend(homeless.map(|view| views::left_out(ctx, view, reason)));
    }
    Ok(())
}

/// What the plan's globs choose.
struct Chosen {
    include: Vec<GlobMatcher>,
    exclude: Vec<GlobMatcher>,
}

impl Chosen {
    fn of(ctx: &Context<'_>) -> Result<Chosen, PlanError> {
        Ok(Chosen {
            include: globs(&ctx.overrides.include(), "plan.include")?,
            exclude: globs(&ctx.overrides.exclude(), "plan.exclude")?,
        })
    }

    /// A view of a run's file, by its name there or in PostgreSQL.
    fn takes(&self, ctx: &Context<'_>, view: &Original) -> bool {
        let is_it = |table: &&Table| {
            view.made.iter().any(|[schema, name, _]| table.schema == *schema && table.name == *name)
        };
        let is_skipped = |table: &Table| ctx.given(table).is_some_and(TableOverrides::skip);
        let matches = |globs: &[GlobMatcher]| {
            let mut names = view.made.iter().map(|[_, name, _]| name).chain([&view.name]);
            names.any(|name| globs.iter().any(|glob| glob.is_match(name)))
        };
        let skipped = ctx.catalog.tables.iter().find(is_it).is_some_and(is_skipped);
        matches(&self.include) && !matches(&self.exclude) && !skipped
    }

    /// A view of PostgreSQL's.
    fn takes_view(&self, ctx: &Context<'_>, view: &Table) -> bool {
        let qualified = format!("{}.{}", view.schema, view.name);
        let matches =
            |globs: &[GlobMatcher]| globs.iter().any(|g| g.is_match(&view.name) || g.is_match(&qualified));
        let skipped = ctx.given(view).is_some_and(TableOverrides::skip);
        matches(&self.include) && !matches(&self.exclude) && !skipped
    }
}
