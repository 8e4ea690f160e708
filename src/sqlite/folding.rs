//! Keys under NOCASE with values that become equal if all letters are folded, not only those of ASCII.
//!
//! 'Löwe' and 'LÖWE' are different in SQLite, but equal as citext and under a PostgreSQL collation that ignores case.
//! Only case is compared here; values that differ in the composition of a letter are found when the key is created.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};

use super::error::Error;
use super::keys::Rows;
use super::open::Source;
use pg_sqlite_migrate_core::catalog::{Index, IndexKey, KeyFact, KeyFactKind, Letters};
use pg_sqlite_migrate_core::sqltext::{sqlite_ident, sqlite_literal};

const EXAMPLES: usize = 5;
const FOLD: &str = "pg_sqlite_fold";

/// A text as PostgreSQL compares it.
fn folded_text(text: &str, letters: Letters) -> String {
    match letters {
        // Letter by letter: a letter whose small form are several has none for PostgreSQL.
        Letters::Lowered => text.chars().map(|c| one(c.to_lowercase()).unwrap_or(c)).collect(),
        // Lower case first, because some capitals have no small letter of their own; then upper case, because 'ß'
        // becomes "SS".
        Letters::Equal => text.to_lowercase().to_uppercase(),
    }
}

fn one(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next();
    first.filter(|_| letters.next().is_none())
}

/// Checks every unique key of a table. A key that cannot be checked yields no fact.
pub(super) fn folded(source: &Source, rows: &Rows<'_>) -> Result<Vec<KeyFact>, Error> {
    let table = rows.table;
    let mut facts = vec![];
    for (index, key) in table.indexes.iter().enumerate() {
        let Some(key) = Key::of(key) else { continue };
        for letters in [Letters::Lowered, Letters::Equal] {
            match key.case_variants(source, rows, letters) {
                Ok((0, _)) => {}
                Ok((count, examples)) => {
                    let kind = KeyFactKind::Folded { index, letters };
                    facts.push(KeyFact { table: table.name.clone(), kind, count, examples });
                }
                Err(e) if e.is_local() => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(facts)
}

/// A unique key over columns, some of them under NOCASE.
struct Key<'a> {
    columns: Vec<(&'a str, bool)>,
    predicate: Option<&'a str>,
}

impl<'a> Key<'a> {
    fn of(index: &'a Index) -> Option<Key<'a>> {
        let nocase = |collation: &str| collation.eq_ignore_ascii_case("NOCASE");
        let column = |c: &'a pg_sqlite_migrate_core::catalog::IndexColumn| match &c.key {
            IndexKey::Column(name) => Some((name.as_str(), nocase(&c.collation))),
            _ => None,
        };
        let columns = index.columns.iter().map(column).collect::<Option<Vec<_>>>()?;
        let is_checked = index.unique && columns.iter().any(|(_, nocase)| *nocase);
        is_checked.then_some(Key { columns, predicate: index.predicate.as_deref() })
    }

    /// Groups of rows, and the values of the first few.
    fn case_variants(
        &self,
        source: &Source,
        rows: &Rows<'_>,
        letters: Letters,
    ) -> Result<(u64, Vec<String>), Error> {
        let rows = rows.relation("t", "NOT INDEXED");
        if !self.needs_folding(source, &rows)? {
            return Ok((0, vec![]));
        }
        let query = || {
            let flags = FunctionFlags::SQLITE_UTF8
                | FunctionFlags::SQLITE_DETERMINISTIC
                | FunctionFlags::SQLITE_DIRECTONLY;
            source.connection().create_scalar_function(FOLD, 1, flags, move |context| {
                Ok(match context.get_raw(0) {
                    ValueRef::Text(text) => Value::Text(folded_text(&String::from_utf8_lossy(text), letters)),
                    _ => context.get(0)?,
                })
            })?;
            let mut statement = source.connection().prepare(&self.sql(&rows))?;
            let mut groups = statement.query([])?;
            let (mut count, mut examples) = (0, vec![]);
            while let Some(group) = groups.next()? {
                count += 1;
                if examples.len() < EXAMPLES {
                    let (a, b): (String, String) = (group.get(0)?, group.get(1)?);
                    examples.push(format!("{} and {}", sqlite_literal(&a), sqlite_literal(&b)));
                }
            }
            Ok((count, examples))
        };
        query().map_err(|e| source.error(e))
    }

    /// The text contains a letter beyond ASCII. This test is cheaper than folding, and rarely true.
    fn needs_folding(&self, source: &Source, rows: &str) -> Result<bool, Error> {
        let beyond: Vec<String> = (self.columns.iter().filter(|(_, nocase)| *nocase))
            .map(|(name, _)| {
                format!("{} GLOB '*[^' || char(1) || '-' || char(127) || ']*'", sqlite_ident(name))
            })
            .collect();
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {rows} WHERE {})", beyond.join(" OR "));
        source.connection().query_row(&sql, [], |row| row.get(0)).map_err(|e| source.error(e))
    }

    fn sql(&self, rows: &str) -> String {
        let names = self.columns.iter().map(|(name, nocase)| (sqlite_ident(name), *nocase));
        let groups: Vec<String> = names
            .clone()
            .map(|(name, nocase)| if nocase { format!("{FOLD}({name})") } else { name })
            .collect();
        let present: Vec<String> = names.clone().map(|(name, _)| format!("{name} IS NOT NULL")).collect();
        let shown = names.clone().find(|(_, nocase)| *nocase).map(|(name, _)| name).unwrap_or_default();
        let shown = format!("CAST({shown} AS TEXT) COLLATE BINARY");
        format!(
            "SELECT substr(min({shown}), 1, 40), substr(max({shown}), 1, 40) FROM {rows} WHERE {}{} GROUP BY {} \
             HAVING count(*) > 1",
            present.join(" AND "),
            self.predicate.map(|p| format!(" AND ({p}\n)")).unwrap_or_default(),
            groups.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::super::testing::*;
    use super::*;
    use pg_sqlite_migrate_core::reading::Reading;

    fn facts(script: &str, filter: Option<&str>) -> Vec<(usize, Letters, u64, Vec<String>)> {
        let dir = TempDir::new();
        dir.database("t.db", script);
        let source = dir.open("t.db");
        let catalog = catalog(&source).unwrap();
        let rows = Rows::of(&source, &catalog, 0, &[Reading::filtered(filter)], true).unwrap().unwrap();
        let found = folded(&source, &rows).unwrap();
        let fact = |fact: KeyFact| match fact.kind {
            KeyFactKind::Folded { index, letters } => (index, letters, fact.count, fact.examples),
            other => panic!("{other:?}"),
        };
        found.into_iter().map(fact).collect()
    }

    #[test]
    fn values_that_differ_by_other_letters_case_only() {
        let script = "CREATE TABLE t(a TEXT COLLATE NOCASE UNIQUE, b TEXT);
             CREATE UNIQUE INDEX i ON t(b COLLATE NOCASE, a) WHERE a > ''; CREATE UNIQUE INDEX j ON t(b);
             INSERT INTO t VALUES ('Löwe', 'x'), ('LÖWE', 'X '), ('straße', 'É'), ('STRASSE', 'e'), ('k', 'é'), (NULL, 'ü'), (NULL, 'Ü')";
        let said = |a: &str, b: &str| format!("'{a}' and '{b}'");
        assert_eq!(
            facts(script, None),
            [
                (0, Letters::Lowered, 1, vec![said("LÖWE", "Löwe")]),
                (0, Letters::Equal, 2, vec![said("LÖWE", "Löwe"), said("STRASSE", "straße")])
            ],
            "a NULL is nobody's twin, and the second key has the first in it"
        );
        assert_eq!(facts(script, Some("a <> 'LÖWE'")).len(), 1);
        assert_eq!(
            facts("CREATE TABLE t(a TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES ('a'), ('b')", None),
            []
        );
    }
}
