//! Rows of texts that may be many: beyond `work_mem` they are in a temporary file, as the server keeps rows of its own.
//!
//! A spool is made by a function that returns its rows, in the memory context of its calls, and lives beside that context in
//! the query's. It is released when it is dropped or read to its end. A query that has failed is not ended by the executor:
//! its memory goes as a whole, this context before that of the calls, when the transaction aborts or, if a subtransaction
//! took the error, when the cursor is closed. There is nothing to release then.

use std::cell::Cell;
use std::ffi::c_void;
use std::rc::Rc;

use pgrx::{PgMemoryContexts, pg_guard, pg_sys};

use super::datum;

/// Written first, then read once.
pub struct Spool {
    /// Null once it is released.
    store: *mut pg_sys::Tuplestorestate,
    description: pg_sys::TupleDesc,
    slot: *mut pg_sys::TupleTableSlot,
    /// Of all of these.
    context: pg_sys::MemoryContext,
    /// The context was deleted with the query's.
    gone: Rc<Cell<bool>>,
    width: usize,
    rows: u64,
}

/// A text, or none.
pub type Field = Option<String>;

impl Spool {
    /// For rows of so many texts.
    pub fn new(width: usize) -> Spool {
        // SAFETY: the context of a function's calls has a parent, the query's, which outlives it. Everything is made in a
        // context of its own there; the description gets an attribute for each column. The texts are kept as bytes, so that
        // the database's encoding has no part in them.
        unsafe {
            let parent = (*pg_sys::CurrentMemoryContext).parent;
            let context = pg_sys::AllocSetContextCreateExtended(
                parent,
                c"pg_sqlite_migrate spool".as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            let gone = told_when_gone(context);
            PgMemoryContexts::For(context).switch_to(|_| {
                let description = pg_sys::CreateTemplateTupleDesc(width as i32);
                for number in 1..=width {
                    let (name, of) = (std::ptr::null(), pg_sys::BYTEAOID);
                    pg_sys::TupleDescInitEntry(description, number as i16, name, of, -1, 0);
                }
                let kind = &raw const pg_sys::TTSOpsMinimalTuple;
                let slot = pg_sys::MakeSingleTupleTableSlot(description, kind);
                let store = pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem);
                Spool { store, description, slot, context, gone, width, rows: 0 }
            })
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends a row; texts beyond the width are left away.
    pub fn push(&mut self, row: &[Option<&str>]) {
        let bytes = |column: usize| row.get(column).copied().flatten().map(str::as_bytes);
        let mut nulls: Vec<bool> = (0..self.width).map(|column| bytes(column).is_none()).collect();
        // SAFETY: nothing is written after the release. Each text is copied into a bytea, and the row into the store; a value
        // and a flag per attribute. A text that is too long for a datum is the server's error.
        unsafe {
            let mut values: Vec<pg_sys::Datum> = (0..self.width)
                .map(|column| match bytes(column) {
                    Some(bytes) => {
                        let (start, length) = (bytes.as_ptr().cast(), bytes.len() as i32);
                        pg_sys::cstring_to_text_with_len(start, length).into()
                    }
                    None => pg_sys::Datum::null(),
                })
                .collect();
            let (store, description) = (self.store, self.description);
            pg_sys::tuplestore_putvalues(store, description, values.as_mut_ptr(), nulls.as_mut_ptr());
            values.iter().zip(&nulls).filter(|(_, null)| !**null).for_each(|(value, _)| {
                pg_sys::pfree(value.cast_mut_ptr());
            });
        }
        self.rows += 1;
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        // SAFETY: as for `push`.
        unsafe { pg_sys::tuplestore_clear(self.store) };
        self.rows = 0;
    }

    /// Closes the file, and frees the memory.
    fn release(&mut self) {
        let store = std::mem::replace(&mut self.store, std::ptr::null_mut());
        if !store.is_null() && !self.gone.get() {
            // SAFETY: released once, while the query lives.
            unsafe {
                pg_sys::tuplestore_end(store);
                pg_sys::MemoryContextDelete(self.context);
            }
        }
    }
}

/// Becomes true when the context is deleted.
///
/// # Safety
/// The context is live.
unsafe fn told_when_gone(context: pg_sys::MemoryContext) -> Rc<Cell<bool>> {
    let gone = Rc::new(Cell::new(false));
    // SAFETY: the callback lives in the context, as it has to; its count of the flag ends with the only call.
    unsafe {
        let size = size_of::<pg_sys::MemoryContextCallback>();
        let callback: *mut pg_sys::MemoryContextCallback =
            pg_sys::MemoryContextAllocZero(context, size).cast();
        (*callback).func = Some(tell_gone);
        (*callback).arg = Rc::into_raw(gone.clone()).cast_mut().cast();
        pg_sys::MemoryContextRegisterResetCallback(context, callback);
    }
    gone
}

/// # Safety
/// `flag` is a count of an `Rc`, and this its only use.
#[pg_guard]
unsafe extern "C-unwind" fn tell_gone(flag: *mut c_void) {
    // SAFETY: by this function's contract.
    unsafe { Rc::from_raw(flag.cast::<Cell<bool>>()) }.set(true);
}

impl Iterator for Spool {
    type Item = Vec<Field>;

    fn next(&mut self) -> Option<Vec<Field>> {
        if self.store.is_null() {
            return None;
        }
        // SAFETY: store and slot are not released, and have one description. A row that is read from the file is the slot's
        // until the next one, and must not be in a context that ends before. The texts are copied before that.
        unsafe {
            let (store, slot) = (self.store, self.slot);
            let read = |_: &mut PgMemoryContexts| pg_sys::tuplestore_gettupleslot(store, true, false, slot);
            if !PgMemoryContexts::For(self.context).switch_to(read) {
                self.release();
                return None;
            }
            pg_sys::slot_getsomeattrs_int(self.slot, self.width as i32);
            let field = |column: usize| {
                let (value, null) =
                    (*(*self.slot).tts_values.add(column), *(*self.slot).tts_isnull.add(column));
                (!null).then(|| String::from_utf8_lossy(datum::payload(value)).into_owned())
            };
            Some((0..self.width).map(field).collect())
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // SAFETY: reads the transaction's state. An abort closes the file itself.
        if !std::thread::panicking() && unsafe { pg_sys::IsTransactionState() } {
            self.release();
        }
    }
}
