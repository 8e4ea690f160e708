//! Keys that stored rows break, found by queries over whole tables.
//!
//! SQLite allows NULLs in most primary keys, distinguishes `1` from `'1'` in a column without a type, enforces foreign
//! keys only on request, and does not check old rows against a CHECK that is added later. Only rows that the plan's
//! `where` selects count, also in a parent table; of a column with `using`, the expression's values do. A table that cannot be read yields no facts here: its profile or load
//! fails with a better error.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::error::Error;
use super::open::Source;
use super::{folding, profile};
use pg_sqlite_migrate_core::catalog::{
    Affinity, Catalog, Column, ForeignKey, IndexColumn, IndexKey, KeyFact, KeyFactKind, Origin, PrimaryKey,
    Table, TableKind,
};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::reading::{Reading, with_affinity};
use pg_sqlite_migrate_core::sqltext::{sqlite_ident, sqlite_literal};

const EXAMPLES: usize = 5;

/// Checks every selected table. `selected` has one flag and `readings` one entry per table of the catalog. Damaged
/// indexes give wrong results: unless `indexed` is set, no index is used.
pub fn key_facts(
    source: &Source,
    catalog: &Catalog,
    selected: &[bool],
    readings: &[Reading],
    indexed: bool,
) -> Result<Vec<KeyFact>, Error> {
    let selected_table = |(i, table): (usize, &'_ Table)| -> Option<usize> {
        (selected.get(i) == Some(&true) && table.kind == TableKind::Ordinary).then_some(i)
    };
    let mut facts = vec![];
    for child in catalog.tables.iter().enumerate().filter_map(selected_table) {
        let Some(rows) = Rows::of(source, catalog, child, readings, indexed)? else { continue };
        facts.extend(primary_key_nulls(source, &rows)?);
        facts.extend(primary_key_duplicates(source, &rows)?);
        facts.extend(duplicates_by_using(source, &rows)?);
        facts.extend(broken_checks(source, &rows)?);
        facts.extend(folding::folded(source, &rows)?);
        for (position, key) in rows.table.foreign_keys.iter().enumerate() {
            if let Some(parent) = parent(catalog, selected, key)
                && let Some(parent) = Rows::of(source, catalog, parent, readings, indexed)?
            {
                let query = |indexed: &str, collate: &str| {
                    let orphaned = orphaned(&rows, key, &parent, (indexed, collate));
                    format!("SELECT {} {orphaned}", row_name(rows.table))
                };
                facts.extend(find(source, &rows, KeyFactKind::Orphan { foreign_key: position }, query)?);
            }
        }
    }
    Ok(facts)
}

/// The table that a key points to, if it takes part.
pub(super) fn parent(catalog: &Catalog, selected: &[bool], key: &ForeignKey) -> Option<usize> {
    let parent = catalog.tables.iter().position(|t| t.name.eq_ignore_ascii_case(&key.parent))?;
    (selected.get(parent) == Some(&true) && !key.parent_columns.is_empty()).then_some(parent)
}

/// The rows of a table that are imported.
pub(super) struct Rows<'a> {
    pub(super) table: &'a Table,
    reading: Reading,
    /// `WHERE (…)`, where the plan has one.
    condition: Option<String>,
    indexed: bool,
}

impl<'a> Rows<'a> {
    /// `None` for a table that cannot be read.
    pub(super) fn of(
        source: &Source,
        catalog: &'a Catalog,
        i: usize,
        readings: &[Reading],
        indexed: bool,
    ) -> Result<Option<Rows<'a>>, Error> {
        let Some(table) = catalog.tables.get(i) else { return Ok(None) };
        let reading = readings.get(i).cloned().unwrap_or_default();
        let filter = reading.filter.as_deref();
        match filter.map(|_| profile::condition(source, &table.name, filter)).transpose() {
            Ok(condition) => Ok(Some(Rows { table, reading, condition, indexed })),
            Err(e) if e.is_local() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The table for a FROM clause. A filter and expressions get their own subquery, where their column names cannot mean
    /// another table's columns.
    pub(super) fn relation(&self, alias: &str, indexed: &str) -> String {
        let name = sqlite_ident(&self.table.name);
        if self.condition.is_none() && self.reading.using.is_empty() {
            return format!("main.{name} {alias} {indexed}");
        }
        let rowid = self.table.rowid_name().map(|r| format!("{r} AS {r}, ")).unwrap_or_default();
        let columns = match self.reading.using.is_empty() {
            true => "*".to_owned(),
            false => self.columns(),
        };
        let condition = self.condition.as_deref().unwrap_or_default();
        format!("(SELECT {rowid}{columns} FROM main.{name} {indexed} {condition}) {alias}")
    }

    /// The columns, with what a column would hold had the expressions' values been stored in it: its affinity and its
    /// collation decide what is equal.
    fn columns(&self) -> String {
        let column = |column: &Column| {
            let name = sqlite_ident(&column.name);
            if !self.uses(&column.name) {
                return name;
            }
            let value = with_affinity(column.affinity(), &self.reading.term(&column.name));
            let own = column.collation.as_deref().filter(|c| is_built_in(c));
            let collate = own.map(|collation| format!(" COLLATE {collation}")).unwrap_or_default();
            format!("({value}){collate} AS {name}")
        };
        self.table.columns.iter().filter(|c| !c.hidden).map(column).collect::<Vec<_>>().join(", ")
    }

    /// The plan has an expression for the column.
    fn uses(&self, column: &str) -> bool {
        self.reading.using(column).is_some()
    }

    /// The declared primary key, unless it is the rowid as stored, which neither repeats nor is NULL.
    fn primary_key(&self) -> Option<&'a PrimaryKey> {
        let key = self.table.primary_key.as_ref()?;
        (!key.rowid_alias || key.columns.iter().any(|c| self.uses(c))).then_some(key)
    }
}

fn primary_key_nulls(source: &Source, rows: &Rows<'_>) -> Result<Option<KeyFact>, Error> {
    let table = rows.table;
    let Some(key) = rows.primary_key() else { return Ok(None) };
    let nullable = |name: &&String| rows.uses(name) || table.column(name).is_some_and(|c| !c.not_null);
    let nulls: Vec<String> =
        key.columns.iter().filter(nullable).map(|c| format!("t.{} IS NULL", sqlite_ident(c))).collect();
    if nulls.is_empty() {
        return Ok(None);
    }
    let query = |indexed: &str, _: &str| {
        let condition = nulls.join(" OR ");
        format!("SELECT {} FROM {} WHERE {condition}", row_name(table), rows.relation("t", indexed))
    };
    find(source, rows, KeyFactKind::PrimaryKeyNull, query)
}

/// Only if a key column has no affinity: an affinity would have made `1` and `'1'` the same value. A key with an
/// expression is [`duplicates_by_using`]'s.
fn primary_key_duplicates(source: &Source, rows: &Rows<'_>) -> Result<Option<KeyFact>, Error> {
    let table = rows.table;
    let key = rows.primary_key().filter(|key| !key.columns.iter().any(|c| rows.uses(c)));
    let Some(key) = key else { return Ok(None) };
    let untyped = |name: &&String| table.column(name).is_some_and(|c| c.affinity() == Affinity::Blob);
    let mut is_mixed = false;
    for column in key.columns.iter().filter(untyped) {
        is_mixed |= holds_numbers_and_texts(source, table, column)?;
    }
    if !is_mixed {
        return Ok(None);
    }
    let names: Vec<String> = key.columns.iter().map(|c| format!("t.{}", sqlite_ident(c))).collect();
    let query = |_: &str, _: &str| {
        // Two terms to group by: `1`, `1.0` and `'1'` give the same, a blob never gives what a text does.
        let terms = |c: &String| {
            let whole = format!("typeof({c}) = 'real' AND CAST({c} AS INTEGER) = {c}");
            let value = format!("CASE WHEN {whole} THEN CAST({c} AS INTEGER) ELSE {c} END");
            format!("typeof({c}) = 'blob', CAST({value} AS BLOB)")
        };
        let groups: Vec<String> = names.iter().map(terms).collect();
        let present: Vec<String> = names.iter().map(|c| format!("{c} IS NOT NULL")).collect();
        format!(
            "SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1",
            names.join(", "),
            rows.relation("t", "NOT INDEXED"),
            present.join(" AND "),
            groups.join(", ")
        )
    };
    find(source, rows, KeyFactKind::PrimaryKeyDuplicate, query)
}

/// Groups of rows that share a unique key, where an expression gives its values: SQLite has compared the stored ones.
fn duplicates_by_using(source: &Source, rows: &Rows<'_>) -> Result<Vec<KeyFact>, Error> {
    if rows.reading.using.is_empty() {
        return Ok(vec![]);
    }
    let mut keys = vec![];
    for (position, index) in rows.table.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
        let kind = match index.origin {
            Origin::PrimaryKey => KeyFactKind::PrimaryKeyDuplicate,
            Origin::Unique | Origin::Created => KeyFactKind::Duplicate { index: position },
        };
        let affected = index.predicate.is_some()
            || index.columns.iter().any(|column| match &column.key {
                IndexKey::Column(name) => rows.uses(name),
                IndexKey::Expression(_) => true,
                IndexKey::Rowid => false,
            });
        let terms =
            index.columns.iter().map(|column| key_term(rows.table, column)).collect::<Option<Vec<_>>>();
        keys.extend(terms.filter(|_| affected).map(|terms| (kind, terms, index.predicate.as_deref())));
    }
    if let Some(alias) = rows.primary_key().filter(|key| key.rowid_alias) {
        let terms = alias.columns.iter().map(|name| sqlite_ident(name)).collect();
        keys.push((KeyFactKind::PrimaryKeyDuplicate, terms, None));
    }
    let fact = |(kind, terms, predicate): (KeyFactKind, Vec<String>, Option<&str>)| {
        find(source, rows, kind, |_, _| duplicates(rows, &terms, predicate))
    };
    keys.into_iter().map(fact).filter_map(Result::transpose).collect()
}

/// One term of a unique key, under the collation by which the key compares it.
fn key_term(table: &Table, column: &IndexColumn) -> Option<String> {
    let term = match &column.key {
        IndexKey::Column(name) => sqlite_ident(name),
        IndexKey::Expression(sql) => format!("({sql}\n)"),
        IndexKey::Rowid => table.rowid_name()?.to_owned(),
    };
    let collation = if is_built_in(&column.collation) { column.collation.as_str() } else { "BINARY" };
    Some(format!("{term} COLLATE {collation}"))
}

/// One row for each group of rows that share the terms' values: the values.
fn duplicates(rows: &Rows<'_>, terms: &[String], predicate: Option<&str>) -> String {
    let present = terms.iter().map(|term| format!("{term} IS NOT NULL"));
    let conditions: Vec<String> = present.chain(predicate.map(|p| format!("({p}\n)"))).collect();
    let (conditions, terms) = (conditions.join(" AND "), terms.join(", "));
    // The name of the table, which an expression may use.
    let relation = rows.relation(&sqlite_ident(&rows.table.name), "NOT INDEXED");
    format!("SELECT {terms} FROM {relation} WHERE {conditions} GROUP BY {terms} HAVING count(*) > 1")
}

fn is_built_in(collation: &str) -> bool {
    ["BINARY", "NOCASE", "RTRIM"].iter().any(|known| known.eq_ignore_ascii_case(collation))
}

fn holds_numbers_and_texts(source: &Source, table: &Table, column: &str) -> Result<bool, Error> {
    let holds = |classes: &str| {
        let column = sqlite_ident(column);
        let from = sqlite_ident(&table.name);
        format!("EXISTS (SELECT 1 FROM main.{from} NOT INDEXED WHERE typeof({column}) IN ({classes}))")
    };
    let sql = format!("SELECT {} AND {}", holds("'integer', 'real'"), holds("'text'"));
    match source.ask(|c| c.query_row(&sql, [], |row| row.get(0))) {
        Err(e) if e.is_local() => Ok(false),
        other => other,
    }
}

/// FROM and WHERE of the rows `t` without a parent. For a join, unlike `NOT EXISTS`, SQLite may build an automatic
/// index on a parent that has none.
pub(super) fn orphaned(
    rows: &Rows<'_>,
    key: &ForeignKey,
    parent: &Rows<'_>,
    (indexed, collate): (&str, &str),
) -> String {
    let present = key.columns.iter().map(|c| format!("t.{} IS NOT NULL", sqlite_ident(c)));
    let missing = key.parent_columns.iter().take(1).map(|p| format!("p.{} IS NULL", sqlite_ident(p)));
    format!(
        "FROM {} LEFT JOIN {} ON {} WHERE {}",
        rows.relation("t", indexed),
        parent.relation("p", indexed),
        equal(key, parent, collate),
        present.chain(missing).collect::<Vec<_>>().join(" AND ")
    )
}

/// The row `t` points to the row `p`, as SQLite's own check compares: with the parent's affinity (hence the `+`) and
/// collation, and not where any column is NULL.
pub(super) fn equal(key: &ForeignKey, parent: &Rows<'_>, collate: &str) -> String {
    let pairs = key.columns.iter().zip(&key.parent_columns).map(|(c, p)| {
        let child = format!("+t.{}", sqlite_ident(c));
        // An expression has no affinity of its own.
        let affinity = parent.table.column(p).filter(|_| parent.uses(p)).map(Column::affinity);
        (p, affinity.map_or(child.clone(), |affinity| format!("({})", with_affinity(affinity, &child))))
    });
    let equal = pairs.map(|(p, child)| format!("p.{} = {child}{collate}", sqlite_ident(p)));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// One scan for all CHECKs. If one of them cannot be evaluated (it calls a function of the application), each is
/// evaluated alone, and those that cannot be evaluated are passed over.
fn broken_checks(source: &Source, rows: &Rows<'_>) -> Result<Vec<KeyFact>, Error> {
    let checks: Vec<&str> = rows.table.checks.iter().map(|c| c.expression.as_str()).collect();
    if checks.is_empty() {
        return Ok(vec![]);
    }
    let counts = match count_broken(source, rows, &checks) {
        Err(e) if e.is_local() && checks.len() > 1 => checks
            .iter()
            .map(|check| alone(count_broken(source, rows, &[check])))
            .collect::<Result<_, _>>()?,
        counts => counts.or_else(|e| if e.is_local() { Ok(vec![]) } else { Err(e) })?,
    };
    let fact = |(check, count): (usize, u64)| KeyFact {
        table: rows.table.name.clone(),
        kind: KeyFactKind::CheckBroken { check },
        count,
        examples: vec![],
    };
    Ok(counts.into_iter().enumerate().filter(|(_, count)| *count > 0).map(fact).collect())
}

fn alone(counts: Result<Vec<u64>, Error>) -> Result<u64, Error> {
    match counts {
        Ok(counts) => Ok(counts.first().copied().unwrap_or(0)),
        Err(e) if e.is_local() => Ok(0),
        Err(e) => Err(e),
    }
}

/// As SQLite itself checks: NULL counts as fulfilled. The line break ends a comment.
fn count_broken(source: &Source, rows: &Rows<'_>, checks: &[&str]) -> Result<Vec<u64>, Error> {
    let sums: Vec<String> = checks.iter().map(|c| format!("total(NOT ({c}\n))")).collect();
    // A CHECK may name the table.
    let name = sqlite_ident(&rows.table.name);
    let relation = match rows.reading.using.is_empty() {
        true => format!("main.{name} NOT INDEXED {}", rows.condition.as_deref().unwrap_or_default()),
        false => rows.relation(&name, "NOT INDEXED"),
    };
    let sql = format!("SELECT {} FROM {relation}", sums.join(", "));
    let counts = |row: &Row<'_>| (0..checks.len()).map(|i| row.get::<_, f64>(i).map(|n| n as u64)).collect();
    source.ask(|c| c.query_row(&sql, [], counts))
}

/// The expressions that identify a row of `t`.
fn row_name(table: &Table) -> String {
    row_names(table, "t").join(", ")
}

/// What identifies a row: its rowid, its primary key, or all its columns.
pub(super) fn row_names(table: &Table, alias: &str) -> Vec<String> {
    if let Some(rowid) = table.rowid_name() {
        return vec![format!("{alias}.{rowid}")];
    }
    let all = || table.columns.iter().filter(|c| !c.hidden).map(|c| c.name.clone()).collect();
    let names: Vec<String> = table.primary_key.as_ref().map_or_else(all, |k| k.columns.clone());
    names.iter().map(|n| format!("{alias}.{}", sqlite_ident(n))).collect()
}

/// Counts the rows of a query. If an index or a column needs an application-defined collation, the query is repeated
/// without indexes and with comparisons by bytes.
fn find(
    source: &Source,
    rows: &Rows<'_>,
    kind: KeyFactKind,
    query: impl Fn(&str, &str) -> String,
) -> Result<Option<KeyFact>, Error> {
    let table = rows.table;
    let by_value = matches!(kind, KeyFactKind::PrimaryKeyDuplicate | KeyFactKind::Duplicate { .. });
    let by_rowid = table.rowid_name().is_some() && !by_value;
    let indexed = if rows.indexed { "" } else { "NOT INDEXED" };
    let answer = count(source, &query(indexed, ""), by_rowid).or_else(|e| match e {
        Error::Sqlite { .. } | Error::Collation { .. } => {
            count(source, &query("NOT INDEXED", " COLLATE BINARY"), by_rowid)
        }
        other => Err(other),
    });
    match answer {
        Ok((0, _)) => Ok(None),
        Ok((count, examples)) => Ok(Some(KeyFact { table: table.name.clone(), kind, count, examples })),
        Err(e) if e.is_local() => Ok(None),
        Err(e) => Err(e),
    }
}

fn count(source: &Source, sql: &str, by_rowid: bool) -> Result<(u64, Vec<String>), Error> {
    source.ask(|connection| {
        let mut statement = connection.prepare(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let (mut count, mut examples) = (0, vec![]);
        while let Some(row) = rows.next()? {
            count += 1;
            if examples.len() < EXAMPLES {
                examples.push(example(row, width, by_rowid)?);
            }
        }
        Ok((count, examples))
    })
}

fn example(row: &Row<'_>, width: usize, by_rowid: bool) -> rusqlite::Result<String> {
    if by_rowid {
        return Ok(format!("rowid {}", row.get::<_, i64>(0)?));
    }
    let values = (0..width).map(|i| row.get_ref(i).map(shown)).collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(format!("({})", values.join(", ")))
}

/// A value as SQL would write it, shortened.
fn shown(value: ValueRef<'_>) -> String {
    const LONGEST: usize = 40;
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(i) => i.to_string(),
        ValueRef::Real(r) => format!("{r:?}"),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes.get(..4 * LONGEST).unwrap_or(bytes));
            let short: String = text.chars().take(LONGEST).collect();
            let more = if short.len() < bytes.len() && text.chars().count() > LONGEST { "…" } else { "" };
            sqlite_literal(&(short + more))
        }
        ValueRef::Blob(bytes) => format!("<{}>", counted(bytes.len() as u64, "byte", "bytes")),
    }
}

#[cfg(test)]
mod tests;
