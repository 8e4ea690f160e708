//! Virtual table modules and the tables they keep their data in.
//!
//! SQLite knows the shadow tables only of modules that are compiled in; for the others, the naming conventions of their
//! documentation are used.

/// Module name and the endings of its shadow tables' names.
const SHADOWS: &[(&str, &[&str])] = &[
    ("fts3", &["content", "segments", "segdir", "docsize", "stat"]),
    ("fts4", &["content", "segments", "segdir", "docsize", "stat"]),
    ("fts5", &["data", "idx", "content", "docsize", "config"]),
    ("rtree", &["node", "rowid", "parent"]),
    ("rtree_i32", &["node", "rowid", "parent"]),
    ("geopoly", &["node", "rowid", "parent"]),
    ("spellfix1", &["vocab"]),
    ("vss0", &["data", "index"]),
    (
        "vec0",
        &[
            "chunks",
            "rowids",
            "info",
            "auxiliary",
            "vector_chunks",
            "metadatachunks",
            "metadatatext",
            "rescore_chunks",
            "rescore_vectors",
            "vectors",
            "diskann_nodes",
            "diskann_buffer",
            "ivf_centroids",
            "ivf_cells",
            "ivf_rowid_map",
            "ivf_vectors",
        ],
    ),
];

/// Module name and the ending of the shadow table that has one row per row of the virtual table, where the module keeps
/// rows of its own.
const ROWS: &[(&str, &str)] = &[
    ("fts3", "content"),
    ("fts4", "content"),
    ("fts5", "content"),
    ("rtree", "rowid"),
    ("rtree_i32", "rowid"),
    ("geopoly", "rowid"),
    ("spellfix1", "vocab"),
    ("vss0", "data"),
    ("vec0", "rowids"),
];

/// The shadow table with the rows that a virtual table keeps itself.
pub(super) fn rows_of(owner: &str, module: &str) -> Option<String> {
    let (_, suffix) = ROWS.iter().find(|(m, _)| m.eq_ignore_ascii_case(module))?;
    Some(format!("{owner}_{suffix}"))
}

/// The shadow table with one row per row that a full-text index knows.
pub(super) fn indexed_rows_of(owner: &str, module: &str) -> Option<String> {
    let is_index = ["fts3", "fts4", "fts5"].iter().any(|m| m.eq_ignore_ascii_case(module));
    is_index.then(|| format!("{owner}_docsize"))
}

/// Whether `table` is a shadow table of the virtual table `owner`, which `module` runs.
pub(super) fn is_shadow_of(table: &str, owner: &str, module: &str) -> bool {
    let Some(suffix) = suffix_after(table, owner) else { return false };
    // vec0 numbers some of them: vector_chunks00, vector_chunks01, ….
    let suffix = suffix.trim_end_matches(|c: char| c.is_ascii_digit());
    let known = SHADOWS.iter().find(|(m, _)| m.eq_ignore_ascii_case(module));
    known.is_some_and(|(_, suffixes)| suffixes.iter().any(|s| s.eq_ignore_ascii_case(suffix)))
}

/// `content` of `docs_content` and `docs`.
pub(super) fn suffix_after<'a>(table: &'a str, owner: &str) -> Option<&'a str> {
    let (head, tail) = table.split_at_checked(owner.len())?;
    if head.eq_ignore_ascii_case(owner) { tail.strip_prefix('_') } else { None }
}

/// Whether the module is one of this program's own, which only reads.
pub(super) fn is_read_here(module: &str) -> bool {
    [super::vec0::MODULE, super::vss0::MODULE].iter().any(|own| module.eq_ignore_ascii_case(own))
}

/// Whether tables of the module may be made in a new file: it keeps what it is given, and reads nothing else.
pub(super) fn is_made(module: &str) -> bool {
    ["fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"].iter().any(|m| m.eq_ignore_ascii_case(module))
}

/// Whether a module that is compiled in may prepare statements that write to a table of this name.
pub(super) fn has_shadow_suffix(table: &str) -> bool {
    let compiled_in = |module: &str| module.starts_with("fts") || module.starts_with("rtree");
    let mut suffixes = SHADOWS.iter().filter(|(m, _)| compiled_in(m)).flat_map(|(_, s)| s.iter());
    suffixes.any(|suffix| {
        let at = table.len().checked_sub(suffix.len()).filter(|at| *at > 0);
        at.and_then(|at| table.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadow_tables_are_known_by_name() {
        assert!(is_shadow_of("Docs_content", "docs", "FTS5"));
        assert!(is_shadow_of("rtree_t_geom_node", "rtree_t_geom", "rtree"));
        assert!(is_shadow_of("v_vector_chunks00", "v", "vec0"));
        assert!(!is_shadow_of("docs_notes", "docs", "fts5"));
        assert!(!is_shadow_of("documents_content", "docs", "fts5"));
        assert!(!is_shadow_of("é", "d", "fts5"));
        assert!(has_shadow_suffix("x_NODE") && !has_shadow_suffix("node") && !has_shadow_suffix("users"));
    }
}
