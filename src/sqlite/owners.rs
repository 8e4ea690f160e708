//! Which b-tree owns which page, as far as `dbstat` can read a damaged file.

use std::collections::{BTreeSet, HashMap};

use super::error::Error;
use super::open::Source;

/// A page, and the b-tree page that its rows are read from: itself, or where its overflow chain begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    /// Of a table or an index, as `sqlite_schema` spells it.
    pub(super) name: String,
    pub(super) page: u32,
    pub(super) read_from: u32,
}

pub(super) struct Owners {
    pub(super) pages: Vec<Owned>,
    /// Every page was seen.
    pub(super) complete: bool,
}

/// Finds the owners of `wanted`, and of everything below those that are `shared`.
pub(super) fn owners(
    source: &Source,
    wanted: &BTreeSet<u32>,
    shared: &BTreeSet<u32>,
) -> Result<Owners, Error> {
    let mut owners = Owners { pages: vec![], complete: false };
    let mut walk = || {
        // `dbstat` lists pages depth-first. These are the b-tree pages above the current one, by their paths: `/`,
        // `/003/`, ….
        let mut above: Vec<(String, u32, bool)> = vec![];
        let mut tree = String::new();
        let mut statement = source.connection().prepare("SELECT name, path, pageno FROM dbstat")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |at| {
                row.get_ref(at)
                    .map(|v| String::from_utf8_lossy(v.as_bytes().unwrap_or_default()).into_owned())
            };
            let (name, path, page) = (text(0)?, text(1)?, row.get::<_, u32>(2)?);
            if name != tree {
                above.clear();
                tree.clone_from(&name);
            }
            above.retain(|(over, ..)| path.starts_with(over.as_str()));
            let below_shared = above.last().is_some_and(|(_, _, shared)| *shared) || shared.contains(&page);
            // The path of an overflow page is the path of its chain's first b-tree page, followed by `+`.
            let overflows = path.contains('+');
            let read_from = above.last().filter(|_| overflows).map_or(page, |(_, page, _)| *page);
            if !overflows {
                above.push((path, page, below_shared));
            }
            if wanted.contains(&page) || below_shared {
                owners.pages.push(Owned { name, page, read_from });
            }
        }
        Ok(())
    };
    match walk().map_err(|e| source.error(e)) {
        Ok(()) => owners.complete = true,
        Err(e) if e.is_local() => {}
        Err(e) => return Err(e),
    }
    Ok(owners)
}

/// An object whose root page `sqlite_schema` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rooted {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) is_index: bool,
}

/// The objects of the schema by root page; those of one page are more than one only in a damaged schema.
pub(super) fn roots(source: &Source) -> Result<HashMap<u32, Vec<Rooted>>, Error> {
    let sql = "SELECT rootpage, name, tbl_name, type = 'index' FROM main.sqlite_schema
               WHERE rootpage BETWEEN 1 AND 4294967294";
    let mut roots: HashMap<u32, Vec<Rooted>> = HashMap::new();
    let mut read = || {
        let mut statement = source.connection().prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |at| {
                row.get_ref(at)
                    .map(|v| String::from_utf8_lossy(v.as_bytes().unwrap_or_default()).into_owned())
            };
            let rooted = Rooted { name: text(1)?, table: text(2)?, is_index: row.get(3)? };
            roots.entry(row.get(0)?).or_default().push(rooted);
        }
        Ok(())
    };
    match read().map_err(|e| source.error(e)) {
        Err(e) if !e.is_local() => Err(e),
        _ => Ok(roots),
    }
}
