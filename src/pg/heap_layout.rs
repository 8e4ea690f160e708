//! How the tuples of a relation are laid out, as its descriptor says.

use pgrx::pg_sys;

use super::relation::{Attribute, Opened};
use pg_sqlite_migrate_core::heap::{self, Layout, Method};
use pg_sqlite_migrate_core::value::Wire;

// access/toast_compression.h is not among pgrx's bindings.
unsafe extern "C" {
    static default_toast_compression: std::ffi::c_int;
}

/// All attributes of a relation; `None` if a column's type has no place in a table.
///
/// # Safety
/// The relation is open.
pub(crate) unsafe fn whole(relation: pg_sys::Relation) -> Option<Layout> {
    // SAFETY: the descriptor of an open relation, by this function's contract.
    let desc = unsafe { pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att) };
    Layout::new(desc.iter().map(attribute).collect::<Option<_>>()?)
}

/// The columns of a batch for a relation whose long values may be compressed before they reach the server. A value that is
/// not made yet counts as a word. `None` where the table has a notion of its own of what is long.
pub fn of_batch(relation: pg_sys::Oid, columns: &[Attribute], wires: &[Wire]) -> Option<Layout> {
    let opened = Opened::new(relation, pg_sys::AccessShareLock as i32);
    if opened
        .options()
        .is_some_and(|options| options.toast_tuple_target as usize != heap::LONGEST_PLAIN_TUPLE)
    {
        return None;
    }
    let desc = opened.descriptor();
    let column = |(column, wire): (&Attribute, &Wire)| match wire {
        Wire::Input | Wire::Vector => Some(heap::Attribute::WORD),
        Wire::Word | Wire::Varlena | Wire::Uuid => {
            attribute(desc.iter().find(|attribute| attribute.attnum == column.attnum)?)
        }
    };
    Layout::new(columns.iter().zip(wires).map(column).collect::<Option<_>>()?)
}

fn attribute(attribute: &pg_sys::FormData_pg_attribute) -> Option<heap::Attribute> {
    let letter = |c: std::ffi::c_char| char::from(c as u8);
    heap::Attribute::new(
        attribute.attlen,
        attribute.attbyval,
        letter(attribute.attalign),
        letter(attribute.attstorage),
        method(letter(attribute.attcompression)),
    )
}

/// `attcompression`, which leaves it to the session where it says nothing.
fn method(compression: char) -> Option<Method> {
    // SAFETY: reads a backend-local variable.
    let default = unsafe { default_toast_compression } as u8;
    match if compression == '\0' { char::from(default) } else { compression } {
        'p' => Some(Method::Pglz),
        'l' => Some(Method::Lz4),
        _ => None,
    }
}
