//! What a database holds against a manifest: one row for each thing that is compared.

use super::document::{Column, Table, hexadecimal};
use super::form::Form;
use super::sums::{ColumnSums, Sums};

/// A row of `verify_manifest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub schema: String,
    pub table: String,
    pub column: Option<String>,
    pub check: &'static str,
    pub expected: Option<String>,
    pub found: Option<String>,
    /// `None` where it could not be checked.
    pub ok: Option<bool>,
    pub detail: Option<String>,
}

/// What the database has in the place of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As `format_type` prints it.
    pub pg_type: String,
    pub form: Form,
}

/// The checks of one table.
pub struct Checks<'a> {
    schema: &'a str,
    table: &'a Table,
    out: Vec<Check>,
}

impl<'a> Checks<'a> {
    /// Of a table in this schema.
    pub fn new(schema: &'a str, table: &'a Table) -> Checks<'a> {
        Checks { schema, table, out: vec![] }
    }

    fn put(
        &mut self,
        column: Option<&Column>,
        check: &'static str,
        (expected, found): (Option<String>, Option<String>),
        ok: Option<bool>,
        detail: Option<String>,
    ) {
        let column = column.map(|column| column.target.clone());
        let (schema, table) = (self.schema.to_owned(), self.table.target.clone());
        self.out.push(Check { schema, table, column, check, expected, found, ok, detail });
    }

    fn compare(
        &mut self,
        column: Option<&Column>,
        check: &'static str,
        expected: Option<String>,
        found: Option<String>,
    ) {
        let ok = expected == found;
        self.put(column, check, (expected, found), Some(ok), None);
    }

    /// The table cannot be read.
    pub fn unreadable(mut self, missing: bool, reason: String) -> Vec<Check> {
        let found = if missing { "missing" } else { "not readable" };
        self.put(None, "table", (Some("readable".into()), Some(found.into())), Some(false), Some(reason));
        self.out
    }

    /// Whether a column's values can be added up; what is wrong with it otherwise is said.
    pub fn place(&mut self, column: &Column, place: Option<&Place>) -> bool {
        let expected = Some(column.pg_type.clone());
        let Some(place) = place else {
            self.put(
                Some(column),
                "column",
                (expected, None),
                Some(false),
                Some("there is no such column".into()),
            );
            return false;
        };
        let alike = place.form.is_like(column.form)
            && (place.form != Form::Printed || bare_name(&place.pg_type) == bare_name(&column.pg_type));
        let detail = match (alike, place.pg_type == column.pg_type) {
            (true, true) => None,
            (true, false) => Some("values of both types are checked in one form".into()),
            (false, _) => Some(format!(
                "its values have the form {}, not {}",
                place.form.as_str(),
                column.form.as_str()
            )),
        };
        self.put(Some(column), "type", (expected, Some(place.pg_type.clone())), Some(alike), detail);
        alike
    }

    /// `sums` has the columns that [`Checks::place`] has let through, in order.
    pub fn sums(mut self, read: &[&Column], sums: &Sums) -> Vec<Check> {
        let table = self.table;
        let rows = |rows: u64| Some(rows.to_string());
        match (&table.unchecked, table.rows) {
            (None, Some(expected)) => self.compare(None, "rows", rows(expected), rows(sums.rows)),
            (unchecked, _) => {
                let reason = unchecked.clone().unwrap_or_else(|| "the manifest does not say".into());
                self.put(None, "rows", (None, rows(sums.rows)), None, Some(reason));
                return self.out;
            }
        }
        let before = self.out.len();
        for (column, sums) in read.iter().zip(&sums.columns) {
            self.column(column, sums);
        }
        let same =
            self.out.get(before..).is_some_and(|checks| checks.iter().all(|check| check.ok == Some(true)));
        self.whole(read.len() == table.columns.len(), same, sums.checksum);
        self.out
    }

    fn column(&mut self, column: &Column, sums: &ColumnSums) {
        if let Some(reason) = &column.unchecked {
            return self.put(Some(column), "checksum", (None, None), None, Some(reason.clone()));
        }
        let count = |count: Option<u64>| count.map(|count| count.to_string());
        self.compare(Some(column), "nulls", count(column.nulls), count(Some(sums.nulls)));
        self.compare(Some(column), "minimum", column.minimum.clone(), sums.minimum());
        self.compare(Some(column), "maximum", column.maximum.clone(), sums.maximum());
        self.compare(Some(column), "length", count(column.length), count(Some(sums.length)));
        let checksum = (column.checksum.map(hexadecimal), Some(hexadecimal(sums.checksum)));
        self.compare(Some(column), "checksum", checksum.0, checksum.1);
    }

    /// The checksum of whole rows.
    fn whole(&mut self, complete: bool, same_columns: bool, found: u128) {
        let expected = self.table.checksum.map(hexadecimal);
        if !complete || expected.is_none() {
            let reason = "some of its columns could not be checked";
            return self.put(None, "checksum", (expected, None), None, Some(reason.into()));
        }
        let found = Some(hexadecimal(found));
        let ok = expected == found;
        let detail = "every column has the values of the file, but in other rows";
        let detail = (!ok && same_columns).then(|| detail.to_owned());
        self.put(None, "checksum", (expected, found), Some(ok), detail);
    }
}

/// A type's name without its schema and its modifier.
fn bare_name(pg_type: &str) -> String {
    let name = pg_type.rsplit('.').next().unwrap_or(pg_type);
    match name.split_once('(').and_then(|(name, rest)| Some((name, rest.split_once(')')?.1))) {
        Some((name, rest)) => format!("{name}{rest}"),
        None => name.to_owned(),
    }
}

/// What is wrong first, then what could not be checked.
pub fn worst_first(checks: &mut [Check]) {
    checks.sort_by_key(|check| match check.ok {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    });
}
