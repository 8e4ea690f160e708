//! What the plan can do about values that do not fit a column of a table that is there.

use crate::plan::given::overrides::join;
use crate::plan::model::LoadSpec;
use crate::value::{Format, PgType};

pub struct Remedy<'a> {
    pub table: &'a str,
    pub column: &'a str,
    pub pg_type: &'a PgType,
    /// How the plan says that values are read.
    pub format: Option<Format>,
    /// Some of the values are numbers.
    pub numbers: bool,
    pub not_null: bool,
}

impl Remedy<'_> {
    pub fn hint(&self) -> String {
        use PgType::*;
        let path = join(&join(&join("plan.tables", self.table), "columns"), self.column);
        let policies = if self.not_null { "\"reject\"" } else { "\"null\" or \"reject\"" };
        let format = match self.pg_type.base() {
            _ if self.format.is_some() => String::new(),
            Date | Time(_) | Timestamp(_) | TimestampTz(_) | Interval(_) if self.numbers => {
                format!("{path}.format to say how numbers are read, or ")
            }
            Array(_) if !self.numbers => {
                format!("{path}.format to \"comma\" where texts are elements between commas, or ")
            }
            _ => String::new(),
        };
        format!("Set {format}{path}.on_invalid to {policies}, or correct the values.")
    }
}

/// What to do about one cell that stopped a load.
pub fn of_cell(spec: &LoadSpec, column: &str, storage_class: &str) -> String {
    let table = spec.source.as_str();
    let known = spec.columns.iter().find(|c| c.source == column);
    let Some(there) = known.filter(|_| spec.existing.is_some()) else {
        let path = join(&join(&join("plan.tables", table), "columns"), column);
        let nullable = known.is_none_or(|c| !c.not_null);
        // A text column holds every text that the database can hold.
        let text = known.is_some_and(|c| c.pg_type == PgType::Text);
        return match (nullable, text) {
            (true, true) => {
                format!("Set {path}.on_invalid to \"null\" or \"reject\", or correct the values.")
            }
            (false, true) => format!("Set {path}.on_invalid to \"reject\", or correct the values."),
            (true, false) => format!(
                "Set {path}.on_invalid to \"null\", \"reject\" or \"text\", or its type to one that holds the value."
            ),
            (false, false) => format!(
                "Set {path}.on_invalid to \"reject\" or \"text\", or its type to one that holds the value."
            ),
        };
    };
    let numbers = matches!(storage_class, "integer" | "real");
    let not_null = there.not_null;
    Remedy { table, column, pg_type: &there.pg_type, format: there.format, numbers, not_null }.hint()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_advised_where_it_may_help() {
        let hint = |pg_type, format, numbers, not_null| {
            let pg_type = &PgType::parse(pg_type);
            Remedy { table: "t", column: "c", pg_type, format, numbers, not_null }.hint()
        };
        for (pg_type, numbers, not_null, expected) in [
            (
                "integer",
                true,
                false,
                "Set plan.tables.t.columns.c.on_invalid to \"null\" or \"reject\", or correct the values.",
            ),
            (
                "integer",
                true,
                true,
                "Set plan.tables.t.columns.c.on_invalid to \"reject\", or correct the values.",
            ),
            (
                "interval",
                true,
                true,
                "Set plan.tables.t.columns.c.format to say how numbers are read, or plan.tables.t.columns.c.on_invalid to \"reject\", or correct the values.",
            ),
            (
                "date",
                false,
                true,
                "Set plan.tables.t.columns.c.on_invalid to \"reject\", or correct the values.",
            ),
            (
                "text[]",
                false,
                true,
                "Set plan.tables.t.columns.c.format to \"comma\" where texts are elements between commas, or plan.tables.t.columns.c.on_invalid to \"reject\", \
                 or correct the values.",
            ),
        ] {
            assert_eq!(hint(pg_type, None, numbers, not_null), expected);
        }
        assert!(!hint("time", Some(Format::Seconds), true, false).contains("format"));
    }
}
