//! Tries on PostgreSQL, while a plan is made, what only PostgreSQL can say of it: what would be refused when the table, its
//! keys, indexes and checks are made is known before anything is written.
//!
//! Each table that has something to try is made as an empty temporary one, in a subtransaction that is rolled back. Where
//! it cannot be made (a type that `before` makes, no right to temporary tables, a standby), nothing is known, and the plan
//! stands.

use std::convert::Infallible;

use pgrx::PgSqlErrorCode as Code;

use super::untranslatable;
use crate::pg::settings::LocalSettings;
use crate::pg::xact::Caught;
use crate::pg::{encoding, spi, xact};
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::plan::trial;
use pg_sqlite_migrate_core::plan::trial::{Piece, Refusal, Trial};
use pg_sqlite_migrate_core::plan::trigger::{TriedTrigger, TriggerRefusal};
use pg_sqlite_migrate_core::plan::view::{TriedView, ViewRefusal};
use pg_sqlite_migrate_core::plan::{Phase, Planned, Step};
use pg_sqlite_migrate_core::translate::helper;

/// What is refused of a plan.
pub fn refusals(trials: &[Trial]) -> Vec<Refusal> {
    if xact::in_recovery() { vec![] } else { trials.iter().flat_map(of_table).collect() }
}

fn of_table(trial: &Trial) -> Vec<Refusal> {
    let tried = xact::attempt(|| -> Result<Infallible, Vec<Refusal>> {
        spi::execute(&trial.create);
        let mut refusals = vec![];
        find(trial.table, &trial.pieces, &mut refusals);
        // An error rolls the table back.
        Err(refusals)
    });
    match tried {
        Ok(Err(refusals)) => refusals,
        Err(_) => vec![],
    }
}

/// Halves what is refused until it is one piece.
fn find(table: TableId, pieces: &[Piece], refusals: &mut Vec<Refusal>) {
    let Err(caught) = run(&trial::at_once(pieces)) else { return };
    let [piece] = pieces else {
        let (first, second) = pieces.split_at(pieces.len() / 2);
        find(table, first, refusals);
        return find(table, second, refusals);
    };
    piece.instead().iter().for_each(|sql| _ = spi::execute(sql));
    if caught.is_of_value() && !is_to_come(&caught) {
        refusals.push(Refusal { table, part: piece.part, reason: caught.message });
    }
}

/// A relation or schema that the plan's own words name may be still to be created; the statement is not to blame then.
fn is_to_come(caught: &Caught) -> bool {
    let to_come = [Code::ERRCODE_UNDEFINED_TABLE, Code::ERRCODE_INVALID_SCHEMA_NAME];
    to_come.iter().any(|code| caught.sqlstate == *code)
}

/// The views of a plan that are refused. `path` is the caller's search path, in which the plan's own texts are read.
pub fn refused_views(planned: &Planned, path: &str) -> Vec<ViewRefusal> {
    let (lacking, sendable): (Vec<&TriedView>, Vec<&TriedView>) =
        planned.view_trial.views.iter().partition(|view| encoding::lacking(&view.statement).is_some());
    let lacks = |view: &TriedView| {
        let lacking = encoding::lacking(&view.statement)?;
        Some(ViewRefusal { source: view.source.clone(), reason: untranslatable::lacks("it", &lacking) })
    };
    let mut refusals: Vec<ViewRefusal> = lacking.into_iter().filter_map(lacks).collect();
    if sendable.is_empty() || xact::in_recovery() {
        return refusals;
    }
    let tried = xact::attempt(|| -> Result<Infallible, Vec<ViewRefusal>> {
        // A table that cannot be made leaves the views that read it untried.
        if run(&planned.view_trial.tables).is_err() {
            planned.view_trial.tables.iter().for_each(|sql| _ = run(std::slice::from_ref(sql)));
        }
        // An error rolls all of it back.
        Err(refused_of(planned, &sendable, path))
    });
    if let Ok(Err(found)) = tried {
        refusals.extend(found);
    }
    refusals
}

/// The triggers of a plan that are refused. Helper functions that cannot be made leave those that call them untried.
pub fn refused_triggers(planned: &Planned) -> Vec<TriggerRefusal> {
    let trial = &planned.trigger_trial;
    let sendable = |of: &&TriedTrigger| encoding::lacking(&of.create).is_none();
    let triggers: Vec<&TriedTrigger> = trial.triggers.iter().filter(sendable).collect();
    if triggers.is_empty() || xact::in_recovery() {
        return vec![];
    }
    let tried = xact::attempt(|| -> Result<Infallible, Vec<TriggerRefusal>> {
        let _checked = LocalSettings::of("check_function_bodies", "on");
        let all: Vec<&str> = triggers.iter().map(|of| of.create.as_str()).collect();
        let mut first = trial.tables.clone();
        if trial.views {
            let others = planned.view_trial.tables.iter().filter(|sql| !trial.tables.contains(sql));
            first.extend(others.cloned().collect::<Vec<_>>());
            let views = planned.view_trial.views.iter().filter(|view| !view.own);
            let views: Vec<String> = views.map(|view| view.sql.clone()).collect();
            first.extend(helper::statements(&(all.join("\n") + &views.join("\n"))));
            first.extend(views);
        } else {
            first.extend(helper::statements(&all.join("\n")));
        }
        if run(&first).is_err() {
            first.iter().for_each(|sql| _ = run(std::slice::from_ref(sql)));
        }
        // An error rolls all of it back.
        Err(refused_among(&triggers))
    });
    match tried {
        Ok(Err(refused)) => refused,
        Err(_) => vec![],
    }
}

/// Halves what is refused until it is one trigger.
fn refused_among(triggers: &[&TriedTrigger]) -> Vec<TriggerRefusal> {
    let statements = |of: &&TriedTrigger| std::iter::once(of.create.clone()).chain(of.analysed.clone());
    let all: Vec<String> = triggers.iter().flat_map(statements).collect();
    let Err(caught) = run(&all) else { return vec![] };
    let [one] = triggers else {
        let (first, second) = triggers.split_at(triggers.len() / 2);
        return [refused_among(first), refused_among(second)].concat();
    };
    // A constraint that ON CONFLICT names, a type or a language may be still to come, as may be what `before` makes.
    let unknown = [Code::ERRCODE_UNDEFINED_OBJECT, Code::ERRCODE_INSUFFICIENT_PRIVILEGE];
    let unknown = is_to_come(&caught) || unknown.iter().any(|code| caught.sqlstate == *code);
    let refused = is_of_statement(&caught) && !unknown;
    refused
        .then(|| TriggerRefusal { source: one.source.clone(), reason: caught.message })
        .into_iter()
        .collect()
}

fn refused_of(planned: &Planned, views: &[&TriedView], path: &str) -> Vec<ViewRefusal> {
    let refusal = |view: &TriedView, caught: Caught| {
        is_of_statement(&caught).then(|| ViewRefusal { source: view.source.clone(), reason: caught.message })
    };
    let (own, translated): (Vec<&TriedView>, Vec<&TriedView>) = views.iter().partition(|view| view.own);
    let (translated, mut refusals) = with_helpers(translated);
    let all: Vec<String> = translated.iter().map(|view| view.sql.clone()).collect();
    if run(&all).is_err() {
        // A right that the caller lacks now may be one that the import does not need.
        let unknown =
            |caught: &Caught| is_to_come(caught) || caught.sqlstate == Code::ERRCODE_INSUFFICIENT_PRIVILEGE;
        let refused =
            |view: &TriedView| run(std::slice::from_ref(&view.sql)).err().filter(|caught| !unknown(caught));
        let one = |view: &&TriedView| refusal(view, refused(view)?);
        refusals.extend(translated.iter().filter_map(one));
    }
    for view in own {
        let _path = LocalSettings::of("search_path", path);
        refusals.extend(run_own(planned, view, path).err().and_then(|caught| refusal(view, caught)));
    }
    refusals
}

/// Creates the helper functions that views call. Where that fails, these are refused for the reason.
fn with_helpers(views: Vec<&TriedView>) -> (Vec<&TriedView>, Vec<ViewRefusal>) {
    let (calling, mut others): (Vec<&TriedView>, Vec<&TriedView>) =
        views.iter().partition(|view| !helper::called_by(&view.sql).is_empty());
    let all: Vec<&str> = calling.iter().map(|view| view.sql.as_str()).collect();
    let Err(caught) = run(&helper::statements(&all.join("\n"))) else { return (views, vec![]) };
    let refusal = |view: &&TriedView| ViewRefusal {
        source: view.source.clone(),
        reason: format!("it needs helper functions: {}", caught.message),
    };
    let refusals = calling.iter().map(refusal).collect();
    others.retain(|view| !calling.iter().any(|c| std::ptr::eq(*c, *view)));
    (others, refusals)
}

/// A text of the plan's own, over what is there; if that is not enough, over the tables and views that the plan makes, which
/// are made for it.
fn run_own(planned: &Planned, view: &TriedView, path: &str) -> Result<(), Caught> {
    match run(std::slice::from_ref(&view.sql)) {
        Err(caught) if is_to_come(&caught) => {}
        done => return done,
    }
    let tried = xact::attempt(|| -> Result<Infallible, Result<(), Caught>> {
        {
            let safe = LocalSettings::safe_search_path();
            // Another session may be about to create them.
            safe.set("lock_timeout", "1s");
            let makes = |step: &&Step| {
                let sql = step.sql();
                let wanted = matches!(step.phase, Phase::Schema | Phase::Tables | Phase::Views);
                wanted && sql.starts_with("CREATE ") && encoding::lacking(&sql).is_none()
            };
            planned.steps.iter().filter(makes).for_each(|step| {
                // Another text of the plan's own is read as this one is.
                let own = planned.view(step).is_some_and(|view| view.own);
                let _path = own.then(|| LocalSettings::of("search_path", path));
                _ = run(&[step.sql()]);
            });
        }
        Err(run(std::slice::from_ref(&view.sql)))
    });
    match tried {
        Ok(Err(done)) => done,
        Err(caught) => Err(caught),
        Ok(Ok(never)) => match never {},
    }
}

/// Class 42 is about what a statement says, 0A about what is not supported.
fn is_of_statement(caught: &Caught) -> bool {
    [*b"42", *b"0A"].contains(&caught.sqlstate.class())
}

/// All of the statements or none. What the server notes of what is taken back is no news.
fn run(statements: &[String]) -> Result<(), Caught> {
    let _quiet = LocalSettings::of("client_min_messages", "error");
    let run = || -> Result<(), Infallible> {
        statements.iter().for_each(|sql| _ = spi::execute(sql));
        Ok(())
    };
    xact::attempt(run).map(|_| ())
}
