//! The server's nodes and lists, read. Knows their layout and no more.

use std::ffi::c_void;

use pgrx::pg_sys;

/// # Safety
/// `node` is a node.
pub unsafe fn tag(node: *const pg_sys::Node) -> pg_sys::NodeTag {
    // SAFETY: every node begins with its tag.
    unsafe { (*node).type_ }
}

/// # Safety
/// `node` is null or a node.
pub unsafe fn is(node: *const pg_sys::Node, wanted: pg_sys::NodeTag) -> bool {
    // SAFETY: `node` is null or a node, by this function's contract; null is not looked at.
    !node.is_null() && unsafe { tag(node) } == wanted
}

/// The pointers of a list, null is the empty one.
///
/// # Safety
/// `list` holds pointers to `T` and does not change while it is walked.
pub unsafe fn items<T>(list: *const pg_sys::List) -> impl DoubleEndedIterator<Item = *mut T> {
    // SAFETY: null or a list, by this function's contract.
    let length = unsafe { length(list) };
    // SAFETY: the list has `length` elements and does not change while the iterator is used, by this function's contract.
    (0..length).map(move |i| unsafe { (*(*list).elements.add(i)).ptr_value.cast() })
}

/// # Safety
/// `list` is null or a list.
pub unsafe fn length(list: *const pg_sys::List) -> usize {
    // SAFETY: null or a list, by this function's contract; a list has its length.
    if list.is_null() { 0 } else { unsafe { (*list).length }.try_into().unwrap_or(0) }
}

/// # Safety
/// `list` is null or a list of pointers, `item` a node.
pub unsafe fn append<T>(list: &mut *mut pg_sys::List, item: *mut T) {
    // SAFETY: null or a list of pointers, by this function's contract; lappend keeps the pointer as it is.
    *list = unsafe { pg_sys::lappend(*list, item.cast()) };
}

/// The members of a set, in order.
///
/// # Safety
/// `set` is null or a set, and does not change while it is walked.
pub unsafe fn members(set: *const pg_sys::Bitmapset) -> impl Iterator<Item = i32> {
    let mut last = -1;
    std::iter::from_fn(move || {
        // SAFETY: null, which is the empty set, or a set that does not change meanwhile, by this function's contract.
        last = unsafe { pg_sys::bms_next_member(set, last) };
        (last >= 0).then_some(last)
    })
}

/// # Safety
/// `set` is null or a set.
pub unsafe fn is_empty(set: *const pg_sys::Bitmapset) -> bool {
    // SAFETY: null or a set, by this function's contract.
    unsafe { members(set) }.next().is_none()
}

/// `equal()`.
///
/// # Safety
/// Both are nodes.
pub unsafe fn equal<T>(left: *const T, right: *const T) -> bool {
    // SAFETY: two nodes, by this function's contract; equal() reads their tags.
    unsafe { pg_sys::equal(left.cast::<c_void>(), right.cast::<c_void>()) }
}

/// The node below any number of relabelings, which leave the value as it is.
///
/// # Safety
/// `node` is a node.
pub unsafe fn unlabeled(mut node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: the tag tells the node's type.
    unsafe {
        while is(node, pg_sys::NodeTag::T_RelabelType) {
            node = (*node.cast::<pg_sys::RelabelType>()).arg.cast();
        }
    }
    node
}

/// A base relation, or a child of one.
///
/// # Safety
/// `rel` is the planner's.
pub unsafe fn is_simple(rel: *const pg_sys::RelOptInfo) -> bool {
    use pg_sys::RelOptKind::{RELOPT_BASEREL, RELOPT_OTHER_MEMBER_REL};
    // SAFETY: one of the planner's relations, by this function's contract.
    matches!(unsafe { (*rel).reloptkind }, RELOPT_BASEREL | RELOPT_OTHER_MEMBER_REL)
}

/// The attributes of `relid` that the expressions use, from [`pg_sys::FirstLowInvalidHeapAttributeNumber`] on.
///
/// # Safety
/// `node` is an expression or a list of them.
pub unsafe fn pull_attributes(
    node: *mut c_void,
    relid: pg_sys::Index,
    attributes: &mut *mut pg_sys::Bitmapset,
) {
    // SAFETY: an expression or a list of them, by this function's contract; the set is the caller's own.
    unsafe { pg_sys::pull_varattnos(node.cast(), relid, attributes) }
}

/// The members of a list of integers.
///
/// # Safety
/// `list` is null or a list of integers, and does not change while it is walked.
pub unsafe fn integers(list: *const pg_sys::List) -> impl Iterator<Item = i32> {
    // SAFETY: null or a list, by this function's contract.
    let length = unsafe { length(list) };
    // SAFETY: the list has `length` integers and does not change while the iterator is used, by this function's contract.
    (0..length).map(move |i| unsafe { (*(*list).elements.add(i)).int_value })
}
