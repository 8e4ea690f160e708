//! What the server's own operators, functions and collations are called. Anything that a user has made is none.

use std::ffi::CStr;

use pgrx::pg_sys;

use crate::pg::datum::type_of;
use crate::pg::{compat, encoding};
use pg_sqlite_migrate_core::remote::{Collation, Type};

fn is_builtin(oid: pg_sys::Oid) -> bool {
    oid != pg_sys::InvalidOid && oid.to_u32() < pg_sys::FirstNormalObjectId
}

pub(crate) struct Operator {
    pub name: String,
    /// `Other` for the left operand of a prefix operator.
    pub left: Type,
    pub right: Type,
}

impl Operator {
    /// An immutable operator of the server's own.
    pub fn find(oid: pg_sys::Oid) -> Option<Operator> {
        let name = operator_name(oid)?;
        let (mut left, mut right) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        // SAFETY: an operator that an expression names exists while the plan is made.
        unsafe {
            if !immutable(pg_sys::op_volatile(oid)) {
                return None;
            }
            pg_sys::op_input_types(oid, &mut left, &mut right);
        }
        Some(Operator { name, left: type_of(left), right: type_of(right) })
    }

    pub fn has_same_characters(&self) -> bool {
        has_same_characters(self.left) && has_same_characters(self.right)
    }
}

/// A text's characters are the same to the server as to the other side, which reads it as UTF-8. Otherwise texts
/// are compared and put together, but not looked into.
pub(crate) fn has_same_characters(type_: Type) -> bool {
    !matches!(type_, Type::Text | Type::Bpchar) || encoding::server_is_utf8()
}

/// The name of an operator of the server's own.
pub(crate) fn operator_name(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: an operator that an expression names exists while the plan is made.
    if is_builtin(oid) { unsafe { ascii(pg_sys::get_opname(oid)) } } else { None }
}

/// The name of a function of the server's own.
pub(crate) fn function(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: a function that an expression names exists while the plan is made.
    unsafe {
        if !is_builtin(oid) || pg_sys::get_func_namespace(oid).to_u32() != pg_sys::PG_CATALOG_NAMESPACE {
            return None;
        }
        ascii(pg_sys::get_func_name(oid))
    }
}

/// The same of an immutable one.
pub(crate) fn immutable_function(oid: pg_sys::Oid) -> Option<String> {
    let name = function(oid)?;
    // SAFETY: `function` has found it in the catalog.
    immutable(unsafe { pg_sys::func_volatile(oid) }).then_some(name)
}

fn immutable(volatility: std::ffi::c_char) -> bool {
    volatility as u8 == pg_sys::PROVOLATILE_IMMUTABLE
}

/// # Safety
/// `name` is null or a NUL-terminated string.
unsafe fn ascii(name: *const std::ffi::c_char) -> Option<String> {
    if name.is_null() {
        return None;
    }
    // SAFETY: it is not null, so a NUL-terminated string, which the catalog cache has copied.
    let name = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    name.is_ascii().then(|| name.to_string())
}

/// What a collation promises to whoever compares.
pub(crate) fn collation(oid: pg_sys::Oid) -> Collation {
    classify(oid, compat::collates_by_bytes)
}

/// What it promises to a function, which may ask for upper and lower case too.
pub(crate) fn collation_and_case(oid: pg_sys::Oid) -> Collation {
    classify(oid, |oid| compat::collates_by_bytes(oid) && compat::has_ascii_case(oid))
}

fn classify(oid: pg_sys::Oid, by_bytes: impl Fn(pg_sys::Oid) -> bool) -> Collation {
    if oid == pg_sys::InvalidOid {
        return Collation::None;
    }
    // SAFETY: a collation that an expression names exists while the plan is made.
    if !unsafe { pg_sys::get_collation_isdeterministic(oid) } {
        return Collation::Nondeterministic;
    }
    if !encoding::keeps_equality() {
        return Collation::Nondeterministic;
    }
    match encoding::server_is_utf8() && by_bytes(oid) {
        true => Collation::Bytes,
        false => Collation::Deterministic,
    }
}

/// Comparisons, which look at nothing but the order.
pub(crate) fn is_comparison(operator: &str) -> bool {
    matches!(operator, "=" | "<>" | "<" | "<=" | ">" | ">=")
}

/// `sort` in `family` is what ORDER BY, GROUP BY and DISTINCT mean for this type where nobody says otherwise.
pub(crate) fn is_default_family(family: pg_sys::Oid, type_oid: pg_sys::Oid) -> bool {
    // SAFETY: an entry of the type cache lives as long as the backend.
    let default =
        unsafe { (*pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_BTREE_OPFAMILY as i32)).btree_opf };
    is_builtin(family) && family == default
}

/// `operator` is the type's own equality.
pub(crate) fn is_default_equality(operator: pg_sys::Oid, type_oid: pg_sys::Oid) -> bool {
    // SAFETY: an entry of the type cache lives as long as the backend.
    let default = unsafe { (*pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_EQ_OPR as i32)).eq_opr };
    is_builtin(operator) && operator == default
}
