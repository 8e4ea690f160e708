//! Catalog + profile + overrides -> the plan: every decision, before anything is done. Pure.

mod checks;
mod collate;
mod columns;
mod ddl;
mod draft;
mod existing;
mod foreign_keys;
mod indexes;
mod json;
pub mod keys;
mod links;
mod names;
mod order;
mod overrides;
mod pgtype;
mod rules;
mod select;
mod settings;
mod skipped;
mod steps;
mod unique;
pub mod words;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use crate::catalog::{KeyFact, KeyFactKind};
pub use crate::value::batch::OnInvalid;

use crate::catalog::Catalog;
use crate::finding::Finding;
use crate::types::TableProfile;
use crate::value::Format;

/// What the source says, as far as decisions need it.
pub struct Source<'a> {
    pub catalog: &'a Catalog,
    /// One per `catalog.tables` entry; `None` where it was not profiled.
    pub profiles: &'a [Option<TableProfile>],
    /// What only a query over the whole file can say about keys.
    pub key_facts: &'a [KeyFact],
}

/// What the target database already has or can do.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Existing relations in the schemas that the plan may touch.
    pub relations: Vec<ExistingTable>,
    /// ICU collations can be made, so NOCASE can be a nondeterministic collation.
    pub icu: bool,
    /// Schemas that exist, so that they need not be made.
    pub schemas: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct ExistingTable {
    pub schema: String,
    pub name: String,
    /// `r` table, `p` partitioned, `v` view, … as `pg_class.relkind`.
    pub relkind: char,
    /// Name and `format_type` of its columns.
    pub columns: Vec<(String, String)>,
    pub has_rows: bool,
}

/// The complete plan, its steps and what was noticed on the way.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The explicit plan: parsing it again gives the same plan.
    pub plan: serde_json::Value,
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
    /// Every table that takes part, also those whose load is skipped with a reason.
    pub tables: Vec<TablePlan>,
}

/// One table as the run, the result and the log need it.
#[derive(Debug, Clone, Default)]
pub struct TablePlan {
    pub source: String,
    pub schema: String,
    pub target: String,
    /// What could not be carried over for this table; goes into the result's `detail`.
    pub detail: Vec<String>,
    /// The `where` of the plan, as SQLite SQL.
    pub filter: Option<String>,
    /// Not loaded, for the reason in `detail`; there is no step for it.
    pub skipped: bool,
}

/// One thing that a run does. Import, `sqlite_ddl` and reports walk the same list.
#[derive(Debug, Clone)]
pub struct Step {
    /// `create table app.users`, for progress and errors.
    pub title: String,
    pub phase: Phase,
    pub action: Action,
    /// Index into `Planned::tables`, where the step concerns one.
    pub table: Option<usize>,
}

impl Step {
    /// The statement, or a comment for what has no statement.
    pub fn sql(&self) -> String {
        match &self.action {
            Action::Sql(sql) => sql.clone(),
            Action::Load(_) | Action::Orphans(_) => format!("-- {}", self.title.replace(['\n', '\r'], " ")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Before,
    Schema,
    Tables,
    Load,
    Keys,
    Indexes,
    ForeignKeys,
    Checks,
    Sequences,
    Analyze,
    After,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::Schema => "schema",
            Phase::Tables => "tables",
            Phase::Load => "load",
            Phase::Keys => "keys",
            Phase::Indexes => "indexes",
            Phase::ForeignKeys => "foreign_keys",
            Phase::Checks => "checks",
            Phase::Sequences => "sequences",
            Phase::Analyze => "analyze",
            Phase::After => "after",
        }
    }
}

#[derive(Debug, Clone)]
pub enum Action {
    /// One PostgreSQL statement, complete and schema-qualified.
    Sql(String),
    /// Bulk load of one table.
    Load(LoadSpec),
    /// Rows without a parent, looked for after the load and before the constraint is made.
    Orphans(OrphanSpec),
}

#[derive(Debug, Clone)]
pub struct LoadSpec {
    pub source: String,
    pub schema: String,
    pub target: String,
    /// The target existed before: load into a temporary table, then one INSERT … SELECT.
    pub staged: bool,
    /// Primary key columns of the source, to name a row where there is no rowid.
    pub source_key: Vec<String>,
    pub filter: Option<String>,
    pub timezone: String,
    pub columns: Vec<LoadColumn>,
}

#[derive(Debug, Clone)]
pub struct LoadColumn {
    pub source: String,
    pub target: String,
    pub pg_type: String,
    pub format: Option<Format>,
    pub not_null: bool,
    pub on_invalid: OnInvalid,
}

#[derive(Debug, Clone)]
pub struct OrphanSpec {
    pub schema: String,
    pub table: String,
    pub columns: Vec<String>,
    pub parent_schema: String,
    pub parent: String,
    pub parent_columns: Vec<String>,
    pub policy: Orphans,
    /// Source table, for the reject log.
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orphans {
    #[default]
    Error,
    Reject,
    Null,
    /// The constraint stays NOT VALID.
    Keep,
}

/// What is wrong with a plan that a user gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `plan.tables.users.columns.age.typ: unknown key, did you mean "type"?`
    #[error("{path}: {message}")]
    Invalid { path: String, message: String, hint: String },
    /// A key of the design that does not work yet.
    #[error("{path}: not supported yet")]
    Unsupported { path: String, hint: String },
}

/// What has to be known from the overrides before the source is read.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Open the file with `immutable=1`.
    pub immutable: bool,
    pub profile: ProfileMode,
    /// Schemas that the plan writes to.
    pub schemas: Vec<String>,
    /// Stop at the first bad object (false with `on_error: "continue"`).
    pub stop_on_error: bool,
    pub verify_counts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProfileMode {
    #[default]
    Full,
    Sample,
    None,
}

/// Checks the overrides' shape (keys, types, values; not yet the names in them).
pub fn needs(overrides: &serde_json::Value) -> Result<Needs, PlanError> {
    settings::needs(&overrides::parse(overrides)?)
}

/// Source tables that the overrides leave in (include, exclude, skip), so that nothing else is profiled:
/// one flag per `catalog.tables` entry. Shadow and virtual tables without a usable module are out.
pub fn selected(catalog: &Catalog, overrides: &serde_json::Value) -> Result<Vec<bool>, PlanError> {
    Ok(select::select(catalog, &overrides::parse(overrides)?)?.chosen)
}

/// Makes every decision.
pub fn build(
    source: &Source<'_>,
    target: &Target,
    overrides: &serde_json::Value,
) -> Result<Planned, PlanError> {
    build_by(&rules::RULES, source, target, overrides)
}

fn build_by(
    rules: &rules::Rules,
    source: &Source<'_>,
    target: &Target,
    overrides: &serde_json::Value,
) -> Result<Planned, PlanError> {
    let given = overrides::parse(overrides)?;
    settings::needs(&given)?;
    let selection = select::select(source.catalog, &given)?;
    let plan = settings::Settings::of_plan(&given, target);
    let names = given.names.unwrap_or_default();
    let ctx = draft::Context { source, target, given: &given, plan, names, rules };
    let mut notes = Vec::new();
    let mut drafts = draft::begin(&ctx, &selection, &mut notes)?;
    decide(&ctx, &mut drafts, &mut notes);
    let skipped = skipped::report(&ctx, &selection, &mut notes);
    let order = load_order(&drafts);
    let steps = steps::steps(&ctx, &drafts, &order, &mut notes);
    let plan = json::plan(&ctx, &drafts);
    notes.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let tables = order.iter().filter_map(|i| drafts.get(*i)).map(table_plan).chain(skipped).collect();
    Ok(Planned { plan, steps, findings: notes, tables })
}

/// Columns of all tables before any key: a key needs the types of both of its sides.
fn decide(ctx: &draft::Context<'_>, drafts: &mut [draft::Draft<'_>], notes: &mut Vec<Finding>) {
    columns::unused_types(ctx, drafts, notes);
    drafts.iter_mut().for_each(|draft| columns::types(ctx, draft, notes));
    links::unify(ctx, drafts);
    for draft in drafts.iter_mut() {
        existing::report(ctx, draft, notes);
        columns::details(ctx, draft, notes);
        if draft.fresh() {
            collate::decide(ctx, draft, notes);
        }
    }
    collate::follow(drafts, notes);
    let mut relations = relations(ctx, drafts);
    for draft in drafts.iter_mut().filter(|d| d.fresh()) {
        let scope = relations.entry(draft.settings.schema.clone()).or_default();
        unique::keys(ctx, draft, scope, notes);
    }
    for draft in drafts.iter_mut().filter(|d| d.fresh()) {
        let scope = relations.entry(draft.settings.schema.clone()).or_default();
        indexes::indexes(ctx, draft, scope, notes);
        checks::checks(ctx, draft, notes);
    }
    let facts = foreign_keys::Facts { catalog: ctx.source.catalog, key_facts: ctx.source.key_facts };
    (0..drafts.len()).for_each(|i| foreign_keys::foreign_keys(&facts, drafts, i, notes));
}

/// Names taken per schema. Tables and indexes share them; a table that is replaced gives up its indexes' names.
fn relations(ctx: &draft::Context<'_>, drafts: &[draft::Draft<'_>]) -> HashMap<String, names::Scope> {
    let mut out: HashMap<String, names::Scope> = HashMap::new();
    for draft in drafts {
        out.entry(draft.settings.schema.clone()).or_default().reserve(&draft.target);
    }
    let replaced: Vec<_> = drafts.iter().filter(|d| d.fate == draft::Fate::Replace).collect();
    for there in &ctx.target.relations {
        let owned =
            |d: &&draft::Draft<'_>| d.settings.schema == there.schema && there.name.starts_with(&d.target);
        if !matches!(there.relkind, 'i' | 'I' | 'S') || !replaced.iter().any(owned) {
            out.entry(there.schema.clone()).or_default().reserve(&there.name);
        }
    }
    out
}

fn load_order(drafts: &[draft::Draft<'_>]) -> Vec<usize> {
    let by_name: HashMap<String, usize> =
        drafts.iter().enumerate().map(|(i, d)| (d.table.name.to_ascii_lowercase(), i)).collect();
    let parents = |d: &draft::Draft<'_>| -> Vec<usize> {
        let keys = d.table.foreign_keys.iter();
        keys.filter_map(|key| by_name.get(&key.parent.to_ascii_lowercase()).copied()).collect()
    };
    let edges: Vec<_> =
        drafts.iter().enumerate().flat_map(|(i, d)| parents(d).into_iter().map(move |p| (i, p))).collect();
    order::order(drafts.len(), &edges)
}

fn table_plan(draft: &draft::Draft<'_>) -> TablePlan {
    TablePlan {
        source: draft.table.name.clone(),
        schema: draft.settings.schema.clone(),
        target: draft.target.clone(),
        detail: draft.detail.clone(),
        filter: draft.given.and_then(|g| g.filter.clone()),
        skipped: false,
    }
}
