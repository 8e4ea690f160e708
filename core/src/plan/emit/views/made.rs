//! Makes one view: its statement, what it becomes, and how it is tried and compared.

use std::collections::{BTreeSet, HashMap};

use super::Views;
use super::told::{self, Hindrance};
use crate::catalog::View;
use crate::ddl::reads_clock;
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::decide::object::Object;
use crate::plan::decide::table::DecidedTable;
use crate::plan::decide::trial;
use crate::plan::emit::ddl;
use crate::plan::emit::relations::absent;
use crate::plan::given::carried::Carried;
use crate::plan::given::words::{Create, ExistingRows, Form};
use crate::plan::model::{Action, Phase, Step};
use crate::plan::resolve::names;
use crate::plan::target::ExistingTable;
use crate::plan::trial::{NAME, stand_in};
use crate::plan::view::{TEMPORARY, TriedView, ViewColumn, ViewPlan};
use crate::sqltext::{ident_list, qualified};
use crate::translate::program::{self, KnownView, Relation, Schema, Unsteady};

/// The most views that are made.
const MOST: usize = 1_000;

pub struct Maker<'m, 'a> {
    ctx: &'m Context<'m>,
    decided: &'m [DecidedTable<'a>],
    taken: &'m Carried,
    /// The same as the schema of the plan, over the tables of the trial.
    tried: Schema,
    /// By name in small letters: tables that a view reads, and why its rows are unsteady.
    read: HashMap<String, (BTreeSet<String>, Option<Unsteady>)>,
    /// Views whose rows may never end, in small letters.
    endless: BTreeSet<String>,
    pub made: Views,
}

/// Its statement, as far as it does not depend on what it becomes.
struct Definition {
    /// `("a", "b") AS SELECT …`
    sql: String,
    notes: Vec<String>,
    columns: Option<program::ViewColumns>,
}

impl<'m, 'a> Maker<'m, 'a> {
    pub fn new(
        ctx: &'m Context<'m>,
        decided: &'m [DecidedTable<'a>],
        taken: &'m Carried,
        schema: &Schema,
    ) -> Maker<'m, 'a> {
        let mut tried = schema.clone();
        for (at, table) in decided.iter().enumerate().filter(|(_, table)| table.fresh()) {
            // A full-text table may be read as it is.
            let target = qualified(&table.settings.schema, &table.target);
            for relation in tried.relations.iter_mut().filter(|r| r.target.as_ref() == Ok(&target)) {
                relation.target = Ok(qualified(TEMPORARY, &stand_in(at)));
            }
        }
        Maker {
            ctx,
            decided,
            taken,
            tried,
            read: HashMap::new(),
            endless: BTreeSet::new(),
            made: Views::default(),
        }
    }

    /// What was made, and over what it is tried.
    pub fn finish(self) -> Views {
        Views { tried: self.tried, ..self.made }
    }

    /// Others that read it say so.
    pub fn leave_out(&mut self, view: &View, schema: &mut Schema) {
        for schema in [schema, &mut self.tried] {
            if !schema.relations.iter().any(|r| r.source.eq_ignore_ascii_case(&view.name)) {
                schema.relations.push(absent(&view.name, "is a view, which is not carried over"));
            }
        }
    }

    pub fn make(&mut self, view: &View, schema: &mut Schema) -> Result<Option<Finding>, Hindrance> {
        let own = self.taken.own(&view.name);
        let name = self.name(view)?;
        let target = qualified(&self.ctx.plan.schema, &name);
        if self.made.plans.iter().any(|plan| plan.target == name) {
            return Err(Hindrance::InTheWay("another view has its name".into()));
        }
        let form = self.taken.form(&view.name);
        if own.is_none() && self.is_endless(view) {
            self.endless.insert(view.name.to_ascii_lowercase());
            if let Some(form) = form {
                return Err(Hindrance::Endless(form));
            }
        }
        let replaced = match self.replaced(&name, &target, form) {
            Err(there @ Hindrance::There(_)) if own.is_none() => {
                self.see(view, &name, schema);
                return Err(there);
            }
            replaced => replaced?,
        };
        let definition = match own {
            Some(text) => Definition { sql: self.own_definition(view, text), notes: vec![], columns: None },
            None => self.translated(view, schema)?,
        };
        if self.ctx.overrides.strict == Some(true) && !definition.notes.is_empty() {
            return Err(Hindrance::Assumes(definition.notes));
        }
        let refused = self.ctx.target.refused_views.iter().find(|refused| refused.source == view.name);
        if let Some(reason) = refused.map(|refused| refused.reason.clone()) {
            return Err(if own.is_some() {
                Hindrance::OwnInvalid(reason)
            } else {
                Hindrance::Invalid(reason)
            });
        }
        if let Some(word) = replaced {
            self.made.dropped.push((self.ctx.plan.schema.clone(), name.clone(), view.name.clone()));
            let title = format!("drop {} {}", word.to_ascii_lowercase(), view.name);
            self.made.steps.push(step(Phase::Tables, title, format!("DROP {word} {target}")));
        }
        self.create(view, name, &target, form, &definition);
        self.try_out(view, &definition);
        if let Some(columns) = definition.columns {
            let tried = tried_view(self.made.plans.len());
            let stored = form.is_some() || reads_stored(view, schema);
            self.add(view, (target, tried), KnownView { columns, stored, instead: Some(vec![]) }, schema);
        }
        Ok((!definition.notes.is_empty()).then(|| told::assumes(view, &definition.notes)))
    }

    /// Lets other statements read it, and those that are tried what stands in for it.
    fn add(&mut self, view: &View, (target, tried): (String, String), known: KnownView, schema: &mut Schema) {
        let source = view.name.clone();
        let relation =
            Relation { source, target: Ok(target), columns: vec![], rowid: None, view: Some(known) };
        self.tried.relations.push(Relation { target: Ok(tried), ..relation.clone() });
        schema.relations.push(relation);
    }

    /// A view that is there has the columns that it would get, as far as names tell: others may read it.
    fn see(&mut self, view: &View, name: &str, schema: &mut Schema) {
        let is = |r: &&ExistingTable| r.schema == self.ctx.plan.schema && r.name == name;
        let there = self.ctx.target.relations.iter().find(is);
        let translated = self.translated(view, schema).ok().and_then(|definition| definition.columns);
        let (Some(there), Some(columns)) = (there, translated) else { return };
        if there.columns.iter().map(|column| column.name.as_str()).eq(columns.names()) {
            let target = qualified(&self.ctx.plan.schema, name);
            let stored = there.relkind != 'v' || reads_stored(view, schema);
            let known = KnownView { columns, stored, instead: None };
            self.add(view, (target.clone(), target), known, schema);
        }
    }

    fn fold(&self, name: &str) -> String {
        let folded = names::fold(self.ctx.names, name);
        if folded.is_empty() { "unnamed".into() } else { names::clip(&folded, names::LIMIT).to_owned() }
    }

    /// The name that it gets.
    pub fn made_as(&self, view: &View) -> String {
        self.fold(&self.ctx.name_rules.table(&view.name))
    }

    fn translated(&self, view: &View, schema: &Schema) -> Result<Definition, Hindrance> {
        let translated = program::view(&view.sql, schema, |name| self.fold(name))?;
        let (sql, notes) = (translated.sql, translated.notes);
        Ok(Definition { sql, notes, columns: Some(translated.columns) })
    }

    /// The plan's own text, in parentheses, so that it is one query. The names of CREATE VIEW are SQLite's.
    fn own_definition(&self, view: &View, text: &str) -> String {
        let text = text.trim_end().trim_end_matches(';');
        match program::declared_names(&view.sql) {
            // A line break ends a comment.
            None => format!("AS ({text}\n)"),
            Some(names) => {
                format!("({}) AS ({text}\n)", ident_list(names.iter().map(|name| self.fold(name))))
            }
        }
    }

    /// Its name, if that is free among all that the plan makes.
    fn name(&self, view: &View) -> Result<String, Hindrance> {
        let (ctx, decided) = (self.ctx, self.decided);
        let no = |reason: &str| Err(Hindrance::InTheWay(reason.into()));
        if ctx.plan.create == Create::Never {
            return no("create is \"never\"");
        }
        let schema = &ctx.plan.schema;
        let made_for_tables =
            || decided.iter().any(|table| table.fresh() && table.settings.schema == *schema);
        if !ctx.target.schemas.contains(schema) && !made_for_tables() {
            return no("its schema does not exist");
        }
        if self.made.plans.len() >= MOST {
            return no("the file has too many views");
        }
        let name = self.made_as(view);
        if decided.iter().any(|table| table.settings.schema == *schema && table.target == name) {
            return no("a table of the plan has its name");
        }
        if made_beside(ctx, decided, &name) {
            return no("a key, an index or a sequence of the plan has its name");
        }
        if ctx.target.types.iter().any(|of| of.schema == *schema && of.name == name) {
            return no(&format!("type {} exists", qualified(schema, &name)));
        }
        Ok(name)
    }

    /// What is dropped for it, where the plan says so.
    fn replaced(
        &self,
        name: &str,
        target: &str,
        form: Option<Form>,
    ) -> Result<Option<&'static str>, Hindrance> {
        let ctx = self.ctx;
        let is = |r: &&ExistingTable| r.schema == ctx.plan.schema && r.name == name;
        let Some(there) = ctx.target.relations.iter().find(is) else { return Ok(None) };
        let word = match there.relkind {
            'v' => "VIEW",
            'm' => "MATERIALIZED VIEW",
            'r' if form == Some(Form::Table) => "TABLE",
            _ => return Err(Hindrance::InTheWay(format!("{target} exists, and is left alone"))),
        };
        if ctx.plan.existing_rows != ExistingRows::Replace {
            return Err(Hindrance::There(target.to_owned()));
        }
        if !there.owned {
            return Err(Hindrance::InTheWay(format!("{target} exists, and belongs to another role")));
        }
        Ok(Some(word))
    }

    fn create(
        &mut self,
        view: &View,
        name: String,
        target: &str,
        form: Option<Form>,
        definition: &Definition,
    ) {
        let (word, title) = match form {
            None => ("VIEW", format!("create view {}", view.name)),
            Some(Form::Materialized) => {
                ("MATERIALIZED VIEW", format!("create materialized view {}", view.name))
            }
            Some(Form::Table) => ("TABLE", format!("create table of view {}", view.name)),
        };
        let sql = format!("CREATE {word} {target} {}", definition.sql);
        self.made.steps.push(step(Phase::Views, title.clone(), sql));
        if form.is_some() && self.ctx.plan.analyze {
            let title = format!("analyze {}", view.name);
            self.made.steps.push(step(Phase::Analyze, title, format!("ANALYZE {target}")));
        }
        let (reads, unsteady) = self.reads(view);
        let unsteady = unsteady.or_else(|| Unsteady::of_translation(&definition.sql));
        let columns = definition.columns.iter().flat_map(program::ViewColumns::origins);
        let column = |(origin, format)| ViewColumn { origin, format };
        let plan = ViewPlan {
            source: view.name.clone(),
            schema: self.ctx.plan.schema.clone(),
            target: name,
            form,
            own: definition.columns.is_none(),
            title,
            columns: columns.map(column).collect(),
            reads: reads.iter().cloned().collect(),
            unsteady,
            of_table: None,
        };
        self.read.insert(view.name.to_ascii_lowercase(), (reads, unsteady));
        self.made.plans.push(plan);
    }

    /// The tables that its definition in the file reads, also through views.
    fn reads(&self, view: &View) -> (BTreeSet<String>, Option<Unsteady>) {
        let clock = reads_clock(&view.sql).then_some(Unsteady::Clock);
        let own = program::unsteady(&view.sql);
        let endless = |of: &Unsteady| *of == Unsteady::Endless;
        let (mut reads, mut unsteady) = (BTreeSet::new(), own.filter(endless).or(clock).or(own));
        for name in program::read_by(&view.sql) {
            match self.read.get(&name.to_ascii_lowercase()) {
                Some((tables, of_view)) => {
                    reads.extend(tables.iter().cloned());
                    let own = unsteady.filter(|own| !own.may_be_equal());
                    unsteady = of_view.filter(endless).or(own).or(*of_view).or(unsteady);
                }
                None => _ = reads.insert(name),
            }
        }
        (reads, unsteady)
    }

    /// Its rows, or those of a view that it reads, may never end: nothing stops an import that stores them.
    fn is_endless(&self, view: &View) -> bool {
        let mut read = program::read_by(&view.sql).into_iter().map(|name| name.to_ascii_lowercase());
        program::unsteady(&view.sql) == Some(Unsteady::Endless)
            || read.any(|name| self.endless.contains(&name))
    }

    /// How it is tried before anything is written.
    fn try_out(&mut self, view: &View, definition: &Definition) {
        let Some(statement) = self.made.steps.iter().rev().find(|s| s.phase == Phase::Views).map(Step::sql)
        else {
            return;
        };
        let name = tried_view(self.made.plans.len());
        let own = definition.columns.is_none();
        // It may name what these are to create.
        let before = self.ctx.overrides.before.as_ref().is_some_and(|statements| !statements.is_empty());
        if own && before || self.ctx.target.no_temporary {
            return;
        }
        let sql = if own {
            Some(definition.sql.clone())
        } else {
            self.translated(view, &self.tried).ok().map(|d| d.sql)
        };
        let Some(sql) = sql else { return };
        for (at, table) in self.decided.iter().enumerate().filter(|(_, table)| table.fresh()) {
            let is_it = |read: &String| {
                let as_it = table.searches.iter().any(|search| search.source.eq_ignore_ascii_case(read));
                as_it || read.eq_ignore_ascii_case(&table.source.name)
            };
            let reads = |plan: &ViewPlan| plan.reads.iter().any(is_it);
            let create = trial::stand_in(table, &qualified(TEMPORARY, &stand_in(at)));
            if self.made.plans.last().is_some_and(reads) && !self.made.trial.tables.contains(&create) {
                self.made.trial.tables.push(create);
            }
        }
        let sql = format!("CREATE TEMPORARY VIEW {name} {sql}");
        self.made.trial.views.push(TriedView { source: view.name.clone(), sql, statement, own });
    }
}

/// Its rows depend on others that are those of the import.
fn reads_stored(view: &View, schema: &Schema) -> bool {
    let stored = |name: &String| {
        let mut relations = schema.relations.iter().filter(|r| r.source.eq_ignore_ascii_case(name));
        relations.any(|r| r.view.as_ref().is_some_and(|view| view.stored))
    };
    program::read_by(&view.sql).iter().any(stored)
}

fn tried_view(at: usize) -> String {
    qualified(TEMPORARY, &format!("{NAME}_v{at}"))
}

/// Keys, indexes and sequences are relations as well.
fn made_beside(ctx: &Context<'_>, decided: &[DecidedTable<'_>], name: &str) -> bool {
    let relation = |object: &Object| !matches!(object, Object::Check { .. } | Object::ForeignKey { .. });
    decided.iter().filter(|table| table.settings.schema == ctx.plan.schema).any(|table| {
        let mut objects = table.objects.iter().filter(|object| relation(object)).filter_map(Object::name);
        let identities = table.columns.iter().filter(|c| table.fresh() && ddl::is_identity(c));
        let mut sequences = identities.map(|c| names::make_object_name(&table.target, &c.target, "seq"));
        objects.any(|object| object == name) || sequences.any(|sequence| sequence == name)
    })
}

fn step(phase: Phase, title: String, sql: String) -> Step {
    Step { title, phase, action: Action::Sql(sql), table: None, built: None }
}
