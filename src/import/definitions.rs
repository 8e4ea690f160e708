//! What a run has made, as PostgreSQL defines it at its end, so that an export can tell what is still the import's.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::result::{Status, TableResult};
use crate::pg::{definition, relation};
use pg_sqlite_migrate_core::plan::trigger::TriggerPlan;
use pg_sqlite_migrate_core::plan::view::ViewPlan;
use pg_sqlite_migrate_core::plan::{Planned, TablePlan};

/// By the names in the file: `tables` with their `indexes`, `views`, `triggers`; each with a digest of its definition. What
/// the run has not made is not there. Tables have also, by their names in PostgreSQL, all of their triggers and the indexes
/// that are none of the file's.
pub fn of(planned: &Planned, results: &[TableResult]) -> Value {
    let loaded = |table: &&TablePlan| {
        results.iter().any(|result| result.id == Some(table.id) && result.status == Status::Loaded)
    };
    let tables = planned.tables.iter().filter(loaded).filter_map(|t| Some((t.source.clone(), table(t)?)));
    let view = |view: &ViewPlan| {
        let definition = definition::of_view(relation::find(&view.schema, &view.target)?)?;
        let columns: Vec<Value> = view.columns.iter().map(|column| json!(column.origin)).collect();
        let keys = json!({ "schema": view.schema, "name": view.target, "definition": definition,
                           "columns": columns });
        Some((view.source.clone(), keys))
    };
    let trigger = |trigger: &TriggerPlan| {
        let relation = relation::find(&trigger.schema, &trigger.table)?;
        let keys = json!({ "schema": trigger.schema, "table": trigger.table, "name": trigger.name,
                           "definition": definition::of_trigger(relation, &trigger.name)? });
        Some((trigger.source.clone(), keys))
    };
    json!({
        "tables": tables.collect::<Map<_, _>>(),
        "views": planned.views.iter().filter_map(view).collect::<Map<_, _>>(),
        "triggers": planned.triggers.iter().filter_map(trigger).collect::<Map<_, _>>(),
    })
}

fn table(table: &TablePlan) -> Option<Value> {
    let found = relation::find(&table.schema, &table.target)?;
    let (names, triggers) = definition::parts(found);
    let mut indexes: HashMap<&str, Map<String, Value>> = HashMap::new();
    let mut others = Map::new();
    for name in names {
        let Some(index) = relation::find(&table.schema, &name).and_then(definition::of_index) else {
            continue;
        };
        match table.indexes.iter().find(|(_, made)| *made == name) {
            Some((source, _)) => indexes.entry(source).or_default().insert(name, index.into()),
            None => others.insert(name, index.into()),
        };
    }
    let trigger = |name: String| Some((name.clone(), definition::of_trigger(found, &name)?.into()));
    let triggers: Map<String, Value> = triggers.into_iter().filter_map(trigger).collect();
    Some(json!({ "schema": table.schema, "name": table.target, "definition": definition::of_table(found)?,
                 "indexes": indexes, "other_indexes": others, "triggers": triggers }))
}
