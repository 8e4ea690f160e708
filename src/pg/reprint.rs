//! What a type's own functions make of a text: read by its input function, printed by its output function, under the guards
//! against the session's settings.

use std::ffi::CString;

use pgrx::PgMemoryContexts;

use super::datum::Reader;
use super::input::InputFunction;
use super::{types, xact};
use pg_sqlite_migrate_core::value::Timezone;
use pg_sqlite_migrate_core::value::native::Native;

/// One type, looked up once.
pub struct Reprint {
    input: InputFunction,
    reader: Reader,
    values: PgMemoryContexts,
}

impl Reprint {
    /// `None` if the server has no such type.
    pub fn of(type_name: &str) -> Option<Reprint> {
        let (oid, typmod) = types::find(type_name)?;
        Some(Reprint {
            input: InputFunction::new(oid, typmod),
            reader: Reader::new(oid),
            values: PgMemoryContexts::new("pg_sqlite_migrate values"),
        })
    }

    /// The value as it is printed; `None` if the type does not take the text.
    pub fn print(&mut self, text: &str, timezone: &Timezone) -> Option<String> {
        let text = CString::new(text).ok()?;
        let Reprint { input, reader, values } = self;
        let printed = xact::attempt(|| -> Result<String, ()> {
            // SAFETY: the text outlives the datum, and nothing of this context is used after the next reset. The datum is of the
            // reader's type: both were made for one type.
            let native = unsafe {
                values.reset();
                values.switch_to(|_| {
                    let datum = {
                        let _settings = input.guard(timezone);
                        input.call(text.as_ptr().cast_mut())
                    };
                    reader.read(datum, false).into_owned()
                })
            };
            match native {
                Native::Printed(text) | Native::Text(text) => Ok(text.into_owned()),
                _ => Err(()),
            }
        });
        printed.ok()?.ok()
    }
}
