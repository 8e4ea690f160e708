//! Bulk write into one heap relation: the sink that is always right, `heap_multi_insert`.
//!
//! Assumes an ordinary heap table without indexes, triggers, rules, row-level security, checks or generated
//! columns (`relation::attributes` verifies that), whose attributes are the batch's columns in order.

use pgrx::{PgMemoryContexts, pg_sys};

use super::xact;
use crate::value::batch::Batch;

/// Rows per `heap_multi_insert`: COPY's own limit is 1000; less keeps the formed tuples in the cache.
const CHUNK_ROWS: usize = 500;

pub struct HeapSink {
    relation: pg_sys::Relation,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    bulk: pg_sys::BulkInsertState,
    command: pg_sys::CommandId,
    /// Formed tuples of one chunk.
    tuples: PgMemoryContexts,
}

impl HeapSink {
    /// Opens the relation for a bulk insert.
    pub fn open(relation: pg_sys::Oid) -> HeapSink {
        let mut tuples = PgMemoryContexts::new("pg_sqlite_migrate tuples");
        // SAFETY: the relation stays open and locked until `finish`, or until the abort releases it; slots
        // are made in the current context, the SQL function's, and put their tuples into `tuples`.
        unsafe {
            let relation = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as i32);
            let context = tuples.value();
            let slots = (0..CHUNK_ROWS).map(|_| make_slot((*relation).rd_att, context)).collect();
            tuples.reset();
            HeapSink {
                relation,
                slots,
                bulk: pg_sys::GetBulkInsertState(),
                command: pg_sys::GetCurrentCommandId(true),
                tuples,
            }
        }
    }

    /// Inserts a sealed batch whose every word is a datum.
    pub fn insert(&mut self, batch: &mut Batch) {
        let (width, rows) = (batch.width(), batch.rows());
        let (words, nulls) = batch.cells_mut();
        if width == 0 || words.len() < rows * width || nulls.len() < rows * width {
            return;
        }
        let chunk = CHUNK_ROWS * width;
        for (values, nulls) in words.chunks_mut(chunk).zip(nulls.chunks_mut(chunk)) {
            self.insert_chunk(values, nulls, width);
        }
    }

    fn insert_chunk(&mut self, values: &mut [u64], nulls: &mut [bool], width: usize) {
        let rows = values.len() / width;
        for ((slot, values), nulls) in
            self.slots.iter().zip(values.chunks_exact_mut(width)).zip(nulls.chunks_exact_mut(width))
        {
            // SAFETY: a Datum is a u64 here, and both rows have one entry per attribute; they outlive the
            // insert below, after which the slot is filled anew or emptied.
            unsafe { fill_slot(*slot, values.as_mut_ptr().cast(), nulls.as_mut_ptr()) };
        }
        // SAFETY: `rows` slots are filled; the relation is open with RowExclusiveLock. The slots form their
        // tuples in `tuples`, which is emptied once the heap has copied them; what the insert itself
        // allocates lands there too.
        unsafe {
            let slots = self.slots.as_mut_ptr();
            let (relation, command, bulk) = (self.relation, self.command, self.bulk);
            self.tuples.switch_to(|_| {
                pg_sys::heap_multi_insert(
                    relation,
                    slots,
                    rows as i32,
                    command,
                    pg_sys::HEAP_INSERT_SKIP_FSM as i32,
                    bulk,
                );
            });
            self.tuples.reset();
        }
    }

    /// Ends the load and makes its rows visible to the next command.
    pub fn finish(self) {
        // SAFETY: releases in reverse what `open` took.
        unsafe {
            for slot in &self.slots {
                empty_slot(*slot);
                pg_sys::ExecDropSingleTupleTableSlot(*slot);
            }
            pg_sys::FreeBulkInsertState(self.bulk);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
        xact::command_counter_increment();
    }
}

/// A slot of the kind that COPY uses: virtual values, formed into a heap tuple on demand.
unsafe fn make_slot(desc: pg_sys::TupleDesc, context: pg_sys::MemoryContext) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the descriptor outlives the slot; the slot forms its tuples in `context`.
    unsafe {
        let slot = pg_sys::MakeSingleTupleTableSlot(desc, &raw const pg_sys::TTSOpsBufferHeapTuple);
        (*slot).tts_mcxt = context;
        slot
    }
}

/// `ExecStoreVirtualTuple` without its call: the values lie in the batch, not in the slot.
unsafe fn fill_slot(slot: *mut pg_sys::TupleTableSlot, values: *mut pg_sys::Datum, nulls: *mut bool) {
    // SAFETY: the slot was made by `make_slot`; its former tuple went with its memory context.
    unsafe {
        (*slot).tts_flags &= !((pg_sys::TTS_FLAG_EMPTY | pg_sys::TTS_FLAG_SHOULDFREE) as u16);
        (*slot).tts_nvalid = (*(*slot).tts_tupleDescriptor).natts as i16;
        (*slot).tts_values = values;
        (*slot).tts_isnull = nulls;
        (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>()).base.tuple = std::ptr::null_mut();
    }
}

/// Leaves a slot as if it had never been filled, so that dropping it frees nothing of ours.
unsafe fn empty_slot(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as in `fill_slot`.
    unsafe {
        (*slot).tts_flags |= pg_sys::TTS_FLAG_EMPTY as u16;
        (*slot).tts_flags &= !(pg_sys::TTS_FLAG_SHOULDFREE as u16);
        (*slot).tts_nvalid = 0;
        (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>()).base.tuple = std::ptr::null_mut();
    }
}
