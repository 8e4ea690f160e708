//! Values of a remote row that only the input function of their type can make.
#![deny(clippy::disallowed_methods)]

use std::convert::Infallible;
use std::ffi::c_char;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use crate::pg::domain::DomainCheck;
use crate::pg::input::InputFunction;
use crate::pg::xact::{self, Caught};
use crate::pg::{encoding, memory, types};
use pg_sqlite_migrate_core::remote::Decode;
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
use pg_sqlite_migrate_core::value::{Decoded, Timezone};

/// A text that has grown beyond this is not kept for the next value.
const KEEP_BYTES: usize = 1 << 20;

/// Converts the texts of one result column through the type's input function.
pub struct ColumnInput {
    function: InputFunction,
    /// A domain's constraints: the decoder knows the base type only.
    check: Option<DomainCheck>,
    /// Of times without an offset.
    timezone: Timezone,
    type_oid: pg_sys::Oid,
    typmod: i32,
    source: Source,
    /// The text with its NUL, used again for the next value.
    text: Buffer,
}

/// What the texts are.
enum Source {
    /// A cell of a column with `on_invalid` null: what the function refuses is NULL.
    LenientCell,
    /// A cell of a column.
    Cell,
    Computed,
    /// `sum/count`.
    Quotient,
}

/// Why there is no value.
pub enum Refusal {
    NoMemory(OutOfMemory),
    /// What the server says of a column's cell. It has to be raised.
    Caught(Box<Caught>),
}

impl From<OutOfMemory> for Refusal {
    fn from(error: OutOfMemory) -> Refusal {
        Refusal::NoMemory(error)
    }
}

impl From<Caught> for Refusal {
    fn from(caught: Caught) -> Refusal {
        if caught.sqlstate == PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY {
            return Refusal::NoMemory(OutOfMemory);
        }
        Refusal::Caught(Box::new(caught))
    }
}

impl ColumnInput {
    pub fn new(type_oid: pg_sys::Oid, typmod: i32, decode: &Decode) -> ColumnInput {
        let source = match decode {
            Decode::Cell { on_invalid: OnInvalid::Null, .. } if !is_checked(type_oid) => Source::LenientCell,
            Decode::Cell { .. } => Source::Cell,
            Decode::Quotient => Source::Quotient,
            _ => Source::Computed,
        };
        ColumnInput {
            function: InputFunction::new(type_oid, typmod),
            check: if types::is_domain(type_oid) { DomainCheck::new(type_oid) } else { None },
            timezone: if let Decode::Cell { timezone, .. } = decode {
                timezone.clone()
            } else {
                Timezone::UTC
            },
            type_oid,
            typmod,
            source,
            text: Buffer::new(),
        }
    }

    /// The value in the current memory context; `None` for NULL.
    ///
    /// The server's message about a value may hold all of it, and Rust's copy of that message cannot fail.
    pub fn read(&mut self, value: &Decoded<'_>) -> Result<Option<pg_sys::Datum>, Refusal> {
        let Decoded::Input(text) = value else { self.mismatch() };
        if let Source::Quotient = self.source {
            return Ok(Some(self.quotient(text)?));
        }
        // Before memory is held, of which it would take a part.
        self.fill(text)?;
        let _held = memory::hold(memory::of_message(text.len()))?;
        Ok(match self.source {
            Source::Quotient | Source::Computed => Some(self.call()),
            Source::LenientCell => match xact::attempt(|| Ok::<_, Infallible>(self.call())) {
                Ok(Ok(datum)) => Some(datum),
                Err(caught) if caught.is_of_value() => None,
                Err(caught) => return Err(caught.into()),
            },
            Source::Cell => Some(xact::explaining(|| self.call())?),
        })
    }

    fn fill(&mut self, text: &str) -> Result<(), OutOfMemory> {
        self.text.clear(KEEP_BYTES);
        self.text.extend(text.as_bytes())?;
        self.text.extend(&[0])
    }

    /// The value of the text that was filled in.
    fn call(&mut self) -> pg_sys::Datum {
        let datum = {
            let _settings = self.function.guard(&self.timezone);
            // SAFETY: a NUL-terminated UTF-8 string, which is read only; an input function copies what it keeps.
            unsafe { self.function.call(self.text.as_ptr().cast::<c_char>().cast_mut()) }
        };
        if let Some(domain) = &mut self.check {
            // SAFETY: `function` is the input function of the domain's base type, and has just made the datum.
            unsafe { domain.check(datum, false) };
        }
        datum
    }

    /// The division of avg() over integers, as the server does it.
    fn quotient(&mut self, text: &str) -> Result<pg_sys::Datum, OutOfMemory> {
        let (sum, count) = text.split_once('/').unwrap_or((text, "1"));
        self.fill(sum)?;
        let sum = self.call();
        self.fill(count)?;
        let arguments = [Some(sum), Some(self.call())];
        // SAFETY: both are numerics; numeric_div needs no FmgrInfo.
        let quotient = unsafe { pgrx::direct_function_call_as_datum(pg_sys::numeric_div, &arguments) };
        Ok(quotient.unwrap_or(pg_sys::Datum::from(0usize)))
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

/// Types whose texts have been checked before they come here, but for what the database's encoding lacks.
fn is_checked(type_oid: pg_sys::Oid) -> bool {
    encoding::server_is_utf8()
        && matches!(type_oid, pg_sys::NUMERICOID | pg_sys::JSONOID | pg_sys::JSONBOID | pg_sys::BPCHAROID)
}
