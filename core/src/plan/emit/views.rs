//! The views of the file: those that the plan takes and that can be translated become views of the target.
//!
//! A view may read views that stand later in the file: those come first. Each runs with the
//! rights of its owner, who is the role that imports, as PostgreSQL's views do.

use std::collections::{HashMap, HashSet, VecDeque};

use super::ddl;
use super::relations::absent;
use crate::catalog::View;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::decide::object::Object;
use crate::plan::decide::table::DecidedTable;
use crate::plan::given::objects::Objects;
use crate::plan::given::words::{Create, ExistingRows};
use crate::plan::model::{Action, Phase, Step};
use crate::plan::resolve::names;
use crate::sqltext::qualified;
use crate::translate::program::{self, Refusal, Relation, Schema};

/// The most views that are translated.
const MOST: usize = 1_000;

/// Adds the views to what statements can name, and tells of those that are left out. The steps that make the others.
pub fn views(
    ctx: &Context<'_>,
    decided: &[DecidedTable<'_>],
    schema: &mut Schema,
    findings: &mut Vec<Finding>,
) -> Vec<Step> {
    let taken = ctx.overrides.views.clone().unwrap_or(Objects::None);
    let (wanted, others): (Vec<&View>, Vec<&View>) =
        ctx.source.catalog.views.iter().partition(|view| taken.take(&view.name));
    for view in others {
        schema.relations.push(absent(&view.name, "is a view, which is not carried over"));
        let finding = not_carried(view, "");
        findings.push(finding.fix(Fix::of_plan("views", true), " to translate it"));
    }
    let mut steps = vec![];
    let mut missing = vec![];
    let mut order = Order::of(&wanted);
    while let Some(view) = order.next().and_then(|at| wanted.get(at)) {
        match made(ctx, decided, view, schema, &mut steps) {
            Ok(found) => findings.extend(found),
            Err(refusal) => {
                schema.relations.push(absent(&view.name, "is a view, which is not carried over"));
                missing.push(refused(view, &refusal));
            }
        }
    }
    findings.extend(missing);
    steps
}

/// Views in an order in which each comes after those that it reads. What reads itself comes last, as the file has it.
struct Order {
    ready: VecDeque<usize>,
    /// By view: how many that it reads are still to come, and who reads it.
    waits: Vec<usize>,
    readers: Vec<Vec<usize>>,
    rest: VecDeque<usize>,
}

impl Order {
    fn of(views: &[&View]) -> Order {
        let name = |name: &str| name.to_ascii_lowercase();
        let places: HashMap<String, usize> =
            views.iter().enumerate().map(|(at, view)| (name(&view.name), at)).collect();
        let (mut waits, mut readers) = (vec![0; views.len()], vec![vec![]; views.len()]);
        for (at, view) in views.iter().enumerate() {
            let read: HashSet<usize> = program::read_by(&view.sql)
                .iter()
                .filter_map(|read| places.get(&name(read)).copied())
                .collect();
            waits[at] = read.len();
            read.into_iter().for_each(|read| readers[read].push(at));
        }
        let ready = (0..views.len()).filter(|at| waits[*at] == 0).collect();
        Order { ready, waits, readers, rest: (0..views.len()).collect() }
    }

    fn next(&mut self) -> Option<usize> {
        let Some(at) = self.ready.pop_front() else {
            let waits = &self.waits;
            return std::iter::from_fn(|| self.rest.pop_front()).find(|at| waits[*at] > 0);
        };
        for reader in std::mem::take(&mut self.readers[at]) {
            self.waits[reader] -= 1;
            if self.waits[reader] == 0 {
                self.ready.push_back(reader);
            }
        }
        Some(at)
    }
}

fn made(
    ctx: &Context<'_>,
    decided: &[DecidedTable<'_>],
    view: &View,
    schema: &mut Schema,
    steps: &mut Vec<Step>,
) -> Result<Option<Finding>, Refusal> {
    let no = |reason: &str| Refusal { reason: reason.into(), place: None, near: None, with_schema: true };
    if ctx.plan.create == Create::Never {
        return Err(no("create is \"never\""));
    }
    let schema_name = &ctx.plan.schema;
    let made_for_tables =
        || decided.iter().any(|table| table.fresh() && table.settings.schema == *schema_name);
    if !ctx.target.schemas.contains(schema_name) && !made_for_tables() {
        return Err(no("its schema does not exist"));
    }
    if steps.len() >= MOST {
        return Err(no("the file has too many views"));
    }
    let fold = |name: &str| names::clip(&names::fold(ctx.names, name), names::LIMIT).to_owned();
    let name =
        names::clip(&names::fold(ctx.names, &ctx.name_rules.table(&view.name)), names::LIMIT).to_owned();
    if decided.iter().any(|table| table.settings.schema == ctx.plan.schema && table.target == name) {
        return Err(no("a table of the plan has its name"));
    }
    let target = qualified(&ctx.plan.schema, &name);
    if schema.relations.iter().any(|r| r.view.is_some() && r.target.as_ref() == Ok(&target)) {
        return Err(no("another view has its name"));
    }
    if made_beside(ctx, decided, &name) {
        return Err(no("a key, an index or a sequence of the plan has its name"));
    }
    let translated = program::view(&view.sql, schema, fold)?;
    let there = ctx.target.relations.iter().find(|r| r.schema == ctx.plan.schema && r.name == name);
    match there {
        Some(there) if there.relkind == 'v' && ctx.plan.existing_rows == ExistingRows::Replace => {
            // Before the tables that it reads are dropped.
            steps.push(step(
                Phase::Tables,
                format!("drop view {}", view.name),
                format!("DROP VIEW {target}"),
            ));
        }
        Some(_) => return Err(no(&format!("{target} exists, and is left alone"))),
        None => {}
    }
    let sql = format!("CREATE VIEW {target} {}", translated.sql);
    steps.push(step(Phase::Views, format!("create view {}", view.name), sql));
    schema.relations.push(Relation {
        source: view.name.clone(),
        target: Ok(target),
        columns: vec![],
        rowid: None,
        view: Some(translated.columns),
    });
    let notes = translated.notes.join("; ");
    let assumes =
        || Kind::ViewAssumes.info(format!("view {}", view.name), format!("the view assumes: {notes}"));
    Ok((!notes.is_empty()).then(assumes))
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

fn not_carried(view: &View, why: &str) -> Finding {
    let message = format!("view \"{}\" is not carried over{why}", view.name);
    Kind::View.warning(format!("view {}", view.name), message)
}

fn refused(view: &View, refusal: &Refusal) -> Finding {
    let at = refusal.place.map(|place| format!(" (line {}, column {} of it)", place.line, place.column));
    let finding = not_carried(view, &format!(": {}{}", refusal.reason, at.unwrap_or_default()));
    finding.hint("Recreate it in PostgreSQL, for instance in after.")
}

/// With the steps of the views in their places.
pub fn placed(mut steps: Vec<Step>, views: Vec<Step>) -> Vec<Step> {
    let (drops, creates): (Vec<Step>, Vec<Step>) = views.into_iter().partition(|s| s.phase == Phase::Tables);
    let place =
        |steps: &[Step], phase: Phase| steps.iter().position(|s| s.phase >= phase).unwrap_or(steps.len());
    let at = place(&steps, Phase::Tables);
    // A view that reads another one goes first.
    steps.splice(at..at, drops.into_iter().rev());
    let at = steps.iter().position(|s| s.phase > Phase::Views).unwrap_or(steps.len());
    steps.splice(at..at, creates);
    steps
}
