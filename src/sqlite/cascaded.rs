//! Cascaded orphans: `orphans: "reject"` rejects a row without a parent, then the rows that pointed to that row, and so
//! on along chains and around cycles.
//!
//! One recursive query serves all keys. SQLite holds its intermediate rows, in temporary files if there are many.
//! Assumes the facts that `keys` has found; a table that cannot be read yields none.

use super::error::Error;
use super::keys::{Rows, equal, orphaned, parent, row_names};
use super::open::Source;
use pg_sqlite_migrate_core::catalog::{Catalog, KeyFact, KeyFactKind, Table, TableKind};
use pg_sqlite_migrate_core::reading::Reading;

/// A foreign key between two tables that take part.
struct Link {
    child: usize,
    foreign_key: usize,
    parent: usize,
    /// Its child table has rows without a parent by it.
    orphans: bool,
}

/// Counts the rows whose parents are rejected. `rejecting` has a flag for each table of the catalog: its orphans are
/// rejected, too.
pub fn cascaded_orphans(
    source: &Source,
    catalog: &Catalog,
    (selected, rejecting): (&[bool], &[bool]),
    readings: &[Reading],
    facts: &[KeyFact],
    indexed: bool,
) -> Result<Vec<KeyFact>, Error> {
    let rejects = |table: usize| rejecting.get(table) == Some(&true);
    let mut links = links(catalog, selected, facts);
    let losing = losing(&links, rejects);
    links.retain(|link| losing.contains(&link.parent) || (link.orphans && losing.contains(&link.child)));
    if !links.iter().any(|link| losing.contains(&link.parent)) {
        return Ok(vec![]);
    }
    let count = |plain: bool| -> Result<Vec<KeyFact>, Error> {
        match sql(source, catalog, readings, &links, rejects, (plain, indexed))? {
            Some(sql) => ask(source, catalog, &links, &sql),
            None => Ok(vec![]),
        }
    };
    // As for orphans: an index or a column may need a collation that only the application has.
    let answer = count(false).or_else(|e| match e {
        Error::Sqlite { .. } | Error::Collation { .. } => count(true),
        other => Err(other),
    });
    answer.or_else(|e| if e.is_local() { Ok(vec![]) } else { Err(e) })
}

fn links(catalog: &Catalog, selected: &[bool], facts: &[KeyFact]) -> Vec<Link> {
    let mut out = vec![];
    let taken =
        |(i, table): &(usize, &Table)| selected.get(*i) == Some(&true) && table.kind == TableKind::Ordinary;
    for (child, table) in catalog.tables.iter().enumerate().filter(taken) {
        for (foreign_key, key) in table.foreign_keys.iter().enumerate() {
            let kind = KeyFactKind::Orphan { foreign_key };
            let orphans = facts.iter().any(|f| f.kind == kind && f.table == table.name && f.count > 0);
            out.extend(parent(catalog, selected, key).map(|parent| Link {
                child,
                foreign_key,
                parent,
                orphans,
            }));
        }
    }
    out
}

/// Tables that lose rows: because of their own orphans, or because a table that they point to loses rows.
fn losing(links: &[Link], rejects: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut losing: Vec<usize> = vec![];
    loop {
        let more = links.iter().find(|link| {
            (link.orphans || losing.contains(&link.parent))
                && rejects(link.child)
                && !losing.contains(&link.child)
        });
        match more {
            Some(link) => losing.push(link.child),
            None => return losing,
        }
    }
}

/// `None` where a table cannot be read.
fn sql(
    source: &Source,
    catalog: &Catalog,
    readings: &[Reading],
    links: &[Link],
    rejects: impl Fn(usize) -> bool,
    (plain, indexed): (bool, bool),
) -> Result<Option<String>, Error> {
    let collate = if plain { " COLLATE BINARY" } else { "" };
    let no_index = if plain || !indexed { "NOT INDEXED" } else { "" };
    let (mut pairs, mut first, mut taking) = (vec![], vec![], vec![]);
    for (number, Link { child, foreign_key, parent, orphans }) in links.iter().enumerate() {
        let rows = Rows::of(source, catalog, *child, readings, indexed)?;
        let Some(rows) = rows else { return Ok(None) };
        let Some(parents) = Rows::of(source, catalog, *parent, readings, indexed)? else { return Ok(None) };
        let Some(key) = rows.table.foreign_keys.get(*foreign_key) else { return Ok(None) };
        pairs.push(format!(
            "SELECT {number}, {parent}, {}, {child}, {} FROM {} JOIN {} ON {}",
            identity(parents.table, "p"),
            identity(rows.table, "t"),
            rows.relation("t", no_index),
            parents.relation("p", no_index),
            equal(key, &parents, collate)
        ));
        if rejects(*child) {
            taking.push(number.to_string());
            let from = orphaned(&rows, key, &parents, (no_index, collate));
            first.extend(orphans.then(|| format!("SELECT {child}, {} {from}", identity(rows.table, "t"))));
        }
    }
    // CROSS JOIN fixes the order of the join, so that the rejected rows are found by an index and never scanned.
    let children = "gone AS g CROSS JOIN link AS l ON l.parent_table = g.in_table AND l.parent = g.row_id";
    Ok(Some(format!(
        "WITH RECURSIVE link(number, parent_table, parent, child_table, child) AS MATERIALIZED ({}),
         gone(in_table, row_id) AS ({}
             UNION SELECT l.child_table, l.child FROM {children} WHERE l.number IN ({}))
         SELECT l.number, count(*) FROM {children} GROUP BY l.number ORDER BY l.number",
        pairs.join(" UNION ALL "),
        first.join(" UNION "),
        taking.join(", ")
    )))
}

/// One value that identifies a row of the table.
fn identity(table: &Table, alias: &str) -> String {
    let names = row_names(table, alias);
    match (table.rowid_name(), names.as_slice()) {
        (Some(_), [rowid]) => rowid.clone(),
        _ => names.iter().map(|name| format!("quote({name})")).collect::<Vec<_>>().join(" || ',' || "),
    }
}

fn ask(source: &Source, catalog: &Catalog, links: &[Link], sql: &str) -> Result<Vec<KeyFact>, Error> {
    source.ask(|connection| {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut facts = vec![];
        while let Some(row) = rows.next()? {
            let (number, count): (i64, i64) = (row.get(0)?, row.get(1)?);
            let link = usize::try_from(number).ok().and_then(|number| links.get(number));
            let table = link.and_then(|link| catalog.tables.get(link.child));
            if let (Some(link), Some(table)) = (link, table) {
                facts.push(KeyFact {
                    table: table.name.clone(),
                    kind: KeyFactKind::CascadedOrphan { foreign_key: link.foreign_key },
                    count: count.unsigned_abs(),
                    examples: vec![],
                });
            }
        }
        Ok(facts)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{catalog, key_facts};
    use super::*;

    /// Table, key and rows, where the tables named reject.
    fn counted(script: &str, rejecting: &[&str], filters: &[Option<&str>]) -> Vec<(String, usize, u64)> {
        let dir = TempDir::new();
        dir.database("t.db", &format!("PRAGMA foreign_keys = OFF; {script}"));
        let source = dir.open("t.db");
        let catalog = catalog(&source).unwrap();
        let selected = vec![true; catalog.tables.len()];
        let rejecting: Vec<bool> =
            catalog.tables.iter().map(|t| rejecting.contains(&t.name.as_str())).collect();
        let readings: Vec<_> = filters.iter().map(|filter| Reading::filtered(*filter)).collect();
        let facts = key_facts(&source, &catalog, &selected, &readings, true).unwrap();
        let facts =
            cascaded_orphans(&source, &catalog, (&selected, &rejecting), &readings, &facts, true).unwrap();
        facts
            .into_iter()
            .map(|f| match f.kind {
                KeyFactKind::CascadedOrphan { foreign_key } => (f.table, foreign_key, f.count),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn row(table: &str, key: usize, count: u64) -> (String, usize, u64) {
        (table.into(), key, count)
    }

    const CHAIN: &str = "CREATE TABLE n(id INTEGER PRIMARY KEY, up INTEGER REFERENCES n, x);
        WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000)
        INSERT INTO n SELECT n, n - 1, 0 FROM c;";

    #[test]
    fn a_chain_is_followed_to_its_end() {
        assert_eq!(counted(CHAIN, &["n"], &[]), [row("n", 0, 2999)]);
        assert_eq!(counted(CHAIN, &[], &[]), []);
        assert_eq!(counted(CHAIN, &["n"], &[Some("id <> 1000")]), [row("n", 0, 998 + 1999)]);
    }

    #[test]
    fn rows_of_several_tables_cascade() {
        let script = "
            CREATE TABLE a(id INTEGER PRIMARY KEY, c TEXT REFERENCES c, x INT REFERENCES x);
            CREATE TABLE b(a INT REFERENCES a, k INT, PRIMARY KEY (a, k)) WITHOUT ROWID;
            CREATE TABLE c(id TEXT PRIMARY KEY, a INT, k INT, FOREIGN KEY (a, k) REFERENCES b);
            CREATE TABLE x(id INTEGER PRIMARY KEY); CREATE TABLE leaf(a INT REFERENCES a);
            INSERT INTO x VALUES (1);
            INSERT INTO a VALUES (1, 'three', 1), (2, 'one', 9), (3, 'two', 1), (4, NULL, 1);
            INSERT INTO b VALUES (1, 1), (2, 2), (3, 3), (4, 4);
            INSERT INTO c VALUES ('one', 1, 1), ('two', 2, 2), ('three', 3, 3), ('four', 4, 4);
            INSERT INTO leaf VALUES (1), (1), (4);";
        let all = ["a", "b", "c", "leaf"];
        let expected = [row("a", 0, 3), row("b", 0, 3), row("c", 0, 3), row("leaf", 0, 2)];
        assert_eq!(counted(script, &all, &[]), expected);
        // A table that does not let its rows go ends the chain, and has them counted.
        assert_eq!(counted(script, &["a"], &[]), [row("b", 0, 1)]);
        assert_eq!(counted(script, &["b", "c", "leaf"], &[]), []);
    }
}
