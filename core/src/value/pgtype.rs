//! PostgreSQL's types as data: what conversion must know of one, its modifiers, and what it is made of.
//!
//! Text becomes a `PgType` at two edges only: where a person names a type (a plan, an option), by [`PgType::parse`], and
//! where the server does, by its catalog (`pg::types`). It becomes text again where it is printed: `Display` spells a
//! type as `format_type` does.
//!
//! Parsing never fails, and loses nothing: a name that is not known here, or has modifiers that it does not take, is
//! `Other` as it is written. What is known by its name alone goes through the type's input function.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::interval::Precision;

/// The types that conversion distinguishes; modifiers are kept if they limit what fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Of this element type.
    Array(Box<PgType>),
    /// pgvector's `vector` and `halfvec`, by its name.
    Vector(String),
    Range {
        name: String,
        of: Box<PgType>,
    },
    Multirange {
        name: String,
        of: Box<PgType>,
    },
    /// A composite type.
    Row {
        name: String,
        fields: Vec<PgType>,
    },
    Domain {
        name: String,
        base: Box<PgType>,
    },
    /// A type of the server's own that is only known by its name, modifiers included; or a name that means nothing here.
    Other(String),
    /// A type that is not the server's own, whose values only its input function reads: an enum, an extension's type.
    UserDefined(String),
}

const FULL_PRECISION: u32 = 6;

/// PostgreSQL's ranges and multiranges with their subtypes.
const RANGES: [(&str, &str, PgType); 6] = [
    ("int4range", "int4multirange", PgType::Int4),
    ("int8range", "int8multirange", PgType::Int8),
    ("numrange", "nummultirange", PgType::Numeric(None)),
    ("daterange", "datemultirange", PgType::Date),
    ("tsrange", "tsmultirange", PgType::TIMESTAMP),
    ("tstzrange", "tstzmultirange", PgType::TIMESTAMPTZ),
];

/// Types whose values name objects of the database by the search path.
const NAMES_OF_OBJECTS: [&str; 11] = [
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

/// Types without a default btree operator class, but for `json`.
const UNORDERED: [&str; 10] =
    ["xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "cid", "xid"];

impl PgType {
    pub const TIMESTAMP: PgType = PgType::Timestamp(FULL_PRECISION);
    pub const TIMESTAMPTZ: PgType = PgType::TimestampTz(FULL_PRECISION);
    pub const TIME: PgType = PgType::Time(FULL_PRECISION);
    pub const INTERVAL: PgType = PgType::Interval(Precision::FULL);

    /// The type that a person or `format_type` writes.
    pub fn parse(written: &str) -> PgType {
        let written = written.trim();
        let lower = written.to_ascii_lowercase();
        if let Some(element) = written.strip_suffix("[]") {
            return match PgType::parse(element) {
                // The one array whose elements are not separated by commas.
                PgType::Other(name) if name.eq_ignore_ascii_case("box") => PgType::Other(written.to_owned()),
                element => PgType::Array(Box::new(element)),
            };
        }
        let own = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
        if let Some(made) = notation(own).or_else(|| range(own)) {
            return made;
        }
        if own.contains('.') {
            return PgType::UserDefined(written.to_owned());
        }
        let (name, modifiers) = split(own);
        let all_read =
            own.split_once('(').map_or(0, |(_, inside)| inside.split(',').count()) == modifiers.len();
        match name.as_str() {
            "vector" | "halfvec" => PgType::Vector(own.to_owned()),
            "box" => PgType::Other(name),
            // Quoted names ("char") too.
            _ => all_read
                .then(|| builtin(&name, &modifiers))
                .flatten()
                .unwrap_or(PgType::Other(written.to_owned())),
        }
    }

    /// The type below all domains.
    pub fn base(&self) -> &PgType {
        match self {
            PgType::Domain { base, .. } => base.base(),
            other => other,
        }
    }

    /// They have the same name, whatever else is known of them.
    pub fn is_named_as(&self, other: &PgType) -> bool {
        self == other || self.to_string() == other.to_string()
    }

    /// Takes an identity, and all such compare with each other in foreign keys.
    pub fn is_integer(&self) -> bool {
        matches!(self, PgType::Int2 | PgType::Int4 | PgType::Int8)
    }

    /// It is named as pgvector's types are, in whatever schema.
    pub fn is_named_as_vector(&self) -> bool {
        let last = |name: &str| split(name.rsplit('.').next().unwrap_or(name)).0;
        match self.base() {
            PgType::Vector(_) => true,
            PgType::UserDefined(name) => matches!(last(name).as_str(), "vector" | "halfvec"),
            _ => false,
        }
    }

    /// `citext`, which ignores case as the database's own `lower()` does.
    pub fn is_citext(&self) -> bool {
        let citext = |name: &str| name.rsplit('.').next().is_some_and(|n| n.eq_ignore_ascii_case("citext"));
        matches!(self.base(), PgType::Other(name) | PgType::UserDefined(name) if citext(name))
    }

    /// `geometry` or `geography`, as PostGIS calls its types.
    pub fn is_postgis(&self) -> bool {
        let (PgType::Other(name) | PgType::UserDefined(name)) = self.base() else { return false };
        let bare = name.split_once('(').map_or(name.as_str(), |(bare, _)| bare).trim();
        let last = bare.rsplit('.').next().unwrap_or_default();
        ["geometry", "geography"].iter().any(|own| own.eq_ignore_ascii_case(last))
    }

    /// Takes a collation.
    pub fn is_text(&self) -> bool {
        match self {
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) => true,
            PgType::Other(name) => name == "name",
            _ => false,
        }
    }

    /// A column of it may have a method of compression.
    pub fn is_compressible(&self) -> bool {
        use PgType::{Array, Bpchar, Bytea, Json, Jsonb, Text, Varchar};
        matches!(self.base(), Text | Varchar(_) | Bpchar(_) | Bytea | Json | Jsonb | Array(_))
            || self.is_citext()
    }

    /// Times and spans, the types that a `format` is for.
    pub fn is_temporal(&self) -> bool {
        use PgType::{Array, Date, Interval, Time, TimeTz, Timestamp, TimestampTz};
        match self {
            Date | Time(_) | TimeTz(_) | Timestamp(_) | TimestampTz(_) | Interval(_) => true,
            Array(element) => element.is_temporal(),
            _ => false,
        }
    }

    /// A foreign key can be made from a column of one type to a column of the other.
    pub fn compares_with(&self, other: &PgType) -> bool {
        let varying = |t: &PgType| matches!(t, PgType::Text | PgType::Varchar(_));
        self.is_named_as(other)
            || (self.is_integer() && other.is_integer())
            || (varying(self) && varying(other))
    }

    /// The type is known to have a default btree operator class on any server.
    pub fn is_ordered(&self) -> bool {
        use PgType::*;
        match self {
            Json | Array(_) | Vector(_) | Row { .. } | Domain { .. } | Other(_) | UserDefined(_) => false,
            Bool
            | Int2
            | Int4
            | Int8
            | Float4
            | Float8
            | Numeric(_)
            | Money
            | Text
            | Varchar(_)
            | Bpchar(_)
            | Bytea
            | Date
            | Time(_)
            | TimeTz(_)
            | Timestamp(_)
            | TimestampTz(_)
            | Interval(_)
            | Uuid
            | Jsonb
            | Range { .. }
            | Multirange { .. } => true,
        }
    }

    /// The type is known to have no default btree operator class: no index, no key.
    pub fn is_unordered(&self) -> bool {
        match self {
            PgType::Json => true,
            PgType::Array(element) => element.is_unordered(),
            PgType::Other(name) => UNORDERED.contains(&name.trim_end_matches("[]")),
            _ => false,
        }
    }

    /// Whether the text of the type, or of one that it consists of, depends on the search path or the locale.
    pub fn reads_rare_settings(&self) -> bool {
        match self {
            PgType::Money => true,
            PgType::Array(of) | PgType::Range { of, .. } | PgType::Multirange { of, .. } => {
                of.reads_rare_settings()
            }
            PgType::Row { fields, .. } => fields.iter().any(PgType::reads_rare_settings),
            PgType::Domain { base, .. } => base.reads_rare_settings(),
            PgType::Other(name) => NAMES_OF_OBJECTS.contains(&name.as_str()),
            _ => false,
        }
    }
}

impl fmt::Display for PgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limited = |f: &mut fmt::Formatter<'_>, name: &str, limit: &Option<u32>| match limit {
            Some(n) => write!(f, "{name}({n})"),
            None => f.write_str(name),
        };
        let precise = |f: &mut fmt::Formatter<'_>, name: &str, digits: u32, zone: &str| match digits {
            FULL_PRECISION => write!(f, "{name} {zone} time zone"),
            digits => write!(f, "{name}({digits}) {zone} time zone"),
        };
        match self {
            PgType::Bool => f.write_str("boolean"),
            PgType::Int2 => f.write_str("smallint"),
            PgType::Int4 => f.write_str("integer"),
            PgType::Int8 => f.write_str("bigint"),
            PgType::Float4 => f.write_str("real"),
            PgType::Float8 => f.write_str("double precision"),
            PgType::Numeric(Some((p, s))) => write!(f, "numeric({p},{s})"),
            PgType::Numeric(None) => f.write_str("numeric"),
            PgType::Money => f.write_str("money"),
            PgType::Text => f.write_str("text"),
            PgType::Varchar(limit) => limited(f, "character varying", limit),
            PgType::Bpchar(None) => f.write_str("bpchar"),
            PgType::Bpchar(limit) => limited(f, "character", limit),
            PgType::Bytea => f.write_str("bytea"),
            PgType::Date => f.write_str("date"),
            PgType::Time(digits) => precise(f, "time", *digits, "without"),
            PgType::TimeTz(digits) => precise(f, "time", *digits, "with"),
            PgType::Timestamp(digits) => precise(f, "timestamp", *digits, "without"),
            PgType::TimestampTz(digits) => precise(f, "timestamp", *digits, "with"),
            PgType::Interval(precision) => write!(f, "interval{precision}"),
            PgType::Uuid => f.write_str("uuid"),
            PgType::Json => f.write_str("json"),
            PgType::Jsonb => f.write_str("jsonb"),
            PgType::Array(element) => write!(f, "{element}[]"),
            PgType::Vector(name)
            | PgType::Range { name, .. }
            | PgType::Multirange { name, .. }
            | PgType::Row { name, .. }
            | PgType::Domain { name, .. }
            | PgType::Other(name)
            | PgType::UserDefined(name) => f.write_str(name),
        }
    }
}

/// One of the server's types that have a converter of their own.
fn builtin(name: &str, modifiers: &[i32]) -> Option<PgType> {
    use PgType::*;
    let plain = |pg_type: PgType| modifiers.is_empty().then_some(pg_type);
    let limit = || match modifiers {
        [] => Some(None),
        [n] => Some(Some(u32::try_from(*n).ok()?)),
        _ => None,
    };
    let digits = || limit().map(|n| n.unwrap_or(FULL_PRECISION)).filter(|n| *n <= FULL_PRECISION);
    match name {
        "boolean" | "bool" => plain(Bool),
        "smallint" | "int2" => plain(Int2),
        "integer" | "int" | "int4" => plain(Int4),
        "bigint" | "int8" => plain(Int8),
        "real" | "float4" => plain(Float4),
        "double precision" | "float8" => plain(Float8),
        "float" => match limit()? {
            Some(1..=24) => Some(Float4),
            None | Some(25..=53) => Some(Float8),
            Some(_) => None,
        },
        "numeric" | "decimal" | "dec" => match *modifiers {
            [] => Some(Numeric(None)),
            [precision] => Some(Numeric(Some((precision, 0)))),
            [precision, scale] => Some(Numeric(Some((precision, scale)))),
            _ => None,
        },
        "money" => plain(Money),
        "text" => plain(Text),
        "character varying" | "varchar" | "char varying" => limit().map(Varchar),
        "character" | "char" => limit().map(|n| Bpchar(Some(n.unwrap_or(1)))),
        "bpchar" => limit().map(Bpchar),
        "bytea" => plain(Bytea),
        "date" => plain(Date),
        "time" | "time without time zone" => digits().map(Time),
        "timetz" | "time with time zone" => digits().map(TimeTz),
        "timestamp" | "timestamp without time zone" => digits().map(Timestamp),
        "timestamptz" | "timestamp with time zone" => digits().map(TimestampTz),
        "uuid" => plain(Uuid),
        "json" => plain(Json),
        "jsonb" => plain(Jsonb),
        _ => Precision::parse(name.strip_prefix("interval")?, digits()?).map(Interval),
    }
}

/// One of the server's own ranges and multiranges.
fn range(name: &str) -> Option<PgType> {
    RANGES.into_iter().find_map(|(range, multirange, of)| match name {
        _ if name == range => Some(PgType::Range { name: range.into(), of: Box::new(of) }),
        _ if name == multirange => Some(PgType::Multirange { name: multirange.into(), of: Box::new(of) }),
        _ => None,
    })
}

/// `range(SUBTYPE)`, `multirange(SUBTYPE)`, `row(FIELD,…)` and `domain(BASE)`: a type that is made of others, whatever
/// it is called. An empty part is `Other`.
fn notation(written: &str) -> Option<PgType> {
    let (word, inside) = written.strip_suffix(')')?.split_once('(')?;
    let (name, of) = (written.to_owned(), || Box::new(PgType::parse(inside)));
    Some(match word {
        "range" => PgType::Range { name, of: of() },
        "multirange" => PgType::Multirange { name, of: of() },
        "domain" => PgType::Domain { name, base: of() },
        "row" => {
            let mut depth = 0;
            let outer_comma = |c: char| {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                c == ',' && depth == 0
            };
            PgType::Row { name, fields: inside.split(outer_comma).map(PgType::parse).collect() }
        }
        _ => return None,
    })
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
mod tests;
