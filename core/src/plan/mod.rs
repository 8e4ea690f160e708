//! Catalog + profile + overrides -> the plan: every decision, before anything is done. Pure.

pub mod decide;
pub mod emit;
pub mod given;
pub mod resolve;

#[cfg(test)]
mod existing_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use crate::catalog::{KeyFact, KeyFactKind};
pub use crate::damage::Integrity;
pub use crate::plan::given::overrides::path_of;
pub use crate::plan::resolve::target::*;
pub use crate::value::batch::OnInvalid;

use self::decide::{
    checks, collate, columns, conflicts, damage, draft, existing, existing_keys, foreign_keys, indexes,
    links, order, skipped, trial, unique,
};
use self::emit::{json, steps};
use self::given::{overrides, settings};
use self::resolve::{bookkeeping, counterparts, names, rules, select};
use crate::catalog::Catalog;
use crate::damage::Damage;
use crate::finding::Finding;
use crate::types::TableProfile;
use crate::value::{Format, PgType};

/// What the source says, as far as decisions need it.
pub struct Source<'a> {
    pub catalog: &'a Catalog,
    /// One per `catalog.tables` entry; `None` where it was not profiled.
    pub profiles: &'a [Option<TableProfile>],
    /// What only a query over the whole file can say about keys.
    pub key_facts: &'a [KeyFact],
    /// What migration tools have recorded in the file: table, and its levels in order.
    pub levels: &'a [(String, Vec<String>)],
    pub damage: &'a Damage,
}

/// The complete plan, its steps and what was noticed on the way.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The explicit plan: parsing it again gives the same plan.
    pub plan: serde_json::Value,
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
    /// What only the server can say of its expressions and indexes.
    pub trials: Vec<trial::Trial>,
    /// Every table that takes part, also those whose load is skipped with a reason.
    pub tables: Vec<TablePlan>,
}

impl Planned {
    /// The questions for rows without a parent, in order.
    pub fn orphans(&self) -> impl Iterator<Item = &OrphanSpec> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Orphans(spec) => Some(spec),
            _ => None,
        })
    }
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
    /// Columns that get the collation which ignores case, by their names in the file.
    pub nocase: Vec<String>,
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
    Refresh,
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
            Phase::Refresh => "refresh",
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
    /// How to load into a table that was there before the run; `None` for one that the run makes.
    pub existing: Option<IntoExisting>,
    /// Primary key columns of the source, to name a row where there is no rowid.
    pub source_key: Vec<String>,
    pub filter: Option<String>,
    pub timezone: String,
    pub columns: Vec<LoadColumn>,
}

/// What the plan says about a load into a table that is there already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntoExisting {
    /// The table's own triggers fire for the loaded rows.
    pub fire_triggers: bool,
    /// Indexes and constraints stay in place during the load.
    pub keep_constraints: bool,
    pub conflict: Option<Conflict>,
    /// The plan takes it for empty, and has nothing to say of rows that are there.
    pub empty: bool,
    /// Rows without a parent are taken care of by the plan before foreign keys see them.
    pub orphans: Vec<OrphanSpec>,
}

/// What becomes of a row whose key is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The arbiter of ON CONFLICT.
    pub arbiter: ExistingKey,
    /// Columns that take the loaded values; empty to leave the row that is there.
    pub update: Vec<String>,
    /// The loaded row is skipped, and has to be the one that is there.
    pub skip: Option<Skip>,
}

/// What a row that stays has to have in common with the loaded one that is skipped for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skip {
    /// The primary key is one more key by which rows are told apart: rows elsewhere name the table's rows by it.
    pub by_primary: bool,
    /// The key of the plan that, set to "truncate", lets the file's rows in.
    pub truncate: Option<String>,
}

#[derive(Debug, Clone)]
pub struct LoadColumn {
    pub source: String,
    pub target: String,
    pub pg_type: PgType,
    pub format: Option<Format>,
    pub not_null: bool,
    pub on_invalid: OnInvalid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanSpec {
    pub schema: String,
    pub table: String,
    pub columns: Vec<String>,
    pub parent_schema: String,
    pub parent: String,
    pub parent_columns: Vec<String>,
    /// Of the constraint, one per column; empty where it is still to be made.
    pub operators: Vec<KeyOperator>,
    /// MATCH FULL.
    pub full: bool,
    pub policy: Orphans,
    /// Source table, for the reject log.
    pub source: String,
    /// The constraint was there before, and stays as it is.
    pub existing: bool,
}

impl OrphanSpec {
    /// About the rows that a table already has.
    pub fn of(schema: &str, table: &str, key: &ExistingForeignKey) -> OrphanSpec {
        OrphanSpec {
            schema: schema.into(),
            table: table.into(),
            columns: key.columns.clone(),
            parent_schema: key.parent_schema.clone(),
            parent: key.parent.clone(),
            parent_columns: key.parent_columns.clone(),
            operators: key.operators.clone(),
            full: key.full,
            policy: Orphans::Error,
            source: table.into(),
            existing: true,
        }
    }

    /// It asks about this foreign key.
    pub fn is_of(&self, key: &ExistingForeignKey) -> bool {
        (&self.columns, &self.parent_schema, &self.parent, &self.parent_columns, self.full)
            == (&key.columns, &key.parent_schema, &key.parent, &key.parent_columns, key.full)
            && self.operators == key.operators
    }
}

impl IntoExisting {
    /// The foreign keys of a table are those that the plan was made for.
    pub fn knows(&self, keys: &[ExistingForeignKey]) -> bool {
        keys.iter()
            .filter(|key| key.enforced && !key.period)
            .all(|key| self.orphans.iter().any(|spec| spec.is_of(key)))
    }
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
    pub opening: Opening,
    pub profile: ProfileMode,
    pub integrity: Integrity,
    /// Schemas that the plan writes to.
    pub schemas: Vec<String>,
    /// Stop at the first bad object (false with `on_error: "continue"`).
    pub stop_on_error: bool,
    pub verify_counts: bool,
    /// Statements to run before the target is looked at; an import takes them out as it runs them.
    pub before: Vec<String>,
}

/// How the file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opening {
    /// The user vouches that nobody writes to it.
    pub immutable: bool,
    /// With a `-wal` that holds something, it is read from a copy.
    pub copy_wal: bool,
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

/// Source tables whose rows without a parent are rejected: one flag per `catalog.tables` entry.
pub fn rejecting(catalog: &Catalog, overrides: &serde_json::Value) -> Result<Vec<bool>, PlanError> {
    let given = overrides::parse(overrides)?;
    let plan = settings::Settings::of_plan(&given, &Target::default());
    let tables = select::select(catalog, &given)?.given;
    Ok(tables.iter().map(|table| plan.of_table(*table).orphans == Orphans::Reject).collect())
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
    let mut selection = select::select(source.catalog, &given)?;
    let plan = settings::Settings::of_plan(&given, target);
    let names = given.names.unwrap_or_default();
    let ctx = draft::Context { source, target, given: &given, plan, names, rules };
    let mut notes = Vec::new();
    damage::report(&ctx, &selection, &mut notes);
    let records = bookkeeping::leave_out(&ctx, &mut selection, &mut notes);
    let mut drafts = draft::begin(&ctx, &selection, &mut notes)?;
    decide(&ctx, &mut drafts, &mut notes);
    let skipped = skipped::report(&ctx, &selection, &mut notes);
    let order = order::of_loads(&drafts);
    let steps = steps::steps(&ctx, &drafts, &order, &mut notes);
    let plan = json::plan(&ctx, &drafts);
    notes.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let absent = drafts.iter().filter(|d| d.fate == draft::Fate::Absent);
    let loaded = order.iter().filter_map(|i| drafts.get(*i));
    let tables = loaded.chain(absent).map(table_plan).chain(skipped).chain(records).collect();
    let trials = trial::trials(&drafts);
    Ok(Planned { plan, steps, findings: notes, trials, tables })
}

/// Columns of all tables before any key: a key needs the types of both of its sides.
fn decide(ctx: &draft::Context<'_>, drafts: &mut [draft::Draft<'_>], notes: &mut Vec<Finding>) {
    columns::unused_types(ctx, drafts, notes);
    drafts.iter_mut().for_each(|draft| counterparts::settle(draft, notes));
    drafts
        .iter_mut()
        .for_each(|draft| said_of(draft, notes, |draft, notes| columns::types(ctx, draft, notes)));
    links::unify(ctx, drafts);
    for draft in drafts.iter_mut() {
        said_of(draft, notes, |draft, notes| existing::report(ctx, draft, notes));
        said_of(draft, notes, |draft, notes| columns::details(ctx, draft, notes));
        conflicts::decide(ctx, draft, notes);
        if draft.fresh() {
            collate::decide(ctx, draft, notes);
        }
    }
    conflicts::remedies(ctx, drafts);
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
    for i in 0..drafts.len() {
        foreign_keys::foreign_keys(&facts, drafts, i, notes);
        existing_keys::orphans(&facts, drafts, i, notes);
    }
}

/// Of a table that is left out only that is said, though its columns are decided for the printed plan.
fn said_of<'a>(
    draft: &mut draft::Draft<'a>,
    notes: &mut Vec<Finding>,
    decide: impl FnOnce(&mut draft::Draft<'a>, &mut Vec<Finding>),
) {
    let (said, detail) = (notes.len(), draft.detail.len());
    decide(draft, notes);
    if draft.fate == draft::Fate::Absent {
        notes.truncate(said);
        draft.detail.truncate(detail);
    }
}

/// Names taken per schema. Tables, indexes and sequences share them; a table that is replaced gives up those of its own.
fn relations(ctx: &draft::Context<'_>, drafts: &[draft::Draft<'_>]) -> HashMap<String, names::Scope> {
    let mut out: HashMap<String, names::Scope> = HashMap::new();
    for draft in drafts {
        out.entry(draft.settings.schema.clone()).or_default().reserve(&draft.target);
    }
    let replaced: Vec<_> = drafts.iter().filter(|d| d.fate == draft::Fate::Replace).collect();
    for there in &ctx.target.relations {
        let goes = |d: &&draft::Draft<'_>| {
            d.settings.schema == there.schema && there.part_of.as_ref() == Some(&d.target)
        };
        if !replaced.iter().any(goes) {
            out.entry(there.schema.clone()).or_default().reserve(&there.name);
        }
    }
    out
}

fn table_plan(draft: &draft::Draft<'_>) -> TablePlan {
    TablePlan {
        source: draft.table.name.clone(),
        schema: draft.settings.schema.clone(),
        target: draft.target.clone(),
        detail: draft.detail.clone(),
        filter: draft.given.and_then(|g| g.filter.clone()),
        skipped: draft.fate == draft::Fate::Absent,
        nocase: draft.columns.iter().filter(|c| c.nocase).map(|c| c.source.name.clone()).collect(),
    }
}
