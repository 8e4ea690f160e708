//! Makes one trigger: its names, its statements, and what is assumed of it.

use std::collections::{HashMap, HashSet};

use super::patterns::{left_out, untranslated};
use super::surroundings::Surroundings;
use super::text::{self, Function};
use super::told::{self, Hindrance};
use super::touches::Touches;
use super::trial::{self, Candidate};
use super::{Triggers, object};
use crate::catalog::{TableId, Trigger};
use crate::finding::{Finding, Kind};
use crate::plan::context::Context;
use crate::plan::decide::object::Object;
use crate::plan::decide::table::DecidedTable;
use crate::plan::emit::{ddl, writables};
use crate::plan::given::words::ExistingRows;
use crate::plan::model::{Action, Phase, Step};
use crate::plan::resolve::names::{self, Scope};
use crate::plan::resolve::table::Disposition;
use crate::plan::target::{ExistingFunction, ExistingTable};
use crate::plan::trigger::{Fires, Needed, TriggerPlan};
use crate::plan::view::ViewPlan;
use crate::sqltext::{ident, qualified, sqlite_unquote};
use crate::translate::program::trigger::{self as translated, Asked, Definition};
use crate::translate::program::{Relation, Schema};

pub struct Maker<'m, 'a> {
    ctx: &'m Context<'m>,
    decided: &'m [DecidedTable<'a>],
    schema: &'m Schema,
    /// Of all triggers that are carried over, by their places; none of one that cannot be read.
    definitions: &'m [Option<Definition>],
    touches: &'m Touches<'m>,
    /// The views that are made.
    views: &'m [ViewPlan],
    /// The same schema over what stands in for it, where triggers are to be tried.
    tried: Option<&'m Schema>,
    /// Names of triggers, by the qualified table; and of functions, by the schema.
    triggers: HashMap<(String, String), Scope>,
    functions: HashMap<String, Scope>,
    pub made: Triggers,
}

/// The table or view that a trigger is on.
struct On<'a> {
    schema: String,
    name: String,
    table: Option<TableId>,
    computed: Vec<String>,
    relation: &'a Relation,
}

impl<'m, 'a> Maker<'m, 'a> {
    pub fn new(
        ctx: &'m Context<'m>,
        decided: &'m [DecidedTable<'a>],
        schema: &'m Schema,
        (definitions, touches): (&'m [Option<Definition>], &'m Touches<'m>),
        views: &'m [ViewPlan],
        tried: Option<&'m Schema>,
    ) -> Maker<'m, 'a> {
        let (triggers, functions, made) = (HashMap::new(), HashMap::new(), Triggers::default());
        Maker { ctx, decided, schema, definitions, touches, views, tried, triggers, functions, made }
    }

    /// Translates a trigger.
    pub fn make(
        &mut self,
        at: usize,
        trigger: &Trigger,
        definition: &Definition,
    ) -> Result<Vec<Finding>, Hindrance> {
        let catalog = self.ctx.source.catalog;
        if let Some(known) = left_out(catalog, definition) {
            return Err(Hindrance::Known(known));
        }
        let on = self.on(&definition.on.table)?;
        let (name, function) = self.names(trigger, &on);
        let running = self.touches.is_recursive(at).then(|| text::setting(&on.schema, &function));
        let (alone, computed) = (self.around().beside(definition) < 2, on.computed.clone());
        let asked = Asked { running, alone, computed, unstored: vec![], unfinished: false };
        let translate = |asked: &Asked| translated::trigger(&trigger.sql, definition, self.schema, asked);
        let made = translate(&asked).map_err(|refusal| match untranslated(catalog, definition) {
            Some(known) => Hindrance::Known(known),
            None => {
                let unfinished = translate(&Asked { unfinished: true, ..asked.clone() }).ok();
                let template =
                    unfinished.and_then(|made| self.statements(definition, &on, (&name, &function), &made));
                Hindrance::Refused(refusal, template)
            }
        })?;
        let Some(sql) = self.statements(definition, &on, (&name, &function), &made) else {
            return Err(Hindrance::Nothing);
        };
        let notes: Vec<String> =
            made.notes.iter().cloned().chain(self.around().notes(at, definition, on.relation)).collect();
        if self.ctx.overrides.strict == Some(true) && !notes.is_empty() {
            return Err(Hindrance::Assumes(notes));
        }
        let mut findings: Vec<Finding> =
            (!notes.is_empty()).then(|| told::assumes(trigger, &notes)).into_iter().collect();
        findings.extend(renamed(trigger, &name, &function));
        if let Some(refused) = self.ctx.target.refused_triggers.iter().find(|r| r.source == trigger.name) {
            return Err(Hindrance::Invalid(refused.reason.clone(), sql));
        }
        if let Some(tried) = self.tried {
            let of = Candidate { at, source: &trigger.name, sql: &trigger.sql, definition, asked };
            trial::add(&mut self.made.trial, self.decided, self.touches, tried, &of);
        }
        let fires = Fires {
            time: definition.time,
            event: definition.on.event,
            columns: made.columns,
            conditional: made.when.is_some(),
        };
        let needs = self.needed(at, definition, made.body.as_deref().unwrap_or_default());
        self.push(trigger, on, (name, function), Some((fires, needs)), sql);
        Ok(findings)
    }

    fn statements(
        &self,
        definition: &Definition,
        on: &On<'_>,
        (name, function): (&str, &str),
        made: &translated::Trigger,
    ) -> Option<String> {
        let there = |f: &ExistingFunction| f.schema == on.schema && f.name == function;
        let replaces = self.ctx.target.functions.iter().any(there);
        text::statements(definition, made, name, &Function { schema: &on.schema, name: function, replaces })
    }

    fn around(&self) -> Surroundings<'m> {
        Surroundings {
            catalog: self.ctx.source.catalog,
            definitions: self.definitions,
            touches: self.touches,
        }
    }

    /// The text of the plan's own: it makes function and trigger.
    pub fn own(&mut self, trigger: &Trigger, sql: &str) -> Result<Vec<Finding>, Hindrance> {
        let on = self.on(&trigger.table)?;
        let name = self.fold(&trigger.name);
        self.push(trigger, on, (name.clone(), name), None, sql.to_owned());
        Ok(vec![])
    }

    fn push(
        &mut self,
        trigger: &Trigger,
        on: On<'_>,
        (name, function): (String, String),
        known: Option<(Fires, Needed)>,
        sql: String,
    ) {
        let (title, action) = (title(&trigger.name), Action::Sql(sql));
        let step =
            Step { title: title.clone(), phase: Phase::Triggers, action, table: on.table, built: None };
        self.made.steps.push(step);
        let (source, schema, table) = (trigger.name.clone(), on.schema, on.name);
        let (fires, needs) = known.map_or((None, Needed::default()), |(fires, needs)| (Some(fires), needs));
        self.made.plans.push(TriggerPlan { source, schema, table, name, function, fires, title, needs });
    }

    /// What has to be there when it fires.
    fn needed(&self, at: usize, definition: &Definition, body: &str) -> Needed {
        let instead = self.touches.instead_of(at);
        let names = self.touches.named_by(&[&[at], instead.as_slice()].concat());
        let relations = self.schema.relations.iter();
        let targets: HashSet<&String> = relations
            .filter(|relation| names.contains(&relation.source.to_ascii_lowercase()))
            .filter_map(|relation| relation.target.as_ref().ok())
            .collect();
        let is_named = |d: &&DecidedTable<'_>| targets.contains(&qualified(&d.settings.schema, &d.target));
        let tables = self.decided.iter().filter(|table| table.fresh()).filter(is_named).map(|table| table.id);
        let views = self.views.iter().filter(|view| names.contains(&view.source.to_ascii_lowercase()));
        let triggers = instead.iter().filter_map(|at| self.ctx.source.catalog.triggers.get(*at));
        let steps = views.map(|view| view.title.clone()).chain(triggers.map(|of| title(&of.name)));
        let steps = steps.chain(self.keys_needed(definition, body));
        Needed { tables: tables.collect(), steps: steps.collect() }
    }

    /// The titles of what makes the keys whose conflicts it resolves: without one, its statement is an error, or writes what
    /// SQLite would leave.
    fn keys_needed(&self, definition: &Definition, body: &str) -> Vec<String> {
        let written = |d: &&DecidedTable<'_>| {
            definition.writes.iter().any(|write| write.table.eq_ignore_ascii_case(&d.source.name))
        };
        let resolves =
            |clause: &String| body.contains(clause.as_str()) || body.contains(" ON CONFLICT DO NOTHING");
        let written = self.decided.iter().filter(|d| d.fresh()).filter(written);
        let keys = written.flat_map(|d| {
            let resolved =
                move |object: &&Object| writables::clause_of(object).as_ref().is_some_and(resolves);
            d.objects.iter().filter(resolved).filter_map(|object| ddl::object(d, object))
        });
        keys.map(|(title, _)| title).collect()
    }

    /// The table or view, if the plan makes it.
    fn on(&self, name: &str) -> Result<On<'m>, Hindrance> {
        let schema: &'m Schema = self.schema;
        let found = schema.relations.iter().find(|r| r.source.eq_ignore_ascii_case(name));
        let Some(relation) = found.filter(|r| r.target.is_ok()) else {
            let reason = found.and_then(|r| r.target.clone().err());
            let view = self.ctx.source.catalog.views.iter().any(|view| view.name.eq_ignore_ascii_case(name));
            return Err(match reason.filter(|_| view) {
                Some(reason) => Hindrance::InTheWay(format!("{name} {reason}")),
                None => Hindrance::WithoutTable,
            });
        };
        if let Some(known) = &relation.view {
            let view = &relation.source;
            if known.instead.is_none() {
                return Err(Hindrance::KeptView);
            }
            if self.ctx.overrides.views.as_ref().is_some_and(|views| views.form(view).is_some()) {
                return Err(Hindrance::InTheWay(format!("{view} is no view in the target")));
            }
            let schema = self.ctx.plan.schema.clone();
            let quoted =
                relation.target.as_ref().ok().and_then(|t| t.strip_prefix(&format!("{}.", ident(&schema))));
            let name = sqlite_unquote(quoted.unwrap_or_default());
            return Ok(On { schema, name, table: None, computed: vec![], relation });
        }
        let decided = self.decided.iter().find(|d| d.source.name.eq_ignore_ascii_case(name));
        let Some(table) = decided else { return Err(Hindrance::WithoutTable) };
        if !table.fresh() {
            return Err(Hindrance::Kept);
        }
        let computed = table.columns.iter().filter(|c| c.computed()).map(|c| c.target.clone()).collect();
        let (schema, name) = (table.settings.schema.clone(), table.target.clone());
        Ok(On { schema, name, table: Some(table.id), computed, relation })
    }

    fn fold(&self, name: &str) -> String {
        names::clip(&names::fold(self.ctx.names, name), names::LIMIT).to_owned()
    }

    /// Free names for the trigger and its function: that of the file, or one with a number.
    fn names(&mut self, trigger: &Trigger, on: &On<'_>) -> (String, String) {
        let wanted = match self.fold(&trigger.name) {
            name if name.is_empty() => "unnamed".to_owned(),
            name => name,
        };
        let place = (on.schema.clone(), on.name.clone());
        let name = self.triggers.entry(place).or_default().claim(&wanted);
        let ctx = self.ctx;
        let first = !self.functions.contains_key(&on.schema);
        let replaced = if first { self.replaced() } else { vec![] };
        let functions = self.functions.entry(on.schema.clone()).or_insert_with(|| {
            let mut scope = Scope::default();
            let taken = ctx.target.functions.iter().filter(|f| f.schema == on.schema);
            // One without triggers is nobody's that is dropped.
            let free = |f: &ExistingFunction| {
                ctx.plan.existing_rows == ExistingRows::Replace
                    && f.replaceable
                    && !f.tables.is_empty()
                    && f.tables.iter().all(|oid| replaced.contains(oid))
            };
            taken.filter(|f| !free(f)).for_each(|f| _ = scope.reserve(&f.name));
            scope
        });
        (name.clone(), functions.claim(&name))
    }

    /// The oids of the relations that the plan drops.
    fn replaced(&self) -> Vec<u32> {
        let dropped = |r: &&ExistingTable| {
            let is = |d: &&DecidedTable<'_>| d.settings.schema == r.schema && d.target == r.name;
            let table = self.decided.iter().find(is).is_some_and(|d| d.disposition == Disposition::Replace);
            let name = Ok(qualified(&r.schema, &r.name));
            table || self.schema.relations.iter().any(|of| of.view.is_some() && of.target == name)
        };
        self.ctx.target.relations.iter().filter(dropped).map(|r| r.oid).collect()
    }
}

/// Of the step that makes one.
fn title(trigger: &str) -> String {
    format!("create trigger {trigger}")
}

fn renamed(trigger: &Trigger, name: &str, function: &str) -> Option<Finding> {
    let message = || format!("its function becomes \"{function}\", because \"{name}\" is taken");
    (function != name).then(|| Kind::NameChanged.info(object(trigger), message()))
}
