//! PostgreSQL types -> SQLite's declared types and storage classes: the one table.

use crate::value::{Format, PgType};

/// How a value becomes a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By the rules of [`crate::value::encode`], which reads each value back.
    Value,
    /// As its type's output function prints it, which reads back as the same value.
    Printed,
    /// A JSON array.
    Array,
    /// 16 bytes.
    UuidBlob,
    /// Bytes that a file had as a text.
    TextOfBytes,
    /// The nearest double.
    NearestReal,
    /// An interval by ISO 8601.
    Iso8601,
    /// An interval as a number of units, which the format says.
    Units,
    /// An interval as the time that is so long after 1970 began.
    Since1970,
    /// A JSON object of an `hstore`.
    Pairs,
    /// JSON in SQLite's binary form.
    JsonB,
    /// 32-bit reals.
    Floats,
    /// The bytes of a geometry, with its SRID.
    Ewkb,
    /// The same without.
    Wkb,
    /// A blob of a GeoPackage.
    GeoPackage,
    /// A coordinate of an R*Tree.
    Coordinate(Rounding),
    /// Not at all.
    LeftOut,
}

/// To which side a coordinate is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// It is an integer.
    None,
    Down,
    Up,
}

/// One row of the table.
#[derive(Debug)]
pub struct Rule {
    pub family: Family,
    /// The PostgreSQL types, for people.
    pub of: &'static str,
    /// `(n)` and `(p,s)` are those of the type.
    pub declared: &'static str,
    /// In a STRICT table.
    pub strict: &'static str,
    pub form: Form,
    /// The storage classes, for people.
    pub stored: &'static str,
    /// What is refused, for people; nothing is rounded in silence.
    pub refused: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Float,
    ShortNumeric,
    LongNumeric,
    RealNumeric,
    Money,
    Text,
    Varchar,
    Char,
    Citext,
    Bytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
    UuidBlob,
    Json,
    JsonBlob,
    Array,
    Interval,
    IsoInterval,
    Hstore,
    Vector,
    VectorBlob,
    Geometry,
    PlainGeometry,
    GeoPackage,
    TextSearch,
    TextSearchText,
    Other,
}

/// Every decimal of as many digits is the shortest text of its nearest double (C's `DBL_DIG`).
const DOUBLE_DIGITS: i32 = 15;

const fn rule(
    family: Family,
    form: Form,
    of: &'static str,
    [declared, strict]: [&'static str; 2],
    [stored, refused]: [&'static str; 2],
) -> Rule {
    Rule { family, of, declared, strict, form, stored, refused }
}

const YEARS: &str = "`infinity`, years before 1 and after 9999";

/// The table.
pub const RULES: &[Rule] = &[
    rule(Family::Boolean, Form::Value, "`boolean`", ["BOOLEAN", "INTEGER"], ["INTEGER: 0, 1", ""]),
    rule(Family::SmallInt, Form::Value, "`smallint`", ["SMALLINT", "INTEGER"], ["INTEGER", ""]),
    rule(Family::Integer, Form::Value, "`integer`", ["INTEGER", "INTEGER"], ["INTEGER", ""]),
    rule(Family::BigInt, Form::Value, "`bigint`", ["BIGINT", "INTEGER"], ["INTEGER", ""]),
    rule(
        Family::Float,
        Form::Value,
        "`real`, `double precision`",
        ["REAL", "REAL"],
        [
            "REAL, infinities too; -0 as 0; `real` as the double that prints alike",
            "`NaN`, which SQLite stores as NULL",
        ],
    ),
    rule(
        Family::ShortNumeric,
        Form::Value,
        "`numeric(p,s)` with p up to 15",
        ["NUMERIC(p,s)", "ANY"],
        ["INTEGER for whole numbers, else REAL; `NaN` as TEXT", ""],
    ),
    rule(
        Family::LongNumeric,
        Form::Printed,
        "`numeric`, `numeric(p,s)` with a larger p; all with `\"numeric\": \"text\"`",
        ["TEXT", "TEXT"],
        ["TEXT: every digit", ""],
    ),
    rule(
        Family::RealNumeric,
        Form::NearestReal,
        "`numeric` with `\"numeric\": \"real\"`",
        ["REAL", "REAL"],
        ["REAL: the nearest; values that are rounded are counted", "`NaN`"],
    ),
    rule(Family::Money, Form::Printed, "`money`", ["TEXT", "TEXT"], ["TEXT: `-1234.50`", ""]),
    rule(Family::Text, Form::Value, "`text`", ["TEXT", "TEXT"], ["TEXT", ""]),
    rule(Family::Varchar, Form::Value, "`varchar(n)`", ["VARCHAR(n)", "TEXT"], ["TEXT", ""]),
    rule(Family::Char, Form::Value, "`char(n)`", ["CHAR(n)", "TEXT"], ["TEXT, without the padding", ""]),
    rule(Family::Citext, Form::Printed, "`citext`", ["TEXT", "TEXT"], ["TEXT, `COLLATE NOCASE`", ""]),
    rule(Family::Bytea, Form::Value, "`bytea`", ["BLOB", "BLOB"], ["BLOB; TEXT by `hex`, `base64`", ""]),
    rule(
        Family::Date,
        Form::Value,
        "`date`",
        ["DATE", "TEXT"],
        ["TEXT: `2024-05-01`; by a format INTEGER", YEARS],
    ),
    rule(
        Family::Time,
        Form::Value,
        "`time`",
        ["TIME", "TEXT"],
        ["TEXT: `10:11:12.5`; by a format INTEGER", "`24:00:00`"],
    ),
    rule(
        Family::Timestamp,
        Form::Value,
        "`timestamp`",
        ["TIMESTAMP", "TEXT"],
        ["TEXT: `2024-05-01 10:11:12`; by a format INTEGER, or REAL for `julianday`", YEARS],
    ),
    rule(
        Family::TimestampTz,
        Form::Value,
        "`timestamptz`",
        ["TIMESTAMPTZ", "TEXT"],
        ["TEXT in UTC: `2024-05-01 10:11:12+00:00`; by a format INTEGER, or REAL for `julianday`", YEARS],
    ),
    rule(Family::Uuid, Form::Value, "`uuid`", ["UUID", "TEXT"], ["TEXT, in lower case", ""]),
    rule(
        Family::UuidBlob,
        Form::UuidBlob,
        "`uuid` with `\"uuid\": \"blob\"`",
        ["BLOB", "BLOB"],
        ["BLOB: 16 bytes", ""],
    ),
    rule(
        Family::Json,
        Form::Printed,
        "`json`, `jsonb`",
        ["TEXT", "TEXT"],
        ["TEXT, with `CHECK (json_valid(…))`", ""],
    ),
    rule(
        Family::JsonBlob,
        Form::JsonB,
        "`json`, `jsonb` with `\"json\": \"blob\"`",
        ["BLOB", "BLOB"],
        [
            "BLOB: JSONB of SQLite (3.45 and later), with `CHECK (json_valid(…, 8))`",
            "nested deeper than 1000",
        ],
    ),
    rule(
        Family::Array,
        Form::Array,
        "arrays",
        ["TEXT", "TEXT"],
        [
            "TEXT: a JSON array, nested by dimension",
            "other lower bounds than 1; `bytea` in them; `infinity` of times in them",
        ],
    ),
    rule(
        Family::Interval,
        Form::Printed,
        "`interval`",
        ["TEXT", "TEXT"],
        [
            "TEXT: `1 year 2 mons -3 days +04:05:06`, or by its `spelling`; by a format INTEGER, REAL for `days`, or TEXT for `since_1970`",
            "by a format: months",
        ],
    ),
    rule(
        Family::IsoInterval,
        Form::Iso8601,
        "`interval` with `\"interval\": \"iso8601\"`",
        ["TEXT", "TEXT"],
        ["TEXT: `P1Y2M-3DT4H5M6S`", "`infinity`"],
    ),
    rule(Family::Hstore, Form::Pairs, "`hstore`", ["TEXT", "TEXT"], ["TEXT: a JSON object", ""]),
    rule(Family::Vector, Form::Printed, "`vector`, `halfvec`", ["TEXT", "TEXT"], ["TEXT: a JSON array", ""]),
    rule(
        Family::VectorBlob,
        Form::Floats,
        "`vector` with `\"vector\": \"blob\"`",
        ["BLOB", "BLOB"],
        ["BLOB: 32-bit reals, little-endian", ""],
    ),
    rule(
        Family::Geometry,
        Form::Ewkb,
        "`geometry`, `geography`",
        ["BLOB", "BLOB"],
        ["BLOB: EWKB, as PostGIS has it", ""],
    ),
    rule(
        Family::PlainGeometry,
        Form::Wkb,
        "`geometry`, `geography` with `\"geometry\": \"wkb\"`",
        ["BLOB", "BLOB"],
        ["BLOB: WKB of ISO, without the SRID", ""],
    ),
    rule(
        Family::GeoPackage,
        Form::GeoPackage,
        "`geometry`, `geography` with `\"geopackage\": true`",
        ["GEOMETRY", "BLOB"],
        ["BLOB: that of a GeoPackage; the declared type is the kind, such as `POINT`", ""],
    ),
    rule(
        Family::TextSearch,
        Form::LeftOut,
        "`tsvector`, `tsquery`",
        ["", ""],
        ["left out, with a finding; a generated `tsvector` becomes a full-text table", ""],
    ),
    rule(
        Family::TextSearchText,
        Form::Printed,
        "`tsvector`, `tsquery` with `\"tsvector\": \"text\"`",
        ["TEXT", "TEXT"],
        ["TEXT, as PostgreSQL prints it", ""],
    ),
    rule(
        Family::Other,
        Form::Printed,
        "enums, `timetz`, ranges, composites, `inet`, `bit`, `xml`, `sparsevec`, any other",
        ["TEXT", "TEXT"],
        ["TEXT, as PostgreSQL prints it with its default settings; an enum has a CHECK", ""],
    ),
];

/// What the plan says of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numeric {
    Exact,
    Text,
    Real,
}

/// How values of some types are stored, of the ways in which they can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    pub numeric: Numeric,
    pub uuid_blob: bool,
    pub json_blob: bool,
    pub iso_intervals: bool,
    pub vector_blob: bool,
    pub plain_geometries: bool,
    /// The file is a GeoPackage.
    pub geopackage: bool,
    pub text_search: bool,
}

impl Choices {
    /// The row of the table for a type.
    pub fn rule(&self, pg_type: &PgType) -> &'static Rule {
        let family = self.family(pg_type.base());
        RULES.iter().find(|rule| rule.family == family).unwrap_or(&RULES[RULES.len() - 1])
    }

    fn family(&self, pg_type: &PgType) -> Family {
        match pg_type {
            PgType::Bool => Family::Boolean,
            PgType::Int2 => Family::SmallInt,
            PgType::Int4 => Family::Integer,
            PgType::Int8 => Family::BigInt,
            PgType::Float4 | PgType::Float8 => Family::Float,
            PgType::Numeric(_) if self.numeric == Numeric::Real => Family::RealNumeric,
            PgType::Numeric(Some((precision, scale)))
                if self.numeric == Numeric::Exact
                    && *precision <= DOUBLE_DIGITS
                    && (0..=*precision).contains(scale) =>
            {
                Family::ShortNumeric
            }
            PgType::Numeric(_) => Family::LongNumeric,
            PgType::Money => Family::Money,
            PgType::Text => Family::Text,
            PgType::Varchar(_) => Family::Varchar,
            PgType::Bpchar(_) => Family::Char,
            PgType::Bytea => Family::Bytea,
            PgType::Date => Family::Date,
            PgType::Time(_) => Family::Time,
            PgType::Timestamp(_) => Family::Timestamp,
            PgType::TimestampTz(_) => Family::TimestampTz,
            PgType::Interval(_) if self.iso_intervals => Family::IsoInterval,
            PgType::Interval(_) => Family::Interval,
            PgType::Uuid if self.uuid_blob => Family::UuidBlob,
            PgType::Uuid => Family::Uuid,
            PgType::Json | PgType::Jsonb if self.json_blob => Family::JsonBlob,
            PgType::Json | PgType::Jsonb => Family::Json,
            PgType::Array(_) => Family::Array,
            PgType::Vector(name) if self.vector_blob && last_name(name) == "vector" => Family::VectorBlob,
            PgType::Vector(_) => Family::Vector,
            PgType::Other(name) if matches!(name.as_str(), "tsvector" | "tsquery") => {
                match self.text_search {
                    true => Family::TextSearchText,
                    false => Family::TextSearch,
                }
            }
            other if other.is_citext() => Family::Citext,
            // Types of extensions are known by their names only.
            PgType::UserDefined(name) => match last_name(name) {
                "hstore" => Family::Hstore,
                "geometry" | "geography" if self.geopackage => Family::GeoPackage,
                "geometry" | "geography" if self.plain_geometries => Family::PlainGeometry,
                "geometry" | "geography" => Family::Geometry,
                _ => Family::Other,
            },
            _ => Family::Other,
        }
    }
}

/// `geometry` of `public.geometry(Point,4326)`
fn last_name(name: &str) -> &str {
    let bare = name.split('(').next().unwrap_or_default();
    bare.rsplit('.').next().unwrap_or_default()
}

impl Rule {
    /// The declared type of a column of this type, which is read by a format.
    pub fn declared(&self, pg_type: &PgType, format: Option<Format>, strict: bool) -> String {
        let text = matches!(format, Some(Format::Hex | Format::Base64));
        match (strict, pg_type.base()) {
            (_, PgType::Bytea) if text => "TEXT".into(),
            (_, PgType::Interval(_)) if format == Some(Format::Days) => "REAL".into(),
            (_, PgType::Interval(_)) if counts(format) => "INTEGER".into(),
            (true, _) if format == Some(Format::JulianDay) => "REAL".into(),
            (true, _) if counts(format) => "INTEGER".into(),
            (true, _) => self.strict.into(),
            (false, PgType::Numeric(Some((p, s)))) => self.declared.replace("(p,s)", &format!("({p},{s})")),
            (false, PgType::Varchar(n) | PgType::Bpchar(n)) => {
                self.declared.replace("(n)", &n.map(|n| format!("({n})")).unwrap_or_default())
            }
            (false, _) => self.declared.into(),
        }
    }

    /// A format that values of the family are written in.
    pub fn takes(&self, format: Format) -> bool {
        match self.family {
            Family::Date | Family::Timestamp | Family::TimestampTz => {
                format.is_epoch() || format == Format::Iso8601
            }
            Family::Time => matches!(
                format,
                Format::Seconds | Format::Milliseconds | Format::Microseconds | Format::Iso8601
            ),
            Family::Interval | Family::IsoInterval => format.is_duration() || format == Format::Since1970,
            Family::Bytea => matches!(format, Format::Hex | Format::Base64),
            Family::GeoPackage => format == Format::GeoPackage,
            _ => false,
        }
    }
}

/// The format writes numbers.
pub fn counts(format: Option<Format>) -> bool {
    format.is_some_and(|format| format.is_epoch() || format.is_duration())
}

/// The table as it stands in docs/export.md.
pub fn markdown() -> String {
    let mut out = String::from(
        "| PostgreSQL | declared as | STRICT | stored as | does not fit |\n|---|---|---|---|---|\n",
    );
    for rule in RULES {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            rule.of, rule.declared, rule.strict, rule.stored, rule.refused
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_the_table() {
        crate::export::assert_page_holds("types", &markdown());
    }

    #[test]
    fn a_type_has_one_row() {
        let declared = |name: &str, numeric| {
            let pg_type = PgType::parse(name);
            let choices = Choices {
                numeric,
                uuid_blob: false,
                json_blob: false,
                iso_intervals: false,
                vector_blob: false,
                plain_geometries: false,
                geopackage: false,
                text_search: false,
            };
            choices.rule(&pg_type).declared(&pg_type, None, false)
        };
        for (name, expected) in [
            ("numeric(10,2)", "NUMERIC(10,2)"),
            ("numeric(16,2)", "TEXT"),
            ("numeric(3,5)", "TEXT"),
            ("numeric(3,-2)", "TEXT"),
            ("numeric", "TEXT"),
            ("varchar(20)", "VARCHAR(20)"),
            ("varchar", "VARCHAR"),
            ("char(3)", "CHAR(3)"),
            ("timestamptz", "TIMESTAMPTZ"),
            ("interval", "TEXT"),
            ("integer[]", "TEXT"),
            ("domain(bigint)", "BIGINT"),
        ] {
            assert_eq!(declared(name, Numeric::Exact), expected, "{name}");
        }
        assert_eq!(declared("numeric(10,2)", Numeric::Real), "REAL");
        assert_eq!(declared("numeric(10,2)", Numeric::Text), "TEXT");
    }
}
