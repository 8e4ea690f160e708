//! A PostgreSQL type as a person or `format_type` writes it, reduced to what conversion must know.
//!
//! Never fails: what is not known here is `PgType::Other` and goes through the type's input function.
//!
//! Types that are made of others are written `ELEMENT[]`, `range(SUBTYPE)`, `multirange(SUBTYPE)`, `row(FIELD,…)` and
//! `domain(BASE)`, whatever they are called; [`parts`] takes them apart. An empty part is `Other`.

use super::interval::Precision;

/// The types that are told apart; modifiers are kept where they limit what fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PgType {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// Precision and scale, `None` when unlimited.
    Numeric(Option<(i32, i32)>),
    Money,
    Text,
    /// Limit in characters.
    Varchar(Option<u32>),
    Bpchar(Option<u32>),
    Bytea,
    Date,
    /// Digits after the second.
    Time(u32),
    TimeTz(u32),
    Timestamp(u32),
    TimestampTz(u32),
    Interval(Precision),
    Uuid,
    Json,
    Jsonb,
    /// Of any element type; see [`element`].
    Array,
    /// pgvector's `vector` and `halfvec`.
    Vector,
    Range,
    Multirange,
    /// A composite type.
    Row,
    /// Whose values are passed as text, so that its constraints are looked at.
    Domain,
    Other,
}

const FULL_PRECISION: u32 = 6;

/// The server's own ranges and multiranges, and what they are of.
const RANGES: [(&str, &str, &str); 6] = [
    ("int4range", "int4multirange", "integer"),
    ("int8range", "int8multirange", "bigint"),
    ("numrange", "nummultirange", "numeric"),
    ("daterange", "datemultirange", "date"),
    ("tsrange", "tsmultirange", "timestamp without time zone"),
    ("tstzrange", "tstzmultirange", "timestamp with time zone"),
];

impl PgType {
    pub fn parse(pg_type: &str) -> PgType {
        let lower = pg_type.trim().to_ascii_lowercase();
        // The one array whose elements are not separated by commas is of boxes.
        match element(&lower) {
            Some("box" | "pg_catalog.box") => return PgType::Other,
            Some(_) => return PgType::Array,
            None => {}
        }
        if let Some((made, _)) = made_of(&lower) {
            return made;
        }
        // Quoted names ("char") and collations are the business of the input function.
        if lower.contains(['"', '[', '.']) && !lower.starts_with("pg_catalog.") {
            return PgType::Other;
        }
        let (name, modifiers) = split(lower.strip_prefix("pg_catalog.").unwrap_or(&lower));
        let first = modifiers.first().copied();
        let length = first.and_then(|n| u32::try_from(n).ok());
        let digits = length.map_or(FULL_PRECISION, |p| p.min(FULL_PRECISION));
        match name.as_str() {
            "boolean" | "bool" => PgType::Bool,
            "smallint" | "int2" => PgType::Int2,
            "integer" | "int" | "int4" => PgType::Int4,
            "bigint" | "int8" => PgType::Int8,
            "real" | "float4" => PgType::Float4,
            "float" if first.is_some_and(|bits| bits <= 24) => PgType::Float4,
            "double precision" | "float8" | "float" => PgType::Float8,
            "numeric" | "decimal" | "dec" => {
                PgType::Numeric(first.map(|p| (p, modifiers.get(1).copied().unwrap_or(0))))
            }
            "money" => PgType::Money,
            "text" => PgType::Text,
            "character varying" | "varchar" | "char varying" => PgType::Varchar(length),
            "character" | "char" => PgType::Bpchar(Some(length.unwrap_or(1))),
            "bpchar" => PgType::Bpchar(length),
            "bytea" => PgType::Bytea,
            "date" => PgType::Date,
            "time" | "time without time zone" => PgType::Time(digits),
            "timetz" | "time with time zone" => PgType::TimeTz(digits),
            "timestamp" | "timestamp without time zone" => PgType::Timestamp(digits),
            "timestamptz" | "timestamp with time zone" => PgType::TimestampTz(digits),
            "uuid" => PgType::Uuid,
            "json" => PgType::Json,
            "jsonb" => PgType::Jsonb,
            "vector" | "halfvec" => PgType::Vector,
            _ => match name.strip_prefix("interval") {
                Some(fields) if fields.is_empty() || fields.starts_with(' ') => {
                    PgType::Interval(Precision::new(fields, digits))
                }
                _ => PgType::Other,
            },
        }
    }
}

/// How a type is made of others, and their names between parentheses.
fn made_of(pg_type: &str) -> Option<(PgType, &str)> {
    const MADE: [(&str, PgType); 4] = [
        ("range", PgType::Range),
        ("multirange", PgType::Multirange),
        ("row", PgType::Row),
        ("domain", PgType::Domain),
    ];
    let pg_type = pg_type.trim();
    if let Some((word, inside)) = pg_type.strip_suffix(')').and_then(|t| t.split_once('(')) {
        return MADE.iter().find(|(name, _)| *name == word).map(|(_, made)| (*made, inside));
    }
    let name = pg_type.strip_prefix("pg_catalog.").unwrap_or(pg_type);
    RANGES.iter().find_map(|(range, multirange, of)| match name {
        _ if name.eq_ignore_ascii_case(range) => Some((PgType::Range, *of)),
        _ if name.eq_ignore_ascii_case(multirange) => Some((PgType::Multirange, *of)),
        _ => None,
    })
}

/// The types that a range, multirange, row or domain is made of.
pub fn parts(pg_type: &str) -> Vec<&str> {
    let Some((_, inside)) = made_of(pg_type) else { return vec![] };
    let mut depth = 0;
    let outer_comma = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    inside.split(outer_comma).collect()
}

/// The type below a `domain(…)`; any other is itself.
pub fn base(pg_type: &str) -> &str {
    match made_of(pg_type) {
        Some((PgType::Domain, base)) => base,
        _ => pg_type,
    }
}

/// The type, or one that it is made of, names objects of the database by the search path, or is spelled by the locale.
pub fn reads_rare_settings(pg_type: &str) -> bool {
    const NAMES: [&str; 12] = [
        "money",
        "regclass",
        "regcollation",
        "regconfig",
        "regdatabase",
        "regdictionary",
        "regoper",
        "regoperator",
        "regproc",
        "regprocedure",
        "regrole",
        "regtype",
    ];
    pg_type.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| NAMES.contains(&word))
}

/// `text` of `text[]`, as it is written.
pub fn element(pg_type: &str) -> Option<&str> {
    pg_type.trim().strip_suffix("[]").map(str::trim_end)
}

/// The type as `format_type` prints it; what is not known here stays as it is written.
pub fn canonical(pg_type: &str) -> String {
    let limited = |name: &str, limit: Option<u32>| match limit {
        Some(n) => format!("{name}({n})"),
        None => name.to_owned(),
    };
    let precise = |name: &str, digits: u32, zone: &str| match digits {
        FULL_PRECISION => format!("{name} {zone} time zone"),
        digits => format!("{name}({digits}) {zone} time zone"),
    };
    match PgType::parse(pg_type) {
        PgType::Bool => "boolean".to_owned(),
        PgType::Int2 => "smallint".to_owned(),
        PgType::Int4 => "integer".to_owned(),
        PgType::Int8 => "bigint".to_owned(),
        PgType::Float4 => "real".to_owned(),
        PgType::Float8 => "double precision".to_owned(),
        PgType::Numeric(Some((p, s))) => format!("numeric({p},{s})"),
        PgType::Numeric(None) => "numeric".to_owned(),
        PgType::Varchar(limit) => limited("character varying", limit),
        PgType::Bpchar(Some(n)) => limited("character", Some(n)),
        PgType::Time(digits) => precise("time", digits, "without"),
        PgType::TimeTz(digits) => precise("time", digits, "with"),
        PgType::Timestamp(digits) => precise("timestamp", digits, "without"),
        PgType::TimestampTz(digits) => precise("timestamp", digits, "with"),
        PgType::Array => format!("{}[]", canonical(element(pg_type).unwrap_or_default())),
        PgType::Other | PgType::Interval(_) | PgType::Bpchar(None) => pg_type.trim().to_owned(),
        _ => pg_type.trim().to_ascii_lowercase(),
    }
}

/// `timestamp(3) with time zone` -> (`timestamp with time zone`, [3]).
pub fn split(type_name: &str) -> (String, Vec<i32>) {
    let (before, rest) = type_name.split_once('(').unwrap_or((type_name, ""));
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
    let modifiers = inside.split(',').map_while(|m| m.trim().parse().ok()).collect();
    (words.join(" "), modifiers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printed_as_format_type_does() {
        for (written, printed) in [
            ("timestamptz", "timestamp with time zone"),
            ("timestamp(3)", "timestamp(3) without time zone"),
            ("VARCHAR(20)", "character varying(20)"),
            ("int", "integer"),
            ("numeric(9)", "numeric(9,0)"),
            ("JSONB", "jsonb"),
            ("timetz(3)", "time(3) with time zone"),
            ("Int []", "integer[]"),
            ("app.Mood[]", "app.Mood[]"),
            (" app.Mood ", "app.Mood"),
            ("DateRange", "daterange"),
        ] {
            assert_eq!(canonical(written), printed);
        }
    }

    #[test]
    fn reads_what_people_and_format_type_write() {
        for (written, meant) in [
            ("int8", PgType::Int8),
            ("BIGINT", PgType::Int8),
            ("double  precision", PgType::Float8),
            ("float(24)", PgType::Float4),
            ("character varying(20)", PgType::Varchar(Some(20))),
            ("varchar", PgType::Varchar(None)),
            ("char", PgType::Bpchar(Some(1))),
            ("\"char\"", PgType::Other),
            ("numeric(10, 2)", PgType::Numeric(Some((10, 2)))),
            ("numeric(10)", PgType::Numeric(Some((10, 0)))),
            ("numeric", PgType::Numeric(None)),
            ("timestamp(3) with time zone", PgType::TimestampTz(3)),
            ("timestamptz", PgType::TimestampTz(6)),
            ("time(0)", PgType::Time(0)),
            ("time with time zone", PgType::TimeTz(6)),
            ("interval day to second(3)", PgType::Interval(Precision::new("day to second", 3))),
            ("interval(0)", PgType::Interval(Precision::new("", 0))),
            ("intervals", PgType::Other),
            ("daterange", PgType::Range),
            ("range(numeric(4,2))", PgType::Range),
            ("Int4Multirange", PgType::Multirange),
            ("row(,text)", PgType::Row),
            ("domain(date)", PgType::Domain),
            ("daterange[]", PgType::Array),
            ("integer[]", PgType::Array),
            ("character varying(5)[]", PgType::Array),
            ("any[]", PgType::Array),
            ("box[]", PgType::Other),
            ("vector(3)", PgType::Vector),
            ("public.vector", PgType::Other),
            ("pg_catalog.int4", PgType::Int4),
            ("app.mood", PgType::Other),
            ("", PgType::Other),
            ("numeric(", PgType::Numeric(None)),
            ("bigserial", PgType::Other),
        ] {
            assert_eq!(PgType::parse(written), meant, "{written}");
        }
    }

    #[test]
    fn types_are_taken_apart() {
        for (pg_type, of) in [
            (
                "row(numeric(5,2),range(date),,row(a,b)[])",
                vec!["numeric(5,2)", "range(date)", "", "row(a,b)[]"],
            ),
            ("tstzrange", vec!["timestamp with time zone"]),
            ("domain(integer)", vec!["integer"]),
            ("numeric(5,2)", vec![]),
        ] {
            assert_eq!(parts(pg_type), of, "{pg_type}");
        }
        assert_eq!((base("domain(date)"), base("date")), ("date", "date"));
        assert!(reads_rare_settings("row(text,regclass[])") && !reads_rare_settings("regular"));
    }
}
