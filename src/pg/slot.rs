//! Tuple slots for `heap_multi_insert`: virtual values, formed into a heap tuple on demand, as COPY uses them.
//!
//! A slot forms its tuple in the memory context that it was made for. Code that resets that context must fill or clear
//! the slot before the server reads it again.

use pgrx::pg_sys;

use pg_sqlite_migrate_core::heap::{Cell, Length};

/// A slot for rows of `relation` that forms its tuples in `context`.
///
/// # Safety
/// The relation stays open, and the context alive, for as long as the slot is used.
pub(crate) unsafe fn make(
    relation: pg_sys::Relation,
    context: pg_sys::MemoryContext,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: an open relation and a living context, by this function's contract, which `RowSink` keeps until it drops the slot.
    unsafe {
        let slot =
            pg_sys::MakeSingleTupleTableSlot((*relation).rd_att, &raw const pg_sys::TTSOpsBufferHeapTuple);
        (*slot).tts_mcxt = context;
        (*slot).tts_tableOid = (*relation).rd_id;
        slot
    }
}

/// `ExecStoreVirtualTuple` without its call: the slot's own values and null flags are those of a row.
///
/// # Safety
/// The slot is one of [`make`]'s, its former tuple went with its memory context, and its values are filled in.
pub(crate) unsafe fn store(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: one of `make`'s slots with its values filled in, by this function's contract; its type is that of the callbacks it
    // was made with.
    unsafe {
        (*slot).tts_flags &= !((pg_sys::TTS_FLAG_EMPTY | pg_sys::TTS_FLAG_SHOULDFREE) as u16);
        (*slot).tts_nvalid = (*(*slot).tts_tupleDescriptor).natts as i16;
        (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>()).base.tuple = std::ptr::null_mut();
    }
}

/// [`store`] for a row in other arrays.
///
/// # Safety
/// As for [`store`]; both arrays have one entry per attribute and outlive the row's insert.
pub(crate) unsafe fn borrow(slot: *mut pg_sys::TupleTableSlot, values: *mut pg_sys::Datum, nulls: *mut bool) {
    // SAFETY: one of `make`'s slots, and arrays that outlive the row's insert, by this function's contract.
    unsafe {
        (*slot).tts_values = values;
        (*slot).tts_isnull = nulls;
        store(slot);
    }
}

/// `ExecMaterializeSlot`: copies the row, so that it no longer depends on what its values point to.
///
/// # Safety
/// The slot holds a row.
pub(crate) unsafe fn materialize(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the slot holds a row, by this function's contract.
    unsafe { formed(slot) };
}

/// The slot's row is there as values, not as a tuple.
///
/// # Safety
/// The slot is one of [`make`]'s and holds a row.
pub(crate) unsafe fn has_values(slot: *mut pg_sys::TupleTableSlot) -> bool {
    // SAFETY: one of `make`'s slots, by this function's contract.
    unsafe { (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>()).base.tuple.is_null() }
}

/// A value of a row that [`has_values`].
///
/// # Safety
/// The attribute is one of the relation's and of this length; the value lives as long as the result.
pub(crate) unsafe fn cell<'a>(slot: *mut pg_sys::TupleTableSlot, at: usize, length: Length) -> Cell<'a> {
    // SAFETY: a slot has a value and a flag for every attribute of its relation, and a value by reference is as long as its
    // attribute or its own header says.
    unsafe {
        if *(*slot).tts_isnull.add(at) {
            return Cell::Null;
        }
        let value = *(*slot).tts_values.add(at);
        let bytes = value.cast_mut_ptr::<u8>();
        match length {
            Length::Word(_) => Cell::Word(value.value() as u64),
            Length::Fixed(length) => Cell::Bytes(std::slice::from_raw_parts(bytes, usize::from(length))),
            Length::Varlena => {
                Cell::Bytes(std::slice::from_raw_parts(bytes, pgrx::varlena::varsize_any(bytes.cast())))
            }
        }
    }
}

/// The slot's row as a tuple, which is the slot's own.
///
/// # Safety
/// The slot holds a row.
pub(crate) unsafe fn formed(slot: *mut pg_sys::TupleTableSlot) -> pg_sys::HeapTuple {
    // SAFETY: the slot holds a row, by this function's contract; `true`: the tuple stays the slot's own.
    unsafe { pg_sys::ExecFetchSlotHeapTuple(slot, true, std::ptr::null_mut()) }
}

/// The block that the slot's row was written to.
///
/// # Safety
/// The slot is one of [`make`]'s, and its row has been inserted.
pub(crate) unsafe fn block(slot: *mut pg_sys::TupleTableSlot) -> u32 {
    // SAFETY: the slot's row was inserted, by this function's contract: the insert has filled in its address.
    let block = unsafe { (*slot).tts_tid.ip_blkid };
    u32::from(block.bi_hi) << 16 | u32::from(block.bi_lo)
}

/// Drops a slot without freeing what its context has freed already.
///
/// # Safety
/// The slot is one of [`make`]'s and is not used again.
pub(crate) unsafe fn drop(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the slot looks as if it had never been filled.
    unsafe {
        (*slot).tts_flags |= pg_sys::TTS_FLAG_EMPTY as u16;
        (*slot).tts_flags &= !(pg_sys::TTS_FLAG_SHOULDFREE as u16);
        (*slot).tts_nvalid = 0;
        (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>()).base.tuple = std::ptr::null_mut();
        pg_sys::ExecDropSingleTupleTableSlot(slot);
    }
}
