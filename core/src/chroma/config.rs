//! The distance of a collection and the numbers of its index. Each version of ChromaDB keeps them elsewhere.

use serde_json::Value;

use crate::vectors::Metric;

/// By which distance a collection is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    #[default]
    L2,
    Ip,
    Cosine,
}

/// What the rows of a collection say of its index.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// `collections.schema_str`, of 1.5.
    pub schema: Option<&'a str>,
    /// `collections.config_json_str`, of 1.0.
    pub config: Option<&'a str>,
    /// `hnsw:*` of `collection_metadata`.
    pub space: Option<&'a str>,
    pub m: Option<i64>,
    pub ef_construction: Option<i64>,
}

/// The numbers of an HNSW index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hnsw {
    pub m: i64,
    pub ef_construction: i64,
}

/// ChromaDB's own.
const USUAL: Hnsw = Hnsw { m: 16, ef_construction: 100 };

impl Default for Hnsw {
    fn default() -> Hnsw {
        USUAL
    }
}

impl Space {
    pub fn parse(word: &str) -> Option<Space> {
        [Space::L2, Space::Ip, Space::Cosine].into_iter().find(|space| space.word() == word)
    }

    pub fn word(self) -> &'static str {
        match self {
            Space::L2 => "l2",
            Space::Ip => "ip",
            Space::Cosine => "cosine",
        }
    }

    pub fn metric(self) -> Metric {
        match self {
            Space::L2 => Metric::L2,
            Space::Ip => Metric::Ip,
            Space::Cosine => Metric::Cosine,
        }
    }
}

/// `config_json_str` of 0.5 and 0.6 has an object `hnsw_configuration`, whose distance is `l2` for whatever collection.
pub fn of_sources(sources: &Sources<'_>) -> (Space, Hnsw) {
    let parsed = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (schema, config) = (parsed(sources.schema), parsed(sources.config));
    let of_schema =
        schema.as_ref().and_then(|s| s.pointer("/keys/#embedding/float_list/vector_index/config"));
    let of_config = config.as_ref().and_then(|c| c.pointer("/vector_index/hnsw"));
    let space = |at: Option<&Value>| at?.get("space")?.as_str().and_then(Space::parse);
    let number = |at: Option<&Value>, key: &str| at?.get(key)?.as_i64();
    let of_index = of_schema.and_then(|schema| schema.get("hnsw"));
    let either = |key: &str| number(of_index, key).or_else(|| number(of_config, key));
    let by_metadata = || sources.space.and_then(Space::parse);
    let space = space(of_schema).or_else(|| space(of_config)).or_else(by_metadata);
    let hnsw = Hnsw {
        m: either("max_neighbors").or(sources.m).unwrap_or(USUAL.m),
        ef_construction: either("ef_construction")
            .or(sources.ef_construction)
            .unwrap_or(USUAL.ef_construction),
    };
    (space.unwrap_or_default(), hnsw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_place_wins_and_one_is_never_believed() {
        let schema = r##"{"keys": {"#embedding": {"float_list": {"vector_index": {"config":
            {"space": "cosine", "hnsw": {"max_neighbors": 8, "ef_construction": 50}}}}}}}"##;
        let config = r#"{"vector_index": {"hnsw": {"space": "ip", "max_neighbors": 4}}}"#;
        let old = r#"{"hnsw_configuration": {"space": "l2", "M": 99}}"#;
        let metadata = Sources { space: Some("ip"), m: Some(7), ..Sources::default() };
        let of = |sources: &Sources<'_>| {
            let (space, hnsw) = of_sources(sources);
            (space, hnsw.m, hnsw.ef_construction)
        };
        let both = Sources { schema: Some(schema), config: Some(config), ..metadata };
        assert_eq!(of(&both), (Space::Cosine, 8, 50));
        assert_eq!(of(&Sources { config: Some(config), ..metadata }), (Space::Ip, 4, 100));
        assert_eq!(of(&Sources { config: Some(old), ..metadata }), (Space::Ip, 7, 100));
        assert_eq!(of(&Sources { config: Some("{}"), ..Sources::default() }), (Space::L2, 16, 100));
        assert_eq!(of(&Sources { schema: Some("[1"), ..Sources::default() }), (Space::L2, 16, 100));
    }
}
