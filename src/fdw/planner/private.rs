//! What a plan keeps for the executor: one string node of JSON, which every copy of the plan takes along whole.

use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pg::compat;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote;

/// A list of one string node, in the current memory context.
pub fn keep<T: Serialize>(value: &T) -> *mut pg_sys::List {
    // It has no NUL, and is the same in every server encoding.
    let json = remote::ascii_json(value).ok().and_then(|json| CString::new(json).ok()).unwrap_or_default();
    // SAFETY: pstrdup copies a NUL-terminated string; the list takes the node.
    unsafe {
        let node = pg_sys::makeString(pg_sys::pstrdup(json.as_ptr()));
        pg_sys::lappend(std::ptr::null_mut(), node.cast())
    }
}

/// What `keep` has put there.
///
/// # Safety
/// `list` is null or a list of nodes.
pub unsafe fn kept<T: DeserializeOwned>(list: *mut pg_sys::List) -> T {
    // SAFETY: the first node's tag is looked at before it is read as a string.
    let json = unsafe {
        nodes::items::<pg_sys::Node>(list)
            .next()
            .filter(|node| nodes::is(*node, pg_sys::NodeTag::T_String))
            .map(|node| CStr::from_ptr(compat::string_node_text(node)).to_bytes())
    };
    match json.map(serde_json::from_slice) {
        Some(Ok(value)) => value,
        _ => {
            let message = "the plan of a foreign table was made by another version of pg_sqlite_migrate";
            ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message, "kept")
                .report(PgLogLevel::ERROR);
            unreachable!("an ERROR does not return")
        }
    }
}
