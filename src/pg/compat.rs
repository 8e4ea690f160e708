//! What differs between PostgreSQL versions.

use pgrx::pg_sys;

/// LIKE and regular expressions take texts under a nondeterministic collation.
pub const NONDETERMINISTIC_LIKE: bool = cfg!(feature = "pg18");

/// Generated columns may be computed when they are read.
pub const VIRTUAL_COLUMNS: bool = cfg!(feature = "pg18");

/// Checkpoints since the statistics were reset.
pub const CHECKPOINTS: &str = if cfg!(any(feature = "pg17", feature = "pg18")) {
    "SELECT num_timed AS timed, num_requested AS requested FROM pg_stat_checkpointer"
} else {
    "SELECT checkpoints_timed AS timed, checkpoints_req AS requested FROM pg_stat_bgwriter"
};

// Not among pgrx's bindings.
#[cfg(not(feature = "pg18"))]
unsafe extern "C-unwind" {
    fn lc_collate_is_c(collation: pg_sys::Oid) -> bool;
    fn lc_ctype_is_c(collation: pg_sys::Oid) -> bool;
}

#[cfg(feature = "pg18")]
unsafe extern "C-unwind" {
    fn pg_newlocale_from_collation(collation: pg_sys::Oid) -> *const LocaleHead;
}

/// The first fields of `pg_locale_struct`, as in all of 18's pg_locale.h; 19 has others.
#[cfg(feature = "pg18")]
#[repr(C)]
#[allow(dead_code)]
struct LocaleHead {
    provider: std::ffi::c_char,
    deterministic: bool,
    collate_is_c: bool,
    ctype_is_c: bool,
}

/// Whether the collation compares texts by their bytes.
pub fn collates_by_bytes(collation: pg_sys::Oid) -> bool {
    // SAFETY: raises an error if there is no such collation; a locale lives as long as the backend.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            #[cfg(not(feature = "pg18"))]
            let by_bytes = lc_collate_is_c(collation);
            #[cfg(feature = "pg18")]
            let by_bytes = (*pg_newlocale_from_collation(collation)).collate_is_c;
            by_bytes
        })
    }
}

/// Whether only ASCII letters have case under the collation.
pub fn has_ascii_case(collation: pg_sys::Oid) -> bool {
    // SAFETY: raises an error if there is no such collation; a locale lives as long as the backend.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            #[cfg(not(feature = "pg18"))]
            let ascii = lc_ctype_is_c(collation);
            #[cfg(feature = "pg18")]
            let ascii = (*pg_newlocale_from_collation(collation)).ctype_is_c;
            ascii
        })
    }
}

/// The arguments that all paths of a foreign scan have.
#[derive(Clone, Copy)]
pub struct ScanPath {
    /// Null for the relation's own.
    pub target: *mut pg_sys::PathTarget,
    pub rows: f64,
    pub startup: f64,
    pub total: f64,
    pub pathkeys: *mut pg_sys::List,
    pub required_outer: pg_sys::Relids,
    pub private: *mut pg_sys::List,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    Scan,
    Join,
    Upper,
}

/// `add_path` of a new foreign path.
///
/// # Safety
/// `parent` is where the path's tuples come from, `rel` where it is offered; what the path points to is the planner's.
pub unsafe fn add_foreign_path(
    root: *mut pg_sys::PlannerInfo,
    parent: *mut pg_sys::RelOptInfo,
    rel: *mut pg_sys::RelOptInfo,
    kind: PathKind,
    p: &ScanPath,
) {
    use std::ptr::null_mut;
    macro_rules! create {
        ($function:ident $(, $outer:expr)?) => {{
            #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
            let path = pg_sys::$function(
                root, parent, p.target, p.rows, p.startup, p.total, p.pathkeys, $($outer,)? null_mut(), p.private,
            );
            #[cfg(feature = "pg17")]
            let path = pg_sys::$function(
                root, parent, p.target, p.rows, p.startup, p.total, p.pathkeys, $($outer,)? null_mut(), null_mut(),
                p.private,
            );
            #[cfg(feature = "pg18")]
            let path = pg_sys::$function(
                root, parent, p.target, p.rows, 0, p.startup, p.total, p.pathkeys, $($outer,)? null_mut(),
                null_mut(), p.private,
            );
            path
        }};
    }
    // SAFETY: the planner's structures, by this function's contract, which fdw/planner keeps: they live until the query is planned.
    unsafe {
        let path = match kind {
            PathKind::Scan => create!(create_foreignscan_path, p.required_outer),
            PathKind::Join => create!(create_foreign_join_path, p.required_outer),
            PathKind::Upper => create!(create_foreign_upper_path),
        };
        pg_sys::add_path(rel, path.cast());
    }
}

/// Whether the sort is descending.
pub fn descends(pathkey: &pg_sys::PathKey) -> bool {
    // The comparison types of PostgreSQL 18 are numbered as btree's strategies.
    #[cfg(not(feature = "pg18"))]
    let strategy = pathkey.pk_strategy as u32;
    #[cfg(feature = "pg18")]
    let strategy = pathkey.pk_cmptype;
    strategy == pg_sys::BTGreaterStrategyNumber
}

/// The ascending pathkey, nulls last.
///
/// # Safety
/// `class` is the planner's, `family` one of its operator families.
pub unsafe fn ascending(
    root: *mut pg_sys::PlannerInfo,
    class: *mut pg_sys::EquivalenceClass,
    family: pg_sys::Oid,
) -> *mut pg_sys::PathKey {
    // SAFETY: a class of the planner's and one of its operator families, by this function's contract.
    unsafe { pg_sys::make_canonical_pathkey(root, class, family, pg_sys::BTLessStrategyNumber as _, false) }
}

/// The members of an equivalence class that may belong to `relids`, children's included.
///
/// # Safety
/// `class` is the planner's.
pub unsafe fn class_members(
    class: *mut pg_sys::EquivalenceClass,
    relids: pg_sys::Relids,
) -> Vec<*mut pg_sys::EquivalenceMember> {
    let mut members = vec![];
    // SAFETY: a class of the planner's, by this function's contract; its list holds its members.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        let _ = relids;
        let list = (*class).ec_members;
        for i in 0..if list.is_null() { 0 } else { (*list).length as usize } {
            members.push((*(*list).elements.add(i)).ptr_value.cast());
        }
    }
    // SAFETY: a class of the planner's, by this function's contract; the iterator is a local that the server fills, and is not used
    // after its end.
    #[cfg(feature = "pg18")]
    unsafe {
        let mut walk = pg_sys::EquivalenceMemberIterator::default();
        pg_sys::setup_eclass_member_iterator(&mut walk, class, relids);
        loop {
            let member = pg_sys::eclass_member_iterator_next(&mut walk);
            if member.is_null() {
                break;
            }
            members.push(member);
        }
    }
    members
}

/// `pg_read_server_files`, of pg_authid.dat: the same in every supported version.
pub const ROLE_PG_READ_SERVER_FILES: u32 = 4569;
/// `pg_write_server_files`, likewise.
pub const ROLE_PG_WRITE_SERVER_FILES: u32 = 4570;

/// Of `pg_constraint k`: the constraint is enforced, a foreign key is one WITH PERIOD. Both came with PostgreSQL 18.
#[cfg(feature = "pg18")]
pub const CONSTRAINT_ENFORCED: &str = "k.conenforced";
#[cfg(feature = "pg18")]
pub const CONSTRAINT_PERIOD: &str = "k.conperiod";
#[cfg(not(feature = "pg18"))]
pub const CONSTRAINT_ENFORCED: &str = "true";
#[cfg(not(feature = "pg18"))]
pub const CONSTRAINT_PERIOD: &str = "false";

/// Of `pg_index i`: NULLs count as equal. It came with PostgreSQL 15.
#[cfg(not(feature = "pg14"))]
pub const NULLS_NOT_DISTINCT: &str = "i.indnullsnotdistinct";
#[cfg(feature = "pg14")]
pub const NULLS_NOT_DISTINCT: &str = "false";

/// `parseTypeString`: type name and modifiers -> oid and typmod; raises an error for an unknown type.
///
/// # Safety
/// `name` is a NUL-terminated string in the server's encoding.
pub unsafe fn parse_type_string(name: *const std::ffi::c_char) -> (pg_sys::Oid, i32) {
    let (mut oid, mut typmod) = (pg_sys::InvalidOid, -1);
    // SAFETY: a NUL-terminated name, by this function's contract; both results are local.
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    unsafe {
        pg_sys::parseTypeString(name, &mut oid, &mut typmod, false)
    };
    // SAFETY: a NUL-terminated name, by this function's contract; both results are local. A null escontext means that errors
    // are raised.
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    unsafe {
        pg_sys::parseTypeString(name, &mut oid, &mut typmod, std::ptr::null_mut())
    };
    (oid, typmod)
}

/// `strVal`: the text of a string node.
///
/// # Safety
/// `node` is a string node.
pub unsafe fn string_node_text(node: *mut pg_sys::Node) -> *mut std::ffi::c_char {
    // SAFETY: a string node, by this function's contract: a Value in this version.
    #[cfg(feature = "pg14")]
    unsafe {
        (*node.cast::<pg_sys::Value>()).val.str_
    }
    // SAFETY: a string node, by this function's contract: a String in these versions.
    #[cfg(not(feature = "pg14"))]
    unsafe {
        (*node.cast::<pg_sys::String>()).sval
    }
}

/// `vacuum_delay_point` of an ANALYZE; serves interrupts.
pub fn vacuum_delay_point() {
    // SAFETY: called on the backend's thread, inside a transaction.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        pg_sys::vacuum_delay_point()
    };
    // SAFETY: called on the backend's thread, inside a transaction.
    #[cfg(feature = "pg18")]
    unsafe {
        pg_sys::vacuum_delay_point(true)
    };
}
