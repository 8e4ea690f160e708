//! Tries translated expressions on PostgreSQL while a plan is made: what CREATE TABLE would refuse is known before anything
//! is written, and the column goes without.
//!
//! Each table that has such columns is made as a temporary one, in a subtransaction that is rolled back. Where not even
//! the table without them can be made (a type that `before` makes, no right to temporary tables, a standby), nothing is
//! known, and the plan stands.

use serde_json::{Map, Value};

use super::survey::Survey;
use crate::finding::Finding;
use crate::pg::{spi, xact};
use crate::sqltext::ident;

/// An expression that PostgreSQL does not take.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    table: String,
    column: String,
    /// `generated` or `default`.
    key: &'static str,
    reason: String,
}

/// The keys, and what a column has without the expression.
const KEYS: [(&str, Value); 2] = [("generated", Value::Bool(false)), ("default", Value::Null)];

/// What is refused of a plan's expressions that the plan's maker has translated.
pub fn refusals(survey: &Survey, plan: &Value) -> Vec<Refusal> {
    let tables = plan["tables"].as_object();
    tables.into_iter().flatten().flat_map(|(name, entry)| of_table(survey, name, entry)).collect()
}

fn of_table(survey: &Survey, table: &str, entry: &Value) -> Vec<Refusal> {
    let Some(columns) = entry["columns"].as_object().filter(|_| entry["skip"] != true) else { return vec![] };
    let tried: Vec<(&String, &'static str)> = (columns.iter())
        .flat_map(|(name, column)| KEYS.iter().map(move |(key, _)| (name, *key, &column[*key])))
        .filter(|(name, key, value)| is_computed(value) && !is_given(survey, table, name, key))
        .map(|(name, key, _)| (name, key))
        .collect();
    let refused = |with: &[(&String, &'static str)]| {
        let sql = create(columns, with);
        // Its failure is an answer too: nothing is kept.
        match xact::attempt(|| -> Result<(), ()> {
            spi::execute(&sql);
            Err(())
        }) {
            Ok(_) => None,
            Err(caught) => Some(caught.message),
        }
    };
    if tried.is_empty() || refused(&tried).is_none() || refused(&[]).is_some() {
        return vec![];
    }
    let one = |(column, key): &(&String, &'static str)| {
        let reason = refused(&[(column, key)])?;
        Some(Refusal { table: table.to_owned(), column: (*column).clone(), key, reason })
    };
    tried.iter().filter_map(one).collect()
}

/// More than a constant, which fits its type.
fn is_computed(expression: &Value) -> bool {
    expression.as_str().is_some_and(|sql| sql.contains(['(', ':', '|', '+', '-', '*', '/', '%', '"']))
}

/// The user's own words are not changed: PostgreSQL refuses them when they are run.
fn is_given(survey: &Survey, table: &str, column: &str, key: &str) -> bool {
    let entry = |value: Option<&'_ Value>, name: &str| -> Option<Value> {
        let entries = value?.as_object()?;
        entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, entry)| entry.clone())
    };
    let table = entry(survey.overrides.get("tables"), table);
    let column = entry(table.as_ref().and_then(|table| table.get("columns")), column);
    column.is_some_and(|column| column.get(key).is_some_and(Value::is_string))
}

/// A temporary table of these columns, with some of their expressions.
fn create(columns: &Map<String, Value>, with: &[(&String, &'static str)]) -> String {
    let column = |(name, column): (&String, &Value)| {
        let mut sql = format!("{} {}", ident(column["name"].as_str()?), column["type"].as_str()?);
        for (key, _) in KEYS.iter().filter(|(key, _)| with.contains(&(name, *key))) {
            let expression = column[*key].as_str()?;
            sql += &match *key {
                "generated" => format!(" GENERATED ALWAYS AS ({expression}) STORED"),
                _ => format!(" DEFAULT {expression}"),
            };
        }
        Some(sql)
    };
    let list: Vec<String> = columns.iter().filter(|(_, c)| c["skip"] != true).filter_map(column).collect();
    format!("CREATE TEMPORARY TABLE pg_sqlite_migrate_trial ({})", list.join(", "))
}

/// The overrides that leave the refused expressions out, and what is said of them.
pub fn without(overrides: &Value, refusals: &[Refusal]) -> (Value, Vec<Finding>) {
    let mut overrides = overrides.clone();
    let mut findings = vec![];
    for refusal in refusals {
        let table = spelt(&overrides["tables"], &refusal.table);
        let column = spelt(&overrides["tables"][&table]["columns"], &refusal.column);
        let nothing = KEYS.iter().find(|(key, _)| *key == refusal.key).map(|(_, value)| value.clone());
        overrides["tables"][&table]["columns"][&column][refusal.key] = nothing.unwrap_or_default();
        let (object, reason) = (format!("{}.{}", refusal.table, refusal.column), &refusal.reason);
        let message = match refusal.key {
            "generated" => {
                format!(
                    "generated column becomes a plain one with the stored values: PostgreSQL refuses its translation: {reason}"
                )
            }
            _ => format!("default is not carried over: PostgreSQL refuses its translation: {reason}"),
        };
        findings.push(Finding::warning(object, message, ""));
    }
    (overrides, findings)
}

/// The key as the overrides spell it, or else as the file does.
fn spelt(entries: &Value, name: &str) -> String {
    let known = entries.as_object().and_then(|e| e.keys().find(|k| k.eq_ignore_ascii_case(name)));
    known.map_or(name, String::as_str).to_owned()
}
