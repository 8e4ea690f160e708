//! Statements, their plans and their results.
//!
//! A constant statement is parsed and planned once in a backend's life; the plan belongs to its text and its parameters'
//! types. The server itself keeps it right: it plans anew when what the statement names has changed, or the search path,
//! or, where row-level security has a say, the role. Such plans are for any value of the parameters: the statements read
//! catalogs, by their keys. There are as many as constants in this crate.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_char;

use pgrx::pg_sys;

use super::parameter::Parameter;
use super::row::Row;
use super::server_text;

/// The text of a statement.
#[derive(Debug, Clone, Copy)]
pub enum Statement<'a> {
    /// Its plan is kept.
    Constant(&'static str),
    /// Planned for one use.
    Built(&'a str),
}

impl From<&'static str> for Statement<'_> {
    fn from(text: &'static str) -> Self {
        Statement::Constant(text)
    }
}

impl<'a> From<&'a String> for Statement<'a> {
    fn from(text: &'a String) -> Statement<'a> {
        Statement::Built(text)
    }
}

thread_local! {
    static KEPT: RefCell<HashMap<(&'static str, Vec<pg_sys::Oid>), Plan>> = RefCell::default();
}

impl<'a> Statement<'a> {
    pub fn text(self) -> &'a str {
        match self {
            Statement::Constant(text) => text,
            Statement::Built(text) => text,
        }
    }

    /// The statement's plan. An error of the statement's is raised.
    ///
    /// # Safety
    /// Inside an SPI connection; the plan of a statement that is built ends with it.
    pub(in crate::pg) unsafe fn plan(self, parameters: &[Parameter<'_>]) -> Plan {
        let types: Vec<pg_sys::Oid> = parameters.iter().map(Parameter::type_oid).collect();
        let Statement::Constant(text) = self else {
            // SAFETY: inside an SPI connection, by this function's contract.
            return unsafe { Plan::prepare(self.text(), &types, pg_sys::CURSOR_OPT_PARALLEL_OK) };
        };
        let key = (text, types);
        if let Some(plan) = KEPT.with_borrow(|kept| kept.get(&key).copied()) {
            return plan;
        }
        // SAFETY: inside an SPI connection, by this function's contract; SPI_keepplan moves the plan out of it.
        let plan = unsafe {
            let plan = Plan::prepare(text, &key.1, pg_sys::CURSOR_OPT_GENERIC_PLAN);
            pg_sys::SPI_keepplan(plan.0);
            plan
        };
        KEPT.with_borrow_mut(|kept| kept.insert(key, plan));
        plan
    }
}

/// A prepared statement.
#[derive(Clone, Copy)]
pub(in crate::pg) struct Plan(pub(in crate::pg) pg_sys::SPIPlanPtr);

impl Plan {
    /// Parses a statement; an error of its is raised.
    ///
    /// # Safety
    /// Inside an SPI connection, with which the plan ends.
    pub(in crate::pg) unsafe fn prepare(text: &str, types: &[pg_sys::Oid], options: u32) -> Plan {
        let (text, mut types) = (server_text(text), types.to_vec());
        // SAFETY: a NUL-terminated text and as many types as are counted, all copied.
        let plan = unsafe {
            let (count, types) = (types.len() as i32, types.as_mut_ptr());
            pg_sys::SPI_prepare_cursor(text.as_ptr(), count, types, options as i32)
        };
        if plan.is_null() {
            pgrx::error!("internal query failed: it cannot be prepared");
        }
        Plan(plan)
    }

    /// Runs the plan to its end, with the transaction's snapshot; an error of the statement's is raised.
    ///
    /// # Safety
    /// Inside an SPI connection: that of the plan, if it is not kept. The parameters have the plan's types.
    pub(super) unsafe fn run(self, parameters: &[Parameter<'_>]) {
        let datums: Vec<Option<pg_sys::Datum>> = parameters.iter().map(Parameter::datum).collect();
        let mut values: Vec<pg_sys::Datum> =
            datums.iter().map(|datum| datum.unwrap_or(pg_sys::Datum::null())).collect();
        let nulls: Vec<c_char> =
            datums.iter().map(|d| if d.is_some() { b' ' } else { b'n' } as c_char).collect();
        // SAFETY: a value and a flag per parameter of the plan.
        let code = unsafe { pg_sys::SPI_execute_plan(self.0, values.as_mut_ptr(), nulls.as_ptr(), false, 0) };
        if code < 0 {
            pgrx::error!("internal query failed: code {code}");
        }
    }
}

/// The rows of the last statement of the SPI connection.
///
/// # Safety
/// Inside the SPI connection that has run the statement and nothing since; the rows end with it.
pub(in crate::pg) unsafe fn result(statement: &str) -> impl Iterator<Item = Row<'_>> {
    // SAFETY: null, or the table of the last result: this connection's until it ends, whatever is run in others.
    let (rows, description, count) = unsafe {
        match pg_sys::SPI_tuptable.as_ref() {
            Some(table) => (table.vals, table.tupdesc, table.numvals as usize),
            None => (std::ptr::null_mut(), std::ptr::null_mut(), 0),
        }
    };
    // SAFETY: the table has `count` rows.
    (0..count).map(move |i| unsafe { Row::of(*rows.add(i), description, statement) })
}
