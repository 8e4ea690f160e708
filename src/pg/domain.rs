//! The constraints of a domain on a datum of its base type.

use std::ffi::c_void;

use pgrx::pg_sys;

use super::encoding;
use super::settings::{LocalSettings, Reads};

/// A domain's NOT NULL and CHECKs, from one catalog lookup.
pub struct DomainCheck {
    domain: pg_sys::Oid,
    /// State that `domain_check` keeps between calls, in `context`.
    extra: Box<*mut c_void>,
    context: pg_sys::MemoryContext,
}

impl DomainCheck {
    /// `None` if neither the domain nor a domain below it has a constraint.
    pub fn new(domain: pg_sys::Oid) -> Option<DomainCheck> {
        // SAFETY: a look-up in the type cache.
        let constrained = unsafe { pg_sys::DomainHasConstraints(domain) };
        // SAFETY: reads a backend-local variable; the context outlives this, as for `InputFunction`.
        let context = unsafe { pg_sys::CurrentMemoryContext };
        constrained.then(|| DomainCheck { domain, extra: Box::new(std::ptr::null_mut()), context })
    }

    /// Raises the domain's own error.
    ///
    /// # Safety
    /// `value` is a datum of the domain's base type, unless it is NULL.
    pub(crate) unsafe fn check(&mut self, value: pg_sys::Datum, null: bool) {
        // SAFETY: a datum of the domain's base type, or NULL, by this function's contract, which `convert` keeps; `extra` is this
        // function's and this domain's alone.
        unsafe { pg_sys::domain_check(value, null, self.domain, &mut *self.extra, self.context) };
    }

    /// The value as its output function prints it.
    ///
    /// # Safety
    /// `value` is a datum of the domain's base type.
    pub(crate) unsafe fn print(&self, value: pg_sys::Datum) -> String {
        let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
        let _settings = LocalSettings::printing(Reads::Everything);
        // SAFETY: a datum of the domain's base type, by this function's contract; the output function returns a NUL-terminated string.
        unsafe {
            pg_sys::getTypeOutputInfo(self.domain, &mut output, &mut is_varlena);
            encoding::from_server(pg_sys::OidOutputFunctionCall(output, value))
        }
    }
}
