//! Text -> datum through a type's own input function.

use std::ffi::c_char;

use pgrx::pg_sys;

use super::encoding;

/// A type's input function, looked up once.
pub struct InputFunction {
    function: Box<pg_sys::FmgrInfo>,
    io_param: pg_sys::Oid,
    typmod: i32,
    is_domain: bool,
}

impl InputFunction {
    pub fn new(type_oid: pg_sys::Oid, typmod: i32) -> InputFunction {
        let mut function = Box::new(pg_sys::FmgrInfo::default());
        let (mut id, mut io_param) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        // SAFETY: results are local; fmgr_info keeps its data in the current memory context, which outlives this:
        // a load's is its SQL function's, a scan's its query's.
        unsafe {
            pg_sys::getTypeInputInfo(type_oid, &mut id, &mut io_param);
            pg_sys::fmgr_info(id, &mut *function);
        }
        // SAFETY: a syscache look-up.
        let is_domain = unsafe { pg_sys::getBaseType(type_oid) } != type_oid;
        InputFunction { function, io_param, typmod, is_domain }
    }

    /// NULL has to be shown to the function: a domain may forbid it.
    pub fn checks_null(&self) -> bool {
        self.is_domain
    }

    /// Converts; raises the type's own error. The result lives in the current memory context.
    ///
    /// # Safety
    /// `text` is null, or points to a NUL-terminated UTF-8 string that outlives the datum's memory context.
    pub(super) unsafe fn call(&mut self, text: *mut c_char) -> pg_sys::Datum {
        // SAFETY: the caller vouches for the string; a null one means NULL to InputFunctionCall.
        unsafe {
            let text = if text.is_null() { text } else { encoding::utf8_to_server(text) };
            pg_sys::InputFunctionCall(&mut *self.function, text, self.io_param, self.typmod)
        }
    }
}
