//! The cells of a column that are canonical as they are stored: as a test that SQLite runs, and as a check of one cell.
//! Pure. Both say the same of every cell, which a test holds them to.

use serde::{Deserialize, Serialize};

use crate::value::Cell;
use crate::value::text;

/// What a cell must be; NULL always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    Integer,
    /// Integers between these.
    Between(i64, i64),
    Real,
    Blob,
    /// Texts that PostgreSQL can hold, of so many characters at most: SQLite takes any bytes for one.
    Text {
        limit: Option<u32>,
    },
}

impl Fit {
    /// As a condition, which is never NULL.
    pub fn sql(self, cell: &str) -> String {
        let of_class = |class: &str| format!("typeof({cell}) IN ('{class}', 'null')");
        match self {
            Fit::Integer => of_class("integer"),
            Fit::Real => of_class("real"),
            Fit::Blob => of_class("blob"),
            Fit::Between(low, high) => {
                let range = match (low, high) {
                    (0, 1) => "IN (0, 1)".to_owned(),
                    _ => format!("BETWEEN {low} AND {high}"),
                };
                format!("typeof({cell}) = 'integer' AND {cell} {range} OR {cell} IS NULL")
            }
            Fit::Text { limit } => {
                let limit = limit.map(|limit| format!(" AND length({cell}) <= {limit}")).unwrap_or_default();
                format!("{cell} IS NULL OR pg_is_text({cell}){limit}")
            }
        }
    }

    #[inline]
    pub fn holds(self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (_, Cell::Null)
            | (Fit::Integer, Cell::Integer(_))
            | (Fit::Real, Cell::Real(_))
            | (Fit::Blob, Cell::Blob(_)) => true,
            (Fit::Between(low, high), Cell::Integer(i)) => (low..=high).contains(&i),
            (Fit::Text { limit: None }, Cell::Text(bytes)) => {
                text::is_plain_ascii(bytes) || text::check(bytes).is_ok()
            }
            (Fit::Text { limit: Some(limit) }, Cell::Text(bytes)) => {
                text::check(bytes).is_ok_and(|text| text.chars().count() <= limit as usize)
            }
            _ => false,
        }
    }
}
