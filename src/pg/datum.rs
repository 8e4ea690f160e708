//! Datum -> `Native`, and the types that a remote query is decided by.

use std::borrow::Cow;
use std::ffi::{CStr, c_char};

use pgrx::{pg_sys, varlena};

use super::settings::{LocalSettings, Reads};
use super::{encoding, types};
use pg_sqlite_migrate_core::remote::Type;
use pg_sqlite_migrate_core::value::native::Native;

/// The type that a query is decided by. Anything but the server's own types is `Other`.
pub fn type_of(oid: pg_sys::Oid) -> Type {
    match oid {
        pg_sys::BOOLOID => Type::Bool,
        pg_sys::INT2OID => Type::Int2,
        pg_sys::INT4OID => Type::Int4,
        pg_sys::INT8OID => Type::Int8,
        pg_sys::FLOAT4OID => Type::Float4,
        pg_sys::FLOAT8OID => Type::Float8,
        pg_sys::TEXTOID | pg_sys::VARCHAROID => Type::Text,
        pg_sys::BPCHAROID => Type::Bpchar,
        pg_sys::BYTEAOID => Type::Bytea,
        pg_sys::UUIDOID => Type::Uuid,
        pg_sys::DATEOID => Type::Date,
        pg_sys::TIMEOID => Type::Time,
        pg_sys::TIMESTAMPOID => Type::Timestamp,
        pg_sys::TIMESTAMPTZOID => Type::TimestampTz,
        pg_sys::NUMERICOID => Type::Numeric,
        _ => Type::Other,
    }
}

/// How values of one type are read, looked up once.
pub struct Reader {
    type_oid: pg_sys::Oid,
    output: pg_sys::Oid,
    /// Settings of the session that matter to how it is printed.
    settings: Reads,
}

impl Reader {
    /// A domain's values are its base type's.
    pub fn new(type_oid: pg_sys::Oid) -> Reader {
        let (type_oid, _) = types::base_type(type_oid, -1);
        let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
        // SAFETY: results are local; raises an error for a type without an output function.
        unsafe { pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut is_varlena) };
        Reader { type_oid, output, settings: types::reads(type_oid) }
    }

    /// The value of a datum. What it borrows lives in the datum or in the current memory context.
    ///
    /// # Safety
    /// `datum` is of the reader's type, or `is_null`; it and the current memory context outlive `'a`.
    pub unsafe fn read<'a>(&self, datum: pg_sys::Datum, is_null: bool) -> Native<'a> {
        if is_null {
            return Native::Null;
        }
        match self.type_oid {
            pg_sys::BOOLOID => return Native::Bool(datum.value() as u8 != 0),
            pg_sys::INT2OID => return Native::Integer(i64::from(datum.value() as i16)),
            pg_sys::INT4OID => return Native::Integer(i64::from(datum.value() as i32)),
            pg_sys::INT8OID => return Native::Integer(datum.value() as i64),
            pg_sys::FLOAT4OID => return Native::Float(f64::from(f32::from_bits(datum.value() as u32))),
            pg_sys::FLOAT8OID => return Native::Float(f64::from_bits(datum.value() as u64)),
            pg_sys::DATEOID => return Native::Date(datum.value() as i32),
            pg_sys::TIMEOID => return Native::Time(datum.value() as i64),
            pg_sys::TIMESTAMPOID => return Native::Timestamp(datum.value() as i64),
            pg_sys::TIMESTAMPTZOID => return Native::TimestampTz(datum.value() as i64),
            _ => {}
        }
        // SAFETY: the datum is of the reader's type, as the contract of `read` asks, and every arm reads it as that type.
        unsafe {
            match self.type_oid {
                pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => Native::Text(text(datum)),
                pg_sys::BYTEAOID => Native::Bytes(Cow::Borrowed(payload(datum))),
                pg_sys::UUIDOID => Native::Uuid(*datum.cast_mut_ptr::<[u8; 16]>()),
                // As a number: its own function prints in the words of the session's locale.
                pg_sys::MONEYOID => {
                    let number = pgrx::direct_function_call_as_datum(pg_sys::cash_numeric, &[Some(datum)]);
                    number.map_or(Native::Null, |n| Reader::new(pg_sys::NUMERICOID).read(n, false))
                }
                _ => {
                    let _settings = LocalSettings::printing(self.settings);
                    Native::Printed(printed(pg_sys::OidOutputFunctionCall(self.output, datum)))
                }
            }
        }
    }
}

/// The bytes of a varlena, detoasted.
///
/// # Safety
/// `datum` is a varlena, which outlives `'a`.
pub(super) unsafe fn payload<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    let varlena = datum.cast_mut_ptr::<pg_sys::varlena>();
    // SAFETY: the datum points to a varlena. One that lies whole in memory is read where it is, without a call of the
    // server; pg_detoast_datum_packed makes a copy of any other.
    unsafe {
        let whole = varlena::varatt_is_4b_u(varlena)
            || (varlena::varatt_is_1b(varlena) && !varlena::varatt_is_1b_e(varlena));
        let varlena = if whole { varlena } else { pg_sys::pg_detoast_datum_packed(varlena) };
        varlena::varlena_to_byte_slice(varlena)
    }
}

/// # Safety
/// `datum` is a text, which outlives `'a`.
unsafe fn text<'a>(datum: pg_sys::Datum) -> Cow<'a, str> {
    // SAFETY: a text is a varlena.
    let bytes: &'a [u8] = unsafe { payload(datum) };
    if encoding::server_is_utf8() {
        return std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    }
    // SAFETY: text_to_cstring copies into the current context.
    Cow::Owned(unsafe { encoding::from_server(pg_sys::text_to_cstring(datum.cast_mut_ptr())) })
}

/// # Safety
/// An output function has returned `text`, in a memory context that outlives `'a`.
unsafe fn printed<'a>(text: *mut c_char) -> Cow<'a, str> {
    if encoding::server_is_utf8() {
        // SAFETY: an output function returns a palloc'd, NUL-terminated string.
        return unsafe { CStr::from_ptr(text) }.to_string_lossy();
    }
    // SAFETY: NUL-terminated, and in the server's encoding; `from_server` copies it.
    Cow::Owned(unsafe { encoding::from_server(text) })
}

/// `deconstruct_array`.
///
/// # Safety
/// `array` is an array of `element`s. The result lives in the current memory context and in the array.
pub unsafe fn deconstruct<'a>(
    array: pg_sys::Datum,
    element: pg_sys::Oid,
) -> (&'a [pg_sys::Datum], &'a [bool]) {
    let (mut length, mut by_value, mut align) = (0, false, 0);
    let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
    let (found_values, found_nulls, found) = (&raw mut values, &raw mut nulls, &raw mut count);
    // SAFETY: the datum is an array of that element type, as the contract asks; deconstruct_array sets two arrays of
    // `count` elements, which are null where there is none.
    unsafe {
        pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
        let array = pg_sys::pg_detoast_datum(array.cast_mut_ptr()).cast();
        let length = length.into();
        pg_sys::deconstruct_array(array, element, length, by_value, align, found_values, found_nulls, found);
        match usize::try_from(count).unwrap_or(0) {
            0 => (&[], &[]),
            count => (std::slice::from_raw_parts(values, count), std::slice::from_raw_parts(nulls, count)),
        }
    }
}
