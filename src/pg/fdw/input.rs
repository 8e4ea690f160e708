//! Values of a remote row that only the server's own functions can make.

use std::ffi::c_char;

use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::{PgLogLevel, PgSqlErrorCode, PgTryBuilder, pg_sys};

use crate::pg::domain::DomainCheck;
use crate::pg::input::InputFunction;
use crate::pg::{report, types, xact};
use crate::query::Decode;
use crate::value::{Decoded, Timezone};

/// One output's way through the type's input function.
pub struct Input {
    function: InputFunction,
    /// A domain's constraints: the decoder knows the base type only.
    check: Option<DomainCheck>,
    /// Of times without an offset.
    timezone: Timezone,
    type_oid: pg_sys::Oid,
    typmod: i32,
    way: Way,
    /// The text with its NUL, used again for the next value.
    text: Vec<u8>,
}

enum Way {
    /// `on_invalid`: what the function refuses is NULL.
    Lenient,
    /// A cell of a column, named `"column" of table "table"` in messages.
    Cell {
        table: String,
        column: String,
    },
    Computed,
    /// `sum/count`.
    Quotient,
}

impl Input {
    pub fn new(type_oid: pg_sys::Oid, typmod: i32, decode: &Decode) -> Input {
        let way = match decode {
            Decode::Cell { on_invalid, .. } if on_invalid == "null" && !is_checked(type_oid) => Way::Lenient,
            Decode::Cell { table, column, .. } => Way::Cell { table: table.clone(), column: column.clone() },
            Decode::Quotient => Way::Quotient,
            _ => Way::Computed,
        };
        let zone = if let Decode::Cell { timezone, .. } = decode { timezone } else { "" };
        Input {
            function: InputFunction::new(type_oid, typmod),
            check: if types::is_domain(type_oid) { DomainCheck::new(type_oid) } else { None },
            timezone: Timezone::parse(zone).unwrap_or_default(),
            type_oid,
            typmod,
            way,
            text: Vec::new(),
        }
    }

    /// The value in the current memory context; `None` for NULL.
    pub fn read(&mut self, value: &Decoded<'_>) -> Option<pg_sys::Datum> {
        let Decoded::Input(text) = value else { self.mismatch() };
        match self.way {
            Way::Quotient => Some(self.quotient(text)),
            Way::Computed => Some(self.call(text)),
            Way::Lenient => xact::attempt(|| -> Result<_, ()> { Ok(self.call(text)) }).ok()?.ok(),
            Way::Cell { .. } => Some(self.call_or_explain(text)),
        }
    }

    fn call(&mut self, text: &str) -> pg_sys::Datum {
        self.text.clear();
        self.text.extend_from_slice(text.as_bytes());
        self.text.push(0);
        let datum = {
            let _settings = self.function.guard(&self.timezone);
            // SAFETY: a NUL-terminated UTF-8 string; an input function copies what it keeps.
            unsafe { self.function.call(self.text.as_mut_ptr().cast::<c_char>()) }
        };
        if let Some(domain) = &mut self.check {
            // SAFETY: the input function has made a datum of the domain's base type.
            unsafe { domain.check(datum, false) };
        }
        datum
    }

    /// The division of avg() over integers, as the server does it.
    fn quotient(&mut self, text: &str) -> pg_sys::Datum {
        let (sum, count) = text.split_once('/').unwrap_or((text, "1"));
        let arguments = [Some(self.call(sum)), Some(self.call(count))];
        // SAFETY: both are numerics; numeric_div needs no FmgrInfo.
        let quotient = unsafe { pgrx::direct_function_call_as_datum(pg_sys::numeric_div, &arguments) };
        quotient.unwrap_or(pg_sys::Datum::from(0usize))
    }

    /// Like a value that does not fit for the file's side, what the function says is told with its column.
    fn call_or_explain(&mut self, text: &str) -> pg_sys::Datum {
        let caught = PgTryBuilder::new(std::panic::AssertUnwindSafe(|| Ok(self.call(text))))
            .catch_others(|error| Err(Box::new(error)))
            .execute();
        match caught {
            Ok(datum) => datum,
            Err(error) => self.explain(text, *error),
        }
    }

    #[cold]
    fn explain(&self, text: &str, error: CaughtError) -> ! {
        let (CaughtError::PostgresError(caught) | CaughtError::ErrorReport(caught)) = error else {
            error.rethrow()
        };
        let (code, Way::Cell { table, column }) = (caught.sql_error_code(), &self.way) else {
            CaughtError::ErrorReport(caught).rethrow()
        };
        if xact::uncatchable(code) {
            // The server has flushed its own copy of the error, so it is raised anew.
            CaughtError::ErrorReport(caught).rethrow()
        }
        let shown: String = text.chars().take(60).collect();
        let pg_type = types::format_type(self.type_oid, self.typmod);
        let message = format!("value does not fit column \"{column}\" of table \"{table}\"");
        let detail = format!("The value '{shown}' cannot become {pg_type}: {}.", caught.message());
        let hint = "Set the column's option on_invalid to \"null\", or its type to one that holds the value.";
        report::report(code, &message, Some(&detail), Some(hint)).report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }

    /// A value of another form than the attribute's type is never handed on as a datum.
    #[cold]
    fn mismatch(&self) -> ! {
        let pg_type = types::format_type(self.type_oid, self.typmod);
        let message = format!("a remote value is not passed as type {pg_type} is");
        ErrorReport::new(PgSqlErrorCode::ERRCODE_FDW_INVALID_DATA_TYPE, message, "mismatch")
            .report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

/// Types whose texts have been checked before they come here.
fn is_checked(type_oid: pg_sys::Oid) -> bool {
    matches!(type_oid, pg_sys::NUMERICOID | pg_sys::JSONOID | pg_sys::JSONBOID | pg_sys::BPCHAROID)
}
