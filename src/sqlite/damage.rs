//! Finds damage in a file before anything is read from it.
//!
//! SQLite reads many damaged pages without an error: a page that was cut off gives rows of NULLs. SQLite's check visits
//! every b-tree and the list of free pages, but does not notice that the file ends within a page. Only if the check
//! finds a problem is each page's table looked up.

use std::collections::BTreeSet;

use super::check::{Report, check_table, report};
use super::error::Error;
use super::open::Source;
use super::owners::{Owners, Rooted, owners, roots};
use super::problem::Place;
use pg_sqlite_migrate_core::catalog::{Catalog, Table};
use pg_sqlite_migrate_core::damage::{Damage, IndexDamage, Integrity, TableDamage};

/// The most problems that are evaluated. In a file with more, good pages cannot be distinguished from bad ones.
const MOST: usize = 20_000;

/// Checks the whole file.
pub fn damage(source: &Source, catalog: &Catalog, integrity: Integrity) -> Result<Damage, Error> {
    let pragma = match integrity {
        Integrity::None => return Ok(Damage::default()),
        Integrity::Quick => "quick_check",
        Integrity::Full => "integrity_check",
    };
    // The plan deals with CHECKs, and they may call functions that only the application defines.
    source.control("PRAGMA ignore_check_constraints = ON")?;
    let report = report(source, catalog, pragma, Some(MOST)).and_then(|mut report| {
        // quick_check does not check the order of keys of a table WITHOUT ROWID.
        for table in catalog.tables.iter().filter(|t| t.without_rowid && integrity == Integrity::Quick) {
            check_table(source, "integrity_check", table, &mut report)?;
        }
        Ok(report)
    });
    source.control("PRAGMA ignore_check_constraints = OFF")?;
    Finder::new(source, catalog)?.find(report?)
}

/// The damage of one table, found while it was read; `problem` describes it.
pub fn of_table(
    source: &Source,
    catalog: &Catalog,
    table: &str,
    problem: String,
) -> Result<TableDamage, Error> {
    let found = damage(source, catalog, Integrity::Quick)?;
    let known = found.of(table).cloned();
    Ok(known.unwrap_or_else(|| TableDamage { table: table.to_owned(), problem, ..TableDamage::default() }))
}

struct Finder<'a> {
    source: &'a Source,
    catalog: &'a Catalog,
    roots: std::collections::HashMap<u32, Vec<Rooted>>,
    found: Damage,
    cut: Option<u32>,
}

impl<'a> Finder<'a> {
    fn new(source: &'a Source, catalog: &'a Catalog) -> Result<Finder<'a>, Error> {
        let cut = cut_page(source, catalog.page_size);
        Ok(Finder { source, catalog, roots: roots(source)?, found: Damage::default(), cut })
    }

    fn find(mut self, report: Report) -> Result<Damage, Error> {
        let (mut wanted, mut shared): (BTreeSet<u32>, BTreeSet<u32>) =
            (self.cut.into_iter().collect(), BTreeSet::new());
        for (_, line) in &report.problems {
            match Place::of(line) {
                Place::Page(page) => drop(wanted.insert(page)),
                Place::Shared(page) => drop((wanted.insert(page), shared.insert(page))),
                _ => {}
            }
        }
        let owners = match wanted.is_empty() {
            true => Owners { pages: vec![], complete: true },
            false => owners(self.source, &wanted, &shared)?,
        };
        for (_, line) in &report.problems {
            self.place(line, &owners);
        }
        if let Some(page) = self.cut {
            self.page(page, &format!("the file ends in the middle of page {page}"), &owners);
        }
        if report.problems.len() >= MOST {
            self.unplaced(&format!("there are more than {MOST} problems"));
        }
        for (table, error) in report.given_up {
            self.given_up(table, error);
        }
        if let Some(error) = report.gave_up.filter(|_| self.found == Damage::default()) {
            self.unplaced(&reason(error));
        }
        Ok(self.found)
    }

    fn place(&mut self, line: &str, owners: &Owners) {
        match Place::of(line) {
            Place::Tree { root, page } => match self.roots.get(&root).cloned() {
                _ if root == 1 => self.schema(line),
                None => self.unplaced(line),
                Some(rooted) => rooted.iter().for_each(|object| self.object(object, page, line)),
            },
            Place::Page(page) | Place::Shared(page) => self.page(page, line, owners),
            Place::Index(name) => match self.named(&name) {
                Some(index) => self.object(&index, 0, line),
                None => self.unplaced(line),
            },
            // The table has its rows, but not in the order of their keys.
            Place::Order(table) => self.table(&table, None, line).disordered = true,
            Place::Virtual(name) => self.virtual_table(name, line),
            Place::Rowless => drop(self.found.rowless.get_or_insert_with(|| line.to_owned())),
            Place::Value => {}
            Place::Unknown => self.unplaced(line),
        }
    }

    /// A full-text table has its texts beside the index; an R*Tree has nothing else.
    fn virtual_table(&mut self, name: String, line: &str) {
        match self.catalog.table(&name).is_some_and(Table::is_full_text) {
            true => {
                let (index, table, problem) = (name.clone(), name, line.to_owned());
                self.found.indexes.push(IndexDamage { index, table, problem });
            }
            false => drop(self.table(&name, None, line)),
        }
    }

    fn page(&mut self, page: u32, line: &str, owners: &Owners) {
        let mut nobodys = true;
        // Everything below a shared page is shared.
        let below = |name: &str| owners.pages.iter().any(|o| o.page == page && o.name == name);
        let names: BTreeSet<&str> =
            owners.pages.iter().map(|o| o.name.as_str()).filter(|n| below(n)).collect();
        let is_shared = matches!(Place::of(line), Place::Shared(_));
        for owned in
            owners.pages.iter().filter(|o| o.page == page || (is_shared && names.contains(o.name.as_str())))
        {
            nobodys = false;
            match self.named(&owned.name) {
                Some(object) => self.object(&object, owned.read_from, line),
                None => self.schema(line),
            }
        }
        match nobodys {
            true if owners.complete => drop(self.found.rowless.get_or_insert_with(|| line.to_owned())),
            true => self.unplaced(line),
            false => {}
        }
    }

    /// A table or an index of the schema; `sqlite_schema` itself is not in it.
    fn named(&self, name: &str) -> Option<Rooted> {
        self.roots.values().flatten().find(|o| o.name == name).cloned()
    }

    fn object(&mut self, object: &Rooted, page: u32, line: &str) {
        if !object.is_index {
            // A page may lead to other rows than it says.
            let disordered = line.contains("out of order");
            self.table(&object.name, Some(page), line).disordered |= disordered;
            return;
        }
        if !self.found.indexes.iter().any(|i| i.index == object.name) {
            let (index, table) = (object.name.clone(), object.table.clone());
            self.found.indexes.push(IndexDamage { index, table, problem: line.to_owned() });
        }
    }

    fn table(&mut self, table: &str, page: Option<u32>, line: &str) -> &mut TableDamage {
        let at = self.found.tables.iter().position(|d| d.table == table).unwrap_or_else(|| {
            let (table, problem) = (table.to_owned(), line.to_owned());
            self.found.tables.push(TableDamage { table, problem, ..TableDamage::default() });
            self.found.tables.len() - 1
        });
        let damage = &mut self.found.tables[at];
        damage.pages.extend(page);
        damage
    }

    /// SQLite could not finish the check: the table is damaged, or cannot be checked.
    fn given_up(&mut self, table: String, error: Error) {
        let is_damage = matches!(error, Error::Corrupt { .. } | Error::TooBig { .. });
        let reason = reason(error);
        match is_damage {
            true => drop(self.table(&table, None, &reason)),
            false => self.found.unchecked.push((table, reason)),
        }
    }

    fn schema(&mut self, line: &str) {
        self.found.schema.get_or_insert_with(|| line.to_owned());
    }

    fn unplaced(&mut self, line: &str) {
        self.found.unplaced.get_or_insert_with(|| line.to_owned());
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::Corrupt { detail, .. } => detail,
        Error::Sqlite { message, .. } => message,
        other => other.to_string(),
    }
}

/// The page within which the file ends: SQLite reads zeros for the missing part. If a WAL holds pages, the file's
/// length says nothing.
fn cut_page(source: &Source, page_size: u32) -> Option<u32> {
    let mut wal = source.path().as_os_str().to_owned();
    wal.push("-wal");
    if page_size == 0 || std::fs::metadata(wal).is_ok_and(|m| m.len() > 0) {
        return None;
    }
    let length = std::fs::metadata(source.path()).ok()?.len();
    let is_cut = length % u64::from(page_size) != 0;
    is_cut.then(|| u32::try_from(length / u64::from(page_size) + 1).ok()).flatten()
}
