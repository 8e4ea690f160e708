//! How a trigger is tried before anything is written, over the tables and views that stand in for those of the plan.
//!
//! PL/pgSQL looks at no more than the syntax of a function when it is made. The same statements in a function in SQL, whose
//! arguments are the rows, are analysed.

use std::collections::{BTreeSet, HashSet};

use super::text::{self, Function};
use super::touches::Touches;
use crate::plan::decide::table::DecidedTable;
use crate::plan::decide::trial;
use crate::plan::trial::{NAME, stand_in};
use crate::plan::trigger::{TriedTrigger, TriggerTrial};
use crate::plan::view::TEMPORARY;
use crate::sqltext::{ident, qualified};
use crate::translate::program::Schema;
use crate::translate::program::trigger::{self as translated, Asked, Definition, Event};

/// A trigger that a plan makes.
pub struct Candidate<'m> {
    pub at: usize,
    pub source: &'m str,
    pub sql: &'m str,
    pub definition: &'m Definition,
    pub asked: Asked,
}

/// Adds what is to be tried of it. `tried` is the schema over what stands in.
pub fn add(
    trial: &mut TriggerTrial,
    decided: &[DecidedTable<'_>],
    touches: &Touches<'_>,
    tried: &Schema,
    of: &Candidate<'_>,
) {
    // What is refused over what stands in is not known of the tables themselves.
    let Ok(made) = translated::trigger(of.sql, of.definition, tried, &of.asked) else { return };
    let name = format!("{NAME}_f{}", of.at);
    let function = Function { schema: TEMPORARY, name: &name, replaces: false };
    let Some(create) = text::statements(of.definition, &made, &name, &function) else { return };
    let mut named = touches.named_by(&[of.at]);
    named.insert(of.definition.on.table.to_ascii_lowercase());
    let needed = decided.iter().enumerate().filter(|(_, table)| table.fresh() && is_named(table, &named));
    let tables: BTreeSet<String> =
        needed.map(|(at, table)| trial::stand_in(table, &qualified(TEMPORARY, &stand_in(at)))).collect();
    let new = tables.into_iter().filter(|create| !trial.tables.contains(create)).collect::<Vec<_>>();
    trial.tables.extend(new);
    trial.views |= tried
        .relations
        .iter()
        .any(|relation| relation.view.is_some() && named.contains(&relation.source.to_ascii_lowercase()));
    let sql = analysed(&made, of.definition.on.event, &format!("{NAME}_a{}", of.at));
    trial.triggers.push(TriedTrigger { source: of.source.to_owned(), create, analysed: sql });
}

fn is_named(table: &DecidedTable<'_>, named: &HashSet<String>) -> bool {
    named.contains(&table.source.name.to_ascii_lowercase())
        || table.searches.iter().any(|search| named.contains(&search.source.to_ascii_lowercase()))
}

/// A function in SQL of the statements; the rows have the names that they have in a trigger.
fn analysed(made: &translated::Trigger, event: Event, name: &str) -> Option<String> {
    if made.statements.is_empty() {
        return None;
    }
    let row = |name: &str| format!("{} {}", ident(name), made.table);
    let rows = match event {
        Event::Insert => row("new"),
        Event::Delete => row("old"),
        Event::Update => format!("{}, {}", row("new"), row("old")),
    };
    let body = made.statements.join(";\n");
    let mark = text::quote(&body);
    Some(format!(
        "CREATE FUNCTION {}({rows}) RETURNS void LANGUAGE sql\n\
         SET search_path = pg_catalog, pg_temp\nAS {mark}{body}{mark}",
        qualified(TEMPORARY, name)
    ))
}
