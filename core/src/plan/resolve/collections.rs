//! What is said of collections of ChromaDB's that cannot be read.

use crate::catalog::{Catalog, Table, TableKind};
use crate::chroma::{self, SINGLE};
use crate::contents::collections::is_collection;
use crate::finding::{Finding, Fix, Kind, Severity};

/// A table of collections that cannot be read.
pub struct Damaged<'c> {
    table: &'c str,
    /// `collection "docs" cannot be read: …`
    message: String,
    /// What leaves it out, and the rest of the sentence.
    fix: (Fix, &'static str),
}

/// The collection of the table cannot be read, or one of those whose records it has.
pub fn damaged<'c>(catalog: &Catalog, table: &'c Table) -> Option<Damaged<'c>> {
    if !is_collection(table) || !matches!(table.kind, TableKind::Virtual { usable: false, .. }) {
        return None;
    }
    let single = table.name == SINGLE;
    let mut collections = catalog.collections.iter().filter(|c| single || c.table == table.name);
    let (name, why) = collections.find_map(|c| Some((&c.name, c.damaged.as_ref()?)))?;
    let message = format!("collection \"{}\" cannot be read: {why}", name.escape_debug());
    let fix = match single {
        true => (Fix::of_plan("chroma", true), " to make a table of each collection, which can be left out"),
        false => (Fix::of_table(&table.name, "skip", true), " to load the others without it"),
    };
    Some(Damaged { table: &table.name, message, fix })
}

impl Damaged<'_> {
    pub fn blocking(self) -> Finding {
        let Damaged { table, message, fix: (fix, rest) } = self;
        Kind::Unreadable.blocking(table, message).fix(fix, rest)
    }

    /// The import goes on without it.
    pub fn warning(self) -> Finding {
        Kind::Unreadable.finding(Severity::Warning, self.table, self.message)
    }
}

/// The file has ChromaDB's tables, and is read as any other.
pub fn unrecognised(catalog: &Catalog) -> Option<Finding> {
    let why = catalog.unrecognised.as_ref()?;
    let finding = Kind::Vectors.warning("chroma", chroma::unrecognised(why));
    Some(finding.fix(Fix::of_plan("chroma", false), " if it shall be"))
}
