//! Which rows break a constraint: counted from the heap, whatever indexes and constraints say.

use std::convert::Infallible;

use crate::pg::{reading, spi, xact};
use pg_sqlite_migrate_core::plan::RowQuestion;
use pg_sqlite_migrate_core::sqltext::ident;

/// Counts rows of one table.
pub struct Counting {
    /// What the queries name in FROM, or why there can be none.
    from: Result<String, String>,
}

/// A count, or why there is none.
type Counted = Result<u64, String>;

impl Counting {
    pub fn of(oid: u32) -> Counting {
        Counting { from: reading::from(oid.into()) }
    }

    /// An answer for each question; `None` for one that asks about more than the table.
    pub fn count(&self, questions: &[&RowQuestion]) -> Vec<Option<Counted>> {
        let filters: Vec<Option<String>> = questions.iter().map(|question| filter(question)).collect();
        // One scan for all that a row tells by itself; if that fails, each by itself tells which.
        let together = self.together(filters.iter().flatten().map(String::as_str));
        let mut together = together.map(|counts| counts.into_iter());
        let answer = |(question, filter): (&&RowQuestion, &Option<String>)| match (filter, *question) {
            (Some(filter), _) => Some(match &mut together {
                Ok(counts) => counts.next().ok_or_else(|| "it was not counted".to_owned()),
                Err(_) => self.one(&format!("count(*) FILTER (WHERE {filter})")),
            }),
            (None, RowQuestion::Duplicates { keys, predicate, primary }) => {
                Some(self.duplicates(keys, predicate.as_deref(), *primary))
            }
            (None, _) => None,
        };
        questions.iter().zip(&filters).map(answer).collect()
    }

    fn together<'f>(&self, filters: impl Iterator<Item = &'f str>) -> Result<Vec<u64>, String> {
        let counts: Vec<String> = filters.map(|filter| format!("count(*) FILTER (WHERE {filter})")).collect();
        if counts.is_empty() {
            return Ok(vec![]);
        }
        let from = self.from.clone()?;
        let counts = counts.join(", ");
        attempt(|| spi::value::<Vec<u64>>(&format!("SELECT ARRAY[{counts}]::bigint[] FROM {from}"), &[]))?
            .ok_or_else(|| "it was not counted".into())
    }

    fn one(&self, expression: &str) -> Counted {
        let from = self.from.clone()?;
        let counted = attempt(|| spi::value::<u64>(&format!("SELECT {expression} FROM {from}"), &[]))?;
        counted.ok_or_else(|| "it was not counted".into())
    }

    /// Rows that another has the key of, but for the first of each.
    fn duplicates(&self, keys: &[String], predicate: Option<&str>, primary: bool) -> Counted {
        let from = self.from.clone()?;
        let keys = keys.join(", ");
        let within = predicate.map(|sql| format!(" AND ({sql}\n)")).unwrap_or_default();
        let nulls = match primary {
            true => format!("(SELECT count(*) FROM {from} WHERE num_nulls({keys}) > 0)"),
            false => "0".into(),
        };
        let sql = format!(
            "SELECT {nulls} + COALESCE(sum(same.rows - 1), 0)::bigint
             FROM (SELECT count(*) AS rows FROM {from} WHERE num_nulls({keys}) = 0{within}
                   GROUP BY {keys} HAVING count(*) > 1) AS same"
        );
        attempt(|| spi::value::<u64>(&sql, &[]))?.ok_or_else(|| "it was not counted".into())
    }
}

/// The condition of a row that breaks it, where a row tells that by itself. The planner believes NOT NULL constraints
/// where it sees IS NULL.
fn filter(question: &RowQuestion) -> Option<String> {
    match question {
        RowQuestion::Nulls { column } => Some(format!("num_nulls({}) > 0", ident(column))),
        RowQuestion::Broken { condition } => Some(format!("NOT ({condition}\n)")),
        RowQuestion::Duplicates { .. } | RowQuestion::Orphans { .. } => None,
    }
}

/// Runs questions to which indexes must not give the answer. An error about one does not end the others.
pub fn attempt<T>(ask: impl FnOnce() -> T) -> Result<T, String> {
    let ask = || -> Result<T, Infallible> {
        let settings = reading::guarded();
        for way in ["enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"] {
            settings.set(way, "off");
        }
        Ok(ask())
    };
    match xact::attempt(ask) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(never)) => match never {},
        Err(caught) => Err(caught.message),
    }
}
