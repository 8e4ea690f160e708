//! Text search: SQL's `regconfig` and `tsquery`, and the words that a configuration makes of a text.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, Returns, ReturnsError, SqlMapping, SqlTranslatable,
};
use pgrx::{IntoDatum, direct_function_call_as_datum, pg_sys};

use super::text::Text;
use super::{encoding, spi};

/// A text search configuration of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration(pg_sys::Oid);

impl Configuration {
    /// It is the server's own `simple`.
    pub fn is_simple(self) -> bool {
        /// Of `pg_catalog.simple`, in every release.
        const SIMPLE: u32 = 3748;
        self.0.to_u32() == SIMPLE
    }

    /// As SQL has it, whatever the search path is.
    pub fn name(self) -> String {
        let question = "SELECT pg_catalog.format('%I.%I', n.nspname, c.cfgname) FROM pg_catalog.pg_ts_config c \
                        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.cfgnamespace \
                        WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid";
        let oid = i64::from(self.0.to_u32());
        spi::value(question, &[oid.into()]).unwrap_or_else(|| self.0.to_u32().to_string())
    }

    /// The vector of a text, as the server prints it.
    pub fn vector(self, text: &str) -> String {
        let document = Text(text.to_owned()).into_datum();
        // SAFETY: to_tsvector takes the oid of a configuration, which it looks up, and a text; tsvectorout gives a
        // NUL-terminated string of what it made.
        unsafe {
            let vector =
                direct_function_call_as_datum(pg_sys::to_tsvector_byid, &[self.0.into_datum(), document]);
            let printed = vector.and_then(|v| direct_function_call_as_datum(pg_sys::tsvectorout, &[Some(v)]));
            printed.map_or_else(String::new, |printed| encoding::from_server(printed.cast_mut_ptr()))
        }
    }
}

// SAFETY: an argument is read as the regconfig that it is declared as, an oid.
unsafe impl<'fcx> ArgAbi<'fcx> for Configuration {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Configuration {
        // SAFETY: pgrx hands over the argument that is declared as regconfig; the function takes an Option, so it is not NULL.
        let oid: Option<pg_sys::Oid> = unsafe { arg.unbox_arg_using_from_datum() };
        Configuration(oid.unwrap_or(pg_sys::InvalidOid))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Configuration> {
        // SAFETY: pgrx hands over the argument that is declared as regconfig.
        let oid: Option<pg_sys::Oid> = unsafe { arg.unbox_arg_using_from_datum() };
        oid.map(Configuration).into()
    }
}

// SAFETY: `ArgAbi` reads it as an oid, which regconfig is.
unsafe impl SqlTranslatable for Configuration {
    fn argument_sql() -> Result<SqlMapping, ArgumentError> {
        Ok(SqlMapping::literal("regconfig"))
    }

    fn return_sql() -> Result<Returns, ReturnsError> {
        Ok(Returns::One(SqlMapping::literal("regconfig")))
    }
}

/// A text that becomes a `tsquery`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(pub String);

impl IntoDatum for Query {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let text = encoding::shown_to_server(&self.0);
        // SAFETY: a NUL-terminated string in the server's encoding.
        unsafe { direct_function_call_as_datum(pg_sys::tsqueryin, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TSQUERYOID
    }
}

// SAFETY: a result is the tsquery that it is declared as.
unsafe impl BoxRet for Query {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the datum is a tsquery in the current memory context.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: `into_datum` makes a tsquery.
unsafe impl SqlTranslatable for Query {
    fn argument_sql() -> Result<SqlMapping, ArgumentError> {
        Ok(SqlMapping::literal("tsquery"))
    }

    fn return_sql() -> Result<Returns, ReturnsError> {
        Ok(Returns::One(SqlMapping::literal("tsquery")))
    }
}
