//! The canonical forms of values, by the type of their column: one table.

use crate::value::PgType;

/// In which bytes a value is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    Boolean,
    Integer,
    Double,
    Numeric,
    Text,
    Character,
    Bytea,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Json,
    Printed,
}

/// Form, name, tag, the types that have it, and its bytes.
const FORMS: [(Form, &str, u8, &str, &str); 16] = [
    (Form::Boolean, "boolean", b'b', "`boolean`", "`0` or `1`"),
    (
        Form::Integer,
        "integer",
        b'i',
        "`smallint`, `integer`, `bigint`",
        "the decimal digits, after `-` if negative",
    ),
    (
        Form::Double,
        "double",
        b'd',
        "`real`, `double precision`",
        "the 8 bytes of IEEE 754 binary64, the most significant first; every NaN is `7ff8000000000000`, -0.0 is not 0.0",
    ),
    (
        Form::Numeric,
        "numeric",
        b'n',
        "`numeric`, `money`",
        "decimal digits without exponent, plus sign, and zeros that say nothing (`12.5`, `-0.05`, `100`, `0`), as `trim_scale(x)::text` prints them; `NaN`, `Infinity`, `-Infinity`",
    ),
    (Form::Text, "text", b't', "`text`, `varchar`, `citext`", "the text in UTF-8"),
    (Form::Character, "character", b't', "`character(n)`", "the text in UTF-8 without the spaces at its end"),
    (Form::Bytea, "bytea", b'x', "`bytea`", "the bytes"),
    (Form::Date, "date", b'D', "`date`", "days since 1970-01-01, as an integer; `infinity`, `-infinity`"),
    (Form::Time, "time", b'h', "`time`", "microseconds since midnight, as an integer"),
    (
        Form::TimeTz,
        "timetz",
        b'H',
        "`time with time zone`",
        "microseconds since midnight, a space, seconds east of Greenwich, as integers",
    ),
    (
        Form::Timestamp,
        "timestamp",
        b'T',
        "`timestamp`",
        "microseconds since 1970-01-01 00:00:00, as an integer; `infinity`, `-infinity`",
    ),
    (
        Form::TimestampTz,
        "timestamptz",
        b'Z',
        "`timestamp with time zone`",
        "microseconds since 1970-01-01 00:00:00 UTC, as an integer; `infinity`, `-infinity`",
    ),
    (
        Form::Interval,
        "interval",
        b'I',
        "`interval`",
        "months, a space, days, a space, microseconds, as integers",
    ),
    (Form::Uuid, "uuid", b'u', "`uuid`", "its 16 bytes"),
    (Form::Json, "json", b'j', "`json`, `jsonb`", "the document in canonical spelling, in UTF-8 (below)"),
    (
        Form::Printed,
        "printed",
        b'p',
        "every other type",
        "what the type's output function prints under the settings below, in UTF-8",
    ),
];

/// NULL, in every form: nothing follows it.
pub const NULL_TAG: u8 = b'N';

impl Form {
    pub fn of(pg_type: &PgType) -> Form {
        match pg_type.base() {
            PgType::Bool => Form::Boolean,
            PgType::Int2 | PgType::Int4 | PgType::Int8 => Form::Integer,
            PgType::Float4 | PgType::Float8 => Form::Double,
            PgType::Numeric(_) | PgType::Money => Form::Numeric,
            PgType::Text | PgType::Varchar(_) => Form::Text,
            PgType::Bpchar(_) => Form::Character,
            PgType::Bytea => Form::Bytea,
            PgType::Date => Form::Date,
            PgType::Time(_) => Form::Time,
            PgType::TimeTz(_) => Form::TimeTz,
            PgType::Timestamp(_) => Form::Timestamp,
            PgType::TimestampTz(_) => Form::TimestampTz,
            PgType::Interval(_) => Form::Interval,
            PgType::Uuid => Form::Uuid,
            PgType::Json | PgType::Jsonb => Form::Json,
            base if base.is_citext() => Form::Text,
            _ => Form::Printed,
        }
    }

    pub fn parse(name: &str) -> Option<Form> {
        FORMS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// The byte before a value's own.
    pub fn tag(self) -> u8 {
        self.row().map_or(NULL_TAG, |row| row.2)
    }

    fn row(self) -> Option<&'static (Form, &'static str, u8, &'static str, &'static str)> {
        FORMS.iter().find(|row| row.0 == self)
    }

    /// A column of the one form can be checked by a manifest of the other.
    pub fn is_like(self, other: Form) -> bool {
        self.tag() == other.tag()
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMS.iter().map(|row| row.1)
    }
}

/// The table as docs/manifest.md has it.
pub fn markdown() -> String {
    let rows = FORMS.iter().map(|(_, name, tag, types, bytes)| {
        format!("| `{name}` | {types} | `{}` | {bytes} |\n", char::from(*tag))
    });
    String::from("| form | types | tag | bytes after the tag |\n|---|---|---|---|\n")
        + &rows.collect::<String>()
}
