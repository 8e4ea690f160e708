//! What the file of a run has declared, in its own words, and whether PostgreSQL still has what the import made of it: what
//! is unchanged goes back as it was.
//!
//! The words come from the run log, which holds what a file said that anyone may have written. They are taken only if they
//! are one statement that makes the object they are said to make.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use crate::ddl::statement::{Object, makes};

/// A text in few characters: that of another one is another.
pub fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// An object of PostgreSQL's that a run has made.
#[derive(Debug, Clone, Copy)]
pub enum Held<'v> {
    Table { schema: &'v str, name: &'v str },
    Index { schema: &'v str, name: &'v str },
    View { schema: &'v str, name: &'v str },
    Trigger { schema: &'v str, table: &'v str, name: &'v str },
}

/// What has become of an object that the import has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has made none.
    Unmade,
    Same,
    Changed,
    Gone,
}

/// An object of the file.
#[derive(Debug, Clone)]
pub struct Original {
    /// Its name in the file.
    pub name: String,
    /// The table or view of the file that it is on; a table's or a view's own name.
    pub table: String,
    pub sql: String,
    pub state: State,
    /// What PostgreSQL has for it: schema, relation, and name.
    pub made: Vec<[String; 3]>,
}

/// The objects of a run's file, in its order.
#[derive(Debug, Clone, Default)]
pub struct Originals {
    /// By the name in the file.
    pub tables: HashMap<String, Original>,
    pub indexes: Vec<Original>,
    pub views: Vec<Original>,
    pub triggers: Vec<Original>,
    /// Schema, table and name of indexes and triggers that the file does not have, and that are what they were at the end of
    /// the import.
    pub beside: HashSet<[String; 3]>,
}

impl Originals {
    /// From what a run has recorded. `now` gives the digest of an object as it is, if it is there. Runs of older versions
    /// have recorded nothing of this.
    pub fn of(source: &Value, now: impl Fn(Held<'_>) -> Option<String>) -> Originals {
        let mut out = Originals::default();
        let Some(made) = source.get("made") else { return out };
        let state = |was: &Value, held: Held<'_>| match now(held) {
            None => State::Gone,
            Some(digest) if was.as_str() == Some(&digest) => State::Same,
            Some(_) => State::Changed,
        };
        for (table, declared) in source["declared"].as_object().into_iter().flatten() {
            let record = &made["tables"][table];
            let (Some(schema), Some(name)) = (record["schema"].as_str(), record["name"].as_str()) else {
                continue;
            };
            for index in declared["indexes"].as_array().into_iter().flatten() {
                let (Some(own), Some(sql)) = (index["name"].as_str(), index["sql"].as_str()) else {
                    continue;
                };
                let found = record["indexes"][own].as_object().into_iter().flatten();
                let states: Vec<(&String, State)> =
                    found.map(|(name, was)| (name, state(was, Held::Index { schema, name }))).collect();
                out.indexes.push(Original {
                    name: own.into(),
                    table: table.clone(),
                    sql: sql.into(),
                    state: whole(states.iter().map(|(_, state)| *state)),
                    made: states.iter().map(|(at, _)| [schema.into(), name.into(), (*at).clone()]).collect(),
                });
            }
            for (index, was) in record["other_indexes"].as_object().into_iter().flatten() {
                if state(was, Held::Index { schema, name: index }) == State::Same {
                    out.beside.insert([schema.into(), name.into(), index.clone()]);
                }
            }
            for (trigger, was) in record["triggers"].as_object().into_iter().flatten() {
                if state(was, Held::Trigger { schema, table: name, name: trigger }) == State::Same {
                    out.beside.insert([schema.into(), name.into(), trigger.clone()]);
                }
            }
            let Some(sql) = declared["sql"].as_str() else { continue };
            let original = Original {
                name: table.clone(),
                table: table.clone(),
                sql: sql.into(),
                state: state(&record["definition"], Held::Table { schema, name }),
                made: vec![[schema.into(), name.into(), name.into()]],
            };
            out.tables.insert(table.clone(), original);
        }
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        for view in source["views"].as_array().into_iter().flatten() {
            let (Some(name), Some(sql)) = (text(view, "name"), text(view, "sql")) else { continue };
            let record = &made["views"][&name];
            let found = record["schema"].as_str().zip(record["name"].as_str());
            let was = &record["definition"];
            out.views.push(Original {
                state: found.map_or(State::Unmade, |(schema, name)| state(was, Held::View { schema, name })),
                made: found.iter().map(|(s, n)| [(*s).into(), (*n).into(), (*n).into()]).collect(),
                table: name.clone(),
                name,
                sql,
            });
        }
        for trigger in source["triggers"].as_array().into_iter().flatten() {
            let (Some(name), Some(table)) = (text(trigger, "name"), text(trigger, "table")) else { continue };
            let Some(sql) = text(trigger, "sql") else { continue };
            let record = &made["triggers"][&name];
            let parts = ["schema", "table", "name"].map(|key| record[key].as_str());
            let found = match parts {
                [Some(schema), Some(table), Some(name)] => Some((schema, table, name)),
                _ => None,
            };
            let was = &record["definition"];
            out.triggers.push(Original {
                state: found.map_or(State::Unmade, |(schema, table, name)| {
                    state(was, Held::Trigger { schema, table, name })
                }),
                made: found.iter().map(|(s, t, n)| [(*s).into(), (*t).into(), (*n).into()]).collect(),
                table,
                name,
                sql,
            });
        }
        out
    }
}

impl Original {
    /// It is what the file has had: PostgreSQL has what the import made of it, or the import has made nothing.
    pub fn stands(&self) -> bool {
        matches!(self.state, State::Same | State::Unmade)
    }

    /// The words are one statement that makes it.
    pub fn is(&self, object: Object) -> bool {
        makes(&self.sql, object, &self.name, &self.table)
    }
}

/// Of several objects that stand for one.
fn whole(states: impl Iterator<Item = State>) -> State {
    states
        .reduce(|all, state| match (all, state) {
            (State::Gone, _) | (_, State::Gone) => State::Gone,
            (State::Changed, _) | (_, State::Changed) => State::Changed,
            _ => State::Same,
        })
        .unwrap_or(State::Unmade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_unchanged_is_told_from_what_is_not() {
        let source = json!({
            "declared": {"T": {"sql": "CREATE TABLE T (a)", "indexes": [
                {"name": "i", "sql": "CREATE INDEX i ON T (a)"}, {"name": "j", "sql": "CREATE INDEX j ON T (a DESC)"}]}},
            "views": [{"name": "V", "sql": "CREATE VIEW V AS SELECT 1"}, {"name": "w", "sql": "CREATE VIEW w AS SELECT 2"}],
            "triggers": [{"name": "r", "table": "T", "sql": "CREATE TRIGGER r AFTER INSERT ON T BEGIN SELECT 1; END"}],
            "made": {"tables": {"T": {"schema": "s", "name": "t", "definition": "1", "indexes": {"i": {"i": "2", "i_2": "3"}}}},
                     "views": {"V": {"schema": "s", "name": "v", "definition": "4"}},
                     "triggers": {"r": {"schema": "s", "table": "t", "name": "r", "definition": "5"}}}});
        let now = |held: Held<'_>| match held {
            Held::Table { name: "t", .. } => Some("1".into()),
            Held::Index { name: "i", .. } => Some("2".into()),
            Held::Index { name: "i_2", .. } => Some("changed".into()),
            Held::Trigger { table: "t", .. } => Some("5".into()),
            _ => None,
        };
        let found = Originals::of(&source, now);
        assert_eq!(found.tables["T"].state, State::Same);
        let states = |list: &[Original]| list.iter().map(|o| o.state).collect::<Vec<_>>();
        assert_eq!(states(&found.indexes), [State::Changed, State::Unmade]);
        assert_eq!(states(&found.views), [State::Gone, State::Unmade]);
        assert_eq!(states(&found.triggers), [State::Same]);
        assert_eq!(found.indexes[0].made.len(), 2);
        let older = json!({"declared": source["declared"]});
        assert!(Originals::of(&older, now).tables.is_empty());
    }
}
