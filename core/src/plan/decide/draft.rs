//! A table while its decisions are being made: source facts on one side, what becomes of them on the other.

use super::trial::Part;
use crate::catalog::{Column, Table};
use crate::finding::Finding;
pub use crate::plan::context::Context;
use crate::plan::given::overrides::{ColumnOverrides, TableOverrides, join, path_of};
use crate::plan::given::settings::Settings;
use crate::plan::resolve::fate;
use crate::plan::resolve::select::Selection;
use crate::plan::resolve::{names, naming};
use crate::plan::{Action, Conflict, ExistingTable, OnInvalid, Phase, PlanError};
use crate::translate;
use crate::types::TableProfile;
use crate::value::{Format, PgType};

/// What becomes of the target table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Create,
    /// Drop it, then create it.
    Replace,
    /// It stays, with its columns, keys and indexes.
    Keep {
        truncate: bool,
    },
    /// Nothing: it is not there, or not known which one it is, and is not made.
    Absent,
}

/// One selected table.
pub struct Draft<'a> {
    pub table: &'a Table,
    pub profile: Option<&'a TableProfile>,
    pub overrides: Option<&'a TableOverrides>,
    pub settings: Settings,
    pub target: String,
    /// The plan does not say clearly enough which table is meant.
    pub undecided: bool,
    /// The table that stays and is loaded.
    pub existing: Option<&'a ExistingTable>,
    pub fate: Fate,
    pub columns: Vec<DraftColumn<'a>>,
    /// Names of its constraints.
    pub constraints: names::Scope,
    /// Source columns of its keys that a foreign key may point to.
    pub unique: Vec<Vec<String>>,
    /// What becomes of a row whose key is there already; `None` for an error.
    pub conflict: Option<Conflict>,
    /// Steps after the load, by phase.
    pub after: Vec<(Phase, String, Action)>,
    /// What the server is asked about, and its SQL.
    pub tried: Vec<(Part, String)>,
    pub detail: Vec<String>,
}

/// One column of a selected table.
pub struct DraftColumn<'a> {
    pub source: &'a Column,
    pub overrides: Option<&'a ColumnOverrides>,
    pub target: String,
    /// It is not carried over.
    pub skip: bool,
    /// The plan does not say clearly enough which column of an existing table is meant.
    pub undecided: bool,
    /// Why it is not carried over, where nobody asked for that.
    pub left_out: Option<String>,
    pub rowid_alias: bool,
    pub pg_type: PgType,
    pub format: Option<Format>,
    pub reason: String,
    /// The user or the existing table said the type.
    pub pinned: bool,
    pub not_null: bool,
    pub default: Option<String>,
    pub generated: Option<String>,
    pub on_invalid: OnInvalid,
    /// The column gets the case-insensitive collation.
    pub nocase: bool,
}

impl<'a> Draft<'a> {
    pub fn fresh(&self) -> bool {
        matches!(self.fate, Fate::Create | Fate::Replace)
    }

    /// An existing table holds no row when its load begins, as far as is known.
    pub fn starts_empty(&self) -> bool {
        let empty = self.existing.is_some_and(|e| e.rows == Some(0));
        empty || self.fate == Fate::Keep { truncate: true }
    }

    /// `plan.tables.users.skip`, for hints.
    pub fn path(&self, key: &str) -> String {
        path_of(&self.table.name, key)
    }

    /// `schema.name` for titles.
    pub fn title(&self) -> String {
        format!("{}.{}", self.settings.schema, self.target)
    }

    /// A column that is carried over, by source name.
    pub fn column(&self, name: &str) -> Option<&DraftColumn<'a>> {
        self.columns.iter().find(|c| !c.skip && c.source.name.eq_ignore_ascii_case(name))
    }

    pub fn column_at(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| !c.skip && c.source.name.eq_ignore_ascii_case(name))
    }

    /// Target names of source columns; `Err` is the first that is not carried over.
    pub fn targets<'n>(&self, names: &'n [String]) -> Result<Vec<String>, &'n str> {
        names.iter().map(|n| self.column(n).map(|c| c.target.clone()).ok_or(n.as_str())).collect()
    }

    /// The columns that a translated expression may name.
    pub fn scope(&self, generated_too: bool) -> translate::Scope {
        let seen = self.columns.iter().filter(|c| !c.skip && (generated_too || c.source.generated.is_none()));
        let columns = seen.map(|c| translate::ScopeColumn {
            source: c.source.name.clone(),
            target: c.target.clone(),
            pg_type: c.pg_type.clone(),
            format: c.format,
            nocase: super::collate::is_nocase(c),
        });
        translate::Scope { columns: columns.collect() }
    }

    /// Notes that something is not carried over, also for the table's result row.
    pub fn left_out(&mut self, notes: &mut Vec<Finding>, object: String, message: String, hint: &str) {
        self.detail.push(format!("{object}: {message}"));
        notes.push(Finding::warning(object, message, hint));
    }

    /// Says that an index or constraint could not keep its name.
    pub fn renamed(&self, notes: &mut Vec<Finding>, what: &str, from: &str, to: &str) {
        if from != to {
            let message = format!("{what} becomes \"{to}\": its name is taken or longer than 63 bytes");
            notes.push(Finding::info(format!("{what} {from} of {}", self.table.name), message, ""));
        }
    }

    pub fn sql(&mut self, phase: Phase, title: String, sql: String) {
        self.after.push((phase, title, Action::Sql(sql)));
    }
}

impl DraftColumn<'_> {
    /// `table.column`, as findings name it.
    pub fn object(&self, table: &str) -> String {
        format!("{table}.{}", self.source.name)
    }

    /// `plan.tables.users.columns.age.type`, for hints.
    pub fn path(&self, table: &str, key: &str) -> String {
        let columns = join(&join("plan.tables", table), "columns");
        join(&join(&columns, &self.source.name), key)
    }

    /// PostgreSQL makes its values.
    pub fn computed(&self) -> bool {
        self.generated.is_some()
    }
}

/// Starts a draft for each selected table, in catalog order: names, settings, fate.
pub fn begin<'a>(
    ctx: &Context<'a>,
    selection: &Selection<'a>,
    notes: &mut Vec<Finding>,
) -> Result<Vec<Draft<'a>>, PlanError> {
    let mut drafts = Vec::new();
    for (i, table) in ctx.source.catalog.tables.iter().enumerate() {
        if selection.selected.get(i) == Some(&true) {
            let overrides = selection.overrides.get(i).copied().flatten();
            let profile = ctx.source.profiles.get(i).and_then(Option::as_ref);
            drafts.push(empty(ctx, table, overrides, profile));
        }
    }
    naming::tables(ctx, &mut drafts, notes)?;
    for draft in &mut drafts {
        fate::decide(ctx, draft, notes);
        draft.columns = naming::columns(ctx, draft, notes)?;
    }
    fate::together(ctx, &drafts, notes);
    Ok(drafts)
}

fn empty<'a>(
    ctx: &Context<'a>,
    table: &'a Table,
    overrides: Option<&'a TableOverrides>,
    profile: Option<&'a TableProfile>,
) -> Draft<'a> {
    Draft {
        table,
        profile,
        overrides,
        settings: ctx.plan.of_table(overrides),
        target: String::new(),
        undecided: false,
        existing: None,
        fate: Fate::Create,
        columns: vec![],
        constraints: names::Scope::default(),
        unique: vec![],
        conflict: None,
        after: vec![],
        tried: vec![],
        detail: vec![],
    }
}

/// A column as far as names are known.
pub fn new_column<'a>(
    draft: &Draft<'a>,
    source: &'a Column,
    overrides: Option<&'a ColumnOverrides>,
    target: String,
    skip: bool,
) -> DraftColumn<'a> {
    let alias = draft.table.primary_key.as_ref().filter(|pk| pk.rowid_alias);
    let alias = alias.and_then(|pk| pk.columns.first());
    DraftColumn {
        source,
        overrides,
        target,
        skip,
        undecided: false,
        left_out: None,
        rowid_alias: alias.is_some_and(|name| name.eq_ignore_ascii_case(&source.name)),
        pg_type: PgType::Text,
        format: None,
        reason: String::new(),
        pinned: false,
        not_null: source.not_null,
        default: None,
        generated: None,
        on_invalid: overrides.and_then(|g| g.on_invalid).unwrap_or(draft.settings.on_invalid),
        nocase: false,
    }
}
