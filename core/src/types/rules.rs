//! The rule table: the PostgreSQL types for a declared type. The stored values decide which of them is used.
//!
//! For a name that is not in the table the stored values decide; for an empty column, SQLite's affinity.

use crate::catalog::Affinity;
use crate::value::pgtype::split;

/// The family of a declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Integer,
    Real,
    Decimal,
    Boolean,
    DateTime,
    DateTimeTz,
    Date,
    Time,
    Varchar,
    Char,
    Text,
    Json,
    Uuid,
    Blob,
    /// No declared type, or a name that is not in the table.
    Unknown,
}

/// One row of the table.
pub struct Rule {
    pub family: Family,
    /// Upper case, without length and `UNSIGNED`.
    pub spellings: &'static [&'static str],
    /// The PostgreSQL types in the order in which they are tried, and what decides.
    pub becomes: &'static str,
}

pub const RULES: &[Rule] = &[
    Rule {
        family: Family::Integer,
        spellings: &[
            "INTEGER",
            "INT",
            "TINYINT",
            "SMALLINT",
            "MEDIUMINT",
            "BIGINT",
            "INT2",
            "INT4",
            "INT8",
            "LONG",
            "BIG INT",
            "SERIAL",
            "BIGSERIAL",
            "COUNTER",
            "YEAR",
        ],
        becomes: "`bigint`; an epoch by the column's name: `timestamp with time zone`",
    },
    Rule {
        family: Family::Real,
        spellings: &["REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT", "FLOAT4", "FLOAT8"],
        becomes: "`double precision`; `numeric` where an integer is beyond 2^53; an epoch by the column's name: \
                  `timestamp with time zone`",
    },
    Rule {
        family: Family::Decimal,
        spellings: &["NUMERIC", "DECIMAL", "DEC", "NUMBER", "MONEY", "SMALLMONEY", "CURRENCY"],
        becomes: "`numeric(p,s)` where nothing is rounded, `numeric`",
    },
    Rule {
        family: Family::Boolean,
        spellings: &["BOOLEAN", "BOOL", "BIT", "LOGICAL"],
        becomes: "`boolean` where only 0, 1 and boolean words are stored",
    },
    Rule {
        family: Family::DateTime,
        spellings: &["DATETIME", "TIMESTAMP", "DATETIME2", "SMALLDATETIME", "TIMESTAMP WITHOUT TIME ZONE"],
        becomes: "`timestamp with time zone` where a text has an offset or a number is an epoch, \
                  `timestamp without time zone`",
    },
    Rule {
        family: Family::DateTimeTz,
        spellings: &["TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET", "DATETIMETZ"],
        becomes: "`timestamp with time zone`",
    },
    Rule {
        family: Family::Date,
        spellings: &["DATE"],
        becomes: "`date` where only dates are stored, else as DATETIME",
    },
    Rule {
        family: Family::Time,
        spellings: &["TIME", "TIME WITHOUT TIME ZONE"],
        becomes: "`time without time zone` where only times of day are stored, else as DATETIME",
    },
    Rule {
        family: Family::Varchar,
        spellings: &[
            "VARCHAR",
            "CHARACTER VARYING",
            "VARYING CHARACTER",
            "NVARCHAR",
            "VARCHAR2",
            "NVARCHAR2",
            "NATIONAL VARCHAR",
        ],
        becomes: "`character varying(n)` where nothing is longer, `text`",
    },
    Rule {
        family: Family::Char,
        spellings: &["CHAR", "CHARACTER", "NCHAR", "NATIVE CHARACTER", "BPCHAR"],
        becomes: "`uuid` for CHAR(36) and CHAR(32) holding UUIDs in lower case; `character varying(n)` (SQLite \
                  does not pad), `text`",
    },
    Rule {
        family: Family::Text,
        spellings: &[
            "TEXT",
            "CLOB",
            "NTEXT",
            "NCLOB",
            "TINYTEXT",
            "MEDIUMTEXT",
            "LONGTEXT",
            "LONG VARCHAR",
            "STRING",
            "CITEXT",
            "NAME",
        ],
        becomes: "`text`; `jsonb` or `json` where a CHECK calls `json_valid`",
    },
    Rule {
        family: Family::Json,
        spellings: &["JSON", "JSONB"],
        becomes: "`jsonb`, `json` where an object has a key twice, `text` where jsonb cannot hold it",
    },
    Rule {
        family: Family::Uuid,
        spellings: &["UUID", "GUID", "UNIQUEIDENTIFIER"],
        becomes: "`uuid`, from text with or without dashes, in braces or after `urn:uuid:`, or from 16 bytes",
    },
    Rule {
        family: Family::Blob,
        spellings: &[
            "BLOB",
            "BYTEA",
            "BINARY",
            "VARBINARY",
            "TINYBLOB",
            "MEDIUMBLOB",
            "LONGBLOB",
            "IMAGE",
            "RAW",
            "LONG RAW",
            "GEOMETRY",
            "POINT",
            "LINESTRING",
            "POLYGON",
            "MULTIPOINT",
            "MULTILINESTRING",
            "MULTIPOLYGON",
            "GEOMETRYCOLLECTION",
        ],
        becomes: "`bytea`",
    },
    Rule {
        family: Family::Unknown,
        spellings: &[""],
        becomes: "by what is stored: `bigint`, `double precision`, `numeric`, `text`, `bytea`",
    },
];

/// A declared type, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub family: Family,
    pub affinity: Affinity,
    /// `(20)`, `(10, 2)`: the numbers in the parentheses.
    pub modifiers: Vec<i32>,
}

impl Declared {
    pub fn parse(declared: &str) -> Declared {
        let (name, modifiers) = split(&declared.to_ascii_uppercase());
        let affinity = Affinity::of(declared);
        let name = name.replace(" UNSIGNED", "").replace("UNSIGNED ", "");
        let known = RULES.iter().find(|rule| rule.spellings.contains(&name.as_str()));
        let family = known.map(|rule| rule.family).unwrap_or(match affinity {
            Affinity::Integer => Family::Integer,
            Affinity::Real => Family::Real,
            Affinity::Text => Family::Text,
            Affinity::Blob | Affinity::Numeric => Family::Unknown,
        });
        Declared { family, affinity, modifiers }
    }

    /// The declared type holds any text, as far as its length allows.
    pub fn is_text(&self) -> bool {
        matches!(self.family, Family::Varchar | Family::Char | Family::Text | Family::Unknown)
    }

    /// The length of `VARCHAR(n)`, if PostgreSQL accepts it.
    pub fn length(&self) -> Option<u32> {
        const MAX_LENGTH: u32 = 10_485_760;
        let length = self.modifiers.first().and_then(|n| u32::try_from(*n).ok())?;
        (1..=MAX_LENGTH).contains(&length).then_some(length)
    }

    /// Precision and scale of `DECIMAL(p,s)`, if every supported server accepts them.
    pub fn precision(&self) -> Option<(i32, i32)> {
        let precision = *self.modifiers.first()?;
        let scale = self.modifiers.get(1).copied().unwrap_or(0);
        ((1..=1000).contains(&precision) && (0..=precision).contains(&scale)).then_some((precision, scale))
    }
}

/// The table as it stands in `docs/types.md`.
pub fn markdown() -> String {
    let mut out = String::from("| declared | becomes |\n|---|---|\n");
    for rule in RULES {
        let names: Vec<&str> =
            rule.spellings.iter().map(|s| if s.is_empty() { "none, or any other name" } else { s }).collect();
        out.push_str(&format!("| {} | {} |\n", names.join(", "), rule.becomes));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_have_a_family_and_never_fail() {
        for (declared, family) in [
            ("CHAR(0)", Family::Char),
            ("INTEGER NON NULL", Family::Integer),
            ("INTEGER_OR_TEXT", Family::Integer),
            ("INTERGER", Family::Integer),
            ("VARCHAR2(20)", Family::Varchar),
            ("guid", Family::Uuid),
            ("float[128]", Family::Real),
            ("BLOB SUB_TYPE TEXT", Family::Text),
            ("BYTEA", Family::Blob),
            ("jsonb", Family::Json),
            ("NUMBER", Family::Decimal),
            ("LONG", Family::Integer),
            ("double  precision", Family::Real),
            ("", Family::Unknown),
            ("integer unsigned", Family::Integer),
            ("text nocase", Family::Text),
            ("decimal(10,", Family::Decimal),
            ("ENUM('a','b')", Family::Unknown),
            ("timestamp(3) with time zone", Family::DateTimeTz),
        ] {
            assert_eq!(Declared::parse(declared).family, family, "{declared}");
        }
    }

    #[test]
    fn limits_that_postgres_rejects_are_no_limits() {
        assert_eq!(Declared::parse("CHAR(0)").length(), None);
        assert_eq!(Declared::parse("VARCHAR(99999999)").length(), None);
        assert_eq!(Declared::parse("VARCHAR(20)").length(), Some(20));
        assert_eq!(Declared::parse("DECIMAL(10,2)").precision(), Some((10, 2)));
        assert_eq!(Declared::parse("DECIMAL(2,10)").precision(), None);
        assert_eq!(Declared::parse("NUMERIC(99999)").precision(), None);
    }

    #[test]
    fn the_documentation_has_these_tables() {
        let docs = include_str!("../../../docs/types.md");
        for (name, source, table) in [
            ("rules", "core/src/types/rules.rs", markdown()),
            ("formats", "core/src/value/format.rs", crate::value::format::markdown()),
        ] {
            let section = format!("<!-- begin {name}: {source} -->\n{table}<!-- end {name} -->\n");
            assert!(docs.contains(&section), "docs/types.md must have:\n{section}");
        }
    }
}
