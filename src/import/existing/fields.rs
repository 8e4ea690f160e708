//! One row of an answer, taken apart from left to right.

use serde::de::DeserializeOwned;

use crate::pg::spi::TextRow;

/// The fields that were not taken yet. What is NULL or not there is empty.
pub struct Fields(std::vec::IntoIter<Option<String>>);

impl Fields {
    pub fn of(row: TextRow) -> Fields {
        Fields(row.into_iter())
    }

    pub fn optional(&mut self) -> Option<String> {
        self.0.next().flatten()
    }

    pub fn text(&mut self) -> String {
        self.optional().unwrap_or_default()
    }

    /// `boolean::text`.
    pub fn flag(&mut self) -> bool {
        self.optional().as_deref() == Some("true")
    }

    /// `json_agg(…)::text`.
    pub fn list<T: DeserializeOwned>(&mut self) -> Vec<T> {
        self.optional().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
    }

    pub fn number(&mut self) -> u32 {
        self.optional().and_then(|n| n.parse().ok()).unwrap_or_default()
    }
}
