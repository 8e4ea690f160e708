//! The views of the file: those that the plan takes and that can be translated become views of the target.
//!
//! A view may read views that stand later in the file: those come first. Each runs with the
//! rights of its owner, who is the role that imports, as PostgreSQL's views do.

mod made;
mod order;
mod told;

use self::made::Maker;
use self::order::{Order, named_in};
use super::relations::absent;
use crate::catalog::View;
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::plan::model::{Phase, Step};
use crate::plan::view::{ViewPlan, ViewTrial};
use crate::spatial::Spatial;
use crate::translate::program::{self, Schema};

/// What a plan does about views.
#[derive(Default)]
pub struct Views {
    /// To be placed among the others.
    pub steps: Vec<Step>,
    pub plans: Vec<ViewPlan>,
    pub trial: ViewTrial,
    /// The schema, the name and the file's name of each view that is dropped for a new one.
    pub dropped: Vec<(String, String, String)>,
    /// The schema over what stands in for the tables and views of the plan.
    pub tried: Schema,
}

/// Adds the views to what statements can name, and tells of those that are left out.
pub fn views(
    ctx: &Context<'_>,
    decided: &[DecidedTable<'_>],
    schema: &mut Schema,
    findings: &mut Vec<Finding>,
) -> Views {
    let taken = ctx.overrides.views.clone().unwrap_or_default();
    let metadata = ctx.overrides.geopackage.unwrap_or_default().metadata;
    let spatial = Spatial::of(ctx.source.catalog).filter(|_| !metadata);
    let (described, views): (Vec<&View>, Vec<&View>) = (ctx.source.catalog.views.iter())
        .partition(|view| spatial.is_some_and(|spatial| spatial.describes(&view.name)));
    for view in described {
        schema.relations.push(absent(&view.name, "is a view in which the file describes itself"));
    }
    let (wanted, others): (Vec<&View>, Vec<&View>) =
        views.into_iter().partition(|view| taken.take(&view.name));
    for view in others {
        schema.relations.push(absent(&view.name, "is a view that the plan leaves out"));
        findings.push(told::left_out(view));
    }
    // What a text of the plan's own reads is not known: it comes after all others, and after the own ones that it may name.
    let (own, translated): (Vec<&View>, Vec<&View>) =
        wanted.into_iter().partition(|view| taken.own(&view.name).is_some());
    for view in &own {
        let why = "is a view with a text of the plan's own, whose columns are not known";
        schema.relations.push(absent(&view.name, why));
    }
    let mut maker = Maker::new(ctx, decided, &taken, schema);
    let mut missing = vec![];
    let names: Vec<String> = own.iter().map(|view| maker.made_as(view)).collect();
    let named = |view: &View| {
        let text = taken.own(&view.name).unwrap_or_default();
        let others = named_in(text, &names).into_iter().filter_map(|at| own.get(at));
        others.filter(|other| other.name != view.name).map(|other| other.name.clone()).collect()
    };
    let orders = [Order::of(&translated, |view| program::read_by(&view.sql)), Order::of(&own, named)];
    for (views, order) in [&translated, &own].into_iter().zip(orders) {
        for view in order.filter_map(|at| views.get(at).copied()) {
            match maker.make(view, schema) {
                Ok(found) => findings.extend(found),
                Err(hindrance) => {
                    missing.push(told::hindered(ctx, schema, view, &hindrance));
                    maker.leave_out(view, schema);
                }
            }
        }
    }
    findings.extend(missing);
    maker.finish()
}

/// With the steps of the views in their places: what is dropped goes before the tables that it reads, and what reads
/// another view before that view.
pub fn placed(mut steps: Vec<Step>, views: Vec<Step>) -> Vec<Step> {
    let (drops, creates): (Vec<Step>, Vec<Step>) = views.into_iter().partition(|s| s.phase == Phase::Tables);
    let at = steps.iter().position(|s| s.phase >= Phase::Tables).unwrap_or(steps.len());
    steps.splice(at..at, drops.into_iter().rev());
    for step in creates {
        let at = steps.iter().position(|s| s.phase > step.phase).unwrap_or(steps.len());
        steps.insert(at, step);
    }
    steps
}
