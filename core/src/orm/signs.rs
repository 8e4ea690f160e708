//! By what the program that wrote a file is recognised. Pure.

use super::{ALL, Orm};
use crate::catalog::{Catalog, Origin, Table, TableKind};
use crate::tools;

/// One sign.
#[derive(Debug)]
pub enum Sign {
    /// A migration tool's table ([`tools::TOOLS`]).
    Tool(&'static str),
    /// Tables that only this program makes.
    Tables(&'static [&'static str]),
    /// How the definitions of most tables are spelled, and the words for it. `None` of a table that does not show it.
    Spelling(fn(&Table) -> Option<bool>, &'static str),
}

/// A program, and what says that it wrote the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    pub orm: &'static Orm,
    pub evidence: String,
}

/// The programs that wrote a file, the surest first: all that have left tables of their own, else the first whose
/// spelling most tables have.
pub fn recognise(catalog: &Catalog) -> Vec<Recognised> {
    let by = |spelling: bool| {
        ALL.iter().filter_map(move |orm| {
            let mut signs = orm.signs.iter().filter(|s| matches!(s, Sign::Spelling(..)) == spelling);
            signs.find_map(|sign| Some(Recognised { orm, evidence: sign.seen(catalog)? }))
        })
    };
    let own: Vec<Recognised> = by(false).collect();
    if own.is_empty() { by(true).take(1).collect() } else { own }
}

impl Sign {
    /// The evidence, in words.
    fn seen(&self, catalog: &Catalog) -> Option<String> {
        let ordinary = || catalog.tables.iter().filter(|table| table.kind == TableKind::Ordinary);
        let quoted = |name: &str| format!("table \"{name}\"");
        match self {
            Sign::Tool(name) => {
                let made = |table: &&Table| tools::of_source(table).is_some_and(|tool| tool.name == *name);
                ordinary().find(made).map(|table| quoted(&table.name))
            }
            Sign::Tables(names) => {
                let is_there = |name: &&str| ordinary().any(|table| table.name.eq_ignore_ascii_case(name));
                names.iter().all(is_there).then(|| quoted(names.first().unwrap_or(&"")))
            }
            Sign::Spelling(spelled, words) => {
                let applications = ordinary().filter(|table| tools::of_source(table).is_none());
                let (mut like, mut unlike) = (0, 0);
                for spelled in applications.filter_map(spelled) {
                    *if spelled { &mut like } else { &mut unlike } += 1;
                }
                (like > unlike).then(|| (*words).to_owned())
            }
        }
    }
}

/// Whether the text of a definition has all of these.
pub(super) fn has(table: &Table, parts: &[&str]) -> bool {
    parts.iter().all(|part| table.sql.contains(part))
}

/// The names of a table's foreign keys, and of the indexes and UNIQUE constraints that have one of their own.
pub(super) fn names(table: &Table) -> impl Iterator<Item = &str> {
    let keys = table.foreign_keys.iter().filter_map(|key| key.name.as_deref());
    let indexes = table.indexes.iter().filter_map(|index| match index.origin {
        Origin::Created => Some(index.name.as_str()),
        _ => index.constraint_name.as_deref(),
    });
    keys.chain(indexes)
}

/// Whether all of a table's names are such; `None` where it has none.
pub(super) fn all_names(table: &Table, such: impl Fn(&str) -> bool) -> Option<bool> {
    let mut names = names(table).peekable();
    names.peek()?;
    Some(names.all(such))
}

/// `UQ_648e3f5447f725579d7d4ffdfb7`: one of the prefixes, and a hash.
pub(super) fn is_hashed(name: &str, prefixes: &[&str]) -> bool {
    let hash = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
    hash.is_some_and(|hash| hash.len() >= 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}
