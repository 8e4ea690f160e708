//! The server's word that the definition of a foreign server has changed, or may have.

use pgrx::pg_sys::SysCacheIdentifier::FOREIGNSERVEROID;
use pgrx::{IntoDatum, pg_guard, pg_sys};

/// What a changed definition is told by: a hash of the server's oid, 0 for every server.
pub type Handler = fn(hash: u32);

// inval.h is not among the headers that pgrx has bindings for.
unsafe extern "C-unwind" {
    fn CacheRegisterSyscacheCallback(cache: std::ffi::c_int, callback: Callback, argument: pg_sys::Datum);
}

type Callback = Option<unsafe extern "C-unwind" fn(pg_sys::Datum, std::ffi::c_int, u32)>;

/// Registers a handler for the rest of the backend's life. It may be called at nearly any time, and must only mark.
/// Call it once.
pub fn register(handler: Handler) {
    // SAFETY: the argument is a function's address, which the callback takes for nothing else.
    unsafe {
        let argument = pg_sys::Datum::from(handler as usize);
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            CacheRegisterSyscacheCallback(FOREIGNSERVEROID as i32, Some(changed), argument);
        });
    }
}

/// Gives up every plan that this backend has kept, as a changed definition of a server does: the next use of each makes
/// another one.
pub fn replan() {
    // SAFETY: marks plans, and neither frees nor raises anything.
    unsafe { pg_sys::ResetPlanCache() }
}

/// The hash that the handler is given for this server.
pub fn hash(server: pg_sys::Oid) -> u32 {
    let none = pg_sys::Datum::from(0);
    let Some(key) = server.into_datum() else { return 0 };
    // SAFETY: the cache has one key, an oid.
    unsafe { pg_sys::GetSysCacheHashValue(FOREIGNSERVEROID as i32, key, none, none, none) }
}

#[pg_guard]
unsafe extern "C-unwind" fn changed(argument: pg_sys::Datum, _cache: std::ffi::c_int, hash: u32) {
    // SAFETY: `register` has put the address of a `Handler` there.
    let handler: Handler = unsafe { std::mem::transmute::<usize, Handler>(argument.value()) };
    handler(hash);
}
