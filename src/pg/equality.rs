//! The operator by which a foreign key would compare two columns: from the operator class of an index on the parent,
//! never looked up by name on a search path.

use pgrx::pg_sys;

/// `=` of the default btree operator class of the parent's type. For a child of another type, the operator of the same
/// family for both types if there is one, as ATAddForeignKeyConstraint chooses. `None` for a type without order.
pub fn operator(parent: pg_sys::Oid, child: pg_sys::Oid) -> Option<pg_sys::Oid> {
    let equal = pg_sys::BTEqualStrategyNumber as i16;
    // SAFETY: catalog look-ups; a type cache entry lives as long as the session.
    let found = unsafe {
        let class = &*pg_sys::lookup_type_cache(parent, pg_sys::TYPECACHE_BTREE_OPFAMILY as i32);
        let (family, input) = (class.btree_opf, class.btree_opintype);
        if family == pg_sys::InvalidOid {
            return None;
        }
        match pg_sys::get_opfamily_member(family, input, pg_sys::getBaseType(child), equal) {
            pg_sys::InvalidOid => pg_sys::get_opfamily_member(family, input, input, equal),
            between => between,
        }
    };
    (found != pg_sys::InvalidOid).then_some(found)
}
