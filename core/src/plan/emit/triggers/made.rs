//! Makes one trigger: its names, its statements, and what is assumed of it.

use std::collections::{HashMap, HashSet};

use super::patterns::{left_out, untranslated};
use super::recursion::fires;
use super::told::{self, Hindrance};
use super::touches::Touches;
use super::{Triggers, object};
use crate::catalog::{TableId, Trigger};
use crate::finding::{Finding, Kind};
use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::plan::given::words::ExistingRows;
use crate::plan::model::{Action, Phase, Step};
use crate::plan::resolve::names::{self, Scope};
use crate::plan::resolve::table::Disposition;
use crate::plan::target::{ExistingFunction, ExistingTable};
use crate::plan::trigger::{Fires, Needed, TriggerPlan};
use crate::plan::view::ViewPlan;
use crate::sqltext::{ident, ident_list, qualified, sqlite_unquote};
use crate::translate::program::trigger::{self as translated, Asked, Definition, Event, Time};
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
    ) -> Maker<'m, 'a> {
        let (triggers, functions, made) = (HashMap::new(), HashMap::new(), Triggers::default());
        Maker { ctx, decided, schema, definitions, touches, views, triggers, functions, made }
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
        let running = self.touches.is_recursive(at).then(|| setting(&on.schema, &function));
        let (alone, computed) = (self.beside(definition) < 2, on.computed.clone());
        let asked = Asked { running, alone, computed, unfinished: false };
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
        let notes: Vec<String> = made.notes.iter().cloned().chain(self.notes(at, definition, &on)).collect();
        if self.ctx.overrides.strict == Some(true) && !notes.is_empty() {
            return Err(Hindrance::Assumes(notes));
        }
        let mut findings: Vec<Finding> =
            (!notes.is_empty()).then(|| told::assumes(trigger, &notes)).into_iter().collect();
        findings.extend(renamed(trigger, &name, &function));
        let fires = Fires {
            time: definition.time,
            event: definition.on.event,
            columns: made.columns,
            conditional: made.when.is_some(),
        };
        let needs = self.needed(at);
        self.push(trigger, on, (name, function), Some((fires, needs)), sql);
        Ok(findings)
    }

    /// The statements that create function and trigger; none of a trigger that does nothing.
    fn statements(
        &self,
        definition: &Definition,
        on: &On<'_>,
        (name, function): (&str, &str),
        made: &translated::Trigger,
    ) -> Option<String> {
        let event = event_sql(definition.on.event, &made.columns);
        let when = made.when.as_ref().map(|when| format!(" WHEN ({when})")).unwrap_or_default();
        Some(format!(
            "{};\nCREATE TRIGGER {} {} {event} ON {} FOR EACH ROW{when} EXECUTE FUNCTION {}()",
            self.create_function(&on.schema, function, made.body.as_ref()?),
            ident(name),
            definition.time.as_sql(),
            made.table,
            qualified(&on.schema, function)
        ))
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
    fn needed(&self, at: usize) -> Needed {
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
        Needed { tables: tables.collect(), steps: steps.collect() }
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

    /// What it names is qualified or PostgreSQL's own, whatever the search path of who fires it.
    fn create_function(&self, schema: &str, function: &str, body: &str) -> String {
        let (mut mark, mut number) = ("$trigger$".to_owned(), 1);
        while body.contains(&mark) {
            number += 1;
            mark = format!("$trigger{number}$");
        }
        let there = |f: &ExistingFunction| f.schema == schema && f.name == function;
        let replace = if self.ctx.target.functions.iter().any(there) { "OR REPLACE " } else { "" };
        format!(
            "CREATE {replace}FUNCTION {}() RETURNS trigger LANGUAGE plpgsql\n\
             SET search_path = pg_catalog, pg_temp\nAS {mark}{body}{mark}",
            qualified(schema, function)
        )
    }

    /// How many triggers fire at its time for its event, with it.
    fn beside(&self, definition: &Definition) -> usize {
        let same = |other: &&Definition| other.time == definition.time && fires(&definition.on, &other.on);
        self.definitions.iter().flatten().filter(same).count()
    }

    /// What follows from the triggers and keys around it.
    fn notes(&self, at: usize, definition: &Definition, on: &On<'_>) -> Vec<String> {
        let mut notes = vec![];
        if self.beside(definition) > 1 {
            notes.push(
                "triggers of one event fire in the order of their names, which SQLite does not promise"
                    .to_owned(),
            );
        }
        if definition.time == Time::After && definition.touches_its_table() {
            notes.push(
                "it fires after all rows of a statement have changed, where SQLite fires it after each row"
                    .into(),
            );
        }
        if let Some(met) = self.touches.meets_before(at) {
            let what = met.map_or("what they touch".to_owned(), |name| format!("\"{name}\""));
            notes.push(format!(
                "BEFORE triggers of the event run for all rows of a statement before it, where SQLite goes from row to \
                 row; they meet in {what}"
            ));
        }
        if definition.time == Time::Before
            && definition.on.event != Event::Insert
            && definition.writes.iter().any(|w| w.table.eq_ignore_ascii_case(&definition.on.table))
        {
            notes.push("a statement that changes the very row that is being changed is an error".into());
        }
        if definition.time == Time::After && self.is_checked_before(definition) {
            notes.push(
                "foreign keys that are not deferrable are checked before triggers whose names follow \"RI_\""
                    .into(),
            );
        }
        if definition.raises && definition.writes.is_empty() && !definition.reads.is_empty() {
            notes.push(
                "rows that it looks for may be written or deleted by another transaction at the same time; a foreign \
                 key would hold then as well"
                    .into(),
            );
        }
        if definition.time == Time::InsteadOf
            && on.relation.view.is_some()
            && definition.on.event != Event::Delete
        {
            notes.push("values for the view have the types of its columns".into());
        }
        notes
    }

    /// A foreign key connects its table with one that it writes to.
    fn is_checked_before(&self, definition: &Definition) -> bool {
        let on = &definition.on.table;
        let connects = |a: &str, b: &str| {
            let table = self.ctx.source.catalog.table(a);
            table.is_some_and(|t| t.foreign_keys.iter().any(|key| key.parent.eq_ignore_ascii_case(b)))
        };
        definition.writes.iter().any(|w| connects(on, &w.table) || connects(&w.table, on))
    }
}

/// Of the step that makes one.
fn title(trigger: &str) -> String {
    format!("create trigger {trigger}")
}

fn event_sql(event: Event, columns: &[String]) -> String {
    match columns {
        [] => event.as_sql().to_owned(),
        _ => format!("{} OF {}", event.as_sql(), ident_list(columns)),
    }
}

/// The name of a setting for a function.
fn setting(schema: &str, function: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = format!("{schema}_{function}").chars().map(plain).collect();
    // FNV-1a, so that names that differ in other characters stay apart.
    let hash = format!("{schema}.{function}").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("sqlite_trigger.{}_{:08x}", names::clip(&name, 40), hash as u32)
}

fn renamed(trigger: &Trigger, name: &str, function: &str) -> Option<Finding> {
    let message = || format!("its function becomes \"{function}\", because \"{name}\" is taken");
    (function != name).then(|| Kind::NameChanged.info(object(trigger), message()))
}
