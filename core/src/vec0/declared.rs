//! The arguments of `vec0(…)`: columns of five kinds, and options of the table.

use crate::vectors::{Element, Metric};

/// A table as its arguments declare it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// As they are declared.
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Among the columns of its kind, from 0.
    pub number: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The primary key, a text or an integer.
    Key {
        text: bool,
    },
    Partition(Scalar),
    Metadata(Scalar),
    /// A column that only SELECT sees, of whatever type is declared.
    Auxiliary(Option<Scalar>),
    Vector {
        element: Element,
        dimension: u32,
        metric: Metric,
        storage: Storage,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    Boolean,
    Integer,
    Real,
    Text,
    Blob,
}

/// Where whole vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In blobs of many.
    Chunks,
    /// In a table of full precision, beside rounded ones.
    Rescore,
    /// A row a vector.
    DiskAnn,
}

impl Storage {
    /// The ending of the shadow table with a row a vector of the column of this number, where there is one.
    pub fn by_row(self, number: usize) -> Option<String> {
        match self {
            Storage::Chunks => None,
            Storage::Rescore => Some(format!("rescore_vectors{number:02}")),
            Storage::DiskAnn => Some(format!("vectors{number:02}")),
        }
    }
}

/// Bytes of a vector in a chunk.
pub fn bytes(element: Element, dimension: u32) -> u64 {
    let dimension = u64::from(dimension);
    match element {
        Element::Float => dimension * 4,
        Element::Int8 => dimension,
        Element::Bit => dimension / 8,
    }
}

impl Declared {
    /// Reads the arguments between the parentheses, one text each.
    pub fn parse<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Declared, String> {
        let mut out = Declared::default();
        for argument in arguments {
            let words = words(argument)?;
            if let Some(column) = column(&words, argument)? {
                let same = |other: &&Column| {
                    std::mem::discriminant(&other.kind) == std::mem::discriminant(&column.kind)
                };
                let number = out.columns.iter().filter(same).count();
                out.columns.push(Column { number, ..column });
            }
        }
        let keys = out.columns.iter().filter(|c| matches!(c.kind, Kind::Key { .. })).count();
        let vectors = out.columns.iter().any(|c| matches!(c.kind, Kind::Vector { .. }));
        if keys > 1 || !vectors {
            return Err("it declares no vector, or two primary keys".into());
        }
        Ok(out)
    }

    pub fn key(&self) -> Option<&Column> {
        self.columns.iter().find(|c| matches!(c.kind, Kind::Key { .. }))
    }
}

/// A column of `vss0(…)`: `body(384) factory="Flat,IDMap2" metric_type=INNER_PRODUCT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VssColumn {
    pub name: String,
    pub dimension: u32,
    pub metric: Metric,
}

/// The columns of `vss0(…)`.
pub fn vss_columns<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Vec<VssColumn>, String> {
    let column = |argument: &str| {
        match words(argument)?.as_slice() {
            [name, "(", dimension, ")", options @ ..] => {
                let dimension = dimension.parse().ok().filter(|n| *n > 0);
                let metric = options.windows(3).find_map(|words| match words {
                    ["metric_type", "=", metric] => Some(faiss_metric(metric)),
                    _ => None,
                });
                let metric = metric.unwrap_or(Metric::L2);
                dimension.map(|dimension| VssColumn { name: (*name).to_owned(), dimension, metric })
            }
            _ => None,
        }
        .ok_or_else(|| format!("\"{}\" is not a column of vss0", argument.trim()))
    };
    arguments.into_iter().map(column).collect()
}

fn faiss_metric(word: &str) -> Metric {
    match word {
        "INNER_PRODUCT" => Metric::Ip,
        "L2" => Metric::L2,
        "L1" => Metric::L1,
        _ => Metric::Other,
    }
}

/// A word, a number, or one other character.
fn words(argument: &str) -> Result<Vec<&str>, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    let mut rest = argument.trim_start();
    let mut out = vec![];
    while let Some(first) = rest.chars().next() {
        let end = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, after) = rest.split_at(end);
        if out.len() == 64 {
            return Err(format!("\"{argument}\" is not an argument of vec0"));
        }
        out.push(word);
        rest = after.trim_start();
    }
    Ok(out)
}

/// `None` for an option of the table.
fn column(words: &[&str], argument: &str) -> Result<Option<Column>, String> {
    let unknown = || format!("\"{}\" is not an argument of vec0", argument.trim());
    let made = |name: &str, kind| Ok(Some(Column { name: name.to_owned(), kind, number: 0 }));
    let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
    match words {
        [_, "=", ..] => Ok(None),
        ["+", name] => made(name, Kind::Auxiliary(None)),
        ["+", name, declared, ..] => made(name, Kind::Auxiliary(scalar(declared))),
        [name, element, "[", dimension, "]", options @ ..] => {
            let dimension: u32 = dimension.parse().map_err(|_| unknown())?;
            let element = element_of(element).filter(|_| dimension > 0).ok_or_else(unknown)?;
            let (metric, storage) = vector_options(element, options).ok_or_else(unknown)?;
            made(name, Kind::Vector { element, dimension, metric, storage })
        }
        [name, declared, first, second] if is(second, "key") => match scalar(declared) {
            Some(kind @ (Scalar::Text | Scalar::Integer)) if is(first, "primary") => {
                made(name, Kind::Key { text: kind == Scalar::Text })
            }
            Some(kind) if is(first, "partition") => made(name, Kind::Partition(kind)),
            _ => Err(unknown()),
        },
        [name, declared] => match scalar(declared) {
            None | Some(Scalar::Blob) => Err(unknown()),
            Some(kind) => made(name, Kind::Metadata(kind)),
        },
        _ => Err(unknown()),
    }
}

fn scalar(word: &str) -> Option<Scalar> {
    Some(match word.to_ascii_lowercase().as_str() {
        "text" => Scalar::Text,
        "integer" | "int" => Scalar::Integer,
        "float" | "double" | "real" => Scalar::Real,
        "boolean" | "bool" => Scalar::Boolean,
        "blob" => Scalar::Blob,
        _ => return None,
    })
}

fn element_of(word: &str) -> Option<Element> {
    Some(match word.to_ascii_lowercase().as_str() {
        "float" | "f32" => Element::Float,
        "int8" | "i8" => Element::Int8,
        "bit" => Element::Bit,
        _ => return None,
    })
}

fn vector_options(element: Element, mut words: &[&str]) -> Option<(Metric, Storage)> {
    let mut metric = if element == Element::Bit { Metric::Hamming } else { Metric::L2 };
    let mut storage = Storage::Chunks;
    loop {
        match words {
            [] => return Some((metric, storage)),
            [key, "=", value, rest @ ..] => {
                if key.eq_ignore_ascii_case("distance_metric") {
                    metric = match value.to_ascii_lowercase().as_str() {
                        "l2" => Metric::L2,
                        "l1" => Metric::L1,
                        "cosine" => Metric::Cosine,
                        "hamming" => Metric::Hamming,
                        _ => return None,
                    };
                }
                words = rest;
            }
            [indexed, by, method, rest @ ..]
                if indexed.eq_ignore_ascii_case("indexed") && by.eq_ignore_ascii_case("by") =>
            {
                storage = match method.to_ascii_lowercase().as_str() {
                    "flat" => Storage::Chunks,
                    "rescore" => Storage::Rescore,
                    "diskann" => Storage::DiskAnn,
                    _ => return None,
                };
                // The method's own options.
                let end = rest.iter().rposition(|word| *word == ")").map_or(0, |at| at + 1);
                words = rest.get(end..)?;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Declared, String> {
        Declared::parse(arguments.split(';'))
    }

    fn kinds(arguments: &str) -> Vec<(String, Kind, usize)> {
        let declared = parse(arguments).unwrap_or_default();
        declared.columns.into_iter().map(|c| (c.name, c.kind, c.number)).collect()
    }

    fn vector(element: Element, dimension: u32, metric: Metric) -> Kind {
        Kind::Vector { element, dimension, metric, storage: Storage::Chunks }
    }

    #[test]
    fn every_kind_of_column_is_read() {
        let all = kinds(
            "t text; doc_id text primary key; part integer partition key; Emb FLOAT[4] distance_metric = cosine; \
             +extra text; flag bool; Emb2 f32[2]; n int\n; chunk_size=16; bits bit[ 16 ]; +any",
        );
        let expected = [
            ("t", Kind::Metadata(Scalar::Text), 0),
            ("doc_id", Kind::Key { text: true }, 0),
            ("part", Kind::Partition(Scalar::Integer), 0),
            ("Emb", vector(Element::Float, 4, Metric::Cosine), 0),
            ("extra", Kind::Auxiliary(Some(Scalar::Text)), 0),
            ("flag", Kind::Metadata(Scalar::Boolean), 1),
            ("Emb2", vector(Element::Float, 2, Metric::L2), 1),
            ("n", Kind::Metadata(Scalar::Integer), 2),
            ("bits", vector(Element::Bit, 16, Metric::Hamming), 2),
            ("any", Kind::Auxiliary(None), 1),
        ];
        assert_eq!(all, expected.map(|(name, kind, number)| (name.to_owned(), kind, number)));
    }

    #[test]
    fn other_ways_to_keep_vectors_are_known_or_refused() {
        let storage = |text: &str| match kinds(text).as_slice() {
            [(_, Kind::Vector { storage, .. }, _)] => Some(*storage),
            _ => None,
        };
        assert_eq!(storage("v float[8] indexed by rescore(quantizer=bit)"), Some(Storage::Rescore));
        assert_eq!(storage("v float[8] INDEXED BY diskann(a=1, b=2)"), Some(Storage::DiskAnn));
        assert_eq!(storage("v float[8] indexed by ivf(nlist=2)"), None);
    }

    #[test]
    fn columns_of_vss_have_dimensions() {
        let columns = vss_columns([
            "a(384)",
            " b ( 2 ) factory=\"Flat,IDMap2\" metric_type=INNER_PRODUCT",
            "c(3) metric_type=Linf",
        ]);
        let column = |name: &str, dimension, metric| VssColumn { name: name.into(), dimension, metric };
        let expected =
            [column("a", 384, Metric::L2), column("b", 2, Metric::Ip), column("c", 3, Metric::Other)];
        assert_eq!(columns, Ok(expected.to_vec()));
        assert!(vss_columns(["a"]).is_err() && vss_columns(["a(0)"]).is_err());
    }

    #[test]
    fn nothing_else_is_taken_for_a_table() {
        for arguments in
            ["", "v float[0]", "v float[x]", "v float[4] what", "a text", "v float[4]; b", "'v' float[4]"]
        {
            assert!(parse(arguments).is_err(), "{arguments}");
        }
        assert!(parse("a text primary key; b text primary key; v float[4]").is_err());
    }
}
