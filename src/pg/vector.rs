//! Whether the server's pgvector stores vectors in the form that is known here.

use std::ffi::c_char;

use pgrx::pg_sys;

use super::input::InputFunction;
use super::relation::Attribute;
use super::{types, xact};
use pg_sqlite_migrate_core::value::batch::varlena_header;
use pg_sqlite_migrate_core::value::vector::Stored;
use pg_sqlite_migrate_core::value::{PgType, Timezone};

/// What is asked, as text and as floats.
const SAMPLE: (&[u8], [f32; 3]) = (b"[1.5,-0,0.1]\0", [1.5, -0.0, 0.1]);

/// The form of a column of pgvector's; `None` where its values are to be passed as text: the column is of another type
/// or none yet, or pgvector makes other bytes of a sample.
pub fn stored(attribute: &Attribute) -> Option<Stored> {
    let is_there = attribute.type_oid != pg_sys::InvalidOid;
    let PgType::Vector(_) = attribute.pg_type.base() else { return None };
    let typmod = is_there.then(|| types::base_type(attribute.type_oid, attribute.typmod).1)?;
    let known = xact::attempt(|| -> Result<_, ()> { Ok(is_known(attribute.type_oid)) });
    // pgvector's modifier is the dimension, -1 without one.
    matches!(known, Ok(Ok(true))).then_some(Stored { dimension: usize::try_from(typmod).ok() })
}

/// Raises what pgvector has to say of the sample.
fn is_known(type_oid: pg_sys::Oid) -> bool {
    let (text, floats) = SAMPLE;
    let floats = floats.map(f32::to_le_bytes);
    let Ok(Some(payload)) = (Stored { dimension: None }).payload(&floats) else { return false };
    let mut text = text.to_vec();
    let (base, _) = types::base_type(type_oid, -1);
    let mut function = InputFunction::new(base, -1);
    let _settings = function.guard(&Timezone::UTC);
    // SAFETY: ASCII that ends with NUL and is there while the datum is looked at; a value of pgvector's is a varlena,
    // and as its input function returns it, with a header of four bytes and neither compressed nor out of line.
    let made = unsafe {
        let datum = function.call(text.as_mut_ptr().cast::<c_char>());
        let varlena = datum.cast_mut_ptr::<pg_sys::varlena>();
        std::slice::from_raw_parts(varlena.cast::<u8>(), pgrx::varlena::varsize_any(varlena))
    };
    made.strip_prefix(&varlena_header(payload.len())).is_some_and(|made| made == payload)
}
