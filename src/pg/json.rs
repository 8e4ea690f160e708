//! The jsonb arguments and results of SQL functions. pgrx's type panics on input that its parser refuses, and in a
//! database that is not UTF-8.

use std::ffi::c_char;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, Returns, ReturnsError, SqlMapping, SqlTranslatable,
};
use pgrx::{FromDatum, IntoDatum, PgLogLevel, PgSqlErrorCode, direct_function_call_as_datum, pg_sys};
use serde_json::Value;

use super::{encoding, memory, report};
use pg_sqlite_migrate_core::value::buffer::Buffer;

/// The largest size of an argument: a plan for thousands of tables has a few megabytes.
const MAX_BYTES: usize = 16 << 20;
/// The most memory that the parsed form needs per byte of the argument.
const PARSED: usize = 32;

/// SQL's `jsonb`. Numbers keep all their digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(pub Value);

impl FromDatum for Json {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Json> {
        if is_null || datum.is_null() {
            return None;
        }
        // SAFETY: pgrx reads an argument or result as the type that it is declared as, here jsonb; its length is read where it lies.
        if unsafe { pg_sys::toast_raw_datum_size(datum) } > MAX_BYTES {
            refuse(
                PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                "jsonb argument is too large",
                &format!("It has more than {} megabytes.", MAX_BYTES >> 20),
                "Give only the keys that differ from the defaults: a plan may be partial.",
            );
        }
        // SAFETY: a jsonb, as before; jsonb_out gives a NUL-terminated string.
        let text = unsafe {
            let printed = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(datum)])?;
            encoding::json_from_server(printed.cast_mut_ptr::<c_char>())
        };
        let _room = memory::hold(text.len() * PARSED).unwrap_or_else(|_| memory::exhausted("the plan"));
        match serde_json::from_str(&text) {
            Ok(value) => Some(Json(value)),
            // The server's output is valid JSON, so this is the parser's limit of nesting.
            Err(_) => refuse(
                PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX,
                "jsonb argument is nested too deeply",
                "It has more than 127 levels.",
                "A plan has six levels; docs/plan.md lists its keys.",
            ),
        }
    }
}

fn refuse(code: PgSqlErrorCode, message: &str, detail: &str, hint: &str) -> ! {
    report::report(code, message, Some(detail), Some(hint)).report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

impl IntoDatum for Json {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let mut text = Buffer::new();
        if serde_json::to_writer(&mut text, &self.0).is_err() {
            memory::exhausted("the plan");
        }
        let text = encoding::to_server(&encoding::json_for_server(text.as_str())).ok()?;
        // SAFETY: a NUL-terminated string, in which serde_json has escaped any NUL.
        unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: an element of a jsonb array is a jsonb.
unsafe impl UnboxDatum for Json {
    type As<'src> = Json;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Json
    where
        Self: 'src,
    {
        // SAFETY: pgrx unboxes elements of a jsonb array that are not NULL.
        unsafe { Json::from_datum(datum.sans_lifetime(), false) }.unwrap_or(Json(Value::Null))
    }
}

// SAFETY: an argument is read as the jsonb that it is declared as.
unsafe impl<'fcx> ArgAbi<'fcx> for Json {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Json {
        // SAFETY: pgrx hands over the argument that is declared as jsonb; the function is STRICT, or takes an Option.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(Json(Value::Null))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Json> {
        // SAFETY: pgrx hands over the argument that is declared as jsonb.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: a result is the jsonb that it is declared as.
unsafe impl BoxRet for Json {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the datum is a jsonb in the current memory context.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: `from_datum` and `into_datum` are of the type `jsonb`.
unsafe impl SqlTranslatable for Json {
    fn argument_sql() -> Result<SqlMapping, ArgumentError> {
        Ok(SqlMapping::literal("jsonb"))
    }

    fn return_sql() -> Result<Returns, ReturnsError> {
        Ok(Returns::One(SqlMapping::literal("jsonb")))
    }
}
