//! A table that takes part, and where it goes: names and counterparts. No type is known here.

use std::ops::Deref;

use super::disposition;
use super::naming;
use super::select::Selection;
use super::{counterparts, select};
use crate::catalog::{Column, Table, TableId};
use crate::finding::Finding;
use crate::path;
use crate::plan::context::Context;
use crate::plan::given::overrides::{ColumnOverrides, PlanError, TableOverrides};
use crate::plan::given::settings::Settings;
use crate::plan::target::{ExistingColumn, ExistingTable};
use crate::types::TableProfile;
use crate::value::PgType;
use crate::value::geometry::declared::Geometries;

/// A table of the source that takes part.
pub struct Selected<'a> {
    pub id: TableId,
    pub source: &'a Table,
    pub profile: Option<&'a TableProfile>,
    pub overrides: Option<&'a TableOverrides>,
    pub settings: Settings,
}

/// What becomes of the target table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    Create,
    /// Drop it, then create it.
    Replace,
    /// It stays, with its columns, keys and indexes.
    Keep {
        truncate: bool,
    },
    /// Nothing: it does not exist, or is ambiguous, and is not created.
    Absent,
}

/// A table of the source with its counterpart in the target.
pub struct ResolvedTable<'a> {
    selected: Selected<'a>,
    pub target: String,
    /// Several tables could be meant.
    pub ambiguous: bool,
    /// The table that stays and is loaded.
    pub existing: Option<&'a ExistingTable>,
    pub disposition: Disposition,
    /// It holds nothing, and is named where a table is truncated that it refers to.
    pub emptied: bool,
    /// One per column of the source.
    pub columns: Vec<ResolvedColumn<'a>>,
    /// What is not carried over, for the table's result row.
    pub detail: Vec<String>,
}

/// A column of a table that takes part.
#[derive(Clone)]
pub struct ResolvedColumn<'a> {
    /// In the source table, and in its profile.
    pub position: usize,
    pub source: &'a Column,
    pub overrides: Option<&'a ColumnOverrides>,
    /// It is the rowid.
    pub rowid_alias: bool,
    pub place: Place,
}

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Into the column of this name.
    Column(String),
    /// One of several existing columns could be meant; the name that it would have otherwise.
    Ambiguous(String),
    /// Nowhere: the plan leaves it out, or SQLite hides it.
    Skipped,
    /// Nowhere: the existing table has no place for it.
    LeftOut { name: Option<String>, reason: String },
}

impl<'a> Selected<'a> {
    fn new(ctx: &Context<'a>, selection: &Selection<'a>, id: TableId, source: &'a Table) -> Selected<'a> {
        let overrides = selection.overrides.get(id.index()).copied().flatten();
        Selected {
            id,
            source,
            profile: ctx.source.profiles.get(id.index()).and_then(Option::as_ref),
            overrides,
            settings: ctx.plan.of_table(overrides),
        }
    }

    /// `plan.tables.users.skip`, for hints.
    pub fn path(&self, key: &str) -> String {
        path::of_table(&self.source.name, key)
    }
}

impl<'a> Deref for ResolvedTable<'a> {
    type Target = Selected<'a>;

    fn deref(&self) -> &Selected<'a> {
        &self.selected
    }
}

impl<'a> ResolvedTable<'a> {
    /// A table that the import creates, as far as is known by its names.
    pub fn new(selected: Selected<'a>, target: String, ambiguous: bool) -> ResolvedTable<'a> {
        let (existing, disposition) = (None, Disposition::Create);
        let (emptied, columns, detail) = (false, vec![], vec![]);
        ResolvedTable { selected, target, ambiguous, existing, disposition, emptied, columns, detail }
    }

    /// The import creates it.
    pub fn fresh(&self) -> bool {
        matches!(self.disposition, Disposition::Create | Disposition::Replace)
    }

    /// It holds no row when its load begins, as far as is known.
    pub fn starts_empty(&self) -> bool {
        let empty = self.existing.is_some_and(|e| e.rows == Some(0));
        empty || self.disposition == Disposition::Keep { truncate: true }
    }

    /// It can be truncated without a loss, because it has no row. A partitioned table has no pages to look at.
    pub fn holds_nothing(&self) -> bool {
        let empty = |e: &ExistingTable| e.rows == Some(0) && e.relkind == 'r' && e.owned && e.citus.is_none();
        self.disposition == Disposition::Keep { truncate: false } && self.existing.is_some_and(empty)
    }

    /// `schema.name` for titles.
    pub fn title(&self) -> String {
        format!("{}.{}", self.settings.schema, self.target)
    }

    /// Reports a finding, unless the table is left out: of such a table only that is reported.
    pub fn report(&self, findings: &mut Vec<Finding>, finding: Finding) {
        if self.disposition != Disposition::Absent {
            findings.push(finding);
        }
    }

    /// Reports that something is not carried over, also for the table's result row.
    pub fn left_out(&mut self, findings: &mut Vec<Finding>, finding: Finding) {
        if self.disposition != Disposition::Absent {
            self.detail.push(format!("{}: {}", finding.object, finding.message));
            findings.push(finding);
        }
    }

    /// What NULL becomes in an existing column that does not take it, where the plan asks for that.
    pub fn null_default(&self, column: &ResolvedColumn<'_>) -> Option<&'a str> {
        let own = column.overrides.and_then(|g| g.null_to_default);
        let asked = own.or_else(|| self.overrides.and_then(|g| g.null_to_default)) == Some(true);
        let existing = self.existing_column(column.target()?).filter(|c| asked && c.not_null)?;
        // A domain that does not take NULL takes none in the staging table either.
        existing.default.as_deref().filter(|_| !matches!(existing.pg_type, PgType::Domain { .. }))
    }

    /// An existing column that a column of the source is loaded into.
    pub fn existing_column(&self, target: &str) -> Option<&'a ExistingColumn> {
        self.existing?.column(target)
    }
}

impl ResolvedColumn<'_> {
    /// What the file says of its geometries, unless an expression is read in their place.
    pub fn geometries(&self) -> Option<&Geometries> {
        let computed = self.overrides.is_some_and(|g| g.using.is_some());
        self.source.geometries.as_deref().filter(|_| !computed)
    }

    /// The column of the target that is loaded.
    pub fn target(&self) -> Option<&str> {
        match &self.place {
            Place::Column(name) => Some(name),
            _ => None,
        }
    }

    /// `table.column`, as findings name it.
    pub fn object(&self, table: &str) -> String {
        format!("{table}.{}", self.source.name)
    }

    /// `plan.tables.users.columns.age.type`, for hints.
    pub fn path(&self, table: &str, key: &str) -> String {
        path::of_column(table, &self.source.name, key)
    }
}

/// Resolves each selected table, in catalog order.
pub fn resolve<'a>(
    ctx: &Context<'a>,
    selection: &Selection<'a>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<ResolvedTable<'a>>, PlanError> {
    let tables = ctx.source.catalog.tables_with_ids();
    let selected = tables.filter(|(id, _)| selection.selected.get(id.index()) == Some(&true));
    let selected: Vec<_> = selected.map(|(id, table)| Selected::new(ctx, selection, id, table)).collect();
    let names = naming::tables(ctx, &selected, findings)?;
    let mut out = Vec::new();
    for (selected, (target, ambiguous)) in selected.into_iter().zip(names) {
        let mut table = ResolvedTable::new(selected, target, ambiguous);
        disposition::decide(ctx, &mut table, findings);
        table.columns = naming::columns(ctx, &table, findings)?;
        out.push(table);
    }
    disposition::together(ctx, &mut out, findings);
    select::unused_types(ctx, &out, findings);
    out.iter_mut().for_each(|table| counterparts::place(table, findings));
    Ok(out)
}
