//! Rows of texts that may be many: beyond `work_mem` they are in a temporary file, as the server keeps rows of its own.
//!
//! A spool is made in the memory context of the function call that returns its rows, and its file belongs to the query.
//! Both end with the query, also by an error; nothing is to be released here.

use pgrx::{PgMemoryContexts, pg_sys};

use super::datum;

/// Written first, then read once.
pub struct Spool {
    store: *mut pg_sys::Tuplestorestate,
    description: pg_sys::TupleDesc,
    slot: *mut pg_sys::TupleTableSlot,
    /// Lives as long as these.
    context: pg_sys::MemoryContext,
    width: usize,
    rows: u64,
}

/// A text, or none.
pub type Field = Option<String>;

impl Spool {
    /// For rows of so many texts.
    pub fn new(width: usize) -> Spool {
        // SAFETY: everything is made in the current memory context; the description gets an attribute for each column. The
        // texts are kept as bytes, so that the database's encoding has no part in them.
        unsafe {
            let description = pg_sys::CreateTemplateTupleDesc(width as i32);
            for number in 1..=width {
                let (name, of) = (std::ptr::null(), pg_sys::BYTEAOID);
                pg_sys::TupleDescInitEntry(description, number as i16, name, of, -1, 0);
            }
            let slot = pg_sys::MakeSingleTupleTableSlot(description, &raw const pg_sys::TTSOpsMinimalTuple);
            let store = pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem);
            let context = pg_sys::CurrentMemoryContext;
            Spool { store, description, slot, context, width, rows: 0 }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends a row; texts beyond the width are left away.
    pub fn push(&mut self, row: &[Option<&str>]) {
        let bytes = |column: usize| row.get(column).copied().flatten().map(str::as_bytes);
        let mut nulls: Vec<bool> = (0..self.width).map(|column| bytes(column).is_none()).collect();
        // SAFETY: each text is copied into a bytea, and the row into the store; a value and a flag per attribute. A text that
        // is too long for a datum is the server's error.
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
        // SAFETY: the store lives as long as the call.
        unsafe { pg_sys::tuplestore_clear(self.store) };
        self.rows = 0;
    }
}

impl Iterator for Spool {
    type Item = Vec<Field>;

    fn next(&mut self) -> Option<Vec<Field>> {
        // SAFETY: store and slot live as long as the call, and have one description. A row that is read from the file is the
        // slot's until the next one, and must not be in a context that ends before. The texts are copied before that.
        unsafe {
            let (store, slot) = (self.store, self.slot);
            let read = |_: &mut PgMemoryContexts| pg_sys::tuplestore_gettupleslot(store, true, false, slot);
            if !PgMemoryContexts::For(self.context).switch_to(read) {
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
