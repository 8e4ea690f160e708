//! The text arguments and results of SQL functions. pgrx's own are UTF-8, and panic in a database with another
//! encoding.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, Returns, ReturnsError, SqlMapping, SqlTranslatable,
};
use pgrx::{FromDatum, IntoDatum, pg_sys};

use super::encoding;

/// SQL's `text`, in UTF-8. Characters that the database's encoding does not have are returned as escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.to_owned())
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromDatum for Text {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Text> {
        if is_null || datum.is_null() {
            return None;
        }
        // SAFETY: pgrx reads an argument or result as the type that it is declared as, here text; text_to_cstring copies it.
        Some(Text(unsafe { encoding::from_server(pg_sys::text_to_cstring(datum.cast_mut_ptr())) }))
    }
}

impl IntoDatum for Text {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // A page or a document may be long: it is copied once, by the server, whose error it is if there is no memory.
        if self.0.is_ascii() && !self.0.contains('\0') {
            return Some(encoding::text_datum(&self.0));
        }
        let text = encoding::shown_to_server(&self.0);
        // SAFETY: a NUL-terminated string, which is copied.
        Some(unsafe { pg_sys::cstring_to_text(text.as_ptr()) }.into())
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

// SAFETY: an element of a text array is a text.
unsafe impl UnboxDatum for Text {
    type As<'src> = Text;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Text
    where
        Self: 'src,
    {
        // SAFETY: pgrx unboxes elements of a text array that are not NULL; text_to_cstring gives a NUL-terminated copy in the
        // server's encoding.
        unsafe { Text(encoding::from_server(pg_sys::text_to_cstring(datum.sans_lifetime().cast_mut_ptr()))) }
    }
}

// SAFETY: an argument is read as the text that it is declared as.
unsafe impl<'fcx> ArgAbi<'fcx> for Text {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Text {
        // SAFETY: pgrx hands over the argument that is declared as text; the function is STRICT, or takes an Option.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Text(String::new()))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Text> {
        // SAFETY: pgrx hands over the argument that is declared as text.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: a result is the text that it is declared as.
unsafe impl BoxRet for Text {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the datum is a text in the current memory context.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: `from_datum` and `into_datum` are of the type `text`.
unsafe impl SqlTranslatable for Text {
    fn argument_sql() -> Result<SqlMapping, ArgumentError> {
        Ok(SqlMapping::literal("TEXT"))
    }

    fn return_sql() -> Result<Returns, ReturnsError> {
        Ok(Returns::One(SqlMapping::literal("TEXT")))
    }
}
