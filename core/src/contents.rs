//! Virtual tables whose rows are in the file and nowhere else: what makes them tables like any other.
//!
//! A full-text table has a rowid, by which the application joins it, and no column for it: it gets one. Where its module
//! cannot read it (a tokenizer or a function of the application), or its pages are damaged, the shadow table with its
//! rows is read in its place. Pure: which shadow table has the rows of a table, `sqlite::modules` knows.

pub mod collections;

use crate::catalog::{Catalog, Column, Content, PrimaryKey, Table, TableKind};
use crate::damage::Damage;
use crate::search::declared::Declared;
use crate::vectors::PGVECTOR;

/// The names by which the rowid of a full-text or geopoly table can be read; FTS5 takes none of them for a column.
const ROWID_NAMES: [&str; 3] = ["rowid", "docid", "oid"];

/// Makes tables of those that keep rows of their own, and tells which indexes are derived from others.
pub fn take(catalog: &mut Catalog) {
    for at in 0..catalog.tables.len() {
        let derived = catalog.tables.get(at).and_then(|table| geometries_of(catalog, table));
        let Some(table) = catalog.tables.get_mut(at) else { continue };
        match (&table.kind, derived) {
            (TableKind::Virtual { .. }, Some(of)) => table.content = Content::Of(of),
            (TableKind::Virtual { usable: true, .. }, None) => take_rows(table),
            (TableKind::Virtual { usable: false, .. }, None) => {
                let name = table.name.clone();
                read_shadow(catalog, &name);
            }
            _ => {}
        }
    }
}

/// The extensions that tables of virtual tables, and columns with vectors, may make use of.
pub fn extensions(catalog: &Catalog, wants_vectors: bool) -> Vec<&'static str> {
    let any = |is: fn(&Table) -> bool| catalog.tables.iter().any(is);
    let rtree = any(|table| table.is_rtree() && table.has_own_rows());
    let of_texts = has_full_text(catalog).then_some("pg_trgm");
    let of_places = has_geometries(catalog).then_some("postgis");
    let vectors = catalog.tables.iter().any(|table| table.columns.iter().any(|c| c.vectors.is_some()));
    let vectors = (vectors || wants_vectors).then_some(PGVECTOR);
    rtree.then_some("cube").into_iter().chain(of_texts).chain(of_places).chain(vectors).collect()
}

pub fn has_geometries(catalog: &Catalog) -> bool {
    catalog.tables.iter().flat_map(|table| &table.columns).any(|column| column.geometries.is_some())
}

fn has_full_text(catalog: &Catalog) -> bool {
    catalog.tables.iter().any(Table::is_full_text)
}

/// Reads the shadow table with the rows of a full-text table in its place; `false` where there is none.
pub fn read_shadow(catalog: &mut Catalog, name: &str) -> bool {
    let is_it = |t: &&mut Table| t.name.eq_ignore_ascii_case(name) && t.is_full_text() && t.has_own_rows();
    let Some(table) = catalog.tables.iter_mut().find(is_it) else { return false };
    if let TableKind::Virtual { usable, .. } = &mut table.kind {
        *usable = false;
    }
    let declared = Declared::parse(&table.sql).map(|declared| declared.columns).unwrap_or_default();
    let declared: Vec<String> = declared.into_iter().map(|column| column.name).collect();
    let name = table.name.clone();
    let shadow = format!("{name}_content");
    let of_it = |t: &&mut Table| match &t.kind {
        TableKind::Shadow { of } => *of == name && t.name.eq_ignore_ascii_case(&shadow),
        _ => false,
    };
    let Some(table) = catalog.tables.iter_mut().find(of_it) else { return false };
    table.kind = TableKind::Ordinary;
    table.stands_for = Some(name);
    call_columns(table, &declared);
    true
}

/// The same of each full-text table with a damaged page: its module stops there.
pub fn read_around(catalog: &mut Catalog, damage: &Damage) {
    let owner = |table: &Table| match &table.kind {
        TableKind::Shadow { of } => Some(of.clone()),
        TableKind::Virtual { .. } => Some(table.name.clone()),
        TableKind::Ordinary => None,
    };
    let damaged = damage.tables.iter().filter_map(|d| owner(catalog.table(&d.table)?));
    let damaged: Vec<String> = damaged.collect();
    damaged.iter().for_each(|name| _ = read_shadow(catalog, name));
}

/// A table with a key, and without the columns that are only there to ask questions by.
fn take_rows(table: &mut Table) {
    if !table.has_own_rows() {
        return;
    }
    let language = Declared::parse(&table.sql).ok().and_then(|declared| declared.languageid);
    let is_language = |c: &Column| language.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&c.name));
    table.columns.retain(|c| !c.hidden || is_language(c));
    table.columns.iter_mut().for_each(|c| c.hidden = false);
    let key = if table.is_full_text() || table.is_geopoly() {
        let name = ROWID_NAMES.into_iter().find(|name| table.column(name).is_none());
        let column =
            |name: &str| Column { name: name.into(), declared: "INTEGER".into(), ..Column::default() };
        table.columns.splice(..0, name.map(column));
        name.map(str::to_owned)
    } else if table.is_rtree() {
        table.columns.first_mut().map(|id| {
            id.declared = "INTEGER".into();
            id.name.clone()
        })
    } else {
        // It is known already.
        return;
    };
    let rowid = |name| PrimaryKey { columns: vec![name], rowid_alias: true, ..PrimaryKey::default() };
    table.primary_key = key.map(rowid);
}

/// What the columns of a shadow table hold: they are `id`, `c0`, `c1` in FTS5, `docid`, `c0title`, `c1body` in the others.
fn call_columns(table: &mut Table, declared: &[String]) {
    let mut at = 0;
    for (position, column) in table.columns.iter_mut().enumerate() {
        let numbered = column.name.strip_prefix(&format!("c{at}"));
        column.called = match numbered {
            _ if position == 0 => Some("rowid".to_owned()),
            Some("") => declared.get(at).cloned(),
            Some(name) => Some(name.to_owned()),
            None => None,
        };
        at += usize::from(position > 0 && numbered.is_some());
    }
}

/// What names the R*Trees that GeoPackage and SpatiaLite derive from columns with geometries, and the table that tells
/// such a file.
const GEOMETRY_INDEXES: [(&str, &str); 2] =
    [("rtree_", "gpkg_geometry_columns"), ("idx_", "geometry_columns")];

/// The table with the geometries that an R*Tree has the bounds of.
fn geometries_of(catalog: &Catalog, table: &Table) -> Option<String> {
    let name = Some(&table.name).filter(|_| table.is_rtree())?;
    let prefixes = GEOMETRY_INDEXES.into_iter().filter(|(_, registry)| catalog.table(registry).is_some());
    let mut names = prefixes.filter_map(|(prefix, _)| {
        let (head, tail) = name.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(tail)
    });
    names.find_map(|rest| {
        let is_it = |t: &&Table| {
            let parts = rest.split_at_checked(t.name.len());
            let column = parts.filter(|(head, _)| head.eq_ignore_ascii_case(&t.name));
            let column = column.and_then(|(_, tail)| tail.strip_prefix('_'));
            column.is_some_and(|column| t.column(column).is_some())
        };
        catalog.tables.iter().find(is_it).map(|t| t.name.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[&str], module: Option<(&str, bool)>) -> Table {
        let column = |name: &&str| Column { name: (*name).into(), ..Column::default() };
        let kind = module.map(|(module, usable)| TableKind::Virtual { module: module.into(), usable });
        Table {
            name: name.into(),
            kind: kind.unwrap_or_default(),
            columns: columns.iter().map(column).collect(),
            ..Table::default()
        }
    }

    fn names(table: &Table) -> Vec<&str> {
        table.columns.iter().map(|c| c.name.as_str()).collect()
    }

    #[test]
    fn a_full_text_table_gets_its_rowid() {
        let mut docs = table("docs", &["title", "docs", "rank"], Some(("FTS5", true)));
        docs.columns[1..].iter_mut().for_each(|c| c.hidden = true);
        docs.content = Content::Own(2);
        let mut old = table("old", &["rowid", "old", "docid", "lang"], Some(("fts4", true)));
        old.columns[1..].iter_mut().for_each(|c| c.hidden = true);
        (old.content, old.sql) =
            (Content::Own(1), "CREATE VIRTUAL TABLE old USING fts4(rowid, languageid=\"lang\")".into());
        let mut index = table("index", &["title", "rank"], Some(("fts5", true)));
        index.content = Content::Index(Some(2));
        let mut catalog = Catalog { tables: vec![docs, old, index], ..Catalog::default() };
        take(&mut catalog);
        assert_eq!(names(&catalog.tables[0]), ["rowid", "title"]);
        assert_eq!(catalog.tables[0].rowid_name(), Some("_rowid_"));
        assert_eq!(names(&catalog.tables[1]), ["docid", "rowid", "lang"]);
        assert_eq!(names(&catalog.tables[2]), ["title", "rank"]);
        assert_eq!(catalog.tables[2].rowid_name(), None);
    }

    #[test]
    fn the_shadow_table_is_read_where_the_module_cannot() {
        let mut docs = table("docs", &[], Some(("fts5", false)));
        docs.content = Content::Own(2);
        docs.sql = "CREATE VIRTUAL TABLE docs USING fts5(\"a b\", c UNINDEXED, tokenize = 'own')".into();
        let mut shadow = table("docs_content", &["id", "c0", "c1"], None);
        shadow.kind = TableKind::Shadow { of: "docs".into() };
        let mut old = table("old", &["t"], Some(("fts4", true)));
        old.content = Content::Own(2);
        let mut content = table("old_content", &["docid", "c0t", "c1c1", "langid"], None);
        content.kind = TableKind::Shadow { of: "old".into() };
        let mut catalog = Catalog { tables: vec![docs, shadow, old, content], ..Catalog::default() };
        take(&mut catalog);
        assert!(read_shadow(&mut catalog, "OLD") && !read_shadow(&mut catalog, "docs_content"));
        let called =
            |at: usize| catalog.tables[at].columns.iter().map(|c| c.called.as_deref()).collect::<Vec<_>>();
        assert_eq!(called(1), [Some("rowid"), Some("a b"), Some("c")]);
        assert_eq!(called(3), [Some("rowid"), Some("t"), Some("c1"), None]);
        assert_eq!(catalog.tables[3].stands_for.as_deref(), Some("old"));
    }

    #[test]
    fn r_trees_of_geometries_are_derived() {
        let mut catalog = Catalog {
            tables: vec![
                table("gpkg_geometry_columns", &[], None),
                table("a_b", &["id", "geom"], None),
                table("rtree_a_b_geom", &["id"], Some(("rtree", true))),
                table("idx_a_b_geom", &["id"], Some(("rtree", true))),
            ],
            ..Catalog::default()
        };
        catalog.tables[2].content = Content::Own(3);
        catalog.tables[3].content = Content::Own(3);
        take(&mut catalog);
        assert_eq!(catalog.tables[2].content, Content::Of("a_b".into()));
        assert_eq!(catalog.tables[3].content, Content::Own(3));
        assert!(catalog.tables[3].primary_key.as_ref().is_some_and(|key| key.rowid_alias));
    }
}
