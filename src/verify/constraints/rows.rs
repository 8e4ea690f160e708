//! Which rows break a constraint: counted from the heap, whatever indexes and constraints say.

use std::convert::Infallible;

use crate::pg::settings::LocalSettings;
use crate::pg::spi::{self, Column};
use crate::pg::{reading, xact};
use pg_sqlite_migrate_core::plan::RowQuestion;
use pg_sqlite_migrate_core::sqltext::ident;

/// A count, or why there is none.
type Counted = Result<u64, String>;

/// Counts the rows of a table that break each of some objects: an answer for each question, `None` for one that asks about
/// more than the table. `from` is what queries name in FROM, or why there can be none.
pub fn count(from: &Result<String, String>, questions: &[&RowQuestion]) -> Vec<Option<Counted>> {
    let filters: Vec<Option<String>> = questions.iter().map(|question| filter(question)).collect();
    let from = match from {
        Ok(from) => from,
        Err(why) => {
            return questions.iter().map(|question| about_one(question).then(|| Err(why.clone()))).collect();
        }
    };
    // One scan for all that a row tells by itself; if that fails, each by itself tells which.
    let together = together(from, filters.iter().flatten());
    let mut together = together.map(|counts| counts.into_iter());
    let answer = |(question, filter): (&&RowQuestion, &Option<String>)| match (filter, *question) {
        (Some(filter), _) => Some(match &mut together {
            Ok(counts) => counts.next().ok_or_else(|| UNCOUNTED.to_owned()),
            Err(_) => ask(&format!("SELECT count(*) FILTER (WHERE {filter}) FROM {from}")),
        }),
        (None, RowQuestion::Duplicates { keys, predicate, primary }) => {
            Some(ask(&duplicates(from, keys, predicate.as_deref(), *primary)))
        }
        (None, RowQuestion::Unfilled { column }) => Some(ask(&format!(
            "SELECT CASE WHEN count({0}) = 0 THEN count(*) ELSE 0 END FROM {from}",
            ident(column)
        ))),
        (None, _) => None,
    };
    questions.iter().zip(&filters).map(answer).collect()
}

const UNCOUNTED: &str = "there was no answer";

fn about_one(question: &RowQuestion) -> bool {
    !matches!(question, RowQuestion::Orphans { .. })
}

fn together<'f>(from: &str, filters: impl Iterator<Item = &'f String>) -> Result<Vec<u64>, String> {
    let counts: Vec<String> = filters.map(|filter| format!("count(*) FILTER (WHERE {filter})")).collect();
    match counts.is_empty() {
        true => Ok(vec![]),
        false => ask(&format!("SELECT ARRAY[{}]::bigint[] FROM {from}", counts.join(", "))),
    }
}

/// The query for rows that another has the key of, but for the first of each.
fn duplicates(from: &str, keys: &[String], predicate: Option<&str>, primary: bool) -> String {
    let keys = keys.join(", ");
    let within = predicate.map(|sql| format!(" AND ({sql}\n)")).unwrap_or_default();
    let nulls = match primary {
        true => format!("(SELECT count(*) FROM {from} WHERE num_nulls({keys}) > 0)"),
        false => "0".into(),
    };
    format!(
        "SELECT {nulls} + COALESCE(sum(same.rows - 1), 0)::bigint
         FROM (SELECT count(*) AS rows FROM {from} WHERE num_nulls({keys}) = 0{within}
               GROUP BY {keys} HAVING count(*) > 1) AS same"
    )
}

/// The condition of a row that breaks it, where a row tells that by itself. The planner believes NOT NULL constraints
/// where it sees IS NULL.
fn filter(question: &RowQuestion) -> Option<String> {
    match question {
        RowQuestion::Nulls { column } => Some(format!("num_nulls({}) > 0", ident(column))),
        RowQuestion::Broken { condition } => Some(format!("NOT ({condition}\n)")),
        RowQuestion::Duplicates { .. } | RowQuestion::Orphans { .. } | RowQuestion::Unfilled { .. } => None,
    }
}

/// A setting under which no index gives an answer, until the guard is dropped.
pub fn unindexed() -> LocalSettings {
    let settings = reading::guarded();
    for way in ["enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"] {
        settings.set(way, "off");
    }
    // The ways that are left; where the session has them off, all cost alike.
    for way in ["enable_seqscan", "enable_sort", "enable_hashagg"] {
        settings.set(way, "on");
    }
    settings
}

/// The one value of a query. An error about one does not end the others.
fn ask<T: Column>(sql: &String) -> Result<T, String> {
    let ask = || -> Result<Option<T>, Infallible> {
        let _settings = unindexed();
        Ok(spi::value(sql, &[]))
    };
    match xact::attempt(ask) {
        Ok(Ok(answer)) => answer.ok_or_else(|| UNCOUNTED.to_owned()),
        Ok(Err(never)) => match never {},
        Err(caught) => Err(caught.message),
    }
}
