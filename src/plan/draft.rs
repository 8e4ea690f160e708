//! A table while its decisions are being made: source facts on one side, what becomes of them on the other.

use super::names::{self, Named};
use super::overrides::{ColumnGiven, Overrides, TableGiven, invalid, join};
use super::rules::Rules;
use super::select::Selection;
use super::settings::Settings;
use super::words::{Create, ExistingRows, Names};
use super::{Action, ExistingTable, OnInvalid, Phase, PlanError, Source, Target};
use crate::catalog::{Column, Table};
use crate::finding::{Cause, Finding};
use crate::translate;
use crate::types::TableProfile;
use crate::value::Format;

/// What every decision may look at.
pub struct Context<'a> {
    pub source: &'a Source<'a>,
    pub target: &'a Target,
    pub given: &'a Overrides,
    pub plan: Settings,
    pub names: Names,
    pub rules: &'a Rules,
}

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
}

/// One selected table.
pub struct Draft<'a> {
    pub table: &'a Table,
    pub profile: Option<&'a TableProfile>,
    pub given: Option<&'a TableGiven>,
    pub settings: Settings,
    pub target: String,
    pub existing: Option<&'a ExistingTable>,
    pub fate: Fate,
    pub columns: Vec<DraftColumn<'a>>,
    /// Names of its constraints.
    pub constraints: names::Scope,
    /// Source columns of its keys that a foreign key may point to.
    pub unique: Vec<Vec<String>>,
    /// Steps after the load, by phase.
    pub after: Vec<(Phase, String, Action)>,
    pub detail: Vec<String>,
}

/// One column of a selected table.
pub struct DraftColumn<'a> {
    pub source: &'a Column,
    pub given: Option<&'a ColumnGiven>,
    pub target: String,
    pub skip: bool,
    pub rowid_alias: bool,
    pub pg_type: String,
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
        !matches!(self.fate, Fate::Keep { .. })
    }

    /// `plan.tables.users.skip`, for hints.
    pub fn path(&self, key: &str) -> String {
        join(&join("plan.tables", &self.table.name), key)
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
        if selection.chosen.get(i) == Some(&true) {
            let given = selection.given.get(i).copied().flatten();
            let profile = ctx.source.profiles.get(i).and_then(Option::as_ref);
            drafts.push(empty(ctx, table, given, profile));
        }
    }
    name_tables(ctx, &mut drafts, notes)?;
    for draft in &mut drafts {
        draft.columns = columns(ctx, draft, notes)?;
        decide_fate(ctx, draft, notes);
    }
    Ok(drafts)
}

fn empty<'a>(
    ctx: &Context<'a>,
    table: &'a Table,
    given: Option<&'a TableGiven>,
    profile: Option<&'a TableProfile>,
) -> Draft<'a> {
    Draft {
        table,
        profile,
        given,
        settings: ctx.plan.of_table(given),
        target: String::new(),
        existing: None,
        fate: Fate::Create,
        columns: vec![],
        constraints: names::Scope::default(),
        unique: vec![],
        after: vec![],
        detail: vec![],
    }
}

fn name_tables(
    ctx: &Context<'_>,
    drafts: &mut [Draft<'_>],
    notes: &mut Vec<Finding>,
) -> Result<(), PlanError> {
    let mut schemas: Vec<String> = Vec::new();
    let mut scope_of = Vec::new();
    for draft in drafts.iter() {
        let at = schemas.iter().position(|s| *s == draft.settings.schema).unwrap_or_else(|| {
            schemas.push(draft.settings.schema.clone());
            schemas.len() - 1
        });
        scope_of.push(at);
    }
    let mut scopes: Vec<names::Scope> = schemas.iter().map(|_| names::Scope::default()).collect();
    let given = |d: &Draft<'_>| d.given.and_then(|g| g.target.clone());
    let targets: Vec<Option<String>> = drafts.iter().map(given).collect();
    let wanted: Vec<_> =
        drafts.iter().zip(&targets).map(|(d, t)| (d.table.name.as_str(), t.as_deref())).collect();
    let path = |i: usize| join(&join("plan.tables", wanted.get(i).map_or("", |w| w.0)), "target");
    check_given(&wanted, path)?;
    let named = names::assign(ctx.names, &wanted, &mut scopes.iter_mut().collect::<Vec<_>>(), &scope_of)
        .map_err(|i| invalid(path(i), "another table has this name", ""))?;
    for (draft, named) in drafts.iter_mut().zip(named) {
        report_name(notes, "table", draft.table.name.clone(), &named, &draft.path("target"));
        draft.target = named.name;
    }
    Ok(())
}

fn check_given(wanted: &[(&str, Option<&str>)], path: impl Fn(usize) -> String) -> Result<(), PlanError> {
    match wanted.iter().position(|(_, given)| given.is_some_and(|g| g.len() > names::LIMIT)) {
        Some(i) => Err(invalid(path(i), "longer than 63 bytes", "PostgreSQL cuts names to 63 bytes.")),
        None => Ok(()),
    }
}

fn report_name(notes: &mut Vec<Finding>, what: &str, object: String, named: &Named, key: &str) {
    if let Some(why) = named.changed {
        let message = format!("{what} {why}, it becomes \"{}\"", named.name);
        notes.push(Finding::warning(object, message, format!("Set {key} to another name.")));
    }
}

fn columns<'a>(
    ctx: &Context<'_>,
    draft: &Draft<'a>,
    notes: &mut Vec<Finding>,
) -> Result<Vec<DraftColumn<'a>>, PlanError> {
    let entries = draft.given.map_or(&[][..], |g| g.columns.as_slice());
    let given = |c: &Column| entries.iter().find(|(n, _)| n.eq_ignore_ascii_case(&c.name)).map(|(_, g)| g);
    let kept = |c: &Column| !c.hidden && given(c).is_none_or(|g| g.skip != Some(true));
    let taking: Vec<&'a Column> = draft.table.columns.iter().filter(|c| kept(c)).collect();
    let wanted: Vec<_> =
        taking.iter().map(|c| (c.name.as_str(), given(c).and_then(|g| g.name.as_deref()))).collect();
    let base = join(&join("plan.tables", &draft.table.name), "columns");
    let path = |i: usize| join(&join(&base, wanted.get(i).map_or("", |w| w.0)), "name");
    check_given(&wanted, path)?;
    let mut scope = names::Scope::default();
    for name in names::SYSTEM_COLUMNS {
        scope.reserve(name);
    }
    let named = names::assign(ctx.names, &wanted, &mut [&mut scope], &vec![0; wanted.len()])
        .map_err(|i| invalid(path(i), "another column, or PostgreSQL itself, has this name", ""))?;
    let mut named = named.into_iter();
    let column = |source: &'a Column| {
        let skip = !kept(source);
        let name = if skip { None } else { named.next() };
        if let Some(named) = &name {
            let object = format!("{}.{}", draft.table.name, source.name);
            report_name(notes, "column", object, named, &join(&join(&base, &source.name), "name"));
        }
        new_column(draft, source, given(source), name.map(|n| n.name).unwrap_or_default(), skip)
    };
    Ok(draft.table.columns.iter().map(column).collect())
}

fn new_column<'a>(
    draft: &Draft<'a>,
    source: &'a Column,
    given: Option<&'a ColumnGiven>,
    target: String,
    skip: bool,
) -> DraftColumn<'a> {
    let alias = draft.table.primary_key.as_ref().filter(|pk| pk.rowid_alias);
    let alias = alias.and_then(|pk| pk.columns.first());
    DraftColumn {
        source,
        given,
        target,
        skip,
        rowid_alias: alias.is_some_and(|name| name.eq_ignore_ascii_case(&source.name)),
        pg_type: "text".into(),
        format: None,
        reason: String::new(),
        pinned: false,
        not_null: source.not_null,
        default: None,
        generated: None,
        on_invalid: given.and_then(|g| g.on_invalid).unwrap_or(draft.settings.on_invalid),
        nocase: false,
    }
}

fn decide_fate<'a>(ctx: &Context<'a>, draft: &mut Draft<'a>, notes: &mut Vec<Finding>) {
    let here = |r: &&ExistingTable| r.schema == draft.settings.schema && r.name == draft.target;
    let Some(existing) = ctx.target.relations.iter().find(here) else { return };
    let (object, title) = (draft.table.name.clone(), draft.title());
    let table = matches!(existing.relkind, 'r' | 'p');
    let (fate, problem) = match (draft.settings.create, draft.settings.existing_rows) {
        _ if !table => (Fate::Create, Some("exists and is not a table")),
        (_, ExistingRows::Replace) => (Fate::Replace, None),
        (Create::Always, _) => (Fate::Create, Some("exists, and the plan says create: \"always\"")),
        (_, ExistingRows::Truncate) => (Fate::Keep { truncate: true }, None),
        (_, ExistingRows::Error) if existing.has_rows => {
            (Fate::Keep { truncate: false }, Some("exists and has rows"))
        }
        _ => (Fate::Keep { truncate: false }, None),
    };
    draft.fate = fate;
    draft.existing = Some(existing).filter(|_| table && matches!(fate, Fate::Keep { .. }));
    if let Some(problem) = problem {
        let hint = if table {
            "Set existing_rows to \"append\", \"truncate\" or \"replace\", or choose another schema or target."
        } else {
            "Choose another schema or target."
        };
        let finding = Finding::blocking(object, format!("\"{title}\" {problem}"), hint);
        notes.push(finding.because(Cause::DuplicateTable).of(&draft.table.name));
    }
}
