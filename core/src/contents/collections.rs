//! Which tables of a file of ChromaDB's are data: a table for each collection, or one of all. What ChromaDB keeps them in is
//! left out, unless the plan asks for it.

use crate::catalog::{Catalog, Table, TableKind};
use crate::chroma::{MODULE, SINGLE, TABLES};

/// What a plan says of it.
pub struct Wanted<'w> {
    /// One table has the records of all.
    pub single: bool,
    /// The plan asks for a table, or names a column of one.
    pub table: &'w dyn Fn(&str) -> bool,
    pub column: &'w dyn Fn(&str, &str) -> bool,
}

/// Leaves the tables that the plan wants. Columns of metadata are read where it names them.
pub fn take(catalog: &mut Catalog, wanted: &Wanted<'_>) {
    if !catalog.tables.iter().any(is_collection) {
        return;
    }
    catalog.tables.retain(|table| !is_collection(table) || wanted.single == (table.name == SINGLE));
    for table in &mut catalog.tables {
        if is_collection(table) {
            let name = &table.name;
            table.columns.retain_mut(|column| {
                let asked = !column.hidden || (wanted.column)(name, &column.name);
                column.hidden = false;
                asked
            });
        } else if is_own(&table.name) && !(wanted.table)(&table.name) {
            table.kind = TableKind::Shadow { of: MODULE.into() };
        }
    }
}

/// It stands for a collection, or for all of them.
pub fn is_collection(table: &Table) -> bool {
    table.is_of_module(&[MODULE])
}

fn is_own(table: &str) -> bool {
    TABLES.iter().any(|own| own.eq_ignore_ascii_case(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Column;

    fn taken(single: bool) -> Vec<(String, bool, Vec<String>)> {
        let column = |(name, hidden): (&str, bool)| Column { name: name.into(), hidden, ..Column::default() };
        let table = |name: &str, module: Option<&str>| Table {
            name: name.into(),
            kind: match module {
                Some(module) => TableKind::Virtual { module: module.into(), usable: true },
                None => TableKind::Ordinary,
            },
            columns: [("id", false), ("metadata.a", true), ("metadata.b", true)].map(column).to_vec(),
            ..Table::default()
        };
        let tables = vec![
            table("segments", None),
            table("tenants", None),
            table("embedding_fulltext_search", Some("fts5")),
            table("mine", None),
            table("docs", Some(MODULE)),
            table(SINGLE, Some(MODULE)),
        ];
        let mut catalog = Catalog { tables, ..Catalog::default() };
        let wanted = Wanted {
            single,
            table: &|name| name == "tenants",
            column: &|table, column| table == "docs" && column == "metadata.b",
        };
        take(&mut catalog, &wanted);
        let of = |table: Table| {
            let shadow = matches!(table.kind, TableKind::Shadow { .. });
            (table.name, shadow, table.columns.into_iter().map(|c| c.name).collect())
        };
        catalog.tables.into_iter().map(of).collect()
    }

    #[test]
    fn collections_are_tables_and_what_keeps_them_is_not() {
        let names = |single| -> Vec<String> {
            let loaded = taken(single).into_iter().filter(|(_, shadow, _)| !shadow);
            loaded.map(|(name, ..)| name).collect()
        };
        assert_eq!(names(false), ["tenants", "mine", "docs"]);
        assert_eq!(names(true), ["tenants", "mine", SINGLE]);
        let columns = taken(false).pop().map(|(.., columns)| columns);
        assert_eq!(columns, Some(vec!["id".to_owned(), "metadata.b".to_owned()]));
    }
}
