//! Cascaded orphans: rows that lose their parent because it has lost its own, in tables that point to themselves or to
//! each other.
//!
//! One pass from parent to child in temporary tables: which rows go, and which row is whose parent. Each row is read
//! once and found by an index, so that a chain of any length costs what its rows cost; nothing is held in memory.

use super::query::OrphanQuery;
use crate::pg::settings::LocalSettings;
use crate::pg::{latest, relation, spi};
use pg_sqlite_migrate_core::sqltext::qualified;

/// The rows that go. Dropped by [`Cascade::forget`], or by the abort.
#[must_use]
pub struct Cascade {
    table: String,
}

/// A query and the numbers of its tables, where they belong to the group.
pub struct Numbered<'q> {
    pub query: &'q OrphanQuery<'q>,
    pub child: usize,
    /// One per `query.parents`.
    pub parents: Vec<Option<usize>>,
}

/// Parents that no query takes rows from.
const STAYS: i64 = -1;

impl Cascade {
    /// Finds the rows that go by the queries of one group of tables. Assumes a safe search path.
    pub fn find(run: i64, queries: &[Numbered<'_>]) -> Cascade {
        let name = temporary_name("gone", run);
        let gone = Cascade { table: qualified("pg_temp", &name) };
        spi::execute(&format!(
            "CREATE TEMPORARY TABLE {name} (member int NOT NULL, address tid NOT NULL, query int NOT NULL,
                 round int NOT NULL, PRIMARY KEY (member, address)) USING heap"
        ));
        spi::execute(&format!("CREATE INDEX ON {} (round)", gone.table));
        for (number, Numbered { query, child, .. }) in queries.iter().enumerate() {
            latest::execute(&format!(
                "INSERT INTO {} SELECT {child}, c.ctid, {number}, 0 {} ON CONFLICT DO NOTHING",
                gone.table,
                query.orphans()
            ));
        }
        let links = link(run, queries);
        follow(&gone.table, &links);
        spi::execute(&format!("DROP TABLE {links}"));
        gone
    }

    /// FROM and WHERE of the rows `c` that go by one of the queries.
    pub fn by(&self, number: usize, Numbered { query, child, .. }: &Numbered<'_>) -> String {
        format!(
            "FROM {} AS c JOIN {} AS g ON g.address = c.ctid WHERE g.member = {child} AND g.query = {number}",
            query.children.from, self.table
        )
    }

    pub fn forget(self) {
        spi::execute(&format!("DROP TABLE {}", self.table));
    }
}

fn temporary_name(what: &str, run: i64) -> String {
    relation::free_temporary_name(&format!("sqlite_migrate_{what}_{run}"))
}

/// Writes down which row is whose parent; the table in which that is.
fn link(run: i64, queries: &[Numbered<'_>]) -> String {
    let name = temporary_name("link", run);
    let links = qualified("pg_temp", &name);
    spi::execute(&format!(
        "CREATE TEMPORARY TABLE {name} (query int NOT NULL, parent_member int NOT NULL, parent tid NOT NULL,
             child_member int NOT NULL, child tid NOT NULL) USING heap"
    ));
    for (number, Numbered { query, child, parents }) in queries.iter().enumerate() {
        if parents.iter().all(Option::is_none) {
            continue;
        }
        for (parent, member) in query.parents.iter().zip(parents) {
            let member = member.map_or(STAYS, |member| member as i64);
            latest::execute(&format!(
                "INSERT INTO {links} SELECT {number}, {member}, p.ctid, {child}, c.ctid
                 FROM {} AS c JOIN {} AS p ON {} WHERE {}",
                query.children.from,
                parent.from,
                query.same(),
                query.checked()
            ));
        }
    }
    spi::execute(&format!("CREATE INDEX ON {links} (parent_member, parent)"));
    spi::execute(&format!("CREATE INDEX ON {links} (query, child)"));
    links
}

/// Round by round: the children of the rows that went last go too, unless another row with the same key stays.
fn follow(gone: &str, links: &str) {
    let settings = LocalSettings::safe_search_path();
    // A round may be of one row, and there may be a million rounds: each looks up what it needs, and reads nothing whole.
    for other in ["seqscan", "bitmapscan", "hashjoin", "mergejoin", "material"] {
        settings.set(&format!("enable_{other}"), "off");
    }
    settings.set("jit", "off");
    latest::execute_until_done(&format!(
        "INSERT INTO {gone}
         SELECT DISTINCT ON (l.child_member, l.child) l.child_member, l.child, l.query, g.round + 1
         FROM {gone} AS g JOIN {links} AS l ON l.parent_member = g.member AND l.parent = g.address
         WHERE g.round = (SELECT max(round) FROM {gone})
           AND (SELECT count(*) FROM {links} AS o
                LEFT JOIN {gone} AS went ON went.member = o.parent_member AND went.address = o.parent
                WHERE o.query = l.query AND o.child = l.child AND went.member IS NULL) = 0
         ON CONFLICT DO NOTHING"
    ));
}
