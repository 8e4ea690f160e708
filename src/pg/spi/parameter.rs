//! Values for `$1`, `$2`, … of a statement.

use pgrx::prelude::TimestampWithTimeZone;
use pgrx::{IntoDatum, pg_sys};

use crate::pg::encoding;

/// One value, of the type that the statement's parameter gets.
#[derive(Debug, Clone, Copy)]
pub enum Parameter<'a> {
    Text(Option<&'a str>),
    TextArray(&'a [String]),
    Oid(pg_sys::Oid),
    OidArray(&'a [pg_sys::Oid]),
    Int4(i32),
    Int8(Option<i64>),
    Int8Array(&'a [i64]),
    Float8(f64),
    Bool(bool),
    Timestamptz(TimestampWithTimeZone),
}

impl Parameter<'_> {
    pub(super) fn type_oid(&self) -> pg_sys::Oid {
        match self {
            Parameter::Text(_) => pg_sys::TEXTOID,
            Parameter::TextArray(_) => pg_sys::TEXTARRAYOID,
            Parameter::Oid(_) => pg_sys::OIDOID,
            Parameter::OidArray(_) => pg_sys::OIDARRAYOID,
            Parameter::Int4(_) => pg_sys::INT4OID,
            Parameter::Int8(_) => pg_sys::INT8OID,
            Parameter::Int8Array(_) => pg_sys::INT8ARRAYOID,
            Parameter::Float8(_) => pg_sys::FLOAT8OID,
            Parameter::Bool(_) => pg_sys::BOOLOID,
            Parameter::Timestamptz(_) => pg_sys::TIMESTAMPTZOID,
        }
    }

    /// In the current memory context; `None` is NULL.
    pub(super) fn datum(&self) -> Option<pg_sys::Datum> {
        match *self {
            Parameter::Text(text) => text.map(text_datum),
            Parameter::TextArray(texts) => {
                Some(array(texts.iter().map(|text| text_datum(text)).collect(), pg_sys::TEXTOID))
            }
            Parameter::Oid(oid) => oid.into_datum(),
            Parameter::OidArray(oids) => {
                Some(array(oids.iter().map(|oid| pg_sys::Datum::from(*oid)).collect(), pg_sys::OIDOID))
            }
            Parameter::Int4(number) => number.into_datum(),
            Parameter::Int8(number) => number.and_then(IntoDatum::into_datum),
            Parameter::Int8Array(numbers) => {
                Some(array(numbers.iter().map(|n| pg_sys::Datum::from(*n)).collect(), pg_sys::INT8OID))
            }
            Parameter::Float8(number) => number.into_datum(),
            Parameter::Bool(flag) => flag.into_datum(),
            Parameter::Timestamptz(time) => time.into_datum(),
        }
    }
}

fn text_datum(text: &str) -> pg_sys::Datum {
    if text.contains('\0') {
        pgrx::error!("SQL text contains a NUL character");
    }
    encoding::text_datum(text)
}

fn array(mut elements: Vec<pg_sys::Datum>, of: pg_sys::Oid) -> pg_sys::Datum {
    let (mut length, mut by_value, mut align) = (0, false, 0);
    // SAFETY: the elements are datums of the type `of`, as its callers build them; construct_array copies them.
    unsafe {
        pg_sys::get_typlenbyvalalign(of, &mut length, &mut by_value, &mut align);
        let count = elements.len() as i32;
        pg_sys::construct_array(elements.as_mut_ptr(), count, of, length.into(), by_value, align).into()
    }
}

macro_rules! from {
    ($($kind:ident($type:ty)),* $(,)?) => { $(
        impl<'a> From<$type> for Parameter<'a> {
            fn from(value: $type) -> Parameter<'a> {
                Parameter::$kind(value)
            }
        }
    )* };
}

from!(
    Text(Option<&'a str>),
    TextArray(&'a [String]),
    Oid(pg_sys::Oid),
    OidArray(&'a [pg_sys::Oid]),
    Int4(i32),
    Int8(Option<i64>),
    Int8Array(&'a [i64]),
    Float8(f64),
    Bool(bool),
    Timestamptz(TimestampWithTimeZone),
);

impl<'a> From<&'a str> for Parameter<'a> {
    fn from(text: &'a str) -> Parameter<'a> {
        Parameter::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Parameter<'a> {
    fn from(text: &'a String) -> Parameter<'a> {
        Parameter::Text(Some(text))
    }
}

impl From<i64> for Parameter<'_> {
    fn from(number: i64) -> Self {
        Parameter::Int8(Some(number))
    }
}
