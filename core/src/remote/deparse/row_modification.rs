//! The statement of a row-by-row modification, run once for each row. Pure.
//!
//! `OR ABORT` overrides a conflict clause in the file's own declarations: PostgreSQL has to learn of every conflict,
//! and SQLite must not roll its transaction back by itself.

use crate::remote::compute::Rule;
use crate::remote::{Column, Operation, RowModification, Sorting, Table};
use crate::sqltext::{sqlite_ident, sqlite_literal};

/// How a key column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// With the cell as it would be written.
    Stored,
    /// By its value, whatever form the cell has.
    Canonical,
}

/// Parameters: the written values in the order of `attributes` without generated ones, then the key's.
pub fn row_modification(table: &Table, change: &RowModification, form: KeyForm) -> String {
    let name = format!("main.{}", sqlite_ident(&table.name));
    let written = columns(table, &change.attributes, |c| !c.generated);
    let returning = returning(&columns(table, &change.returning, |_| true));
    let mut sql = match change.operation {
        Operation::Insert => {
            return insert(&name, table.rowid.as_deref(), &written, change.do_nothing) + &returning;
        }
        Operation::Update => format!("UPDATE OR ABORT {name} SET {}", assignments(table, &written)),
        Operation::Delete => format!("DELETE FROM {name}"),
    };
    let first = if change.operation == Operation::Update { written.len() } else { 0 } + 1;
    sql.push_str(" WHERE ");
    sql.push_str(&key(table, &change.key, first, form));
    sql + &returning
}

/// The columns of the key of every row, as they are stored.
pub fn row_keys(table: &Table, key: &[i16]) -> String {
    let names: Vec<String> = columns(table, key, |_| true).iter().map(|c| sqlite_ident(&c.name)).collect();
    format!("SELECT {} FROM main.{}", names.join(", "), sqlite_ident(&table.name))
}

fn columns<'a>(table: &'a Table, attributes: &[i16], wanted: fn(&Column) -> bool) -> Vec<&'a Column> {
    attributes.iter().filter_map(|a| table.column(*a)).filter(|c| wanted(c)).collect()
}

fn insert(name: &str, rowid: Option<&str>, written: &[&Column], do_nothing: bool) -> String {
    let conflict = if do_nothing { " ON CONFLICT DO NOTHING" } else { "" };
    match rowid {
        // DEFAULT VALUES takes no conflict clause; a rowid of NULL is the next one.
        Some(rowid) if written.is_empty() => {
            return format!("INSERT OR ABORT INTO {name} ({rowid}) VALUES (NULL){conflict}");
        }
        None if written.is_empty() => return format!("INSERT OR ABORT INTO {name} DEFAULT VALUES"),
        _ => {}
    }
    let names: Vec<String> = written.iter().map(|c| sqlite_ident(&c.name)).collect();
    let marks: Vec<String> = (1..=written.len()).map(|at| format!("?{at}")).collect();
    format!("INSERT OR ABORT INTO {name} ({}) VALUES ({}){conflict}", names.join(", "), marks.join(", "))
}

fn assignments(table: &Table, written: &[&Column]) -> String {
    if written.is_empty() {
        // Only computed columns: the row is touched all the same, for its triggers.
        let any = table.columns.iter().flatten().find(|c| !c.generated);
        let name = any.map(|c| sqlite_ident(&c.name)).or_else(|| table.rowid.clone()).unwrap_or_default();
        return format!("{name} = {name}");
    }
    let set = written.iter().zip(1..).map(|(c, at)| format!("{} = ?{at}", sqlite_ident(&c.name)));
    set.collect::<Vec<_>>().join(", ")
}

fn key(table: &Table, attributes: &[i16], first: usize, form: KeyForm) -> String {
    if attributes.is_empty() {
        let rowid = table.rowid.as_deref().unwrap_or("rowid");
        return format!("{rowid} = ?{first}");
    }
    let compared = columns(table, attributes, |_| true);
    let parts = compared.iter().zip(first..).map(|(column, at)| compare(table, column, at, form));
    parts.collect::<Vec<_>>().join(" AND ")
}

fn compare(table: &Table, column: &Column, at: usize, form: KeyForm) -> String {
    let name = sqlite_ident(&column.name);
    let by_value = match form {
        KeyForm::Canonical if !column.is_rowid => Rule::of(column, table.timezone.as_ref()),
        _ => None,
    };
    match by_value {
        Some(rule) => {
            let place = format!("{}.{}", table.name, column.name);
            format!(
                "pg_value({name}, {}, {}) IS ?{at}",
                sqlite_literal(&rule.to_string()),
                sqlite_literal(&place)
            )
        }
        // Two conditions: the first finds the row by an index of the column's own collation.
        None if column.sorting != Sorting::Binary => {
            format!("{name} IS ?{at} AND {name} COLLATE BINARY IS ?{at}")
        }
        None => format!("{name} IS ?{at}"),
    }
}

fn returning(columns: &[&Column]) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let names: Vec<String> = columns.iter().map(|c| sqlite_ident(&c.name)).collect();
    format!(" RETURNING {}", names.join(", "))
}
