//! One row of an answer, whose columns are read by name and type.
//!
//! The statement is ours, and so is the reader: where the two disagree (no such column, another type, a NULL that the
//! reader has no place for, a value out of range), that is an internal error which names column and statement. Nothing
//! is replaced by an empty value.

use std::ffi::CString;

use pgrx::{FromDatum, PgLogLevel, PgSqlErrorCode, pg_sys};
use serde::de::DeserializeOwned;

use crate::pg::{encoding, report, types};
use pg_sqlite_migrate_core::shorten;

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    tuple: pg_sys::HeapTuple,
    description: pg_sys::TupleDesc,
    statement: &'a str,
}

impl<'a> Row<'a> {
    /// # Safety
    /// The tuple is one of the description's, and both outlive the row.
    pub(in crate::pg) unsafe fn of(
        tuple: pg_sys::HeapTuple,
        description: pg_sys::TupleDesc,
        statement: &'a str,
    ) -> Row<'a> {
        Row { tuple, description, statement }
    }

    /// The value of a column.
    pub fn get<T: Column>(&self, name: &str) -> T {
        let Ok(wanted) = CString::new(name) else { self.fail(name, "has no name that SQL allows") };
        // SAFETY: the description belongs to the result that the row is of; the name is NUL-terminated.
        let number = unsafe { pg_sys::SPI_fnumber(self.description, wanted.as_ptr()) };
        if number <= 0 {
            self.fail(name, "is not in the result");
        }
        self.read(number, name)
    }

    /// The value of a row that has one column.
    pub fn only<T: Column>(&self) -> T {
        // SAFETY: the description belongs to the result that the row is of.
        if unsafe { (*self.description).natts } != 1 {
            self.fail("1", "is not the only one");
        }
        self.read(1, "1")
    }

    fn read<T: Column>(&self, number: i32, name: &str) -> T {
        let mut null = false;
        // SAFETY: the row has a column of that number; its datum lives as long as the result, which outlives the row.
        let (type_oid, datum) = unsafe {
            let type_oid = pg_sys::SPI_gettypeid(self.description, number);
            (type_oid, pg_sys::SPI_getbinval(self.tuple, self.description, number, &mut null))
        };
        if !T::accepts(type_oid) {
            self.fail(name, &format!("is of type {}", types::format_type(type_oid, -1)));
        }
        let value = match null {
            true => T::null(),
            // SAFETY: the datum is of the column's type, which `T` accepts, and not NULL.
            false => unsafe { T::read(datum, type_oid) },
        };
        value.unwrap_or_else(|| self.fail(name, if null { "is NULL" } else { "has a value out of range" }))
    }

    fn fail(&self, column: &str, what: &str) -> ! {
        let message = format!("internal query failed: column \"{column}\" {what}");
        let detail = format!("The statement is: {}", shorten::text(self.statement));
        report::report(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, &message, Some(&detail), None)
            .report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

/// A Rust type that values of some SQL types are read as.
pub trait Column: Sized {
    /// Values of this type can be read.
    fn accepts(type_oid: pg_sys::Oid) -> bool;

    /// Reads a value; `None` for one that this type does not have.
    ///
    /// # Safety
    /// `datum` is of the type `type_oid`, which [`Column::accepts`] takes, and not NULL.
    unsafe fn read(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Option<Self>;

    /// What NULL is read as, if anything.
    fn null() -> Option<Self> {
        None
    }
}

impl<T: Column> Column for Option<T> {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        T::accepts(type_oid)
    }

    unsafe fn read(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: `accepts` is T's, so that what holds for this call holds for T's.
        unsafe { T::read(datum, type_oid) }.map(Some)
    }

    fn null() -> Option<Self> {
        Some(None)
    }
}

impl Column for String {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        matches!(type_oid, pg_sys::TEXTOID | pg_sys::NAMEOID)
    }

    unsafe fn read(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Option<String> {
        // SAFETY: a name is NUL-terminated in its 64 bytes; a text is detoasted and copied by text_to_cstring.
        unsafe {
            let text = match type_oid {
                pg_sys::NAMEOID => datum.cast_mut_ptr(),
                _ => pg_sys::text_to_cstring(datum.cast_mut_ptr()),
            };
            Some(encoding::from_server(text))
        }
    }
}

/// `"char"`, as `pg_class.relkind`; an empty one is `'\0'`.
impl Column for char {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        type_oid == pg_sys::CHAROID
    }

    unsafe fn read(datum: pg_sys::Datum, _: pg_sys::Oid) -> Option<char> {
        Some(char::from(datum.value() as u8)).filter(char::is_ascii)
    }
}

macro_rules! by_value {
    ($($type:ty: $oid:ident),* $(,)?) => { $(
        impl Column for $type {
            fn accepts(type_oid: pg_sys::Oid) -> bool {
                type_oid == pg_sys::$oid
            }

            unsafe fn read(datum: pg_sys::Datum, _: pg_sys::Oid) -> Option<$type> {
                // SAFETY: the datum is of the one type that is accepted, and not NULL.
                unsafe { <$type>::from_datum(datum, false) }
            }
        }
    )* };
}

by_value!(bool: BOOLOID, i16: INT2OID, i32: INT4OID, i64: INT8OID, f64: FLOAT8OID, pg_sys::Oid: OIDOID);

/// A count.
impl Column for u64 {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        i64::accepts(type_oid)
    }

    unsafe fn read(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Option<u64> {
        // SAFETY: `accepts` is that of i64.
        unsafe { i64::read(datum, type_oid) }?.try_into().ok()
    }
}

/// An array of one dimension.
impl<T: Column> Column for Vec<T> {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        // SAFETY: a syscache look-up, which takes any oid.
        T::accepts(unsafe { pg_sys::get_element_type(type_oid) })
    }

    unsafe fn read(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Option<Vec<T>> {
        // SAFETY: an array of the element type that T accepts, by the trait's contract.
        unsafe {
            let of = pg_sys::get_element_type(type_oid);
            let read = |(element, null)| if null { T::null() } else { T::read(element, of) };
            elements(datum, of).map(read).collect()
        }
    }
}

/// The elements of an array, and whether they are NULL; in the current memory context.
///
/// # Safety
/// `array` is an array of the element type `of`.
unsafe fn elements(array: pg_sys::Datum, of: pg_sys::Oid) -> impl Iterator<Item = (pg_sys::Datum, bool)> {
    let (mut length, mut by_value, mut align) = (0, false, 0);
    let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
    // SAFETY: an array of that element type, by this function's contract; all results are local.
    unsafe {
        pg_sys::get_typlenbyvalalign(of, &mut length, &mut by_value, &mut align);
        let array = pg_sys::pg_detoast_datum(array.cast_mut_ptr()).cast();
        let results = (&mut values, &mut nulls, &mut count);
        let length = length.into();
        pg_sys::deconstruct_array(array, of, length, by_value, align, results.0, results.1, results.2);
    }
    // SAFETY: deconstruct_array gives `count` values and flags.
    (0..usize::try_from(count).unwrap_or(0)).map(move |i| unsafe { (*values.add(i), *nulls.add(i)) })
}

/// `json`, read as what serde makes of it.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Column for Json<T> {
    fn accepts(type_oid: pg_sys::Oid) -> bool {
        type_oid == pg_sys::JSONOID
    }

    unsafe fn read(datum: pg_sys::Datum, _: pg_sys::Oid) -> Option<Json<T>> {
        // SAFETY: a json is stored as a text is.
        let text = unsafe { String::read(datum, pg_sys::TEXTOID) }?;
        serde_json::from_str(&text).ok().map(Json)
    }
}
