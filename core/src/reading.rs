//! How the rows of a source table are read: what the plan says of it, as the terms of a SELECT of SQLite.
//!
//! Whoever reads a table (profile, key facts, load, recovery) takes its terms from here, so that all of them see the same
//! rows and values. The expressions are the user's SQL; `sqlite` checks them before anything is read.

use crate::sqltext::sqlite_ident;
use crate::value::affinity::Affinity;

/// The rows and values of one table that are imported. The default is all of them, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The condition that selects rows (`where`).
    pub filter: Option<String>,
    /// Columns by source name, with the expression that is read instead of each (`using`).
    pub using: Vec<(String, String)>,
}

impl Reading {
    /// Rows that a condition selects, as stored.
    pub fn filtered(filter: Option<&str>) -> Reading {
        Reading { filter: filter.map(str::to_owned), using: vec![] }
    }

    /// The expression that is read instead of a column.
    pub fn using(&self, column: &str) -> Option<&str> {
        let named = self.using.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
        named.map(|(_, expression)| expression.as_str())
    }

    /// What a SELECT over the table reads for a column. The line break ends a comment in an expression.
    pub fn term(&self, column: &str) -> String {
        self.using(column).map_or_else(|| sqlite_ident(column), |expression| format!("({expression}\n)"))
    }
}

/// What a column of this affinity would store of a value, as an expression over the value's own. SQLite has no function for
/// it: only a comparison applies an affinity. For REAL, an integer stays one, which every comparison ignores.
pub fn with_affinity(affinity: Affinity, value: &str) -> String {
    match affinity {
        Affinity::Blob => value.to_owned(),
        Affinity::Text => {
            format!(
                "CASE WHEN typeof({value}) IN ('integer', 'real') THEN CAST({value} AS TEXT) ELSE {value} END"
            )
        }
        Affinity::Integer | Affinity::Real | Affinity::Numeric => {
            let number = format!("CAST({value} AS NUMERIC)");
            format!(
                "CASE WHEN typeof({value}) = 'text' AND {value} = {number} THEN {number} ELSE {value} END"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_as_stored_unless_the_plan_says_otherwise() {
        let reading = Reading {
            filter: None,
            using: vec![("Price".into(), "replace(price, ',', '.') -- dots".into())],
        };
        assert_eq!(reading.term("price"), "(replace(price, ',', '.') -- dots\n)");
        assert_eq!(reading.term("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(Reading::default().using("price"), None);
    }
}
