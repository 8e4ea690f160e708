//! Registers the functions of `remote::compute` on a connection.
//!
//! SQLite reports a function's failure as a text only. The fault itself, from which the error for PostgreSQL is made,
//! is stored where the session finds it.
#![deny(clippy::disallowed_methods)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Result};

use super::absent;
use super::rows::{cell, display, storage_class};
use pg_sqlite_migrate_core::remote::compute;
use pg_sqlite_migrate_core::remote::compute::{AGGREGATES, FUNCTIONS, PG_VALUE, Rule, Total};
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::{Cell, CellBuf};

/// Why a function failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The error that PostgreSQL raises in its place.
    #[error("{0}")]
    Computed(#[from] compute::Fault),
    /// A cell that does not fit its column.
    #[error("value does not fit {}", .0.place())]
    Value(ValueFault),
}

impl Fault {
    /// The fault is not the value's: memory ran out.
    pub(super) fn is_want_of_memory(&self) -> bool {
        matches!(self, Fault::Computed(fault) if *fault == OutOfMemory.into())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// `table.column`.
    pub column: String,
    pub pg_type: String,
    pub storage_class: &'static str,
    pub value: String,
    pub reason: String,
}

impl ValueFault {
    /// The column as in the error of a cell that is read. A name that contains a dot stays as it is.
    fn place(&self) -> String {
        match self.column.split_once('.') {
            Some((table, column)) if !column.contains('.') => {
                format!("column \"{column}\" of table \"{table}\"")
            }
            _ => format!("column \"{}\"", self.column),
        }
    }
}

/// Where a function that fails stores its fault.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Option<Fault>>>);

impl Faults {
    pub(super) fn take(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn no_memory(&self) -> Error {
        self.keep(Fault::Computed(OutOfMemory.into()))
    }

    /// Stores the fault; the returned error makes SQLite end the statement.
    fn keep(&self, fault: Fault) -> Error {
        let message = fault.to_string();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        Error::UserFunctionError(message.into())
    }
}

/// How many cells `pg_value` has read: those that no test has let pass.
#[derive(Clone, Default)]
pub(super) struct Decoded(Arc<AtomicU64>);

impl Decoded {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Deterministic, and innocuous in an untrusted schema: the functions compute and have no side effects.
const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// The largest number of arguments of a function.
const MOST_ARGUMENTS: usize = 4;

pub(super) fn register(connection: &Connection, faults: &Faults, decoded: &Decoded) -> Result<()> {
    for function in FUNCTIONS {
        let faults = faults.clone();
        connection.create_scalar_function(function.name, function.arity, FLAGS, move |context| {
            let mut cells = [Cell::Null; MOST_ARGUMENTS];
            absent::looking(|| {
                for (i, slot) in cells.iter_mut().enumerate().take(context.len()) {
                    *slot = cell(context.get_raw(i));
                }
            })
            .map_err(|_| faults.no_memory())?;
            let given = cells.get(..context.len()).unwrap_or(&cells);
            let answer = function.call(given).and_then(|answer| Ok(owned(answer)?));
            answer.map_err(|fault| faults.keep(fault.into()))
        })?;
    }
    for aggregate in AGGREGATES {
        connection.create_aggregate_function(
            aggregate.name,
            1,
            FLAGS,
            Summing { aggregate, faults: faults.clone() },
        )?;
    }
    let (faults, decoded) = (faults.clone(), decoded.clone());
    connection.create_scalar_function(PG_VALUE, 3, FLAGS, move |context| {
        decoded.0.fetch_add(1, Ordering::Relaxed);
        canonical(context, &faults)
    })
}

/// `pg_value(cell, rule, 'table.column')`.
fn canonical(context: &Context<'_>, faults: &Faults) -> Result<Value> {
    let rule = context.get_or_create_aux(1, |text| {
        let text = text.as_str().map_err(|e| e.to_string())?;
        Rule::parse(text).ok_or_else(|| format!("\"{text}\" is no rule for a value"))
    })?;
    let cell = absent::looking(|| cell(context.get_raw(0))).map_err(|_| faults.no_memory())?;
    let answer = rule.canonical(cell).and_then(|answer| Ok(owned(answer)?));
    answer.map_err(|invalid| {
        if !invalid.is_of_value() {
            return faults.no_memory();
        }
        let rule = context.get::<String>(1).unwrap_or_default();
        faults.keep(Fault::Value(ValueFault {
            column: context.get(2).unwrap_or_default(),
            pg_type: rule.split(';').next().unwrap_or_default().into(),
            storage_class: storage_class(cell),
            value: display(cell),
            reason: invalid.to_string(),
        }))
    })
}

pub(super) fn owned(answer: CellBuf<'_>) -> std::result::Result<Value, OutOfMemory> {
    Ok(match answer {
        CellBuf::Null => Value::Null,
        CellBuf::Integer(i) => Value::Integer(i),
        CellBuf::Real(r) => Value::Real(r),
        CellBuf::Text(text) => Value::Text(buffer::owned_text(text)?),
        CellBuf::Blob(bytes) => Value::Blob(buffer::owned_bytes(bytes)?),
    })
}

struct Summing {
    aggregate: &'static compute::Aggregate,
    faults: Faults,
}

impl Aggregate<Total, Value> for Summing {
    fn init(&self, _: &mut Context<'_>) -> Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> Result<()> {
        let cell = absent::looking(|| cell(context.get_raw(0))).map_err(|_| self.faults.no_memory())?;
        total.add(cell).map_err(|fault| self.faults.keep(fault.into()))
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> Result<Value> {
        owned(self.aggregate.finish(&total.unwrap_or_default())).map_err(|_| self.faults.no_memory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::raw::scan::Scan;
    use pg_sqlite_migrate_core::remote::fit::Fit;
    use pg_sqlite_migrate_core::translate::program::{SQLITE_VERSION, is_known};

    #[test]
    fn a_cell_fits_whoever_looks() {
        let sqlite = Connection::open_in_memory().unwrap();
        register(&sqlite, &Faults::default(), &Decoded::default()).unwrap();
        let values = "VALUES (NULL), (0), (1), (2), (-1), (32767), (32768), (-2147483649), (9223372036854775807), (1.0), (0.0),
            (9e999), (''), ('abc'), ('abcd'), ('äöü'), ('1'), ('a' || char(0)), (CAST(x'ff' AS TEXT)), (CAST(x'61ff' AS TEXT)),
            (x''), (x'61'), (CAST(x'edA080' AS TEXT))";
        sqlite.execute_batch(&format!("CREATE TABLE t (v); INSERT INTO t {values}")).unwrap();
        let mut fitting = 0;
        for fit in [
            Fit::Integer,
            Fit::Between(0, 1),
            Fit::Between(-32768, 32767),
            Fit::Between(i64::MIN, i64::MAX),
            Fit::Real,
            Fit::Blob,
            Fit::Text { limit: None },
            Fit::Text { limit: Some(3) },
            Fit::Text { limit: Some(0) },
        ] {
            let mut scan = Scan::prepare(&sqlite, &format!("SELECT v, {} FROM t", fit.sql("v"))).unwrap();
            while let Some(row) = scan.next().unwrap() {
                let cell = row.cell(0).unwrap();
                assert_eq!(row.cell(1), Ok(Cell::Integer(fit.holds(cell).into())), "{fit:?} {cell:?}");
                fitting += u32::from(fit.holds(cell));
            }
        }
        assert!(fitting > 40, "{fitting}");
    }

    #[test]
    fn the_translator_knows_every_function_of_sqlite() {
        let sqlite = Connection::open_in_memory().unwrap();
        let mut listed = sqlite.prepare("SELECT DISTINCT name, narg FROM pragma_function_list").unwrap();
        let functions = listed.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        let functions: Vec<(String, i64)> = functions.unwrap().map(Result::unwrap).collect();
        assert!(functions.len() > 150 && functions.contains(&("unistr".into(), 1)), "{functions:?}");
        // Below -1, the least number of arguments is what -2 leaves; an aggregate of the same name takes one.
        let arguments = |name: &str, given: i64| match given {
            -1 if matches!(name, "char" | "printf" | "format") => 1..5,
            -1 => least(name)..least(name) + 4,
            ..-1 => usize::try_from(-2 - given).unwrap().max(2)..6,
            given => usize::try_from(given).unwrap()..usize::try_from(given).unwrap() + 1,
        };
        let known = |(name, given): &&(String, i64)| !arguments(name, *given).all(|n| is_known(name, n));
        assert_eq!(functions.iter().filter(known).collect::<Vec<_>>(), Vec::<&(String, i64)>::new());
        assert!(!is_known("myfunc", 1) && !is_known("abs", 2));
    }

    /// The fewest arguments with which the function does more than to complain.
    fn least(name: &str) -> usize {
        match name {
            "json_array" | "jsonb_array" | "json_object" | "jsonb_object" => 0,
            "json_extract" | "jsonb_extract" => 2,
            _ if name.ends_with("_set") || name.ends_with("_insert") || name.ends_with("_replace") => 3,
            _ => 1,
        }
    }

    #[test]
    fn the_release_that_the_translator_tells_is_this_one() {
        assert_eq!(rusqlite::version(), SQLITE_VERSION);
    }
}
