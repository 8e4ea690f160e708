//! The expressions of a plan, `where` and `using`: they are checked before a table is read, and one that SQLite cannot
//! compute for a row is named with the row. SQLite's own error names neither, and looks like one of the file.

use std::fmt;

use rusqlite::ffi;

use super::profile::condition;
use super::recovery::Recovery;
use super::rows::{display, select};
use super::{Error, Source, rows};
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::ddl;
use pg_sqlite_migrate_core::reading::Reading;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::batch::RowName;

/// An expression that cannot be computed for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub table: String,
    /// `None` for the table's `where`.
    pub column: Option<String>,
    pub expression: String,
    /// The table's `where`.
    pub filter: Option<String>,
    /// The first such row, where it is known.
    pub row: Option<FailingRow>,
    /// The source column takes NULL.
    pub nullable: bool,
    /// SQLite's.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingRow {
    pub name: RowName,
    /// A condition in SQLite's SQL that selects every other row.
    pub others: String,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => {
                write!(f, "expression \"{}\" for column {}.{column}", self.expression, self.table)
            }
            None => write!(f, "condition \"{}\" for table {}", self.expression, self.table),
        }
    }
}

/// Checks what the plan says of a table: `where` is a condition over it, and each `using` is one expression over a row,
/// which WHERE takes and a SELECT's list may not (an aggregate would make one row of all). Every expression is evaluated
/// several times, and has the same value each time.
pub fn check_expressions(source: &Source, table: &Table, reading: &Reading) -> Result<(), Error> {
    let filter = reading.filter.as_deref();
    condition(source, &table.name, filter)?;
    for (column, expression) in &reading.using {
        let invalid = |reason| Error::InvalidUsing {
            path: source.path().into(),
            column: format!("{}.{column}", table.name),
            expression: expression.clone(),
            reason,
        };
        ddl::check_expression(expression).map_err(invalid)?;
        prepared(source, &table.name, expression, &invalid)?;
    }
    Ok(())
}

/// Whether SQLite takes an expression that the parser has accepted: it may name an unknown column or function.
pub(super) fn prepared(
    source: &Source,
    table: &str,
    expression: &str,
    invalid: &dyn Fn(String) -> Error,
) -> Result<(), Error> {
    const UNAUTHORIZED: &str = "not authorized to use function: ";
    let sql = format!("SELECT 1 FROM main.{} NOT INDEXED WHERE ({expression}\n)", sqlite_ident(table));
    let prepare = |sql: &str| source.connection().prepare(sql).map(drop).map_err(|e| source.error(e));
    match source.repeatably(|| prepare(&sql)) {
        // Another function may not be called at all.
        Err(Error::Sqlite { message, .. }) if message.starts_with(UNAUTHORIZED) && prepare(&sql).is_ok() => {
            let name = message.trim_start_matches(UNAUTHORIZED);
            Err(invalid(format!(
                "{name}() gives another value each time, and the expression is evaluated several times"
            )))
        }
        Err(Error::Sqlite { message, .. }) => Err(invalid(message)),
        other => other,
    }
}

/// `error`, or the expression of the plan whose failure it is.
pub fn blame(
    source: &Source,
    table: &Table,
    reading: &Reading,
    recovery: Option<&Recovery>,
    error: Error,
) -> Error {
    if message(&error).is_none() {
        return error;
    }
    let failing = Search { source, table, reading, recovery }.failing();
    failing
        .map_or(error, |failing| Error::Expression { path: source.path().into(), failing: Box::new(failing) })
}

/// What an expression may end with.
fn message(error: &Error) -> Option<&str> {
    match error {
        Error::Sqlite { code, message, .. } if code & 0xff == ffi::SQLITE_ERROR => Some(message),
        Error::TooBig { message, .. } => Some(message),
        _ => None,
    }
}

struct Search<'a> {
    source: &'a Source,
    table: &'a Table,
    reading: &'a Reading,
    recovery: Option<&'a Recovery>,
}

impl Search<'_> {
    /// The first expression that fails, `where` before those that see its rows only.
    fn failing(&self) -> Option<Failing> {
        let filter = self.reading.filter.as_deref();
        let condition = filter.map(|filter| (None, filter));
        let using = self.reading.using.iter().map(|(column, using)| (Some(column.as_str()), using.as_str()));
        condition.into_iter().chain(using).find_map(|(column, expression)| {
            let filter = filter.filter(|_| column.is_some());
            let (read, message) = self.first_failure(expression, filter)?;
            Some(Failing {
                table: self.table.name.clone(),
                column: column.map(str::to_owned),
                expression: expression.to_owned(),
                filter: self.reading.filter.clone(),
                row: read.and_then(|read| self.row(filter, read)),
                nullable: column.is_some_and(|column| self.takes_null(column)),
                message,
            })
        })
    }

    /// How many rows were read before the expression failed, where rows are read in order, and SQLite's message.
    fn first_failure(&self, expression: &str, filter: Option<&str>) -> Option<(Option<i64>, String)> {
        let connection = self.source.connection();
        let term = format!("({expression}\n)");
        let mut read = 0;
        let outcome = match self.recovery {
            Some(recovery) => {
                recovery.read(connection, &term, filter, &mut |_| rusqlite::Result::Ok(())).map(drop)
            }
            None => connection.prepare(&select(&self.table.name, None, &[term], filter)).and_then(|mut s| {
                let mut rows = s.query([])?;
                while rows.next()?.is_some() {
                    read += 1;
                }
                Ok(())
            }),
        };
        let error = self.source.error(outcome.err()?);
        let message = message(&error)?.to_owned();
        Some((self.recovery.is_none().then_some(read), message))
    }

    /// The row that follows the first `read` rows.
    fn row(&self, filter: Option<&str>, read: i64) -> Option<FailingRow> {
        /// A longer key makes no condition that a person would read.
        const LONGEST: usize = 200;
        let rowid = self.table.rowid_name();
        let key =
            || self.table.primary_key.iter().flat_map(|key| &key.columns).map(|name| sqlite_ident(name));
        let names: Vec<String> = rowid.map_or_else(|| key().collect(), |rowid| vec![rowid.to_owned()]);
        let quoted = names.iter().map(|name| format!("quote({name})"));
        let terms: Vec<String> = names.iter().cloned().chain(quoted).collect();
        let sql = format!("{} LIMIT 1 OFFSET ?1", select(&self.table.name, None, &terms, filter));
        self.source
            .connection()
            .query_row(&sql, [read], |row| {
                let (mut shown, mut equal) = (vec![], vec![]);
                for (at, name) in names.iter().enumerate() {
                    shown.push(format!("{name} = {}", display(rows::cell(row.get_ref(at)?))));
                    equal.push(format!("{name} IS {}", row.get::<_, String>(names.len() + at)?));
                }
                let name = match rowid {
                    Some(_) => RowName::Rowid(row.get(0)?),
                    None => RowName::Key(shown.join(", ")),
                };
                let others = match equal.as_slice() {
                    [one] => one.replacen(" IS ", " IS NOT ", 1),
                    several => format!("NOT ({})", several.join(" AND ")),
                };
                Ok(FailingRow { name, others })
            })
            .ok()
            .filter(|row| row.others.len() <= LONGEST)
    }

    fn takes_null(&self, column: &str) -> bool {
        let key = self.table.primary_key.iter().flat_map(|key| &key.columns);
        let of_key = key.into_iter().any(|name| name.eq_ignore_ascii_case(column));
        !of_key && self.table.column(column).is_some_and(|column| !column.not_null)
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::super::testing::*;
    use super::*;

    fn failing(sql: &str, filter: Option<&str>, using: &[(&str, &str)]) -> Option<Failing> {
        let dir = TempDir::new();
        dir.database("t.db", sql);
        let source = dir.open("t.db");
        let table = catalog(&source).unwrap().table("t").unwrap().clone();
        let using = using.iter().map(|(c, e)| ((*c).to_owned(), (*e).to_owned())).collect();
        let reading = Reading { filter: filter.map(str::to_owned), using };
        let error = Error::Sqlite { path: dir.path("t.db"), code: ffi::SQLITE_ERROR, message: "m".into() };
        match blame(&source, &table, &reading, None, error) {
            Error::Expression { failing, .. } => Some(*failing),
            _ => None,
        }
    }

    #[test]
    fn the_expression_and_its_first_row_are_found() {
        let rows = "INSERT INTO t VALUES (3, '[]'), (7, '{'), (8, '[');";
        let ordinary = format!("CREATE TABLE t(id INTEGER PRIMARY KEY, v); {rows}");
        let found =
            failing(&ordinary, Some("id < 8"), &[("id", "abs(id)"), ("v", "json(v) -- all")]).unwrap();
        assert_eq!((found.column.as_deref(), found.message.as_str()), (Some("v"), "malformed JSON"));
        let row = found.row.unwrap();
        assert_eq!((row.name, row.others.as_str()), (RowName::Rowid(7), "rowid IS NOT 7"));
        let found = failing(&ordinary, Some("json(v) IS NOT NULL"), &[("v", "json(v)")]).unwrap();
        assert_eq!((found.column, found.row.unwrap().name), (None, RowName::Rowid(7)));
        assert_eq!(failing(&ordinary, Some("id = 3"), &[("v", "json(v)")]), None);
        assert_eq!(failing(&ordinary, None, &[]), None);
        let keyed = format!("CREATE TABLE t(a INT, v TEXT, PRIMARY KEY (v, a)) WITHOUT ROWID; {rows}");
        let found = failing(&keyed, None, &[("v", "json(v)")]).unwrap();
        let row = found.row.unwrap();
        assert_eq!(row.name, RowName::Key("\"v\" = '[', \"a\" = 8".into()));
        assert_eq!((row.others.as_str(), found.nullable), ("NOT (\"v\" IS '[' AND \"a\" IS 8)", false));
    }

    #[test]
    fn what_changes_from_call_to_call_is_refused() {
        let dir = TempDir::new();
        dir.database("t.db", "CREATE TABLE t(a); CREATE VIEW dice AS SELECT random() AS n");
        let source = dir.open("t.db");
        let table = catalog(&source).unwrap().table("t").unwrap().clone();
        let reason = |reading: Reading| match check_expressions(&source, &table, &reading) {
            Err(Error::InvalidUsing { reason, .. } | Error::InvalidFilter { reason, .. }) => Some(reason),
            other => other.err().map(|e| e.to_string()),
        };
        let using = |expression: &str| Reading { filter: None, using: vec![("a".into(), expression.into())] };
        for expression in ["random()", "a || hex(RandomBlob(4))", "(SELECT n FROM dice)"] {
            assert!(reason(using(expression)).unwrap().contains("() gives another value"), "{expression}");
        }
        assert!(reason(Reading::filtered(Some("random() % 2"))).unwrap().starts_with("random() gives"));
        assert!(reason(using("load_extension(a)")).unwrap().starts_with("not authorized"));
        assert_eq!(reason(using("lower(a) || 'random()'")), None);
    }
}
