//! What a plan results in: its tables, its steps and what each step needs. Data only.

use super::given::verify::Verify;
use super::given::words::{Loader, Orphans};
use super::question::{Bound, Breakable, CheckQuestion, KeyQuestion, Rejecting};
use super::target::{ExistingForeignKey, ExistingKey, KeyOperator};
use super::trial::{Part, Trial};
use super::trigger::{TriggerPlan, TriggerTrial};
use super::view::{ViewPlan, ViewTrial};
use crate::catalog::TableId;
use crate::finding::{Finding, Fix};
use crate::reading::Reading;
use crate::translate::program;
use crate::value::batch::OnInvalid;
use crate::value::boolean::Words;
use crate::value::encoding::TextReading;
use crate::value::geometry::value::Srids;
use crate::value::{Excess, Format, PgType, ValueList};

/// The complete plan, its steps and what was noticed on the way.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The explicit plan: parsing it again gives the same plan.
    pub plan: serde_json::Value,
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
    /// What only the server can say of its expressions and indexes.
    pub trials: Vec<Trial>,
    /// Rows that may be too large, to be tried.
    pub sizes: Vec<SizeTrial>,
    /// Keys that conversion may make equal.
    pub keys: Vec<KeyQuestion>,
    /// Checks over values that are not loaded as they are stored.
    pub checks: Vec<CheckQuestion>,
    /// Tables of which rows may be rejected.
    pub rejecting: Vec<Rejecting>,
    /// Every table that takes part, also those whose load is skipped with a reason.
    pub tables: Vec<TablePlan>,
    /// What a statement of the application can name.
    pub schema: program::Schema,
    /// The views that are made, in the order in which they are.
    pub views: Vec<ViewPlan>,
    pub view_trial: ViewTrial,
    /// The triggers that are made.
    pub triggers: Vec<TriggerPlan>,
    pub trigger_trial: TriggerTrial,
}

impl Planned {
    pub fn table(&self, id: TableId) -> Option<&TablePlan> {
        self.tables.iter().find(|table| table.id == id)
    }

    /// The view that a step makes.
    pub fn view(&self, step: &Step) -> Option<&ViewPlan> {
        self.views.iter().filter(|_| step.phase == Phase::Views).find(|view| view.title == step.title)
    }

    /// The trigger that a step makes.
    pub fn trigger(&self, step: &Step) -> Option<&TriggerPlan> {
        let mut triggers = self.triggers.iter().filter(|_| step.phase == Phase::Triggers);
        triggers.find(|trigger| trigger.title == step.title)
    }

    /// The questions for rows without a parent, in order.
    pub fn orphans(&self) -> impl Iterator<Item = &OrphanSpec> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Orphans(spec) => Some(spec),
            _ => None,
        })
    }
}

/// Rows to be loaded into a table that is rolled back, to see whether the server takes them.
#[derive(Debug, Clone)]
pub struct SizeTrial {
    pub table: TableId,
    pub part: Part,
    /// `CREATE TABLE` of that table.
    pub create: String,
    /// Leaves the rows that a load does not skip; it may fail.
    pub unskipped: Option<String>,
    /// Leaves the rows that go where the index is.
    pub within: Option<String>,
    /// `CREATE INDEX` on it; without one, the load itself tells.
    pub index: Option<String>,
    pub load: LoadSpec,
    pub bound: Bound,
}

/// One table as the run, the result and the log need it.
#[derive(Debug, Clone)]
pub struct TablePlan {
    pub id: TableId,
    pub source: String,
    pub schema: String,
    pub target: String,
    /// What could not be carried over for this table; goes into the result's `detail`.
    pub detail: Vec<String>,
    /// The `where` of the plan, as SQLite SQL.
    pub filter: Option<String>,
    /// What is compared after the load.
    pub verify: Verify,
    /// Why the load could not be taken back.
    pub irreversible: Option<&'static str>,
    /// Not loaded, for the reason in `detail`; there is no step for it.
    pub skipped: bool,
    /// Columns that ignore case.
    pub folded: Vec<Folded>,
    /// The statement that creates their type or collation; `None` where it exists.
    pub folding: Option<String>,
    /// In the order of the file; none of a table about whose columns nothing was decided.
    pub columns: Vec<ColumnPlan>,
    /// What the run makes of the file's indexes: the name in the file, and that in the target.
    pub indexes: Vec<(String, String)>,
}

/// What makes a column ignore case, as SQL.
#[derive(Debug, Clone)]
pub struct Folded {
    /// The column's name in the file.
    pub source: String,
    pub pg_type: String,
    /// The COLLATE clause after a space, or nothing.
    pub collation: String,
}

impl TablePlan {
    /// A table about which nothing is decided, because of `why`.
    pub fn left_out(id: TableId, source: &str, schema: String, target: String, why: String) -> TablePlan {
        TablePlan {
            id,
            source: source.to_owned(),
            schema,
            target,
            detail: vec![why],
            filter: None,
            verify: Verify::default(),
            irreversible: None,
            skipped: true,
            folded: vec![],
            folding: None,
            columns: vec![],
            indexes: vec![],
        }
    }
}

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPlan {
    pub source: String,
    /// `None` where it is left out, or not clear which column is meant.
    pub target: Option<String>,
    /// `None` where it is not loaded.
    pub pg_type: Option<PgType>,
    /// Why the type was chosen, or why the column is left out.
    pub reason: Option<String>,
}

/// One thing that a run does. Import, `sqlite_ddl` and reports walk the same list.
#[derive(Debug, Clone)]
pub struct Step {
    /// `create table app.users`, for progress and errors.
    pub title: String,
    pub phase: Phase,
    pub action: Action,
    /// Where the step concerns one.
    pub table: Option<TableId>,
    /// What the statement creates over loaded rows, which may break it.
    pub built: Option<Box<Built>>,
}

/// A key, index or check over loaded rows.
#[derive(Debug, Clone)]
pub struct Built {
    /// `constraint "t_pkey"`
    pub what: String,
    /// `"public"."t"`
    pub on: String,
    /// Its columns, by which rows that break it are found in the file.
    pub key: KeyQuestion,
    pub phase: Phase,
    /// Of the size of its entries.
    pub bound: Option<Bound>,
    /// The query for a sentence that names a row that breaks a check.
    pub first: Option<String>,
    /// What does without it, and the rest of the sentence.
    pub fix: Option<(Fix, &'static str)>,
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

/// The parts of a run, in their order. Steps of a plan have those from `Schema` on, and `Before`; the others are what an
/// import does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Open,
    Before,
    Catalog,
    Integrity,
    Profile,
    Plan,
    Schema,
    Tables,
    Load,
    Keys,
    Indexes,
    ForeignKeys,
    Checks,
    Helpers,
    Views,
    Triggers,
    Sequences,
    Refresh,
    Analyze,
    Verify,
    After,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Open => "open",
            Phase::Before => "before",
            Phase::Catalog => "catalog",
            Phase::Integrity => "integrity",
            Phase::Profile => "profile",
            Phase::Plan => "plan",
            Phase::Schema => "schema",
            Phase::Tables => "tables",
            Phase::Load => "load",
            Phase::Keys => "keys",
            Phase::Indexes => "indexes",
            Phase::ForeignKeys => "foreign_keys",
            Phase::Checks => "checks",
            Phase::Helpers => "helpers",
            Phase::Views => "views",
            Phase::Triggers => "triggers",
            Phase::Sequences => "sequences",
            Phase::Refresh => "refresh",
            Phase::Analyze => "analyze",
            Phase::Verify => "verify",
            Phase::After => "after",
        }
    }
}

#[derive(Debug, Clone)]
pub enum Action {
    /// One PostgreSQL statement, complete and schema-qualified.
    Sql(String),

    /// Bulk load of one table.
    Load(Box<LoadSpec>),
    /// Rows without a parent, searched for after the load and before the constraint is created.
    Orphans(OrphanSpec),
}

#[derive(Debug, Clone)]
pub struct LoadSpec {
    pub id: TableId,
    pub source: String,
    pub schema: String,
    pub target: String,
    /// How to load into a table that was there before the run; `None` for one that the run makes.
    pub existing: Option<IntoExisting>,
    /// Primary key columns of the source, to name a row where there is no rowid.
    pub source_key: Vec<String>,
    pub reading: Reading,
    pub timezone: String,
    pub loader: Loader,
    /// Rows are written frozen, or not at all.
    pub freeze: bool,
    pub columns: Vec<LoadColumn>,
    pub renumbering: Box<Renumbering>,
}

/// What becomes of keys of a load that are others in the target than in the file, and of what refers to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renumbering {
    /// Foreign keys to tables whose rows may have other keys; those of the table to itself come last.
    pub references: Vec<Reference>,
    /// Rows with the key of the conflict's arbiter are the same: these keys become the existing row's, and those of a new
    /// row that another row has become new ones. `None` where rows keep their keys.
    pub matched: Option<Vec<OtherKey>>,
    /// The keys by which loaded rows refer to the table, as far as they may become others.
    pub referenced: Vec<Vec<String>>,
    /// Every column of these keys.
    pub columns: Vec<String>,
}

/// A foreign key whose values follow the keys of the rows that they refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table that is referred to.
    pub parent: TableId,
    /// How parents are found, among the file's keys, and what becomes of rows without one.
    pub spec: OrphanSpec,
}

/// A unique key that rows take over from the existing ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherKey {
    pub name: String,
    pub columns: Vec<String>,
    /// The sequence of its only column, as SQL names it.
    pub sequence: Option<String>,
}

impl Renumbering {
    /// There is something to do.
    pub fn any(&self) -> bool {
        self.matched.is_some() || !self.references.is_empty()
    }
}

/// What the plan says about a load into an existing table.
#[derive(Debug, Clone, Default)]
pub struct IntoExisting {
    /// The table's own triggers fire for the loaded rows.
    pub fire_triggers: bool,
    /// Indexes and constraints stay in place during the load.
    pub keep_constraints: bool,
    pub conflict: Option<Conflict>,
    /// The plan assumes that it is empty, and decides nothing about existing rows, or not by which key they are matched.
    pub empty: bool,
    /// Rows without a parent are taken care of by the plan before foreign keys see them.
    pub orphans: Vec<OrphanSpec>,
    /// Its unique keys.
    pub keys: Vec<Breakable>,
    /// Its btrees, those of unique keys as well.
    pub indexes: Vec<Breakable>,
}

/// What becomes of a row whose key exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The arbiter of ON CONFLICT.
    pub arbiter: ExistingKey,
    /// Columns that take the loaded values; empty to leave the existing row alone.
    pub update: Vec<String>,
    /// The loaded row is skipped, and must be the same row as the existing one.
    pub skip: Option<Skip>,
}

/// What a row that stays has to have in common with the loaded one that is skipped for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skip {
    /// The primary key must be equal as well, because other rows refer to the table's rows by it.
    pub by_primary: bool,
    /// What of the plan lets the file's rows in, without the existing ones.
    pub truncate: Option<Fix>,
    /// What matches rows by another key, if the plan does not.
    pub by_other: Option<Box<ByOther>>,
}

/// Another key by which rows could be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByOther {
    pub fix: Fix,
    pub key: String,
    /// Rows that are new can get a new number.
    pub numbered: bool,
    /// No column of the key refers to rows of other tables.
    pub plain: bool,
}

#[derive(Debug, Clone)]
pub struct LoadColumn {
    pub source: String,
    pub target: String,
    pub pg_type: PgType,
    pub format: Option<Format>,
    pub not_null: bool,
    pub on_invalid: OnInvalid,
    pub null_values: ValueList,
    pub words: Words,
    pub texts: TextReading,
    /// What NULL becomes, as SQL.
    pub default: Option<String>,
    pub excess: Excess,
    /// Digits after the point that a numeric without limits has at least.
    pub scale: Option<u16>,
    /// The SRID of its geometries.
    pub srids: Option<Srids>,
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
    /// Every column of the key takes NULL.
    pub nullable: bool,
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
            nullable: true,
        }
    }

    /// It is about the same columns of both sides.
    pub fn same_key(&self, key: &ExistingForeignKey) -> bool {
        let parent = (&self.parent_schema, &self.parent) == (&key.parent_schema, &key.parent);
        parent && (&self.columns, &self.parent_columns) == (&key.columns, &key.parent_columns)
    }

    /// Both are about one foreign key of a table.
    pub fn same_columns(&self, other: &OrphanSpec) -> bool {
        let parent = (&self.parent_schema, &self.parent) == (&other.parent_schema, &other.parent);
        parent && (&self.columns, &self.parent_columns) == (&other.columns, &other.parent_columns)
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
