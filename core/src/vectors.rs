//! Columns that hold vectors, whatever program keeps them: what pgvector's type and index are for them.

use crate::value::PgType;

/// What a file says of a column with vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vectors {
    pub element: Element,
    /// `None` where there is none yet.
    pub dimension: Option<u32>,
    /// `None` where there are several.
    pub metric: Option<Metric>,
    /// Of its HNSW index: neighbours, and candidates while it is built.
    pub hnsw: Option<(i64, i64)>,
}

/// What a vector consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Float,
    Int8,
    Bit,
}

/// By which distance vectors are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    L2,
    L1,
    Ip,
    Cosine,
    Hamming,
    /// One that pgvector does not have.
    Other,
}

/// The extension.
pub const PGVECTOR: &str = "vector";

/// Dimensions of a `vector`, a `halfvec` that pgvector's HNSW takes, and of the types themselves.
const INDEXED: u32 = 2_000;
const HALF_INDEXED: u32 = 4_000;
const BITS_INDEXED: u32 = 64_000;
const LONGEST: u32 = 16_000;

/// The type of the column, with the extension's schema as SQL or where the extension cannot be had.
pub fn pg_type(vectors: &Vectors, schema: Option<&str>) -> PgType {
    match (schema, own_type(vectors)) {
        (_, Ok(bits)) if vectors.element == Element::Bit => PgType::parse(&bits),
        (Some(schema), Ok(name)) => PgType::Vector(format!("{schema}.{name}")),
        _ => PgType::Array(Box::new(PgType::Float4)),
    }
}

/// The type without a schema; `Err` is why pgvector has none.
fn own_type(vectors: &Vectors) -> Result<String, String> {
    let name = match vectors.element {
        Element::Bit => {
            return Ok(vectors.dimension.map_or_else(|| "bit varying".into(), |n| format!("bit({n})")));
        }
        Element::Float => "vector",
        Element::Int8 => "halfvec",
    };
    match vectors.dimension {
        None => Ok(name.to_owned()),
        Some(n) if n <= LONGEST => Ok(format!("{name}({n})")),
        Some(n) => Err(format!("pgvector's types have at most {LONGEST} dimensions, and it has {n}")),
    }
}

/// The statements that make of a column what it would be if the extension could be had; `Err` is why there are none.
/// `table` and `column` are SQL.
pub fn later(vectors: &Vectors, table: &str, column: &str) -> Result<Vec<String>, String> {
    let name = own_type(vectors)?;
    let mut statements = vec![format!("CREATE EXTENSION IF NOT EXISTS {PGVECTOR}")];
    if vectors.element != Element::Bit {
        statements
            .push(format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {name} USING {column}::{name}"));
    }
    let pg_type = if vectors.element == Element::Bit { PgType::parse(&name) } else { PgType::Vector(name) };
    if let Ok((key, class)) = index_key(vectors, column, &pg_type, None) {
        let options = match options(vectors) {
            options if options.is_empty() => options,
            options => format!(" {options}"),
        };
        statements.push(format!("CREATE INDEX ON {table} USING hnsw ({key} {class}){options}"));
    }
    Ok(statements)
}

/// The key of an HNSW index over a column and its operator class, as SQL; `Err` is why there is none. `pg_type` is that of
/// the column, `schema` the extension's where it is named.
pub fn index_key(
    vectors: &Vectors,
    column: &str,
    pg_type: &PgType,
    schema: Option<&str>,
) -> Result<(String, String), String> {
    let within = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
    let class = |kind: &str, metric: &str| format!("{within}{kind}_{metric}_ops");
    let metric = match vectors.metric {
        Some(Metric::L2) => "l2",
        Some(Metric::L1) => "l1",
        Some(Metric::Ip) => "ip",
        Some(Metric::Cosine) => "cosine",
        Some(Metric::Hamming) => "hamming",
        Some(Metric::Other) => {
            return Err("pgvector does not have the distance that they are searched by".into());
        }
        None => return Err("they are of collections with several distances".into()),
    };
    let Some(dimension) = vectors.dimension else {
        return Err("its vectors have no one number of dimensions".into());
    };
    match (pg_type.base(), vectors.element) {
        (PgType::Vector(name), Element::Float | Element::Int8) => match kind(name) {
            "vector" if dimension <= INDEXED => Ok((column.to_owned(), class("vector", metric))),
            "vector" if dimension <= HALF_INDEXED => {
                Ok((format!("({column}::{within}halfvec({dimension}))"), class("halfvec", metric)))
            }
            "halfvec" if dimension <= HALF_INDEXED => Ok((column.to_owned(), class("halfvec", metric))),
            "vector" | "halfvec" => {
                Err(format!("pgvector indexes at most {HALF_INDEXED} dimensions, and it has {dimension}"))
            }
            _ => Err(format!("the column is {pg_type}")),
        },
        (bits, Element::Bit) if *bits == PgType::parse(&format!("bit({dimension})")) => match dimension {
            ..=BITS_INDEXED => Ok((column.to_owned(), class("bit", metric))),
            _ => Err(format!("pgvector indexes at most {BITS_INDEXED} bits")),
        },
        _ => {
            own_type(vectors)?;
            Err(format!("the column is {pg_type}, which pgvector does not index"))
        }
    }
}

/// What a type of pgvector's is called, without schema and dimension.
fn kind(name: &str) -> &str {
    let name = name.split('(').next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().trim_matches('"')
}

/// The index is over rounded vectors.
pub fn is_rounded(vectors: &Vectors) -> bool {
    vectors.element == Element::Float && vectors.dimension.is_some_and(|n| n > INDEXED)
}

/// What an HNSW index is made with, as pgvector allows it; nothing for its defaults.
pub fn options(vectors: &Vectors) -> String {
    let Some((m, ef_construction)) = vectors.hnsw else { return String::new() };
    let m = m.clamp(2, 100);
    let ef_construction = ef_construction.clamp(4, 1000).max(2 * m);
    format!("WITH (m = {m}, ef_construction = {ef_construction})")
}

/// A column's name says that it holds vectors.
pub fn named_so(column: &str) -> bool {
    let name = column.to_ascii_lowercase();
    ["embedding", "vector"].iter().any(|word| name.contains(word))
        || name.split('_').any(|word| matches!(word, "vec" | "emb"))
}

/// Eight floats at least, of four bytes each, that a vector may have.
pub fn are_floats(bytes: &[u8]) -> bool {
    const FEWEST: usize = 8;
    let (floats, rest) = bytes.as_chunks::<4>();
    let sane = |four: &[u8; 4]| {
        let float = f32::from_le_bytes(*four).abs();
        float == 0.0 || (1e-20..1e6).contains(&float)
    };
    rest.is_empty() && floats.len() >= FEWEST && floats.iter().all(sane)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(dimension: u32) -> Vectors {
        Vectors {
            element: Element::Float,
            dimension: Some(dimension),
            metric: Some(Metric::Cosine),
            hnsw: Some((16, 20)),
        }
    }

    #[test]
    fn the_type_and_the_index_follow_the_dimension() {
        let of = |vectors: &Vectors| {
            let pg_type = pg_type(vectors, Some("\"x\""));
            let key = index_key(vectors, "\"v\"", &pg_type, Some("\"x\""));
            (pg_type.to_string(), key.map(|(key, class)| format!("{key} {class}")))
        };
        assert_eq!(of(&floats(3)), ("\"x\".vector(3)".into(), Ok("\"v\" \"x\".vector_cosine_ops".into())));
        let half = Ok("(\"v\"::\"x\".halfvec(3072)) \"x\".halfvec_cosine_ops".into());
        assert_eq!(of(&floats(3072)), ("\"x\".vector(3072)".into(), half));
        assert!(of(&floats(4096)).1.is_err());
        assert_eq!(of(&floats(20_000)).0, "real[]");
        let small = Vectors { element: Element::Int8, ..floats(8) };
        assert_eq!(of(&small).0, "\"x\".halfvec(8)");
        // The plan may say another type.
        let key =
            |vectors: &Vectors, name: &str| index_key(vectors, "v", &PgType::Vector(name.into()), Some("x"));
        assert_eq!(key(&floats(8), "x.halfvec(8)"), Ok(("v".into(), "x.halfvec_cosine_ops".into())));
        assert_eq!(key(&small, "x.vector(8)"), Ok(("v".into(), "x.vector_cosine_ops".into())));
        assert!(key(&floats(8), "x.sparsevec(8)").is_err());
        let bits = Vectors { element: Element::Bit, metric: Some(Metric::Hamming), ..floats(16) };
        assert_eq!(of(&bits), ("bit(16)".into(), Ok("\"v\" \"x\".bit_hamming_ops".into())));
        for name in ["text", "bit varying", "bit(8)"] {
            assert!(index_key(&bits, "v", &PgType::parse(name), Some("x")).is_err(), "{name}");
        }
        assert!(of(&Vectors { metric: Some(Metric::Other), ..floats(3) }).1.is_err());
        assert_eq!(pg_type(&floats(3), None).to_string(), "real[]");
        let several = Vectors { metric: None, ..floats(3) };
        assert_eq!(
            of(&several),
            ("\"x\".vector(3)".into(), Err("they are of collections with several distances".into()))
        );
    }

    #[test]
    fn what_is_to_be_done_later_is_what_would_have_been_done() {
        let statements = |vectors: &Vectors| later(vectors, "s.t", "v").map(|list| list[1..].join("; "));
        let alter = |name: &str| format!("ALTER TABLE s.t ALTER COLUMN v TYPE {name} USING v::{name}");
        let index =
            |key: &str| format!("CREATE INDEX ON s.t USING hnsw ({key}) WITH (m = 16, ef_construction = 32)");
        let both = format!("{}; {}", alter("vector(3)"), index("v vector_cosine_ops"));
        assert_eq!(statements(&floats(3)), Ok(both));
        let half = index("(v::halfvec(3072)) halfvec_cosine_ops");
        assert_eq!(statements(&floats(3072)), Ok(format!("{}; {half}", alter("vector(3072)"))));
        assert_eq!(statements(&floats(5000)), Ok(alter("vector(5000)")));
        assert_eq!(statements(&Vectors { dimension: None, ..floats(3) }), Ok(alter("vector")));
        let bits = Vectors { element: Element::Bit, metric: Some(Metric::Hamming), ..floats(16) };
        assert_eq!(statements(&bits), Ok(index("v bit_hamming_ops")));
        let why = "pgvector's types have at most 16000 dimensions, and it has 16001";
        assert_eq!(statements(&floats(16_001)), Err(why.into()));
    }

    #[test]
    fn floats_are_told_from_other_bytes_by_their_size() {
        let blob = |float: f32, count| [float.to_le_bytes()].repeat(count).concat();
        assert!(are_floats(&blob(-0.25, 8)) && !are_floats(&blob(-0.25, 7)) && !are_floats(&blob(1e30, 8)));
        assert!(!are_floats(&blob(f32::NAN, 8)) && !are_floats(b"a text of whatever length it may have"));
        assert!(named_so("Embedding") && named_so("doc_vec") && !named_so("events"));
    }

    #[test]
    fn options_are_those_that_pgvector_takes() {
        assert_eq!(options(&floats(3)), "WITH (m = 16, ef_construction = 32)");
        assert_eq!(
            options(&Vectors { hnsw: Some((1, 9999)), ..floats(3) }),
            "WITH (m = 2, ef_construction = 1000)"
        );
        assert_eq!(options(&Vectors { hnsw: None, ..floats(3) }), "");
    }
}
